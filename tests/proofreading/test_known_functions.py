"""Which function a letter is: what the text calls it, what its slope says; where nothing is said, what holds for any."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

NEURON = r"$z = w x + b$, $a = F(z)$ and $E = \frac{1}{2} (a - t)^2$. "
SIGMOID = r"$$ \frac{\partial E}{\partial w} = (a - t) a (1 - a) x $$"
TANH = r"$$ \frac{\partial E}{\partial w} = (a - t) (1 - a^2) x $$"
ANY = r"$$ \frac{\partial E}{\partial w} = (a - t) F'(z) x $$"


def last(text: str, letter: str) -> ClaimStatus:
    return proofread_text(text.replace("F", letter)).claims[-1].status


@pytest.mark.parametrize("letter", [r"\sigma", "g", "f", r"\phi"])
@pytest.mark.parametrize(
    ("said", "right", "wrong"),
    [
        ("The sigmoid $F$ is used. ", SIGMOID, TANH),
        ("As its activation $F(z)$ the logistic function is taken. ", SIGMOID, TANH),
        (r"Its slope is $F'(z) = F(z) (1 - F(z))$. ", SIGMOID, TANH),
        (r"Its slope is $F'(z) = 1 - F(z)^2$. ", TANH, SIGMOID),
        (r"$$ \frac{\partial F(z)}{\partial z} = F(z) (1 - F(z)) $$ ", SIGMOID, TANH),
    ],
)
def test_a_function_that_a_text_tells(letter: str, said: str, right: str, wrong: str) -> None:
    text = f"{said}\n\n{NEURON}\n\n"
    assert last(text + right, letter) in HOLDS
    assert last(text + wrong, letter) is ClaimStatus.DIFFERS
    report = proofread_text((text + right).replace("F", letter))
    assert any(why.startswith("is ") for why in report.assumed.values()), report.assumed


@pytest.mark.parametrize("letter", [r"\sigma", "g", "f"])
def test_a_function_of_which_nothing_is_said(letter: str) -> None:
    assert last(NEURON + ANY, letter) in HOLDS
    assert last(NEURON + SIGMOID, letter) is ClaimStatus.UNDECIDED
    assert last(NEURON + ANY.replace("x $$", "w $$"), letter) not in HOLDS


def test_what_tells_a_function_is_no_proof_of_it() -> None:
    report = proofread_text(r"$$ f'(z) = f(z) (1 - f(z)) $$")
    assert report.claims[0].status is ClaimStatus.DEFINITION
    report = proofread_text(r"$$ f'(z) = f(z) (1 + f(z)) $$")
    assert report.claims[0].status is ClaimStatus.UNDECIDED


def test_a_function_that_is_told_later_is_any_smooth_one_until_then() -> None:
    text = (
        r"The sigmoid $\sigma$ is applied: $$ a = \sigma(z), \quad z = w x $$ $$ \frac{\partial a}{\partial x} = CLAIM $$"
        "\n\n## Exercise\n\n"
        r"Let $\sigma(z) = z$ now; then $\sigma'(z) = 1$."
    )
    right, wrong = (proofread_text(text.replace("CLAIM", claim)) for claim in (r"w \sigma'(z)", r"w \sigma(z)"))
    assert right.complete, right.text(everything=True)
    assert right.ok, right.text(everything=True)
    assert not wrong.complete  # of a function that is not known, nothing differs


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (r"With $z = 0.8$ let $\hat{y} = z^2$. Then $\hat{y}(1-\hat{y}) = 0.2304$.", False),
        (r"With $z = 0.8$ let $\hat{y} = z^2$. Then $\hat{y}(1-\hat{y}) = 0.64$.", True),
        (r"With $z = 0.8$ and $t = 2$ let $\hat{y} = z^2$. Then $\hat{y}(1-t) = -0.64$ and $\hat y(t-1) = 0.64$.", False),
        (r"With $\bar{x} = 0.8$, $\tilde{p} = 0.5$: $\bar{x}(1-\bar{x}) = 0.16$, $\tilde{p}(1-\tilde{p}) = 0.25$.", False),
        (r"Let $\hat{f}(x) = x^2 + 1$. Then $\hat{f}(3) = 10$.", False),
        (r"Let $\hat{f}(x) = x^2 + 1$. Then $\hat{f}(3) = 30$.", True),
    ],
)
def test_a_letter_with_an_accent_before_a_bracket_is_a_factor_unless_it_is_called(text: str, wrong: bool) -> None:
    differing = [claim for claim in proofread_text(text).claims if claim.status is ClaimStatus.DIFFERS]
    assert len(differing) == wrong, differing


WAY = r"With $x = 0.5$, $w = 2$ let $z = w x$, $y = 1$ and $p = F(z) = FORMULA$. Let $L = (p - y)^2$. "


@pytest.mark.parametrize(
    ("formula", "claim", "wrong"),
    [
        (r"\frac{1}{1 + e^{-z}}", r"$$\frac{\partial L}{\partial w} = 2 (p - y) p (1 - p) x$$", False),
        (r"\frac{1}{1 + e^{-z}}", r"$$\frac{\partial L}{\partial w} = 2 (p - y) (1 - p^2) x$$", True),
        (r"z^3", r"$$F(2) = 8$$", False),
        (r"z^3", r"$$F(2) = 9$$", True),
    ],
)
@pytest.mark.parametrize("letter", [r"\sigma", "g"])
def test_a_function_is_told_on_the_way(letter: str, formula: str, claim: str, wrong: bool) -> None:
    report = proofread_text((WAY + claim).replace("FORMULA", formula).replace("F", letter))
    assert [claim.status is ClaimStatus.DIFFERS for claim in report.claims if claim.status is not ClaimStatus.SETTING][
        -1
    ] is wrong
    assert all(claim.status is not ClaimStatus.UNDECIDED for claim in report.claims)


def test_what_is_said_of_a_function_with_other_names_is_no_definition_of_it() -> None:
    report = proofread_text(r"Let $z = 2$, $b = 3$, $a = g(z) = z^2 + b$. Then $a = 7$ and $g(1) = 1$.")
    assert report.claims[-1].status is ClaimStatus.UNDECIDED
