"""Where the textbook definition overflows or cancels, generated code does not; elsewhere both agree to twelve digits.

Reference values come from mpmath with 60 digits.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from sympy import Sum, exp, log

from symbackprop.derive import derive
from symbackprop.network import Network, elu, gelu, sigmoid, silu, softplus
from symbackprop.network.indices import guarded
from symbackprop.numeric import compile_source, evaluate, function, source
from symbackprop.numeric.code.source import forward_source

mpmath.mp.dps = 60
POINTS = (-1000.0, -745.5, -100.0, -37.5, -20.0, -5.0, -1e-3, 0.0, 1e-9, 0.7, 5.0, 36.9, 100.0, 709.5, 1000.0)
TRUE: dict[str, Any] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
}
WRITTEN = {
    "sigmoid": [sigmoid, lambda x: 1 / (1 + exp(-x)), lambda x: exp(x) / (1 + exp(x))],
    "softplus": [softplus, lambda x: log(1 + exp(x))],
    "silu": [silu, lambda x: x / (1 + exp(-x))],
    "gelu": [gelu],
    "elu": [lambda x: elu(x, 1)],
}
FORMS = [(name, at) for name, forms in WRITTEN.items() for at in range(len(forms))]


@pytest.mark.parametrize(("name", "at"), FORMS)
def test_functions_of_floats(name: str, at: int) -> None:
    net = Network()
    net.define("y", WRITTEN[name][at](net.input("z")))
    run = compile_source(forward_source(net), "forward")
    found = [run(x)["y"] for x in POINTS]
    expected = [float(TRUE[name](mpmath.mpf(x))) for x in POINTS]
    np.testing.assert_allclose(found, expected, rtol=2e-14, atol=1e-300)


@pytest.mark.parametrize(("name", "at"), FORMS)
def test_functions_of_arrays(name: str, at: int) -> None:
    net = Network()
    (n,) = net.indices("n:N")
    z = net.input("z", n)
    net.define("y", n, WRITTEN[name][at](z[n]))
    expected = [float(TRUE[name](mpmath.mpf(x))) for x in POINTS]
    np.testing.assert_allclose(evaluate(net, {"z": np.array(POINTS)})["y"], expected, rtol=2e-14, atol=1e-300)


def classifier(through_p: bool) -> Network:
    """Return a softmax cross-entropy on given scores: through a node P, or as log-softmax written out."""
    net = Network("classifier")
    n, j, k = net.indices("n:N j:K k:K")
    Z, t = net.parameter("Z", n, j), net.target("t", n, j)
    if through_p:
        P = net.define("P", n, j, exp(Z[n, j]) / Sum(exp(Z[n, k]), k))
        net.define("E", -Sum(t[n, j] * log(P[n, j]), n, j))
    else:
        net.define("E", -Sum(t[n, j] * (Z[n, j] - log(Sum(exp(Z[n, k]), k))), n, j))
    return net


def true_cross_entropy(Z: np.ndarray, t: np.ndarray) -> tuple[float, np.ndarray]:
    loss, gradient = mpmath.mpf(0), np.empty(Z.shape)
    for n, row in enumerate(Z):
        e = [mpmath.exp(mpmath.mpf(float(z))) for z in row]
        total = mpmath.fsum(e)
        loss -= mpmath.fsum(float(t[n, k]) * mpmath.log(e[k] / total) for k in range(len(row)))
        weight = float(t[n].sum())
        gradient[n] = [float(e[k] / total * weight - float(t[n, k])) for k in range(len(row))]
    return float(loss), gradient


@pytest.mark.parametrize("through_p", [True, False])
def test_softmax_cross_entropy_at_extreme_scores(through_p: bool) -> None:
    Z = np.array([[1e3, 0.0, -1e3], [-1e3, -1e3 + 1, -1e3 - 2], [5e3, 5e3, -5e3], [0.1, 0.2, 0.3], [-800.0, 0.0, 800.0]])
    t = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])
    loss, gradients = function(derive(classifier(through_p), "E"))(Z=Z, t=t)
    expected_loss, expected = true_cross_entropy(Z, t)
    assert loss == pytest.approx(expected_loss, rel=1e-14)
    np.testing.assert_allclose(gradients["Z"], expected, rtol=1e-13, atol=1e-15)


def test_softmax_alone_at_extreme_scores() -> None:
    net = classifier(through_p=True)
    values = evaluate(net, {"Z": np.array([[1e3, 999.0], [-1e4, 1e4]]), "t": np.zeros((2, 2))})
    np.testing.assert_allclose(values["P"], [[1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))], [0, 1]], rtol=1e-12)


@pytest.mark.parametrize("z", [-900.0, -40.0, -1.0, 0.3, 40.0, 900.0])
@pytest.mark.parametrize("t", [0.0, 1.0, 0.25])
@pytest.mark.parametrize("arrays", [True, False])
def test_binary_cross_entropy_through_a_saturated_sigmoid(z: float, t: float, arrays: bool) -> None:
    """The sigmoid rounds to exactly 0 or 1, its logarithm and the quotient in the chain rule must not."""
    net = Network()
    if arrays:
        (n,) = net.indices("n:N")
        Z, T = net.parameter("z", n), net.target("t", n)
        y = net.define("y", n, sigmoid(Z[n]))
        net.define("E", Sum(-T[n] * log(y[n]) - (1 - T[n]) * log(1 - y[n]), n))
        values: dict[str, Any] = {"z": np.array([z]), "t": np.array([t])}
    else:
        Z, T = net.parameter("z"), net.target("t")
        y = net.define("y", sigmoid(Z))
        net.define("E", -T * log(y) - (1 - T) * log(1 - y))
        values = {"z": z, "t": t}
    loss, gradients = function(derive(net, "E"))(**values)
    big = mpmath.mpf(z)
    expected = t * mpmath.log(1 + mpmath.exp(-big)) + (1 - t) * mpmath.log(1 + mpmath.exp(big))
    assert loss == pytest.approx(float(expected), rel=1e-13)
    assert float(np.sum(gradients["z"])) == pytest.approx(float(1 / (1 + mpmath.exp(-big)) - t), rel=1e-13, abs=1e-16)


def test_scalar_softmax_and_log_sum_exp_do_not_overflow() -> None:
    net = Network()
    a, b, c = net.parameters("a b c")
    net.define("p", exp(a) / (exp(a) + exp(b) + exp(c)))
    net.define("s", log(exp(a) + exp(b) + exp(c)))
    values = evaluate(net, {"a": 1000.0, "b": 999.0, "c": -1000.0})
    assert values["p"] == pytest.approx(1 / (1 + float(mpmath.exp(-1))), rel=1e-14)
    assert values["s"] == pytest.approx(1000 + float(mpmath.log(1 + mpmath.exp(-1))), rel=1e-15)


def test_the_reason_is_in_the_source() -> None:
    net = Network()
    (n,) = net.indices("n:N")
    w = net.parameter("w", n)
    y = net.define("y", n, sigmoid(w[n]))
    net.define("E", Sum(softplus(y[n]), n))
    text = source(derive(net, "E"))
    assert "exp(-x) overflows to infinity" in text
    assert "so that exp never overflows" in text
    net = Network()
    w = net.parameter("w")
    net.define("E", sigmoid(w))
    assert "exp(-x) overflows for x < -709" in source(derive(net, "E"))


def test_a_definition_that_only_looks_like_softmax_is_left_alone() -> None:
    """The sum runs over other scores, or over another axis: not a softmax, and its value must not change."""
    net = Network()
    n, j, k = net.indices("n:N j:K k:K")
    Z, Y = net.parameter("Z", n, j), net.parameter("Y", n, j)
    net.define("P", n, j, exp(Z[n, j]) / Sum(exp(Y[n, k]), k))
    net.define("Q", n, j, exp(2 * Z[n, j]) / Sum(exp(Z[n, k]), k))
    net.define("R", n, exp(Z[n, 0]) / Sum(exp(Z[n, k]), k))
    generator = np.random.default_rng(5)
    z, y = generator.normal(size=(3, 2)), generator.normal(size=(3, 2))
    values = evaluate(net, {"Z": z, "Y": y})
    np.testing.assert_allclose(values["P"], np.exp(z) / np.exp(y).sum(axis=1)[:, None], rtol=1e-14)
    np.testing.assert_allclose(values["Q"], np.exp(2 * z) / np.exp(z).sum(axis=1)[:, None], rtol=1e-14)
    np.testing.assert_allclose(values["R"], np.exp(z[:, 0]) / np.exp(z).sum(axis=1), rtol=1e-14)


@pytest.mark.parametrize("causal", [False, True])
def test_masked_softmax_of_large_scores(causal: bool) -> None:
    """What is left out counts nothing, however large its score; what is left overflows nowhere."""
    net = Network("masked")
    a, b, q = net.indices("a:T b:T q:T")
    S, m = net.parameter("S", a, b), net.constant("m", a, b)

    def seen(place: Any) -> Any:
        return guarded(exp(S[a, place]), (place <= a) if causal else (m[a, place] > 0))

    P = net.define("P", a, b, seen(b) / Sum(seen(q), q))
    run = function(derive(net, net.define("E", Sum(P[a, b] ** 2, a, b))))
    scores = np.array([[900.0, 1e4, -5.0], [-2000.0, -2001.0, 3e4], [1000.0, 999.0, 998.5]])
    mask = np.tril(np.ones((3, 3))) if causal else np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    loss, gradients = run(**{"S": scores, **({} if causal else {"m": mask})})
    expected, slopes = mpmath.mpf(0), np.zeros((3, 3))
    for row in range(3):
        e = [mpmath.exp(mpmath.mpf(z)) if kept else mpmath.mpf(0) for z, kept in zip(scores[row], mask[row], strict=True)]
        p = [value / mpmath.fsum(e) for value in e]
        squares = mpmath.fsum(value**2 for value in p)
        expected += squares
        slopes[row] = [float(2 * value * (value - squares)) for value in p]
    assert loss == pytest.approx(float(expected), rel=1e-13)
    np.testing.assert_allclose(gradients["S"], slopes, rtol=1e-11, atol=1e-15)
