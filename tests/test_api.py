"""The surface of the package: its names, its version, and formulas out of it and into it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from sympy import Float

import symbackprop
from symbackprop import Notation, UserError, derive, read
from symbackprop.formula.print.latex import latex
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.value.to_sympy import to_sympy
from symbackprop.network.names import names_of
from tests.writeup.support import ARRAYS, SCALAR, document

ROOT = Path(__file__).resolve().parent.parent


def test_the_names_are_sorted_and_exist() -> None:
    names = symbackprop.__all__
    assert names == sorted(names, key=lambda name: (not name[0].isupper(), name))
    assert all(hasattr(symbackprop, name) for name in names)


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert symbackprop.__version__ == project["version"]


def test_a_formula_is_read_by_names_or_by_a_network() -> None:
    assert read("w x + b", "w x b") == add(multiply("w", "x"), "b")
    network = document("two_two_one").network
    assert read(r"\sigma(\mathit{sum}_{h1})", network) == read(r"\sigma(sum_{h1})", derive(network, "L"))
    with pytest.raises(UserError, match="unknown name q"):
        read("w q", "w x b")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SCALAR, *ARRAYS])
def test_every_statement_of_a_document_is_read_back(name: str) -> None:
    derivation = derive(document(name).network, document(name).loss)
    names = names_of(derivation.network, None, ())
    statements = derivation.statements()
    assert len(statements) >= 2 * len(tuple(derivation))
    if name in SCALAR:
        for statement in statements:
            assert read(latex(statement), names) == statement


def test_the_gradients_among_the_statements_have_the_values_of_the_gradients() -> None:
    derivation = derive(document("two_two_one").network, "L")
    values = derivation.evaluate()
    statements = {latex(one.parts[0], Notation()): one for one in derivation.statements()}  # the last one about each is its value
    for name in derivation:
        right = to_sympy(statements[rf"\frac{{\partial L}}{{\partial {latex(read(name, name))}}}"].parts[1], _symbols(values))
        assert float(right) == pytest.approx(derivation[name].value(), rel=1e-12)


def _symbols(values: dict[str, float]) -> dict[str, object]:
    return {name: Float(float(np.asarray(value)), 17) for name, value in values.items() if np.ndim(value) == 0}
