"""The statements of a document in order: what each `=` is, and what is known after it.

A claim is judged; a definition, a chosen number, a new value of a parameter and a goal are taken in. What was known before stays
within reach, because texts go back to earlier numbers without saying so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

import mpmath
from mpmath import mpf

from symbackprop.formula.print.text import text as written_on_a_line
from symbackprop.formula.tree.tree import (
    BigSum,
    Call,
    Chain,
    Decorated,
    Formula,
    Fraction,
    Group,
    Indexed,
    Matrix,
    Nabla,
    Name,
    Neg,
    Number,
    Partial,
    Product,
    Row,
    Sum,
    Text,
    Update,
)
from symbackprop.formula.tree.walk import replace as replaced
from symbackprop.formula.tree.walk import walk
from symbackprop.functions import BY_NAME
from symbackprop.proofreading.claims import HOLDS, ClaimStatus, ClaimVerdict
from symbackprop.proofreading.judging.certainty import (
    PATHS_LEFT_OUT,
    TOLD_AGAIN,
    TOLD_ELSEWHERE,
    UNSAID,
    doubt,
    function_name,
    links_are_known,
    of_no_layer,
    open_in_words,
    says_nothing,
    within_rounding,
)
from symbackprop.proofreading.judging.judge import compare_at, free_indices, judge, same
from symbackprop.proofreading.judging.matching import Bindings, are_likes, is_entry, match
from symbackprop.proofreading.judging.open_names import (
    by_the_chain_rule,
    holds_for_vectors,
    holds_whatever_they_are,
    holds_whatever_words_mean,
    holds_with_equal_lengths,
    holds_with_some_shape,
    through_named_slopes,
)
from symbackprop.proofreading.judging.other_meanings import as_entries, other_meanings, speak_of_entries
from symbackprop.proofreading.judging.points import is_finer, leaves, names_reached, points_for, random_points, reached
from symbackprop.proofreading.judging.said_before import MOST_CONDITIONS, in_its_set, moved_a_little, near, with_conditions
from symbackprop.proofreading.judging.statement_kinds import (
    NEARBY,
    Statement,
    is_case,
    is_condition,
    is_constraint,
    is_goal,
    is_index,
    is_set_anew,
    is_setting,
    is_written_with_dots,
)
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.known_functions import IN_WORDS, any_function
from symbackprop.proofreading.meaning.layer_families import as_written
from symbackprop.proofreading.meaning.printed import (
    as_numbers,
    half_unit,
    is_about_a_power_of_ten,
    is_numeric,
    is_rounded,
    printed_number,
)
from symbackprop.proofreading.meaning.values import DIGITS, Definition, Key, Knowledge, Valuation, spelled, written
from symbackprop.proofreading.shapes.array_shapes import BOLD

Pair = tuple[Formula, Formula, ClaimVerdict]
MOST_CHANGES = 40
MOST_PRINTED = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """One `=` that does not hold as it stands."""

    left: Formula
    right: Formula
    environment: Knowledge
    statement: Statement
    verdict: ClaimVerdict


def _said_of(one: str, other: str, claim: Claim) -> Iterator[bool]:
    """Yield whether two letters are said to be equal (True), or to differ (False)."""
    one, other = as_written(one), as_written(other)
    if frozenset((one, other)) in claim.environment.apart:
        yield False
    text = claim.statement.before + claim.statement.prose[-NEARBY:] + claim.statement.fragment.text
    if re.search(rf"(?<![A-Za-z\\_])(?:{one}\s*=+\s*{other}|{other}\s*=+\s*{one})(?![A-Za-z_^(])", text):
        yield True


@dataclass(slots=True)
class Course:
    """What is known, and what was known before; `take` reads one statement."""

    environment: Knowledge
    history: list[Mapping[Key, mpf]] = field(default_factory=list)
    cases: dict[Key, mpf] = field(default_factory=dict)
    beginnings: dict[Key, mpf] = field(default_factory=dict)  # the first number each name was given
    stepped: set[Key] = field(default_factory=set)  # names of which the first number is what a step gives
    assumed: dict[str, str] = field(default_factory=dict)  # names that were taken to mean something, and why
    text: str = ""  # the whole document
    fixed: frozenset[str] = frozenset()  # names that a network defines: no text can define them anew
    firsts: dict[str, Definition] = field(default_factory=dict)  # what names stood for before they were set anew
    told_in: dict[str, int] = field(default_factory=dict)  # the section that says what a function is
    section: int = 0  # where we are
    began_in: dict[Key, int] = field(default_factory=dict)
    given_in: dict[Key, int] = field(default_factory=dict)  # the section that gives a name its number
    meant_here: set[tuple[str, int]] = field(default_factory=set)  # functions of another section, and the section that means them
    told: dict[tuple[str, int], set[Definition]] = field(default_factory=dict)  # what each section says of a function
    at: int = -1  # which statement we are at
    definers: dict[str, Statement] = field(default_factory=dict)  # which defines a name, or (`w =`) gives it its first number

    def take(self, statement: Statement) -> list[Pair]:
        """Return the verdict on each relation of a chain, and take in what it says."""
        self.section, self.at = statement.section, statement.order
        if not statement.fragment.display and "\n\n" in statement.prose[-200:]:
            self.cases.clear()
        for name in statement.lost:
            self._forget_function(name)
        taken = [self._taken(statement, chain) for chain in statement.meanings]
        return in_every_layer(statement.chain, taken) if statement.in_layers else taken[0]

    def _taken(self, statement: Statement, chain: Chain) -> list[Pair]:
        with mpmath.workdps(DIGITS):
            parts = [self.meant(part) for part in chain.parts]
            found = list(self._pairs(statement, parts, chain.relations))
            self._put_in(parts)
            self._note_printed(parts, found)
            self._note_conditions(found, statement.order)
        return _ends(found, self)

    def again(self, environment: Knowledge) -> Course:
        """Return a second reading: every definition of the first one is known from the start, numbers and functions are not."""
        self.begin_again()
        kept = {name: found for name, found in self.environment.definitions.items() if not found.arguments}
        environment.definitions.update({name: found for name, found in kept.items() if name not in environment.definitions})
        return self.once_more(environment, self.text)

    def once_more(self, environment: Knowledge, text: str) -> Course:
        """Return a course over the same statements that knows which of them say what a name is."""
        found = Course(environment, assumed=self.assumed, text=text, fixed=self.fixed, definers=self.definers)
        found.meant_here, found.told, found.given_in = self.meant_here, self.told, self.first_in()
        return found

    def first_in(self) -> dict[Key, int]:
        """Return the sections in which names get their first numbers."""
        return {**self.given_in, **self.began_in}

    def begin_again(self) -> None:
        """Let every name that was set anew stand for what it stood for at first."""
        self.environment.definitions.update(self.firsts)

    def begun(self) -> dict[Key, mpf]:
        """Return the first number each name was given, without what can be worked out: what the text prints for it is a claim."""
        given = {key: value for key, value in self.environment.given.items() if key not in self.stepped}
        return {key: value for key, value in {**given, **self.beginnings}.items() if not self._can_work_out(key)}

    def _can_work_out(self, key: Key) -> bool:
        """Whether a formula and other numbers give what a name is worth."""
        if not self._knows(key):
            return False
        given = {other: value for other, value in self.environment.given.items() if other != key}
        try:
            Valuation(replace(self.environment, given=given)).value(written(key))
        except NoValueError:
            return False
        return True

    # ---- one chain

    def _pairs(self, statement: Statement, parts: list[Formula], relations: tuple[str, ...]) -> Iterator[Pair]:
        for number, (relation, left, right) in enumerate(zip(relations, parts, parts[1:], strict=False)):
            if relation not in ("=", ":=", "←", "≈", "≡"):
                continue
            if any(isinstance(side, Text | Row) for side in (left, right)):
                yield left, right, ClaimVerdict(ClaimStatus.UNDECIDED, "a side is said in words")
                continue
            first = self._stated if number == 0 and not statement.goes_on else self._said_on_the_way
            verdict = first(statement, parts[number:], relation)
            if verdict is None:
                verdict = self._claimed(left, right, self.environment, statement)
                verdict = self._as_near(_as_said(verdict, relations[: number + 1], left, right), relation, left, right)
                self._refine(left, right, verdict)
                self._note_functions(left, right, verdict, statement.section)
            yield left, right, verdict

    def _as_near(self, verdict: ClaimVerdict, relation: str, left: Formula, right: Formula) -> ClaimVerdict:
        """Let `f(x + h) ≈ f(x) + h f'(x)` hold to first order."""
        if relation != "≈" or verdict.status is not ClaimStatus.UNDECIDED:
            return verdict
        words = near(left, right, self.environment)
        return ClaimVerdict(ClaimStatus.FIRST_ORDER, words) if words else verdict

    def _note_functions(self, left: Formula, right: Formula, verdict: ClaimVerdict, section: int) -> None:
        """Keep which functions of another section this one means: `f(3 w) = 0.9526` holds with what is said of f there."""
        number = right.text if isinstance(right, Number) else ""
        if verdict.status is ClaimStatus.EXAMPLE and len(number.replace(".", "").lstrip("0")) > 3:
            called = {function_name(node) for node in walk(left) if isinstance(node, Call)}
            self.meant_here |= {(name, section) for name in called & self.told_in.keys()}

    def _refine(self, left: Formula, right: Formula, verdict: ClaimVerdict) -> None:
        """Let `a = σ(z)`, where it holds, say what a is in place of `a = σ(w x + b)`: a derivative by z cuts there."""
        key = self._key(left)
        if verdict.status is not ClaimStatus.ALWAYS or key is None or key[0] in self.fixed or not self._knows(key):
            return
        name = spelled(key) if spelled(key) in self.environment.definitions else str(key[0])
        known = self.environment.definitions[name]
        if is_finer(right, known, self.environment):
            self._defined(key, [left, right])
            finer = self.environment.definitions.get(name)
            self.environment.definitions[name] = replace(finer, source=known.source) if finer else known  # None in a circle

    def _stated(self, statement: Statement, parts: list[Formula], relation: str) -> ClaimVerdict | None:
        """Return the verdict on a first relation that states something (a definition, a number, a step); None for a claim."""
        key = self._key(parts[0])
        if _is_one_place(statement, parts):
            return ClaimVerdict(ClaimStatus.CASE, "a condition")
        if key is None:
            return self._stated_of_no_name(parts, relation, statement)
        name = key[0]
        if self._key(parts[1]) == key or (name in ("e", "pi") and self._is_a_number(parts[1])):
            return None
        if relation in (":=", "←") or (name in self._names(parts[1]) and not self._knows(key)) or self._is_step(key, parts[1]):
            return self._assigned(key, parts, relation)
        if is_change(name):
            return self._first_order(name, parts)
        if _is_a_number(parts[1]):
            return self._chosen(key, parts[1], statement)
        return self._said_of(key, parts, statement)

    def _said_of(self, key: Key, parts: list[Formula], statement: Statement) -> ClaimVerdict | None:
        """`z = w x + b` says what z is, where nothing else does; None where it is a claim."""
        self._forget_what_says_nothing(key, parts[1])
        self._forget_what_was_found(key, parts[1])
        if key[0] in self.fixed or self._knows(key):
            return ClaimVerdict(ClaimStatus.DEFINITION) if self.definers.get(spelled(key)) is statement else None
        verdict = self._defined(key, parts)
        if verdict is not None:
            self.definers.setdefault(spelled(key), statement)
        return verdict

    def _said_on_the_way(self, statement: Statement, parts: list[Formula], relation: str) -> ClaimVerdict | None:
        """`ŷ = σ(z) = 1/(1 + e^-z)`: what σ is, where nothing else says it and the formula is one of its arguments alone."""
        name, arguments = called_with_names(parts[0])
        known = self.environment.definitions.keys() | (self.environment.functions.keys() - self.environment.unsaid)
        if relation != "=" or name in known or _names(parts[1]) - {*arguments, "e", "pi"}:
            return None
        return self._function(parts, statement)

    def _is_step(self, key: Key, side: Formula) -> bool:
        """Whether a side is `w - …` or `w / m` of the very w that it is said to be: its next value."""
        first = side.terms[0] if isinstance(side, Sum) else side.numerator if isinstance(side, Fraction) else None
        return first is not None and key[0] not in self.fixed and self._key(first) == key

    def _normalises(self, parts: list[Formula]) -> bool:
        """Take in `Σ_k p_k = 1`, where nothing else is said of p: its rows sum to 1."""
        total = parts[0]
        if not isinstance(total, BigSum) or parts[1:] != [Number("1")] or not (name := _summed_whole(total)):
            return False
        name = self.environment.canonical(name)
        if name in self.fixed or self._knows((name,)) or any(key[0] == name for key in self.environment.given):
            return False
        ((_, size),) = _bounds(total)
        self.environment.normalised = {**self.environment.normalised, name: size}
        return True

    def _stated_of_no_name(self, parts: list[Formula], relation: str, statement: Statement) -> ClaimVerdict | None:
        if relation == "=" and self._normalises(parts):
            return ClaimVerdict(ClaimStatus.SETTING, "a condition")
        if self._is_new_value(parts[0]) or _is_a_step(*parts[:2]):
            return ClaimVerdict(ClaimStatus.ASSIGNMENT)
        if relation == "=" and self._says_entries(*parts[:2]):
            return ClaimVerdict(ClaimStatus.DEFINITION, "entry by entry")
        if relation == "=" and self._names_a_slope(*parts[:2]):
            return self._defined((parts[1].name,), [parts[1], parts[0]])  # type: ignore[attr-defined]
        return self._function(parts, statement)

    def _says_entries(self, left: Formula, right: Formula) -> bool:
        """Take in a matrix of entries of which nothing is said, and what each of them is."""
        if not isinstance(left, Matrix) or not isinstance(right, Matrix) or left.shape != right.shape:
            return False
        keys = [self._key(entry) or ("",) for entry in left.entries]
        said = {spelled(key): Definition(spelled(key), _alone(body)) for key, body in zip(keys, right.entries, strict=True)}
        is_said = self._are_open(keys, right) and {**said, **self.environment.definitions}.items() >= said.items()
        self.environment.definitions.update(said if is_said else {})
        return is_said

    def _are_open(self, keys: list[Key], right: Formula) -> bool:
        """Whether entries are all different, of one array that has no formula and does not stand in one."""
        arrays = {key[0] if len(key) > 1 else "" for key in keys}
        used = {*self.fixed, *self._names(right), *self.environment.definitions, ""}
        return len(arrays) == 1 and arrays.isdisjoint(used) and len({*keys}) == len(keys)

    def _names_a_slope(self, slope: Formula, name: Formula) -> bool:
        """Whether `∂L/∂u_i = δ_i` says what δ is called, of a loss that has no formula."""
        if not isinstance(slope, Partial) or not isinstance(slope.numerator, Name) or not isinstance(name, Indexed):
            return False
        loss, key = self.environment.canonical(slope.numerator.name), (self.environment.canonical(name.name),)
        said = self._knows(key) and self.environment.definitions[str(key[0])].body != slope
        return (
            not self._knows((loss,)) and not said and bool(index_names(name)) and key[0] not in {*self.fixed, *self._names(slope)}
        )

    def _forget_what_says_nothing(self, key: Key, side: Formula) -> None:
        """Let a name be defined by a formula with a value where the one that it has is without."""
        if key[0] not in self.fixed and self._says_it_at_last(key, side):
            self.environment.definitions.pop(key[0], None)
            self.definers.pop(spelled(key), None)

    def _forget_what_was_found(self, key: Key, side: Formula) -> None:
        """Let a name be what the text says it is, where that is not what was found for it in a formula that it stands in."""
        known = self.environment.definitions.get(spelled(key))
        if known is None or not known.is_found or key[0] in self.fixed or is_numeric(side):
            return
        agrees = judge(Name(known.name), side, self.environment).status in HOLDS or self._matched(Name(known.name), side)
        if agrees:
            self.environment.definitions[known.name] = replace(known, is_found=False)
        else:
            del self.environment.definitions[known.name]

    def _is_a_number(self, side: Formula) -> bool:
        """Whether a side speaks of no quantity, as the limit that e is."""
        limits = set().union(*(self._names(node) for node in walk(side) if isinstance(node, Chain)))
        return not self._names(side) - limits - {"e", "pi", "infty"}

    def _says_it_at_last(self, key: Key, side: Formula) -> bool:
        """Whether a name has a formula without a value, `C = 1/n Σ_x C_x`, and gets one with a value, `C = 1/2 (y - a)^2`."""
        known = self.environment.definitions.get(spelled(key))
        if known is None or known.arguments or known.indices or len(key) > 1 or key[0] in self._names(side):
            return False
        return not self._has_value(known.body) and self._has_value(side)

    def _has_value(self, side: Formula) -> bool:
        try:
            points_for((side,), self.environment)[0].value(side)
        except NoValueError:
            return False
        return True

    def _names(self, formula: Formula) -> set[str]:
        return {self.environment.canonical(name) for name in _names(formula)}

    def _knows(self, key: Key) -> bool:
        definitions = self.environment.definitions
        return spelled(key) in definitions or key[0] in definitions

    def _is_new_value(self, side: Formula) -> bool:
        """Whether a side is `w^+`, `w'` of a name with a number, and of which loss and by which rate is not said."""
        old = _replaced_name(side)
        known = self.environment.loss is not None and self.environment.rate is not None and isinstance(side, Update)
        return old is not None and not known and self._key(old) in self.environment.given

    def _function(self, parts: list[Formula], statement: Statement) -> ClaimVerdict | None:
        """`f(x) = …`: a function is defined, anew where it was before: texts use one letter for many functions."""
        name, arguments = called_with_names(parts[0])
        if not name or name in _OPERATIONS or name in self.fixed or is_numeric(parts[1]) or name in _names(parts[1]):
            return None
        if not set(arguments) & _names(parts[1]):
            return self._quantity(name, arguments, parts, statement)
        known = self.environment.definitions.get(name)
        told = known is not None and known.arguments == arguments
        if told and judge(parts[0], parts[1], self.environment).status is ClaimStatus.ALWAYS:
            return None  # at some numbers two functions may well agree
        self.environment.definitions[name] = Definition(name, parts[1], arguments=arguments)
        self.told_in[name] = statement.section
        self.told.setdefault((name, statement.section), set()).add(self.environment.definitions[name])
        return ClaimVerdict(ClaimStatus.DEFINITION, "the function anew" if known else "")

    def _quantity(self, name: str, arguments: tuple[str, ...], parts: list[Formula], statement: Statement) -> ClaimVerdict | None:
        """`J(w, b) = -(y ln a + …)`, where a rests on w: a quantity, with a list of what it rests on; None for a claim."""
        key = (self.environment.canonical(name),)
        if self._knows(key) and not self.environment.definitions[key[0]].arguments:
            return ClaimVerdict(ClaimStatus.DEFINITION) if self.definers.get(spelled(key)) is statement else None
        told = self._knows(key) or name in self.environment.functions.keys() - self.environment.unsaid
        if told or isinstance(parts[1], Name):
            reason = f"{', '.join(arguments)} does not occur in what {name} is said to be"
            return ClaimVerdict(ClaimStatus.UNDECIDED, reason)
        self.definers.setdefault(spelled(key), statement)
        return self._defined(key, [Name(name), parts[1]])

    def _forget_function(self, name: str) -> None:
        """Let a function be any one, of which a formula says something that was not read."""
        known = self.environment.definitions.get(name)
        if known is not None and known.arguments and name not in self.fixed:
            del self.environment.definitions[name]

    def _assigned(self, key: Key, parts: list[Formula], relation: str) -> ClaimVerdict | None:
        """`w = w - 0.1·g = 2.3`: from here on the name has its new value."""
        if key[0] not in self._names(parts[1]) and relation == ":=":
            return self._defined(key, parts)
        old = dict(self.environment.given)
        for part in reversed(parts[1:]):
            number = printed_number(part)
            if number is not None or part is parts[1]:
                try:
                    value = number[0] if number else Valuation(self.environment).value(part)
                except NoValueError:
                    break
                self.history.append(old)
                self._give(key, value, part, begins=False)
                break
        return ClaimVerdict(ClaimStatus.ASSIGNMENT)

    def _first_order(self, name: str, parts: list[Formula]) -> ClaimVerdict | None:
        """`Δz = 18 Δw`: true to first order where 18 is ∂z/∂w; what else is said of a change is taken as said."""
        of, changes = Name(name[1:]), sorted(part for part in _names(parts[1]) if is_change(part))
        if changes and of.name in self.environment.definitions:
            for values in [self.environment.given, *reversed(self.history)]:
                point = Valuation(replace(self.environment, given={**self.environment.given, **values}))
                try:
                    steps = {(change,): mpf(1) / (number + 2) for number, change in enumerate(changes)}
                    expected = sum((point.value(Partial(of, Name(key[0][1:]))) * step for key, step in steps.items()), mpf(0))
                    stated = Valuation(point.environment, None, steps).value(parts[1])
                except NoValueError:
                    continue
                if same(expected, stated):
                    return ClaimVerdict(ClaimStatus.FIRST_ORDER)
        self.environment.definitions.pop(name, None)
        if not is_numeric(parts[1]):
            self.environment.definitions[name] = Definition(name, parts[1], source=self.at)
            if self._circular((name,)):
                del self.environment.definitions[name]
        return ClaimVerdict(ClaimStatus.DEFINITION)

    def _chosen(self, key: Key, side: Formula, statement: Statement) -> ClaimVerdict | None:
        """`w = 3`: chosen for a name that no formula defines; for one that a formula defines it is a claim, or a goal."""
        if is_goal(statement):
            self._note_case(key, side)
            return ClaimVerdict(ClaimStatus.GOAL)
        if self._knows(key):
            return None
        if is_case(statement) and not is_setting(statement) and key in self.environment.given:
            self.cases[key] = Valuation(self.environment).value(side)
            return ClaimVerdict(ClaimStatus.CASE)
        known = self.environment.given.get(key)
        try:
            value = Valuation(self.environment).value(side)
        except NoValueError:
            return None
        first = self.definers.setdefault(f"{spelled(key)} =", statement)
        if known is not None and same(known, value):
            return ClaimVerdict(ClaimStatus.SETTING if first is statement and key[0] not in self.fixed else ClaimStatus.EXAMPLE)
        if is_case(statement):
            self.cases[key] = value
        if known is not None:
            self.history.append(dict(self.environment.given))
        self._give(key, value, side)
        return ClaimVerdict(ClaimStatus.SETTING)

    def _note_case(self, key: Key, side: Formula) -> None:
        """Let what follows in the paragraph hold where a name is worth a number, though a formula gives it another one."""
        with suppress(NoValueError):
            self.cases[key] = Valuation(self.environment).value(side)

    def _give(self, key: Key, value: mpf, side: Formula, *, begins: bool = True) -> None:
        """Let a name be worth a number; what a step gives is not what it begins with."""
        self.began_in.setdefault(key, self.section)
        if begins:
            self.beginnings.setdefault(key, value)
        elif key not in self.environment.given:
            self.stepped.add(key)
        self.environment.given[key] = value
        self.given_in[key] = self.section
        number = side.body if isinstance(side, Group) else side
        text = number.text if isinstance(number, Number) else ""
        self.environment.rounded[key] = half_unit(text) if is_rounded(text) else mpf(0)

    def _defined(self, key: Key, parts: list[Formula]) -> ClaimVerdict | None:
        """`z = w x + b`: what a name without a definition stands for; None where that would go in a circle."""
        name, indices = key[0], index_names(parts[0])
        if name in self.environment.in_layers and not indices and free_indices(parts[1], random_points(self.environment)):
            return ClaimVerdict(ClaimStatus.DEFINITION, "says what a layer is called")  # `a^1 = x_i`
        if not indices and name not in self.environment.extents and is_written_with_dots(parts[1]):
            self.environment.elided.add(str(name))
            return ClaimVerdict(ClaimStatus.DEFINITION, "written out")
        definition = Definition(name if indices else spelled(key), parts[1], indices, source=self.at)
        self.environment.definitions[definition.name] = definition
        if self._circular(key):
            del self.environment.definitions[definition.name]
            return ClaimVerdict(ClaimStatus.DEFINITION, "rests on itself") if indices else None  # `h_t = o_t tanh(c_t)`
        return ClaimVerdict(ClaimStatus.DEFINITION)

    def _circular(self, key: Key) -> bool:
        """Whether the definition of a name rests on the name itself."""
        waiting, seen = [key[0]], set()
        while waiting:
            definition = self.environment.definitions.get(waiting.pop())
            for name in _names(definition.body) if definition else ():
                name = self.environment.canonical(name)
                if name == key[0]:
                    return True
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return False

    # ---- claims

    def _claimed(self, left: Formula, right: Formula, environment: Knowledge, statement: Statement) -> ClaimVerdict:
        verdict = judge(left, right, environment, self.history)
        if verdict.status in HOLDS:
            if statement.order in environment.telling and not is_numeric(right):
                return ClaimVerdict(ClaimStatus.DEFINITION, "says which function it is")
            if said := self._as_it_is_said(left, right, verdict):
                return said
            reason = "" if self.fixed else self._proves_nothing(left, right, environment)
            return self._in_general(Claim(left, right, environment, statement, verdict), reason) if reason else verdict
        claim = Claim(left, right, environment, statement, verdict)
        rules = (*_OPEN, *(_EXPLAINED if verdict.status is ClaimStatus.DIFFERS else _UNSHAPED))
        return next((found for rule in rules if (found := rule(self, claim)) is not None), verdict)

    def says_what_it_rests_on(self, left: Formula, right: Formula, environment: Knowledge) -> ClaimVerdict | None:
        """Return the verdict on an `=` that holds only by what it says itself: no claim is the source of its own proof."""
        known = environment.definitions
        names = names_reached((left, right), environment) & known.keys()
        own = sorted(name for name in names if known[name].source == self.at)
        if not own:
            return None
        others = replace(environment, definitions={name: found for name, found in known.items() if name not in own})
        if judge(left, right, others, self.history).status in HOLDS:
            return None
        return ClaimVerdict(ClaimStatus.DEFINITION, f"says what {', '.join(own)} is")

    def _proves_nothing(self, left: Formula, right: Formula, environment: Knowledge) -> str:
        """Return why two sides that agree prove nothing; "" where they do."""
        if reason := says_nothing(left, right, environment):
            return reason
        if holds_whatever_words_mean(left, right, environment):
            return ""
        return f"the text says in words alone what {min(open_in_words((left, right), environment))} is"

    def _in_general(self, claim: Claim, reason: str) -> ClaimVerdict:
        """Return the verdict on two sides that are 0 where paths are left out: what holds whatever there is holds."""
        return self._whatever_they_are(claim) or _of_paths(claim.left, claim.right, reason, claim.environment)

    def _as_it_is_said(self, left: Formula, right: Formula, verdict: ClaimVerdict) -> ClaimVerdict | None:
        """Return the verdict on a formula that says what a name is, as it stands or turned round; None for any other."""
        own = self.says_what_it_rests_on(left, right, self.environment)
        if self._is_what_is_said(left, right):
            return own or verdict
        turned = self._is_what_is_said(right, left)
        return ClaimVerdict(ClaimStatus.DEFINITION, "says what a name stands for") if turned else own

    def _is_what_is_said(self, left: Formula, right: Formula) -> bool:
        """Whether a formula is the very one that says what a name is: `δ = ∂J/∂z`."""
        key = self._key(left)
        known = self.environment.definitions.get(spelled(key)) if key is not None else None
        return known is not None and known.body == right

    def _in_case(self, claim: Claim) -> ClaimVerdict | None:
        if not self.cases or not self._holds_in_case(claim.left, claim.right):
            return None
        cases = ", ".join(f"{spelled(key)} = {mpmath.nstr(value, 6)}" for key, value in self.cases.items())
        return ClaimVerdict(ClaimStatus.EXAMPLE, f"in the case {cases}")

    def _wanted(self, claim: Claim) -> ClaimVerdict | None:
        if not is_goal(claim.statement) or len(claim.statement.chain.parts) > 2:
            return None
        for name in sorted(sought(claim.statement.chain) - self.fixed):  # what is wanted of it says what it is from here on
            self.environment.definitions.pop(name, None)
        return ClaimVerdict(ClaimStatus.GOAL)

    def _set_anew(self, claim: Claim) -> ClaimVerdict | None:
        """`Let z = …`, of a name that stood for something else."""
        key = self._key(claim.left)
        first = claim.statement.chain.parts[0].span == claim.left.span
        if key is None or key[0] in self.fixed or not first or is_numeric(claim.right) or not is_set_anew(claim.statement):
            return None
        known = self.environment.definitions.pop(spelled(key), None)
        if known is None or key[0] in self._names(claim.right) or self._defined(key, [claim.left, claim.right]) is None:
            self.environment.definitions.update({spelled(key): known} if known is not None else {})
            return None
        self.firsts.setdefault(spelled(key), known)
        return ClaimVerdict(ClaimStatus.DEFINITION, "set anew")

    def _given_anew(self, claim: Claim) -> ClaimVerdict | None:
        """A matrix of numbers for a name that another matrix of numbers was given to: the next case, as with one number."""
        key = self._key(claim.left) or ("",)
        known = self.environment.definitions.get(spelled(key))
        if known is None or key[0] in self.fixed or not (_is_of_numbers(known.body) and _is_of_numbers(claim.right)):
            return None
        self.firsts.setdefault(known.name, known)
        self.environment.definitions[known.name] = replace(known, body=claim.right)
        return ClaimVerdict(ClaimStatus.SETTING, "set anew")

    def _note_conditions(self, found: list[Pair], order: int) -> None:
        """Keep what a text says of whole formulas and nothing decides: it may be what it goes on with."""
        for left, right, verdict in found:
            is_open = verdict.status in (ClaimStatus.UNDECIDED, ClaimStatus.SETTING, ClaimStatus.CASE)
            if is_open and len(self.environment.demanded) < MOST_CONDITIONS and not (self._key(left) or self._key(right)):
                self.environment.demanded[left, right] = order

    def _demanded(self, claim: Claim) -> ClaimVerdict | None:
        """What holds with an equation put in that the text demands elsewhere: `Σ_i α_i y_i = 0`."""
        others = [sides for sides, order in self.environment.demanded.items() if order != claim.statement.order]
        others += [sides for sides in pairwise(claim.statement.chain.parts) if is_one_in_all(*sides)]
        for left, right in with_conditions(claim.left, claim.right, others):
            if judge(left, right, claim.environment).status in HOLDS and not says_nothing(left, right, claim.environment):
                return ClaimVerdict(ClaimStatus.EXAMPLE, "with what the text demands")
        return None

    def _as_entries(self, claim: Claim) -> ClaimVerdict | None:
        """What holds where names with a number are the entries of an array: `Σ_i e^{z_i} = e^{z_1} + e^{z_2} + e^{z_3}`."""
        entries = as_entries(claim.left, claim.right, claim.environment) if not self.fixed else None
        if entries is None:
            return None
        for _, known in ((entries, entries), *self._summing(claim, entries)):
            verdict = judge(claim.left, claim.right, known, self.history)
            if verdict.status in HOLDS:
                return replace(verdict, reason="names with a number are entries")
        return None

    def _summing(self, claim: Claim, known: Knowledge) -> Iterator[tuple[str, Knowledge]]:
        """Yield what is known with rows that sum to 1."""
        for name, _, size in sorted(_last_indices(replace(claim, environment=known), known)):
            yield name, replace(known, normalised={**known.normalised, name: size})
        for array in sorted({str(entry[0]) for entry in known.numbered} - self.fixed):
            lengths = {**known.lengths, f"#{array}": sum(entry[0] == array for entry in known.numbered)}
            yield array, replace(known, normalised={**known.normalised, array: f"#{array}"}, lengths=lengths)

    def _other_meaning(self, claim: Claim) -> ClaimVerdict | None:
        statement = claim.statement
        words = statement.before + statement.prose
        for said, known in other_meanings(claim.left, claim.right, claim.environment, words, self.text) if not self.fixed else ():
            if judge(claim.left, claim.right, known, self.history).status in HOLDS:
                return ClaimVerdict(ClaimStatus.EXAMPLE, said)
        return None

    def _first_factor(self, claim: Claim) -> ClaimVerdict | None:
        """What holds where `∂/∂w f g` is the derivative of f, times g."""
        text = claim.statement.text
        left, right = (replaced(side, lambda node: _of_first_factor(node, text)) for side in (claim.left, claim.right))
        if (left, right) == (claim.left, claim.right) or judge(left, right, claim.environment, self.history).status not in HOLDS:
            return None
        return ClaimVerdict(ClaimStatus.EXAMPLE, "where the derivative is that of the first factor")

    def _is_size(self, claim: Claim) -> ClaimVerdict | None:
        """`Z = (n \\times m)(m \\times k) = (n \\times k)` speaks of sizes."""
        spans = [side.span for side in (claim.left, claim.right) if side.span]
        sizes = any(_SIZE.fullmatch(claim.statement.text[slice(*span)]) for span in spans)
        return ClaimVerdict(ClaimStatus.UNDECIDED, "a size") if sizes else None

    def _in_its_set(self, claim: Claim) -> ClaimVerdict | None:
        """What holds for the few numbers that a target can be: `y_i ∈ {-1, 1}`."""
        said = in_its_set(claim.left, claim.right, claim.environment)
        return ClaimVerdict(ClaimStatus.EXAMPLE, said) if said else None

    def _moved_a_little(self, claim: Claim) -> ClaimVerdict | None:
        found = moved_a_little(claim.left, claim.right, claim.environment, claim.statement.prose)
        return ClaimVerdict(ClaimStatus.EXAMPLE, f"where {spelled(found[0])} is {found[1]}") if found else None

    def _constraint(self, claim: Claim) -> ClaimVerdict | None:
        return ClaimVerdict(ClaimStatus.SETTING, "a condition") if is_constraint(claim.statement) else None

    def _condition(self, claim: Claim) -> ClaimVerdict | None:
        """`f'(x) = 0`, `y = 1`: places that a text speaks of, not what is true everywhere."""
        if self.fixed or len(claim.statement.chain.parts) != 2:
            return None
        if self._is_layer(claim.left) or is_index(claim.left, claim.statement.names):
            return ClaimVerdict(ClaimStatus.CASE, "at one place")
        if self._is_said_of_two_names(claim):
            return ClaimVerdict(ClaimStatus.CASE, "said of two names that have no formula")
        if claim.right == Number("0") and sought(claim.statement.chain):
            return ClaimVerdict(ClaimStatus.CASE, "where the derivative vanishes")
        if (key := self._key(claim.left)) is not None and is_whole(claim.right):
            self._note_case(key, claim.right)
            return ClaimVerdict(ClaimStatus.CASE, "a whole number for a name that has a formula")
        return None

    def _is_layer(self, side: Formula) -> bool:
        return isinstance(side, Name) and side.name in self.environment.layer_letters

    def _is_said_of_two_names(self, claim: Claim) -> bool:
        """`T_x = T_y` of two names without a formula: a case that is spoken of."""
        keys = [self._key(side) for side in (claim.left, claim.right)]
        return all(key is not None and not self._knows(key) and key[0] not in self.environment.in_layers for key in keys)

    def _one_hot(self, claim: Claim) -> ClaimVerdict | None:
        """What holds where a row of targets sums to 1, as classes and probabilities do: `Σ_k t_k` was left out."""
        environment = claim.environment
        for name, letter, size in sorted(_last_indices(claim, environment)):
            if (
                name not in self.fixed | environment.in_layers
                and judge(claim.left, claim.right, replace(environment, normalised={name: size})).status in HOLDS
            ):
                return ClaimVerdict(ClaimStatus.EXAMPLE, f"where {name} sums to 1 over {letter}")
        return None

    def _other_letters(self, claim: Claim) -> ClaimVerdict | None:
        """What holds where two letters are two places, or one: `i ≠ j` somewhere in the text, `i = j` beside the formula."""
        points = random_points(claim.environment)
        letters = sorted(free_indices(claim.left, points) | free_indices(claim.right, points))
        for one, other in combinations(letters, 2):
            for equal in _said_of(one, other, claim):
                environment = replace(claim.environment, letters=((one, other, equal),))
                if judge(claim.left, claim.right, environment).status in HOLDS:
                    return ClaimVerdict(ClaimStatus.EXAMPLE, as_written(f"where {one} {'=' if equal else '≠'} {other}"))
        return None

    def _rounded(self, claim: Claim) -> ClaimVerdict | None:
        if self._numbers_put_in(claim.left, claim.right, claim.environment):
            return ClaimVerdict(ClaimStatus.EXAMPLE, "numbers put in, rounded")
        if is_about_a_power_of_ten(claim.right, claim.verdict.values):
            return ClaimVerdict(ClaimStatus.UNDECIDED, "said in round numbers")
        if within_rounding(claim.left, claim.right, claim.verdict.values, claim.statement.chain):
            return ClaimVerdict(ClaimStatus.UNDECIDED, "numbers rounded on the way can make this difference")
        return None

    def _told_elsewhere(self, claim: Claim) -> ClaimVerdict | None:
        """A function with a letter for its name, of which another section says what it is: it may be another one here."""
        nodes = reached((claim.left, claim.right), claim.environment)
        called = {name for node in nodes if isinstance(node, Call) and (name := function_name(node)) in self.told_in}
        here = claim.statement.section
        elsewhere = sorted(name for name in called if self.told_in[name] != here and (name, here) not in self.meant_here)
        if elsewhere and self._differs_for_any(claim, elsewhere):
            return None
        return ClaimVerdict(ClaimStatus.UNDECIDED, f"{elsewhere[0]} {TOLD_ELSEWHERE}") if elsewhere else None

    def _differs_for_any(self, claim: Claim, names: Sequence[str]) -> bool:
        """Whether two sides differ whatever functions letters stand for: any smooth one, each that texts call by a letter."""
        known = claim.environment
        rest = {name: said for name, said in known.definitions.items() if name not in names}
        meanings = [dict(zip(names, map(any_function, names), strict=True))]
        meanings += [dict.fromkeys(names, known.functions[usual]) for usual in IN_WORDS if usual in known.functions]
        for meant in meanings:
            there = replace(known, definitions=rest, functions={**known.functions, **meant})
            if judge(claim.left, claim.right, there).status is not ClaimStatus.DIFFERS:
                return False
        return True

    def _of_another_function(self, claim: Claim) -> ClaimVerdict | None:
        """`df/dx`, where the text says what `f(x)` is more than once, or what `f_c(x)` is as well."""
        partials = (node for side in (claim.left, claim.right) for node in walk(side) if isinstance(node, Partial))
        names = {node.numerator.name for node in partials if isinstance(node.numerator, Name)}
        for name in sorted(names & self.told_in.keys()):
            if len(set().union(*(said for (like, _), said in self.told.items() if like.split("_")[0] == name))) > 1:
                return ClaimVerdict(ClaimStatus.UNDECIDED, f"the text says several things of {name}")
        return None

    def _doubted(self, claim: Claim) -> ClaimVerdict | None:
        reason = doubt(claim.left, claim.right, claim.environment, self.fixed)
        if reason.startswith(UNSAID) and self._differs_as_told(claim):
            return None
        if claim.verdict.reason.startswith("shapes"):
            reason = _of_other_shapes(claim) or reason
        if TOLD_AGAIN in reason and (key := self._key(claim.left)) is not None:
            self.environment.retold.add(str(key[0]))
        return _of_paths(claim.left, claim.right, reason, claim.environment) if reason else None

    def _differs_as_told(self, claim: Claim) -> bool:
        """Whether two sides differ for the function, too, that the section goes on to define, once and for all."""
        known, section = claim.environment, claim.statement.section
        told = {
            name: found for (name, at), found in self.told.items() if at == section and name in known.unsaid and len(found) == 1
        }
        definitions = {**known.definitions, **{name: next(iter(found)) for name, found in told.items()}}
        later = replace(known, definitions=definitions, unsaid=known.unsaid - told.keys())
        differs = bool(told) and judge(claim.left, claim.right, later).status is ClaimStatus.DIFFERS
        return differs and not doubt(claim.left, claim.right, later, self.fixed)

    def _numbers_put_in(self, left: Formula, right: Formula, environment: Knowledge) -> bool:
        """Whether the right side is the left one with a number for every name, each of them worth that now or before."""
        found = match(left, right, is_entry, lambda _: None)
        if not found or any(not isinstance(number, Number) for number in found.values()):
            return False
        return all(self._is_worth(name, str(getattr(number, "text", "")), environment) for name, number in found.items())

    def _is_worth(self, name: Formula, text: str, environment: Knowledge) -> bool:
        key = self._key(name)
        known = [values[key] for values in (environment.given, *self.history) if key in values] if key is not None else []
        for given in ({}, *self.history):
            try:
                known.append(Valuation(replace(environment, given={**environment.given, **given})).value(name))
            except NoValueError:
                continue
        return any(abs(value - mpf(text)) <= half_unit(text) * mpf("1.0001") for value in known if isinstance(value, mpf))

    def _put_in_for(self, left: Formula, right: Formula, environment: Knowledge) -> ClaimVerdict | None:
        """A calculation with another number than the network, or another section, has for a name: a worked case of its own."""
        if not is_numeric(right) or is_numeric(left) or printed_number(right) is not None:
            return None
        for change in filter(self._may_be_another, _other_numbers(left, right, environment)[:MOST_CHANGES]):
            if judge(left, right, replace(environment, given={**environment.given, **change})).status in HOLDS:
                self.history.append(change)
                said = ", ".join(f"{spelled(key)} = {mpmath.nstr(number, 6)}" for key, number in change.items())
                elsewhere = "the network" if self.fixed else "another section"
                return ClaimVerdict(ClaimStatus.EXAMPLE, f"with {said}, not as in {elsewhere}")
        return None

    def _may_be_another(self, change: Mapping[Key, mpf]) -> bool:
        """Whether names may have other numbers here: those of a network, or of another section."""
        return bool(self.fixed) or all(self.given_in.get(key, self.section) != self.section for key in change)

    def _holds_in_case(self, left: Formula, right: Formula) -> bool:
        points = [Valuation(self.environment, None, self.cases)] if is_numeric(right) else []
        for at in (points_for((left, right), self.environment, self.cases), points):
            outcomes, _, _ = compare_at(left, right, at)
            if outcomes and all(outcomes):
                return True
        return False

    def _of_some_shape(self, claim: Claim) -> ClaimVerdict | None:
        """What holds for arrays of shapes that fit, where the text does not say of which they are."""
        known = claim.environment
        if self.fixed or not self.text:
            return None
        is_told = claim.verdict.misfit and not known.unshaped & names_reached((claim.left, claim.right), known)
        holds = holds_with_equal_lengths if is_told else holds_with_some_shape
        return holds(claim.left, claim.right, known, _is_bold(claim))

    def _for_vectors(self, claim: Claim) -> ClaimVerdict | None:
        """What holds where small letters are vectors."""
        if self.fixed or not self.text:
            return None
        return holds_for_vectors(claim.left, claim.right, claim.environment, _is_bold(claim))

    def _whatever_they_are(self, claim: Claim) -> ClaimVerdict | None:
        """What holds whatever its names stand for: a step of algebra."""
        if self.fixed or not self.text:
            return None
        return holds_whatever_they_are(claim.left, claim.right, claim.environment, _is_bold(claim))

    def _matched(self, left: Formula, right: Formula) -> ClaimVerdict | None:
        """Return a verdict where both sides are one formula, with names that nothing was said of put for parts of it."""
        found = match(left, right, self._is_free, self._body)
        if not found or speak_of_entries(found) or any(are_likes(*pair) for pair in found.items()):
            return None
        if not self._holds_with(found, left, right):
            return None
        for name, meaning in found.items():
            self._bind(name, meaning, is_found=name not in (left, right))
        if is_numeric(right):
            return ClaimVerdict(ClaimStatus.EXAMPLE, "numbers put in")
        return ClaimVerdict(ClaimStatus.DEFINITION, "says what a name stands for")

    def _holds_with(self, found: Bindings, left: Formula, right: Formula) -> bool:
        """Whether two sides are equal with meanings for free names, none of which goes in a circle."""
        trial = replace(self.environment, definitions=dict(self.environment.definitions), given=dict(self.environment.given))
        reader = Course(trial, self.history, text=self.text, fixed=self.fixed)
        for name, meaning in found.items():
            reader._bind(name, meaning)
        circular = any(reader._circular((name,)) for name in trial.definitions if name not in self.environment.definitions)
        return not circular and judge(left, right, trial, self.history).status in HOLDS

    def _body(self, side: Formula) -> Formula | None:
        key = self._key(side)
        found = self.environment.definitions.get(spelled(key)) if key else None
        return found.body if found and not found.indices and not found.arguments else None

    def _is_free(self, formula: Formula) -> bool:
        if not is_entry(formula):
            return False
        key = self._key(formula)
        return (
            key is not None
            and not self._knows(key)
            and key not in self.environment.given
            and key[0] not in ("e", "pi", "I")
            and key[0] not in self.fixed
            and key[0] not in self.environment.functions
        )

    def _bind(self, formula: Formula, meaning: Formula, *, is_found: bool = True) -> None:
        key = self._key(formula)
        assert key is not None
        if _is_a_number(meaning):
            try:
                self._give(key, Valuation(self.environment).value(meaning), meaning)
            except NoValueError:  # several numbers side by side, a set
                return
        else:
            self.environment.definitions[spelled(key)] = Definition(spelled(key), meaning, source=self.at, is_found=is_found)
        self.assumed[spelled(key)] = "from the formula it stands in"

    # ---- what a side means

    def _key(self, formula: Formula) -> Key | None:
        """Return the key of a side that is one name or entry, an alias exchanged for its name."""
        key = entry_key(formula)
        return None if key is None else (self.environment.canonical(str(key[0])), *key[1:])

    def meant(self, formula: Formula) -> Formula:
        """Return a side as it is judged: `P(y = 1 | x)` is a name of its own, and a change Δw where no loss says what it is."""
        if not self.fixed:
            formula = replaced(formula, _named_condition)
        if self.environment.loss is not None and self.environment.rate is not None:
            return formula
        return replaced(formula, _named_change)

    def _put_in(self, parts: list[Formula]) -> None:
        """After `Δw = Δz/18 = 0.667`: a name that has no value yet is worth the number at the end."""
        key, number = self._key(parts[0]), printed_number(parts[-1])
        if key is None or number is None or is_numeric(parts[0]) or key in self.environment.given:
            return
        try:
            Valuation(self.environment).value(parts[0])
        except NoValueError:
            self._give(key, number[0], parts[-1])

    def _note_printed(self, parts: list[Formula], found: list[Pair]) -> None:
        """After `y = σ(z) = 0.73`, which holds: texts go on with 0.73. After `w^+ = … = 0.76`: with 0.76 for w, too."""
        number, old = printed_number(parts[-1]), _replaced_name(parts[0])
        key = self._key(old or parts[0])
        if number is None or key is None or not found or _is_wrong(found):
            return
        if old is not None:
            self.history.append({key: number[0]})
        elif self._knows(key):
            before = [value for value in self.environment.printed.get(key, ()) if value != number[0]]
            self.environment.printed[key] = (*before, number[0])[-MOST_PRINTED:]


def _of_paths(left: Formula, right: Formula, reason: str, known: Knowledge) -> ClaimVerdict:
    """Return the verdict where a text leaves something out: the chain rule holds whatever the paths are that it names."""
    left_out = reason.startswith(PATHS_LEFT_OUT)
    words = (by_the_chain_rule(left, right) or through_named_slopes(left, right, known)) if left_out else ""
    return ClaimVerdict(ClaimStatus.EXAMPLE, words) if words else ClaimVerdict(ClaimStatus.UNDECIDED, reason)


def _of_other_shapes(claim: Claim) -> str:
    """Return why two sides of different shapes may be right: one of no layer, or a matrix written out, of blocks perhaps."""
    if name := of_no_layer(claim.left, claim.right, claim.environment):
        return f"the text does not say of which layer {name} is"
    written = any(isinstance(node, Matrix) for node in reached((claim.left, claim.right), claim.environment))
    if written or claim.verdict.reason.endswith(" ()") or "shapes ()" in claim.verdict.reason:
        return f"the sides have the {claim.verdict.reason}"  # of a matrix of blocks, of a vector with an index
    return ""


def _is_bold(claim: Claim) -> bool:
    """Whether a letter of a claim is bold."""
    spans = [side.span for side in (claim.left, claim.right) if side.span]
    return any(bool(BOLD.search(claim.statement.text[slice(*span)])) for span in spans)


def _as_said(verdict: ClaimVerdict, relations: Sequence[str], left: Formula, right: Formula) -> ClaimVerdict:
    """Let what is said to be near, and what is said to follow, `a = b ⇒ c = d` of an equation that is solved, be open."""
    if verdict.status is not ClaimStatus.DIFFERS:
        return verdict
    if relations[-1] == "≈" and verdict.values is not None and _is_rounded_to(right, verdict.values[0]):
        return ClaimVerdict(ClaimStatus.EXAMPLE, "to the digits that are printed")
    if relations[-1] == "≈" and not _is_far(left, right, verdict.values):
        return ClaimVerdict(ClaimStatus.UNDECIDED, "said to be near, not equal")
    follows = {"⇒", "⇔"} & set(relations) and not (is_numeric(left) and is_numeric(right))
    return ClaimVerdict(ClaimStatus.UNDECIDED, "said to follow from what stands before it") if follows else verdict


def _is_rounded_to(side: Formula, value: str) -> bool:
    """Whether a side is the number that a value is rounded to: 6 for 6.3."""
    number = side.body if isinstance(side, Neg) else side
    worth = as_numbers((value,))
    if not isinstance(number, Number) or worth is None:
        return False
    printed = mpf(number.text) if number is side else -mpf(number.text)
    return bool(abs(printed - worth[0]) <= mpf(10) ** -len(number.text.partition(".")[2]) / 2)


FAR = mpf("0.2")


def _is_far(left: Formula, right: Formula, values: tuple[str, str] | None) -> bool:
    """Whether two numbers that are said to be near, and rest on nothing else, are more than a fifth apart."""
    worth = as_numbers(values)
    if worth is None or not (is_numeric(left) and is_numeric(right)):
        return False
    first, second = worth
    return bool(abs(first - second) > FAR * max(abs(first), abs(second)))


def in_every_layer(chain: Chain, taken: Sequence[list[Pair]]) -> list[Pair]:
    """Return the verdicts on a formula for any layer from those on what it says in each of them."""
    written = {part.span: part for part in chain.parts}
    found = []
    for pairs in zip(*taken, strict=True):
        left, right, _ = pairs[0]
        found.append((written[left.span], written[right.span], _in_all([verdict for _, _, verdict in pairs])))
    return found


def _in_all(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    """One verdict for all layers: what differs in one of them differs; what is open in one of them is open."""
    for status in (ClaimStatus.DIFFERS, ClaimStatus.UNDECIDED):
        first = next((verdict for verdict in verdicts if verdict.status is status), None)
        if first is not None:
            return replace(first, reason=as_written(first.reason))
    stated = next((verdict for verdict in verdicts if verdict.status not in HOLDS), None)
    return replace(stated, reason=as_written(stated.reason)) if stated is not None else _all_hold(verdicts)


def _all_hold(verdicts: Sequence[ClaimVerdict]) -> ClaimVerdict:
    remarks = [verdict.reason for verdict in verdicts if verdict.reason]
    always = all(verdict.status is ClaimStatus.ALWAYS for verdict in verdicts)
    where = remarks[0] if remarks else "in a network of a few layers"
    return ClaimVerdict(ClaimStatus.ALWAYS if always else ClaimStatus.EXAMPLE, as_written(where))


def _is_wrong(found: list[Pair]) -> bool:
    return any(verdict.status is ClaimStatus.DIFFERS for _, _, verdict in found)


def _replaced_name(side: Formula) -> Formula | None:
    """Return w of `w^+`, `w'`, `w^{new}`: what the new value takes the place of; None for anything else."""
    if isinstance(side, Update) or (isinstance(side, Decorated) and side.kind == "prime"):
        return side.body
    if isinstance(side, Name) and (old := _NEW.fullmatch(side.name)):
        return Name(old[1])
    return None


def _is_a_step(new: Formula, side: Formula) -> bool:
    """Whether a side is `w - η ∂C/∂w`, and the other one `w'`: the next value of w."""
    old = new.body if isinstance(new, Decorated) and new.kind == "prime" else None
    steps = isinstance(side, Sum) and side.terms[0] == old and len(side.terms) > 1
    return steps and any(isinstance(node, Partial | Nabla) or node == Name("eta") for node in walk(side))


_SIZE = re.compile(r"\s*\(\s*[^()=]*(?:\\times|×)[^()=]*(?:\([^()=]*\)[^()=]*)*\)\s*")
_NEW = re.compile(r"(.+?)[_^]?\(?(?:new|neu|next|updated|\+)\)?")

#: What else an `=` may be, in the order it is tried; the second row only where the sides were found to differ.
_OPEN: tuple[Callable[[Course, Claim], ClaimVerdict | None], ...] = (
    Course._as_entries,
    Course._in_case,
    Course._constraint,
    Course._set_anew,
    lambda course, claim: course._matched(claim.left, claim.right),
    Course._whatever_they_are,
)
_UNSHAPED = (Course._of_some_shape,)  # where the sides have no value
_EXPLAINED: tuple[Callable[[Course, Claim], ClaimVerdict | None], ...] = (
    Course._is_size,
    Course._given_anew,
    Course._for_vectors,
    Course._first_factor,
    Course._wanted,
    Course._condition,
    Course._one_hot,
    Course._other_letters,
    Course._in_its_set,
    Course._moved_a_little,
    Course._demanded,
    Course._other_meaning,
    lambda course, claim: course._put_in_for(claim.left, claim.right, claim.environment),
    Course._rounded,
    Course._told_elsewhere,
    Course._of_another_function,
    Course._doubted,
)


def is_one_in_all(total: Formula, number: Formula) -> bool:
    """Whether a text says `p_1 + p_2 + p_3 = 1`: of names that differ in their numbers alone."""
    if not isinstance(total, Sum) or number != Number("1"):
        return False
    names = {re.sub(r"\d+", "#", term.name) if isinstance(term, Name) else "" for term in total.terms}
    return len(names) == 1 and "#" in min(names)


def called_with_names(side: Formula) -> tuple[str, tuple[str, ...]]:
    """Return the function and the arguments of `f(x, y)`; ("", ()) for anything else."""
    if not isinstance(side, Call) or not isinstance(side.function, Name):
        return "", ()
    arguments = tuple(argument.name for argument in side.arguments if isinstance(argument, Name))
    return (side.function.name, arguments) if len(arguments) == len(side.arguments) else ("", ())


def sought(formula: Formula) -> set[str]:
    """Return the names whose derivatives a formula speaks of."""
    partials = [node.numerator for node in walk(formula) if isinstance(node, Partial)]
    primes = [node.body for node in walk(formula) if isinstance(node, Decorated) and node.kind == "prime"]
    return {node.name for node in (*partials, *primes) if isinstance(node, Name)}


def _last_indices(claim: Claim, environment: Knowledge) -> set[tuple[str, str, str]]:
    """Return arrays that nothing defines and that a sum runs over, each with its last index and how far the sum runs."""
    nodes = list(reached((claim.left, claim.right), environment))
    summed = dict(bounds for node in nodes for bounds in _bounds(node))
    known = {name for name, definition in environment.definitions.items() if definition.indices}
    entries = [node for node in nodes if isinstance(node, Indexed) and node.indices and node.name not in known]
    last = {(node.name, node.indices[-1]) for node in entries}
    return {(name, label.name, summed[label.name]) for name, label in last if isinstance(label, Name) and label.name in summed}


def _summed_whole(total: BigSum) -> str:
    """Return p of `Σ_k p_nk`; "" for any other sum."""
    body = total.body if total.operator == "sum" else None
    return body.name if isinstance(body, Indexed) and body.indices[-1:] == (total.index,) else ""


def _bounds(node: Formula) -> list[tuple[str, str]]:
    """Return [(k, K)] of `Σ_{k=1}^K`, [(k, k)] where nothing says how far it runs; [] of what is no sum."""
    if not isinstance(node, BigSum) or not isinstance(node.index, Name):
        return []
    return [(node.index.name, node.upper.name if isinstance(node.upper, Name) else node.index.name)]


def _numbers_in(side: Formula) -> Iterator[mpf]:
    """Yield the numbers that stand in a side, with a minus before them and without."""
    for node in walk(side):
        if isinstance(node, Number):
            yield mpf(node.text)
        elif isinstance(node, Neg) and isinstance(node.body, Number):
            yield -mpf(node.body.text)


def _other_numbers(left: Formula, right: Formula, environment: Knowledge) -> list[dict[Key, mpf]]:
    """Return changes of what is given that the numbers of a calculation suggest: one number for another, two exchanged."""
    numbers = set(_numbers_in(right))
    given = environment.given
    keys = sorted(given.keys() & {(name,) for name in leaves(left, environment)})
    changes = [{key: number} for key in keys for number in sorted(numbers - {given[key]})]
    pairs = ((one, two) for one, two in combinations(keys, 2) if {given[one], given[two]} & numbers)
    return changes + [{one: given[two], two: given[one]} for one, two in pairs]


def _is_one_place(statement: Statement, parts: Sequence[Formula]) -> bool:
    """Whether an index is said to be another one, `j = i`, or, behind an "if", a name to be another name, `P = Q`."""
    if len(statement.chain.parts) != 2 or not isinstance(parts[1], Name):
        return False
    return is_index(parts[0], statement.names) or (isinstance(parts[0], Name) and is_condition(statement))


def is_whole(side: Formula) -> bool:
    """Whether a side is a whole number, as cases and goals are."""
    return isinstance(side, Number) and side.text.isdigit()


def _of_first_factor(node: Formula, text: str) -> Formula:
    """Return `∂f/∂w g` for `∂/∂w f g`, where neither brackets nor a fraction say how far the derivative reaches."""
    if isinstance(node, Partial) and isinstance(node.numerator, Product) and _stands_behind(node, text):
        first, *others = node.numerator.factors
        return Product((replace(node, numerator=first), *others), span=node.span)
    return node


def _stands_behind(node: Partial, text: str) -> bool:
    """Whether what is differentiated stands behind `∂/∂w`, and in no brackets."""
    what, by = node.numerator.span, node.denominator.span
    return what is not None and by is not None and what[0] >= by[1] and text[: what[0]].rstrip()[-1:] not in ("(", "[", "{")


def _named_condition(node: Formula) -> Formula:
    """Return the probability of something under a condition as a quantity of its own: of others nothing follows for it."""
    conditions = [] if not isinstance(node, Call) else [item for item in node.arguments if isinstance(item, Chain)]
    if not any("∣" in item.relations for item in conditions):
        return node
    return Name(written_on_a_line(node), span=node.span)


#: Functions that no text defines by `f(x) = …`.
_OPERATIONS = BY_NAME.keys() | {"factorial", "minus", "integral"}


def _named_change(node: Formula) -> Formula:
    if isinstance(node, Decorated) and node.kind == "Delta" and isinstance(node.body, Name):
        return Name(f"Δ{node.body.name}", span=node.span)
    return node


def _is_of_numbers(side: Formula) -> bool:
    """Whether a side is a matrix that is written out in numbers."""
    return isinstance(side, Matrix) and is_numeric(side)


def _alone(entry: Formula) -> Formula:
    """Return what a matrix of one entry holds: a sum in several lines is written as one."""
    return entry.entries[0] if isinstance(entry, Matrix) and entry.shape == (1, 1) else entry


def _is_a_number(side: Formula) -> bool:
    """Whether a side is made of numbers, and is no matrix of them."""
    return is_numeric(side) and not any(isinstance(node, Matrix) for node in walk(side))


def is_change(name: str) -> bool:
    """Whether a name is that of a change."""
    return name.startswith("Δ") and len(name) > 1


def entry_key(formula: Formula) -> Key | None:
    """Return the key of a side that is one name, or an entry of an array; else None."""
    while isinstance(formula, Group):
        formula = formula.body
    if isinstance(formula, Name):
        return (formula.name,)
    if isinstance(formula, Indexed):
        labels = [_label(label) for label in (*formula.upper, *formula.indices)]
        return None if None in labels else (formula.name, *labels)
    return None


def _label(label: Formula) -> int | str | None:
    if isinstance(label, Number) and label.text.isdigit():
        return int(label.text)
    return label.name if isinstance(label, Name) else None


def index_names(formula: Formula) -> tuple[str, ...]:
    """Return the indices of `x_i`, `W^l_{jk}` where all of them are letters; () for anything else."""
    labels = (*formula.upper, *formula.indices) if isinstance(formula, Indexed) else ()
    return (
        tuple(label.name for label in labels if isinstance(label, Name))
        if all(isinstance(label, Name) for label in labels)
        else ()
    )


def _names(formula: Formula) -> set[str]:
    return {node.name for node in walk(formula) if isinstance(node, Name | Indexed)}


def _ends(found: list[Pair], course: Course) -> list[Pair]:
    """Where a side in the middle has no value, or a wrong one, its neighbours are compared with each other."""
    _right_after_wrong(found, course)
    for number, ((left, middle, first), (_, right, second)) in enumerate(pairwise(found)):
        if first.status is not ClaimStatus.UNDECIDED or second.status is not ClaimStatus.UNDECIDED:
            continue
        if first.misfit or second.misfit:  # not what has no value: what does not fit
            continue
        across = judge(left, right, course.environment, course.history)
        if across.status not in HOLDS or course.says_what_it_rests_on(left, right, course.environment):
            continue
        inside = judge(left, middle, course.environment, course.history)
        if inside.status is ClaimStatus.DIFFERS and links_are_known(middle, course.environment):
            found[number] = (left, middle, inside)  # the ends agree, all of it is known: the middle is wrong
            reason = "it is what the chain begins with"
        else:
            reason = "the ends agree; what stands between has no value"
            found[number] = (left, middle, ClaimVerdict(across.status, reason))
        found[number + 1] = (*found[number + 1][:2], ClaimVerdict(across.status, reason))
    return found


def _right_after_wrong(found: list[Pair], course: Course) -> None:
    """`g = wrong = number`: a number is judged by what the chain began with, whatever stands between."""
    for number, ((left, _, first), (_, right, second)) in enumerate(pairwise(found)):
        if first.status is ClaimStatus.DIFFERS and second.status is ClaimStatus.DIFFERS:
            across = judge(left, right, course.environment, course.history)
            if across.status in HOLDS:
                found[number + 1] = (*found[number + 1][:2], ClaimVerdict(across.status, "it is what the chain begins with"))
            elif across.status is ClaimStatus.DIFFERS and printed_number(right) is not None:
                found[number + 1] = (left, right, across)
