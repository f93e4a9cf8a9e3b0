"""What a written formula is worth: 60 digits, at a point where every name has a value.

A name is worth what the document (or a network) says it is: a number that was given, its definition, or, where nothing is said, a
random number of the point. ∂A/∂B is total with the graph cut at B: B is moved a little and A worked out again, so nothing of the
library's own derivation is believed here. Formulas are gone through with a stack of their own, however deep they are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from itertools import pairwise, product
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

from symbackprop.formula.tree.tree import (
    Bars,
    BigSum,
    Call,
    Cases,
    Chain,
    Decorated,
    Delta,
    Element,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Logic,
    Matrix,
    Nabla,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
    Row,
    Sum,
    Transpose,
    Update,
)
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.meaning.array_values import (
    OF_ARRAYS,
    ArrayError,
    NoValueError,
    ShapeError,
    determinant,
    euclidean,
    is_of_arrays,
    plus,
    power,
    shaped,
    times,
    written_out,
)

DIGITS = 60  # a difference of differences loses 36 of them
STEP = mpf(10) ** -18
LARGEST_SUM = 200
LARGEST_ARRAY = 150
MOST_INSIDE = 50  # functions of a text one inside the other, before one of them is said to rest on itself
LARGEST_ARGUMENT = mpf(10) ** 50  # of a sine, say: what is larger takes for ever, and no text means it

#: A row for each entry above, a row for each entry below; derivatives of a number by a column as rows; or entry by entry.
LAYOUTS = ("numerator", "denominator", "row", "elementwise")

Key = tuple[Any, ...]  # a name and the places of one of its entries: ("w7",), ("W", 0, 2)
Places = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a name stands for: `body`, with `indices` for an entry of an array or `arguments` for a function."""

    name: str
    body: Formula
    indices: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    offset: int = 0
    source: int = field(default=-1, compare=False)  # the statement that says it, by its order
    is_found: bool = field(default=False, compare=False)  # in a formula that the name stands in, not said of it


@dataclass(slots=True)
class Knowledge:
    """What is known at a place of the document; it grows as the text goes on."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    given: dict[Key, mpf] = field(default_factory=dict)
    rounded: dict[Key, mpf] = field(default_factory=dict)  # half a unit of the last place of numbers that were printed
    printed: dict[Key, tuple[mpf, ...]] = field(default_factory=dict)  # what the text says a name with a formula is worth
    aliases: dict[str, str] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., mpf]] = field(default_factory=dict)
    layer_letters: frozenset[str] = frozenset()  # those above names that stand for any layer, and for the last one
    retold: set[str] = field(default_factory=set)  # names of which the text says two different things
    elided: set[str] = field(default_factory=set)  # names that the text writes out with dots, or as a row
    in_words: frozenset[str] = frozenset()  # names of which words say of what they are made
    sums_unsaid: bool = False  # whether a letter that occurs twice may be summed over (Einstein)
    unsaid: frozenset[str] = frozenset()  # functions of which nothing is said, or not yet: any smooth one stands for each
    telling: frozenset[int] = frozenset()  # the statements, by their order, that say what a function is
    loss: str | None = None
    rate: str | mpf | None = None
    sizes: dict[str, int] = field(default_factory=dict)  # of the document's own arrays, by name: N = 4
    extents: dict[str, str] = field(default_factory=dict)  # index letter -> the size it runs over
    bounds: Mapping[str, str] = field(default_factory=dict)  # n of Σ_{j=1}^n -> the size that j runs over
    shapes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # array -> the sizes of its axes
    lengths: dict[str, int] = field(default_factory=dict)  # of axes whose length is known
    unshaped: frozenset[str] = frozenset()  # arrays of whose shape nothing is known
    guessed: frozenset[str] = frozenset()  # arrays in small letters that may be vectors as well as matrices
    identities: frozenset[str] = frozenset()  # arrays that are the identity, in what is judged
    first: int = 1  # what indices count from
    written_out: Mapping[str, int] = field(default_factory=dict)  # array -> how many of its entries a text calls by names, z_1 …
    numbered: Mapping[Key, Key] = field(default_factory=dict)  # entries -> those names, where they are taken to be one
    symmetric: bool = False  # whether arrays that nothing defines have the same entry at (i, j) as at (j, i)
    normalised: Mapping[str, str] = field(default_factory=dict)  # arrays whose entries sum to 1 along the last axis, and its size
    domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # letters that are one of a few numbers: y ∈ {-1, 1}
    within: frozenset[str] = frozenset()  # those of them that are, in what is judged
    demanded: dict[tuple[Formula, Formula], int] = field(default_factory=dict)  # what is said of formulas, and by which statement
    in_layers: frozenset[str] = frozenset()  # arrays that stand for a layer of a network: those of the first one are its input
    layout: str = "numerator"  # of derivatives of a vector by a vector, one of LAYOUTS
    apart: frozenset[frozenset[str]] = frozenset()  # letters of which the text says that they differ, `i ≠ j`
    letters: tuple[
        tuple[str, str, bool], ...
    ] = ()  # letters that stand for one place (True) or for two (False), in what is judged

    kept: tuple[Knowledge, Any, dict[Any, Any]] | None = field(default=None, compare=False, repr=False)

    def point(self, seed: int, positive: bool) -> Valuation:
        """Return a random point; the same one, with all that was worked out there, as long as nothing new is known."""
        points = self.worked_out()
        if (seed, positive) not in points:
            points[seed, positive] = Valuation(self, seed, None, positive)
        return points[seed, positive]  # type: ignore[no-any-return]

    def worked_out(self) -> dict[Any, Any]:
        """Return what was worked out from all that is known now; it begins empty when something new is known."""
        said = (self.definitions, self.given, self.aliases, self.sizes, self.extents, self.bounds, self.shapes, self.lengths)
        stamp = (
            *(tuple(table.items()) for table in said),
            *(self.functions, self.loss, self.rate, self.unshaped, self.normalised, self.layout, self.letters, self.first),
            *(self.symmetric, *self.numbered),
        )
        if self.kept is None or self.kept[0] is not self or self.kept[1] != stamp:
            self.kept = (self, stamp, {})
        return self.kept[2]

    def canonical(self, name: str) -> str:
        """Return the name an alias stands for."""
        seen = {name}
        while name in self.aliases and self.aliases[name] not in seen:
            name = self.aliases[name]
            seen.add(name)
        return name

    def definition_of(self, key: Key) -> tuple[Definition | None, Key]:
        """Return what an entry is said to be, and the entry it is said of: for z_1 the first one of z where only z is told."""
        found = self.definitions.get(spelled(key)) or self.definitions.get(key[0])
        entry = key if found is not None else next((entry for entry, name in self.numbered.items() if name == key), key)
        return self.definitions.get(entry[0]) if found is None else found, entry

    def is_whole(self, name: str) -> bool:
        """Whether a definition gives an array as a whole, not entry by entry."""
        found = self.definitions.get(name)
        return found is not None and not found.indices and not found.arguments

    def is_part(self, key: Key) -> bool:
        """Whether an entry belongs to an array that is defined as a whole."""
        return len(key) > 1 and key[0] in self.shapes and self.is_whole(str(key[0]))

    def rests_on(self, name: str, other: str) -> bool:
        """Whether the definition of a name, or what it uses, speaks of another name."""
        waiting, seen = [name], {name}
        while waiting:
            found = self.definitions.get(waiting.pop())
            used = (
                {self.canonical(node.name) for node in walk(found.body) if isinstance(node, Name | Indexed)} if found else set()
            )
            if other in used:
                return True
            waiting += used - seen
            seen |= used
        return False


class Valuation:
    """Values for everything: the document's own numbers (`seed` None), or random ones; `moved` entries are held."""

    def __init__(
        self, environment: Knowledge, seed: int | None = None, moved: Mapping[Key, mpf] | None = None, positive: bool = False
    ):
        self.environment, self.seed, self.positive = environment, seed, positive
        self.held = dict(moved or {})
        self.known: dict[Key, Any] = {}
        self.users: dict[Key, set[Key]] = {}  # which entries were worked out from an entry
        self.unsure: set[Key] = set()  # entries that were worked out at other points too: of what is not recorded
        self.path: list[Key] = []  # the entries that are being worked out
        self.arrays: dict[str, Any] = {}  # those that are not defined by anything
        self.slopes: dict[Any, Any] = {}
        self._moved: dict[Any, Valuation] = {}
        self.inside = 0  # how many functions of the text are being worked out around this point

    def value(self, formula: Formula, places: Places | None = None) -> mpf:
        """Return what a formula is worth. Raises NoValueError."""
        with mpmath.workdps(DIGITS):
            return _run(self, formula, dict(places or {}))

    def moved(self, key: Key, change: mpf) -> Valuation:
        """Return this point with one entry moved; what depends on it follows, the rest is worth what it was worth here."""
        identity = (key, change)
        if identity not in self._moved:
            start = _run(self, written(key), {})
            there = Valuation(self.environment, self.seed, {**self.held, key: start + change}, self.positive)
            whole = (key[0],)
            follows = self._downstream({key, *self.unsure} | self.users.get(whole, set()))
            there.known = {entry: worth for entry, worth in self.known.items() if worth is not None and entry not in follows}
            there.arrays = {name: array for name, array in self.arrays.items() if name != key[0]}
            there.users, there.unsure, there.inside = self.users, self.unsure, self.inside
            self._moved[identity] = there
        return self._moved[identity]

    def without_printed(self, name: str) -> Valuation:
        """Return this point without numbers for what rests on a name: what was printed does not move with it."""
        environment = self.environment
        if self.seed is not None or not any(key[0] in environment.definitions for key in environment.given):
            return self
        kept = {key: value for key, value in environment.given.items() if not environment.rests_on(str(key[0]), name)}
        if len(kept) == len(environment.given):
            return self
        return Valuation(replace(environment, given=kept), None, self.held, self.positive)

    def _downstream(self, moved: set[Key]) -> set[Key]:
        """Return the entries that were worked out from any of these, and these."""
        found, waiting = set(moved), list(moved)
        while waiting:
            new = self.users.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    def use(self, key: Key) -> None:
        """Note that the entry that is being worked out rests on another one."""
        if self.path:
            self.users.setdefault(key, set()).add(self.path[-1])

    def looks_elsewhere(self) -> None:
        """Note that the entry that is being worked out rests on values at other points."""
        self.unsure.update(self.path[-1:])

    def size(self, name: str) -> int:
        """Return how long an axis is: the document's own arrays, or small ones, those of different sizes of different length."""
        lengths, axis = self.environment.lengths, self.environment.bounds.get(name, name)
        if name in lengths:
            return lengths[name]
        if self.seed is None and name in self.environment.sizes:
            return self.environment.sizes[name]
        if axis in lengths:
            return lengths[axis]
        name = axis
        names = list(dict.fromkeys([*self.environment.extents.values(), *self.environment.sizes, name]))
        return 2 + names.index(name) % 3

    def span(self, index: str) -> range:
        """Return the places of an index."""
        length = self.size(self.environment.extents.get(index, index))
        return range(self.environment.first, self.environment.first + length)

    def places_of(self, name: str) -> list[tuple[int, ...]]:
        """Return the places of all entries of an array. Raises NoValueError for a large one."""
        shape = self.shape(name)
        if math.prod(shape) > LARGEST_ARRAY:
            raise NoValueError(f"{name} has {math.prod(shape)} entries")
        first = self.environment.first
        axes = [length for length, axis in zip(shape, self.environment.shapes[name], strict=True) if axis != "1"]
        return list(product(*(range(first, first + length) for length in axes)))

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the lengths of an array's axes."""
        return tuple(self.size(axis) for axis in self.environment.shapes[name])

    def free(self, key: Key) -> mpf:
        """Return the value of an entry that is not defined by anything. Raises NoValueError at the document's own point."""
        given = self.environment.given.get(key)
        if self.seed is None:
            if given is None:
                raise NoValueError(f"no number is given for {spelled(key)}")
            return given
        if self.environment.numbered:
            key = self.environment.definition_of(key)[1]
        if key[0] in self.environment.normalised and isinstance(key[-1], int):
            span = self.span(self.environment.normalised[key[0]])
            if key[-1] not in span:
                raise NoValueError(f"{spelled(key)} stands outside of the array")
            row = [self._random((*key[:-1], place), positive=True) for place in span]
            return self._random(key, positive=True) / mpmath.fsum(row)
        return self._any(key)

    def _any(self, key: Key) -> mpf:
        if key[0] in self.environment.identities:
            return mpf(len(set(key[1:])) == 1)
        return self._random(_upper(key) if self.environment.symmetric else key, self.positive)

    def _random(self, key: Key, positive: bool) -> mpf:
        if self.environment.within and (letter := key[0].rstrip("0123456789").rstrip("_")) in self.environment.within:
            return mpf(random.Random(f"{self.seed} {key}").choice(self.environment.domains[letter]))
        return _chosen(f"{self.seed} {key}", str(key[0]), positive)


@lru_cache(maxsize=20_000)
def _chosen(seed: str, name: str, positive: bool) -> mpf:
    """Return a random number of an ordinary size, the same one for the same seed."""
    rng = random.Random(seed)
    value = mpf(rng.randrange(200, 1700)) / 1000 + mpf(rng.randrange(1, 1000)) / 10**6
    if "∣" in name:  # a probability
        return value / 2
    if positive and name in ("epsilon", "varepsilon"):  # a small number: `q - ε` is positive somewhere
        return value / 1000
    return value if positive or rng.random() < 0.6 else -value


def _upper(key: Key) -> Key:
    """Return the entry of a symmetric matrix on or above its diagonal that is the same."""
    return (key[0], *sorted(key[1:])) if len(key) == 3 and all(isinstance(place, int) for place in key[1:]) else key


def spelled(key: Key) -> str:
    """Return how an entry is written."""
    return str(key[0]) if len(key) == 1 else f"{key[0]}[{', '.join(map(str, key[1:]))}]"


def written(key: Key) -> Formula:
    """Return an entry as a formula."""
    if len(key) == 1:
        return Name(key[0])
    return Indexed(
        key[0], tuple(Number(str(place)) if isinstance(place, int) and place >= 0 else Name(str(place)) for place in key[1:])
    )


# ---- going through a formula ---------------------------------------------------------------------------------------

Steps = Generator[tuple[Valuation, Formula, dict[str, int]], mpf, mpf]  # asks for the values of parts, returns its own


def _run(point: Valuation, formula: Formula, places: dict[str, int]) -> mpf:
    stack: list[Steps] = [_steps(point, formula, places)]
    result: Any = None
    while stack:
        if len(stack) > 200_000:
            raise NoValueError("a definition goes in a circle")
        try:
            wanted = stack[-1].send(result)
        except StopIteration as done:
            stack.pop()
            result = done.value
            continue
        except (ZeroDivisionError, ValueError, OverflowError, TypeError) as problem:
            _close(stack)
            raise NoValueError(f"not defined here: {problem or type(problem).__name__}") from None
        except NoValueError:
            _close(stack)
            raise
        stack.append(_steps(*wanted))
        result = None
    return result


def _close(stack: list[Steps]) -> None:
    """End what was begun, the innermost first: nothing stays marked as being worked out."""
    while stack:
        stack.pop().close()


def _steps(point: Valuation, formula: Formula, places: dict[str, int]) -> Steps:
    rule = _RULES.get(type(formula))
    if rule is None:
        raise NoValueError(f"{type(formula).__name__} has no value of its own")
    return rule(point, formula, places)


def _number(point: Valuation, node: Number, places: dict[str, int]) -> Steps:
    return mpf(node.text)
    yield


def _name(point: Valuation, node: Name, places: dict[str, int]) -> Steps:
    if node.name in places:
        return mpf(places[node.name])
    name = point.environment.canonical(node.name)
    if name in _WITHOUT_VALUE:
        raise NoValueError(_WITHOUT_VALUE[name])
    if name in point.environment.unshaped:
        raise ArrayError(f"{name} is an array, and the text does not say of which shape")
    if name in point.environment.shapes and (name,) not in point.held:
        return (yield from _array(point, name))
    if name in point.environment.extents.values() and (name,) not in point.environment.given:
        return mpf(point.size(name))
    if name in point.environment.bounds and _unknown_size(point, node, places):
        return mpf(point.size(name))
    return (yield from _entry(point, (name,)))


_WITHOUT_VALUE = {
    **dict.fromkeys(("R_bb", "N_bb", "Z_bb", "C_bb"), "a set of numbers"),
    "dots": "an ellipsis has no value",
    "infty": "infinity is no number",
    "ones": "the vector of ones, and the text does not say how many",
}


def _array(point: Valuation, name: str) -> Steps:
    """A whole array: what its definition gives, or entry by entry."""
    if point.environment.is_whole(name):
        return (yield from _whole(point, name))
    point.use((name,))
    if name in point.arrays:
        return point.arrays[name]
    entries = []
    for places in point.places_of(name):
        entries.append((yield from _entry(point, (name, *places))))
    found = shaped(entries, point.shape(name))
    if name not in point.environment.definitions:
        point.arrays[name] = found
    return found


def _whole(point: Valuation, name: str) -> Steps:
    """What `Z = X W + b` gives, with the entries of Z that are held put in."""
    value = yield from _entry(point, (name,))
    if np.shape(value) != point.shape(name):
        raise ShapeError(f"the shapes of {name} do not fit: {point.shape(name)}, and {np.shape(value)}")
    if all(key[0] != name for key in point.held):
        return value
    value = value.copy()
    for number, at in enumerate(point.places_of(name)):
        if (name, *at) in point.held:
            value.flat[number] = point.held[(name, *at)]
    return value


def _indexed(point: Valuation, node: Indexed, places: dict[str, int]) -> Steps:
    parts: list[Any] = []
    for label in (*node.upper, *node.indices):
        parts.append((yield from _place(point, label, places)))
    return (yield from _entry(point, (point.environment.canonical(node.name), *parts)))


def _place(point: Valuation, label: Formula, places: dict[str, int]) -> Generator[Any, mpf, Any]:
    """Return an index as a whole number, a label as its name."""
    if isinstance(label, Number) and label.text.isdigit():
        return int(label.text)
    if isinstance(label, Name) and label.name in places:
        return places[label.name]
    if isinstance(label, Name) and _has_no_number(point, label.name):
        return _letter(point, label, places)
    value = yield point, label, places
    return str(value) if isinstance(label, Name) and value != int(value) else _whole_number(value)


def _has_no_number(point: Valuation, letter: str) -> bool:
    """Whether a letter has no number here: at a random point an index or a size has none, whatever it is elsewhere."""
    known = point.environment
    return (letter,) not in known.given or (point.seed is not None and (letter in known.extents or letter in known.bounds))


def _letter(point: Valuation, label: Name, places: Places) -> Any:
    """Return the place of a letter without a number: the last one for n of `Σ_{j=1}^n`, a label as its name."""
    if label.name in point.environment.bounds and _unknown_size(point, label, places):
        return point.size(label.name)
    if label.name in point.environment.extents:
        raise NoValueError(f"the index {label.name} is not bound")
    return label.name


def _whole_number(value: mpf) -> int:
    """Return a place or a bound. Raises NoValueError between two whole numbers: nothing stands there."""
    if value != int(value):
        raise NoValueError(f"a place or a bound of {mpmath.nstr(value, 4)}, which is no whole number")
    return int(value)


def _applies(point: Valuation, found: Definition, key: Key) -> bool:
    """Whether a definition says what an entry is worth; a recurrence says nothing of what stands before its beginning."""
    whole = found.name == spelled(key) or not any(isinstance(place, int) for place in key[1:])
    if found.arguments or (len(found.indices) != len(key) - 1 if found.indices else not whole):
        return False  # `y = w x` says nothing of y_i
    before = any(isinstance(place, int) and place < point.environment.first for place in key[1:])
    return not (before and any(other[0] == key[0] for other in point.path))


_CONSTANTS = {"e": mpmath.e, "pi": mpmath.pi}


def _entry(point: Valuation, key: Key) -> Steps:
    key = point.environment.numbered.get(key, key)
    point.use(key)
    if key in point.held:
        return point.held[key]
    if key in point.known:
        return _worked_out(point, key)
    if point.environment.is_part(key):
        return _taken(point, (yield from _whole(point, str(key[0]))), key)
    value = yield from _new_entry(point, key)
    point.known[key] = value
    return value


def _taken(point: Valuation, whole: Any, key: Key) -> Any:
    """Return an entry of an array; one of a vector has one place. Raises NoValueError outside of it."""
    at = [place - point.environment.first if isinstance(place, int) else -1 for place in key[1:]]
    value = _flat(whole, len(at))
    if len(at) != np.ndim(value) or not all(0 <= place < length for place, length in zip(at, np.shape(value), strict=True)):
        raise NoValueError(f"{spelled(key)} stands outside of the array")
    return value[tuple(at)]


def _flat(value: Any, axes: int) -> Any:
    """Return an array of one row or column as a row of numbers, where its entries have one place."""
    return value.ravel() if axes == 1 and np.ndim(value) == 2 and 1 in value.shape else value


def _worked_out(point: Valuation, key: Key) -> Any:
    """Return what is known of an entry. Raises NoValueError while it is being worked out."""
    known = point.known[key]
    if known is None:
        raise NoValueError(f"{spelled(key)} is defined by itself")
    return known


def _new_entry(point: Valuation, key: Key) -> Steps:
    found, entry = point.environment.definition_of(key)
    if point.seed is None and key in point.environment.given:
        value = point.environment.given[key]
    elif found is not None and _applies(point, found, entry):
        point.known[key] = None
        point.path.append(key)
        at = {index: place for index, place in zip(found.indices, entry[1:], strict=False) if isinstance(place, int)}
        try:
            value = yield point, found.body, at
        finally:
            point.path.pop()
            point.known.pop(key, None)
    else:
        value = _alone(point, key, found)
    return value


def _alone(point: Valuation, key: Key, found: Definition | None) -> mpf:
    """Return what an entry without a formula is worth. Raises NoValueError for a function without what it is of."""
    if len(key) == 1 and found is not None and found.arguments:
        raise NoValueError(f"{key[0]} is a function, and stands here without what it is of")
    return +_CONSTANTS[key[0]] if len(key) == 1 and key[0] in _CONSTANTS else point.free(key)


def _sum(point: Valuation, node: Sum, places: dict[str, int]) -> Steps:
    total = yield point, node.terms[0], places
    for term in node.terms[1:]:
        total = plus(total, (yield point, term, places))
    return total


def _product(point: Valuation, node: Product, places: dict[str, int]) -> Steps:
    if any(isinstance(a, Name) and isinstance(b, Chain) for a, b in pairwise(node.factors)):
        raise NoValueError("a name before a condition in brackets: what it is of")
    factors = _without_places(point.environment, node.factors)
    total = yield point, factors[0], places
    for factor in factors[1:]:
        total = times(total, (yield point, factor, places))
    return total


def _without_places(known: Knowledge, factors: tuple[Formula, ...]) -> list[Formula]:
    """Return the factors; `df/dx (x)` of a function f is the derivative at x. Raises NoValueError for another place."""
    kept = [factors[0]]
    for before, factor in pairwise(factors):
        if not isinstance(factor, Group) or not isinstance(before, Partial) or not _is_of_a_function(known, before.numerator):
            kept.append(factor)
        elif factor.body != before.denominator:
            raise NoValueError("a derivative before brackets: at what stands in them, or times it")
    return kept


def _is_of_a_function(known: Knowledge, formula: Formula) -> bool:
    found = known.definitions.get(known.canonical(formula.name)) if isinstance(formula, Name) else None
    return found is not None and bool(found.arguments)


def _hadamard(point: Valuation, node: Hadamard, places: dict[str, int]) -> Steps:
    total = yield point, node.factors[0], places
    for factor in node.factors[1:]:
        other = yield point, factor, places
        if np.shape(total) != np.shape(other):
            raise ArrayError(f"an elementwise product of shapes {np.shape(total)} and {np.shape(other)}")
        total = total * other
    return total


def _transpose(point: Valuation, node: Transpose, places: dict[str, int]) -> Steps:
    body = yield point, node.body, places
    return np.transpose(body) if isinstance(body, np.ndarray) else body


def _element(point: Valuation, node: Element, places: dict[str, int]) -> Steps:
    whole = yield point, node.body, places
    at = []
    for index in node.indices:
        at.append(int((yield point, index, places)) - point.environment.first)
    whole = _flat(whole, len(at))
    if np.ndim(whole) != len(at) or not all(0 <= place < length for place, length in zip(at, np.shape(whole), strict=True)):
        raise ArrayError("an entry of something else than an array of that many axes")
    return whole[tuple(at)]


def _matrix(point: Valuation, node: Matrix, places: dict[str, int]) -> Steps:
    entries = []
    for entry in node.entries:
        entries.append((yield point, entry, places))
    return written_out(entries, node.shape)


def _negative(point: Valuation, node: Neg, places: dict[str, int]) -> Steps:
    return -(yield point, node.body, places)


def _same(point: Valuation, node: Group, places: dict[str, int]) -> Steps:
    return (yield point, node.body, places)


def _fraction(point: Valuation, node: Fraction, places: dict[str, int]) -> Steps:
    above = yield point, node.numerator, places
    below = yield point, node.denominator, places
    if isinstance(below, np.ndarray) and np.shape(above) not in ((), np.shape(below)):
        raise ShapeError(f"the shapes {np.shape(above)} and {np.shape(below)} do not fit")
    return above / below


def _number_of(value: Any) -> mpf:
    """Return a value that has to be one number. Raises NoValueError for an array."""
    if isinstance(value, np.ndarray):
        raise ArrayError("an array where a number is needed")
    return value


def _power(point: Valuation, node: Power, places: dict[str, int]) -> Steps:
    base = yield point, node.base, places
    exponent = yield point, node.exponent, places
    if isinstance(base, np.ndarray):
        return power(base, _number_of(exponent), _real)
    if isinstance(exponent, np.ndarray) and node.base == Name("e"):
        return np.frompyfunc(mpmath.exp, 1, 1)(exponent)
    if abs(_number_of(exponent)) > LARGEST_ARGUMENT:
        raise NoValueError("a power beyond all measure")
    return _real(mpmath.power(base, exponent))


def _root(point: Valuation, node: Root, places: dict[str, int]) -> Steps:
    return _real(mpmath.sqrt(_number_of((yield point, node.body, places))))


def _bars(point: Valuation, node: Bars, places: dict[str, int]) -> Steps:
    if node.kind == "abs" and isinstance(node.body, Group) and node.body.bracket == "[":
        raise NoValueError("an absolute value, or the determinant of one number")
    body = yield point, node.body, places
    if isinstance(body, np.ndarray) and node.kind == "norm" and node.label in ("", "2", "F"):
        return euclidean(body)
    if node.kind == "abs" and (isinstance(body, np.ndarray) or isinstance(_bare(node.body), Matrix)):
        return determinant(body)
    return abs(_number_of(body))


def _bare(node: Formula) -> Formula:
    while isinstance(node, Group):
        node = node.body
    return node


def _real(value: Any) -> mpf:
    if isinstance(value, mpmath.mpc):
        raise NoValueError("not a real number here")
    return value


def _call(point: Valuation, node: Call, places: dict[str, int]) -> Steps:
    arguments = []
    for argument in node.arguments:
        arguments.append((yield point, argument, places))
    function, marks = _unmarked(node.function)
    if is_log_with_a_base(function) and isinstance(function, Indexed) and not marks:
        return _elementwise(mpmath.log, [*arguments, (yield point, function.indices[0], places)], 0)
    name = function.name if isinstance(function, Name) else ""
    found = point.environment.definitions.get(name)
    if found is not None and found.arguments:
        return (yield from _applied(point, found, arguments, marks))
    _refuse_conditions(node)
    if (known := _known_function(point, name, arguments, marks)) is not None:
        return known(*arguments)
    if not marks and _is_a_quantity(point.environment, name):
        return (yield point, Name(name), places)  # J(w, b): the argument list of a quantity that is known without it
    raise NoValueError(f"the function {name or type(function).__name__} is not known")


def _refuse_conditions(call: Call) -> None:
    """Raise NoValueError for a function of a condition, `P(x = 1)`."""
    if call.function != Name("indicator") and any(isinstance(argument, Chain) for argument in call.arguments):
        raise NoValueError("a function of a condition")


def _is_a_quantity(known: Knowledge, name: str) -> bool:
    name = known.canonical(name)
    return bool(name) and (name in known.definitions or (name,) in known.given or name in known.shapes)


def _known_function(point: Valuation, name: str, arguments: list[Any], marks: int) -> Callable[..., Any] | None:
    """Return a function that the text need not define: of whole arrays, or entry by entry."""
    if not marks and len(arguments) == 1 and is_of_arrays(name, arguments[0]):
        return OF_ARRAYS[name]
    known = point.environment.functions.get(name)
    return None if known is None else lambda *given: _elementwise(known, list(given), marks)


def _unmarked(function: Formula) -> tuple[Formula, int]:
    """Return a function without its primes, and how many there are."""
    marks = 0
    while isinstance(function, Decorated) and function.kind == "prime":
        function, marks = function.body, marks + 1
    return function, marks


def is_log_with_a_base(function: Formula) -> bool:
    """Whether a function is `\\log_2`."""
    return isinstance(function, Indexed) and function.name == "log" and len(function.indices) == 1 and not function.upper


def _elementwise(function: Callable[..., mpf], arguments: list[Any], marks: int) -> Any:
    if len(arguments) == 1 and isinstance(arguments[0], np.ndarray):
        return np.frompyfunc(lambda x: _real(_derived(function, [x], marks)), 1, 1)(arguments[0])
    return _real(_derived(function, [_number_of(argument) for argument in arguments], marks))


def _derived(function: Callable[..., mpf], arguments: list[mpf], marks: int) -> mpf:
    if any(abs(argument) > LARGEST_ARGUMENT for argument in arguments):
        raise NoValueError("a function of a number beyond all measure")
    if not marks:
        return function(*arguments)
    (x,) = arguments
    near = [function(x + k * STEP) for k in (-1, 0, 1)]
    if marks == 1:
        if abs(near[2] - 2 * near[1] + near[0]) > STEP / 100:
            raise NoValueError("not differentiable here")
        return (near[2] - near[0]) / (2 * STEP)
    return mpmath.diff(function, x, marks)


def _applied(point: Valuation, found: Definition, arguments: list[mpf], marks: int) -> Steps:
    """A function of the document at given arguments: its argument names are held at them."""
    if len(arguments) != len(found.arguments):
        raise NoValueError(f"{found.name} takes {len(found.arguments)} arguments, not {len(arguments)}")
    keys = [(name,) for name in found.arguments]
    if marks > 1 or point.inside >= MOST_INSIDE:
        raise NoValueError(f"a higher derivative of {found.name}" if marks > 1 else f"{found.name} is defined by itself")
    values = []
    point.looks_elsewhere()
    for change in (-STEP, mpf(0), STEP) if marks else (mpf(0),):
        there = Valuation(point.environment, point.seed, dict(point.held), point.positive)
        there.held |= {key: value + change for key, value in zip(keys, arguments, strict=True)}
        there.inside = point.inside + 1
        values.append((yield there, found.body, {}))
    if not marks:
        return values[0]
    return _slope(values, STEP / 100)


def _big_sum(point: Valuation, node: BigSum, places: dict[str, int]) -> Steps:
    letters, condition = summed_letters(node)
    if not letters or node.operator not in _FOLDS:
        raise NoValueError(f"a {node.operator} over what is not said")
    span = yield from _runs_over(point, node, letters[0], places)
    if len(span) ** len(letters) > LARGEST_SUM:
        raise NoValueError(f"a sum of {len(span) ** len(letters)} terms")
    if not _speaks_of(node.body, letters):
        return (yield from _over_rows(point, node, places, len(span)))
    values = []
    for at in product(span, *(point.span(letter) for letter in letters[1:])):
        there = {**places, **dict(zip(letters, at, strict=True))}
        if condition is None or (yield point, condition, there):
            values.append((yield point, node.body, there))
    return _FOLDS[node.operator](values)


def _speaks_of(body: Formula, letters: Collection[str]) -> bool:
    return any(isinstance(node, Name) and node.name in letters for node in walk(body))


def summed_letters(node: BigSum) -> tuple[tuple[str, ...], Formula | None]:
    """Return the letters that a sum runs over, and the condition: i and j of `Σ_{i,j}`, j of `Σ_{j≠i}`; else none."""
    match node.index:
        case Name(name=name):
            return (name,), None
        case Row(items=items) if node.upper is None and all(isinstance(item, Name) for item in items):
            return tuple(item.name for item in items if isinstance(item, Name)), None
        case Chain(parts=(Name(name=name), Name()), relations=("≠",)):
            return (name,), node.index
    return (), None


def _runs_over(point: Valuation, node: BigSum, letter: str, places: dict[str, int]) -> Generator[Any, Any, range]:
    """Return the places that a sum goes through; all of its letter where its upper end is a size that is not said."""
    first = point.environment.first
    low = _whole_number((yield point, node.lower, places)) if node.lower is not None else first
    if isinstance(node.upper, Name) and _unknown_size(point, node.upper, places):
        high = point.size(node.upper.name)
    elif node.upper is not None and not _is_unknown_count(point, node.upper):
        high = _whole_number((yield point, node.upper, places))
    else:
        high = low - 1 + len(point.span(letter))
    return range(low, high + 1)


def _is_unknown_count(point: Valuation, upper: Formula) -> bool:
    """Whether an upper end is `d_l` or `|D|` of which nothing is said."""
    body = upper.body if isinstance(upper, Bars) else upper
    counted = isinstance(upper, Bars | Indexed)
    names = {node.name for node in walk(body) if isinstance(node, Name | Indexed)} if counted else set()
    known = point.environment.definitions.keys() | {key[0] for key in point.environment.given}
    return counted and not names & known


def _limit(point: Valuation, node: BigSum, places: dict[str, int]) -> Steps:
    """A limit where a formula has one: what it is worth on both sides of the place, so near that they agree to first order."""
    match node.index:
        case Chain(parts=(Name(name=letter), goal), relations=("→",)):
            place = _number_of((yield point, goal, places))
        case _:
            raise NoValueError("a limit of what is not said")
    point.looks_elsewhere()
    near = []
    for step in (-STEP, STEP):
        held = {**point.held, (letter,): place + step}
        near.append((yield Valuation(point.environment, point.seed, held, point.positive), node.body, places))
    if not abs(_number_of(near[1]) - _number_of(near[0])) <= mpf(10) ** -12 * max(1, abs(near[0])):
        raise NoValueError("no limit is found here")
    return (near[0] + near[1]) / 2


def _over_rows(point: Valuation, node: BigSum, places: dict[str, int], count: int) -> Steps:
    """A sum over an index that does not occur: of an array, its rows are meant; of numbers, nothing is known."""
    whole = yield point, node.body, places
    if node.operator != "sum" or not isinstance(whole, np.ndarray) or len(whole) != count:
        raise ArrayError("a sum over an index that does not occur in it")
    return whole.sum(axis=0)


def _unknown_size(point: Valuation, upper: Name, places: Places) -> bool:
    """Whether an upper bound is a name without a value: then it is a size, small and the same wherever it stands."""
    return upper.name not in places and _has_no_number(point, upper.name) and upper.name not in point.environment.definitions


_FOLDS: Mapping[str, Callable[[list[mpf]], mpf]] = {
    "sum": lambda values: reduce(plus, values) if any(map(np.ndim, values)) else mpmath.fsum(values),
    "prod": lambda values: mpmath.fprod(values),
    "max": max,
    "min": min,
}


def _partial(point: Valuation, node: Partial, places: dict[str, int]) -> Steps:
    point.looks_elsewhere()
    node = _at_its_arguments(point.environment, node)
    whole = point.environment.canonical(node.denominator.name) if isinstance(node.denominator, Name) else ""
    if whole in point.environment.unshaped:
        raise ArrayError(f"{whole} is an array, and the text does not say of which shape")
    if whole in point.environment.shapes and not node.others:
        entries = []
        for at in point.places_of(whole):
            entries.append((yield from _slope_by(point, node.numerator, (whole, *at), places)))
        return _by_layout(point, entries, whole)
    key = yield from _variable(point, node.denominator, places)
    if not node.others:
        return (yield from _slope_by(point, node.numerator, key, places))
    others = []
    for other in node.others:
        others.append((yield from _variable(point, other, places)))
    if others != [key]:
        raise NoValueError("a mixed or higher derivative")
    near = yield from _near(point, node.numerator, key, places)
    return (near[0] - 2 * near[1] + near[2]) / STEP**2


def _at_its_arguments(known: Knowledge, node: Partial) -> Partial:
    """Return ∂f/∂x of a function `f(x) = …` as ∂f(x)/∂x."""
    if not isinstance(node.numerator, Name) or not _is_of_a_function(known, node.numerator):
        return node
    found = known.definitions[known.canonical(node.numerator.name)]
    return replace(node, numerator=Call(Name(found.name), tuple(map(Name, found.arguments))))


def _by_layout(point: Valuation, slopes: list[Any], whole: str) -> Any:
    """Derivatives by the entries of an array, in its shape; of a vector by a vector, as the layout says."""
    layout, shape = point.environment.layout, point.shape(whole)
    if not any(map(np.ndim, slopes)):
        found = shaped(slopes, shape)
        return found.T if layout == "row" and 1 in shape else found
    if 1 not in shape or not all(map(_is_vector, slopes)):
        raise ArrayError("a derivative with more than two axes")
    table = np.stack([slope.ravel() for slope in slopes], axis=1)
    if layout == "elementwise":
        return shaped(_diagonal(table), shape)
    return table.T if layout == "denominator" else table


def _is_vector(value: Any) -> bool:
    return np.ndim(value) == 2 and 1 in np.shape(value)


def _diagonal(table: Any) -> list[Any]:
    """Return the diagonal of a table that has nothing beside it. Raises NoValueError."""
    if table.shape[0] != table.shape[1] or np.any(table - np.diag(table.diagonal())):
        raise ArrayError("a derivative that is not elementwise")
    return list(table.diagonal())


def _nabla(point: Valuation, node: Nabla, places: dict[str, int]) -> Steps:
    if node.wrt is None:
        raise NoValueError("a gradient, and it is not said by what")
    return (yield point, Partial(node.body, node.wrt), places)


def _slope_by(point: Valuation, of: Formula, key: Key, places: dict[str, int]) -> Steps:
    """The derivative by one entry, worked out once at a point."""
    identity = (of, key, tuple(sorted(places.items())))
    if identity not in point.slopes:
        point.slopes[identity] = _slope((yield from _near(point, of, key, places)))
    return point.slopes[identity]


def _near(point: Valuation, of: Formula, key: Key, places: dict[str, int]) -> Generator[Any, Any, list[Any]]:
    """Return what a formula is worth with an entry a little less, as it is, and a little more."""
    point = point.without_printed(key[0])
    here = yield point, of, places
    low = yield point.moved(key, -STEP), of, places
    return [low, here, (yield point.moved(key, STEP), of, places)]


def _slope(near: list[Any], bend: mpf = STEP / 1000) -> Any:
    """Return the derivative from values below, at and above a place. Raises NoValueError at a kink."""
    if np.max(abs(near[0] - 2 * near[1] + near[2])) > bend:
        raise NoValueError("not differentiable here")
    return (near[2] - near[0]) / (2 * STEP)


def _variable(point: Valuation, node: Formula, places: dict[str, int]) -> Generator[Any, mpf, Key]:
    """Return the entry that a derivative is taken by, a name of it where it has one. Raises NoValueError for no single number."""
    key = yield from _differentiated(point, node, places)
    return point.environment.numbered.get(key, key)


def _differentiated(point: Valuation, node: Formula, places: dict[str, int]) -> Generator[Any, mpf, Key]:
    while isinstance(node, Group):
        node = node.body
    if isinstance(node, Call) and isinstance(node.function, Name):
        node = node.function
    if isinstance(node, Name) and node.name not in places:
        return (point.environment.canonical(node.name),)
    if isinstance(node, Indexed):
        parts = []
        for label in (*node.upper, *node.indices):
            parts.append((yield from _place(point, label, places)))
        return (point.environment.canonical(node.name), *parts)
    raise NoValueError("a derivative by something that is no name")


def _update(point: Valuation, node: Update, places: dict[str, int]) -> Steps:
    old = yield point, node.body, places
    change = yield from _change(point, node.body, places)
    return old + change


def _decorated(point: Valuation, node: Decorated, places: dict[str, int]) -> Steps:
    if node.kind != "Delta":
        raise NoValueError(f"a {node.kind} without a definition")
    return (yield from _change(point, node.body, places))


def _change(point: Valuation, body: Formula, places: dict[str, int]) -> Steps:
    """Δw: one step against the gradient of the loss."""
    environment = point.environment
    if environment.loss is None:
        raise NoValueError("a change of a parameter, and it is not said of which loss")
    slope = yield point, Partial(Name(environment.loss), body), places
    rate = environment.rate if environment.rate is not None else "eta"
    return -slope * ((yield point, Name(rate), places) if isinstance(rate, str) else rate)


def _delta(point: Valuation, node: Delta, places: dict[str, int]) -> Steps:
    first = yield point, node.first, places
    second = yield point, node.second, places
    return mpf(first == second)


_COMPARE: Mapping[str, Callable[[mpf, mpf], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "≤": lambda a, b: a <= b,
    "≥": lambda a, b: a >= b,
    "≠": lambda a, b: a != b,
}


def _chain(point: Valuation, node: Chain, places: dict[str, int]) -> Steps:
    """A condition: 1 where it holds, else 0."""
    if not set(node.relations) <= _COMPARE.keys():
        raise NoValueError("a relation that is no comparison")
    values = []
    for part in node.parts:
        values.append((yield point, part, places))
    pairs = zip(node.relations, values, values[1:], strict=False)
    return mpf(all(_COMPARE[relation](a, b) for relation, a, b in pairs))


def _logic(point: Valuation, node: Logic, places: dict[str, int]) -> Steps:
    values = []
    for part in node.parts:
        values.append((yield point, part, places))
    return mpf(all(values) if node.operator == "and" else any(values))


def _cases(point: Valuation, node: Cases, places: dict[str, int]) -> Steps:
    for branch in node.branches:
        if branch.condition is None or (yield point, branch.condition, places):
            return (yield point, branch.value, places)
    raise NoValueError("none of the cases applies here")


_RULES: Mapping[type[Formula], Callable[..., Steps]] = {
    Number: _number,
    Name: _name,
    Indexed: _indexed,
    Sum: _sum,
    Product: _product,
    Hadamard: _hadamard,
    Transpose: _transpose,
    Element: _element,
    Neg: _negative,
    Group: _same,
    Fraction: _fraction,
    Power: _power,
    Root: _root,
    Bars: _bars,
    Call: _call,
    BigSum: lambda point, node, places: (_limit if node.operator == "lim" else _big_sum)(point, node, places),
    Partial: _partial,
    Nabla: _nabla,
    Update: _update,
    Decorated: _decorated,
    Delta: _delta,
    Chain: _chain,
    Logic: _logic,
    Cases: _cases,
    Matrix: _matrix,
}
