"""The reverse sweep: adjoints of every node that reaches the loss, in reverse order of definition.

Linear in the number of uses; no recursion over the network's depth; local derivatives of linear terms are read off, not
differentiated one parent at a time (Griewank and Walther 2008, ch. 3).
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import And, Expr, Idx, Indexed, Integer, Mul, Piecewise

from symbackprop.derive.sweep.push import emissions, merged
from symbackprop.derive.sweep.records import Adjoint, Assumption, Contribution, RawContribution
from symbackprop.derive.sweep.rewrite import Rewriter
from symbackprop.derive.sweep.unify import unify
from symbackprop.network.indices import bound_in, guarded, is_label, kinds
from symbackprop.network.model import Network
from symbackprop.network.node import Node
from symbackprop.network.places import is_granted


def local_contributions(
    node: Node, rewriter: Rewriter, assumptions: list[Assumption], nodes: Mapping[str, Node]
) -> list[RawContribution]:
    """Return ∂node/∂parent for every use of a parent in the node's definition, in named intermediates."""
    raws: list[RawContribution] = []
    for leaf in emissions(node, assumptions):
        local, rewrites = rewriter.product(leaf.factors, node.position)
        local = _held_inside(local, nodes) if Piecewise in kinds(local) else local
        if local != 0:
            raws.append(RawContribution(leaf.parent, leaf.address, local, node.indices, leaf.summed, leaf.guard, rewrites))
    return merged(raws)


def _held_inside(local: Expr, nodes: Mapping[str, Node]) -> Expr:
    """Put a product under its conditions where one of its factors is read outside of its array without them."""
    factors = Mul.make_args(local)
    masks = [factor for factor in factors if _is_mask(factor)]
    rest = Mul(*(factor for factor in factors if factor not in masks))
    if not masks or not any(_leaves(entry, nodes) for entry in rest.atoms(Indexed)):
        return local
    return guarded(rest, And(*(mask.args[0][1] for mask in masks)))


def _is_mask(factor: Expr) -> bool:
    """Whether a factor is 1 where a condition on indices holds, and 0 elsewhere."""
    if not isinstance(factor, Piecewise) or [value for value, _ in factor.args] != [1, 0]:
        return False
    (_, condition), (_, otherwise) = factor.args
    return bool(otherwise == True and not condition.atoms(Indexed))  # noqa: E712 - sympy's true


def _leaves(entry: Indexed, nodes: Mapping[str, Node]) -> bool:
    own = nodes[str(entry.base.label)].indices
    return any(
        not isinstance(place, Idx) and not is_label(place) and not (is_granted(place) and is_granted(axis.upper - place))
        for place, axis in zip(entry.indices, own, strict=True)
    )


def sweep(network: Network, loss: str) -> tuple[Mapping[str, Adjoint], tuple[Assumption, ...]]:
    """Return the adjoints by node name, loss first, and the assumptions made on the way."""
    nodes = network.nodes
    rewriter = Rewriter(node for node in nodes.values() if node.defined)
    declared = tuple(network.declared_indices.values())
    assumptions: list[Assumption] = []
    open_contributions: dict[str, list[Contribution]] = {loss: []}
    adjoints: dict[str, Adjoint] = {}
    for name in reversed(list(nodes)):
        if name not in open_contributions:
            continue
        node = nodes[name]
        adjoints[name] = Adjoint(name, adjoint_name(network, loss, node), node.indices, tuple(open_contributions.pop(name)))
        if not node.defined:
            continue
        upstream = Integer(1) if name == loss else adjoints[name].symbol
        found = [
            unify(raw, name, upstream, nodes[raw.parent], declared)
            for raw in local_contributions(node, rewriter, assumptions, nodes)
        ]
        for contribution in found:
            if not contribution.is_scalar:
                bound_in(contribution.term, nodes[contribution.raw.parent].indices, f"∂{name}/∂{contribution.raw.parent}")
            open_contributions.setdefault(contribution.raw.parent, []).insert(0, contribution)
    return adjoints, tuple(assumptions)


def adjoint_name(network: Network, loss: str, node: Node) -> str:
    """Return the name of ∂loss/∂node: `dE_dZ`, with `_` appended until it is no node's name."""
    name = f"d{loss}_d{node.name}"
    while name in network.nodes:
        name += "_"
    return name
