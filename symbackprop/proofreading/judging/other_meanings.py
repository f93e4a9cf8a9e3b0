"""What formulas may mean besides: `z_1, z_2, z_3` as the entries of z, a matrix that the text calls symmetric, another layout.

Each is what is known, changed in one thing. A claim that holds with one of them is none that differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product

from symbackprop.formula.tree.tree import Bars, Call, Formula, Indexed, Nabla, Name, Partial, Transpose
from symbackprop.formula.tree.walk import walk
from symbackprop.functions import BY_NAME
from symbackprop.proofreading.judging.judge import same
from symbackprop.proofreading.judging.points import points_for, reached
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.known_functions import CALLED
from symbackprop.proofreading.meaning.values import Definition, Key, Knowledge

_NUMBERED = re.compile(r"([^\W\d](?:\w*?[^\W\d_])?)_?([1-9]\d?)")
_SYMMETRIC = re.compile(r"(?<!\ba)symmetri|(?<![非反])对称", re.I)
MOST_WRITTEN = 20  # entries that are looked for by their names
FARTHEST_WORD = 600  # characters before a formula in which a text says of what it speaks


def numbered_entries(formulas: Iterable[Formula], bounds: Iterable[str]) -> Mapping[str, int]:
    """Return how many entries arrays have that a text writes out, 3 of `z_1, z_2, z_3` where z_i stands somewhere.

    0 where they go on, `z_1, …, z_n` (n is among the bounds of sums), and where one alone is no row.
    """
    nodes = [node for formula in formulas for node in walk(formula)]
    ends = {Name(bound) for bound in bounds}
    going_on = {node.name for node in nodes if isinstance(node, Indexed) and ends & set(node.indices)}
    return {name: 0 if name in going_on else _length(places) for name, places in _places_named(nodes).items()}


def _places_named(nodes: Iterable[Formula]) -> Mapping[str, set[int]]:
    """Return the numbers of the names that look like entries of an array, by the array."""
    nodes = list(nodes)
    arrays = {node.name for node in nodes if isinstance(node, Indexed) and len(node.indices) == 1 and not node.upper}
    found = filter(None, (_NUMBERED.fullmatch(node.name) for node in nodes if isinstance(node, Name)))
    places: dict[str, set[int]] = {}
    for name, number in (match.groups() for match in found):
        if name in arrays:
            places.setdefault(name, set()).add(int(number))
    return places


def speak_of_entries(meanings: Mapping[Formula, Formula]) -> bool:
    """Whether a name would stand for what speaks of an array that it is an entry of: `x_1` for `Σ_i x_i`."""
    return any(_is_entry_of(name, meaning) for name, meaning in meanings.items())


def _is_entry_of(name: Formula, meaning: Formula) -> bool:
    found = _NUMBERED.fullmatch(name.name) if isinstance(name, Name) else None
    return found is not None and any(isinstance(node, Indexed) and node.name == found[1] for node in walk(meaning))


def _length(places: set[int]) -> int:
    """Return how long a row is of which these places are named; 0 where that cannot be told."""
    return len(places) if len(places) > 1 and places == set(range(1, len(places) + 1)) else 0


def as_entries(left: Formula, right: Formula, known: Knowledge) -> Knowledge | None:
    """Return what is known with `z_1` as the first entry of z; None where a claim speaks of no such name, or sizes differ."""
    arrays = sorted(_arrays_spoken_of(left, right, known))
    nodes = list(reached((left, right, *map(Name, arrays)), known))
    entries = dict(_entries(arrays, _spoken(nodes)))
    counts = set(_counts(arrays, nodes, known))
    sizes = dict(counts)
    if not entries or len(counts) > len(sizes):
        return None
    sizes |= {bound: sizes[size] for bound, size in known.bounds.items() if size in sizes}
    return replace(known, numbered=entries, lengths={**known.lengths, **sizes})


def _spoken(nodes: Iterable[Formula]) -> set[str]:
    return {node.name for node in nodes if isinstance(node, Name | Indexed)}


def _arrays_spoken_of(left: Formula, right: Formula, known: Knowledge) -> set[str]:
    """Return the arrays with entries called by names of which a claim speaks, by the array or by such a name."""
    spoken = _spoken(reached((left, right), known))
    spoken |= {_NUMBERED.sub(r"\1", name) for name in spoken if _NUMBERED.fullmatch(name)}
    return (spoken & known.written_out.keys()) - known.in_layers - known.shapes.keys()


def _entries(arrays: Iterable[str], names: set[str]) -> Iterator[tuple[Key, Key]]:
    """Yield the entries of arrays that have a name of their own, with it: `z1`, `delta_1`."""
    for array, place in product(arrays, range(1, MOST_WRITTEN)):
        yield from (((array, place), (name,)) for name in (f"{array}{place}", f"{array}_{place}") if name in names)


def _counts(arrays: Iterable[str], nodes: Iterable[Formula], known: Knowledge) -> Iterator[tuple[str, int]]:
    """Yield the sizes of what the letters below arrays run over, with the number of entries that are written out."""
    for node in nodes:
        if isinstance(node, Indexed) and node.name in arrays and (count := known.written_out[node.name]):
            labels = [label.name for label in node.indices if isinstance(label, Name)]
            yield from ((known.extents[label], count) for label in labels if label in known.extents)


def other_meanings(left: Formula, right: Formula, known: Knowledge, words: str, text: str) -> Iterator[tuple[str, Knowledge]]:
    """Yield what a claim may rest on besides, each with the words for it; `words` stand before the formula, `text` is all."""
    nodes = list(reached((left, right), known))
    if any(isinstance(node, Partial | Nabla) for node in nodes) and known.shapes:
        yield "with derivatives in rows", replace(known, layout="row")
    if _SYMMETRIC.search(text):
        symmetric = replace(known, symmetric=True)
        yield "of a symmetric matrix", symmetric
        yield "of a symmetric matrix, with derivatives in rows", replace(symmetric, layout="row")
    if _tied(known) & {node.name for node in nodes if isinstance(node, Name)}:
        yield "of names that are tied elsewhere", _without(known, _tied(known))
    yield from _activations(sorted(map(known.canonical, _spoken(nodes))), known, words)


def _tied(known: Knowledge) -> set[str]:
    """Return the names without a formula that are said to be others without one, `w_1 = w_2`."""
    said = {name for name, found in known.definitions.items() if isinstance(found.body, Name) and not found.indices}
    words = {**known.aliases, **{name: known.definitions[name].body.name for name in said}}  # type: ignore[attr-defined]
    formulas = known.definitions.keys() - said
    return {name for pair in words.items() for name in pair if not formulas & set(pair)}


def _without(known: Knowledge, names: set[str]) -> Knowledge:
    definitions = {name: found for name, found in known.definitions.items() if name not in names}
    return replace(known, definitions=definitions, aliases={a: b for a, b in known.aliases.items() if a not in names})


def _called(words: str) -> Iterator[str]:
    """Yield the activations that the words before a formula name."""
    yield from (function for function, (pattern, _) in CALLED.items() if pattern.search(words[-FARTHEST_WORD:]))


def _activations(names: Iterable[str], known: Knowledge, words: str) -> Iterator[tuple[str, Knowledge]]:
    """Yield what is known with another activation, which the words before a formula name."""
    for name, function in product(names, _called(words)):
        found = known.definitions.get(name)
        changed = _activated(found, function, known) if found is not None else None
        if changed is not None:
            yield f"where {name} is {function}", replace(known, definitions={**known.definitions, name: changed})


def _activated(found: Definition, function: str, known: Knowledge) -> Definition | None:
    """Return `a = tanh(z)` for `a = 1/(1 + e^{-z})`: another activation of the same z; None of what is none."""
    entries = _variables(found.body, known)
    if found.arguments or len(entries) != 1 or function not in known.functions:
        return None
    others = [Call(Name(other), entries) for other in CALLED if other != function]
    return (
        replace(found, body=Call(Name(function), entries))
        if any(_is_worth(found.body, other, known) for other in others)
        else None
    )


def _variables(body: Formula, known: Knowledge) -> tuple[Formula, ...]:
    """Return the names and entries in a formula but for functions and constants."""
    constants = {"e", "pi", *BY_NAME, *known.functions}
    found = dict.fromkeys(node for node in walk(body) if isinstance(node, Name | Indexed) and node.name not in constants)
    places = {label for node in found if isinstance(node, Indexed) for label in node.indices}
    return tuple(node for node in found if node not in places)


def _is_worth(body: Formula, called: Formula, known: Knowledge) -> bool:
    """Whether a formula is worth what a function gives, wherever it is looked at."""
    points = points_for((body, called), replace(known, extents={}))
    try:
        return all(same(point.value(body), point.value(called)) for point in points)
    except NoValueError:
        return False


def vectors_in(sides: Iterable[Formula]) -> Iterator[str]:
    """Yield the names whose entries are vectors: `‖z_j‖`, `z_j^T`."""
    for side in sides:
        for node in walk(side):
            body = node.body if isinstance(node, Transpose) or (isinstance(node, Bars) and node.kind == "norm") else None
            if isinstance(body, Indexed):
                yield body.name
