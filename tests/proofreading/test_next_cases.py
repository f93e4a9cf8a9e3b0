"""A second matrix of numbers is the next case, `e^i` may be the i-th e, and sums over the rows of a layer have its width."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

MATRIX = r"\begin{{bmatrix}} {0} & 0 \\ 0 & {0} \end{{bmatrix}}"
TWICE = f"First let $A = {MATRIX.format(2)}$; if it is $A = {MATRIX.format('0.5')}$ instead, then "


@pytest.mark.parametrize(("number", "status"), [("0.25", ClaimStatus.EXAMPLE), ("0.75", ClaimStatus.DIFFERS)])
def test_a_second_matrix_of_numbers_holds_from_there_on(number: str, status: ClaimStatus) -> None:
    claims = proofread_text(TWICE + f"$$ A A = {MATRIX.format(number)} $$").claims
    assert [item.status for item in claims] == [ClaimStatus.DEFINITION, ClaimStatus.SETTING, status]


def test_a_matrix_of_layers_is_given_anew() -> None:
    text = TWICE.replace("A", "A^{[l]}") + "it shrinks."
    assert ClaimStatus.DIFFERS not in {item.status for item in proofread_text(text).claims}


def test_a_matrix_that_is_worked_out_is_no_next_case() -> None:
    text = f"Let $A = {MATRIX.format(2)}$ and $B = A A$. So $$ B = {MATRIX.format(5)} $$"
    assert proofread_text(text).claims[-1].status is ClaimStatus.DIFFERS


def test_a_number_above_an_e_may_be_no_power() -> None:
    said = r"Each sample has its error $e^i$, and $\sum\limits_{i=1}^{4}e^i=3.2$ in all, though $e^2 = 7.389$ and $f = e^x$."
    statuses = [item.status for item in proofread_text(said).claims]
    assert statuses[:2] == [ClaimStatus.UNDECIDED, ClaimStatus.EXAMPLE]
    wrong = proofread_text(said.replace("7.389", "7.189")).claims[1].status
    assert wrong is ClaimStatus.DIFFERS


@pytest.mark.parametrize(("body", "status"), [("(w_{ij}^{[l]})^2", None), ("(w_{ij}^{[l]})^3", ClaimStatus.DIFFERS)])
def test_sums_over_a_layer_have_its_width(body: str, status: ClaimStatus | None) -> None:
    for first, second in (("l", "l-1"), ("l-1", "l")):
        sums = rf"\sum_{{i=1}}^{{n^{{[{first}]}}}} \sum_{{j=1}}^{{n^{{[{second}]}}}}"
        found = proofread_text(rf"$$ \left\| w^{{[l]}} \right\|_F^2 = {sums} {body} $$").claims[-1].status
        assert found is status if status else found in HOLDS


@pytest.mark.parametrize(("second", "status"), [("1 - p", ClaimStatus.ALWAYS), ("1 + p", ClaimStatus.DIFFERS)])
def test_a_second_derivative_is_no_matter_of_rounding(second: str, status: ClaimStatus) -> None:
    text = r"With the sigmoid $\sigma$, $p = \sigma(3 w)$ and $E = 100000 - \log p$. So "
    text += r"$$ \frac{\partial^2 E}{\partial w^2} = 9 p (SECOND) $$"
    assert proofread_text(text.replace("SECOND", second)).claims[-1].status is status
