"""Names that have a spelling of their own: Greek letters, accents, functions, constants."""

from __future__ import annotations

import re

from symbackprop.functions import BY_NAME

GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "varsigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
)
GREEK_LETTERS = dict(zip(GREEK, "αβγδϵεζηθϑικλμνξπρσςτυϕφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
ACCENTS = ("hat", "bar", "tilde", "dot", "vec")

#: Functions by name: the elementary ones, and those of matrices.
FUNCTIONS: dict[str, str] = {
    **{row.name: row.latex for row in BY_NAME.values() if row.latex},
    "softmax": r"\operatorname{softmax}",
    "diag": r"\operatorname{diag}",
    "det": r"\det",
    "sum": r"\operatorname{sum}",
    "trace": r"\operatorname{tr}",
}

_SPELLINGS = (*FUNCTIONS.values(), *(spelling for row in BY_NAME.values() for spelling in row.also_written))
#: Functions that LaTeX has a macro for, as `\exp`, and all that are set as an upright word.
MACROS = frozenset(re.findall(r"\\([a-z]+)", " ".join(_SPELLINGS))) - {"operatorname", *GREEK}
WORDS = MACROS | frozenset(re.findall(r"\\operatorname\{(\w+)\}", " ".join(_SPELLINGS)))

CONSTANTS = {"infty": r"\infty", "true": r"\text{true}", "false": r"\text{false}", "dots": r"\dots"}
