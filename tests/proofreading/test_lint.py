"""Slips that show in how a formula is written are found in their place; what is only unusual is left alone."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.corrected import corrected
from symbackprop.proofreading.proofread import proofread_text

LINK = r"$\frac{\partial z}{\partial x} = w$ and "
CHAIN = r"$$\frac{\partial E}{\partial x} = \frac{\partial E}{\partial y} \frac{\partial y}{\partial z}"

SLIPS = {
    r"$$p_i = \frac{e^{z_i}}{\sum_{k=1}^K e^{z_i}}$$": r"$$p_i = \frac{e^{z_i}}{\sum_{k=1}^K e^{z_k}}$$",
    r"$z_k = 1$, $$q_j = u_j / \sum_k u_j$$": r"$z_k = 1$, $$q_j = u_j / \sum_k u_k$$",
    r"$$\frac{\partial z_j}{\partial x_i} = w_i j$$": r"$$\frac{\partial z_j}{\partial x_i} = w_{ij}$$",
    r"$$a_4 = s(w_{41} x_4 + w_{42} x_2 + w_{43} x_3 + b)$$": r"$$a_4 = s(w_{41} x_1 + w_{42} x_2 + w_{43} x_3 + b)$$",
    r"$$a_4 = s(w_{41} x_1 + w_{42} x_2 + w_{43} a_3)$$": r"$$a_4 = s(w_{41} x_1 + w_{42} x_2 + w_{43} x_3)$$",
    r"$\mu = \frac{1}{m} \sum_{i=1}^m x_i$, $$\hat x_i = \frac{x_i + \mu}{\sqrt{v + \epsilon}}$$": (
        r"$\mu = \frac{1}{m} \sum_{i=1}^m x_i$, $$\hat x_i = \frac{x_i - \mu}{\sqrt{v + \epsilon}}$$"
    ),
    LINK + CHAIN + "$$": LINK + CHAIN + r" \frac{\partial z}{\partial x}$$",
}


@pytest.mark.parametrize("text", SLIPS)
def test_slips_are_found_and_put_right(text: str) -> None:
    report = proofread_text(text)
    assert not report.ok
    assert corrected(report) == SLIPS[text]
    assert not proofread_text(SLIPS[text]).findings


@pytest.mark.parametrize(
    "text",
    [
        r"$$\frac{\partial C}{\partial w_j} = \frac{1}{n} \sum_x x_j (a - y)$$",  # over samples, which are no index
        r"$$p_i = \frac{e^{z_i}}{\sum_{k=1}^K e^{z_k}}$$",
        r"$$c = \sum_{k=1}^K 1$$ $$C = \sum_{k=1}^K c$$",
        r"$$y = w_{41} x_1 + w_{42} x_2$$ $$z = w_7 h_1 + w_9 h_2 + w_{11} h_3$$",
        r"$$y = u_{11} x_1 + u_{12} x_2 + v_{11} h_1$$",
        LINK.replace("w", "1") + CHAIN + "$$",
        r"$\mu = \frac{1}{m} \sum_{i=1}^m x_i$, $$\hat x_i = \frac{x_i - \mu}{\sqrt{v + \epsilon}}$$ and $y_i = x_i + \mu$",
    ],
)
def test_what_is_unusual_is_no_slip(text: str) -> None:
    assert not proofread_text(text).findings


def test_an_underscore_in_a_label_ends_no_document() -> None:
    report = proofread_text(r"$${s_{3\_f}}_{nj} = 2 {x_{3\_f}}_{nj}$$ With $a = 2$ is $3 a = 7$.")
    assert [claim.verdict.status.value for claim in report.claims][-1] == "differs"


def test_a_decay_that_grows_with_the_step() -> None:
    rate = r"$$ decayed\_rate = learning\_rate * POWER $$"
    (found,) = proofread_text(rate.replace("POWER", r"e^{\frac{-decay\_rate}{global\_step}}")).findings
    assert "grows" in found.message
    falling = (
        r"e^{-k * global\_step}",
        r"e^{\frac{-global\_step}{k}}",
        r"k^{\frac{global\_step}{decay\_steps}}",
        r"e^{\frac{k}{global\_step}}",
    )
    assert [proofread_text(rate.replace("POWER", power)).findings for power in falling] == [()] * len(falling)
