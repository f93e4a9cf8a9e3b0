"""What a report looks like: one aligned screen, JSON a program can read, Markdown, HTML with the verdict beside each line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from symbackprop.derive import derive
from symbackprop.errors import UserError
from symbackprop.verify.check import check_gradient
from symbackprop.verify.report.report import Report

Load = Callable[[str, str], ModuleType]


@pytest.fixture(scope="module")
def half(derivation_file: Load) -> Report:
    file = derivation_file("linear_regression", "network")
    return check_gradient(derive(file.network, file.loss), derivation_file("linear_regression", "handwritten").gradients)


def test_one_screen(half: Report) -> None:
    lines = str(half).splitlines()
    assert lines[0] == "linear regression · loss loss · hand gradient handwritten.py:gradients"
    assert lines[1].split()[:6] == ["W", "differs", "hand", "=", "1/2", "·"]
    assert "exact, for N,D,K = " in lines[1]
    assert [line.split()[0] for line in lines[3:]] == ["why", "where", "mend"]
    assert lines[4].index("dy = ") == lines[5].index("dy = ")
    assert len(lines) <= 24


def test_the_line_named_is_the_line_of_the_file(half: Report) -> None:
    place = half.locations[0]
    assert Path(place.filename).read_text(encoding="utf-8").splitlines()[place.line - 1].strip() == place.source


def test_json_can_be_read_back(half: Report) -> None:
    record = json.loads(half.to_json())
    assert record["ok"] is False
    assert [verdict["status"] for verdict in record["verdicts"]] == ["differs", "differs"]
    assert record["repairs"][0]["after"] == "dy = 2 * (y_predict - y_true)"
    witness = record["verdicts"][0]["witness"]
    assert {name for name, _ in witness["inputs"]} == {"z", "W", "b", "y_true"}
    assert witness["hand"] == pytest.approx(witness["derived"] / 2)


def test_markdown_shows_the_change_as_a_diff(half: Report) -> None:
    text = half.to_markdown()
    assert "| `W` | differs | hand = 1/2 · derived |" in text
    assert "- dy = y_predict - y_true\n+ dy = 2 * (y_predict - y_true)\n```" in text


def test_html_has_the_code_with_remarks_and_is_escaped(half: Report) -> None:
    page = half.to_html()
    assert page.startswith("<!doctype html>")
    assert "def gradients(z, W, b, y_true):" in page
    assert 'class="right"' in page
    assert "<script" not in page
    assert page.count("<table") == page.count("</table>")


def test_the_terminal_gets_the_same_text(half: Report) -> None:
    console = Console(width=300, no_color=True)
    with console.capture() as capture:
        console.print(half)
    assert capture.get().rstrip() == str(half).rstrip()


def test_an_unknown_name_is_an_error_with_the_nearest(half: Report) -> None:
    with pytest.raises(UserError, match="no verdict on V"):
        half["V"]


def test_many_verdicts_share_lines(derivation_file: Load) -> None:
    file = derivation_file("two_three_two", "network")

    def all_of_them(l1, l2, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, b1, b2, target_o1, target_o2):
        return {f"w{k}": 0.0 for k in range(1, 13)} | {"b1": 0.0, "b2": 0.0, "l1": 0.0, "l2": 0.0}

    report = check_gradient(derive(file.network, file.loss), all_of_them, explain=False, repair=False)
    assert len(report) == 16
    assert len(str(report).splitlines()) < 8


def test_conventions_are_shown_everywhere(derivation_file: Load) -> None:
    file = derivation_file("perceptron", "network")
    report = check_gradient(derive(file.network, file.loss), derivation_file("perceptron", "handwritten").gradients)
    said = "step'(x) = 0 for x != 0; not differentiable at x = 0, where 0 is used (in y_pre)"
    assert [line.split(maxsplit=1)[1] for line in str(report).splitlines() if line.startswith("  given")] == [said]
    assert json.loads(report.to_json())["assumptions"] == [said]
    assert f"*given* {said}" in report.to_markdown()


def test_without_kinks_nothing_is_assumed(half: Report) -> None:
    assert half.assumptions == ()
    assert "given" not in str(half)
