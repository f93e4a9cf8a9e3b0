"""The convolutions of `scipy.signal` and `scipy.ndimage` on traced arrays: sums of products of shifted elements.

The full convolution of a and b is Σ_k a[n - k] b[k]; a correlation is that with b reversed, and the modes take parts of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from symbackprop.trace.arrays.numpy_own import array_of
from symbackprop.trace.arrays.traced_array import finish, plain
from symbackprop.trace.graph.graph import Graph

Rule = Callable[..., Any]
Objects = np.ndarray[Any, Any]


def _full(a: Objects, b: Objects) -> Objects:
    """Return the full convolution of two arrays of as many axes."""
    result = np.zeros([m + n - 1 for m, n in zip(a.shape, b.shape, strict=True)], dtype=object)
    for index in np.ndindex(b.shape):
        result[tuple(slice(k, k + m) for k, m in zip(index, a.shape, strict=True))] += a * b[index]
    return result


def _centred(full: Objects, shape: tuple[int, ...], *, late: bool = False) -> Objects:
    """Return the middle of an array, of two middles the first or the later one."""
    starts = [(have - want + late) // 2 for have, want in zip(full.shape, shape, strict=True)]
    return full[tuple(slice(start, start + want) for start, want in zip(starts, shape, strict=True))]


def _part(full: Objects, a: Objects, b: Objects, mode: str, *, late: bool = False) -> Objects:
    """Return what a mode takes of a full convolution."""
    if mode == "full":
        return full
    if mode == "same":
        return _centred(full, a.shape, late=late)
    if mode != "valid":
        raise ValueError(f"acceptable mode flags are 'valid', 'same', or 'full', got {mode!r}")
    ordered = {m >= n for m, n in zip(a.shape, b.shape, strict=True) if m != n}
    if len(ordered) > 1:
        raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
    return _centred(full, tuple(abs(m - n) + 1 for m, n in zip(a.shape, b.shape, strict=True)))


def _reversed(array: Objects) -> Objects:
    return array[(slice(None, None, -1),) * array.ndim]


def _convolved(correlating: bool, graph: Graph, in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """`scipy.signal.convolve(in1, in2, mode)`, and `correlate`, for any number of axes."""
    a, b = plain(array_of(graph, in1)), plain(array_of(graph, in2))
    return finish(graph, _part(_full(a, _reversed(b) if correlating else b), a, b, mode))


def _padded(array: Objects, widths: list[tuple[int, int]], mode: str, value: Any) -> Objects:
    """Return an array with margins, of a value or as a mode of `np.pad` says."""
    if mode == "constant":
        return np.pad(array, widths, constant_values=value)
    return np.pad(array, widths, mode=mode)  # type: ignore[call-overload, no-any-return]


_BORDERS = {
    "fill": "constant",
    "pad": "constant",
    "wrap": "wrap",
    "circular": "wrap",
    "symm": "symmetric",
    "symmetric": "symmetric",
}


def _in_the_plane(
    correlating: bool, graph: Graph, in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """`scipy.signal.convolve2d(in1, in2, mode, boundary, fillvalue)`, and `correlate2d`."""
    a, b = plain(array_of(graph, in1)), plain(array_of(graph, in2))
    kernel = _reversed(b) if correlating else b
    if mode == "valid" or (_BORDERS.get(boundary) == "constant" and isinstance(fillvalue, int | float) and fillvalue == 0):
        return finish(graph, _part(_full(a, kernel), a, b, mode, late=correlating))
    if boundary not in _BORDERS:
        raise ValueError("Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm').")
    padded = _padded(a, [(n - 1, n - 1) for n in b.shape], _BORDERS[boundary], fillvalue)
    inner = _centred(_full(padded, kernel), tuple(m + n - 1 for m, n in zip(a.shape, b.shape, strict=True)))
    return finish(graph, _part(inner, a, b, mode, late=correlating))


_EDGES = {"reflect": "symmetric", "grid-mirror": "symmetric", "constant": "constant", "grid-constant": "constant",
          "nearest": "edge", "mirror": "reflect", "wrap": "wrap", "grid-wrap": "wrap"}  # fmt: skip


def _filtered(
    correlating: bool,
    graph: Graph,
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    **options: Any,
) -> Any:
    """`scipy.ndimage.convolve(input, weights, mode=…, cval=…)`, and `correlate`; as large as the input."""
    if output is not None or np.any(origin) or options.get("axes") is not None:
        raise graph.refuse("`scipy.ndimage` with output, origin or axes")
    a, b = plain(array_of(graph, input)), plain(array_of(graph, weights))
    before = [n // 2 if correlating else (n - 1) // 2 for n in b.shape]
    padded = _padded(a, [(m, n - 1 - m) for m, n in zip(before, b.shape, strict=True)], _EDGES[mode], cval)
    return finish(graph, _part(_full(padded, _reversed(b) if correlating else b), padded, b, "valid"))


SIGNAL: dict[str, Rule] = {
    "convolve": partial(_convolved, False),
    "correlate": partial(_convolved, True),
    "fftconvolve": partial(_convolved, False),
    "oaconvolve": partial(_convolved, False),
    "convolve2d": partial(_in_the_plane, False),
    "correlate2d": partial(_in_the_plane, True),
}
"""What is had of `scipy.signal`."""

IMAGES: dict[str, Rule] = {
    "convolve": partial(_filtered, False),
    "correlate": partial(_filtered, True),
    "convolve1d": lambda graph, input, weights, axis=-1, **options: _along(False, graph, input, weights, axis, **options),
    "correlate1d": lambda graph, input, weights, axis=-1, **options: _along(True, graph, input, weights, axis, **options),
}
"""What is had of `scipy.ndimage`."""


def _along(correlating: bool, graph: Graph, input: Any, weights: Any, axis: int, **options: Any) -> Any:
    shape = [1] * np.ndim(input)
    shape[axis] = -1
    return _filtered(correlating, graph, input, array_of(graph, weights).reshape(shape), **options)
