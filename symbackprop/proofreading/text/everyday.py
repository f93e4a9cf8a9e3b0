"""Everyday ways of writing that are another way of writing the same: `normalised` exchanges them, every character in its place.

Nothing here is a guess: what is exchanged looks the same on the page (`{_2}` and `_2`), or has no other meaning (`\\newline`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from symbackprop.errors import SymbackpropError
from symbackprop.formula.read.macros import Macro, defined_macros, expanded, without_definitions
from symbackprop.proofreading.text.document import Document

_SIGNS = {
    "＝": "=",
    "＋": "+",
    "－": "-",
    "（": "(",
    "）": ")",
    "，": ",",
    "\u200b": " ",
    "\ufeff": " ",
    "\xa0": " ",
    "∆": "Δ",
    "’": "'",
}
_FUNCTIONS = "log|ln|exp|tanh|sinh|cosh|sin|cos|max|min|softmax|sigmoid|relu|ReLU|sign|sgn|softplus"
_GROUP = r"\{[^{}]*\}"
_STAR = r"\^\s*(?:\*|\{\s*(?:\*|\\ast|\\star)\s*\}|\\ast(?![A-Za-z])|\\star(?![A-Za-z]))"
_SCRIPTED_NAME = rf"(?:\\?[A-Za-z]+)(?:\s*[_^]\s*(?:\w|{_GROUP}))+"
_BOLD = "mathbf|boldsymbol|bm|pmb"
#: What a factor begins with behind a point that is a sign of multiplication.
_FACTOR = r"\\(?:[dtc]?frac|partial|sum|left|nabla|sqrt|alpha|beta|gamma|delta|eta|theta|lambda|sigma|mathbf|bm)(?![A-Za-z])"

#: Further ways of writing, none of them shorter than how the reader has it.
_SPELLINGS = tuple(
    (re.compile(pattern, re.S if ".*?" in pattern else 0), repair)
    for pattern, repair in (
        (r"\\\\\\\\(?:\\\\)*", r"\\\\"),  # a line break as Markdown wants it
        (r"(?<!\\)\\(?=\n)", " "),  # a space at the end of a line
        (r"\\onedot(?![A-Za-z])", " "),  # a full stop
        (r"\{\s*(\\partial\s*\\?[A-Za-z]+(?:\s*\{[^{}]*\})?)\s*\}(\s*\^\s*(?:\d|\{\s*\d\s*\}))", r"\1\2"),
        (r"\\begin\{array\}(?!\s*\{)(.*?)\\end\{array\}", r"\\begin{split}\1\\end{split}"),
        (r"frac\s*\{\s*\\mathrm\s*\{\s*d\s*\}\s*\}\s*\{\s*\\mathrm\s*\{\s*d\s*\}", r"frac{d}{d "),
        (r"\\mbox\{(cos|sin|tanh|exp|log|ln)\}", r"{\\rm \1}"),
        (rf"\\(?:{_BOLD})\s*\{{\s*\\(?:{_BOLD})\s*\{{([^{{}}]*(?:\{{[^{{}}]*\}}[^{{}}]*)*)\}}\s*\}}", r"\\bm{\1}"),
        (r"((?:\\begin\s*\{(?:aligned|align\*?|split)\})[\s&]*)\\(?:Rightarrow|implies)(?![A-Za-z])", r"\1"),
        (r"=\s*\^\s*\{\s*(?:def|\\(?:text|mathrm)\s*\{\s*def\s*\})\s*\}\s*=?", ":="),
        (r"\\dot\s*(?=[\[(])", "*"),
        (r"(?<![_^])(?<![_^]\s)\{\s*'\s*\}", "'"),
        (r"_\s*(?:\*|\{\s*\*\s*\})", "^*"),
        (r"\A\s*(?:=>|\\Rightarrow(?![A-Za-z])|\\implies(?![A-Za-z])|\\Longrightarrow(?![A-Za-z]))", " "),
        (r"\\underset\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\s*\{?\s*\\arg\s*\\(min|max)(?![A-Za-z])\s*\}?", r"\\arg\\\2_{\1}"),
        (r"\\underset\s*\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\s*\{?\s*\\(lim|min|max)(?![A-Za-z])\s*\}?", r"\\\2_{\1}"),
        (r"\\displaystyle\s*\{\s*(\\lim\s*_\s*\{[^{}]*\})\s*\}", r"\1"),
        (r"(\^\s*(?:\d|\{\s*\d\s*\}))(\s*_\s*(?:[A-Za-z](?![A-Za-z])|\{[^{}]*\}))", r"\2\1"),
        (r"\\[!,;:](?=\s*(?:\\left\s*)?\()", " "),
        (r"\\textcircled\s*(?:\{[^{}]*\}|\d)", " "),
        (r"\\cdot\s*\*(?!\*)", r"\\odot "),
        (r"\.\s?\\?\*(?!\*)", "⊙"),
        (rf"(?<=[A-Za-z}}\])])(\s+)\.(?=\s+(?:[A-Za-z({{]|{_FACTOR}))", r"\1*"),
        (rf"(?<=[}})])\.(?=[({{]|{_FACTOR})", "*"),
        (r"\((\s*[a-z]\s*=\s*\d+\s*,\s*\d+\s*,[^()=]*)\)", " "),  # `x_i (i = 1, 2, …, n)`: which of them
        (r"\\left\s*\\\{\s*\\begin\{(?:aligned|array|split|matrix|gathered)\}(?:\s*\{[lcr|\s]*\})?", r"\\begin{cases}"),
        (r"\\end\{(?:aligned|array|split|matrix|gathered)\}\s*\\right\s*\.", r"\\end{cases}"),
        (r"(?<![A-Za-z_^}\]])\{\s*(\\?[A-Za-z]+)\s*\}(?=\s*(?:[(']|\^\{?\s*\\prime|\\left\())", r"\1"),
        (r"(?<![A-Za-z_^}\]])\{\s*(\\[A-Za-z]+|[A-Za-z])\s*\}(?=\s*[_^])", r"\1"),
        (r"\{\s*(\\(?:hat|tilde|bar|vec|dot)\s*(?:\{\s*[A-Za-z]\s*\}|[A-Za-z]))\s*\}(?=\s*[_^])", r"\1"),
        (r"\\(?:boldsymbol|mathbf|bm|pmb)\s*(\\[A-Za-z]+)(?![A-Za-z])", r"\\bm{\1}"),
        (r"(?<=[_^])\\(?:textrm|text|mathrm|textit|mathit)\s*\{\s*([A-Za-z\d]+)\s*\}", r"{\\rm \1}"),
        (r"(?<=_\{)\s*\\(?:textrm|text|mathrm|mbox|textit)\s*\{\s*([A-Za-z]+\d*)\s*\}\s*(?=\})", r"\\rm \1"),
        (r"(?<=[A-Za-z})])(\s*)\\prime(?![A-Za-z])", r"\1'"),
        (r"\\not\s*=", r"\\ne "),
        (r"\\(?:big)?triangledown(?![A-Za-z])", r"\\nabla "),
        (r"\^\{\s*<\s*([^<>{}]*?)\s*>\s*\}", r"^{(\1)}"),
        (r"(?<=\})\.(?=\\[dtc]?frac|\{*\\?[A-Za-z]+\}*[_^])", "*"),
        (r"(?<=[{(=])(\s*)\{([^{}]*[-+]\s*)([A-Za-z])\s*\}(?=\s*\^)", r"\1\2\3"),
        (r"\\textrm\{([a-z]{2,})\}(?=\s*(?:\\left\s*)?\()", r"\\mathrm{\1}"),
        (r"\\text\{(?!if|for|where|when|and|or|as|with|otherwise)([a-z]{3,})\}(?=\s*(?:\\left\s*)?\()", r"{\\rm \1}"),
        (rf"(?<![A-Za-z_^}}\]])\{{\s*({_SCRIPTED_NAME})\s*\}}(?=\s*(?:\\left\s*)?\()", r"\1"),
        (r"\\lbrack(?![A-Za-z])", "["),
        (r"\\rbrack(?![A-Za-z])", "]"),
        (r"\\Longrightarrow(?![A-Za-z])", r"\\Rightarrow "),
        (r"\\(?:Longleftrightarrow|impliedby|(?:Longl|L)eftarrow)(?![A-Za-z])", r"\\iff "),
        (rf"(?<=[({{=,+*-])(\s*)\{{\s*({_SCRIPTED_NAME})\s*\}}(?!\s*[_^'])", r"\1\2"),
        (r"\\partial\{\s*\}", r"\\partial"),
        (rf"(?<![A-Za-z\\])d\{{\s*\{{?\s*([A-Za-z])\s*\}}?\s*([_^]\s*(?:\w|{_GROUP}))\s*\}}", r"d\1\2"),
        (rf"\{{\{{\s*(d\s*[A-Za-z])\s*\}}\s*(\^\s*{_GROUP})\s*\}}", r"\1\2"),
        (r"(?<=frac)(\s*)\{\{\s*(d\s*\\?[A-Za-z]+)\s*\}\}", r"\1{\2}"),
        (r"(?<=\})(\s*)\{\{\s*(d\s*\\?[A-Za-z]+)\s*\}\}", r"\1{\2}"),
        (r"\^\{\s*[',`]\s*\}", "'"),
        (rf"\\(?:{_BOLD}|mathrm|textbf)\{{\s*((?!1\s*\}})[-+]?\d+(?:\.\d+)?)\s*\}}", r"{\1}"),
        (r"\\mathrm\{\s*1\s*\}", "{1}"),
        (rf"\\(?:{_BOLD})\s+0(?!\d)", " 0"),
        (rf"\\(?:{_BOLD}|vec)\s*(?:\s1(?!\d)|\{{\s*1\s*\}})(?!\s*(?:_|\\?[({{]|\\left))", r"\\bm{1}"),
        (rf"\\({_BOLD})\s*\{{\s*\\(hat|tilde|bar|vec|widehat|overline)\s*\{{\s*([A-Za-z])\s*\}}\s*\}}", r"\\\2{\\bm{\3}}"),
        (rf"\\({_BOLD})\s*\{{\s*\\(hat|tilde|bar|vec)\s*([A-Za-z])\s*\}}", r"\\\2{\\bm{\3}}"),
        (r"(?<=[A-Za-z}\])])\.T(?![A-Za-z])", "^T"),
        (r"\.\s*(?:dot|\\mathrm\s*\{\s*dot\s*\})\s*(?=\()", "*"),
        (r"(?<=[)}\]])\.(?=[A-Za-zα-ωΑ-Ω(\\])(?![A-Z][a-z]{2}|\\[\\ ])", "*"),
        (r"(?<=[A-Za-z])(?<![.]\w)(?<!\\left)(?<!\\right)\.(?=[α-ωΑ-Ω(]|\\[a-z]{3})", "*"),
        (r"\{\s*\\arg\s*\\(min|max)\s*\}", r"\\arg\\\1"),
        (r"\^\s*\{\s*\\(?:left)?\s*\(\s*(\w+)\s*\\right\s*\)\s*\\(top|intercal)\s*\}", r"^{(\1)\\\2}"),
        (r"\^\{\s*(\[[^\[\]{}]*\]|\([^(){}]*\))\s*(?:T|\\top|\\intercal)\s*\}", r"^{\1}ᵀ"),
        (r"\^\s*\{\s*\\left\s*\(([^(){}]*)\\right\s*\)\s*(?:T|\\top)\s*\}", r"^{(\1)}ᵀ"),
        (r"\\leqslant(?![A-Za-z])", r"\\leq "),
        (r"\\geqslant(?![A-Za-z])", r"\\geq "),
        (r"\\(?:mbox|text|textrm|textit)\{\s*(e)\s*\}(?=\s*\^)", r" \1 "),
        (rf"\\(?:mbox|text|textrm|textit)\{{\s*({_FUNCTIONS})\s*\}}(?=\s*(?:[(_^\[{{]|\\left|\\[bB]ig))", r" \1 "),
        (r"\\newline(?![A-Za-z])", r"\\\\"),
        (rf"\\(?:text)?color\s*{_GROUP}", " "),
        (r"\\(?:mathord|mathop|mathbin|mathrel|mathstrut|hfill|hline|noindent|centering)(?![A-Za-z])", " "),
        (r"\\(?:bullet|cdotp|centerdot)(?![A-Za-z])", "*"),
        (r"_\{\s*\\forall(?![A-Za-z])", "_{"),
        (r",\s*;", ","),
        (r"\.{3,}", "…"),
        (rf"(?<![_^])\{{\s*(_\s*(?:\w|{_GROUP}))\s*\}}", r"\1"),
        (rf"\\({_BOLD})\{{\s*(\\?[A-Za-z]+)\s*_\s*(\w|{_GROUP})\s*\}}", r"\\\1{\2}_\3"),
        (r"\\\\\s*(?=\\\\)", ""),  # an empty line says nothing
        (r"([-+=]\s*)\\\\(?!\s*(?:[&=]|\[|\Z))", r"\1"),  # a line that ends with a sign goes on
        (_STAR, "^*"),
        (rf"(_\s*(?:\w|{_GROUP}))\s*\^\*", r"^*\1"),
        (r"~=", "≈"),
    )
)


def normalised(text: str) -> str:
    """Return a formula with full-width signs as mathematics and invisible characters gone, every character in its place."""
    plain = without_definitions("".join(_SIGNS.get(letter, letter) for letter in text))
    plain = _aligned(_unquoted(plain))
    for pattern, repair in _SPELLINGS:
        plain = pattern.sub(lambda found, repair=repair: found.expand(repair).ljust(len(found[0])), plain)  # type: ignore[misc]
    return plain if "\\{" in plain or "\\lbrace" in plain else _LONE_BRACE.sub(lambda found: " " * len(found[0]), plain)


#: Lines of a formula in a quotation, each behind its sign.
_QUOTED = re.compile(r"[^\n]*(?:\n[ \t]*>[^\n]*)+\s*")
_QUOTATION = re.compile(r"(?m)^([ \t]*)>")
_ARRAY = re.compile(r"\\begin\s*\{array\}\s*\{[lcr@{}|\s]*\}((?:(?!\\begin\s*\{array).)*?)\\end\s*\{array\}", re.S)
_BESIDE_A_SIGN = re.compile(r"&\s*(?:=|\\approx|\\equiv|\\leq?|\\geq?|\\propto)\s*&|&\s*=")


def _unquoted(text: str) -> str:
    """Return a formula without the `>` that begins each line of a quotation."""
    return _QUOTATION.sub(r"\1 ", text) if "\n" in text and _QUOTED.fullmatch(text) else text


def _aligned(text: str) -> str:
    """Return a formula with an array whose columns stand beside equals signs as what it is: lines one below the other."""

    def lines(found: re.Match[str]) -> str:
        if not _BESIDE_A_SIGN.search(found[1]):
            return found[0]
        return found[1].rjust(found.end(1) - found.start()).ljust(len(found[0]))

    return _ARRAY.sub(lines, text) if "{array}" in text and "\\left" not in text.split("\\begin", 1)[0] else text


#: `\left. … \right\}`: a brace that holds lines together from behind.
_LONE_BRACE = re.compile(r"\\left\s*\.|\\right\s*\\\}")


def document_macros(document: Document) -> Mapping[str, Macro]:
    """Return the macros that a document defines for itself, not by themselves; ℓ is the letter l where that is not used."""
    defined = defined_macros(f"{document.put_in}\n{document.text}" if document.put_in else document.text)
    plain = {name: replace(macro, body=normalised(macro.body)) for name, macro in defined.items()}
    found = {name: macro for name, macro in plain.items() if not re.search(rf"\\{name}(?![A-Za-z])", macro.body)}
    for name, macro in _OF_PACKAGES.items():
        if f"\\{name}" in document.text:
            found.setdefault(name, macro)
    if r"\ell" in document.text:
        alone = not any(_LETTER_L.search(formula.text) for formula in document.formulas())
        found.setdefault("ell", Macro(0, "l" if alone else r"\mathrm{ell}"))
    return MappingProxyType(found)


#: Macros that texts use without a definition of their own: those of the package physics, and the usual sets.
_OF_PACKAGES = {
    "pdv": Macro(2, r"\frac{\partial #1}{\partial #2}"),
    "pd": Macro(2, r"\frac{\partial #1}{\partial #2}"),
    "dv": Macro(2, r"\frac{d #1}{d #2}"),
    "abs": Macro(1, r"\left|#1\right|"),
    "norm": Macro(1, r"\left\|#1\right\|"),
    "R": Macro(0, r"\mathbb{R}"),
}
_LETTER_L = re.compile(r"(?<![A-Za-z\\])l(?![A-Za-z])")


def with_macros_put_in(text: str, macros: Mapping[str, Macro]) -> str:
    """Return a formula with the macros put in, as far as that is possible: what names it holds."""
    try:
        return expanded(text, macros)[0] if macros else text
    except SymbackpropError:
        return text
