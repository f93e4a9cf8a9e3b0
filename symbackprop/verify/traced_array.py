"""Arrays of traced scalars: a numpy array subclass over objects, with numpy's own shapes, broadcasting and indexing.

Every universal function arrives at `call_ufunc`. Arithmetic and comparisons run in numpy's object loops, which call
the operators of `Traced`; all other functions run element by element from `ELEMENTWISE`; one that is in neither place
raises `CannotTrace`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

from symbackprop.verify.elementary import TABLE
from symbackprop.verify.graph import Graph
from symbackprop.verify.scalar import Traced, apply, lift, words

Function = Callable[..., Any]

NATIVE = words(
    "add subtract multiply divide true_divide negative positive power absolute square floor_divide remainder mod "
    "maximum minimum fmax fmin less less_equal greater greater_equal equal not_equal matmul vecdot matvec vecmat "
    "conjugate"
)
"""Universal functions whose object loops call the operators of the elements."""

_MIXES = words("maximum minimum fmax fmin positive absolute")
"""Those that may hand back one of their operands as it is, so that a plain number can end up among traced ones."""


class TracedArray(np.ndarray):
    """An object array whose elements are all `Traced`; it reports dtype float64, as the plain run has."""

    graph: Graph

    def __array_finalize__(self, source: Any) -> None:
        self.graph = getattr(source, "graph", None)  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return call_ufunc(self.graph, ufunc, method, inputs, kwargs)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the plain run would say."""
        return np.dtype(np.float64)

    def __setitem__(self, key: Any, value: Any) -> None:
        fresh = lifted(self.graph, value)
        plain(self)[unwrap(key)] = fresh if isinstance(fresh, Traced) else _elements(self.graph, fresh)

    def __float__(self) -> float:
        return float(self.item())

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        return _in_place(self, np.add, other)

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        return _in_place(self, np.subtract, other)

    def __imul__(self, other: Any) -> Any:  # type: ignore[misc]
        return _in_place(self, np.multiply, other)

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[misc]
        return _in_place(self, np.true_divide, other)


def _elements(graph: Graph, value: Any) -> Any:
    """Return an array to be stored with every element traced (whole numbers and truth values are not yet)."""
    return plain(value) if isinstance(value, TracedArray) else plain(wrap(graph, np.asarray(value, dtype=object)))


def _in_place(target: TracedArray, ufunc: np.ufunc, other: Any) -> TracedArray:
    call_ufunc(target.graph, ufunc, "__call__", (target, other), {"out": (target,)})
    return target


# ---- conversions


def plain(value: Any) -> Any:
    """Return a value as numpy's own loops take it: arrays without the subclass, a traced scalar as a 0-dimensional
    object array."""
    if isinstance(value, TracedArray):
        return value.view(np.ndarray)
    if isinstance(value, Traced):
        box = np.empty((), dtype=object)
        box[()] = value
        return box
    return value


def unwrap(value: Any) -> Any:
    """Return `plain` of a value, and of everything in lists, tuples and dicts."""
    if isinstance(value, TracedArray):
        return value.view(np.ndarray)
    if isinstance(value, list):
        return [unwrap(item) for item in value]
    if type(value) is tuple:
        return tuple(unwrap(item) for item in value)
    if isinstance(value, dict):
        return {key: unwrap(item) for key, item in value.items()}
    return value


def lifted(graph: Graph, value: Any) -> Any:
    """Return real numbers, lists of them and float or object arrays as traced ones; other values as they are."""
    if isinstance(value, (Traced, TracedArray)):
        return value
    if isinstance(value, np.ndarray):
        return wrap(graph, value) if value.dtype.kind in "fO" else value
    if isinstance(value, (list, tuple)):
        array = np.asarray(unwrap(value))
        return wrap(graph, array) if array.dtype.kind in "fO" else array
    return lift(graph, value)


def wrap(graph: Graph, array: np.ndarray[Any, Any]) -> Any:
    """Return a float or object array with every element traced; a 0-dimensional one as a traced scalar."""
    if isinstance(array, TracedArray):
        array = array.view(np.ndarray)
    if array.ndim == 0:
        return lift(graph, array.item())
    if array.dtype != object:
        array = np.asarray(array, dtype=object) if array.dtype != np.float32 else _shortest_objects(array)
    flat = array.reshape(-1)
    if any(type(item) is not Traced for item in flat):
        fresh = np.empty(flat.shape, dtype=object)
        for position, item in enumerate(flat):
            fresh[position] = lift(graph, 0 if item is None else item)
        array = fresh.reshape(array.shape)
    return as_traced_array(graph, array)


def _shortest_objects(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    objects = np.empty(array.shape, dtype=object)
    for position in np.ndindex(array.shape):
        objects[position] = array[position]
    return objects


def as_traced_array(graph: Graph, objects: np.ndarray[Any, Any]) -> TracedArray:
    """Return a view of an object array whose elements are known to be traced."""
    result = objects.view(TracedArray)
    result.graph = graph
    return result


def is_traced(value: Any) -> bool:
    """Whether a value is traced, or a list, tuple, dict or object array with something traced in it."""
    if isinstance(value, (Traced, TracedArray)):
        return True
    if isinstance(value, (list, tuple, set)):
        return any(map(is_traced, value))
    if isinstance(value, dict):
        return any(map(is_traced, value.values()))
    return isinstance(value, np.ndarray) and value.dtype == object and any(map(is_traced, value.reshape(-1)))


def finish(graph: Graph, result: Any) -> Any:
    """Return a result of numpy as user code may have it: floats traced, whole numbers and booleans plain."""
    if isinstance(result, np.ndarray):
        return wrap(graph, result) if result.dtype.kind in "fO" else result
    if isinstance(result, (list, tuple)) and not hasattr(result, "_fields"):
        return type(result)(finish(graph, item) for item in result)
    return lift(graph, result) if isinstance(result, (float, np.floating)) else result


# ---- universal functions


@contextmanager
def unhooked() -> Iterator[None]:
    """Suspend the line hook while numpy loops over elements: it would be called for every operator of every element.

    No user code may run inside the block.
    """
    hook = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(hook)


def call_ufunc(graph: Graph, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a universal function, or a method of it (`reduce`, `accumulate`, `outer`, `at` …), on traced operands.

    Raises:
        CannotTrace: the function has no rule, or its result would be stored in a plain array of floats.
    """
    name = ufunc.__name__
    arguments = [plain(value) for value in inputs]
    options = {key: plain(value) for key, value in kwargs.items() if key not in ("out", "dtype", "casting", "subok")}
    out = kwargs.get("out")
    targets = out if isinstance(out, tuple) else (out,)
    loop: Function = ufunc
    if name not in NATIVE:
        row = ELEMENTWISE.get(name)
        if row is None:
            raise graph.refuse(f"`np.{name}`")
        function, whole = row
        if method == "__call__" and "where" not in options and all(_is_number(value) for value in arguments):
            return _whole(function(*(lift(graph, _item(value)) for value in arguments)), whole)
        loop = _element_loop(graph, function, ufunc.nin, ufunc.nout)
    elif method == "at":
        _add_at(graph, ufunc, inputs)
        return None
    if method == "reduce" and name not in NATIVE:
        options = {key: value for key, value in options.items() if value is not np._NoValue}
    if options.get("where", True) is not True and method == "__call__":
        return _masked(graph, loop, arguments, options, targets[0])
    run: Function = loop if method == "__call__" else getattr(loop, method)
    with unhooked():
        result = run(*arguments, **options)
        if name not in NATIVE and ELEMENTWISE[name][1]:
            result = _whole(result, True)
        return _store(graph, result, targets, inputs, name)


def _is_number(value: Any) -> bool:
    return not isinstance(value, (np.ndarray, list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 0)


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) else value


def _whole(result: Any, whole: bool) -> Any:
    """Give truth values of an object loop their own dtype back."""
    return np.asarray(result, dtype=bool)[()] if whole else result


def _element_loop(graph: Graph, function: Function, nin: int, nout: int) -> Any:
    def element(*values: Any) -> Any:
        return function(*(lift(graph, value) for value in values))

    return np.frompyfunc(element, nin, nout)


def _masked(graph: Graph, loop: Function, arguments: list[Any], options: dict[str, Any], target: Any) -> Any:
    """A call with `where=mask`: elements outside the mask keep what `out` holds."""
    mask = np.asarray(options["where"], dtype=bool)
    arrays = np.broadcast_arrays(mask, *(np.asarray(value, dtype=object) for value in arguments))
    if target is None:
        raise graph.refuse("a call with `where=` and no `out=` (its other elements are arbitrary)")
    if not isinstance(target, TracedArray):
        raise graph.refuse("`out=` with a plain array of numbers")
    chosen = loop(*(array[arrays[0]] for array in arrays[1:]))
    plain(target)[arrays[0]] = chosen
    return target


def _add_at(graph: Graph, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> None:
    target, index, *operand = inputs
    if not isinstance(target, TracedArray):
        raise graph.refuse(f"`np.{ufunc.__name__}.at` into a plain array of numbers")
    operands = [np.asarray(plain(lifted(graph, value)), dtype=object) for value in operand]
    ufunc.at(plain(target), unwrap(index), *operands)


def _store(graph: Graph, result: Any, targets: tuple[Any, ...], inputs: tuple[Any, ...], name: str) -> Any:
    results = result if isinstance(result, tuple) else (result,)
    stored = []
    for value, target in zip(results, targets if len(targets) == len(results) else (None,) * len(results), strict=True):
        if target is None:
            stored.append(_tidy(graph, value, name))
        elif isinstance(target, TracedArray):
            if np.broadcast_shapes(np.shape(value), target.shape) != target.shape:
                raise ValueError(f"result of shape {np.shape(value)} does not fit an array of shape {target.shape}")
            plain(target)[...] = value
            stored.append(target)
        elif any(target is operand for operand in inputs):
            # `a += traced` on a plain array: Python binds the name to what is returned.
            stored.append(_tidy(graph, value, name))
        else:
            raise graph.refuse(f"`np.{name}` with `out=` a plain array of numbers")
    return stored[0] if not isinstance(result, tuple) else tuple(stored)


def _tidy(graph: Graph, value: Any, name: str) -> Any:
    if isinstance(value, np.ndarray) and value.dtype == object:
        if value.ndim and name not in _MIXES:
            return as_traced_array(graph, value)
        return wrap(graph, value)
    return lift(graph, value) if isinstance(value, float) and name in _MIXES else value


# ---- element functions: name -> (function of traced scalars, whether its result is a truth value)


def _sign(x: Traced) -> Any:
    if x.value != x.value:
        return x
    return lift(x.graph, 1 if x > 0 else -1 if x < 0 else 0)


def _logaddexp(x: Traced, y: Traced) -> Any:
    large, small = (x, y) if x >= y else (y, x)
    return large + cast(Any, small - large).exp().log1p()


def _arctan2(y: Any, x: Any) -> Any:
    pi = Traced(y.graph, y.graph.pi())
    if x > 0:
        return (y / x).arctan()
    if x < 0:
        return (y / x).arctan() + (pi if y >= 0 else -pi)
    return pi / 2 if y > 0 else -pi / 2 if y < 0 else lift(y.graph, 0)


def _hypot(x: Any, y: Any) -> Any:
    return (x * x + y * y).sqrt()


def _degrees(x: Any) -> Any:
    return x * 180 / Traced(x.graph, x.graph.pi())


def _radians(x: Any) -> Any:
    return x * Traced(x.graph, x.graph.pi()) / 180


def _sinc_sign(x: Traced, y: Traced) -> Any:
    size = abs(x)
    return size if y >= 0 else -size


def _clip(x: Any, low: Any, high: Any) -> Any:
    x = low if low.value > -math.inf and x < low else x
    return high if high.value < math.inf and x > high else x


def _signbit(x: Any) -> bool:
    return bool(x < 0)


ELEMENTWISE: dict[str, tuple[Function, bool]] = {
    **{name: (cast(Function, lambda x, _f=name: Traced(x.graph, x.graph.apply(_f, x.node))), False) for name in TABLE},
    "exp2": (lambda x: (x * lift(x.graph, 2).log()).exp(), False),
    "log2": (lambda x: x.log() / lift(x.graph, 2).log(), False),
    "log10": (lambda x: x.log() / lift(x.graph, 10).log(), False),
    "reciprocal": (lambda x: 1 / x, False),
    "fabs": (abs, False),
    "sign": (_sign, False),
    "floor": (lambda x: x.floor(), False),
    "ceil": (lambda x: x.ceil(), False),
    "trunc": (lambda x: x.trunc(), False),
    "rint": (lambda x: x.rint(), False),
    "fmod": (lambda x, y: x - (x / y).trunc() * y, False),
    "divmod": (lambda x, y: (x // y, x % y), False),
    "float_power": (lambda x, y: x**y, False),
    "hypot": (_hypot, False),
    "arctan2": (_arctan2, False),
    "logaddexp": (_logaddexp, False),
    "logaddexp2": (
        lambda x, y: _logaddexp(x * lift(x.graph, 2).log(), y * lift(x.graph, 2).log()) / lift(x.graph, 2).log(),
        False,
    ),
    "heaviside": (lambda x, y: lift(x.graph, 1) if x > 0 else lift(x.graph, 0) if x < 0 else y, False),
    "copysign": (_sinc_sign, False),
    "clip": (_clip, False),
    "degrees": (_degrees, False),
    "rad2deg": (_degrees, False),
    "radians": (_radians, False),
    "deg2rad": (_radians, False),
    "modf": (lambda x: (x - x.trunc(), x.trunc()), False),
    "signbit": (_signbit, True),
    "isnan": (lambda x: math.isnan(x.value), True),
    "isinf": (lambda x: math.isinf(x.value), True),
    "isfinite": (lambda x: math.isfinite(x.value), True),
    "logical_not": (lambda x: not x, True),
    "logical_and": (lambda x, y: bool(x) and bool(y), True),
    "logical_or": (lambda x, y: bool(x) or bool(y), True),
    "logical_xor": (lambda x, y: bool(x) != bool(y), True),
}


def _attach_methods() -> None:
    """Give `Traced` the methods that numpy's object loops call on elements, and the protocol of universal
    functions."""
    for name in (*TABLE, "exp2", "log2", "log10", "degrees", "radians", "deg2rad", "rad2deg"):
        method = apply(name) if name in TABLE else ELEMENTWISE[name][0]
        setattr(Traced, name, method)

    def array_ufunc(self: Traced, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return call_ufunc(self.graph, ufunc, method, inputs, kwargs)

    Traced.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]


_attach_methods()
