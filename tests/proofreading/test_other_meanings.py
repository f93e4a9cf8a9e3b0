"""What a text means besides what is written accuses nobody; beside it, what is wrong is still found."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

LOGITS = r"Let $z_1 = x w + b_1$, $z_2 = x w + b_2$, $z_3 = x w + b_3$ and $$a_i = \frac{e^{z_i}}{\sum_k e^{z_k}}$$ "
SQUARES = r"Let $q = \sum_{i=1}^n \sum_{j=1}^n A_{ij} x_i x_j$ with a symmetric $A$. "
PRODUCT = r"$c_{pq} = \sum_{k=1}^K a_{pk} b_{kq}$" + "\n\n### $i = p$\n\nIn this case, as told above,\n\n"
QUADRATIC = r"For a symmetric $A \in \mathbb{R}^{n \times n}$ and $x \in \mathbb{R}^n$ let $q = x^T A x$. "
TIED = r"Suppose that we tie $w_1 = w_2 = v$. With $z = w_1 x_1 + w_2 x_2$ and without tying is "
TANH = r"With the sigmoid $a = \frac{1}{1 + e^{-z}}$. Now we use the tanh in its place. "

RIGHT = [
    LOGITS + r"$$\frac{e^{z_1}}{\sum_i e^{z_i}} = \frac{e^{z_1}}{e^{z_1} + e^{z_2} + e^{z_3}}$$",
    LOGITS + r"$$\sum_i e^{z_i} = e^{z_1} + e^{z_2} + e^{z_3}$$",
    LOGITS + r"$$\frac{\partial a_1}{\partial z_1} = a_1 (1 - a_1)$$",
    SQUARES + r"$$\frac{\partial q}{\partial x_k} = 2 \sum_{i=1}^n A_{ki} x_i$$",
    PRODUCT + r"$$\frac{\partial c_{pq}}{\partial a_{ij}} = b_{jq}$$",
    TIED + r"$$\frac{\partial z}{\partial w_2} = x_2$$",
    TANH + r"$$\frac{\partial a}{\partial z} = (1 - a)(1 + a)$$",
    QUADRATIC + r"$$\frac{\partial q}{\partial x} = 2 x^T A$$",
    r"$f(x) = \frac{1}{4} x^4 - x^2 + \frac{1}{2}$ and $f(0) = \frac{1}{2}$",
    r"$\log_2 8 = 3$",
    r"$log_{3} 9 = 2$",
    r"$y = log_{e} x$ and $e^y = x$",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_meant_holds(text: str) -> None:
    report = proofread_text(text)
    assert report.ok, report.text()
    assert report.claims[-1].status in HOLDS, report.text()


@pytest.mark.parametrize(
    "text",
    [
        SQUARES + r"$$\frac{\partial q}{\partial x_k} = 3 \sum_{i=1}^n A_{ki} x_i$$",
        SQUARES.replace("symmetric", "square") + r"$$\frac{\partial q}{\partial x_k} = 2 \sum_{i=1}^n A_{ki} x_i$$",
        PRODUCT + r"$$\frac{\partial c_{pq}}{\partial a_{ij}} = 2 b_{jq}$$",
        TIED + r"$$\frac{\partial z}{\partial w_2} = 3 x_2$$",
        TANH + r"$$\frac{\partial a}{\partial z} = (1 - a)(2 + a)$$",
        TANH.replace("tanh", "rest") + r"$$\frac{\partial a}{\partial z} = (1 - a)(1 + a)$$",
        r"$f(x) = \frac{1}{4} x^4 - x^2 + \frac{1}{2}$ and $f(0) = \frac{1}{3}$",
        r"$\log_2 8 = 4$",
        r"$log_{3} 9 = 3$",
    ],
)
def test_what_nothing_explains_differs(text: str) -> None:
    assert proofread_text(text).claims[-1].status is ClaimStatus.DIFFERS


@pytest.mark.parametrize(
    "text",
    [
        r"$z_1 = x w + b_1$ and $z_2 = x w + b_2$ and so on: $$\sum_{i=1}^n e^{z_i} = e^{z_1} + e^{z_2}$$",  # how many?
        r"$E = e^{z_1} + e^{z_2} + e^{z_3}$, $a_j = e^{z_j} / E$, $\sum_{i=1}^m e^{z_i} = e^{z_1} + \dots + e^{z_m}$ and "
        r"$$\frac{\partial}{\partial z_j} (e^{z_j} / E) = \frac{e^{z_j} E - e^{z_j} e^{z_j}}{E^2}$$",
        r"$o_t = \sigma(w h_{t-1} + u x_t)$, $c_t = f_t c_{t-1} + o_t$ and $$h_t = o_t \tanh(c_t)$$",
        r"$\epsilon = 0.3$, $2 \epsilon = 0.6$, "
        r"$$\frac{e^{-a}}{e^a + e^{-a}} = \frac{1}{e^{2 a} + 1} \Rightarrow e^{2 a} + 1 = \frac{1}{\epsilon}$$",
        r"$$A^{(10 \times 8)} * W^{(5 \times 5)} = Z^{(6 \times 4)}$$",
        r"$y = X w$ has the shape $(n \times (m + 1)) \times ((m + 1) \times 1) = (n \times 1)$",
        r"With $A_{ij} = a_{ij}$, $$\|\alpha_j\|_2^2 = \sum_{i=1}^m |a_{ij}|^2$$ and $\|\alpha_j\|^2 = \alpha_j^T \alpha_j$",
        r"From $\sum_{k=1}^n x_k = 1$ follows $$x_1 = x_2 = \dots = x_n = \frac{1}{n}$$",
        r"If $f(x) = x^{-1}$, then $f'(x) = -x^{-2}$. If $f(x) = \sqrt(x) = x^{1/2}$, then $f'(x) = \frac{1}{2} x^{-1/2}$.",
        r"$$d_{b_o} = \sum_{t=1}^{m} d_{b_{o,t}} = \sum_{t=1}^{m} \delta_{z_{ot}}$$",
        r"$$\sum_{i=1}^m u_j^2 = u_j^2 \sum_{i=1}^m 1 = m u_j^2$$",
        r"$$\sum_{i=1}^m \sum_{j=1}^m u_i = m \sum_{i=1}^m u_i$$",
    ],
)
def test_what_is_not_certain_accuses_nobody(text: str) -> None:
    assert proofread_text(text).ok, proofread_text(text).text()


def test_code_whose_value_is_a_list_of_lists_is_no_number() -> None:
    assert proofread_text("```python\nx = [[1, 2], [3, 4]]\nprint(x)\n```\n\n```\n[1. 2.]\n```\n").ok
