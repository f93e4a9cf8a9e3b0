"""Reasons as markup: formulas set as mathematics, words left as words, code as code, nothing but text from outside."""

from __future__ import annotations

import re

import pytest

from symbackprop.verify.records import Wording
from symbackprop.verify.report.set_formulas import sentence, set_value


def plain(markup: str) -> str:
    """Return the letters of markup."""
    return re.sub(r"<[^>]+>", "", markup)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("∂a1/∂z1 = 1 - a1[n,j]²", "∂a1∂z1=1−a1nj2"),
        ("1/N Σ_n (y[n,k] - t[n,k])^2", "1/N∑n(ynk−tnk)2"),
        ("net_o1", "neto1"),
        ("σ(net_h1) · x", "σ(neth1)·x"),
        ("W", "W"),
        ("1/2", "1/2"),
    ],
)
def test_a_formula_is_set_as_mathematics(text: str, letters: str) -> None:
    found = set_value(text)
    assert re.fullmatch("<math>.*</math>", found)
    assert plain(found) == letters


@pytest.mark.parametrize("text", ["the output of layer 2", "dropped", "y with z1", "", "x_1 is taken"])
def test_words_stay_words(text: str) -> None:
    assert set_value(text) == text


@pytest.mark.parametrize("text", ["dz1 = da1 * (1 - z1**2)", "np.sum(dy, axis=0)", "a1.T @ dy", "x += 1", "d['W1']"])
def test_code_is_code(text: str) -> None:
    assert set_value(text).startswith("<code>")
    assert "<math" not in set_value(text)


def test_a_derivative_is_a_fraction_and_an_index_is_below() -> None:
    assert "<mfrac>" in set_value("∂E/∂w7")
    assert "<msub>" in set_value("x[n,i]")
    assert "<msup>" in set_value("a²")


def test_what_comes_from_outside_is_never_markup() -> None:
    found = sentence(Wording("{first} & {second}", ""), {"first": "<script>x</script>", "second": "<b>"})
    assert found == "&lt;script&gt;x&lt;/script&gt; &amp; &lt;b&gt;"
    assert "<b" not in set_value("a < b> c")
