"""MathML as our printer makes it, turned back into LaTeX, so that the reader of formulas can read a page in HTML. For tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

from symbackprop.formula.notation.spelling import GREEK_LETTERS

Element = ElementTree.Element

_GREEK = {letter: f"\\{name} " for name, letter in GREEK_LETTERS.items()}
_SIGNS = {
    "−": "-", "·": r"\cdot ", "×": r"\times ", "⊙": r"\odot ", "∂": r"\partial ", "⊤": r"\top ", "∑": r"\sum", "∏": r"\prod",
    "≥": r"\ge ", "≤": r"\le ", "≠": r"\ne ", "∧": r"\land ", "∨": r"\lor ", "\u2061": "", "\u2062": "", "′": "'",
    "𝟙": r"\mathbb{1}",
    "∞": r"\infty ", "{": r"\{", "}": r"\}",
}  # fmt: skip
_WORDS = frozenset(("exp", "ln", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "max", "min"))
_MATH = re.compile(r"<math[^>]*>.*?</math>", re.S)
_LINES = re.compile(r'<table class="lines.*?</table>', re.S)
_LINE = re.compile(r"<tbody>.*?</tbody>", re.S)
_WHY = re.compile(r'<td class="(?:because|why)".*?</td>', re.S)


def html_statements(page: str) -> list[str]:
    """Return the statements of all blocks of formulas as LaTeX, in order; broken rows are joined as the reader expects."""
    return [
        " \\\\ ".join(_rows(_WHY.sub("", line))) for block in _LINES.findall(_uncovered(page)) for line in _LINE.findall(block)
    ]


def _uncovered(page: str) -> str:
    """Return a page without what stands in the place of answers while they are covered."""
    while (found := re.search(r'<(span|div|math) class="(?:[a-z]+ )?asked">', page)) is not None:
        depth, end = 0, len(page)
        for tag in re.finditer(rf"<(/?){found[1]}\b[^>]*>", page[found.start() :]):
            depth += -1 if tag[1] else 1
            if depth == 0:
                end = found.start() + tag.end()
                break
        page = page[: found.start()] + page[end:]
    return page


def _rows(line: str) -> list[str]:
    return [" ".join(latex(math) for math in _MATH.findall(row)) for row in line.split("</tr>") if "<math" in row]


def latex(math: str) -> str:
    """Return a `<math>` element as LaTeX."""
    return _latex(ElementTree.fromstring(math)).strip()


def _latex(node: Element) -> str:
    rule = _RULES.get(node.tag)
    assert rule is not None, f"the tests cannot read <{node.tag}>"
    return rule(node)


def _row(node: Element) -> str:
    children = list(node)
    if [child.tag for child in children] == ["mo", "mtable"]:
        return _latex(children[1])
    return " ".join(_latex(child) for child in children)


def _letters(node: Element) -> str:
    text, style = node.text or "", "italic" if node.get("class") == "i" else node.get("style", "")
    if "bold" in style:
        return rf"\mathbf{{{text}}}"
    if text in _GREEK:
        return _GREEK[text]
    if text in _WORDS and not style:
        return f"\\{text}"
    if len(text) > 1 and not style and node.tag == "mi":
        return rf"\operatorname{{{text}}}"
    return _SIGNS.get(text, text)


def _sub(base: str, below: Element) -> str:
    """Write a subscript; a thin space parts the end of a name from its indices, `{W_1}_{ij}`."""
    parts = list(below)
    thin = next((at for at, part in enumerate(parts) if part.tag == "mspace" and part.get("width") == "0.2em"), None)
    if thin is None:
        return f"{base}_{{{_latex(below)}}}"
    label = "".join(_latex(part) for part in parts[:thin])
    return f"{{{base}_{{{label}}}}}_{{{' '.join(_latex(part) for part in parts[thin + 1 :])}}}"


def _base(node: Element) -> str:
    while node.tag == "mrow" and len(node) == 1:
        node = node[0]
    body = _latex(node)
    return body if node.tag in ("mi", "mn", "mo") or body.startswith(("(", r"\left")) else f"{{{body}}}"


def _sup(body: str, above: Element) -> str:
    script = _latex(above).strip()
    return body + ("'" if script == "'" else f"^{{{script}}}")


def _cases(node: Element) -> str:
    rows = (" & ".join(_latex(cell) for cell in row) for row in node)
    return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"


_RULES: dict[str, Callable[[Element], str]] = {
    "math": _row,
    "mrow": _row,
    "mtd": _row,
    "mi": _letters,
    "mn": _letters,
    "mo": lambda node: _SIGNS.get(node.text or "", node.text or ""),
    "mtext": lambda node: rf"\text{{{node.text}}}",
    "mspace": lambda node: "",
    "mfrac": lambda node: rf"\frac{{{_latex(node[0])}}}{{{_latex(node[1])}}}",
    "msqrt": lambda node: rf"\sqrt{{{_row(node)}}}",
    "msub": lambda node: _sub(_base(node[0]), node[1]),
    "msup": lambda node: _sup(_base(node[0]), node[1]),
    "msubsup": lambda node: _sup(_sub(_base(node[0]), node[1]), node[2]),
    "munder": lambda node: f"{_latex(node[0])}_{{{_latex(node[1])}}}",
    "munderover": lambda node: f"{_latex(node[0])}_{{{_latex(node[1])}}}^{{{_latex(node[2])}}}",
    "mtable": _cases,
}
