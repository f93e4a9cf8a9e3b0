"""Indices with ranges: declaring them, finding the free ones, and renaming them without capture.

An index is a `sympy.Idx` that runs over `0 .. size-1`; its size is a positive integer symbol, a number, or a difference of
those (`t:T-F+1`). `Sum` binds an index; everything here respects that binding, which sympy's own `subs` and `diff` do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from sympy import Add, Expr, Idx, Indexed, Integer, Piecewise, Sum, Symbol, Tuple

from symbackprop.errors import DefinitionError

_TERM = re.compile(r"([+-]?)(\d+|[^\W\d]\w*)")


def size_symbol(name: str) -> Symbol:
    """Return the symbol of a size: a positive integer."""
    return Symbol(name, integer=True, positive=True)


def parse_size(text: str, where: str) -> Expr:
    """Read a size such as `N`, `3` or `T-F+1` (signed terms only).

    Raises DefinitionError naming `where` for anything else.
    """
    total: Expr = Integer(0)
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or (position and not match.group(1)):
            raise DefinitionError(
                f"indices: size {text!r} of {where}: expected a name, a number or signed terms such as T-F+1, "
                f"got {text[position:]!r} at position {position}"
            )
        word = match.group(2)
        value = Integer(word) if word.isdigit() else size_symbol(word)
        total = total - value if match.group(1) == "-" else total + value
        position = match.end()
    if not text or total.is_nonpositive:
        raise DefinitionError(f"indices: size {text!r} of {where}: expected a positive size, got {total}")
    return total


def size_text(size: Expr) -> str:
    """Write a size as `parse_size` reads it, what is taken away after what is there: `T-F+1`."""
    terms = sorted(Add.make_args(size), key=lambda term: (term.is_number, bool(term.could_extract_minus_sign()), str(term)))
    signed = "".join(f"{'' if term.could_extract_minus_sign() else '+'}{term}" for term in terms)
    return signed.removeprefix("+").replace(" ", "")


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


def addresses(expression: Expr) -> tuple[Idx, ...]:
    """Return the indices in an address such as `i + u`, in order of name."""
    return tuple(sorted(expression.atoms(Idx), key=index_name))


def free_indices(expression: Expr) -> frozenset[Idx]:
    """Return the indices that no `Sum` inside the expression binds."""
    if isinstance(expression, Idx):
        return frozenset((expression,))
    if not expression.args:
        return frozenset()
    if isinstance(expression, Sum):
        free = set(free_indices(expression.function))
        for limits in expression.limits:  # the innermost comes first
            free.discard(limits[0])
            for bound in limits[1:]:
                free |= free_indices(bound)
        return frozenset(free)
    if isinstance(expression, Indexed):
        return frozenset().union(*(free_indices(address) for address in expression.indices))
    return frozenset().union(*(free_indices(arg) for arg in expression.args))


def substitute(expression: Expr, mapping: Mapping[Expr, Expr]) -> Expr:
    """Replace free indices (or symbols) by expressions, never capturing: a `Sum` that binds a replaced index shadows it,
    and one that binds an index occurring in a replacement is renamed first (`i` becomes `i'`)."""
    if not mapping:
        return expression
    if expression in mapping:
        return mapping[expression]
    if not expression.args or isinstance(expression, Idx):
        return expression
    if isinstance(expression, Sum):
        return _substitute_sum(expression, mapping)
    if isinstance(expression, Indexed):
        base = mapping.get(expression.base, expression.base)
        return base[tuple(substitute(address, mapping) for address in expression.indices)]
    changed = tuple(substitute(arg, mapping) for arg in expression.args)
    if changed == expression.args:
        return expression
    return expression.func(*changed)


def _substitute_sum(expression: Sum, mapping: Mapping[Expr, Expr]) -> Expr:
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
    return Sum(substitute(expression.function, inner), *limits)


def primed(index: Idx, taken: Iterable[str]) -> Idx:
    """Return an index of the same range whose name is not taken: `i`, `i'`, `i''`, …"""
    name = index_name(index)
    used = set(taken)
    while name in used:
        name += "'"
    return same_range(index, name)


def same_range(index: Idx, name: str) -> Idx:
    """Return an index of the given name running over the range of `index`."""
    return Idx(Symbol(name, integer=True), (index.lower, index.upper))


def guarded(expression: Expr, guard: object) -> Expr:
    """Return `expression` where `guard` holds and 0 elsewhere."""
    return expression if guard == True else Piecewise((expression, guard), (Integer(0), True))  # noqa: E712 - sympy's true
