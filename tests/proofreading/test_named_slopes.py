"""A loss without a formula, of whose slope a text gives a name: `δ = ∂L/∂u` decides what follows of it by the chain rule."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

SCALAR = r"With the sigmoid $\sigma$, $g = \sigma(z)$ and $h = g c$, and with $d = \frac{\partial E}{\partial h}$, "
ARRAY = (
    r"The sums are $u_i = \sum_{j=1}^n w_{ij} x_j + b_i$ for $i = 1, …, m$, and $\frac{\partial L}{\partial u_i} = \delta_i$. "
)
ENTRIES = r"""
$$ \begin{bmatrix} u_{1, 1} & u_{1, 2} \\ \end{bmatrix} = \\
\begin{bmatrix} \begin{matrix} x_{1, 1} k_{1, 1} + \\ x_{1, 2} k_{1, 2} \end{matrix} & x_{1, 2} k_{1, 1} + x_{1, 3} k_{1, 2} \\ \\
\end{bmatrix} $$

The error is $\delta_{i, j} = \frac{\partial L}{\partial u_{i, j}}$. So """

RIGHT = (
    SCALAR + r"$$ \frac{\partial E}{\partial c} = d g $$",
    SCALAR + r"$$ \frac{\partial E}{\partial z} = d c g (1 - g) $$",
    ARRAY + r"$$ \frac{\partial L}{\partial w_{ij}} = \delta_i x_j $$",
    ARRAY + r"$$ \frac{\partial L}{\partial x_j} = \sum_{i=1}^m \delta_i w_{ij} $$",
    ENTRIES + r"$$ \frac{\partial L}{\partial x_{1, 2}} = \delta_{1, 1} k_{1, 2} + \delta_{1, 2} k_{1, 1} $$",
)
OTHER = (
    SCALAR + r"$$ \frac{\partial E}{\partial c} = d c $$",
    SCALAR + r"$$ \frac{\partial E}{\partial z} = d c g (1 + g) $$",
    ARRAY + r"$$ \frac{\partial L}{\partial w_{ij}} = \delta_j x_i $$",
    ENTRIES + r"$$ \frac{\partial L}{\partial x_{1, 2}} = \delta_{1, 1} k_{1, 2} + \delta_{1, 2} k_{1, 2} $$",
)


@pytest.mark.parametrize("text", RIGHT)
def test_what_follows_of_a_named_slope_holds(text: str) -> None:
    verdict = proofread_text(text).claims[-1].verdict
    assert verdict.status in HOLDS
    assert "depends on the rest through" in verdict.reason


@pytest.mark.parametrize("text", OTHER)
def test_what_does_not_follow_is_open(text: str) -> None:
    assert proofread_text(text).claims[-1].status is ClaimStatus.UNDECIDED


def test_a_loss_with_a_formula_is_judged_by_it() -> None:
    text = r"With $h = g c$, $E = (h - t)^2$ and $d = \frac{\partial E}{\partial h}$, $$ \frac{\partial E}{\partial c} = d g $$"
    assert proofread_text(text).claims[-1].status is ClaimStatus.ALWAYS
    assert proofread_text(text.replace("d g", "d c")).claims[-1].status is ClaimStatus.DIFFERS


def test_what_a_matrix_says_of_entries_that_have_a_formula_is_a_claim() -> None:
    said = r"Let $v_{1,1} = 2 a$ and $v_{1,2} = 3 a$. Then "
    text = said + r"$$ \begin{bmatrix} v_{1,1} & v_{1,2} \end{bmatrix} = \begin{bmatrix} 2 a & 4 a \end{bmatrix} $$"
    assert proofread_text(text).claims[-1].status is not ClaimStatus.DEFINITION
