"""Seeded numbers for a variant: short decimals at which nothing saturates and no result is tiny."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import numpy as np

from symbackprop.derive.steps.worked_formulas import up_to_loss
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.functions import ELEMENTARY
from symbackprop.network.node import Node, Role
from symbackprop.numeric.code.source import trace_source
from symbackprop.numeric.run.function import compile_source
from symbackprop.writeup.page.options import HandoutOptions

ATTEMPTS = 400
#: A bounded unit must stay this far from its bounds, and a gradient at least this large.
MARGIN, SMALLEST = 0.05, 2e-3
LARGEST = 1e3


def variant_values(derivation: DerivationRecord, options: HandoutOptions) -> Mapping[str, Any]:
    """Return values of every declared name for the options' seed, the same for the same seed.

    Inputs, targets and parameters are drawn like the example values: whole numbers where those are whole, else a few decimals.
    Constants keep their values. Raises UserError when no values can be found at which the results are worth computing.
    """
    network = derivation.network
    run = compile_source(trace_source(derivation), "forward")
    arguments = [name for name in up_to_loss(derivation) if not network.nodes[name].defined]
    best: dict[str, Any] = {}
    worst = float("inf")
    for attempt in range(ATTEMPTS):
        dice = Random(f"{options.seed}/{attempt}/{network.title}")
        drawn = {name: _drawn(network.nodes[name], network.values.get(name), dice) for name in arguments}
        trouble = _trouble(derivation, run, drawn)
        if trouble == 0:
            return drawn
        if trouble < worst:
            best, worst = drawn, trouble
    if worst == float("inf"):
        raise UserError(
            f"handout: no variant with seed {options.seed} gives finite results; give the network example values of ordinary size"
        )
    return best


def _drawn(node: Node, example: Any, dice: Random) -> Any:
    """Return new values of a node's shape. Raises UserError where there is no example to draw after."""
    if example is None:
        raise UserError(f"handout: no value for {node.name}, so no variant can be drawn; give one where it is declared")
    like = np.asarray(example, dtype=float)
    if node.role is Role.CONSTANT:
        return example
    if node.role is Role.TARGET and _is_one_hot(like):
        drawn = np.zeros_like(like)
        for place in np.ndindex(like.shape[:-1]):
            drawn[(*place, dice.randrange(like.shape[-1]))] = 1
        return drawn
    make = _DRAWS[node.role]
    drawn = np.array([make(like, dice) for _ in range(like.size)]).reshape(like.shape)
    return drawn if like.shape else float(drawn)


def _is_one_hot(like: Any) -> bool:
    return like.ndim >= 2 and like.shape[-1] > 1 and bool(np.all((like == 0) | (like == 1)) and np.all(like.sum(axis=-1) == 1))


def _input(like: Any, dice: Random) -> float:
    """A share of one in steps of 0.05, or a whole number of the size of the example's where it is an array of whole numbers."""
    if like.ndim and np.all(like == np.round(like)):
        return float(dice.randint(int(like.min()), int(like.max()) + (like.min() == like.max())))
    return dice.choice((1, 1, 1, -1)) * dice.randint(4, 19) / 20 if like.ndim else dice.randint(4, 19) / 20


def _parameter(like: Any, dice: Random) -> float:
    return dice.choice((1, 1, -1)) * dice.randint(2, 18) / 20


def _target(like: Any, dice: Random) -> float:
    if np.all((like == 0) | (like == 1)):
        return float(dice.randint(0, 1))
    if np.all((like >= 0) & (like <= 1)):
        return dice.choice((0.01, 0.05, 0.1, 0.9, 0.95, 0.99))
    if np.all(like == np.round(like)):
        return float(dice.randint(int(like.min()), int(like.max()) + (like.min() == like.max())))
    return round(dice.uniform(float(like.min()) - 1, float(like.max()) + 1), 2)


_DRAWS = {Role.INPUT: _input, Role.PARAMETER: _parameter, Role.TARGET: _target}


def _trouble(derivation: DerivationRecord, run: Any, drawn: Mapping[str, Any]) -> float:
    """Return how many results are not worth computing; infinity where one is not finite."""
    try:
        found = run(*drawn.values())
    except (ArithmeticError, ValueError):
        return float("inf")
    if not all(np.all(np.isfinite(value)) for value in found.values()):
        return float("inf")
    trouble = 0.0
    for name, bounds in _bounded(derivation).items():
        value = np.asarray(found[name])
        trouble += float(np.mean((value < bounds[0] + MARGIN) | (value > bounds[1] - MARGIN)) > 0.2)
    for name in derivation.wrt:
        record = derivation.adjoints.get(name)
        slopes = found.get(str(record.symbol.label if record.indices else record.symbol)) if record else None
        if slopes is not None:
            size = float(np.max(np.abs(slopes)))
            trouble += not SMALLEST <= size <= LARGEST
    return trouble + (abs(float(found[derivation.loss])) < SMALLEST)


def _bounded(derivation: DerivationRecord) -> dict[str, tuple[float, float]]:
    """Return the nodes that are a bounded function of something, with its bounds."""
    found = {}
    for name in derivation.adjoints:
        expression = derivation.network.nodes[name].expression
        row = ELEMENTARY.get(expression.func) if expression is not None else None
        if row is not None and row.bounds is not None:
            found[name] = row.bounds
    return found
