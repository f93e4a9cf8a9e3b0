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
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from symbackprop.functions import BY_NAME, ElementaryFunction
from symbackprop.functions.definitions import applied
from symbackprop.trace.arrays.numpy_protocol import OWN, PROTOCOL, answers
from symbackprop.trace.arrays.scalar import Traced, apply, lift
from symbackprop.trace.graph.elementary import TABLE
from symbackprop.trace.graph.graph import Graph, words

Function = Callable[..., Any]

NATIVE = words(
    "add subtract multiply divide true_divide negative positive power absolute square floor_divide remainder mod "
    "maximum minimum fmax fmin less less_equal greater greater_equal equal not_equal matmul vecdot matvec vecmat "
    "conjugate"
)
"""Universal functions whose object loops call the operators of the elements."""

_MIXES = words("maximum minimum fmax fmin positive absolute")
"""Those that may hand back one of their operands as it is, so that a plain number can end up among traced ones."""


def _own_method(name: str) -> Function:
    """Return the method of an array that is the traced version of numpy's function."""

    def method(self: TracedArray, *args: Any, **kwargs: Any) -> Any:
        return OWN[name](self.graph, self, *args, **kwargs)

    method.__name__ = name
    return method


class TracedArray(np.ndarray):
    """An object array whose elements are all `Traced`; it reports dtype float64, as the plain run has."""

    graph: Graph

    def __array_finalize__(self, source: Any) -> None:
        self.graph = getattr(source, "graph", None)  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return call_ufunc(self.graph, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return PROTOCOL["__array_function__"](self.graph, function, args, kwargs)

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

    mean, var, std, clip, round = map(_own_method, ("mean", "var", "std", "clip", "round"))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the array cast to a dtype (`as_dtype`)."""
        return as_dtype(self.graph, self, dtype)

    def fill(self, value: Any) -> None:
        """Write one value to every place."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: Literal["raise", "wrap", "clip"] = "raise") -> None:
        """Write values to places of the flat array."""
        np.ndarray.put(plain(self), indices, plain(lifted(self.graph, values)), mode)


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
    result: TracedArray = objects.view(graph.array_kind or TracedArray)
    result.graph = graph
    return result


def as_dtype(graph: Graph, value: Any, dtype: Any) -> Any:
    """Return a traced array or number cast to a dtype: real kinds keep it traced, whole numbers and truth values are
    decided."""
    kind = np.dtype(dtype)
    if kind.kind in "fO":
        if kind.kind == "f" and kind.itemsize < 8:
            graph.casts.setdefault(kind.name, graph.place)
        return value.copy() if isinstance(value, TracedArray) else value
    if kind.kind == "b":
        return np.asarray(np.not_equal(value, 0), dtype=bool)[()]
    if kind.kind in "iu":
        whole = np.frompyfunc(lambda item: int(item.trunc().value), 1, 1)(plain(value))
        return np.asarray(whole, dtype=kind)[()]
    raise graph.refuse(f"a cast to {kind.name}")


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


@answers("__array_ufunc__")
def call_ufunc(graph: Graph, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a universal function, or a method of it (`reduce`, `accumulate`, `outer`, `at` …), on traced operands.

    Raises:
        CannotTrace: the function has no rule, or its result would be stored in a plain array of floats.
    """
    if method == "at":
        return _at(graph, ufunc, inputs)
    name = ufunc.__name__
    call = _Call(graph, ufunc, method, inputs, kwargs)
    rule = graph.element_rules.get(name)
    if rule is not None:
        return _by_rule(call, rule)
    if name in NATIVE:
        return _looped(call, ufunc)
    if name not in ELEMENTWISE:
        raise graph.refuse(f"`np.{name}`")
    function, whole = ELEMENTWISE[name]
    if call.is_of_numbers:
        return _whole(function(*(lift(graph, _item(value)) for value in call.arguments)), whole)
    return _looped(call, _element_loop(graph, function, ufunc.nin, ufunc.nout), whole=whole)


class _Call:
    """A call of a universal function: its operands and options as plain arrays, and what the results are stored in."""

    __slots__ = ("arguments", "graph", "inputs", "method", "options", "targets", "ufunc")

    def __init__(self, graph: Graph, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.graph, self.ufunc, self.method, self.inputs = graph, ufunc, method, inputs
        self.arguments = [plain(value) for value in inputs]
        given = {key: plain(value) for key, value in kwargs.items() if key not in ("out", "dtype", "casting", "subok")}
        self.options = {key: value for key, value in given.items() if value is not np._NoValue}
        out = kwargs.get("out")
        self.targets = out if isinstance(out, tuple) else (out,)

    @property
    def is_of_numbers(self) -> bool:
        return self.method == "__call__" and "where" not in self.options and all(map(_is_number, self.arguments))

    def of(self, loop: Function) -> Function:
        """Return the method that is called, of another loop."""
        return loop if self.method == "__call__" else getattr(loop, self.method)

    def store(self, result: Any) -> Any:
        return _store(self.graph, result, self.targets, self.inputs, self.ufunc.__name__)


def _at(graph: Graph, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
    """Run `ufunc.at`, which changes its first operand."""
    rule = graph.function_rules.get(f"{ufunc.__name__}.at")
    if rule is not None:
        return rule(graph, *inputs)
    if ufunc.__name__ not in NATIVE:
        raise graph.refuse(f"`np.{ufunc.__name__}.at`")
    _add_at(graph, ufunc, inputs)
    return None


def _looped(call: _Call, loop: Function, *, whole: bool = False) -> Any:
    """Run a function, or a method of it, element by element."""
    if call.options.get("where", True) is not True and call.method == "__call__":
        return _masked(call.graph, loop, call.arguments, call.options, call.targets[0])
    with unhooked():
        return call.store(_whole(call.of(loop)(*call.arguments, **call.options), whole))


def _by_rule(call: _Call, rule: Function) -> Any:
    """Run a rule of the graph in place of numpy's loop; several axes are reduced as one."""
    loop = _element_loop(call.graph, rule, call.ufunc.nin, 1)
    with unhooked():
        if call.method == "reduce":
            return call.store(_reduced(loop, np.asarray(call.arguments[0], dtype=object), call.options))
        return call.store(call.of(loop)(*call.arguments))


def _reduced(loop: Any, array: np.ndarray[Any, Any], options: Mapping[str, Any]) -> Any:
    axis, keepdims = options.get("axis", 0), options.get("keepdims") in (True, 1)
    axes = range(array.ndim) if axis is None else [one % array.ndim for one in (axis if isinstance(axis, tuple) else (axis,))]
    kept = [one for one in range(array.ndim) if one not in axes]
    rows = array.transpose([*kept, *axes]).reshape([array.shape[one] for one in kept] + [-1])
    result = loop.reduce(rows, axis=-1)
    shape = [1 if one in axes else array.shape[one] for one in range(array.ndim)]
    return np.asarray(result, dtype=object).reshape(shape) if keepdims else result


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


class _TracedArithmetic:
    """Definitions of functions worked out on traced numbers: primitives are nodes, comparisons are recorded."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def number(self, value: Fraction) -> Any:
        return lift(self.graph, value)

    def pi(self) -> Any:
        return Traced(self.graph, self.graph.pi())

    def primitive(self, row: ElementaryFunction, argument: Any) -> Any:
        return Traced(self.graph, self.graph.apply(row.name, lift(self.graph, argument).node))


def function_rule(row: ElementaryFunction) -> Function:
    """Return an elementary function as a function of traced numbers."""
    return lambda *arguments: applied(row, arguments, _TracedArithmetic(arguments[0].graph))


def _logaddexp2(x: Any, y: Any) -> Any:
    log2 = lift(x.graph, 2).log()
    return ELEMENTWISE["logaddexp"][0](x * log2, y * log2) / log2


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
    **{name: (function_rule(row), False) for row in BY_NAME.values() for name in row.called.numpy if name not in NATIVE},
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
    "logaddexp2": (_logaddexp2, False),
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


METHODS: Mapping[str, Function] = {
    **{name: ELEMENTWISE[name][0] for name in words("degrees radians deg2rad rad2deg")},
    **{name: function_rule(row) for row in BY_NAME.values() if row.arity == 1 for name in row.called.numpy if name not in NATIVE},
    **{name: apply(name) for name in TABLE},
}
"""The methods that numpy's object loops call on elements."""
