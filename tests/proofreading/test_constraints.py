"""What a text sets, demands or lets be is no claim; what it says besides is."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

NET = r"$z = w x$ and $E = (z - t)^2$. "


@pytest.mark.parametrize(
    "text",
    [
        r"The probabilities keep $\sum_k p_k = 1$.",
        r"We minimise it, s.t. $\sum_k q_k x_k = 3$, $q_k$",
        NET + r"It is minimised subject to $z = t$.",
        NET + r"在约束条件 $z = t$ 下求解。",
        NET + r"$$ \min_w E \quad \text{s.t.} \quad z = 2 t $$",
        NET + r"Now let $z = w x + b$, and so $\frac{\partial z}{\partial b} = 1$.",
        NET + r"令 $z = w x + b$，于是 $\frac{\partial z}{\partial b} = 1$。",
    ],
)
def test_a_condition_is_no_claim(text: str) -> None:
    report = proofread_text(text)
    assert report.ok, report.text(everything=True)
    assert report.complete, report.text(everything=True)


def test_what_is_summed_to_one_is_one_from_there_on() -> None:
    text = r"Let $\sum_k p_k = 1$. Then $$ L = \sum_k p_k (a + b) $$ $$ L = a + b $$"
    assert [item.status for item in proofread_text(text).claims][-1] is ClaimStatus.ALWAYS
    wrong = text.replace(r"$$ L = a + b $$", r"$$ L = a - b $$")
    assert proofread_text(wrong).claims[-1].status is not ClaimStatus.ALWAYS


def test_let_begins_anew_and_a_mistake_after_it_is_found() -> None:
    text = NET + r"Now let $z = w x + b$. $$ \frac{\partial z}{\partial b} = CLAIM $$"
    assert proofread_text(text.replace("CLAIM", "1")).ok
    assert not proofread_text(text.replace("CLAIM", "x")).ok
