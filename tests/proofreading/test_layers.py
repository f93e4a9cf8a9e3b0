"""Formulas for any layer are judged in a small network: right ones hold, wrong ones differ, whatever letters a text takes."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, STATED, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text
from symbackprop.proofreading.proofread_report import ProofreadReport

ENTRIES = r"""The activation is the sigmoid.
$$ z^l_j = \sum_k w^l_{jk} a^{l-1}_k + b^l_j $$
$$ a^l_j = \sigma(z^l_j) $$
$$ C = \frac{1}{2} \sum_j (y_j - a^L_j)^2 $$
$$ \delta^l_j = \frac{\partial C}{\partial z^l_j} $$

"""
WHOLE = r"""The activation is the sigmoid, with $z^l = w^l a^{l-1} + b^l$,
 $a^l = \sigma(z^l)$, with $C = \frac{1}{2} \|y - a^L\|^2$.
$$ \delta^l = \frac{\partial C}{\partial z^l} $$

"""
#: W^(l) leads from layer l to layer l + 1, and so does b^(l).
AHEAD = r"""Let $f$ be the activation.
$$ z^{(l+1)} = W^{(l)} a^{(l)} + b^{(l)} $$
$$ a^{(l)} = f(z^{(l)}) $$
$$ J = \frac{1}{2} \|a^{(L)} - y\|^2 $$
$$ \delta^{(l)} = \frac{\partial J}{\partial z^{(l)}} $$

"""
BRACKETS = r"""Here $\sigma$ is the logistic function.
$$ z^{[l]} = w^{[l]} a^{[l-1]} + b^{[l]} $$ $$ a^{[l]} = \sigma(z^{[l]}) $$
$$ E = \frac{1}{2} (a^{[L]} - y)^2 $$

"""

RIGHT = [
    (ENTRIES, r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)"),
    (ENTRIES, r"\delta^L_j = (a^L_j - y_j) a^L_j (1 - a^L_j)"),
    (ENTRIES, r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)"),
    (ENTRIES, r"\frac{\partial C}{\partial b^l_j} = \delta^l_j"),
    (ENTRIES, r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j"),
    (ENTRIES, r"\delta^l_j = \sum_k \frac{\partial C}{\partial z^{l+1}_k} \frac{\partial z^{l+1}_k}{\partial z^l_j}"),
    (WHOLE, r"\delta^L = \nabla_a C \odot \sigma'(z^L)"),
    (WHOLE, r"\delta^L = (a^L - y) \odot \sigma'(z^L)"),
    (WHOLE, r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)"),
    (WHOLE, r"\frac{\partial C}{\partial w^l} = \delta^l (a^{l-1})^T"),
    (WHOLE, r"\frac{\partial C}{\partial b^l} = \delta^l"),
    (AHEAD, r"\delta^{(l)} = ((W^{(l)})^T \delta^{(l+1)}) \odot f'(z^{(l)})"),
    (AHEAD, r"\frac{\partial J}{\partial W^{(l)}} = \delta^{(l+1)} (a^{(l)})^T"),
    (AHEAD, r"\frac{\partial J}{\partial b^{(l)}} = \delta^{(l+1)}"),
    (BRACKETS, r"\frac{\partial E}{\partial a^{[l-1]}} = \frac{\partial E}{\partial z^{[l]}} w^{[l]}"),
    (BRACKETS, r"\frac{\partial E}{\partial w^{[l]}} = \frac{\partial E}{\partial a^{[l]}} \sigma'(z^{[l]}) a^{[l-1]}"),
]
#: The same with one mistake, and what belongs there.
WRONG = [
    (ENTRIES, r"\delta^L_j = (y_j - a^L_j) a^L_j (1 - a^L_j)"),
    (ENTRIES, r"\delta^l_j = \sum_k w^{l+1}_{jk} \delta^{l+1}_k \sigma'(z^l_j)"),
    (ENTRIES, r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(a^l_j)"),
    (ENTRIES, r"\delta^l_j = \sum_k w^l_{kj} \delta^{l+1}_k \sigma'(z^l_j)"),
    (ENTRIES, r"\frac{\partial C}{\partial w^l_{jk}} = a^l_k \delta^l_j"),
    (ENTRIES, r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_j \delta^l_k"),
    (WHOLE, r"\delta^L = (y - a^L) \odot \sigma'(z^L)"),
    (WHOLE, r"\delta^l = (w^{l+1} \delta^{l+1}) \odot \sigma'(z^l)"),
    (WHOLE, r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(a^l)"),
    (WHOLE, r"\frac{\partial C}{\partial w^l} = a^{l-1} (\delta^l)^T"),
    (BRACKETS, r"\frac{\partial E}{\partial a^{[l-1]}} = \frac{\partial E}{\partial z^{[l]}} w^{[l-1]}"),
    (BRACKETS, r"\frac{\partial E}{\partial w^{[l]}} = \frac{\partial E}{\partial a^{[l]}} \sigma'(z^{[l]}) a^{[l]}"),
]


def judged(network: str, claim: str) -> ProofreadReport:
    return proofread_text(f"{network}$$ {claim} $$\n")


@pytest.mark.parametrize(("network", "claim"), RIGHT, ids=[claim for _, claim in RIGHT])
def test_what_is_right_in_every_layer_holds(network: str, claim: str) -> None:
    report = judged(network, claim)
    assert report.claims[-1].status in HOLDS, report.text()
    assert all(item.status in HOLDS | STATED for item in report.claims), report.text(everything=True)


@pytest.mark.parametrize(("network", "claim"), WRONG, ids=[claim for _, claim in WRONG])
def test_what_is_wrong_in_a_layer_differs(network: str, claim: str) -> None:
    report = judged(network, claim)
    assert report.claims[-1].status is ClaimStatus.DIFFERS, report.text(everything=True)
    assert sum(item.status is ClaimStatus.DIFFERS for item in report.claims) == 1


MEANS = r"""The activations are $a^l_j = \sigma(\sum_k w^l_{jk} a^{l-1}_k + b^l_j)$; with
$z^l_j = \sum_k w^l_{jk} a^{l-1}_k + b^l_j$ that is $a^l = \sigma(z^l)$. The loss is the mean over samples,
$C = \frac{1}{2 n} \sum_x \|y(x) - a^L(x)\|^2$, and $\delta^l_j = \frac{\partial C}{\partial z^l_j}$. A step is
$b^l \rightarrow b^l - \eta \delta^l$; in short, $\frac{\partial C}{\partial w} = a \delta_j$.

"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"\delta^L = (a^L - y) \odot \sigma'(z^L)", r"\delta^L = (a^L + y) \odot \sigma'(z^L)"),
        (
            r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
            r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^{l+1})",
        ),
        (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", r"\frac{\partial C}{\partial b^l_j} = 2 \delta^l_j"),
        (
            r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j",
            r"\frac{\partial C}{\partial w^l_{jk}} = a^l_k \delta^l_j",
        ),
    ],
)
def test_a_loss_that_is_a_mean_and_a_layer_told_twice(right: str, wrong: str) -> None:
    assert proofread_text(f"{MEANS}$${right}$$\n").claims[-1].status in HOLDS
    assert proofread_text(f"{MEANS}$${wrong}$$\n").claims[-1].status not in HOLDS
