"""A short text of a drawing as runs with subscripts, and as LaTeX, from one source.

`out_o1` is an italic "out" with the subscript "o1"; `(out_o1 - target_o1)·w7` is styled name by name. How a name looks is the
notation's affair, so a diagram and the formulas next to it agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from symbackprop.errors import UserError
from symbackprop.formula.notation.latex_names import latex_name
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.spelling import GREEK_LETTERS, WORDS
from symbackprop.formula.print import latex as latex_printer
from symbackprop.formula.print import text as text_printer
from symbackprop.formula.print.latex_prose import latex_prose
from symbackprop.formula.tree.tree import Formula

Written = str | Formula  # what a caller may give as a text: plain Unicode, or a formula

#: Size of a subscript or superscript relative to its base.
SCRIPT = 0.72
#: Width of a blank relative to the size of the text.
BLANK = 0.3
_NAME = re.compile(r"[^\W\d_ᵀ⁰¹²³⁴-⁹](?:(?![ᵀ⁰¹²³⁴-⁹])\w)*(?:\[[\w,' +-]*\])?")
_MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307", "vec": "\u20d7"}
_IN_LATEX = {
    "·": r"\cdot ", "∂": r"\partial ", "Σ": r"\Sigma ", "σ": r"\sigma ", "−": "-", "≈": r"\approx ", "⊙": r"\odot ",
    "→": r"\to ", "ᵀ": r"^{\top}", "⁺": "^{+}", "√": r"\surd ", "…": r"\ldots ", "×": r"\times ", "∇": r"\nabla ",
    " ": r"\ ", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "_": r"\_", "^": r"{\wedge}",
    "~": r"\sim ", "\\": r"\backslash ",
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", (f"^{{{digit}}}" for digit in range(10)), strict=True)),
}  # fmt: skip
_GREEK_LATEX = {letter: rf"\{name} " for name, letter in GREEK_LETTERS.items()}


@dataclass(frozen=True, slots=True)
class StyledRun:
    """Characters of one style; `level` is -1 for a subscript, 1 for a superscript; `asked` stands there while covered."""

    text: str
    italic: bool = False
    level: int = 0
    asked: str = ""


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text as runs (for SVG) and as LaTeX (for TikZ)."""

    runs: tuple[StyledRun, ...]
    latex: str

    @property
    def plain(self) -> str:
        """The characters alone."""
        return "".join(run.text for run in self.runs)

    def __add__(self, other: StyledText) -> StyledText:
        return StyledText(self.runs + other.runs, self.latex + other.latex)


def prose(text: str) -> StyledText:
    """Return upright prose."""
    return StyledText((StyledRun(text),), rf"\mbox{{{latex_prose(text)}}}")


def styled_name(name: str, notation: Notation) -> StyledText:
    """Return a name as the notation spells it."""
    spelled = "".join(_GREEK_LATEX.get(sign, sign) for sign in latex_name(name, notation))
    return StyledText(_runs_of_latex(spelled), spelled)


def styled(written: Written, notation: Notation) -> StyledText:
    """Return a text or formula with every name in it lettered as a name, everything else upright."""
    if isinstance(written, Formula):
        runs = styled(text_printer.text(written, notation), notation).runs
        return StyledText(runs, latex_printer.latex(written, notation))
    result = StyledText((), "")
    position = 0
    for found in _NAME.finditer(written):
        result = result + _upright(written[position : found.start()]) + _name_in_text(found[0], notation)
        position = found.end()
    return result + _upright(written[position:])


def _name_in_text(token: str, notation: Notation) -> StyledText:
    name, bracket, indices = token.partition("[")
    if name in WORDS:
        return StyledText((StyledRun(name),), rf"\mathrm{{{name}}}")
    if not name.isascii() and not re.fullmatch(r"[\u0370-\u03ff]\w*", name):
        return prose(token)
    try:
        lettered = styled_name(name, notation)
    except UserError:  # a word the notation cannot spell is prose
        return prose(token)
    if not bracket:
        return lettered
    inside = indices.rstrip("]").replace(" ", "")
    return lettered + StyledText((StyledRun(inside, True, -1),), f"_{{{inside}}}" if "_" not in lettered.latex else f"[{inside}]")


def _upright(text: str) -> StyledText:
    if not text:
        return StyledText((), "")
    dense = re.sub(r" *([-+=≈→−·]) *", r"\1", text)  # LaTeX spaces operators itself
    return StyledText((StyledRun(text.replace("-", "−")),), signs_latex(dense))


def signs_latex(text: str) -> str:
    """Return digits and signs for LaTeX's mathematics."""
    return "".join(_IN_LATEX.get(sign) or _GREEK_LATEX.get(sign, sign) for sign in text)


_TOKEN = re.compile(r"\\([A-Za-z]+)\*?|([_^])|([{}])|(\s+)|(.)")


class _Setting(NamedTuple):
    """How letters are set: below or above the line, upright, under an accent."""

    level: int = 0
    upright: bool = False
    accent: str = ""


#: What a token changes in the setting of what follows it.
_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "_": {"level": -1, "accent": ""},
    "^": {"level": 1, "accent": ""},
    **{command: {"accent": mark} for command, mark in _MARKS.items()},
    **{command: {"upright": True} for command in ("mathrm", "text", "operatorname", "mbox", "mathsf", "textrm")},
    **{command: {"upright": False} for command in ("boldsymbol", "mathbf", "mathit", "mathcal")},
}


def _runs_of_latex(latex: str) -> tuple[StyledRun, ...]:
    r"""Read the small LaTeX of a name (letters, Greek, scripts, accents, `\mathrm`) into runs."""
    runs: list[StyledRun] = []
    around = _Setting()
    pending: _Setting | None = None  # of the next token or group
    stack: list[_Setting] = []
    for command, script, brace, blank, letter_ in _TOKEN.findall(latex):
        if blank:
            continue
        if brace == "}":
            around = stack.pop() if stack else _Setting()
            continue
        now = pending or around
        changed = _CHANGES.get(command or script)
        if changed is not None:
            pending = now._replace(**changed)
        elif brace == "{":
            stack.append(around)
            around, pending = now, None
        else:
            shown = GREEK_LETTERS.get(command, command) if command else letter_
            runs.append(StyledRun(shown + now.accent, shown.isalpha() and not now.upright, now.level))
            pending = None
    return _joined(runs)


def _joined(runs: list[StyledRun]) -> tuple[StyledRun, ...]:
    joined: list[StyledRun] = []
    for run in runs:
        if joined and (joined[-1].italic, joined[-1].level) == (run.italic, run.level):
            joined[-1] = StyledRun(joined[-1].text + run.text, run.italic, run.level)
        else:
            joined.append(run)
    return tuple(joined)


_NARROW = {**dict.fromkeys("iljt.,:;'|!·", 0.32), **dict.fromkeys("frI()[]-⁺", 0.4), **dict.fromkeys("mwMW", 0.85)}
_WIDE = {**dict.fromkeys("=+−<>≈→Σ×…", 0.78), "∂": 0.6, " ": 0.3, "_": 0.5}


def width(text: StyledText, size: float) -> float:
    """Return an upper estimate of the width in the serif faces a reader may have (Times to Latin Modern)."""
    return sum(_letter_width(sign) * (SCRIPT if run.level else 1) for run in text.runs for sign in run.text) * size


def _letter_width(sign: str) -> float:
    if "\u0300" <= sign <= "\u036f" or sign == "\u20d7":
        return 0.0
    if sign >= "\u2e80":  # Chinese, Japanese, Korean: a full square
        return 1.02
    known = _NARROW.get(sign) or _WIDE.get(sign)
    if known is not None:
        return known
    return 0.72 if sign.isupper() else 0.53
