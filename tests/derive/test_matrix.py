"""Matrix forms: the written formula evaluated with numpy against the index form summed entry by entry, at distinct primes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

import flint
import numpy as np
import pytest
from sympy import Expr, IndexedBase, Integer, KroneckerDelta, Piecewise, Sum, Symbol, exp, log, sign, sqrt, tanh

from symbackprop import layers
from symbackprop.derive import derive
from symbackprop.derive.matrix.matrix import MatrixForm, NoMatrixForm, matrix_form
from symbackprop.derive.matrix.matrix_tree import MatrixExpression, NamedArray, Transposed, product
from symbackprop.derive.matrix.matrix_writing import equality, explanations, formula, shapes, with_ones
from symbackprop.derive.reasons import worded
from symbackprop.derive.textbook.simplify import simplified_adjoints
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.text import text
from symbackprop.formula.tree import tree
from symbackprop.network import Network, maximum, sigmoid
from symbackprop.network.indices import parse_indices
from tests.derive.interpreter import BITS, Machine, Table
from tests.derive.test_simplify import NETWORKS

n, i, j, k, m, h = parse_indices("n:N i:D j:M k:K m:N h:H")
X, W, V, dZ, P, Q, S = map(IndexedBase, ("X", "W", "V", "dZ", "P", "Q", "S"))
b, g, v, c = map(IndexedBase, ("b", "g", "v", "c"))
a = Symbol("a", real=True)
N = n.upper + 1
SIZES = {"N": 7, "D": 3, "M": 5, "K": 2, "H": 11, "T": 13, "C": 2, "O": 2, "F": 2}
SHAPES = {
    "X": (n, i), "W": (i, j), "V": (j, k), "dZ": (n, j), "P": (n, m), "Q": (m, j), "S": (n, k),
    "b": (j,), "g": (i,), "v": (n,), "c": (k,), "a": (),
}  # fmt: skip

# ---- an evaluator of written formulas ---------------------------------------------------------------------------------------

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "tanh": np.tanh,
    "log": np.log,
    "exp": np.exp,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "maximum": np.maximum,
    "diag": np.diagflat,
    "sign": np.sign,
}


def value(written: tree.Formula, names: Mapping[str, Any]) -> Any:
    """Evaluate a formula in matrices (a vector is a column) and numbers. Raises AssertionError where shapes clash."""
    return EVALUATORS[type(written)](written, lambda part: value(part, names), names)


def _times(left: Any, right: Any) -> Any:
    if np.ndim(left) == 0 or np.ndim(right) == 0 or left.shape == (1, 1) != right.shape[:1]:
        return left * right
    assert left.shape[1] == right.shape[0], f"{left.shape} times {right.shape}"
    return left @ right


def _alike(parts: list[Any]) -> list[Any]:
    assert len({np.shape(part) for part in parts} - {()}) <= 1, f"entry by entry, but shapes {[np.shape(p) for p in parts]}"
    return parts


def _power(base: Any, exponent: Any) -> Any:
    assert np.ndim(base) == 0 or base.shape[1] == 1, "a power of a matrix would be read as a matrix product"
    return base**exponent


def _call(node: tree.Call, go: Callable[..., Any]) -> Any:
    assert isinstance(node.function, tree.Name)
    return FUNCTIONS[node.function.name](*_alike([go(argument) for argument in node.arguments]))


EVALUATORS: Mapping[type[tree.Formula], Callable[..., Any]] = {
    tree.Name: lambda f, go, names: names[f.name],
    tree.Number: lambda f, go, names: float(f.text),
    tree.Neg: lambda f, go, names: -go(f.body),
    tree.Group: lambda f, go, names: go(f.body),
    tree.Sum: lambda f, go, names: sum(_alike([go(term) for term in f.terms])),
    tree.Product: lambda f, go, names: reduce(_times, [go(factor) for factor in f.factors]),
    tree.Hadamard: lambda f, go, names: np.prod(_alike([go(factor) for factor in f.factors]), axis=0),
    tree.Fraction: lambda f, go, names: np.divide(*_alike([go(f.numerator), go(f.denominator)])),
    tree.Power: lambda f, go, names: np.exp(go(f.exponent)) if f.base == tree.Name("e") else _power(go(f.base), go(f.exponent)),
    tree.Root: lambda f, go, names: np.sqrt(go(f.body)),
    tree.Transpose: lambda f, go, names: go(f.body).T,
    tree.Call: lambda f, go, names: _call(f, go),
}


def matrices(tables: Mapping[str, Table], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return tables as numbers, columns and matrices, with sizes and columns of ones."""
    names: dict[str, Any] = dict(sizes)
    for size, length in sizes.items():
        names[f"ones_{size}"] = np.ones((length, 1))
    for name, table in tables.items():
        names[name] = as_matrix(table)
    return names


def as_matrix(table: Table) -> Any:
    """Return a number, a column or a matrix; a table of more axes as an array (no formula uses it)."""
    places = list(table)
    if places == [()]:
        return float(table[()].mid())
    shape = [max(place[axis] for place in places) + 1 for axis in range(len(places[0]))]
    found = np.array([float(entry.mid()) for entry in table.values()]).reshape(shape)
    return found[:, None] if found.ndim == 1 else found


def assert_equal(form: MatrixForm, expected: Table, names: Mapping[str, Any]) -> None:
    """Raise AssertionError unless the written form has the value and the shape of the index form."""
    found = value(formula(form), names)
    true = as_matrix(expected)
    if form.as_row:
        true = true.T
    assert np.shape(found) == np.shape(true) or np.size(true) == 1, f"shape {np.shape(found)}, expected {np.shape(true)}"
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(true), rtol=1e-11, atol=1e-13, err_msg=text(formula(form)))


# ---- single expressions -----------------------------------------------------------------------------------------------------

CASES: tuple[tuple[Expr, tuple[Any, ...], str, str], ...] = (
    (Sum(X[n, i] * dZ[n, j], n), (i, j), "Xᵀ·dZ", "(D,N)(N,M)"),
    (Sum(dZ[n, j] * W[i, j], j), (n, i), "dZ·Wᵀ", "(N,M)(M,D)"),
    (Sum(X[n, i] * W[i, j], i) + b[j], (n, j), "X·W + ones_N·bᵀ", "(N,D)(D,M) + (N,1)(1,M)"),
    (Sum(dZ[n, j], n), (j,), "ones_Nᵀ·dZ", "(1,N)(N,M)"),
    (Sum(dZ[n, j], j), (n,), "dZ·ones_M", "(N,M)(M,1)"),
    (Sum(dZ[n, j], n, j), (), "ones_Nᵀ·dZ·ones_M", "(1,N)(N,M)(M,1)"),
    (Sum(v[n] ** 2, n), (), "ones_Nᵀ·v²", "(1,N)(N,1)"),
    (Sum(v[n] * dZ[n, j], n), (j,), "dZᵀ·v", "(M,N)(N,1)"),
    (Sum(dZ[n, j] * b[j], j), (n,), "dZ·b", "(N,M)(M,1)"),
    (v[n] * b[j], (n, j), "v·bᵀ", "(N,1)(1,M)"),
    (v[n] * dZ[n, j], (n, j), "diag(v)·dZ", "(N,N)(N,M)"),
    (v[n] * dZ[n, j] * b[j], (n, j), "diag(v)·dZ·diag(b)", "(N,N)(N,M)(M,M)"),
    (Sum(X[n, i] * g[i] * W[i, j], i), (n, j), "X·diag(g)·W", "(N,D)(D,D)(D,M)"),
    (Sum(X[n, i] * W[i, j] * V[j, k], i, j), (n, k), "X·W·V", "(N,D)(D,M)(M,K)"),
    (Sum(X[n, i] * W[i, j] * V[j, k], i, j), (k, n), "Vᵀ·Wᵀ·Xᵀ", "(K,M)(M,D)(D,N)"),
    (X[n, i], (i, n), "Xᵀ", "(D,N)"),
    ((1 - dZ[n, j] ** 2) * Sum(V[j, k] * S[n, k], k), (n, j), "S·Vᵀ ⊙ (1 - dZ ⊙ dZ)", "(N,K)(K,M) ⊙ (N,M)"),
    (-S[n, k] / (N * (S[n, k] ** 2 + 2)), (n, k), "-S/(N·(S ⊙ S + 2))", "(N,K)"),
    (a * exp(S[n, k]), (n, k), "a·e^S", "(N,K)"),
    (dZ[n, j] / v[n], (n, j), "diag(1/v)·dZ", "(N,N)(N,M)"),
    (tanh(dZ[n, j] + b[j]), (n, j), "tanh(dZ + ones_N·bᵀ)", "(N,M)"),
    (a * b[j] + 2, (j,), "a·b + 2", "(M,1)"),
    (2 * v[n], (n, j), "2·v·ones_Mᵀ", "(N,1)(1,M)"),
    (Integer(3), (n, j), "3·ones_N·ones_Mᵀ", "(N,1)(1,M)"),
    (b[j] * Sum(v[n], n), (j,), "(ones_Nᵀ·v)·b", "(M,1)"),
    (dZ[n, j] * Sum(g[i], i) * v[n], (n, j), "(ones_Dᵀ·g)·diag(v)·dZ", "(N,N)(N,M)"),
    (Sum(P[n, m] * Q[m, j] * v[m], m) - b[j], (n, j), "P·diag(v)·Q - ones_N·bᵀ", "(N,N)(N,N)(N,M) + (N,1)(1,M)"),
    (P[m, n] * P[n, m], (n, m), "P ⊙ Pᵀ", "(N,N) ⊙ (N,N)"),
    (sqrt(v[n] ** 2 + N), (n,), "√(N + v²)", "(N,1)"),
    (Sum((X[n, i] - g[i]) ** 2, i) / 3, (n,), "1/3·((X - ones_N·gᵀ) ⊙ (X - ones_N·gᵀ))·ones_D", "(N,D)(D,1)"),
    (Sum(maximum(dZ[n, j], b[j]), n), (j,), "ones_Nᵀ·max(dZ, ones_N·bᵀ)", "(1,N)(N,M)"),
    (v[n] ** 3 * dZ[n, j], (n, j), "diag(v³)·dZ", "(N,N)(N,M)"),
    (sigmoid(v[n]) * b[j] ** 2, (n, j), "σ(v)·(b²)ᵀ", "(N,1)(1,M)"),
    (Sum(log(S[n, k]**2 + 1) * c[k], k), (n,), "ln(S ⊙ S + 1)·c", "(N,K)(K,1)"),
    (sign(S[n, k] - 1) * S[n, k], (n, k), "S ⊙ sign(S - 1)", "(N,K) ⊙ (N,K)"),
)  # fmt: skip


@pytest.fixture(scope="module")
def names() -> tuple[Machine, dict[str, Table]]:
    """Return random values of the arrays above."""
    net = Network()
    net.indices("n:N i:D j:M k:K m:N h:H")
    for name, indices in SHAPES.items():
        net.input(name, *indices)
    with flint.ctx.workprec(BITS):
        machine = Machine(net, SIZES)
        return machine, machine.random(11)


@pytest.mark.parametrize(("expression", "indices", "written", "under"), CASES, ids=[case[2] for case in CASES])
def test_form(
    names: tuple[Machine, dict[str, Table]], expression: Expr, indices: tuple[Any, ...], written: str, under: str
) -> None:
    machine, tables = names
    form = matrix_form(expression, indices)
    assert isinstance(form, MatrixForm), form
    with flint.ctx.workprec(BITS):
        assert_equal(form, machine.table(expression, indices, tables), matrices(tables, SIZES))
    assert text(formula(form)) == written
    assert shapes(form) == under


def test_the_judge_finds_a_wrong_form(names: tuple[Machine, dict[str, Table]]) -> None:
    machine, tables = names
    expression = Sum(X[n, i] * W[i, j], i) + b[j]
    with flint.ctx.workprec(BITS):
        expected = machine.table(expression, (n, j), tables)
    right = matrix_form(expression, (n, j))
    assert isinstance(right, MatrixForm)
    others: list[MatrixExpression] = [
        matrix_form(e, (n, j)).matrix  # type: ignore[union-attr]
        for e in (expression - b[j], expression + b[j], 2 * expression, dZ[n, j])
    ]
    for wrong in others:
        with pytest.raises(AssertionError):
            assert_equal(replace(right, matrix=wrong), expected, matrices(tables, SIZES))
    untransposed = product(NamedArray(n, i, "X"), NamedArray(n, j, "dZ"))
    with pytest.raises(AssertionError, match="times"):
        value(formula(MatrixForm((i, j), untransposed)), matrices(tables, SIZES))


# ---- no matrix form -----------------------------------------------------------------------------------------------------------

T = IndexedBase("T")
p, q = parse_indices("p:N q:N")
REFUSED = (
    (X[n, i] * W[i, j], (n, i, j), r"the result has 3 indices, \[n,i,j\]; a matrix has two"),
    (Sum(T[n, i, j] * b[j], j), (n, i), r"T has 3 indices, i,j,n; a matrix has two"),
    (X[n + 1, i], (n, i), r"X\[n \+ 1,i\] has the computed index n \+ 1"),
    (P[n, n], (n,), r"P\[n,n\] takes the diagonal of P"),
    (Sum(X[m, i], (m, 0, n)), (n, i), r"the sum over m runs from 0 to n, not over the whole axis"),
    (Piecewise((X[n, i], n <= i), (0, True)), (n, i), "a definition by cases has no matrix form"),
    (KroneckerDelta(n, m) * v[n], (n, m), "a Kronecker delta has no matrix form"),
    (
        Sum(P[n, m] * P[n, p] * P[n, q] * P[m, p] * P[m, q] * P[p, q], n, m, p, q),
        (),
        "the summed index q joins 3 arrays; a matrix product joins two",
    ),
)


@pytest.mark.parametrize(("expression", "indices", "reason"), REFUSED)
def test_where_there_is_none_the_reason_is_said(expression: Expr, indices: tuple[Any, ...], reason: str) -> None:
    form = matrix_form(expression, indices)
    assert isinstance(form, NoMatrixForm)
    assert not form
    assert re.search(reason, form.reason), form.reason


def test_convolution_stays_in_indices() -> None:
    net = Network()
    s, t, u = net.indices("s:T t:T-F+1 u:F")
    x, w = net.input("x", s), net.parameter("w", u)
    y = net.define("y", t, Sum(x[t + u] * w[u], u))
    derivation = derive(net, net.define("E", Sum(y[t] ** 2, t)))
    assert "x[t + u] has the computed index t + u" in matrix_form(net.nodes["y"].expression, (t,)).reason  # type: ignore[union-attr]
    assert not matrix_form(derivation["w"].shared, (u,))


# ---- whole networks -----------------------------------------------------------------------------------------------------------


def all_forms(build: Callable[[], tuple[Network, Any]]) -> list[tuple[str, MatrixForm | NoMatrixForm, Table, Any]]:
    """Return (what, form, value by indices, named matrices) of every definition, adjoint and simplified adjoint."""
    net, loss = build()
    derivation = derive(net, loss)
    sizes = {str(size): SIZES[str(size)] for index in net.declared_indices.values() for size in index.upper.free_symbols}
    with flint.ctx.workprec(BITS):
        machine = Machine(net, sizes)
        given = machine.random(3)
        if "t" in given:
            given["t"] = {place: abs(entry) for place, entry in given["t"].items()}
        values = machine.forward(given)
        for name, table in machine.backward(derivation, values).items():
            symbol = derivation.adjoints[name].symbol
            values[str(getattr(symbol, "label", symbol))] = table
        jobs = [(name, node.expression, node.indices) for name, node in net.nodes.items() if node.defined]
        jobs += [(str(o.symbol), o.expression, o.indices) for o in derivation.adjoints.values()]
        forms = simplified_adjoints(derivation, tuple(derivation.adjoints))
        jobs += [(f"{o.adjoint.symbol}, simplified", o.expression, o.adjoint.indices) for o in forms.values()]
        known = matrices(values, sizes)
        return [(what, matrix_form(e, at), machine.table(e, at, values), known) for what, e, at in jobs]


def regression() -> tuple[Network, Any]:
    net = Network("regression")
    n, i, j = net.indices("n:N i:D j:K")
    y = layers.dense(net, "y", net.input("x", n, i), (n, i), j)
    return net, layers.mean_squared_error(net, "L", y, net.target("t", n, j), (n, j))


def lstm() -> tuple[Network, Any]:
    net = Network("lstm")
    n, i, j, _ = net.indices("n:N i:D j:M m:M")
    out, _ = layers.lstm_cell(net, "r", net.input("x", n, i), net.input("h", n, j), net.input("c", n, j), (n, i), j)
    return net, net.define("L", Sum(out[n, j] ** 2, n, j))


WITHOUT = {"causal_attention": {"y_P"}}


QUICK = ("in_pieces", "with_logsumexp_node", "layer_norm", "regression")
BUILDS = [
    pytest.param(build, id=build.__name__, marks=() if build.__name__ in QUICK else pytest.mark.slow)
    for build in (*NETWORKS, regression, lstm)
]


@pytest.mark.parametrize("build", BUILDS)
def test_every_definition_and_gradient(build: Callable[[], tuple[Network, Any]]) -> None:
    missing = set()
    for what, form, expected, known in all_forms(build):
        if form:
            assert isinstance(form, MatrixForm)
            assert_equal(form, expected, known)
        else:
            missing.add(what.removesuffix(", simplified"))
    assert missing == WITHOUT.get(build.__name__, set())


# ---- words --------------------------------------------------------------------------------------------------------------------


def explained(expression: Expr, indices: tuple[Any, ...]) -> tuple[str, ...]:
    form = matrix_form(expression, indices)
    assert isinstance(form, MatrixForm)
    return tuple(worded((reason,)) for reason in explanations(form))


def test_where_transposes_come_from() -> None:
    assert explained(Sum(X[n, i] * dZ[n, j], n), (i, j)) == (
        "the summed index n is the first axis of X, but a matrix product sums over the last axis of its left factor; "
        "so X is transposed",
    )
    assert explained(Sum(dZ[n, j] * W[i, j], j), (n, i)) == (
        "the summed index j is the last axis of W, but a matrix product sums over the first axis of its right factor; "
        "so W is transposed",
    )
    assert explained(X[n, i] * 2 + P[n, m] * 0, (n, i)) == ()
    assert "P is transposed" in explained(P[m, n] * P[n, m], (n, m))[0]


def test_where_ones_and_diagonals_come_from() -> None:
    row, ones = explained(Sum(dZ[n, j], n), (j,))
    assert "written here as a row" in row
    assert ones == "multiplying by ones over n sums over n"
    repeat, laid = explained(dZ[n, j] + b[j], (n, j))
    assert "is repeated in every row" in repeat
    assert laid == "j runs along the columns of the result, so the vector b is laid down as a row"
    assert explained(v[n] * dZ[n, j] * b[j], (n, j)) == (
        "the diagonal matrix multiplies each row n by its entry of v",
        "the diagonal matrix multiplies each column j by its entry of b",
    )


def test_every_transpose_has_an_explanation() -> None:
    for expression, indices, *_ in CASES:
        form = matrix_form(expression, indices)
        assert isinstance(form, MatrixForm)
        if "ᵀ" in text(formula(form)) and not isinstance(form.matrix, Transposed):
            assert explanations(form), text(formula(form))


def test_written_as_latex_with_partials() -> None:
    form = matrix_form(Sum(X[n, i] * dZ[n, j], n) / N, (i, j))
    row = matrix_form(Sum(dZ[n, j], n), (j,))
    assert isinstance(form, MatrixForm)
    assert isinstance(row, MatrixForm)
    E, notation = tree.Name("E"), Notation()
    spell = {"dZ": tree.Partial(E, tree.Name("Z"))}
    left = tree.Partial(E, tree.Name("W"))
    assert latex(equality(left, form, spell), notation) == (
        r"\frac{\partial E}{\partial W} = \frac{1}{N} X^\top \frac{\partial E}{\partial Z}"
    )
    written = equality(tree.Partial(E, tree.Name("b")), row, spell)
    assert latex(written, with_ones(notation, row)).endswith(r"\top = \mathbf{1}_{N}^\top \frac{\partial E}{\partial Z}")
