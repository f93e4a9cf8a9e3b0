"""What a wrong gradient would be, for each usual mistake: the derivation with one contribution changed, evaluated in numbers.

Every gradient is linear in every contribution, so one evaluation without it tells the factor with which the code counts it. Other
changes (a factor dropped, one name for another, σ'(out) for σ'(net)) are made in the local derivative itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr, Idx, Indexed, IndexedBase, Integer, Mul, Number, Symbol

from symbackprop.derive.derivation import Derivation
from symbackprop.derive.records import Contribution, summed_term
from symbackprop.errors import SymbackpropError
from symbackprop.network.functions import ELEMENTARY
from symbackprop.network.node import Node
from symbackprop.verify.algebra import Floats
from symbackprop.verify.interpret import Scope, evaluate_entry
from symbackprop.verify.sampling import sizes_of
from symbackprop.verify.wording import formula

MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One contribution to the adjoint of `node`, with `term` in its place; `kind` and `text` say what mistake that is."""

    node: str
    position: int
    term: Expr
    kind: str
    text: str
    cost: float


class Counterfactual:
    """A derivation evaluated at one point, from which changed derivations are evaluated downstream of the change only."""

    def __init__(self, derivation: Derivation, values: Mapping[str, Any], nodes: Mapping[str, Any], adjoints: Mapping[str, Any]):
        self.derivation = derivation
        self.sizes = sizes_of(derivation.network, values)
        self.arrays: dict[str, Any] = {**{k: np.asarray(v, dtype=float)[()] for k, v in values.items()}, **nodes}
        self.adjoints = adjoints
        for name, adjoint in derivation.adjoints.items():
            self.arrays[str(adjoint.symbol)] = adjoints[name]

    def term(self, node: str, expression: Expr) -> Any:
        """Evaluate one summand of the adjoint of a node."""
        scope = Scope(Floats(), self.arrays, self.sizes)
        with np.errstate(all="ignore"):
            return evaluate_entry(expression, self.derivation.adjoints[node].indices, scope)

    def changed(self, node: str, value: Any, wanted: frozenset[str]) -> dict[str, Any]:
        """Return the gradients of `wanted` names that change when the adjoint of `node` has another value."""
        arrays = dict(self.arrays)
        scope = Scope(Floats(), arrays, self.sizes)
        arrays[str(self.derivation.adjoints[node].symbol)] = value
        moved = {node}
        found = {node: value} if node in wanted else {}
        started = False
        with np.errstate(all="ignore"):
            for name, adjoint in self.derivation.adjoints.items():
                if name == node:
                    started = True
                    continue
                if not started or not any(c.consumer in moved for c in adjoint.contributions):
                    continue
                moved.add(name)
                arrays[str(adjoint.symbol)] = evaluate_entry(adjoint.expression, adjoint.indices, scope)
                if name in wanted:
                    found[name] = arrays[str(adjoint.symbol)]
        return found


def same(left: Any, right: Any) -> bool:
    """Whether two arrays are equal up to rounding (and not both zero)."""
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if left.shape != right.shape or not np.all(np.isfinite(left)) or not np.all(np.isfinite(right)):
        return False
    scale = float(np.max(np.abs(right), initial=0.0))
    return bool(np.all(np.abs(left - right) <= 1e-8 * np.abs(right) + 1e-11 * scale + 1e-300))


def upstream_of(derivation: Derivation, names: Sequence[str]) -> list[str]:
    """Return the nodes through which the loss reaches any of the names, nearest to the names first."""
    passed = {node for name in names for node in derivation.between(name)}
    return [node for node in reversed(list(derivation.adjoints)) if node in passed]


def changes(derivation: Derivation, node: str) -> Iterator[Change]:
    """Yield the usual mistakes in the contributions to the adjoint of one node."""
    for position, contribution in enumerate(derivation.adjoints[node].contributions):
        yield from _locals(derivation, node, position, contribution)


def quotient_text(contribution: Contribution, node: str) -> str:
    """Return the local derivative's name: ∂net_o1/∂w7."""
    return f"∂{contribution.consumer}/∂{node}"


def _locals(derivation: Derivation, node: str, position: int, contribution: Contribution) -> Iterator[Change]:
    local = contribution.local
    name = quotient_text(contribution, node)
    written = formula(local)

    def change(new: Expr, kind: str, text: str, cost: float) -> Change:
        term = summed_term(contribution.adjoint, new, contribution.summed, contribution.guard)
        return Change(node, position, term, kind, text, cost)

    factors = Mul.make_args(local)
    slope = slope_of(derivation, contribution)
    if slope is not None:
        function, output, net = slope
        shown = formula(output)
        yield change(Integer(1), "slope missing", f"the derivative of {function} is missing: {name} = {written} is left out", 1.0)
        yield change(_renamed(local, output, _call(function, output)), "slope of output",
                     f"the derivative of {function} is taken at its output: {name} is {written}, but the code puts {function}({shown}) in the place of {shown}", 1.1)  # fmt: skip
        yield change(_renamed(local, output, net), "slope of argument",
                     f"{name} is {written}, written with the output; the code puts {formula(net)} in its place", 1.2)  # fmt: skip
        if function == "sigmoid":
            yield change(output, "slope", f"{name} is {written}; the code has {shown} for it", 1.4)
            yield change(1 - output, "slope", f"{name} is {written}; the code has 1 - {shown} for it", 1.4)
            yield change(1 - output**2, "slope of another function",
                         f"{name} is {written}; 1 - {shown}^2 is the derivative of tanh, not of sigmoid", 1.3)  # fmt: skip
        if function == "tanh":
            yield change(1 - output, "slope", f"{name} is {written}; the code has 1 - {shown} for it: the square is missing", 1.3)
            yield change(1 + output**2, "slope", f"{name} is {written}; the code has 1 + {shown}^2 for it: a sign is wrong", 1.3)
            yield change(output * (1 - output), "slope of another function",
                         f"{name} is {written}; {shown}·(1 - {shown}) is the derivative of sigmoid, not of tanh", 1.3)  # fmt: skip
    for at, factor in enumerate(factors):
        if (
            not isinstance(factor, Number)
            and len(factors) > 1
            or (not isinstance(factor, Number) and slope is None and local != 1)
        ):
            rest = Mul(*factors[:at], *factors[at + 1 :])
            yield change(rest, "factor missing", f"the factor {formula(factor)} is missing in {name} = {written}", 1.5)
            if not isinstance(factor, Symbol | Indexed) and factor.is_Pow:
                yield change(
                    rest * factor.args[0], "power", f"in {name} the code has {formula(factor.args[0])} for {formula(factor)}", 1.6
                )
    for new, old_text, new_text in _exchanged(derivation, contribution):
        yield change(new, "name", f"in {name} = {written} the code has {new_text} where {old_text} belongs", 2.0)


def slope_of(derivation: Derivation, contribution: Contribution) -> tuple[str, Expr, Expr] | None:
    """Return (function, output, argument) when the consumer is an elementary function of the node, such as out = σ(net)."""
    consumer = derivation.network.nodes[contribution.consumer]
    expression = consumer.expression
    if expression is None or expression.func not in ELEMENTARY or contribution.summed:
        return None
    argument = expression.args[0]
    if not isinstance(argument, Symbol | Indexed):
        return None
    mapping = dict(zip(consumer.indices, contribution.consumer_indices, strict=True))
    return expression.func.__name__, consumer.entry.xreplace(mapping), argument.xreplace(mapping)


def _call(function: str, argument: Expr) -> Expr:
    row = next(row for row in ELEMENTARY.values() if row.name == function)
    return row.function(argument)


def _renamed(local: Expr, old: Expr, new: Expr) -> Expr:
    return local.xreplace({old: new})


def _exchanged(derivation: Derivation, contribution: Contribution) -> Iterator[tuple[Expr, str, str]]:
    """Yield the local derivative with one name put for another of the same shape, most similar first."""
    nodes = derivation.network.nodes
    for entry in sorted(contribution.local.atoms(Symbol, Indexed), key=str):
        name = str(entry.base.label) if isinstance(entry, Indexed) else entry.name
        if isinstance(entry, Idx) or name not in nodes or (isinstance(entry, Symbol) and nodes[name].indices):
            continue
        others = [other for other in nodes.values() if _alike(nodes[name], other)]
        others.sort(key=lambda other: (other.role is not nodes[name].role, -_common(name, other.name), other.position))
        for other in others[:MOST_NAMES]:
            put = other.symbol[entry.indices] if isinstance(entry, Indexed) else other.symbol
            yield contribution.local.xreplace({entry: put}), formula(entry), formula(put)
        if isinstance(entry, Indexed) and len(entry.indices) == 2:
            yield (
                contribution.local.xreplace({entry: entry.base[entry.indices[::-1]]}),
                formula(entry),
                f"its transpose {formula(entry.base[entry.indices[::-1]])}",
            )


def _alike(node: Node, other: Node) -> bool:
    return other.name != node.name and other.shape == node.shape


def _common(left: str, right: str) -> int:
    return sum(1 for a, b in zip(left, right, strict=False) if a == b)


__all__ = ["Change", "Counterfactual", "IndexedBase", "changes", "quotient_text", "same", "slope_of", "upstream_of"]
