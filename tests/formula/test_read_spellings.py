"""Spellings that documents use: each is read as what it says, or refused with the reason."""

from __future__ import annotations

import pytest

from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.mathml import mathml
from symbackprop.formula.print.text import text
from symbackprop.formula.print.typst import typst
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import ReadError, read

NAMES = Names.of(
    scalars="x y w E L_cal d_h1 a", indexed="v W", functions="sigmoid f P", indices="i j k l n", ranks={"v": 1, "W": 2},
    spellings={r"\mathcal{L}": "L_cal", r"d\_h1": "d_h1"},
)  # fmt: skip

SAYS = {
    r"P(x|y) = P(x \mid y)": "P((x ∣ y)) = P((x ∣ y))",
    r"f(x; w, y) = |x| + f(|y|)": "f(x, w, y) = |x| + f(|y|)",
    r"x + ... + y": "x + dots + y",
    r"\mathcal{L} = \mathcal L": "L_cal = L_cal",
    r"d\_h1 = d{\_}h1 = d{\_h1}": "d_h1 = d_h1 = d_h1",
    r"x >= y, x <= w, x != 1": "x ≥ y, x ≤ w, x ≠ 1",
    r"x \in (0, 1], y \in [0, 1), w \in (0,1)": "x ∈ (0, 1], y ∈ [0, 1), w ∈ (0, 1)",
    r"\Vert x \Vert_2 + \vert y \vert": "‖x‖_2 + |y|",
    r"ylna + (1 - y)ln(1 - a)": "y·ln(a) + (1 - y)·ln(1 - a)",
    r"W_{ln}": "W[l,n]",
    r"\frac{\partial x \log(y)}{\partial w} = \frac{\partial \sum_k v_k}{\partial x}": "∂(x·ln(y))/∂w = ∂(Σ_k v[k])/∂x",
    r"\frac{\partial}{\partial x}[x y] * w": "∂(x·y)/∂x·w",
    r"\mathbb{1}(x > y)": "indicator((x > y))",
    r"\left.x\right. = {\large x}": "x = x",
    r"i=1,2,\ldots,n": "i = 1, 2, dots, n",
    r"\begin{cases} 0, & if \; x < 0 \\ 1, otherwise \end{cases}": "{0 if x < 0; 1 otherwise}",
    r"x \\ + \begin{cases} 0 & x < 0 \\ 1 & \text{otherwise} \end{cases}": "x + {0 if x < 0; 1 otherwise}",
    r"\Delta = 1": "Δ = 1",
}


@pytest.mark.parametrize("written", SAYS)
def test_what_it_says(written: str) -> None:
    assert text(read(written, NAMES)) == SAYS[written]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (r"\left. y \right|_{x=0}", "a value at a place"),
        (r"f x", "two readings: f as a function of what follows, or a product"),
        (r"f \sum_k v_k", "two readings: f as a function"),
        (r"(x, y, w]", "a ) is still open"),
        (r"(x]", "a ) is still open"),
    ],
)
def test_what_is_refused(written: str, reason: str) -> None:
    with pytest.raises(ReadError) as refused:
        read(written, NAMES)
    assert reason in str(refused.value)


@pytest.mark.parametrize("written", ["x \\in (0, 1]", "x \\in [0, y)"])
def test_an_interval_is_printed_as_it_is_read(written: str) -> None:
    formula = read(written, NAMES)
    assert read(latex(formula), NAMES) == formula
    assert ")" in mathml(formula) or "]" in mathml(formula)
    assert typst(formula).count("\\]") + typst(formula).count("\\[") == 1
