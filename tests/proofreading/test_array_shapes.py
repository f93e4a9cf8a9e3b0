"""Matrices and vectors of a text: their shapes are found, right derivations hold, a transpose too few or too many does not."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

LOSS = "$$L = \\frac{1}{2} \\| A - T \\|_F^2$$\n\n"
LAYER = "$$Z = X W + b$$\n\n$$A = \\tanh(Z)$$\n\n" + LOSS
COLUMN = r"Let $\mathbf{y} = \mathbf{W} \mathbf{x} + \mathbf{b}$ and $L = \frac{1}{2} \|\mathbf{y} - \mathbf{t}\|^2$." "\n\n"
ROW = (
    r"Let $x \in \mathbb{R}^{1 \times 3}$, $W \in \mathbb{R}^{3 \times 2}$, $t \in \mathbb{R}^{1 \times 2}$."
    "\n\n"
    "$$y = x W$$\n\n$$L = \\frac{1}{2} \\|y - t\\|^2$$\n\n"
)
D = r"$$D = (A - T) \odot (1 - A \odot A)$$" "\n\n"
WEIGHTS, INPUTS = r"\frac{\partial L}{\partial W} = ", r"\frac{\partial L}{\partial X} = "
BOLD = r"\frac{\partial L}{\partial \mathbf{W}} = "


def last(text: str, claim: str) -> ClaimStatus:
    return proofread_text(f"{text}$${claim}$$\n").claims[-1].status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (LAYER + D, WEIGHTS + "X^T D", WEIGHTS + "D X^T"),  # T is a matrix: X^T is no power
        (LAYER + D, INPUTS + "D W^T", INPUTS + "D W"),
        (
            LAYER,
            r"\frac{\partial L}{\partial Z} = (A - T) \odot (1 - A^2)",
            r"\frac{\partial L}{\partial Z} = (A - T) (1 - A^2)^T",
        ),
        (COLUMN, BOLD + r"(\mathbf{y} - \mathbf{t}) \mathbf{x}^T", BOLD + r"\mathbf{x} (\mathbf{y} - \mathbf{t})^T"),
        (
            COLUMN,
            r"\frac{\partial L}{\partial \mathbf{x}} = \mathbf{W}^T (\mathbf{y} - \mathbf{t})",
            r"\frac{\partial L}{\partial \mathbf{x}} = (\mathbf{y} - \mathbf{t}) \mathbf{W}",
        ),
        (ROW, WEIGHTS + r"x^\top (y - t)", WEIGHTS + r"(y - t)^\top x"),
        (ROW, r"\frac{\partial L}{\partial x} = (y - t) W^\top", r"\frac{\partial L}{\partial x} = (t - y) W^\top"),
    ],
)
def test_a_derivation_with_matrices(text: str, right: str, wrong: str) -> None:
    assert last(text, right) in HOLDS
    assert last(text, wrong) not in HOLDS


def test_an_array_of_unknown_shape_is_neither_accused_nor_believed() -> None:
    for claim in (r"\frac{\partial L}{\partial W} = x^\top d", r"\frac{\partial L}{\partial W} = d x^\top"):
        assert last("$$L = f$$\n\n", claim) is ClaimStatus.UNDECIDED
    report = proofread_text(r"$$M^\top N = N M$$" "\n")
    assert report.claims[0].status is ClaimStatus.UNDECIDED
    assert "shape" in report.claims[0].verdict.reason


def test_numbers_are_no_arrays() -> None:
    assert proofread_text(r"$y = w x$, $L = (y - t)^2$ and $\frac{\partial L}{\partial w} = 2 x (y - t)$." "\n").ok


@pytest.mark.parametrize(
    ("right", "is_wrong"),
    [
        (r"\begin{bmatrix} 2.5 \\ 5.5 \end{bmatrix}", False),
        (r"\begin{bmatrix} 2.51 \\ 5.49 \end{bmatrix}", False),  # near is near
        (r"\begin{bmatrix} 2.5 \\ 5.6 \end{bmatrix} = \begin{bmatrix} 2.5 \\ 5.9 \end{bmatrix}", True),
    ],
)
def test_arrays_of_numbers_that_are_said_to_be_near(right: str, is_wrong: bool) -> None:
    matrix = r"\begin{bmatrix} 1 & 1 \\ 3 & 1 \end{bmatrix} \begin{bmatrix} 1.5 \\ 1.0 \end{bmatrix}"
    report = proofread_text(rf"$$ {matrix} \approx {right} $$")
    assert any(item.status is ClaimStatus.DIFFERS for item in report.claims) is is_wrong
