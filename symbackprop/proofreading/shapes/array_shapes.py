"""Which names of a text are matrices and vectors, and of which shape: from `∈ R^{n×m}`, transposes, ⊙, norms, bold letters.

A shape is rows and columns, a vector is a column or a row. The formulas that say what a name is make lengths equal: `Z = X W` has
the rows of X, the columns of W, and the columns of X are the rows of W. An array of whose shape a text says too little has no
value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from itertools import chain as chain_of
from itertools import islice, pairwise, product

from symbackprop.formula.tree.tree import (
    Bars,
    BigSum,
    Call,
    Chain,
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
from symbackprop.formula.tree.walk import children, replace, walk
from symbackprop.proofreading.shapes.lengths import LENGTHS, SCALAR, Lengths, Shape, terms_of

MOST_WAYS = 64
_NUMBERS = frozenset(["eta", "alpha", "lambda", "epsilon", "beta", "gamma", "tau", "rho", "mu", "nu", "kappa", "e", "pi", "lr"])
BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm|vec|pmb)\b")


@dataclass(frozen=True, slots=True)
class ArrayShapes:
    """The shapes of a text's arrays; `lengths` of their axes; `unknown` have none, `guessed` may be vectors."""

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    guessed: frozenset[str] = frozenset()


def t_transposes(chains: Sequence[Chain]) -> bool:
    """Whether `X^T` is the transpose although T is a name: where T is a matrix itself, no power can be meant."""
    nodes = [node for chain in chains for node in walk(chain)]
    bounds = {node.upper for node in nodes if isinstance(node, BigSum)}
    return Name("T") not in bounds and any(Name("T") in terms_of(node) for node in nodes if isinstance(node, Sum))


def as_transposes(chains: Sequence[Chain]) -> list[Chain]:
    """Return chains in which `X^T` is the transpose."""
    return [_parts_replaced(chain, _as_transpose) for chain in chains]


def _parts_replaced(chain: Chain, change: Callable[[Formula], Formula]) -> Chain:
    return Chain(tuple(replace(part, change) for part in chain.parts), chain.relations, span=chain.span)


def _as_transpose(node: Formula) -> Formula:
    return Transpose(node.base, span=node.span) if isinstance(node, Power) and node.exponent == Name("T") else node


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
    declared = _all_written_out(chains) | known | dict(filter(None, map(_declared, chains)))
    evident = all_evident(nodes, spelled) | declared.keys()
    if not evident:
        return ArrayShapes()
    scalars = {*_NUMBERS, *numbers, *_each(declared.values()), *_each(map(_plain_numbers, nodes))}
    stated = list(filter(_states, chains))
    arrays = _with_company(stated, evident, scalars - evident)
    small = {name for name in evident if spelled.get(name, name)[-2:-1].islower()} | set(vectors)
    found = _numbered(_best(stated, arrays - (_entries(nodes) - known.keys()), declared, small), arrays)
    return replace_fields(found, guessed=frozenset(filter(_is_small, found.shapes.keys() - declared.keys() - small)))


def _is_small(name: str) -> bool:
    return name[:1].islower()


def _standing_whole(axes: Mapping[str, tuple[str, ...]], nodes: Sequence[Formula]) -> dict[str, tuple[str, ...]]:
    names = set(_named(nodes))
    return {name: sizes for name, sizes in axes.items() if name in names}


def _each(groups: Iterable[Iterable[str]]) -> Iterator[str]:
    return chain_of.from_iterable(groups)


def all_evident(nodes: Sequence[Formula], spelled: Mapping[str, str]) -> set[str]:
    """Return the names that a transpose, ⊙, a norm or bold letters make arrays."""
    bold = {name for name, latex in spelled.items() if BOLD.search(latex)}
    return set(_each(map(evident_in, nodes))) | (bold & set(_named(nodes)))


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


def _all_written_out(chains: Iterable[Chain]) -> dict[str, tuple[str, ...]]:
    """Return the lengths of the arrays for which a matrix is written out, or several of one shape."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for name, lengths in filter(None, map(_written_out, chains)):
        found.setdefault(name, set()).add(lengths)
    return {name: min(shapes) for name, shapes in found.items() if len(shapes) == 1}


def _is_matrix(side: Formula) -> bool:
    return isinstance(_bare(side), Matrix)


def _written_out(chain: Chain) -> tuple[str, tuple[str, ...]] | None:
    """Return X and its lengths where a matrix of numbers or entries is written out for it; None for any other chain."""
    said = _bare(chain.parts[1])
    if chain.relations[0] != "=" or not isinstance(chain.parts[0], Name) or not isinstance(said, Matrix):
        return None
    plain = all(isinstance(node, Number | Name | Indexed | Neg) for entry in said.entries for node in walk(entry))
    goes_on = any(node == Name("dots") or BOLD.search(getattr(node, "name", "")) for node in walk(said))
    return (chain.parts[0].name, tuple(map(str, said.shape))) if plain and not goes_on else None


def _bare(formula: Formula) -> Formula:
    while isinstance(formula, Group):
        formula = formula.body
    return formula


def evident_in(node: Formula) -> Iterator[str]:
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
    groups = [
        set(_named(walk(Chain(chain.parts[:2], chain.relations[:1])))) for chain in stated if not _is_matrix(chain.parts[1])
    ]
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


def _numbered(found: Lengths, arrays: set[str]) -> ArrayShapes:
    """Return every array with its shape, and a length for each letter: different ones where they need not be equal."""
    known = {name: (found.length(found.shapes[name][0]), found.length(found.shapes[name][1])) for name in sorted(found.used)}
    letters = list(dict.fromkeys(_each(known.values())))
    free = [letter for letter in letters if not letter.isdigit()]
    lengths = {letter: int(letter) for letter in letters if letter.isdigit()}
    lengths.update({letter: LENGTHS[number % len(LENGTHS)] for number, letter in enumerate(free)})
    shapes = {name: shape for name, shape in known.items() if shape != SCALAR}
    return ArrayShapes(shapes, lengths, frozenset(arrays - known.keys()))
