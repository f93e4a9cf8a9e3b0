"""Of which shape the arrays of one `=` may be, where the text does not say it: the shapes that its products and sums need.

A name in small letters is a column, or where only that fits a row; one in capitals is a matrix; a name that nothing in the
formula makes an array may be a number. What holds for such shapes holds where names have them, and nothing differs by them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain as chain_of
from itertools import islice, product

from symbackprop.formula.tree.tree import Chain, Formula, Indexed, Matrix, Nabla, Name, Partial
from symbackprop.formula.tree.walk import nodes, walk
from symbackprop.proofreading.shapes.array_shapes import evident_in
from symbackprop.proofreading.shapes.lengths import SCALAR, Lengths, Shape

MOST_WAYS = 32
#: Two choices of lengths, all of them different.
CHOICES = ((3, 2, 4, 5, 6, 7), (2, 5, 3, 4, 7, 6))
MOST_NAMED = 3
KINDS = {"column": "a column", "row": "a row", "matrix": "a matrix", "number": "a number", "identity": "the identity"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one `=` speaks of: its sides, what its names are said to be, which of them are arrays, and their axes by entries."""

    sides: tuple[Formula, Formula]
    bodies: Mapping[str, Formula]
    arrays: frozenset[str]
    bold: bool  # whether the formula has bold letters: those that are not may be numbers
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what the indices of entries run over
    said: Mapping[str, Shape] = field(default_factory=dict)  # shapes that the text says
    shaped: frozenset[str] = frozenset()  # arrays that have a shape where nothing else is needed
    no_numbers: frozenset[str] = frozenset()  # arrays that cannot be numbers


@dataclass(frozen=True, slots=True)
class Way:
    """One way to give every array a shape: `kinds` by name, `shapes` of letters, `lengths` for these."""

    kinds: Mapping[str, str]
    shapes: Mapping[str, Shape]
    lengths: Sequence[Mapping[str, int]]

    def words(self, names: Collection[str]) -> str:
        """Return `w and x are columns`: what is taken for granted of some names."""
        alike: dict[str, list[str]] = {}
        for name in sorted(name for name in names & self.kinds.keys() if self.kinds[name] != "said"):
            alike.setdefault(self.kinds[name], []).append(name)
        return ", ".join(f"{_listed(each)} {_is_one(kind, len(each))}" for kind, each in sorted(alike.items()))


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) <= MOST_NAMED else f"{', '.join(names[:MOST_NAMED])} and others"


def _is_one(kind: str, count: int) -> str:
    return f"is {KINDS[kind]}" if count == 1 or kind == "identity" else f"are {'matrice' if kind == 'matrix' else kind}s"


def ways(spoken: Spoken) -> Iterator[Way]:
    """Yield the shapes that fit, the likeliest first."""
    if any(len(axes) > 2 for axes in spoken.axes.values()):
        return
    formulas = (*spoken.sides, *spoken.bodies.values())
    evident = {name for formula in formulas for node in walk(formula) for name in evident_in(node)}
    names = sorted(spoken.arrays)
    options = [_kinds(name, evident, spoken) for name in names]
    for kinds in islice(product(*options), MOST_WAYS):
        found = _fitting(dict(zip(names, kinds, strict=True)), spoken)
        if found is not None:
            yield found


def _kinds(name: str, evident: Collection[str], spoken: Spoken) -> tuple[str, ...]:
    """Return what a name may be, the likeliest first."""
    if (kind := _known_kind(name, spoken)) is not None:
        return (kind,)
    capital = name[:1].isupper()
    arrays = _arrays(capital or len(spoken.axes.get(name, ())) == 2)
    if name in evident or name in spoken.axes or name in spoken.no_numbers:
        return arrays
    if capital:
        return ("number", *arrays) if _is_a_loss(name, spoken) else arrays
    if _is_a_loss(name, spoken) or not (evident or _has_arrays(spoken)):
        return ("number", *arrays)
    return arrays if name in spoken.shaped else (*arrays, "number")


def _known_kind(name: str, spoken: Spoken) -> str | None:
    if name in spoken.said:
        return "said"
    return "identity" if name == "I" and name not in spoken.bodies else None


def _arrays(two_axes: bool) -> tuple[str, ...]:
    return ("matrix",) if two_axes else ("column", "row")


def _has_arrays(spoken: Spoken) -> bool:
    """Whether letters are bold, or capitals."""
    return spoken.bold or any(name[:1].isupper() for name in spoken.arrays)


def _is_a_loss(name: str, spoken: Spoken) -> bool:
    """Whether a name is a word, or is differentiated and nothing by it."""
    if len(name) > 1 and name.isalpha():
        return True
    partials = [node for side in spoken.sides for node in nodes(side, Partial)]
    above = {node.numerator for node in partials} | {node.body for side in spoken.sides for node in nodes(side, Nabla)}
    return Name(name) in above - {node.denominator for node in partials}


def _fitting(kinds: Mapping[str, str], spoken: Spoken) -> Way | None:
    """Return the shapes that the formulas need, names being of these kinds; None where lengths do not fit."""
    begun = {name: _begun(name, kind, spoken) for name, kind in kinds.items() if kind != "number"}
    found = Lengths(begun, with_entries=True)
    for chain in (Chain(spoken.sides, ("=",)), *_said(spoken.bodies, begun)):
        found.take(chain)
    shapes = {name: (found.length(rows), found.length(columns)) for name, (rows, columns) in begun.items()}
    if found.misfits or SCALAR in shapes.values() or _are_narrower(shapes, spoken.said):
        return None  # or no array, but a number; a vector, where the text has a matrix
    lengths = _lengths(list(dict.fromkeys(chain_of.from_iterable(shapes.values()))))
    return Way(kinds, shapes, lengths) if lengths else None


def _are_narrower(shapes: Mapping[str, Shape], said: Mapping[str, Shape]) -> bool:
    """Whether an axis of an array is one long that was not said to be."""
    pairs = [(shapes[name], said[name]) for name in said.keys() & shapes]
    return any("1" == length != letter for shape, begun in pairs for length, letter in zip(shape, begun, strict=True))


def _lengths(letters: Sequence[str]) -> list[dict[str, int]]:
    """Return two choices of lengths for letters, all different; none where there are too many."""
    free = [letter for letter in letters if not letter.isdigit()]
    fixed = {letter: int(letter) for letter in letters if letter.isdigit()}
    return [fixed | dict(zip(free, choice, strict=False)) for choice in CHOICES if len(free) <= len(choice)]


def _said(bodies: Mapping[str, Formula], arrays: Collection[str]) -> Iterator[Chain]:
    """Yield what is said of names, where it speaks of arrays."""
    for name, body in bodies.items():
        spoken = {node.name for node in walk(body) if isinstance(node, Name)} & set(arrays)
        if name in arrays or spoken or any(isinstance(node, Matrix) for node in walk(body)):
            yield Chain((Name(name), body), ("=",))


def _begun(name: str, kind: str, spoken: Spoken) -> Shape:
    """Return the letters of a shape before anything is known of them, or those that the text says."""
    if kind == "said":
        return spoken.said[name]
    axes = spoken.axes.get(name, ())
    rows, columns = axes if len(axes) == 2 else (axes * 2 if axes else (f"{name}:rows", f"{name}:columns"))
    if kind == "identity":
        return (f"{name}:rows", f"{name}:rows")
    return {"column": (rows, "1"), "row": ("1", columns)}.get(kind, (rows, columns))


def with_entries(sides: Iterable[Formula]) -> set[str]:
    """Return the names that stand with indices."""
    return {node.name for side in sides for node in walk(side) if isinstance(node, Indexed) and node.indices}
