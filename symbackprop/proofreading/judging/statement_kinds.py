"""A formula of the text as statements: chains of sides, each with the prose before it, and what kind of statement each `=` is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from symbackprop.formula.read.name_table import Kind, Names
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
_IF = re.compile(r"(?:\b(?:if|iff|when(?:ever)?|unless)|当|若|如果|假如)\W{0,3}$", re.I)
_SETTING = re.compile(r"(?:\blet|\bset(?:ting)?|\btake|\bwith|\bassume|\bgiven|令|设|取|固定为)\W{0,3}$", re.I)
NEARBY = 60
FARTHEST = 600  # characters before a formula in which the case that is spoken of is told
#: Words before a formula, inside it, that make it a condition.
_CONDITION = ("if", "when", "where", "for", "若", "当", "如果")
_ANEW = re.compile(r"(?:\b(?:let|define|denote|redefine|suppose|assume)(?: us| that| now)*|令|设|记|定义|假设)\W{0,3}$", re.I)
_CONSTRAINT = re.compile(
    r"(?:\bs\.\s?t\.|\bsubject to\b|\bsuch that\b|\bconstrain(?:t|ed)\b|\bunder the (?:condition|assumption)\b"
    r"|\brequir(?:e|ing)\b|约束|满足|使得|条件)[^.。;；$]{0,25}$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One chain `a = b = c` of a formula; `prose` is the text just before the formula."""

    chain: Chain
    fragment: Fragment
    prose: str
    names: Names  # by which the formula was read
    text: str  # the formula with what was malformed put right: what the places in the chain refer to
    number: int  # of the chain in its formula
    order: int = 0  # of the statement in its document
    words: str = ""  # just before the chain, inside the formula
    section: int = 0  # how many headings stand before it
    before: str = ""  # the text of its section before it, as far as it may matter
    lost: frozenset[str] = frozenset()  # functions of which a formula since the last statement says something that was not read
    in_layers: Mapping[int, Chain] = field(default_factory=dict)  # what a formula for any layer says in each of them
    goes_on: bool = False  # with a side that could not be read: the first `=` states nothing

    @property
    def meanings(self) -> tuple[Chain, ...]:
        """What is judged: the chain itself, or what it says in each layer."""
        return tuple(self.in_layers.values()) or (self.chain,)


def chains(formula: Formula) -> Iterator[tuple[Chain, str]]:
    """Yield the chains of a formula in order, each with the words before it: rows and lines are taken apart."""
    waiting = [(formula, "")]
    while waiting:
        node, words = waiting.pop()
        if isinstance(node, Chain):
            yield node, words
        elif isinstance(node, Row):
            waiting.extend(reversed(_joined(node)))
        elif isinstance(node, Group):
            waiting.append((node.body, words))


def _joined(row: Row) -> list[tuple[Formula, str]]:
    """Return what a row says with the words before it, without the conditions that it says it under."""
    words = [item.text.strip().lower() if isinstance(item, Text) else "" for item in row.items]
    return [
        (item, word)
        for item, word in zip(row.items, ("", *words), strict=False)
        if not isinstance(item, Text) and word not in _CONDITION
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


def is_condition(statement: Statement) -> bool:
    """Whether the prose before a formula makes it a condition, and says of no name what it is (`if P = Q`)."""
    return not statement.fragment.display and bool(_IF.search(statement.prose[-NEARBY:].rstrip(" \n*_")))


def is_setting(statement: Statement) -> bool:
    """Whether the prose before a formula chooses a number (`let x = 3`)."""
    return bool(_SETTING.search(statement.prose[-NEARBY:].rstrip(" \n*_")))


def is_index(side: Formula, names: Names) -> bool:
    """Whether a side is an index letter, `l = L`: no claim, but which place is meant."""
    return isinstance(side, Name) and side.name in names.entries and names.kind(side.name) is Kind.INDEX


def is_set_anew(statement: Statement) -> bool:
    """Whether the prose before a formula says that a name stands for something from here on (`let z = …`)."""
    return bool(_ANEW.search(statement.prose[-NEARBY:].rstrip(" \n*_")))


def is_written_with_dots(side: Formula) -> bool:
    """Whether a side lists things, `(x_1, …, x_n)`: what there is, and not what it is worth."""
    return any(isinstance(node, Row) or node == Name("dots") for node in walk(side))


def is_constraint(statement: Statement) -> bool:
    """Whether a formula says under what condition something is done (`s.t. Σ_k p_k = 1`)."""
    return any(bool(_CONSTRAINT.search(words)) for words in (statement.words, statement.prose[-NEARBY:]))


def names_in(formula: Formula, environment: Knowledge) -> set[str]:
    """Return the names of a formula, aliases exchanged."""
    return {environment.canonical(node.name) for node in walk(formula) if isinstance(node, Name | Indexed)}


def has_change(formula: Formula) -> bool:
    """Whether a formula speaks of a change Δ or of a new value w⁺."""
    return any(isinstance(node, Update) or (isinstance(node, Decorated) and node.kind == "Delta") for node in walk(formula))
