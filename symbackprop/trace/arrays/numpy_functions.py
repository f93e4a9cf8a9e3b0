"""numpy's functions on traced arrays: which run as they are, which have a version of their own, which are refused.

`STRUCTURAL` functions only move, add, multiply and compare elements; numpy's code for them runs on object arrays
unchanged. `OWN` are written here. A function in neither table raises `CannotTrace` as soon as something traced is
passed to it: a function that quietly turned traced values into floats would lose what they depend on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from symbackprop.errors import InternalError
from symbackprop.trace.arrays.numpy_own import into
from symbackprop.trace.arrays.numpy_protocol import OWN, Rule, answers
from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import METHODS, TracedArray, finish, is_traced, lifted, plain, unhooked, unwrap
from symbackprop.trace.graph.graph import Graph, words

STRUCTURAL = words(
    """
    reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims concatenate
    concat stack unstack vstack row_stack hstack dstack column_stack block split array_split hsplit vsplit dsplit tile
    repeat roll flip fliplr flipud rot90 broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d take
    take_along_axis put_along_axis diag diagonal diagflat tril triu trace dot vdot inner outer tensordot kron einsum einsum_path
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


def call_function(graph: Graph, name: str, function: Rule, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a numpy function (not a universal one) on arguments of which some may be traced.

    Raises:
        CannotTrace: something traced is passed to a function without a traced version.
    """
    row = graph.function_rules.get(name) or OWN.get(name)
    if row is not None:
        return row(graph, *args, **kwargs)
    if not is_traced((args, kwargs)):
        return finish(graph, function(*args, **kwargs))
    if name not in STRUCTURAL:
        raise graph.refuse(f"`np.{name}`")
    arguments = _arguments(graph, name, args)
    options = {key: unwrap(value) for key, value in kwargs.items() if key not in ("out", "dtype")}
    with unhooked():
        result = finish(graph, function(*arguments, **options))
    return into(graph, result, kwargs.get("out"), name)


@answers("__array_function__")
def array_function(graph: Graph, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Answer numpy, which asks an array how to run a function on it."""
    return call_function(graph, qualified_name(function), function, args, kwargs)


_WRITES = words("copyto put place putmask fill_diagonal put_along_axis")


def _arguments(graph: Graph, name: str, args: tuple[Any, ...]) -> list[Any]:
    """Return arguments as numpy's loops take them; what is written must be traced: a plain 0.0 among traced elements is not."""
    if name not in _WRITES:
        return [_argument(value) for value in args]
    if not isinstance(args[0], TracedArray):
        raise graph.refuse(f"`np.{name}` into a plain array of numbers")
    return [_argument(args[0]), *(_argument(_written(graph, value)) for value in args[1:])]


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


_SCALAR_MEMBERS = words(
    "sum mean max min prod std var reshape ravel flatten squeeze item copy dot clip all any transpose astype round "
    "tolist argmax argmin cumsum repeat shape ndim size T dtype real imag flat"
)


@answers("__getattr__")
def scalar_attribute(number: Traced, name: str) -> Any:
    """A traced number has the methods of an element, and the attributes of an array without axes, as numpy's own scalars do."""
    if name in METHODS:
        return partial(METHODS[name], number)
    if name not in _SCALAR_MEMBERS:
        raise AttributeError(f"a traced number has no attribute {name!r}")
    array = plain(number).view(TracedArray)
    array.graph = number.graph
    member = getattr(array, name)
    return (lambda *args, **kwargs: _unboxed(member(*args, **kwargs))) if callable(member) else _unboxed(member)


def _unboxed(value: Any) -> Any:
    return value.item() if isinstance(value, TracedArray) and value.ndim == 0 else value
