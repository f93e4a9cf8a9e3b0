"""A formula of the text as statements: chains of sides, each with the prose before it, and what kind of statement each `=` is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.formula.tree.tree import Call, Chain, Decorated, Formula, Group, Indexed, Name, Row, Text, Update
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.meaning.values import Knowledge
from symbackprop.proofreading.text.document import Fragment

_GOAL = re.compile(
    r"目标|想让|希望|要让|使得?.{0,4}变到|达到|\bgoal\b|\bwant|\bdesired\b|\baim\b|should (?:become|be)\b|we need\b"
    r"|would (?:satisfy|be|have|become)\b",
    re.I,
)
_CASE = re.compile(r"(?:\bif|\bwhen(?:ever)?|\bfor|\bcase|\bsuppose|当|若|如果|假如|假设|设|取|\bwhere)\W{0,3}$", re.I)
_SETTING = re.compile(r"(?:\blet|\bset(?:ting)?|\btake|\bwith|\bassume|\bgiven|令|设|取|固定为)\W{0,3}$", re.I)
NEARBY = 60
#: Words before a formula, inside it, that make it a condition.
_CONDITION = ("if", "when", "where", "for", "若", "当", "如果")


@dataclass(frozen=True, slots=True)
class Statement:
    """One chain `a = b = c` of a formula; `prose` is the text just before the formula."""

    chain: Chain
    fragment: Fragment
    prose: str
    heading: int  # how many headings stand before it: a section of its own


def chains(formula: Formula) -> Iterator[Chain]:
    """Yield the chains of a formula in order: rows and lines are taken apart, prose is left out."""
    waiting = [formula]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Chain):
            yield node
        elif isinstance(node, Row):
            waiting.extend(reversed(_joined(node)))
        elif isinstance(node, Group):
            waiting.append(node.body)


def _joined(row: Row) -> list[Formula]:
    """Return what a row says, without its prose and without the conditions that it says it under."""
    before = (None, *row.items)
    return [
        item
        for item, word in zip(row.items, before, strict=False)
        if not isinstance(item, Text) and not (isinstance(word, Text) and word.text.strip().lower() in _CONDITION)
    ]


def head(formula: Formula) -> str | None:
    """Return the name that a side consists of (`w7`, `J(w, b)`, `x_i`), else None."""
    while isinstance(formula, Group):
        formula = formula.body
    if isinstance(formula, Call):
        formula = formula.function
    if isinstance(formula, Name | Indexed):
        return formula.name
    return None


def is_goal(statement: Statement) -> bool:
    """Whether the prose before a formula speaks of what is wanted, not of what is."""
    return bool(_GOAL.search(statement.prose[-NEARBY:]))


def is_case(statement: Statement) -> bool:
    """Whether the prose before a formula makes it a condition (`if t = 0`)."""
    return not statement.fragment.display and bool(_CASE.search(statement.prose[-NEARBY:].rstrip(" \n*_")))


def is_setting(statement: Statement) -> bool:
    """Whether the prose before a formula chooses a number (`let x = 3`)."""
    return bool(_SETTING.search(statement.prose[-NEARBY:].rstrip(" \n*_")))


def names_in(formula: Formula, environment: Knowledge) -> set[str]:
    """Return the names of a formula, aliases exchanged."""
    return {environment.canonical(node.name) for node in walk(formula) if isinstance(node, Name | Indexed)}


def has_change(formula: Formula) -> bool:
    """Whether a formula speaks of a change Δ or of a new value w⁺."""
    return any(isinstance(node, Update) or (isinstance(node, Decorated) and node.kind == "Delta") for node in walk(formula))
