"""Ways of writing that documents use: read where nothing else can be meant, refused or undecided where something can."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

QUOTED = """$$
> \\begin{align}
> u_1 &= 3 v_1 \\\\
> &= 2 v_1 + v_1
> \\end{align}
> $$
"""

READ = [
    r"$$\frac{d}{dx} x^3 (1 - x)^2 = 3 x^2 (1 - x)^2 - 2 x^3 (1 - x)$$",
    r"$$\frac{\partial}{\partial x} \frac{\partial}{\partial x} x^3 = 6 x$$",
    r"$$\frac{d}{dx} x^2 \cdot \frac{d}{dx} x^3 = 6 x^3$$",
    r"$v_t = d_t$ and $$\frac{d}{dx} x^2 = 2 x$$",  # though d is a name, too
    r"$$\lim_{h \to 0} \frac{(x + h)^2 - x^2}{h} = 2 x$$",
    r"$$\underset{h \to 0}{\lim} \frac{\sin(h)}{h} = 1$$",
    r"$$u = {e^{x}+e^{y}}$$",
    r"$$J = \sum_{t=1}^{T} L_t$$",
    r"$$W_t = s^{\top}_ {t-1} \cdot v_t$$",
    r"$$\begin{array}{rcl} u & = & 3 v \\ & = & 2 v + v \end{array}$$",
    QUOTED,
    "$u = 3 v$\n\n$= 2 v + v$",
    r"$$u = 3 v \space .$$",
    r"$$=> u = 3 v$$",
    r"$$\text{Let } u = 3 v$$ $$Then\ u = 2 v + v$$",
    r"$u = 2 v$, $$\frac{\partial u}{\partial v} . \frac{\partial v}{\partial v} = 2$$",
    r"$$-\ln(2) = 0 - \ln(2) \quad (\ln(1) = 0) \\ = \ln(1) - \ln(2)$$",
    "\\newcommand{\\matr}[1]{\\boldsymbol{\\mathbf{#1}}}$$\\matr{u} = 3 \\matr{v}$$",
    r"$c_{nm} = \sum_{k=0}^{K-1} a_{nk} b_{km}$, $$\frac{\partial c_{nm}}{\partial a_{nj}} = b_{jm}$$",
]


@pytest.mark.parametrize("text", READ)
def test_what_can_only_be_meant_in_one_way_is_read(text: str) -> None:
    report = proofread_text(text)
    assert report.ok, report.text()
    assert all(claim.status in HOLDS or claim.status is ClaimStatus.DEFINITION for claim in report.claims), report.text()


@pytest.mark.parametrize(
    "text",
    [
        r"$$\frac{d}{dx} x^3 (1 - x)^2 = 3 x^2 (1 - x)^2$$",
        r"$$\lim_{h \to 0} \frac{(x + h)^2 - x^2}{h} = 3 x$$",
        "$u = 3 v$\n\n$= 2 v + v$\n\n$= 2 v + 2 v$",
    ],
)
def test_what_is_wrong_in_it_is_found(text: str) -> None:
    claim = proofread_text(text).claims[-1]
    fits = "first factor" in claim.verdict.reason  # `∂/∂x f g` may be meant as the derivative of f, times g
    assert fits or claim.status is ClaimStatus.DIFFERS


@pytest.mark.parametrize(
    "text",
    [
        r"$u = -{b + c}$",
        r"$u = {b + c} d$",
        r"$u = a {b + c}$",
        r"$n = 1,000$",
        r"$u = W^\top_{ij}$",
    ],
)
def test_what_has_two_readings_stays_unread(text: str) -> None:
    assert proofread_text(text).claims[-1].status is ClaimStatus.UNREAD
