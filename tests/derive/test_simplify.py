"""Textbook forms: the expected results, and every step's two sides equal at random values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest
from flint import arb
from sympy import Expr, Integer, Piecewise, Sum, exp, log, sqrt, symbols, tanh

from symbackprop import layers
from symbackprop.api import derive as captured_derivation
from symbackprop.derive import DerivationRecord, Rewrite, derive
from symbackprop.derive.reasons import worded
from symbackprop.derive.steps.steps import written_steps
from symbackprop.derive.textbook import identities, placing
from symbackprop.derive.textbook.gradient_network import gradient_network
from symbackprop.derive.textbook.identities import cancelled_in_sums
from symbackprop.derive.textbook.simplify import LONGEST, Simplified, simplified, simplified_adjoints
from symbackprop.errors import UserError
from symbackprop.formula.print.text import text
from symbackprop.network import Network, sigmoid
from symbackprop.network.indices import size_symbol
from tests.derive.interpreter import BITS, Machine, Table, relative
from tests.derive.random_networks import SIZES as RANDOM_SIZES
from tests.derive.random_networks import index_network, scalar_network

SIZES = {"N": 3, "D": 2, "K": 5, "T": 3, "H": 2}
ONE_HOT = "each row of t has a single 1"
Build = Callable[[], tuple[Network, Any]]


def batch() -> tuple[Any, ...]:
    """Return a network with scores z and targets t over a batch, its indices, and N."""
    net = Network("softmax and cross-entropy")
    n, k, l, m = net.indices("n:N k:K l:K m:K")  # noqa: E741 - the second class index, as in the formula
    z, t = net.parameter("z", n, k), net.target("t", n, k)
    net.assume(Sum(t[n, k], k), 1, because=ONE_HOT)
    return net, n, k, l, m, net.size("N"), z, t


def in_one() -> tuple[Network, Any]:
    net, n, k, l, _, N, z, t = batch()  # noqa: E741
    p = net.define("p", n, k, exp(z[n, k]) / Sum(exp(z[n, l]), l))
    return net, net.define("L", -Sum(Sum(t[n, k] * log(p[n, k]), k), n) / N)


def in_pieces() -> tuple[Network, Any]:
    net, n, k, _, _, N, z, t = batch()
    e = net.define("e", n, k, exp(z[n, k]))
    s = net.define("s", n, Sum(e[n, k], k))
    p = net.define("p", n, k, e[n, k] / s[n])
    return net, net.define("L", -Sum(t[n, k] * log(p[n, k]), k, n) / N)


def in_many_pieces() -> tuple[Network, Any]:
    net, n, k, _, _, N, z, t = batch()
    e = net.define("e", n, k, exp(z[n, k]))
    s = net.define("s", n, Sum(e[n, k], k))
    p = net.define("p", n, k, e[n, k] / s[n])
    q = net.define("q", n, k, log(p[n, k]))
    c = net.define("c", n, -Sum(t[n, k] * q[n, k], k))
    return net, net.define("L", Sum(c[n], n) / N)


def with_logsumexp_inside() -> tuple[Network, Any]:
    net, n, k, l, _, N, z, t = batch()  # noqa: E741
    net.define("p", n, k, exp(z[n, k]) / Sum(exp(z[n, l]), l))
    return net, net.define("L", -Sum(t[n, k] * (z[n, k] - log(Sum(exp(z[n, l]), l))), k, n) / N)


def with_logsumexp_node() -> tuple[Network, Any]:
    net, n, k, l, _, N, z, t = batch()  # noqa: E741
    lse = net.define("lse", n, log(Sum(exp(z[n, l]), l)))
    q = net.define("q", n, k, z[n, k] - lse[n])
    net.define("p", n, k, exp(q[n, k]))
    return net, net.define("L", -Sum(t[n, k] * q[n, k], k, n) / N)


def with_log_of_pieces() -> tuple[Network, Any]:
    net, n, k, _, _, N, z, t = batch()
    e = net.define("e", n, k, exp(z[n, k]))
    s = net.define("s", n, Sum(e[n, k], k))
    net.define("p", n, k, e[n, k] / s[n])
    q = net.define("q", n, k, z[n, k] - log(s[n]))
    return net, net.define("L", -Sum(t[n, k] * q[n, k], k, n) / N)


def from_layers() -> tuple[Network, Any]:
    net, n, k, _, _, _, z, t = batch()
    return net, layers.cross_entropy(net, "L", layers.softmax(net, "p", z, (n, k)), t, (n, k))


SOFTMAX = (
    in_one,
    in_pieces,
    in_many_pieces,
    with_logsumexp_inside,
    with_logsumexp_node,
    with_log_of_pieces,
    from_layers,
)


def unnamed_softmax() -> tuple[Network, Any]:
    net, n, k, l, _, N, z, t = batch()  # noqa: E741
    return net, net.define("L", -Sum(t[n, k] * (z[n, k] - log(Sum(exp(z[n, l]), l))), k, n) / N)


def layer_norm() -> tuple[Network, Any]:
    net = Network("layer norm")
    n, i, _ = net.indices("n:N i:D j:D")
    x, g, b, t = net.parameter("x", n, i), net.parameter("g", i), net.parameter("b", i), net.target("t", n, i)
    mu = net.define("mu", n, Sum(x[n, i], i) / net.size("D"))
    c = net.define("c", n, i, x[n, i] - mu[n])
    v = net.define("v", n, Sum(c[n, i] ** 2, i) / net.size("D"))
    r = net.define("r", n, 1 / sqrt(v[n] + Integer(1) / 100))
    h = net.define("h", n, i, c[n, i] * r[n])
    y = net.define("y", n, i, g[i] * h[n, i] + b[i])
    return net, net.define("L", Sum((y[n, i] - t[n, i]) ** 2, n, i) / 2)


def attention() -> tuple[Network, Any]:
    net = Network("attention")
    a, _, _, i, h = net.indices("a:T b:T q:T i:D h:H")
    y = layers.attention(net, "y", net.parameter("x", a, i), (a, i), h)
    return net, layers.mean_squared_error(net, "L", y, net.target("t", a, h), (a, h))


def causal_attention() -> tuple[Network, Any]:
    net = Network("causal attention")
    a, _, _, i, h = net.indices("a:T b:T q:T i:D h:H")
    y = layers.attention(net, "y", net.parameter("x", a, i), (a, i), h, causal=True)
    return net, layers.mean_squared_error(net, "L", y, net.target("t", a, h), (a, h))


def mlp() -> tuple[Network, Any]:
    net = Network("layers in a row")
    n, i, j, k, _ = net.indices("n:N i:D j:H k:K l:K")
    t = net.target("t", n, k)
    net.assume(Sum(t[n, k], k), 1, because=ONE_HOT)
    h = layers.dense(net, "h", net.parameter("x", n, i), (n, i), j, activation=tanh)
    b = layers.batch_norm(net, "b", h, (n, j), Integer(1) / 10)
    z = layers.dense(net, "z", b, (n, j), k)
    return net, layers.cross_entropy(net, "L", layers.softmax(net, "p", z, (n, k)), t, (n, k))


NETWORKS: tuple[Build, ...] = (*SOFTMAX, unnamed_softmax, layer_norm, attention, causal_attention, mlp)


# ---- judging --------------------------------------------------------------------------------------------------------------


def judged(derivation: DerivationRecord, sizes: dict[str, int], seed: int = 3) -> tuple[Machine, dict[str, Table]]:
    """Return a machine and the values of all nodes and adjoint symbols; t is made to satisfy Σ_k t[n,k] = 1."""
    machine = Machine(derivation.network, sizes)
    given = machine.random(seed)
    if derivation.network.facts:
        for n in range(sizes["N"]):
            total = sum((value for place, value in given["t"].items() if place[0] == n), arb(0))
            given["t"].update({place: value / total for place, value in given["t"].items() if place[0] == n})
    values: dict[str, Table] = machine.forward(given)
    for name, table in machine.backward(derivation, values).items():
        symbol = derivation.adjoints[name].symbol
        values[str(getattr(symbol, "label", symbol))] = table
    return machine, values


def check_steps(derivation: DerivationRecord, form: Simplified, machine: Machine, values: dict[str, Table]) -> None:
    """Raise AssertionError unless the steps are a chain from the sweep's result to the form, all of one value."""
    chain = [step.before for step in form.steps] + [form.expression]
    assert chain[0] == form.adjoint.expression
    assert [step.after for step in form.steps] == chain[1:]
    indices = form.adjoint.indices
    true = values[str(getattr(form.adjoint.symbol, "label", form.adjoint.symbol))]
    for expression in chain:
        found = machine.table(expression, indices, values)
        for place, value in true.items():
            assert relative(found[place], value) < 1e-30, f"{form.adjoint.node}{place}: {expression}"
    for step in form.steps:
        assert step.because
        assert step.before != step.after


def check_all(derivation: DerivationRecord, sizes: dict[str, int]) -> dict[str, Simplified]:
    """Check the steps of every adjoint, and return the forms."""
    forms = simplified_adjoints(derivation, tuple(derivation.adjoints))
    with flint.ctx.workprec(BITS):
        machine, values = judged(derivation, sizes)
        for form in forms.values():
            check_steps(derivation, form, machine, values)
    return forms


# ---- results --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", SOFTMAX, ids=lambda build: build.__name__)
def test_softmax_with_cross_entropy_is_p_minus_t_over_n(build: Build) -> None:
    net, loss = build()
    z = net.nodes["z"]
    p, t = (net.nodes[name].symbol[z.indices] for name in "pt")
    expression, steps = simplified(derive(net, loss), "z")
    assert expression == (p - t) / net.size("N")
    reasons = [worded(step.because) for step in steps]
    assert any(reason == f"Σ_k t[n,k] = 1: {ONE_HOT}" for reason in reasons)
    assert reasons[-1] == "take out the common factor"


def test_steps_name_what_cancels_and_what_comes_out() -> None:
    _, steps = simplified(derive(*in_one()), "z")
    assert [worded(step.because) for step in steps] == [
        "dL_dp[n,k] = -t[n,k]/(N·p[n,k])",
        "cancel p[n,l], p[n,k]",
        "factors that do not contain the summed index come out of the sum",
        f"Σ_k t[n,k] = 1: {ONE_HOT}",
        "take out the common factor",
    ]


def test_softmax_without_a_name_stays_a_quotient() -> None:
    net, loss = unnamed_softmax()
    expression, _ = simplified(derive(net, loss), "z")
    n, k = net.nodes["z"].indices
    l = net.declared_indices["l"]  # noqa: E741
    z, t = net.nodes["z"].symbol, net.nodes["t"].symbol
    assert expression == (exp(z[n, k]) / Sum(exp(z[n, l]), l) - t[n, k]) / net.size("N")


def test_without_the_fact_the_sum_of_targets_stays() -> None:
    net = Network("no facts")
    n, k, l = net.indices("n:N k:K l:K")  # noqa: E741
    z, t = net.parameter("z", n, k), net.target("t", n, k)
    p = layers.softmax(net, "p", z, (n, k))
    expression, _ = simplified(derive(net, layers.cross_entropy(net, "L", p, t, (n, k), distributions=False)), "z")
    assert expression == (p[n, k] * Sum(t[n, l], l) - t[n, k]) / net.size("N")


def test_layer_norm_keeps_its_intermediates() -> None:
    forms = simplified_adjoints(derive(*layer_norm()), ("x", "g", "b"))
    assert {name: str(form.expression) for name, form in forms.items() if not form.put_in} == {
        "y": "-t[n, i] + y[n, i]",
        "h": "dL_dy[n, i]*g[i]",
        "c": "dL_dh[n, i]*r[n] - c[n, i]*r[n]**3*Sum(c[n, j]*dL_dh[n, j], (j, 0, D - 1))/D",
        "b": "Sum(dL_dy[n, i], (n, 0, N - 1))",
        "g": "Sum(dL_dy[n, i]*h[n, i], (n, 0, N - 1))",
        "x": "dL_dc[n, i] - Sum(dL_dc[n, j], (j, 0, D - 1))/D",
    }


def test_attention_keeps_its_intermediates() -> None:
    forms = simplified_adjoints(derive(*attention()), ("y_WQ",))
    assert {name: str(form.expression) for name, form in forms.items() if not form.put_in} == {
        "y": "2*(-t[a, h] + y[a, h])/T",
        "y_P": "Sum(dL_dy[a, h]*y_V[b, h], (h, 0, H - 1))",
        "y_S": "(dL_dy_P[a, b] - Sum(dL_dy_P[a, q]*y_P[a, q], (q, 0, T - 1)))*y_P[a, b]",
        "y_Q": "Sum(dL_dy_S[a, b]*y_K[b, h], (b, 0, T - 1))/sqrt(H)",
        "y_WQ": "Sum(dL_dy_Q[a, h]*x[a, i], (a, 0, T - 1))",
    }


def test_a_scalar_chain_is_one_product() -> None:
    net = Network()
    x, t = net.input("x"), net.target("t")
    w, b = net.parameters("w b")
    out = net.define("out", sigmoid(net.define("net", w * x + b)))
    loss = net.define("E", (t - out) ** 2 / 2)
    derivation = derive(net, loss)
    forms = simplified_adjoints(derivation)
    delta = forms["net"].adjoint.symbol
    assert [forms[name].expression for name in "wb"] == [delta * x, delta]
    assert forms["net"].expression == -(t - out) * out * (1 - out)


def test_names_the_loss_does_not_depend_on_and_unknown_names() -> None:
    net = Network()
    w, unused = net.parameters("w unused")
    derivation = derive(net, net.define("E", w**2))
    assert simplified(derivation, unused) == (0, ())
    assert simplified(derivation, "E") == (1, ())
    with pytest.raises(UserError, match=r"unknown name v"):
        simplified(derivation, "v")


# ---- every step of everything -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_every_step_keeps_the_value(build: Build) -> None:
    derivation = derive(*build())
    forms = check_all(derivation, SIZES)
    assert any(form.steps for form in forms.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 9))
def test_every_step_keeps_the_value_on_random_networks(seed: int) -> None:
    check_all(derive(*index_network(seed)), RANDOM_SIZES)
    check_all(derive(*scalar_network(seed)), {})


@pytest.mark.slow
@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_forms_are_no_longer_than_what_they_replace_and_in_order(build: Build) -> None:
    derivation = derive(*build())
    forms = simplified_adjoints(derivation)
    kept = {str(form.adjoint.symbol) for form in forms.values() if not form.put_in}
    seen: set[str] = set()
    for form in forms.values():
        if not form.put_in:
            used = {name for name in placing.adjoint_names(form.expression) if name.startswith("dL_d")}
            assert used <= kept & seen, form.adjoint.node
            seen.add(str(form.adjoint.symbol))
            assert placing.size(form.expression) <= LONGEST


@pytest.mark.parametrize("length", [50, pytest.param(1200, marks=pytest.mark.slow)])
def test_a_long_chain_ends_and_stays_in_short_lines(length: int) -> None:
    net = Network()
    x = net.parameter("w")
    for at in range(length):
        x = net.define(f"h{at}", tanh(x))
    forms = simplified_adjoints(derive(net, x))
    assert max(placing.size(form.expression) for form in forms.values()) <= LONGEST


# ---- the judge can fail -----------------------------------------------------------------------------------------------------


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "_factored", lambda total: total.args[0])
    with pytest.raises(AssertionError, match=r"z\(0, 0\)"):
        check_all(derive(*in_one()), SIZES)


def test_a_broken_chain_of_steps_is_found() -> None:
    derivation = derive(*in_one())
    form = simplified_adjoints(derivation)["z"]
    first, *rest = form.steps
    spoilt = Simplified(form.adjoint, form.expression, (Rewrite(first.before, 2 * first.after, "wrong"), *rest))
    with flint.ctx.workprec(BITS):
        machine, values = judged(derivation, SIZES)
        check_steps(derivation, form, machine, values)
        with pytest.raises(AssertionError):
            check_steps(derivation, spoilt, machine, values)


def captured_cross_entropy(X: np.ndarray, W: np.ndarray, y: np.ndarray) -> float:
    z = X @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return float(-np.log(p[np.arange(len(X)), y]).mean())


def test_softmax_of_plain_code_is_p_minus_y() -> None:
    rng = np.random.default_rng(0)
    example = {"X": rng.normal(size=(5, 3)), "W": rng.normal(size=(3, 4)), "y": np.array([0, 1, 2, 3, 1])}
    derivation = captured_derivation(captured_cross_entropy, example=example, wrt=["W"])
    p, y = (derivation.network.nodes[name].entry for name in "py")
    assert simplified(derivation, "z")[0] == (p - y) / size_symbol("N")


def logistic() -> tuple[DerivationRecord, dict[str, Expr]]:
    net = Network("logistic regression")
    x, t, w = net.input("x", value=0.7), net.target("t", value=1.0), net.parameter("w", value=-0.4)
    p = net.define("p", sigmoid(w * x))
    loss = net.define("E", -(t * log(p) + (1 - t) * log(1 - p)))
    return derive(net, loss), {"x": x, "t": t, "p": p}


def test_logistic_regression_has_its_gradient_and_second_derivative_in_textbook_form() -> None:
    derivation, s = logistic()
    assert simplified(derivation, "w")[0].expand() == ((s["p"] - s["t"]) * s["x"]).expand()
    assert text(written_steps(derivation["w"], level="brief")[0].formula) == "∂E/∂w = (p - t)·x"
    assert written_steps(derivation["w"])[-1].kind == "rewrite"
    second = derive(gradient_network(derivation), "dE_dw")["w"].expression
    assert second == s["p"] * (1 - s["p"]) * s["x"] ** 2


def test_cancelling_keeps_the_value_and_leaves_alone_what_does_not_cancel() -> None:
    a, b, c, d = symbols("a b c d", real=True)
    for before, after in [
        ((1 - a / b) * b, b - a),
        (((1 - a) / (1 - b) - a / b) * b * (1 - b), (1 - a) * b - a * (1 - b)),
        ((a / b + c / d) * b * d, a * d + c * b),
        ((a / b**2 + c) * b, a / b + c * b),
        ((a + b) * c, None),
        ((a + 1 / b) * c / b, None),
        ((a**2 + b) * a, None),
    ]:
        found = cancelled_in_sums(before)
        assert (found - before).simplify() == 0
        assert found == (before if after is None else after)


def test_a_mask_that_all_terms_share_is_taken_out_without_dividing_by_it() -> None:
    a, b, x, y = symbols("a b x y", real=True)
    mask = Piecewise((1, a >= b), (0, True))
    found = identities._common(mask * exp(x) * y - 2 * mask * exp(x) * x)
    assert found == mask * exp(x) * (y - 2 * x)
    assert identities._common(mask * y - mask * y * x) == mask * y * (1 - x)
