"""Indices with ranges: declaring them, finding the free ones, and renaming them without capture.

An index is a `sympy.Idx` that runs over `0 .. size-1`; its size is a positive integer symbol, a number, or a polynomial in
those (`t:T-F+1`, `k:G*C`). `Sum` binds an index; everything here respects that binding, which sympy's own `subs` and `diff` do
not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from sympy import Expr, Idx, Indexed, IndexedBase, Integer, Mul, Piecewise, Rational, Sum, Symbol, Tuple, ilcm
from sympy.concrete.expr_with_limits import ExprWithLimits

from symbackprop.errors import DefinitionError, InternalError
from symbackprop.functions.reductions import IndexReduction
from symbackprop.functions.reductions import IndexSum as IndexSum
from symbackprop.network.sizes import parse_size
from symbackprop.network.sizes import size_symbol as size_symbol


@lru_cache(maxsize=4096)
def real_symbol(name: str, indexed: object = True) -> Symbol | IndexedBase:
    """Return the symbol of a number, or of an array when `indexed`; its entries are real, so that sympy makes no conjugates."""
    return IndexedBase(name, real=True) if indexed else Symbol(name, real=True)


def parse_indices(text: str) -> tuple[Idx, ...]:
    """Read `"n:N i:D j:3"` into indices with ranges."""
    found: list[Idx] = []
    for word in text.replace(",", " ").split():
        name, colon, size = word.partition(":")
        if not colon or not size:
            raise DefinitionError(f"indices: expected name:size such as n:N, got {word!r}; write {name}:{name.upper()}")
        if not name.isidentifier():
            raise DefinitionError(f"indices: expected a name before the colon, got {name!r} in {word!r}")
        found.append(Idx(Symbol(name, integer=True), parse_size(size, f"index {name}")))
    if not found:
        raise DefinitionError('indices: expected at least one name:size, got an empty text; write e.g. "n:N i:D"')
    return tuple(found)


@lru_cache(maxsize=4096)
def index_size(index: Idx) -> Expr:
    """Return the number of values an index takes."""
    return index.upper - index.lower + 1


def index_name(index: Idx) -> str:
    """Return the printed name of an index."""
    return str(index.label.name)


@lru_cache(maxsize=65536)
def entry_of(base: IndexedBase, indices: tuple[Expr, ...]) -> Indexed:
    """Return `base[indices]`, the same object each time: sympy deduces anew for each that it is real."""
    return base[indices]


def is_label(address: Expr) -> bool:
    """Whether an address is a value, a declared whole number such as `ids[n]`, and no place that indices give."""
    return isinstance(address, Indexed) or bool(isinstance(address, Symbol) and not address.is_integer)


def addresses(expression: Expr) -> tuple[Idx, ...]:
    """Return the indices in an address such as `i + u`, in order of name."""
    return tuple(sorted(expression.atoms(Idx), key=index_name))


@lru_cache(maxsize=65536)
def free_indices(expression: Expr) -> frozenset[Idx]:
    """Return the indices that no `Sum` inside the expression binds."""
    if isinstance(expression, Idx):
        return frozenset((expression,))
    if not expression.args:
        return frozenset()
    if isinstance(expression, ExprWithLimits):
        free = set(free_indices(expression.function))
        for limits in expression.limits:  # the innermost comes first
            free.discard(limits[0])
            for bound in limits[1:]:
                free |= free_indices(bound)
        return frozenset(free)
    if isinstance(expression, Indexed):
        return frozenset().union(*(free_indices(address) for address in expression.indices))
    return frozenset().union(*(free_indices(arg) for arg in expression.args))


_PRODUCT = frozenset((Mul, Symbol))  # by far the most frequent


@lru_cache(maxsize=65536)
def kinds(expression: Expr) -> frozenset[type]:
    """Return the classes of an expression and of all its parts outside of addresses; a sum is `Sum`, whichever of the two."""
    if expression.is_Mul and all(factor.is_Symbol for factor in expression.args):
        return _PRODUCT
    own: frozenset[type] = frozenset((Sum if isinstance(expression, Sum) else type(expression),))
    if not expression.args or isinstance(expression, Indexed | Idx):
        return own
    return own.union(*map(kinds, expression.args))


def bound_in(expression: Expr, indices: Iterable[Idx], what: str) -> Expr:
    """Return an expression whose free indices are among those given. Raises InternalError naming the index that is not bound."""
    stray = sorted(free_indices(expression) - frozenset(indices), key=index_name)
    if stray:
        raise InternalError(f"{what}: index {stray[0]} is not bound in {expression}")
    return expression


def substitute(expression: Expr, mapping: Mapping[Expr, Expr]) -> Expr:
    """Replace free indices (or symbols) by expressions, never capturing: a `Sum` that binds a replaced index shadows it,
    and one that binds an index occurring in a replacement is renamed first (`i` becomes `i'`)."""
    if not mapping:
        return expression
    if expression in mapping:
        return mapping[expression]
    if not expression.args or isinstance(expression, Idx):
        return expression
    if isinstance(expression, ExprWithLimits):
        return _substitute_bound(expression, mapping)
    if isinstance(expression, Indexed):
        base = mapping.get(expression.base, expression.base)
        return entry_of(base, tuple(substitute(address, mapping) for address in expression.indices))
    changed = tuple(substitute(arg, mapping) for arg in expression.args)
    if changed == expression.args:
        return expression
    return expression.func(*changed)


def _binder(expression: ExprWithLimits) -> type[IndexSum | IndexReduction]:
    """Return the class of an expression that binds indices, our own for a sum of sympy's."""
    return IndexSum if isinstance(expression, Sum) else type(expression)


def _substitute_bound(expression: ExprWithLimits, mapping: Mapping[Expr, Expr]) -> Expr:
    inner = dict(mapping)
    incoming = {index for new in mapping.values() for index in free_indices(new)}
    taken = {index_name(index) for index in incoming} | {index_name(index) for index in expression.atoms(Idx)}
    limits: list[Tuple] = []
    for variable, *bounds in reversed(expression.limits):  # the outermost comes last, and is bound for all before it
        placed = [substitute(bound, inner) for bound in bounds]
        inner.pop(variable, None)
        fresh = variable
        if variable in incoming:
            fresh = primed(variable, taken)
            taken.add(index_name(fresh))
            inner[variable] = fresh
        limits.insert(0, Tuple(fresh, *placed))
    return _binder(expression)(substitute(expression.function, inner), *limits)


def everywhere(expression: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    """Apply a rule to every part, innermost first."""
    if not expression.args or isinstance(expression, Indexed | Idx):
        return rule(expression)
    if isinstance(expression, ExprWithLimits):
        inside, binder = everywhere(expression.function, rule), _binder(expression)
        same = inside is expression.function and type(expression) is binder
        return rule(expression if same else binder(inside, *expression.limits))
    if isinstance(expression, Piecewise):
        return rule(Piecewise(*((everywhere(value, rule), condition) for value, condition in expression.args)))
    args = tuple(everywhere(arg, rule) for arg in expression.args)
    return rule(expression if args == expression.args else expression.func(*args))


def bound_apart(expression: Expr, taken: Iterable[str]) -> Expr:
    """Rename the bound indices whose names are taken outside, so that each index means one thing where both stand."""
    names = set(taken)
    clashes = sorted((index for index in _bound(expression) if index_name(index) in names), key=index_name)
    if not clashes:
        return expression
    names |= {index_name(index) for index in expression.atoms(Idx)}
    renaming = {}
    for index in clashes:
        renaming[index] = primed(index, names)
        names.add(index_name(renaming[index]))
    return _with_bound(expression, renaming)


@lru_cache(maxsize=8192)
def _bound(expression: Expr) -> frozenset[Idx]:
    """Return the indices that the sums (and the like) in an expression bind."""
    return frozenset(limits[0] for total in expression.atoms(ExprWithLimits) for limits in total.limits)


def _with_bound(expression: Expr, renaming: Mapping[Idx, Idx]) -> Expr:
    if not expression.args:
        return expression
    if isinstance(expression, ExprWithLimits):
        inner: dict[Expr, Expr] = {}
        limits: list[Tuple] = []
        for variable, *bounds in reversed(expression.limits):
            limits.insert(0, Tuple(renaming.get(variable, variable), *(substitute(bound, inner) for bound in bounds)))
            if variable in renaming:
                inner[variable] = renaming[variable]
        return _binder(expression)(_with_bound(substitute(expression.function, inner), renaming), *limits)
    args = tuple(_with_bound(arg, renaming) for arg in expression.args)
    return expression if args == expression.args else expression.func(*args)


def primed(index: Idx, taken: Iterable[str]) -> Idx:
    """Return an index of the same range whose name is not taken: `i`, `i'`, `i''`, …"""
    name = index_name(index)
    used = set(taken)
    while name in used:
        name += "'"
    return same_range(index, name)


def same_range(index: Idx, name: str) -> Idx:
    """Return an index of the given name running over the range of `index`."""
    if index_name(index) == name:
        return index
    return Idx(Symbol(name, integer=True), (index.lower, index.upper))


def guarded(expression: Expr, guard: object) -> Expr:
    """Return `expression` where `guard` holds and 0 elsewhere."""
    return expression if guard == True else Piecewise((expression, guard), (Integer(0), True))  # noqa: E712 - sympy's true


def whole_sides(left: Expr, right: Expr) -> tuple[Expr, Expr]:
    """Return the sides of a condition on indices times their common denominator: `s < t/2` compares `2*s` and `t`."""
    sides = [left.expand(), right.expand()]
    numbers = [number for side in sides for number in side.as_coefficients_dict().values()]
    scale = ilcm(1, *(number.q for number in numbers if isinstance(number, Rational)))
    return (sides[0] * scale).expand(), (sides[1] * scale).expand()
