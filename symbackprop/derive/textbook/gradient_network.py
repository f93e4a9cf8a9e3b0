"""Deriving again: a derivation written down as a network of its own, whose gradients are second derivatives.

The adjoints of a derivation are a single-assignment list, just as the network is; appended to it they make a network in which
`dE_dw1` is a node like any other, and `derive(gradient_network(d), "dE_dw1")["w2"]` is ∂²E/∂w1∂w2.
"""

from __future__ import annotations

from collections.abc import Iterable

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.derive.textbook.simplify import simplified_adjoints
from symbackprop.network.indices import index_name, index_size
from symbackprop.network.model import Network
from symbackprop.network.node import Role


def gradient_network(derivation: DerivationRecord, names: Iterable[object] | None = None) -> Network:
    """Return the network of the derivation with the adjoints of `names` (by default what was asked for) as further nodes.

    The new nodes are called as the adjoints are, `dE_dw1`; those they need come before them, each in its textbook form, in which
    what cancels is gone: of logistic regression `(p - t)·x`, so that its second derivative is `p(1 - p)·x²`. Example values,
    facts and index names are kept. Raises UserError for an unknown name.
    """
    wanted = [derivation.network.node(name).name for name in (derivation.wrt if names is None else names)]
    copy = _copied(derivation.network)
    for name, form in simplified_adjoints(derivation, tuple(wanted)).items():
        if not form.put_in:
            adjoint = form.adjoint
            copy.define(adjoint.name, *adjoint.indices, form.expression, note=f"∂{derivation.loss}/∂{name}")
    return copy


def _copied(network: Network) -> Network:
    copy = Network(f"gradient of {network.title}")
    for index in network.declared_indices.values():
        copy.indices(f"{index_name(index)}:{str(index_size(index)).replace(' ', '')}")
    declare = {
        Role.INPUT: copy.input,
        Role.PARAMETER: copy.parameter,
        Role.TARGET: copy.target,
        Role.CONSTANT: copy.constant,
    }
    for node in network.nodes.values():
        if node.defined:
            copy.define(node.name, *node.indices, node.expression, note=node.note)
        else:
            declare[node.role](node.name, *node.indices, value=network.values.get(node.name))
    for fact in network.facts:
        copy.assume(fact.left, fact.right, because=fact.because)
    return copy
