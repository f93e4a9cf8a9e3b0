"""What holds whatever a text leaves open: shapes that it does not say, matrices written out, names of which nothing is known."""

from __future__ import annotations

from time import process_time

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus, Judgement
from symbackprop.proofreading.corrected import corrected
from symbackprop.proofreading.proofread import proofread_text

ARRAYS = "Let $C_1 = A^T$, $C_2 = B^T$, $C_3 = M^T$, $c_1 = u^T$, $c_2 = v^T$ and $c_3 = c^T$.\n\n"


def last(claim: str, before: str = "") -> Judgement:
    return proofread_text(f"{before}$${claim}$$\n").claims[-1]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"(A B)^T = B^T A^T", r"(A B)^T = A^T B^T"),
        (r"A (B + M) = A B + A M", r"A (B + M) = A B + M A"),
        (r"\operatorname{tr}(A^T B) = \operatorname{tr}(B A^T)", r"\operatorname{tr}(A^T B) = \operatorname{tr}(A B)"),
        (r"(A B)^{-1} = B^{-1} A^{-1}", r"(A B)^{-1} = A^{-1} B^{-1}"),
        (r"A^{-1} A = I", r"A^{-1} A = A"),
        (r"u^T v = v^T u", r"u v^T = v u^T"),
        (r"\|u - v\|^2 = u^T u - 2 u^T v + v^T v", r"\|u - v\|^2 = u^T u - u^T v + v^T v"),
        (r"\frac{\partial (u^T A u)}{\partial u} = (A + A^T) u", r"\frac{\partial (u^T A u)}{\partial u} = 2 A u"),
        (r"|A B| = |A| |B|", r"|A + B| = |A| + |B|"),
        (r"u^T (v + c) = u^T v + u^T c", r"u^T (v + c) = u^T v + u c^T"),
    ],
)
def test_an_array_has_the_shape_that_fits(right: str, wrong: str) -> None:
    """Where the shapes are not said, what holds is said to hold for those that fit, and nothing is accused."""
    found = last(right, ARRAYS)
    assert found.status in HOLDS
    assert "where" in found.verdict.reason
    assert last(wrong, ARRAYS).status is ClaimStatus.UNDECIDED


def test_a_letter_that_is_an_array_elsewhere_may_be_a_number() -> None:
    found = last(r"\frac{d}{du} 3 u^2 = 6 u", ARRAYS)
    assert found.status in HOLDS
    assert found.verdict.reason == "where u is a number"
    assert last(r"\frac{d}{du} 3 u^2 = 3 u", ARRAYS).status is ClaimStatus.UNDECIDED


TWO = r"$x=\begin{bmatrix}1\\2\end{bmatrix}$ and $W=\begin{bmatrix}1 & 2\\3 & 4\end{bmatrix}$. "


@pytest.mark.parametrize(
    ("right", "wrong", "mended"),
    [
        (r"W x = \begin{bmatrix}5\\11\end{bmatrix}", r"W x = \begin{bmatrix}5\\10\end{bmatrix}", True),
        (r"W^T x = \begin{bmatrix}7\\10\end{bmatrix}", r"W^T x = \begin{bmatrix}5\\11\end{bmatrix}", False),
        (
            r"\begin{pmatrix}0.1\\0.25\end{pmatrix} \odot W x = \begin{pmatrix}0.5\\2.75\end{pmatrix}",
            r"\begin{pmatrix}0.1\\0.25\end{pmatrix} \odot W x = \begin{pmatrix}0.5\\2.57\end{pmatrix}",
            True,
        ),
    ],
)
def test_matrices_written_out_in_numbers(right: str, wrong: str, mended: bool) -> None:
    assert last(right, TWO).status in HOLDS
    report = proofread_text(f"{TWO}$${wrong}$$\n")
    assert report.claims[-1].status is ClaimStatus.DIFFERS
    assert (report.claims[-1].remedy is not None) is mended
    assert not mended or proofread_text(corrected(report)).ok


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (
            r"M v = \begin{pmatrix} a p + b q \\ d p + e q \end{pmatrix}",
            r"M v = \begin{pmatrix} a p + d q \\ b p + e q \end{pmatrix}",
        ),
        (
            r"v^T M = \begin{pmatrix} p a + q d & p b + q e \end{pmatrix}",
            r"v^T M = \begin{pmatrix} p a + q b & p d + q e \end{pmatrix}",
        ),
        (
            r"\frac{\partial (v^T v)}{\partial v} = \begin{pmatrix} 2 p \\ 2 q \end{pmatrix}",
            r"\frac{\partial (v^T v)}{\partial v} = \begin{pmatrix} p \\ q \end{pmatrix}",
        ),
    ],
)
def test_matrices_written_out_in_letters(right: str, wrong: str) -> None:
    said = r"$M=\begin{pmatrix} a & b\\ d & e\end{pmatrix}$, $v=\begin{pmatrix} p\\ q\end{pmatrix}$. "
    assert last(right, said).status in HOLDS
    assert last(wrong, said).status is ClaimStatus.DIFFERS


def test_a_derivative_by_what_is_written_out_cuts_the_graph_there() -> None:
    said = r"$v=\begin{pmatrix} p\\ q\end{pmatrix}$ and $E = v^T v$. "
    assert last(r"\frac{\partial E}{\partial v} = 2 v", said).status in HOLDS


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"\sum_{j \neq i} x_j = \sum_j x_j - x_i", r"\sum_{j \neq i} x_j = \sum_j x_j + x_i"),
        (r"\sum_{i,j} a_{ij} = \sum_i \sum_j a_{ij}", r"\sum_{i,j} a_{ij} = 2 \sum_i \sum_j a_{ij}"),
        (r"\sum_{i=1}^{|D|} 2 x_i = 2 \sum_{i=1}^{|D|} x_i", r"\sum_{i=1}^{|D|} 2 x_i = \sum_{i=1}^{|D|} x_i"),
        (r"\sum_{j=1}^{d_1} 2 x_j = 2 \sum_{j=1}^{d_1} x_j", r"\sum_{j=1}^{d_1} 2 x_j = 3 \sum_{j=1}^{d_1} x_j"),
    ],
)
def test_sums_over_some_places(right: str, wrong: str) -> None:
    assert last(right).status in HOLDS
    assert last(wrong).status not in HOLDS


def test_an_index_is_an_index_whatever_number_was_said_of_it() -> None:
    said = r"For $j = 1$ and $m = 3$: let $S = \sum_{k=1}^m e^{z_k}$ and $a_j = e^{z_j} / S$. "
    assert last(r"\ln a_j = z_j - \ln S", said).status in HOLDS
    assert last(r"\ln a_j = z_j + \ln S", said).status not in HOLDS


@pytest.mark.parametrize("claim", [r"\sum_i^n x_i = x_1", r"\sum_{i=1}^n x_i = x_1"])
def test_a_sum_is_not_its_first_entry(claim: str) -> None:
    """Not even as what would say what the name of the entry stands for."""
    assert last(claim).status is ClaimStatus.UNDECIDED


def test_a_step_of_algebra_holds_whatever_its_names_stand_for() -> None:
    said = r"Let $p = (q_1, \dots, q_n)$ and $r = f(\dots)$. "
    assert last(r"p (r - 1) = p r - p", said).status in HOLDS
    assert last(r"p (r - 1) = p r + p", said).status not in HOLDS
    assert (
        last(
            r"\frac{\partial p}{\partial t} (r - 1) = r \frac{\partial p}{\partial t} - \frac{\partial p}{\partial t}", said
        ).status
        in HOLDS
    )
    assert last(r"\frac{\partial p}{\partial t} (r - 1) = r \frac{\partial t}{\partial p}", said).status not in HOLDS


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (
            r"\frac{dy}{dx} = \frac{dy}{dg} \frac{dg}{dh} \frac{dh}{dx}",
            r"\frac{dy}{dx} = \frac{dy}{dg} \frac{dg}{dx} \frac{dh}{dx}",
        ),
        (
            r"\frac{\partial L}{\partial z_i} = \sum_j \frac{\partial L}{\partial a_j} \frac{\partial a_j}{\partial z_i}",
            r"\frac{\partial L}{\partial z_i} = \frac{\partial L}{\partial a_j} \frac{\partial a_j}{\partial z_i}",
        ),
        (
            r"\frac{\partial L}{\partial w} = \frac{\partial L}{\partial p} \frac{\partial p}{\partial w} + "
            r"\frac{\partial L}{\partial q} \frac{\partial q}{\partial w}",
            r"\frac{\partial L}{\partial w} = \frac{\partial L}{\partial p} \frac{\partial p}{\partial w} + "
            r"\frac{\partial L}{\partial p} \frac{\partial p}{\partial w}",
        ),
        (r"\frac{dy}{dx} = \frac{dy}{dg} \frac{dg}{dx}", r"\frac{d^2 y}{dx^2} = \frac{dy}{dx} \frac{dy}{dx}"),
    ],
)
def test_the_chain_rule_needs_no_formulas(right: str, wrong: str) -> None:
    """But what lies between is named; and that both sides are 0 where paths are left out proves nothing."""
    found = last(right)
    assert found.status is ClaimStatus.EXAMPLE
    assert "where nothing else than" in found.verdict.reason
    assert last(wrong).status is ClaimStatus.UNDECIDED


def test_what_is_told_again_by_way_of_a_name_is_cut_there() -> None:
    """`a = σ(w x + b)`, later `z = w x + b` and `a = σ(z)`: a rests on z."""
    said = r"Let $\sigma(t) = 1/(1 + e^{-t})$, $a = \sigma(w x + b)$ and $z = w x + b$, so that $a = \sigma(z)$. "
    assert last(r"\frac{\partial a}{\partial z} = a (1 - a)", said).status in HOLDS
    assert last(r"\frac{\partial a}{\partial z} = a (1 + a)", said).status is ClaimStatus.DIFFERS
    assert last(r"\frac{\partial a}{\partial w} = a (1 - a) x", said).status in HOLDS


def test_numbers_beyond_all_measure_take_no_time() -> None:
    start = process_time()
    assert last("f(" * 60 + "x" + ")" * 60 + " = y").status is ClaimStatus.UNDECIDED
    assert process_time() - start < 2


@pytest.mark.parametrize("formula", ["(" * 400 + "x" + ")" * 400 + " = 1", r"\sqrt{" * 200 + "x" + "}" * 200 + " = y"])
def test_what_is_nested_deeper_than_anybody_writes_is_not_read(formula: str) -> None:
    assert last(formula).status is ClaimStatus.UNREAD
