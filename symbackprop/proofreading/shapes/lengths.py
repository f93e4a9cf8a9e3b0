"""Which lengths are one: `Z = X W` has the rows of X, the columns of W, and the columns of X are the rows of W."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symbackprop.formula.tree.tree import (
    Bars,
    BigSum,
    Call,
    Chain,
    Decorated,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Matrix,
    Nabla,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Sum,
    Transpose,
)
from symbackprop.formula.tree.walk import children, walk

Shape = tuple[str, str]
SCALAR: Shape = ("1", "1")
LENGTHS = (3, 2, 4, 5)
_REDUCING = ("softmax", "mean", "norm", "vec", "diag")
_TO_A_NUMBER = ("det", "Det", "tr", "Tr", "trace")


def terms_of(node: Sum) -> Iterator[Formula]:
    """Yield the terms of a sum, without their signs."""
    for term in node.terms:
        yield term.body if isinstance(term, Neg) else term


class UnknownShapeError(Exception):
    """A formula of which nothing is said here: an entry of an array, a sum over an index."""


class MisfitError(Exception):
    """Two lengths that cannot be one."""


@dataclass(slots=True)
class Lengths:
    """Which lengths are one: a letter or number for each axis of each array, and which of them were found equal."""

    shapes: dict[str, Shape]
    same: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    misfits: int = 0
    with_entries: bool = False  # whether x_i is a number, and an array whose shape is not known is passed over

    @classmethod
    def begun(cls, arrays: set[str], declared: Mapping[str, tuple[str, ...]], rows: Mapping[str, bool]) -> Lengths:
        """Return what is known before the first formula; `rows` says of each vector whether it is a row."""
        shapes: dict[str, Shape] = {}
        for name in sorted(arrays):
            lengths = declared.get(name, (f"{name}:rows", f"{name}:columns"))
            if name in rows:
                shapes[name] = ("1", lengths[-1]) if rows[name] else (lengths[0], "1")
            else:
                shapes[name] = (lengths[0], lengths[-1])
        return cls(shapes, used=set(declared) & arrays)

    def length(self, name: str) -> str:
        """Return the letter that stands for a length and all that are equal to it."""
        while name in self.same:
            name = self.same[name]
        return name

    def take(self, chain: Chain) -> None:
        """Make the lengths equal that a definition says are equal."""
        try:
            self._join(self._shape(chain.parts[0]), self._shape(chain.parts[1]))
        except UnknownShapeError:
            return
        except MisfitError:
            self.misfits += 1
            return
        self.used |= {node.name for part in chain.parts[:2] for node in walk(part) if isinstance(node, Name)} & self.shapes.keys()

    def _join(self, one: Shape, other: Shape) -> None:
        for first, second in zip(one, other, strict=True):
            self._equal(first, second)

    def _equal(self, first: str, second: str) -> None:
        first, second = self.length(first), self.length(second)
        if first == second:
            return
        if ":" not in first and ":" not in second:
            raise MisfitError
        free, other = (first, second) if ":" in first else (second, first)
        self.same[free] = other

    def _shape(self, formula: Formula) -> Shape:
        rule = _SHAPES.get(type(formula))
        if rule is None:
            raise UnknownShapeError
        rows, columns = rule(self, formula)
        return self.length(rows), self.length(columns)

    def _entry(self, node: Indexed) -> Shape:
        if not self.with_entries:
            raise UnknownShapeError
        return SCALAR

    def _big_sum(self, node: BigSum) -> Shape:
        if not self.with_entries or node.operator != "sum":
            raise UnknownShapeError
        return self._shape(node.body)

    def _power(self, node: Power) -> Shape:
        """`x^2` has the shape of x, `e^x` that of x too; what has an inverse is square."""
        base = self._shape(node.base)
        if base == SCALAR:
            return self._shape(node.exponent)
        if node.exponent == Neg(Number("1")):
            self._equal(*base)
        return self.length(base[0]), self.length(base[1])

    def _name(self, node: Name) -> Shape:
        return self.shapes.get(node.name, SCALAR)

    def _sum(self, node: Sum) -> Shape:
        terms = list(terms_of(node))
        offsets = [term for term in terms if self._is_offset(term)]
        shapes = [shape for term in terms if term not in offsets and (shape := self._shape(term)) != SCALAR]
        if not shapes:
            return self._shape(offsets[0]) if offsets else SCALAR
        for other in shapes[1:]:
            self._join(shapes[0], other)
        for offset in offsets:
            self._offset(offset, terms, shapes[0])
        return self.length(shapes[0][0]), self.length(shapes[0][1])

    def _is_offset(self, term: Formula) -> bool:
        return isinstance(term, Name) and term.name in self.shapes and re.fullmatch(r"b.{0,6}", term.name) is not None

    def _offset(self, offset: Formula, terms: Sequence[Formula], shape: Shape) -> None:
        """`X W + b`: a row for each row of X; `W x + b`: a column."""
        first = next((term.factors[0] for term in terms if isinstance(term, Product)), None)
        weights_first = isinstance(first, Name) and first.name[:1] in "WUVw"
        self._join(self._shape(offset), (shape[0], "1") if weights_first else ("1", shape[1]))

    def _product(self, node: Product) -> Shape:
        shape = SCALAR
        for factor in node.factors:
            other = self._shape(factor)
            if SCALAR in (shape, other):
                shape = other if shape == SCALAR else shape
            else:
                self._equal(shape[1], other[0])
                shape = self.length(shape[0]), self.length(other[1])
        return shape

    def _alike(self, node: Formula) -> Shape:
        """Elementwise: one shape for all parts, or numbers."""
        shapes = [shape for part in children(node) if (shape := self._shape(part)) != SCALAR]
        for other in shapes[1:]:
            self._join(shapes[0], other)
        return shapes[0] if shapes else SCALAR

    def _call(self, node: Call) -> Shape:
        function = node.function.body if isinstance(node.function, Decorated) else node.function
        if isinstance(function, Name) and function.name in _TO_A_NUMBER and len(node.arguments) == 1:
            return self._number(node.arguments[0])
        if not isinstance(function, Name) or function.name in _REDUCING or len(node.arguments) != 1:
            raise UnknownShapeError
        return self._shape(node.arguments[0])

    def _number(self, square: Formula) -> Shape:
        """What a trace or a determinant gives, of a square matrix."""
        self._equal(*self._shape(square))
        return SCALAR

    def _bars(self, node: Bars) -> Shape:
        shape = self._shape(node.body)
        if node.kind == "abs" and shape != SCALAR:
            self._equal(*shape)  # a determinant
        return SCALAR

    def _matrix(self, node: Matrix) -> Shape:
        if any(not isinstance(entry, Indexed) and self._shape(entry) != SCALAR for entry in node.entries):
            raise UnknownShapeError
        rows, columns = node.shape
        return str(rows), str(columns)

    def _nabla(self, node: Nabla) -> Shape:
        if not isinstance(node.wrt, Name) or self._shape(node.body) != SCALAR:
            raise UnknownShapeError
        return self._shape(node.wrt)

    def _partial(self, node: Partial) -> Shape:
        if not isinstance(node.denominator, Name) or self._shape(node.numerator) != SCALAR or node.others:
            raise UnknownShapeError
        return self._shape(node.denominator)


_SHAPES: Mapping[type[Formula], Callable[..., Shape]] = {
    Number: lambda lengths, node: SCALAR,
    Name: Lengths._name,
    Group: lambda lengths, node: lengths._shape(node.body),
    Neg: lambda lengths, node: lengths._shape(node.body),
    Transpose: lambda lengths, node: lengths._shape(node.body)[::-1],
    Sum: Lengths._sum,
    Product: Lengths._product,
    Hadamard: Lengths._alike,
    Fraction: Lengths._alike,
    Power: Lengths._power,
    Matrix: Lengths._matrix,
    Indexed: Lengths._entry,
    BigSum: Lengths._big_sum,
    Call: Lengths._call,
    Bars: Lengths._bars,
    Partial: Lengths._partial,
    Nabla: Lengths._nabla,
}
