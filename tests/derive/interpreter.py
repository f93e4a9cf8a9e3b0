"""An independent judge for the tests of `derive`: networks evaluated entry by entry with 200-bit numbers, and differentiated by
central differences.

Expressions are compiled to closures that loop over the indices; arrays are dictionaries from places to numbers. No derivative
rule is written here, and nothing of the package computes anything: it is only asked for names, indices and expressions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from random import Random
from typing import Any

import flint
import sympy
from flint import arb
from sympy import Expr, Idx
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbackprop.derive import DerivationRecord
from symbackprop.functions import LogDet, MatrixInverse, function_name
from symbackprop.network import Network, Node

Table = dict[tuple[int, ...], Any]
Values = dict[str, Table]
Sizes = Mapping[str, int]
Compiled = Callable[[Mapping[str, Table], Mapping[str, int]], Any]

BITS = 200
STEP = arb(2) ** -60  # error of a central difference: about STEP² = 1e-36


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


def _pick(condition: Any, first: Any, second: Any) -> Any:
    return first if condition else second


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sigmoid": _sigmoid,
    "step": lambda x: arb(int(x > 0)),
    "sign": lambda x: arb(_pick(x > 0, 1, _pick(x < 0, -1, 0))),
    "relu": lambda x: _pick(x > 0, x, arb(0)),
    "leaky_relu": lambda x, alpha: _pick(x > 0, x, alpha * x),
    "elu": lambda x, alpha: _pick(x > 0, x, alpha * (x.exp() - 1)),
    "softplus": lambda x: (1 + x.exp()).log(),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x / 2 * (1 + (x / arb(2).sqrt()).erf()),
    "gelu_tanh": lambda x: x / 2 * (1 + ((2 / arb.pi()).sqrt() * (x + arb("0.044715") * x**3)).tanh()),
    "maximum": lambda a, b: _pick(a > b, a, b),
    "minimum": lambda a, b: _pick(a < b, a, b),
    "Abs": abs,
    "tanh": lambda x: x.tanh(),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "sqrt": lambda x: x.sqrt(),
    "cbrt": lambda x: x.root(3) if x > 0 else arb(0) if x == 0 else -((-x).root(3)),
    "hypot": lambda x, y: (x * x + y * y).sqrt(),
    "log1p": lambda x: (1 + x).log(),
    "expm1": lambda x: x.exp() - 1,
    "exp2": lambda x: arb(2) ** x,
    "log2": lambda x: x.log() / arb(2).log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "arcsin": lambda x: x.asin(),
    "arccos": lambda x: x.acos(),
    "arctan": lambda x: x.atan(),
    "arctan2": lambda y, x: arb.atan2(y, x),
    "arcsinh": lambda x: (x + (x * x + 1).sqrt()).log(),
    "arccosh": lambda x: (x + (x * x - 1).sqrt()).log(),
    "arctanh": lambda x: ((1 + x) / (1 - x)).log() / 2,
    "logsigmoid": lambda x: _sigmoid(x).log(),
    "mish": lambda x: x * (1 + x.exp()).log().tanh(),
    "logaddexp": lambda a, b: (a.exp() + b.exp()).log(),
    "hard_tanh": lambda x: _pick(x > 1, arb(1), _pick(x < -1, arb(-1), x)),
    "hard_sigmoid": lambda x: _pick(x > 3, arb(1), _pick(x < -3, arb(0), (x + 3) / 6)),
    "softsign": lambda x: x / (1 + abs(x)),
    "relu6": lambda x: _pick(x > 6, arb(6), _pick(x > 0, x, arb(0))),
    "selu": lambda x: _pick(x > 0, arb("1.0507009873554805") * x, arb("1.7580993408473766") * (x.exp() - 1)),
    "celu": lambda x, alpha: _pick(x > 0, x, alpha * ((x / alpha).exp() - 1)),
}


def compiled(expression: Any) -> Compiled:
    """Return a function (values, places of the free indices and sizes) -> number."""
    if isinstance(expression, ExprWithLimits):
        return _bound(expression)
    if isinstance(expression, sympy.Indexed):
        name, where = str(expression.base.label), [compiled(address) for address in expression.indices]
        return lambda values, at: values[name][tuple(_place(w(values, at)) for w in where)]
    if isinstance(expression, MatrixInverse | LogDet):
        return _of_a_matrix(expression)
    if isinstance(expression, Idx | sympy.Symbol):
        label = str(expression.label if isinstance(expression, Idx) else expression.name)
        return lambda values, at: at[label] if label in at else values[label][()]
    if isinstance(expression, sympy.Piecewise):
        branches = [(compiled(value), _condition(condition)) for value, condition in expression.args]
        return lambda values, at: next(value(values, at) for value, holds in branches if holds(values, at))
    if isinstance(expression, sympy.KroneckerDelta):
        first, second = map(compiled, expression.args)
        return lambda values, at: int(first(values, at) == second(values, at))
    if expression.is_Rational:
        return _constant(int(expression) if expression.is_Integer else arb(int(expression.p)) / int(expression.q))
    if expression is sympy.pi:
        return _constant(arb.pi())
    parts = [compiled(part) for part in expression.args]
    if expression.is_Add:
        return lambda values, at: sum((part(values, at) for part in parts), 0)
    if expression.is_Mul:
        return lambda values, at: math.prod(part(values, at) for part in parts)
    if expression.is_Pow:
        return _power(*expression.args)
    function = FUNCTIONS[function_name(type(expression))]
    return lambda values, at: function(*(arb(part(values, at)) for part in parts))


def _of_a_matrix(expression: Any) -> Compiled:
    """Return the entry of an inverse, or the logarithm of a determinant, by the matrices of flint."""
    places = [compiled(place) for place in expression.places]
    batch = places[:-2] if isinstance(expression, MatrixInverse) else places

    def run(values: Mapping[str, Table], at: Mapping[str, int]) -> Any:
        table, sample = values[expression.array], tuple(int(place(values, at)) for place in batch)
        count = 1 + max(where[-1] for where in table)
        rows = flint.arb_mat([[table[(*sample, i, j)] for j in range(count)] for i in range(count)])
        if isinstance(expression, LogDet):
            return abs(rows.det()).log()
        row, column = (int(place(values, at)) for place in places[-2:])
        return rows.inv()[row, column]

    return run


def _place(number: Any) -> int:
    """Return an address as a whole number; a label is one that is exact."""
    whole = number if isinstance(number, int) else int(arb(number).unique_fmpz())
    return int(whole)


def _constant(value: Any) -> Compiled:
    return lambda values, at: value


def _power(base: Expr, exponent: Expr) -> Compiled:
    inner, power = compiled(base), compiled(exponent)
    if exponent.is_Integer:
        count = abs(int(exponent))
        if exponent < 0:
            return lambda values, at: 1 / arb(math.prod([inner(values, at)] * count))
        return lambda values, at: math.prod([inner(values, at)] * count)
    if exponent == sympy.Rational(1, 2):
        return lambda values, at: arb(inner(values, at)).sqrt()
    return lambda values, at: arb(inner(values, at)) ** arb(power(values, at))


TOGETHER: Mapping[str, Callable[[list[Any]], Any]] = {"Sum": sum, "IndexProduct": math.prod, "IndexMax": max, "IndexMin": min}


def _bound(total: ExprWithLimits) -> Compiled:
    body = compiled(total.function)
    for index, low, high in total.limits:
        body = _loop(body, str(index.label), compiled(low), compiled(high), TOGETHER[type(total).__name__])
    return body


def _loop(body: Compiled, label: str, low: Compiled, high: Compiled, together: Callable[[list[Any]], Any]) -> Compiled:
    def run(values: Mapping[str, Table], at: Mapping[str, int]) -> Any:
        places = range(int(low(values, at)), int(high(values, at)) + 1)
        return together([body(values, {**at, label: place}) for place in places])

    return run


def _condition(condition: Any) -> Compiled:
    if condition in (sympy.true, sympy.false):
        return _constant(bool(condition))
    if isinstance(condition, sympy.And | sympy.Or):
        parts, combine = [_condition(part) for part in condition.args], all if isinstance(condition, sympy.And) else any
        return lambda values, at: combine(part(values, at) for part in parts)
    if isinstance(condition, sympy.Not):
        inner = _condition(condition.args[0])
        return lambda values, at: not inner(values, at)
    left, right = map(compiled, condition.args)
    compare = COMPARISONS[type(condition).__name__]
    return lambda values, at: compare(left(values, at), right(values, at))


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda a, b: a >= b,
    "StrictGreaterThan": lambda a, b: a > b,
    "LessThan": lambda a, b: a <= b,
    "StrictLessThan": lambda a, b: a < b,
    "Equality": lambda a, b: arb(a).overlaps(arb(b)),  # balls: of one value, each with the error of its own computation
    "Unequality": lambda a, b: not arb(a).overlaps(arb(b)),
}


class Machine:
    """A network at given sizes: evaluates it forward, its adjoints backward, and differentiates numerically."""

    def __init__(self, network: Network, sizes: Sizes) -> None:
        self.network = network
        self.sizes = dict(sizes)
        self._labels = dict(self._addressed())
        self._code = {name: compiled(node.expression) for name, node in network.nodes.items() if node.defined}

    def places(self, indices: Iterable[Idx]) -> list[tuple[int, ...]]:
        """Return all places of an array over the indices."""
        lengths = [int(compiled(index.upper)({}, self.sizes)) + 1 for index in indices]
        return list(product(*(range(length) for length in lengths)))

    def _addressed(self) -> Iterator[tuple[str, int]]:
        """Yield the names that stand as addresses, with the length of the axis."""
        entries = (
            entry for node in self.network.nodes.values() if node.defined for entry in node.expression.atoms(sympy.Indexed)
        )
        for entry in entries:
            axes = self.network.nodes[str(entry.base.label)].indices
            for place, axis in zip(entry.indices, axes, strict=True):
                name = str(getattr(place, "base", place))
                if name in self.network.nodes:
                    yield name, len(self.places((axis,)))

    def tabulated(self, code: Compiled, indices: tuple[Idx, ...], values: Mapping[str, Table]) -> Table:
        """Return the value of compiled code at every place."""
        labels = [str(index.label) for index in indices]
        return {
            place: arb(code(values, {**self.sizes, **dict(zip(labels, place, strict=True))})) for place in self.places(indices)
        }

    def table(self, expression: Expr, indices: tuple[Idx, ...], values: Mapping[str, Table]) -> Table:
        """Return the value of an expression at every place."""
        return self.tabulated(compiled(expression), indices, values)

    def random(self, seed: int) -> Values:
        """Return random values of the declared names, between 1/4 and 1 in size, of both signs."""
        rng = Random(seed)
        return {
            name: {place: self._drawn(name, rng) for place in self.places(node.indices)}
            for name, node in self.network.nodes.items()
            if not node.defined
        }

    def _drawn(self, name: str, rng: Random) -> Any:
        """Return a random number; of a label, that is of what stands as an address, a random place on that axis."""
        length = self._labels.get(name)
        return arb(rng.choice((-1, 1)) * rng.randint(250, 1000)) / 1000 if length is None else arb(rng.randrange(length))

    def forward(self, given: Mapping[str, Table], fixed: Mapping[str, Table] | None = None) -> Values:
        """Return the values of all nodes; `fixed` overrules definitions."""
        values: Values = dict(given)
        for name, code in self._code.items():
            held = (fixed or {}).get(name)
            values[name] = self.tabulated(code, self.network.nodes[name].indices, values) if held is None else held
        return values

    def backward(self, derivation: DerivationRecord, values: Mapping[str, Table]) -> Values:
        """Return the adjoints by node name, evaluated in their own order."""
        known, found = dict(values), {}
        for name, adjoint in derivation.adjoints.items():
            found[name] = self.table(adjoint.expression, adjoint.indices, known)
            known[str(getattr(adjoint.symbol, "label", adjoint.symbol))] = found[name]
        return found

    def slope(self, loss: str, node: Node, values: Mapping[str, Table], direction: Table) -> Any:
        """Return the derivative of the loss along a direction of one node, by a central difference."""

        def at(step: Any) -> Any:
            moved = {place: value + step * direction[place] for place, value in values[node.name].items()}
            declared = {name: table for name, table in values.items() if not self.network.nodes[name].defined}
            return self.forward({**declared, node.name: moved}, {node.name: moved})[loss][()]

        return (at(STEP) - at(-STEP)) / (2 * STEP)


def relative(found: Any, expected: Any, scale: Any = 1) -> float:
    """Return at most what |found - expected| can be, rounding counted, over the larger of |expected|, `scale`
    and 1e-15 (where the true value is 0, the difference itself counts)."""
    difference = arb(found) - arb(expected)
    return float(difference.abs_upper() / max(float(abs(arb(expected)).mid()), float(arb(scale).mid()), 1e-15))


def check_gradients(
    derivation: DerivationRecord, sizes: Sizes, seed: int, tolerance: float = 1e-12, given: Values | None = None
) -> dict[str, float]:
    """Return, by name, how far each adjoint is from the numeric derivative along a random direction (relative to its length), at
    random values of the declared names where none are given.

    Raises AssertionError naming the nodes where that is more than the tolerance.
    """
    with flint.ctx.workprec(BITS):
        machine = Machine(derivation.network, sizes)
        values = machine.forward(machine.random(seed) if given is None else given)
        adjoints = machine.backward(derivation, values)
        rng = Random(seed + 1)
        errors = {}
        for name, adjoint in adjoints.items():
            node = derivation.network.nodes[name]
            direction = {place: arb(rng.randint(-1000, 1000)) / 1000 for place in adjoint}
            derived = sum((adjoint[place] * direction[place] for place in adjoint), arb(0))
            size = sum((abs(adjoint[place] * direction[place]) for place in adjoint), arb(0))
            errors[name] = relative(machine.slope(derivation.loss, node, values, direction), derived, size)
    wrong = {name: error for name, error in errors.items() if not error <= tolerance}
    assert not wrong, f"{derivation.network.title}: the derived gradient is not the numeric one: {wrong}"
    return errors
