"""Reading and printing are inverse: `read(latex(f)) == f` for random formulas in every ready notation."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import READY
from symbackprop.formula.print.latex import latex
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree.tree import Formula
from tests.formula.trees import formulas, names_for

NAMES: dict[str, Names] = {title: names_for(notation) for title, notation in READY.items()}
FORMULAS: dict[str, st.SearchStrategy[Formula]] = {title: formulas(notation) for title, notation in READY.items()}
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def _check(formula: Formula, notation: Notation) -> None:
    written = latex(formula, notation)
    assert read(written, NAMES[notation.title]) == formula, written


FAST = ("textbook",)


@pytest.mark.slow
@pytest.mark.parametrize("title", [pytest.param(title, marks=() if title in FAST else pytest.mark.slow) for title in READY])
@settings(SETTINGS, max_examples=5)
@given(data=st.data())
def test_round_trip(title: str, data: st.DataObject) -> None:
    _check(data.draw(FORMULAS[title]), READY[title])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a drawn formula, for a message nobody reads
@pytest.mark.parametrize("title", READY)
@settings(SETTINGS, max_examples=100)
@given(data=st.data())
def test_round_trip_at_length(title: str, data: st.DataObject) -> None:
    _check(data.draw(FORMULAS[title]), READY[title])
