"""Starting: the examples come with the package, a new folder passes its check, nothing that exists is replaced."""

from __future__ import annotations

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
