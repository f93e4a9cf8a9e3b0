"""Files of code as people write them, with no line for the check: passes and arguments are found, right and wrong told."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symbackprop.cli import cli
from symbackprop.errors import UserError
from symbackprop.guest.rewriting import as_python3
from symbackprop.loading import load_definitions
from symbackprop.verify.check import check_passes
from symbackprop.verify.passes.candidates import candidates, chosen, compared

HEAD = "import numpy as np\n"
FILES: dict[str, tuple[str, str, str]] = {
    "forward and backward with a cache": (
        """
def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    dx, dw, db = dout @ w.T, x.T @ dout, dout.sum(axis=0)
    return dx, dw, db
""",
        "x.T @ dout",
        "2 * x.T @ dout",
    ),
    "shapes in the docstring": (
        '''
def temporal_forward(x, w, b):
    """
    - x: Input data of shape (N, T, D)
    - w: Weights of shape (D, M)
    - b: Biases of shape (M,)
    """
    N, T, D = x.shape
    return (x.reshape(N * T, D) @ w).reshape(N, T, -1) + b, (x, w)
def temporal_backward(dout, cache):
    x, w = cache
    N, T, D = x.shape
    d = dout.reshape(N * T, -1)
    return (d @ w.T).reshape(x.shape), x.reshape(N * T, D).T @ d, dout.sum(axis=(0, 1))
''',
        "dout.sum(axis=(0, 1))",
        "dout.mean(axis=(0, 1))",
    ),
    "a class that is given sizes": (
        """
class Dense:
    def __init__(self, n_in, n_out, learning_rate=0.1):
        self.weights, self.bias, self.lr = np.random.randn(n_in, n_out), np.zeros((1, n_out)), learning_rate
    def forward_pass(self, X):
        self.inputs = X
        return X.dot(self.weights) + self.bias
    def backward_pass(self, grad):
        passed_on = grad.dot(self.weights.T)
        self.weights -= self.lr * self.inputs.T.dot(grad)
        self.bias -= self.lr * grad.sum(axis=0, keepdims=True)
        return passed_on
""",
        "self.inputs.T.dot(grad)",
        "self.inputs.T.dot(grad) / len(grad)",
    ),
    "a class that is given arrays": (
        """
class Affine:
    def __init__(self, W, b):
        self.params, self.grads = [W, b], [np.zeros_like(W), np.zeros_like(b)]
    def forward(self, x):
        self.x = x
        return np.dot(x, self.params[0]) + self.params[1]
    def backward(self, dout):
        self.grads[0][...] = np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, self.params[0].T)
""",
        "np.sum(dout, axis=0)",
        "np.mean(dout, axis=0)",
    ),
    "gradients under their names and in a list": (
        """
class Linear:
    def __init__(self, in_features, out_features):
        self.w, self.b = np.random.randn(in_features, out_features), np.zeros(out_features)
        self.grad_w, self.grad_b = np.zeros_like(self.w), np.zeros_like(self.b)
        self.params, self.grads = [self.w, self.b], [self.grad_w, self.grad_b]
    def forward(self, x):
        self._x = x
        return x @ self.w + self.b
    def backward(self, dout):
        self.grad_w[...] = self._x.T @ dout
        self.grad_b[...] = dout.sum(axis=0)
        return dout @ self.w.T
""",
        "dout.sum(axis=0)",
        "dout.mean(axis=0)",
    ),
    "columns are samples": (
        """
def linear_forward(A, W, b):
    return np.dot(W, A) + b, (A, W, b)
def linear_backward(dZ, cache):
    A_prev, W, b = cache
    dA_prev = np.dot(W.T, dZ)
    dW = np.dot(dZ, A_prev.T)
    db = np.sum(dZ, axis=1, keepdims=True)
    return dA_prev, dW, db
""",
        "np.dot(dZ, A_prev.T)",
        "np.dot(dZ, A_prev.T) / A_prev.shape[1]",
    ),
    "options and a seed in a dictionary": (
        """
def dropout_forward(x, dropout_param):
    p, mode = dropout_param["p"], dropout_param["mode"]
    if "seed" in dropout_param:
        np.random.seed(dropout_param["seed"])
    mask = (np.random.rand(*x.shape) < p) / p
    return x * mask if mode == "train" else x, (dropout_param, mask)
def dropout_backward(dout, cache):
    dropout_param, mask = cache
    return dout * mask if dropout_param["mode"] == "train" else dout
""",
        "return dout * mask if",
        "return dout * (mask > 0) if",
    ),
    "loss and gradients from one function": (
        """
def softmax_loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(p[np.arange(len(y)), y]))
    dx = p.copy()
    dx[np.arange(len(y)), y] -= 1
    dx /= len(y)
    return loss, dx
""",
        "dx /= len(y)",
        "dx /= 1",
    ),
    "a model whose layers share its parameters": (
        """
class Layer:
    def __init__(self, W):
        self.W, self.dW = W, None
    def forward(self, x):
        self.x = x
        return np.tanh(x @ self.W)
    def backward(self, d):
        d = d * (1 - np.tanh(self.x @ self.W) ** 2)
        self.dW = self.x.T @ d
        return d @ self.W.T
class Net:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {"W1": np.random.randn(input_size, hidden_size), "W2": np.random.randn(hidden_size, output_size)}
        self.layers = [Layer(self.params["W1"]), Layer(self.params["W2"])]
    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def loss(self, x, t):
        return 0.5 * np.sum((self.predict(x) - t) ** 2)
    def gradient(self, x, t):
        self.loss(x, t)
        d = self.predict(x) - t
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return {"W1": self.layers[0].dW, "W2": self.layers[1].dW}
""",
        "d * (1 - np.tanh(self.x @ self.W) ** 2)",
        "d * (1 - np.tanh(self.x @ self.W))",
    ),
    "f and f' of the value": (
        "\ndef sigmoid(z): return 1 / (1 + np.exp(-z))\ndef sigmoid_prime(s): return s * (1 - s)\n",
        "s * (1",
        "s * (2",
    ),
    "passes of German names": (
        """
class Schicht:
    def __init__(self, ein, aus):
        self.gewichte, self.versatz = np.random.randn(ein, aus), np.zeros(aus)
    def vorwaerts(self, eingabe):
        self.eingabe = eingabe
        return eingabe @ self.gewichte + self.versatz
    def rueckwaerts(self, d_aus):
        self.d_gewichte, self.d_versatz = self.eingabe.T @ d_aus, d_aus.sum(axis=0)
        return d_aus @ self.gewichte.T
""",
        "self.eingabe.T @ d_aus",
        "-self.eingabe.T @ d_aus",
    ),
    "a loss and its gradient of Spanish names": (
        """
class Perdida:
    def perdida(self, W, x, y):
        return ((x @ W - y) ** 2).sum(axis=1).mean()
    def gradiente(self, W, x, y):
        dW = 2 * x.T @ (x @ W - y) / len(x)
        return dW
""",
        "2 * x.T",
        "x.T",
    ),
    "a loss with products that are gradients beside it": (
        """
def fit(Wa, Wb, x, t):
    h = np.tanh(x @ Wa)
    r = h @ Wb - t
    dz = (r @ Wb.T) * (1 - h ** 2)
    return 0.5 * np.sum(r ** 2), x.T @ dz, h.T @ r
""",
        "(1 - h ** 2)",
        "(1 - h)",
    ),
    "gradients that are put together, of passes in French": (
        """
def couche_avant(xs, W):
    return np.array([np.tanh(x @ W) for x in xs]), xs
def couche_arriere(dhs, cache, W):
    dxs, dW = [], np.zeros_like(W)
    for x, dh in zip(cache, dhs):
        da = dh * (1 - np.tanh(x @ W) ** 2)
        dW += x.T @ da
        dxs.append(da @ W.T)
    return np.array(dxs), dW
""",
        "x.T @ da",
        "x.T @ dh",
    ),
}
FILES["one step and all steps"] = (
    """
def rnn_step_forward(x, prev_h, Wh):
    new = np.tanh(x + prev_h @ Wh)
    return new, (prev_h, Wh, new)
def rnn_step_backward(dnew, cache):
    h, W, new = cache
    da = dnew * (1 - new**2)
    return da, da @ W.T, h.T @ da
def rnn_forward(x, h0, Wh):
    N, T, H = x.shape
    H, H = Wh.shape
    h, caches, prev = np.zeros((N, T, H)), [], h0
    for t in range(T):
        prev, cache = rnn_step_forward(x[:, t], prev, Wh)
        h[:, t] = prev
        caches.append(cache)
    return h, caches
def rnn_backward(dh, caches):
    N, T, H = dh.shape
    dx, dprev, dW = np.zeros((N, T, H)), np.zeros((N, H)), np.zeros((H, H))
    for t in reversed(range(T)):
        dx[:, t], dprev, dWt = rnn_step_backward(dh[:, t] + dprev, caches[t])
        dW += dWt
    return dx, dprev, dW
""",
    "dh[:, t] + dprev",
    "dh[:, t]",
)
FILES["a column alone"] = (
    """
class Softmax:
    def forward(self, v):
        e = np.exp(v)
        self.p = e / np.sum(e)
        return self.p
    def backward(self, up):
        return (np.identity(np.size(self.p)) - self.p.T) * self.p @ up
""",
    "self.p.T",
    "self.p",
)
FILES["a row alone"] = (
    """
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.rand(n_in, n_out), np.random.rand(1, n_out)
    def forward(self, rows):
        self.rows = rows
        return rows @ self.W + self.b
    def backward(self, up, rate):
        back = up @ self.W.T
        self.W -= rate * self.rows.T @ up
        self.b -= rate * up
        return back
""",
    "self.rows.T @ up",
    "2 * self.rows.T @ up",
)
FILES["a guard near one"] = (
    """
class Entropy:
    def loss(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return -y * np.log(p) - (1 - y) * np.log(1 - p)
    def gradient(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return -y / p + (1 - y) / (1 - p)
""",
    "(1 - y) / (1 - p)",
    "(1 - y) / (2 - p)",
)
FILES["only Python 2 knows it"] = (
    """
def scale_forward(x, w):
    out = np.zeros_like(x)
    for k in xrange(len(x)):
        out[k] = x[k] * w
    return out, (x, w)
def scale_backward(dout, cache):
    x, w = cache
    return dout * w, np.sum(dout * x)
""",
    "dout * w",
    "dout + w",
)


FILES |= {
    "a number of dimensions in the name": (
        """
def pool2d_forward(x):
    return x.reshape(len(x), -1, 2).max(axis=2), x
def pool2d_backward(dout, cache):
    parts = cache.reshape(len(cache), -1, 2)
    return ((parts == parts.max(axis=2, keepdims=True)) * dout[:, :, None]).reshape(cache.shape)
""",
        "dout[:, :, None]",
        "(dout + 1)[:, :, None]",
    ),
    "probabilities as an argument": (
        """
class CrossEntropy:
    def forward(self, probs, y_true):
        self.probs, self.y_true = probs, y_true
        return -np.sum(y_true * np.log(probs)) / len(y_true)
    def backward(self):
        return -self.y_true / self.probs / len(self.y_true)
""",
        "-self.y_true / self.probs",
        "self.y_true / self.probs",
    ),
    "rows of rows": (
        """
class Scale:
    def __init__(self, dim):
        self.gamma = np.ones(dim)
    def forward(self, x):
        self.x = x
        return self.gamma * np.tanh(x)
    def backward(self, dy):
        grad_gamma = (dy * np.tanh(self.x)).sum(axis=(0, 1))
        return dy * self.gamma * (1 - np.tanh(self.x) ** 2), grad_gamma
""",
        "(1 - np.tanh(self.x) ** 2)",
        "(1 - np.tanh(self.x))",
    ),
    "hidden units in a list": (
        """
class Net:
    def __init__(self, dim_in, hidden_units):
        dims = [dim_in] + hidden_units
        self.W = np.random.randn(*dims)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
""",
        "self.x.T @ dout",
        "self.x.T @ dout / 2",
    ),
}


def verdicts(folder: Path, code: str, name: str = "") -> dict[str, str]:
    file = folder / "code.py"
    file.write_text(HEAD + code, encoding="utf-8")
    module = load_definitions(file)
    every = candidates(module)
    wanted = name or every[-1].name
    report = check_passes(compared(chosen(module, "code.py", wanted), {}), explain=False, repair=False)
    return {**{key: str(verdict.status) for key, verdict in report.verdicts.items()}, **dict.fromkeys(report.missing, "missing")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_found_and_judged(kind: str, tmp_path: Path) -> None:
    code, right, wrong = FILES[kind]
    assert right in code
    assert set(verdicts(tmp_path, code).values()) <= {"proved", "agrees", "guarded"}
    assert "differs" in verdicts(tmp_path, code.replace(right, wrong)).values()


POORER = {
    "one sample": (
        "class Softmax:\n    def forward(self, x):\n        e = np.exp(x - x.max(axis=-1, keepdims=True))\n"
        "        self.s = e / e.sum(axis=-1, keepdims=True)\n        return self.s\n"
        "    def backward(self, dout):\n        return self.s * (dout - (dout * self.s).sum(axis=-1, keepdims=True))\n",
        "(dout * self.s).sum(axis=-1, keepdims=True)",
        "(dout * self.s).sum(axis=0, keepdims=True)",
    ),
    "targets of 1": (
        "class Binary:\n    def forward(self, p, t):\n        self.p, self.t = p, t\n"
        "        return -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p))\n"
        "    def backward(self):\n        return -(self.t / self.p - (1 - self.t) / (1 - self.p))\n",
        "(1 - self.t) / (1 - self.p)",
        "(1 - self.t) / self.p",
    ),
}


@pytest.mark.parametrize("kind", POORER)
def test_arguments_of_fewer_axes_are_no_excuse(kind: str, tmp_path: Path) -> None:
    code, right, wrong = POORER[kind]
    assert code.count(right) == 1
    assert set(verdicts(tmp_path, code).values()) == {"proved"}
    assert set(verdicts(tmp_path, code.replace(right, wrong)).values()) == {"differs"}


def test_gradients_of_all_are_looked_for_at_other_inputs(tmp_path: Path) -> None:
    assert verdicts(tmp_path, FILES["rows of rows"][0]).keys() == {"gamma", "x"}


def test_one_sample_and_its_loss_that_stands_nowhere(tmp_path: Path) -> None:
    code = """
class Unit:
    def __init__(self, input_dim: int):
        self.w, self.b = np.random.randn(input_dim), 0.0
        self.dw, self.db = np.zeros(input_dim), 0.0
    def forward(self, x):
        return 1 / (1 + np.exp(-(np.dot(self.w, x) + self.b)))
    def backward(self, x, y_true, y_pred):
        error = y_pred - y_true
        self.dw, self.db = error * x, error
"""
    assert verdicts(tmp_path, code) == {"w": "proved", "b": "proved"}  # not another loss with a rate that fits at one point


def test_a_parameter_without_a_gradient_is_missing(tmp_path: Path) -> None:
    code = FILES["a class that is given arrays"][0].replace("[np.zeros_like(W), np.zeros_like(b)]", "[np.zeros_like(W)]")
    code = code.replace("        self.grads[1][...] = np.sum(dout, axis=0)\n", "")
    assert verdicts(tmp_path, code) == {"params_0": "proved", "x": "proved", "params.1": "missing"}


NO_LOSS = """
class Network:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in)
    def feedforward(self, a):
        return np.tanh(self.W @ a)
    def backprop(self, x, y):
        out = np.tanh(self.W @ x)
        nabla_w = ((out - y) * (1 - out**2)) @ x.T
        return nabla_w
"""


@pytest.mark.slow
def test_a_loss_that_is_nowhere_stated_is_inferred(tmp_path: Path) -> None:
    assert verdicts(tmp_path, NO_LOSS) == {"W": "proved"}
    with pytest.raises(UserError, match=r"no arguments found with which both passes run"):
        verdicts(tmp_path, NO_LOSS.replace("(1 - out**2)", "(1 - out)"))


def test_a_backward_pass_alone_is_not_accused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="relu_backward is a backward pass alone"):
        verdicts(tmp_path, "def relu_backward(dA, cache):\n    return dA * (cache > 0)\n", "relu_backward")


def test_a_forward_pass_alone_is_not_accused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="returns no loss, and nothing that is a gradient"):
        verdicts(tmp_path, "def hidden(X, W, b):\n    h = np.tanh(X @ W + b)\n    return h, W\n", "hidden")


def test_what_is_imported_may_be_python_2(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("def two():\n    print 'two'\n    return sum(1 for _ in xrange(2))\n")
    file = tmp_path / "code.py"
    file.write_text("from old import two\ndef f(x): return two() * x\n")
    assert load_definitions(file).f(3) == 6


def test_several_things_are_a_question(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text(HEAD + FILES["columns are samples"][0] + FILES["a class that is given sizes"][0], encoding="utf-8")
    module = load_definitions(file)
    with pytest.raises(UserError, match=r"which one is meant\? code.py:Dense, code.py:linear_forward"):
        chosen(module, "code.py", "")
    with pytest.raises(UserError, match=r"nothing called Denze .* Did you mean Dense\?"):
        chosen(module, "code.py", "Denze")


def test_loading_only_what_is_defined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = tmp_path / "package"
    (package / "sub").mkdir(parents=True)
    for folder in (package, package / "sub"):
        (folder / "__init__.py").write_text("")
    (package / "helpers.py").write_text("def two(): return 2\n")
    file = package / "sub" / "code.py"
    file.write_text(
        "import numpy as np\nfrom ..helpers import two\nimport no_such_module_here as m\nimages = m.load()[:10]\n"
        "for epoch in range(10**12): pass\nprint('never')\ndef f(x): return two() * x\n"
    )
    module = load_definitions(file)
    assert module.f(3) == 6
    assert "not installed, and left out: no_such_module_here" in capsys.readouterr().err


def test_python_2_is_read() -> None:
    old = """def f(x):
    print 'loss %f' % (x,
        ), x
    for i in xrange(3): print i
    try:
        pass
    except E, e:
        print
"""
    new = as_python3(old)
    compile(new, "f.py", "exec")
    assert len(new.splitlines()) == len(old.splitlines())
    assert as_python3("print('a')\nprinted = 3\nx = fingerprint (y)\n") == "print('a')\nprinted = 3\nx = fingerprint (y)\n"


def test_a_row_of_a_batch_is_tried_before_an_image(tmp_path):
    """Width 4 by default: x is (N, 4), for which every parameter has its gradient, not (2, 2, 4, 4), for which none fits."""
    (tmp_path / "scale.py").write_text(
        """
import numpy as np

class Scale:
    def __init__(self, width=4):
        self.gamma = np.linspace(0.5, 1.5, width)

    def forward(self, x):
        self.x = x
        return self.gamma * x

    def backward(self, dout):
        self.dgamma = (dout * self.x).sum(axis=0)
        return dout * self.gamma
"""
    )
    result = CliRunner().invoke(cli, ["check", f"{tmp_path}/scale.py:Scale"])
    assert result.exit_code == 0, result.output
