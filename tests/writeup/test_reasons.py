"""Reasons of steps: what is a formula in them is set as one, and every letter of them stays."""

from __future__ import annotations

import re

import pytest

from symbackprop.formula.print.text import text
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.blocks import FormulaBlock
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.page.reasons import in_words
from tests.writeup.page_gate import gate_network


@pytest.mark.parametrize(
    ("because", "formulas"),
    [
        ("put ∂E/∂BN_rstd in", ["∂E/∂BN_rstd"]),
        ("代入 ∂loss/∂probabilities", ["∂loss/∂probabilities"]),
        ("cancel p[n,c'], p[n,c]", ["p[n,c']", "p[n,c]"]),
        ("Y_P[g,a] = e^(Y_S[g,a])/(Σ[b'] e^(Y_S[g,b']))", ["Y_P[g,a]", "e^(Y_S[g,a])", "Σ[b']", "e^(Y_S[g,b'])"]),
        ("the first axis of score_W, so W1 is transposed", ["score_W", "W1"]),
        ("shapes (N,C)(C,D); take out the common factor", ["N", "C", "C", "D"]),
        ("the summed index a is the first axis of X; a product with ones over a does", ["a", "X", "a"]),
        ("a vector A; 所以 X 要转置", ["A", "X"]),
        ("(10)", []),
        ("the rows are one-hot, 2 times", []),
    ],
)
def test_what_is_a_formula_is_set_as_one(because: str, formulas: list[str]) -> None:
    words = in_words(because)
    found = [part for part in words if isinstance(part, Formula)]
    assert [written(part) for part in found] == formulas
    assert "".join(part if isinstance(part, str) else written(part) for part in words) == because


def written(formula: Formula) -> str:
    """Return a formula as reasons have it."""
    return text(formula).replace("Sigma", "Σ")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["batch norm", "attention", "lstm", "long array names", "autoencoder", "mlp_softmax"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_reason_is_written_as_a_program_would(name: str, lang: str) -> None:
    outline = make_outline(gate_network(name), HandoutOptions(level="full", lang=lang))
    lines = [line for block in outline.page if isinstance(block, FormulaBlock) for line in block.lines if line.because]
    assert len(lines) > 10
    for line in lines:
        plain = "".join(part for part in in_words(line.because) if isinstance(part, str))
        assert not re.search(r"[_∂^]|\w\[", plain), line.because
