"""Going through a written formula: `children`, `walk`, `nodes` of a kind, `replace`, all without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from dataclasses import replace as replace_fields
from typing import Any, TypeVar, overload

from symbackprop.formula.tree.tree import KINDS, Formula

T = TypeVar("T")
Kind = TypeVar("Kind", bound=Formula)
Other = TypeVar("Other", bound=Formula)


_PLAIN = frozenset({"str", "bool", "float", "int", "tuple[str, ...]"})  # types of fields in which there is no formula


def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(entry.name for entry in fields(kind) if entry.name != "span" and entry.type not in _PLAIN)


_FIELDS: Mapping[type[Formula], tuple[str, ...]] = {kind: _field_names(kind) for kind in KINDS}


def children(formula: Formula) -> tuple[Formula, ...]:
    """Return the parts directly under a node, in written order."""
    names = _FIELDS[type(formula)]
    if not names:  # most nodes are names and numbers
        return ()
    found: list[Formula] = []
    for name in names:
        value = getattr(formula, name)
        if isinstance(value, Formula):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(item for item in value if isinstance(item, Formula))
    return tuple(found)


def is_deeper(formula: Formula, levels: int) -> bool:
    """Whether parts lie in parts over more than so many levels."""
    waiting = [formula]
    for _ in range(levels):
        waiting = [part for node in waiting for part in children(node)]
        if not waiting:
            return False
    return bool(waiting)


def with_children(formula: Formula, parts: tuple[Formula, ...]) -> Formula:
    """Return the node with the parts from `children` exchanged for `parts`, one for one."""
    remaining = iter(parts)
    changes: dict[str, Any] = {}
    for name in _FIELDS[type(formula)]:
        value = getattr(formula, name)
        if isinstance(value, Formula):
            changes[name] = next(remaining)
        elif isinstance(value, tuple) and value and isinstance(value[0], Formula):
            changes[name] = tuple(next(remaining) for _ in value)
    return replace_fields(formula, **changes) if changes else formula


def walk(formula: Formula) -> Iterator[Formula]:
    """Yield the formula and everything in it, each node before its parts, left to right."""
    stack = [formula]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


@overload
def nodes(formula: Formula, kind: type[Kind], /) -> Iterator[Kind]: ...


@overload
def nodes(formula: Formula, kind: type[Kind], other: type[Other], /) -> Iterator[Kind | Other]: ...


def nodes(formula: Formula, *kinds: type[Formula]) -> Iterator[Formula]:
    """Yield the nodes of some kinds in a formula, in the order of `walk`."""
    return (node for node in walk(formula) if isinstance(node, kinds))


def replace(formula: Formula, change: Callable[[Formula], Formula]) -> Formula:
    """Rebuild the formula from the leaves up; `change` gets each node, its parts already rebuilt.

    >>> from symbackprop.formula.tree.tree import Name, Sum
    >>> replace(Sum((Name("a"), Name("b"))), lambda node: Name("c") if node == Name("b") else node)
    Sum(terms=(Name(name='a'), Name(name='c')))
    """

    def rebuild(node: Formula, parts: tuple[Formula, ...]) -> Formula:
        unchanged = all(new is old for new, old in zip(parts, children(node), strict=True))
        return change(node if unchanged else with_children(node, parts))

    return fold(formula, rebuild)


def fold(
    formula: Formula,
    combine: Callable[[Formula, tuple[T, ...]], T],
    leaf: Callable[[Formula], T | None] = lambda node: None,
) -> T:
    """Compute a value from the leaves up; `combine` gets each node with the values of its parts.

    Where `leaf` knows a value for a node, its parts are not looked at.
    """
    done: list[T] = []
    stack: list[tuple[Formula, int]] = [(formula, -1)]  # a node, and how many values of its parts are done (-1: not begun)
    while stack:
        node, count = stack.pop()
        if count < 0:
            known = leaf(node)
            if known is not None:
                done.append(known)
                continue
            parts = children(node)
            if parts:
                stack.append((node, len(parts)))
                stack.extend((part, -1) for part in reversed(parts))
                continue
            count = 0
        first = len(done) - count
        values = tuple(done[first:])
        del done[first:]
        done.append(combine(node, values))
    return done[0]
