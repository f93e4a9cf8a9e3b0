"""How gradients are named: what each spelling means, and what says nothing."""

from __future__ import annotations

import pytest

from symbackprop.verify.binding import name_matching as names

KNOWN = ("w1", "w2", "W", "b", "x", "h1", "h2", "y_pred", "net_o1", "out_o1", "E_total")


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("w1", "w1"),
        ("dw1", "w1"),
        ("d_w1", "w1"),
        ("dW", "W"),
        ("grad_w2", "w2"),
        ("gradW", "W"),
        ("W_grad", "W"),
        ("g_b", "b"),
        ("dL_dw1", "w1"),
        ("d_L_d_w1", "w1"),
        ("dE_total_dw2", "w2"),
        ("dE_db", "b"),
        ("dloss_dW", "W"),
        ("dypred", "y_pred"),
        ("delta_o1", "net_o1"),
        ("dw1_new", "w1"),
    ],
)
def test_names_of_gradients(name: str, node: str) -> None:
    assert names.gradient_of(name, KNOWN, "E_total") == node


@pytest.mark.parametrize("name", ["tmp", "d", "grad", "dd", "w3", "d_h1_d_w1", "result", "delta_q", ""])
def test_names_that_say_nothing_about_a_gradient(name: str) -> None:
    assert names.gradient_of(name, KNOWN, "E_total") is None


@pytest.mark.parametrize(
    ("name", "top", "bottom"),
    [
        ("d_h1_d_w1", "h1", "w1"),
        ("dh2_dw2", "h2", "w2"),
        ("d_ypred_d_h1", "y_pred", "h1"),
        ("dout_o1_dnet_o1", "out_o1", "net_o1"),
        ("dE_total_dout_o1", "", "out_o1"),
        ("dE_wrt_W", "", "W"),
    ],
)
def test_quotients(name: str, top: str, bottom: str) -> None:
    assert names.quotient(name, KNOWN, "E_total") == names.Meaning(top, bottom)


def test_a_spelling_that_fits_two_names_fits_none() -> None:
    assert names.match("a_b", ("aB", "A_b")) is None
    assert names.match("aB", ("aB", "A_b")) == "aB"
