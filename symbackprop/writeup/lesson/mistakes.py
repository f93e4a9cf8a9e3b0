"""What usually goes wrong in a derivation by hand, as changes of its local derivatives: one change, one wrong number for
all that is behind it.

The page runs the backward pass once more with the change and compares what comes out with what was typed. Only changes that need
an expression of their own are listed here; a use left out, another weight or input, a sign or a factor of the result the page
finds by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Pow, Symbol

from symbackprop.derive.steps.worked_formulas import merged_locals, up_to_loss
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.functions import ELEMENTARY
from symbackprop.network.node import Node, Role
from symbackprop.writeup.drawing.unit_graph import UnitGraph, find_units
from symbackprop.writeup.lesson.quantities import RATE
from symbackprop.writeup.lesson.steps import worked_names

Use = tuple[str, str]  # a definition, and what it uses: the place of ∂definition/∂used


@dataclass(frozen=True, slots=True)
class LessonMistake:
    """Some local derivatives replaced by wrong ones; `kind` is its phrase, `names` fill the gap in it."""

    kind: str
    names: tuple[str, ...]
    changes: tuple[tuple[Use, Expr], ...]


@dataclass(frozen=True, slots=True)
class Backward:
    """The backward pass as uses with their local derivatives, in the order of the sweep."""

    uses: Mapping[Use, Expr]
    columns: tuple[tuple[str, ...], ...]  # the names of nodes that play the same part in the units of one layer


def backward_pass(derivation: DerivationRecord) -> Backward:
    """Return the local derivatives of what is worked, and which names stand in one column of the network."""
    uses = {
        (consumer, name): local
        for name in worked_names(derivation)
        for consumer, local in merged_locals(derivation.adjoints[name].contributions).items()
    }
    return Backward(uses, tuple(_columns(find_units(derivation.network, derivation.loss))))


def _columns(graph: UnitGraph) -> Iterator[tuple[str, ...]]:
    for units in graph.columns:
        by_place: dict[tuple[object, int], list[str]] = defaultdict(list)
        for unit in units:
            for place, member in enumerate(unit.members):
                by_place[unit.kind, place].append(member)
        yield from (tuple(names) for names in by_place.values())


def mistakes(derivation: DerivationRecord, backward: Backward) -> tuple[LessonMistake, ...]:
    """Return the mistakes, those that are made most often first."""
    nodes = derivation.network.nodes
    found = [
        *_slopes(nodes, backward), *_errors(nodes, backward), *_factors(nodes, backward), *_updated(derivation, backward),
    ]  # fmt: skip
    return tuple(dict.fromkeys(mistake for mistake in found if mistake.changes))


def forward_mistakes(derivation: DerivationRecord) -> Iterator[tuple[str, str, tuple[str, ...], Expr]]:
    """Yield wrong values of definitions: the name, the kind, what it is about, and the value with one term left out."""
    for name in up_to_loss(derivation):
        expression = derivation.network.nodes[name].expression
        terms = Add.make_args(expression) if expression is not None else ()
        for term in terms if len(terms) > 1 else ():
            about = tuple(sorted(str(symbol) for symbol in term.free_symbols))
            yield name, "term missing", about, expression - term


# ---- σ' forgotten, or of the wrong thing -----------------------------------------------------------------------------


def _slopes(nodes: Mapping[str, Node], backward: Backward) -> Iterator[LessonMistake]:
    """Yield the slopes of activations: of one unit, of all units of a layer, of all layers."""
    by_kind: dict[str, dict[Use, Expr]] = defaultdict(dict)
    for use in backward.uses:
        for kind, wrong in _wrong_slopes(nodes[use[0]]):
            if wrong != backward.uses[use]:
                by_kind[kind][use] = wrong
    for kind, changes in by_kind.items():
        phrase = kind.rstrip("0123456789")
        for group in _groups(changes, backward.columns):
            yield LessonMistake(phrase, tuple(use[0] for use in group), tuple((use, changes[use]) for use in group))


def _wrong_slopes(node: Node) -> Iterator[tuple[str, Expr]]:
    call = node.expression
    if call is None or call.func not in ELEMENTARY or len(call.args) != 1 or not isinstance(call.args[0], Symbol):
        return
    row, (x,), y = ELEMENTARY[call.func], call.args, node.symbol
    slope = row.slopes[0]
    yield "slope missing", Integer(1)
    yield "slope of net", slope(x, x)
    yield "slope at output", slope(call.func(y), y)
    for number, wrong in enumerate(row.misremembered):
        yield f"wrong slope{number}", wrong.slope(y, x)


def _groups(uses: Iterable[Use], columns: Sequence[tuple[str, ...]]) -> Iterator[tuple[Use, ...]]:
    """Yield the uses one by one, those of one column together, and all."""
    every = tuple(uses)
    yield from ((use,) for use in every)
    for column in columns:
        yield tuple(use for use in every if use[0] in column)
    yield every


# ---- the derivative of the loss --------------------------------------------------------------------------------------


def _errors(nodes: Mapping[str, Node], backward: Backward) -> Iterator[LessonMistake]:
    """Yield target - out for out - target, and the derivative of the loss left out."""
    targets = {name for name, node in nodes.items() if node.role is Role.TARGET}
    slopes = {use: local for use, local in backward.uses.items() if {str(s) for s in local.free_symbols} & targets}
    for group in _groups(slopes, backward.columns):
        names = tuple(use[1] for use in group)
        yield LessonMistake("target - out", names, tuple((use, -slopes[use]) for use in group))
        yield LessonMistake("loss slope missing", names, tuple((use, Integer(1)) for use in group))


# ---- constants -------------------------------------------------------------------------------------------------------


def _factors(nodes: Mapping[str, Node], backward: Backward) -> Iterator[LessonMistake]:
    """Yield the constant factor of a definition left out of its derivatives, `1/N` of a mean, and the 2 of a square."""
    by_consumer: dict[str, list[Use]] = defaultdict(list)
    for use in backward.uses:
        by_consumer[use[0]].append(use)
    for consumer, uses in by_consumer.items():
        expression = nodes[consumer].expression
        terms = Add.make_args(expression) if expression is not None else ()
        factors = {str(name): abs(term.as_coeff_Mul()[0]) for term in terms for name in term.free_symbols}
        lost = tuple((use, backward.uses[use] / factors[use[1]]) for use in uses if factors.get(use[1], 1) not in (0, 1))
        yield LessonMistake("factor missing", (consumer,), lost)
        powers = (power.args for term in terms for power in term.atoms(Pow))
        squares = {str(name) for base, exponent in powers if exponent == 2 for name in base.free_symbols}
        halved = tuple((use, backward.uses[use] / 2) for use in uses if use[1] in squares)
        yield LessonMistake("square missing", (consumer,), halved)


# ---- weights ---------------------------------------------------------------------------------------------------------


def _updated(derivation: DerivationRecord, backward: Backward) -> Iterator[LessonMistake]:
    """Yield the weights of the later layers already updated when they are needed."""
    nodes = derivation.network.nodes
    changes = {
        use: weight - RATE * derivation.adjoints[weight.name].symbol for use, weight in backward.uses.items()
        if nodes[use[1]].defined and isinstance(weight, Symbol) and nodes[weight.name].role is Role.PARAMETER
    }  # fmt: skip
    yield LessonMistake("updated weights", (), tuple(changes.items()))
