"""The pytest plugin: fixtures, a failure that is the diagnosis, the page; nothing is loaded before a test asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import numpy as np
import pytest
EXAMPLE = {"W": np.array([[0.3, -0.2], [0.5, 0.1]]), "X": np.array([[1.0, 2.0], [0.5, -1.0], [2.5, 1.5]])}
def loss(W, X):
    return np.sum((X @ W) ** 2)
def squash(x):
    return np.tanh(x)
def slope(x):
    return 1 - np.tanh(x)
def test_right(assert_gradient):
    assert_gradient(loss, lambda W, X: {"W": 2 * X.T @ (X @ W)}, example=EXAMPLE, wrt="W")
def test_wrong(assert_gradient):
    assert_gradient(loss, lambda W, X: {"W": X.T @ (X @ W)}, example=EXAMPLE, wrt="W")
def test_layer(assert_layer):
    assert_layer((squash, slope), np.array([[0.3, -0.2], [0.5, 0.1]]))
def test_other():
    assert 1 == 2
"""
PLAIN = "import sys\ndef test_nothing():\n    assert not {'sympy', 'symbackprop.verify', 'numpy'} & set(sys.modules)\n"


def pytest_run(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    root = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(root), "PYTEST_ADDOPTS": ""}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "symbackprop.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "test_it.py",
        *options,
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.slow
def test_nothing_is_loaded_at_the_start(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, PLAIN)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_failure_is_the_diagnosis_and_stands_on_the_page(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, TESTS, "--symbackprop-report=found.html")
    assert "3 failed, 1 passed" in done.stdout
    assert "test_it.py:14\nthe handwritten gradient is wrong" in done.stdout
    assert "hand = 1/2 · derived" in done.stdout
    assert "the backward pass is wrong" in done.stdout
    assert "check_gradient(" not in done.stdout, "no traceback of this library"
    assert "assert 1 == 2" in done.stdout, "other failures are as they were"
    assert "symbackprop: 2 wrong gradients: found.html" in done.stdout
    page = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert "test_it.py::test_wrong" in page
    assert "test_it.py::test_right" not in page
    assert "hand = 1/2" in page


@pytest.mark.slow
def test_a_page_has_an_ending(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, PLAIN, "--symbackprop-report=found.pdf")
    assert done.returncode == 4
    assert "expected html or FILE.html, got found.pdf" in done.stderr
