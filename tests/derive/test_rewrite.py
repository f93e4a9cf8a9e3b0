"""Named intermediates: what is recognised, what must not be, and that every rewrite keeps the value."""

from __future__ import annotations

from typing import Any

import flint
import pytest
from sympy import Expr, IndexedBase, Sum, exp, sqrt, tanh

from symbackprop.derive import DerivationRecord, derive
from symbackprop.derive.sweep.rewrite import match
from symbackprop.network import Network, sigmoid
from symbackprop.network.indices import free_indices, parse_indices
from tests.derive.interpreter import BITS, Machine, check_gradients, relative
from tests.derive.random_networks import SIZES, index_network

n, k, l, i = parse_indices("n:N k:K l:K i:D")  # noqa: E741 - the second class index


def local(derivation: DerivationRecord, name: str) -> Expr:
    """Return the local derivative of the single use of a name."""
    (contribution,) = derivation.adjoints[name].contributions
    return contribution.local


def scalar(make: Any) -> tuple[Expr, Any]:
    """Return ∂out/∂w of `out = make(w)` as derived, and `out`."""
    net = Network()
    w = net.parameter("w")
    out = net.define("out", make(w))
    return local(derive(net, net.define("E", out**2)), "w"), out


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (sigmoid, lambda out, w: out * (1 - out)),
        (tanh, lambda out, w: 1 - out**2),
        (exp, lambda out, w: out),
        (sqrt, lambda out, w: 1 / (2 * out)),
        (lambda w: 1 / w, lambda out, w: -(out**2)),
    ],
)
def test_slopes_are_written_with_the_output(make: Any, expected: Any) -> None:
    found, out = scalar(make)
    (w,) = derive_symbols("w")
    assert found == expected(out, w)


def derive_symbols(*names: str) -> tuple[Any, ...]:
    """Return the symbols a network makes for these names."""
    return tuple(Network().parameter(name) for name in names)


def test_a_function_inside_is_not_the_nodes_value() -> None:
    """out = 2 σ(w): the slope must not be out(1 - out)."""
    found, out = scalar(lambda w: 2 * sigmoid(w))
    (w,) = derive_symbols("w")
    assert found == 2 * sigmoid(w) * (1 - sigmoid(w))
    assert not found.has(out)


def softmax_network(divisor: Any) -> tuple[Network, Any]:
    net = Network("softmax")
    n, k, l = net.indices("n:N k:K l:K")  # noqa: E741
    z = net.parameter("z", n, k)
    p = net.define("p", n, k, exp(z[n, k]) / divisor(z, n, k, l))
    return net, net.define("E", Sum(p[n, k] ** 2 * z[n, k], n, k))


def test_a_softmax_is_recognised_in_its_own_derivative() -> None:
    net, loss = softmax_network(lambda z, n, k, m: Sum(exp(z[n, m]), m))
    derivation = derive(net, loss)
    assert not derivation.adjoints["z"].expression.has(exp)
    check_gradients(derivation, {"N": 3, "K": 5}, 1)


@pytest.mark.parametrize(
    "divisor",
    [
        lambda z, n, k, m: Sum(exp(2 * z[n, m]), m),
        lambda z, n, k, m: Sum(exp(z[n, m]), m) ** 2,
        lambda z, n, k, m: Sum(exp(z[n, m]), n, m),
        lambda z, n, k, m: Sum(exp(z[n, m] + z[n, k]), m),
    ],
    ids=["other argument", "squared", "both axes", "own entry inside"],
)
def test_what_looks_like_a_softmax_keeps_its_value(divisor: Any) -> None:
    net, loss = softmax_network(divisor)
    check_gradients(derive(net, loss), {"N": 3, "K": 5}, 1, tolerance=1e-25)


@pytest.mark.parametrize("seed", range(5))
def test_every_rewrite_keeps_the_value(seed: int) -> None:
    """Both sides of each recorded rewrite, at every place of their free indices."""
    net, loss = index_network(seed)
    derivation = derive(net, loss)
    rewrites = [r for a in derivation.adjoints.values() for c in a.contributions for r in c.raw.rewrites]
    with flint.ctx.workprec(BITS):
        machine = Machine(net, SIZES)
        values = machine.forward(machine.random(seed))
        for rewrite in rewrites:
            indices = tuple(sorted(free_indices(rewrite.before), key=str))
            left, right = (machine.table(side, indices, values) for side in (rewrite.before, rewrite.after))
            assert all(relative(left[place], right[place]) < 1e-40 for place in left), rewrite
            assert rewrite.because


Z = IndexedBase("Z")
MATCHES = (
    (Sum(exp(Z[n, k]), k), Sum(exp(Z[n, l]), l), {n}, True),
    (Sum(exp(Z[n, k]), k), Sum(exp(Z[n, k]), k), {n}, True),
    (Sum(exp(Z[n, k]), k), Sum(exp(Z[n, l]), n), {n}, False),
    (Sum(Z[n, k] * Z[n, l], l), Sum(Z[n, l] * Z[n, k], k), {n, k}, True),
    (Z[n, k] + 1, Z[n, l] + 1, {n, k}, True),
    (Z[n, k] + 1, Z[n, l] + 2, {n, k}, False),
    (Z[n, k] * Z[n, l], Z[n, k] ** 2, {n, k, l}, False),
    (Z[n, k], Z[n, i], {n, k}, False),
)


@pytest.mark.parametrize(("pattern", "expression", "wild", "holds"), MATCHES)
def test_match_up_to_names_of_indices(pattern: Expr, expression: Expr, wild: set[Any], holds: bool) -> None:
    assert bool(list(match(pattern, expression, frozenset(wild), {}))) is holds
