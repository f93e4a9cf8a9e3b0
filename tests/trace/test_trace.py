"""Tracing unmodified functions: what is an input, what is recorded, what is refused, and that nothing outside changes."""

from __future__ import annotations

import math
import sys
import types
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import sympy

from symbackprop.errors import UserError
from symbackprop.trace.graph.evaluate import dependencies, evaluate
from symbackprop.trace.graph.graph import CannotTrace, Graph, InputName
from symbackprop.trace.run.trace import CodeFails, Trace, trace

RATE = 0.1
WEIGHTS = {"w": np.array([0.5, -0.25])}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def slope(x):
    return sigmoid(x) * (1 - sigmoid(x))


def numeric(run: Trace, path: str = "") -> Any:
    return run.results[path].values(run.graph)


# ---- results


def test_results_are_found_under_dotted_paths() -> None:
    class Gradients(NamedTuple):
        w: Any
        b: Any

    @dataclass
    class Pair:
        first: Any
        second: Any

    def as_dict(x):
        return {"dx": 2 * x, "inner": {"y": [x, 3 * x]}}

    def as_named(x):
        return Gradients(x, 2.0)

    def as_dataclass(x):
        return Pair(x * x, 1)

    x = np.array([1.5, -2.0])
    assert list(trace(as_dict, {"x": x}).results) == ["dx", "inner.y.0", "inner.y.1"]
    assert list(trace(as_named, {"x": x}).results) == ["w", "b"]
    assert list(trace(as_dataclass, {"x": x}).results) == ["first", "second"]
    assert list(trace(lambda x: SimpleNamespace(d=x, e=2 * x), {"x": x}).results) == ["d", "e"]
    assert list(trace(lambda x: (x, x + 1), {"x": x}).results) == ["0", "1"]
    assert trace(lambda x: x.sum(), {"x": x}).results[""].shape == ()


def test_expression_of_a_result() -> None:
    run = trace(lambda w, x: {"dw": 2 * w * x + 0.1}, {"w": np.array([0.5, 1.5]), "x": 3.0})
    w, x = sympy.Symbol("w[1]", real=True), sympy.Symbol("x", real=True)
    assert sympy.expand(run.expression("dw", 1) - (2 * w * x + sympy.Rational(1, 10))) == 0


def test_unknown_result_is_reported_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'dW'.*'dw'"):
        trace(lambda w: {"dw": w}, {"w": 1.0}).expression("dW")


def test_plain_results_are_constants() -> None:
    run = trace(lambda x: {"zero": np.zeros(2), "count": 3, "none": None, "x": x}, {"x": 1.5})
    assert set(run.results) == {"zero", "count", "x"}
    assert dependencies(run.graph, run.results["zero"].nodes) == []


# ---- inputs


def test_floats_are_inputs_and_whole_numbers_are_not() -> None:
    def pick(table, k, scale):
        return table[k] * scale

    run = trace(pick, {"table": [1.5, 2.5], "k": 1, "scale": np.float64(2.0)})
    assert dependencies(run.graph, run.results[""].nodes) == [InputName("table.1"), InputName("scale")]


def test_whole_numbers_become_inputs_on_request_and_floats_constants() -> None:
    def product(x, y):
        return (x * y).sum()

    run = trace(product, {"x": np.array([2, 3]), "y": np.array([0.5, 0.25])}, symbolic=["x"], varied=["x"])
    assert dependencies(run.graph, run.results[""].nodes) == [InputName("x", (0,)), InputName("x", (1,))]


def test_namespace_and_nested_arguments_are_bound_by_their_dotted_paths() -> None:
    def f(net):
        net.out = net.params["w"][1] * net.scale
        return net.out

    net = SimpleNamespace(params={"w": [np.array([1.0, 2.0]), np.array([3.0, 4.0])]}, scale=0.5)
    run = trace(f, {"net": net})
    assert [str(name) for name in dependencies(run.graph, run.results[""].nodes)] == [
        "net.params.w.1[0]",
        "net.params.w.1[1]",
        "net.scale",
    ]
    assert run.mutated["net.out"] == run.results[""]
    assert not hasattr(net, "out")


def test_global_of_the_module_can_be_bound() -> None:
    def use():
        return WEIGHTS["w"] * RATE

    run = trace(use, {"WEIGHTS": {"w": np.array([3.0, 4.0])}})
    assert dependencies(run.graph, run.results[""].nodes) == [InputName("WEIGHTS.w", (0,)), InputName("WEIGHTS.w", (1,))]
    np.testing.assert_allclose(numeric(run), [0.3, 0.4])
    np.testing.assert_array_equal(WEIGHTS["w"], [0.5, -0.25])


def test_renamed_inputs_meet_in_one_graph() -> None:
    graph = Graph()
    first = trace(lambda W: W**2, {"W": np.array([1.5, 2.5])}, graph=graph, rename={"W": "weights"})
    second = trace(lambda v: v * v.copy() ** 1, {"v": np.array([1.5, 2.5])}, graph=graph, rename={"v": "weights"})
    assert len(graph.inputs) == 2
    assert dependencies(graph, first.results[""].nodes) == dependencies(graph, second.results[""].nodes)


def test_one_input_with_two_values_is_an_error() -> None:
    graph = Graph()
    trace(lambda w: w * 2, {"w": 1.5}, graph=graph)
    with pytest.raises(UserError, match="two values"):
        trace(lambda w: w * 2, {"w": 2.5}, graph=graph)


def test_unknown_argument_names_the_parameters() -> None:
    with pytest.raises(UserError, match=r"'wieghts'.*parameters: weights.*Did you mean weights"):
        trace(lambda weights: weights, {"wieghts": 1.0})


def test_keyword_only_positional_only_and_rest_parameters() -> None:
    def every(a, /, b, *rest, c, **more):
        return a + 2 * b + sum(rest) + 3 * c + more["d"]

    run = trace(every, {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0})
    assert float(numeric(run)) == 18.0
    run = trace(every, {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "rest": (0.5, 0.25)})
    assert float(numeric(run)) == 18.75


# ---- methods, classes, scripts


class TwoTwoOne:
    """A network with its weights as attributes, trained sample by sample."""

    def __init__(self):
        self.w1, self.w2, self.b = 0.3, -0.4, 0.1
        self.history = []

    def sigmoid(self, x):
        return 1 / (1 + np.exp(-x))

    @staticmethod
    def loss(t, y):
        return ((t - y) ** 2).mean()

    def step(self, x, t):
        sum_h = self.w1 * x[0] + self.w2 * x[1] + self.b
        h = self.sigmoid(sum_h)
        d_l_d_h = -2 * (t - h)
        d_h = h * (1 - h)
        self.w1 -= RATE * d_l_d_h * d_h * x[0]
        self.w2 -= RATE * d_l_d_h * d_h * x[1]
        self.b -= RATE * d_l_d_h * d_h
        self.history.append(self.loss(np.array([t]), np.array([h])))
        print("loss: %.3f" % self.history[-1])  # noqa: UP031 - how such code is written


def test_update_step_of_a_method_gives_the_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    network = TwoTwoOne()
    run = trace(network.step, {"x": np.array([2.0, -3.0]), "t": 1.0})
    assert {"self.w1", "self.w2", "self.b"} <= set(run.mutated)
    assert "self.history.0" in run.mutated
    assert "x" not in run.mutated
    # gradient = (old - new) / rate, against central differences of the loss.
    for name in ("w1", "w2", "b"):
        old, new = run.arguments[f"self.{name}"], run.mutated[f"self.{name}"]
        gradient = float((old.values(run.graph) - new.values(run.graph)) / RATE)

        def loss(shift: float, name: str = name) -> float:
            moved = {"w1": 0.3, "w2": -0.4, "b": 0.1}
            moved[name] += shift
            return (1 - 1 / (1 + math.exp(-(moved["w1"] * 2 - moved["w2"] * 3 + moved["b"])))) ** 2

        assert gradient == pytest.approx((loss(1e-5) - loss(-1e-5)) / 2e-5, rel=1e-7)
    assert network.w1 == 0.3
    assert network.history == []
    assert capsys.readouterr().out == ""


class Dense:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, grad):
        self.dw = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.w.T


class Model:
    def __init__(self):
        random = np.random.default_rng(1)
        self.layers = [Dense(random.normal(size=(3, 4)), np.zeros(4)), Dense(random.normal(size=(4, 2)), np.zeros(2))]
        self.lr = 0.5

    def run(self, x, t):
        for layer in self.layers:
            x = np.tanh(layer.forward(x))
        grad = (x - t) * (1 - x**2)
        for k, layer in enumerate(reversed(self.layers)):
            grad = layer.backward(grad)
            if k == 0:
                grad = grad * (1 - np.tanh(self.layers[0].forward(self.layers[0].x)) ** 2)
        for layer in self.layers:
            layer.w -= self.lr * layer.dw


def test_layers_with_caches_and_attributes_made_on_the_way() -> None:
    model = Model()
    before = model.layers[0].w.copy()
    x, t = np.random.default_rng(2).normal(size=(2, 3)), np.array([[0.5, -0.5], [0.1, 0.9]])
    run = trace(model.run, {"x": x, "t": t})
    assert run.mutated["self.layers.0.dw"].shape == (3, 4)
    np.testing.assert_array_equal(model.layers[0].w, before)
    assert not hasattr(model.layers[0], "x")

    def loss(w: Any) -> float:
        h = np.tanh(x @ w)
        return float(0.5 * ((np.tanh(h @ model.layers[1].w) - t) ** 2).sum())

    got = run.mutated["self.layers.0.dw"].values(run.graph)
    for index in ((0, 0), (2, 3)):
        shift = np.zeros((3, 4))
        shift[index] = 1e-5
        assert got[index] == pytest.approx((loss(before + shift) - loss(before - shift)) / 2e-5, rel=1e-6)


def test_arguments_that_the_function_changes_are_copied() -> None:
    def update(w, g):
        w -= RATE * g
        g[0] = 0

    w, g = np.array([1.0, 2.0]), np.array([0.5, 0.25])
    run = trace(update, {"w": w, "g": g})
    np.testing.assert_array_equal(w, [1.0, 2.0])
    np.testing.assert_array_equal(g, [0.5, 0.25])
    np.testing.assert_allclose(run.mutated["w"].values(run.graph), [0.95, 1.975])
    assert set(run.mutated) == {"w", "g"}


def test_function_of_another_module_of_the_user(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user_layers.py").write_text(
        "from math import exp\ncount = 0\ndef act(x):\n    global count\n    count += 1\n    return 1 / (1 + exp(-x))\n"
    )
    (tmp_path / "user_net.py").write_text(
        "import user_layers as nn\nfrom user_layers import act\ndef out(x):\n    return nn.act(x) + act(x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import user_layers
    import user_net

    run = trace(user_net.out, {"x": 0.4})
    assert float(numeric(run)) == pytest.approx(2 * sigmoid(0.4), rel=1e-15)
    assert dependencies(run.graph, run.results[""].nodes) == [InputName("x")]
    assert user_layers.count == 0
    assert user_layers.exp is math.exp
    for name in ("user_layers", "user_net"):
        monkeypatch.delitem(sys.modules, name)


def test_function_compiled_from_text() -> None:
    module = types.ModuleType("generated")
    module.np = np  # type: ignore[attr-defined]
    exec(compile("def f(x):\n    return np.tanh(x) ** 2\n", "<generated>", "exec"), module.__dict__)
    assert float(numeric(trace(module.f, {"x": 0.3}))) == pytest.approx(math.tanh(0.3) ** 2)


# ---- numbers of the code


def test_floats_in_code_are_the_numbers_their_author_meant() -> None:
    def f(x):
        return 0.1 * x + (1 / 3) * x**2 + 2**0.5 * x**3

    x = sympy.Symbol("x", real=True)
    expected = x / 10 + x**2 / 3 + sympy.sqrt(2) * x**3
    assert sympy.expand(trace(f, {"x": 1.5}).expression() - expected) == 0


def test_single_precision_is_noted_and_confirmed_at_its_own_precision() -> None:
    def f(w, x):
        return (np.asarray(w, dtype=np.float32) * x).sum()

    random = np.random.default_rng(0)
    run = trace(f, {"w": random.normal(size=5), "x": random.normal(size=5)})
    assert "float32" in run.casts
    single = trace(lambda w: np.exp(w).sum(), {"w": random.normal(size=5).astype(np.float32)})
    assert "float32" in single.casts
    assert single.checked.points == 1
    assert not trace(lambda w: np.exp(w).sum(), {"w": random.normal(size=5)}).casts


# ---- conditions, kinks


def test_comparisons_are_recorded_with_their_line_and_outcome() -> None:
    def relu(x):
        return np.where(x > 0, x, 0.0)

    run = trace(relu, {"x": np.array([1.0, -2.0])})
    assert [c.outcome for c in run.conditions] == [True, False]
    assert {c.place.line for c in run.conditions if c.place} == {relu.__code__.co_firstlineno + 1}
    assert run.boundary == ()


def test_tie_is_on_the_boundary() -> None:
    run = trace(lambda x: np.maximum(x, 0), {"x": np.array([0.0, 1.0])})
    assert len(run.boundary) == 1
    np.testing.assert_array_equal(numeric(run), [0.0, 1.0])


def test_equality_keeps_its_input_where_it_is() -> None:
    def cross_entropy(t, p):
        return -np.log(p[t == 1]).sum()

    run = trace(cross_entropy, {"t": np.array([0.0, 1.0]), "p": np.array([0.3, 0.7])})
    assert run.checked.points == 1
    assert run.checked.radius >= 0.1


# ---- locals


def test_locals_are_recorded_by_name_and_line() -> None:
    def forward(x, w):
        z = x @ w
        a = np.tanh(z)
        grads = {}
        grads["w"] = np.outer(x, 1 - a**2)
        grads["w"] *= 2
        return grads

    first = forward.__code__.co_firstlineno
    run = trace(forward, {"x": np.array([1.0, 2.0]), "w": np.ones((2, 3))})
    rows = [(item.name, item.place.line - first) for item in run.locals]
    assert rows == [("z", 1), ("a", 2), ("grads.w", 4), ("grads.w", 5)]
    np.testing.assert_allclose(run.locals[3].value.values(run.graph), 2 * run.locals[2].value.values(run.graph))


def test_locals_of_callees_loops_and_element_assignments() -> None:
    def helper(v):
        square = v * v
        return square  # noqa: RET504 - a local to be recorded

    def total(x):
        out = np.zeros(2)
        for k in range(2):
            out[k] = helper(x[k])
        return out

    run = trace(total, {"x": np.array([2.0, 3.0])})
    names = [(item.function, item.name) for item in run.locals]
    assert names.count(("helper", "square")) == 2
    assert [item.value.values(run.graph).tolist() for item in run.locals if item.name == "out"] == [[0, 0], [4, 0], [4, 9]]


def test_nodes_know_the_line_that_made_them() -> None:
    def f(x):
        y = helper(x)
        return y + 1

    def helper(x):
        return x * x

    run = trace(f, {"x": 1.5})
    (total,) = run.results[""].nodes
    (square,) = (n for n in run.graph.arguments[total] if run.graph.operations[n] == "mul")
    assert str(run.graph.places[total]) == f"line {f.__code__.co_firstlineno + 2}"
    assert str(run.graph.places[square]) == f"line {helper.__code__.co_firstlineno + 1}"


def test_an_earlier_trace_hook_is_put_back() -> None:
    def hook(frame, event, argument):
        return None

    before = sys.gettrace()
    sys.settrace(hook)
    try:
        trace(lambda x: x * 2, {"x": 1.0})
        assert sys.gettrace() is hook
    finally:
        sys.settrace(before)


# ---- refusals: never a wrong result


def test_index_by_a_traced_value_is_refused_with_its_line() -> None:
    def f(x, table):
        return table[int(x)]

    line = f.__code__.co_firstlineno + 1
    with pytest.raises(CannotTrace, match=rf"cannot trace `int\(…\)` .* at line {line}"):
        trace(f, {"x": 1.0, "table": [1.0, 2.0]})


def test_store_into_an_array_of_floats_is_refused() -> None:
    table = np.arange(3)

    def f(x):
        out = table / 2
        out[0] = x
        return out

    with pytest.raises(CannotTrace, match="float array"):
        trace(f, {"x": 1.0})


def test_a_trace_that_lost_a_dependency_is_rejected() -> None:
    """A value smuggled out through text is a dependency nothing can follow: the second point finds it."""

    def smuggle(x):
        return float(f"{x:.17g}") * 2

    with pytest.raises(CannotTrace, match="second point"):
        trace(smuggle, {"x": 1.5})


def test_a_function_with_a_memory_outside_is_rejected(tmp_path: Any) -> None:
    counter = tmp_path / "count"
    counter.write_text("1")

    def unstable(x):
        number = int(counter.read_text()) + 1
        counter.write_text(str(number))
        return x * number

    with pytest.raises(CannotTrace, match="second point"):
        trace(unstable, {"x": 1.5})


def test_library_code_that_needs_floats_is_refused() -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")

    def f(a):
        return scipy_linalg.expm(a)

    with pytest.raises(CannotTrace):
        trace(f, {"a": np.array([[1.0, 2.0], [3.0, 4.5]])})


def test_not_a_python_function_is_refused() -> None:
    with pytest.raises(CannotTrace, match="not a Python function"):
        trace(len, {"x": 1.0})


def test_the_codes_own_exception_is_reported_as_such() -> None:
    def broken(x):
        y = x * 2
        return y + None

    with pytest.raises(CodeFails, match=rf"broken fails at line {broken.__code__.co_firstlineno + 2}: TypeError"):
        trace(broken, {"x": 1.5})


def test_nothing_global_changes() -> None:
    state = np.random.get_state()[1].tolist()
    functions = (np.exp, np.zeros, math.exp)
    trace(lambda x: x * np.random.rand(), {"x": 1.0})
    assert np.random.get_state()[1].tolist() == state
    assert (np.exp, np.zeros, math.exp) == functions
    assert slope.__globals__["np"] is np


# ---- size


def mnist_step(X, y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = 1 / (1 + np.exp(-z1))
    z2 = a1 @ W2 + b2
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    d1 = p @ W2.T * a1 * (1 - a1)
    return {"W1": X.T @ d1, "b1": d1.sum(0), "W2": a1.T @ p, "b2": p.sum(0)}


@pytest.mark.slow
def test_network_of_23860_parameters_traces_whole() -> None:
    random = np.random.default_rng(0)
    arguments = {
        "X": random.uniform(size=(1, 784)),
        "y": np.array([3]),
        "W1": random.normal(size=(784, 30)) / 28,
        "b1": random.normal(size=30),
        "W2": random.normal(size=(30, 10)) / 5,
        "b2": random.normal(size=10),
    }
    run = trace(mnist_step, arguments)
    for name, value in mnist_step(**arguments).items():
        np.testing.assert_allclose(numeric(run, name), value, rtol=1e-9)
    assert sum(len(value.nodes) for value in run.results.values()) == 23_860


@pytest.mark.slow
def test_long_chain_needs_no_recursion() -> None:
    def chain(x):
        for _ in range(5000):
            x = x * 1.0001 + 1e-7
        return x

    run = trace(chain, {"x": 0.5})
    (node,) = run.results[""].nodes
    assert evaluate(run.graph, [node], {InputName("x"): 0.25})[0] == pytest.approx(chain(0.25), rel=1e-12)
