"""Arguments for code that comes without an example: tried out, the likeliest first, until both passes run.

Sizes are small and differ from one another, so that what fits is meant to fit. What the text of the code says about shapes goes
first; then come the shapes that arguments of a name usually have. How many are tried is a number, no time.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import mapped, walk
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.passes.inventing.hints import BATCH, KERNEL, SPATIAL, Hints, hints_of
from symbackprop.verify.passes.inventing.weights import dictionaries
from symbackprop.verify.passes.passes import parameters_of

MOST_TRIED = 4000
LARGE = 64
"""A size by default beyond which a smaller one is taken."""
LARGEST = 1024
"""The largest size that is taken because code asks for it."""
FLAGS = frozenset({"train", "training", "is_training", "train_flg", "train_mode", "is_train", "istrain", "retain_derived"})
_KEEPS = re.compile(r"(save|store|keep|retain|remember|use|with)_?(cache|inputs?|derived|grads?|values|activations?)|caches?")
"""Flags without which a forward pass leaves nothing for the backward pass."""
NUMBERS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    (r"stride", (1, 2)),
    (r"pad", (0, 1)),
    (r"pool|kernel_?size|filter_?size|window|^size$|^f$|field|filter_[hw]|[hw]_filter", (2, 3)),
    (r"drop|ratio|^p$|prob|keep|rate$", (0.5,)),
    (r"eps", (1e-5,)),
    (r"momentum|decay", (0.9,)),
    (r"reg|lambd|^lam$|alpha|^l[12]$|slope|delta|beta1|scale|std|gamma1|margin|temp", (0.1,)),
    (r"truncate|num_layers|depth|n_layers", (1, 2)),
    (r"seed|random_state", (0,)),
)
MODES: Mapping[str, Any] = {"mode": "train", "seed": 0}
SIZE = re.compile(
    r"(^|_)(n|num|dim|dims|size|units|nodes|len|d|in|out|features|width|hidden|neurons|channels|shape|classes|filters|nb)(_|$)"
    r"|size|units|dim$|nodes|^n[A-Z]|neurons|features|inputs$|outputs$|^[NDHKTCM]$"
)
PAIRED = re.compile(r"shape|sizes$|^dims$|^layers?$|layer_dims|X_dim|structure|architecture|units_list")
BIAS = re.compile(r"^(b\w{0,2}|b_\w+|bias\w*|beta|gamma|B|db|shift|\w+_b|running_\w+|mean|mu|var)$")
WEIGHT = re.compile(r"^(W\w{0,3}|w\w?|w_\w+|weights?\w*|kernel\w*|filters?|theta\w*|U\w?|V\w?|K|U_\w+|W_\w+|coef\w*)$")
RECURRENT = re.compile(r"^(W_?hh?|Wh\w?|U|U_\w+|W_hidden|recurrent\w*)$")
STATE = re.compile(r"^(prev_?[hc]\w*|[hc]_?(prev|0|t)\w*|a_prev|c_prev|h|c|a0|h0|c0|s_prev|hprev|cprev|state\w*|hidden\w*)$")
CHANCE = re.compile(r"prob|pred|^AL$|^p$|^A2$|y_?hat|sigmoid|output")
_CHANCES = re.compile(r"^p$|^(?!.*(keep|drop|mask|ratio|rate)).*prob", re.IGNORECASE)
"""Probabilities that code works out, not the one with which it leaves out or keeps."""
PARAMETERS = frozenset({"model", "params", "parameters", "weights", "theta"})
"""Dictionaries of weights."""
GEOMETRY = {"stride": (1, 2), "pad": (0, 1)}
"""Settings of windows, by a part of their names: code that takes one is to be right at each."""
SETTINGS = ("mode", "stride", "pad", "p", "pool_height", "pool_width")
SMALL = (3, 5, 6, 2, 4)


@dataclass(frozen=True, slots=True)
class ArgumentSlot:
    """An argument to be found, and what the text says of it."""

    owner: str
    name: str
    optional: bool
    default: Any
    hints: Hints


@dataclass(slots=True)
class Extents:
    """Small numbers for sizes by name: different names, different numbers; kernels are small, images a little larger."""

    known: dict[str, int] = field(default_factory=dict)

    def of(self, size: str, axes: int) -> int:
        """Return the extent of a size; `4H` and `4*H` are four times that of H."""
        match = re.fullmatch(r"(\d+)\s*\*?\s*([A-Za-z_]\w*)", size)
        if size.isdigit():
            return int(size)
        if match:
            return int(str(match[1])) * self.of(str(match[2]), axes)
        if size not in self.known:
            self.known[size] = self._new(size, axes)
        return self.known[size]

    def _new(self, size: str, axes: int) -> int:
        if axes > 2 and KERNEL.match(size):
            return 2
        if axes > 2 and SPATIAL.match(size):
            return 4
        if BATCH.match(size):
            return 2 if axes > 2 else 4
        free: Iterator[int] = (extent for extent in (3, 5, 6, 7, *range(8, 99)) if extent not in self.known.values())
        return next(free)


def other_settings(values: Mapping[tuple[str, str], Any]) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield values by (owner, name) with each other stride and padding, also where a dictionary or a tuple holds them."""
    leaves = [(path, leaf) for (_, name), value in values.items() for path, leaf in walk(value, name)]
    now = {kind: leaf for path, leaf in reversed(leaves) if (kind := _setting(path, leaf))}
    for sizes in itertools.product(*(GEOMETRY[kind] for kind in now)):
        new = dict(zip(now, sizes, strict=True))
        if new != now:
            yield {key: mapped(partial(_with_setting, new), value, key[1]) for key, value in values.items()}


def _with_setting(new: Mapping[str, int], path: str, leaf: Any) -> Any:
    return new.get(_setting(path, leaf), leaf)


def _setting(path: str, leaf: Any) -> str:
    """Return the kind of setting that a number is, "" for what is none."""
    name = _PLACES.sub("", path).rpartition(".")[2].lower()
    is_setting = type(leaf) is int and not _PLACE_OR_VALUE.search(name)
    return next((kind for kind in GEOMETRY if kind in name), "") if is_setting else ""


_PLACES = re.compile(r"(\.\d+)+$")
_PLACE_OR_VALUE = re.compile(r"idx|index|token|value|_id$")
"""Parts of names of what is no size: `padding_idx`, `pad_value`."""


def is_trained(name: str) -> bool:
    """Whether an argument is called like a weight or a bias."""
    return bool(WEIGHT.match(name) or BIAS.match(name))


def slots_of(function: Callable[..., Any], owner: str) -> list[ArgumentSlot]:
    """Return the arguments of a function as slots."""
    parameters = parameters_of(function)
    hints = hints_of(function, [p.name for p in parameters])
    return [ArgumentSlot(owner, p.name, p.default is not p.empty, p.default, hints) for p in parameters]


def arguments(slots: Sequence[ArgumentSlot], extents: Extents) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield values for all slots (owner, name), the likeliest first, at most `MOST_TRIED` times; absent: it keeps its default."""
    wanted = [(slot, found) for slot in slots if (found := _options(slot, extents))]
    lengths: dict[tuple[str, str], int] = {}
    for slot, found in wanted:
        lengths[_group(slot)] = max(len(found), lengths.get(_group(slot), 0))
    ordered = itertools.islice(_best_first(list(lengths.values())), MOST_TRIED)
    first = sorted(
        itertools.islice(ordered, MOST_DISTINCT), key=lambda ranks: _are_equal(wanted, dict(zip(lengths, ranks, strict=True)))
    )
    for ranks in itertools.chain(first, ordered):
        rank = dict(zip(lengths, ranks, strict=True))
        chosen = [(slot, found[min(rank[_group(slot)], len(found) - 1)]) for slot, found in wanted]
        numbered = enumerate((slot, made) for slot, made in chosen if made is not None)
        yield {(slot.owner, slot.name): made(np.random.default_rng(k)) for k, (slot, made) in numbered}


def single_numbers(slots: Sequence[ArgumentSlot]) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield single numbers for all slots that keep no default: of either sign, and between 0 and 1."""
    asked = [slot for slot in slots if not slot.optional]
    for draw in (np.random.default_rng(1).normal, partial(np.random.default_rng(2).uniform, 0.1, 0.9)):
        drawn = {(slot.owner, slot.name): round(float(draw()), 3) for slot in asked}
        yield drawn | {(slot.owner, slot.name): usual for slot in asked if (usual := number_of(slot)) is not None}


def _are_equal(wanted: Sequence[tuple[ArgumentSlot, Sequence[Maker]]], rank: Mapping[tuple[str, str], int]) -> bool:
    """Whether two sizes that an object is made with are the same number."""
    makers = [found[min(rank[_group(slot)], len(found) - 1)] for slot, found in wanted if _is_a_size(slot)]
    drawn = [make(np.random.default_rng(0)) for make in makers if make is not None]
    numbers = [number for number in drawn if isinstance(number, int)]
    return len({*numbers}) < len(numbers)


MOST_DISTINCT = 200
"""Choices of which those with different sizes come first: what is written of one size may be meant of another."""


def _is_a_size(slot: ArgumentSlot) -> bool:
    """Whether a constructor asks for a number that is a size, not for one that has a usual value."""
    return slot.owner == "class" and not slot.optional and number_of(slot) is None


def _group(slot: ArgumentSlot) -> tuple[str, str]:
    """Return what moves together: offsets and scales have one shape."""
    alike = BIAS.match(slot.name) or slot.name in slot.hints.parts
    return ("offsets", f"{slot.owner} {slot.hints.shapes.get(slot.name, '')}") if alike else (slot.owner, slot.name)


def _best_first(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    start = (0,) * len(lengths)
    heap, seen = [(0, start)], {start}
    while heap:
        _, ranks = heapq.heappop(heap)
        yield ranks
        for place, rank in enumerate(ranks):
            further = (*ranks[:place], rank + 1, *ranks[place + 1 :])
            if rank + 1 < lengths[place] and further not in seen:
                seen.add(further)
                heapq.heappush(heap, (sum(further), further))


Maker = Callable[[np.random.Generator], Any] | None


def _options(slot: ArgumentSlot, extents: Extents) -> list[Maker]:
    """Return what an argument may be, the likeliest first; empty for one that keeps its default."""
    return next(found for rule in RULES if (found := rule(slot, extents)) is not None)


def _object(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    """An object or a function that the code has, or a list of such."""
    found = slot.hints.objects.get(slot.name)
    return [*([None] if slot.optional else []), *found] if found and (not slot.optional or slot.default is None) else None


def _flag(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    kept = isinstance(slot.default, bool) and bool(_KEEPS.fullmatch(slot.name.lower()))
    return [_value(True)] if kept or slot.name.lower() in FLAGS else None


def _kept(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    """An option keeps its default, but for targets, without which there is no loss, and for large sizes."""
    if slot.owner == "class" and _is_large(slot):
        return [*map(_value, (5, 3))]
    given = slot.default is None and is_target(slot.name)
    return [] if slot.optional and not given else None


def _is_large(slot: ArgumentSlot) -> bool:
    """Whether an option is a size that is larger by default than a check needs."""
    return type(slot.default) is int and slot.default > LARGE and bool(_OUTPUT_SIZE.search(slot.name.lower()))


def _choice(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    """One of the values that the code compares it with."""
    return [_value(option) for option in dict.fromkeys(slot.hints.options.get(slot.name, ()))] or None


def _weights(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    known = dictionaries(slot.hints.keys.get(slot.name, ())) if slot.name not in slot.hints.shapes else []
    if known:
        return [*known]
    if slot.name not in PARAMETERS or slot.name in slot.hints.keys:
        return None
    return [lambda rng: {"W1": np.round(rng.normal(size=(3, 5)), 3)}, *_numbers(slot, extents)]


def _settings(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    """A dictionary of options, by the keys that the code looks up in it."""
    keys = slot.hints.keys.get(slot.name) or (
        SETTINGS if re.search(r"_params?$|config|options|opts|hyper|hparam", slot.name) else ()
    )
    return [_dictionary(keys, slot, extents, rank) for rank in range(2)] if keys and not WEIGHT.match(slot.name) else None


def _taken_apart(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    """A tuple, by the names of what it is taken apart into."""
    names_of_parts = slot.hints.parts.get(slot.name)
    if names_of_parts is None or slot.name in slot.hints.shapes:
        return None
    parts = [_options(replace(slot, name=part, optional=False), extents) for part in names_of_parts]
    return [_together(parts, rank) for rank in range(8)]


def _number(slot: ArgumentSlot, extents: Extents) -> list[Maker] | None:
    """A number that has its usual value."""
    if slot.name in slot.hints.whole:
        return [*map(_value, (2, 1, 3))]
    if slot.name.lower() in names.RATES:
        return [_value(0.5)]
    if slot.owner == "function" and not slot.optional and _CHANCES.search(slot.name):
        return None  # a probability for each sample
    return next(([*map(_value, values)] for pattern, values in NUMBERS if re.search(pattern, slot.name.lower())), None)


def number_of(slot: ArgumentSlot) -> Any:
    """Return the usual value of an argument that is a number, by its name; None for any other."""
    found = _number(slot, Extents())
    return found[0](np.random.default_rng(0)) if found and found[0] is not None else None


def _numbers(slot: ArgumentSlot, extents: Extents) -> list[Maker]:
    """An array, of the shape that the text says, or of one that arguments of this name have."""
    stated = slot.hints.shapes.get(slot.name)
    if stated and slot.owner == "class" and PAIRED.search(slot.name):
        return [_value(tuple(extents.of(size, len(stated)) for size in stated)), *_constructor(slot.name)]
    first = [_array(tuple(extents.of(size, len(stated)) for size in stated), slot.name)] if stated else []
    further = _constructor(_meant(slot)) if slot.owner == "class" else _shapes(slot)
    return [*first, *([None] if slot.optional else []), *further]


RULES: tuple[Callable[[ArgumentSlot, Extents], list[Maker] | None], ...] = (
    *(_object, _flag, _kept, _choice, _weights, _settings, _taken_apart, _number, _numbers),
)


def _meant(slot: ArgumentSlot) -> str:
    """Return the name of what a constructor's argument is: what its text makes of it says more than how it is called."""
    if _is_list_of_sizes(slot):
        return "sizes"
    if slot.name in slot.hints.lengths and any(pattern.search(slot.name) for pattern in (_DATA, _WANTED, BIAS, WEIGHT, PAIRED)):
        return "units" if _OUTPUT_SIZE.search(slot.name) else ""
    return slot.name


def _is_list_of_sizes(slot: ArgumentSlot) -> bool:
    """Whether a constructor asks for the length of an argument that is called like sizes: `len(layers_dim)`."""
    named = SIZE.search(slot.name) or PAIRED.search(slot.name) or "layer" in slot.name.lower()
    return slot.name in slot.hints.counted and bool(named)


def _value(value: Any) -> Maker:
    return lambda rng: value


def _array(shape: tuple[int, ...], name: str = "") -> Maker:
    if is_target(name) and len(shape) == 1:
        return lambda rng: rng.integers(0, 2, shape)
    if CHANCE.search(name):
        return lambda rng: np.round(rng.uniform(0.1, 0.9, shape), 3)
    return lambda rng: np.round(rng.normal(size=shape), 3)


def _one_hot(rows: int, classes: int, *, columns: bool = False) -> Maker:
    def made(rng: np.random.Generator) -> Any:
        found = np.eye(classes)[rng.integers(0, classes, rows)]
        return found.T if columns else found

    return made


def _dictionary(keys: Sequence[str], slot: ArgumentSlot, extents: Extents, rank: int) -> Maker:
    def made(rng: np.random.Generator) -> Any:
        found = {}
        for place, key in enumerate(keys):
            owner = "class" if slot.owner == "class" else "setting"  # what an object is made with are sizes
            inner = ArgumentSlot(owner, key, False, None, Hints(slot.hints.shapes))
            options = [_value(MODES[key])] if key in MODES else _options(inner, extents)
            further = place if _is_a_size(inner) else 0  # two sizes are two numbers
            value = options[min(rank + further, len(options) - 1)] if options else None
            found[key] = value(rng) if value is not None else None
        return found

    return made


def _together(parts: Sequence[Sequence[Maker]], rank: int) -> Maker:
    """Return a tuple of values, of each part the one of this rank."""

    def made(rng: np.random.Generator) -> Any:
        chosen = [options[min(rank, len(options) - 1)] if options else None for options in parts]
        return tuple(make(rng) if make is not None else None for make in chosen)

    return made


def _constructor(name: str) -> list[Maker]:
    """Return what a constructor may be given: weights, sizes, or tuples of sizes."""
    return next(list(made) for pattern, made in _MADE if pattern.search(name))


def _shapes(slot: ArgumentSlot) -> list[Maker]:
    """Return the arrays that an argument of a forward pass may be, by its name."""
    return [*_fitting(slot), *_usual_shapes(slot)]


def _fitting(slot: ArgumentSlot) -> list[Maker]:
    """Return data and targets that fit the matrices that an object has: as many columns as the first has rows, or turned."""
    if not slot.hints.held or BIAS.match(slot.name) or WEIGHT.match(slot.name):
        return []
    first, last = slot.hints.held[0], slot.hints.held[-1]
    if STATE.match(slot.name):
        sizes = dict.fromkeys(reversed(slot.hints.held))
        return [_array(shape, slot.name) for size in sizes for shape in ((4, size), (size, 1))]
    if is_target(slot.name):
        return [_array((4, last), "p"), *([_one_hot(4, last)] if last > 1 else [])]
    return [_array((4, first), slot.name)]


def _usual_shapes(slot: ArgumentSlot) -> list[Maker]:
    name, axes = slot.name, slot.hints.axes.get(slot.name, 0)
    if is_target(name):
        labels: list[Maker] = [lambda rng: rng.integers(0, 2, 4), _one_hot(4, 3), _one_hot(4, 5), _array((4, 3), "p")]
        columns: list[Maker] = [
            _one_hot(3, 4, columns=True),
            _array((4, 1), "p"),
            _array((1, 3), "p"),
            lambda rng: rng.integers(0, 2, (2, 4)),
        ]
        return [
            *labels,
            *columns,
            _array((4, 5), "p"),
            _array((4,), "p"),
            _value(1),
            _one_hot(1, 3, columns=True),
            _one_hot(3, 5, columns=True),
        ]
    if BIAS.match(name):
        shapes: list[tuple[int, ...]] = [(5,), (5, 1), (1, 5), (3,), (1, 3, 1, 1), (20,), (4,), (1, 3), (12,), (1,), ()]
    elif RECURRENT.match(name):
        shapes = [(5, 5), (5, 20), (5, 15), (3, 5)]
    elif WEIGHT.match(name):
        shapes = [
            (3, 5),
            (5, 4),
            (5, 3),
            (5, 5),
            (3, 20),
            (5, 20),
            (3, 2, 2, 2),
            (2, 2, 2, 3),
            (3,),
            (3, 1),
            (3, 4),
            (3, 2, 3, 3),
        ]
    elif STATE.match(name):
        shapes = [(4, 5), (5, 4), (4, 3), (5,), (5, 1), (2, 5), (3, 4)]
    else:
        shapes = [
            (4, 3),
            (4, 4),
            (2, 4, 3),
            (2, 2, 4, 4),
            (3,),
            (4,),
            (2, 4, 4, 2),
            (3, 1),
            (4, 5),
            (5, 5),
            (4, 3, 1),
            (4, 4, 2),
            (),
        ]
        shapes += [(2, 3, 5, 5), (1, 3), (2, 4, 4), (4, 2, 5), (4, 3, 6)]
    made: list[Maker] = [_array(shape, name) for shape in shapes if len(shape) >= axes]
    return [
        *made,
        *([lambda rng: rng.integers(0, 3, (4,)), lambda rng: rng.integers(0, 3, (2, 4))] if not BIAS.match(name) else []),
    ]


_IMAGE_SIZE = re.compile(rf"(?i)^(?=..)(?:{SPATIAL.pattern})")
_DATA = re.compile(r"(?i)^(x|x_?train|inputs?|data|features|train_?x|x_?data)$")
_WANTED = re.compile(r"(?i)^(y|t|y_?train|targets?|labels?|train_?y|outputs?|y_?true|y_?data|(expected|desired)_?\w*)$")
_PREDICTED = re.compile(r"(?i)^(predict(ed|ion)?_?\w*|y_?(hat|pred)|probs?)$")
_LAYERS = re.compile(
    r"^(n_?)?(layer_?)?sizes$|^layers?(_?dims?|_dimensions|_nodes|_structure)?$|^(network_)?(structure|architecture)$|units_list"
)
_OUTPUT_SIZE = re.compile(r"out|unit|hidden|node|neuron|filter|class")
_MADE: tuple[tuple[re.Pattern[str], tuple[Maker, ...]], ...] = (
    (RECURRENT, tuple(map(_array, ((5, 5), (5, 20), (5, 15))))),
    (re.compile("^W_?x"), tuple(map(_array, ((3, 5), (3, 20), (3, 15), (5, 3))))),
    (_IMAGE_SIZE, (_value(4),)),
    (_DATA, tuple(map(_array, ((4, 3), (3, 4))))),
    (_WANTED, (_array((4, 1)), lambda rng: np.array([0, 1, 1, 0]), *map(_array, ((4, 2), (4,), (2, 4))))),
    (_PREDICTED, tuple(_array(shape, "p") for shape in ((4, 1), (4, 2), (4,), (2, 4)))),
    (_LAYERS, tuple(map(_value, ([3, 5, 2], (3, 5), (3,), (3, 4))))),
    (BIAS, tuple(_array(shape) for shape in ((5,), (3,), (4,), (5, 1), (1, 5)))),
    (WEIGHT, tuple(map(_array, ((3, 5), (5, 3), (5, 4), (3, 2, 2, 2), (3, 12), (3, 20), (5, 20), (5, 5), (3, 15), (5, 15))))),
    (PAIRED, tuple(map(_value, ((3, 5), (3,), (3, 4), [3, 5, 2], (2, 4, 4), (2, 2, 4, 4), (4, 4, 2), (4, 3))))),
    (
        re.compile(r"^hidden_?(units|layers?|sizes|dims|nodes|neurons)(_list)?$"),
        (*map(_value, (5, [5], (5,), 4)), _array((3, 5))),
    ),
    (re.compile("out_?(put_?)?(channels|depth)|filters"), (*map(_value, (3, 2, 5, 4)), _value((3, 3)))),
    (re.compile("channels|in_?depth"), tuple(map(_value, (2, 3, 1, 5)))),
    (_OUTPUT_SIZE, (*map(_value, (5, 3, 6, 2, 4)), _array((3, 5)), _value((2, 2)), _value("relu"))),
    (re.compile(""), (*map(_value, SMALL), _array((3, 5)), _value((2, 2)), _value("relu"))),
)
"""What a constructor is given, by the name of the argument."""
