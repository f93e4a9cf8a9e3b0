"""The functions of `math` and `scipy.special` on traced numbers and arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symbackprop.functions import BY_NAME
from symbackprop.trace.arrays.numpy_own import array_of
from symbackprop.trace.arrays.scalar import Traced, lift
from symbackprop.trace.arrays.traced_array import ELEMENTWISE, TracedArray, finish, function_rule, lifted, plain
from symbackprop.trace.graph.graph import Graph

Rule = Callable[..., Any]


def _numbers(function: Rule) -> Rule:
    """Make a rule of `math`, which takes numbers only, from a function of traced numbers."""
    return lambda graph, *arguments: function(*(_number(graph, argument) for argument in arguments))


def _number(graph: Graph, value: Any) -> Any:
    if isinstance(value, TracedArray) and value.size == 1:
        return value.item()
    result = lift(graph, value if not isinstance(value, np.ndarray) or value.size != 1 else value.item())
    if not isinstance(result, Traced):
        raise TypeError(f"must be real number, not {type(value).__name__}")
    return result


def _math_log(graph: Graph, x: Any, base: Any = None) -> Any:
    result = _number(graph, x).log()
    return result if base is None else result / _number(graph, base).log()


def _product(graph: Graph, values: Any, *, start: Any = 1) -> Any:
    result = start
    for value in values:
        result = result * value
    return result


def _math_isclose(graph: Graph, a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    left, right = _number(graph, a), _number(graph, b)
    return abs(left - right) <= max(lift(graph, rel_tol) * max(abs(left), abs(right)), lift(graph, abs_tol))


MATH: dict[str, Rule] = {
    **{name: _numbers(function_rule(row)) for row in BY_NAME.values() for name in row.called.math},
    **{name: _numbers(ELEMENTWISE[name][0]) for name in ("degrees", "radians", "isnan", "isinf", "isfinite")},
    "log": _math_log,
    "pow": lambda graph, x, y: _number(graph, x) ** _number(graph, y),
    "hypot": lambda graph, *values: sum((_number(graph, x) * x for x in values), lift(graph, 0)).sqrt(),
    "dist": lambda graph, p, q: sum(((_number(graph, x) - y) ** 2 for x, y in zip(p, q, strict=True)), lift(graph, 0)).sqrt(),
    "copysign": _numbers(ELEMENTWISE["copysign"][0]),
    "fmod": _numbers(ELEMENTWISE["fmod"][0]),
    "fsum": lambda graph, values: sum(values, lift(graph, 0)),
    "prod": _product,
    "sumprod": lambda graph, p, q: sum((x * y for x, y in zip(p, q, strict=True)), lift(graph, 0)),
    "fma": lambda graph, x, y, z: x * y + z,
    "isclose": _math_isclose,
    "floor": lambda graph, x: int(_number(graph, x).floor().value),
    "ceil": lambda graph, x: int(_number(graph, x).ceil().value),
    "trunc": lambda graph, x: int(_number(graph, x).trunc().value),
}


def _array_wise(rule: Rule, count: int = 1) -> Rule:
    """Make a rule for arrays from one for traced scalars."""

    def function(graph: Graph, *args: Any) -> Any:
        values = [lifted(graph, value) for value in args]
        if all(isinstance(value, Traced) for value in values):
            return rule(*values)
        loop = np.frompyfunc(lambda *items: rule(*(lift(graph, item) for item in items)), len(values), 1)
        return finish(graph, loop(*(plain(value) for value in values)))

    return function


def logsumexp(graph: Graph, a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log Σ b exp(a), with the maximum taken out as scipy does (the maximum cancels, whatever it is)."""
    if return_sign:
        raise graph.refuse("`scipy.special.logsumexp` with return_sign")
    array = array_of(graph, a)
    top = np.max(array, axis=axis, keepdims=True)
    terms = np.exp(array - top) if b is None else lifted(graph, b) * np.exp(array - top)
    result = np.log(terms.sum(axis=axis, keepdims=True)) + top
    if keepdims:
        return result
    return result.reshape(-1)[0] if axis is None else np.squeeze(result, axis=axis)


def softmax(graph: Graph, x: Any, axis: Any = None) -> Any:
    """exp(x) / Σ exp(x)."""
    array = array_of(graph, x)
    terms = np.exp(array - np.max(array, axis=axis, keepdims=True))
    return terms / terms.sum(axis=axis, keepdims=True)


def log_softmax(graph: Graph, x: Any, axis: Any = None) -> Any:
    """x - log Σ exp(x)."""
    return array_of(graph, x) - logsumexp(graph, x, axis=axis, keepdims=True)


def _xlogy(x: Any, y: Any) -> Any:
    return x if x == 0 else x * y.log()


def _huber(delta: Any, r: Any) -> Any:
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


SPECIAL: dict[str, Rule] = {
    **{name: _array_wise(function_rule(row)) for row in BY_NAME.values() for name in row.called.scipy},
    "logit": _array_wise(lambda x: (x / (1 - x)).log()),
    "xlogy": _array_wise(_xlogy),
    "xlog1py": _array_wise(lambda x, y: x if x == 0 else x * y.log1p()),
    "entr": _array_wise(lambda x: -_xlogy(x, x)),
    "rel_entr": _array_wise(lambda x, y: x if x == 0 else x * (x / y).log()),
    "kl_div": _array_wise(lambda x, y: (x if x == 0 else x * (x / y).log()) - x + y),
    "ndtr": _array_wise(lambda x: (1 + (x / lift(x.graph, 2).sqrt()).erf()) / 2),
    "huber": _array_wise(_huber),
    "pseudo_huber": _array_wise(lambda d, r: d * d * ((1 + (r / d) ** 2).sqrt() - 1)),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
}
