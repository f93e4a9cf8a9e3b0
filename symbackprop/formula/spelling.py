"""How a single name looks in LaTeX: exact spellings first, then functions, Greek letters, subscripts."""

from __future__ import annotations

import re

from symbackprop.errors import UserError
from symbackprop.formula.notation import Notation

GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
)
GREEK_LETTERS = dict(zip(GREEK, "αβγδϵεζηθϑικλμνξπρστυϕφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
ACCENTS = ("hat", "bar", "tilde", "dot", "vec")

# Functions by the name of their sympy class; \operatorname keeps several letters together.
FUNCTIONS: dict[str, str] = {
    "sigmoid": r"\sigma",
    "tanh": r"\tanh",
    "exp": r"\exp",
    "log": r"\ln",
    "sin": r"\sin",
    "cos": r"\cos",
    "tan": r"\tan",
    "sinh": r"\sinh",
    "cosh": r"\cosh",
    "atanh": r"\operatorname{artanh}",
    "erf": r"\operatorname{erf}",
    "sign": r"\operatorname{sign}",
    "relu": r"\operatorname{ReLU}",
    "leaky_relu": r"\operatorname{LReLU}",
    "softplus": r"\operatorname{softplus}",
    "step": r"\operatorname{step}",
    "gelu": r"\operatorname{GELU}",
    "gelu_tanh": r"\operatorname{GELU}_{tanh}",
    "silu": r"\operatorname{SiLU}",
    "elu": r"\operatorname{ELU}",
    "maximum": r"\max",
    "minimum": r"\min",
    "softmax": r"\operatorname{softmax}",
    "diag": r"\operatorname{diag}",
    "sum": r"\operatorname{sum}",
    "trace": r"\operatorname{tr}",
}

CONSTANTS = {"infty": r"\infty", "true": r"\text{true}", "false": r"\text{false}"}

_ATOM = re.compile(r"([^\W\d_]+)(\d*)")


def latex_name(name: str, notation: Notation) -> str:
    """Return the LaTeX of a name: `out_o1` is `out_{o1}`, `w7` is `w_7` or `w7`, `y_hat` is `\\hat{y}`.

    Raises `UserError` for a name that is no identifier and has no spelling in `notation.names`.
    """
    if name in notation.names:
        return notation.names[name]
    if name in notation.functions:
        return notation.functions[name]
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    base, *labels = name.split("_")
    if not _ATOM.match(base) or not all(re.fullmatch(r"\w+", label) for label in labels):
        raise UserError(f"no spelling for the name {name!r}; expected letters, digits and single underscores")
    accents = [labels.pop()] if labels and labels[-1] in ACCENTS else []
    letters, digits, rest = _split(base)
    if digits and not rest and not labels and notation.digits == "subscript":
        labels, base = [digits], letters
    text = _letters(base, notation)
    if name in notation.bold:
        text = rf"\boldsymbol{{{text}}}"
    for accent in accents:
        text = rf"\{accent}{{{text}}}"
    return text + (script("_", ",".join(_label(label, notation) for label in labels), notation) if labels else "")


def script(sign: str, body: str, notation: Notation) -> str:
    """Return `_body` or `^body`, with braces where needed or wanted."""
    bare = notation.braces == "minimal" and (len(body) == 1 or re.fullmatch(r"\\[A-Za-z]+", body))
    return f"{sign}{body}" if bare else f"{sign}{{{body}}}"


def _split(base: str) -> tuple[str, str, str]:
    found = _ATOM.match(base)
    return (found[1], found[2], base[found.end() :]) if found else (base, "", "")


def _letters(base: str, notation: Notation) -> str:
    if base == "ones":  # a column of ones
        return r"\mathbf{1}"
    letters, digits, rest = _split(base)
    if letters in GREEK:
        return f"\\{letters}" + (f" {digits}{rest}" if rest else digits)
    if notation.words == "upright" and len(letters) > 1:
        return rf"\mathrm{{{base}}}"
    return base


def _label(label: str, notation: Notation) -> str:
    if label in GREEK:
        return f"\\{label}"
    if notation.words == "upright" and len(label) > 1 and label.isalpha():
        return rf"\mathrm{{{label}}}"
    return label
