"""Total derivatives by 60-digit central differences, straight from the definitions of a scalar network. For tests.

Nothing of `derive` is used: a node's value is its definition evaluated with mpmath; ∂A/∂B moves B and recomputes what follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath
import sympy

from symbackprop.network import Network

DIGITS = 60
STEP = mpmath.mpf(10) ** -20


def forward(network: Network, given: Mapping[str, Any], moved: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return all values at 60 digits; `moved` nodes keep the value given there, whatever their definition says."""
    fixed = moved or {}
    with mpmath.workdps(DIGITS):
        values: dict[str, Any] = {}
        for name, node in network.nodes.items():
            if name in fixed:
                values[name] = fixed[name]
            elif node.expression is None:
                values[name] = mpmath.mpf(given[name])
            else:
                known = {network.nodes[parent].symbol: sympy.Float(values[parent], DIGITS) for parent in node.parents}
                values[name] = mpmath.mpf(node.expression.xreplace(known).evalf(DIGITS)._to_mpmath(DIGITS * 4))
        return values


def total_derivative(network: Network, of: str, by: str, given: Mapping[str, Any]) -> float:
    """Return ∂of/∂by by central differences (error of the order of 1e-40)."""
    with mpmath.workdps(DIGITS):
        start = forward(network, given)[by]
        above = forward(network, given, {by: start + STEP})[of]
        below = forward(network, given, {by: start - STEP})[of]
        return float((above - below) / (2 * STEP))
