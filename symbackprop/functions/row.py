"""What is known about one elementary function: a row, with a column for each of its readers.

Values and slopes are separate columns: what checks handwritten work reads values only (definition, `primitive`), never a slope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sympy import Dummy, Expr, Function


class NamedFunction(Function):  # type: ignore[misc]
    """A function printed by its name, evaluated through `definition`, differentiated in derivations through its row."""

    nargs: ClassVar[Any] = 1

    @classmethod
    def definition(cls, *args: Expr) -> Expr:
        """Return the function written in other functions of the table."""
        raise NotImplementedError

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return ∂f/∂(argument number `argindex`) for sympy's own `diff`, from the definition; derivations take the slopes."""
        places = [Dummy(real=True) for _ in self.args]
        slope = self.definition(*places).diff(places[argindex - 1])
        return slope.xreplace(dict(zip(places, self.args, strict=True)))

    def _eval_is_real(self) -> bool | None:
        return True if all(arg.is_real for arg in self.args) else None

    def _eval_evalf(self, prec: int) -> Expr:
        return self.definition(*self.args)._eval_evalf(prec)

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> Expr:
        return self.definition(*args)


@dataclass(frozen=True, slots=True)
class Primitive:
    """A function of one variable that is one operation of a traced computation, evaluated in several arithmetics.

    `values` acts on float64 numbers and arrays; `fast` on one float, and may refuse with ValueError or OverflowError; `ball` on
    a python-flint `arb`. In finite fields the function is known by how it depends on exponentials: `of_exponential(e)` is
    (numerator, denominator) in e = exp(x), `of_rotation(e, i)` in e = exp(ix); `logarithm` marks log|u|, log|1 + u|,
    log|1 + exp(u)|; `complement` is g where f = 1 - g; of every other function only its parity is known (+1 even, -1 odd, 0).
    """

    values: Callable[[Any], Any]
    ball: Callable[[Any], Any]
    fast: Callable[[float], float] | None = None
    parity: int = 0
    of_exponential: Callable[[int], tuple[int, int]] | None = None
    of_rotation: Callable[[int, int], tuple[int, int]] | None = None
    logarithm: bool = False
    complement: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The call that stands for the function in generated source: on floats (`scalar`) and on arrays (`array`).

    `needs` are the names that `scalar` or its helper takes from `math`; `needs_array` the modules that the array helper needs
    besides numpy. An empty helper means that the call is builtin, in `math`, or in numpy. Where the textbook definition overflows
    or cancels, the helper computes a stable form; its docstring, which is printed with it, gives the reason.
    """

    scalar: str
    array: str
    scalar_helper: str = ""
    array_helper: str = ""
    needs: tuple[str, ...] = ()
    needs_array: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Called:
    """The names under which code calls the function, by library; of `numpy` they are universal functions."""

    numpy: tuple[str, ...] = ()
    math: tuple[str, ...] = ()
    scipy: tuple[str, ...] = ()  # in scipy.special
    torch: tuple[str, ...] = ()  # in torch or torch.nn.functional


@dataclass(frozen=True, slots=True)
class Misremembered:
    """A slope that is written for the right one: `slope(y, x)` at output y and argument x; `of` is the function it belongs to."""

    slope: Callable[[Expr, Expr], Expr]
    of: str = ""


@dataclass(frozen=True, slots=True)
class Kink:
    """Where a function has no derivative: `place(*args)` is zero exactly there; `convention` says what is used."""

    convention: str
    place: Callable[..., Expr]


@dataclass(frozen=True, slots=True)
class ElementaryFunction:
    """One function: its value, its slopes, and how every printer, reader, generator and checker knows it.

    `slopes[k](y, *args)` is ∂f/∂(argument k) at output `y = f(*args)`, written with y where the textbooks do. `definition(*args)`
    is f in other functions of the table; only a `primitive` may lack one. `latex` is the spelling from which the other formats
    take theirs (`also_written` is read, too); an empty one means that sympy's class has a form of its own: |x|, √x, e^x keep
    theirs in formulas. `domain` is the open interval of each argument outside of which there is no real value.
    """

    name: str
    function: Any  # the sympy class, or a function that makes the expression
    slopes: tuple[Callable[..., Expr], ...]
    latex: str
    source: Source
    definition: Callable[..., Expr] | None = None
    primitive: Primitive | None = None
    kink: Kink | None = None
    also_written: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    called: Called = field(default_factory=Called)
    misremembered: tuple[Misremembered, ...] = ()
    taken_for: tuple[str, ...] = ("sigmoid", "tanh", "relu")  # functions that people put in its place
    domain: tuple[tuple[float, float], ...] = ()
    bounds: tuple[float, float] | None = None  # which its values approach without reaching them
    spelt_out: bool = False  # whether a full derivation differentiates the definition by rules

    def __post_init__(self) -> None:
        if self.definition is None and isinstance(self.function, type) and issubclass(self.function, NamedFunction):
            object.__setattr__(self, "definition", self.function.definition)

    @property
    def arity(self) -> int:
        """How many arguments it takes."""
        return len(self.slopes)
