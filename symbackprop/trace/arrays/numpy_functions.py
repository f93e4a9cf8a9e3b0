"""numpy's functions on traced arrays: which run as they are, which have a version of their own, which are refused.

`STRUCTURAL` functions only move, add, multiply and compare elements; numpy's code for them runs on object arrays
unchanged. `OWN` are written here. A function in neither table raises `CannotTrace` as soon as something traced is
passed to it: a function that quietly turned traced values into floats would lose what they depend on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from symbackprop.errors import InternalError
from symbackprop.trace.arrays.numpy_own import OWN, Own
from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import TracedArray, finish, is_traced, lifted, plain, unhooked, unwrap
from symbackprop.trace.graph.graph import Graph, words

STRUCTURAL = words(
    """
    reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims concatenate
    concat stack unstack vstack row_stack hstack dstack column_stack block split array_split hsplit vsplit dsplit tile
    repeat roll flip fliplr flipud rot90 broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d take
    take_along_axis put_along_axis diag diagonal diagflat tril triu trace dot vdot inner outer tensordot kron einsum
    cross sum prod cumsum cumprod cumulative_sum cumulative_prod max amax min amin ptp sort argsort append insert
    delete resize pad compress extract choose select meshgrid ix_ convolve correlate diff ediff1d copyto put place
    putmask fill_diagonal searchsorted size shape ndim nonzero flatnonzero argwhere count_nonzero argmax argmin unique
    trim_zeros trapezoid polyval vander lib.stride_tricks.sliding_window_view lib.stride_tricks.as_strided
    linalg.matrix_power linalg.multi_dot linalg.outer linalg.matmul linalg.trace linalg.diagonal linalg.cross
    linalg.tensordot linalg.vecdot array_equal array_equiv iterable may_share_memory shares_memory any all isscalar
    where nanargmax nanargmin partition argpartition union1d
    """
)

if OWN.keys() & STRUCTURAL:
    raise InternalError(f"two traced versions of {sorted(OWN.keys() & STRUCTURAL)}")


def call_function(graph: Graph, name: str, function: Own, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a numpy function (not a universal one) on arguments of which some may be traced.

    Raises:
        CannotTrace: something traced is passed to a function without a traced version.
    """
    row = graph.function_rules.get(name) or OWN.get(name)
    if row is not None:
        return row(graph, *args, **kwargs)
    if not is_traced(args) and not is_traced(kwargs):
        return finish(graph, function(*args, **kwargs))
    if name not in STRUCTURAL:
        raise graph.refuse(f"`np.{name}`")
    _refuse_plain_target(graph, name, args)
    options = {key: unwrap(value) for key, value in kwargs.items() if key not in ("out", "dtype")}
    arguments = [_argument(value) for value in args]
    if name in _WRITES:
        # What is written must be traced: a plain 0.0 among traced elements would not be.
        arguments[1:] = [_argument(_written(graph, value)) for value in args[1:]]
    with unhooked():
        result = finish(graph, function(*arguments, **options))
    target = kwargs.get("out")
    if target is None:
        return result
    if not isinstance(target, TracedArray):
        raise graph.refuse(f"`np.{name}` with `out=` a plain array of numbers")
    target[...] = result
    return target


_WRITES = words("copyto put place putmask fill_diagonal put_along_axis")


def _refuse_plain_target(graph: Graph, name: str, args: tuple[Any, ...]) -> None:
    if name in _WRITES and not isinstance(args[0], TracedArray):
        raise graph.refuse(f"`np.{name}` into a plain array of numbers")


def _written(graph: Graph, value: Any) -> Any:
    return lifted(graph, value) if isinstance(value, float) or np.asarray(unwrap(value)).dtype.kind == "f" else value


def _argument(value: Any) -> Any:
    return plain(value) if isinstance(value, Traced) else unwrap(value)


def is_float_kind(dtype: Any) -> bool:
    """Whether a dtype (or what numpy takes for one) means real numbers that are to be traced."""
    return dtype is None or np.dtype(dtype).kind in "fO"


def qualified_name(function: Any) -> str:
    """Return a numpy function's name below `np.`: `sum`, `linalg.norm`."""
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy").lstrip(".")
    name = getattr(function, "__name__", repr(function))
    return f"{module}.{name}" if module and not module.startswith("_") else name


def _array_function(self: TracedArray, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    return call_function(self.graph, qualified_name(function), function, args, kwargs)


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


def _method(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return OWN[name](self.graph, self, *args, **kwargs)

    method.__name__ = name
    return method


def _astype(self: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
    return as_dtype(self.graph, self, dtype)


def _fill(self: TracedArray, value: Any) -> None:
    self[...] = value


def _put(self: TracedArray, indices: Any, values: Any, mode: Literal["raise", "wrap", "clip"] = "raise") -> None:
    np.ndarray.put(plain(self), indices, plain(lifted(self.graph, values)), mode)


_SCALAR_METHODS = words(
    "sum mean max min prod std var reshape ravel flatten squeeze item copy dot clip all any transpose astype round "
    "tolist argmax argmin cumsum repeat"
)
_SCALAR_ATTRIBUTES = words("shape ndim size T dtype real imag flat")


def _scalar_attribute(self: Traced, name: str) -> Any:
    """A traced number has the attributes of an array without axes, as numpy's own scalars do."""
    if name in _SCALAR_METHODS or name in _SCALAR_ATTRIBUTES:
        box = np.empty((), dtype=object)
        box[()] = self
        array = box.view(TracedArray)
        array.graph = self.graph
        if name in _SCALAR_METHODS:
            return lambda *args, **kwargs: _unboxed(getattr(array, name)(*args, **kwargs))
        return _unboxed(getattr(array, name))
    raise AttributeError(f"a traced number has no attribute {name!r}")


def _unboxed(value: Any) -> Any:
    return value.item() if isinstance(value, TracedArray) and value.ndim == 0 else value


def _attach() -> None:
    for name in ("mean", "var", "std", "clip", "round"):
        setattr(TracedArray, name, _method(name))
    TracedArray.astype = _astype  # type: ignore[method-assign]
    TracedArray.fill = _fill  # type: ignore[method-assign, assignment]
    TracedArray.put = _put  # type: ignore[method-assign, assignment]
    TracedArray.__array_function__ = _array_function  # type: ignore[method-assign, assignment]
    Traced.__getattr__ = _scalar_attribute  # type: ignore[method-assign]


_attach()
