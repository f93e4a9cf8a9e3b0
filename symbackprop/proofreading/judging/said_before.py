"""What a text says that explains an `=`: a number a step away from a given one, an equation that is demanded, nearness."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace as replace_fields

from mpmath import mpf

from symbackprop.formula.tree.tree import Formula, Fraction, Group, Indexed, Name, Number
from symbackprop.formula.tree.walk import replace, walk
from symbackprop.proofreading.judging.judge import compare_at
from symbackprop.proofreading.judging.points import IN_PIECES, names_reached, points_for
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.values import Key, Knowledge, Valuation

NEAR = mpf("0.02")  # how far a number that is moved a little may go
FARTHEST = 120  # characters before a formula in which the number stands
MOST_CONDITIONS = 60
_DECIMAL = re.compile(r"(?<![A-Za-z\d.])\d+\.\d+(?![A-Za-z\d]|\.\d)")


def moved_a_little(left: Formula, right: Formula, environment: Knowledge, words: str) -> tuple[Key, str] | None:
    """Return which name is a step away from its number where both sides agree: "if v goes to 11.001, J = 3 v = 33.003"."""
    numbers = dict.fromkeys(_DECIMAL.findall(words[-FARTHEST:]))
    for key in _entries(left, right) if numbers else ():
        try:
            value = Valuation(environment).value(Name(str(key[0])))
        except NoValueError:
            continue
        for text in numbers:
            if isinstance(value, mpf) and 0 < abs(mpf(text) - value) <= NEAR * abs(value):
                outcomes, _, _ = compare_at(left, right, points_for((left, right), environment, {key: mpf(text)}))
                if outcomes and all(outcomes):
                    return key, text
    return None


def _entries(*sides: Formula) -> Iterator[Key]:
    """Yield the names without indices that stand in the sides."""
    names = (node.name for side in sides for node in walk(side) if isinstance(node, Name))
    yield from ((name,) for name in dict.fromkeys(names))


def in_its_set(left: Formula, right: Formula, environment: Knowledge) -> str:
    """Return "where y is -1 or 1", where both sides agree for the numbers that the text lets a name be; else ""."""
    names = {str(key) for key in environment.domains} & {_letter(name) for name in names_reached((left, right), environment)}
    if not names:
        return ""
    there = replace_fields(environment, within=frozenset(names))
    outcomes, problems, _ = compare_at(left, right, [Valuation(there, seed, None, positive) for seed, positive in IN_PIECES])
    if problems or not outcomes or not all(outcomes):
        return ""
    said = [f"{name} is {' or '.join(environment.domains[name])}" for name in sorted(names)]
    return f"where {', '.join(said)}"


def _letter(name: str) -> str:
    """Return y of y1."""
    return re.sub(r"_?\d+$", "", name)


_MEMBER = re.compile(
    r"(?<![A-Za-z\\])([A-Za-z])(?:\s*[_^]\s*(?:\w|\{[^{}]*\}))*\s*\\in\s*\\(?:l?brace|\{)\s*"
    r"([-+]?\d+(?:\s*,\s*[-+]?\d+)+)\s*\\(?:rbrace|\})"
)
_SQUARED = re.compile(r"(?<![A-Za-z\\])([A-Za-z])(?:_\w|_\{\w+\})?\s*\^\s*\{?2\}?\s*=\s*1(?![\d./])")


def domains_in(text: str) -> dict[str, tuple[str, ...]]:
    """Return which few numbers a text lets names be: `y_i \\in \\{-1, 1\\}`, `y_i^2 = 1`."""
    found: dict[str, tuple[str, ...]] = {}
    for member in _MEMBER.finditer(text):
        found.setdefault(member[1], tuple(dict.fromkeys(number.strip().lstrip("+") for number in member[2].split(","))))
    for squared in _SQUARED.finditer(text):
        found.setdefault(squared[1], ("-1", "1"))
    return found


def with_conditions(
    left: Formula, right: Formula, conditions: Sequence[tuple[Formula, Formula]]
) -> Iterator[tuple[Formula, Formula]]:
    """Yield both sides with what a condition says put in: `Σ α_i y_i = 0`, `a + b = n`."""
    for first, second in conditions:
        for one, other in ((first, second), (second, first)):
            if isinstance(one, Name | Indexed | Number):
                continue
            first_too, second_too = _exchanged(left, one, other), _exchanged(right, one, other)
            for sides in dict.fromkeys(((first_too, second_too), (first_too, right), (left, second_too))):
                if sides != (left, right):
                    yield sides


def _exchanged(side: Formula, one: Formula, other: Formula) -> Formula:
    return replace(side, lambda node: Group(other, "(", span=node.span) if node == one else node)


#: Letters of what is small, and how small it is made.
_SMALL = frozenset(("h", "epsilon", "varepsilon", "delta", "Delta"))
_STEPS = (mpf(10) ** -4, mpf(10) ** -8)


def near(left: Formula, right: Formula, environment: Knowledge) -> str:
    """Return in what sense `left ≈ right` holds where something in it is small: "to first order in h", "as h goes to 0"; else "".

    To first order: what is left over goes with the square of what is small. A difference quotient is near its limit.
    """
    small = _small((left, right), environment)
    try:
        left_over = [_left_over(left, right, small, Valuation(environment, seed)) for seed in (1, 2, 3)] if small else []
    except (NoValueError, TypeError):
        return ""
    if small and all(second <= max(mpf(10) ** -7 * first, mpf(10) ** -25) for first, second in left_over):
        return f"to first order in {', '.join(small)}"
    if not _in_denominators((left, right)).isdisjoint(small) and all(second <= first / 1000 for first, second in left_over):
        return f"as {', '.join(small)} goes to 0"
    return ""


def _small(sides: Sequence[Formula], environment: Knowledge) -> list[str]:
    """Return the names of sides that stand for something small, of which the text says nothing else."""
    known = environment.definitions.keys() | {str(key[0]) for key in environment.given}
    names = {node.name for side in sides for node in walk(side) if isinstance(node, Name)} - known
    return sorted(name for name in names if name in _SMALL or (name.startswith("Δ") and len(name) > 1))


def _in_denominators(sides: Sequence[Formula]) -> set[str]:
    below = [node.denominator for side in sides for node in walk(side) if isinstance(node, Fraction)]
    return {name for part in below for name in _in(part)}


def _in(formula: Formula) -> Iterator[str]:
    return (node.name for node in walk(formula) if isinstance(node, Name))


def _left_over(left: Formula, right: Formula, small: Sequence[str], point: Valuation) -> tuple[mpf, mpf]:
    """Return how far two sides differ with what is small, and with what is far smaller. Raises NoValueError where both vanish."""
    found = []
    for step in _STEPS:
        held = {(name,): step * (number + 2) for number, name in enumerate(small)}
        there = Valuation(point.environment, point.seed, held)
        first, second = there.value(left), there.value(right)
        found.append(abs(first - second))
    if not found[1] <= mpf(10) ** -3 * abs(first):
        raise NoValueError("nothing is near here")
    return found[0], found[1]
