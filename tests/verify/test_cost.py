"""What a check costs is bounded by counts: a deep chain, right and wrong, comes to an end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import tanh

from symbackprop import Network, check_gradient, derive
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.trace.run.nested import walk


def chain(count: int) -> DerivationRecord:
    net = Network("a chain")
    x, w = net.input("x"), net.parameter("w")
    y = net.define("y0", w * x)
    for k in range(1, count):
        y = net.define(f"y{k}", tanh(w * y) if k % 2 else y + x)
    return derive(net, net.define("E", y**2 / 2))


def by_hand(count: int, slope: float) -> Any:
    def gradient(x: Any, w: Any) -> dict[str, Any]:
        ys = [w * x]
        for k in range(1, count):
            ys.append(np.tanh(w * ys[-1]) if k % 2 else ys[-1] + x)
        g, dw = ys[-1], 0.0
        for k in range(count - 1, 0, -1):
            if k % 2:
                g = g * (slope - ys[k] ** 2)
                dw = dw + g * ys[k - 1]
                g = g * w
        return {"w": dw + g * x}

    return gradient


@pytest.mark.slow
@pytest.mark.parametrize(("slope", "ok"), [(1.0, True), (2.0, False)])
def test_a_deep_chain_is_checked(slope: float, ok: bool) -> None:
    report = check_gradient(chain(600), by_hand(600, slope), repair=False)
    assert report.ok is ok


def test_a_long_list_is_passed_over_without_being_listed() -> None:
    class Long(list[float]):
        def __iter__(self) -> Any:
            raise AssertionError("was listed")

    assert list(walk({"long": Long([1.0] * 100), "short": [1.0]}, most=64)) == [("short.0", 1.0)]
