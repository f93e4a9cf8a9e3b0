"""What the text says around an `=` explains it: a number moved a little, an equation that is demanded, a target's few values.

What nothing around it explains differs as before: every case has its wrong twin.
"""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

CHAIN = r"Let $b = 4$, $c = 2$, $u = b c$ and $Q = 5 u$, so $Q = 40$. "
CONDITIONS = r"It is required that $\sum_i s_i r_i = 0$ holds. "
SIGNS = r"Every target is $y_i \in \{-1, +1\}$. Let $z = p_1 y_1 + p_2 y_2$. "

RIGHT = (
    CHAIN + "If $u$ becomes 8.002, then $Q = 5 u = 40.01$.",
    CHAIN + "若把$b$增加到4.01，就有$5 b c = 40.1$。",
    CHAIN + r"This is $\frac{{dQ}}{{du}} = 5$ and $\frac{{dQ}}{db} = 10$; in the program $du = 5$ and $db = 10$.",
    CHAIN + "For example, with size $b = 7$, the step $u = 3$ and $c = 2$, $5 u + b = 15 + 7$.",
    CONDITIONS + r"Then $$ E = k \sum_i s_i r_i + k^2 = k^2 $$",
    SIGNS + r"So $$ p_1 = y_1 (z - p_2 y_2) $$",
    r"Let $g_w = x (a - t)$ and $w = 0.3$. The step is $w = w - 0.1 g_w$; the mean is $g_w = \frac{g_w}{m}$.",
    r"A chip of 16 cores has about $2 \cdot 10^9 \cdot 16 \cdot 32 = 10^{12}$ steps.",
    r"With $v = \sum_i w_i x_i$ the last weight of the threshold is $$ -c = -1 \cdot w_{n+1} = x_{n+1} w_{n+1} $$",
    r"Let $n_x = 3$, $m = 4$ and $T_y = 2 m$. In the case of $T_x = T_s$ both are as long; else $T_s = 9$.",
)
WRONG = (
    CHAIN + "If $u$ becomes 8.002, then $Q = 5 u = 40.02$.",
    CHAIN + "If $u$ becomes 9.5, then $Q = 5 u = 47.5$.",  # no small step: a number of its own
    CHAIN + r"This is $\frac{{dQ}}{{du}} = 4$.",
    CONDITIONS + r"With $k = w x$, $$ E = k \sum_i s_i r_i + k^2 $$ $$ \frac{\partial E}{\partial w} = k x $$",
    SIGNS + r"So $$ p_1 = y_1 (z + p_2 y_2) $$",
    r"There are $2 \cdot 10^9 \cdot 16 \cdot 32 = 10^{13}$ steps.",
)


@pytest.mark.parametrize("text", RIGHT)
def test_what_the_text_explains_is_no_mistake(text: str) -> None:
    report = proofread_text(text)
    assert report.ok, report.text(everything=True)


@pytest.mark.parametrize("text", WRONG)
def test_what_nothing_explains_differs(text: str) -> None:
    assert not proofread_text(text).ok


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        (CHAIN + "If $u$ becomes 8.002, then $5 u = 40.01$.", [ClaimStatus.EXAMPLE]),
        (SIGNS + r"So $p_1 = y_1 (z - p_2 y_2)$.", [ClaimStatus.EXAMPLE]),
        (CONDITIONS + r"Then $E = k \sum_i s_i r_i + k^2 = k^2$.", [ClaimStatus.EXAMPLE]),
        (r"Let $h = 2$. Then $h = h - 0.5$.", [ClaimStatus.ASSIGNMENT]),
    ],
)
def test_it_is_said_under_what_it_holds(text: str, statuses: list[ClaimStatus]) -> None:
    found = [item.status for item in proofread_text(text).claims]
    assert found[-len(statuses) :] == statuses


def test_a_sum_over_samples_x_does_not_use_x_as_an_index() -> None:
    text = r"$$ \frac{\partial C}{\partial w_j} = \frac{1}{n} \sum_x x_j (a - y), \quad C = \frac{1}{n} \sum_x C_x $$"
    assert proofread_text(text).findings == ()
    assert proofread_text(r"$$ S = \sum_{k=1}^K x_j a, \quad q_k = x_k $$").findings
