"""A network of arrays as a network of numbers: every entry a node with a name of its own, `W[i,j]` the numbers W_11, W_12, …

Entries are counted from 1, as formulas count them. Sums are written out at the sizes of the example values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np
from sympy import Add, Expr, Idx, Indexed, Integer, KroneckerDelta, Mul, Piecewise, Sum, Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord, derive
from symbackprop.errors import NotSupportedError, UserError
from symbackprop.functions import maximum, minimum
from symbackprop.functions.reductions import IndexReduction
from symbackprop.network.indices import real_symbol, size_symbol
from symbackprop.network.model import Network
from symbackprop.network.node import Node, Role

#: So many steps a page can show, of a network of numbers and of one of arrays, whose formulas are longer.
MOST_STEPS, MOST_OF_ENTRIES = 170, 120
#: Beyond nine along an axis the names of entries would be ambiguous.
LONGEST = 9
#: What an index, or a size, stands for.
Places = Mapping[Symbol | Idx, Integer]
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Entries:
    """The derivation of a network of numbers, and how many samples of how many it has (0 of 0: there are no samples)."""

    derivation: DerivationRecord
    samples: int = 0
    of: int = 0


def network_of_numbers(derivation: DerivationRecord) -> Entries:
    """Return the derivation of the same loss in a network of numbers, with as many samples as a page has room for.

    Raises UserError where an example value is missing, NotSupportedError where one sample is too much already.
    """
    network = derivation.network
    nodes = [network.nodes[name] for name in network.ancestors(derivation.loss)]
    values = _given(nodes, network.values)
    if not any(node.indices for node in nodes):
        _check_small(network.title, _steps(derivation, {node.name: () for node in nodes}), MOST_STEPS)
        return Entries(derivation)
    batch = str(_sample_axis(nodes))
    every = network.sizes(network.values)
    for samples in range(every.get(batch, 1), 0, -1):
        sizes: Places = {size_symbol(name): Integer(size) for name, size in {**every, batch: samples}.items()}
        shapes = _shapes(nodes, sizes)
        if _steps(derivation, shapes) <= MOST_OF_ENTRIES:
            break
    _check_small(network.title, _steps(derivation, shapes), MOST_OF_ENTRIES, max(map(max, filter(None, shapes.values()))))
    shown = (samples, every[batch]) if batch in every else (0, 0)
    return Entries(_with_entries(derivation, nodes, shapes, sizes, values), *shown)


def _shapes(nodes: Sequence[Node], sizes: Places) -> dict[str, tuple[int, ...]]:
    return {node.name: tuple(int(extent.subs(sizes)) for extent in node.shape) for node in nodes}


def _given(nodes: Sequence[Node], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the example values. Raises UserError where one is missing."""
    declared = [node for node in nodes if not node.defined]
    for node in declared:
        if node.name not in values:
            raise UserError(f"lesson: no value for {node.name} ({node.role.value}); give one where it is declared")
    return {node.name: values[node.name] for node in declared}


def _sample_axis(nodes: Sequence[Node]) -> Expr | None:
    """Return the size of the samples: the first of an input that no parameter has."""
    learned = {extent for node in nodes if node.role is Role.PARAMETER for extent in node.shape}
    given = (extent for node in nodes if node.role is Role.INPUT for extent in node.shape)
    return next((extent for extent in given if isinstance(extent, Symbol) and extent not in learned), None)


def _steps(derivation: DerivationRecord, shapes: Shapes) -> int:
    """Return about how many steps there are: each definition forward and backward, each gradient that was asked for."""
    nodes = derivation.network.nodes
    asked = [name for name in derivation.wrt if name in shapes and not nodes[name].defined]
    forward = [name for name in shapes if nodes[name].defined]
    return sum(prod(shapes[name]) for name in (*forward, *forward, *asked))


def _check_small(title: str, steps: int, most: int, longest: int = 0) -> None:
    if steps > most or longest > LONGEST:
        axis = f" and {longest} entries along an axis" if longest else ""
        raise NotSupportedError(
            f"lesson: {title!r} takes {steps} steps{axis}; a lesson shows every number, {most} steps and {LONGEST} entries along "
            "an axis are the most. Give a smaller example, ask for fewer gradients, derive(network, loss, wrt=[…]), or write a "
            "handout"
        )


def _with_entries(
    derivation: DerivationRecord, nodes: Sequence[Node], shapes: Shapes, sizes: Places, values: Mapping[str, Any]
) -> DerivationRecord:
    made = Network(derivation.network.title)
    labels = _labels(nodes)
    places = {**sizes, **{symbol: number for name in labels for symbol, number in _numbers(name, shapes[name], values)}}
    for node in (node for node in nodes if node.name not in labels):
        for place in product(*map(range, shapes[node.name])):
            _add(node, place, made, places, values)
    asked = [name for name in derivation.wrt if name in shapes]
    return derive(
        made, derivation.loss, [entry_name(name, place) for name in asked for place in product(*map(range, shapes[name]))]
    )


def _labels(nodes: Sequence[Node]) -> set[str]:
    """Return the names that say where something stands, `ids` of `W[ids[n], d]`: whole numbers, of which nothing is a slope."""
    parts = [part for node in nodes if node.expression is not None for part in node.expression.atoms(Indexed, KroneckerDelta)]
    addresses = [address for part in parts for address in (part.indices if isinstance(part, Indexed) else part.args)]
    read = {str(entry.base.label) for address in addresses for entry in address.atoms(Indexed)}
    return read | {node.name for node in nodes if any(node.symbol == address for address in addresses)}


def _numbers(name: str, shape: tuple[int, ...], values: Mapping[str, Any]) -> Iterator[tuple[Symbol, Integer]]:
    for place in product(*map(range, shape)):
        yield real_symbol(entry_name(name, place), ()), Integer(int(np.asarray(values[name])[place]))


def entry_name(name: str, place: tuple[int, ...]) -> str:
    """Return the name of an entry: `W_12` for W[0, 1], the plain name of a number."""
    return f"{name}_{''.join(str(at + 1) for at in place)}" if place else name


def _add(node: Node, place: tuple[int, ...], made: Network, sizes: Places, values: Mapping[str, Any]) -> None:
    name = entry_name(node.name, place)
    if node.expression is not None:
        made.define(name, written_out(node.expression, {**sizes, **dict(zip(node.indices, map(Integer, place), strict=True))}))
        return
    declare = {
        Role.INPUT: made.input, Role.PARAMETER: made.parameter, Role.TARGET: made.target, Role.CONSTANT: made.constant
    }[node.role]  # fmt: skip
    declare(name, value=float(np.asarray(values[node.name])[place]))


def written_out(expression: Expr, places: Places) -> Expr:
    """Return an expression with numbers for its indices and sizes, every sum written out."""
    if isinstance(expression, Symbol | Idx):
        return places.get(expression, expression)
    if isinstance(expression, Indexed):
        entry = real_symbol(entry_name(str(expression.base.label), _place(expression, places)), ())
        return places.get(entry, entry)
    if isinstance(expression, Sum | IndexReduction):
        return _over_indices(expression, places)
    if isinstance(expression, Piecewise):
        return next(
            (written_out(value, places) for value, condition in expression.args if written_out(condition, places) == True),  # noqa: E712 - sympy's true
            Integer(0),
        )
    if not expression.args:
        return expression
    return expression.func(*(written_out(arg, places) for arg in expression.args))


def _place(entry: Indexed, places: Places) -> tuple[int, ...]:
    return tuple(int(written_out(index, places)) for index in entry.indices)


#: What becomes of all entries along an index.
_TOGETHER: Mapping[str, Callable[..., Expr]] = {
    "prod": Mul, "max": lambda *entries: reduce(maximum, entries), "min": lambda *entries: reduce(minimum, entries)
}  # fmt: skip


def _over_indices(total: Sum | IndexReduction, places: Places) -> Expr:
    """Write out the outermost sum, product or extremum; what is left inside follows."""
    *inner, (index, low, high) = total.limits
    rest = total.func(total.function, *inner) if inner else total.function
    first, last = (int(written_out(bound, places)) for bound in (low, high))
    entries = [written_out(rest, {**places, index: Integer(at)}) for at in range(first, last + 1)]
    return Add(*entries) if isinstance(total, Sum) else _TOGETHER[total.method](*entries)
