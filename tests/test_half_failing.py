"""A file of which some functions cannot be run: what can be is checked, what cannot is said, and nothing stands in its way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from symbackprop.cli import main
from symbackprop.loading import load_definitions

HALF = """
import numpy as np
import a_camera_that_is_not_there as camera

def load(path):
    return camera.open(path)

def relu_forward(x):
    return np.maximum(x, 0)

def relu_backward(dout, x):
    return dout * (x > 0)

def conv_forward(x, w):
    return nowhere.conv(x, w)

def conv_backward(dout, x, w):
    return nowhere.back(dout, w), nowhere.back(x, dout)

def affine_forward(x, w, b):
    return x @ w + b

def affine_backward(dout, x, w, b):
    return dout @ w.T, x.T @ dout, dout.mean(axis=0)

pictures = open("pictures that are not there")
"""


@pytest.fixture(autouse=True)
def beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half.py").write_text(HALF, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("absolute", [True, False])
def test_what_is_not_installed_is_left_out_however_the_file_is_named(absolute: bool, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("half.py").resolve() if absolute else Path("half.py")
    assert callable(load_definitions(file).affine_forward)
    assert "half.py: not installed, and left out: a_camera_that_is_not_there" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "code", "said"),
    [
        ("half.py", 1, "3 pieces: 1 right, 1 not right, 1 without a verdict"),
        ("half.py:relu_forward", 0, "x      proved"),
        ("half.py:conv_forward", 2, "(conv_forward fails on these inputs: NameError: name 'nowhere' is not defined)"),
        ("half.py:affine_forward", 1, "b      differs"),
    ],
)
def test_what_can_be_run_is_checked(
    place: str, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["symbackprop", "check", place])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert (ended.value.code, said in shown.out + shown.err) == (code, True), shown
