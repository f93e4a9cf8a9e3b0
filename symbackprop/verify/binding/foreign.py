"""Functions of other libraries that carry a gradient of their own: a PyTorch `autograd.Function`, a JAX `custom_vjp`.

Such a function is taken as the loss, and what its backward gives as the handwritten gradient: one number out, called with float64
values. What `jax.grad` or `jax.jit` makes is a gradient as it stands. Nothing is imported here: a library that made a function is
loaded already.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.errors import UserError
from symbackprop.files import short_name

Gradients = Callable[[Mapping[str, Any]], Any]
"""Values by argument name → gradients by argument name, or however the function returns them."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A gradient inside a function of another library, to be called by argument names like handwritten code."""

    name: str
    parameters: tuple[inspect.Parameter, ...]
    gradients: Gradients

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.Signature(self.parameters)

    @property
    def __name__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return self.name

    def __call__(self, **values: Any) -> Any:
        """Return the gradients."""
        return self.gradients(values)


def adapted(hand: Any) -> Any:
    """Return handwritten code as it is, and a function of another library as its gradient.

    Raises UserError for a function whose arguments have no names.
    """
    owner = getattr(hand, "__self__", None)
    target = owner if isinstance(owner, type) and getattr(hand, "__name__", "") == "apply" else hand
    for candidate in (target, getattr(target, "__wrapped__", None)):
        kinds = candidate.__mro__ if isinstance(candidate, type) else type(candidate).__mro__
        for kind in kinds:
            make = _KINDS.get((_library(kind), kind.__name__))
            if make is not None:
                return make(target, kind)
    code = getattr(hand, "__globals__", {}).get("__name__", "") if isinstance(hand, types.FunctionType) else type(hand).__module__
    return _transformed(hand) if code.partition(".")[0] in ("jax", "jaxlib") and callable(hand) else hand


def plain(leaf: Any) -> Any:
    """Return an array of another library as numpy's; anything else as it is."""
    library = _library(type(leaf))
    if library == "torch" and hasattr(leaf, "detach"):
        return leaf.detach().cpu().numpy()
    if library in ("jax", "jaxlib") and hasattr(leaf, "__array__"):
        return np.asarray(leaf)
    return leaf


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _torch(function: Any, base: Any) -> Foreign:
    torch = sys.modules["torch"]
    parameters = list(inspect.signature(function.forward).parameters.values())
    if function.setup_context is base.setup_context:
        parameters = parameters[1:]  # ctx
    name = _place(function.forward, function.__name__)
    _named(name, "forward", parameters)

    def gradients(values: Mapping[str, Any]) -> dict[str, Any]:
        moving = {key: torch.tensor(values[key], dtype=torch.float64, requires_grad=True) for key in _real(values)}
        others = {key: torch.tensor(value) for key, value in values.items() if isinstance(value, np.ndarray)}
        loss = function.apply(*_in_order(parameters, {**values, **others, **moving}))
        _one_number(name, "forward", loss)
        found = torch.autograd.grad(loss.sum(), list(moving.values()), allow_unused=True)
        return {key: plain(gradient) for key, gradient in zip(moving, found, strict=True) if gradient is not None}

    return Foreign(name, tuple(parameters), gradients)


def _jax(function: Any, _: type) -> Foreign:
    jax = sys.modules["jax"]
    parameters = list(inspect.signature(function).parameters.values())
    code = inspect.unwrap(function)
    name = _place(code, str(getattr(code, "__name__", "custom_vjp")))
    _named(name, name, parameters)
    without = {parameters[k].name for k in getattr(getattr(function, "__wrapped__", None), "nondiff_argnums", ())}
    without |= {parameters[k].name for k in getattr(function, "nondiff_argnums", ())}

    def gradients(values: Mapping[str, Any]) -> dict[str, Any]:
        moving = {key: values[key] for key in _real(values) if key not in without}

        def at(*arrays: Any) -> Any:
            return function(*_in_order(parameters, {**values, **dict(zip(moving, arrays, strict=True))}))

        loss, pull = jax.vjp(at, *moving.values())
        _one_number(name, name, loss)
        return {key: plain(gradient) for key, gradient in zip(moving, pull(jax.numpy.ones_like(loss)), strict=True)}

    return Foreign(name, tuple(parameters), gradients)


def _transformed(function: Any) -> Foreign:
    """Take what `jax.grad` or `jax.jit` returned as handwritten code: its arguments are given by position."""
    parameters = list(inspect.signature(function).parameters.values())
    code = inspect.unwrap(function)
    name = _place(code, str(getattr(code, "__name__", "function")))
    return Foreign(name, tuple(parameters), lambda values: function(*_in_order(parameters, values)))


_KINDS: dict[tuple[str, str], Callable[[Any, Any], Foreign]] = {("torch", "Function"): _torch, ("jax", "custom_vjp"): _jax}
"""(library, class) → how its gradient is called."""


def _place(code: Any, name: str) -> str:
    """Return `file.py:name`."""
    filename = getattr(getattr(code, "__code__", None), "co_filename", "")
    return f"{short_name(filename)}:{name}" if filename else name


def _named(name: str, method: str, parameters: Sequence[inspect.Parameter]) -> None:
    open_ended = [p for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if open_ended:
        raise UserError(
            f"{name}: the arguments in {method}(… {open_ended[0]}) have no names; write them out, as in {method}(… x, w)"
        )


def _real(values: Mapping[str, Any]) -> list[str]:
    """Return the names of real numbers: class labels have no gradient."""
    return [key for key, value in values.items() if np.asarray(value).dtype.kind == "f"]


def _in_order(parameters: Sequence[inspect.Parameter], values: Mapping[str, Any]) -> list[Any]:
    """Return the arguments by position; an option that has no value keeps its default."""
    return [values.get(p.name, p.default) for p in parameters]


def _one_number(name: str, method: str, loss: Any) -> None:
    shape = tuple(getattr(loss, "shape", (len(loss),) if isinstance(loss, tuple) else ()))
    if isinstance(loss, tuple) or int(np.prod(shape)) != 1:
        raise UserError(
            f"{name}: expected a loss, one number, got shape {shape} from {method}; for a layer, write a function that returns "
            "the gradient of a loss of its result (for instance of the sum of its squares) and check that"
        )
