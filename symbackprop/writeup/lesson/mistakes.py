"""What usually goes wrong in a derivation by hand, as changes of its local derivatives: one change, one wrong number for
all that is behind it.

The page runs the backward pass once more with the change and compares what comes out with what was typed. Only changes that need
an expression of their own are listed here; a use left out, another weight or input, a sign or a factor of the result the page
finds by itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
        *_slopes(nodes, backward), *_errors(nodes, backward), *_gathered(nodes, backward, _factors),
        *_gathered(nodes, backward, _quotients), *_updated(derivation, backward), *_before_activation(nodes, backward),
        *_paths(nodes, backward), *_gathered(nodes, backward, _products), *_gathered(nodes, backward, _weight_itself),
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
    yield "slope is value", y
    yield "slope twice", slope(y, x) ** 2
    yield "slope of net", slope(x, x)
    yield "slope at output", slope(call.func(y), y)
    flipped = {total: total.args[0] - total.args[1] for total in slope(y, x).atoms(Add) if len(total.args) == 2}
    for number, wrong in enumerate((*(row.slope(y, x) for row in row.misremembered), slope(y, x).xreplace(flipped))):
        yield f"wrong slope{number}", wrong


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
    targets = {node.symbol for node in nodes.values() if node.role is Role.TARGET}
    slopes = {use: local for use, local in backward.uses.items() if local.free_symbols & targets}
    for group in _groups(slopes, backward.columns):
        names = tuple(use[1] for use in group)
        yield LessonMistake("target - out", names, tuple((use, -slopes[use]) for use in group))
        yield LessonMistake("loss slope missing", names, tuple((use, Integer(1)) for use in group))
        bare = ((use, slopes[use].xreplace(dict.fromkeys(targets, Integer(0)))) for use in group)
        yield LessonMistake("target missing", names, tuple(bare))


# ---- constants -------------------------------------------------------------------------------------------------------


def _factors(use: Use, local: Expr, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Expr]]:
    """Yield the constant factor of a definition left out of its derivative, `1/N` of a mean, its root, and the 2 of a square."""
    used = nodes[use[1]].symbol
    terms = [term for term in Add.make_args(_definition(nodes[use[0]])) if term.has(used)]
    factor = abs(terms[0].as_independent(*terms[0].free_symbols)[0]) if terms else Integer(1)
    if factor not in (0, 1):
        yield "factor missing", local / factor
    if factor.is_irrational:
        yield "root missing", local * factor
    if any(power.exp == 2 and power.base.has(used) for power in Add(*terms).atoms(Pow)):
        yield "square missing", local / 2


def _definition(node: Node) -> Expr:
    return node.expression if node.expression is not None else Integer(0)


# ---- arrays ----------------------------------------------------------------------------------------------------------


def consumer_of(use: Use) -> str:
    """Return the definition of a use."""
    return use[0]


def used_by(use: Use) -> str:
    """Return the name that a use is of."""
    return use[1]


def _array(name: str) -> str:
    """Return the array that an entry is of, `W` of `W_12`; another name stays as it is."""
    return _ENTRY.sub("", name)


_ENTRY = re.compile(r"_[0-9]+$")


def _by_array(uses: Iterable[Use], name: Callable[[Use], str]) -> Iterator[tuple[tuple[str, ...], tuple[Use, ...]]]:
    """Yield the uses of each name with it, and those of all entries of an array with all of them."""
    single: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        single[name(use)].append(use)
    whole: dict[str, list[str]] = defaultdict(list)
    for entry in single:
        whole[_array(entry)].append(entry)
    for entries in (*([entry] for entry in single), *(entries for entries in whole.values() if len(entries) > 1)):
        yield tuple(entries), tuple(use for entry in entries for use in single[entry])


def _gathered(nodes: Mapping[str, Node], backward: Backward, wrong: Wrong) -> Iterator[LessonMistake]:
    """Yield what is wrong at each use, of one definition and of all entries of an array; a number behind a kind is dropped."""
    found: dict[str, dict[Use, Expr]] = defaultdict(dict)
    for use, local in backward.uses.items():
        for kind, value in wrong(use, local, nodes):
            found[kind][use] = value
    for kind, changes in found.items():
        for names, group in _by_array(changes, used_by if kind == "weight missing" else consumer_of):
            yield LessonMistake(kind.rstrip("12"), names, tuple((use, changes[use]) for use in group))


#: Yields, for a use with its local derivative, kinds of mistakes with the wrong derivatives.
Wrong = Callable[[Use, Expr, Mapping[str, Node]], Iterator[tuple[str, Expr]]]


def _paths(nodes: Mapping[str, Node], backward: Backward) -> Iterator[LessonMistake]:
    """Yield paths left out for all entries of an array: one array that uses it, all but one, and one column of one."""
    through: dict[str, dict[str, list[Use]]] = defaultdict(lambda: defaultdict(list))
    for use in backward.uses:
        if nodes[use[1]].defined:
            through[_array(use[1])][_array(use[0])].append(use)
    for arrays in through.values():
        for dropped in _left_out(arrays):
            names = tuple(dict.fromkeys(map(consumer_of, dropped)))
            yield LessonMistake("path missing", names, tuple((use, Integer(0)) for use in dropped))


def _left_out(arrays: Mapping[str, list[Use]]) -> Iterator[list[Use]]:
    """Yield what may be left out of the uses of one array, by the arrays that use it."""
    for array, uses in arrays.items():
        others = [use for other, found in arrays.items() if other != array for use in found]
        if others:
            yield uses
            yield others
        columns: dict[str, list[Use]] = defaultdict(list)
        for use in uses:
            columns[use[0][-1]].append(use)
        if len(columns) > 1:
            yield from columns.values()


def _products(use: Use, local: Expr, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Expr]]:
    """Yield another factor of a product left out, the factor itself or a transposed array in its place, `1 - g` for `g`; of two
    places where a name stands, one passed over.
    """
    if not nodes[use[1]].defined:
        return
    factor, other = local.as_independent(*local.free_symbols)
    if isinstance(other, Symbol):
        yield "weight missing" if nodes[other.name].role is Role.PARAMETER else "factor forgotten", factor
        yield from ((kind, factor * symbol) for kind, symbol in _instead(use[1], other.name, nodes))
    yield from _one_of_two(factor, other)
    gates = {symbol: 1 - symbol for symbol in local.free_symbols if _is_a_gate(symbol, nodes[use[0]])}
    if gates:
        yield "other gate", local.xreplace(gates)
    if local.is_Add and len(local.args) == 2:
        yield from zip(("place missing1", "place missing2"), local.args, strict=True)


def _one_of_two(factor: Expr, other: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield either of two factors alone, beside the constant one."""
    if other.is_Mul and len(other.args) == 2:
        yield from zip(("factor forgotten1", "factor forgotten2"), (factor * part for part in other.args), strict=True)


def _weight_itself(use: Use, local: Expr, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Expr]]:
    """Yield the weight itself in place of what came in through it: `w` for ∂(w x)/∂w."""
    node = nodes[use[1]]
    if node.role is Role.PARAMETER and isinstance(local, Symbol):
        yield "own factor", node.symbol


def _is_a_gate(symbol: Symbol, consumer: Node) -> bool:
    expression = _definition(consumer)
    return bool(expression.has(1 - symbol)) and bool(expression.xreplace({1 - symbol: Integer(0)}).has(symbol))


def _instead(used: str, other: str, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Symbol]]:
    """Yield what stands in the place of the other factor: the factor itself, an entry on the other side of the diagonal."""
    for kind, name in (("own factor", _other_entry(used, other)), ("transposed", _transposed(other))):
        if name in nodes:
            yield kind, nodes[name].symbol


def _other_entry(used: str, other: str) -> str:
    """Return the entry of the array of `used` that stands where `other` does in its own, `Q_21` for Q_11 and K_21."""
    entry = _ENTRY.search(other)
    return _array(used) + entry[0] if entry is not None and _ENTRY.search(used) else used


def _transposed(name: str) -> str:
    """Return the entry on the other side of the diagonal, `W_21` of `W_12`; nothing of any other name."""
    entry = _ENTRY.search(name)
    return _array(name) + "_" + entry[0][:0:-1] if entry is not None and len(entry[0]) == 3 else ""


# ---- fractions -------------------------------------------------------------------------------------------------------


def _quotients(use: Use, local: Expr, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Expr]]:
    """Yield the numerator or the denominator of a fraction not differentiated, `p` for `p - t` behind a softmax; each entry of a
    softmax differentiated by its own input only, or not at all.
    """
    above, below = _definition(nodes[use[0]]).as_numer_denom()
    name = nodes[use[1]].symbol
    if not (below.has(name) and below.free_symbols & above.free_symbols):
        return
    own = bool(above.has(name))
    if own:
        yield "numerator missing", -above * below.diff(name) / below**2
    yield "denominator missing", above.diff(name) / below
    yield "own entry", local if own else Integer(0)
    yield "slope missing", Integer(int(own))


# ---- weights ---------------------------------------------------------------------------------------------------------


def _updated(derivation: DerivationRecord, backward: Backward) -> Iterator[LessonMistake]:
    """Yield the weights of the later layers already updated when they are needed."""
    nodes = derivation.network.nodes
    changes = {
        use: weight - RATE * derivation.adjoints[weight.name].symbol for use, weight in backward.uses.items()
        if nodes[use[1]].defined and isinstance(weight, Symbol) and nodes[weight.name].role is Role.PARAMETER
    }  # fmt: skip
    yield LessonMistake("updated weights", (), tuple(changes.items()))


def _before_activation(nodes: Mapping[str, Node], backward: Backward) -> Iterator[LessonMistake]:
    """Yield what goes into a unit in place of what comes out of it, as the factor of a weight's derivative."""
    changes: dict[int, dict[Use, Expr]] = defaultdict(dict)
    for use, factor in backward.uses.items():
        if isinstance(factor, Symbol) and not nodes[use[1]].defined:
            for place, symbol in enumerate(_came_in(nodes[factor.name])):
                changes[place][use] = symbol
    for found in changes.values():
        yield LessonMistake("before activation", (), tuple(found.items()))


def _came_in(node: Node) -> list[Expr]:
    """Return what goes into an activation, or of several things those that are the same entry, `z_12` of `x_12`."""
    symbols = sorted(node.expression.free_symbols, key=str) if node.expression is not None else []
    entry = _ENTRY.search(node.name)
    same = [symbol for symbol in symbols if entry is not None and symbol.name.endswith(entry[0])]
    return symbols if len(symbols) == 1 else same
