"""Code in the styles in which it is published, with no line for the check: right code holds, wrong code differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.errors import SeveralError
from symbackprop.loading import passes_in
from symbackprop.verify.check import check_passes

pytestmark = pytest.mark.slow

HEAD = "import numpy as np\n"
PIECES: dict[str, tuple[str, str, str]] = {
    "the gradient by what goes into a softmax": (
        """
class Entropy:
    def forward(self, probs, labels):
        return np.sum(-labels * np.log(probs)) / labels.shape[0]
    def backward(self, probs, labels):
        return (probs - labels) / labels.shape[0]
""",
        "(probs - labels) / labels.shape[0]",
        "probs - labels",
    ),
    "the same of labels that pick a probability": (
        """
class NLL:
    def forward(self, guess, targets):
        self.guess, self.targets = guess, targets
        return -np.log(guess[np.arange(len(targets)), targets]).mean()
    def backward(self):
        d = self.guess.copy()
        d[np.arange(len(self.targets)), self.targets] -= 1
        return d / len(self.targets)
""",
        "-= 1",
        "+= 1",
    ),
    "the gradient by what goes into a sigmoid": (
        """
def binary_entropy(a, y):
    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
def binary_entropy_grad(a, y):
    return (a - y) / y.size
""",
        "(a - y) / y.size",
        "(y - a) / y.size",
    ),
    "an accuracy beside the loss": (
        """
class Entropy:
    def __call__(self, scores, t, rated=True):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        self.grad = (p - t) / len(t)
        loss = -np.sum(t * np.log(p)) / len(t)
        if rated:
            return (p.argmax(axis=1) == t.argmax(axis=1)).mean(), loss
        return loss
    def gradient(self):
        return self.grad
""",
        "(p - t) / len(t)",
        "p - t",
    ),
    "data whose gradient is that of each sample's own cost": (
        """
def forward(X, params):
    A1 = np.tanh(params["W1"] @ X + params["b1"])
    return 1 / (1 + np.exp(-(params["W2"] @ A1 + params["b2"]))), {"X": X, "A1": A1, "params": params}
def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def backward(A2, Y, cache):
    X, A1, params = cache["X"], cache["A1"], cache["params"]
    m = Y.shape[1]
    dZ2 = A2 - Y
    dA1 = params["W2"].T @ dZ2
    dZ1 = dA1 * (1 - A1**2)
    return {"dW2": dZ2 @ A1.T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m, "dX": params["W1"].T @ dZ1,
            "dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m}
""",
        "dZ1 @ X.T / m",
        "dZ1 @ X.T",
    ),
    "words as whole numbers, and a state that is handed on": (
        """
words, units = 6, 4
Wx, Wh, Wy = (np.random.randn(units, words), np.random.randn(units, units), np.random.randn(words, units))
b = np.zeros((units, 1))
def loss_and_slopes(inputs, targets, hprev):
    xs, hs, ps, loss = {}, {-1: hprev}, {}, 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((words, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wx @ xs[t] + Wh @ hs[t - 1] + b)
        e = np.exp(Wy @ hs[t])
        ps[t] = e / e.sum()
        loss -= np.log(ps[t][targets[t], 0])
    dWx, dWh, dWy, db, carried = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy), np.zeros_like(b), 0
    for t in reversed(range(len(inputs))):
        d = ps[t].copy()
        d[targets[t]] -= 1
        dWy += d @ hs[t].T
        draw = (Wy.T @ d + carried) * (1 - hs[t] ** 2)
        db += draw
        dWx += draw @ xs[t].T
        dWh += draw @ hs[t - 1].T
        carried = Wh.T @ draw
    return loss, dWx, dWh, dWy, db, hs[len(inputs) - 1]
""",
        "Wh.T @ draw",
        "Wh @ draw",
    ),
    "sizes that are written down": (
        """
class Pictures:
    def __init__(self):
        self.W = np.random.randn(6, 9)
    def forward(self, pictures):
        self.flat = pictures.reshape(len(pictures), 9)
        return self.flat @ self.W.T
    def backward(self, dout):
        self.dW = dout.T @ self.flat
        return (dout @ self.W).reshape(self.flat.shape)
""",
        "dout.T @ self.flat",
        "dout.T @ self.flat**2",
    ),
    "layers that a model is made with": (
        """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, d):
        self.dW = self.x.T @ d
        return d @ self.W.T
class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y
    def backward(self, d):
        return d * (1 - self.y**2)
class Model:
    def __init__(self, layers):
        self.layers = layers
    def forward(self, X):
        for layer in self.layers:
            X = layer.forward(X)
        return X
    def backward(self, d):
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return d
""",
        "d = layer.backward(d)",
        "d = layer.backward(d) / 2",
    ),
    "an activation that a layer is made with": (
        """
def relu(x): return np.maximum(x, 0)
class Logistic:
    def value(self, x): return 1 / (1 + np.exp(-x))
    def slope(self, x): return self.value(x) * (1 - self.value(x))
class Layer:
    def __init__(self, n_in, n_out, act):
        self.W, self.act = np.random.randn(n_in, n_out), act
    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return self.act.value(self.z)
    def backward(self, dout, number_of_the_batch):
        dz = dout * self.act.slope(self.z)
        self.dW = self.x.T @ dz
        return dz @ self.W.T, self.x
""",
        "self.act.slope(self.z)",
        "self.act.slope(self.x @ self.W * 2)",
    ),
    "a data set and a function that are not there": (
        """
from sets_that_are_not_there import make_moons
from helpers_that_are_not_there import sigmoid
X, y = make_moons(20, noise=0.2)
count, rate = len(X), 0.1
def build(units, passes=10, show=False):
    W, v = np.random.randn(2, units), np.random.randn(units, 2)
    for i in range(passes):
        h = sigmoid(X @ W)
        e = np.exp(h @ v)
        p = e / e.sum(axis=1, keepdims=True)
        p[range(count), y] -= 1
        dv, dW = h.T @ p, X.T @ (p @ v.T * h * (1 - h))
        W -= rate * dW
        v -= rate * dv
        if show and i % 5 == 0:
            print(i)
    return W, v
model = build(4, show=True)
""",
        "h * (1 - h)",
        "h * h",
    ),
    "an option that both passes have": (
        """
def forward(X, params, keep=0.5):
    np.random.seed(1)
    H = np.maximum(params["W1"] @ X, 0)
    D = (np.random.rand(*H.shape) < keep) / keep
    A = H * D
    return 1 / (1 + np.exp(-(params["W2"] @ A))), (H, D, A)
def backward(X, params, Y, output, cache, keep):
    H, D, A = cache
    dZ = (output - Y) / Y.shape[1]
    return {"dW2": dZ @ A.T, "dW1": (params["W2"].T @ dZ * D * keep / keep * (H > 0)) @ X.T}
""",
        "D * keep / keep",
        "D * keep",
    ),
    "pictures in a list": (
        """
class Pool:
    def __call__(self, pictures):
        self.shape, self.places, found = pictures[0].shape, [], []
        for picture in pictures:
            rows = picture.reshape(picture.shape[0], -1, 2)
            self.places.append(rows == rows.max(axis=2, keepdims=True))
            found.append(rows.max(axis=2))
        return found
    def backprop(self, slopes):
        return [(self.places[k] * slopes[k][:, :, None]).reshape(self.shape) for k in range(len(slopes))]
""",
        "slopes[k][:, :, None]",
        "(slopes[k] + 1)[:, :, None]",
    ),
    "a row, and of several the first": (
        """
class Softmax:
    def __call__(self, scores):
        self.p = np.exp(scores) / np.exp(scores).sum()
        return self.p
    def backprop(self, up):
        return up @ (np.diag(self.p[0]) - np.outer(self.p[0], self.p[0]))
""",
        "np.outer(self.p[0], self.p[0])",
        "np.outer(self.p[0], self.p[0]) / 2",
    ),
    "a Jacobian of one number": (
        """
def entropy(p, t):
    assert p.shape == t.shape
    return -np.sum(t * np.log(p))
def entropy_gradient(p, t):
    '''The Jacobian, a row, for columns p: (K, 1) and t: (K, 1).'''
    assert p.shape[1] == 1
    return (-t / p).flatten()
""",
        "-t / p",
        "-t / p**2",
    ),
    "functions that a layer is made with": (
        """
class Step:
    def __init__(self, act, dact):
        self.act, self.dact = act, dact
    def forward_propagation(self, data):
        self.data = data
        return self.act(data)
    def backward_propagation(self, error, optimizer, rate):
        return self.dact(self.data) * error
""",
        "self.dact(self.data) * error",
        "self.act(self.data) * error",
    ),
    "weights that an initialiser makes, moved as an optimiser says": (
        """
class Dense:
    def __init__(self, units):
        self.units = units
    def init_weights(self, inputs, optimizer, initializer):
        self.W, self.b = initializer(inputs, self.units), initializer(1, self.units)
        self.of_W, self.of_b = optimizer.made_for(self.W.shape), optimizer.made_for(self.b.shape)
    def feed_forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def back_prop(self, slope, learning_rate):
        back = slope @ self.W.T
        self.W -= learning_rate * self.of_W.moved(self.x.T @ slope)
        self.b -= learning_rate * self.of_b.moved(np.sum(slope, axis=0))
        return back
""",
        "self.x.T @ slope",
        "self.x.T @ slope**2",
    ),
    "a weight with its long name": (
        """
class Linear:
    def __init__(self, dim_in, dim_out):
        self.weight, self.bias = np.random.randn(dim_in, dim_out), np.zeros((1, dim_out))
    def forward(self, x):
        self.x = x
        return x @ self.weight + self.bias
    def backward(self, dz):
        dW = self.x.T @ dz
        db = np.sum(dz, 0, keepdims=True)
        dX = dz @ self.weight.T
        return dW, db, dX
""",
        "np.sum(dz, 0, keepdims=True)",
        "np.mean(dz, 0, keepdims=True)",
    ),
    "weights that a fit makes and moves in its loop": (
        """
class Line:
    def __init__(self, learning_rate=0.01, n_iters=1000):
        self.lr, self.n_iters = learning_rate, n_iters
        self.weights, self.bias = None, None
    def fit(self, X, y):
        X, y = np.asarray(X), np.asarray(y)
        n_samples, n_features = X.shape
        self.weights = np.zeros(n_features)
        scale = 1 / n_samples
        self.bias = 0
        for _ in range(self.n_iters):
            y_hat = X @ self.weights + self.bias
            dw, db = scale * X.T @ (y_hat - y), scale * np.sum(y_hat - y)
            self.weights -= self.lr * dw
            self.bias -= self.lr * db
    def predict(self, X):
        return X @ self.weights + self.bias
""",
        "scale * np.sum(y_hat - y)",
        "np.sum(y_hat - y)",
    ),
    "a layer over a table that flattens pictures": (
        """
class Full:
    def __init__(self, parameters):
        self.Weights = np.random.randn(parameters["batchShape"], parameters["numNeurons"])
    def fwd(self, data):
        self.data = data.reshape(len(data), -1)
        return self.data @ self.Weights
    def back(self, up):
        weightsGradient = self.data.T @ up
        return up @ self.Weights.T, self.data, weightsGradient
""",
        "self.data.T @ up",
        "self.data.T @ up / 2",
    ),
}


def verdicts(folder: Path, code: str) -> set[str]:
    """Return every verdict on a file that is checked as it stands, of several pieces on the last; `missing` for what has none."""
    file = folder / f"written_{len(list(folder.iterdir()))}.py"
    file.write_text(HEAD + code, encoding="utf-8")
    try:
        found = passes_in(str(file), None)
    except SeveralError as error:
        found = passes_in(error.choices[-1], None)
    report = check_passes(found, explain=False, repair=False)
    return {*(verdict.status.value for verdict in report.verdicts.values()), *(["missing"] if report.missing else [])}


@pytest.mark.parametrize("kind", PIECES)
def test_checked_as_it_stands(kind: str, tmp_path: Path) -> None:
    code, right, wrong = PIECES[kind]
    assert right in code
    assert verdicts(tmp_path, code) <= {"proved", "agrees"}
    assert "differs" in verdicts(tmp_path, code.replace(right, wrong))


ONE_SAMPLE = """
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.rand(n_in, n_out), np.random.rand(1, n_out)
    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b
    def backprop(self, up, rate):
        back = up @ self.W.T
        self.W = self.W - rate * self.x.T @ up
        self.b = self.b - rate * up
        return back
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(ONE_SAMPLE, {"proved", "not decided"}, id="nothing says how many samples are meant"),
        pytest.param(ONE_SAMPLE.replace("return x @", "n = len(x)\n        return x @"), {"proved", "missing"}, id="a batch"),
        pytest.param(ONE_SAMPLE.replace("self.x.T @ up", "2 * self.x.T @ up"), {"differs", "proved"}, id="wrong for one sample"),
    ],
)
def test_what_is_right_for_one_sample_is_not_accused_where_nothing_speaks_of_several(
    code: str, said: set[str], tmp_path: Path
) -> None:
    assert said <= verdicts(tmp_path, code)
    assert ("differs" in said) == ("differs" in verdicts(tmp_path, code))


UNFIT = """
def layer_forward(x, W, b):
    return W @ x + b[:3, None], (x, W)
def layer_backward(dout, cache):
    x, W = cache
    return {"dx": W.T @ dout, "dW": dout @ x.T, "db": dout.sum(axis=1, keepdims=True)}
"""


def test_a_gradient_that_does_not_fit_what_was_invented_is_not_left_out(tmp_path: Path) -> None:
    assert verdicts(tmp_path, UNFIT) & {"not decided", "differs", "missing"}
