"""A list of numbers that nothing in the text gives: what people do that would give it.

Tried in turn: steps of gradient descent from the text's numbers, with rounded targets, with another usual rate, with the weights
near the loss moved before the others are worked out. Only a change that gives every number is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import mpmath
from mpmath import mpf

from symbackprop.formula.tree.tree import Name, Partial
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.meaning.printed import half_unit
from symbackprop.proofreading.meaning.values import DIGITS, Key, Knowledge, NoValueError, Valuation, spelled

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
        try:
            given = dict(variant.given)
            for count in range(1, MOST_STEPS + 1):
                given = _stepped(replace(environment, given=given), names, variant)
                if _agree(texts, [given[name] for name in names]):
                    times = "one step" if count == 1 else f"{count} steps"
                    return f"{times} of gradient descent{''.join(f', {words}' for words in variant.words)}"
                if not _near(texts, [given[name] for name in names], start):
                    break
        except NoValueError:
            continue
    return None


def _variants(environment: Knowledge) -> Iterator[Variant]:
    """Yield what is tried, what changes least first."""
    given = environment.given
    rate = _rate(environment)
    targets = _rounded_targets(environment)
    rates = [(rate, "")] if rate is not None else []
    rates += [(mpf(text), f"rate {text}") for text in RATES if rate is None or mpf(text) != rate]
    choices = [
        (value, words, other, near)
        for near, other, (value, words) in product((False, True), (None, targets), rates)
        if other != {}
    ]
    choices.sort(key=lambda choice: bool(choice[1]) + (choice[2] is not None) + choice[3])
    for value, words, other, near in choices:
        said = [words] if words else []
        if other:
            said.append("targets " + ", ".join(f"{spelled(key)} = {mpmath.nstr(number, 4)}" for key, number in other.items()))
        if near:
            said.append("the weights near the loss moved before the others were worked out")
        yield Variant(tuple(said), {**given, **(other or {})}, value, near)


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
        for node in walk(definition.body) if definition and len(waiting) < 50 else ():
            if isinstance(node, Name):
                key = (environment.canonical(node.name),)
                if key in environment.given and 0 < abs(environment.given[key] - mpmath.nint(environment.given[key])) <= mpf(
                    "0.1"
                ):
                    found[key] = mpmath.nint(environment.given[key])
                elif key[0] in environment.definitions and key[0] not in waiting and len(waiting) < 6:
                    waiting.append(key[0])
    return found


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
    distance: dict[str, int] = {environment.loss or "": 0}
    waiting = [environment.loss or ""]
    for name in waiting:
        definition = environment.definitions.get(name)
        for node in walk(definition.body) if definition else ():
            if isinstance(node, Name):
                other = environment.canonical(node.name)
                if distance.get(other, -1) < distance[name] + 1 and len(waiting) < 500:
                    distance[other] = distance[name] + 1
                    waiting.append(other)
    levels = sorted({distance.get(key[0], 0) for key in names})
    return [[key for key in names if distance.get(key[0], 0) == level] for level in levels]


def _agree(texts: Sequence[str], values: Sequence[mpf]) -> bool:
    return all(abs(mpf(text) - value) <= 4 * half_unit(text) + mpf(10) ** -15 for text, value in zip(texts, values, strict=True))


def _near(texts: Sequence[str], values: Sequence[mpf], start: Sequence[mpf]) -> bool:
    """Whether more steps could still lead to the list: it lies further from the start than the first step does."""
    gone = max(abs(value - first) for value, first in zip(values, start, strict=True))
    wanted = max(abs(mpf(text) - first) for text, first in zip(texts, start, strict=True))
    return bool(wanted > gone * mpf("1.2"))
