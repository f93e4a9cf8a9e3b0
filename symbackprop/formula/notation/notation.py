"""How one document writes its formulas: `Notation`, a frozen record of choices.

Choices are of two kinds. *Spelling* choices (times sign, ∂ or d, brackets, how a name looks) are made by the printers; every
formula keeps its meaning and can be read back. *Writing* choices (residual as `target - out`, a bias as `b*1`, factor
order, rounding) decide which formula is written for a mathematical expression; `convert.from_sympy` and
`numbers.number` make them, and the result is a different tree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from symbackprop.errors import UserError, nearest


def _empty() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Notation:
    """How one document writes its formulas; see the comments for the values each option takes."""

    title: str = "textbook"

    # Spelling of names. Exact LaTeX for a name goes before every rule; aliases are other names of a node.
    names: Mapping[str, str] = field(default_factory=_empty)
    aliases: Mapping[str, str] = field(default_factory=_empty)
    functions: Mapping[str, str] = field(default_factory=_empty)  # by sympy class name: {"sigmoid": r"\sigma"}
    digits: str = "subscript"  # w7 as "subscript" w_7 or "plain" w7
    words: str = "italic"  # several letters as "italic" out_{o1} or "upright" \mathrm{out}_{o1}
    bold: frozenset[str] = frozenset()  # names set in bold

    # Signs and brackets.
    times: str = ""  # between factors: "" (side by side), "*", r"\cdot", r"\times"
    times_derivative: str = r"\cdot"  # between derivatives; the same values
    explicit_times: str = r"\cdot"  # where side by side would be misread, as before a digit
    juxtapose_bracket: str = "always"  # a factor before a bracket side by side: "always", "never", "complement" x(1-x)
    brackets: str = "sized"  # "sized" \left( \right) around tall things, or "plain"
    nesting: str = "round"  # brackets around brackets: "round" (( )), or "square" [( )]
    braces: str = "minimal"  # superscripts ^2 "minimal", or ^{2} "always"
    partial: str = "partial"  # "partial" ∂, "d", "upright" \mathrm{d}, or "name" d_L_d_w
    hadamard: str = r"\odot"  # or r"\circ"
    transpose: str = r"\top"  # or "T"
    kronecker: str = r"\mathbb{1}"  # or r"\delta" where no adjoint is called δ
    change: str = r"\Delta"  # or the letter "Δ"
    otherwise: str = "otherwise"  # the last case of several: "otherwise", or "否则"
    update: str = "plus"  # "plus" w^+, "prime" w', "arrow" w \leftarrow …
    index_separator: str = ""  # X_{ni}, or "," X_{n,i}
    layered: frozenset[str] = frozenset()  # names whose superscript is a layer
    layer_brackets: str = ""  # a^{l} "", a^{(l)} "()", a^{[l]} "[]"

    # Writing: which formula stands for an expression.
    residual: str = "out-target"  # or "target-out"
    minus_one: bool = False  # -1*x for -x
    biases: frozenset[str] = frozenset()  # names written b*1 where they stand alone in a sum
    factor_order: str = "author"  # "author": numbers, residuals, slopes, parameters, the rest; "declared": by rank only
    exponential: str = "power"  # e^{x} "power", or "call" \exp(x)
    raw_powers: bool = False  # x^{2-1} for the derivative of x^2
    raw_power_brackets: bool = False  # x^{(2-1)}
    sum_bounds: str = "index"  # \sum_n "index", or "full" \sum_{n=1}^{N}
    first_index: int = 1  # lower bound written with "full"
    learning_rate: str = "eta"
    delta: str = "delta"  # the letter of shared adjoints
    delta_sign: int = 1  # δ = +∂E/∂net or -1: δ = -∂E/∂net
    decimals: int | None = None  # most places behind the point; None: the shortest digits that give the same float
    rounding: str = "half-up"  # ties away from zero, or "half-even"; of the decimal fraction that is written

    def __post_init__(self) -> None:
        for option, allowed in _ALLOWED.items():
            value = getattr(self, option)
            if value not in allowed:
                choices = ", ".join(map(repr, allowed))
                raise UserError(f"notation {self.title!r}: {option}={value!r}; expected one of {choices}")
        for option in ("names", "aliases", "functions"):
            object.__setattr__(self, option, MappingProxyType(dict(getattr(self, option))))

    def beside(self, names: Collection[str]) -> Notation:
        """Return the notation for formulas with these names: beside a variable e the exponential function is written exp(x)."""
        return self.override(exponential="call") if "e" in names else self

    def override(self, **options: Any) -> Notation:
        """Return a copy with some options changed; `names`, `aliases` and `functions` are added to those there are.

        Raises `UserError` for an unknown option, naming the nearest.
        """
        known = [entry.name for entry in fields(self)]
        for option in options:
            if option not in known:
                raise UserError(f"notation {self.title!r}: no option {option!r}.{nearest(option, known)}")
        merged: dict[str, Any] = {
            option: {**getattr(self, option), **value} if option in ("names", "aliases", "functions") else value
            for option, value in options.items()
        }
        return replace(self, **merged)


_TIMES = ("", "*", r"\cdot", r"\times")
_ALLOWED: dict[str, tuple[Any, ...]] = {
    "digits": ("subscript", "plain"),
    "words": ("italic", "upright"),
    "times": _TIMES,
    "times_derivative": _TIMES,
    "explicit_times": _TIMES[1:],
    "juxtapose_bracket": ("always", "never", "complement"),
    "brackets": ("sized", "plain"),
    "nesting": ("round", "square"),
    "braces": ("minimal", "always"),
    "partial": ("partial", "d", "upright", "name"),
    "hadamard": (r"\odot", r"\circ"),
    "transpose": (r"\top", "T", r"\mathsf{T}"),
    "kronecker": (r"\delta", r"\mathbb{1}"),
    "change": (r"\Delta", "Δ"),
    "update": ("plus", "prime", "arrow"),
    "index_separator": ("", ","),
    "layer_brackets": ("", "()", "[]"),
    "residual": ("out-target", "target-out"),
    "factor_order": ("author", "declared"),
    "exponential": ("power", "call"),
    "sum_bounds": ("index", "full"),
    "delta_sign": (1, -1),
    "otherwise": ("otherwise", "否则"),
    "rounding": ("half-up", "half-even"),
}


def shown_digits(digits: str, notation: Notation) -> str:
    """Return the digits of a number as a document shows them, in every format."""
    return digits
