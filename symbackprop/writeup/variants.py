"""Seeded numbers for a variant: short decimals at which nothing saturates and no result is tiny."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import numpy as np

from symbackprop.derive.derivation import Derivation
from symbackprop.derive.writer import Writer
from symbackprop.errors import UserError
from symbackprop.network.node import Node, Role
from symbackprop.numeric.function import compile_source
from symbackprop.numeric.source import trace_source
from symbackprop.writeup.options import HandoutOptions

ATTEMPTS = 400
#: A bounded unit must stay this far from its bounds, and a gradient at least this large.
MARGIN, SMALLEST = 0.05, 2e-3
LARGEST = 1e3
BOUNDED = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


def variant_values(derivation: Derivation, options: HandoutOptions) -> Mapping[str, Any]:
    """Return values of every declared name for the options' seed, the same for the same seed.

    Inputs, targets and parameters are drawn like the example values: whole numbers where those are whole, else a few decimals.
    Constants keep their values. Raises UserError when no values can be found at which the results are worth computing.
    """
    network = derivation.network
    run = compile_source(trace_source(derivation), "forward")
    arguments = [name for name in reversed(derivation.adjoints) if not network.nodes[name].defined]
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
