"""Of which loss a text takes gradients, and what it calls its learning rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from symbackprop.formula.tree.tree import Formula, Indexed, Name, Partial, Update
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.meaning.values import Knowledge

RATES = ("eta", "lr", "alpha", "learning_rate", "epsilon")


def find_loss(formulas: Iterable[Formula], environment: Knowledge) -> str | None:
    """Return the defined name whose derivatives are taken most often and that no other definition uses."""
    used = {
        environment.canonical(node.name)
        for found in environment.definitions.values()
        for node in walk(found.body)
        if isinstance(node, Name | Indexed)
    }
    counted: Counter[str] = Counter()
    for formula in formulas:
        for node in walk(formula):
            if isinstance(node, Partial) and isinstance(node.numerator, Name):
                counted[environment.canonical(node.numerator.name)] += 1
    known = [name for name, _ in counted.most_common() if name in environment.definitions]
    return next((name for name in known if name not in used), known[0] if known else None)


def find_rate(formulas: Iterable[Formula]) -> str | None:
    """Return the name of the learning rate: one of the usual ones that stands beside a derivative, or in a formula with w⁺."""
    for formula in formulas:
        nodes = list(walk(formula))
        if any(isinstance(node, Partial | Update) for node in nodes):
            names = {node.name for node in nodes if isinstance(node, Name | Indexed)}
            if found := next((rate for rate in RATES if rate in names), None):
                return found
    return None
