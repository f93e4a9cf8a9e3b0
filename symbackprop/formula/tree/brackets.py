"""Where brackets are forced by the structure: the one rule by which printers add them and the reader drops them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from symbackprop.errors import InternalError
from symbackprop.formula.tree.tree import (
    BigSum,
    Branch,
    Call,
    Cases,
    Chain,
    Decorated,
    Delta,
    Element,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Logic,
    Nabla,
    Name,
    Neg,
    Partial,
    Power,
    Product,
    Row,
    Sum,
    Transpose,
    Update,
)
from symbackprop.formula.tree.walk import children, replace, with_children

# How tightly a formula holds together, loosest first.
ROW, STATEMENT, SUM, HADAMARD, PRODUCT, PREFIXED, RAISED, ATOM = range(8)


class Slot(Enum):
    """A place for a formula, with the loosest level that stands there without brackets."""

    FREE = "anything: between braces or bars"
    ITEM = "an item of a row, a part of a condition"
    SIDE = "one side of a relation, an argument"
    TERM = "a term of a sum"
    NEGATED = "behind a minus"
    ELEMENTWISE = "a factor of an elementwise product"
    ELEMENTWISE_LAST = "the last factor of an elementwise product"
    FIRST_FACTOR = "the first factor of a product"
    FACTOR = "a factor in the middle of a product"
    LAST_FACTOR = "the last factor of a product"
    SUMMAND = "the body of a big sum"
    INLINE_NUMERATOR = "before a slash"
    INLINE_DENOMINATOR = "behind a slash"
    PREFIX_BODY = "behind a nabla or a capital delta"
    VARIABLE = "behind the sign of a derivative"
    BASE = "under a superscript"
    POWERED = "under an exponent"
    INDEX = "an index"


Slots = Callable[[Any, int], tuple[Slot, ...]]  # the slots of a formula of so many parts

_LOOSEST: dict[Slot, int] = {
    Slot.FREE: ROW,
    Slot.ITEM: STATEMENT,
    Slot.SIDE: SUM,
    Slot.TERM: HADAMARD,
    Slot.NEGATED: HADAMARD,
    Slot.ELEMENTWISE: PRODUCT,
    Slot.ELEMENTWISE_LAST: PRODUCT,
    Slot.FIRST_FACTOR: PREFIXED,
    Slot.FACTOR: PREFIXED,
    Slot.LAST_FACTOR: PREFIXED,
    Slot.SUMMAND: HADAMARD,
    Slot.INLINE_NUMERATOR: PRODUCT,
    Slot.INLINE_DENOMINATOR: PREFIXED,
    Slot.PREFIX_BODY: RAISED,
    Slot.VARIABLE: RAISED,
    Slot.BASE: ATOM,
    Slot.POWERED: ATOM,
    Slot.INDEX: SUM,
}

_LEVEL: dict[type[Formula], int] = {
    Row: ROW,
    Branch: ROW,
    Chain: STATEMENT,
    Logic: STATEMENT,
    Sum: SUM,
    Neg: SUM,
    Hadamard: HADAMARD,
    Product: PRODUCT,
    BigSum: PRODUCT,
    Nabla: PREFIXED,
    Partial: PREFIXED,
    Cases: PREFIXED,
    Power: RAISED,
    Transpose: RAISED,
    Update: RAISED,
}


def level(formula: Formula) -> int:
    """Return how tightly a formula holds together, `ROW` … `ATOM`."""
    match formula:
        case Fraction(inline=inline):
            return PRODUCT if inline else PREFIXED
        case Indexed(upper=upper) if upper:
            return RAISED
        case Decorated(kind="Delta"):
            return PREFIXED
        case Decorated(kind="prime"):
            return RAISED
    return _LEVEL.get(type(formula), ATOM)


def is_open(formula: Formula) -> bool:
    """Whether the formula would swallow a factor written behind it, as a big sum does."""
    while isinstance(formula, Product | Hadamard):
        formula = formula.factors[-1]
    return isinstance(formula, BigSum)


_EXCEPTIONS: dict[tuple[type[Formula], Slot], bool] = {
    **{(Neg, slot): False for slot in (Slot.SIDE, Slot.TERM, Slot.INDEX)},
    (BigSum, Slot.LAST_FACTOR): False,
    (Fraction, Slot.FIRST_FACTOR): False,
    (Product, Slot.INDEX): True,  # side by side, `X_{n i}` is two indices
}


def is_forced(child: Formula, slot: Slot, layered: frozenset[str] = frozenset()) -> bool:
    """Whether `child` must stand in brackets in `slot`.

    `layered` are the names whose superscript is a layer: `a^2` would be layer 2, so a power of `a` is `(a)^2`.
    """
    exception = _EXCEPTIONS.get((type(child), slot))
    if exception is not None:
        return exception
    if slot in (Slot.ELEMENTWISE, Slot.INLINE_NUMERATOR) and is_open(child):
        return True
    if slot is Slot.POWERED and isinstance(child, Name | Indexed) and child.name in layered:
        return True
    return level(child) < _LOOSEST[slot]


def looks_like_call(left: Formula, right: Formula) -> bool:
    """Whether `left right` side by side would look like a function with its argument, as `w (x)` does."""
    while True:
        match left:
            case Nabla(body=inner) | Decorated(body=inner) | Power(base=inner):
                left = inner
            case _:
                break
    is_argument = isinstance(right, Group) and isinstance(right.body, Name | Indexed | Row)
    return is_argument and isinstance(left, Name | Indexed)


def needs_brackets_to_count(variable: Formula, layered: frozenset[str]) -> bool:
    """Whether the variable of a higher derivative needs brackets before its `^2`; looser ones have them already."""
    return level(variable) >= RAISED and is_forced(variable, Slot.POWERED, layered)


def _all(slot: Slot) -> Slots:
    return lambda formula, count: (slot,) * count


def _row_of(first: Slot, middle: Slot, last: Slot) -> Slots:
    return lambda formula, count: (first, *(middle,) * (count - 2), last)


def _first(slot: Slot) -> Slots:
    return lambda formula, count: (slot, *(Slot.FREE,) * (count - 1))


def _fraction(formula: Any, count: int) -> tuple[Slot, ...]:
    return (Slot.INLINE_NUMERATOR, Slot.INLINE_DENOMINATOR) if formula.inline else (Slot.FREE, Slot.FREE)


def _decorated(formula: Any, count: int) -> tuple[Slot, ...]:
    return ({"Delta": Slot.PREFIX_BODY, "prime": Slot.BASE}.get(formula.kind, Slot.FREE),)


def _power(formula: Formula, count: int) -> tuple[Slot, ...]:
    return (Slot.POWERED, Slot.FREE)


def _element(formula: Any, count: int) -> tuple[Slot, ...]:
    return (Slot.BASE, *(Slot.INDEX,) * len(formula.indices))


def _call(formula: Any, count: int) -> tuple[Slot, ...]:
    return (Slot.FREE, *(Slot.SIDE,) * len(formula.arguments))


_SLOTS: dict[type[Formula], Slots] = {
    Row: _all(Slot.ITEM),
    Logic: _all(Slot.ITEM),
    Chain: _all(Slot.SIDE),
    Sum: _all(Slot.TERM),
    Neg: _all(Slot.NEGATED),
    Hadamard: _row_of(Slot.ELEMENTWISE, Slot.ELEMENTWISE, Slot.ELEMENTWISE_LAST),
    Product: _row_of(Slot.FIRST_FACTOR, Slot.FACTOR, Slot.LAST_FACTOR),
    BigSum: _first(Slot.SUMMAND),
    Fraction: _fraction,
    Decorated: _decorated,
    Nabla: _first(Slot.PREFIX_BODY),
    Partial: _all(Slot.VARIABLE),
    Power: _power,
    Transpose: _first(Slot.BASE),
    Update: _first(Slot.BASE),
    Element: _element,
    Delta: _all(Slot.INDEX),
    Call: _call,
    Cases: _all(Slot.FREE),
    Branch: _all(Slot.ITEM),
    Indexed: _all(Slot.INDEX),
}


def slots(formula: Formula, count: int | None = None) -> tuple[Slot, ...]:
    """Return the slot of each part of `formula`, in the order of `children`; `count` is how many there are, if known."""
    find = _SLOTS.get(type(formula))
    count = len(children(formula)) if count is None else count
    found = (Slot.FREE,) * count if find is None else find(formula, count)
    if len(found) != count:
        raise InternalError(f"slots of {type(formula).__name__}: {len(found)} for {count} parts")
    return found


def _says_nothing(group: Group) -> bool:
    """Whether the kind of bracket has no meaning of its own, as it has in the interval `[0, 1]` and the set `{0, 1}`."""
    return group.bracket == "(" or not isinstance(group.body, Row)


def normalise(formula: Formula, layered: frozenset[str] = frozenset()) -> Formula:
    """Drop every `Group` whose brackets the structure forces anyway.

    >>> from symbackprop.formula.tree.tree import Product
    >>> normalise(Product((Name("a"), Group(Sum((Name("b"), Name("c")))))))
    Product(factors=(Name(name='a'), Sum(terms=(Name(name='b'), Name(name='c')))))
    """

    def drop(node: Formula) -> Formula:
        parts = children(node)
        kept = tuple(
            part.body if isinstance(part, Group) and _says_nothing(part) and is_forced(part.body, slot, layered) else part
            for part, slot in zip(parts, slots(node), strict=True)
        )
        unchanged = all(new is old for new, old in zip(kept, parts, strict=True))
        return node if unchanged else with_children(node, kept)

    return replace(formula, drop)
