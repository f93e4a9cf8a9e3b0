"""The reverse sweep: adjoints of every node that reaches the loss, in reverse order of definition.

Linear in the number of uses; no recursion over the network's depth; local derivatives of linear terms are read off, not
differentiated one parent at a time (Griewank and Walther 2008, ch. 3).
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import IndexedBase, Integer, Symbol

from symbackprop.derive.sweep.push import emissions, merged
from symbackprop.derive.sweep.records import Adjoint, Assumption, Contribution, RawContribution
from symbackprop.derive.sweep.rewrite import Rewriter
from symbackprop.derive.sweep.unify import unify
from symbackprop.network.indices import bound_in, real_symbol
from symbackprop.network.model import Network
from symbackprop.network.node import Node


def local_contributions(node: Node, rewriter: Rewriter, assumptions: list[Assumption]) -> list[RawContribution]:
    """Return ∂node/∂parent for every use of a parent in the node's definition, in named intermediates."""
    raws: list[RawContribution] = []
    for leaf in emissions(node, assumptions):
        local, rewrites = rewriter.product(leaf.factors, node.position)
        if local != 0:
            raws.append(RawContribution(leaf.parent, leaf.address, local, node.indices, leaf.summed, leaf.guard, rewrites))
    return merged(raws)


def sweep(network: Network, loss: str) -> tuple[Mapping[str, Adjoint], tuple[Assumption, ...]]:
    """Return the adjoints by node name, loss first, and the assumptions made on the way."""
    nodes = network.nodes
    reached = frozenset(network.ancestors(loss))
    rewriter = Rewriter(node for node in nodes.values() if node.defined)
    declared = tuple(network.declared_indices.values())
    assumptions: list[Assumption] = []
    open_contributions: dict[str, list[Contribution]] = {}
    adjoints: dict[str, Adjoint] = {}
    for name in reversed(list(nodes)):
        if name not in reached or (name != loss and name not in open_contributions):
            continue
        node = nodes[name]
        symbol = adjoint_symbol(network, loss, node)
        adjoints[name] = Adjoint(name, symbol, node.indices, tuple(open_contributions.pop(name, ())))
        if not node.defined:
            continue
        upstream = Integer(1) if name == loss else symbol
        found = [
            unify(raw, name, upstream, nodes[raw.parent], declared) for raw in local_contributions(node, rewriter, assumptions)
        ]
        for contribution in found:
            if not contribution.is_scalar:
                bound_in(contribution.term, nodes[contribution.raw.parent].indices, f"∂{name}/∂{contribution.raw.parent}")
            open_contributions.setdefault(contribution.raw.parent, []).insert(0, contribution)
    return adjoints, tuple(assumptions)


def adjoint_symbol(network: Network, loss: str, node: Node) -> Symbol | IndexedBase:
    """Return the symbol of ∂loss/∂node: `dE_dZ`, with `_` appended until it is no node's name."""
    name = f"d{loss}_d{node.name}"
    while name in network.nodes:
        name += "_"
    return real_symbol(name, node.indices)
