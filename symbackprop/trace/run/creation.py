"""Float types and the functions that make arrays, as traced code sees them: real numbers come back traced.

`np.zeros(3)` in traced code must be able to hold traced numbers, so every array of floats made there is an array of
traced constants; arrays of whole numbers and truth values stay numpy's own.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from symbackprop.trace.arrays.numpy_functions import is_float_kind
from symbackprop.trace.arrays.numpy_protocol import own
from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import TracedArray, as_dtype, finish, is_traced, lifted, plain, unwrap, wrap
from symbackprop.trace.graph.graph import Graph

Rule = Callable[..., Any]


# ---- types: `float`, `np.float64` …, as constructors, as dtypes and in isinstance


class _FloatMeta(type):
    """Makes `isinstance(x, float)` hold for traced numbers."""

    kinds: tuple[type, ...]
    dtype: np.dtype[Any]

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, (Traced, *cls.kinds))

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, (Traced, *cls.kinds))

    def __eq__(cls, other: object) -> bool:
        return other is cls or other in cls.kinds

    def __hash__(cls) -> int:
        return hash(cls.kinds)


def float_type(graph: Graph, kind: type) -> type:
    """Return the stand-in of a float type: called it keeps a value traced, as a dtype it is the original's."""

    def new(cls: type, value: Any = 0.0, *args: Any) -> Any:
        if np.dtype(kind).itemsize < 8:
            graph.casts.setdefault(np.dtype(kind).name, graph.place)
        if isinstance(value, (Traced, TracedArray)):
            return value if isinstance(value, Traced) or value.size > 1 or kind is not float else value.item()
        return finish(graph, kind(value, *args))

    members = {"__new__": new, "kinds": (kind,), "dtype": np.dtype(kind), "__doc__": kind.__doc__}
    if kind is float:
        members["fromhex"] = float.fromhex
    return _FloatMeta(kind.__name__, (), members)


def abstract_type(kind: type) -> Any:
    """Make `isinstance(x, np.floating)` and the like hold for traced numbers, for abstract numpy types."""
    return _FloatMeta(kind.__name__, (), {"kinds": (kind,), "dtype": np.dtype(np.float64)})


def real_dtype(dtype: Any) -> Any:
    """Return a dtype as numpy takes it: a stand-in of a float type becomes the type."""
    return np.dtype(dtype.dtype) if isinstance(dtype, _FloatMeta) else dtype


def _note_precision(graph: Graph, dtype: Any) -> None:
    kind = np.dtype(dtype)
    if kind.kind == "f" and kind.itemsize < 8:
        graph.casts.setdefault(kind.name, graph.place)


def _array(graph: Graph, value: Any, dtype: Any = None, **options: Any) -> Any:
    """np.array and its kin: real numbers come back traced."""
    dtype = real_dtype(dtype)
    if not is_traced(value):
        if dtype is not None:
            _note_precision(graph, dtype)
        return finish(graph, np.array(unwrap(value), dtype=dtype, **options))
    if isinstance(value, Traced):
        box = plain(value)
    else:
        box = np.array(unwrap(list(value) if isinstance(value, types.GeneratorType) else value), dtype=object, **options)
    if is_float_kind(dtype):
        if dtype is not None:
            _note_precision(graph, dtype)
        return wrap(graph, box)
    return as_dtype(graph, wrap(graph, box), dtype)


def _asarray(graph: Graph, value: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
    if isinstance(value, TracedArray) and (dtype is None or np.dtype(real_dtype(dtype)) == np.float64):
        return value
    if isinstance(value, np.ndarray) and not isinstance(value, TracedArray) and dtype is None and value.dtype.kind not in "fO":
        return value
    return _array(graph, value, dtype)


def _filled(name: str) -> Rule:
    def make(graph: Graph, shape: Any, *args: Any, dtype: Any = None, **options: Any) -> Any:
        function = getattr(np, name)
        arguments = list(args)
        if name == "full" and arguments:
            value = arguments.pop(0)
            if is_traced(value) or (dtype is not None and np.dtype(real_dtype(dtype)).kind == "f"):
                return _broadcast(graph, value, shape)
            arguments.insert(0, value)
        elif arguments:
            dtype = arguments.pop(0)
        if dtype is not None:
            dtype = real_dtype(dtype)
            _note_precision(graph, dtype)
            dtype = np.float64 if np.dtype(dtype).kind == "O" else dtype
        return finish(graph, function(shape, *arguments, dtype=dtype))

    return make


def _broadcast(graph: Graph, value: Any, shape: Any) -> Any:
    return wrap(graph, np.array(np.broadcast_to(plain(lifted(graph, value)), shape), dtype=object))


def _like(name: str) -> Rule:
    def make(graph: Graph, prototype: Any, *args: Any, dtype: Any = None, shape: Any = None, **options: Any) -> Any:
        source = np.asarray(unwrap(prototype)) if not isinstance(prototype, Traced) else plain(prototype)
        shape = source.shape if shape is None else shape
        arguments = list(args)
        if name == "full" and arguments:
            kind = dtype if dtype is not None else source.dtype
            return _filled("full")(graph, shape, arguments[0], dtype=real_dtype(kind))
        if arguments:
            dtype = arguments[0]
        return _filled(name)(graph, shape, dtype=source.dtype if dtype is None else dtype)

    return make


def _copy(graph: Graph, value: Any, *args: Any, **kwargs: Any) -> Any:
    return value.copy() if isinstance(value, TracedArray) else _array(graph, value)


def _fromiter(graph: Graph, items: Any, dtype: Any = None, count: int = -1) -> Any:
    return _array(graph, list(items), dtype)


def _vectorize(graph: Graph, function: Any, *args: Any, **options: Any) -> Any:
    return vectorized(graph, function)


def vectorized(graph: Graph, function: Rule) -> Rule:
    """Return a function of arrays that calls a function of numbers on every element, with broadcasting."""

    def run(*args: Any, **kwargs: Any) -> Any:
        def element(*items: Any) -> Any:
            return function(*items, **kwargs)

        arrays = [plain(lifted(graph, value)) for value in args]
        result = np.frompyfunc(element, len(arrays), 1)(*arrays)
        if isinstance(result, np.ndarray) and not is_traced(result):
            tight = np.array(result.tolist())
            return finish(graph, tight)
        return finish(graph, result)

    return run


def _from_python_function(graph: Graph, function: Any, nin: int, nout: int, **options: Any) -> Any:
    return vectorized(graph, function)


def _fromfunction(graph: Graph, function: Any, shape: Any, dtype: Any = float, **kwargs: Any) -> Any:
    indices = np.indices(shape, dtype=real_dtype(dtype))
    return function(*(finish(graph, index) for index in indices), **kwargs)


def _nditer(graph: Graph, operand: Any, flags: Any = (), *args: Any, **options: Any) -> Any:
    return np.nditer(unwrap(operand), [*flags, "refs_ok"], *args, **options)


CREATION: dict[str, Rule] = {
    **dict.fromkeys(("array",), _array),
    **dict.fromkeys(("asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require"), _asarray),
    **{name: _filled(name) for name in ("zeros", "ones", "full")},
    "empty": _filled("zeros"),
    **{f"{name}_like": _like(name) for name in ("zeros", "ones", "full")},
    "empty_like": _like("zeros"),
    "copy": _copy,
    "fromiter": _fromiter,
    "vectorize": _vectorize,
    "frompyfunc": _from_python_function,
    "fromfunction": _fromfunction,
    "nditer": _nditer,
}

# These are also reached through numpy's own dispatch, from inside its functions.
for _name in ("zeros_like", "ones_like", "full_like", "empty_like", "copy"):
    own(_name)(CREATION[_name])
