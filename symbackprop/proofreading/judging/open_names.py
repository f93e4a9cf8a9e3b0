"""What holds whatever the text leaves open: of which shape an array is, what a name stands for.

A claim that has no value as it stands is looked at with shapes that fit it, and with nothing known of its names. What holds then
holds; what does not is as open as before. A derivative needs what its names stand for: where that is left out it is a quantity of
its own, the same wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace as replace_fields
from enum import Enum
from itertools import pairwise

from symbackprop.formula.tree.tree import (
    BigSum,
    Call,
    Decorated,
    Formula,
    Group,
    Indexed,
    Nabla,
    Name,
    Number,
    Partial,
    Power,
    Product,
    Row,
    Sum,
    Text,
    Transpose,
    Update,
)
from symbackprop.formula.tree.walk import replace, walk
from symbackprop.proofreading.claims import HOLDS, ClaimStatus, ClaimVerdict
from symbackprop.proofreading.judging.certainty import open_in_words
from symbackprop.proofreading.judging.judge import free_indices, is_by_a_vector, judge, places_of, same
from symbackprop.proofreading.judging.points import names_reached, points_for, reached
from symbackprop.proofreading.meaning.array_values import ArrayError, NoValueError
from symbackprop.proofreading.meaning.values import Definition, Knowledge, summed_letters
from symbackprop.proofreading.shapes.array_shapes import evident_in
from symbackprop.proofreading.shapes.one_claim import Spoken, Way, ways


def holds_with_some_shape(left: Formula, right: Formula, known: Knowledge, bold: bool) -> ClaimVerdict | None:
    """Return the verdict on what holds where arrays have the likeliest shapes that fit; None where it does not, or none does."""
    spoken = _spoken(left, right, known, bold)
    if spoken is None:
        return None
    return _in_some_way(left, right, known, replace_fields(spoken, no_numbers=known.in_layers))


def holds_with_equal_lengths(left: Formula, right: Formula, known: Knowledge, bold: bool) -> ClaimVerdict | None:
    """Return the verdict on what holds where lengths are one of which the text does not say that they are: `A^{-1} A = I`."""
    spoken = _spoken(left, right, known, bold)
    shapes = {name: (shape[0], shape[1]) for name, shape in known.shapes.items() if len(shape) == 2}
    return _in_some_way(left, right, known, replace_fields(spoken, said=shapes)) if spoken is not None else None


def _in_some_way(left: Formula, right: Formula, known: Knowledge, spoken: Spoken) -> ClaimVerdict | None:
    for way in ways(spoken):
        place, other = (_with(way, lengths, known) for lengths in way.lengths)
        fit = _fit(left, right, place)
        if fit is Fit.UNSHAPED:
            continue
        verdict = judge(left, right, place) if fit is Fit.LIKELY else None
        if verdict is None or verdict.status not in HOLDS or judge(left, right, other).status not in HOLDS:
            return None
        return _under(verdict, way.words(_names((left, right), known)))
    return None


class Fit(Enum):
    """Whether two sides have values at a place: they may agree; they do not, or have none; or arrays do not go together."""

    LIKELY = 1
    UNLIKE = 2
    UNSHAPED = 3


def _fit(left: Formula, right: Formula, known: Knowledge) -> Fit:
    point = points_for((left, right), known)[0]
    letters = sorted(free_indices(left, [point]) | free_indices(right, [point]))
    try:
        for at in places_of(letters, point)[:1]:
            likely = same(point.value(left, at), point.value(right, at)) or is_by_a_vector(left, right, known)
            return Fit.LIKELY if likely else Fit.UNLIKE
    except ArrayError:
        return Fit.UNSHAPED
    except NoValueError:
        return Fit.LIKELY  # at another place perhaps
    return Fit.UNLIKE


def _under(verdict: ClaimVerdict, words: str) -> ClaimVerdict:
    """Return a verdict under a condition."""
    reasons = (verdict.reason, f"where {words}" if words else "")
    return ClaimVerdict(verdict.status, ", ".join(filter(None, reasons)))


def holds_for_vectors(left: Formula, right: Formula, known: Knowledge, bold: bool) -> ClaimVerdict | None:
    """Return the verdict on what holds where small letters are vectors, of which the text does not say that they are matrices."""
    guessed = known.guessed & names_reached((left, right), known)
    spoken = _spoken(left, right, known, bold) if guessed else None
    return _in_some_way(left, right, known, replace_fields(spoken, said=dict(_said(known)))) if spoken is not None else None


def _spoken(left: Formula, right: Formula, known: Knowledge, bold: bool) -> Spoken | None:
    """Return what a claim speaks of; None where all of its shapes are known, or an array has no axes of one kind."""
    nodes = list(reached((left, right), known))
    names = {known.canonical(node.name) for node in nodes if isinstance(node, Name)}
    arrays = names & (known.unshaped | known.shapes.keys())
    arrays |= set(_arrays_besides((left, right), nodes, known)) if arrays else set()
    axes = _axes(nodes, arrays, known) if arrays else None
    if axes is None:
        return None
    bodies = {name: known.definitions[name].body for name in names if known.is_whole(name)}
    return Spoken((left, right), bodies, frozenset(arrays), bold, axes, shaped=frozenset(known.shapes))


def _said(known: Knowledge) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the arrays whose two lengths are called something, or are numbers: the text says their shape."""
    for name, shape in known.shapes.items():
        if len(shape) == 2 and not any(":" in letter for letter in shape):
            yield name, (shape[0], shape[1])


def _arrays_besides(sides: Iterable[Formula], nodes: Iterable[Formula], known: Knowledge) -> Iterator[str]:
    """Yield the names that are arrays where another one is: capitals, and what stands beside a transpose."""
    beside = {known.canonical(name) for node in nodes for name in _beside_a_transpose(node)}
    capitals = {name for name in _names(sides, known) if len(name) == 1 and name.isupper()}
    yield from (name for name in beside | capitals if _is_open(name, known))


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
    for name, letters in (*_places_of(nodes, known), *_places_said(arrays, known)):
        if name in arrays:
            found.setdefault(name, set()).add(tuple(known.extents.get(letter, "") for letter in letters))
    if any(len(sizes) > 1 or not all(map(all, sizes)) for sizes in found.values()):
        return None
    return {name: min(sizes) for name, sizes in found.items()}


def _places_of(nodes: Iterable[Formula], known: Knowledge) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield arrays with the letters of each of their entries, "" for a place that is none."""
    for node in nodes:
        if isinstance(node, Indexed):
            yield known.canonical(node.name), tuple(label.name if isinstance(label, Name) else "" for label in node.indices)


def _places_said(arrays: Iterable[str], known: Knowledge) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield arrays with the letters of the entries that are said to be something."""
    for name in arrays:
        if (said := known.definitions.get(name)) is not None and said.indices:
            yield name, said.indices


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


# ---- whatever names stand for --------------------------------------------------------------------------------------


def holds_whatever_they_are(left: Formula, right: Formula, known: Knowledge, bold: bool) -> ClaimVerdict | None:
    """Return the verdict on what holds whatever its names stand for, and its derivatives; None where it does not."""
    atoms: dict[Formula, str] = {}
    one, other = (replace(side, lambda node: _as_atom(node, atoms, known)) for side in (left, right))
    if _cannot_be_open((left, right), bool(atoms), known, bold):
        return None
    open_known = _without_definitions((one, other), known)
    if open_known is known and not atoms:
        return None
    verdict = judge(one, other, open_known)
    if verdict.status is ClaimStatus.UNDECIDED:
        verdict = holds_with_some_shape(one, other, open_known, bold) or verdict
    return verdict if verdict.status is ClaimStatus.ALWAYS else None


def _cannot_be_open(sides: tuple[Formula, Formula], derived: bool, known: Knowledge, bold: bool) -> bool:
    """Whether formulas speak of a change of a parameter, of what has no value, or of derivatives of arrays, in some order."""
    worthless = any(_is_a_change(node) or _has_no_value(node) for side in sides for node in walk(side))
    return worthless or (derived and _speaks_of_arrays(sides, known, bold))


def _speaks_of_arrays(sides: Iterable[Formula], known: Knowledge, bold: bool) -> bool:
    """Whether an array stands in formulas, by what is known or by how it is written."""
    nodes = [node for side in sides for node in walk(side)]
    names = {known.canonical(node.name) for node in nodes if isinstance(node, Name)}
    return bold or bool(names & (known.unshaped | known.shapes.keys())) or any(True for node in nodes for _ in evident_in(node))


def _is_a_change(node: Formula) -> bool:
    return isinstance(node, Update) or (isinstance(node, Decorated) and node.kind == "Delta")


def _has_no_value(node: Formula) -> bool:
    return isinstance(node, Row | Text) or node in (Name("dots"), Name("infty"))


def _without_definitions(sides: Iterable[Formula], known: Knowledge) -> Knowledge:
    """Return what is known without what the names of some sides stand for."""
    names = {known.canonical(node.name) for side in sides for node in walk(side) if isinstance(node, Name | Indexed)}
    kept = {name: found for name, found in known.definitions.items() if found.arguments or name not in names}
    return known if len(kept) == len(known.definitions) else replace_fields(known, definitions=kept)


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


# ---- what words alone say ------------------------------------------------------------------------------------------


def holds_whatever_words_mean(left: Formula, right: Formula, known: Knowledge) -> bool:
    """Whether an `=` between derivatives holds, too, where what words alone say of a name rests on what is differentiated by."""
    names = open_in_words((left, right), known)
    if not names:
        return True
    below = dict.fromkeys(node.denominator for side in (left, right) for node in walk(side) if isinstance(node, Partial))
    there = {name: _moving(name, below, left, right, known) for name in names}
    said = {name: found for name, found in there.items() if found is not None}
    return not said or judge(left, right, replace_fields(known, definitions={**known.definitions, **said})).status in HOLDS


def _moving(name: str, below: Iterable[Formula], left: Formula, right: Formula, known: Knowledge) -> Definition | None:
    """Return what a name may stand for that moves with what is differentiated by; None where nothing moves it."""
    squares = [_sum_of_squares(entry) for entry in below if _may_move(entry, name, known)]
    entries = [node for node in reached((left, right), known) if isinstance(node, Indexed) and known.canonical(node.name) == name]
    letters = tuple(sorted(_labels(entries[0]))) if entries else ()
    return Definition(name, Sum((Number("1"), *squares)), letters) if squares else None


def _may_move(entry: Formula, name: str, known: Knowledge) -> bool:
    """Whether a name may rest on an entry: what stands beside the name does, and it does not rest on the name itself."""
    bodies = [found.body for found in known.definitions.values() if Name(name) in _as_names(found.body, known)]
    beside = names_reached(bodies, known)
    return isinstance(entry, Name | Indexed) and entry.name in beside and name not in names_reached((entry,), known)


def _as_names(formula: Formula, known: Knowledge) -> set[Name]:
    return {Name(known.canonical(node.name)) for node in walk(formula) if isinstance(node, Name | Indexed)}


def _sum_of_squares(entry: Formula) -> Formula:
    """Return `Σ_n Σ_i x_{ni}^2` for `x_{ni}`."""
    square: Formula = Power(entry, Number("2"))
    for letter in _labels(entry):
        square = BigSum(square, Name(letter))
    return square


# ---- slopes that are given a name ----------------------------------------------------------------------------------


def through_named_slopes(left: Formula, right: Formula, known: Knowledge) -> str:
    """Return under which condition an `=` holds of a loss of which the text says `δ = ∂L/∂u` and nothing else; "" for any other.

    L is then `δ u` to first order, of a number δ, or `Σ_i δ_i u_i`, where all that it rests on acts through u.
    """
    slopes = {said.name: said for said in _named_slopes((left, right), known)}
    losses = {said.body.numerator for said in slopes.values() if isinstance(said.body, Partial)}
    loss = losses.pop() if len(losses) == 1 else None
    if not isinstance(loss, Name) or known.canonical(loss.name) in known.definitions:
        return ""
    terms = tuple(map(_first_order, slopes.values()))
    rest = {name: said for name, said in known.definitions.items() if name not in slopes}
    rest[loss.name] = Definition(loss.name, Sum(terms) if len(terms) > 1 else terms[0])
    return (
        _through(slopes.values(), loss.name)
        if _holds_and_is_something(left, right, replace_fields(known, definitions=rest))
        else ""
    )


def _named_slopes(sides: Iterable[Formula], known: Knowledge) -> Iterator[Definition]:
    """Yield what says `δ = ∂L/∂u`, of each name in some sides."""
    used = {known.canonical(node.name) for side in sides for node in walk(side) if isinstance(node, Name | Indexed)}
    for said in (known.definitions[name] for name in sorted(used & known.definitions.keys())):
        match said.body:
            case Partial(denominator=Name() | Indexed(), others=()):
                yield said


def _holds_and_is_something(left: Formula, right: Formula, known: Knowledge) -> bool:
    """Whether two sides are equal, and not because both are nothing."""
    return judge(left, right, known).status is ClaimStatus.ALWAYS and judge(left, Number("0"), known).status not in HOLDS


def _through(slopes: Iterable[Definition], loss: str) -> str:
    through = dict.fromkeys(_entry(said.body.denominator) for said in slopes if isinstance(said.body, Partial))
    return f"where {loss} depends on the rest through {_and([*through])} alone"


def _first_order(said: Definition) -> Formula:
    """Return `δ u` for `δ = ∂L/∂u`, `Σ_i δ_i u_i` for `δ_i = ∂L/∂u_i`."""
    assert isinstance(said.body, Partial)
    letters = tuple(map(Name, said.indices))
    term: Formula = Product((Indexed(said.name, letters) if letters else Name(said.name), said.body.denominator))
    for letter in letters:
        term = BigSum(term, letter)
    return term


# ---- the chain rule ------------------------------------------------------------------------------------------------


def by_the_chain_rule(left: Formula, right: Formula) -> str:
    """Return under which condition `∂A/∂C = ∂A/∂B ∂B/∂C` holds, which needs no formula for A, B and C; "" for any other claim."""
    whole = _bare(left)
    if not isinstance(whole, Partial) or whole.others:
        return ""
    ends = (_unplaced(whole.numerator), _unplaced(whole.denominator))
    passed = [_passed(term, ends) for term in _terms(_bare(right))]
    if not all(passed) or len({steps[0] for steps in passed}) < len(passed):
        return ""
    through = dict.fromkeys(_entry(step) for steps in passed for step in steps)
    return f"the chain rule, where nothing else than {_and([*through])} lies between"


def _bare(side: Formula) -> Formula:
    while isinstance(side, Group):
        side = side.body
    return side


def _unplaced(side: Formula) -> Formula:
    """Return a formula of no place in the text."""
    return replace(_bare(side), lambda node: replace_fields(node, span=None))


def _terms(side: Formula) -> tuple[Formula, ...]:
    return side.terms if isinstance(side, Sum) else (side,)


def _passed(term: Formula, ends: tuple[Formula, Formula]) -> list[Formula]:
    """Return what a product of derivatives leads through, from one end to the other, each factor once; else []."""
    body = _bare(term)
    summed = summed_letters(body)[0] if isinstance(body, BigSum) and body.operator == "sum" else ()
    links = _links(_bare(body.body) if isinstance(body, BigSum) and summed else body)
    steps, at, passed = dict(links), ends[0], []
    while at in steps:
        at = steps.pop(at)
        passed.append(at)
    complete = at == ends[1] and len(passed) == len(links)
    return passed[:-1] if complete and _are_summed(passed[:-1], ends, set(summed)) else []


def _links(body: Formula) -> list[tuple[Formula, Formula]]:
    """Return what each derivative of a product is of, and by; [] for any other formula."""
    factors = body.factors if isinstance(body, Product) else (body,)
    partials = [factor for factor in map(_bare, factors) if isinstance(factor, Partial) and not factor.others]
    return (
        [(_unplaced(each.numerator), _unplaced(each.denominator)) for each in partials] if len(partials) == len(factors) else []
    )


def _are_summed(passed: list[Formula], ends: tuple[Formula, Formula], summed: set[str]) -> bool:
    """Whether a sum runs over the letters of what is passed, those of the ends left out, and over no others."""
    letters = {letter for step in passed for letter in _labels(step)}
    return letters - {letter for end in ends for letter in _labels(end)} == summed


def _labels(entry: Formula) -> set[str]:
    places = (*entry.indices, *entry.upper) if isinstance(entry, Indexed) else ()
    return {part.name for place in places for part in walk(place) if isinstance(part, Name)}


def _entry(step: Formula) -> str:
    """Return `a_j` for an entry, a name for a name."""
    letters = sorted(_labels(step))
    name = step.name if isinstance(step, Name | Indexed) else "what"
    return f"{name}_{','.join(letters)}" if letters else name


def _and(names: list[str]) -> str:
    return " and ".join(names) if len(names) < 4 else f"{', '.join(names[:-1])} and {names[-1]}"
