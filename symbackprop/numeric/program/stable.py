"""Find the textbook definitions that overflow or cancel in floating point, so that a stable form of the same can be written.

    1/(1 + exp(-x))                  sigmoid          exp overflows for x << 0
    log(1 + exp(x))                  softplus         exp overflows for x >> 0
    log(sigmoid(x)), log(1-sigmoid)  -softplus(∓x)    log meets 0
    exp(z_k)/Σ_m exp(z_m)            softmax          exp overflows; z - max(z) has the same softmax
    the same of a part of them       softmax          guarded exp(z) that count as 0 have the exponent -∞
    log Σ_m exp(z_m)                 log-sum-exp      the same
    z_k - log Σ_m exp(z_m)           log-softmax      the same

(Higham, Accuracy and Stability of Numerical Algorithms, 2002, ch. 1; Blanchard, Higham, Higham, IMA J. Numer. Anal. 2021.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar

from sympy import Add, Expr, Function, Idx, Indexed, Integer, Mul, Piecewise, Pow, S, Sum, exp, log

from symbackprop.functions import sigmoid, softplus
from symbackprop.network.indices import free_indices, kinds, substitute


class softmax_of(Function):  # type: ignore[misc]
    """`exp(z)/Σ exp(all z)` of scalars: the first argument, then all of them."""

    nargs: ClassVar[None] = None


class logsumexp_of(Function):  # type: ignore[misc]
    """`log Σ exp(z)` of scalars."""

    nargs: ClassVar[None] = None


def stabilised(expression: Expr) -> Expr:
    """Return the expression with the unstable scalar forms replaced by functions that have a stable helper."""
    if not expression.args or isinstance(expression, Indexed) or not {exp, log} & kinds(expression):
        return expression
    whole = _quotient(expression) if isinstance(expression, Pow | Mul) else expression
    if not whole.args:
        return whole
    args = [stabilised(arg) if isinstance(arg, Expr) else arg for arg in whole.args]
    rebuilt = whole.func(*args) if tuple(args) != whole.args else whole
    return _logarithm(rebuilt) if isinstance(rebuilt, log) else rebuilt


def _logarithm(expression: log) -> Expr:
    (inside,) = expression.args
    if isinstance(inside, sigmoid):
        return -softplus(-inside.args[0])
    if isinstance(inside, Add):
        rest = inside - 1
        if isinstance(rest, exp):
            return softplus(rest.args[0])
        if isinstance(-rest, sigmoid):
            return -softplus((-rest).args[0])
        exponents = _exponents(inside)
        if exponents:
            return logsumexp_of(*exponents)
    return expression


def _quotient(expression: Expr) -> Expr:
    """Replace `1/(1 + exp(-x))` and `exp(z)/(exp(z) + exp(y) + …)` in a product."""
    factors = Mul.make_args(expression)
    shares = (_share(factor, [other for other in factors if other is not factor]) for factor in factors)
    return next((share for share in shares if share is not None), expression)


def _share(bottom: Expr, factors: list[Expr]) -> Expr | None:
    """Return a product of factors and `1/(exp(z) + exp(y) + …)`, or its square, in a stable form; None for any other `bottom`."""
    base, power = bottom.as_base_exp()
    exponents = _exponents(base) if isinstance(base, Add) else []
    top = next((factor for factor in factors if isinstance(factor, exp) and factor.args[0] in exponents), Integer(1))
    z = top.args[0] if top.args else Integer(0)
    if power not in (-1, -2) or z not in exponents:
        return None
    rest = Mul(*(factor for factor in factors if factor is not top))
    y, *more = sorted(exponents, key=lambda exponent: exponent == z)[:-1]
    if power == -1:
        return rest * (softmax_of(z, *exponents) if more else sigmoid(z - y))
    return None if more or z == 0 else rest * sigmoid(z - y) * sigmoid(y - z) * exp(-y)


def _exponents(total: Add) -> list[Expr]:
    """Return z, y, … of `exp(z) + exp(y) + …` (1 counts as exp(0)) when that is all the sum is, else nothing."""
    found = [term.args[0] if isinstance(term, exp) else Integer(0) if term == 1 else None for term in total.args]
    distinct = len(set(found)) == len(found)
    return [z for z in found if z is not None] if distinct and None not in found else []


def softmax_in(product: Mul) -> tuple[Expr, Idx, Expr] | None:
    """Return (z, index, other factors) when a product contains `exp(z)/Σ_index exp(z)`, else None."""
    tops = [(factor, z) for factor in product.args if (z := exponent_of(factor)) is not None]
    bottoms = [factor for factor in product.args if _divides_by_exp_sum(factor)]
    for bottom, (top, z) in itertools.product(bottoms, tops):
        index = _same(z, bottom.base)
        if index is not None:
            return z, index, Mul(*(factor for factor in product.args if factor not in (top, bottom)))
    return None


def exponent_of(factor: Expr) -> Expr | None:
    """Return z of `exp(z)`, with -∞ where a guard makes it 0; None for any other factor."""
    if isinstance(factor, exp):
        return factor.args[0]
    guards = factor.args if isinstance(factor, Piecewise) and len(factor.args) == 2 and factor.args[1] == (0, True) else ()
    if guards and isinstance(guards[0][0], exp):
        return Piecewise((guards[0][0].args[0], guards[0][1]), (S.NegativeInfinity, True))
    return None


def log_softmax_in(total: Add) -> tuple[int, Expr, Idx, Expr] | None:
    """Return (sign, z, index, other terms) when a sum contains `±(z - log Σ_index exp(z))`, else None."""
    for sign, term in itertools.product((1, -1), total.args):
        others = [sign * other for other in total.args if other is not term]
        for chosen in _choices(others) if _log_exp_sum(-sign * term) else ():
            index = _same(Add(*chosen), (-sign * term).args[0])
            if index is not None:
                return sign, Add(*chosen), index, Add(*(sign * other for other in others if other not in chosen))
    return None


def _log_exp_sum(expression: Expr) -> bool:
    return isinstance(expression, log) and _exp_sum(expression.args[0])


def _choices(terms: list[Expr]) -> Iterator[tuple[Expr, ...]]:
    """Yield what may be one exponent among terms: every choice of up to three, each one alone of more."""
    most = len(terms) if len(terms) < 4 else 1
    return itertools.chain.from_iterable(itertools.combinations(terms, count) for count in range(1, most + 1))


def logsumexp_of_sum(expression: log) -> tuple[Expr, tuple[Idx, ...]] | None:
    """Return (z, indices) of `log Σ_indices exp(z)`, else None."""
    (inside,) = expression.args
    if not _exp_sum(inside):
        return None
    return exponent_of(inside.function), tuple(limits[0] for limits in inside.limits)


def _divides_by_exp_sum(factor: Expr) -> bool:
    return isinstance(factor, Pow) and factor.exp == -1 and _exp_sum(factor.base)


def _exp_sum(expression: Expr) -> bool:
    return (
        isinstance(expression, Sum)
        and exponent_of(expression.function) is not None
        and all((low, high) == (index.lower, index.upper) for index, low, high in expression.limits)
    )


def _same(exponent: Expr, total: Sum) -> Idx | None:
    """Return the free index of `exponent` along which `total` sums exp(exponent)."""
    bound, *more = (limits[0] for limits in total.limits)
    inside = free_indices(total.function)
    if more or bound not in inside:  # N times the same is no sum along an axis
        return None
    for index in sorted(free_indices(exponent) - inside, key=str):
        if index.upper == bound.upper and substitute(exponent_of(total.function), {bound: index}) == exponent:
            return index
    return None
