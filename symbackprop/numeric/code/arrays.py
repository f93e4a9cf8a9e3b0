"""Pieces of numpy code that know which index each of their axes carries, and how they are brought into line with each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sympy import Add, Expr, Idx, Indexed, Symbol

from symbackprop.errors import InternalError
from symbackprop.network.indices import index_name, index_size
from symbackprop.numeric.code.printing import ATOM, ArrayPrinter, PrintedSymbol
from symbackprop.numeric.program.python_names import name_of

Axes = tuple[Idx, ...]


@dataclass(frozen=True, slots=True)
class ArrayCode:
    """A numpy expression: `axes[k]` is the index that axis k runs over; `level` tells how strongly the text binds.

    A sum over axes may also be written with `keepdims=True`: then `kept` is that text, with None in `kept_axes` for the axes of
    length one. `window` has the axes that a window of another one adds.
    """

    text: str
    axes: Axes = ()
    level: int = ATOM
    kept: str = ""
    kept_axes: tuple[Idx | None, ...] = ()
    window: Axes = ()

    @property
    def atom(self) -> str:
        """The text, in parentheses unless it can be followed by an attribute or a subscript."""
        return self.text if self.level >= ATOM else f"({self.text})"


@dataclass(slots=True)
class Scope:
    """What is known while the lines of one function are written.

    `spelt` gives a name as the code has it; `loops` are indices that a Python loop runs over; `helpers`, `sizes` and `labels`
    (values used as addresses) collect what the code uses.
    """

    spelt: Callable[[str], str]
    ranks: Mapping[str, int]
    shapes: Mapping[str, tuple[Expr, ...]]
    emit: Callable[[Expr, Axes, Scope], ArrayCode]
    loops: frozenset[Idx] = frozenset()
    pieces: dict[Symbol, ArrayCode] = field(default_factory=dict)
    piece_ranks: dict[Symbol, int] = field(default_factory=dict)
    sizes: set[Symbol] = field(default_factory=set)
    windows: bool = False
    labels: set[str] = field(default_factory=set)
    printer: ArrayPrinter = field(init=False)

    def __post_init__(self) -> None:
        self.printer = ArrayPrinter(self.leaf)

    @property
    def helpers(self) -> set[str]:
        """Names of the functions used so far."""
        return self.printer.helpers

    def leaf(self, symbol: Symbol) -> PrintedSymbol:
        """Return how a symbol is written: a piece of code, a size, or a scalar node."""
        piece = self.pieces.get(symbol)
        if piece is not None:
            return PrintedSymbol(piece.text, self.piece_ranks[symbol], len(piece.axes), piece.level)
        if symbol.is_integer and symbol.name not in self.ranks:
            self.sizes.add(symbol)
            return PrintedSymbol(self.spelt(symbol.name), 0)
        return PrintedSymbol(self.spelt(symbol.name), self.ranks[symbol.name])

    def place(self, code: ArrayCode, rank: int = 0) -> Symbol:
        """Return a symbol that stands for a piece of code in a scalar expression; `rank` is its place among its like."""
        symbol = Symbol(f"piece {len(self.pieces)}", real=True)
        self.pieces[symbol] = code
        self.piece_ranks[symbol] = rank
        return symbol

    def place_of(self, expression: Expr) -> int:
        """Return the place of the first name of an expression in the order of names."""
        names = (name_of(atom) for atom in expression.atoms(Indexed, Symbol))
        return min((self.ranks[name] for name in names if name in self.ranks), default=0)

    def size(self, index: Idx) -> str:
        """Return the text of an index's size."""
        return self.number(index_size(index))

    def number(self, expression: Expr) -> str:
        """Return the text of an integer expression of sizes and loop indices: `u + T - U + 1`."""
        loops = {index: self.place(ArrayCode(self.spelt(index_name(index)))) for index in expression.atoms(Idx)}
        terms = Add.make_args(expression.expand().xreplace(loops))
        ordered = sorted(
            terms, key=lambda t: (t.is_number, t.could_extract_minus_sign(), not t.free_symbols & self.pieces.keys(), str(t))
        )
        parts = [str(self.printer._print(term)) for term in ordered]
        return " + ".join(parts).replace("+ -", "- ")

    def arange(self, index: Idx) -> ArrayCode:
        """Return the values of an index as an array."""
        return ArrayCode(f"np.arange({self.size(index)})", (index,))


def union(pieces: list[ArrayCode], order: Axes) -> Axes:
    """Return the axes of the pieces together: as the widest piece has them if it has all, else in the given order."""
    wanted = {axis for piece in pieces for axis in piece.axes}
    by_order = tuple(axis for axis in order if axis in wanted)
    by_order += tuple(sorted(wanted - set(by_order), key=index_name))
    full = [piece.axes for piece in pieces if len(piece.axes) == len(wanted)]
    return by_order if not full or by_order in full else full[0]


def aligned(code: ArrayCode, axes: Axes) -> ArrayCode:
    """Return the code with its axes in the order of `axes`, new ones of length one between them, ready to broadcast."""
    if code.axes == axes[len(axes) - len(code.axes) :]:
        return code
    if code.kept and _fits(code.kept_axes, axes):
        return ArrayCode(code.kept, code.axes, ATOM)
    moved = transposed(code, tuple(axis for axis in axes if axis in code.axes))
    if moved.axes == axes[len(axes) - len(moved.axes) :]:
        return moved
    first = next(at for at, axis in enumerate(axes) if axis in moved.axes)
    subscript = ", ".join(":" if axis in moved.axes else "None" for axis in axes[first:])
    return ArrayCode(f"{moved.atom}[{subscript}]", moved.axes, ATOM)


def _fits(kept: tuple[Idx | None, ...], axes: Axes) -> bool:
    tail = axes[len(axes) - len(kept) :]
    return len(kept) <= len(axes) and all(have in (None, want) for have, want in zip(kept, tail, strict=True))


def transposed(code: ArrayCode, axes: Axes) -> ArrayCode:
    """Return the code with its axes permuted into the order `axes`."""
    if code.axes == axes:
        return code
    if len(axes) == 2:
        return ArrayCode(f"{code.atom}.T", axes)
    if code.axes[:-2] == axes[:-2]:
        return ArrayCode(f"{code.atom}.swapaxes(-1, -2)", axes)
    return ArrayCode(f"{code.atom}.transpose({', '.join(str(code.axes.index(axis)) for axis in axes)})", axes)


def reduced(code: ArrayCode, over: frozenset[Idx], method: str = "sum") -> ArrayCode:
    """Return `code.sum(axis=…)` over the given axes. Raises InternalError for an axis that the code does not have."""
    if not over <= frozenset(code.axes):
        raise InternalError(f"numeric: {code.text} has the axes {code.axes}, asked for its sum over {sorted(over, key=str)}")
    at = [str(k) for k, axis in enumerate(code.axes) if axis in over]
    left = tuple(axis for axis in code.axes if axis not in over)
    if not left:
        return ArrayCode(f"{code.atom}.{method}()")
    axis = at[0] if len(at) == 1 else f"({', '.join(at)})"
    kept_axes = tuple(None if a in over else a for a in code.axes)
    return ArrayCode(f"{code.atom}.{method}(axis={axis})", left, ATOM,
                f"{code.atom}.{method}(axis={axis}, keepdims=True)", kept_axes)  # fmt: skip


def full(code: ArrayCode, axes: Axes, scope: Scope) -> ArrayCode:
    """Return an array with exactly the given axes, repeating the code along those it lacks."""
    missing = [axis for axis in axes if axis not in code.axes]
    if not missing:
        return transposed(code, axes)
    shape = ", ".join(scope.size(axis) for axis in axes) + ("," if len(axes) == 1 else "")
    value = aligned(code, axes).text
    if value in ("0", "0.0"):
        return ArrayCode(f"np.zeros(({shape}))", axes)
    return ArrayCode(f"np.full(({shape}), {value}, dtype=float)" if not code.axes else f"np.full(({shape}), {value})", axes)
