"""A network as a single-assignment list of named definitions.

    net = Network("2-3-2 sigmoid network")
    l1, l2 = net.inputs("l1 l2", values=(5, 10))
    net_h1 = net.define("net_h1", w[0]*l1 + w[1]*l2 + b1)

A scalar network is the case with no indices; `Z[n, j] = Σ_i X[n, i] W[i, j] + b[j]` uses the same calls. Everything is checked
when it is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from textwrap import shorten
from types import MappingProxyType
from typing import Any

import numpy as np
from sympy import Expr, Idx, Symbol, symbols

from symbackprop.errors import DefinitionError, UserError, nearest
from symbackprop.network.indices import index_name, parse_indices, real_symbol
from symbackprop.network.node import Fact, Node, Role
from symbackprop.network.sizes import parse_size, solved_sizes
from symbackprop.network.validate import check_definition, check_name, normalised
from symbackprop.network.wording import LocalizedText

Value = Any  # a number, or an array of the node's shape
SHOWN_IN_NOTEBOOKS: dict[type, Callable[[Any], str | None]] = {}
"""What a notebook shows of a network, put in by who draws it: a room that comes after this one."""


class Network:
    """An ordered list of nodes: declared names (inputs, parameters, targets, constants), then definitions over earlier names."""

    def __init__(self, title: str | Mapping[str, str] = "network") -> None:
        """Begin a network; a title in several languages is `{"en": …, "zh": …}`."""
        self.title = LocalizedText.of(title)
        self._nodes: dict[str, Node] = {}
        self._indices: dict[str, Idx] = {}
        self._sizes: dict[str, Symbol] = {}
        self._values: dict[str, Value] = {}
        self._facts: list[Fact] = []

    def _repr_html_(self) -> str | None:
        shown = SHOWN_IN_NOTEBOOKS.get(Network)
        return shown(self) if shown is not None else None

    # ---- reading -------------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> Mapping[str, Node]:
        """All nodes by name, in order of declaration."""
        return MappingProxyType(self._nodes)

    @property
    def values(self) -> Mapping[str, Value]:
        """Example values of the declared names that have one."""
        return MappingProxyType(self._values)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Equations vouched for with `assume`."""
        return tuple(self._facts)

    @property
    def declared_indices(self) -> Mapping[str, Idx]:
        """Indices made by `indices`, by name."""
        return MappingProxyType(self._indices)

    def of_role(self, *roles: Role) -> tuple[Node, ...]:
        """Return the nodes of some roles, in order of declaration."""
        return tuple(node for node in self._nodes.values() if node.role in roles)

    def node(self, name: object) -> Node:
        """Return the node of a name (or of its symbol). Raises UserError with the nearest name."""
        text = normalised(str(name.base.label) if hasattr(name, "base") and hasattr(name, "indices") else str(name))
        if text not in self._nodes:
            known = shorten(", ".join(self._nodes), 120, placeholder=" …")
            raise UserError(f"network {self.title!r}: unknown name {text}; known: {known}.{nearest(text, self._nodes)}")
        return self._nodes[text]

    def ancestors(self, *names: str) -> tuple[str, ...]:
        """Return what some nodes are computed from, themselves included, in order of declaration."""
        found = set(names)
        waiting = list(names)
        while waiting:
            for parent in self._nodes[waiting.pop()].parents:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return tuple(sorted(found, key=lambda name: self._nodes[name].position))

    def between(self, start: str, end: str) -> tuple[str, ...]:
        """Return the nodes through which `end` depends on `start`, both included, in order; none where it does not."""
        found = {start}
        for name in self.ancestors(end):
            if found.intersection(self._nodes[name].parents):
                found.add(name)
        return tuple(sorted(found, key=lambda name: self._nodes[name].position)) if end in found else ()

    def stands_for(self, name: str) -> str | None:
        """Return what a name stands for already (None when it is free)."""
        if name in self._nodes:
            node = self._nodes[name]
            return "defined" if node.defined else f"declared ({node.role.value})"
        if name in self._sizes:
            return "a size"
        return "an index" if name in self._indices else None

    # ---- declaring -----------------------------------------------------------------------------------------------------

    def indices(self, text: str) -> tuple[Idx, ...]:
        """Declare indices with their ranges, e.g. `"n:N i:D j:K"`; returns sympy `Idx` objects."""
        found = parse_indices(normalised(text))
        for index in found:
            name = index_name(index)
            if name in self._nodes or name in self._sizes:
                raise DefinitionError(f"indices: name {name} is already taken by a node or a size; choose another letter")
            if name in self._indices and self._indices[name] != index:
                raise DefinitionError(
                    f"indices: {name} is declared over {self._indices[name].upper + 1} already, "
                    f"got {index.upper + 1}; choose another letter"
                )
        for index in found:
            self._indices[index_name(index)] = index
            for symbol in sorted(index.upper.free_symbols, key=str):
                if symbol.name in self._nodes:
                    raise DefinitionError(f"indices: size {symbol.name} of {index} is already the name of a node; rename one")
                self._sizes[symbol.name] = symbol
        return found

    def size(self, name: str) -> Expr:
        """Return the symbol of a size (`N` for the number of samples), for use in expressions such as a mean."""
        expression = parse_size(name, "size")
        unknown = [symbol.name for symbol in expression.free_symbols if symbol.name not in self._sizes]
        if unknown:
            raise DefinitionError(
                f"size {unknown[0]} is unknown; declare an index that runs over it, e.g. "
                f'indices("n:{unknown[0]}").{nearest(unknown[0], self._sizes)}'
            )
        return expression

    def inputs(self, names: str, *indices: Idx, values: Sequence[Value] | None = None) -> Any:
        """Declare inputs; `names` in sympy's naming syntax (`"x1:5"`); returns the symbols."""
        return self._declare(Role.INPUT, names, indices, values)

    def parameters(self, names: str, *indices: Idx, values: Sequence[Value] | None = None) -> Any:
        """Declare parameters (what gradients are taken for)."""
        return self._declare(Role.PARAMETER, names, indices, values)

    def targets(self, names: str, *indices: Idx, values: Sequence[Value] | None = None) -> Any:
        """Declare targets."""
        return self._declare(Role.TARGET, names, indices, values)

    def constants(self, names: str, *indices: Idx, values: Sequence[Value] | None = None) -> Any:
        """Declare constants (a learning rate, an ε, a mask)."""
        return self._declare(Role.CONSTANT, names, indices, values)

    def input(self, name: str, *indices: Idx, value: Value | None = None) -> Any:
        """Declare one input with its indices; returns the symbol, or the indexed base."""
        return self._declare_one(Role.INPUT, name, indices, value)

    def parameter(self, name: str, *indices: Idx, value: Value | None = None) -> Any:
        """Declare one parameter with its indices."""
        return self._declare_one(Role.PARAMETER, name, indices, value)

    def target(self, name: str, *indices: Idx, value: Value | None = None) -> Any:
        """Declare one target with its indices."""
        return self._declare_one(Role.TARGET, name, indices, value)

    def constant(self, name: str, *indices: Idx, value: Value | None = None) -> Any:
        """Declare one constant with its indices."""
        return self._declare_one(Role.CONSTANT, name, indices, value)

    def define(self, name: str, *arguments: Any, note: str = "") -> Any:
        """Define `name[indices] = expression`; the expression is the last argument. Returns the symbol or indexed base.

        Raises DefinitionError naming the place, what was expected, what was got, and the nearest fix.
        """
        if not arguments:
            raise DefinitionError(f"{name}: expected an expression after the name, got nothing")
        *indices, expression = arguments
        name = normalised(name)
        where = self._check_head(name, tuple(indices))
        canonical, parents = check_definition(where, expression, tuple(indices), self._nodes, self._sizes)
        return self._add(name, Role.DEFINED, tuple(indices), canonical, parents, note)

    def assume(self, left: Expr, right: Expr | float, because: str | Mapping[str, str]) -> None:
        """State an equation that derivations may use, e.g. `assume(Sum(t[n, k], k), 1, because="targets are one-hot")`.

        A reason in several languages is `{"en": …, "zh": …}`.
        """
        indices = tuple(sorted(set(self._indices.values()), key=index_name))
        if not because:
            raise DefinitionError("assume: expected the reason in words (because=...), got an empty text")
        sides = [check_definition("assume", side, indices, self._nodes, self._sizes)[0] for side in (left, right)]
        self._facts.append(Fact(sides[0], sides[1], LocalizedText.of(because)))

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Give (or replace) example values of declared names.

        Raises UserError for a name, a shape or sizes that do not fit; then all values are as they were.
        """
        given = dict(self._values)
        for name, value in values.items():
            node = self.node(name)
            if node.defined:
                raise UserError(f"values: {name} is computed by its definition; give values of declared names only")
            given[node.name] = _checked_value(node, value)
        self.sizes(given)
        self._values.update(given)

    def sizes(self, values: Mapping[str, Value] | None = None) -> dict[str, int]:
        """Return the size symbols' values that the given (or example) values imply, e.g. `{"N": 4}`.

        Raises UserError when two arrays imply different sizes.
        """
        given = self._values if values is None else values
        axes = [axis for name, value in given.items() for axis in _axes(self.node(name), value)]
        known = solved_sizes(_agreeing(axes), [(extent, got) for _, extent, got in axes])
        for node, extent, got in axes:
            wanted = extent.xreplace(known)
            if wanted.is_Integer and int(wanted) != got:
                raise UserError(f"values: {node.name} should have {extent} = {wanted} entries on an axis, got {got}")
        return {symbol.name: int(size) for symbol, size in known.items()}

    # ---- the inside ----------------------------------------------------------------------------------------------------

    def _check_head(self, name: str, indices: tuple[Any, ...]) -> str:
        where = f"{name}[{', '.join(str(index) for index in indices)}]" if indices else str(name)
        if not isinstance(name, str):
            raise DefinitionError(f"{where}: expected the name as text, got {type(name).__name__}")
        check_name(where, name, self.stands_for(name))
        for index in indices:
            if not isinstance(index, Idx):
                raise DefinitionError(f"{where}: expected an index made by indices(), got {index} ({type(index).__name__})")
            if self._indices.get(index_name(index)) != index:
                raise DefinitionError(
                    f'{where}: index {index} was not declared here; declare it with indices("{index}:…").'
                    f"{nearest(str(index), self._indices)}"
                )
        if len(set(indices)) < len(indices):
            raise DefinitionError(f"{where}: an index stands twice on the left; give each axis its own index")
        return where

    def _declare(self, role: Role, names: str, indices: tuple[Idx, ...], values: Sequence[Value] | None) -> Any:
        if not isinstance(names, str):
            raise DefinitionError(f"{role.value}s: expected names as text such as 'x1 x2' or 'w1:13', got {type(names).__name__}")
        words = [symbol.name for symbol in symbols(names, seq=True)] if names.strip() else []
        if not words:
            raise DefinitionError(f"{role.value}s: expected at least one name, got {names!r}")
        if values is not None and len(values) != len(words):
            raise DefinitionError(f"{role.value}s: expected {len(words)} values for {names}, got {len(values)}")
        given = [None] * len(words) if values is None else list(values)
        made = tuple(self._declare_one(role, word, indices, value) for word, value in zip(words, given, strict=True))
        return made[0] if len(made) == 1 else made

    def _declare_one(self, role: Role, name: str, indices: tuple[Idx, ...], value: Value | None) -> Any:
        name = normalised(name)
        self._check_head(name, indices)
        symbol = self._add(name, role, indices)
        if value is not None:
            try:
                self._values[name] = _checked_value(self._nodes[name], value)
                if indices:
                    self.sizes()
            except UserError:
                del self._nodes[name]
                self._values.pop(name, None)
                raise
        return symbol

    def _add(self, name: str, role: Role, indices: tuple[Idx, ...], expression: Expr | None = None,
             parents: tuple[str, ...] = (), note: str = "") -> Any:  # fmt: skip
        symbol = real_symbol(name, indices)
        self._nodes[name] = Node(name, role, indices, symbol, len(self._nodes), expression, parents, note)
        return symbol

    def __repr__(self) -> str:
        return f"Network({self.title!r}: {len(self._nodes)} nodes, {len(self.of_role(Role.PARAMETER))} parameters)"


def _axes(node: Node, value: Value) -> Iterator[tuple[Node, Expr, int]]:
    return ((node, extent, got) for extent, got in zip(node.shape, np.shape(value), strict=False))


def _agreeing(axes: Iterable[tuple[Node, Expr, int]]) -> dict[Symbol, int]:
    """Return the sizes that stand alone on an axis. Raises UserError when two arrays imply different ones."""
    found: dict[Symbol, tuple[int, str]] = {}
    for node, extent, got in axes:
        size, by = found.setdefault(extent, (got, node.name)) if extent.is_Symbol else (got, "")
        if size != got:
            raise UserError(
                f"values: {extent} is {size} in {by} but {got} in {node.name}; {node.name} should have shape {_shape_text(node)}"
            )
    return {symbol: size for symbol, (size, _) in found.items()}


def _shape_text(node: Node) -> str:
    return "(" + ", ".join(str(extent) for extent in node.shape) + ")" if node.indices else "a number"


def _checked_value(node: Node, value: Value) -> Value:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise DefinitionError(f"value of {node.name}: expected {_shape_text(node)}, got {value!r:.60}") from None
    if array.ndim != len(node.indices):
        raise DefinitionError(f"value of {node.name}: expected shape {_shape_text(node)}, got shape {array.shape}")
    for axis, (extent, got) in enumerate(zip(node.shape, array.shape, strict=True), start=1):
        if extent.is_Integer and int(extent) != got:
            raise DefinitionError(f"value of {node.name}: axis {axis} should have {extent} entries, got {got}")
    if not np.all(np.isfinite(array)):
        raise DefinitionError(f"value of {node.name}: expected finite numbers, got {value!r:.60}")
    return array if node.indices else float(array)
