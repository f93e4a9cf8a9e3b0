"""LaTeX as people write it: read as what it says, refused where it says two things, never slow, never too deep."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.text import text
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import ReadError, read
from symbackprop.formula.tree.walk import walk

NAMES = Names.of(
    scalars="x y w E L T l n2 net_h1", indexed="v W H", functions="sigmoid relu", indices="i j k", sizes="N", rates="eta",
    ranks={"v": 1, "W": 2},
)  # fmt: skip

SAYS = {
    r"\log \sum_k v_k": "ln(Σ_k v[k])",
    r"\exp \sum_k v_k y": "exp(Σ_k v[k]·y)",
    r"\tanh \max_i v_i": "tanh(max_i v[i])",
    r"ln(x) + log(y)": "ln(x) + ln(y)",
    r"max(0, x)": "max(0, x)",
    r"\text{sigmoid}(x) = \operatorname{sigmoid}(x) = \mathrm{sigmoid}(x)": "σ(x) = σ(x) = σ(x)",
    r"\sigma^{'}(x) = \sigma^\prime(x)": "σ'(x) = σ'(x)",
    r"\|W\|_F^2 + ||x - y||_2^2": "‖W‖_F² + ‖x - y‖_2²",
    r"\frac{\lVert W \rVert_{\infty}}{\|x\|_{2}}": "‖W‖_∞/‖x‖_2",
    r"x + -0.019 = +y - -2": "x - 0.019 = y - (-2)",
    r"x \leqslant y": "x ≤ y",
    r"v_1 + \dots + v_3": "v[1] + dots + v[3]",
    r"{x \over {y \over 2}} + 1": "x/(y/2) + 1",
    r"\underbrace{x + y}_{\text{both}} w + \overbrace{x}^{one}": "(x + y)·w + x",
    r"x \stackrel{\text{def}}{=} y \overset{!}{=} 3": "x = y = 3",
    r"\boxed{x = y}": "x = y",
    r"\begin{bmatrix} x & y \\ 1 & 2 \end{bmatrix} \begin{pmatrix} x \\ y \end{pmatrix}": "[x, y; 1, 2]·[x; y]",
    r"\left[\begin{array}{cc} x & y \end{array}\right]": "[[x, y]]",
    r"\partial_{x} E = \partial_x E = {\partial E}/{\partial x}": "∂E/∂x = ∂E/∂x = ∂E/∂x",
    r"\sum_k{v_k x} + y \* 2": "Σ_k v[k]·x + y·2",
    r"x \in [0, 1], y \in \{0, 1\}, w \in (0, 1)": "x ∈ [0, 1], y ∈ {0, 1}, w ∈ (0, 1)",
    "x ＝ 1 ＋（y − ２）": "x = 1 + (y - 2)",
    "x\u200b = \ufeff1": "x = 1",
    r"{\rm net}_{h1} = \mathrm{net}_{h1}": "net_h1 = net_h1",
    r"x^T + W^\top": "x^T + Wᵀ",
    r"W_{12} + W_{1,2} + v_{12}": "W[1,2] + W[1,2] + v[12]",
}


@pytest.mark.parametrize("written", SAYS)
def test_everyday_latex(written: str) -> None:
    assert text(read(written, NAMES)) == SAYS[written]


REFUSED = {
    "H^T": "two readings: the transpose, or the power T",
    "(x + y)^T": "two readings: the transpose",
    "H_{11}": "two readings: is 11 one index or several",
    "v_j^k": "two readings: is this superscript a power or a label",
    r"\frac{\partial v_j^k}{\partial x}": "two readings: is this superscript",
    r"x \sigma": "the function sigmoid has no argument",
    r"\sigma \cdot x": "no argument",
    r"\sigma + 1": "no argument",
    r"\exp - x": "no argument",
    r"\frac{\tanh}{x}": "no argument",
    r"\sum_i \tanh": "no argument",
    r"\text{foo}(x)": "unknown name",
    r"v_{\rm in}": "unknown name in",
    r"{x + y} w": "braces do not show",
    "x d": "unknown name d",
    r"loss = x": "unknown name loss",
    r"\begin{bmatrix} x & y \\ 1 \end{bmatrix}": "rows of 2, 1 entries",
    r"x \over": "unknown macro|never|unexpected",
    r"\underbrace{x": "never closed",
    "x" * 70_000: "too long",
}


@pytest.mark.parametrize("written", REFUSED, ids=[written[:40] for written in REFUSED])
def test_what_says_two_things_is_refused_with_its_place(written: str) -> None:
    with pytest.raises(ReadError, match=REFUSED[written]) as raised:
        read(written, NAMES)
    start, end = raised.value.span
    assert 0 <= start <= end <= len(written)


def test_labels_above_a_name_have_values() -> None:
    notation = Notation(layered=frozenset({"z", "W"}), names={"L": r"\mathcal{L}", "p": r"\mathbb{P}_\theta"})
    names = Names.of(notation, scalars="L p x", indexed="z W", indices="i l")
    for written in (
        r"z^{[1](i)} = W^1 x",
        r"z_i^l + z^{l + 1}",
        r"\frac{\partial \mathcal{L}}{\partial z^l_i}",
        r"\mathbb{P}_\theta^2 x",
    ):
        found = read(written, names)
        assert read(latex(found, notation), names) == found
    assert read("z^{(l)}", names) == read("z^l", names) == read("z^{[l]}", names)
    assert read("z^{[1](i)}", names) != read("z^{1,i}", names)


DOCUMENT = r"""
\newcommand{\net}[1]{\mathrm{net}_{#1}} \newcommand\half{\frac{1}{2}} \def\dd#1#2{\frac{\partial #1}{\partial #2}}
\DeclareMathOperator{\relu}{relu} \newcommand{\loop}{\loop x} \newcommand{\two}[2][a]{#1}
"""


def test_macros_of_the_document_are_put_in_and_places_stay_those_of_the_text() -> None:
    names = NAMES.with_macros(DOCUMENT)
    assert text(read(r"\half x + \net{h1} = \dd{E}{w} \relu(y)", names)) == "1/2·x + net_h1 = ∂E/∂w·ReLU(y)"
    written = r"\half\half x + y"
    found = read(written, names)
    assert [written[slice(*node.span)] for node in walk(found) if node.span][-2:] == ["x", "y"]
    with pytest.raises(ReadError, match="unknown name q") as raised:
        read(r"\half x + q", names)
    assert raised.value.span == (10, 11)
    for written, why in ((r"x + \loop", "come to an end"), (r"\dd{E}", "argument of a macro"), (r"\dd{E}{x", "never closed")):
        with pytest.raises(ReadError, match=why):
            read(written, names)


DEEP = 3_000
NESTED = {
    "brackets": "(" * DEEP + "x" + ")" * DEEP,
    "braces": "{" * DEEP + "x" + "}" * DEEP,
    "marks": r"\hat{" * DEEP + "x" + "}" * DEEP,
    "marks that stay open": r"\hat{" * DEEP,
    "fractions": r"\frac{" * DEEP + "x" + "}{y}" * DEEP,
    "powers": "x^{" * DEEP + "x" + "}" * DEEP,
    "roots": r"\sqrt{" * DEEP + "x" + "}" * DEEP,
    "calls": r"\sigma(" * DEEP + "x" + ")" * DEEP,
    "bare calls": r"\tanh " * DEEP + "x",
    "sums": r"\sum_i " * DEEP + "v_i",
    "signs": "-" * DEEP + "x",
    "over": r"{x \over " * DEEP + "x" + "}" * DEEP,
    "underbraces": r"\underbrace{" * DEEP + "x" + "}_{y}" * DEEP,
    "subscripts": "x_{" * DEEP + "x" + "}" * DEEP,
    "commas": "x~," * DEEP + "x",
    "bars": "|x| + " * DEEP + "x",
    "cases": r"\begin{cases}" * DEEP + "x" + r"\end{cases}" * DEEP,
    "lines": r"x = y \\ " * DEEP,
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", NESTED)
def test_nothing_is_too_deep(shape: str) -> None:
    try:
        formula = read(NESTED[shape], NAMES)
    except ReadError:
        return
    assert sum(1 for _ in walk(formula)) in (1, *range(DEEP, 10 * DEEP))  # braces that do not show leave one name


SOUP = r"""
\frac \hat \sum \sigma \partial \left( \right) \text{ \over \underbrace{ \begin{cases} \end{cases} \\ \| \dots \rm \mid
\frac{x}{y} v_i W_{ij} x^2 \sum_{i=1}^N \tanh(x) \begin{bmatrix} \end{bmatrix} \mathrm{d} \newcommand \, ~ & $ % #
x y w d E v W i j N 1 2. 0.5 1e-4 { } ( ) [ ] | || _ ^ ' + - * / = , . @ ＝ １ 求 ’ é
"""
PIECES = (*SOUP.split(), "\x00", "\u200b", "\n")


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_soup_is_read_or_refused(written: str) -> None:
    """Whatever it is: a formula that reads the same when it is printed, or an error with a place."""
    try:
        formula = read(written, NAMES)
    except ReadError as refused:
        error = refused
    else:
        again = latex(formula)
        assert read(again, NAMES) == formula, again
        return
    start, end = error.span
    assert 0 <= start <= end <= len(written)
