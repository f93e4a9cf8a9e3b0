"""The convolutions of scipy on traced arrays give what scipy gives: every mode and border, even and odd kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.trace.arrays.signal import IMAGES, SIGNAL
from symbackprop.trace.arrays.traced_array import plain
from symbackprop.trace.graph.graph import Graph

signal = pytest.importorskip("scipy.signal")
ndimage = pytest.importorskip("scipy.ndimage")

SHAPES = list(product([(5, 6), (4, 3), (2, 2)], [(2, 3), (3, 2), (1, 1), (4, 4), (2, 2), (3, 3)]))
MODES = ("full", "same", "valid")
BORDERS = ({"boundary": "fill"}, {"boundary": "fill", "fillvalue": 1.5}, {"boundary": "wrap"}, {"boundary": "symm"})


def calls() -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """Yield a module of scipy, the name of a function of two planes, and its options."""
    for mode in MODES:
        yield from ((signal, name, {"mode": mode}) for name in ("convolve", "correlate"))
        yield from ((signal, name, {"mode": mode, **b}) for name in ("convolve2d", "correlate2d") for b in BORDERS)
    for mode in ("reflect", "constant", "nearest", "mirror", "wrap"):
        yield from ((ndimage, name, {"mode": mode, "cval": 0.7}) for name in ("convolve", "correlate"))


def outcome(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what a function gives, or that it refuses."""
    try:
        return function(*arguments, **options)
    except ValueError:
        return None


def traced(name: str, rules: Any, *arguments: Any, **options: Any) -> Any:
    found = outcome(rules[name], Graph(), *arguments, **options)
    return None if found is None else np.vectorize(lambda number: number.value, otypes=[float])(plain(found))


@pytest.mark.parametrize(("module", "name", "options"), list(calls()))
def test_planes_come_out_as_they_do_in_scipy(module: Any, name: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    compared = 0
    for left, right in SHAPES:
        a, b = rng.normal(size=left), rng.normal(size=right)
        wanted = outcome(getattr(module, name), a, b, **options)
        found = traced(name, SIGNAL if module is signal else IMAGES, a, b, **options)
        assert (found is None) == (wanted is None)
        if wanted is not None:
            compared += 1
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    assert compared > 6


def test_lines_and_blocks_come_out_as_they_do_in_scipy() -> None:
    rng = np.random.default_rng(1)
    for mode, name in product(MODES, ("convolve", "correlate")):
        for shapes in (((5,), (2,)), ((3,), (6,)), ((4,), (1,)), ((3, 4, 2), (2, 2, 2))):
            a, b = (rng.normal(size=shape) for shape in shapes)
            np.testing.assert_allclose(traced(name, SIGNAL, a, b, mode=mode), getattr(signal, name)(a, b, mode=mode), atol=1e-12)
    for name, axis in product(("convolve1d", "correlate1d"), (0, 1, -1)):
        a, b = rng.normal(size=(5, 4)), rng.normal(size=3)
        np.testing.assert_allclose(traced(name, IMAGES, a, b, axis=axis), getattr(ndimage, name)(a, b, axis=axis), atol=1e-12)


def _loss(x, w, t):
    return np.sum((signal.correlate2d(x, w, "valid") - t) ** 2) / 2


def _right(x, w, t):
    d = signal.correlate2d(x, w, "valid") - t
    return {"x": signal.convolve2d(d, w, "full"), "w": signal.correlate2d(x, d, "valid")}


def _kernel_not_turned(x, w, t):
    d = signal.correlate2d(x, w, "valid") - t
    return {"x": signal.correlate2d(d, w, "full"), "w": signal.correlate2d(x, d, "valid")}


def _kernel_turned(x, w, t):
    d = signal.correlate2d(x, w, "valid") - t
    return {"x": signal.convolve2d(d, w, "full"), "w": signal.convolve2d(x, d, "valid")}


@pytest.mark.parametrize(("hand", "wrong"), [(_right, set()), (_kernel_not_turned, {"x"}), (_kernel_turned, {"w"})])
def test_gradients_of_a_convolution_are_judged(hand: Callable[..., Any], wrong: set[str]) -> None:
    rng = np.random.default_rng(2)
    example = {"x": rng.normal(size=(4, 5)), "w": rng.normal(size=(2, 3)), "t": rng.normal(size=(3, 3))}
    report = check_gradient(_loss, hand, example=example, explain=False, repair=False)
    assert {name for name, found in report.verdicts.items() if str(found.status) != "proved"} == wrong
