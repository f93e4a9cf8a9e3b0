"""Expressions of one form are written once; whatever is filled in has to be what would be written anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sympy import Expr, Piecewise, Sum, cos, exp, sin, tanh

from symbackprop import Network, derive
from symbackprop.numeric import function, source
from symbackprop.numeric.code.templates import Templates
from tests.numeric.zoo import CASES


def anew(templates: Templates, parts: Sequence[Expr], form: object, write: Callable[[], Any], spellings: Any) -> Any:
    """Write every text anew."""
    return write()


@pytest.mark.parametrize("name", CASES)
def test_what_is_filled_in_is_what_would_be_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]()
    derivation = derive(case.network, case.loss)
    filled = source(derivation)
    monkeypatch.setattr(Templates, "written", anew)
    assert source(derivation) == filled


def alike() -> Network:
    """Lines that look alike and are not: numbers for names, other orders, functions, indices, sizes, guards and shapes."""
    net = Network("alike")
    n, i, j, m = net.indices("n:N i:D j:D m:N")
    a, b, c, k = net.parameters("a b c k")
    x, y, z, v, w = (net.parameter(name, n, i) for name in "xyzvw")
    u, q = net.parameter("u", i, n), net.parameter("q", i)
    entries = [
        *(x[n, i] * y[n, i], y[n, i] * z[n, i], x[n, i] * u[i, n], x[n, i] * q[i], z[n, i] * q[i], x[n, i] * a, x[n, i] * 2),
        *(
            x[n, i] - y[n, i],
            y[n, i] - x[n, i],
            sin(x[n, i]),
            cos(x[n, i]),
            sin(y[n, i]),
            x[n, i] ** 2,
            x[n, i] ** 3,
            z[n, i] ** 3,
        ),
        *(Sum(x[n, j] * y[n, j], j) * q[i], Sum(x[m, i] * y[m, i], m) * q[i], Sum(z[m, i] * v[m, i], m) * q[i]),
        *(Piecewise((x[n, i], i < n), (0, True)), Piecewise((y[n, i], i < n), (0, True)), Piecewise((y[n, i], n < i), (0, True))),
        *(a * b * w[n, i], b * c * w[n, i], a * a * w[n, i], (a + 1) * w[n, i], (a + b) * w[n, i], (k + 1) * w[n, i]),
    ]
    defined = [net.define(f"f{at}", n, i, entry) for at, entry in enumerate(entries)]
    total = sum((at + 1) * tanh(f[n, i]) for at, f in enumerate(defined))
    net.define("E", Sum(total, n, i))
    return net


def test_lines_that_look_alike_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    derivation = derive(alike(), "E")
    filled = source(derivation)
    monkeypatch.setattr(Templates, "written", anew)
    assert source(derivation) == filled


def test_a_name_may_hold_what_a_template_could_take_for_its_own() -> None:
    net = Network("100 % s")
    s, d, percent = net.parameters("s d percent_s")
    z = net.define("z0", s * d)
    z = net.define("z1", z * percent)
    derivation = derive(net, net.define("E", exp(z) * z))
    loss, gradients = function(derivation)(s=0.5, d=0.25, percent_s=2.0)
    slope = 1.25 * 2.718281828459045**0.25
    assert (loss, gradients) == (
        pytest.approx(0.25 * 2.718281828459045**0.25),
        pytest.approx({"s": slope / 2, "d": slope, "percent_s": slope / 8}),
    )


def test_a_form_is_written_once() -> None:
    net = Network("deep")
    w, x = net.parameter("w"), net.input("x")
    y = x
    for at in range(50):
        y = net.define(f"y{at}", tanh(w * y))
    written = []
    kept = Templates.written

    def counted(templates: Templates, parts: Any, form: object, write: Callable[[], Any], spellings: Any) -> Any:
        return kept(templates, parts, form, lambda: written.append(parts) or write(), spellings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Templates, "written", counted)
        assert source(derive(net, net.define("E", y**2))).count("tanh(") == 50
    assert len(written) < 15
