"""Check the values handed to a generated function: names, kinds and shapes, fast when all is well, in words when not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
from sympy import Expr, Integer, Symbol

from symbackprop.errors import UserError, nearest
from symbackprop.network.node import Node
from symbackprop.numeric.code.parameter_layout import shape_text

Values = Mapping[str, Any]
_FLOATS = "fc"
_SHAPE, _DTYPE = attrgetter("shape"), attrgetter("dtype")


class Signature:
    """The declared nodes a function takes, in order, and other `known` names that it accepts and ignores."""

    __slots__ = ("_arrays", "_compound", "_kinds", "_last", "_ordered", "_plan", "arguments", "known", "names")

    def __init__(self, arguments: Sequence[Node], known: Iterable[str] = ()) -> None:
        self.arguments = tuple(arguments)
        self.names = tuple(node.name for node in arguments)
        self.known = frozenset(known) | frozenset(self.names)
        self._plan = tuple((node.name, tuple(_extent(extent) for extent in node.shape)) for node in arguments)
        self._compound = any(extent is None for _, extents in self._plan for extent in extents)
        self._ordered = _picking(self.names)
        self._arrays = _picking([at for at, (_, extents) in enumerate(self._plan) if extents])
        self._last: object = None
        self._kinds: tuple[type, ...] = ()

    def ordered(self, values: Values) -> Sequence[Any]:
        """Return the values in order, as floats and arrays of floats.

        Raises UserError for a name that is missing or unknown, and for a shape that does not fit the indices or another shape.
        """
        layout = None
        if len(values) == len(self.names):
            try:
                given = self._ordered(values)
            except KeyError:
                return self._thorough(values)
            layout = self._layout(given)
            if layout is not None and layout == self._last:
                return given
        checked = self._quick(values) if len(values) == len(self.names) and not self._compound else None
        checked = self._thorough(values) if checked is None else checked
        self._last = layout
        return checked

    def in_order(self, given: Sequence[Any], values: Values) -> Sequence[Any]:
        """Return the values in order where those without a name are the first of them; raises as `ordered` does.

        Raises UserError also for more values than arguments, and for a name that is given twice.
        """
        if len(given) == len(self.names) and not values:
            layout = self._layout(given)
            if layout is not None and layout == self._last:
                return given
        if len(given) > len(self.names):
            raise UserError(f"values: expected at most {len(self.names)} values, {_some(self.names)}, got {len(given)}")
        both = sorted(values.keys() & set(self.names[: len(given)]))
        if both:
            raise UserError(f"values: {both[0]} is given twice, by its place and by its name; leave one of them out")
        return self.ordered({**dict(zip(self.names, given, strict=False)), **values})

    def _layout(self, given: Sequence[Any]) -> object:
        """Return all that is checked of arrays and floats, kinds and shapes; None where there is anything else."""
        kinds = tuple(map(type, given))
        if kinds != self._kinds:
            if not _PLAIN.issuperset(kinds):
                return None
            self._kinds = kinds
        try:
            arrays = self._arrays(given)
            return kinds, tuple(map(_SHAPE, arrays)), tuple(map(_DTYPE, arrays))
        except AttributeError:  # a float in the place of an array
            return None

    def _quick(self, values: Values) -> list[Any] | None:
        sizes: dict[str, int] = {}
        given = []
        for name, extents in self._plan:
            value = values.get(name)
            if extents:
                if type(value) is not np.ndarray or value.dtype.kind not in _FLOATS or value.ndim != len(extents):
                    return None
                for extent, got in zip(extents, value.shape, strict=True):
                    if (sizes.setdefault(extent, got) if type(extent) is str else extent) != got:
                        return None
            elif not isinstance(value, float):
                return None
            given.append(value)
        return given

    def _thorough(self, values: Values) -> list[Any]:
        for name in values:
            if name not in self.known:
                raise UserError(f"values: unknown name {name}; expected {_some(self.names)}.{nearest(name, self.names)}")
        for node in self.arguments:
            if node.name not in values:
                raise UserError(
                    f"values: no value for the {node.role.value} {node.name} ({shape_text(node)}); "
                    f"expected {_some(self.names)}, got {_some(values)}; pass {node.name}=…"
                )
        given = [_converted(node, values[node.name]) for node in self.arguments]
        sizes: dict[Symbol, tuple[int, str]] = {}
        for node, value in zip(self.arguments, given, strict=True):
            _check_shape(node, np.shape(value), sizes)
        known: dict[Expr, Expr] = {symbol: Integer(size) for symbol, (size, _) in sizes.items()}
        for node, value in zip(self.arguments, given, strict=True):
            _check_extents(node, np.shape(value), known)
        return given


_PLAIN = frozenset({float, np.ndarray})


def _picking(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that takes the values at some keys or places out of a mapping or a sequence."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return (lambda values: (values[keys[0]],)) if keys else (lambda values: ())


def _extent(extent: Expr) -> str | int | None:
    """Return a size as a name or a number, None when it is compound (`T - F + 1`)."""
    if isinstance(extent, Symbol):
        return str(extent.name)
    return int(extent) if extent.is_Integer else None


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    return (", ".join(listed[:8]) or "nothing") + (f", … ({len(listed)} names)" if len(listed) > 8 else "")


def _converted(node: Node, value: Any) -> Any:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in _FLOATS:
            array = array.astype(float)
    except (TypeError, ValueError):
        wanted = f"real numbers of shape {shape_text(node)}" if node.indices else "a real number"
        raise UserError(f"values: {node.name}: expected {wanted}, got {value!r:.60}") from None
    if node.indices:
        return array
    if array.ndim:
        raise UserError(
            f"values: {node.name}: expected a number, got an array of shape {array.shape}; pass one entry of it, "
            "or use function(batched=True) for many samples at once"
        )
    return complex(array) if array.dtype.kind == "c" else float(array)


def _check_shape(node: Node, shape: tuple[int, ...], sizes: dict[Symbol, tuple[int, str]]) -> None:
    if len(shape) != len(node.indices):
        raise UserError(
            f"values: {node.name}: expected shape {shape_text(node)} with {len(node.indices)} axes, "
            f"got shape {shape} with {len(shape)}; reshape it"
        )
    for extent, got in zip(node.shape, shape, strict=True):
        if isinstance(extent, Symbol):
            size, by = sizes.setdefault(extent, (got, node.name))
            if size != got:
                raise UserError(
                    f"values: {node.name}: expected shape {shape_text(node)} with {extent} = {size} as in {by}, "
                    f"got shape {shape}; make {extent} the same in both"
                )


def _check_extents(node: Node, shape: tuple[int, ...], known: Mapping[Expr, Expr]) -> None:
    for extent, got in zip(node.shape, shape, strict=True):
        wanted = extent.xreplace(known)
        if wanted.is_Integer and int(wanted) != got:
            raise UserError(f"values: {node.name}: expected shape {shape_text(node)} with {extent} = {wanted}, got shape {shape}")
