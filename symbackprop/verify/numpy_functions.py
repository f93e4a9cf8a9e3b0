"""numpy's functions on traced arrays: which run as they are, which have a version of their own, which are refused.

`STRUCTURAL` functions only move, add, multiply and compare elements; numpy's code for them runs on object arrays unchanged.
`OWN` are written here. A function in neither table raises `CannotTrace` as soon as something traced is passed to it: a function that
quietly turned traced values into floats would lose what they depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from symbackprop.errors import InternalError
from symbackprop.verify import linear_algebra
from symbackprop.verify.graph import Graph
from symbackprop.verify.scalar import Traced, lift
from symbackprop.verify.traced_array import TracedArray, finish, is_traced, lifted, plain, unhooked, unwrap, wrap

STRUCTURAL = frozenset(
    """
    reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims concatenate concat stack unstack
    vstack row_stack hstack dstack column_stack block split array_split hsplit vsplit dsplit tile repeat roll flip fliplr flipud rot90
    broadcast_to broadcast_arrays atleast_1d atleast_2d atleast_3d take take_along_axis put_along_axis diag diagonal diagflat tril triu
    trace dot vdot inner outer tensordot kron einsum cross sum prod cumsum cumprod cumulative_sum cumulative_prod max amax min amin ptp sort
    argsort append insert delete resize pad compress extract choose select meshgrid ix_ convolve correlate diff ediff1d
    copyto put place putmask fill_diagonal searchsorted size shape ndim nonzero flatnonzero argwhere count_nonzero
    argmax argmin unique trim_zeros trapezoid polyval vander lib.stride_tricks.sliding_window_view
    lib.stride_tricks.as_strided linalg.matrix_power linalg.multi_dot linalg.outer linalg.matmul linalg.trace linalg.diagonal
    linalg.cross linalg.tensordot linalg.vecdot array_equal array_equiv iterable may_share_memory shares_memory
    any all isscalar where nanargmax nanargmin partition argpartition union1d
    """.split()
)

Own = Callable[..., Any]
OWN: dict[str, Own] = {}


def own(*names: str) -> Callable[[Own], Own]:
    """Register a function `f(graph, *args, **kwargs)` as the traced version of numpy functions."""

    def register(function: Own) -> Own:
        for name in names:
            if name in OWN or name in STRUCTURAL:
                raise InternalError(f"np.{name} has two traced versions")
            OWN[name] = function
        return function

    return register


def call_function(graph: Graph, name: str, function: Own, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Run a numpy function (not a universal one) on arguments of which some may be traced.

    Raises:
        CannotTrace: something traced is passed to a function without a traced version.
    """
    row = OWN.get(name)
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


_WRITES = frozenset("copyto put place putmask fill_diagonal put_along_axis".split())


def _refuse_plain_target(graph: Graph, name: str, args: tuple[Any, ...]) -> None:
    if name in _WRITES and not isinstance(args[0], TracedArray):
        raise graph.refuse(f"`np.{name}` into a plain array of numbers")


def _written(graph: Graph, value: Any) -> Any:
    return lifted(graph, value) if isinstance(value, float) or np.asarray(unwrap(value)).dtype.kind == "f" else value


def _argument(value: Any) -> Any:
    return plain(value) if isinstance(value, Traced) else unwrap(value)


def array_of(graph: Graph, value: Any) -> TracedArray:
    """Return a value as a traced array of at least one axis (numbers and whole-number arrays included)."""
    array = plain(lifted(graph, value))
    objects = np.atleast_1d(np.asarray(array, dtype=object))
    result = wrap(graph, objects)
    if not isinstance(result, TracedArray):
        raise InternalError("an array of at least one axis did not stay one")
    return result


def _count(shape: tuple[int, ...], axis: Any) -> int:
    if axis is None:
        return int(np.prod(shape, dtype=int))
    return int(np.prod([shape[k] for k in (axis if isinstance(axis, tuple) else (axis,))], dtype=int))


def is_float_kind(dtype: Any) -> bool:
    """Whether a dtype (or what numpy takes for one) means real numbers that are to be traced."""
    return dtype is None or np.dtype(dtype).kind in "fO"


# ---- statistics


@own("mean")
def mean(graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None) -> Any:
    """Σ a / count."""
    array = array_of(graph, a)
    keepdims = _flag(keepdims)
    if where is not None and where is not np._NoValue:
        mask = np.broadcast_to(np.asarray(where, dtype=bool), array.shape)
        picked = array * mask
        return picked.sum(axis=axis, keepdims=keepdims) / mask.sum(axis=axis, keepdims=keepdims)
    result = array.sum(axis=axis, keepdims=keepdims) / _count(array.shape, axis)
    return _into(graph, result, out, "mean")


@own("var")
def var(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, **options: Any
) -> Any:
    """Σ (a - mean)² / (count - ddof)."""
    ddof = options.pop("correction", ddof)
    if any(value is not np._NoValue for value in options.values()):
        raise graph.refuse(f"`np.var` with {', '.join(options)}")
    array = array_of(graph, a)
    centred = array - array.sum(axis=axis, keepdims=True) / _count(array.shape, axis)
    total = (centred * centred).sum(axis=axis, keepdims=_flag(keepdims))
    return _into(graph, total / (_count(array.shape, axis) - ddof), out, "var")


@own("std")
def std(graph: Graph, a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    """√var."""
    return np.sqrt(var(graph, a, axis, *args, **kwargs))


@own("average")
def average(graph: Graph, a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """Σ w a / Σ w."""
    if weights is None:
        return mean(graph, a, axis=axis, keepdims=keepdims)
    array, weight = array_of(graph, a), array_of(graph, weights)
    if weight.shape != array.shape and axis is not None:
        weight = np.moveaxis(weight.reshape((1,) * (array.ndim - 1) + (-1,)), -1, axis)
        weight = wrap(graph, np.broadcast_to(plain(weight), array.shape))
    total = weight.sum(axis=axis, keepdims=_flag(keepdims))
    result = (array * weight).sum(axis=axis, keepdims=_flag(keepdims)) / total
    return (result, total) if returned else result


@own("median")
def median(graph: Graph, a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
    """The middle of the sorted values, or the mean of the two middle ones; the order is recorded as conditions."""
    array = array_of(graph, a)
    rows = array.reshape(-1) if axis is None else np.moveaxis(array, axis, -1)
    ordered = np.sort(plain(rows), axis=-1)
    size = ordered.shape[-1]
    middle = wrap(graph, (ordered[..., (size - 1) // 2] + ordered[..., size // 2]))
    result = middle / 2
    if not _flag(keepdims):
        return result
    return result if axis is None else np.expand_dims(result, axis)


@own("cov")
def cov(graph: Graph, m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, **options: Any) -> Any:
    """Covariance matrix of the rows (or columns)."""
    if y is not None or any(value is not None for value in options.values()):
        raise graph.refuse("`np.cov` with y or weights")
    array = np.atleast_2d(array_of(graph, m))
    rows = array if rowvar else array.T
    count = rows.shape[1]
    centred = rows - rows.sum(axis=1, keepdims=True) / count
    return centred @ centred.T / (count - (ddof if ddof is not None else 0 if bias else 1))


def _flag(keepdims: Any) -> bool:
    return False if keepdims is np._NoValue or keepdims is None else bool(keepdims)


def _into(graph: Graph, result: Any, out: Any, name: str) -> Any:
    if out is None:
        return result
    if not isinstance(out, TracedArray):
        raise graph.refuse(f"`np.{name}` with `out=` a plain array of numbers")
    out[...] = result
    return out


# ---- nan-aware sums: at a point without nan they are the plain ones


def _nan_free(name: str, plain_name: str) -> None:
    @own(name)
    def function(graph: Graph, a: Any, *args: Any, **kwargs: Any) -> Any:
        array = array_of(graph, a)
        if any(np.isnan(item.value) for item in plain(array).reshape(-1)):
            raise graph.refuse(f"`np.{name}` where a value is nan")
        target = getattr(np, plain_name)
        return call_function(graph, plain_name, target, (array, *args), kwargs)


for _name in ("sum", "mean", "max", "min", "std", "var", "prod", "cumsum", "cumprod", "median"):
    _nan_free(f"nan{_name}", _name)


@own("nan_to_num")
def nan_to_num(graph: Graph, x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replace nan and ±inf."""
    big = np.finfo(float).max

    def replace(item: Any) -> Any:
        value = lift(graph, item)
        if np.isfinite(value.value):
            return value
        if np.isnan(value.value):
            return lift(graph, nan)
        return lift(graph, (big if posinf is None else posinf) if value.value > 0 else (-big if neginf is None else neginf))

    if isinstance(x, Traced):
        return replace(x)
    return wrap(graph, np.frompyfunc(replace, 1, 1)(plain(array_of(graph, x))))


# ---- rounding, comparing


@own("round", "around")
def round_(graph: Graph, a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Round to a number of decimals; constant between the recorded borders."""
    scale = Fraction(10) ** decimals
    scaled = lifted(graph, a) * lift(graph, scale)
    return _into(graph, np.rint(scaled) / lift(graph, scale), out, "round")


@own("fix")
def fix(graph: Graph, x: Any, out: Any = None) -> Any:
    """Round towards zero."""
    return _into(graph, np.trunc(lifted(graph, x)), out, "fix")


@own("isclose")
def isclose(graph: Graph, a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """|a - b| <= atol + rtol |b|, elementwise."""
    left, right = lifted(graph, a), lifted(graph, b)
    return np.abs(left - right) <= lift(graph, atol) + lift(graph, rtol) * np.abs(right)


@own("allclose")
def allclose(graph: Graph, a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all are close."""
    return bool(np.all(isclose(graph, a, b, rtol, atol)))


@own("clip")
def clip(graph: Graph, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **options: Any) -> Any:
    """min(max(a, low), high)."""
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    result = lifted(graph, a)
    if low is not None and low is not np._NoValue:
        result = np.maximum(result, lifted(graph, low))
    if high is not None and high is not np._NoValue:
        result = np.minimum(result, lifted(graph, high))
    return _into(graph, result, out, "clip")


@own("piecewise")
def piecewise(graph: Graph, x: Any, condlist: Any, funclist: Any, *args: Any, **kwargs: Any) -> Any:
    """Each function on the elements where its condition holds; a last function without condition takes the rest."""
    array = array_of(graph, x)
    masks = [np.asarray(mask, dtype=bool) for mask in (condlist if isinstance(condlist, (list, tuple)) else [condlist])]
    if len(funclist) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    result = wrap(graph, np.zeros(array.shape))
    for mask, function in zip(masks, funclist, strict=True):
        if callable(function):
            if mask.any():
                result[mask] = function(array[mask], *args, **kwargs)
        else:
            result[mask] = function
    return result if np.ndim(plain(x)) else result[0]


@own("apply_along_axis")
def apply_along_axis(graph: Graph, func1d: Own, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply a function of one-dimensional arrays to every line along an axis."""
    array = arr if isinstance(arr, np.ndarray) else array_of(graph, arr)
    lines = np.moveaxis(array, axis, -1)
    outer = lines.shape[:-1]
    results = [func1d(line, *args, **kwargs) for line in lines.reshape(-1, lines.shape[-1])]
    inner = np.shape(plain(results[0]))
    stacked = np.array([unwrap(result) for result in results], dtype=object if is_traced(results) else None)
    # The axes of one result take the place of the axis they came from.
    shaped = stacked.reshape(outer + inner)
    place = range(axis % array.ndim, axis % array.ndim + len(inner))
    return finish(graph, np.moveaxis(shaped, range(len(outer), len(outer) + len(inner)), place))


@own("gradient")
def gradient(graph: Graph, f: Any, *spacing: Any, **options: Any) -> Any:
    """Refused: finite differences of an array are no part of a gradient by hand."""
    raise graph.refuse("`np.gradient`")


@own("real", "real_if_close", "asarray_chkfinite")
def real(graph: Graph, value: Any, *args: Any) -> Any:
    """The value itself: everything traced is real."""
    return lifted(graph, value)


@own("imag")
def imag(graph: Graph, value: Any) -> Any:
    """Zero."""
    return lifted(graph, value) * 0


@own("sinc")
def sinc(graph: Graph, x: Any) -> Any:
    """sin(πx)/(πx), and 1 at 0."""
    pi = Traced(graph, graph.pi())

    def element(item: Any) -> Any:
        value = lift(graph, item)
        return lift(graph, 1) if value == 0 else (pi * value).sin() / (pi * value)

    values = lifted(graph, x)
    return element(values) if isinstance(values, Traced) else wrap(graph, np.frompyfunc(element, 1, 1)(plain(array_of(graph, x))))


@own("interp")
def interp(graph: Graph, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Piecewise linear interpolation, the piece chosen by value and recorded."""
    if period is not None:
        raise graph.refuse("`np.interp` with period")
    knots, heights = plain(array_of(graph, xp)), plain(array_of(graph, fp))

    def element(item: Any) -> Any:
        at = lift(graph, item)
        if at < knots[0]:
            return heights[0] if left is None else lift(graph, left)
        for k in range(len(knots) - 1):
            if at <= knots[k + 1]:
                return heights[k] + (heights[k + 1] - heights[k]) * (at - knots[k]) / (knots[k + 1] - knots[k])
        return heights[-1] if right is None else lift(graph, right)

    values = lifted(graph, x)
    return element(values) if isinstance(values, Traced) else wrap(graph, np.frompyfunc(element, 1, 1)(plain(array_of(graph, x))))


# ---- linear algebra

for _name, _function in (
    ("linalg.solve", linear_algebra.solve),
    ("linalg.inv", linear_algebra.inverse),
    ("linalg.det", linear_algebra.determinant),
    ("linalg.cholesky", linear_algebra.cholesky),
    ("linalg.slogdet", linear_algebra.log_determinant),
):
    own(_name)(_function)


@own("linalg.norm")
def norm(graph: Graph, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Vector and Frobenius norms."""
    return linear_algebra.norm(graph, x, ord, axis, keepdims)


@own("linalg.vector_norm")
def vector_norm(graph: Graph, x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Vector norm over the given axes."""
    return linear_algebra.norm(graph, array_of(graph, x).reshape(-1) if axis is None else x, ord, axis, keepdims)


def qualified_name(function: Any) -> str:
    """Return a numpy function's name below `np.`: `sum`, `linalg.norm`."""
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy").lstrip(".")
    name = getattr(function, "__name__", repr(function))
    return f"{module}.{name}" if module and not module.startswith("_") else name


def _array_function(self: TracedArray, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    return call_function(self.graph, qualified_name(function), function, args, kwargs)


def as_dtype(graph: Graph, value: Any, dtype: Any) -> Any:
    """Return a traced array or number cast to a dtype: real kinds keep it traced, whole numbers and truth values are decided."""
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


def _put(self: TracedArray, indices: Any, values: Any, mode: str = "raise") -> None:
    np.ndarray.put(plain(self), indices, plain(lifted(self.graph, values)), mode)


_SCALAR_METHODS = frozenset(
    "sum mean max min prod std var reshape ravel flatten squeeze item copy dot clip all any transpose astype round tolist argmax argmin "
    "cumsum repeat".split()
)
_SCALAR_ATTRIBUTES = frozenset("shape ndim size T dtype real imag flat".split())


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
    TracedArray.fill = _fill  # type: ignore[method-assign]
    TracedArray.put = _put  # type: ignore[method-assign]
    TracedArray.__array_function__ = _array_function  # type: ignore[method-assign]
    Traced.__getattr__ = _scalar_attribute  # type: ignore[attr-defined]


_attach()
