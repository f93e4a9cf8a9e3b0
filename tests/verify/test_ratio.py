"""What is said of sizes: only what holds at distinct sizes and nothing else explains, judged by working it out at other sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from sympy import Sum

from symbackprop import Network, check_gradient, derive
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.further_points import distinct_sizes

QUICK: dict[str, Any] = {"explain": False, "repair": False}
Factor = Callable[[int, int, int], float]
FACTORS: dict[str, Factor] = {
    "N": lambda n, d, k: n,
    "1/N": lambda n, d, k: 1 / n,
    "2/N": lambda n, d, k: 2 / n,
    "N/D": lambda n, d, k: n / d,
    "-D*K/N": lambda n, d, k: -d * k / n,
    "√D": lambda n, d, k: math.sqrt(d),
    "3": lambda n, d, k: 3,
    "N/(2*K)": lambda n, d, k: n / (2 * k),
}
NO_RATIO: dict[str, Factor] = {
    "N + 1": lambda n, d, k: n + 1,
    "N - D": lambda n, d, k: n - d + 0.5,
    "max": lambda n, d, k: max(n, d),
    "5 where sizes are equal": lambda n, d, k: 5 if n == d else n,
    "written in": lambda n, d, k: {3: 3.0, 4: 4.0}.get(n, 7.0),
}


def affine() -> DerivationRecord:
    net = Network("affine")
    n, i, j = net.indices("n:N i:D j:K")
    X, t, W = net.input("X", n, i), net.target("t", n, j), net.parameter("W", i, j)
    y = net.define("y", n, j, Sum(X[n, i] * W[i, j], i))
    return derive(net, net.define("E", Sum((y[n, j] - t[n, j]) ** 2, n, j)))


def times(factor: Factor) -> Callable[..., Mapping[str, Any]]:
    """Right code, times a factor of the sizes."""

    def gradient(X: Any, t: Any, W: Any) -> Mapping[str, Any]:
        return {"W": factor(len(X), len(W), W.shape[1]) * 2 * X.T @ (X @ W - t)}

    return gradient


def said(text: str, **sizes: float) -> float:
    """Work out a ratio that is a product and a quotient of sizes."""
    top, _, bottom = text.partition("/")

    def part(product: str) -> float:
        found = 1.0
        for word in product.strip("()").split("*"):
            sign, name = (-1.0, word[1:]) if word.startswith("-") else (1.0, word)
            root, name = name.startswith("√"), name.removeprefix("√")
            base, _, power = name.partition("^")
            value = sizes[base] if base in sizes else float(base)
            found *= sign * (math.sqrt(value) if root else value ** int(power or 1))
        return found

    return part(top) / (part(bottom) if bottom else 1.0)


@pytest.mark.parametrize("mode", ["network", pytest.param("loss", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name", [name if name in ("2/N", "√D") else pytest.param(name, marks=pytest.mark.slow) for name in FACTORS]
)
def test_a_ratio_holds_at_sizes_that_were_not_tried(name: str, mode: str) -> None:
    rng = np.random.default_rng(4)
    example = {"X": rng.normal(size=(3, 2)), "t": rng.normal(size=(3, 4)), "W": rng.normal(size=(2, 4))}
    names = {"N": "N", "D": "D", "K": "K"} if mode == "network" else {"N": "len(X)", "D": "len(W)", "K": "W.shape[1]"}
    against = affine() if mode == "network" else lambda X, t, W: np.sum((X @ W - t) ** 2)
    options = QUICK if mode == "network" else {**QUICK, "example": example}
    ratio = check_gradient(against, times(FACTORS[name]), **options)["W"].ratio
    assert ratio is not None
    for written, own in names.items():
        ratio = ratio.replace(own, written)
    ratio = ratio.replace("t.shape[1]", "K").replace("len(t)", "N").replace("X.shape[1]", "D")
    for n, d, k in itertools.permutations((11, 13, 17)):
        assert said(ratio, N=n, D=d, K=k) == pytest.approx(FACTORS[name](n, d, k))


@pytest.mark.parametrize("name", NO_RATIO)
def test_what_is_no_product_of_sizes_is_not_said(name: str) -> None:
    report = check_gradient(affine(), times(NO_RATIO[name]), **QUICK)
    assert (report["W"].status, report["W"].ratio) == ("differs", None)


def convolution() -> DerivationRecord:
    net = Network("a convolution")
    n, u, v, f, g = net.indices("n:N u:R v:Q f:F g:G")
    s, p = net.indices("s:R-F+1 p:Q-G+1")
    x, w, t = net.input("x", n, u, v), net.parameter("w", f, g), net.target("t", n, s, p)
    y = net.define("y", n, s, p, Sum(x[n, s + f, p + g] * w[f, g], f, g))
    return derive(net, net.define("E", Sum((y[n, s, p] - t[n, s, p]) ** 2, n, s, p)))


def correlation(x: Any, w: Any, t: Any) -> tuple[Any, Any]:
    s, p = t.shape[1:]
    parts = [(f, g, x[:, f : f + s, g : g + p]) for f in range(w.shape[0]) for g in range(w.shape[1])]
    residual = sum(w[f, g] * part for f, g, part in parts) - t
    return residual, np.array(
        [[2 * np.sum(residual * x[:, f : f + s, g : g + p]) for g in range(w.shape[1])] for f in range(w.shape[0])]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("(R - F + 1)/(Q - G + 1)", lambda x, w, t: t.shape[1] / t.shape[2]),
        ("R/F", lambda x, w, t: x.shape[1] / w.shape[0]),
        (None, lambda x, w, t: x.shape[1] - w.shape[0]),
    ],
)
def test_a_derived_extent_is_told_from_sizes(text: str | None, factor: Callable[..., float]) -> None:
    report = check_gradient(convolution(), lambda x, w, t: {"w": factor(x, w, t) * correlation(x, w, t)[1]}, **QUICK)
    assert (report["w"].status, report["w"].ratio) == ("differs", text)


@pytest.mark.parametrize("made", [affine, convolution])
def test_further_points_tell_all_extents_apart(made: Callable[[], DerivationRecord]) -> None:
    points = list(distinct_sizes(DerivationReference(made()), 0))
    shapes = [{n: np.shape(v) for n, v in point.values.items()} for point in points]
    assert len(points) == 3
    for name in shapes[0]:
        for axis in range(len(shapes[0][name])):
            assert len({at[name][axis] for at in shapes}) == 3
    for point in points:
        sizes = [int(item.split("=")[1]) for item in point.label.split(",")]
        assert len(set(sizes)) == len(sizes)
