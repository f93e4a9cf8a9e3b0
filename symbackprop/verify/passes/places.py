"""Where a backward pass leaves its gradients: in what it returns, beside the parameters, or as steps of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import mapped, walk
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import numeric, return_names
from symbackprop.verify.binding.results import leaf_at
from symbackprop.verify.passes.inventing.invented import STATE
from symbackprop.verify.passes.passes import Passes, parameters_of
from symbackprop.verify.passes.plans import RATE

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class RunPlaces:
    """What one run has shown.

    `values`: name → its path among the arguments of forward and in the object, `given.x`, `self.l1.W`; `gradients`: name → where
    its gradient is left, `return.0` or `self.dW`; what stands in several places, as that of an array that two layers share, is
    their sum. The parameters in `stepped` are changed by backward itself: their gradients are (old - new)/rate. `unbound` are
    the results that are gradients of nothing that is known, by variable or place; `unfit` are those that their names say to be
    gradients and that have other shapes: name → shape.
    """

    values: Mapping[str, str]
    gradients: Mapping[str, tuple[str, ...]]
    stepped: frozenset[str]
    rate: float
    unbound: tuple[str, ...] = ()
    unfit: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


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
    given = _under("given.", before)
    inputs = _named(_movable(given, _numbers_asked(passes, returned, given)), ())
    left, stepped = _left_behind(backward, own, _under("self.", after), inputs, same)
    called = inputs | _named(sorted({*left, *stepped} - inputs.keys(), key=list(before).index), inputs.values())
    gradients = {called[parameter]: paths for parameter, paths in left.items()} | {called[path]: (path,) for path in stepped}
    held = _named([path for path, leaf in own.items() if path not in called and _may_move(path, leaf)], called.values())
    pairs = _by_structure(returned, called, held, before, return_names(backward))
    passed = _handed_back(returned, before)
    kept = mapped(lambda path, leaf: None if path in (*pairs, *passed) else leaf, returned, "return")
    found = _returned(passes, kept, _shapes(inputs, before), _shapes(called | held, before), _other_names(called | held, same))
    found |= {name: (path,) for path, name in pairs.items() if name}
    called |= {path: name for path, name in held.items() if name in found}
    steps = frozenset(called[path] for path in stepped)
    unfit = _unfit(kept, return_names(backward), _shapes(called | held, before), found)
    unfit |= _unfit_in_order(passes, kept, _shapes(inputs, before), found)
    unbound = _unbound(passes, kept, found)
    return RunPlaces(_inverse(called), {**gradients, **found}, steps, _rate(backward, own), unbound, unfit)


def _unfit(
    returned: Any, labels: Mapping[str, str], known: Shapes, found: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of results that are called gradients of what has another shape: a `db` (3, 1) of a `b` (5,)."""
    unfit = {}
    for path, leaf in walk(returned):
        label = labels.get(path) or path.rpartition(".")[2]
        name = names.gradient_of(label, tuple(known), "") if numeric(leaf) else None
        if name is not None and name not in found and np.shape(leaf) != known[name]:
            unfit[name] = np.shape(leaf)
    return unfit


def _unfit_in_order(
    passes: Passes, returned: Any, inputs: Shapes, found: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[int, ...]]:
    """Return the same of results without names that are as many as the arguments of forward, and so in their order."""
    places = [path for path, name in _result_names(passes, returned).items() if name.startswith(RESULT)]
    if passes.one or not len(inputs) == len(places) > 1:
        return {}
    bound = {path for paths in found.values() for path in paths}
    leaves = {path: np.shape(leaf) for path, leaf in walk(returned, "return") if path in {*places} - bound}
    return {
        name: leaves[path] for name, path in zip(inputs, places, strict=True) if leaves.get(path, inputs[name]) != inputs[name]
    }


def _handed_back(returned: Any, before: Mapping[str, Any]) -> list[str]:
    """Return the places of what a backward pass returns as it was given it, beside its gradients: `return dx, x, dW`."""
    arrays = {path: leaf for path, leaf in walk(returned, "return") if numeric(leaf) and np.ndim(leaf)}
    same = [path for path, leaf in arrays.items() if any(np.array_equal(leaf, known) for known in before.values())]
    return same if len(same) < len(arrays) else []


def readings(places: RunPlaces, left: Mapping[str, Any], same: Mapping[str, tuple[str, ...]]) -> list[RunPlaces]:
    """Return what gradients that stand in several places may mean: of an array that the object holds several times their sum, or
    one of them; of any other the first. The same numbers in several places are one gradient.

    Args:
        left: what the run left, by path.
    """
    shared = {name for name, path in places.values.items() if len(same.get(path, ())) > 1}
    sums = {name: _different(parts, left) if name in shared else parts[:1] for name, parts in places.gradients.items()}
    nearest = {name: (min(parts, key=lambda path: path.count(".")),) for name, parts in sums.items()}
    found = [replace(places, gradients=sums)]
    return found if nearest == sums else [*found, replace(places, gradients=nearest)]


def _different(paths: Sequence[str], left: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the first path of each array that differs from those before it."""
    found: list[str] = []
    for path in paths:
        if not any(np.array_equal(leaf_at(left, path), leaf_at(left, other)) for other in found):
            found.append(path)
    return tuple(found)


def _other_names(called: Mapping[str, str], same: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return further names of arrays that the object holds several times: the last part of a path, where that says which."""
    further = [(other.rpartition(".")[2], name) for path, name in called.items() for other in same.get(path, ()) if other != path]
    further += _short_names(called.values())
    taken = {*called.values()}
    count = Counter(last for last, _ in dict.fromkeys(further))
    return {last: name for last, name in further if count[last] == 1 and last not in taken and last.isidentifier()}


def _short_names(called: Iterable[str]) -> list[tuple[str, str]]:
    return [(short, name) for name in called for short in _short(name)]


def _short(name: str) -> tuple[str, ...]:
    """Return what a gradient is called after where the parameter has its long name: `dW` of `weight`, `db` of `bias`."""
    word = name.strip("_").lower()
    return ("W", "w") if word in ("weight", "weights") else ("b",) if word in ("bias", "biases") else ()


def _once(numbers: Mapping[str, Any], same: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Leave out the further paths of an array that the object holds several times."""
    return {path: leaf for path, leaf in numbers.items() if same.get(path, (path,))[0] == path}


def _unbound(passes: Passes, returned: Any, found: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return what is called a gradient, has no name, or is an array, and is bound to nothing; beside a value only the first."""
    arrays = {path for path, leaf in walk(returned, "return") if np.ndim(leaf) and not passes.one}
    left = {path: name for path, name in _result_names(passes, returned).items() if path not in _bound(found)}
    said = may_be_gradient if not passes.one else is_called_gradient
    return tuple(name for path, name in left.items() if path in arrays or said(name))


def _bound(found: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the places at which gradients were found."""
    return set().union(*found.values())


def _result_names(passes: Passes, returned: Any) -> dict[str, str]:
    """Return place → name of the results that are numbers: its variable, its key, or `result 2`."""
    labels = {f"return.{path}".rstrip("."): name for path, name in return_names(passes.of(passes.owner)[1]).items()}
    return {path: labels.get(path) or _key(path) for path, leaf in walk(returned, "return") if numeric(leaf)}


RESULT = "result"
"""What a result is called, with its number, that is no variable and has no key."""


def _key(path: str) -> str:
    """Return what a result is called that is no variable: its key, or its place."""
    inside = path.partition(".")[2]
    last = inside.rpartition(".")[2]
    return f"{RESULT} {int(last) + 1}" if last.isdigit() else last or RESULT


def may_be_gradient(name: str) -> bool:
    """Whether a result is called like a gradient, or has no name."""
    return name.startswith(RESULT) or is_called_gradient(name)


def is_called_gradient(name: str) -> bool:
    """Whether a result is called like a gradient of anything."""
    return bool(_NAME_OF_GRADIENT.match(name))


_NAME_OF_GRADIENT = re.compile(r"_?(d[A-Z_]|grads?|gradients?|nabla|delta|d\w{1,2}$)")


def _numbers_asked(passes: Passes, returned: Any, given: Mapping[str, Any]) -> list[str]:
    """Return the single numbers among the arguments of which a gradient is returned, as its name says, or as many results as
    arguments in their order: `db` of a float `b`."""
    real = {path: np.shape(leaf) for path, leaf in given.items() if _is_real(leaf)}
    numbers = [path for path, shape in real.items() if not shape]
    called = _result_names(passes, returned) if numbers else {}
    if all(name.startswith(RESULT) for name in called.values()):
        return numbers if [np.shape(leaf) for _, leaf in walk(returned) if numeric(leaf)] == [*real.values()] else []
    return [path for path in numbers if _is_named(path.rpartition(".")[2], called.values())]


def _is_named(name: str, called: Iterable[str]) -> bool:
    """Whether a result is called like an argument, or like the gradient of it."""
    return any(label == name or names.is_gradient_name(label, (name,), "") for label in called)


def _under(start: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {path: leaf for path, leaf in numbers.items() if path.startswith(start)}


def _inverse(called: Mapping[str, str]) -> dict[str, str]:
    return dict(zip(called.values(), called, strict=True))


def _may_move(path: str, leaf: Any) -> bool:
    """Whether what an object holds may be a parameter: an array, or a number that is no rate, the bias of one neuron."""
    return _is_real(leaf) and (np.ndim(leaf) > 0 or not _is_rate(path))


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


def _movable(given: Mapping[str, Any], numbers: Collection[str]) -> list[str]:
    """Return the arguments of forward that may take other values: arrays, and these numbers; all real ones without arrays."""
    arrays = {path for path, leaf in given.items() if np.size(leaf) and np.ndim(leaf)}
    chosen = arrays | {*numbers} if arrays else {path for path in filter(_is_argument, given) if _is_real(given[path])}
    return [path for path in given if path in chosen]


def _is_argument(path: str) -> bool:
    """Whether a path is that of an argument itself, not of something in it."""
    return path.count(".") == 1


def _is_real(value: Any) -> bool:
    return numeric(value) and np.asarray(value).dtype.kind == "f"


# ---- left behind ---------------------------------------------------------------------------------------------------


def _left_behind(
    backward: Callable[..., Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    inputs: Mapping[str, str],
    same: Mapping[str, tuple[str, ...]],
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return path of a parameter → paths of its gradients, and the parameters that backward has stepped itself."""
    of_inputs = {f"self.{name}": path for path, name in inputs.items()} | _whatever_it_is_called(inputs)
    own = dict(zip(before, before, strict=True)) | {path: paths[0] for path, paths in same.items()}
    known = own | of_inputs
    taken: dict[str, tuple[str, ...]] = {}
    for path in after:
        parameter = _parameter_of(path, own) or (_parameter_of(path, of_inputs) if path.count(".") == 1 else None)
        if parameter is not None and np.shape(after[path]) == np.shape(before.get(known[parameter], after[path])):
            taken[known[parameter]] = (*taken.get(known[parameter], ()), path)
    if taken.keys() & before.keys() or not _knows_a_rate(backward, before):
        return taken, []
    return taken, _changed(before, after)


def _whatever_it_is_called(inputs: Mapping[str, str]) -> dict[str, str]:
    """Return `self.inputs` for the one input that is no target: `dinputs` is its gradient, `y_pred` though it may be called."""
    asked = [path for path, name in inputs.items() if not names.is_target(name)]
    called = {"self.inputs", "self.input"} - {f"self.{name}" for name in inputs.values()}
    return dict.fromkeys(called, asked[0]) if len(asked) == 1 else {}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the arrays that have other numbers in the same shape, and the single numbers that may be weights."""
    moving = (path for path, old in before.items() if path in after and _may_move(path, old) and _moved(old, after[path]))
    return [path for path in moving if not is_memory(path)]


def is_memory(path: str) -> bool:
    """Whether an array is called like what steps keep of earlier ones."""
    return bool(_MEMORY.fullmatch(path.rpartition(".")[2]))


_MEMORY = re.compile(r"_?(velocity|velocities|momentums?|moments?|running_\w+|moving_\w+)", re.IGNORECASE)
"""What a step keeps of earlier ones is no weight."""


def _moved(before: Any, after: Any) -> bool:
    return np.shape(before) == np.shape(after) and not np.array_equal(before, after)


def _rate(backward: Callable[..., Any], held: Mapping[str, Any]) -> float:
    """Return the learning rate of a step inside backward: what it is given, or what its object holds."""
    return RATE if _takes_a_rate(backward) else next(_rates(held), RATE)


def _knows_a_rate(backward: Callable[..., Any], held: Mapping[str, Any]) -> bool:
    """Whether backward takes a learning rate, or its object has one: then what it changes are weights."""
    return _takes_a_rate(backward) or next(_rates(held), None) is not None


def _takes_a_rate(backward: Callable[..., Any]) -> bool:
    return any(parameter.name.lower() in names.RATES for parameter in parameters_of(backward))


def _rates(held: Mapping[str, Any]) -> Iterator[float]:
    """Yield the rates that an object holds: numbers, for an array of such a name, the `alpha` of a PReLU, is none."""
    return (float(value) for path, value in held.items() if _is_rate(path) and not np.ndim(value))


def _is_rate(path: str) -> bool:
    return path.rpartition(".")[2].lower() in names.RATES


def _parameter_of(path: str, before: Collection[str]) -> str | None:
    """Return the parameter whose gradient stands at a path: `dW` beside `W`, `grads.W` or `grads.0` beside `params.…`."""
    container, _, last = path.rpartition(".")
    label = last.lstrip("_")
    beside = {at.rpartition(".")[2]: at for at in before if at.rpartition(".")[0] == container and at != path}
    if names.is_gradient_name(label, tuple(beside), ""):
        return beside[str(names.gradient_of(label, tuple(beside), ""))]
    if _GRADIENT.fullmatch(label) and len(beside) == 1 and container != "self":  # a parameter that is an object
        return next(iter(beside.values()))
    return _in_a_group(path, before) or _in_a_dictionary(label, container, before)


def _in_a_group(path: str, before: Collection[str]) -> str | None:
    """Return `params.0.W` for `grads.0.W`, what stands in a group of parameters at the place of a group of gradients."""
    parts = path.split(".")
    others = [at for at in before if at != path]
    for place in range(len(parts) - 2, 0, -1):
        near = _beside(".".join(parts[:place]), ".".join(parts[place + 1 :]), others)
        own = [at for at, last in near.items() if names.is_gradient_name(parts[place], (last,), "")]
        if own or (near and _GROUP.match(parts[place])):
            return [*own, *near][0]
    return None


def _beside(outer: str, inside: str, paths: Sequence[str]) -> dict[str, str]:
    """Return the paths that end in `inside`, in a group of the container `outer`, each with the name of its group."""
    holders = {at: at.removesuffix(f".{inside}") for at in paths if at.endswith(f".{inside}")}
    return {at: holder.rpartition(".")[2] for at, holder in holders.items() if outer in (holder, holder.rpartition(".")[0])}


_GRADIENT = re.compile(r"grads?|gradients?|d|dw|delta|diff|derivative", re.IGNORECASE)
"""What the gradient of a parameter is called that is an object: `W.grad` beside `W.data`."""
_GROUP = re.compile(r"[Gg]rad|g_|nabla|d$|d_|d[A-Z]|d_?(?:param|weight|bias)")
"""How groups of gradients are called."""


def _in_a_dictionary(label: str, container: str, before: Collection[str]) -> str | None:
    """Return `params.W` for the `dW` of the same object, or for its `grads.dW`."""
    outer, _, group = container.rpartition(".")
    holder = outer if outer and _GROUP.match(group) else container
    held = {at.rpartition(".")[2]: at for at in before if at.rpartition(".")[0].rpartition(".")[0] == holder}
    return held[str(names.gradient_of(label, tuple(held), ""))] if names.is_gradient_name(label, tuple(held), "") else None


# ---- returned ------------------------------------------------------------------------------------------------------


def _by_structure(
    returned: Any, called: Mapping[str, str], held: Mapping[str, str], before: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, str]:
    """Return what stands beside its parameter, or in a list like one of the object: path of the gradient → name."""
    pairs = _in_pairs(returned, {name: before[path] for path, name in {**called, **held}.items()})
    shapes = {path: np.shape(before[path]) for path in held if _is_real(before[path])}
    return pairs or {path: held[own] for path, own in _in_lists(returned, shapes, labels).items()}


def _in_pairs(returned: Any, known: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in pairs of a parameter and its gradient, `[(W, dW), (b, db)]`: path of the gradient → name.

    The path of the parameter itself has no name.
    """
    leaves = dict(walk(returned, "return"))
    found: dict[str, str] = {}
    for path in filter(re.compile(r"return\..+\.0").fullmatch, leaves):
        gradient = f"{path[:-1]}1"
        own = _names_of(leaves[path], known)
        if own and np.shape(leaves.get(gradient, ())) == np.shape(leaves[path]):
            found |= {path: "", gradient: min(own, key=len)}  # a cache may hold it too
    return found


def _in_lists(returned: Any, held: Shapes, labels: Mapping[str, str]) -> dict[str, str]:
    """Return what stands in lists as long as lists of the object, in the same shapes: path of the gradient → path of its own.

    Where several lists of the object have these shapes, that counts which the name of the returned one ends like: `nabla_b`.
    """
    found: dict[str, str] = {}
    own = _lists(held)
    for container, paths in _lists({path: np.shape(leaf) for path, leaf in walk(returned, "return") if np.ndim(leaf)}).items():
        alike = {name: places for name, places in own.items() if [*places.values()] == [*paths.values()]}
        label = labels.get(container.removeprefix("return").lstrip("."), container)
        meant = [name for name in alike if len(alike) == 1 or name.rpartition(".")[2][:1] == label[-1:]]
        if len(meant) == 1:
            found |= dict(zip(paths, alike[meant[0]], strict=True))
    return found


def _lists(shapes: Shapes) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return the lists that paths lead into, `self.weights.0` and `.1`, each with the shapes of its places."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for path, shape in shapes.items():
        container, _, last = path.rpartition(".")
        if last.isdigit() and container.count(".") == 1:
            found.setdefault(container, {})[path] = shape
    return found


def _names_of(leaf: Any, known: Mapping[str, Any]) -> list[str]:
    """Return the names of the arrays that hold the numbers of another one."""
    return [name for name, value in known.items() if np.ndim(value) and numeric(leaf) and np.array_equal(value, leaf)]


def _returned(
    passes: Passes, returned: Any, inputs: Shapes, held: Shapes, others: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return name → places for the gradients that backward returns: by key or variable, or in the order of the arguments.

    `others` are further names of what is held.
    """
    labels = {f"return.{path}".rstrip("."): name for path, name in return_names(passes.of(passes.owner)[1]).items()}
    leaves = walk(_gradients_alone(returned) if passes.one else returned, "return")
    found = {path: leaf for path, leaf in leaves if _is_gradient(leaf)}
    known = {**held, **inputs}
    called = _by_name(found, labels, {**{other: known[name] for other, name in others.items()}, **known})
    places: dict[str, tuple[str, ...]] = {}
    for name, path in (called or _without_names(passes, _nameless(found, labels, known), inputs, held)).items():
        own = others.get(name, name)
        places[own] = (*places.get(own, ()), path)
    return {**_left_by_shape(passes, found, inputs, called), **places} if called else places


def _left_by_shape(
    passes: Passes, found: Mapping[str, Any], inputs: Shapes, called: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return name → place for what is left of results and inputs when some have found their names.

    What a function of loss and gradients returns in the shape of a state is the state that the next run begins with.
    """
    free = {name: shape for name, shape in inputs.items() if name not in called and not (passes.one and STATE.match(name))}
    left = {path: leaf for path, leaf in found.items() if path not in called.values()}
    return {name: (path,) for name, path in _by_shape(left, free).items()}


def _by_name(found: Mapping[str, Any], labels: Mapping[str, str], known: Shapes) -> dict[str, str]:
    """Return name → place for the results whose key or variable says what they are gradients of."""
    called: dict[str, str] = {}
    reduced: dict[str, str] = {}
    for path, leaf in found.items():
        label = labels.get(path) or path.rpartition(".")[2]
        name = names.gradient_of(label, tuple(known), "")
        if name is not None and _fits(leaf, known[name]):
            called.setdefault(name, path)
        elif name is not None and names.is_gradient_name(label, (name,), "") and _is_reduced(np.shape(leaf), known[name]):
            reduced[name] = path
    return {**reduced, **called} if called else {}


def _is_reduced(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a gradient is summed over an axis too many, or over one too few: `np.sum(dZ)` for a bias, `dZ` itself."""
    try:
        return np.broadcast_shapes(shape, wanted) in (shape, wanted)
    except ValueError:
        return False


def _fits(leaf: Any, shape: tuple[int, ...]) -> bool:
    return np.size(leaf) == math.prod(shape)


def _nameless(found: Mapping[str, Any], labels: Mapping[str, str], known: Shapes) -> dict[str, Any]:
    """Return the results of which no name says what they are gradients of: a `dx` of another size is that of no mask."""
    return {path: leaf for path, leaf in found.items() if names.gradient_of(labels.get(path) or "", tuple(known), "") is None}


def _without_names(passes: Passes, found: Mapping[str, Any], inputs: Shapes, held: Shapes) -> dict[str, str]:
    return _of_the_only(passes, found, inputs, held) or _in_order(found, inputs, passes.known)


def _of_the_only(passes: Passes, found: Mapping[str, Any], inputs: Shapes, held: Shapes) -> dict[str, str]:
    """Return name → place for one result without a name that a loss of an object has: that of its only array of this shape.

    A gradient by the data is not what a loss with weights is asked for.
    """
    if len(found) != 1 or passes.owner is None or not _LOSS.search(str(passes.forward)):
        return {}
    ((path, leaf),) = found.items()
    own = [name for name, shape in held.items() if name not in inputs and shape and np.shape(leaf) == shape]
    return {own[0]: path} if len(own) == 1 else {}


_LOSS = re.compile(r"loss|cost|objective", re.IGNORECASE)


def _in_order(left: Mapping[str, Any], inputs: Shapes, known: Collection[str] = ()) -> dict[str, str]:
    """Return name → place for results that have no names: one is of the first input of its size that is no target.

    As many results as arguments stand in their order, unless the shapes of all but one say another; of a `known` argument one is
    the gradient in any shape.
    """
    if len(left) == 1:
        return _of_one(left, inputs)
    ordered = {name: path for name, path in zip(inputs, left, strict=False) if _fits(left[path], inputs[name])}
    if len(ordered) == len(left):
        return ordered
    shaped = _by_shape(left, inputs)
    otherwise = len(shaped) >= max(len(left) - 1, 2) and not shaped.items() <= ordered.items()
    if otherwise or len(left) != len(inputs):
        return shaped
    return {name: path for name, path in zip(inputs, left, strict=True) if name in {*ordered, *known}}


def _of_one(left: Mapping[str, Any], inputs: Shapes) -> dict[str, str]:
    ((path, leaf),) = left.items()
    fitting = sorted((name for name, shape in inputs.items() if _fits(leaf, shape)), key=names.is_target)
    return dict.fromkeys(fitting[:1] or _only_reduced(leaf, inputs), path)


def _only_reduced(leaf: Any, inputs: Shapes) -> list[str]:
    """Return the only input, if an array is a gradient of it that was summed over an axis too many, or over one too few, or has
    a row for each sample as well."""
    own = np.shape(leaf)
    columns = _of_jacobian(own, inputs)
    if len(columns) == 1 and len(inputs) > 1:
        return columns
    meant = {
        name for name, shape in inputs.items() if _is_reduced(own, shape) or (own[:1] == shape[:1] and len(own) == len(shape))
    }
    return [*meant] if own and len(inputs) == 1 else []


def _of_jacobian(own: tuple[int, ...], inputs: Shapes) -> list[str]:
    """Return the inputs that have as many numbers as a Jacobian has columns."""
    return [name for name, shape in inputs.items() if len(own) == 2 and own[1] == math.prod(shape) and min(own) > 1]


def _by_shape(left: Mapping[str, Any], inputs: Shapes) -> dict[str, str]:
    """Return name → place for results whose shape only one input has."""
    asked = {name: shape for name, shape in inputs.items() if not names.is_target(name)}
    count = Counter(asked.values())
    return {
        name: path
        for path, leaf in left.items()
        for name, shape in asked.items()
        if np.shape(leaf) == shape and count[shape] == 1
    }


def _is_gradient(leaf: Any) -> bool:
    """Whether a value can be a gradient: numbers, or the truth values of a slope."""
    return numeric(leaf) or getattr(leaf, "dtype", None) == np.bool_


def _gradients_alone(returned: Any) -> Any:
    """Return what one function gives without its value, each thing in its place."""
    if not isinstance(returned, tuple):
        return returned
    value = 0 if not np.ndim(returned[0]) and numeric(returned[0]) else len(returned) - 1
    return {str(place): part for place, part in enumerate(returned) if place != value}
