"""The inverse of a matrix and the logarithm of its determinant: every way of saying their gradients agrees, also for one row."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np
import pytest
from sympy import Sum, sin

from symbackprop import check_gradient, derive, layers
from symbackprop.errors import DefinitionError
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.text import text
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.functions.matrices import LogDet, MatrixInverse, array_symbol
from symbackprop.network import Network
from tests.derive.interpreter import BITS
from tests.fuzz.compare import WAYS, point
from tests.fuzz.networks import Drawn


def gaussian(samples: bool) -> tuple[Network, Any]:
    """The negative logarithm of a normal density, with the covariance of each sample or one of all."""
    net = Network("gaussian")
    n, i, j = net.indices("n:N i:D j:D")
    own = (n, i, j) if samples else (i, j)
    A, x = net.parameter("A", *own), net.parameter("x", n, i)
    B, L = layers.inverse(net, "B", A, own), layers.log_det(net, "L", A, own)
    q = net.define("q", n, Sum(x[n, i] * B[own] * x[n, j], i, j))
    volume = L[n] if samples else L
    return net, net.define("E", Sum((q[n] + volume) / 2 + sin(q[n] * volume), n))


@pytest.mark.parametrize("sizes", [{"N": 2, "D": 3}, {"N": 1, "D": 1}], ids=str)
@pytest.mark.parametrize("samples", [True, False])
def test_every_way_agrees(samples: bool, sizes: dict[str, int]) -> None:
    net, loss = gaussian(samples)
    with flint.ctx.workprec(BITS):
        found = point(Drawn(net, loss, sizes), 3)
        for way in WAYS:
            way(found)


def test_a_matrix_form_has_the_transposes() -> None:
    net = Network()
    i, j = net.indices("i:D j:D")
    A = net.parameter("A", i, j)
    net.define("E", layers.log_det(net, "L", A, (i, j)) ** 2)
    assert derive(net, "E")["A"].text(steps="standard").splitlines()[-1] == "∂E/∂A = (2·L)·L_inverseᵀ"
    assert latex(from_sympy(net.nodes["L_inverse"].expression)) == "(A^{-1})_{ij}"
    assert latex(from_sympy(net.nodes["L"].expression)) == r"\ln(\lvert \det(A) \rvert)"


def test_every_name_of_the_statements_has_its_definition_there() -> None:
    net = Network()
    i, j = net.indices("i:D j:D")
    A, x = net.parameter("A", i, j), net.input("x")
    L, s = layers.log_det(net, "L", A, (i, j)), net.define("s", sin(x))
    d = derive(net, net.define("E", L**2 * s))
    written = [text(statement) for statement in d.statements()]
    assert {statement.split("[")[0].split(" =")[0] for statement in written} >= {"L_inverse", "L", "s", "E"}


def _right(A: Any, x: Any) -> dict[str, Any]:
    B = np.linalg.inv(A)
    q, L = np.einsum("ni,ij,nj->n", x, B, x), np.linalg.slogdet(A)[1]
    dq, dL = 0.5 + L * np.cos(q * L), np.sum(0.5 + q * np.cos(q * L))
    y = x @ B.T
    return {"A": dL * B.T - np.einsum("n,nk,nl->kl", dq, x @ B, y), "x": dq[:, None] * (y + x @ B)}


def _transposed(A: Any, x: Any) -> dict[str, Any]:
    return {**_right(A, x), "A": _right(A, x)["A"].T}


def test_a_check_tells_a_transpose() -> None:
    net, loss = gaussian(False)
    rng = np.random.default_rng(1)
    example = {"A": rng.normal(size=(3, 3)) + 3 * np.eye(3), "x": rng.normal(size=(2, 3))}
    derivation = derive(net, loss, ["A", "x"])
    assert check_gradient(derivation, _right, example=example).ok
    assert not check_gradient(derivation, _transposed, example=example, repair=False).ok


@pytest.mark.parametrize(
    ("define", "words"),
    [
        (lambda net, i, j, k: 2 * MatrixInverse(array_symbol("A"), i, j), "define it as a node of its own"),
        (lambda net, i, j, k: MatrixInverse(array_symbol("A"), i, i), "expected an index for each axis"),
        (lambda net, i, j, k: MatrixInverse(array_symbol("A"), i), "expected an index for each axis"),
        (lambda net, i, j, k: MatrixInverse(array_symbol("W"), i, j), "expected the name of an array of square matrices"),
        (lambda net, i, j, k: MatrixInverse(array_symbol("Q"), i, j), "expected the name of an array of square matrices"),
        (lambda net, i, j, k: LogDet(array_symbol("A"), array_symbol("W"), i.upper + 1), "the node that holds its inverse"),
    ],
)
def test_what_is_no_such_function_is_refused(define: Any, words: str) -> None:
    net = Network()
    i, j, k = net.indices("i:D j:D k:K")
    net.parameter("A", i, j)
    net.parameter("W", i, k)
    with pytest.raises(DefinitionError, match=words):
        net.define("y", i, j, define(net, i, j, k))
