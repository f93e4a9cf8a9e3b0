"""The vocabulary of LaTeX formulas: which spellings are which tokens; and `ReadError`, an error with a place and a repair."""

from __future__ import annotations

import re
from typing import NamedTuple

from symbackprop.errors import UserError
from symbackprop.formula.print.latex import RELATIONS


class ReadError(UserError):
    """A formula that cannot be read: `span` is where, `repair` what to write there instead, if that is certain."""

    def __init__(self, message: str, span: tuple[int, int], repair: str | None = None) -> None:
        super().__init__(f"at position {span[0]}: {message}")
        self.message = message
        self.span = span
        self.repair = repair


class Token(NamedTuple):
    """A piece of a formula: what it is, what it says, and where it stands."""

    type: str
    value: str
    start: int
    end: int


SKIPPED = re.compile(
    r"\s+|~|\\[,;:! ]|\\(?:space|enspace|thinspace|medspace|thickspace|allowbreak|mathord|hfill)(?![A-Za-z])"
    r"|[\u200b-\u200d\u2060\ufeff\u00ad]+"
    r"|\\(?:rm|it|bf|sf|tt|displaystyle|textstyle|limits|nolimits|nonumber|notag)(?![A-Za-z])|\\(?:left|right)\s*\."
    r"|\\(?:tiny|scriptsize|footnotesize|small|normalsize|large|Large|scriptstyle)(?![A-Za-z])|\{\s*\}"
    r"|\\(?:left|right|middle|(?:big|Big|bigg|Bigg)[lmr]?)(?![A-Za-z])"
    r"|\\(?:label|tag\*?)\s*\{[^{}]*\}"
    r"|\\(?:begin|end)\s*\{(?:aligned|split|gathered|displaymath|math|(?:align|flalign|equation|gather|eqnarray|multline)\*?)\}"
    r"|\\(?:begin|end)\s*\{alignat\*?\}(?:\s*\{\d\})?|%[^\n]*"
)
LINE_BREAK = re.compile(r"\\\\(?:\[[^\]]*\])?|(\\q?quad(?![A-Za-z])|\\hspace\*?\s*\{[^{}]*\})")
STYLED_GROUP = re.compile(r"\{\s*\\(?:rm|it|bf|cal|sf|tt)(?![A-Za-z])\s*[A-Za-z]+\d*\s*\}")
RUN = re.compile(r"[^\W\d_]+\d*(?:(?:\\_|\{\s*\\_\s*\})[^\W_]+|\{\s*\\_[^\W_]+\s*\})*")
#: `ylna`: a function written between the letters of two factors.
RUN_WITH_FUNCTION = re.compile(r"([A-Za-z]?)(ln|log|exp|tanh|sin|cos)([A-Za-z])")
#: Words of a sentence between formulas, which are no names.
PROSE_WORD = re.compile(
    r"(?:Let|Then|Given|Define|Suppose|Since|Thus|Hence|So|Where|where|because|since|then|when|if|for|and|with|otherwise)"
    r"(?![A-Za-z0-9_^(\[=]|\s*[_^(\[=])"
)
MACRO = re.compile(r"\\(?:operatorname\*|[A-Za-z]+|.)")
#: Full-width signs that are mathematics, one for one.
_MATHEMATICS = "=+-*/()[]<>|^_."
FULL_WIDTH = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0).isalnum() or chr(code - 0xFEE0) in _MATHEMATICS
}
CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")
MATRIX = re.compile(r"\\(begin|end)\s*\{(?:[pbB]?matrix\*?|smallmatrix|array)\}(?:\s*\{[clr|@{}\s]*\}|\s*\[[clr]\])?")
#: A piece of text in a formula that has a width of its own.
TEXT_BOX = re.compile(r"\\begin\s*\{minipage\}(.*?)\\end\s*\{minipage\}", re.S)
CASES = re.compile(r"\\(begin|end)\s*\{cases\}")
#: Macros of which one argument is shown above or below the other: how many, and which is read.
ANNOTATED = {"underbrace": 0, "overbrace": 0, "stackrel": 1, "overset": 1, "underset": 1, "boxed": 0, "phantom": None}
BRACED = ("underbrace", "overbrace")
GROUPED = {
    **{kind: kind for kind in ("hat", "bar", "tilde", "dot", "vec")},
    "widehat": "hat",
    "overline": "bar",
    "widetilde": "tilde",
    "overrightarrow": "vec",
}
BOLD = ("mathbf", "boldsymbol", "bm", "textbf", "pmb")
#: Letters in these are other letters: ℒ is not L, ℝ not R.
SCRIPTED = ("mathcal", "mathscr", "mathfrak", "mathbb")
STYLED = (*BOLD, "mathrm", "mathit", "mathsf", "operatorname", "operatorname*", "text", "textrm", "textit", "mbox")
PROSE = ("text", "textrm", "textit", "mbox")
UPDATE = re.compile(r"\^\s*(?:\+|\{\s*(?:\+|\(?\s*(?:new|\\(?:text|mathrm)\s*\{\s*new\s*\})\s*\)?)\s*\})")
PRIME = re.compile(r"'|′|\^\s*(?:\\prime(?![A-Za-z])|\{\s*((?:\\prime(?![A-Za-z])|'|′)(?:\s*(?:\\prime(?![A-Za-z])|'|′))*)\s*\})")
TOP = re.compile(
    r"\^\s*(?:\\top(?![A-Za-z])|\\intercal(?![A-Za-z])|\\math(?:sf|rm)\s*\{?T\}?"
    r"|\{\s*(?:\\top|\\intercal|\\math(?:sf|rm)\s*\{?T\}?|\\rm\s*T)\s*\})"
)
PLAIN_T = re.compile(r"\^\s*(?:T|\{\s*T\s*\})")
INDICATOR = re.compile(r"\\(?:mathbb|mathbf)\s*(?:\{\s*1\s*\}|1)(?=\s*(?:\\left\s*)?(?:\(|\\\{|\[))")
KRONECKER = re.compile(r"(?:\\mathbb\s*\{\s*1\s*\}|\\mathbb\s*1|\\mathbf\s*\{\s*1\s*\}|\\delta(?![A-Za-z])|δ)(?=\s*_)")
BLANK = re.compile(r"\\underline\s*\{\s*\\hspace\*?\s*\{\s*([0-9.]+)em\s*\}\s*\}")

SYMBOLS: dict[str, tuple[str, str]] = {
    **{sign: ("REL", sign) for sign in RELATIONS if sign not in ":="},
    **{latex: ("REL", sign) for sign, latex in RELATIONS.items() if latex.startswith("\\")},
    r"\leq": ("REL", "≤"),
    r"\geq": ("REL", "≥"),
    r"\neq": ("REL", "≠"),
    r"\gets": ("REL", "←"),
    r"\coloneqq": ("REL", ":="),
    r"\triangleq": ("REL", ":="),
    r"\rightarrow": ("REL", "→"),
    r"\simeq": ("REL", "≈"),
    r"\implies": ("REL", "⇒"),
    "=>": ("REL", "⇒"),
    r"\iff": ("REL", "⇔"),
    r"\leqslant": ("REL", "≤"),
    r"\geqslant": ("REL", "≥"),
    r"\longrightarrow": ("REL", "→"),
    r"\equiv": ("REL", "≡"),
    r"\lt": ("REL", "<"),
    r"\gt": ("REL", ">"),
    "=": ("REL", "="),
    "+": ("PLUS", "+"),
    "-": ("MINUS", "-"),
    "−": ("MINUS", "-"),
    **dict.fromkeys(("*", "·", "×", "⋅", "∗", r"\cdot", r"\times", r"\ast", r"\*"), ("TIMES", "*")),
    **dict.fromkeys(("⊙", "∘", r"\odot", r"\circ", r"\bigodot"), ("ODOT", "⊙")),
    "/": ("SLASH", "/"),
    r"\ge": ("REL", "≥"),
    r"\le": ("REL", "≤"),
    ">=": ("REL", "≥"),
    "<=": ("REL", "≤"),
    "!=": ("REL", "≠"),
    ":=": ("REL", ":="),
    "==": ("REL", "="),
    ",": ("COMMA", ","),
    r"\langle": ("LP", "("),
    r"\rangle": ("RP", ")"),
    "(": ("LP", "("),
    ")": ("RP", ")"),
    "[": ("LS", "["),
    "]": ("RS", "]"),
    r"\{": ("LC", "{"),
    r"\}": ("RC", "}"),
    r"\lbrace": ("LC", "{"),
    r"\rbrace": ("RC", "}"),
    "\uff08": ("LP", "("),
    "\uff09": ("RP", ")"),
    "{": ("LB", "{"),
    "}": ("RB", "}"),
    r"\lvert": ("LBAR", "|"),
    r"\rvert": ("RBAR", "|"),
    r"\lVert": ("LNORM", "‖"),
    r"\rVert": ("RNORM", "‖"),
    **dict.fromkeys((r"\partial", "∂"), ("PARTIAL", "∂")),
    **dict.fromkeys((r"\nabla", "∇"), ("NABLA", "∇")),
    **dict.fromkeys((r"\sum", "∑"), ("BIG", "sum")),
    **dict.fromkeys((r"\prod", "∏"), ("BIG", "prod")),
    **dict.fromkeys((r"\Delta", "Δ"), ("CHANGE", "Δ")),
    **dict.fromkeys((r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"), ("FRAC", "/")),
    **dict.fromkeys((r"\int", r"\iint", r"\oint", "∫"), ("INT", "integral")),
    **{rf"\{word}": ("OPERATOR", word) for word in ("otimes", "oplus", "ominus", "cup", "cap", "setminus", "pm", "mp", "bigcup")},
    **{sign: ("OPERATOR", word) for sign, word in (("⊗", "otimes"), ("⊕", "oplus"), ("∪", "cup"), ("∩", "cap"), ("±", "pm"))},
    "@": ("TIMES", "*"),
    "ᵀ": ("TOP", "^"),
    **dict.fromkeys((r"\because", "∵"), ("TEXT", "because")),
    **dict.fromkeys((r"\exists", "∃"), ("TEXT", "there is")),
    **dict.fromkeys((r"\therefore", "∴"), ("TEXT", "therefore")),
    **dict.fromkeys((r"\dots", r"\ldots", r"\cdots", r"\dotsc", r"\dotsb", r"\vdots", r"\ddots", "…", "⋯"), ("NAME", "dots")),
    **dict.fromkeys((r"\land", r"\wedge", "∧"), ("LAND", "and")),
    **dict.fromkeys((r"\lor", r"\vee", "∨"), ("LOR", "or")),
}
NORM_LABEL = re.compile(
    r"_\s*(?:(F|1|2|\\infty(?![A-Za-z])|∞)(?![A-Za-z0-9])|\{\s*(?:\\rm\s+)?(F|fro|1|2|\\infty|∞)\s*\}"
    r"|\{\s*\\(?:text|textrm|mathrm)\s*\{\s*(F|fro)\s*\}\s*\}|\\(?:text|textrm|mathrm)\s*\{\s*(F|fro)\s*\})"
)
BIG_WORD = re.compile(
    r"\\(?:operatorname\*?\s*\{\s*)?(?:(arg)?(?:\\,|\\|\s)*(max|min|lim)(?![A-Za-z])\s*\}?(?=\s*(?:\\limits\s*)?_)"
    r"|(arg)(?:\\,|\\|\s)*(max|min)(?![A-Za-z])\s*\}?)"
)
FACTOR_START = frozenset(
    "NAME NUMBER FUNC LP LS LC LB FRAC ROOT LBAR LNORM MARK BLANK NABLA CHANGE PARTIAL KRONECKER CASES MATRIX LU INT".split()  # noqa: SIM905
)
OPERAND_END = frozenset(
    ("NAME", "NUMBER", "RP", "RS", "RC", "RB", "PRIME", "UPDATE", "TOP", "RBAR", "RNORM", "BLANK", "FACTORIAL")
)
