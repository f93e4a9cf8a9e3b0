"""What a text leaves open accuses nobody, and the rest is decided: dots, letters that may be functions, conditions."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, STATED, ClaimStatus, Judgement
from symbackprop.proofreading.corrected import corrected
from symbackprop.proofreading.proofread import proofread_text


def last(text: str) -> Judgement:
    return proofread_text(text).claims[-1]


DOTS = r"The samples are $X = \begin{pmatrix} x_{11} & \cdots \\ \vdots & \ddots \end{pmatrix}$ and $Z = X^T W$. "


def test_what_is_written_with_dots_is_an_array_like_any_other() -> None:
    report = proofread_text(DOTS + "$$Z^T = W^T X$$\n")
    assert report.claims[0].status in STATED
    assert report.claims[-1].status in HOLDS
    assert last(DOTS + "$$Z^T = X W$$\n").status not in HOLDS
    assert last(DOTS + r"$$X = 2 W$$" "\n").status is not ClaimStatus.DIFFERS  # the dots may say so


@pytest.mark.parametrize(
    "text",
    [
        r"$$C = \sum_{t=1}^T \sigma_t c_t$$ $$\tanh(z) = 2\sigma(2z) - 1$$",  # a function, and weights of the same letter
        r"$$\left|\left[a_{11}\right]\right| = a_{11}$$ $$b = a_{11} c$$",  # a determinant
        r"$p = 0.3$ and $q = 2$. $$P (p = q) = 0.5$$",
        r"Let $A \in \mathbb{R}^{n \times n}$ and $s = \sum_{i=1}^m x_i$. "
        r"$$\sum_{i \neq k} A_{ik} x_i + A_{kk} x_k = \sum_{i=1}^n A_{ik} x_i$$",
        r"$\frac{d z_k}{d x} = \mathbf{w}_k$ where $z_k = w_k x$ and $w = \begin{pmatrix} 1 \\ 2\end{pmatrix}$.",
        r"By Einstein's convention: $u_k = A_{kj} x_j$. $$x_i A_{ij} x_j = u_k x_k$$",
    ],
)
def test_nobody_is_accused(text: str) -> None:
    assert proofread_text(text).ok


SUMS = r"With $U_{nk} = \sum_j H_{nj} V_{jk}$: "


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"\frac{\partial U_{nk}}{\partial V_{jk}} = H_{nj}", r"\frac{\partial U_{nk}}{\partial V_{jk}} = H_{nn}"),
        (r"\frac{\partial U_{nk}}{\partial H_{nj}} = V_{jk}", r"\frac{\partial U_{nk}}{\partial H_{nj}} = V_{jj}"),
        (r"\frac{\partial U_{nk}}{\partial H_{nj}} = V_{jk}", r"\frac{\partial U_{nk}}{\partial H_{nj}} = V_{kj}"),
    ],
)
def test_a_letter_that_occurs_twice_is_summed_over_only_where_sums_are(right: str, wrong: str) -> None:
    assert last(f"{SUMS}$${right}$$\n").status in HOLDS
    assert last(f"{SUMS}$${wrong}$$\n").status is ClaimStatus.DIFFERS


def test_a_sum_whose_letter_is_missed_out_for_another_one_twice() -> None:
    text = SUMS + r"$P_{nk} = e^{U_{nk}} / \sum_l e^{U_{nl}}$ and $$\ln P_{nk} = U_{nk} - \ln \sum_l e^{U_{nn}}$$" "\n"
    report = proofread_text(text)
    assert [finding.repair for finding in report.findings] == ["l"]
    assert corrected(report) == text.replace("U_{nn}", "U_{nl}")
    assert proofread_text(corrected(report)).ok


@pytest.mark.parametrize(
    "text",
    [
        r"$E = w x$ and $$\pdv{E}{w} = x\onedot$$",
        r"$$\abs{-x} = \abs{x}$$",
        r"$L = e^{\hat{y}}$ and $$\frac{\partial^2 L}{{\partial \hat{y}}^2} = e^{\hat{y}}$$",
        "$$\\begin{array}\n\\\n\\frac{\\partial}{\\partial w} w^2 = 2 w\n\\end{array}$$",
        r"$$\frac{\mathrm{d}}{\mathrm{d} w} w^2 = 2 w$$",
    ],
)
def test_spellings_of_packages(text: str) -> None:
    assert last(text).status in HOLDS
    assert last(text.replace("2 w", "3 w").replace("= x", "= w").replace(r"\abs{x}", r"\abs{2 x}")) is not None


def test_a_derivative_reaches_no_further_than_its_fraction() -> None:
    said = r"Let $a = w x$. "
    assert last(said + r"$$\frac{\partial (w a)}{\partial w} = a$$").status is ClaimStatus.DIFFERS
    assert last(said + r"$$\frac{\partial}{\partial w} w a = a$$").status in HOLDS


def test_a_quantity_with_a_list_of_what_it_rests_on() -> None:
    said = r"With $z = w x + b$ and $a = \frac{1}{1 + e^{-z}}$ let $$J(w, b) = -(y \ln a + (1 - y) \ln(1 - a))$$ "
    assert last(said + r"$$\frac{\partial J(w, b)}{\partial w} = (a - y) x$$").status in HOLDS
    assert last(said + r"$$\frac{\partial J}{\partial b} = y - a$$").status is ClaimStatus.DIFFERS
    assert last(r"$y = 3 t$ and $$\sigma(z) = y$$").status is ClaimStatus.UNDECIDED


def test_the_next_value_of_a_name_is_no_claim() -> None:
    assert last(r"$$v' = v - \eta \nabla C$$").status is ClaimStatus.ASSIGNMENT
    assert last(r"$y = 1/(1 + e^{-z})$ and $$y' = y - y^2$$").status is not ClaimStatus.ASSIGNMENT


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (
            r"\frac{\partial L}{\partial b} = \frac{\partial L}{\partial u}",
            r"\frac{\partial L}{\partial b} = \frac{\partial L}{\partial h}",
        ),
        (
            r"\frac{\partial L}{\partial u} = (f - t) \odot \sigma'(u)",
            r"\frac{\partial L}{\partial u} = (f - t) \odot \sigma'(f)",
        ),
    ],
)
def test_small_letters_may_be_vectors(right: str, wrong: str) -> None:
    """Of whose shape the text says nothing; and a function that the text defines has a slope at each entry."""
    said = r"$\sigma(z) = \frac{1}{1 + e^{-z}}$, $u = W x + U h + b$, $f = \sigma(u)$, $L = \frac{1}{2} \|f - t\|^2$. "
    assert last(f"{said}$${right}$$\n").status in HOLDS
    assert last(f"{said}$${wrong}$$\n").status not in HOLDS


def test_a_slope_that_is_said_to_be_a_matrix_tells_no_function() -> None:
    assert last(r"$$\sigma'(z) = \frac{\sigma(z)}{\begin{pmatrix} 1 & 2 \\ 3 & 4\end{pmatrix}}$$").status is ClaimStatus.UNDECIDED
