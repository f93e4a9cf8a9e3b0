"""A form as a sympy expression over the network's names, its indices given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sympy import Abs, Add, Expr, Idx, KroneckerDelta, Mul, Piecewise, Pow, Sum, exp, log, sign, sqrt

from symbackprop.capturing.roll.forms import Form
from symbackprop.errors import NotSupportedError
from symbackprop.functions import BY_NAME, maximum, minimum, relu, sigmoid, step
from symbackprop.network.indices import free_indices, index_size

Scope = tuple[Idx, ...]
Picks = Callable[[Expr], tuple[Expr, Expr] | None]
"""Of a sum over a one-hot row, the entry of the row and what it picks from; None of any other sum."""


class Formulas:
    """Writes the forms of one network.

    Args:
        symbols: the symbol or indexed base of a name.
        extents: the index of an axis of an array, a fresh one that is not in scope.
        sum_index: the index of the next sum of the definition being written, not in scope.
        picks: whether a sum picks by a one-hot row, see `Picks`.
        needs_delta: whether an address may leave the axis it reads, so that what it reads is a sum with a Kronecker delta.
    """

    def __init__(
        self,
        symbols: Callable[[str], Any],
        axis_index: Callable[[str, int, Scope], Idx],
        sum_index: Callable[[Scope], Idx],
        needs_delta: Callable[[str, int, Expr], bool],
        picks: Picks,
    ) -> None:
        self.picks = picks
        self.symbols = symbols
        self.axis_index = axis_index
        self.sum_index = sum_index
        self.needs_delta = needs_delta

    def written(self, form: Form, scope: Scope) -> Expr:
        """Return the expression of a form."""
        kind = form[0]
        if kind == "number":
            return form[1].value
        if kind == "entry":
            return self._entry(form[1], form[2], scope)
        if kind == "apply":
            arguments = [self.written(argument, scope) for argument in form[2]]
            return _applied(form[1], arguments, None if form[3] is None else form[3].value, self.picks)
        if kind == "product":
            return _product([(power, self.written(factor, scope)) for power, factor in form[1]])
        # The sums are numbered in the order in which `axes.reads` meets them: those of all terms first.
        scopes = [(*scope, *self._indices(len(sizes), scope)) for sizes, _ in form[1]]
        return Add(*(self._summed(self.written(term, inner), inner[len(scope) :]) for (_, term), inner in zip(form[1], scopes, strict=True)))

    def _indices(self, count: int, scope: Scope) -> Scope:
        found: Scope = ()
        for _ in range(count):
            found += (self.sum_index((*scope, *found)),)
        return found

    def _summed(self, body: Expr, indices: Sequence[Idx]) -> Expr:
        bound = [index for index in indices if index in free_indices(body)]
        counted = [index_size(index) for index in indices if index not in bound]
        factor, rest = body.as_coeff_Mul()
        return Mul(factor, *counted, Sum(rest, *reversed(bound)) if bound else rest)

    def _entry(self, name: str, address: Any, scope: Scope) -> Expr:
        symbol = self.symbols(name)
        if not address:
            return symbol
        places: list[Expr] = []
        deltas: list[Expr] = []
        bound: list[Idx] = []
        for axis, (offset, *slopes) in enumerate(address):
            place = Add(offset.value, *(slope.value * index for slope, index in zip(slopes, scope, strict=False)))
            if self.needs_delta(name, axis, place):
                index = self.axis_index(name, axis, (*scope, *bound))
                bound.append(index)
                deltas.append(KroneckerDelta(index, place))
                place = index
            places.append(place)
        entry = symbol[tuple(places)]
        return Sum(Mul(entry, *deltas), *reversed(bound)) if bound else entry


def _product(factors: Sequence[tuple[int, Expr]]) -> Expr:
    """Return the product; a denominator 1 + exp(-z) is written as the logistic function."""
    parts = []
    for power, factor in factors:
        z = _logistic(factor) if power < 0 else None
        parts.append(sigmoid(z) if z is not None else Pow(factor, power))
    for k, part in enumerate(parts):
        if isinstance(part, sigmoid) and exp(-part.args[0]) in parts:  # exp(z)/(1 + exp(z))
            parts.remove(exp(-part.args[0]))
            parts[parts.index(part)] = sigmoid(-part.args[0])
            break
        del k
    return Mul(*parts)


def _logistic(factor: Expr) -> Expr | None:
    """Return z of a sum 1 + exp(-z)."""
    terms = Add.make_args(factor)
    other = [term for term in terms if term != 1]
    return -other[0].args[0] if len(terms) == 2 and len(other) == 1 and isinstance(other[0], exp) else None


def _applied(operation: str, arguments: list[Expr], exponent: Expr | None, picks: Picks) -> Expr:
    if operation in _RULES:
        return _RULES[operation](*arguments)
    if operation == "log" and isinstance(arguments[0], Sum) and picks(arguments[0]):
        # The logarithm of what a one-hot row picks is what it picks of the logarithms.
        chosen, body = picks(arguments[0]) or (None, None)
        return Sum(Mul(chosen, log(body)), *arguments[0].limits)
    if operation == "power" and exponent is not None:
        return Pow(arguments[0], exponent)
    row = BY_NAME.get(operation)
    if row is not None:
        return row.function(*arguments)
    raise NotSupportedError(f"{operation} has no formula")


def _maximum(a: Expr, b: Expr) -> Expr:
    return relu(a) if b == 0 else relu(b) if a == 0 else maximum(a, b)


def _chosen(condition: Expr, chosen: Expr, other: Expr) -> Expr:
    """choose(c, a, b): the rectifier where it is one, else Piecewise on the comparison, else c·a + (1 - c)·b."""
    if isinstance(condition, step):
        (difference,) = condition.args
        if chosen == difference and other == 0:
            return relu(difference)
        row = BY_NAME.get("leaky_relu")
        if chosen == difference and row is not None and (other / difference).is_number:
            return row.function(difference, other / difference)
        return Piecewise((chosen, difference > 0), (other, True))
    if other == 0:
        return condition * chosen
    return condition * chosen + (1 - condition) * other


def _masked(mask: Expr, chosen: Expr, other: Expr) -> Expr:
    """masked(m, a, b): a where a known mask is 1, else b; m·a where b is 0. A sum would lose the digits of a beside b = -1e30."""
    if other == 0:
        return mask * chosen
    return Piecewise((chosen, mask > 0), (other, True))


_RULES: dict[str, Callable[..., Expr]] = {
    "less": lambda a, b: step(b - a),
    "at_most": lambda a, b: 1 - step(a - b),
    "same": lambda a, b: 1 - step(a - b) - step(b - a),
    "maximum": _maximum,
    "minimum": lambda a, b: minimum(a, b),
    "absolute": Abs,
    "sign": sign,
    "choose": _chosen,
    "masked": _masked,
    "sqrt": sqrt,
}

