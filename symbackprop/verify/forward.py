"""Wrong values in the forward pass: gradients that are right for another value of a node than the network's.

The value that the code holds for a node (in the variable of its name) is put in the place of the network's, everything behind it
is worked out again, and the gradients must come out as the code has them. Which change of the definition gives that value is
then looked for; where no variable tells, the changes of definitions themselves are tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Add, Expr, Function, Idx, Indexed, Mul, Number, Pow, Symbol, tanh

from symbackprop.errors import SymbackpropError
from symbackprop.network.functions import ELEMENTARY, relu, sigmoid, step
from symbackprop.network.model import Network
from symbackprop.network.node import Node
from symbackprop.verify import names as spelling
from symbackprop.verify.algebra import Floats
from symbackprop.verify.interpret import Scope, evaluate_entry
from symbackprop.verify.records import Cause
from symbackprop.verify.relations import Explained
from symbackprop.verify.wording import formula, short
from symbackprop.verify.worlds import World, same

MOST_CHANGES = 150
"""Changes of definitions tried that no variable points at."""
MOST_NAMES = 6


@dataclass(frozen=True, slots=True)
class Redefined:
    """A node with another definition, and what that mistake is called."""

    node: str
    expression: Expr
    text: str
    formulas: tuple[Expr, ...] = ()

    @property
    def said(self) -> str:
        """The text with its formulas."""
        return self.text.format(*(formula(expression) for expression in self.formulas))


def forward_causes(worlds: Sequence[World], offered: Sequence[Explained]) -> Iterator[Explained]:
    """Yield the wrong forward values that explain gradients; without variables to go by only for what nothing else explains."""
    traced = [world for world in worlds if world.sample.run is not None]
    held = [_held(world) for world in traced]
    network = worlds[0].derivation.network
    wanted = frozenset(worlds[0].wanted)
    departing = [name for name in network.nodes if held and all(name in h for h in held) and _departs(traced, held, name)]
    for name in departing[:2]:
        explained = _explained(traced, [{name: h[name]} for h in held], wanted)
        if explained:
            right = {n for n in network.nodes if all(n in h for h in held) and n not in departing}
            change = _redefined(traced, name, [h[name] for h in held], right)
            yield Explained(Cause("forward", _reason(network, name, change)), explained, 0.8 if change else 1.35)
            return
    left = wanted - frozenset().union(*(option.names for option in offered))
    if left:
        yield from _without_variables(worlds, frozenset(left))


def _held(world: World) -> dict[str, Any]:
    """Return node → the value of the variable named after it, when the code was traced and there is one."""
    run, graph = world.sample.run, world.sample.graph
    if run is None or graph is None:
        return {}
    defined = [node.name for node in world.derivation.network.nodes.values() if node.defined]
    found: dict[str, Any] = {}
    for local in run.locals:
        name = spelling.match(local.name.rsplit(".", maxsplit=1)[-1], defined)
        if name is not None and name in world.nodes and local.value.shape == np.shape(world.nodes[name]):
            found[name] = local.value.values(graph)[()]
    return found


def _departs(worlds: Sequence[World], held: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(not np.allclose(h[name], w.nodes[name], rtol=1e-8, atol=1e-11) for w, h in zip(worlds, held, strict=True))


def _explained(worlds: Sequence[World], forced: Sequence[Mapping[str, Any]], names: frozenset[str]) -> frozenset[str]:
    """Return the names whose handwritten gradient is the derived one for other values of some nodes."""
    for world, values in zip(worlds, forced, strict=True):
        try:
            adjoints = world.again(forward(world, values))
        except (SymbackpropError, ValueError):
            return frozenset()
        names = frozenset(name for name in names if name in adjoints and same(world.sample.hand[name], adjoints[name]))
        if not names:
            break
    return names


def forward(world: World, forced: Mapping[str, Any], expressions: Mapping[str, Expr] | None = None) -> dict[str, Any]:
    """Return the values of all nodes when some have another value, or another definition."""
    others = expressions or {}
    arrays = {**world.nodes, **forced}
    scope = Scope(Floats(), arrays, world.sizes)
    moved = {*forced, *others}
    for node in world.derivation.network.nodes.values():
        if not node.defined or node.name in forced or node.name not in world.nodes:
            continue
        if node.name in others or any(parent in moved for parent in node.parents):
            moved.add(node.name)
            with np.errstate(all="ignore"):
                arrays[node.name] = evaluate_entry(others.get(node.name, node.expression), node.indices, scope)
    return arrays


def _redefined(worlds: Sequence[World], name: str, values: Sequence[Any], right: set[str]) -> Redefined | None:
    """Return what is wrong in the definition of a node, or in one above it that the code does not hold in a variable."""
    network = worlds[0].derivation.network
    offered = (change for node in _above(network, name, right) for change in redefinitions(network, network.nodes[node]))
    return next((change for change in offered if _gives(worlds, change, name, values)), None)


def _reason(network: Network, name: str, change: Redefined | None) -> str:
    if change is not None:
        return f"the forward value {name} is wrong: {change.said}"
    node = network.nodes[name]
    said = f"{formula(node.entry)} = {short(node.expression)}" if short(node.expression) else "what the network defines"
    return f"the forward value {name} is not {said}; everything behind it fits the value that the code has"


def _above(network: Network, name: str, right: set[str]) -> list[str]:
    """Return a node and the definitions it depends on, the nearest first, not beyond values that the code has right."""
    found = [name]
    for current in found:
        found += [p for p in network.nodes[current].parents if network.nodes[p].defined and p not in right and p not in found]
    return found


def _gives(worlds: Sequence[World], change: Redefined, name: str, values: Sequence[Any]) -> bool:
    for world, value in zip(worlds, values, strict=True):
        try:
            if not same(value, forward(world, {}, {change.node: change.expression})[name]):
                return False
        except (SymbackpropError, ValueError, IndexError, KeyError):
            return False
    return True


def _without_variables(worlds: Sequence[World], wanted: frozenset[str]) -> Iterator[Explained]:
    derivation = worlds[0].derivation
    tried = 0
    for name in derivation.adjoints:
        node = derivation.network.nodes[name]
        for change in redefinitions(derivation.network, node) if node.defined and name != derivation.loss else ():
            tried += 1
            if tried > MOST_CHANGES:
                return
            names = wanted
            for world in worlds:
                try:
                    adjoints = world.again(forward(world, {}, {change.node: change.expression}))
                except (SymbackpropError, ValueError, IndexError, KeyError):
                    names = frozenset()
                    break
                names = frozenset(n for n in names if n in adjoints and same(world.sample.hand[n], adjoints[n]))
                if not names:
                    break
            if names:
                yield Explained(Cause("forward", f"the forward pass is not the network's: {change.said}"), names, 1.9)


# ---- changes of a definition ---------------------------------------------------------------------------------------


def redefinitions(network: Network, node: Node) -> Iterator[Redefined]:
    """Yield the usual mistakes in a definition: a summand, a factor or a function left out, one name for another."""
    expression = node.expression
    if expression is None:
        return
    head = f"in {formula(node.entry)} = {{0}} "
    for total in _parts(expression, Add):
        for summand in total.args:
            yield Redefined(
                node.name,
                expression.xreplace({total: total - summand}),
                head + "the summand {1} is left out",
                (expression, summand),
            )
            flipped = expression.xreplace({total: total - 2 * summand})
            yield Redefined(node.name, flipped, head + "the sign of {1} is wrong", (expression, summand))
    for call in _parts(expression, Function):
        if call.func in ELEMENTARY and len(call.args) == 1:
            (argument,) = call.args
            yield Redefined(
                node.name,
                expression.xreplace({call: argument}),
                head + "the code has {1} for {2}",
                (expression, argument, call),
            )
            for other in (sigmoid, tanh, relu):
                if call.func is not other:
                    put = other(argument)
                    yield Redefined(
                        node.name, expression.xreplace({call: put}), head + "the code has {1} for {2}", (expression, put, call)
                    )
    for call in sorted(expression.atoms(step), key=str):
        for put, words in ((1 - call, "the condition is the wrong way round"), (2 * call - 1, "the code has -1 where 0 belongs")):
            yield Redefined(node.name, expression.xreplace({call: put}), head + words, (expression,))
    for product in _parts(expression, Mul):
        for factor in (f for f in product.args if not f.is_Number or abs(f) != 1):
            yield Redefined(
                node.name,
                expression.xreplace({product: product / factor}),
                head + "the factor {1} is left out",
                (expression, factor),
            )
    for power in _parts(expression, Pow):
        if not isinstance(power.exp, Number) or power.exp != -1:
            yield Redefined(
                node.name,
                expression.xreplace({power: power.base}),
                head + "the code has {1} for {2}",
                (expression, power.base, power),
            )
    yield from _renamed(network, node, expression, head)


def _parts(expression: Expr, kind: type) -> list[Expr]:
    return sorted(expression.atoms(kind), key=str)


def _renamed(network: Network, node: Node, expression: Expr, head: str) -> Iterator[Redefined]:
    earlier = [other for other in network.nodes.values() if other.position < node.position]
    for entry in sorted(expression.atoms(Symbol, Indexed), key=str):
        name = str(entry.base.label) if isinstance(entry, Indexed) else entry.name
        own = network.nodes.get(name)
        if isinstance(entry, Idx) or own is None or (isinstance(entry, Symbol) and own.indices):
            continue
        alike = [other for other in earlier if other.name != name and other.shape == own.shape]
        alike.sort(key=lambda other: (other.role is not own.role, abs(other.position - own.position)))
        for put in _entries(entry, alike[:MOST_NAMES]):
            yield Redefined(
                node.name,
                expression.xreplace({entry: put}),
                head + "the code has {1} where {2} belongs",
                (expression, put, entry),
            )


def _entries(entry: Expr, others: Iterable[Node]) -> Iterator[Expr]:
    for other in others:
        yield other.symbol[entry.indices] if isinstance(entry, Indexed) else other.symbol
    if isinstance(entry, Indexed) and len(entry.indices) == 2:
        yield entry.base[entry.indices[::-1]]
