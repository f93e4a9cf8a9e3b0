"""All variables of a run as definitions over each other.

Every state of a variable is tried as one array; a family of states (a loop's turns) as one array with the turn as its first axis.
What is no one formula is taken apart: a family into its states, an array into its rows, so that a recurrence becomes h_1 … h_T.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from symbackprop.capturing.record.recording import Recording
from symbackprop.capturing.record.variables import Variable, inputs, states
from symbackprop.capturing.roll.definitions import RolledDefinition, ordered
from symbackprop.capturing.roll.forms import Form, Irregular, entries
from symbackprop.capturing.roll.names import GivenNames, identifier
from symbackprop.capturing.roll.plans import ArrayPlan, apart, foldings, plans_for
from symbackprop.capturing.roll.roller import Roller
from symbackprop.capturing.roll.signature import Reader, constants

MOST_PARTS = 400
"""Definitions that one run may be taken apart into."""


@dataclass(frozen=True, slots=True)
class RolledProgram:
    """A run as a list of definitions: the names of the inputs, the tables of constants, the outputs by their path."""

    inputs: Mapping[str, Variable]
    definitions: tuple[RolledDefinition, ...]
    tables: Mapping[str, Any]
    outputs: Mapping[str, str]

    @property
    def names(self) -> set[str]:
        """All names that the definitions give or use."""
        return {*self.inputs, *self.tables, *(definition.name for definition in self.definitions)}


def program(recording: Recording, outputs: Mapping[str, Any], every: bool = False) -> RolledProgram:
    """Roll a run up. `outputs` are arrays of nodes by name; with `every`, what they do not need is kept as well.

    Raises Irregular, with the variable and its line, where something is no formula in index notation.
    """
    wanted = [int(node) for nodes in outputs.values() for node in np.ravel(nodes)]
    if every:
        wanted += [node for local in recording.locals for node in local.value.nodes]
    given = inputs(recording)
    plans = plans_for(recording, states(recording, wanted), outputs)
    is_constant = constants(recording.graph)
    tables = _Tables(recording)
    while True:
        attempt = _Attempt(recording, given, plans, is_constant, tables)
        failed = attempt.failures()
        if not failed:
            return attempt.program(outputs)
        if len(plans) > MOST_PARTS:
            raise attempt.complaint(failed)
        plans = _taken_apart(recording, plans, failed)


def _taken_apart(recording: Recording, plans: Sequence[ArrayPlan], failed: Mapping[int, Irregular]) -> list[ArrayPlan]:
    parts = (apart(recording, plan, failed[id(plan)]) if id(plan) in failed else [plan] for plan in plans)
    return list(chain.from_iterable(parts))


class _Tables:
    """Names of constant arrays: the code's own where a variable holds the same numbers."""

    def __init__(self, recording: Recording) -> None:
        self.known: list[tuple[str, Any]] = []
        graph = recording.graph
        for local in recording.locals:
            if local.value.shape and all(graph.operations[node] == "constant" for node in local.value.nodes):
                self.known.append((identifier(local.name), local.value.values(graph)))

    def wanted(self, values: Any) -> str:
        """Return the name of a variable that holds these numbers, else `c`."""
        same = (name for name, array in self.known if array.shape == values.shape and np.array_equal(array, values))
        return next(same, "c")


class _Attempt:
    """One choice of arrays: who owns which node, and the definitions rolled so far."""

    def __init__(
        self, recording: Recording, given: list[Variable], plans: list[ArrayPlan], is_constant: list[bool], tables: _Tables
    ) -> None:
        self.graph = recording.graph
        self.is_constant = is_constant
        self.tables = tables
        self.names = GivenNames()
        self.owner = np.full(len(self.graph), -1, dtype=np.int64)
        self.at = np.zeros(len(self.graph), dtype=np.int64)
        self.titles: list[str] = []
        self.shapes: list[tuple[int, ...]] = []
        self.plans: list[ArrayPlan] = []
        self.values: dict[str, Any] = {}
        self.definitions: list[RolledDefinition] = []
        for variable in given:
            self._own(variable, self.names.fresh([identifier(variable.name)]))
        self.given = dict(zip(self.titles, given, strict=True))
        self._share(plans)

    def _share(self, plans: Sequence[ArrayPlan]) -> None:
        """Give every number to the variable that held it first; a variable that holds nothing of its own is left out."""
        owner, at = self._first_holders(plans)
        for number, plan in enumerate(plans):
            mine = owner == number
            if mine.any():
                self.owner[mine], self.at[mine] = len(self.titles), at[mine]
                self.titles.append(self.names.fresh(plan.wanted))
                self.shapes.append(plan.variable.shape)
                self.plans.append(plan)

    def _first_holders(self, plans: Sequence[ArrayPlan]) -> tuple[Any, Any]:
        """Return, for every node, which plan held it first, and where in it."""
        owner, at = np.full(len(self.graph), -1, dtype=np.int64), np.zeros(len(self.graph), dtype=np.int64)
        held = [item for number, plan in enumerate(plans) for item in plan.held(number)]
        for _, number, offset, nodes in sorted(held, key=itemgetter(0, 1)):
            for place, node in enumerate(nodes.flat, start=offset):
                if self.owner[node] < 0 and owner[node] < 0 and not self.is_constant[node]:
                    owner[node], at[node] = number, place
        return owner, at

    def _own(self, variable: Variable, title: str) -> None:
        for at, node in enumerate(variable.nodes.flat):
            if node >= 0:
                self.owner[node], self.at[node] = len(self.titles), at
        self.titles.append(title)
        self.shapes.append(variable.shape)

    def roll(self) -> dict[int, Irregular]:
        """Roll every array; return what failed, by plan."""
        failed = {}
        first = len(self.given)
        for number, plan in enumerate(self.plans, start=first):
            title = self.titles[number]
            try:
                form = self._form(number, plan.variable)
                if title in entries(form):
                    raise Irregular("its elements are computed from each other")
                self.definitions.append(RolledDefinition(title, plan.variable, form))
            except Irregular as problem:
                plan.refolded = self._refolded(number, plan.variable)
                failed[id(plan)] = problem
        return failed

    def failures(self) -> dict[int, Irregular]:
        """Roll every array; return what is to be taken apart: families first, for what refers to one may fail with it."""
        failed = self.roll() or self.circular()
        families = {id(plan): failed[id(plan)] for plan in self.plans if plan.parts and id(plan) in failed}
        return families or failed

    def complaint(self, failed: Mapping[int, Irregular]) -> Irregular:
        """Return the error of the first array that is no one formula."""
        plan = next(plan for plan in self.plans if id(plan) in failed)
        return Irregular(f"{plan.variable.name} (line {plan.variable.line}): {failed[id(plan)]}")

    def circular(self) -> dict[int, Irregular]:
        """Return the plans of variables that are computed from each other, as the turns of a recurrence are."""
        names = ordered(self.definitions)[1]
        plans = zip(self.titles[len(self.given) :], self.plans, strict=True)
        return {
            id(plan): Irregular("it is computed from variables that are computed from it")
            for title, plan in plans
            if title in names
        }

    def _refolded(self, number: int, variable: Variable) -> Variable | None:
        """Return the array with one axis written as two or three, where that makes it one formula: a flattened axis."""
        for shape in foldings(variable.shape):
            folded = replace(variable, nodes=variable.nodes.reshape(shape))
            try:
                form = self._form(number, folded)
            except Irregular:
                continue
            if self.titles[number] not in entries(form):
                return folded
        return None

    def _form(self, number: int, variable: Variable) -> Form:
        """Roll one array, its own elements taken apart."""
        owner = np.where(self.owner == number, -1, self.owner)
        roller = Roller(
            Reader(self.graph, owner, self.at, self.shapes, self.is_constant), self.titles, self._table_name, self.values
        )
        return roller.form(variable.nodes)

    def _table_name(self, values: Any) -> str:
        for name, known in self.values.items():
            if known.shape == values.shape and np.array_equal(known, values):
                return name
        return self.names.fresh([self.tables.wanted(values), "c"])

    def program(self, outputs: Mapping[str, Any]) -> RolledProgram:
        """Return the definitions in an order in which each comes after what it refers to."""
        where = {path: name for path, nodes in outputs.items() if (name := self._holder(nodes))}
        used = {name for definition in self.definitions for name in entries(definition.form)}
        tables = {name: table for name, table in self.values.items() if name in used}
        return RolledProgram(self.given, tuple(ordered(self.definitions)[0]), tables, where)

    def _holder(self, nodes: Any) -> str | None:
        """Return the name of the variable that is exactly these numbers."""
        owners = {int(self.owner[node]) for node in nodes.flat}
        owner = min(owners)
        if len(owners) > 1 or owner < 0 or self.shapes[owner] != nodes.shape:
            return None
        return self.titles[owner] if np.array_equal(self.at[nodes.ravel()], np.arange(nodes.size)) else None
