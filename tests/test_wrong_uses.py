"""Wrong uses of the command line and of the calls, each with the exact message: where, expected, got, the remedy.

Every message is one line, no traceback, and its advice can be followed as it is written: options in a terminal, arguments in
Python.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sympy import Symbol

import symbackprop
from symbackprop import Network, capture, check_gradient, check_layer, derive, evaluate, explain, read, sigmoid, train
from symbackprop.cli import main
from symbackprop.errors import SymbackpropError
from symbackprop.formula.notation.notation import Notation

FOLDER = Path(__file__).resolve().parent
FILES = dict(
    part.split("\n", 1) for part in (FOLDER / "wrong_files.txt").read_text(encoding="utf-8").removeprefix("==== ").split("==== ")
)
"""What lies in the folder in which the commands are given."""


def network() -> Network:
    net = Network("n")
    x, w, t = net.input("x", value=2.0), net.parameter("w", value=0.5), net.target("t", value=1.0)
    net.define("E", (net.define("y", sigmoid(w * x)) - t) ** 2 / 2)
    return net


def arrays() -> tuple[Network, Any, Any, Any, Any, Any]:
    net = Network("a")
    i, j, k = net.indices("i:I j:J k:3")
    return net, i, j, k, net.input("X", i, j, value=np.ones((2, 4))), net.parameter("W", j, value=np.ones(4))


def loss(W, X):
    return np.sum((X @ W) ** 2)


def hand(W, X):
    return {"W": 2 * X.T @ (X @ W)}


def takes_more(x, w, t, zz):
    return {"w": x}


def gives_text(x, w, t):
    return "text"


def derivation() -> Any:
    return derive(network(), "E")


EXAMPLE = {"W": np.ones((2, 2)), "X": np.ones((3, 2))}
HALF = {"W": np.ones((2, 2))}

CALLS: dict[str, Callable[[], object]] = {
    "an input twice": lambda: network().input("x"),
    "a definition twice": lambda: network().define("y", 1),
    "a definition of an unknown name": lambda: network().define("z", Symbol("q") + 1),
    "a definition that is text": lambda: network().define("z", "w*x"),
    "a definition that is None": lambda: network().define("z", None),
    "a name with a space": lambda: network().input("a b"),
    "a name that is empty": lambda: network().input(""),
    "a name with a digit first": lambda: network().define("1x", 1),
    "too few values": lambda: network().inputs("a b", values=(1,)),
    "a value that is text": lambda: network().input("a", value="two"),
    "an array for a number": lambda: network().input("a", value=np.ones(3)),
    "a value of an unknown name": lambda: network().set_values({"q": 1}),
    "a value of a definition": lambda: network().set_values({"y": 1}),
    "a value of another shape": lambda: arrays()[0].set_values({"X": np.ones(3)}),
    "a value of another size": lambda: arrays()[0].set_values({"W": np.ones(5)}),
    "an index that is not bound": lambda: (lambda net, i, j, k, X, W: net.define("Z", i, X[i, j]))(*arrays()),
    "too few indices": lambda: (lambda net, i, j, k, X, W: net.define("Z", i, X[i]))(*arrays()),
    "an index of another range": lambda: (lambda net, i, j, k, X, W: net.define("Z", i, k, X[i, k]))(*arrays()),
    "indices without a size": lambda: Network("n").indices("i"),
    "indices of a negative size": lambda: Network("n").indices("i:-1"),
    "an index over two sizes": lambda: (lambda net: (net.indices("i:I"), net.indices("i:J")))(Network("n")),
    "derive without a loss": lambda: derive(network()),
    "derive of an unknown loss": lambda: derive(network(), "F"),
    "derive of a parameter": lambda: derive(network(), "w"),
    "derive of an array": lambda: (lambda net, i, j, k, X, W: (net.define("Z", i, X[i, 0]), derive(net, "Z")))(*arrays()),
    "derive by an unknown name": lambda: derive(network(), "E", wrt="v"),
    "derive of a number": lambda: derive(3),
    "derive of a function alone": lambda: derive(loss),
    "a gradient by an unknown name": lambda: derivation()["v"],
    "an unknown level": lambda: derivation()["w"].steps(level="all"),
    "an unknown level of LaTeX": lambda: derivation()["w"].latex(steps="everything"),
    "a chain past a name": lambda: derivation().chain("E", "x", "w"),
    "a function without a value": lambda: derivation().function()(x=1.0),
    "a function with another value": lambda: derivation().function()(x=1.0, w=1.0, t=1.0, q=2.0),
    "the value at another name": lambda: derivation()["w"].value({"q": 1}),
    "evaluate at another name": lambda: derivation().evaluate({"q": 1}),
    "train backwards": lambda: train(derivation(), epochs=-1),
    "train at a rate that is text": lambda: train(derivation(), lr="fast"),  # type: ignore[arg-type]
    "train on other data": lambda: train(derivation(), {"q": [1]}),
    "train in another order": lambda: train(derivation(), order="any"),
    "train on no batch": lambda: train(derivation(), batch_size=0),
    "check against a number": lambda: check_gradient(3, hand),
    "check of a number": lambda: check_gradient(loss, 3, example=EXAMPLE),  # type: ignore[arg-type]
    "check of a class": lambda: check_gradient(loss, dict, example=EXAMPLE),
    "check without an example": lambda: check_gradient(loss, hand),
    "check with half an example": lambda: check_gradient(loss, hand, example=HALF),
    "check by an unknown name": lambda: check_gradient(loss, hand, example=EXAMPLE, wrt="V"),
    "check at NaN": lambda: check_gradient(loss, hand, example={**EXAMPLE, "W": np.full((2, 2), np.nan)}),
    "a mapping of nothing": lambda: check_gradient(loss, hand, example=EXAMPLE, mapping={"Q": "W"}),
    "a mapping to nothing": lambda: check_gradient(loss, hand, example=EXAMPLE, mapping={"W": "Q"}),
    "an example of no node": lambda: check_gradient(derivation(), takes_more, example={"q": 1}),
    "an argument that is no node": lambda: check_gradient(derivation(), takes_more),
    "results that are text": lambda: check_gradient(derivation(), gives_text),
    "a verdict on nothing": lambda: check_gradient(loss, hand, example=EXAMPLE)["V"],
    "a layer that is a number": lambda: check_layer(3, np.ones(2)),
    "LaTeX of an unknown name": lambda: read("q + 1", "w x"),
    "LaTeX with a brace open": lambda: read(r"\frac{w}{", "w x"),
    "LaTeX of an unknown macro": lambda: read(r"\nothing w", "w x"),
    "capture without an example": lambda: capture(loss, {}),
    "capture of an empty array": lambda: capture(loss, {**HALF, "X": np.ones((0, 2))}),
    "a derivation of no function": lambda: derive("E"),
    "a loss of another network": lambda: derive(network(), arrays()[4][0, 0]),
    "a batch of text": lambda: train(derivation(), {"x": ["a"], "t": [1]}),
    "a seed below zero": lambda: train(derivation(), seed=-1, order="shuffled"),
    "a lesson for everybody": lambda: derivation().lesson(audience="everybody"),
    "a lesson in no language": lambda: derivation().lesson(lang="fr"),
    "a lesson with an option that there is not": lambda: derivation().lesson(colour="red"),
    "a layer that has no forward pass": lambda: check_layer(object(), np.ones(2)),
    "a wrt that is no name": lambda: derive(network(), "E", wrt=3),
    "an example that is a list": lambda: check_gradient(loss, hand, example=[1, 2]),
    "evaluate of a number": lambda: evaluate(3),
    "read of no names": lambda: read("w", 3),
    "proof-reading of nothing": lambda: symbackprop.proofread("nowhere.md"),
    "capture of a number": lambda: capture(3, {}),  # type: ignore[arg-type]
    "explain without an example": lambda: explain(loss, {}),
    "an option of notation that there is not": lambda: Notation().override(nothing=3),
}


def table(name: str) -> dict[str, str]:
    """Return a table of messages: a line that is not indented, and below it the message."""
    lines = [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line and not line.startswith("# ")]
    return dict(zip(lines[::2], (line.strip() for line in lines[1::2]), strict=True))


COMMANDS, MESSAGES = table("wrong_commands.txt"), table("wrong_calls.txt")
MISUSED = (
    "derive net.py --steps all",
    "derive net.py --format pdf",
    "derive net.py --decimals 99",
    "derive",
    "derive net.py --stepz brief",
    "check net.py hand.py --timeout 0",
    "check net.py hand.py --timeout x",
    "check net.py hand.py --memory 1",
    "train net.py --lr x",
    "train net.py --lr -1",
    "train net.py --epochs -1",
    "train net.py --epochs 1 --data samples.csv --batch-size 0",
    "handout net.py",
    "handout net.py -o p.html --for me",
    "handout net.py -o p.html --lang fr",
    "handout net.py -o p.html --without nothing",
    "handout net.py -o p.html --variants -1",
    "handout net.py -o p.html --decimals 0",
    "handout net.py -o p.html --blanks all",
    'explain hand.py:forward --shapes "x:3 w1:3" --format pdf',
    "proofread doc.md --rate x",
    "lesson nowhere",
    "derive net.py --timeout nan",
    "derive net.py --timeout inf",
    "derive net.py --timeout 1e300",
    "derive net.py --loss",
    "train net.py --lr nan",
    "train net.py --stop inf",
    "train net.py --seed -1",
    "train net.py --epochs 1.5",
    "handout net.py -o p.html --seed -1",
    "lesson net.py",
    "lesson net.py -o l.html --for everybody",
    "check net.py hand.py more.py",
    "grade net.py",
    "grade net.py folder --jobs 0",
    "grade net.py folder --timeout nan",
    "grade net.py folder --hints all",
    "verify",
    "proofread",
)
"""Wrong for the parser of arguments, whose words are click's own."""


def matches(message: str, expected: str) -> bool:
    return message.startswith(expected.removesuffix("…").rstrip()) if expected.endswith("…") else message == expected


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("", encoding="utf-8")
    return tmp_path


def told(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    """Run a command; return its exit code, the message without the name of the program, and what stands on standard output."""
    monkeypatch.setattr(sys, "argv", ["symbackprop", *shlex.split(command)])
    with pytest.raises(SystemExit) as stopped:
        main()
    shown = capsys.readouterr()
    return stopped.value.code, shown.err.strip(), shown.out


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_command_is_told(
    command: str, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message, out = told(command, monkeypatch, capsys)
    message = message.replace(f"{files}/", "")
    assert message.startswith("symbackprop: ")
    assert matches(message.removeprefix("symbackprop: "), COMMANDS[command]), message
    assert code == 2
    assert json.loads(out) == {"error": message.removeprefix("symbackprop: "), "exit_code": 2} if "--json" in command else not out
    assert "mapping={" not in message
    assert "example={" not in message
    assert sorted(path.name for path in files.iterdir()) == sorted([*FILES, "folder"]), "nothing is left behind"


@pytest.mark.slow
@pytest.mark.parametrize("command", MISUSED)
def test_a_misused_option_is_one_line_with_the_way_to_help(
    command: str, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message, out = told(command, monkeypatch, capsys)
    assert (code, out) == (2, "")
    assert "\n" not in message
    assert re.search(r"\(see .+ --help\)$", message)


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_told(name: str) -> None:
    with pytest.raises(SymbackpropError) as failed:
        CALLS[name]()
    assert str(failed.value) == MESSAGES[name]


def test_the_tables_are_whole() -> None:
    assert MESSAGES.keys() == CALLS.keys()
    assert len(COMMANDS) + len(MISUSED) + len(CALLS) >= 120
    named = {command.split()[0] for command in COMMANDS}
    assert named >= {
        "check",
        "code",
        "derive",
        "examples",
        "explain",
        "grade",
        "handout",
        "lesson",
        "new",
        "proofread",
        "train",
        "verify",
    }


def test_values_that_do_not_fit_leave_nothing_behind() -> None:
    net, *_ = arrays()
    before = {name: np.array(value).tolist() for name, value in net.values.items()}
    for wrong in ({"X": np.zeros((2, 4)), "W": np.zeros(5)}, {"W": np.zeros(4), "nothing": 1}, {"X": np.zeros(3)}):
        with pytest.raises(SymbackpropError):
            net.set_values(wrong)
        assert before == {n: np.array(v).tolist() for n, v in net.values.items()}
    net.set_values({"X": np.zeros((3, 5)), "W": np.zeros(5)})
    assert net.sizes() == {"I": 3, "J": 5}


def test_an_attribute_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'derife'"):
        symbackprop.derife  # noqa: B018


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a pipe of Unix")
def test_streams_that_are_closed_or_full(root: Path) -> None:
    program = f"{sys.executable} -m symbackprop derive derivations/mlp_softmax --statements --format latex"
    for command, codes, said in (
        (f"for i in 1 2 3; do {program}; echo $? >&2; done | true", {"141", "0"}, ""),
        (f"{program} > /dev/full; echo $? >&2", {"2"}, "output: No space left on device"),
        (f"{program} >&-; echo $? >&2", {"0", "2"}, ""),
    ):
        done = subprocess.run(["bash", "-c", command], cwd=root, capture_output=True, text=True, timeout=120, check=False)
        lines = done.stderr.split("\n")
        assert {line for line in lines if line.isdigit()} <= codes, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr
