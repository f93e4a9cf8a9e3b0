"""Two sides laid one upon the other: what a name must stand for if both are the same formula.

`σ(Net_h1) = σ(w1 l1 + b1)` says what `Net_h1` is; `w1 i1 + b1 = 0.15·0.05 + 0.35` says that numbers were put in for names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from symbackprop.formula.tree.tree import Formula, Fraction, Group, Indexed, Name, Number, Product
from symbackprop.formula.tree.walk import children

Bindings = dict[Formula, Formula]
MOST_STEPS = 5000


def match(
    left: Formula, right: Formula, is_free: Callable[[Formula], bool], body_of: Callable[[Formula], Formula | None]
) -> Bindings | None:
    """Return what free names of either side stand for in the other; None where the sides are not of one shape.

    `body_of` gives the definition of a name that has one: it is laid down in its place where the name itself does not fit.
    """
    found: Bindings = {}
    waiting = [(left, right)]
    steps = 0
    while waiting:
        steps += 1
        if steps > MOST_STEPS:  # definitions that go in a circle
            return None
        first, second = map(_bare, waiting.pop())
        inside = _laid(first, second, found, is_free, body_of)
        if inside is None:
            return None
        waiting += inside
    return found


def _laid(
    first: Formula,
    second: Formula,
    found: Bindings,
    is_free: Callable[[Formula], bool],
    body_of: Callable[[Formula], Formula | None],
) -> Iterable[tuple[Formula, Formula]] | None:
    """Lay one node upon another: return what inside them is still to be laid, None where they do not fit."""
    if first == second:
        return ()
    pair = next(((a, b) for a, b in ((first, second), (second, first)) if is_free(a)), None)
    if pair is not None:
        return () if found.setdefault(*pair) == pair[1] else None
    if _plain(first) != _plain(second):
        return _with_body(first, second, body_of)
    parts, others = children(first), children(second)
    return zip(parts, others, strict=True) if parts and len(parts) == len(others) else None


def _with_body(
    first: Formula, second: Formula, body_of: Callable[[Formula], Formula | None]
) -> list[tuple[Formula, Formula]] | None:
    """Return the two with a definition in the place of the name, where one of them has one."""
    body = body_of(first)
    if body is not None:
        return [(body, second)]
    body = body_of(second)
    return None if body is None else [(first, body)]


def _bare(formula: Formula) -> Formula:
    """Return a formula without brackets around it and without factors 1."""
    while True:
        if isinstance(formula, Group):
            formula = formula.body
        elif isinstance(formula, Product) and Number("1") in formula.factors:
            rest = tuple(factor for factor in formula.factors if factor != Number("1"))
            if not rest:
                return Number("1")
            formula = Product(rest) if len(rest) > 1 else rest[0]
        else:
            return formula


def _plain(formula: Formula) -> tuple[object, ...]:
    """Return what two nodes must have in common to be laid one upon the other."""
    if isinstance(formula, Fraction):
        return (Fraction,)
    if isinstance(formula, Name | Number | Indexed):
        return (formula,)
    return (type(formula), len(children(formula)))


def is_entry(formula: Formula) -> bool:
    """Whether a formula is a name, or an entry of an array with whole-number places."""
    return isinstance(formula, Name) or (
        isinstance(formula, Indexed) and all(isinstance(index, Number) for index in (*formula.indices, *formula.upper))
    )


def are_likes(one: Formula, other: Formula) -> bool:
    """Whether two formulas are names that differ in their numbers alone, `y_1` and `y_2`: two things, never one."""
    return isinstance(one, Name) and isinstance(other, Name) and one != other and family(one.name) == family(other.name)


def family(name: str) -> str:
    """Return a name with its numbers taken out: the likes of one unit are called alike."""
    return re.sub(r"\d+", "#", name)
