"""Formulas of which a side cannot be read: what stands beside it is judged, and what explains a line is no part of it."""

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

HOLDS, DIFFERS, UNREAD, OPEN = ClaimStatus.ALWAYS, ClaimStatus.DIFFERS, ClaimStatus.UNREAD, ClaimStatus.UNDECIDED


def statuses(text: str) -> list[ClaimStatus]:
    return [item.status for item in proofread_text(text).claims]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$$ u = \foo{a} = a + a = 2 a $$", [UNREAD, UNREAD, HOLDS]),
        (r"$$ u = \foo{a} = a + a = 3 a $$", [UNREAD, UNREAD, DIFFERS]),
        (r"$$ a + a = 2a = \foo{a}, \quad b + b = 2 b $$", [HOLDS, UNREAD, HOLDS]),
        (r"$$ \begin{aligned} p &= \foo \\ a + a &= 2 a \\ &= a + a + 0 \end{aligned} $$", [UNREAD, HOLDS, HOLDS]),
        # the line that cannot be read may go on with the one before
        (r"$$ \begin{aligned} p &= a + \\ & \foo \\ b + b &= 2 b \end{aligned} $$", [UNREAD, HOLDS]),
        (r"$$ \foo = c = a + b $$ and $$ c = 2 a $$", [UNREAD, ClaimStatus.DEFINITION, OPEN]),
        (r"$$ z_i = \text{logit of class } i, \quad a + a = 3 a $$", [OPEN, DIFFERS]),
        ("Words in between. $= 2 v + v$", [OPEN]),
    ],
)
def test_what_can_be_read_is_judged(text: str, expected: list[ClaimStatus]) -> None:
    assert statuses(text) == expected


@pytest.mark.parametrize("first", ["a + b", r"\foo"])
@pytest.mark.parametrize(
    "remark",
    [
        r"\quad \text{since } p + p = 2 p",
        r"&& \text{using } p + p = 2p",
        r"\quad \text{by commutativity}",
        r"\\ \because p + p &= 2 p",
        r"\quad \because p + p = 2 p",
    ],
)
@pytest.mark.parametrize(("last", "is_right"), [("b + a + 0", True), ("b - a", False)])
def test_a_remark_is_no_part_of_what_goes_on_below_it(first: str, remark: str, last: str, is_right: bool) -> None:
    found = statuses(rf"$$ \begin{{align*}} z &= {first} \\ &= b + a {remark} \\ &= {last} \end{{align*}} $$")
    unread = 2 if first == r"\foo" else 0
    assert found.count(UNREAD) == unread
    assert found.count(DIFFERS) == (not is_right)
    assert found.count(HOLDS) >= 1 + is_right - (unread > 0)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (r"$$ A \otimes B = C $$", OPEN),
        (r"$$ y = \int_0^1 f(x) \, dx $$", ClaimStatus.DEFINITION),
        (r"$$ \int_0^1 f(x) \, dx = \int_0^1 \mathrm{d}t \, f(t) $$", OPEN),
        (r"$$ h_t^2(x) = h_t(x) \, h_t(x) $$", OPEN),
        (r"$$ P(X = x_i) = p_i $$", OPEN),
        (r"$$ a^{\prime\prime} = \sqrt[3]{8} $$", OPEN),
        (r"$$ A = \begin{pmatrix} \vert & \vert \\ a & b \\ | & | \end{pmatrix} $$", ClaimStatus.DEFINITION),
        (r"$$ Z = W X + b \mathbf{1}^\top $$", ClaimStatus.DEFINITION),
        (r"$u = [{-z} - 1] + {a + b} - c = -z - 1 + a + b - c$", HOLDS),
        (r"$u = \sqrt[3]{8} = 2$", ClaimStatus.EXAMPLE),
    ],
)
def test_what_is_read(text: str, last: ClaimStatus) -> None:
    found = statuses(text)
    assert UNREAD not in found
    assert found[-1] is last


@pytest.mark.parametrize(
    ("text", "last"),
    [
        # a sum that the same chain says is 1
        (r"$p_1 (p_1 + p_2) + p_2 (p_1 + p_2) = p_1 + p_2 = 1$", [ClaimStatus.EXAMPLE, OPEN]),
        (r"$p_1 (p_1 + p_2) + p_2 (p_1 + p_2) = p_1 - p_2 = 1$", [DIFFERS, OPEN]),
        (r"$p_1 (p_1 + p_2) + p_2 (p_1 + p_2) = p_1 + p_2$", [DIFFERS]),
        # e is e, whatever limit it is said to be
        (r"$g(x) = e^x$, $e = \lim_{u \to 0} (1 + u)^{1/u}$, $g'(x) = e^x$", [ClaimStatus.EXAMPLE, HOLDS]),
        (r"$g(x) = e^x$, $e = \lim_{u \to 0} (1 + u)^{1/u}$, $g'(x) = 2 e^x$", [ClaimStatus.EXAMPLE, DIFFERS]),
        # letters that occur twice in some terms only may be summed over
        (r"$$ \frac{d}{dx_k} x_i a_{ij} x_j = a_{kj} x_j + x_i a_{ik} $$", [OPEN]),
        # an entry that the array does not have
        (r"$X \in \mathbb{R}^{n \times m}$, $Y = X^\top$, $(X^\top)_{1,9} = 2 (X^\top)_{1,9}$", [OPEN]),
        # a theorem about quantities that nothing defines
        (r"$$ \sum_{i=1}^{n} \lambda_i = \sum_{i=1}^{n} a_{ii} $$", [OPEN]),
        # names of slopes, though d stands alone somewhere; a transpose beside a layer
        (r"$dZ^{[l]} = dA^{[l]} * g'(Z^{[l]})$, $dW^{[l]} = dZ^{[l]} A^{[l-1] T}$, $dZ^{[l]} = 2 dA^{[l]}$, $d = 3$", None),
        # what a step gives is not what a name begins with
        (r"$w \leftarrow w - \eta \frac{\partial L}{\partial w} = 0.4$ with $w = 0.3$, $\eta = 0.1$, $L = -w$", None),
    ],
)
def test_what_the_text_says_elsewhere(text: str, last: list[ClaimStatus] | None) -> None:
    found = statuses(text)
    assert found[-len(last) :] == last if last is not None else DIFFERS not in found


@pytest.mark.parametrize(("slope", "is_right"), [(r"-(\tanh(x))^2", False), (r"1 - (\tanh(x))^2", True)])
def test_a_one_that_is_missing_is_put_in(slope: str, is_right: bool) -> None:
    claim = proofread_text(rf"With $f(x) = \tanh(x)$ we have $f'(x) = {slope}$.").claims[-1]
    assert (claim.status is HOLDS) == is_right
    assert is_right or (claim.remedy is not None and claim.remedy.repair == r"1 - (\tanh(x))^2")
