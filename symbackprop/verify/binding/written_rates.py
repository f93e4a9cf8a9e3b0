"""Learning rates that are written into code: `W -= 0.1 * dW`, `return W - STEP * dW`.

The text says which number is the rate, a trace confirms that the new weight is the old one and something added: a step is no
matter of names. A number of 1 or more that is written down is taken for a factor of the gradient; of `W -= dW` the rate is 1.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from symbackprop.guest.visit import CodeStops, NotTried
from symbackprop.trace.graph.graph import CannotTrace, Graph
from symbackprop.trace.run.nested import is_user_file
from symbackprop.trace.run.recorder import TracedValues
from symbackprop.trace.run.trace import CodeFails, trace
from symbackprop.verify.binding.binding import HandCall, make_arguments, numeric, varied
from symbackprop.verify.binding.source_tree import definition, plain_function


@dataclass(frozen=True, slots=True)
class WrittenRate:
    """A rate that is written down, and the path of what is updated with it (`W`, `self.W`, `params.W`)."""

    value: float
    path: str
    anywhere: bool = True
    """Whether it may be that of a weight of another name: in a helper, in place, or where the text does not say which."""


def written_rates(call: HandCall) -> tuple[WrittenRate, ...]:
    """Return the rates of what may be updates in the text of the code, and of the user's functions and methods that it names.

    None of code that is given its rate, or takes it from a global or an attribute of a usual name.
    """
    functions = (call.function, *_named_by(call.function)) if call.rate is None else ()
    return tuple(
        replace(rate, anywhere=rate.anywhere or inner is not call.function) for inner in functions for rate in _in_text(inner)
    )


def rate_of(path: str, rates: Collection[WrittenRate]) -> float:
    """Return the rate with which a weight is updated: its own, or the only one that is written anywhere; 0 if it is no step.

    A weight of a dictionary is often taken out and updated under its own name: `model["U"] = U - rate * dU`.
    """
    own = (path, path.rpartition(".")[2])
    for fitting in ([rate for rate in rates if rate.path in own], [rate for rate in rates if rate.anywhere and rate.value != 1]):
        values = {rate.value for rate in fitting}
        if len(values) == 1:
            return values.pop()
    return 0.0


def _named_by(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    plain, owner = plain_function(function), getattr(function, "__self__", None)
    for name in plain.__code__.co_names if plain is not None else ():
        other: Any = getattr(owner, name, plain.__globals__.get(name))  # type: ignore[union-attr]
        inner = plain_function(other)
        if inner is not None and is_user_file(inner.__code__.co_filename):
            yield other


def _in_text(function: Callable[..., Any]) -> Iterator[WrittenRate]:
    text = definition(function)
    if text is None:
        return
    updates = _updates_in(text)
    known = _numbers_by_name(function, text) if updates else {}
    for target, taken, in_place in updates:
        rate = _rate(taken, known)
        if rate != 1 or in_place:
            path = _path(target)
            yield WrittenRate(rate, path, in_place or not path)


# ---- in the text ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _updates_in(text: ast.FunctionDef) -> tuple[tuple[ast.expr, ast.expr, bool], ...]:
    """Return (what is updated, what is subtracted or added, whether it is in place) for all of a text."""
    return tuple((*update, isinstance(node, ast.AugAssign)) for node in ast.walk(text) for update in _updates(node))


def _updates(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield (what is updated, what is subtracted or added) for `W -= …`, and each difference or sum that begins with a name."""
    match node:
        case ast.AugAssign(target=target, op=ast.Sub() | ast.Add(), value=taken):
            yield target, taken
        case ast.BinOp(left=ast.Name() | ast.Attribute() | ast.Subscript() as target, op=ast.Sub() | ast.Add(), right=taken):
            yield target, taken


def _path(target: ast.expr) -> str:
    """Return `W`, `self.W`, `params.W1`, `weights.0`; "" where the text does not say which one is meant."""
    parts: list[str] = []
    while not isinstance(target, ast.Name):
        match target:
            case ast.Attribute(attr=part):
                parts.append(part)
            case ast.Subscript(slice=ast.Constant(value=part)):
                parts.append(str(part))
            case _:
                return ""
        target = target.value
    return ".".join([target.id, *reversed(parts)])


def _numbers_by_name(function: Callable[..., Any], text: ast.FunctionDef) -> dict[str, float]:
    """Return the floating-point numbers that names stand for: globals, attributes, defaults, locals set to one number."""
    plain, owner = plain_function(function), getattr(function, "__self__", None)
    reached = {**plain.__globals__, **_defaults(plain)} if plain is not None else {}
    reached |= {f"self.{name}": value for name, value in getattr(owner, "__dict__", {}).items()}
    reached |= _set_to_a_number(text)
    return {name: float(value) for name, value in reached.items() if isinstance(value, float | np.floating)}


def _set_to_a_number(text: ast.FunctionDef) -> dict[str, Any]:
    """Return the local variables that are set to a number."""
    found: dict[str, Any] = {}
    for node in ast.walk(text):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                found[name] = value
    return found


def _defaults(function: types.FunctionType) -> dict[str, Any]:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    given = function.__defaults__ or ()
    return {**dict(zip(names[len(names) - len(given) :], given, strict=True)), **(function.__kwdefaults__ or {})}


def _rate(taken: ast.expr, known: Mapping[str, float]) -> float:
    """Return the number below 1 among the factors at either end of a product, or the value of a name there; else 1."""
    factors = list(_factors(taken))
    for factor in factors if len(factors) > 1 else ():  # `var + 0.01` is no step
        if _is_small(factor):
            return float(factor.value)  # type: ignore[attr-defined]
        named = known.get(_path(factor)) if isinstance(factor, ast.Name | ast.Attribute) else None
        if named is not None and named > 0:
            return named
    return 1.0


def _is_small(factor: ast.expr) -> bool:
    return isinstance(factor, ast.Constant) and isinstance(factor.value, float) and 0 < factor.value < 1


def _factors(product: ast.expr) -> Iterator[ast.expr]:
    """Yield the factors of a product, those of a dividend too."""
    waiting = [product]
    while waiting:
        match waiting.pop():
            case ast.BinOp(left=left, op=ast.Mult() | ast.MatMult(), right=right):
                waiting += [right, left]
            case ast.BinOp(left=left, op=ast.Div()):
                waiting.append(left)
            case factor:
                yield factor


# ---- in a trace ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NewWeights:
    """What one traced run says of its results: whether what is under a path is an old weight and something added."""

    graph: Graph
    old: Mapping[str, TracedValues]
    returned: Mapping[str, TracedValues]
    finals: Mapping[str, TracedValues]

    def is_step(self, path: str, start: str, *, returned: bool) -> bool:
        """Whether the numbers under a path are those under `start` before, each with something added."""
        before, after = self.old.get(start), (self.returned if returned else self.finals).get(path)
        if before is None or after is None or before.shape != after.shape:
            return False
        return all(new != old and self._adds(new, old) for new, old in zip(after.nodes, before.nodes, strict=True))

    def _adds(self, node: int, wanted: int) -> bool:
        waiting = [(node, 1)]
        while waiting:
            node, sign = waiting.pop()
            if (node, sign) == (wanted, 1):
                return True
            operation = self.graph.operations[node]
            if operation in ("add", "neg"):
                sign = -sign if operation == "neg" else sign
                waiting += [(argument, sign) for argument in self.graph.arguments[node]]
        return False


def new_weights(call: HandCall, values: Mapping[str, Any]) -> NewWeights | None:
    """Trace the code once; None where it cannot be traced."""
    graph = Graph()
    function, arguments = make_arguments(call, values)
    moving = varied(call, {name for name, value in values.items() if not numeric(value)}, values)
    try:
        done = trace(function, arguments, graph=graph, rename=call.inputs(values), varied=moving, check=False, habits=call.habits)
    except (CannotTrace, CodeFails, CodeStops, NotTried):
        return None
    return NewWeights(graph, done.arguments, done.results, done.finals)
