"""Wrong values in the forward pass: gradients that are right for another value of a node than the network's.

The value that the code holds for a node (in the variable of its name) is put in the place of the network's, everything behind it
is worked out again, and the gradients must come out as the code has them. Which change of the definition gives that value is
then looked for; where no variable tells, the changes of definitions themselves are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
from sympy import Expr, Rational

from symbackprop.errors import SymbackpropError
from symbackprop.network.model import Network
from symbackprop.trace.graph.algebra import Floats
from symbackprop.verify.binding import name_matching as spelling
from symbackprop.verify.explain.catalog import Explained, explained
from symbackprop.verify.explain.evaluation import DerivationAt, same
from symbackprop.verify.explain.redefinitions import Redefined, redefinitions
from symbackprop.verify.reference.interpret import Environment, evaluate_entry
from symbackprop.verify.wording import formula, short

MOST_CHANGES = 150
"""Changes of definitions tried that no variable points at."""


WITHOUT_VARIABLES = 1.1
"""How much more far-fetched a wrong definition is when no variable of the code holds its value."""


def forward_causes(points: Sequence[DerivationAt], offered: Sequence[Explained]) -> Iterator[Explained]:
    """Yield the wrong forward values that explain gradients; without variables to go by only for what nothing else explains."""
    traced = [point for point in points if point.sample.run is not None]
    told = next(_held_values(traced), None)
    if told is not None:
        yield told
        return
    left = frozenset(points[0].wanted) - frozenset().union(*(option.names for option in offered))
    if left:
        yield from _without_variables(points, left)


def _held_values(points: Sequence[DerivationAt]) -> Iterator[Explained]:
    """Yield the wrong value of a variable, with which everything behind it is right."""
    held = [_held(point) for point in points]
    network = points[0].derivation.network if points else Network("none")
    common = [name for name in network.nodes if held and all(name in h for h in held)]
    departing = [name for name in common if _departs(points, held, name)]
    for name in departing[:2]:
        names = _explained(points, [{name: h[name]} for h in held], frozenset(points[0].wanted))
        if names:
            change = _redefined(points, name, [h[name] for h in held], {*common} - {*departing})
            if change is not None:
                yield explained(change.mistake, names, node=name, **change.values)
            else:
                yield explained("forward value", names, node=name, definition=_definition(network, name))


def _definition(network: Network, name: str) -> str:
    node = network.nodes[name]
    written = short(node.expression)
    return f"{formula(node.entry)} = {written}" if written else "what the network defines"


def _held(point: DerivationAt) -> dict[str, Any]:
    """Return node → the value of the variable named after it, when the code was traced and there is one."""
    run, graph = point.sample.run, point.sample.graph
    if run is None or graph is None:
        return {}
    defined = [node.name for node in point.derivation.network.nodes.values() if node.defined]
    found: dict[str, Any] = {}
    for local in run.locals:
        name = spelling.match(local.name.rsplit(".", maxsplit=1)[-1], defined)
        if name is not None and name in point.nodes and local.value.shape == np.shape(point.nodes[name]):
            found[name] = local.value.values(graph)[()]
    return found


def _departs(points: Sequence[DerivationAt], held: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(not np.allclose(h[name], w.nodes[name], rtol=1e-8, atol=1e-11) for w, h in zip(points, held, strict=True))


def _explained(points: Sequence[DerivationAt], forced: Sequence[Mapping[str, Any]], names: frozenset[str]) -> frozenset[str]:
    """Return the names whose handwritten gradient is the derived one for other values of some nodes."""
    for point, values in zip(points, forced, strict=True):
        try:
            adjoints = point.adjoints_with(forward(point, values))
        except (SymbackpropError, ValueError):
            return frozenset()
        names = frozenset(name for name in names if name in adjoints and same(point.sample.hand[name], adjoints[name]))
        if not names:
            break
    return names


def forward(point: DerivationAt, forced: Mapping[str, Any], expressions: Mapping[str, Expr] | None = None) -> dict[str, Any]:
    """Return the values of all nodes when some have another value, or another definition."""
    others = expressions or {}
    arrays = {**point.nodes, **forced}
    scope = Environment(Floats(), arrays, point.sizes)
    moved = {*forced, *others}
    for node in point.derivation.network.nodes.values():
        if not node.defined or node.name in forced or node.name not in point.nodes:
            continue
        if node.name in others or any(parent in moved for parent in node.parents):
            moved.add(node.name)
            with np.errstate(all="ignore"):
                arrays[node.name] = evaluate_entry(others.get(node.name, node.expression), node.indices, scope)
    return arrays


def _redefined(points: Sequence[DerivationAt], name: str, values: Sequence[Any], right: set[str]) -> Redefined | None:
    """Return what is wrong in the definition of a node, or in one above it that the code does not hold in a variable."""
    network = points[0].derivation.network
    offered = (change for node in _above(network, name, right) for change in redefinitions(network, network.nodes[node]))
    return next((change for change in offered if _gives(points, change, name, values)), None)


def _above(network: Network, name: str, right: set[str]) -> list[str]:
    """Return a node and the definitions it depends on, the nearest first, not beyond values that the code has right."""
    found = [name]
    for current in found:
        found += [p for p in network.nodes[current].parents if network.nodes[p].defined and p not in right and p not in found]
    return found


def _gives(points: Sequence[DerivationAt], change: Redefined, name: str, values: Sequence[Any]) -> bool:
    for point, value in zip(points, values, strict=True):
        try:
            if not same(value, forward(point, {}, {change.node: change.expression})[name]):
                return False
        except (SymbackpropError, ValueError, IndexError, KeyError):
            return False
    return True


def _without_variables(points: Sequence[DerivationAt], wanted: frozenset[str]) -> Iterator[Explained]:
    derivation = points[0].derivation
    nodes = [derivation.network.nodes[name] for name in derivation.adjoints if name != derivation.loss]
    changes = (change for node in nodes if node.defined for change in redefinitions(derivation.network, node))
    for change in islice(changes, MOST_CHANGES):
        names = _with_definition(points, change, wanted)
        if names and not _with_definition(points, replace(change, expression=change.expression * NEARLY_ONE), names):
            yield explained(change.mistake, names, WITHOUT_VARIABLES, node=change.node, **change.values)


NEARLY_ONE = Rational(1000, 997)
"""By what a definition is changed to see whether its value tells: where it only decides `d > 0`, others do as well."""


def _with_definition(points: Sequence[DerivationAt], change: Redefined, names: frozenset[str]) -> frozenset[str]:
    """Return the names whose handwritten gradient is the derived one with another definition of a node."""
    for point in points:
        try:
            adjoints = point.adjoints_with(forward(point, {}, {change.node: change.expression}))
        except (SymbackpropError, ValueError, IndexError, KeyError):
            return frozenset()
        names = frozenset(n for n in names if n in adjoints and same(point.sample.hand[n], adjoints[n]))
        if not names:
            break
    return names
