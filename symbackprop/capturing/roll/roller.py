"""Roll the elements of one array into one form, or say why they are not one.

`nodes` is an array of nodes in the shape of the array (and of the sums entered so far); -1 stands where there is no element: a
sum that is shorter at an edge, a term that only some elements have. What is absent must be out of range of an array that the
term reads (then the form says nothing about it), or it is marked by a table of zeros and ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import add
from typing import Any

import numpy as np
from sympy import Expr, Integer, Rational

from symbackprop.capturing.roll.forms import Form, FormNumber, Irregular
from symbackprop.capturing.roll.lattice import affine, lattice, offsets
from symbackprop.capturing.roll.signature import Reader
from symbackprop.trace.graph.evaluate import to_sympy
from symbackprop.trace.graph.graph import Graph

Nodes = np.ndarray[Any, np.dtype[np.int64]]
Place = tuple[int, ...]
Terms = dict[Place, list[tuple[int, int]]]
"""At every place, the (factor, node) of the terms of one signature; the factor is a whole number, 1 or -1 for most."""
MOST_GROUPS = 24
"""Different terms in one definition; what has more was not meant as one formula."""
MOST_READ = 400
"""Operations in one definition."""
DEEPEST = 60
"""Operations inside each other in one definition."""


@dataclass
class Roller:
    """Rolls arrays of one graph. `tables` collects arrays of constants that the forms refer to by name."""

    reader: Reader
    names: list[str]
    table_name: Callable[[Any], str]
    tables: dict[str, Any] = field(default_factory=dict)
    read: int = 0

    def form(self, nodes: Nodes, depth: int = 0) -> Form:
        """Return the one form of all elements. Raises Irregular."""
        here = [int(node) for node in np.unique(nodes[nodes >= 0])]
        reader = self.reader
        self.read += 1
        if depth > DEEPEST or self.read > MOST_READ:
            raise Irregular("an expression too large without a name in between")
        kind = reader.kind(here)
        if kind == "constant":
            return self._constants(nodes)
        if kind == "entry":
            return self._entry(nodes, int(reader.owner[here[0]]))
        if kind == "product":
            return self._product(nodes, depth)
        return self._apply(nodes, here[0], depth) if kind == "function" else self._sum(nodes, depth)

    def _apply(self, nodes: Nodes, sample: int, depth: int) -> Form:
        graph = self.reader.graph
        arguments = tuple(
            self.form(_mapped(nodes, partial(_argument, graph, k)), depth + 1) for k in range(len(graph.arguments[sample]))
        )
        exponent = graph.payloads[sample] if graph.operations[sample] == "power" else None
        leaf = None if exponent is None else FormNumber(Rational(exponent.numerator, exponent.denominator))  # type: ignore[union-attr]
        return ("apply", graph.operations[sample], arguments, leaf)

    def _product(self, nodes: Nodes, depth: int) -> Form:
        reader = self.reader
        read = {int(node): reader.factors(int(node)) for node in np.unique(nodes[nodes >= 0])}
        varying = {node: [f for f in factors if not reader.is_constant[f[1]]] for node, (_, factors) in read.items()}
        parts: list[tuple[int, Form]] = []
        scale = _scales(reader, read, nodes)
        if scale is not None:
            parts.append((1, self._numbers(scale)))
        for k, (power, _) in enumerate(next(iter(varying.values()))):
            parts.append((power, self.form(_mapped(nodes, partial(_factor, varying, k)), depth + 1)))
        return ("product", tuple(parts)) if len(parts) > 1 or parts[0][0] != 1 else parts[0][1]

    # ---- sums

    def _sum(self, nodes: Nodes, depth: int) -> Form:
        groups: dict[tuple[int, int, int], Terms] = {}
        for place in map(tuple, np.argwhere(nodes >= 0)):
            counted = Counter(self.reader.terms(int(nodes[place])))
            seen = Counter[tuple[int, int, Place]]()  # the same numbers with another factor are a term of their own
            for (sign, term), count in counted.items():
                key = (self.reader.signature(term), sign, self.reader.address(term))
                groups.setdefault((*key[:2], seen[key]), {}).setdefault(place, []).append((sign * count, term))
                seen[key] += 1
        if len(groups) > MOST_GROUPS:
            raise Irregular(f"{len(groups)} different terms in one definition")
        return ("total", tuple(term for terms in groups.values() for term in self._summed(nodes, terms, depth)))

    def _summed(self, nodes: Nodes, terms: Terms, depth: int) -> list[tuple[tuple[FormNumber, ...], Form]]:
        """Return the terms of one signature as one sum; where they are not evenly spaced, one by one."""
        try:
            return [self._term(nodes, *self._spread(terms, nodes), depth)]
        except Irregular:
            counts = {len(found) for found in terms.values()}
            if len(counts) > 1 or not 1 < max(counts) <= MOST_GROUPS:
                raise
            ranked = {place: sorted(found, key=lambda item: self.reader.address(item[1])) for place, found in terms.items()}
            singles = [{place: [found[k]] for place, found in ranked.items()} for k in range(counts.pop())]
            return [self._term(nodes, *self._spread(single, nodes), depth) for single in singles]

    def _term(self, nodes: Nodes, sizes: Place, spread: Nodes, signs: Nodes, depth: int) -> tuple[tuple[FormNumber, ...], Form]:
        parts = []
        if (signs[spread >= 0] != 1).any():
            parts.append((1, self._numbers(_where_present(spread, signs))))
        body = self.form(spread, depth + 1)
        parts.append((1, body))
        outer = np.broadcast_to((nodes >= 0).reshape(nodes.shape + (1,) * len(sizes)), spread.shape)
        absent = outer & (spread < 0)
        if absent.any() and not self._explains(body, outer, absent):
            parts.append((1, self._table(np.where(outer, (spread >= 0).astype(float), np.nan))))
        form: Form = body if len(parts) == 1 else ("product", tuple(parts))
        return tuple(FormNumber(size) for size in sizes), form

    def _spread(self, terms: Terms, nodes: Nodes) -> tuple[tuple[int, ...], Nodes, Nodes]:
        """Lay the terms of every place out on one lattice: (sizes, nodes with an axis for each size, signs)."""
        reader = self.reader
        laid = {place: {reader.address(term): (sign, term) for sign, term in found} for place, found in terms.items()}
        longest = max(len(found) for found in laid.values())
        if longest == 1:
            return (), *_single(nodes, terms)
        full = {place: sorted(found) for place, found in laid.items() if len(found) == longest}
        steps, sizes = lattice(next(iter(full.values())))
        points = offsets(steps, sizes)
        for bases in _bases(laid, full):
            spread, signs = np.full((*nodes.shape, *sizes), -1), np.zeros((*nodes.shape, *sizes), dtype=int)
            present = list(_present(laid, bases, points))
            for at, term in present:
                signs[at], spread[at] = term
            if len(present) == sum(map(len, laid.values())):
                return sizes, spread, signs
        raise Irregular("the terms of a sum are not evenly spaced in every element")

    def _explains(self, form: Form, outer: Any, absent: Any) -> bool:
        """Whether terms are absent exactly where an address in the form is out of range."""
        places = np.argwhere(outer)
        out = np.zeros(len(places), dtype=bool)
        for name, address in _factor_entries(form):
            shape = self.reader.shapes[self.names.index(name)] if name in self.names else self.tables[name].shape
            for extent, (offset, *slopes) in zip(shape, address, strict=True):
                at = offset.value + places @ np.array([slope.value for slope in slopes[: places.shape[1]]], dtype=int)
                out |= (at < 0) | (at >= extent)
        return bool(np.array_equal(out, absent[outer]))

    # ---- leaves

    def _entry(self, nodes: Nodes, owner: int) -> Form:
        places = np.argwhere(nodes >= 0)
        shape = self.reader.shapes[owner]
        if not shape:
            return ("entry", self.names[owner], ())
        at = np.stack(np.unravel_index(self.reader.at[nodes[nodes >= 0]], shape), axis=1)
        return ("entry", self.names[owner], _leaves(affine(places, at)))

    def _constants(self, nodes: Nodes) -> Form:
        exact: dict[int, Expr] = {int(node): to_sympy(self.reader.graph, int(node)) for node in np.unique(nodes[nodes >= 0])}
        values = np.full(nodes.shape, None, dtype=object)
        for place in map(tuple, np.argwhere(nodes >= 0)):
            values[place] = exact[int(nodes[place])]
        return self._numbers(values)

    def _numbers(self, values: Any) -> Form:
        """Return numbers at every place (None where there is none): one number, or an entry of a table."""
        distinct = {number for number in values.flat if number is not None}
        if len(distinct) == 1:
            return ("number", FormNumber(distinct.pop()))
        if not all(number.is_finite for number in distinct):
            raise Irregular("infinite numbers among others")
        return self._table(np.array([np.nan if v is None else float(v) for v in values.ravel()]).reshape(values.shape))

    def _table(self, values: Any) -> Form:
        """Return the entry of a table of constants; axes along which it does not change are left out."""
        axes = []
        for axis in range(values.ndim):
            first = np.expand_dims(_representative(values, axis), axis)
            same = np.isnan(values) | np.isnan(first) | (values == first)
            if same.all():
                values = np.broadcast_to(first, values.shape)
            else:
                axes.append(axis)
        kept = values[tuple(slice(None) if axis in axes else 0 for axis in range(values.ndim))]
        kept = np.where(np.isnan(kept), 0.0, kept)
        name = self.table_name(kept)
        self.tables[name] = kept
        width = values.ndim
        return ("entry", name, tuple((FormNumber(0), *(FormNumber(int(k == axis)) for k in range(width))) for axis in axes))


def _single(nodes: Nodes, terms: Terms) -> tuple[Nodes, Nodes]:
    """Return the node and the sign of the one term that some places have."""
    spread, signs = np.full(nodes.shape, -1), np.zeros(nodes.shape, dtype=int)
    for place, ((sign, term),) in terms.items():
        spread[place], signs[place] = term, sign
    return spread, signs


def _argument(graph: Graph, position: int, node: int) -> int:
    return graph.arguments[node][position]


def _factor(varying: dict[int, list[tuple[int, int]]], position: int, node: int) -> int:
    return varying[node][position][1]


def _mapped(nodes: Nodes, rule: Callable[[int], int]) -> Nodes:
    flat = [rule(int(node)) if node >= 0 else -1 for node in nodes.reshape(-1)]
    return np.array(flat, dtype=np.int64).reshape(nodes.shape)


def _leaves(coefficients: Any) -> tuple[tuple[FormNumber, ...], ...]:
    """Return, for every axis, (offset, slopes) of an affine address as leaves."""
    return tuple(tuple(FormNumber(int(number)) for number in column) for column in coefficients.T)


def _representative(values: Any, axis: int) -> Any:
    """Return, along an axis, the first number that is there."""
    known = ~np.isnan(values)
    first = np.expand_dims(np.argmax(known, axis=axis), axis)
    return np.take_along_axis(values, first, axis=axis).squeeze(axis)


def _where_present(spread: Nodes, signs: Nodes) -> Any:
    values = np.full(spread.shape, None, dtype=object)
    for place in map(tuple, np.argwhere(spread >= 0)):
        values[place] = Integer(int(signs[place]))
    return values


def _scales(reader: Reader, read: dict[int, tuple[int, list[tuple[int, int]]]], nodes: Nodes) -> Any:
    """Return the constant factor at every place, sign included; None where it is 1 everywhere."""
    known: dict[int, Expr] = {}
    for node, (sign, factors) in read.items():
        known[node] = Integer(sign)
        for power, one in factors:
            if reader.is_constant[one]:
                known[node] *= to_sympy(reader.graph, one) ** power
    if all(value == 1 for value in known.values()):
        return None
    values = np.full(nodes.shape, None, dtype=object)
    for place in map(tuple, np.argwhere(nodes >= 0)):
        values[place] = known[int(nodes[place])]
    return values


def _factor_entries(form: Form) -> list[tuple[str, Any]]:
    """Return the entries that are factors of a form."""
    if form[0] == "entry":
        return [(form[1], form[2])]
    if form[0] == "product":
        return [entry for power, part in form[1] if power == 1 for entry in _factor_entries(part)]
    return []


def _present(
    laid: Mapping[Place, Any], bases: Mapping[Place, Place], points: Sequence[tuple[Place, Place]]
) -> Iterator[tuple[Place, tuple[int, int]]]:
    """Yield where on the lattice a term stands, after its place in the array, with its sign and node."""
    for place, found in laid.items():
        for at, offset in points:
            point = tuple(map(add, bases[place], offset))
            if point in found:
                yield (*place, *at), found[point]


def _bases(laid: dict[tuple[int, ...], Any], full: dict[tuple[int, ...], list[tuple[int, ...]]]) -> Any:
    """Yield guesses of the first address of every place: as found, or continued from the places with all terms."""
    if len(full) == len(laid):
        yield {place: points[0] for place, points in full.items()}
        return
    places = np.array([list(place) for place in full], dtype=np.int64).reshape(len(full), -1)
    for corner in (0, -1):
        try:
            found = affine(places, np.array([points[corner] for points in full.values()], dtype=np.int64))
        except Irregular:
            continue
        shift = np.array(next(iter(full.values()))[0]) - np.array(next(iter(full.values()))[corner])
        yield {place: tuple(int(k) for k in found[0] + np.array(place, dtype=int) @ found[1:] + shift) for place in laid}
