"""What holds whatever the text leaves open: of which shape an array is, what a name stands for.

A claim that has no value as it stands is looked at with shapes that fit it, and with nothing known of its names. What holds then
holds; what does not is as open as before. A derivative needs what its names stand for: where that is left out it is a quantity of
its own, the same wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace as replace_fields
from itertools import pairwise

from symbackprop.formula.tree.tree import Call, Decorated, Formula, Indexed, Nabla, Name, Partial, Product, Transpose, Update
from symbackprop.formula.tree.walk import replace, walk
from symbackprop.proofreading.claims import HOLDS, ClaimStatus, ClaimVerdict
from symbackprop.proofreading.judging.judge import judge
from symbackprop.proofreading.judging.points import points_for, reached
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.values import Definition, Knowledge
from symbackprop.proofreading.shapes.array_shapes import evident_in
from symbackprop.proofreading.shapes.one_claim import Spoken, Way, ways


def holds_with_some_shape(left: Formula, right: Formula, known: Knowledge, bold: bool) -> ClaimVerdict | None:
    """Return the verdict on what holds where arrays have the likeliest shapes that fit; None where it does not, or none does."""
    spoken = _spoken(left, right, known, bold)
    for way in ways(spoken) if spoken is not None else ():
        first, *others = [_with(way, lengths, known) for lengths in way.lengths]
        verdict = judge(left, right, first)
        if verdict.status in HOLDS and all(judge(left, right, other).status in HOLDS for other in others):
            named = {node.name for side in (left, right) for node in walk(side) if isinstance(node, Name)}
            return ClaimVerdict(verdict.status, ", ".join(filter(None, (verdict.reason, _where(way.words(named))))))
        if _has_value(left, first) and _has_value(right, first):
            return None
    return None


def _where(words: str) -> str:
    return f"where {words}" if words else ""


def _spoken(left: Formula, right: Formula, known: Knowledge, bold: bool) -> Spoken | None:
    """Return what a claim speaks of; None where all of its shapes are known, or an array has no axes of one kind."""
    nodes = list(reached((left, right), known))
    names = {known.canonical(node.name) for node in nodes if isinstance(node, Name)}
    arrays = names & (known.unshaped | known.shapes.keys())
    if not arrays:
        return None
    beside = {known.canonical(name) for node in nodes for name in _beside_a_transpose(node)}
    capitals = {name for name in _names((left, right), known) if len(name) == 1 and name.isupper()}
    arrays |= {name for name in beside | capitals if _is_open(name, known)}
    axes = _axes(nodes, arrays, known)
    bodies = {name: found for name in names if (found := known.definitions.get(name)) is not None and not found.arguments}
    whole = {name: found.body for name, found in bodies.items() if not found.indices}
    return Spoken((left, right), whole, frozenset(arrays), bold, axes) if axes is not None else None


def _names(sides: Iterable[Formula], known: Knowledge) -> set[str]:
    """Return the names in formulas that are no functions."""
    nodes = [node for side in sides for node in walk(side)]
    called = {node.function for node in nodes if isinstance(node, Call)}
    return {known.canonical(node.name) for node in nodes if isinstance(node, Name) and node not in called}


def _beside_a_transpose(node: Formula) -> Iterator[str]:
    """Yield x of `w^T x`, of `x w^T`."""
    for first, second in pairwise(node.factors) if isinstance(node, Product) else ():
        for one, other in ((first, second), (second, first)):
            if isinstance(one, Transpose) and isinstance(other, Name):
                yield other.name


def _is_open(name: str, known: Knowledge) -> bool:
    """Whether nothing says that a name is a number: no value, no formula, no sum that ends with it, no axis that it measures."""
    measured = {size for shape in known.shapes.values() for size in shape}
    said = known.definitions.keys() | known.bounds.keys() | known.sizes.keys() | set(known.extents.values()) | measured
    return name not in said and (name,) not in known.given


def _axes(nodes: list[Formula], arrays: set[str], known: Knowledge) -> Mapping[str, tuple[str, ...]] | None:
    """Return what the indices of arrays run over; None where that is not the same everywhere."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for node in nodes:
        if isinstance(node, Indexed) and (name := known.canonical(node.name)) in arrays:
            letters = [label.name if isinstance(label, Name) else "" for label in node.indices]
            found.setdefault(name, set()).add(tuple(known.extents.get(letter, "") for letter in letters))
    for name in arrays:
        if (said := known.definitions.get(name)) is not None and said.indices:
            found.setdefault(name, set()).add(tuple(known.extents.get(letter, "") for letter in said.indices))
    if any(len(sizes) > 1 or not all(map(all, sizes)) for sizes in found.values()):
        return None
    return {name: min(sizes) for name, sizes in found.items()}


def _with(way: Way, lengths: Mapping[str, int], known: Knowledge) -> Knowledge:
    """Return what is known with shapes for arrays that have none."""
    shapes = {name: shape for name, shape in known.shapes.items() if name not in way.kinds}
    bounds = {bound: lengths[size] for bound, size in known.bounds.items() if size in lengths}
    return replace_fields(
        known,
        shapes={**shapes, **way.shapes},
        lengths={**known.lengths, **lengths, **bounds},
        unshaped=known.unshaped - way.kinds.keys(),
        identities=frozenset(name for name, kind in way.kinds.items() if kind == "identity"),
    )


def _has_value(side: Formula, known: Knowledge) -> bool:
    try:
        points_for((side,), known)[0].value(side)
    except NoValueError:
        return False
    return True


# ---- whatever names stand for --------------------------------------------------------------------------------------


def holds_whatever_they_are(left: Formula, right: Formula, known: Knowledge, bold: bool) -> ClaimVerdict | None:
    """Return the verdict on what holds whatever its names stand for, and its derivatives; None where it does not."""
    if any(_is_a_change(node) for side in (left, right) for node in walk(side)):
        return None
    atoms: dict[Formula, str] = {}
    one, other = (replace(side, lambda node: _as_atom(node, atoms, known)) for side in (left, right))
    if atoms and _speaks_of_arrays((left, right), known, bold):
        return None  # of quantities whose order matters
    open_known = _without_definitions((one, other), known, bool(atoms))
    if open_known is None:
        return None
    verdict: ClaimVerdict | None = judge(one, other, open_known)
    if verdict is not None and verdict.status is ClaimStatus.UNDECIDED:
        verdict = holds_with_some_shape(one, other, open_known, bold)
    return verdict if verdict is not None and verdict.status is ClaimStatus.ALWAYS else None


def _speaks_of_arrays(sides: Iterable[Formula], known: Knowledge, bold: bool) -> bool:
    """Whether an array stands in formulas, by what is known or by how it is written."""
    nodes = [node for side in sides for node in walk(side)]
    names = {known.canonical(node.name) for node in nodes if isinstance(node, Name)}
    return bold or bool(names & (known.unshaped | known.shapes.keys())) or any(True for node in nodes for _ in evident_in(node))


def _is_a_change(node: Formula) -> bool:
    return isinstance(node, Update) or (isinstance(node, Decorated) and node.kind == "Delta")


def _without_definitions(sides: Iterable[Formula], known: Knowledge, derived: bool) -> Knowledge | None:
    """Return what is known without what the names of some sides stand for; None where that changes nothing."""
    names = {known.canonical(node.name) for side in sides for node in walk(side) if isinstance(node, Name | Indexed)}
    dropped = {name for name, found in known.definitions.items() if not found.arguments and (name in names or found.indices)}
    dropped &= names
    if not dropped and not derived:
        return None
    definitions: dict[str, Definition] = {name: found for name, found in known.definitions.items() if name not in dropped}
    return replace_fields(known, definitions=definitions)


def _as_atom(node: Formula, atoms: dict[Formula, str], known: Knowledge) -> Formula:
    """Return a quantity of its own for a derivative, with the letters of its indices."""
    if not isinstance(node, Partial | Nabla):
        return node
    letters = list(dict.fromkeys(_letters(node, known)))
    places = {letter: Name(f"#{number}") for number, letter in enumerate(letters)}
    shape = replace(node, lambda part: places.get(part.name, part) if isinstance(part, Name) else replace_fields(part, span=None))
    name = atoms.setdefault(shape, f"slope {len(atoms) + 1}")
    return Indexed(name, tuple(map(Name, letters)), span=node.span) if letters else Name(name, span=node.span)


def _letters(node: Formula, known: Knowledge) -> Iterator[str]:
    """Yield the index letters in a formula."""
    called = {part.function for part in walk(node) if isinstance(part, Call)}
    for part in walk(node):
        if isinstance(part, Name) and part.name in known.extents and part not in called:
            yield part.name
