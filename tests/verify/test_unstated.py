"""Models whose loss stands nowhere: it is inferred from the gradients, right code is proved, wrong code differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symbackprop.errors import UserError
from symbackprop.loading import load_definitions
from symbackprop.verify.check import check_passes
from symbackprop.verify.passes.candidates import chosen, compared
from symbackprop.verify.passes.losses import OF_LABELS, OF_NUMBERS, TURNED, LossFactor, factors, laid, possible_targets
from symbackprop.verify.report.report import Report

TWO_LAYERS = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros((1, n_out))
    def forward(self, X):
        self.a1 = np.tanh(X @ self.W1 + self.b1)
        z = self.a1 @ self.W2 + self.b2
        self.a2 = OUTPUT
        return self.a2
    def backward(self, X, y, out, lr=0.1):
        d2 = DELTA
        d1 = d2 @ self.W2.T * (1 - self.a1**2)
        dW2, db2 = self.a1.T @ d2, d2.sum(axis=0, keepdims=True)
        dW1, db1 = X.T @ d1, d1.sum(axis=0, keepdims=True)
        self.W1 -= lr * dW1
        self.b1 -= lr * db1
        self.W2 -= lr * dW2
        self.b2 -= lr * db2
"""
SIGMOID, SOFTMAX = "1 / (1 + np.exp(-z))", "np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"
LABELS = "(out - np.eye(out.shape[1])[y]) / len(X)"
NETS = {
    "squares, mean over samples": (SIGMOID, "(out - y) * out * (1 - out) / len(X)", "1/2·Σ (Net.forward - y)² / number of rows"),
    "squares, twice": ("z", "2 * (out - y)", "Σ (Net.forward - y)²"),
    "mean of squares": ("z", "2 * (out - y) / out.size", "Σ (Net.forward - y)² / number of elements"),
    "binary": (SIGMOID, "out - y", "-Σ (y log Net.forward + (1 - y) log(1 - Net.forward))"),
    "softmax, one-hot rows": (SOFTMAX, "(out - y) / len(X)", "-Σ y log Net.forward / number of rows"),
    "softmax, labels": (SOFTMAX, LABELS, "-Σ log Net.forward[n, y[n]] / number of rows"),
    "logits": ("z", "1 / (1 + np.exp(-out)) - y", "-Σ (y log σ(Net.forward) + (1 - y) log(1 - σ(Net.forward)))"),
}
SLIPS = {
    "slope of the wrong layer": ("(1 - self.a1**2)", "(1 - self.a1)"),
    "samples not summed but averaged": ("d1.sum(axis=0, keepdims=True)", "d1.mean(axis=0, keepdims=True)"),
    "a slope too many": ("X.T @ d1", "X.T @ (d1 * (1 - self.a1**2))"),
}


def report(folder: Path, code: str, name: str) -> Report:
    file = folder / "code.py"
    file.write_text(code, encoding="utf-8")
    return check_passes(compared(chosen(load_definitions(file), "code.py", name), {}), explain=False, repair=False)


def statuses(found: Report) -> dict[str, str]:
    return {name: str(verdict.status) for name, verdict in found.verdicts.items()}


def net(kind: str) -> str:
    output, delta, _ = NETS[kind]
    return TWO_LAYERS.replace("OUTPUT", output).replace("DELTA", delta)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NETS)
def test_the_loss_is_inferred_and_the_code_proved(kind: str, tmp_path: Path) -> None:
    found = report(tmp_path, net(kind), "Net")
    assert statuses(found) == dict.fromkeys(("W1", "b1", "W2", "b2"), "proved")
    assert any(f"the loss is stated nowhere; inferred: {NETS[kind][2]}" in note for note in found.notes)


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("kind", ["mean of squares", "softmax, labels"])
def test_a_slip_differs_and_what_is_right_holds(kind: str, slip: str, tmp_path: Path) -> None:
    right, wrong = SLIPS[slip]
    code = net(kind)
    assert code.count(right) == 1
    found = statuses(report(tmp_path, code.replace(right, wrong), "Net"))
    assert found["W2"] == found["b2"] == "proved"
    assert "differs" in (found["W1"], found["b1"])


STYLES = {
    "gradients of lists, columns": (
        "Network",
        """
class Network:
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]
    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = np.tanh(w @ a + b)
        return a
    def backprop(self, x, y):
        values = [x]
        for b, w in zip(self.biases, self.weights):
            values.append(np.tanh(w @ values[-1] + b))
        nabla_b, nabla_w = [None] * len(self.biases), [None] * len(self.weights)
        delta = (values[-1] - y) * (1 - values[-1] ** 2)
        for k in range(1, self.num_layers):
            nabla_b[-k], nabla_w[-k] = delta, delta @ values[-k - 1].T
            delta = self.weights[-k].T @ delta * (1 - values[-k - 1] ** 2)
        return nabla_b, nabla_w
""",
        "delta @ values[-k - 1].T",
        "2 * delta @ values[-k - 1].T",
    ),
    "data and targets in the object": (
        "Net",
        """
class Net:
    def __init__(self, x, y):
        self.input, self.y = x, y
        self.weights1, self.weights2 = np.random.rand(x.shape[1], 4), np.random.rand(4, y.shape[1])
        self.output = np.zeros(y.shape)
    def feedforward(self):
        self.layer1 = np.tanh(self.input @ self.weights1)
        self.output = np.tanh(self.layer1 @ self.weights2)
    def backprop(self):
        delta = 2 * (self.y - self.output) * (1 - self.output**2)
        d_weights2 = self.layer1.T @ delta
        d_weights1 = self.input.T @ (delta @ self.weights2.T * (1 - self.layer1**2))
        self.weights1 += d_weights1
        self.weights2 += d_weights2
""",
        "(1 - self.layer1**2)",
        "(1 + self.layer1**2)",
    ),
    "functions, labels, columns": (
        "forward_prop",
        """
def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    return Z1, A1, Z2, A2
def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    wanted = np.zeros(A2.shape)
    wanted[Y, np.arange(Y.size)] = 1
    dZ2 = A2 - wanted
    dW2, db2 = dZ2.dot(A1.T) / Y.size, dZ2.sum(axis=1, keepdims=True) / Y.size
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1, db1 = dZ1.dot(X.T) / Y.size, dZ1.sum(axis=1, keepdims=True) / Y.size
    return dW1, db1, dW2, db2
""",
        "(Z1 > 0)",
        "(Z2 > 0).sum()",
    ),
    "one method trains": (
        "Net",
        """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.wih, self.who, self.lr = np.random.randn(n_hidden, n_in), np.random.randn(n_out, n_hidden), 0.3
    def train(self, inputs_list, targets_list):
        inputs, targets = np.array(inputs_list, ndmin=2).T, np.array(targets_list, ndmin=2).T
        hidden = np.tanh(self.wih @ inputs)
        delta = targets - self.who @ hidden
        back = self.who.T @ delta * (1 - hidden**2)
        self.who += self.lr * delta @ hidden.T
        self.wih += self.lr * back @ inputs.T
    def query(self, inputs_list):
        return self.who @ np.tanh(self.wih @ np.array(inputs_list, ndmin=2).T)
""",
        "(1 - hidden**2)",
        "hidden",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_styles(style: str, tmp_path: Path) -> None:
    name, code, right, wrong = STYLES[style]
    assert right in code
    assert set(statuses(report(tmp_path, f"import numpy as np\n{code}", name)).values()) == {"proved"}
    assert "differs" in statuses(report(tmp_path, f"import numpy as np\n{code.replace(right, wrong)}", name)).values()


DECAYS = {
    "of squares": ("0.1 * self.W1", "0.1 * self.W2", "proved", "0.1/2·Σ W1² + 0.1/2·Σ W2²"),
    "over the samples, with signs": ("np.sign(self.W1) / len(X)", "0.3 * self.W2", "proved", "1/X.shape[0]·Σ |W1| + 0.3/2·Σ W2²"),
    "of another power": ("self.W1 ** 3", "0.1 * self.W2", "not decided", "0.1/2·Σ W2²"),
    "that grows": ("-0.1 * self.W1", "0.1 * self.W2", "not decided", "0.1/2·Σ W2²"),
    "of the data": ("0.1 * X.sum(axis=0)[:, None] * self.W1", "0.1 * self.W2", "differs", "0.1/2·Σ W2²"),
}


@pytest.mark.slow
@pytest.mark.parametrize("decay", DECAYS)
def test_a_decay_belongs_to_the_inferred_loss(decay: str, tmp_path: Path) -> None:
    first, second, status, said = DECAYS[decay]
    code = (
        net("softmax, labels")
        .replace("X.T @ d1,", f"X.T @ d1 + {first},")
        .replace("self.a1.T @ d2,", f"self.a1.T @ d2 + {second},")
    )
    found = report(tmp_path, code, "Net")
    assert statuses(found) == {"W1": status, "b1": "proved", "W2": "proved", "b2": "proved"}
    assert any(f"/ number of rows + {said}" in note for note in found.notes)


NEURON = """
import numpy as np

class Neuron:
    def __init__(self, n):
        self.w, self.b = np.random.randn(n), 0.0
    def forward(self, X):
        return OUTPUT
    def gradients(self, X, y):
        error = self.forward(X) - y
        dw, db = np.dot(error, X) / FIRST, np.sum(error) / SECOND
        return dw, db
"""


@pytest.mark.parametrize("output", ["X @ self.w + self.b", "1 / (1 + np.exp(-(X @ self.w + self.b)))"])
@pytest.mark.parametrize(("first", "second"), [("1", "1"), ("len(X)", "len(X)"), ("1", "len(X)"), ("len(X)", "1")])
def test_a_bias_that_is_a_number_and_sums_beside_means(output: str, first: str, second: str, tmp_path: Path) -> None:
    """A sum beside a mean is one of each for a single sample too, where both are the same."""
    code = NEURON.replace("OUTPUT", output).replace("FIRST", first).replace("SECOND", second)
    found = statuses(report(tmp_path, code, "Neuron"))
    assert sorted(found) == ["b", "w"]
    assert sorted(found.values()) == (["proved", "proved"] if first == second else ["differs", "proved"])


STATED = """
import numpy as np

class Perceptron:
    def __init__(self, n):
        self.w, self.b = np.random.randn(n), 0.0
    def forward(self, X):
        return 1 / (1 + np.exp(-(X @ self.w + self.b)))
    def compute_loss(self, y_pred, y_true):
        y_pred = np.clip(y_pred, 1e-15, 1 - 1e-15)
        return np.mean(-(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred)))
    def backward(self, X, y_true, y_pred):
        error = SLOPE * (y_pred - y_true)
        self.dw = np.dot(error, X) / len(X)
        self.db = np.sum(error) / MEAN
"""


@pytest.mark.parametrize(
    ("slope", "mean", "weights", "bias"),
    [("1", "len(X)", "proved", "proved"), ("2", "len(X)", "differs", "differs"), ("1", "1", "proved", "differs")],
)
def test_a_loss_that_the_class_states_is_the_one(slope: str, mean: str, weights: str, bias: str, tmp_path: Path) -> None:
    """As it stands: nothing twice as large is meant."""
    found = report(tmp_path, STATED.replace("SLOPE", slope).replace("MEAN", mean), "Perceptron")
    assert statuses(found) == {"w": weights, "b": bias}
    assert any("taken to be Perceptron.compute_loss(" in note for note in found.notes)


@pytest.mark.parametrize(("times", "expected"), [("2", "proved"), ("1", "differs"), ("0", "differs"), ("3", "differs")])
def test_the_decay_of_a_stated_loss_is_known(times: str, expected: str, tmp_path: Path) -> None:
    """What the loss itself adds is not left undecided; twice λw is the slope of λw²."""
    code = STATED.replace("SLOPE", "1").replace("MEAN", "len(X)")
    code = code.replace("log(1 - y_pred)))", "log(1 - y_pred))) + 0.1 * np.sum(self.w**2)")
    code = code.replace("np.dot(error, X) / len(X)", f"np.dot(error, X) / len(X) + {times} * 0.1 * self.w")
    assert statuses(report(tmp_path, code, "Perceptron")) == {"w": expected, "b": "proved"}


BESIDE = {
    "homework with caches and dictionaries": """
def forward_propagation(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    return A2, {"A1": A1, "A2": A2}
def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def backward_propagation(parameters, cache, X, Y):
    dZ2 = cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - cache["A1"] ** 2)
    m = X.shape[1]
    return {
        "dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m,
        "dW2": dZ2 @ cache["A1"].T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m,
    }
""",
    "homework with a decay": """
def forward_propagation(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X)
    return parameters["W2"] @ A1, (A1,)
def compute_cost(A2, Y):
    return np.sum((A2 - Y) ** 2) / Y.shape[1]
def compute_cost_with_decay(A2, Y, parameters, lambd):
    squares = np.sum(parameters["W1"] ** 2) + np.sum(parameters["W2"] ** 2)
    return compute_cost(A2, Y) + lambd / 2 * squares
def backward_propagation_with_decay(X, Y, A2, cache, parameters, lambd):
    m = X.shape[1]
    (A1,), d = cache, 2 * (A2 - Y) / m
    d1 = parameters["W2"].T @ d * (1 - A1**2)
    return {"dW1": d1 @ X.T + lambd * parameters["W1"], "dW2": d @ A1.T + lambd * parameters["W2"]}
""",
    "functions that return tuples": """
def forward(X, W1, W2):
    h = np.tanh(X @ W1)
    e = np.exp(h @ W2)
    probs = e / e.sum(axis=1, keepdims=True)
    return h, probs
def cross_entropy(probs, y):
    return -np.sum(y * np.log(probs)) / len(y)
def backward(X, y, h, probs, W2):
    m = len(y)
    d2 = (probs - y) / m
    return X.T @ (d2 @ W2.T * (1 - h**2)), h.T @ d2
""",
    "a dictionary of parameters, several losses": """
def forward(params, X):
    h = np.tanh(X @ params["W1"] + params["b1"])
    return h @ params["W2"], h
def mae(y_hat, y):
    return np.abs(y_hat - y).mean()
def mse_loss(y_hat, y):
    return ((y_hat - y) ** 2).sum() / len(y)
def bce_loss(y_hat, y):
    return -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))
def backward(params, X, y, y_hat, h):
    m = len(y)
    d = 2 * (y_hat - y) / m
    d1 = d @ params["W2"].T * (1 - h**2)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d}
""",
    "a class beside its loss": """
class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
    def forward(self, X):
        self.out = X @ self.W
        return self.out
    def backward(self, X, t):
        m = X.shape[0]
        self.dW = X.T @ (self.out - t) / m
def squared_error(y, t):
    return 0.5 * np.sum((y - t) ** 2) / y.shape[0]
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("style", BESIDE)
def test_a_loss_that_stands_beside_the_passes_is_the_one(style: str, tmp_path: Path) -> None:
    """A sum is not the gradient of the mean that is written there, although it is that of a sum."""
    right = f"import numpy as np\n{BESIDE[style]}"
    wrong = right.replace("m = X.shape[1]", "m = 1").replace("m = len(y)", "m = 1").replace("m = X.shape[0]", "m = 1")
    name = next(word for word in ("Net", "forward_propagation", "forward") if word in right)
    found = report(tmp_path, right, name)
    assert {*statuses(found).values()} == {"proved"}
    assert not any("stated nowhere" in note for note in found.notes)
    assert "differs" in statuses(report(tmp_path, wrong, name)).values()


def test_a_mean_over_elements_is_said_to_be_right_for_one_output(tmp_path: Path) -> None:
    code = BESIDE["a dictionary of parameters, several losses"].replace("sum() / len(y)", "mean()")
    notes = report(tmp_path, f"import numpy as np\n{code}", "forward").notes
    assert any(note.startswith("right for one output; with several") for note in notes)


def test_no_other_loss_is_inferred_beside_one_that_is_stated(tmp_path: Path) -> None:
    """The gradients are those of squares; a loss that depends on no parameter proves no zero."""
    code = STATED.replace("SLOPE", "y_pred * (1 - y_pred)").replace("MEAN", "len(X)")
    found = report(tmp_path, code, "Perceptron")
    assert statuses(found) == {"w": "differs", "b": "differs"}
    assert any("taken to be Perceptron.compute_loss(" in note for note in found.notes)
    found = report(tmp_path, code.replace("compute_loss", "accuracy"), "Perceptron")
    assert statuses(found) == {"w": "proved", "b": "proved"}


@pytest.mark.slow
def test_gradients_of_no_loss_accuse_nobody(tmp_path: Path) -> None:
    code = (
        net("binary")
        .replace("self.a1.T @ d2", "self.a1.T @ d2**3")
        .replace("d2.sum(axis=0, keepdims=True)", "abs(d2).sum(0)[None]")
    )
    code = code.replace("X.T @ d1", "X.T @ abs(d1)").replace("d1.sum(axis=0, keepdims=True)", "abs(d1).sum(0)[None]")
    with pytest.raises(UserError, match="no arguments found"):
        report(tmp_path, code, "Net")


def test_factors_are_told_apart_by_the_sizes() -> None:
    values = [factor.value(np.zeros((3, 5))) for factor in factors((3, 5))]
    assert len({round(value, 9) for value in values}) == len(values)
    assert LossFactor(2.0, (0,)).written("Σ p", (3, 5)) == "2·Σ p / number of rows"


def test_targets_fit_the_prediction_they_are_for() -> None:
    rng = np.random.default_rng(1)
    prediction = rng.uniform(0.1, 0.9, (4, 3))
    for target, lies in possible_targets((4, 3), rng):
        losses = OF_LABELS if np.asarray(target).dtype.kind in "iu" else OF_NUMBERS
        wanted = laid(target, prediction, lies)
        assert np.shape(wanted) in ((4, 3), (4,), (3,))
        assert lies != TURNED or np.shape(target) == (3, 4)
        assert losses
