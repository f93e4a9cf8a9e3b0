"""Example values for a loss that comes without any: shapes with which it runs, and goes on running with more samples.

A parameter whose shape is that of the samples, `b: (N,)`, is none, however well it broadcasts. With gradient code beside the
loss, those values are taken under which most of its gradients agree with differences: what was invented accuses nobody.
"""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from symbackprop.errors import GuestError
from symbackprop.guest.visit import visit
from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding.binding import numeric
from symbackprop.verify.binding.name_matching import INPUTS, RATES, is_target
from symbackprop.verify.passes.comparison import STEP, TOLERANCE
from symbackprop.verify.passes.inventing.adapted import adapted, resized
from symbackprop.verify.passes.inventing.invented import (
    BIAS,
    WEIGHT,
    ArgumentSlot,
    Extents,
    arguments,
    is_trained,
    number_of,
    slots_of,
)
from symbackprop.verify.passes.inventing.own_calls import own_arguments
from symbackprop.verify.passes.passes import call_with, own_copy, parameters_of, required

_OF_DATA = re.compile(r"mu|mean|var|running_\w+")
"""Called like an offset, but more often a mean or a variance of data than trained."""
Values = dict[str, Any]
NOTHING: Mapping[str, Any] = {}
MOST_TRIED, MOST_RUNS = 1500, 40
"""Values that are tried, and of those with which the code runs."""
RATE = 0.1
"""A learning rate of a step."""
STARTS = 6
"""Values from which others are made as the code's failures say, where none run."""
RESHAPED = 2
"""Arguments that take the shape of a result."""
FURTHER = 100
"""Values that are tried further when all gradients hold, but an axis is of length one."""
SAMPLES, FEATURES = 4, 3
_DATA: tuple[tuple[int, ...], ...] = ((SAMPLES, FEATURES), (SAMPLES,), (FEATURES,), ())
_VECTORS: tuple[tuple[int, ...], ...] = ((FEATURES,), ())


def shapes_that_run(function: Callable[..., Any], values_of: Callable[[str], Values], *, scalar: bool) -> str:
    """Return shapes such as `X:4,3 y:4 w:3 b:` of arguments with which a function runs, or "" where none are found.

    Args:
        values_of: returns random values of such shapes.
        scalar: the function is a loss: it has to return a finite number.
    """
    return str(_quietly(lambda: _first_shapes(function, values_of, scalar=scalar)) or "")


def _quietly(search: Callable[[], Any]) -> Any:
    """Return what a search finds that runs somebody's code; nothing where that would do something outside."""
    try:
        return visit(search).returned
    except GuestError:
        return None


def _first_shapes(function: Callable[..., Any], values_of: Callable[[str], Values], *, scalar: bool) -> str:
    tried = set()
    for values in itertools.islice(_values(function), MOST_TRIED):
        shapes = _as_shapes(values)
        if shapes is None or shapes in tried:
            continue
        tried.add(shapes)
        if _runs(function, values_of(shapes), scalar=scalar):
            return shapes
    return ""


@dataclass(frozen=True, slots=True)
class MadeObject:
    """What an object is made with, and shapes of arguments with which a method of it runs."""

    made: Mapping[str, Any]
    shapes: str


def made_that_runs(kind: type, method: str, values_of: Callable[[str], Values], *, scalar: bool) -> MadeObject | None:
    """Return what an object of a class may be made with so that a method runs; numbers, texts and lists of them only."""
    found: MadeObject | None = _quietly(lambda: _first_made(kind, method, values_of, scalar=scalar))
    return found


def _first_made(kind: type, method: str, values_of: Callable[[str], Values], *, scalar: bool) -> MadeObject | None:
    made_by, called = getattr(kind, "__init__"), getattr(kind, method)  # noqa: B009
    slots = [slot for slot in (*slots_of(made_by, "class"), *slots_of(called, "function")) if slot.name != "self"]
    for values in itertools.islice(arguments(slots, Extents()), MOST_TRIED):
        made, taken = ({name: v for (of, name), v in values.items() if of == owner} for owner in ("class", "function"))
        shapes = _as_shapes(taken)
        bound = _bound(kind, made, method) if shapes is not None else None
        if bound is not None and _runs(bound, values_of(str(shapes)), scalar=scalar):
            return MadeObject(made, str(shapes))
    return None


def _bound(kind: type, made: Mapping[str, Any], method: str) -> Callable[..., Any] | None:
    """Return the method of an object; None where it cannot be made so, or not with what can be typed."""
    if any(isinstance(value, np.ndarray) for value in made.values()):
        return None
    try:
        return getattr(call_with(kind, made), method)  # type: ignore[no-any-return]
    except Exception:  # whatever a constructor raises: it is not meant to be called so
        return None


@dataclass(frozen=True, slots=True)
class PairSample:
    """Values for a loss and its gradient code, and which result is the gradient of what: path → name, `{"0": "W"}`.

    They are random, or those with which the file itself calls both (`called`); under `whole` ones every result is a gradient.
    """

    values: Values
    results: Mapping[str, str]
    called: bool = False
    whole: bool = False

    @property
    def asked(self) -> tuple[str, ...]:
        """What a gradient is asked of: what has one, and what is called like a weight or a bias."""
        trained = (n for n in _moving(self.values) if is_trained(n) and not _OF_DATA.fullmatch(n))
        return tuple(dict.fromkeys([*(n for n in _moving(self.values) if n in self.results.values()), *trained]))


def sample_of_pair(loss: Callable[..., Any], hand: Callable[..., Any]) -> PairSample | None:
    """Return values under which most gradients of handwritten code hold, of those the first; None where nothing runs.

    Where none are found with which all of them hold, those count with which the file itself calls both.
    """
    further = _further(loss, hand)
    found = _best_with(loss, hand, {}, dict.fromkeys((name for name in further if name.lower() in RATES), RATE))
    if found is None or not found.is_whole:
        found = _or_of_the_file(loss, hand, found)
    return replace(found.sample, whole=found.is_whole) if found is not None else None


def _or_of_the_file(loss: Callable[..., Any], hand: Callable[..., Any], found: _Judged | None) -> _Judged | None:
    """Return what is found with the values of a file, where they are a call's or all gradients hold, else what was found."""
    for other in _of_the_file(loss, hand):
        if other.is_whole or other.sample.called:
            return other
        found = found or other
    return found


def _further(loss: Callable[..., Any], hand: Callable[..., Any]) -> list[str]:
    """Return what gradient code needs that its loss does not take: a learning rate, say."""
    taken = {p.name for p in parameters_of(loss)}
    return [p.name for p in parameters_of(hand) if p.name not in taken and (p.default is p.empty or p.name.lower() in RATES)]


def _best_with(
    loss: Callable[..., Any], hand: Callable[..., Any], held: Mapping[str, Any], further: Mapping[str, Any]
) -> _Judged | None:
    """Return what is found with values that are held, and those that the gradient code alone takes.

    Of a training step the gradients are judged; what it returns is bound later, as that of a step.
    """
    rates = [name for name in further if name.lower() in RATES]
    code = partial(hand, **further) if further else hand
    found: _Judged | None = _quietly(lambda: _best_sample(loss, _gradients_of_step(code, rates[0]) if rates else code, held))
    if found is None or not further:
        return found
    return replace(found, sample=PairSample({**found.sample.values, **further}, {} if rates else found.sample.results))


def _gradients_of_step(step: Callable[..., Any], rate: str) -> Callable[..., Any]:
    """Return a function that gives (old - new)/rate of what a step returns and is an old value at rate 0, or what is returned."""

    def gradients(**values: Any) -> Any:
        still, moved = (dict(walk(step(**own_copy(values), **{rate: size}))) for size in (0.0, RATE))
        found = {}
        for path, leaf in still.items():
            old = [name for name, value in values.items() if numeric(leaf) and np.array_equal(value, leaf)]
            if len(old) == 1 and numeric(moved.get(path)):
                found[old[0]] = (values[old[0]] - np.asarray(moved[path])) / RATE
        return found or moved

    known = inspect.signature(step)
    setattr(gradients, "__signature__", known.replace(parameters=[p for p in known.parameters.values() if p.name != rate]))  # noqa: B010
    return gradients


def _of_the_file(loss: Callable[..., Any], hand: Callable[..., Any]) -> Iterator[_Judged]:
    """Yield what is found with the values with which a file calls its loss and its gradient code, and with what it has under the
    names of their arguments."""
    alone = _further(loss, hand)
    for values in _own_values(loss, hand, [*(p.name for p in parameters_of(loss)), *alone]):
        held = {name: value for name, value in values.items() if name not in alone}
        found = _best_with(loss, hand, held, {name: value for name, value in values.items() if name in alone})
        if found is not None:
            yield replace(found, sample=replace(found.sample, called=set(required(loss)) <= held.keys()))


def _own_values(loss: Callable[..., Any], hand: Callable[..., Any], asked: list[str]) -> Iterator[Values]:
    """Yield the values with which the file of both calls them, or the gradient code alone."""
    module = sys.modules.get(loss.__module__)
    if module is not None and hand.__module__ == loss.__module__:
        calls = (own_arguments(module, names, asked) for names in ([loss.__name__, hand.__name__], [hand.__name__]))
        yield from filter(None, calls)


def _as_called(loss: Callable[..., Any], hand: Callable[..., Any], held: Mapping[str, Any]) -> _Judged | None:
    """Return what is found with the values of a call; bound by their names where these are dictionaries or lists."""
    found = _judged_or_none(loss, hand, dict(held))
    if found is None or not any(isinstance(value, dict | list | tuple) for value in held.values()):
        return found
    return replace(found, sample=PairSample(dict(held), {}), right=dict.fromkeys(found.leaves, ""))


def _best_sample(loss: Callable[..., Any], hand: Callable[..., Any], held: Mapping[str, Any]) -> _Judged | None:
    """Return what is found with values that are invented, but for those that the file has."""
    if set(required(loss)) <= held.keys():
        return _as_called(loss, hand, held)
    best = _of_those_that_run(loss, hand, held) or _of_adapted(loss, hand, held)
    for _ in range(RESHAPED):
        best = _reshaped(loss, hand, best)
    return _with_other_targets(loss, hand, best) if best is not None and not best.is_whole else best


def _with_other_targets(loss: Callable[..., Any], hand: Callable[..., Any], best: _Judged) -> _Judged:
    """Return a sample with a target in the shape of what it is compared with, one-hot in each row or each column, if that is
    better: a target that broadcasts is none."""
    values = best.sample.values
    shapes = {name: _compared_with(loss, values, name) for name in values if is_target(name)}
    others = [{**values, name: target} for name, shape in shapes.items() for target in _one_hots(shape)]
    found = filter(None, (_judged_or_none(loss, hand, other) for other in others))
    return max([best, *found], key=lambda judged: judged.score)


def _compared_with(loss: Callable[..., Any], values: Values, name: str) -> tuple[int, ...]:
    """Return the shape of what a target is added to or multiplied by: numpy says it where the target does not fit."""
    try:
        call_with(loss, own_copy({**values, name: np.ones(NOWHERE)}))
    except Exception as error:  # the shapes stand in it
        shapes = [tuple(map(int, re.findall(r"\d+", inside))) for inside in re.findall(r"\((\d+,\d+)\)", str(error))]
        return next((shape for shape in shapes if NOWHERE in shapes and shape != NOWHERE), ())
    return ()


NOWHERE = (97, 89)
"""A shape that nothing else has."""


def _one_hots(shape: tuple[int, ...]) -> list[Any]:
    if len(shape) != 2:
        return []
    rows, columns = np.arange(shape[0]) % shape[1], np.arange(shape[1]) % shape[0]
    return [np.eye(shape[1])[rows], np.eye(shape[0])[:, columns]]


def _of_those_that_run(loss: Callable[..., Any], hand: Callable[..., Any], held: Mapping[str, Any]) -> _Judged | None:
    best: _Judged | None = None
    last = MOST_TRIED
    for k, values, leaves in itertools.islice(_with_results(loss, hand, held), MOST_RUNS):
        if k > last:
            break
        new = _judged(loss, values, leaves)
        best = _better(best, new)
        if new.is_whole:
            last = k if new.score[2] else min(last, k + FURTHER)
    return best


def _of_adapted(loss: Callable[..., Any], hand: Callable[..., Any], held: Mapping[str, Any]) -> _Judged | None:
    best: _Judged | None = None
    starts = itertools.islice(_values(loss, held), STARTS)
    for new in adapted(starts, lambda values: _strictly_judged(loss, hand, values), is_trained):
        best = _better(best, new)
        if best.is_whole:
            break
    return best


def _reshaped(loss: Callable[..., Any], hand: Callable[..., Any], best: _Judged | None) -> _Judged | None:
    """Return a sample in which one more argument has the shape of a result that is its gradient, where there is one."""
    if best is None or best.is_whole:
        return best
    values = best.sample.values
    others = ({**values, name: resized(values[name], shape)} for name, shape in best.shapes_apart)
    found = filter(None, (_judged_or_none(loss, hand, other) for other in others))
    return max([best, *found], key=lambda judged: judged.score)


def _strictly_judged(loss: Callable[..., Any], hand: Callable[..., Any], values: Values) -> _Judged:
    """Return what is found with values; whatever the code raises where they do not fit."""
    call_with(loss, own_copy(values))
    call_with(hand, own_copy({p.name: values[p.name] for p in parameters_of(hand) if p.name in values}))
    leaves = _leaves(hand, values)
    if not leaves or not _fits(loss, values, scalar=True):
        raise ValueError("no loss or no gradients")
    return _judged(loss, values, leaves)


def _judged_or_none(loss: Callable[..., Any], hand: Callable[..., Any], values: Values) -> _Judged | None:
    try:
        return _strictly_judged(loss, hand, values)
    except Exception:  # whatever the code raises where it is not meant to be called
        return None


def _with_results(
    loss: Callable[..., Any], hand: Callable[..., Any], held: Mapping[str, Any]
) -> Iterator[tuple[int, Values, dict[str, Any]]]:
    """Yield values with which both run, with their number, and what the gradient code returns."""
    for k, values in enumerate(itertools.islice(_values(loss, held), MOST_TRIED)):
        leaves = _leaves(hand, values) if _runs(loss, values, scalar=True) else {}
        if leaves:
            yield k, values, leaves


@dataclass(frozen=True, slots=True)
class _Judged:
    """A sample, what the gradient code returns for it, and what of that is a gradient."""

    sample: PairSample
    leaves: Mapping[str, Any]
    right: Mapping[str, str]

    @property
    def is_whole(self) -> bool:
        """Whether everything that is returned is a gradient of the loss."""
        return len(self.right) == len(self.leaves)

    @property
    def shapes_apart(self) -> list[tuple[str, tuple[int, ...]]]:
        """The arguments that nothing is a gradient of, each with the shape of a result that is no gradient yet, another one."""
        values = self.sample.values
        names = [name for name in _moving(values) if name not in self.right.values()]
        shapes = [np.shape(leaf) for path, leaf in self.leaves.items() if path not in self.right]
        return [(name, shape) for name in names for shape in shapes if shape != np.shape(values[name])]

    @property
    def score(self) -> tuple[int, int, bool]:
        """What speaks for the sample: gradients that hold, results that are found, and that no axis is of length one."""
        bound, values = self.sample.results, self.sample.values
        telling = all(min(np.shape(values[name]), default=2) > 1 for name in bound.values())
        return len(self.right), len(bound), telling


def _better(best: _Judged | None, new: _Judged) -> _Judged:
    return new if best is None or new.score > best.score else best


def _judged(loss: Callable[..., Any], values: Values, leaves: Mapping[str, Any]) -> _Judged:
    right = _agreeing(loss, values, leaves)
    return _Judged(PairSample(values, right | _left_over(values, leaves, right)), leaves, right)


def _leaves(hand: Callable[..., Any], values: Values) -> dict[str, Any]:
    """Return the numbers that gradient code returns, by path; nothing where it fails."""
    taken = {p.name: values[p.name] for p in parameters_of(hand) if p.name in values}
    try:
        returned = call_with(hand, own_copy(taken))
    except Exception:  # whatever the code raises where it is not meant to be called
        return {}
    arrays = _with_arrays(returned)
    return {path.removeprefix("return").lstrip("."): leaf for path, leaf in walk(arrays, "return") if numeric(leaf)}


def _with_arrays(returned: Any) -> Any:
    """Return results with the lists of numbers among them as arrays: the gradient of a vector."""
    parts = returned if isinstance(returned, tuple) else ()
    return tuple(np.array(part) if _is_list_of_numbers(part) else part for part in parts) if parts else returned


def _is_list_of_numbers(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(number, float) for number in part)


def _agreeing(loss: Callable[..., Any], values: Values, leaves: Mapping[str, Any]) -> dict[str, str]:
    """Return the results that are a gradient of the loss as differences give it, each with the name."""
    slopes: dict[str, tuple[Any, float]] = {}
    found: dict[str, str] = {}
    for path, leaf in leaves.items():
        for name in (n for n in _moving(values) if np.shape(values[n]) == np.shape(leaf) and n not in found.values()):
            if name not in slopes:
                slopes[name] = _slope(loss, values, name)
            along, slope = slopes[name]
            own = float(np.sum(np.asarray(leaf, dtype=float) * along))
            if abs(slope - own) <= TOLERANCE * max(abs(slope), abs(own), 1e-3):
                found[path] = name
                break
    return found


def _slope(loss: Callable[..., Any], values: Values, name: str) -> tuple[Any, float]:
    """Return a random direction, and the central difference of the loss along it; NaN where it fails."""
    along = np.random.default_rng(7).normal(size=np.shape(values[name]))
    try:
        moved = ({**own_copy(values), name: values[name] + sign * STEP * along} for sign in (1, -1))
        up, down = (float(call_with(loss, arguments)) for arguments in moved)
    except Exception:  # whatever the code raises elsewhere
        return along, float("nan")
    return along, (up - down) / (2 * STEP)


def _left_over(values: Values, leaves: Mapping[str, Any], right: Mapping[str, str]) -> dict[str, str]:
    """Return the results that agree with nothing, each with the one name that is left for its shape."""
    names = _by_shape(
        {name: values[name] for name in _moving(values) if name not in right.values() and name.lower() not in INPUTS}
    )
    paths = _by_shape({path: leaf for path, leaf in leaves.items() if path not in right})
    both = ((paths[shape], names.get(shape, [])) for shape in paths)
    return {alone[0]: named[0] for alone, named in both if len(alone) == len(named) == 1}


def _by_shape(arrays: Mapping[str, Any]) -> dict[tuple[int, ...], list[str]]:
    found: dict[tuple[int, ...], list[str]] = {}
    for name, array in arrays.items():
        found.setdefault(np.shape(array), []).append(name)
    return found


def _moving(values: Values) -> list[str]:
    """Return what a gradient may be asked of: numbers and arrays that are real, and no targets."""
    return [name for name, value in values.items() if _is_real(value) and not is_target(name)]


def _is_real(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind == "f"
    except ValueError:  # a list of lists of different lengths: an object of several arrays
        return False


def _values(function: Callable[..., Any], held: Mapping[str, Any] = NOTHING) -> Iterator[Values]:
    """Yield values of all arguments: numbers and vectors first where names say no matrix, then whatever such names may be.

    What is `held` is as it is.
    """
    slots = [slot for slot in slots_of(function, "function") if slot.name not in held]
    yield from ({**held, **found} for found in _simple([slot for slot in slots if not slot.optional]))
    for found in arguments(slots, Extents()):
        yield {**held, **{name: value for (_, name), value in found.items()}}


def _simple(slots: list[ArgumentSlot]) -> Iterator[Values]:
    """Yield data of one or two axes, a target for each sample, weights that are vectors or numbers, biases that are numbers;
    nothing where a weight is called like a matrix."""
    if any(slot.name[0].isupper() for slot in slots if WEIGHT.match(slot.name)):
        return
    for data, weights, labels in itertools.product(_DATA, _VECTORS, (False, True)):
        rng = np.random.default_rng(0)
        yield {slot.name: _simple_value(slot, rng, data, weights, labels=labels) for slot in slots}


def _simple_value(
    slot: ArgumentSlot, rng: np.random.Generator, data: tuple[int, ...], weights: tuple[int, ...], *, labels: bool
) -> Any:
    usual = number_of(slot)
    if usual is not None:
        return usual
    if is_target(slot.name):
        shape = data[:1] if data != (FEATURES,) else ()
        return rng.integers(0, 2, shape) if labels else np.round(rng.normal(size=shape), 3)
    shape = () if BIAS.match(slot.name) else weights if WEIGHT.match(slot.name) else data
    drawn = np.round(rng.normal(size=shape), 3)
    return drawn if shape else float(drawn)


def _runs(function: Callable[..., Any], values: Values, *, scalar: bool) -> bool:
    """Whether a function runs with values, and with more samples of the same."""
    if not _fits(function, values, scalar=scalar):
        return False
    more = list(_with_more_samples(values))
    return not more or any(_fits(function, longer, scalar=scalar) for longer in more)


def _fits(function: Callable[..., Any], values: Values, *, scalar: bool) -> bool:
    try:
        returned = call_with(function, own_copy(values))
        returned = returned[0] if scalar and isinstance(returned, tuple) else returned  # the loss, and its gradients
        finite = returned is not None and (not scalar or (np.size(returned) == 1 and bool(np.isfinite(float(returned)))))
    except Exception:  # whatever the code raises where it is not meant to be called
        return False
    return finite


def _with_more_samples(values: Mapping[str, Any]) -> Iterator[Values]:
    """Yield the values with more samples, if they stand along the first axis of the data, or along the last."""
    data = {n: np.asarray(v) for n, v in values.items() if np.ndim(v) and not (WEIGHT.match(n) or BIAS.match(n))}
    for axis in (0, -1):
        counts = {array.shape[axis] for array in data.values()}
        for count in sorted(counts):
            along = np.arange(count + 3) % count
            longer = {n: np.take(array, along, axis) for n, array in data.items() if array.shape[axis] == count}
            yield {**values, **longer}


def _as_shapes(values: Mapping[str, Any]) -> str | None:
    """Return values as --shapes says them, `params.W1:3,4` inside of a dictionary; None for what it cannot say."""
    leaves = dict(walk(dict(values)))
    if not all(isinstance(value, int | float | np.ndarray) and not isinstance(value, bool) for value in leaves.values()):
        return None
    return " ".join(f"{name}:{','.join(map(str, np.shape(value)))}{_below(value)}" for name, value in leaves.items())


def _below(value: Any) -> str:
    whole = isinstance(value, np.ndarray) and value.dtype.kind == "i"
    return f"<{max(int(np.max(value)) + 1, 2)}" if whole else ""
