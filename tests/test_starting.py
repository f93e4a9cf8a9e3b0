"""Starting: the examples come with the package, a new folder passes its check, nothing that exists is replaced."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbackprop.cli import cli

LOSS = """
import numpy as np
example = {"X": np.array([[1.0, 2.0, -1.0], [0.5, -0.3, 0.8]]), "W": np.array([[0.3, 0.1], [-0.2, 0.4], [0.7, -0.6]]),
           "y": np.array([1, 0])}
wrt = ["W"]
def loss(X, W, y):
    z = np.tanh(X @ W)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(y)), y]))
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)], catch_exceptions=True)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_examples_are_listed_printed_and_copied(root: Path, tmp_path: Path) -> None:
    listed = run("examples").output
    names = [path.parent.name for path in sorted((root / "derivations").glob("*/network.py"))]
    assert [line.split()[0] for line in listed.splitlines()] == names
    assert all(len(line.split()) > 3 for line in listed.splitlines())
    text = (root / "derivations" / "tanh_neuron" / "network.py").read_text(encoding="utf-8")
    assert run("examples", "tanh_neuron").output == text
    assert run("examples", "tanh_neuron", "--copy", "mine").exit_code == 0
    assert (tmp_path / "mine" / "tanh_neuron" / "network.py").read_text(encoding="utf-8") == text
    assert "exists; name another folder" in str(run("examples", "--copy", "mine").exception)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["tanh_neuron"]  # all or none
    assert run("examples", "--copy", "all").exit_code == 0
    assert run("derive", "all/two_two_one", "w1").exit_code == 0


def test_the_wheel_takes_the_examples_from_where_they_are(root: Path) -> None:
    built = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert built["force-include"] == {"derivations": "symbackprop/derivations"}
    assert not (root / "symbackprop" / "derivations").exists(), "one source of truth"


@pytest.mark.slow
def test_a_new_folder_passes_its_check() -> None:
    assert run("new", "my network").exit_code == 0
    assert run("check", "my network").exit_code == 0
    assert "∂E/∂w1" in run("derive", "my network", "w1").output
    assert "exists" in str(run("new", "my network").exception)


@pytest.mark.slow
def test_a_new_folder_from_a_loss_passes_its_check(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(LOSS, encoding="utf-8")
    result = run("new", "mine", "--from", "model.py:loss")
    assert result.exit_code == 0, result.exception
    assert run("check", "mine").exit_code == 0
    assert run("derive", "mine", "W").output == run("derive", "model.py:loss", "W").output
    many = run("new", "many", "--from", "model.py:loss", "--shapes", "X:40,30 W:30,4 y:40<4")
    assert "numbers; give a small one with --shapes" in str(many.exception)
    assert not (tmp_path / "many").exists()


def test_help_without_arguments_leads(tmp_path: Path) -> None:
    shown = run().output
    for word in ("derive my_loss.py:loss", "check my_loss.py:loss", "new my_network", "examples two_three_two --copy ."):
        assert f"symbackprop {word}" in shown


def test_the_program_without_arguments_shows_its_lines_as_they_are() -> None:
    done = subprocess.run([sys.executable, "-m", "symbackprop"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (2, "")
    assert "  symbackprop handout my_loss.py:loss -o handout.html" in done.stdout
    assert len(done.stdout.splitlines()) > 30


CLASS = "class Net:\n    def forward(self, x): return x\n"
SCRIPT = "import numpy as np\nx = np.ones(3)\nw = np.ones(3)\nprint('loss', np.sum((w * x) ** 2))\n"


@pytest.mark.parametrize(
    ("name", "text", "place", "said"),
    [
        ("net.py", CLASS, "net.py", "there is none; write what leads from data and weights to the loss as a function"),
        (
            "net.py",
            CLASS,
            "net.py:Net",
            "net.py:Net is a class without a forward and a backward pass; write what leads from data",
        ),
        ("script.py", SCRIPT, "script.py", "as a function, `def loss(…)`; it calculates outside of functions"),
        (
            "mine.ipynb",
            "{}",
            "mine.ipynb",
            "is a notebook: check its cells in it with `%load_ext symbackprop` and",
        ),
        ("mine.ipynb", "{}", "mine.ipynb:loss", "jupyter nbconvert --to python mine.ipynb, and name that"),
    ],
)
def test_code_of_another_kind_is_told_what_may_be_done_with_it(
    name: str, text: str, place: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert said in str(run("derive", place).exception)
    if name == "mine.ipynb":
        assert said in str(run("check", place).exception)


TRAINED = """
import numpy as np
get_ipython().run_line_magic('matplotlib', 'inline')
print("what a file prints")
def helper(params, X):
    z1 = X @ params["W"] + params["b"]
    a1 = np.tanh(z1)
    return a1, (z1, a1)
def loss(params, X, y_train):
    out, _ = helper(params, X)
    return np.mean((out - y_train) ** 2), {}
def gradients(params, X, y_train):
    out, (z1, a1) = helper(params, X)
    d = 2 * (out - y_train) * (1 - a1 ** 2) / len(X)
    return {"W": X.T @ d, "b": d.sum(axis=0)}
example = {"params": {"W": np.array([[0.3], [-0.2]]), "b": np.zeros(1)}, "X": np.array([[1.0, 2.0], [0.5, -1.0]]),
           "y_train": np.array([[1.0], [0.0]])}
train(gradients)
"""
"""A notebook written to a file: a command of it fails, a network of one output, names that nobody can typeset."""


@pytest.mark.slow
def test_a_file_as_newcomers_have_it_goes_through_every_command(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(TRAINED, encoding="utf-8")

    def program(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "symbackprop", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    done = program("derive", "own.py")
    assert done.stdout.splitlines() == [
        "∂loss/∂W[i,j] = 2/N·Σ_n (out[n] - y_train[n,0])·(1 - out[n]²)·X[n,i]",
        "∂loss/∂b[j] = 2/N·Σ_n (out[n] - y_train[n,0])·(1 - out[n]²)",
    ]
    assert "only the definitions of the file are taken" in done.stderr
    checked = program("check", "own.py")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for command in ("handout", "lesson"):
        done = program(command, "own.py", "-o", f"{command}.html")
        assert (done.returncode, done.stdout) == (0, f"wrote {command}.html\n"), done.stderr


def test_what_a_file_prints_is_no_part_of_the_result(tmp_path: Path) -> None:
    printing = "print('from the file')\nimport os\nos.system('echo from a process')\n"
    (tmp_path / "own.py").write_text(LOSS + printing, encoding="utf-8")
    command = [sys.executable, "-m", "symbackprop", "derive", "own.py", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)["loss"] == "loss"
    assert "from the file" in done.stderr
    assert "from a process" in done.stderr


@pytest.mark.slow
def test_a_class_called_network_is_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nn.py").write_text(
        "import numpy as np\nclass Network:\n    def __init__(self, n, m):\n        self.W = np.random.randn(n, m)\n"
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        "    def backward(self, dout):\n        self.dW = self.x.T @ dout\n        return dout @ self.W.T\n"
        "net = Network(3, 2)\n",
        encoding="utf-8",
    )
    assert run("check", "nn.py:Network").exit_code == 0
    checked = run("check", "nn.py")
    assert checked.exit_code == 0, checked.exception
    assert checked.output.count("proved") == 2


def test_a_script_whose_arrays_are_global_is_derived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(
        "import numpy as np\nX = np.array([[0.0, 1.0], [1.0, 2.0], [3.0, 1.0]])\ny = np.array([0, 1, 1])\n"
        "W = np.array([0.2, -0.5])\n"
        "def loss():\n    return np.mean((X @ W - y) ** 2)\n",
        encoding="utf-8",
    )
    assert run("derive", "script.py:loss").output == "∂loss/∂W[i] = 2/N·Σ_n (Σ[i'] X[n,i']·W[i'] - y[n])·X[n,i]\n"


PLANAR = """
import numpy as np

def forward_propagation(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    return A2, {"A1": A1, "A2": A2}

def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dZ1 = parameters["W2"].T @ dZ2 * (1 - A1 ** 2)
    db1, db2 = dZ1.sum(axis=1, keepdims=True) / m, dZ2.sum(axis=1, keepdims=True) / m
    return {"dW1": dZ1 @ X.T / m, "db1": db1, "dW2": dZ2 @ A1.T / m, "db2": db2}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong", "code"), [("", "", 0), ("dZ1 @ X.T / m", "dZ1 @ X.T", 1)])
def test_a_cost_of_the_prediction_is_checked_by_both_passes(
    right: str, wrong: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "planar.py").write_text(PLANAR.replace(right, wrong) if right else PLANAR, encoding="utf-8")
    result = run("check", "planar.py")
    assert result.exit_code == code
    assert "batch of 1" not in result.output
    assert result.output.count("proved") - result.output.count("proved with") == 4 - code


def test_a_loss_has_to_be_given_what_it_is_differentiated_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(
        "import numpy as np\nW = np.ones(3)\ndef loss(X):\n    return np.sum((X @ W) ** 2)\n"
        "def gradients(X):\n    dW = 2 * X.T @ (X @ W)\n    return {'W': dW}\n"
        "example = {'X': np.eye(3), 'W': W}\n",
        encoding="utf-8",
    )
    said = str(run("check", "own.py:loss", "own.py:gradients").exception)
    assert "loss has no argument W" in said
    assert "write `def loss(X, W)`, the gradient alike" in said
