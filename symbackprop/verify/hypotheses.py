"""What a wrong gradient would be, for each usual mistake: the derivation with one contribution changed.

Each change (a factor dropped, one name for another, σ'(out) for σ'(net), an index the wrong way round) is made in one local
derivative; what it does to the gradients is worked out by `worlds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Function, Idx, Indexed, Integer, Mul, Number, Symbol

from symbackprop.derive.derivation import Derivation
from symbackprop.derive.records import Contribution
from symbackprop.network.functions import ELEMENTARY, step
from symbackprop.network.node import Node
from symbackprop.verify.wording import formula

MOST_NAMES = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One contribution to the adjoint of `node` with another local derivative, or another adjoint before it (`upstream`); `kind`
    and `text` say what mistake that is.

    `text` has a field for each of `formulas`, which are worded when the change explains something.
    """

    node: str
    position: int
    local: Expr
    upstream: Expr | None
    kind: str
    text: str
    formulas: tuple[Expr, ...]
    cost: float

    @property
    def said(self) -> str:
        """The text with its formulas."""
        return self.text.format(*(formula(expression) for expression in self.formulas))


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

    def change(new: Expr, kind: str, text: str, *formulas: Expr, cost: float, upstream: Expr | None = None) -> Change:
        return Change(node, position, new, upstream, kind, text, formulas, cost)

    slope = slope_of(derivation, contribution)
    if slope is not None:
        yield from _slopes(change, name, local, *slope)
    factors = Mul.make_args(local)
    for at, factor in enumerate(factors):
        if isinstance(factor, Number) or (slope is not None and len(factors) == 1):
            continue
        rest = Mul(*factors[:at], *factors[at + 1 :])
        yield change(rest, "factor missing", f"a factor {{0}} is missing in {name} = {{1}}", factor, local, cost=1.5)
        if factor.is_Pow:
            base = factor.args[0]
            yield change(rest * base, "power", f"in {name} = {{1}} the code has {{2}} for {{0}}", factor, local, base, cost=1.6)
        yield change(rest * factor**2, "power", f"in {name} = {{1}} the factor {{0}} is taken twice", factor, local, cost=1.7)
    if not contribution.summed or contribution.local != 1:
        head = f"∂{derivation.loss}/∂{contribution.consumer}"
        yield change(
            local,
            "factor missing",
            f"{head} is left out: ∂{derivation.loss}/∂{node} is {name} times it",
            cost=1.8,
            upstream=Integer(1),
        )
    yield from _shortened(change, name, local)
    yield from _readdressed(change, name, local)
    yield from _switched(change, derivation, name, local)
    yield from _other_upstream(change, derivation, node, contribution)
    for new, old, put in _exchanged(derivation, contribution):
        yield change(new, "name", f"in {name} = {{0}} the code has {{1}} where {{2}} belongs", local, put, old, cost=2.0)


Maker = Callable[..., Change]


def _shortened(change: Maker, name: str, local: Expr) -> Iterator[Change]:
    """A summand of a bracket left out, `y` for `y - t`; a function left out, `c` for `tanh(c)`."""
    for factor in Mul.make_args(local):
        if isinstance(factor, Add):
            for summand in (s for s in factor.args if factor - s != 1):  # without it the whole factor is missing
                text = f"in {name} = {{0}} the summand {{1}} is missing"
                yield change(local.xreplace({factor: factor - summand}), "term missing", text, local, summand, cost=1.4)
    for call in sorted((c for c in local.atoms(Function) if c.func in ELEMENTARY and len(c.args) == 1), key=str):
        text = f"in {name} = {{0}} the code has {{1}} for {{2}}"
        yield change(local.xreplace({call: call.args[0]}), "name", text, local, call.args[0], call, cost=1.9)


def _readdressed(change: Maker, name: str, local: Expr) -> Iterator[Change]:
    """An index that runs backwards, `k[F - 1 - u]` for `k[u]`, or stands still, `k[0]`."""
    for entry in sorted(local.atoms(Indexed), key=str):
        for at, address in enumerate(entry.indices):
            for index in sorted(address.atoms(Idx), key=str):
                for put, cost in ((index.lower + index.upper - index, 1.5), (index.lower, 1.55), (index.upper, 1.6)):
                    moved = entry.base[(*entry.indices[:at], address.xreplace({index: put}), *entry.indices[at + 1 :])]
                    text = f"in {name} = {{0}} the code has {{1}} where {{2}} belongs"
                    yield change(local.xreplace({entry: moved}), "index", text, local, moved, entry, cost=cost)


def _other_upstream(change: Maker, derivation: Derivation, node: str, contribution: Contribution) -> Iterator[Change]:
    """Another array of the consumer's shape where the consumer's adjoint belongs: `dP` for `dS`, a target for a residual."""
    nodes = derivation.network.nodes
    consumer = nodes[contribution.consumer]
    head = f"∂{derivation.loss}/∂{contribution.consumer}"
    if not consumer.indices:
        return
    for other in nodes.values():
        if not _alike(consumer, other):
            continue
        adjoint = derivation.adjoints.get(other.name)
        if adjoint is not None and other.defined:
            text = f"for ∂{derivation.loss}/∂{node} the code takes ∂{derivation.loss}/∂{other.name} where {head} belongs"
            upstream = adjoint.symbol[contribution.consumer_indices]
            yield change(contribution.local, "name", text, cost=2.1, upstream=upstream)
        text = f"for ∂{derivation.loss}/∂{node} the code takes {other.name} where {head} belongs"
        yield change(contribution.local, "name", text, cost=2.2, upstream=other.symbol[contribution.consumer_indices])


def _slopes(change: Maker, name: str, local: Expr, function: str, output: Expr, net: Expr) -> Iterator[Change]:
    """The derivative of an elementary function: left out, taken at the wrong place, misremembered."""
    yield change(
        Integer(1), "slope missing", f"the derivative of {function} is missing: {name} = {{0}} is left out", local, cost=1.0
    )
    yield change(
        local.xreplace({output: _call(function, output)}),
        "slope of output",
        f"the derivative of {function} is taken at its output: {name} is {{0}}, but the code puts {function}({{1}}) "
        "in the place of {1}",
        local,
        output,
        cost=1.1,
    )
    text = f"{name} is {{0}}, written with the output; the code puts {{1}} in its place"
    yield change(local.xreplace({output: net}), "slope of argument", text, local, net, cost=1.2)
    for kind, other, remark in _MISREMEMBERED.get(function, ()):
        yield change(other(output), kind, f"{name} is {{0}}; the code has {{1}} for it{remark}", local, other(output), cost=1.3)


_MISREMEMBERED: Mapping[str, tuple[tuple[str, Callable[[Expr], Expr], str], ...]] = {
    "sigmoid": (
        ("slope", lambda y: y, ""),
        ("slope", lambda y: 1 - y, ""),
        ("slope of another function", lambda y: 1 - y**2, ", the derivative of tanh"),
    ),
    "tanh": (
        ("slope", lambda y: 1 - y, ": the square is missing"),
        ("slope", lambda y: 1 + y**2, ": a sign is wrong"),
        ("slope", lambda y: y**2, ""),
        ("slope of another function", lambda y: y * (1 - y), ", the derivative of sigmoid"),
    ),
}


def _switched(change: Maker, derivation: Derivation, name: str, local: Expr) -> Iterator[Change]:
    """A condition the wrong way round: 1 - step for step, or -1 for 0."""
    switches = list(local.atoms(step))
    for entry in local.atoms(Symbol, Indexed):
        node = derivation.network.nodes.get(str(entry.base.label) if isinstance(entry, Indexed) else str(entry))
        bare = isinstance(entry, Symbol) and node is not None and node.indices
        if not bare and node is not None and node.expression is not None and node.expression.func is step:
            switches.append(entry)
    for switch in switches:
        yield change(
            local.xreplace({switch: 1 - switch}),
            "branch",
            f"in {name} = {{0}} the condition is the wrong way round",
            local,
            cost=1.0,
        )
        yield change(
            local.xreplace({switch: 2 * switch - 1}),
            "branch",
            f"in {name} = {{0}} the code has -1 where 0 belongs",
            local,
            cost=1.1,
        )
        yield change(
            local.xreplace({switch: Integer(1)}), "slope missing", f"in {name} = {{0}} the condition is left out", local, cost=1.0
        )
        yield change(
            local.xreplace({switch: Integer(0)}), "branch", f"in {name} = {{0}} the condition never holds", local, cost=1.2
        )


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


def _exchanged(derivation: Derivation, contribution: Contribution) -> Iterator[tuple[Expr, Expr, Expr]]:
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
            yield contribution.local.xreplace({entry: put}), entry, put
        if isinstance(entry, Indexed):  # an array that is broadcast: `y - b` for `y - t`
            for other in nodes.values():
                if 0 < len(other.indices) < len(entry.indices) and set(other.indices) <= set(entry.indices):
                    yield contribution.local.xreplace({entry: other.entry}), entry, other.entry
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


__all__ = ["Change", "changes", "quotient_text", "slope_of", "upstream_of"]
