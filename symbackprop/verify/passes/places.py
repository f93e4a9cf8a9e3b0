"""Where a backward pass leaves its gradients: in what it returns, beside the parameters, or as steps of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import numeric, return_names
from symbackprop.verify.passes.passes import Passes, parameters_of
from symbackprop.verify.passes.plans import RATE

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class RunPlaces:
    """What one run has shown.

    `values`: name → its path among the arguments of forward and in the object, `given.x`, `self.l1.W`; `gradients`: name → where
    its gradient is left, `return.0` or `self.dW`. The parameters in `stepped` are changed by backward itself: their gradients are
    (old - new)/rate. `unbound` counts the arrays that are returned and are gradients of nothing that is known.
    """

    values: Mapping[str, str]
    gradients: Mapping[str, str]
    stepped: frozenset[str]
    rate: float
    unbound: int = 0


def places_of(
    passes: Passes, before: Mapping[str, Any], after: Mapping[str, Any], returned: Any, same: Mapping[str, tuple[str, ...]]
) -> RunPlaces:
    """Return where parameters and gradients are.

    Args:
        before: the numbers of the object and the arguments of forward before the run, by path.
        after: the same after it.
        same: path → every path under which the object holds the same array; the first stands for all.
    """
    before = _once(before, same)
    backward = passes.of(passes.owner)[1]
    own = _under("self.", before)
    inputs = _named(_movable(_under("given.", before)), ())
    left, stepped = _left_behind(backward, own, _under("self.", after), inputs, same)
    called = inputs | _named(sorted({*left.values(), *stepped} - inputs.keys(), key=list(before).index), inputs.values())
    gradients = {called[parameter]: path for path, parameter in left.items()} | {called[path]: path for path in stepped}
    held = _named([path for path in _arrays(own) if path not in called], called.values())
    found = _returned(passes, returned, _shapes(inputs, before), _shapes(called | held, before))
    called |= {path: name for path, name in held.items() if name in found}
    steps = frozenset(called[path] for path in stepped)
    return RunPlaces(_inverse(called), {**gradients, **found}, steps, _rate(backward, own), _unbound(passes, returned, found))


def _once(numbers: Mapping[str, Any], same: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Leave out the further paths of an array that the object holds several times."""
    return {path: leaf for path, leaf in numbers.items() if same.get(path, (path,))[0] == path}


def _unbound(passes: Passes, returned: Any, found: Mapping[str, str]) -> int:
    """Return how many arrays a backward pass returns that are bound to nothing."""
    arrays = [path for path, leaf in walk(returned, "return") if numeric(leaf) and np.ndim(leaf)]
    return 0 if passes.one else len(set(arrays) - set(found.values()))


def _under(start: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {path: leaf for path, leaf in numbers.items() if path.startswith(start)}


def _inverse(called: Mapping[str, str]) -> dict[str, str]:
    return dict(zip(called.values(), called, strict=True))


def _arrays(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {path: leaf for path, leaf in numbers.items() if _is_real(leaf) and np.ndim(leaf)}


def _shapes(called: Mapping[str, str], numbers: Mapping[str, Any]) -> Shapes:
    """Return name → shape of what is real."""
    return {name: np.shape(numbers[path]) for path, name in called.items() if _is_real(numbers[path])}


def _named(paths: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """Return path → name: the last part of the path where it is alone with it, `layers_0_W` otherwise."""
    count = Counter(path.rpartition(".")[2] for path in dict.fromkeys(paths))
    return {path: _name(path, count, taken) for path in paths}


def _name(path: str, count: Mapping[str, int], taken: Collection[str]) -> str:
    last, inner = path.rpartition(".")[2], path.partition(".")[2].replace(".", "_")
    if count[last] == 1 and last not in taken and last.isidentifier():
        return last
    return inner if inner not in taken else path.replace(".", "_")


def _movable(given: Mapping[str, Any]) -> list[str]:
    """Return the arguments of forward that may take other values: arrays; real numbers where there are no arrays."""
    arrays = [path for path, leaf in given.items() if np.ndim(leaf) and np.size(leaf)]
    return arrays or [path for path, leaf in given.items() if _is_real(leaf) and path.count(".") == 1]


def _is_real(value: Any) -> bool:
    return numeric(value) and np.asarray(value).dtype.kind == "f"


# ---- left behind ---------------------------------------------------------------------------------------------------


def _left_behind(
    backward: Callable[..., Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    inputs: Mapping[str, str],
    same: Mapping[str, tuple[str, ...]],
) -> tuple[dict[str, str], list[str]]:
    """Return path of a gradient → path of its parameter, and the parameters that backward has stepped itself."""
    of_inputs = {f"self.{name}": path for path, name in inputs.items()}
    own = dict(zip(before, before, strict=True)) | {path: paths[0] for path, paths in same.items()}
    known = own | of_inputs
    taken: dict[str, str] = {}
    for path in after:
        parameter = _parameter_of(path, own) or (_parameter_of(path, of_inputs) if path.count(".") == 1 else None)
        if parameter is not None and np.shape(after[path]) == np.shape(before.get(known[parameter], after[path])):
            taken.setdefault(known[parameter], path)
    if taken.keys() & before.keys() or not _knows_a_rate(backward, before):
        return _inverse(taken), []
    return _inverse(taken), _changed(before, after)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the arrays that have other numbers in the same shape."""
    return [path for path, old in before.items() if path in after and np.ndim(old) and _moved(old, after[path])]


def _moved(before: Any, after: Any) -> bool:
    return np.shape(before) == np.shape(after) and not np.array_equal(before, after)


def _rate(backward: Callable[..., Any], held: Mapping[str, Any]) -> float:
    """Return the learning rate of a step inside backward: what it is given, or what its object holds."""
    if any(parameter.name.lower() in names.RATES for parameter in parameters_of(backward)):
        return RATE
    return next((float(value) for path, value in held.items() if _is_rate(path) and not np.ndim(value)), RATE)


def _knows_a_rate(backward: Callable[..., Any], held: Collection[str]) -> bool:
    """Whether backward takes a learning rate, or its object has one: then what it changes are weights."""
    return any(p.name.lower() in names.RATES for p in parameters_of(backward)) or any(_is_rate(path) for path in held)


def _is_rate(path: str) -> bool:
    return path.rpartition(".")[2].lower() in names.RATES


def _parameter_of(path: str, before: Collection[str]) -> str | None:
    """Return the parameter whose gradient stands at a path: `dW` beside `W`, `grads.W` or `grads.0` beside `params.…`."""
    container, _, label = path.rpartition(".")
    outer, _, group = container.rpartition(".")
    beside = {at.rpartition(".")[2]: at for at in before if at.rpartition(".")[0] == container}
    if names.is_gradient_name(label, tuple(beside), ""):
        return beside[str(names.gradient_of(label, tuple(beside), ""))]
    if not group.lower().startswith(("grad", "d", "g_")):
        return _in_a_dictionary(label, container, before)
    holders = {at: at.rpartition(".")[0] for at in before if at != path and at.rpartition(".")[2] == label}
    return next((at for at, holder in holders.items() if outer in (holder, holder.rpartition(".")[0])), None)


def _in_a_dictionary(label: str, container: str, before: Collection[str]) -> str | None:
    """Return `params.W` for the `dW` of the same object."""
    held = {at.rpartition(".")[2]: at for at in before if at.rpartition(".")[0].rpartition(".")[0] == container}
    return held[str(names.gradient_of(label, tuple(held), ""))] if names.is_gradient_name(label, tuple(held), "") else None


# ---- returned ------------------------------------------------------------------------------------------------------


def _returned(passes: Passes, returned: Any, inputs: Shapes, held: Shapes) -> dict[str, str]:
    """Return name → place for the gradients that backward returns: by key or variable, or in the order of the arguments."""
    labels = {f"return.{path}".rstrip("."): name for path, name in return_names(passes.of(passes.owner)[1]).items()}
    leaves = walk(_gradients_alone(returned) if passes.one else returned, "return")
    found = {path: leaf for path, leaf in leaves if _is_gradient(leaf)}
    called = _by_name(found, labels, {**held, **inputs})
    if not called:
        return _in_order(found, inputs)
    free = {name: shape for name, shape in inputs.items() if name not in called}
    return _by_shape({path: leaf for path, leaf in found.items() if path not in called.values()}, free) | called


def _by_name(found: Mapping[str, Any], labels: Mapping[str, str], known: Shapes) -> dict[str, str]:
    """Return name → place for the results whose key or variable says what they are gradients of."""
    called: dict[str, str] = {}
    for path, leaf in found.items():
        name = names.gradient_of(labels.get(path) or path.rpartition(".")[2], tuple(known), "")
        if name is not None and _fits(leaf, known[name]):
            called.setdefault(name, path)
    return called


def _fits(leaf: Any, shape: tuple[int, ...]) -> bool:
    return np.size(leaf) == math.prod(shape)


def _in_order(left: Mapping[str, Any], inputs: Shapes) -> dict[str, str]:
    """Return name → place for results that have no names: one is of the first input of its size that is no target."""
    if len(left) == 1:
        (path,) = left
        fitting = sorted((name for name, shape in inputs.items() if _fits(left[path], shape)), key=is_target)
        return dict.fromkeys(fitting[:1], path)
    ordered = {name: path for name, path in zip(inputs, left, strict=False) if _fits(left[path], inputs[name])}
    return ordered if len(ordered) == len(left) else _by_shape(left, inputs)


def _by_shape(left: Mapping[str, Any], inputs: Shapes) -> dict[str, str]:
    """Return name → place for results whose shape only one input has."""
    asked = {name: shape for name, shape in inputs.items() if not is_target(name)}
    count = Counter(asked.values())
    return {
        name: path
        for path, leaf in left.items()
        for name, shape in asked.items()
        if np.shape(leaf) == shape and count[shape] == 1
    }


def is_target(name: str) -> bool:
    """Whether an argument is called like a target, of which nobody asks a gradient."""
    return name.lower() in names.TARGETS or bool(_TARGET.match(name))


_TARGET = re.compile(
    r"labels?|targets?|truth|actual|correct|expected|(?:y|t)_?(?:true|train|batch|test|real|data|i|s)?$|one_?hot", re.IGNORECASE
)


def _is_gradient(leaf: Any) -> bool:
    """Whether a value can be a gradient: numbers, or the truth values of a slope."""
    return numeric(leaf) or getattr(leaf, "dtype", None) == np.bool_


def _gradients_alone(returned: Any) -> Any:
    """Return what one function gives without its value, each thing in its place."""
    if not isinstance(returned, tuple):
        return returned
    value = 0 if not np.ndim(returned[0]) and numeric(returned[0]) else len(returned) - 1
    return {str(place): part for place, part in enumerate(returned) if place != value}
