"""Calling generated functions: what they accept, what they refuse and how, and many samples at once."""

from __future__ import annotations

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from typing import Any

import numpy as np
import pytest
from sympy import Sum, exp, log

from symbackprop.derive import derive
from symbackprop.errors import SymbackpropError, UserError
from symbackprop.functions import BY_NAME
from symbackprop.network import Network, maximum, minimum
from symbackprop.numeric import compile_source, evaluate, function, source
from tests.numeric.complex_step import Judge
from tests.numeric.zoo import CASES


def refused(call: Any, **values: Any) -> str:
    with pytest.raises(UserError) as caught:
        call(**values)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", ["two_three_two", "linear_regression"])
def test_missing_and_unknown_names(name: str) -> None:
    case = CASES[name]()
    call, values = function(derive(case.network, case.loss)), case.values()
    some = next(iter(values))
    without = {key: value for key, value in values.items() if key != some}
    assert f"no value for the input {some}" in refused(call, **without)
    misspelt = {f"{key}_" if key == some else key: value for key, value in values.items()}
    assert f"unknown name {some}_" in refused(call, **misspelt)
    assert f"Did you mean {some}?" in refused(call, **misspelt)
    assert "unknown name nonsense" in refused(call, **values, nonsense=1.0)


def test_wrong_shapes() -> None:
    case = CASES["linear_regression"]()
    call, values = function(derive(case.network, case.loss)), case.values()
    text = refused(call, **{**values, "W": values["W"].T})
    assert "W: expected shape (D, K) with D = 3 as in z, got shape (5, 3)" in text
    text = refused(call, **{**values, "b": values["b"][:, None]})
    assert "b: expected shape (K,) with 1 axes, got shape (5, 1) with 2" in text
    assert "b: expected real numbers of shape (K,), got 'text'" in refused(call, **{**values, "b": "text"})
    case = CASES["convolution_1d"]()
    net = Network()
    n, i, u, p = net.indices("n:N i:T-U+1 u:U p:T")
    x, w, t = net.input("x", n, p), net.parameter("w", u), net.target("t", n, i)
    y = net.define("y", n, i, Sum(x[n, i + u] * w[u], u))
    net.define("E", Sum((y[n, i] - t[n, i]) ** 2, n, i))
    call = function(derive(net, "E"))
    text = refused(call, x=np.ones((2, 7)), w=np.ones(3), t=np.ones((2, 6)))
    assert "t: expected shape (N, T - U + 1) with T - U + 1 = 5, got shape (2, 6)" in text


def test_scalars_refuse_arrays_and_texts() -> None:
    case = CASES["two_three_two"]()
    call, values = function(derive(case.network, case.loss)), case.values()
    assert "w1: expected a number, got an array of shape (3,)" in refused(call, **{**values, "w1": np.ones(3)})
    assert "batched=True" in refused(call, **{**values, "w1": [1.0, 2.0]})
    assert "w1: expected a real number, got 'x'" in refused(call, **{**values, "w1": "x"})


def test_numbers_of_every_kind_are_accepted() -> None:
    case = CASES["two_three_two"]()
    call, values = function(derive(case.network, case.loss)), case.values()
    expected = call(**values)
    for kind in (np.float64, np.array, lambda v: np.float64(v).item()):
        loss, gradients = call(**{name: kind(value) for name, value in values.items()})
        assert type(loss) is float
        assert (loss, gradients) == expected
    whole = dict.fromkeys(values, 1)
    assert call(**whole) == call(**dict.fromkeys(values, 1.0))


def test_what_is_written_for_numbers_takes_those_of_numpy() -> None:
    helpers = [(name, row.source.scalar_helper) for name, row in BY_NAME.items() if row.source and row.source.scalar_helper]
    assert len(helpers) > 10
    for name, helper in helpers:
        space: dict[str, Any] = dict(vars(math))
        exec(helper, space)
        call = space[name]
        for value in (-2.0, 0.3):
            given = [value] * len(signature(call).parameters)
            assert call(*map(np.float64, given)) == call(*given), name


@pytest.mark.parametrize("name", ["two_three_two", "linear_regression"])
def test_values_in_the_order_of_the_arguments(name: str) -> None:
    case = CASES[name]()
    call, values = function(derive(case.network, case.loss)), case.values()
    first, *others = call.arguments
    expected, slopes = call(**values)
    for given, named in ((call.arguments, ()), ((first,), others)):
        loss, gradients = call(*(values[n] for n in given), **{n: values[n] for n in named})
        assert loss == expected
        assert all(np.array_equal(gradients[n], slopes[n]) for n in slopes)
    with pytest.raises(UserError, match=f"no value for the .* {others[-1]}"):
        call(*(values[n] for n in call.arguments[:-1]))
    with pytest.raises(UserError, match="at most"):
        call(*(values[n] for n in call.arguments), 1.0)
    with pytest.raises(UserError, match=f"{first} is given twice"):
        call(values[first], **values)


def test_what_was_right_once_is_looked_at_again() -> None:
    case = CASES["linear_regression"]()
    call, values = function(derive(case.network, case.loss)), case.values()
    for _ in range(2):
        call(**values)
        assert "W: expected shape" in refused(call, **{**values, "W": values["W"].T})
        assert "W: expected real numbers" in refused(call, **{**values, "W": "text"})
        assert "unknown name V" in refused(call, **{("V" if key == "W" else key): value for key, value in values.items()})
        whole = {name: np.round(value).astype(int) for name, value in values.items()}
        assert call(**whole)[0] == pytest.approx(call(**{name: value.astype(float) for name, value in whole.items()})[0])


def test_values_that_are_not_needed_are_ignored() -> None:
    net = Network("two losses")
    x, w, t = net.input("x"), net.parameter("w"), net.target("t")
    net.define("E", (w * x) ** 2)
    net.define("F", w * x - t)
    call = function(derive(net, "E"))
    assert call(x=2.0, w=3.0) == call(x=2.0, w=3.0, t=9.0) == (36.0, {"w": 24.0})
    assert "unknown name u" in refused(call, x=2.0, w=3.0, u=1.0)


def test_arithmetic_that_fails_is_said_in_words() -> None:
    net = Network()
    w = net.parameter("w")
    net.define("E", log(w) + exp(w))
    call = function(derive(net, "E", ["w"]))
    assert "cannot be computed here" in refused(call, w=-1.0)
    assert "cannot be computed here" in refused(call, w=1000.0)
    with pytest.raises(UserError, match="cannot be computed"):
        evaluate(net, {"w": 0.0})


def test_results_are_plain_floats_or_arrays_of_the_parameter_shape() -> None:
    case = CASES["linear_regression"]()
    loss, gradients = function(derive(case.network, case.loss))(**case.values())
    assert type(loss) is float
    assert {name: value.shape for name, value in gradients.items()} == {"W": (3, 5), "b": (5,)}


@pytest.mark.slow
def test_inputs_are_not_changed() -> None:
    for name in ("linear_regression", "log_sum_exp", "odd_addresses", "diagonals", "convolution_1d"):
        case = CASES[name]()
        values = case.values()
        before = {key: np.copy(value) for key, value in values.items()}
        function(derive(case.network, case.loss, case.declared))(**values)
        for key, value in before.items():
            np.testing.assert_array_equal(values[key], value, err_msg=f"{name}: {key}")


def test_single_precision_stays_single() -> None:
    case = CASES["softmax_classifier"]()
    values = {name: value.astype(np.float32) for name, value in case.values().items()}
    loss, gradients = function(derive(case.network, case.loss))(**values)
    assert {value.dtype for value in gradients.values()} == {np.dtype(np.float32)}
    exact, _ = function(derive(case.network, case.loss))(**case.values())
    assert loss == pytest.approx(exact, rel=1e-5)


def test_the_function_runs_the_very_source() -> None:
    case = CASES["two_three_two"]()
    derivation = derive(case.network, case.loss)
    call, values = function(derivation), case.values()
    assert call.source == source(derivation)
    assert compile_source(call.source, "loss_and_gradients")(**values) == call(**values)
    assert call.arguments == tuple(case.declared)
    assert call.gradients == derivation.wrt


BATCHED = ["two_three_two", "scalar_cross_entropy", "awkward_scalar_names"]


@pytest.mark.slow
@pytest.mark.parametrize("name", BATCHED)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("samples", [1, 5])
def test_many_samples_at_once_are_the_mean_or_sum_of_single_ones(name: str, reduction: Any, samples: int) -> None:
    case = CASES[name]()
    net = case.network
    derivation = derive(net, case.loss, case.declared)
    call, single = function(derivation, batched=True, reduction=reduction), function(derivation)
    varying = [node.name for node in net.nodes.values() if node.role.value in ("input", "target")]
    values = case.values(seed=1)
    batch = {key: np.random.default_rng(2).normal(size=samples) if key in varying else value for key, value in values.items()}
    loss, gradients = call(**batch)
    each = [single(**{k: float(v[s]) if k in varying else v for k, v in batch.items()}) for s in range(samples)]
    factor = 1 / samples if reduction == "mean" else 1.0
    assert loss == pytest.approx(factor * sum(one for one, _ in each), rel=1e-13)
    for key, gradient in gradients.items():
        singles = np.array([one[key] for _, one in each])
        expected = factor * singles if key in varying else factor * singles.sum()
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-14, err_msg=key)


def test_a_term_that_is_the_same_for_all_samples_is_counted_for_each() -> None:
    net = Network("with weight decay")
    x, t, w = net.input("x"), net.target("t"), net.parameter("w")
    r = net.define("r", w**2)
    y = net.define("y", w * x)
    net.define("E", (y - t) ** 2 + 3 * r)
    derivation = derive(net, "E")
    x_, t_, w_ = np.array([1.0, 2.0, -1.0]), np.array([0.5, 0.0, 2.0]), 0.7
    loss, gradients = function(derivation, batched=True, reduction="sum")(x=x_, t=t_, w=w_)
    assert loss == pytest.approx(((w_ * x_ - t_) ** 2).sum() + 9 * w_**2)
    assert gradients["w"] == pytest.approx((2 * (w_ * x_ - t_) * x_).sum() + 18 * w_)
    loss, gradients = function(derivation, batched=True)(x=x_, t=t_, w=w_)
    assert gradients["w"] == pytest.approx((2 * (w_ * x_ - t_) * x_).mean() + 6 * w_)


def test_a_loss_that_no_sample_touches() -> None:
    net = Network()
    net.input("x")
    w = net.parameter("w")
    net.define("E", w**2)
    with pytest.raises(UserError, match="no input or target"):
        function(derive(net, "E"), batched=True)


def test_samples_of_arrays_get_an_axis_of_their_own() -> None:
    net = Network("one sample, in index notation")
    i, k = net.indices("i:D k:K")
    x, t, W = net.input("x", i), net.target("t", k), net.parameter("W", i, k)
    y = net.define("y", k, Sum(x[i] * W[i, k], i))
    net.define("E", Sum((y[k] - t[k]) ** 2, k))
    derivation = derive(net, "E")
    generator = np.random.default_rng(3)
    X, T, W_ = generator.normal(size=(5, 3)), generator.normal(size=(5, 2)), generator.normal(size=(3, 2))
    loss, gradients = function(derivation, batched=True)(x=X, t=T, W=W_)
    judge = Judge(net)
    losses = [judge.loss("E", {"x": X[s], "t": T[s], "W": W_}).real for s in range(5)]
    each = [judge.gradient("E", {"x": X[s], "t": T[s], "W": W_}, "W") for s in range(5)]
    assert loss == pytest.approx(np.mean(losses), rel=1e-13)
    np.testing.assert_allclose(gradients["W"], np.mean(each, axis=0), rtol=1e-12)
    assert "y = x @ W" in source(derivation, batched=True)


def test_reduction_must_be_known() -> None:
    case = CASES["two_three_two"]()
    with pytest.raises(UserError, match="expected 'mean' or 'sum', got 'max'"):
        source(derive(case.network, case.loss), batched=True, reduction="max")  # type: ignore[arg-type]


def test_evaluate_takes_example_values_and_gives_adjoints() -> None:
    net = Network()
    x, w = net.input("x", value=3.0), net.parameter("w", value=2.0)
    y = net.define("y", w * x)
    net.define("E", y**2)
    assert evaluate(net) == {"x": 3.0, "w": 2.0, "y": 6.0, "E": 36.0}
    found = evaluate(derive(net, "E"), {"w": 1.0})
    assert found["dE_dy"] == 6.0
    assert found["dE_dw"] == 18.0
    assert found["dE_dx"] == 6.0
    assert found["dE_dE"] == 1.0
    with pytest.raises(SymbackpropError, match="unknown name v"):
        evaluate(net, {"v": 1.0})


def test_what_overflows_is_seen_in_the_values_and_nowhere_else() -> None:
    net = Network("steep")
    (n,) = net.indices("n:N")
    x, w = net.input("x", n), net.parameter("w")
    run = function(derive(net, net.define("E", Sum(exp(w * x[n]), n))))
    large = np.array([800.0, 1.0])
    with warnings.catch_warnings(), ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("error")
        found = [run(x=large, w=1.0), *pool.map(lambda w: run(x=large, w=w), (1.0, 2.0, 0.5))]
        assert [loss for loss, _ in found[:3]] == [np.inf] * 3
        assert np.isfinite(found[3][0])
        with pytest.raises(RuntimeWarning):
            np.exp(large)


def test_a_minus_sign_stands_before_no_truth_values() -> None:
    net = Network("clipped")
    (n,) = net.indices("n:N")
    p = net.parameter("p", n)
    clipped = net.define("q", n, minimum(maximum(p[n], 0.25), 1))
    call = function(derive(net, net.define("E", -Sum(log(clipped[n]), n))))
    values = np.array([0.1, 0.5, 0.8, 1.5])
    np.testing.assert_allclose(call(p=values)[1]["p"], [0, -2, -1.25, 0])
