"""Is one `=` true? Both sides at random points, at the document's own numbers, and at the numbers it had before.

`differs` is said only where both sides are worth something at every point that counts, and every name in them is tied to the
document: a name that nothing else speaks of can mean anything, so nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

import mpmath
import numpy as np
from mpmath import mpf

from symbackprop.formula.tree.tree import BigSum, Call, Chain, Element, Formula, Indexed, Matrix, Name, Number, Partial
from symbackprop.formula.tree.walk import replace as replace_nodes
from symbackprop.formula.tree.walk import walk
from symbackprop.functions import BY_NAME
from symbackprop.proofreading.claims import ClaimStatus, ClaimVerdict
from symbackprop.proofreading.judging.points import leaves, names_reached, points_for
from symbackprop.proofreading.meaning.array_values import NoValueError, ShapeError
from symbackprop.proofreading.meaning.printed import half_unit, interval, is_numeric, is_rounded, printed_number
from symbackprop.proofreading.meaning.values import (
    DIGITS,
    LARGEST_SUM,
    LAYOUTS,
    Key,
    Knowledge,
    Valuation,
    spelled,
    summed_letters,
)

AGREE = (
    mpf(10) ** -14
)  # slopes are differences of 60 digits with a step of 1e-18: 30 digits hold, and more than 14 are never claimed
UNTIED = "nothing else in the text says what"
COMBINATIONS = 64
MOST_PLACES = 7
ENOUGH = 2  # points at which two sides differ, before no more are looked at


@dataclass(frozen=True, slots=True)
class Worth:
    """A value with what it may be off by."""

    value: mpf
    slack: mpf


def judge(left: Formula, right: Formula, environment: Knowledge, history: Sequence[Mapping[Key, mpf]] = ()) -> ClaimVerdict:
    """Return the verdict on `left = right`. `history` holds what names were worth before, the latest last."""
    with mpmath.workdps(DIGITS):
        if not (is_numeric(left) or is_numeric(right)):
            known = environment.worked_out()
            if (left, right) not in known:
                known[left, right] = _in_symbols(left, right, environment)
            return known[left, right]  # type: ignore[no-any-return]
        verdict = _in_numbers(left, right, environment, history)
        return (_as_constant(left, right, environment) or verdict) if verdict.status is ClaimStatus.UNDECIDED else verdict


def _as_constant(left: Formula, right: Formula, environment: Knowledge) -> ClaimVerdict | None:
    """`Σ_k P_nk = 1`: what has one value whatever the numbers are; None for anything else."""
    outcomes, problems, witness = compare_at(left, right, points_for((left, right), environment))
    if len(outcomes) > 1 and all(outcomes):
        return ClaimVerdict(ClaimStatus.ALWAYS)
    if len(outcomes) < 2 or problems:
        return None
    side = right if is_numeric(left) else left
    points = points_for((side,), environment)
    letters = sorted(free_indices(side, points))
    try:
        values = [point.value(side, at) for point in points for at in places_of(letters, point)]
    except NoValueError:  # looked at in more places than both sides were
        return None
    return _as_one_value(values, witness)


def _as_one_value(values: Sequence[mpf], witness: tuple[mpf, mpf] | None) -> ClaimVerdict | None:
    if witness is None or np.shape(witness[0]) != np.shape(witness[1]) or not all(same(value, values[0]) for value in values):
        return None
    return ClaimVerdict(ClaimStatus.DIFFERS, "", (shown(witness[0]), shown(witness[1])))


# ---- symbols -------------------------------------------------------------------------------------------------------


def same(first: mpf, second: mpf) -> bool:
    """Whether two values agree up to what differences leave over; arrays in their shape and every entry."""
    if np.shape(first) != np.shape(second):
        return False
    if np.ndim(first):
        return all(same(a, b) for a, b in zip(np.ravel(first), np.ravel(second), strict=True))
    return bool(abs(first - second) <= AGREE * max(1, abs(first), abs(second)))


def compare_at(
    left: Formula, right: Formula, points: Iterable[Valuation]
) -> tuple[list[bool], list[str], tuple[mpf, mpf] | None]:
    """Return at each point that gives both values whether they agree; why others do not; and the first pair that differs."""
    outcomes: list[bool] = []
    problems: list[str] = []
    witness = None
    letters = sorted(free_indices(left, points) | free_indices(right, points)) if (points := list(points)) else []
    for point in points:
        try:
            places = places_of(letters, point)
            pairs = ((point.value(left, at), point.value(right, at)) for at in places)
            differing = next((pair for pair in pairs if not same(*pair)), None)
        except NoValueError as problem:
            problems.append(str(problem))
            continue
        if not places:
            problems.append("no such places")
            continue
        outcomes.append(differing is None)
        if outcomes.count(False) >= ENOUGH:
            break
        witness = witness or differing
    return outcomes, problems, witness


def free_indices(formula: Formula, points: Sequence[Valuation]) -> set[str]:
    """Return the index letters of a formula that no sum binds."""
    known = points[0].environment
    nodes = list(walk(formula))
    bound = {letter for node in nodes if isinstance(node, BigSum) for letter in summed_letters(node)[0]}
    inside = {label.name for node in nodes for index in _indices_of(node) for label in walk(index) if isinstance(label, Name)}
    return (inside - bound - known.bounds.keys()) & known.extents.keys()


def _indices_of(node: Formula) -> tuple[Formula, ...]:
    return (*node.indices, *getattr(node, "upper", ())) if isinstance(node, Indexed | Element) else ()


def places_of(letters: Sequence[str], point: Valuation) -> list[dict[str, int]]:
    """Return a few places of free indices, spread over all of them."""
    spread = islice(product(*(point.span(letter) for letter in letters)), LARGEST_SUM)
    every = [at for values in spread if _is_meant(at := dict(zip(letters, values, strict=True)), point.environment)]
    return every[:: max(1, -(-len(every) // MOST_PLACES))]


def _is_meant(at: Mapping[str, int], environment: Knowledge) -> bool:
    """Whether a place keeps to what is said of its letters: `i ≠ j`, `i = j`."""
    return all((at.get(one) == at.get(other)) is equal for one, other, equal in environment.letters)


def _in_symbols(left: Formula, right: Formula, environment: Knowledge) -> ClaimVerdict:
    outcomes, problems, witness = compare_at(left, right, points_for((left, right), environment))
    if outcomes and all(outcomes):
        return ClaimVerdict(ClaimStatus.ALWAYS)
    if is_by_a_vector(left, right, environment):
        return _in_some_layout(left, right, environment)
    if not outcomes:
        return ClaimVerdict(ClaimStatus.UNDECIDED, problems[0], misfit=_misfits(left, right, environment))
    loose = untied(left, right, environment)
    if loose:
        return ClaimVerdict(ClaimStatus.UNDECIDED, f"{UNTIED} {', '.join(loose)} is")
    here, _, _ = compare_at(left, right, [Valuation(environment)])
    if here and here[0]:
        return ClaimVerdict(ClaimStatus.EXAMPLE, "at the document's numbers only")
    if witness is None:
        return ClaimVerdict(ClaimStatus.UNDECIDED, problems[0] if problems else "")
    return ClaimVerdict(ClaimStatus.DIFFERS, _relation(witness), (shown(witness[0]), shown(witness[1])))


def _in_some_layout(left: Formula, right: Formula, environment: Knowledge) -> ClaimVerdict:
    """What holds in one of the layouts that derivatives by vectors have; where in none, it may be meant in another one."""
    for layout in LAYOUTS:
        points = points_for((left, right), replace(environment, layout=layout))
        outcomes, _, _ = compare_at(left, right, points)
        if outcomes and all(outcomes):
            return ClaimVerdict(ClaimStatus.ALWAYS, f"{layout} layout")
    return ClaimVerdict(ClaimStatus.UNDECIDED, "it holds in none of the usual layouts of a derivative by a vector")


def is_by_a_vector(left: Formula, right: Formula, environment: Knowledge) -> bool:
    """Whether a derivative of an array by a vector occurs."""
    for node in (*walk(left), *walk(right)):
        if not isinstance(node, Partial) or not isinstance(node.denominator, Name) or node.others:
            continue
        if "1" in environment.shapes.get(environment.canonical(node.denominator.name), ()):
            point = points_for((node.numerator,), environment)[0]
            try:
                if np.ndim(point.value(node.numerator)):
                    return True
            except NoValueError:
                continue
    return False


def _misfits(left: Formula, right: Formula, environment: Knowledge) -> bool:
    """Whether one side has a value and the other one's arrays do not go together."""
    point = points_for((left, right), environment)[0]
    kinds = [_kind(side, point) for side in (left, right)]
    return sorted(kinds) == ["a value", "no shape"]


def _kind(side: Formula, point: Valuation) -> str:
    try:
        point.value(side)
    except ShapeError:
        return "no shape"
    except NoValueError:
        return "no value"
    return "a value"


def _relation(witness: tuple[mpf, mpf]) -> str:
    first, second = witness
    if np.ndim(first) or np.ndim(second):
        return "" if np.shape(first) == np.shape(second) else f"shapes {np.shape(first)} and {np.shape(second)}"
    if same(first, -second):
        return "opposite sign"
    ratio = second / first if first else mpf(0)
    for numerator, denominator in product(range(1, 7), range(1, 7)):
        if same(ratio * denominator, mpf(numerator)) and numerator != denominator:
            return f"the right side is {numerator}{f'/{denominator}' if denominator > 1 else ''} times the left side"
    return ""


def shown(value: mpf) -> str:
    """Return a value as it is printed in a report."""
    if np.ndim(value):
        return f"array of shape {np.shape(value)}"
    return str(mpmath.nstr(value, 10)).removesuffix(".0")


def _shown_apart(first: mpf, second: mpf) -> tuple[str, str]:
    """Return two values with so many digits that they are not alike."""
    short = shown(first), shown(second)
    alike = short[0] == short[1] and not np.ndim(first) and not np.ndim(second)
    return (mpmath.nstr(first, 20), mpmath.nstr(second, 20)) if alike else short


def untied(left: Formula, right: Formula, environment: Knowledge) -> list[str]:
    """Return the names on one side only that the document never ties to anything: no number, no definition that uses them."""
    one, other = leaves(left, environment), leaves(right, environment)
    tied = {key[0] for key in environment.given} | {environment.rate if isinstance(environment.rate, str) else "eta"}
    for definition in environment.definitions.values():
        if not definition.arguments:
            tied |= {environment.canonical(node.name) for node in walk(definition.body) if isinstance(node, Name | Indexed)}
    bound = {index for definition in environment.definitions.values() for index in (*definition.indices, *definition.arguments)}
    bound |= _going_to(left) | _going_to(right)
    return sorted((one ^ other) - tied - bound - environment.extents.keys() - environment.in_layers - BY_NAME.keys())


def _going_to(side: Formula) -> set[str]:
    """Return the letters of a side's limits."""
    limits = [node.index for node in walk(side) if isinstance(node, BigSum) and isinstance(node.index, Chain)]
    return {chain.parts[0].name for chain in limits if isinstance(chain.parts[0], Name)}


# ---- numbers -------------------------------------------------------------------------------------------------------


def _in_numbers(left: Formula, right: Formula, environment: Knowledge, history: Sequence[Mapping[Key, mpf]]) -> ClaimVerdict:
    places = [environment, *earlier(environment, history, left, right)]
    last: ClaimVerdict | None = None
    for number, place in enumerate(places):
        try:
            first, second = _of_one_shape(worth(left, place), worth(right, place))
        except NoValueError as problem:
            last = last or ClaimVerdict(ClaimStatus.UNDECIDED, str(problem))
            continue
        reason = _agreement(left, right, first, second)
        if reason is not None:
            return ClaimVerdict(ClaimStatus.EXAMPLE, reason or (_at(place, environment) if number else ""))
        if last is None or last.status is ClaimStatus.UNDECIDED:
            last = ClaimVerdict(ClaimStatus.DIFFERS, "", _shown_apart(first.value, second.value))
    return last if last is not None else ClaimVerdict(ClaimStatus.UNDECIDED)


def _of_one_shape(first: Worth, second: Worth) -> tuple[Worth, Worth]:
    """Return both sides. Raises ShapeError for a number and an array, and arrays of two shapes."""
    if np.shape(first.value) != np.shape(second.value):
        raise ShapeError("a number and an array, or arrays of two shapes")
    return first, second


def worth(side: Formula, environment: Knowledge) -> Worth:
    """Return what a side is worth at the document's numbers, and how much rounding may have moved it. Raises NoValueError."""
    if is_numeric(side) and any(isinstance(node, Matrix) for node in walk(side)):
        return _written_out(side, Valuation(environment))
    if is_numeric(side) and not _calls_a_defined_function(side, environment):
        middle, half = interval(side, environment.functions)
        alone = printed_number(side)
        return Worth(middle, max(half, alone[1]) if alone else half)
    point = Valuation(environment)
    value = point.value(side)
    slack = mpf(0)
    for key, half in environment_slack(environment).items():
        if key in point.known:
            moved = replace(environment, given={**environment.given, key: environment.given[key] + half})
            slack += abs(Valuation(moved).value(side) - value)
    return Worth(value, slack)


def _written_out(side: Formula, point: Valuation) -> Worth:
    """Return what a matrix of numbers is worth, and how much the rounding of each of them moves it."""
    value = point.value(side)
    slack = abs(value * 0)
    for number in {node for node in walk(side) if isinstance(node, Number) and is_rounded(node.text)}:
        near = Number(mpmath.nstr(mpf(number.text) + half_unit(number.text), DIGITS))
        moved = replace_nodes(side, lambda node, number=number, near=near: near if _is_that(node, number) else node)  # type: ignore[misc]
        slack = slack + abs(point.value(moved) - value)
    return Worth(value, slack)


def _is_that(node: Formula, number: Number) -> bool:
    return isinstance(node, Number) and node.text == number.text


def _calls_a_defined_function(side: Formula, environment: Knowledge) -> bool:
    """Whether a side calls a function that the text gives a formula: `f(0)` is worth what that says."""
    heads = [part for node in walk(side) if isinstance(node, Call) for part in walk(node.function)]
    return any(isinstance(part, Name) and part.name in environment.definitions for part in heads)


def environment_slack(environment: Knowledge) -> Mapping[Key, mpf]:
    """Return the given numbers that are rounded, with half a unit of their last place."""
    return {key: half for key, half in environment.rounded.items() if key in environment.given and half}


def _agreement(left: Formula, right: Formula, first: Worth, second: Worth) -> str | None:
    """Return "" or a remark where two values agree up to their digits, None where they do not."""
    if np.ndim(first.value) or np.ndim(second.value):
        return _agreement_of_arrays(first, second)
    gap, slack = abs(first.value - second.value), first.slack + second.slack
    if gap <= slack * mpf("1.0001") + AGREE * max(1, abs(first.value)):
        return ""
    for side in (right, left):
        alone = printed_number(side)
        if alone is not None and alone[1] and gap <= slack + alone[1] * mpf("1.02"):
            return "the last digit is cut off or one off"
    return None


def _agreement_of_arrays(first: Worth, second: Worth) -> str | None:
    """Return "" where two arrays agree entry by entry up to their digits, None where they do not."""
    slack = first.slack + second.slack + AGREE * (1 + abs(first.value))
    return "" if np.all(abs(first.value - second.value) <= slack * mpf("1.02")) else None


def earlier(environment: Knowledge, history: Sequence[Mapping[Key, mpf]], left: Formula, right: Formula) -> list[Knowledge]:
    """Return environments with numbers that names had before, or that were printed for them; only of names that matter here.

    First all of them as they were printed last, then one after the other.
    """
    names = names_reached((left, right), environment)
    options = _formers(environment, history, names)
    choices = product(*([environment.given.get(key), *values] for key, values in options.items()))
    latest = tuple(values[0] for values in options.values())
    found = []
    for choice in (latest, *islice(choices, 1, COMBINATIONS + 1)) if options else ():  # the first one is what is given now
        changed = {key: value for key, value in zip(options, choice, strict=True) if value is not None}
        found.append(replace(environment, given={**environment.given, **changed}))
    return found


def _formers(environment: Knowledge, history: Sequence[Mapping[Key, mpf]], names: Collection[str]) -> dict[Key, list[mpf]]:
    """Return what the entries of some names were worth before, of those that had other numbers."""
    found = {key: _former(key, environment, history) for key in _keys(environment) if key[0] in names}
    return {key: values for key, values in found.items() if values}


def _keys(environment: Knowledge) -> list[Key]:
    return list(dict.fromkeys((*environment.given, *environment.printed)))


def _former(key: Key, environment: Knowledge, history: Sequence[Mapping[Key, mpf]]) -> list[mpf]:
    """Return what an entry was worth before, or is said to be worth, the latest first; without what it is worth now."""
    values = [*environment.printed.get(key, ())[::-1], *(values[key] for values in reversed(history) if key in values)]
    return [value for value in dict.fromkeys(values) if value != environment.given.get(key)]


def _at(place: Knowledge, environment: Knowledge) -> str:
    changed = [f"{spelled(key)} = {shown(value)}" for key, value in place.given.items() if environment.given.get(key) != value]
    return f"with {', '.join(changed)}, as before"
