"""From sympy to the written formula and back: the author's order, and values checked at random points."""

from __future__ import annotations

import pytest
import sympy
from sympy import Idx, IndexedBase, KroneckerDelta, Piecewise, Rational, Symbol
from sympy import Sum as SympySum

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import NIELSEN, TEXTBOOK, TWO_THREE_TWO
from symbackprop.formula.print.latex import latex
from symbackprop.formula.tree.tree import BigSum, Chain, Formula, Name, Number, Partial, Text
from symbackprop.formula.value.from_sympy import from_sympy, to_sympy
from symbackprop.formula.value.ordering import author_order

w7, w9, b2, h1, h2, t, o, net, x = (
    Symbol(name, real=True) for name in ["w7", "w9", "b2", "out_h1", "out_h2", "target_o1", "out_o1", "net_o1", "x"]
)
N, D = (Symbol(name, integer=True, positive=True) for name in "ND")
n, i, j = Idx("n", N), Idx("i", D), Idx("j", 3)
X, W, P = IndexedBase("X"), IndexedBase("W"), IndexedBase("P")
sigmoid = sympy.Function("sigmoid")
ORDER = author_order(
    [
        ("x", "input"),
        ("X", "input"),
        ("w7", "parameter"),
        ("w9", "parameter"),
        ("b2", "parameter"),
        ("W", "parameter"),
        ("target_o1", "target"),
        ("out_h1", "defined"),
        ("out_h2", "defined"),
        ("net_o1", "defined"),
        ("out_o1", "defined"),
        ("P", "defined"),
    ]
)
SYMBOLS = {str(symbol): symbol for symbol in (w7, w9, b2, h1, h2, t, o, net, x, N, D)}
TABLE = SYMBOLS | {"X": X, "W": W, "P": P, "n": n, "i": i, "j": j, "sigmoid": sigmoid}

WRITTEN = [
    (w9 * h2 + b2 + w7 * h1, r"w_7 out_{h1} + w_9 out_{h2} + b_2", "w7*out_{h1}+w9*out_{h2}+b2*1"),
    (Rational(1, 2) * (o - t) ** 2, r"\frac{1}{2} (out_{o1} - target_{o1})^2", r"\frac{1}{2}*(target_{o1}-out_{o1})^2"),
    (
        (o - t) * o * (1 - o) * h1,
        r"(out_{o1} - target_{o1}) out_{o1} (1 - out_{o1}) out_{h1}",
        "-(target_{o1}-out_{o1})*out_{o1} (1-out_{o1})*out_{h1}",
    ),
    (2 * (o - t) * h1, r"2 (out_{o1} - target_{o1}) out_{h1}", "-2*(target_{o1}-out_{o1})*out_{h1}"),
    (1 / (1 + sympy.exp(-net)), r"\frac{1}{1 + e^{-net_{o1}}}", r"\frac{1}{1+e^{-net_{o1}}}"),
    (1 - sympy.tanh(net) ** 2, r"1 - \tanh(net_{o1})^2", r"1-\tanh(net_{o1})^2"),
    (-t * sympy.log(o), r"-target_{o1} \ln(out_{o1})", r"-target_{o1}*\ln(out_{o1})"),
    (Rational(1, 20) + Rational(19, 20) * h1, r"0.95 out_{h1} + 0.05", r"0.95*out_{h1}+0.05"),
    (h1 / 10 - h2 / 10, r"0.1 (out_{h1} - out_{h2})", r"0.1*(out_{h1}-out_{h2})"),
    (h1 / 4 - h2 / 2, r"\frac{1}{4} (out_{h1} - 2 out_{h2})", r"\frac{1}{4}*(out_{h1}-2*out_{h2})"),
    (Rational(7, 10) * x / N, r"\frac{0.7 x}{N}", r"\frac{0.7*x}{N}"),
    (x / (10 * N), r"\frac{x}{10 N}", r"\frac{x}{10*N}"),
    (Rational(3, 4) * x / N, r"\frac{3 x}{4 N}", r"\frac{3*x}{4*N}"),
    (sympy.sqrt(x), r"\sqrt{x}", r"\sqrt{x}"),
    (sigmoid(net), r"\sigma(net_{o1})", "Sigmod(net_{o1})"),
    (SympySum(X[n, i] * W[i, j], (i, 0, D - 1)), r"\sum_i X_{ni} W_{ij}", r"\sum_i X_{ni}*W_{ij}"),
    (
        SympySum((P[n, j] - t) ** 2, (n, 0, N - 1)) / N,
        r"\frac{1}{N} \sum_n (P_{nj} - target_{o1})^2",
        r"\frac{1}{N}*\sum_n (target_{o1}-P_{nj})^2",
    ),
    (w7 - x, "w_7 - x", "w7-x"),
    (-x + w7, "w_7 - x", "w7-x"),
    (x / N, r"\frac{x}{N}", r"\frac{x}{N}"),
]


@pytest.mark.parametrize(("expr", "textbook", "document"), WRITTEN, ids=[row[1] for row in WRITTEN])
def test_authors_order(expr: sympy.Expr, textbook: str, document: str) -> None:
    assert latex(from_sympy(expr, ORDER, TEXTBOOK), TEXTBOOK) == textbook
    assert latex(from_sympy(expr, ORDER, TWO_THREE_TWO), TWO_THREE_TWO) == document


VALUES = [row[0] for row in WRITTEN] + [
    Piecewise((x, x > 0), (0, True)),
    KroneckerDelta(i, j) * x,
    sympy.Abs(x - 2) + sympy.Max(x, h1),
    -t * sympy.log(o) - (1 - t) * sympy.log(1 - o),
    (x - 1) * (2 - 4 * h1) * sympy.exp(x) / (3 * h2),
    x ** Rational(-3, 2) + sympy.pi,
    Rational(-7, 3) * x**2 * (t - o),
    -(2 * o - 2 * t) * (1 - sympy.tanh(net) ** 2) / N,
    x * (-w7 - w9),
    -(o - t) * (x - h1),
]


@pytest.mark.parametrize("notation", [TEXTBOOK, TWO_THREE_TWO, NIELSEN, Notation(minus_one=True, residual="target-out")])
@pytest.mark.parametrize("expr", VALUES, ids=str)
def test_what_is_written_has_the_value_of_the_expression(expr: sympy.Expr, notation: Notation) -> None:
    written = from_sympy(expr, ORDER, notation)
    difference = to_sympy(written, TABLE) - expr
    point = {symbol: Rational(3 + 2 * place, 7 + place) for place, symbol in enumerate((w7, w9, h1, h2, t, o, net, x))}
    point |= {b2: Rational(1, 3), N: 2, D: 2}
    values = {
        base[a, b]: Rational(5 + 3 * a + 7 * b + shift, 11)
        for shift, base in enumerate((X, W, P))
        for a in range(4)
        for b in range(4)
    }
    number = difference.subs(point).subs({n: 1, i: 0, j: 1}).doit().subs(values)
    assert abs(sympy.N(number, 30)) < 1e-25


ONES = Notation(minus_one=True, times="*")


def test_options_change_what_is_written() -> None:
    assert latex(from_sympy(-x, ORDER, ONES), ONES) == "-1*x"
    full = from_sympy(SympySum(X[n, i], (n, 0, N - 1)), ORDER, Notation(sum_bounds="full"))
    assert isinstance(full, BigSum)
    assert (full.lower, full.upper) == (Number("1"), Name("N"))
    assert to_sympy(full, TABLE) == SympySum(X[n, i], (n, 0, N - 1))
    assert latex(from_sympy(sympy.exp(x), ORDER, Notation(exponential="call"))) == r"\exp(x)"


def test_names_may_be_spelled_by_a_formula() -> None:
    error = IndexedBase("dE_dZ")
    spell = {
        "dE_do": Partial(Name("E"), Name("o")),
        "dE_dZ": lambda indices: Partial(Name("E"), Name("Z_" + "".join(index.name for index in indices))),
    }
    expr = Symbol("dE_do") + error[n, j]
    assert latex(from_sympy(expr, {}, TEXTBOOK, spell)).count(r"\partial E") == 2
    with pytest.raises(UserError, match="has indices"):
        from_sympy(error[n, j], {}, TEXTBOOK, {"dE_dZ": Name("delta")})


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        (Name("out_o9"), UserError, "Did you mean out_o1"),
        (Text("prose"), NotSupportedError, "Text"),
        (Partial(Name("x"), Name("w7")), NotSupportedError, "Partial"),
        (Chain((Name("x"), Name("w7"), Name("w9")), ("=", "=")), UserError, "statement"),
        (BigSum(Name("x"), Name("n"), Number("2"), Name("N")), NotSupportedError, "runs over"),
    ],
)
def test_what_has_no_value_is_refused(formula: Formula, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        to_sympy(formula, TABLE)


def test_special_is_asked_first() -> None:
    formula = Partial(Name("E"), Name("unknown"))
    assert to_sympy(formula, TABLE, lambda node: sympy.Integer(7) if isinstance(node, Partial) else None) == 7
