"""Formulas in the manner of the standard texts, each with the tree it must be read as.

Nielsen, "Neural Networks and Deep Learning"; Goodfellow, Bengio, Courville, "Deep Learning"; the CS231n notes; "Dive into Deep
Learning" (d2l); Bishop, "Pattern Recognition and Machine Learning" (PRML). Each is also printed and read again.
"""

from __future__ import annotations

import pytest

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import GOODFELLOW, NIELSEN, TEXTBOOK
from symbackprop.formula.print.latex import latex
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import ReadError, read
from symbackprop.formula.tree.build import (
    add,
    call,
    divide,
    equation,
    indexed,
    multiply,
    negate,
    partial,
    power,
    subtract,
)
from symbackprop.formula.tree.tree import (
    Bars,
    BigSum,
    Branch,
    Call,
    Cases,
    Chain,
    Decorated,
    Delta,
    Element,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Nabla,
    Name,
    Number,
    Partial,
    Row,
    Text,
    Transpose,
    Update,
)

NIELSEN_NAMES = Names.of(
    NIELSEN,
    scalars="C n m eta mu Delta_w",
    indexed="a b w z delta y x",
    functions="sigmoid",
    indices="l j k L",
)
N = Name
L, ell, j, k = N("L"), N("l"), N("j"), N("k")


def layer(name: str, upper: Formula, *indices: Formula) -> Formula:
    return Indexed(name, tuple(indices), (upper,))


def prime(name: str) -> Formula:
    return Decorated("prime", N(name))


next_layer, last_layer = add("l", 1), subtract("l", 1)
BP1 = equation(
    layer("delta", L, j),
    multiply(partial("C", layer("a", L, j)), Call(prime("sigmoid"), (layer("z", L, j),))),
)
NIELSEN_FORMULAS = {
    r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)": BP1,
    r"\begin{eqnarray} \delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j). \tag{BP1}\end{eqnarray}": BP1,
    r"\delta^L = \nabla_a C \odot \sigma'(z^L)": equation(
        layer("delta", L),
        Hadamard((Nabla(N("C"), N("a")), Call(prime("sigmoid"), (layer("z", L),)))),
    ),
    r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)": equation(
        layer("delta", ell),
        Hadamard(
            (
                Group(multiply(Transpose(layer("w", next_layer)), layer("delta", next_layer))),
                Call(prime("sigmoid"), (layer("z", ell),)),
            )
        ),
    ),
    r"\frac{\partial C}{\partial b^l_j} = \delta^l_j": equation(partial("C", layer("b", ell, j)), layer("delta", ell, j)),
    r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j": equation(
        partial("C", layer("w", ell, j, k)), multiply(layer("a", last_layer, k), layer("delta", ell, j))
    ),
    r"a^l_j = \sigma\left( \sum_k w^{l}_{jk} a^{l-1}_k + b^l_j \right)": equation(
        layer("a", ell, j),
        call(
            "sigmoid",
            add(BigSum(multiply(layer("w", ell, j, k), layer("a", last_layer, k)), k), layer("b", ell, j)),
        ),
    ),
    r"a^{l} = \sigma(w^l a^{l-1}+b^l)": equation(
        layer("a", ell), call("sigmoid", add(multiply(layer("w", ell), layer("a", last_layer)), layer("b", ell)))
    ),
    r"C = \frac{1}{2} \|y-a^L\|^2 = \frac{1}{2} \sum_j (y_j-a^L_j)^2": equation(
        "C",
        multiply(divide(1, 2), power(Bars(subtract("y", layer("a", L)), "norm"), 2)),
        multiply(divide(1, 2), BigSum(power(subtract(indexed("y", "j"), layer("a", L, j)), 2), j)),
    ),
    r"\sigma(z) \equiv \frac{1}{1+e^{-z}}": Chain((call("sigmoid", "z"), divide(1, add(1, power("e", negate("z"))))), ("≡",)),
    r"\sigma'(z) = \sigma(z)(1-\sigma(z))": equation(
        Call(prime("sigmoid"), (N("z"),)), multiply(call("sigmoid", "z"), subtract(1, call("sigmoid", "z")))
    ),
    r"C = -\frac{1}{n} \sum_x \left[y \ln a + (1-y ) \ln (1-a) \right]": equation(
        "C",
        negate(
            multiply(
                divide(1, "n"),
                BigSum(
                    add(
                        multiply("y", call("log", "a")),
                        multiply(subtract(1, "y"), call("log", subtract(1, "a"))),
                    ),
                    N("x"),
                ),
            )
        ),
    ),
    r"w_k \rightarrow w_k' = w_k-\eta \frac{\partial C}{\partial w_k}": Chain(
        (
            indexed("w", "k"),
            Decorated("prime", indexed("w", "k")),
            subtract(indexed("w", "k"), multiply("eta", partial("C", indexed("w", "k")))),
        ),
        ("→", "="),
    ),
    r"\Delta C \approx \frac{\partial C}{\partial w} \Delta w": Chain(
        (Decorated("Delta", N("C")), multiply(partial("C", "w"), Decorated("Delta", N("w")))), ("≈",)
    ),
    r"\frac{\partial C}{\partial w_j} = \frac{1}{n} \sum_x x_j(\sigma(z)-y)": equation(
        partial("C", indexed("w", "j")),
        multiply(divide(1, "n"), BigSum(multiply(indexed("x", "j"), subtract(call("sigmoid", "z"), "y")), N("x"))),
    ),
}

MATRIX_NAMES = Names.of(
    GOODFELLOW,
    scalars="J L alpha epsilon lambda",
    indexed="W X H U V x h b y z g a theta",
    functions="f phi softmax",
    indices="i j k n",
)
MATRIX_FORMULAS = {
    r"\boldsymbol{h} = f(\boldsymbol{W}^\top \boldsymbol{x} + \boldsymbol{b})": equation(
        "h", call("f", add(multiply(Transpose(N("W")), "x"), "b"))
    ),
    r"\frac{dz}{dx} = \frac{dz}{dy}\frac{dy}{dx}": equation(partial("z", "x"), multiply(partial("z", "y"), partial("y", "x"))),
    r"\nabla_{\boldsymbol{x}} z = \left( \frac{\partial \boldsymbol{y}}{\partial \boldsymbol{x}} \right)^\top "
    r"\nabla_{\boldsymbol{y}} z": equation(Nabla(N("z"), N("x")), multiply(Transpose(partial("y", "x")), Nabla(N("z"), N("y")))),
    r"\frac{\partial z}{\partial x_i} = \sum_j \frac{\partial z}{\partial y_j} \frac{\partial y_j}{\partial x_i}": equation(
        partial("z", indexed("x", "i")),
        BigSum(multiply(partial("z", indexed("y", "j")), partial(indexed("y", "j"), indexed("x", "i"))), j),
    ),
    r"\boldsymbol{g} \leftarrow \nabla_{\boldsymbol{a}^{(k)}} J = \boldsymbol{g} \odot f'(\boldsymbol{a}^{(k)})": Chain(
        (
            N("g"),
            Nabla(N("J"), layer("a", k)),
            Hadamard((N("g"), Call(prime("f"), (layer("a", k),)))),
        ),
        ("←", "="),
    ),
    r"\operatorname{softmax}(\boldsymbol{z})_i = \frac{\exp(z_i)}{\sum_j \exp(z_j)}": equation(
        Element(call("softmax", "z"), (N("i"),)),
        divide(call("exp", indexed("z", "i")), BigSum(call("exp", indexed("z", "j")), j)),
    ),
    r"(\boldsymbol{W}^\top)_{i,j} = W_{j,i}": equation(Element(Transpose(N("W")), (N("i"), N("j"))), indexed("W", "j", "i")),
}

CS231N_NAMES = Names.of(
    TEXTBOOK,
    scalars="f q x y z L dW dX dD w",
    indexed="W X s p delta",
    functions="sigmoid J",
    indices="i j k",
    sizes="N",
)
CS231N_FORMULAS = {
    r"\frac{\partial f}{\partial x} = \frac{\partial f}{\partial q} \frac{\partial q}{\partial x}": equation(
        partial("f", "x"), multiply(partial("f", "q"), partial("q", "x"))
    ),
    r"\frac{df}{dx} = \frac{d f}{d q} \cdot \frac{\mathrm{d} q}{\mathrm{d} x}": equation(
        partial("f", "x"), multiply(partial("f", "q"), partial("q", "x"))
    ),
    r"\frac{d\sigma(x)}{dx} = \frac{e^{-x}}{(1+e^{-x})^2} = \left( 1 - \sigma(x) \right) \sigma(x)": equation(
        partial(call("sigmoid", "x"), "x"),
        divide(power("e", negate("x")), power(add(1, power("e", negate("x"))), 2)),
        multiply(subtract(1, call("sigmoid", "x")), call("sigmoid", "x")),
    ),
    r"p_k = \frac{e^{s_k}}{ \sum_j e^{s_j} }": equation(
        indexed("p", "k"),
        divide(power("e", indexed("s", "k")), BigSum(power("e", indexed("s", "j")), j)),
    ),
    r"\frac{\partial L}{\partial s_k} = p_k - \mathbb{1}_{ik}": equation(
        partial("L", indexed("s", "k")), subtract(indexed("p", "k"), Delta(N("i"), k))
    ),
    r"dX = dD\,W^T": equation("dX", multiply("dD", Transpose(N("W")))),
    r"dW = X^T dD / N": equation("dW", Fraction(multiply(Transpose(N("X")), "dD"), N("N"), inline=True)),
    r"L = \frac{1}{N} \sum_{i=1}^{N} \left( -\log p_i \right)": equation(
        "L",
        multiply(divide(1, "N"), BigSum(negate(call("log", indexed("p", "i"))), N("i"), Number("1"), N("N"))),
    ),
}

D2L = Notation(title="d2l", bold=frozenset({"x", "h", "W_1", "W_2", "z", "o"}), functions={"log": r"\log"})
D2L_NAMES = Names.of(
    D2L,
    scalars="L l s J y lambda eta b",
    indexed="x h z o W_1 W_2 w yhat X",
    functions="phi relu softmax sigmoid",
    indices="i j k t",
    sizes="n q",
    spellings={r"\hat{y}": "yhat", r"\mathbf{W}^{(1)}": "W_1", r"\mathbf{W}^{(2)}": "W_2"},
)
D2L_FORMULAS = {
    r"\mathbf{z}= \mathbf{W}^{(1)} \mathbf{x}": equation("z", multiply("W_1", "x")),
    r"\mathbf{h}= \phi (\mathbf{z}).": equation("h", call("phi", "z")),
    r"\mathbf{o}= \mathbf{W}^{(2)} \mathbf{h},": equation("o", multiply("W_2", "h")),
    r"s = \frac{\lambda}{2} \left(\|\mathbf{W}^{(1)}\|^2 + \|\mathbf{W}^{(2)}\|^2\right)": equation(
        "s",
        multiply(
            divide("lambda", 2),
            add(power(Bars(N("W_1"), "norm"), 2), power(Bars(N("W_2"), "norm"), 2)),
        ),
    ),
    r"J = L + s": equation("J", add("L", "s")),
    r"\frac{\partial J}{\partial L} = 1 \; \text{and} \; \frac{\partial J}{\partial s} = 1.": Row(
        (equation(partial("J", "L"), 1), Text("and"), equation(partial("J", "s"), 1))
    ),
    r"\frac{\partial J}{\partial \mathbf{W}^{(2)}} = \frac{\partial J}{\partial \mathbf{o}} \mathbf{h}^\top "
    r"+ \lambda \mathbf{W}^{(2)}": equation(
        partial("J", "W_2"), add(multiply(partial("J", "o"), Transpose(N("h"))), multiply("lambda", "W_2"))
    ),
    r"\frac{\partial J}{\partial \mathbf{h}} = {\mathbf{W}^{(2)}}^\top \frac{\partial J}{\partial \mathbf{o}}": equation(
        partial("J", "h"), multiply(Transpose(N("W_2")), partial("J", "o"))
    ),
    r"\frac{\partial J}{\partial \mathbf{z}} = \frac{\partial J}{\partial \mathbf{h}} \odot "
    r"\phi'\left(\mathbf{z}\right).": equation(partial("J", "z"), Hadamard((partial("J", "h"), Call(prime("phi"), (N("z"),))))),
    r"\hat{y}_j = \frac{\exp(o_j)}{\sum_k \exp(o_k)}": equation(
        indexed("yhat", "j"),
        divide(call("exp", indexed("o", "j")), BigSum(call("exp", indexed("o", "k")), k)),
    ),
    r"l = - \sum_{j=1}^q y \log \hat{y}_j": equation(
        "l",
        negate(BigSum(multiply("y", call("log", indexed("yhat", "j"))), j, Number("1"), N("q"))),
    ),
    r"\operatorname{ReLU}(x) = \begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}": equation(
        call("relu", "x"),
        Cases((Branch(N("x"), Chain((N("x"), Number("0")), (">",))), Branch(Number("0")))),
    ),
    r"w_i \leftarrow w_i - \eta \frac{\partial L}{\partial w_i}": Chain(
        (
            indexed("w", "i"),
            subtract(indexed("w", "i"), multiply("eta", partial("L", indexed("w", "i")))),
        ),
        ("←",),
    ),
    r"\begin{aligned} L &= l + s \\ &\quad + b \\ &= J \end{aligned}": equation("L", add("l", "s", "b"), "J"),
    r"\frac{\partial^2 L}{\partial b^2} = \sigma'(b)": equation(
        Partial(N("L"), N("b"), (N("b"),)), Call(prime("sigmoid"), (N("b"),))
    ),
    r"\frac{\partial}{\partial b} (l + s) = \frac{\partial^2 L}{\partial b \partial s}": equation(
        partial(add("l", "s"), "b"), Partial(N("L"), N("b"), (N("s"),))
    ),
}

PRML_NAMES = Names.of(
    TEXTBOOK.override(layered=frozenset(), transpose="T", functions={"h": "h", "log": r"\ln"}),
    scalars="eta",
    indexed="E w x y t z a delta phi_n",
    functions="h tanh",
    indices="n i j k",
    sizes="N K D M",
    spellings={r"\boldsymbol{\phi}_n": "phi_n"},
)
PRML_FORMULAS = {
    r"E_n = \frac{1}{2} \sum_k (y_{nk} - t_{nk})^2": equation(
        indexed("E", "n"),
        multiply(divide(1, 2), BigSum(power(subtract(indexed("y", "n", "k"), indexed("t", "n", "k")), 2), k)),
    ),
    r"\frac{\partial E_n}{\partial w_{ji}} = (y_{nj} - t_{nj}) x_{ni}": equation(
        partial(indexed("E", "n"), indexed("w", "j", "i")),
        multiply(subtract(indexed("y", "n", "j"), indexed("t", "n", "j")), indexed("x", "n", "i")),
    ),
    r"\delta_j \equiv \frac{\partial E_n}{\partial a_j}": Chain(
        (indexed("delta", "j"), partial(indexed("E", "n"), indexed("a", "j"))), ("≡",)
    ),
    r"\delta_j = h'(a_j) \sum_k w_{kj} \delta_k": equation(
        indexed("delta", "j"),
        multiply(
            Call(prime("h"), (indexed("a", "j"),)),
            BigSum(multiply(indexed("w", "k", "j"), indexed("delta", "k")), k),
        ),
    ),
    r"\delta_j = (1 - z_j^2) \sum_{k=1}^K w_{kj} \delta_k": equation(
        indexed("delta", "j"),
        multiply(
            subtract(1, power(indexed("z", "j"), 2)),
            BigSum(multiply(indexed("w", "k", "j"), indexed("delta", "k")), k, Number("1"), N("K")),
        ),
    ),
    r"\tanh(a) = \frac{e^a - e^{-a}}{e^a + e^{-a}}": equation(
        call("tanh", "a"),
        divide(subtract(power("e", "a"), power("e", negate("a"))), add(power("e", "a"), power("e", negate("a")))),
    ),
    r"E = - \sum_{n=1}^N \sum_{k=1}^K t_{nk} \ln y_{nk}": equation(
        "E",
        negate(
            BigSum(
                BigSum(multiply(indexed("t", "n", "k"), call("log", indexed("y", "n", "k"))), k, Number("1"), N("K")),
                N("n"),
                Number("1"),
                N("N"),
            )
        ),
    ),
    r"\frac{\partial y_k}{\partial a_j} = y_k (\mathbb{1}_{kj} - y_j)": equation(
        partial(indexed("y", "k"), indexed("a", "j")),
        multiply(indexed("y", "k"), subtract(Delta(k, j), indexed("y", "j"))),
    ),
    r"\nabla E = \sum_n (y_n - t_n) \boldsymbol{\phi}_n": equation(
        Nabla(N("E")),
        BigSum(multiply(subtract(indexed("y", "n"), indexed("t", "n")), "phi_n"), N("n")),
    ),
    r"\mathbf{w}^{\text{new}} = \mathbf{w} - \eta \nabla E": equation(
        Update(N("w")), subtract("w", multiply("eta", Nabla(N("E"))))
    ),
    r"x_{n, i+1}^2": power(indexed("x", "n", add("i", 1)), 2),
}

ALL = [
    *((text, tree, NIELSEN_NAMES, NIELSEN) for text, tree in NIELSEN_FORMULAS.items()),
    *((text, tree, MATRIX_NAMES, GOODFELLOW) for text, tree in MATRIX_FORMULAS.items()),
    *((text, tree, CS231N_NAMES, TEXTBOOK) for text, tree in CS231N_FORMULAS.items()),
    *((text, tree, D2L_NAMES, D2L) for text, tree in D2L_FORMULAS.items()),
    *((text, tree, PRML_NAMES, TEXTBOOK) for text, tree in PRML_FORMULAS.items()),
]


def test_there_are_at_least_forty() -> None:
    assert len(ALL) >= 40


@pytest.mark.parametrize(("text", "tree", "names", "notation"), ALL, ids=[text[:40] for text, *_ in ALL])
def test_reads_as(text: str, tree: Formula, names: Names, notation: Notation) -> None:
    assert read(text, names) == tree


@pytest.mark.parametrize(("text", "tree", "names", "notation"), ALL, ids=[text[:40] for text, *_ in ALL])
def test_printed_again_reads_the_same(text: str, tree: Formula, names: Names, notation: Notation) -> None:
    assert read(latex(tree, notation), names) == tree


MISREADABLE = [
    (r"f(x,y) = x y", CS231N_NAMES, "two readings"),  # f is a scalar there, not a function
    (r"\theta - \epsilon \nabla_\theta J(\theta)", MATRIX_NAMES, "two readings"),
    (r"\ln a x", PRML_NAMES, "two readings"),
    (r"a / y x", PRML_NAMES, "two readings"),
    (r"x^10", PRML_NAMES, "one digit"),
    (r"w^{(k)}", PRML_NAMES, "layer"),
    (r"W^\top_{ij}", MATRIX_NAMES, "two readings"),
    (r"\hat{a}^{(k)}", MATRIX_NAMES, "layer"),
    (r"{a + x} y", PRML_NAMES, "braces do not show"),
    (r"x_{2n}", PRML_NAMES, "two readings"),
    (r"\frac{\partial}{\partial x_i} a y", PRML_NAMES, "two readings"),
    (r"\tanh^{-1}(a)", PRML_NAMES, "two readings"),
    (r"\sum_n (y_n - t_n", PRML_NAMES, r"ends too early|open"),
    (r"(y_n - t_n]", PRML_NAMES, "still open"),
    (r"loss = a", PRML_NAMES, "unknown name loss"),  # never l o s s
    (r"w7 x", PRML_NAMES, "unknown name w7"),  # never w * 7
    (r"\frac{1}{2", PRML_NAMES, "never closed"),
    (r"x^2^3", PRML_NAMES, "two superscripts"),
    (r"", PRML_NAMES, "got nothing"),
]


@pytest.mark.parametrize(("text", "names", "message"), MISREADABLE, ids=[text for text, *_ in MISREADABLE])
def test_what_could_be_misread_is_refused(text: str, names: Names, message: str) -> None:
    with pytest.raises(ReadError, match=message) as raised:
        read(text, names)
    start, end = raised.value.span
    assert 0 <= start <= end <= len(text)
