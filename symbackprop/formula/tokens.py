"""The vocabulary of LaTeX formulas: which spellings are which tokens; and `ReadError`, an error with a place and a repair."""

from __future__ import annotations

import re

from symbackprop.errors import UserError
from symbackprop.formula.latex import RELATIONS


class ReadError(UserError):
    """A formula that cannot be read: `span` is where, `repair` what to write there instead, if that is certain."""

    def __init__(self, message: str, span: tuple[int, int], repair: str | None = None) -> None:
        super().__init__(f"at position {span[0]}: {message}")
        self.message = message
        self.span = span
        self.repair = repair


SKIPPED = re.compile(
    r"\s+|~|\\[,;:! ]|\\(?:displaystyle|limits|nolimits|nonumber|notag|left\.|right\.)(?![A-Za-z])"
    r"|\\(?:left|right|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|biggl|biggr|middle)(?![A-Za-z])"
    r"|\\(?:label|tag\*?)\s*\{[^{}]*\}"
    r"|\\(?:begin|end)\s*\{(?:aligned|align\*?|split|equation\*?|gather\*?|gathered|eqnarray\*?)\}|%[^\n]*"
)
LINE_BREAK = re.compile(r"\\\\(?:\[[^\]]*\])?|(\\q?quad(?![A-Za-z])|\\hspace\*?\s*\{[^{}]*\})")
LAST_PUNCTUATION = re.compile(rf"(?=[.;,\u3002\uff0c\uff1b])(?>[.;,\u3002\uff0c\uff1b]|{SKIPPED.pattern})++\Z")
NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
RUN = re.compile(r"[^\W\d_]+\d*")
MACRO = re.compile(r"\\(?:operatorname\*|[A-Za-z]+|.)")
CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")
GROUPED = {
    **{kind: kind for kind in ("hat", "bar", "tilde", "dot", "vec")},
    "widehat": "hat",
    "overline": "bar",
    "widetilde": "tilde",
    "overrightarrow": "vec",
}
BOLD = ("mathbf", "boldsymbol", "bm", "textbf", "pmb")
STYLED = (*BOLD, "mathrm", "mathit", "mathsf", "operatorname", "operatorname*", "text", "textrm", "textit", "mbox")
PROSE = ("text", "textrm", "textit", "mbox")
UPDATE = re.compile(r"\^\s*(?:\+|\{\s*(?:\+|\(?\s*(?:new|\\(?:text|mathrm)\s*\{\s*new\s*\})\s*\)?)\s*\})")
PRIME = re.compile(r"'|′|\^\s*(?:\\prime(?![A-Za-z])|\{\s*\\prime\s*\})")
TOP = re.compile(
    r"\^\s*(?:\\top(?![A-Za-z])|\\intercal(?![A-Za-z])|\\math(?:sf|rm)\s*\{?T\}?"
    r"|\{\s*(?:\\top|\\intercal|\\math(?:sf|rm)\s*\{?T\}?|\\rm\s*T)\s*\})"
)
PLAIN_T = re.compile(r"\^\s*(?:T|\{\s*T\s*\})")
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
    r"\iff": ("REL", "⇔"),
    r"\lt": ("REL", "<"),
    r"\gt": ("REL", ">"),
    "=": ("REL", "="),
    "+": ("PLUS", "+"),
    "-": ("MINUS", "-"),
    "−": ("MINUS", "-"),
    **dict.fromkeys(("*", "·", "×", "⋅", "∗", r"\cdot", r"\times", r"\ast"), ("TIMES", "*")),
    **dict.fromkeys(("⊙", "∘", r"\odot", r"\circ", r"\bigodot"), ("ODOT", "⊙")),
    "/": ("SLASH", "/"),
    ",": ("COMMA", ","),
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
    r"\sqrt": ("ROOT", "√"),
    **dict.fromkeys((r"\land", r"\wedge", "∧"), ("LAND", "and")),
    **dict.fromkeys((r"\lor", r"\vee", "∨"), ("LOR", "or")),
}
BIG_WORD = re.compile(r"\\(?:operatorname\*?\s*\{\s*)?(arg)?(?:\\,|\\|\s)*(max|min)(?![A-Za-z])\s*\}?(?=\s*_)")
FACTOR_START = frozenset(
    "NAME NUMBER FUNC LP LS LC LB FRAC ROOT LBAR LNORM MARK BLANK NABLA CHANGE PARTIAL KRONECKER".split()  # noqa: SIM905
)
OPERAND_END = frozenset(("NAME", "NUMBER", "RP", "RS", "RC", "RB", "PRIME", "UPDATE", "TOP", "RBAR", "RNORM", "BLANK"))
