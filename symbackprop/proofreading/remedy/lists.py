"""A list of numbers that nothing in the text gives: what people do that would give it.

Tried in turn: steps of gradient descent from the text's numbers, with rounded targets, with another usual rate, with the weights
near the loss moved before the others are worked out. Only a change that gives every number is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product

import mpmath
from mpmath import mpf

from symbackprop.formula.tree.tree import Name, Partial
from symbackprop.formula.tree.walk import nodes
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.printed import half_unit
from symbackprop.proofreading.meaning.values import DIGITS, Key, Knowledge, Valuation, spelled

RATES = ("1", "0.5", "0.1", "0.01", "0.001")
MOST_STEPS = 3


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of making a step: given numbers that are other than the text's, the rate, and the order of the weights."""

    words: tuple[str, ...]
    given: Mapping[Key, mpf]
    rate: mpf
    near_first: bool = False


def explain_list(texts: Sequence[str], environment: Knowledge) -> str | None:
    """Return what gives a list of numbers, in words; None where nothing that was tried gives all of them."""
    if environment.loss is None or len(texts) < 2:
        return None
    with mpmath.workdps(DIGITS):
        for names in _parameter_lists(len(texts), environment):
            found = _variant(texts, names, environment)
            if found is not None:
                return found
    return None


def _parameter_lists(count: int, environment: Knowledge) -> list[list[Key]]:
    """Return the rows of that many given numbers that are called alike (`w1` … `w12`)."""
    rows: dict[str, list[Key]] = {}
    for key in environment.given:
        base = re.match(r"[^\d]+", spelled(key))
        if base and len(key) == 1:
            rows.setdefault(base[0], []).append(key)
    return [
        sorted(row, key=lambda key: int(re.findall(r"\d+", key[0])[-1] if re.search(r"\d", key[0]) else 0))
        for row in rows.values()
        if len(row) == count
    ]


def _variant(texts: Sequence[str], names: list[Key], environment: Knowledge) -> str | None:
    start = [environment.given[name] for name in names]
    if _agree(texts, start):
        return "the values at the start"
    for variant in _variants(environment):
        count = _steps_to(texts, names, variant, environment)
        if count is not None:
            times = "one step" if count == 1 else f"{count} steps"
            return f"{times} of gradient descent{''.join(f', {words}' for words in variant.words)}"
    return None


def _steps_to(texts: Sequence[str], names: list[Key], variant: Variant, environment: Knowledge) -> int | None:
    """Return after how many steps a variant gives the list; None where it does not."""
    start = [environment.given[name] for name in names]
    given = dict(variant.given)
    for count in range(1, MOST_STEPS + 1):
        try:
            given = _stepped(replace(environment, given=given), names, variant)
        except NoValueError:
            return None
        values = [given[name] for name in names]
        if _agree(texts, values):
            return count
        if not _near(texts, values, start):
            return None
    return None


def _variants(environment: Knowledge) -> Iterator[Variant]:
    """Yield what is tried, what changes least first; what is as in the text has no words."""
    rate, targets = _rate(environment), _rounded_targets(environment)
    named = {mpf(text): f"rate {text}" for text in RATES}
    rates = list(({rate: ""} | named | {rate: ""} if rate is not None else named).items())
    said = ", ".join(f"{spelled(key)} = {mpmath.nstr(number, 4)}" for key, number in targets.items())
    changes = [({}, ""), (targets, f"targets {said}")] if targets else [({}, "")]
    orders = [(False, ""), (True, "the weights near the loss moved before the others were worked out")]
    for choice in sorted(product(orders, changes, rates), key=lambda choice: sum(bool(words) for _, words in choice)):
        (near, _), (changed, _), (value, _) = choice
        words = tuple(words for _, words in reversed(choice) if words)
        yield Variant(words, {**environment.given, **changed}, value, near)


def _rate(environment: Knowledge) -> mpf | None:
    if isinstance(environment.rate, str):
        return environment.given.get((environment.rate,))
    return environment.rate


def _rounded_targets(environment: Knowledge) -> dict[Key, mpf]:
    """Return numbers near 0 or 1 that the loss uses directly, rounded: (0.01, 0.99) is often meant as (0, 1)."""
    found = {}
    waiting = [environment.loss or ""]
    for name in waiting:
        definition = environment.definitions.get(name)
        for node in nodes(definition.body, Name) if definition else ():
            key = (environment.canonical(node.name),)
            if key in environment.given and _is_nearly_whole(environment.given[key]):
                found[key] = mpmath.nint(environment.given[key])
            elif key[0] in environment.definitions and key[0] not in waiting and len(waiting) < 6:
                waiting.append(key[0])
    return found


def _is_nearly_whole(number: mpf) -> bool:
    return bool(0 < abs(number - mpmath.nint(number)) <= mpf("0.1"))


def _stepped(environment: Knowledge, names: list[Key], variant: Variant) -> dict[Key, mpf]:
    given = dict(environment.given)
    groups = _by_distance(environment, names) if variant.near_first else [names]
    for group in groups:
        point = Valuation(replace(environment, given=dict(given)))
        slopes = {key: point.value(Partial(Name(environment.loss or ""), Name(key[0]))) for key in group}
        given.update({key: given[key] - variant.rate * slope for key, slope in slopes.items()})
    return given


def _by_distance(environment: Knowledge, names: list[Key]) -> list[list[Key]]:
    """Return parameters in groups, those nearest to the loss first."""
    waiting = [environment.loss or ""]
    distance = {waiting[0]: 0}
    for name in waiting:
        definition = environment.definitions.get(name)
        for node in nodes(definition.body, Name) if definition else ():
            other = environment.canonical(node.name)
            if distance.get(other, -1) < distance[name] + 1 and len(waiting) < 500:
                distance[other] = distance[name] + 1
                waiting.append(other)

    def level(key: Key) -> int:
        return distance.get(key[0], 0)

    return [list(group) for _, group in groupby(sorted(names, key=level), level)]


def _agree(texts: Sequence[str], values: Sequence[mpf]) -> bool:
    return all(abs(mpf(text) - value) <= 4 * half_unit(text) + mpf(10) ** -15 for text, value in zip(texts, values, strict=True))


def _near(texts: Sequence[str], values: Sequence[mpf], start: Sequence[mpf]) -> bool:
    """Whether more steps could still lead to the list: it lies further from the start than the first step does."""
    gone = max(abs(value - first) for value, first in zip(values, start, strict=True))
    wanted = max(abs(mpf(text) - first) for text, first in zip(texts, start, strict=True))
    return bool(wanted > gone * mpf("1.2"))
