"""Programs keep to their indices: what is scattered captures none, what does not depend on an axis still has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sympy import Expr, Piecewise, Rational, Sum, exp, log, sin, tanh

from symbackprop.derive import derive
from symbackprop.errors import InternalError
from symbackprop.network import Network
from symbackprop.numeric import function
from symbackprop.numeric.program.program import checked, program_of
from tests.numeric.complex_step import Judge, assert_gradient

Build = Callable[[Network], Expr]
SIZES = {"N": 4, "J": 2, "K": 3, "F": 2, "T": 5}


def bench() -> tuple[Network, dict[str, Any]]:
    net = Network("bench")
    n, j, k, u, t, s = net.indices("n:N j:J k:K u:F t:T-F+1 s:T")
    l, _ = net.indices("l:K m:N")  # noqa: E741
    names = {
        "z": net.parameter("z", k), "c": net.parameter("c"), "x": net.input("x", n), "A": net.parameter("A", k, l),
        "v": net.parameter("v", s), "w": net.parameter("w", u), "b": net.parameter("b", j), "W": net.parameter("W", n, j, k),
    }  # fmt: skip
    return net, {**names, "n": n, "j": j, "k": k, "u": u, "t": t, "s": s, **dict(net.declared_indices)}


CASES: dict[str, Callable[[Network, Any], Expr]] = {
    "a loop's letter inside a sum": lambda net, s: Sum(s.A[s.k, s.k], s.k) ** 2,
    "a window under a sine": lambda net, s: Sum(sin(Sum(s.v[s.t + s.u] * s.w[s.u], s.u)) ** 2, s.t),
    "a window squared": lambda net, s: Sum(Sum(s.v[s.t + s.u] * s.w[s.u], s.u) ** 2, s.t),
    "a diagonal of products": lambda net, s: tanh(Sum(s.A[s.k, s.k] * s.z[s.k], s.k)) * Sum(s.A[s.k, s.k] ** 2, s.k),
    "an extent that nothing depends on": lambda net, s: Sum(
        net.define("y", s.n, s.k, exp(net.define("h", s.n, s.c)[s.n] * s.z[0]))[s.n, s.k] ** 2, s.n, s.k
    ),
    "two such extents": lambda net, s: Sum(
        net.define("y", s.n, s.j, net.define("h", s.n, s.c * s.z[0])[s.n] * net.define("g", s.j, s.c)[s.j])[s.n, s.j] ** 2,
        s.n,
        s.j,
    ),
    "a softmax of equal entries": lambda net, s: Sum(
        exp(net.define("h", s.n, s.c)[s.n]) / Sum(exp(net.nodes["h"].symbol[s.m]), s.m) * s.x[s.n], s.n
    ),
    "a log-sum-exp of equal entries": lambda net, s: log(Sum(exp(net.define("h", s.n, s.c)[s.n]), s.n)),
    "an outer product of three": lambda net, s: Sum(s.x[s.n] * s.b[s.j] * s.z[s.k] * s.W[s.n, s.j, s.k], s.n, s.j, s.k) ** 2,
    "a weight of three axes": lambda net, s: Sum(tanh(Sum(s.W[s.n, s.j, s.k] * s.z[s.k], s.k)) * s.b[s.j], s.n, s.j),
    "a fraction in a condition": lambda net, s: Sum(
        Piecewise((s.W[s.n, s.j, s.k] ** 2 * s.c, s.k < s.n / 2 + Rational(1, 2)), (s.c, True)), s.n, s.j, s.k
    ),
    "a multiple in a condition": lambda net, s: Sum(
        Piecewise((s.A[s.k, s.l] * s.c, 3 * s.k < 2 * s.l), (s.c**2, True)), s.k, s.l
    ),
    "seven hundredths in a condition": lambda net, s: Sum(
        Piecewise((s.v[s.s] ** 2, s.s * Rational(7, 100) >= Rational(7, 25)), (0, True)), s.s
    ),
}  # fmt: skip


class Names:
    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__.update(names)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_complex_step_derivatives(name: str) -> None:
    net, names = bench()
    derivation = derive(net, net.define("E", CASES[name](net, Names(names)) + Sum(names["x"][names["n"]], names["n"])))
    generator = np.random.default_rng(5)
    values = {
        node.name: generator.normal(size=tuple(SIZES[str(extent)] for extent in node.shape))
        for node in net.nodes.values()
        if not node.defined
    }
    judge = Judge(net)
    loss, gradients = function(derivation)(**values)
    assert loss == pytest.approx(judge.loss("E", values).real, rel=1e-12)
    for parameter, gradient in gradients.items():
        assert_gradient(gradient, judge.gradient("E", values, parameter), parameter)


def test_an_index_that_is_not_a_lines_own_is_an_error() -> None:
    net, names = bench()
    n, k = names["n"], names["k"]
    program = program_of(derive(net, net.define("E", Sum(names["x"][n] * names["z"][k], n, k))))
    assert checked(program) is program
    line = program.forward[0]
    broken = program.with_lines([replace(line, terms=(names["z"][k],))], program.backward)
    with pytest.raises(InternalError, match=r"E: index k is not bound in z\[k\]"):
        checked(broken)
