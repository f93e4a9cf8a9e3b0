"""Of which loss a text takes gradients, and what it calls its learning rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from symbackprop.formula.tree.tree import Formula, Indexed, Name, Partial, Update
from symbackprop.formula.tree.walk import nodes
from symbackprop.proofreading.meaning.values import Knowledge

RATES = ("eta", "lr", "alpha", "learning_rate", "epsilon")


def find_loss(formulas: Iterable[Formula], environment: Knowledge) -> str | None:
    """Return the defined name whose derivatives are taken most often and that no other definition uses."""
    bodies = [found.body for found in environment.definitions.values()]
    used = {environment.canonical(node.name) for body in bodies for node in nodes(body, Name, Indexed)}
    tops = (node.numerator for formula in formulas for node in nodes(formula, Partial))
    counted = Counter(environment.canonical(top.name) for top in tops if isinstance(top, Name))
    known = [name for name, _ in counted.most_common() if name in environment.definitions]
    return next((name for name in known if name not in used), next(iter(known), None))


def find_rate(formulas: Iterable[Formula]) -> str | None:
    """Return the name of the learning rate: one of the usual ones that stands beside a derivative, or in a formula with w⁺."""
    for formula in formulas:
        if any(nodes(formula, Partial, Update)):
            names = {node.name for node in nodes(formula, Name, Indexed)}
            if found := next((rate for rate in RATES if rate in names), None):
                return found
    return None
