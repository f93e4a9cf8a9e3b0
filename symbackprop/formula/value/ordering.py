"""The order in which an author writes terms and factors, instead of the order sympy stores them in.

A rank is `(group, position)`: the group from `GROUPS` by the role of the name, the position of its declaration.

* Terms: products before lone names before numbers (but `1 + e^x`), then by rank; a positive term comes first where there is one.
* Factors: numbers, constants, differences with a target, slopes such as `out(1 - out)`, then the rest by rank, so a parameter
  comes before an input (`w1*l1`), and big sums come last. Among elements `X[n,i]` parameters come last, as in `X W`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Function, Idx, Indexed, IndexedBase, Mul, Pow, Symbol
from sympy import Number as SympyNumber
from sympy import Sum as SympySum

from symbackprop.errors import InternalError

Rank = tuple[Any, ...]
GROUPS = {"constant": 0, "parameter": 1, "input": 2, "defined": 3, "target": 4}
_UNRANKED = 5


def author_order(names: Iterable[tuple[str, str]]) -> dict[str, Rank]:
    """Return the rank of each name, from pairs (name, role) in order of declaration.

    >>> author_order([("l1", "input"), ("w1", "parameter")])
    {'l1': (2, 0), 'w1': (1, 1)}
    """
    ranks: dict[str, Rank] = {}
    for position, (name, role) in enumerate(names):
        if role not in GROUPS:
            raise InternalError(f"author_order: unknown role {role!r} of {name}; known: {', '.join(GROUPS)}")
        ranks[name] = (GROUPS[role], position)
    return ranks


def name_of(atom: Expr) -> str:
    """Return the name of a symbol, index or indexed element."""
    if isinstance(atom, Indexed):
        atom = atom.base
    label = atom.label if isinstance(atom, Idx | IndexedBase) else atom
    return str(label.name) if isinstance(label, Symbol) else str(label)


def rank_of(name: str, order: Mapping[str, Rank]) -> Rank:
    """Return the rank of a name; names without one come last, by alphabet."""
    return order.get(name, (_UNRANKED, name))


def ordered_terms(total: Add, order: Mapping[str, Rank]) -> list[Expr]:
    """Return the terms of a sum in the author's order."""
    grows = any(term.has(Function) or isinstance(term, Pow) for term in total.args)
    terms = sorted(total.args, key=lambda term: (_term_kind(term, grows), _ranks(term, order)))
    if len(terms) == 2 and terms[1].is_Number and terms[1] > 0 and isinstance(terms[0], Pow | Function):
        terms.reverse()  # 1 + e^{-x}
    positive = next((place for place, term in enumerate(terms) if not term.could_extract_minus_sign()), 0)
    return [terms.pop(positive), *terms]


def ordered_factors(factors: Iterable[Expr], order: Mapping[str, Rank], by_rank_only: bool) -> list[Expr]:
    """Return factors in the author's order, or by rank only."""
    found = list(factors)
    slopes = {} if by_rank_only else _slopes(found)

    def key(factor: Expr) -> tuple[Any, ...]:
        if factor.is_Number:
            return (0,)
        if isinstance(factor, SympySum):
            return (5, _ranks(factor, order))
        if by_rank_only:
            return (4, False, _ranks(factor, order))
        if factor in slopes:
            return (3, _ranks(slopes[factor], order), factor is not slopes[factor])
        if has_target(factor, order) and isinstance(factor, Add):
            return (2, _ranks(factor, order))
        if _is_constant(factor, order):
            return (1, _ranks(factor, order))
        return (4, factor.has(Function), _element_ranks(factor, order))

    return sorted(found, key=key)


def has_target(expr: Expr, order: Mapping[str, Rank]) -> bool:
    """Whether a target occurs in the expression."""
    return any(rank_of(name, order)[0] == GROUPS["target"] for name in _names(expr))


def _slopes(factors: list[Expr]) -> dict[Expr, Expr]:
    """Map `x` and `1 - x` to `x` where both are factors, and `1 - x**2` to `x`."""
    slopes: dict[Expr, Expr] = {}
    for factor in factors:
        if not (isinstance(factor, Add) and len(factor.args) == 2):
            continue
        base = 1 - factor
        if base in factors:
            slopes[factor] = slopes[base] = base
        elif isinstance(base, Pow) and base.exp == 2:
            slopes[factor] = base.base
    return slopes


def _is_constant(factor: Expr, order: Mapping[str, Rank]) -> bool:
    return isinstance(factor, Symbol) and rank_of(name_of(factor), order)[0] == GROUPS["constant"]


def _term_kind(term: Expr, grows: bool) -> int:
    """Return the place of a term: `w*x`, then `b`, then numbers; but `1 + e^x`, a number before what grows."""
    if term.is_Number:
        return -1 if grows and term.is_positive else 2
    coefficient, rest = term.as_coeff_Mul()
    alone = isinstance(rest, Symbol | Indexed) and coefficient in (1, -1)
    return 1 if alone else 0


@lru_cache(maxsize=65536)  # the same factors are ordered in every product in which they stand
def _names(expr: Expr) -> frozenset[str]:
    return frozenset(name_of(atom) for atom in expr.atoms(Symbol, Indexed))


@lru_cache(maxsize=65536)
def _outer_names(expr: Expr) -> frozenset[str]:
    """Return the names in an expression that stand in no address."""
    atoms = expr.atoms(Symbol, Indexed)
    inside = {part for atom in atoms if isinstance(atom, Indexed) for part in atom.atoms(Symbol)}
    return frozenset(name_of(atom) for atom in atoms if atom not in inside)


def _ranks(expr: Expr, order: Mapping[str, Rank]) -> list[tuple[Any, ...]]:
    """Return the sorted ranks of the names in an expression; safe to compare even where ranks are of mixed types."""
    return sorted(_comparable(rank_of(name, order)) for name in _outer_names(expr))


def _element_ranks(factor: Expr, order: Mapping[str, Rank]) -> list[tuple[Any, ...]]:
    ranks = _ranks(factor, order)
    is_element = isinstance(factor, Indexed)
    return [(_UNRANKED + 1, *ranks[0][1:]), *ranks[1:]] if is_element and ranks[0][0] == GROUPS["parameter"] else ranks


def _comparable(rank: Rank) -> tuple[Any, ...]:
    return (rank[0], *(f"{part:09d}" if isinstance(part, int) else str(part) for part in rank[1:]))


def split_fraction(product: Expr) -> tuple[SympyNumber, list[Expr], list[Expr]]:
    """Return the number in front, the factors above and the factors below of a product."""
    number, rest = product.as_coeff_Mul()
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in Mul.make_args(rest):
        if isinstance(factor, Pow) and factor.exp.could_extract_minus_sign() and not factor.base.is_Number:
            below.append(1 / factor)
        elif factor != 1:
            above.append(factor)
    return number, above, below
