"""Putting the formula of an adjoint in the place of its name: without capturing an index, with what cancels named.

Also how long a formula is to read, which decides whether that is worth it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from sympy import Add, Expr, Idx, Indexed, Mul, Number, Piecewise, Pow, Sum, Symbol

from symbackprop.derive.reasons import because
from symbackprop.derive.sweep.derivation import names_written
from symbackprop.derive.sweep.records import Adjoint, Rewrite
from symbackprop.formula.print.text import text
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.network.indices import IndexSum, free_indices, index_name, primed, substitute

Steps = tuple[Rewrite, ...]

# ---- measuring -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def size(expression: Expr) -> int:
    """Return how much there is to read: names, numbers other than ±1, sums and functions."""
    if isinstance(expression, Symbol | Indexed | Idx):
        return 1
    if isinstance(expression, Number):
        return int(abs(expression) != 1)
    if isinstance(expression, Sum):
        return 1 + size(expression.function)
    if isinstance(expression, Piecewise):
        return 1 + sum(size(value) for value, _ in expression.args)
    own = int(not isinstance(expression, Add | Mul | Pow))
    return own + sum(map(size, expression.args))


@lru_cache(maxsize=16384)
def adjoint_names(expression: Expr) -> frozenset[str]:
    """Return the names of all symbols and indexed bases in an expression."""
    return frozenset(names_written(expression))


# ---- putting a formula in a name's place -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlacedFormula:
    """A formula put in the place of an adjoint's name; the steps are written only when it is kept."""

    before: Expr
    result: Expr
    adjoint: Adjoint
    formula: Expr

    @property
    def in_sum(self) -> bool:
        """Whether the name stands inside a sum."""
        return any(_mentions(total.function, self.adjoint) for total in self.before.atoms(Sum))

    @property
    def steps(self) -> Steps:
        """The steps: the formula put in, then what cancels."""
        reason = because("adjoint", node=self.adjoint.node, left=said(self.adjoint.entry), right=said(self.formula))
        written = _replaced(self.before, self.adjoint, self.formula, evaluate=False)
        cancelled = _cancelled(written)
        if not cancelled:
            return (Rewrite(self.before, self.result, reason),)
        cancel = because("cancel", factors=", ".join(map(said, cancelled)))
        return Rewrite(self.before, written, reason), Rewrite(written, self.result, cancel)


def put_in(expression: Expr, adjoint: Adjoint, formula: Expr, declared: tuple[Idx, ...]) -> PlacedFormula | None:
    """Put an adjoint's formula in the place of its name.

    None where this would put a sum inside a sum, or spread a sum over several places, which is not how one writes it.
    """
    if formula.has(Sum) and _spreads(expression, adjoint):
        return None
    result = distinct(_replaced(expression, adjoint, formula, evaluate=True), declared)
    return PlacedFormula(expression, result, adjoint, formula)


def said(expression: Expr) -> str:
    """Return an expression as a person would type it, for reasons: `Σ_k t[n,k]`."""
    return text(from_sympy(expression))


def distinct(expression: Expr, declared: tuple[Idx, ...]) -> Expr:
    """Name the bound indices so that each name means one thing: the first declared index of the range that is not in use."""
    return expression if _is_distinct(expression, declared) else _distinct(expression, declared, frozenset())


def _is_distinct(expression: Expr, declared: tuple[Idx, ...]) -> bool:
    """Whether each bound index is a declared one, and has a name that no other bound or free one has."""
    seen = {index_name(index) for index in free_indices(expression)}
    for total in sums_in(expression):
        for bound, *_ in total.limits:
            if index_name(bound) in seen or bound not in declared:
                return False
            seen.add(index_name(bound))
    return True


def sums_in(expression: Expr) -> Iterator[Sum]:
    """Yield every sum in an expression, each as often as it is written."""
    stack = [expression]
    while stack:
        part = stack.pop()
        if isinstance(part, Sum):
            yield part
            stack.append(part.function)
        elif not isinstance(part, Indexed | Idx):
            stack.extend(part.args)


def _distinct(expression: Expr, declared: tuple[Idx, ...], taken: frozenset[str]) -> Expr:
    if not expression.args or isinstance(expression, Indexed | Idx):
        return expression
    used = taken | {index_name(index) for index in free_indices(expression)}
    if isinstance(expression, Sum):
        return _with_distinct_indices(expression, declared, used)
    args = tuple(_distinct(arg, declared, used) for arg in expression.args)
    return expression if args == expression.args else expression.func(*args)


def _with_distinct_indices(total: Sum, declared: tuple[Idx, ...], used: frozenset[str]) -> Expr:
    """Name the indices that a sum binds, the outermost first; a sum whose bounds depend on one of them stays as it is."""
    limits: list[tuple[Expr, ...]] = []
    for bound, low, high in reversed(total.limits):
        fresh = _spare(bound, used, declared)
        used |= {index_name(fresh)}
        limits.insert(0, (fresh, low, high))
    moved = {old[0]: new[0] for old, new in zip(total.limits, limits, strict=True) if old[0] != new[0]}
    if moved and any(free_indices(end) & set(moved) for limit in limits for end in limit[1:]):
        return total
    return IndexSum(_distinct(substitute(total.function, moved), declared, used), *limits)


def _spare(index: Idx, used: frozenset[str], declared: tuple[Idx, ...]) -> Idx:
    if index_name(index) not in used and index in declared:
        return index
    for other in declared:
        if index_name(other) not in used and (other.lower, other.upper) == (index.lower, index.upper):
            return other
    return primed(index, used) if index_name(index) in used else index


def _spreads(expression: Expr, adjoint: Adjoint) -> bool:
    inside = any(_mentions(total.function, adjoint) for total in expression.atoms(Sum))
    return inside or _count(expression, adjoint) > 1


def _mentions(expression: Expr, adjoint: Adjoint) -> bool:
    return adjoint.name in adjoint_names(expression)


def _count(expression: Expr, adjoint: Adjoint) -> int:
    if isinstance(expression, Indexed):
        return int(expression.base == adjoint.symbol)
    if expression == adjoint.symbol:
        return 1
    return sum(_count(arg, adjoint) for arg in expression.args)


def _replaced(expression: Expr, adjoint: Adjoint, formula: Expr, evaluate: bool) -> Expr:
    if not _mentions(expression, adjoint):
        return expression
    if expression == adjoint.symbol:
        return formula
    if isinstance(expression, Indexed):
        return at_places(formula, dict(zip(adjoint.indices, expression.indices, strict=True)))
    if isinstance(expression, Sum):
        return IndexSum(_replaced(expression.function, adjoint, formula, evaluate), *expression.limits)
    args = tuple(_replaced(arg, adjoint, formula, evaluate) for arg in expression.args)
    if isinstance(expression, Mul) and not evaluate:
        return Mul(*(part for arg in args for part in Mul.make_args(arg)), evaluate=False)
    return expression.func(*args)


def at_places(formula: Expr, places: dict[Expr, Expr]) -> Expr:
    return substitute(formula, {own: used for own, used in places.items() if own != used})


def _cancelled(expression: Expr) -> list[Expr]:
    """Return what cancels when the expression is evaluated: bases of an unevaluated product with exponents of both signs."""
    found = _with_both_signs(expression) if isinstance(expression, Mul) else []
    for arg in (expression.function,) if isinstance(expression, Sum) else expression.args:
        found += [factor for factor in _cancelled(arg) if factor not in found]
    return found


def _with_both_signs(product: Mul) -> list[Expr]:
    signs: dict[Expr, set[bool]] = {}
    for factor in product.args:
        base, exponent = factor.as_base_exp()
        if isinstance(exponent, Number) and not isinstance(base, Number):
            signs.setdefault(base, set()).add(bool(exponent > 0))
    return [base for base, both in signs.items() if len(both) == 2]
