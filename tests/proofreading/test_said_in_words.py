"""Numbers that a text gives in words, and one wrong digit of a long number. Every case has its wrong twin."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text
from symbackprop.proofreading.proofread_report import ProofreadReport

NEURON = r"""
With $\sigma(z) = \frac{1}{1 + e^{-z}}$ the network is $h_1 = \sigma(w_1 x_1 + b_1)$ and $y = \sigma(w_2 h_1 + b_2)$.
Here $x_1$ is the {word}.

{said}

$$ \frac{{\partial y}}{{\partial h_1}} = {slope} $$
"""
EN = "All weights are 2 and all offsets 0, and the height is 0.5: height 0.5."
ZH = "所有权重都是 2，所有偏置都是 0，而身高为 0.5。"


def _report(said: str, slope: str, word: str = "height") -> ProofreadReport:
    source = NEURON.replace(r"\frac{1}{1 + e^{-z}}", r"\frac{{1}}{{1 + e^{{-z}}}}")
    return proofread_text(source.format(said=said, slope=slope, word=word))


def _last(report: ProofreadReport) -> ClaimStatus:
    return report.claims[-1].status


@pytest.mark.parametrize(("said", "word"), [(EN, "height"), (ZH, "身高")])
def test_what_is_said_of_all_weights(said: str, word: str) -> None:
    assert _last(_report(said, "0.3055", word)) is ClaimStatus.EXAMPLE  # 2 y (1 - y) where h_1 = σ(1)
    assert _last(_report(said, "0.3155", word)) is ClaimStatus.DIFFERS


def test_what_is_said_with_two_numbers_says_none() -> None:
    twice = EN + " Later all weights are 3."
    assert _last(_report(twice, "0.3155")) is ClaimStatus.UNDECIDED
    assert _last(_report("Some weights are 2.", "0.3155")) is ClaimStatus.UNDECIDED
    assert _last(_report("All weights are 2 to 3 and all offsets 0; height 0.5.", "0.3155")) is ClaimStatus.UNDECIDED


STEP = r"""
A number `w2 = 0.5` to begin with, `x = 3`, and a learning rate of {rate}. With $L = w_2^2 x$ a step is

$$ w_2 = w_2 - \eta \frac{{dL}}{{dw_2}} = {new} $$
"""


def test_the_rate_is_said_in_words_and_the_beginning_in_code() -> None:
    assert ClaimStatus.DIFFERS not in {item.status for item in proofread_text(STEP.format(rate="0.1", new="0.2")).claims}
    assert ClaimStatus.DIFFERS in {item.status for item in proofread_text(STEP.format(rate="0.1", new="0.4")).claims}
    assert ClaimStatus.DIFFERS not in {item.status for item in proofread_text(STEP.format(rate="0.1 or 0.2", new="0.4")).claims}


DIGIT = r"Let $x = 0.7$. Then with $y = \tanh(x)$, $y = 0.6043677771171636$, and with $L = (1 - y)^2$, $L = {square} = {value}$."


@pytest.mark.parametrize(
    ("square", "value", "repair"),
    [
        ("(1 - 0.6043677771171636)^2", "0.15652485579", ""),
        ("(1 - 0.6043677771171636)^2", "0.15653485579", "0.15652485579"),
        ("(1 - 0.6043677171171636)^2", "0.15652485579", "0.6043677771171636"),
    ],
)
def test_one_wrong_digit_is_put_right(square: str, value: str, repair: str) -> None:
    report = proofread_text(DIGIT.format(square=square, value=value))
    mends = [item.remedy.repair for item in report.claims if item.remedy is not None]
    assert mends == ([repair] if repair else [])
    assert report.ok is not bool(repair)
