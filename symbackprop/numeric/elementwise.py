"""An expression in index notation as one numpy expression.

The parts that are not elementwise (entries, sums, Kronecker deltas) become pieces of code with labelled axes; the scalar
expression that is left is printed by sympy's code printer, with every piece broadcast to the axes they have together.
"""

from __future__ import annotations

from sympy import Add, Expr, Idx, Indexed, KroneckerDelta, Mul, Sum, Symbol, log
from sympy.logic.boolalg import BooleanAtom

from symbackprop.errors import NotSupportedError
from symbackprop.network.functions import step
from symbackprop.numeric.arrays import Axes, Code, Scope, aligned, union
from symbackprop.numeric.contraction import contracted
from symbackprop.numeric.indexing import entry
from symbackprop.numeric.names import name_of
from symbackprop.numeric.printing import COMPARISON
from symbackprop.numeric.stable import log_softmax_in, logsumexp_of_sum, softmax_in


def emit(expression: Expr, order: Axes, scope: Scope) -> Code:
    """Return numpy code for an expression; its axes are the free indices, in `order` unless the arrays suggest another."""
    scalar = _walk(expression, order, scope)
    if isinstance(scalar, Symbol) and scalar in scope.pieces:
        return scope.pieces[scalar]
    found = sorted((s for s in scalar.free_symbols if s in scope.pieces), key=lambda s: int(s.name.split()[1]))
    axes = union([scope.pieces[s] for s in found], order)
    placed = scalar.xreplace({s: scope.place(aligned(scope.pieces[s], axes), scope.piece_ranks[s]) for s in found})
    placed = _masked(placed, scope)
    return Code(str(scope.printer._print(placed)), axes, scope.printer._level(placed))


def _walk(expression: Expr, order: Axes, scope: Scope) -> Expr:
    if isinstance(expression, Indexed):
        return scope.place(entry(expression, order, scope), scope.ranks[name_of(expression)])
    if isinstance(expression, Sum):
        return _nested(contracted(expression, order, scope), order, scope)
    if isinstance(expression, KroneckerDelta):
        return scope.place(_delta(expression, order, scope))
    if isinstance(expression, Idx):
        return scope.place(scope.arange(expression) if expression not in scope.loops else Code(scope.number(expression)))
    if not expression.args or isinstance(expression, BooleanAtom) or not expression.has(Indexed, Sum, Idx, KroneckerDelta):
        return expression
    stable = _stable(expression, order, scope)
    if stable is not None:
        return stable
    return expression.func(*(_walk(arg, order, scope) for arg in expression.args))


def _nested(expression: Expr, order: Axes, scope: Scope) -> Expr:
    """Walk what a contraction left outside (factors without a summed index)."""
    return expression if not expression.has(Indexed, Sum, Idx, KroneckerDelta) else _walk(expression, order, scope)


def _stable(expression: Expr, order: Axes, scope: Scope) -> Expr | None:
    """Return the numerically stable form of softmax, log-softmax and log-sum-exp, or None."""
    if isinstance(expression, Mul):
        found = softmax_in(expression)
        if found is not None:
            exponent, index, rest = found
            return Mul(_along("softmax", exponent, (index,), order, scope), _walk(rest, order, scope))
    if isinstance(expression, Add):
        taken = log_softmax_in(expression)
        if taken is not None:
            sign, exponent, index, rest = taken
            return Add(sign * _along("log_softmax", exponent, (index,), order, scope), _walk(rest, order, scope))
    if isinstance(expression, log):
        total = logsumexp_of_sum(expression)
        if total is not None:
            return _along("logsumexp", *total, order, scope)
    return None


def _along(helper: str, exponent: Expr, indices: tuple[Idx, ...], order: Axes, scope: Scope) -> Expr:
    """Return the call of a helper that works along the axes of some indices."""
    inner = (*order, *(index for index in indices if index not in order))
    code = scope.emit(exponent, inner, scope)
    at = [code.axes.index(index) for index in indices if index in code.axes]
    if len(at) < len(indices):
        raise NotSupportedError(f"numeric: {helper} of {exponent}: the values are the same along {indices[0]}")
    scope.helpers.add(helper)
    axis = str(at[0]) if len(at) == 1 else f"({', '.join(str(a) for a in sorted(at))})"
    axes = code.axes if helper != "logsumexp" else tuple(a for a in code.axes if a not in indices)
    return scope.place(Code(f"{helper}({code.text}, axis={axis})", axes))


def _delta(expression: KroneckerDelta, order: Axes, scope: Scope) -> Code:
    first, second = expression.args
    plain = isinstance(first, Idx) and isinstance(second, Idx) and first.upper == second.upper
    if plain and not {first, second} & scope.loops:
        axes = (
            (first, second)
            if second not in order or (first in order and order.index(first) < order.index(second))
            else (second, first)
        )
        return Code(f"np.eye({scope.size(first)})", axes)
    pieces = [scope.emit(side, order, scope) for side in (first, second)]
    axes = union(pieces, order)
    left, right = (aligned(piece, axes).text for piece in pieces)
    return Code(f"np.where({left} == {right}, 1.0, 0.0)", axes)


def _masked(expression: Expr, scope: Scope) -> Expr:
    """Write a step factor of a product as the comparison itself, which numpy multiplies as 0 or 1."""
    if not expression.has(step):
        return expression
    if isinstance(expression, Mul):
        steps = [f for f in expression.args if isinstance(f, step)]
        others = [f for f in expression.args if not isinstance(f, step)]
        if steps and any(f.free_symbols & scope.pieces.keys() for f in others):
            masks = [_mask(f, scope) for f in steps]
            return Mul(*(_masked(f, scope) for f in others), *masks)
    return expression.func(*(_masked(arg, scope) for arg in expression.args))


def _mask(call: Expr, scope: Scope) -> Expr:
    (argument,) = call.args
    axes = max((len(scope.pieces[s].axes) for s in argument.free_symbols if s in scope.pieces), default=0)
    widest = next(
        (scope.pieces[s].axes for s in argument.free_symbols if s in scope.pieces and len(scope.pieces[s].axes) == axes), ()
    )
    return scope.place(Code(f"{scope.printer._print(argument)} > 0", widest, COMPARISON))
