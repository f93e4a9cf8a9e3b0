"""An expression in index notation as one numpy expression.

The parts that are not elementwise (entries, sums, Kronecker deltas) become pieces of code with labelled axes; the scalar
expression that is left is printed by sympy's code printer, with every piece broadcast to the axes they have together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Add, Expr, Idx, Indexed, KroneckerDelta, Mul, Sum, Symbol, exp, log
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import BooleanAtom

from symbackprop.errors import InternalError
from symbackprop.functions import LogDet, MatrixInverse, step
from symbackprop.functions.reductions import IndexReduction
from symbackprop.network.indices import free_indices, index_name, index_size, kinds, primed, substitute, whole_sides
from symbackprop.network.places import is_of_places
from symbackprop.numeric.code.arrays import ArrayCode, Axes, Scope, aligned, reduced, union
from symbackprop.numeric.code.contraction import contracted, whole_ranges
from symbackprop.numeric.code.indexing import entry
from symbackprop.numeric.code.printing import COMPARISON
from symbackprop.numeric.program.python_names import name_of
from symbackprop.numeric.program.stable import log_softmax_in, logsumexp_of_sum, softmax_in


def emit(expression: Expr, order: Axes, scope: Scope) -> ArrayCode:
    """Return numpy code for an expression; its axes are the free indices, in `order` unless the arrays suggest another.

    Raises InternalError when an axis is lost or stands where no index is free.
    """
    code = _emitted(expression, order, scope)
    expected = free_indices(expression).union(*(scope.pieces[s].axes for s in expression.free_symbols if s in scope.pieces))
    if frozenset(code.axes) != expected - scope.loops:
        raise InternalError(f"numeric: {expression} has the indices {expected}, its code {code.text} the axes {code.axes}")
    return code


def _emitted(expression: Expr, order: Axes, scope: Scope) -> ArrayCode:
    scalar = _walk(expression, order, scope)
    if isinstance(scalar, Symbol) and scalar in scope.pieces:
        return scope.pieces[scalar]
    found = sorted((s for s in scalar.free_symbols if s in scope.pieces), key=lambda s: int(s.name.split()[1]))
    axes = union([scope.pieces[s] for s in found], order)
    scope.pieces.update({s: aligned(scope.pieces[s], axes) for s in found})  # each stands in this expression alone
    placed = _masked(scalar, scope)
    return ArrayCode(str(scope.printer._print(placed)), axes, scope.printer._level(placed))


def _walk(expression: Expr, order: Axes, scope: Scope) -> Expr:
    walk = next((walk for kind, walk in _WALKS if isinstance(expression, kind)), _composed)
    return walk(expression, order, scope)


def _composed(expression: Expr, order: Axes, scope: Scope) -> Expr:
    if not expression.args or not expression.has(Indexed, Sum, Idx, KroneckerDelta):
        return expression
    stable = _stable(expression, order, scope)
    return stable if stable is not None else _rebuilt(expression, [_walk(arg, order, scope) for arg in expression.args])


def _relation(expression: Relational, order: Axes, scope: Scope) -> Expr:
    if not is_of_places(expression):
        return _composed(expression, order, scope)
    sides = whole_sides(*expression.args)
    return expression.func(*(_walk(side, order, scope) for side in sides), evaluate=False)


def _index(expression: Idx, order: Axes, scope: Scope) -> Expr:
    return scope.place(scope.arange(expression) if expression not in scope.loops else ArrayCode(scope.number(expression)))


_WALKS: tuple[tuple[type[Expr], Callable[[Any, Axes, Scope], Expr]], ...] = (
    (Indexed, lambda e, order, scope: scope.place(entry(e, order, scope), scope.ranks[name_of(e)])),
    (Sum, lambda e, order, scope: _nested(contracted(e, order, scope), order, scope)),
    (IndexReduction, lambda e, order, scope: scope.place(_reduced(e, order, scope))),
    (KroneckerDelta, lambda e, order, scope: scope.place(_delta(e, order, scope))),
    (MatrixInverse, lambda e, order, scope: scope.place(ArrayCode(f"np.linalg.inv({scope.spelt(e.array)})", e.places))),
    (LogDet, lambda e, order, scope: scope.place(ArrayCode(f"np.linalg.slogdet({scope.spelt(e.array)})[1]", e.places))),
    (Idx, _index),
    (Relational, _relation),
    (BooleanAtom, lambda e, order, scope: e),
)
"""How each kind of expression becomes code; what is none of them is made of its parts."""


def _reduced(expression: IndexReduction, order: Axes, scope: Scope) -> ArrayCode:
    """Return `.max(axis=…)` and the like; of a product over a part, what is left out counts as 1."""
    body, over = whole_ranges(expression, 1)
    code = scope.emit(body, (*order, *(index for index in over if index not in order)), scope)
    alike = [index_size(index) for index in over if index not in code.axes]  # along which all entries are the same
    code = reduced(code, frozenset(over) & frozenset(code.axes), expression.method) if len(alike) < len(over) else code
    return scope.emit(scope.place(code) ** Mul(*alike), order, scope) if alike and expression.method == "prod" else code


def _rebuilt(expression: Expr, args: list[Expr]) -> Expr:
    """Return the expression with other arguments as it stands: sympy works nothing out, so no axis can vanish."""
    if isinstance(expression, ExprCondPair):
        return expression.func(*args)
    if isinstance(expression, Add | Mul):
        parts = [part for arg in args for part in expression.func.make_args(arg)]
        number = expression.func(*(part for part in parts if part.is_Number))
        args = [part for part in parts if not part.is_Number]
        args = args if args and number == expression.identity else [number, *args]
        if len(args) == 1:
            return args[0]
    return expression.func(*args, evaluate=False)


def _nested(expression: Expr, order: Axes, scope: Scope) -> Expr:
    """Walk what a contraction left outside (factors without a summed index)."""
    return expression if not expression.has(Indexed, Sum, Idx, KroneckerDelta) else _walk(expression, order, scope)


def _stable(expression: Expr, order: Axes, scope: Scope) -> Expr | None:
    """Return the numerically stable form of softmax, log-softmax and log-sum-exp, or None."""
    if isinstance(expression, Mul):
        found = softmax_in(expression)
        if found is not None:
            exponent, index, rest = found
            if index in scope.loops:  # then only the entry at hand is wanted
                share = exp(_normalised(exponent, index, order, scope))
            else:
                share = _along("softmax", exponent, (index,), order, scope)
            return _rebuilt(expression, [share, _walk(rest, order, scope)])
    if isinstance(expression, Add):
        taken = log_softmax_in(expression)
        if taken is not None:
            sign, exponent, index, rest = taken
            return _rebuilt(expression, [sign * _normalised(exponent, index, order, scope), _walk(rest, order, scope)])
    if isinstance(expression, log):
        total = logsumexp_of_sum(expression)
        if total is not None and free_indices(total[0]) >= frozenset(total[1]):
            return _along("logsumexp", *total, order, scope)
    return None


def _normalised(exponent: Expr, index: Idx, order: Axes, scope: Scope) -> Expr:
    """Return log-softmax along an index; where a loop runs over that, of the entry at hand."""
    if index not in scope.loops:
        return _along("log_softmax", exponent, (index,), order, scope)
    every = primed(index, {index_name(index) for index in exponent.atoms(Idx)})
    return _walk(exponent, order, scope) - _along("logsumexp", substitute(exponent, {index: every}), (every,), order, scope)


def _along(helper: str, exponent: Expr, indices: tuple[Idx, ...], order: Axes, scope: Scope) -> Expr:
    """Return the call of a helper that works along the axes of some indices."""
    inner = (*order, *(index for index in indices if index not in order))
    code = scope.emit(exponent, inner, scope)
    at = [code.axes.index(index) for index in indices]
    scope.helpers.add(helper)
    axis = str(at[0]) if len(at) == 1 else f"({', '.join(str(a) for a in sorted(at))})"
    axes = code.axes if helper != "logsumexp" else tuple(a for a in code.axes if a not in indices)
    return scope.place(ArrayCode(f"{helper}({code.text}, axis={axis})", axes))


def _delta(expression: KroneckerDelta, order: Axes, scope: Scope) -> ArrayCode:
    first, second = expression.args
    plain = isinstance(first, Idx) and isinstance(second, Idx) and first.upper == second.upper
    if plain and not {first, second} & scope.loops:
        axes = (
            (first, second)
            if second not in order or (first in order and order.index(first) < order.index(second))
            else (second, first)
        )
        return ArrayCode(f"np.eye({scope.size(first)})", axes)
    pieces = [scope.emit(side, order, scope) for side in (first, second)]
    axes = union(pieces, order)
    left, right = (aligned(piece, axes).text for piece in pieces)
    return ArrayCode(f"np.where({left} == {right}, 1.0, 0.0)", axes)


def _masked(expression: Expr, scope: Scope) -> Expr:
    """Write a step factor of a product as the comparison itself, which numpy multiplies as 0 or 1."""
    if step not in kinds(expression):
        return expression
    if isinstance(expression, Mul):
        steps = [f for f in expression.args if isinstance(f, step)]
        others = [f for f in expression.args if not isinstance(f, step)]
        if steps and any(f.free_symbols & scope.pieces.keys() for f in others):
            masks = [_mask(f, scope) for f in steps]
            return _rebuilt(expression, [*(_masked(f, scope) for f in others), *masks])
    return _rebuilt(expression, [_masked(arg, scope) for arg in expression.args]) if expression.args else expression


def _mask(call: Expr, scope: Scope) -> Expr:
    (argument,) = call.args
    axes = max((len(scope.pieces[s].axes) for s in argument.free_symbols if s in scope.pieces), default=0)
    widest = next(
        (scope.pieces[s].axes for s in argument.free_symbols if s in scope.pieces and len(scope.pieces[s].axes) == axes), ()
    )
    return scope.place(ArrayCode(f"{scope.printer._print(argument)} > 0", widest, COMPARISON))
