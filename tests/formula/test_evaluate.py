"""The value of written formulas with arrays, against numpy written by hand; what has none is refused; planted mistakes show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import erf

from symbackprop.errors import NotSupportedError, SymbackpropError, UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree.tree import Chain, Nabla, Name, Text, Update
from symbackprop.formula.value.arithmetic import FLOATS
from symbackprop.formula.value.evaluate import Known, free_indices, gaps, values
from symbackprop.functions import BY_NAME

DICE = np.random.default_rng(4)
X, W, D, P, T3 = (np.round(DICE.normal(size=shape), 2) for shape in ((3, 2), (2, 5), (3, 5), (3, 3), (3, 2, 5)))
b, v, g = (np.abs(np.round(DICE.normal(size=size), 2)) + 0.1 for size in (5, 3, 2))
DE_DW, DY_DW = DICE.normal(size=(2, 5)), DICE.normal(size=(3, 2, 5))
SLOPES = {("E", "W"): DE_DW, ("y", "W"): DY_DW, ("E", "s"): np.array(7.0), ("E", "b"): b * 3}
ARRAYS: dict[str, Any] = {
    "X": X, "W": W, "D": D, "P": P, "T3": T3, "b": b, "v": v, "g": g, "s": 1.5, "E": 0.2, "y": v, "N": 3, "K": 5,
    "ones_N": np.ones(3), "ones_K": np.ones(5),
}  # fmt: skip
KNOWN = Known(ARRAYS, {"n": 3, "m": 3, "i": 2, "j": 5, "k": 5, "t": 2, "u": 2}, FLOATS, lambda of, by: SLOPES[of, by])
NOTATION = Notation(kronecker=r"\mathbb{1}", names={"ones_N": r"\mathbf{1}_{N}", "ones_K": r"\mathbf{1}_{K}"})
NAMES = Names.of(
    NOTATION,
    scalars="s E", indexed="X W D P T3 b v g y ones_N ones_K", functions=[*BY_NAME, "diag"], indices="n m i j k t u", sizes="N K",
)  # fmt: skip

#: A formula, and its value with the free indices in alphabetical order.
VALUES: tuple[tuple[str, Any], ...] = (
    (r"X_{ni}", X.T),
    (r"2 s", 3.0),
    (r"\sum_n X_{ni} D_{nj}", X.T @ D),
    (r"\sum_i X_{ni} W_{ij} + b_j", (X @ W + b).T),
    (r"\sum_n \sum_{n'} P_{n,n'}", P.sum()),
    (r"\sum_{n'=1}^{N} P_{n,n'}", P.sum(axis=1)),
    (r"\sum_{n,j} D_{nj}", D.sum()),
    (r"\sum_n s", 4.5),
    (r"\sum_{m=0}^{n} v_m", np.cumsum(v)),
    (r"\sum_{m=1}^{2} v_m", v[1:].sum()),
    (r"\sum_{m=0}^{N-1} v_m", v.sum()),
    (r"\sum_{m \ne n} v_m", v.sum() - v),
    (r"\prod_n v_n", v.prod()),
    (r"\max_n P_{nm}", P.max(axis=0)),
    (r"\sum_m \mathbb{1}_{nm} v_m", v),
    (r"v_{t + u}", v[np.add.outer(np.arange(2), np.arange(2))]),
    (r"\begin{cases} v_{n - 1} & n \ge 1 \\ 0 & \text{otherwise} \end{cases}", np.array([0, v[0], v[1]])),
    (r"\begin{cases} v_n & v_n > v_m \land n \ne m \\ -v_m & \text{otherwise} \end{cases}",
     np.where((v[None, :] > v[:, None]), v[None, :], -v[:, None])),
    (r"\left| D_{nj} \right| + \sqrt{b_j}", (np.abs(D) + np.sqrt(b)).T),
    (r"e^{-D_{nj}} / \sum_k e^{-D_{nk}}", (np.exp(-D) / np.exp(-D).sum(axis=1, keepdims=True)).T),
    (r"\sigma(v_n)", 1 / (1 + np.exp(-v))),
    (r"\operatorname{GELU}(v_n)", v / 2 * (1 + erf(v / np.sqrt(2)))),
    (r"\max(v_n, s)", np.maximum(v, 1.5)),
    (r"v_n^2 \pi", v**2 * np.pi),
    (r"\frac{\partial E}{\partial W_{ij}}", DE_DW),
    (r"\frac{\partial y_n}{\partial W_{ij}}", np.moveaxis(DY_DW, 0, 2)),
    (r"\frac{\partial E}{\partial s}", 7.0),
    # arrays as wholes
    (r"X W + \mathbf{1}_N b^\top", X @ W + b),
    (r"X^\top D", X.T @ D),
    (r"D W^\top \odot X", (D @ W.T) * X),
    (r"\operatorname{diag}(v) X \operatorname{diag}(g)", v[:, None] * X * g),
    (r"v^\top v X", (v @ v) * X),
    (r"\mathbf{1}_N^\top D \mathbf{1}_K", D.sum()),
    (r"1 - D \odot D", 1 - D**2),
    (r"\frac{1}{v} - v^2", (1 / v - v**2)[:, None]),
    (r"\tanh(X) + e^X", np.tanh(X) + np.exp(X)),
    (r"\frac{\partial E}{\partial W} W^\top", DE_DW @ W.T),
    (r"\left( \frac{\partial E}{\partial b} \right)^\top", 3 * b[None]),
    (r"\frac{\partial y_n}{\partial W}", DY_DW),
    (r"\left( X W \right)_{nj}", (X @ W).T),
    (r"\left( W^\top \right)_{ji}", W),
    (r"\sum_n X_n D_n^\top", X.T @ D),  # rows as columns, one for each sample
)  # fmt: skip


def value(latex: str, known: Known = KNOWN) -> Any:
    """Return the value of LaTeX."""
    return values([read(latex, NAMES)], known)[0]


@pytest.mark.parametrize(("latex", "expected"), VALUES, ids=[latex for latex, _ in VALUES])
def test_value(latex: str, expected: Any) -> None:
    found = value(latex)
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(np.asarray(found, dtype=float), expected, rtol=1e-13, atol=1e-15)


def test_the_gradient_sign_is_the_derivative() -> None:
    np.testing.assert_array_equal(values([Nabla(Name("E"), Name("W"))], KNOWN)[0], DE_DW)


REFUSED: tuple[tuple[str, type[SymbackpropError], str], ...] = (
    (r"X D", UserError, r"product of shapes \(3, 2\) and \(3, 5\)"),
    (r"X + D", UserError, "entry by entry, but the shapes"),
    (r"X W + b^\top", UserError, "entry by entry"),
    (r"P^2", NotSupportedError, "read in two ways"),
    (r"\sum_n D", NotSupportedError, "whole arrays"),
    (r"T3", NotSupportedError, "3 axes"),
    (r"X_{nij}", UserError, "3 indices are written, but the array has 2 axes"),
    (r"\frac{\partial y}{\partial W}", NotSupportedError, "by another is no matrix"),
    (r"\frac{\partial^2 E}{\partial s^2}", NotSupportedError, "higher derivative"),
    (r"\operatorname{diag}(X) W", UserError, "diag takes a vector"),
    (r"\arg\max_n v_n", NotSupportedError, "argmax"),
    (r"\sum_{m=1} v_m", NotSupportedError, "one bound"),
    (r"v_{n/2}", UserError, "no whole number"),
    (r"\left\lVert v \right\rVert", NotSupportedError, "norm"),
)


@pytest.mark.parametrize(("latex", "error", "reason"), REFUSED, ids=[latex for latex, _, _ in REFUSED])
def test_what_has_no_value_is_refused(latex: str, error: type[SymbackpropError], reason: str) -> None:
    with pytest.raises(error, match=reason):
        value(latex)


@pytest.mark.parametrize("formula", [Text("so"), Update(Name("W"))])
def test_what_is_no_formula_is_refused(formula: Any) -> None:
    with pytest.raises(NotSupportedError, match="no value by itself"):
        values([formula], KNOWN)


def test_unknown_names_and_derivatives_are_named() -> None:
    with pytest.raises(UserError, match="unknown name 'Q'"):
        values([Name("Q")], KNOWN)
    with pytest.raises(UserError, match="derivative of E by W"):
        value(r"\frac{\partial E}{\partial W}", Known(ARRAYS, {}, FLOATS))


def test_an_entry_outside_an_array_is_not_passed_over() -> None:
    with pytest.raises(UserError, match="outside an array"):
        gaps(chain(r"v_{n + 1} = v_{n + 1}"), KNOWN)


def test_free_indices() -> None:
    sides = [read(r"\sum_j D_{nj} W_{ij}", NAMES), read(r"X_{ni} + P_{n,n'}", NAMES)]
    assert free_indices(sides, KNOWN) == ("i", "n", "n'")


# --- statements, and mistakes in them


def chain(latex: str) -> Chain:
    """Read a statement."""
    found = read(latex, NAMES)
    assert isinstance(found, Chain)
    return found


HOLDS = (
    (r"\sum_n X_{ni} D_{nj} = \sum_m D_{mj} X_{mi}", (0, 1)),
    (r"(X W)^\top = W^\top X^\top = W^\top X^\top", (0, 0)),
    (r"\sum_n \sum_j D_{nj} = \mathbf{1}_N^\top D \mathbf{1}_K", (0,)),
)
MISTAKES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("a factor not transposed", lambda latex: latex.replace(r"P^\top", "P")),
    ("an index changed", lambda latex: latex.replace("P_{mn}", "P_{nm}")),
    ("a sum dropped", lambda latex: latex.replace(r"\sum_j", "")),
    ("a digit changed", lambda latex: latex.replace("0.125", "0.126")),
    ("a sign lost", lambda latex: latex.replace("-", "+")),
)
TRUE = (
    r"P^\top D + 0 = P^\top D",
    r"\sum_m P_{mn} D_{mj} = \sum_m P_{mn} D_{mj} + 0",
    r"\sum_n \sum_j D_{nj} = \sum_n \left( \sum_j D_{nj} \right)",
    r"D_{nj}/8 = 0.125 D_{nj}",
    r"1 - D \odot D = 1 - D \odot D",
)


@pytest.mark.parametrize("latex", [latex for latex, _ in HOLDS])
def test_true_statements_hold(latex: str) -> None:
    assert max(gaps(chain(latex), KNOWN)) < 1e-14


@pytest.mark.parametrize(("mistake", "change", "latex"), [(*m, t) for m, t in zip(MISTAKES, TRUE, strict=True)],
                         ids=[name for name, _ in MISTAKES])  # fmt: skip
def test_a_planted_mistake_is_found(mistake: str, change: Callable[[str], str], latex: str) -> None:
    assert max(gaps(chain(latex), KNOWN)) < 1e-14
    left, right = latex.split(" = ")
    wrong = f"{left} = {change(right)}"
    assert wrong != latex
    assert not agrees(chain(wrong)), mistake


def agrees(statement: Chain) -> bool:
    """Whether a statement holds; not if shapes or free indices do not fit."""
    try:
        return max(gaps(statement, KNOWN)) < 1e-4
    except UserError:
        return False
