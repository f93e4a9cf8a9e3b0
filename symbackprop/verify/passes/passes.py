"""Which two functions are the forward and the backward pass: methods of an object, a pair, or one function that is both."""

from __future__ import annotations

import copy
import inspect
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from symbackprop.errors import UserError
from symbackprop.trace.run.nested import NO_FILE
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.source_tree import decorated, plain_function

FORWARD = (
    "forward", "forward_pass", "forward_propagation", "forward_prop", "fprop", "feedforward", "feed_forward", "forward_propagate",
    "propagate", "forward_step", "forwards", "fwd", "loss", "cost",
    "compute_loss", "compute_cost", "calculate_loss", "vorwaerts", "avant", "adelante", "qianxiang", "verlust", "perte",
    "perdida", "__call__", "call", "fn", "f", "activate", "apply", "function", "compute", "predict",
)  # fmt: skip
BACKWARD = (
    "backward", "backward_pass", "backward_propagation", "backward_prop", "bprop", "backprop", "backpropagate", "back_prop",
    "back_propagation", "backpropagation", "back", "gradient", "gradients", "grad", "derivative", "deriv", "prime", "d", "df",
    "dfn", "dloss", "loss_gradient", "loss_grad", "loss_derivative", "loss_prime", "input_grad", "gradient_loss", "grad_loss", 
    "derivate", "diff", "bpass", "delta", "back_propagate", "backward_propagate", "backwards", "backward_step", "bwd",
    "compute_derivative", "calculate_derivative", "get_derivative", "get_gradient", "calculate_gradient", "bptt",
    "rueckwaerts", "arriere", "atras", "fanxiang", "gradiente", "gradienten",
)  # fmt: skip
"""The usual names, the likeliest first."""
STEPS = (
    "train", "train_step", "train_on_batch", "train_batch", "fit", "partial_fit", "learn", "update", "update_weights",
    "update_parameters", "step", "optimize", "gradient_descent", "sgd", "SGD", "compute_gradients", "compute_gradient",
)  # fmt: skip
"""Names of methods that are both passes and a step, or that give the gradients of targets, the likeliest first."""
PREDICTIONS = (
    *FORWARD[:12], "predict_proba", "predict_probability", "predict_prob", "query", "think", "output", "outputs", "net_input",
    "hypothesis", "evaluate", "run", "feed", "activation", "decision_function", "score", "predict", "__call__",
)  # fmt: skip
"""Names of methods that predict, beside a step."""
SLOPES = frozenset({"derivative", "deriv", "prime", "gradient", "grad", "df", "dfn", "d", "derivate", "diff"})
"""Names of a derivative f' that takes no upstream gradient."""
SWITCHES = frozenset({"deriv", "derivative", "prime", "derive", "der", "derivate", "grad", "gradient", "backward"})
"""Flags by which one function gives its derivative: `sigmoid(x, deriv=True)`."""


@dataclass(frozen=True, slots=True)
class Passes:
    """A forward and a backward pass: functions, or the names of the owner's methods; `given` are the arguments of forward.

    `switch` is the flag by which one function gives its derivative; `known` are the arguments that nobody invented.
    """

    owner: Any
    forward: Any
    backward: Any
    given: Mapping[str, Any]
    switch: str = ""
    known: Collection[str] = ()

    @property
    def one(self) -> bool:
        """Whether one function returns its value and its gradients."""
        return bool(self.forward == self.backward) and not self.switch

    def of(self, owner: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return the two passes, of an object where they are methods."""
        forward, backward = method_of(owner, self.forward), method_of(owner, self.backward)
        if not self.switch:
            return forward, backward
        switch = self.switch

        def derivative(*args: Any, **kwargs: Any) -> Any:
            return backward(*args, **{**kwargs, switch: True})

        derivative.__qualname__ = f"{name_of(backward)}({switch}=True)"
        derivative.__signature__ = _without(backward, switch)  # type: ignore[attr-defined]
        return forward, derivative

    @property
    def titles(self) -> tuple[str, str]:
        """The names of the two passes."""
        forward, backward = self.of(self.owner)
        return name_of(forward), f"{name_of(forward)}({self.switch}=True)" if self.switch else name_of(backward)


def own_defaults(function: Any) -> dict[str, Any]:
    """Return the arguments of a function that have a value of their own, with it."""
    return {p.name: p.default for p in parameters_of(function) if p.default is not p.empty}


def with_shared_defaults(passes: Passes) -> Passes:
    """Return the passes with the values by default of forward that backward asks for: `f(x, alpha=0.1)`, `df(x, alpha)`."""
    forward, backward = passes.of(passes.owner)
    asked = {p.name for p in parameters_of(backward) if p.default is p.empty}
    added = {name: value for name, value in own_defaults(forward).items() if name in asked and isinstance(value, int | float)}
    return replace(passes, given={**added, **passes.given}) if added else passes


def passes_of(layer: Any, values: Sequence[Any], parameters: Mapping[str, Any]) -> Passes:
    """Return the passes of an object, of a pair of functions, or of a function followed by its backward pass among the values.

    Raises UserError when there are none, or when there are too many inputs.
    """
    owner, forward, backward, inputs = _two(layer, list(values))
    first = getattr(owner, forward) if isinstance(forward, str) else forward
    switch = switch_of(first) if forward == backward else ""
    wanted = [p.name for p in parameters_of(first) if p.name not in parameters and p.name != switch]
    if len(inputs) > len(wanted):
        raise UserError(f"check_layer: {name_of(first)} takes {', '.join(wanted) or 'nothing'}; got {len(inputs)} inputs")
    return Passes(owner, forward, backward, {**dict(zip(wanted, inputs, strict=False)), **parameters}, switch)


def _two(layer: Any, values: list[Any]) -> tuple[Any, Any, Any, list[Any]]:
    """Return owner, forward, backward (methods by name), and the inputs that are left."""
    if isinstance(layer, type):
        raise UserError(f"check_layer: {layer.__name__} is a class; give an object of it, {layer.__name__}(…)")
    if isinstance(layer, tuple | list):
        layer, *others = layer
        values = [*others, *values]
    if not is_function(layer):
        return layer, method(layer, FORWARD), method(layer, BACKWARD), values
    backward = values.pop(0) if values and is_function(values[0]) else layer
    if shared_owner(layer, backward):
        return layer.__self__, layer.__name__, backward.__name__, values
    return None, layer, backward, values


def shared_owner(forward: Any, backward: Any) -> bool:
    """Whether two functions are methods of one object."""
    return isinstance(forward, types.MethodType) and getattr(backward, "__self__", None) is forward.__self__


def method_of(owner: Any, function: Any) -> Callable[..., Any]:
    """Return a function as it is, or the method of this name."""
    return getattr(owner, function) if isinstance(function, str) else function  # type: ignore[no-any-return]


def is_function(item: Any) -> bool:
    """Whether something is called as it is, not an object with methods."""
    return isinstance(item, types.FunctionType | types.MethodType) or (
        callable(item) and plain_function(getattr(item, "__wrapped__", item)) is not None
    )


def called_like(names_there: Iterable[str], usual: Sequence[str]) -> list[str]:
    """Return the names that are usual ones, the likeliest first, however they are written: `backProp`, `_forward`."""
    spelled: dict[str, list[str]] = {}
    for name in names_there:
        spelled.setdefault(_plain(name), []).append(name)
    found = ([name] if name in spelled.get(_plain(name), ()) else spelled.get(_plain(name), []) for name in usual)
    return list(dict.fromkeys(name for names_found in found for name in names_found))


def _plain(name: str) -> str:
    """Return a name without capitals and underscores; one of Python's own stays as it is."""
    return name if name.startswith("__") else name.lower().replace("_", "")


def method(layer: Any, usual: Sequence[str]) -> str:
    """Return the first method of an object that has a usual name. Raises UserError when there is none."""
    found = next((name for name in called_like(dir(layer), usual) if callable(getattr(layer, name, None))), None)
    if found is None:
        raise UserError(f"check_layer: {type(layer).__name__} has no method called {', '.join(usual[:5])} …")
    return found


def switch_of(function: Callable[..., Any]) -> str:
    """Return the flag by which a function gives its derivative, or ""."""
    return next((p.name for p in parameters_of(function) if p.name.lower() in SWITCHES and p.default is not p.empty), "")


def _without(function: Callable[..., Any], name: str) -> inspect.Signature:
    return inspect.Signature([p for p in parameters_of(function) if p.name != name])


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the named parameters of a function."""
    inner = decorated(function)
    bound = inner is not None and isinstance(function, types.MethodType)
    try:
        named = [*inspect.signature(inner or function).parameters.values()][bound:]
    except (TypeError, ValueError):
        raise UserError(f"check_layer: the arguments of {name_of(function)} cannot be seen") from None
    return [p for p in named if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def required(function: Callable[..., Any]) -> list[str]:
    """Return the parameters that have no default, but for a learning rate."""
    return [p.name for p in parameters_of(function) if p.default is p.empty and p.name.lower() not in names.RATES]


def name_of(function: Any) -> str:
    """Return the qualified name of a function."""
    return str(getattr(decorated(function) or function, "__qualname__", function))


def call_with(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function with arguments by name, those that take no names by position."""
    positional = [p.name for p in parameters_of(function) if p.kind is p.POSITIONAL_ONLY]
    rest = {name: value for name, value in arguments.items() if name not in positional}
    return function(*(arguments[name] for name in positional), **rest)


def own_copy(item: Any) -> Any:
    """Return a copy of an object that a run may change; what cannot be copied is shared."""
    try:
        return copy.deepcopy(item)
    except Exception:  # an open file, a generator, a lock
        return item


def outside(function: Any, title: str) -> Callable[..., Any]:
    """Return a function as one that stands in no file, so that a trace takes it for the user's, under another name."""
    code = function.__code__.replace(co_filename=NO_FILE)
    made = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__, made.__qualname__ = function.__kwdefaults__, title
    if hasattr(function, "__signature__"):
        made.__signature__ = function.__signature__  # type: ignore[attr-defined]
    return made


# ---- functions that share arrays of their file -----------------------------------------------------------------------


class SharedArrays:
    """The arrays of a file that its functions read and set by name, as attributes of an object; the functions are its methods."""

    def __init__(self, held: Mapping[str, Any]) -> None:
        self.__dict__.update(held)


def as_object(module: types.ModuleType) -> SharedArrays | None:
    """Return the functions of a file as methods of an object that holds the arrays they share; None where they share none."""
    if SHARED in vars(module):
        return vars(module)[SHARED]  # type: ignore[no-any-return]
    own = _functions_of(module)
    read = {name for function in own.values() for name in function.__code__.co_names}
    held = _arrays_of(module, read)
    if not held:
        return None
    methods = {name: _as_method(function, frozenset(read - own.keys())) for name, function in own.items()}
    kind = type(stem_of(module), (SharedArrays,), {**methods, "__module__": module.__name__})
    made: SharedArrays = kind(held)
    return made


def keep_as_object(module: types.ModuleType, made: SharedArrays) -> None:
    """Let a file's functions be methods of an object; its own arrays are zeros from then on, so that no trace follows them."""
    if SHARED not in vars(module):
        held = {name: value for name, value in vars(made).items() if isinstance(vars(module).get(name), np.ndarray)}
        vars(module).update({name: np.zeros(value.shape) for name, value in held.items()})
        vars(module)[SHARED] = made


SHARED = "__shared_arrays__"
"""Where a file keeps the object of its arrays."""


def stem_of(module: types.ModuleType) -> str:
    """Return what the file of a module is called."""
    return Path(getattr(module, "__file__", None) or module.__name__).stem


def _functions_of(module: types.ModuleType) -> dict[str, types.FunctionType]:
    functions = ((name, member) for name, member in vars(module).items() if isinstance(member, types.FunctionType))
    return {name: function for name, function in functions if function.__module__ == module.__name__}


def _arrays_of(module: types.ModuleType, names_read: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name in names_read and _is_array(value)}


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim > 0


def _as_method(function: types.FunctionType, shared: frozenset[str]) -> Callable[..., Any]:
    """Return a function as a method: the object's arrays are put in the place of the file's, and taken back."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        known = function.__globals__  # those of the copy that a trace has made of it
        before = {name: known[name] for name in shared if name in known}
        known.update({name: value for name, value in self.__dict__.items() if name in shared})
        try:
            returned = function(*args, **kwargs)
            changed = {name: known[name] for name in shared if name in known and known[name] is not before.get(name)}
            self.__dict__.update({name: value for name, value in changed.items() if hasattr(value, "shape")})
        finally:
            for name in shared:
                known.pop(name, None)
            known.update(before)
        return returned

    made = outside(method, function.__qualname__)
    made.__wrapped__, made.__name__ = function, function.__name__  # type: ignore[attr-defined]
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    made.__signature__ = inspect.Signature([first, *inspect.signature(function).parameters.values()])  # type: ignore[attr-defined]
    return made
