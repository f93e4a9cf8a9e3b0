"""An independent judge of generated code: evaluate a network entry by entry in complex numbers, differentiate by complex step.

    ∂E/∂w = Im E(w + ih)/h,   h = 1e-30

has no cancellation, so it is right to the last digits (Squire and Trapp, SIAM Review 1998). Nothing here knows of arrays as
wholes, of derivatives, or of stable forms. Kinks are decided by the real part.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
import sympy
from scipy.special import erf

from symbackprop.network import Network

Number = complex
_STEP = 1e-30
Compiled = Callable[[dict[str, Any], dict[str, int]], Number]


def _sigmoid(x: Number) -> Number:
    return 1 / (1 + cmath.exp(-x))


FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "exp": cmath.exp,
    "log": cmath.log,
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tan": cmath.tan,
    "sinh": cmath.sinh,
    "cosh": cmath.cosh,
    "tanh": cmath.tanh,
    "erf": lambda x: complex(erf(x)),
    "sigmoid": _sigmoid,
    "softplus": lambda x: cmath.log(1 + cmath.exp(x)),
    "silu": lambda x: x * _sigmoid(x),
    "relu": lambda x: x if x.real > 0 else 0j,
    "leaky_relu": lambda x, a: x if x.real > 0 else a * x,
    "elu": lambda x, a: x if x.real > 0 else a * (cmath.exp(x) - 1),
    "step": lambda x: complex(x.real > 0),
    "sign": lambda x: complex(float(x.real > 0) - float(x.real < 0)),
    "Abs": lambda x: x if x.real > 0 else -x,
    "maximum": lambda a, b: a if a.real > b.real else b,
    "minimum": lambda a, b: a if a.real < b.real else b,
    "gelu": lambda x: x / 2 * (1 + complex(erf(x / math.sqrt(2)))),
    "gelu_tanh": lambda x: x / 2 * (1 + cmath.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "logsigmoid": lambda x: -cmath.log(1 + cmath.exp(-x)),
    "mish": lambda x: x * cmath.tanh(cmath.log(1 + cmath.exp(x))),
    "logaddexp": lambda a, b: cmath.log(cmath.exp(a) + cmath.exp(b)),
    "asinh": cmath.asinh,
    "acosh": cmath.acosh,
    "atanh": cmath.atanh,
    "log1p": lambda x: cmath.log(1 + x),
    "expm1": lambda x: cmath.exp(x) - 1,
    "exp2": lambda x: cmath.exp(x * math.log(2)),
    "log2": lambda x: cmath.log(x) / math.log(2),
    "log10": lambda x: cmath.log(x) / math.log(10),
    "asin": cmath.asin,
    "acos": cmath.acos,
    "atan": cmath.atan,
    "erfc": lambda x: 1 - complex(erf(x)),
    "hard_tanh": lambda x: x if abs(x.real) < 1 else complex(math.copysign(1, x.real)),
    "hard_sigmoid": lambda x: x / 6 + 0.5 if abs(x.real) < 3 else complex(x.real > 0),
    "softsign": lambda x: x / (1 + (x if x.real > 0 else -x)),
    "relu6": lambda x: x if 0 < x.real < 6 else complex(6 * (x.real > 0)),
    "hypot": lambda a, b: (a * a + b * b) ** 0.5,
}
COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
}


def compiled(expression: Any) -> Compiled:
    """Return a function of (values by name, places of the free indices) for an expression."""
    if isinstance(expression, sympy.Indexed):
        name, parts = str(expression.base.label), [compiled(index) for index in expression.indices]
        return lambda values, at: values[name][tuple(round(part(values, at).real) for part in parts)]
    if isinstance(expression, sympy.Idx):
        label = str(expression.label)
        return lambda values, at: complex(at[label])
    if isinstance(expression, sympy.Symbol):
        text = expression.name
        return lambda values, at: complex(values[text])
    if isinstance(expression, sympy.Sum):
        return _sum(expression.function, list(expression.limits))
    if isinstance(expression, sympy.Piecewise):
        return _piecewise(expression)
    if isinstance(expression, sympy.KroneckerDelta):
        first, second = (compiled(arg) for arg in expression.args)
        return lambda values, at: complex(first(values, at) == second(values, at))
    if not expression.args:
        number = complex(expression)
        return lambda values, at: number
    parts = [compiled(arg) for arg in expression.args]
    if expression.is_Add:
        return lambda values, at: sum(part(values, at) for part in parts)
    if expression.is_Mul:
        return lambda values, at: math.prod(part(values, at) for part in parts)
    if expression.is_Pow:
        return lambda values, at: parts[0](values, at) ** parts[1](values, at)
    function = FUNCTIONS[type(expression).__name__]
    return lambda values, at: function(*(part(values, at) for part in parts))


def _sum(body: Any, limits: list[Any]) -> Compiled:
    if not limits:
        return compiled(body)
    index, low, high = limits[0]
    inner, first, last, label = compiled(body), compiled(low), compiled(high), str(index.label)

    def total(values: dict[str, Any], at: dict[str, int]) -> Number:
        ends = round(first(values, at).real), round(last(values, at).real)
        return sum((inner(values, {**at, label: k}) for k in range(ends[0], ends[1] + 1)), 0j)

    return total if len(limits) == 1 else _outer(total, limits[1:])


def _outer(inner: Compiled, limits: list[Any]) -> Compiled:
    index, low, high = limits[0]
    first, last, label = compiled(low), compiled(high), str(index.label)

    def total(values: dict[str, Any], at: dict[str, int]) -> Number:
        ends = round(first(values, at).real), round(last(values, at).real)
        return sum((inner(values, {**at, label: k}) for k in range(ends[0], ends[1] + 1)), 0j)

    return total if len(limits) == 1 else _outer(total, limits[1:])


def _piecewise(expression: Any) -> Compiled:
    branches = [(compiled(value), _condition(condition)) for value, condition in expression.args]

    def chosen(values: dict[str, Any], at: dict[str, int]) -> Number:
        return next(value(values, at) for value, holds in branches if holds(values, at))

    return chosen


def _condition(condition: Any) -> Callable[[dict[str, Any], dict[str, int]], bool]:
    if condition in (sympy.true, sympy.false):
        return lambda values, at: bool(condition)
    if isinstance(condition, sympy.And | sympy.Or):
        parts = [_condition(part) for part in condition.args]
        join = all if isinstance(condition, sympy.And) else any
        return lambda values, at: join(part(values, at) for part in parts)
    left, right = (compiled(side) for side in condition.args)
    compare = COMPARE[condition.rel_op]
    return lambda values, at: compare(left(values, at).real, right(values, at).real)


class Judge:
    """Evaluates one network entry by entry."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.definitions = {node.name: compiled(node.expression) for node in network.nodes.values() if node.defined}

    def forward(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the complex values of all nodes."""
        sizes = self.network.sizes(given)
        values: dict[str, Any] = {**sizes, **{name: np.asarray(value, dtype=complex) for name, value in given.items()}}
        for name, definition in self.definitions.items():
            node = self.network.nodes[name]
            shape = tuple(round(compiled(extent)(values, {}).real) for extent in node.shape)
            table = np.empty(shape, dtype=complex)
            for place in product(*(range(size) for size in shape)):
                table[place] = definition(values, {str(i.label): k for i, k in zip(node.indices, place, strict=True)})
            values[name] = table
        return {name: values[name] for name in self.network.nodes if name in values}

    def loss(self, loss: str, given: Mapping[str, Any]) -> Number:
        """Return the value of a scalar node."""
        return complex(self.forward(given)[loss])

    def gradient(self, loss: str, given: Mapping[str, Any], name: str, most: int = 10_000) -> Any:
        """Return ∂loss/∂name by complex step; with `most`, of that many entries spread over the array, the others NaN."""
        base = np.asarray(given[name], dtype=complex)
        result = np.full(base.shape, np.nan)
        places = list(product(*(range(size) for size in base.shape)))
        for place in places[:: max(1, -(-len(places) // most))]:
            moved = base.copy()
            moved[place] += 1j * _STEP
            result[place] = self.loss(loss, {**given, name: moved}).imag / _STEP
        return result


def assert_gradient(found: Any, expected: Any, name: str, rtol: float = 1e-12, atol: float = 2e-13) -> None:
    """Compare a gradient with the judge's, where the judge gave one; the absolute tolerance is relative to the largest entry."""
    assert np.shape(found) == np.shape(expected), name
    known = ~np.isnan(expected)
    assert known.any()
    scale = max(1.0, float(np.abs(expected[known]).max()))
    np.testing.assert_allclose(np.asarray(found)[known], expected[known], rtol=rtol, atol=atol * scale, err_msg=name)
