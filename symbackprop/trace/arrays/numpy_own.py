"""Versions of numpy's functions for traced arrays, where numpy's own code would turn objects into floats or not run on them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from symbackprop.errors import InternalError
from symbackprop.trace.arrays import linear_algebra
from symbackprop.trace.arrays.numpy_protocol import Rule, own
from symbackprop.trace.arrays.scalar import Traced, lift
from symbackprop.trace.arrays.traced_array import TracedArray, finish, is_traced, lifted, plain, unwrap, wrap
from symbackprop.trace.graph.graph import Graph


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


# ---- statistics


@own("mean")
def mean(
    graph: Graph, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = None
) -> Any:
    """Σ a / count."""
    array = array_of(graph, a)
    keepdims = _flag(keepdims)
    if where is not None and where is not np._NoValue:
        mask = np.broadcast_to(np.asarray(where, dtype=bool), array.shape)
        picked = array * mask
        return picked.sum(axis=axis, keepdims=keepdims) / mask.sum(axis=axis, keepdims=keepdims)
    result = array.sum(axis=axis, keepdims=keepdims) / _count(array.shape, axis)
    return into(graph, result, out, "mean")


@own("var")
def var(
    graph: Graph,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
    **options: Any,
) -> Any:
    """Σ (a - mean)² / (count - ddof)."""
    ddof = options.pop("correction", ddof)
    if any(value is not np._NoValue for value in options.values()):
        raise graph.refuse(f"`np.var` with {', '.join(options)}")
    array = array_of(graph, a)
    centred = array - array.sum(axis=axis, keepdims=True) / _count(array.shape, axis)
    total = (centred * centred).sum(axis=axis, keepdims=_flag(keepdims))
    return into(graph, total / (_count(array.shape, axis) - ddof), out, "var")


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
        weight = array_of(graph, np.moveaxis(weight.reshape((1,) * (array.ndim - 1) + (-1,)), -1, axis))
        weight = array_of(graph, np.broadcast_to(plain(weight), array.shape))
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
def cov(
    graph: Graph, m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, **options: Any
) -> Any:
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


def into(graph: Graph, result: Any, out: Any, name: str) -> Any:
    """Return a result, or the traced array `out` with the result in it."""
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
        return getattr(np, plain_name)(array, *args, **kwargs)


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
    return into(graph, np.rint(scaled) / lift(graph, scale), out, "round")


@own("fix")
def fix(graph: Graph, x: Any, out: Any = None) -> Any:
    """Round towards zero."""
    return into(graph, np.trunc(lifted(graph, x)), out, "fix")


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
    return into(graph, result, out, "clip")


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
def apply_along_axis(graph: Graph, func1d: Rule, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
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
