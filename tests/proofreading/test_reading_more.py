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
    r"$g(x) = \frac{1}{1 + e^{-x}}$, $g\prime(x) = g(x) (1 - g(x))$",
    r"$f(x) = x^2$, $\frac{df}{dx} = 2 x$, $\frac{df}{dx}(x) = 2 x$",
    r"$h(u, v) = u^2 v$, $\frac{\partial h}{\partial u} = 2 u v$, $\frac{\partial h}{\partial v} = u^2$",
    r"$D_{\text{out}} = 3 u_{\text{in}}$, $\hat{y}_{\text{new}} = 2 D_{\text{out}} = 6 u_{\text{in}}$",
    r"\begin{align} & u = 3 v & w = 2 u \\ & s = \sqrt{w} & t = s^2 = 6 v \end{align}",
    r"$\operatorname{sign}(\ln \frac{P(a|x)}{P(b|x)}) = \begin{cases} 1 & P(a|x) > P(b|x) \\ -1 & P(a|x) < P(b|x) \end{cases}$",
    r"$P(y=1|x) = \sigma(z)$, $P(y=0|x) = 1 - P(y=1|x) = 1 - \sigma(z)$",
    r"$H = -\sum_x p(x) \log p(x) = \sum_x p(x) (-\log p(x))$",
    r"$n! = n (n-1)!$, $4! = 24$",
    r"$u = a .* b = b .* a$",
    r"$f_t = 3 W [h_{t-1}, x_t]$, $\Delta u =^{def} 2 v$, $x_* = 3 u = u + 2 u$, $w_{nn} = s_n v = v s_n$",
    r"$i_t = \sigma(a_t)$, $e_{ij} = s_i h_j = h_j s_i$",
    r"![u](https://latex.codecogs.com/svg.latex?u&space;=&space;3&space;v&plus;v) $u = 4 v$",
    r'<a href="https://www.codecogs.com/eqnedit.php?latex=u=v">'
    r'<img src="https://latex.codecogs.com/gif.latex?u=%5Cfrac%7B8v%7D%7B2%7D" /></a> $u = 4 v$',
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
        r"$g(x) = \frac{1}{1 + e^{-x}}$, $g\prime(x) = g(x) (1 + g(x))$",
        r"$f(x) = x^2$, $\frac{df}{dx} = 3 x$",
        r"\begin{align} & u = 3 v & w = 2 u \\ & s = \sqrt{w} & t = s^2 = 5 v \end{align}",
        r"$P(y=1|x) = w x$, $P(y=0|x) = 1 - P(y=1|x) = 1 + w x$",
        r"$u = 4! = 12$",
        r"![u](https://latex.codecogs.com/svg.latex?u&space;=&space;3&space;v&plus;v) $w = 2 u = 7 v$",
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


@pytest.mark.parametrize(
    "text",
    [r"$w(k+1) = w(k) - \eta g(k)$", r"$w[t] = 3 w[t-1]$", r"$J^- = J(w - h)$", r"$D = KL(P \parallel Q) = \mathbb{E}[X]$"],
)
def test_what_is_called_a_step_a_side_or_a_mean_is_read_and_accuses_nobody(text: str) -> None:
    status = {claim.status for claim in proofread_text(text).claims}
    assert not status & {ClaimStatus.UNREAD, ClaimStatus.DIFFERS}


def test_what_says_what_a_name_is_is_no_claim() -> None:
    report = proofread_text(r"$z = w x$, $a = \tanh(z)$, $H(x) = w^2$, $u = 2$, $b_i = s_i v$, $z = w x$, $u = 2$")
    found = [claim.status for claim in report.claims]
    assert found[:5] == [*[ClaimStatus.DEFINITION] * 3, ClaimStatus.SETTING, ClaimStatus.DEFINITION]
    assert found[5:] == [ClaimStatus.ALWAYS, ClaimStatus.EXAMPLE]


TOLD_LATER = """What $s$ says is the answer, and it is called $q$. $h = f(w x)$, $s = f(v h)$,

$$\\frac{\\partial h}{\\partial w} = SLOPE$$

$$\\frac{\\partial q}{\\partial h} = v f'(v h)$$

$$f(x) = \\frac{1}{1 + e^{-x}}$$

# In numbers

$$f(-2 + 5) = 0.95257$$

$$f(1) = NUMBER$$
"""


@pytest.mark.parametrize(
    ("slope", "number", "wrong"),
    [("x f'(w x)", "0.73106", 0), ("w f'(w x)", "0.73106", 1), ("x f'(v x)", "0.73106", 1), ("x f'(w x)", "0.74106", 1)],
)
def test_a_function_that_the_section_defines_and_the_next_one_uses(slope: str, number: str, wrong: int) -> None:
    report = proofread_text(TOLD_LATER.replace("SLOPE", slope).replace("NUMBER", number))
    assert [claim.status for claim in report.claims].count(ClaimStatus.DIFFERS) == wrong
    assert wrong or report.complete, report.text()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (r"$f(x + h) \approx f(x) + h f'(x)$", ClaimStatus.FIRST_ORDER),
        (r"$f(x + h) \approx f(x) + 3 h f'(x)$", ClaimStatus.UNDECIDED),
        (r"$f'(x) \approx \frac{f(x + h) - f(x)}{h}$", ClaimStatus.FIRST_ORDER),
        (r"$f'(x) \approx \frac{f(x + h) - f(x - h)}{h}$", ClaimStatus.UNDECIDED),
        (r"$3 \cdot 2.1 \approx 6$", ClaimStatus.EXAMPLE),
        (r"$3 \cdot 2.1 \approx 7$", ClaimStatus.UNDECIDED),
        (r"$3 \cdot 2.1 \approx 9$", ClaimStatus.DIFFERS),
        (r"$a_{ij} = b_i c_j$, $j = i$", ClaimStatus.CASE),
        (r"This is 0 if $P = Q$", ClaimStatus.CASE),
    ],
)
def test_what_is_near_and_what_is_a_case(text: str, status: ClaimStatus) -> None:
    assert proofread_text(text).claims[-1].status is status


def test_a_function_that_rests_on_itself_takes_no_time() -> None:
    found = proofread_text(r"$\mu = \varphi(x)$, $\varphi(x) = e^{-(x - \mu)^2}$, $\varphi(0) = 1$")
    assert ClaimStatus.DIFFERS not in {claim.status for claim in found.claims}


def test_no_change_is_made_of_the_branches_of_a_definition_by_cases() -> None:
    text = r"$r(x) = \begin{cases} x & x > 0 \\ 0 & x \le 0 \end{cases}$, "
    text += r"$\frac{dr}{dx} = \begin{cases} 2 & x > 0 \\ 0 & x < 0 \end{cases}$"
    assert proofread_text(text).claims[-1].status is ClaimStatus.DIFFERS


def test_a_sign_of_a_derivative_that_is_missing_below_is_malformed() -> None:
    report = proofread_text(r"$C = 3 b$, $$\frac{\partial C}{b} = 3$$")
    assert report.claims[-1].status is ClaimStatus.ALWAYS
    assert [(finding.written, finding.repair) for finding in report.findings] == [("b", r"\partial b")]


def test_words_in_lists_of_code_are_no_numbers() -> None:
    assert proofread_text("```python\nu = [True, 1.5]\nv = [1e999, 2]\n```\n$u = 3 v$").ok


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (r"$-1/x^2 = -1/(1.37)^2 = -0.53$", 0),
        (r"$e^x = e^{-1} \approx 0.37$", 0),
        (r"$x e^x = 3 e^{2}$", 1),  # two numbers for one name
        (r"$x = 2$, $-1/x^2 = -1/(1.37)^2$", 1),  # here x is told
        (r"$-1/x^2 = -1/(1.37)^3$", 1),
    ],
)
def test_a_calculation_with_a_number_that_another_section_does_not_have(said: str, wrong: int) -> None:
    report = proofread_text(f"# One\n\n$x = 4$, $y = 2 x = 8$\n\n# Two\n\nThe slope of the gate is {said}.\n")
    assert [claim.status for claim in report.claims].count(ClaimStatus.DIFFERS) == wrong, report.text()
