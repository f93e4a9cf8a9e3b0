"""A name for its like is reported where the text leaves the like open and that change alone makes the `=` hold."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread_text

UNITS = r"""
$$z_{o1} = w_5 h_1 + w_6 h_2 + b_2$$

$$o_1 = \frac{1}{1 + e^{-z_{o1}}}$$

$$h_1 = \frac{1}{1 + e^{-w_1 x_1 - w_2 x_2}}$$

$$E = \frac{1}{2} (t_1 - o_1)^2 + \frac{1}{2} (t_2 - o_2)^2$$

"""


@pytest.mark.parametrize(
    ("right", "wrong", "repair"),
    [
        (r"\frac{\partial z_{o1}}{\partial w_5} = h_1", r"\frac{\partial z_{o1}}{\partial w_5} = h_2", "h_1"),
        (r"\frac{\partial z_{o1}}{\partial h_1} = w_5", r"\frac{\partial z_{o1}}{\partial h_1} = w_6", "w_5"),
        (r"\frac{\partial o_1}{\partial z_{o1}} = o_1 (1 - o_1)", r"\frac{\partial o_1}{\partial z_{o1}} = o_2 (1 - o_1)", "o_1"),
        (r"\frac{\partial E}{\partial o_1} = -(t_1 - o_1)", r"\frac{\partial E}{\partial o_1} = -(t_2 - o_1)", "t_1"),
    ],
)
def test_a_like_in_the_place_of_a_name(right: str, wrong: str, repair: str) -> None:
    assert proofread_text(f"{UNITS}$${right}$$").ok
    report = proofread_text(f"{UNITS}$${wrong}$$")
    (found,) = [item for item in report.claims if item.status is ClaimStatus.DIFFERS]
    assert found.remedy is not None
    assert found.remedy.repair in (repair, repair.replace("_", ""))


@pytest.mark.parametrize(
    "claim",
    [
        r"\frac{\partial z_{o2}}{\partial h_1} = w_7",  # of a unit that the text leaves out
        r"\frac{\partial E}{\partial h_1} = -(t_1 - o_1) o_1 (1 - o_1) w_5 - (t_2 - o_2) o_2 (1 - o_2) w_7",
        r"\frac{\partial E}{\partial w_7} = -(t_2 - o_2) o_2 (1 - o_2) h_1",
        r"\frac{\partial o_2}{\partial h_2} = o_2 (1 - o_2) w_8",
        r"\frac{\partial h_2}{\partial x_1} = h_2 (1 - h_2) w_3",
        "w_1 x_2 = w_3 x_2",
        # of losses of which one is a number, and the whole a sum that is not said: everything vanishes
        r"E_2 = 0.25$$ $$C = \sum \frac{1}{2} (t - y)^2$$ $$\frac{\partial C}{\partial h_1} = "
        r"\frac{\partial E_1}{\partial h_1} + \frac{\partial E_2}{\partial h_1}",
    ],
)
def test_what_speaks_of_units_that_are_left_out_is_not_accused(claim: str) -> None:
    assert proofread_text(f"{UNITS}$${claim}$$").ok


def test_a_parameter_that_units_share_may_reach_through_the_like() -> None:
    """`b` is in h_1, so it may be in h_2, of which the text has no formula."""
    shared = r"$$h_1 = \tanh(w_1 x + b)$$ $$z = w_3 h_1 + w_4 h_2 + b$$ $$\frac{\partial z}{\partial b} = 1 + w_3 (1 - h_1^2)"
    assert proofread_text(f"{shared} + w_4 (1 - h_2^2)$$").ok
