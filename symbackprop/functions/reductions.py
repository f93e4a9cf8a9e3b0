"""What becomes of all entries along an index: their sum, the largest, the smallest, the product.

`IndexMax(x[n, i], i)` is max_i x[n,i]. They bind their indices as a sum does, but are not linear in what they bind.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sympy import Expr, Idx, S, Sum, Tuple
from sympy.concrete.expr_with_limits import ExprWithLimits

__all__ = ["IndexMax", "IndexMin", "IndexProduct"]


class IndexSum(Sum):  # type: ignore[misc]
    """A sum over indices that stays as it is written.

    `sympy.Sum` folds: it carries a condition of its summand out of every sum inside, also out of the one that binds the
    condition's index, which leaves that index free. Definitions and derivations are made of this class instead. It is equal to
    the `sympy.Sum` of the same parts, and sorted like it. Only a sum of nothing but 0 is 0.
    """

    __slots__ = ()

    def __new__(cls, function: Expr, *limits: Any) -> IndexSum:
        placed = [Tuple(limit, limit.lower, limit.upper) if isinstance(limit, Idx) else Tuple(*limit) for limit in limits]
        while isinstance(function, Sum):
            placed, function = [*function.limits, *placed], function.function
        if function is S.Zero:
            return function  # type: ignore[no-any-return]
        made: IndexSum = Expr.__new__(cls, function, *placed)
        made.is_commutative = function.is_commutative
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and self.args == other.args

    __hash__ = Sum.__hash__


IndexSum.__name__ = Sum.__name__  # by which sympy sorts, hashes and prints


class IndexReduction(ExprWithLimits):  # type: ignore[misc]
    """The largest, the smallest, or the product of an expression over indices, which is not linear in it as a sum is."""

    __slots__ = ()
    method: ClassVar[str]  # of numpy

    def __new__(cls, function: Expr, *limits: Any) -> IndexReduction:
        placed = [Tuple(limit, limit.lower, limit.upper) if isinstance(limit, Idx) else Tuple(*limit) for limit in limits]
        while isinstance(function, cls):
            placed, function = [*function.limits, *placed], function.function
        made: IndexReduction = Expr.__new__(cls, function, *placed)
        made.is_commutative = True
        return made

    def _eval_is_real(self) -> bool | None:
        return self.function.is_real  # type: ignore[no-any-return]


class IndexMax(IndexReduction):
    """`IndexMax(x[n, i], i)`, the largest of the entries along an index; where several are, they share the gradient equally."""

    __slots__ = ()
    method = "max"


class IndexMin(IndexReduction):
    """`IndexMin(x[n, i], i)`, the smallest of the entries along an index; where several are, they share the gradient equally."""

    __slots__ = ()
    method = "min"


class IndexProduct(IndexReduction):
    """`IndexProduct(x[n, i], i)`, the product of the entries along an index; bounds of its own give products of a part."""

    __slots__ = ()
    method = "prod"
