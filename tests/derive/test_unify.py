"""Unifying indices: what is summed, what is guarded, what stays a delta, and that no index is captured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sympy import Expr, KroneckerDelta, Piecewise, Sum, true

from symbackprop.derive import Contribution, DerivationRecord, derive
from symbackprop.network import Network
from tests.derive.interpreter import check_gradients

SIZES = {"N": 5, "D": 3, "F": 2, "K": 4}
Define = Callable[..., Expr]


class Bench:
    """Inputs over several indices, one definition `Y`, and a loss that weighs its entries."""

    def __init__(self) -> None:
        net = self.net = Network("bench")
        self.n, self.m, self.i, self.j, self.k = net.indices("n:N m:N i:D j:D k:K")
        self.t, self.u = net.indices("t:N-F+1 u:F")
        self.x, self.v, self.w = net.parameter("x", self.n), net.parameter("v", self.u), net.parameter("w", self.i)
        self.A, self.B = net.parameter("A", self.i, self.j), net.parameter("B", self.n, self.i)
        self.pair, long = net.indices("pair:2 long:F+F")
        self.long = net.parameter("y", long)
        self.S = net.parameter("S", self.n, self.m)

    def derivation(self, indices: tuple[Any, ...], expression: Expr) -> DerivationRecord:
        """Derive the loss Σ weight·Y + Y²/2 of the definition."""
        weight = self.net.constant("weight", *indices)
        y = self.net.define("Y", *indices, expression)
        terms = weight[indices] * y[indices] + y[indices] ** 2 / 2
        return derive(self.net, self.net.define("E", Sum(terms, *indices)))


def only(derivation: DerivationRecord, name: str) -> Contribution:
    """Return the single contribution to a name's adjoint."""
    (contribution,) = derivation.adjoints[name].contributions
    return contribution


def test_a_matrix_product_sums_over_the_other_axis() -> None:
    s = Bench()
    d = s.derivation((s.n, s.j), Sum(s.B[s.n, s.i] * s.A[s.i, s.j], s.i))
    assert str(only(d, "A").term) == "Sum(B[n, i]*dE_dY[n, j], (n, 0, N - 1))"
    assert str(only(d, "B").term) == "Sum(A[i, j]*dE_dY[n, j], (j, 0, D - 1))"
    assert only(d, "A").guard == true


def test_no_index_is_captured_when_names_coincide() -> None:
    """∂E/∂A[i,j] of Y[n,i] = Σ_j B[n,j] A[j,i]: the definition's i is the adjoint's j."""
    s = Bench()
    d = s.derivation((s.n, s.i), Sum(s.B[s.n, s.j] * s.A[s.j, s.i], s.j))
    assert str(only(d, "A").term) == "Sum(B[n, i]*dE_dY[n, j], (n, 0, N - 1))"
    check_gradients(d, SIZES, 1)


def test_a_summed_index_is_named_after_a_declared_one_of_its_range() -> None:
    s = Bench()
    d = s.derivation((s.n,), Sum(s.S[s.n, s.m] * s.x[s.m], s.m))
    assert str(only(d, "x").term) == "Sum(S[m, n]*dE_dY[m], (m, 0, N - 1))"


def test_an_affine_index_is_guarded_by_its_range() -> None:
    s = Bench()
    contribution = only(s.derivation((s.t,), Sum(s.x[s.t + s.u] * s.v[s.u], s.u)), "x")
    assert [str(index) for index in contribution.summed] == ["u"]
    assert str(contribution.consumer_indices) == "(n - u,)"
    assert contribution.guard == ((s.n - s.u >= 0) & (s.n - s.u <= s.t.upper))
    assert isinstance(contribution.term.function, Piecewise)


def test_a_repeated_index_leaves_a_delta() -> None:
    s = Bench()
    contribution = only(s.derivation((s.i,), s.A[s.i, s.i] * s.w[s.i]), "A")
    assert contribution.local == KroneckerDelta(s.j, s.i) * s.w[s.i]
    assert contribution.summed == ()


CASES: dict[str, Callable[[Bench], tuple[tuple[Any, ...], Expr]]] = {
    "stride two": lambda s: ((s.u,), Sum(s.long[2 * s.u + s.pair] ** 2, s.pair) * s.v[s.u]),
    "reversed": lambda s: ((s.n,), s.x[s.n.upper - s.n] * s.x[s.n]),
    "fixed place": lambda s: ((s.n,), s.x[0] * s.x[s.n] + s.x[s.n.upper] ** 2),
    "diagonal and whole": lambda s: ((s.i, s.j), s.A[s.i, s.i] * s.A[s.i, s.j] * s.A[s.j, s.i]),
    "trace": lambda s: ((s.k,), Sum(s.A[s.i, s.i] * s.w[s.i], s.i)),
    "broadcast": lambda s: ((s.n, s.i), s.x[s.n] + s.w[s.i]),
    "outer square": lambda s: ((s.n, s.m), s.x[s.n] * s.x[s.m]),
    "same index summed and free": lambda s: ((s.n,), Sum(s.x[s.n], s.n) * s.x[s.n]),
    "prefix sums": lambda s: ((s.n,), Sum(s.x[s.m] * s.x[s.n], (s.m, 0, s.n))),
    "suffix sums": lambda s: ((s.n,), Sum(s.S[s.n, s.m], (s.m, s.n, s.m.upper))),
    "triangle": lambda s: ((s.n, s.m), Piecewise((s.S[s.n, s.m] * s.x[s.m], s.m < s.n), (s.x[s.n], True))),
    "sum in a sum": lambda s: ((s.i,), Sum(s.B[s.n, s.i] * Sum(s.B[s.n, s.j] * s.A[s.i, s.j], s.j), s.n)),
    "three in a row": lambda s: ((s.n, s.j), Sum(s.B[s.n, s.i] * s.A[s.i, s.j] * s.B[s.m, s.i], s.i, s.m)),
    "quadratic form": lambda s: ((s.n,), Sum(s.B[s.n, s.i] * s.A[s.i, s.j] * s.B[s.n, s.j], s.i, s.j)),
    "delta": lambda s: ((s.n, s.m), s.x[s.n] * KroneckerDelta(s.n, s.m) + s.S[s.m, s.n]),
    "windows of windows": lambda s: ((s.t, s.m), Sum(s.x[s.t + s.u] ** 2 * s.S[s.t + s.u, s.m], s.u)),
    "no index at all used": lambda s: ((s.n,), s.x[s.n] * 0 + s.v[0] ** 3),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradients(case: Callable[[Bench], tuple[tuple[Any, ...], Expr]]) -> None:
    s = Bench()
    indices, expression = case(s)
    assert check_gradients(s.derivation(indices, expression), SIZES, 2, tolerance=1e-25)


def test_an_axis_of_one_entry_leaves_no_delta() -> None:
    net = Network("one output")
    n, j, k, i, m = net.indices("n:N j:J k:1 i:J m:2")
    A, W, V = net.input("A", n, j), net.parameter("W", j, k), net.parameter("V", j, m)
    y = net.define("y", n, Sum(A[n, j] * W[j, 0] + A[n, i] * V[i, 0], j, i))
    d = derive(net, net.define("E", Sum(y[n] ** 2, n)))
    assert not only(d, "W").term.has(KroneckerDelta)
    assert only(d, "V").term.has(KroneckerDelta), "the other column has no part in it"
    check_gradients(d, {"N": 4, "J": 3}, 2)


def test_a_sum_inside_takes_no_letter_that_stands_for_something_outside() -> None:
    s = Bench()
    total = Sum(s.B[s.n, s.i] * s.w[s.i], s.i)
    d = s.derivation((s.n,), total**2)
    use = only(d, "w")
    inside = {str(limits[0]) for total in use.local.atoms(Sum) for limits in total.limits}
    assert inside
    assert not inside & {str(index) for index in (*use.summed, s.i)}, use.local
    check_gradients(d, SIZES, 4)
