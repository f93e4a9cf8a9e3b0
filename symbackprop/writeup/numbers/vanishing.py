"""Gradients that are exactly 0, and why: what the name moves, and what no longer moves behind that.

A bias before batch normalisation moves its layer and the mean alike, so nothing of it is left in the difference. That a gradient
is 0 everywhere is tried at other values, with all digits; a unit that is merely switched off at the values given is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction as Exact
from random import Random
from typing import Any

import numpy as np

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.network.node import Role
from symbackprop.writeup.numbers.ledger import NOTHING, Figures, Ledger, true_figures

#: Other values a gradient is tried at.
TRIED = 2
MOVED_ROLES = (Role.INPUT, Role.PARAMETER)


@dataclass(frozen=True, slots=True)
class Vanishing:
    """A gradient that is 0 at the given values and at `tried` others; `moves` are the definitions that a change of the name
    changes first, `stays` those behind them that it does not change.
    """

    name: str
    tried: int
    moves: tuple[str, ...]
    stays: tuple[str, ...]


def vanishing_gradients(derivation: DerivationRecord, ledger: Ledger) -> list[Vanishing]:
    """Return the gradients asked for that are 0, though the loss is computed from the name."""
    names = [name for name in derivation.wrt if name in derivation.adjoints and _is_nothing(ledger.true.adjoints[name])]
    if not names:
        return []
    others = list(_elsewhere(ledger))
    found = []
    for name in names:
        tried = [figures for figures in others if _is_nothing(figures.adjoints[name])]
        moves, stays = _effect(name, derivation, ledger)
        found.append(Vanishing(name, len(tried) if len(tried) == len(others) else 0, moves, stays))
    return found


def _is_nothing(value: Any) -> bool:
    return all(abs(entry) < NOTHING for entry in np.asarray(value, dtype=object).flat)


def _elsewhere(ledger: Ledger) -> Iterator[Figures]:
    """Yield all numbers at other inputs and parameters, where there are any."""
    for seed in range(TRIED):
        dice = Random(seed)
        names = [node.name for node in ledger.formulas.given if node.role in MOVED_ROLES]
        try:
            yield true_figures(ledger.formulas, _moved(ledger, names, dice), ledger.sizes)
        except UserError:  # outside the domain of a function
            continue


def _moved(ledger: Ledger, names: list[str], dice: Random) -> Mapping[str, Any]:
    """Return the given values, every entry of the named ones moved by up to a half."""
    given = {node.name: ledger.true.values[node.name] for node in ledger.formulas.given}
    for name in names:
        moved = np.array(given[name], dtype=object)
        for place in np.ndindex(moved.shape):
            moved[place] = moved[place] + Exact(dice.randint(1, 63), 128)
        given[name] = moved if moved.shape else moved[()]
    return given


def _effect(name: str, derivation: DerivationRecord, ledger: Ledger) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what a change of a name changes, and what it no longer changes behind that."""
    try:
        after = true_figures(ledger.formulas, _moved(ledger, [name], Random(name)), ledger.sizes).values
    except UserError:
        return (), ()
    before = ledger.true.values
    changed = {node for node in after if not _is_nothing(np.asarray(after[node]) - np.asarray(before[node]))}
    reached = [node for node in ledger.formulas.definitions if {name, *changed} & set(derivation.network.nodes[node].parents)]
    moves = tuple(node for node in reached if node in changed)
    return moves, tuple(node for node in reached if node not in changed)
