"""Which names of a text are matrices and vectors, and of which shape: from `∈ R^{n×m}`, transposes, ⊙, norms, bold letters.

A shape is rows and columns, a vector is a column or a row. The formulas that say what a name is make lengths equal: `Z = X W` has
the rows of X, the columns of W, and the columns of X are the rows of W. An array of whose shape a text says too little has no
value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain as chain_of
from itertools import islice, pairwise, product

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
from symbackprop.formula.tree.walk import children, replace, walk

Shape = tuple[str, str]
SCALAR: Shape = ("1", "1")
LENGTHS = (3, 2, 4, 5)
MOST_WAYS = 64
_REDUCING = ("softmax", "det", "tr", "trace", "mean", "norm", "vec", "diag")
_NUMBERS = frozenset(["eta", "alpha", "lambda", "epsilon", "beta", "gamma", "tau", "rho", "mu", "nu", "kappa", "e", "pi", "lr"])
_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|pmb)\b")


class UnknownShapeError(Exception):
    """A formula of which nothing is said here: an entry of an array, a sum over an index."""


class MisfitError(Exception):
    """Two lengths that cannot be one."""


@dataclass(frozen=True, slots=True)
class ArrayShapes:
    """The shapes of a text's arrays; `lengths` of their axes; `unknown` are arrays of no known shape."""

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


def t_transposes(chains: Sequence[Chain]) -> bool:
    """Whether `X^T` is the transpose although T is a name: where T is a matrix itself, no power can be meant."""
    nodes = [node for chain in chains for node in walk(chain)]
    bounds = {node.upper for node in nodes if isinstance(node, BigSum)}
    return Name("T") not in bounds and any(Name("T") in _terms(node) for node in nodes if isinstance(node, Sum))


def as_transposes(chains: Sequence[Chain]) -> list[Chain]:
    """Return chains in which `X^T` is the transpose."""
    return [_parts_replaced(chain, _as_transpose) for chain in chains]


def _parts_replaced(chain: Chain, change: Callable[[Formula], Formula]) -> Chain:
    return Chain(tuple(replace(part, change) for part in chain.parts), chain.relations, span=chain.span)


def _as_transpose(node: Formula) -> Formula:
    return Transpose(node.base, span=node.span) if isinstance(node, Power) and node.exponent == Name("T") else node


def _terms(node: Sum) -> Iterator[Formula]:
    for term in node.terms:
        yield term.body if isinstance(term, Neg) else term


# ---- which names are arrays ----------------------------------------------------------------------------------------


def array_shapes(
    chains: Sequence[Chain],
    spelled: Mapping[str, str],
    numbers: Iterable[str],
    axes: Mapping[str, tuple[str, ...]] | None = None,
    vectors: Iterable[str] = (),
) -> ArrayShapes:
    """Return the shapes of the arrays of a text.

    `spelled` are its names in LaTeX, `numbers` those that it gives a number, `axes` the sizes of arrays that stand as a whole and
    with indices, `vectors` names that can be no matrices.
    """
    nodes = [node for chain in chains for node in walk(chain)]
    known = _standing_whole(axes or {}, nodes)
    declared = known | dict(said for chain in chains if (said := _declared(chain)) is not None)
    evident = _all_evident(nodes, spelled) | declared.keys()
    if not evident:
        return ArrayShapes()
    scalars = {*_NUMBERS, *numbers, *_each(declared.values()), *_each(map(_plain_numbers, nodes))}
    stated = list(filter(_states, chains))
    arrays = _with_company(stated, evident, scalars - evident)
    small = {name for name in evident if spelled.get(name, name)[-2:-1].islower()} | set(vectors)
    return _numbered(_best(stated, arrays - (_entries(nodes) - known.keys()), declared, small), arrays)


def _standing_whole(axes: Mapping[str, tuple[str, ...]], nodes: Sequence[Formula]) -> dict[str, tuple[str, ...]]:
    names = set(_named(nodes))
    return {name: sizes for name, sizes in axes.items() if name in names}


def _each(groups: Iterable[Iterable[str]]) -> Iterator[str]:
    return chain_of.from_iterable(groups)


def _all_evident(nodes: Sequence[Formula], spelled: Mapping[str, str]) -> set[str]:
    """Return the names that a transpose, ⊙, a norm or bold letters make arrays."""
    bold = {name for name, latex in spelled.items() if _BOLD.search(latex)}
    return set(_each(map(_evident, nodes))) | (bold & set(_named(nodes)))


def _named(nodes: Iterable[Formula]) -> Iterator[str]:
    return (node.name for node in nodes if isinstance(node, Name))


def _entries(nodes: Iterable[Formula]) -> set[str]:
    """Return the names that stand with indices: their axes are those of the indices."""
    return {node.name for node in nodes if isinstance(node, Indexed)}


def given_numbers(chains: Iterable[Chain]) -> Iterator[str]:
    """Yield the names that a text gives a number: `x = 0.5`."""
    for chain in chains:
        if isinstance(chain.parts[0], Name) and any(isinstance(_bare(part), Number) for part in chain.parts[1:]):
            yield chain.parts[0].name


def _declared(chain: Chain) -> tuple[str, tuple[str, ...]] | None:
    """Return X and its lengths of `X ∈ R^{n×m}`; None for any other chain."""
    if chain.relations[:1] != ("∈",) or not isinstance(chain.parts[0], Name) or not isinstance(chain.parts[1], Power):
        return None
    exponent = _bare(chain.parts[1].exponent)
    lengths = exponent.factors if isinstance(exponent, Product) else (exponent,)
    texts = [length.name if isinstance(length, Name) else length.text for length in lengths if isinstance(length, Name | Number)]
    return (chain.parts[0].name, tuple(texts)) if len(texts) == len(lengths) <= 2 else None


def _bare(formula: Formula) -> Formula:
    while isinstance(formula, Group):
        formula = formula.body
    return formula


def _evident(node: Formula) -> Iterator[str]:
    """Yield the names that a transpose, ⊙ or a norm makes arrays."""
    if isinstance(node, Transpose | Hadamard) or (isinstance(node, Bars) and node.kind == "norm"):
        for part in children(node):
            yield from (piece.name for piece in _pieces(part))


def _pieces(formula: Formula) -> Iterator[Name]:
    """Yield the names that a formula has the shape of: those of its terms, of what is inside brackets and functions."""
    waiting = [formula]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name):
            yield node
        elif isinstance(node, Sum | Group | Neg | Hadamard | Transpose):
            waiting += children(node)


def _plain_numbers(node: Formula) -> Iterator[str]:
    """Yield names that can be no arrays: how far a sum runs, what is an exponent."""
    if isinstance(node, BigSum) and isinstance(node.upper, Name):
        yield node.upper.name
    elif isinstance(node, Power) and isinstance(node.exponent, Name):
        yield node.exponent.name
    elif isinstance(node, Fraction) and isinstance(node.denominator, Name) and node.numerator == Number("1"):
        yield node.denominator.name


def _states(chain: Chain) -> bool:
    """Whether a chain says what a name is: `Z = X W + b`, `D = ∂L/∂Z`."""
    return isinstance(chain.parts[0], Name) and chain.relations[0] in ("=", ":=", "≡")


def _called(node: Formula) -> list[str]:
    return [node.function.name] if isinstance(node, Call) and isinstance(node.function, Name) else []


def _with_company(stated: Sequence[Chain], evident: set[str], scalars: set[str]) -> set[str]:
    """Return arrays with the names that stand beside them in the formulas that say what names are."""
    groups = [set(_named(walk(Chain(chain.parts[:2], chain.relations[:1])))) for chain in stated]
    called = set(_each(map(_called, (node for chain in stated for node in walk(chain)))))
    arrays, grown = set(evident), True
    while grown:
        beside = [group for group in groups if group & arrays]
        new = set().union(*beside) - scalars - called - arrays
        arrays, grown = arrays | new, bool(new)
    return arrays


def losses_among(chains: Sequence[Chain]) -> set[str]:
    """Return the names that are differentiated: of a network for any layer, the loss is all that is and has no layer."""
    nodes = [node for chain in chains for node in walk(chain)]
    above = [node.numerator for node in nodes if isinstance(node, Partial)]
    return {part.name for part in (*above, *(node.body for node in nodes if isinstance(node, Nabla))) if isinstance(part, Name)}


def vectors_among(chains: Sequence[Chain], names: Iterable[str]) -> set[str]:
    """Return the names in small letters that stand before no other array: `a^(2)`, and not the w of `w a`."""
    small = {name for name in names if name[:1].islower()}
    return small - set(_each(map(_before_another, (node for chain in chains for node in walk(chain)))))


def _before_another(node: Formula) -> Iterator[str]:
    """Yield the names of a product behind which another factor stands that is no transpose."""
    for first, second in pairwise(node.factors) if isinstance(node, Product) else ():
        if isinstance(first, Name) and not isinstance(second, Transpose):
            yield first.name


# ---- lengths -------------------------------------------------------------------------------------------------------


def _best(stated: Sequence[Chain], arrays: set[str], declared: Mapping[str, tuple[str, ...]], small: set[str]) -> Lengths:
    """Return the lengths under which most formulas fit, vectors as columns or as rows."""
    single = {name for name, lengths in declared.items() if len(lengths) == 1}
    vectors = sorted(arrays & (single | (small - declared.keys())))
    best: Lengths | None = None
    for ways in islice(product((False, True), repeat=len(vectors)), MOST_WAYS):
        found = Lengths.begun(arrays, declared, dict(zip(vectors, ways, strict=True)))
        for chain in stated:
            found.take(chain)
        if best is None or found.misfits < best.misfits:
            best = found
        if best.misfits == 0:
            break
    assert best is not None
    return best


@dataclass(slots=True)
class Lengths:
    """Which lengths are one: a letter or number for each axis of each array, and which of them were found equal."""

    shapes: dict[str, Shape]
    same: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    misfits: int = 0

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

    def _name(self, node: Name) -> Shape:
        return self.shapes.get(node.name, SCALAR)

    def _sum(self, node: Sum) -> Shape:
        terms = list(_terms(node))
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
        if not isinstance(function, Name) or function.name in _REDUCING or len(node.arguments) != 1:
            raise UnknownShapeError
        return self._shape(node.arguments[0])

    def _bars(self, node: Bars) -> Shape:
        self._shape(node.body)
        return SCALAR

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
    Power: lambda lengths, node: lengths._shape(node.base),
    Call: Lengths._call,
    Bars: Lengths._bars,
    Partial: Lengths._partial,
    Nabla: Lengths._nabla,
}


def _numbered(found: Lengths, arrays: set[str]) -> ArrayShapes:
    """Return every array with its shape, and a length for each letter: different ones where they need not be equal."""
    known = {name: (found.length(found.shapes[name][0]), found.length(found.shapes[name][1])) for name in sorted(found.used)}
    letters = list(dict.fromkeys(_each(known.values())))
    free = [letter for letter in letters if not letter.isdigit()]
    lengths = {letter: int(letter) for letter in letters if letter.isdigit()}
    lengths.update({letter: LENGTHS[number % len(LENGTHS)] for number, letter in enumerate(free)})
    shapes = {name: shape for name, shape in known.items() if shape != SCALAR}
    return ArrayShapes(shapes, lengths, frozenset(arrays - known.keys()))
