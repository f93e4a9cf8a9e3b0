"""Units by their names: `sum_{o1}` belongs to o1, the derivative of h_2 is not that of h_1, links of a chain meet."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

TWO = r"""
# Units

Two units and one output, $h1 = \sigma(u1 x1 + u2 x2)$, $h2 = \sigma(u3 x1 + u4 x2)$ and $o1 = \sigma(v1 h1 + v2 h2)$,
where $\sigma$ is the sigmoid.

# Slopes

"""
RIGHT = (
    r"$$ \frac{\partial o1}{\partial v1} = h1 \, \sigma'(sum_{o1}) $$",
    r"$$ \frac{\partial h2}{\partial u3} = x1 \, \sigma'(net_{h2}) $$",
    r"$$ \frac{\partial h2}{\partial u4} = x2 \, h2 (1 - h2) $$",
)
WRONG = (
    (r"$$ \frac{\partial o1}{\partial v1} = h2 \, \sigma'(sum_{o1}) $$", "h1"),
    (r"$$ \frac{\partial h2}{\partial u3} = x2 \, \sigma'(net_{h2}) $$", "x1"),
    (r"$$ \frac{\partial h1}{\partial u4} = x2 \, h2 (1 - h2) $$", "h2"),
)


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_of_a_unit_holds(text: str) -> None:
    assert proofread_text(TWO + text).claims[-1].status in HOLDS


@pytest.mark.parametrize(("text", "repair"), WRONG)
def test_what_is_wrong_of_a_unit_differs(text: str, repair: str) -> None:
    item = proofread_text(TWO + text).claims[-1]
    assert item.status is ClaimStatus.DIFFERS
    assert item.remedy is not None
    assert item.remedy.repair == repair


@pytest.mark.parametrize(
    "text",
    [
        r"$$ \frac{\partial o1}{\partial v1} = h2 \, \sigma'(sum_{o1} + 1) $$",  # no argument alone
        r"$$ \frac{\partial h1}{\partial u4} = x1 \, h2 (1 - h2) $$",  # of neither unit
    ],
)
def test_what_a_name_does_not_tell_is_open(text: str) -> None:
    assert proofread_text(TWO + text).claims[-1].status not in {ClaimStatus.DIFFERS, ClaimStatus.ALWAYS}


CHAINS = r"""
$$ \frac{{\partial L}}{{\partial w_1}} = \frac{{\partial L}}{{\partial h_1}} \frac{{\partial {above}}}{{\partial w_1}} $$

$$ \frac{{\partial L}}{{\partial h_1}} = y - t, \quad \frac{{\partial h_1}}{{\partial w_1}} = x_1 $$
"""


@pytest.mark.parametrize(("above", "count"), [("h_1", 0), ("h_2", 1), ("a_1", 0)])
def test_links_of_a_chain_meet(above: str, count: int) -> None:
    findings = proofread_text(CHAINS.format(above=above)).findings
    assert [found.repair for found in findings] == ["h_1"] * count


FUNCTIONS = r"""
# One

Let $f(x) = \frac{1}{1 + e^{-x}}$ and $y = f(w x + b)$.

# Two

"""


def test_a_function_of_another_section_accuses_only_what_no_function_makes_right() -> None:
    there = r"$$ f'(x) = 1 - f(x)^2 $$"  # of a tanh, which is f here
    assert proofread_text(FUNCTIONS + there).claims[-1].status is ClaimStatus.UNDECIDED
    assert proofread_text(FUNCTIONS + r"$$ \frac{\partial y}{\partial w} = x f'(w x + b) $$").claims[-1].status in HOLDS
    wrong = proofread_text(FUNCTIONS + r"$$ \frac{\partial y}{\partial w} = b f'(w x + b) $$").claims[-1]
    assert wrong.status is ClaimStatus.DIFFERS


def test_two_derivatives_that_vanish_prove_nothing() -> None:
    text = TWO + r"$$ \frac{\partial h1}{\partial u3} = x2 \, g(h2) $$ $$ \frac{\partial h1}{\partial u4} = g(h2) $$"
    assert not {item.status for item in proofread_text(text).claims[-2:]} & HOLDS


def test_a_chain_begins_and_ends_with_what_is_differentiated() -> None:
    text = r"$$ \frac{\partial E_1}{\partial w} = \frac{\partial %s}{\partial h} \frac{\partial h}{\partial %s} $$ of $E$"
    assert proofread_text(text % ("E_1", "w")).findings == ()
    assert [found.repair for found in proofread_text(text % ("E_2", "w")).findings] == ["E_1"]
    assert proofread_text(text % ("E", "w")).findings == ()  # no like of E_1


TWO_LOSSES = r"""
Let $y = w x + b$. The loss is $E = \frac{1}{2} (y - t)^2$. Its slopes are
$$ \frac{\partial E}{\partial y} = y - t $$ $$ \frac{\partial E}{\partial w} = (y - t) x $$

As was said, $$ E = SECOND $$
"""


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (r"\frac{1}{2} (w x + b - t)^2", ClaimStatus.ALWAYS),
        (r"\frac{1}{2} (w x + b - t)^3", ClaimStatus.DIFFERS),
        (r"\frac{1}{2} (w x + b - t)^2 + w^2", ClaimStatus.UNDECIDED),  # another loss
    ],
)
def test_a_second_formula_that_no_slope_bears_out_differs(second: str, status: ClaimStatus) -> None:
    assert proofread_text(TWO_LOSSES.replace("SECOND", second)).claims[-1].status is status


def test_a_second_loss_with_slopes_of_its_own_is_accused_of_nothing() -> None:
    text = TWO_LOSSES.replace("SECOND", r"\frac{1}{2} (w x + b - t)^3")
    text += r"$$ \frac{\partial E}{\partial w} = \frac{3}{2} (y - t)^2 x $$"
    wrong = [item.line for item in proofread_text(text).claims[:-1] if item.status is ClaimStatus.DIFFERS]
    assert wrong == []
