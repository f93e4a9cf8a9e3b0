"""Sums that are larger than their terms are multiplied out before they are summed; the judge is the same on whole arrays.

The judge has every index as an axis of its own and differentiates by complex steps, so it shares nothing with the generated code.
"""

from __future__ import annotations

import random
import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
from sympy import Expr, Integer, Sum, exp, sqrt

from symbackprop.derive import DerivationRecord, derive
from symbackprop.network import Network
from symbackprop.numeric import compile_source, evaluate, function, source
from symbackprop.numeric.code.source import forward_source

AXES = {"x": "nd", "c": "kd", "m": "d", "s": "n", "a": "k", "r": "nk", "v": "d"}
SUMMANDS = ("x", "c", "m", "s", "a")
WEIGHTS = ("", "r", "v", "s")
Term = tuple[int, str]


def drawn(seed: int) -> tuple[list[Term], int, str, str]:
    """Return signed summands, the power of their sum, its weight, and the indices it is summed over."""
    generator = random.Random(seed)
    terms = [(generator.choice((-2, -1, 1, 3)), name) for name in generator.sample(SUMMANDS, generator.choice((2, 2, 3)))]
    power, weight = generator.choice((1, 2, 2)), generator.choice(WEIGHTS)
    present = sorted({index for name in (*(name for _, name in terms), weight) if name for index in AXES[name]})
    return terms, power, weight, "".join(sorted(generator.sample(present, generator.randint(1, len(present)))))


def network(terms: list[Term], power: int, weight: str, over: str) -> DerivationRecord:
    """z[left] = Σ_over weight·(Σ terms)^power, E = Σ exp(z/100)."""
    net = Network("sums")
    index = dict(zip("nkd", net.indices("n:N k:K d:D"), strict=True))
    own = {name: tuple(index[letter] for letter in axes) for name, axes in AXES.items()}
    entry = {name: net.parameter(name, *indices)[indices] for name, indices in own.items()}
    body: Expr = sum((factor * entry[name] for factor, name in terms), Integer(0)) ** power * entry.get(weight, 1)
    used = {letter for name in (*(name for _, name in terms), weight) for letter in AXES.get(name, "")}
    left = [index[letter] for letter in "nkd" if letter in used - set(over)]
    z = net.define("z", *left, Sum(body, *map(index.__getitem__, over)))
    value = exp((z[*left] if left else z) / 100)
    return derive(net, net.define("E", Sum(value, *left) if left else value))


def whole(values: dict[str, Any], terms: list[Term], power: int, weight: str, over: str) -> Any:
    """Return E with n, k and d as axes 0, 1 and 2 of every array."""

    def wide(name: str) -> Any:
        return values[name][tuple(slice(None) if letter in AXES[name] else None for letter in "nkd")]

    body = sum(factor * wide(name) for factor, name in terms) ** power * (wide(weight) if weight else 1)
    z = body.sum(axis=tuple("nkd".index(letter) for letter in over))
    return np.exp(z / 100).sum()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("sizes", [(2, 3, 4), (1, 1, 1), (1, 5, 2)])
def test_the_value_and_every_slope_are_those_of_whole_arrays(seed: int, sizes: tuple[int, int, int]) -> None:
    case = drawn(seed)
    derivation = network(*case)
    rng = np.random.default_rng(seed)
    extent = dict(zip("nkd", sizes, strict=True))
    values = {name: rng.normal(size=[extent[letter] for letter in axes]) for name, axes in AXES.items()}
    run = function(derivation)
    loss, gradients = run(**values)
    assert loss == pytest.approx(whole(values, *case), rel=1e-12)
    for name, found in gradients.items():
        expected = np.zeros_like(values[name])
        for at in np.ndindex(expected.shape):
            moved = values[name].astype(complex)
            moved[at] += 1e-30j
            expected[at] = whole({**values, name: moved}, *case).imag / 1e-30
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13, err_msg=f"{case} {name}")


def distances() -> DerivationRecord:
    """Distances between two sets of points, E = Σ t √y."""
    net = Network("distances")
    n, k, d = net.indices("n:N k:K d:D")
    x, c, t = net.parameter("x", n, d), net.parameter("c", k, d), net.constant("t", n, k)
    y = net.define("y", n, k, Sum((x[n, d] - c[k, d]) ** 2, d))
    return derive(net, net.define("E", Sum(t[n, k] * sqrt(y[n, k]), n, k)))


def test_no_array_has_an_entry_for_every_pair_and_coordinate() -> None:
    run = function(distances())
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(60, 50)), "c": rng.normal(size=(40, 50)), "t": rng.normal(size=(60, 40))}
    run(**values)
    tracemalloc.start()
    run(**values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * 40 * 50 * 8 / 3


def test_rounding_makes_no_distance_negative() -> None:
    """Multiplied out, the square of a difference of equal numbers need not be 0 in floats; its root has to be a number."""
    rng = np.random.default_rng(1)
    x = 1e3 * rng.normal(size=(40, 7))
    found = evaluate(distances().network, {"x": x, "c": x, "t": np.ones((40, 40))})
    assert (found["y"] >= 0).all()
    assert np.isfinite(found["E"])
    assert found["y"] == pytest.approx(((x[:, None] - x) ** 2).sum(axis=2), rel=1e-14, abs=1e-8)


def test_a_sum_with_a_term_of_all_indices_stays_as_it_is() -> None:
    """The centred square of a batch norm is exact near 0: what is as large as its own term is not multiplied out."""
    net = Network("variance")
    n, d = net.indices("n:N d:D")
    x, m = net.parameter("x", n, d), net.parameter("m", d)
    v = net.define("v", d, Sum((x[n, d] - m[d]) ** 2, n))
    text = source(derive(net, net.define("E", Sum(v[d], d))))
    assert "x_minus_m = x - m" in text
    assert 'v = np.einsum("nd,nd->d", x_minus_m, x_minus_m)' in text


@pytest.mark.parametrize(
    ("operands", "expected"),
    [
        ("ad,gdh->gah", "x @ w"),
        ("ad,ghd->gah", "x @ w.swapaxes(-1, -2)"),
        ("sad,gdh->sgah", "x[:, None] @ w"),
        ("sda,bgdh->sbgah", "x.swapaxes(-1, -2)[:, None, None] @ w"),
        ("gdh,sad->sgah", "w[:, None] @ x"),
        ("asd,gdh->sgah", ""),
        ("sad,hdg->sgah", ""),
        ("gad,gdh->gah", "x @ w"),
        ("sgah,sad->gdh", ""),
        ("gsah,asd->dgh", ""),
    ],
)
def test_products_over_one_index(operands: str, expected: str) -> None:
    """A product of every matrix with every other is one `@`; any other order of axes gives the same numbers."""
    left, right, result = re.split(",|->", operands)
    net = Network("product")
    letters = sorted({*left, *right})
    at = dict(zip(letters, net.indices(" ".join(f"{letter}:{letter.upper()}" for letter in letters)), strict=True))
    axes = {name: tuple(at[letter] for letter in word) for name, word in (("x", left), ("w", right), ("y", result))}
    x, w = net.parameter("x", *axes["x"]), net.parameter("w", *axes["w"])
    summed = [at[letter] for letter in letters if letter not in result]
    net.define("y", *axes["y"], Sum(x[axes["x"]] * w[axes["w"]], *summed))
    text = forward_source(net)
    assert not expected or f"    y = {expected}\n" in text
    for sizes in ((2, 3, 4, 5, 6, 7), (1,) * 6, (1, 3, 1, 2, 1, 2)):
        extents = dict(zip(letters, sizes, strict=False))
        rng = np.random.default_rng(0)
        given = [rng.normal(size=[extents[letter] for letter in word]) for word in (left, right)]
        found = compile_source(text, "forward")(*given)["y"]
        np.testing.assert_allclose(found, np.einsum(operands, *given), rtol=1e-12, atol=1e-13)
