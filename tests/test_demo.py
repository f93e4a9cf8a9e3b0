"""The demonstration: every stated number is reproduced, and its files and verdicts are what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from symbackprop import derive
from symbackprop.loading import load_network


@pytest.fixture(scope="module")
def demo(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("derivations_demo", root / "derivations" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


COUNTS = {"tanh_neuron": 13, "perceptron": 41, "linear_regression": 10, "two_two_one": 7, "two_three_two": 38}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n == "two_two_one" else ()) for n in COUNTS])
def test_every_stated_number_is_reproduced_to_its_last_digit(demo: ModuleType, root: Path, name: str) -> None:
    numbers = demo.NUMBERS[name](load_network(str(root / "derivations" / name)))
    assert len(numbers) == COUNTS[name]
    assert [(n.what, n.stated, n.computed) for n in numbers if not n.reproduced] == []


@pytest.mark.parametrize(
    ("stated", "computed", "reproduced"),
    [
        ("0.9", 0.9, True),
        ("0.9", 0.75, False),
        ("0.0780638755003", 0.07806387550035, True),
        ("0.0780638755003", 0.07806387550055, False),
        ("1.0264179571575258e-08", 1.0264179571575258e-08, True),
        ("1.0264179571575258e-08", 1.0264179571575358e-08, False),
        ("-3.808598", 3.808598, False),
    ],
)
def test_a_number_is_reproduced_within_one_unit_of_the_last_stated_digit(
    demo: ModuleType, stated: str, computed: float, reproduced: bool
) -> None:
    assert demo.Number("n", stated, computed).reproduced is reproduced


def test_a_list_of_another_length_is_refused(demo: ModuleType) -> None:
    with pytest.raises(ValueError, match="3 numbers are stated, 2 were computed"):
        demo.numbered("w", "1 2 3", [1, 2])


def test_files_are_written(demo: ModuleType, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "BUILD", tmp_path)
    loaded = load_network(str(root / "derivations" / "two_three_two"))
    demo.write_out("two_three_two", derive(loaded.network, loaded.loss, wrt=["w7"]))
    assert r"\frac{\partial E_{total}}{\partial w_7}" in (tmp_path / "two_three_two" / "gradients.tex").read_text("utf-8")
    assert "def loss_and_gradients" in (tmp_path / "two_three_two" / "gradients.py").read_text("utf-8")


@pytest.mark.slow
def test_a_corrected_copy_and_an_annotated_page_are_left(
    demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "BUILD", tmp_path)
    assert "1 differ" in demo.write_corrected("two_three_two")
    assert "*out_{h1} (1 - out_{h1}) *l1" in (tmp_path / "two_three_two" / "document.corrected.md").read_text("utf-8")
    assert "<math" in (tmp_path / "two_three_two" / "document.html").read_text("utf-8")
