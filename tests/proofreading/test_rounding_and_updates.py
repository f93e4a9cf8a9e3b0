"""What is right is never accused: numbers rounded on the way, new values of parameters, functions that are made of pieces."""

from __future__ import annotations

import math

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

NEURON = (
    r"The inputs are $x_1 = 0.5$, $x_2 = -1.2$, the target is $t = 0.3$; $w_1 = 0.8$, $w_2 = -0.4$, $b = 0.1$. The sigmoid is "
    "$\\sigma$.\n\n$$z = w_1 x_1 + w_2 x_2 + b$$\n\n$$y = \\sigma(z)$$\n\n$$E = \\frac{1}{2} (t - y)^2$$\n\n"
)
Z = 0.8 * 0.5 + 0.4 * 1.2 + 0.1
Y = 1 / (1 + math.exp(-Z))
SLOPE = (Y - 0.3) * Y * (1 - Y) * 0.5
NEW = 0.8 - 0.1 * SLOPE
THEN = 1 / (1 + math.exp(-(Z + 0.5 * (NEW - 0.8))))
ROUNDED = r"$$y = \frac{1}{1 + e^{-0.98}} = 0.73$$" "\n\n" r"$$\frac{\partial y}{\partial z} = y (1 - y) = 0.73 \cdot 0.27 = "
STEP = rf"$$w_1^+ = w_1 - 0.1 \cdot {SLOPE:.6f} = {NEW:.6f}$$" "\n\nNow "


def statuses(text: str) -> list[ClaimStatus]:
    return [item.status for item in proofread_text(NEURON + text).claims]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (ROUNDED + "0.197$$", ROUNDED + "0.187$$"),
        (STEP + f"$y = {THEN:.4f}$.", STEP + f"$y = {THEN + 0.002:.4f}$."),
        (
            f"$w_1' = 0.8 - 0.1 \\cdot {SLOPE:.6f} = {NEW:.6f}$, $y = {THEN:.4f}$.",
            f"$w_1' = 0.8 - 0.2 \\cdot {SLOPE:.6f} = {NEW:.6f}$",
        ),
        (rf"$w_1^{{new}} = {NEW:.6f}$ and $y = {THEN:.4f}$.", rf"$w_1^{{new}} = {NEW:.6f}$ and $y = {THEN - 0.001:.4f}$."),
        (r"$$E = 9.12 \times 10^{-2}$$", r"$$E = 9.22 \times 10^{-2}$$"),
        (r"$$\frac{\partial E}{\partial y} = 4.27 \cdot 10^{-1}$$", r"$$\frac{\partial E}{\partial y} = 4.27 \cdot 10^{-2}$$"),
    ],
)
def test_rounded_and_updated_numbers(right: str, wrong: str) -> None:
    assert ClaimStatus.DIFFERS not in statuses(right)
    assert ClaimStatus.DIFFERS in statuses(wrong)


def test_a_derivative_does_not_stop_at_a_printed_number() -> None:
    """`f = 0.9` was printed, and its derivative is 1 all the same: a printed number does not move with what it rests on."""
    text = "With `x1 = 1` and `w1 = 0.2`, `b = 0.7`\n\n$$f = x1*w1 + b$$\n\n$$f = 1*0.2+0.7 = 0.9$$\n\n$$\\frac{df}{db} = 1$$\n"
    assert ClaimStatus.DIFFERS not in [item.status for item in proofread_text(text).claims]
    wrong = text.replace("{df}{db} = 1", "{df}{db} = 2")
    assert proofread_text(wrong).claims[-1].status is ClaimStatus.DIFFERS


def test_a_wrong_value_is_no_number_to_start_from() -> None:
    text = "With `x = 2` and `w = 0.2`\n\n$$f = x*w$$\n\n$$f = 2*0.2 = 0.43$$\n"
    assert proofread_text(text).claims[-1].status is ClaimStatus.DIFFERS


@pytest.mark.parametrize("claim", [r"\frac{\partial h}{\partial z} = 1", r"h = z", r"\frac{\partial h}{\partial w} = x"])
def test_a_formula_in_pieces_is_looked_at_in_every_piece(claim: str) -> None:
    report = proofread_text(f"$$z = w x + b$$\n\n$$h = \\max(0, z)$$\n\n$${claim}$$\n")
    assert report.assumed == {}
    assert report.claims[-1].status not in (ClaimStatus.ALWAYS, ClaimStatus.EXAMPLE)


def test_a_function_is_no_name_that_a_number_explains() -> None:
    text = "$x = 0.9$, $y = \\tanh(x)$ and $y = \\tanh(0.9) = 0.7163$."
    assert proofread_text(text).ok
    assert not proofread_text(text.replace("= 0.7163", "= 0.7263")).ok


def test_a_goal_is_no_chain_of_calculations() -> None:
    text = "$f = 0.9$. The distance that is left to the goal is\n\n$$d = f - 4.9517 = -4.0517$$\n"
    assert proofread_text(text).ok
    assert not proofread_text(text.replace("-4.0517", "-4.0617")).ok
