"""Definitions, and an order in which each stands after what it refers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symbackprop.capturing.record.variables import Variable
from symbackprop.capturing.roll.forms import Form, entries


@dataclass(frozen=True, slots=True)
class RolledDefinition:
    """`name[place] = form`; `variable` is what the code calls it, with its line."""

    name: str
    variable: Variable
    form: Form

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array in this run."""
        return self.variable.shape


def ordered(definitions: Sequence[RolledDefinition]) -> tuple[list[RolledDefinition], set[str]]:
    """Return definitions so that each follows those that it refers to, and the names of those that refer to each other."""
    waiting = {definition.name: definition for definition in definitions}
    needs = {name: waiting.keys() & entries(d.form) for name, d in waiting.items()}
    done: dict[str, RolledDefinition] = {}
    while True:
        ready = [name for name in waiting if needs[name] <= done.keys()]
        if not ready:
            return list(done.values()), {name for name in waiting if name in _reached(needs, name)}
        for name in ready:
            done[name] = waiting.pop(name)


def _reached(needs: Mapping[str, set[str]], name: str) -> set[str]:
    """Return all that a definition refers to, through others."""
    found: set[str] = set()
    stack = list(needs[name])
    while stack:
        one = stack.pop()
        if one not in found:
            found.add(one)
            stack += needs[one]
    return found
