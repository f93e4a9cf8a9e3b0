"""Names and short texts as runs and as LaTeX."""

from __future__ import annotations

import re

import pytest

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.tree.build import multiply, subtract
from symbackprop.formula.tree.tree import Number
from symbackprop.writeup.drawing.styled_text import StyledRun, StyledText, prose, styled, styled_name, width

PLAIN = Notation()


@pytest.mark.parametrize(
    ("name", "notation", "runs", "expected"),
    [
        ("w7", PLAIN, (("w", True, 0), ("7", False, -1)), "w_7"),
        ("w7", PLAIN.override(digits="plain"), (("w", True, 0), ("7", False, 0)), "w7"),
        ("out_o1", PLAIN, (("out", True, 0), ("o", True, -1), ("1", False, -1)), "out_{o1}"),
        ("E_total", PLAIN, (("E", True, 0), ("total", True, -1)), "E_{total}"),
        ("out_h", PLAIN.override(words="upright"), (("out", False, 0), ("h", True, -1)), r"\mathrm{out}_h"),
        ("y_hat", PLAIN, (("y\u0302", True, 0),), r"\hat{y}"),
        ("delta_3", PLAIN, (("δ", True, 0), ("3", False, -1)), r"\delta_3"),
        (
            "w",
            PLAIN.override(names={"w": "w^{(2)}_{1,1}"}),
            (("w", True, 0), ("(2)", False, 1), ("1,1", False, -1)),
            "w^{(2)}_{1,1}",
        ),
        ("eta", PLAIN.override(names={"eta": "η"}), (("η", True, 0),), r"\eta "),
    ],
)
def test_a_name_is_lettered_as_the_notation_spells_it(
    name: str, notation: Notation, runs: tuple[tuple[str, bool, int], ...], expected: str
) -> None:
    lettered = styled_name(name, notation)
    assert lettered.runs == tuple(StyledRun(*run) for run in runs)
    assert lettered.latex.replace("{3}", "3").replace("{7}", "7") == expected


@pytest.mark.parametrize(
    ("text", "plain", "subscripts", "expected"),
    [
        ("out_o1·(1 - out_o1)", "outo1·(1 − outo1)", ["o1", "o1"], r"out_{o1}\cdot (1-out_{o1})"),
        ("-(target_o1 - out_o1)", "−(targeto1 − outo1)", ["o1", "o1"], "-(target_{o1}-out_{o1})"),
        ("out_o1²", "outo1²", ["o1"], "out_{o1}^{2}"),
        ("X W1ᵀ", "X W1ᵀ", ["1"], r"X\ W_{1}^{\top}"),
        ("X[n, i]", "Xn,i", ["n,i"], "X_{n,i}"),
        ("tanh(Z1)", "tanh(Z1)", ["1"], r"\mathrm{tanh}(Z_{1})"),
        ("0.4", "0.4", [], "0.4"),
        ("", "", [], ""),
        ("输入层", "输入层", [], r"\mbox{输入层}"),
        ("50 %", "50 %", [], r"50\ \%"),
    ],
)
def test_a_text_is_lettered_name_by_name(text: str, plain: str, subscripts: list[str], expected: str) -> None:
    lettered = styled(text, PLAIN)
    assert lettered.plain == plain
    lowered = re.findall(r"<(.*?)>", "".join(f"{{{run.text}}}" if not run.level else f"<{run.text}>" for run in lettered.runs))
    assert "".join(lowered) == "".join(subscripts)
    assert lettered.latex.replace("_1", "_{1}") == expected


def test_a_formula_keeps_its_latex() -> None:
    formula = multiply("w7", subtract(Number("1"), "out_h1"))
    lettered = styled(formula, PLAIN)
    assert lettered.latex == latex(formula, PLAIN)
    assert lettered.plain.startswith("w7·(1 − outh1")


def test_prose_is_safe_in_latex() -> None:
    assert prose("50% & a_b").latex == r"\mbox{50\% \& a\_b}"


def test_width_grows_with_what_is_written() -> None:
    widths = [width(styled(text, PLAIN), 10) for text in ("w1", "w12", "w12 = 0.4", "w12 = 0.4567")]
    assert widths == sorted(widths)
    assert width(styled("w12 = 0.4", PLAIN), 20) == pytest.approx(2 * widths[2])
    assert width(StyledText((), ""), 10) == 0
    assert width(styled("ww", PLAIN), 10) > width(styled("ii", PLAIN), 10)
