"""A model whose loss stands nowhere as one object: `loss` is a loss of the prediction, `backward` what the code has.

The object is the user's own, with these two methods; where there are only functions, an object of nothing else. The code is
called as its owner calls it: forward first, then backward with the arguments that the plan names.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import numeric, return_names
from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.binding.results import leaf_at
from symbackprop.verify.binding.source_tree import plain_function
from symbackprop.verify.passes.losses import PREDICTED, LossFactor, UnstatedLoss, laid, loss_of_class, losses_beside
from symbackprop.verify.passes.outputs import is_cache_name
from symbackprop.verify.passes.passes import call_with, method_of, name_of, outside, parameters_of
from symbackprop.verify.passes.plans import RATE

ROUNDS = re.compile(r"epoch|iter|rounds|n_steps|num_steps|times", re.IGNORECASE)
_STRENGTH = re.compile(r"_*(lam|la?m(b|bd|da|bda)|l2|weight_decay|(reg|lambda)_?(strength|param|lambda|reg)?)_*", re.IGNORECASE)
_CHUNK = re.compile(r"batch_?size|chunk", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Roles:
    """What the arguments of a backward pass are: each name with its source.

    `given.x`, `target`, `output`, `return.2`, `rest`, `self.a1`, or a number.
    """

    sources: Mapping[str, Any]

    def arguments(self, run: tuple[Mapping[str, Any], Any, Any, Any], owner: Any) -> dict[str, Any]:
        """Return the arguments after a forward pass: a run is its arguments, the target, the prediction, what it returned."""
        given, target, output, returned = run
        held = {"target": target, "output": output, "return": returned}

        def value(source: Any) -> Any:
            if not isinstance(source, str):
                return source
            kind, _, key = source.partition(".")
            if kind == "given":
                return given[key]
            if kind == "self":
                return getattr(owner, key)
            return held[kind][int(key)] if key else held[kind]

        return {name: value(source) for name, source in self.sources.items()}


def roles(
    function: Callable[..., Any], given: Sequence[str], labels: Mapping[str, str], held: Sequence[str], cache: str = "return"
) -> Iterator[Roles]:
    """Yield what the arguments of a backward pass may be, the likeliest first.

    Args:
        given: the names of forward's arguments.
        labels: the variables that forward returns, by their place, `{"0": "Z1"}`.
        held: the attributes of the object.
        cache: the place of what forward keeps for backward.
    """
    options = {p.name: _options(p, given, labels, held) for p in parameters_of(function)}
    options = {name: [cache] if found == ["return"] else found for name, found in options.items()}
    certain = {name: found[0] for name, found in options.items() if len(found) == 1}
    open_names = [name for name, found in options.items() if len(found) > 1]
    for sources in _spread(open_names, given, certain):
        if "target" in sources.values():
            yield Roles(sources)


def cache_place(returned: Any) -> str:
    """Return the place of a cache that forward returns: the part that is no array, or all of it."""
    parts = returned if isinstance(returned, tuple) else ()
    kept = [k for k, part in enumerate(parts) if isinstance(part, dict | tuple | list) and not numeric(part)]
    return f"return.{kept[0]}" if len(kept) == 1 and len(parts) > 1 else "return"


def _options(p: inspect.Parameter, given: Sequence[str], labels: Mapping[str, str], held: Sequence[str]) -> list[Any]:
    """Return the one source that a name says, none where a default may stay, several where nothing says it."""
    name = p.name
    known = _number(name) or _known(name, given, labels)
    if known:
        return [known]
    if p.default is not p.empty:
        return [10**6] if _CHUNK.search(name) else []
    if is_cache_name(name):
        return ["return"]
    predicted = bool(PREDICTED.search(name)) and not _is_expected(name)
    if name in held and not predicted:
        return [f"self.{name}"]
    return ["output"] if predicted else ["given", "target", "output"]


def _number(name: str) -> float:
    """Return the learning rate, one round, or the strength of a decay; 0 for what is none of them."""
    return RATE if name.lower() in names.RATES else 1 if ROUNDS.search(name) else 0.3 if _STRENGTH.fullmatch(name) else 0


def _known(name: str, given: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return the source that a name says by itself: forward's argument, the target, a variable that forward returns."""
    of_name = {label: f"return.{place}" for place, label in labels.items() if place.isdigit()}
    if name in given:
        return f"given.{name}"
    return "target" if is_target(name) else of_name.get(name, "")


def _is_expected(name: str) -> bool:
    """Whether a name is that of a list of outputs to be learned: `training_outputs`, `outputs_list`, `desired_output`."""
    return bool(re.search(r"outputs|desired|train|expected|ideal", name, re.IGNORECASE))


def _spread(free: Sequence[str], given: Sequence[str], certain: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the sources with those that are open filled in: inputs, target, prediction, in the usual order."""
    left = [f"given.{name}" for name in given if f"given.{name}" not in certain.values()]
    wanted = [role for role in ("target", "output") if role not in certain.values()]
    orders = ([*left, *wanted], [*left, *reversed(wanted)], wanted, [*reversed(wanted)], [*wanted, *left])
    seen: list[list[str]] = []
    for order in orders:
        if len(order) >= len(free) and order[: len(free)] not in seen:
            seen.append(order[: len(free)])
            yield {**certain, **dict(zip(free, order, strict=False))}


@dataclass(frozen=True, slots=True)
class Model:
    """A forward and a backward pass of which the loss is to be found, with the arguments of both.

    `prediction` is the place of the prediction after forward: `return`, `return.1`, `self.output`; `target` the name of the
    target among the arguments, or its place in the object, `self.y`; `lies` how it lies beside the prediction.
    """

    owner: Any
    forward: Any
    backward: Any
    given: Mapping[str, Any]
    prediction: str
    target: str
    roles: Roles
    lies: str = ""

    def with_loss(self, loss: UnstatedLoss, factor: LossFactor) -> Any:
        """Return the object with methods `stated_loss(**arguments)` and `own_backward()`."""
        made = _methods(self, loss, factor)
        kind = type(self.owner) if self.owner is not None else object
        module = kind.__module__ if self.owner is not None else getattr(self.backward, "__module__", "builtins")
        model = type(kind.__name__ if self.owner is not None else "Model", (kind,), {**made, "__module__": module})
        if self.owner is None:
            return model()
        self.owner.__class__ = model
        return self.owner


LOSS, BACKWARD = "stated_loss", "own_backward"
"""The two methods of a model."""


def _methods(model: Model, unstated: UnstatedLoss, factor: LossFactor) -> dict[str, Any]:
    """Return the two methods; they stand in no file of this package, so that a trace follows them into the user's code."""
    first, second, inputs = model.forward, model.backward, tuple(model.given)
    place, target, part = model.prediction, model.target, model.roles
    labels = return_names(method_of(model.owner, second))
    held_target = target.removeprefix("self.") if target.startswith("self.") else ""
    value_of, beside, lies = _evaluated(model, unstated), outside(laid, laid.__name__), model.lies
    in_one = outside(as_array, as_array.__name__)
    of_data = unstated.of_data

    def stated_loss(self: Any, **given: Any) -> Any:
        out = in_one(call_with(method_of(self, first), {name: given[name] for name in inputs}))
        everything = dict(walk({"return": out, "self": self}))
        output = leaf_at(everything, place)
        wanted = getattr(self, held_target) if held_target else given[target]
        replay = (given, wanted, output, out)
        object.__setattr__(self, "after_forward", lambda: replay)
        both = (given[inputs[0]] if of_data else output, beside(wanted, output, lies))
        return factor.value(output) * value_of(self, given, both)

    def own_backward(self: Any) -> Any:
        arguments = part.arguments(self.after_forward(), self)
        return _labelled(call_with(method_of(self, second), arguments), labels, self)

    own_backward.__signature__ = _signature(part)  # type: ignore[attr-defined]
    return {LOSS: outside(stated_loss, LOSS), BACKWARD: outside(own_backward, BACKWARD)}


def _evaluated(model: Model, loss: UnstatedLoss) -> Callable[..., Any]:
    """Return what gives the value of a loss: of the object, the arguments by name, and prediction (or data) and target."""
    formula, method, parts = loss.of if loss.method else outside(loss.of, loss.of.__name__), loss.method, loss.parts
    numbers = {name: model.roles.sources[name] for name in loss.further if name not in model.given}
    further = tuple(name for name in loss.further if name in model.given)
    if not method:
        return outside(lambda owner, given, both: formula(*both), "value")
    of_class = loss.of_class

    def value(owner: Any, given: Any, both: Any) -> Any:
        arguments = {**dict(zip(parts, both, strict=True)), **{name: given[name] for name in further}, **numbers}
        found = (getattr(owner, method) if of_class else formula)(**arguments)
        return np.sum(found) if np.shape(found) and np.size(found) == 1 else found

    return outside(value, "value")


def _signature(part: Roles) -> inspect.Signature:
    """Return the arguments of the backward method: the learning rate alone, where there is one."""
    rates = [name for name in part.sources if name.lower() in names.RATES]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(n, kind, default=RATE) for n in ("self", *rates)])


def _labelled(returned: Any, labels: Mapping[str, str], owner: Any) -> Any:
    """Return gradients by the names of their variables; those of a list by the list of parameters that has their shapes."""
    if isinstance(returned, dict):
        return returned
    several = isinstance(returned, tuple if "0" not in labels else tuple | list)
    parts = returned if several else (returned,)
    named = {labels.get(str(k) if several else "", f"result_{k}"): part for k, part in enumerate(parts)}
    found: dict[str, Any] = {}
    for name, part in named.items():
        listed = _list_like(part, name, owner) if isinstance(part, list) else ""
        found |= {f"d{listed}_{k}": member for k, member in enumerate(part)} if listed else {name: part}
    return found


def _list_like(part: Sequence[Any], name: str, owner: Any) -> str:
    """Return the name of the object's list whose arrays have the shapes of these; of several, the one with the name's letter."""
    shapes = [np.shape(member) for member in part]
    lists = ((key, value) for key, value in vars(owner).items() if isinstance(value, list)) if owner is not None else ()
    fitting = [key for key, value in lists if [*map(np.shape, value)] == shapes]
    letter = name.rpartition("_")[2][:1].lower()
    return next((key for key in fitting if key.lower().lstrip("_").startswith(letter)), "".join(fitting[:1]))


def stated_beside(model: Model) -> list[UnstatedLoss]:
    """Return the loss that the object of a model states, or those that stand beside its passes as functions."""
    own = loss_of_class(type(model.owner)) if model.owner is not None else None
    if own is not None:
        return [own]
    passes = [plain_function(method_of(model.owner, function)) for function in (model.forward, model.backward)]
    numbers = [name for name, source in model.roles.sources.items() if not isinstance(source, str)]
    plain = [function for function in passes if function is not None]
    predicted = return_names(passes[0]).values() if passes[0] is not None else ()
    return losses_beside(plain, [*model.given, *numbers], [*predicted]) if len(plain) == len(passes) else []


def as_array(returned: Any) -> Any:
    """Return a list of numbers as an array, `[neuron.output for neuron in layer]`, and anything else as it is."""
    if isinstance(returned, list) and returned and not any(np.ndim(part) or isinstance(part, dict | str) for part in returned):
        return np.array(returned)
    return returned


def predictions(returned: Any, owner: Any, before: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Return where the prediction of a forward pass may stand, the likeliest first: in what it returns, or left in the object.

    What it returns as it was given it, data and weights in a cache, is none.
    """
    if numeric(returned):
        return ["return"]
    if returned is not None:
        arrays = sorted(_new(_arrays(returned, "return"), before), key=lambda path: path.count(".") < 2)
        usual = [path for path in arrays if PREDICTED.search(labels.get(path.removeprefix("return."), ""))]
    else:
        arrays = [path for path, leaf in _arrays(owner, "self").items() if not np.array_equal(before.get(path, ()), leaf)]
        usual = [path for path in arrays if PREDICTED.search(path.removeprefix("self."))]
    return [*dict.fromkeys([*reversed(usual), *reversed(arrays)])][:3]


def _new(arrays: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Return where arrays stand that are none of those before."""
    return [path for path, leaf in arrays.items() if not any(np.array_equal(leaf, old) for old in before.values())]


def _arrays(item: Any, path: str) -> dict[str, Any]:
    return {at: leaf for at, leaf in walk(item, path) if numeric(leaf) and np.ndim(leaf)}


def held_targets(owner: Any) -> list[str]:
    """Return the arrays of an object that are called like a target."""
    held = vars(owner) if hasattr(owner, "__dict__") else {}
    return [f"self.{name}" for name, value in held.items() if is_target(name) and numeric(value) and np.ndim(value)]


def titles_of(model: Model, formula: str) -> tuple[str, str, str]:
    """Return what a report on a model is about: the code, the loss, where the code stands."""
    forward, backward = (name_of(method_of(model.owner, function)) for function in (model.forward, model.backward))
    return backward, formula.format(p=forward, t=model.target.removeprefix("self.")), backward
