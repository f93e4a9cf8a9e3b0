"""Find the textbook definitions that overflow or cancel in floating point, so that a stable form of the same can be written.

    1/(1 + exp(-x))                  sigmoid          exp overflows for x << 0
    log(1 + exp(x))                  softplus         exp overflows for x >> 0
    log(sigmoid(x)), log(1-sigmoid)  -softplus(∓x)    log meets 0
    exp(z_k)/Σ_m exp(z_m)            softmax          exp overflows; z - max(z) has the same softmax
    log Σ_m exp(z_m)                 log-sum-exp      the same
    z_k - log Σ_m exp(z_m)           log-softmax      the same

(Higham, Accuracy and Stability of Numerical Algorithms, 2002, ch. 1; Blanchard, Higham, Higham, IMA J. Numer. Anal. 2021.)
"""

from __future__ import annotations

from itertools import permutations
from typing import ClassVar

from sympy import Add, Expr, Function, Idx, Indexed, Integer, Mul, Pow, Sum, exp, log

from symbackprop.network.functions import sigmoid, softplus
from symbackprop.network.indices import free_indices, substitute


class softmax_of(Function):  # type: ignore[misc]
    """`exp(z)/Σ exp(all z)` of scalars: the first argument, then all of them."""

    nargs: ClassVar[None] = None


class logsumexp_of(Function):  # type: ignore[misc]
    """`log Σ exp(z)` of scalars."""

    nargs: ClassVar[None] = None


def stabilised(expression: Expr) -> Expr:
    """Return the expression with the unstable scalar forms replaced by functions that have a stable helper."""
    if not expression.args or isinstance(expression, Indexed) or not expression.has(exp, log):
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
    factors = list(Mul.make_args(expression))
    for factor in factors:
        if not (isinstance(factor, Pow) and factor.exp in (-1, -2) and isinstance(factor.base, Add)):
            continue
        exponents = _exponents(factor.base)
        if not exponents:
            continue
        others = [f for f in factors if f is not factor]
        top = next((f for f in others if isinstance(f, exp) and f.args[0] in exponents), None)
        if top is None and Integer(0) not in exponents:
            continue
        z = top.args[0] if top is not None else Integer(0)
        rest = Mul(*(f for f in others if f is not top))
        if factor.exp == -2:
            if len(exponents) == 2 and top is not None:
                return rest * sigmoid(z - _other(exponents, z)) * sigmoid(_other(exponents, z) - z) * exp(-_other(exponents, z))
            continue
        if len(exponents) == 2:
            return rest * sigmoid(z - _other(exponents, z))
        return rest * softmax_of(z, *exponents)
    return expression


def _other(exponents: list[Expr], z: Expr) -> Expr:
    return next(e for e in exponents if e != z)


def _exponents(total: Add) -> list[Expr]:
    """Return z, y, … of `exp(z) + exp(y) + …` (1 counts as exp(0)) when that is all the sum is, else nothing."""
    found = [term.args[0] if isinstance(term, exp) else Integer(0) if term == 1 else None for term in total.args]
    distinct = len(set(found)) == len(found)
    return [z for z in found if z is not None] if distinct and None not in found else []


def softmax_in(product: Mul) -> tuple[Expr, Idx, Expr] | None:
    """Return (z, index, other factors) when a product contains `exp(z)/Σ_index exp(z)`, else None."""
    tops = [f for f in product.args if isinstance(f, exp)]
    for bottom in product.args:
        if not (isinstance(bottom, Pow) and bottom.exp == -1 and _exp_sum(bottom.base)):
            continue
        for top in tops:
            index = _same(top.args[0], bottom.base)
            if index is not None:
                rest = Mul(*(f for f in product.args if f is not top and f is not bottom))
                return top.args[0], index, rest
    return None


def log_softmax_in(total: Add) -> tuple[int, Expr, Idx, Expr] | None:
    """Return (sign, z, index, other terms) when a sum contains `±(z - log Σ_index exp(z))`, else None."""
    for term in total.args:
        sign = 1 if isinstance(-term, log) else -1 if isinstance(term, log) else 0
        inside = (-term if sign == 1 else term).args[0] if sign else None
        if inside is None or not _exp_sum(inside):
            continue
        others = [sign * other for other in total.args if other is not term]
        for count in range(1, len(others) + 1):
            for chosen in permutations(others, count) if len(others) < 4 else [(other,) for other in others]:
                index = _same(Add(*chosen), inside)
                if index is not None:
                    return sign, Add(*chosen), index, Add(*(sign * o for o in others if o not in chosen))
    return None


def logsumexp_of_sum(expression: log) -> tuple[Expr, tuple[Idx, ...]] | None:
    """Return (z, indices) of `log Σ_indices exp(z)`, else None."""
    (inside,) = expression.args
    if not _exp_sum(inside):
        return None
    return inside.function.args[0], tuple(limits[0] for limits in inside.limits)


def _exp_sum(expression: Expr) -> bool:
    return (
        isinstance(expression, Sum)
        and isinstance(expression.function, exp)
        and all((low, high) == (index.lower, index.upper) for index, low, high in expression.limits)
    )


def _same(exponent: Expr, total: Sum) -> Idx | None:
    """Return the free index of `exponent` along which `total` sums exp(exponent)."""
    if len(total.limits) != 1:
        return None
    bound = total.limits[0][0]
    for index in sorted(free_indices(exponent), key=str):
        if index.upper == bound.upper and substitute(total.function.args[0], {bound: index}) == exponent:
            return index
    return None
