"""Reasons and places: for each usual mistake the cause that is found, in plain words, and the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from symbackprop.derive import derive
from symbackprop.verify.check import check_gradient
from tests.verify.mutants.score import derivation, load, score
from tests.verify.mutants.table import MUTANTS, Mutant

Load = Callable[[str, str], ModuleType]

SAID = {
    ("dense", "mean lost"): ("ratio", "exactly N: the gradient of N · (", "a sum where the loss takes the mean over N"),
    ("dense", "sign"): ("sign", "the sign is opposite", ""),
    ("chain", "slope missing"): ("slope missing", "the derivative of tanh is missing: ∂a2/∂z2 = 1 - a2²", ""),
    ("chain", "wrong name"): ("name", "the code has a1 where a2 belongs", "∂y/∂w3"),
    ("chain", "slope of the wrong argument"): ("slope of output", "taken at its output", "tanh(a2)"),
    ("two_outputs", "path dropped"): ("path missing", "is missing", ""),
    ("two_outputs", "results exchanged"): ("permuted", "is the gradient of w6 (two results exchanged)", ""),
    ("dense", "shape"): ("shape", "for a parameter of shape", "the numbers are right"),
    ("perceptron", "branch"): ("forward", "the condition is the wrong way round", "the forward value y is wrong"),
    ("conv", "overwritten"): ("index", "the terms of the sum over u overwrite each other where they should be added", "∂L/∂x"),
    ("conv", "wrong index"): ("index", "the code has k[F - u - 1] where k[u] belongs", "∂z/∂x"),
    ("dense", "forward value"): ("forward", "the forward value y is wrong", "the summand b[k] is left out"),
    ("layer_norm", "bracket"): ("factor missing", "a factor 1/√(var[n] + 0.01) is missing in the paths", "through mu and xh"),
    ("layer_norm", "wrong axis"): ("axis", "the sum over i in ∂L/∂mu runs over n instead: the wrong axis", ""),
    ("attention", "slope misremembered"): ("slope", "∂P/∂S is taken element by element", "P[i,j]·(1 - P[i,j])"),
    ("logistic", "extra factor"): ("extra factor", "has a factor p[n]·(1 - p[n]) too many", ""),
}

HEAVY = ("two_outputs", "layer_norm", "attention")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "kind"),
    [pair if pair[0] not in HEAVY else pytest.param(*pair, marks=pytest.mark.slow) for pair in SAID],
)
def test_the_reason_in_words(case: str, kind: str, tmp_path: Path) -> None:
    mutant = next(m for m in MUTANTS if (m.case, m.kind) == (case, kind))
    causes = score(mutant, 0, tmp_path, derivation(case), repair=False).report.causes
    expected, words, more = SAID[case, kind]
    assert any(cause.kind == expected and words in cause.text and more in cause.text for cause in causes), causes


def test_right_code_gets_no_reason_and_no_place(tmp_path: Path) -> None:
    mutant = next(m for m in MUTANTS if m.case == "chain" and m.equivalent)
    report = score(mutant, 0, tmp_path, derivation("chain")).report
    assert (report.causes, report.locations, report.repairs) == ((), (), ())


def test_a_stale_weight_is_named(tmp_path: Path) -> None:
    source = """
import numpy as np


def step(x, w1, w2, w3, b1, b2, b3, t, lr=0.5):
    a1 = np.tanh(w1 * x + b1)
    a2 = np.tanh(w2 * a1 + b2)
    dy = 2 * (w3 * a2 + b3 - t)
    w3 = w3 - lr * dy * a2
    da2 = dy * w3
    w2 = w2 - lr * da2 * (1 - a2**2) * a1
    return {"w3": w3, "w2": w2}
"""
    report = check_gradient(derivation("chain"), load(tmp_path, "stale", source).step, repair=False)
    assert report["w3"].status == "proved"
    assert [(cause.kind, cause.names) for cause in report.causes] == [("stale weight", ("w2",))]
    assert "w3 is read after it was updated" in report.causes[0].text


@pytest.mark.parametrize("kind", ["slope missing", "wrong name", "factor dropped", "factor 2 lost"])
def test_the_first_line_that_departs(kind: str, tmp_path: Path) -> None:
    mutant = next(m for m in MUTANTS if (m.case, m.kind) == ("chain", kind))
    found = score(mutant, 0, tmp_path, derivation("chain"), repair=False)
    assert found.report.locations[0].line in mutant.lines, str(found.report)


@pytest.mark.slow
def test_a_factor_too_many_is_named_as_the_derivative_it_is(derivation_file: Load) -> None:
    """The printed listing of the 2-2-1 network: two mistakes, in six of nine products."""
    file, hand = derivation_file("two_two_one", "network"), derivation_file("two_two_one", "handwritten")
    report = check_gradient(derive(file.network, file.loss), hand.gradients_as_printed, repair=False)
    said = {cause.names: cause.text for cause in report.causes}
    assert set(said) == {("w5", "w6", "b3"), ("w3", "w4", "b2")}
    assert said["w5", "w6", "b3"].endswith("has a factor ∂y_pred/∂h1 too many")
    assert said["w3", "w4", "b2"].endswith("in ∂sum_o1/∂h2 = w6 the code has w5 where w6 belongs")
    assert "gradients_as_printed" not in report.locations[0].text
    assert report.locations[0].source.split(":")[0].strip('" ') in {name for names in said for name in names}


def test_a_name_that_occurs_twice_is_mended_in_one_change(tmp_path: Path) -> None:
    source = """
import numpy as np


def backward(x, w1, w2, w3, b1, b2, b3, t):
    a1 = np.tanh(w1 * x + b1)
    a2 = np.tanh(w2 * a1 + b2)
    dy = 2 * (w3 * a2 + b3 - t)
    return {"b2": dy * w3 * (1 - a1) * (1 + a1), "w3": dy * a2}
"""
    report = check_gradient(derivation("chain"), load(tmp_path, "twice", source).backward)
    (repair,) = report.repairs
    assert repair.proved
    assert repair.after == 'return {"b2": dy * w3 * (1 - a2) * (1 + a2), "w3": dy * a2}'
    assert repair.more == ()


@pytest.mark.slow
def test_no_repair_holds_on_one_side_of_a_comparison_only(tmp_path: Path) -> None:
    """At points with x > 0 the factor `(x > 0)` would do as well as leaving x out."""
    source = _mutant("chain", "bias fed the input").source
    (repair,) = check_gradient(derivation("chain"), load(tmp_path, "sides", source).gradients).repairs
    assert repair.after == "dL_db1 = dL_dz1"


def _mutant(case: str, kind: str, number: int = 0) -> Mutant:
    return [m for m in MUTANTS if (m.case, m.kind) == (case, kind)][number]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "after"),
    [
        (_mutant("chain", "sign"), "dL_dy = 2 * (y - t)"),
        (_mutant("chain", "wrong name"), "dL_dw3 = dL_dy * a2"),
        (_mutant("dense", "shape"), "db = dy.sum(axis=0)"),
        (_mutant("dense", "mean lost"), "dy = 2 * (y - t) / N"),
        pytest.param(_mutant("conv", "wrong index", 1), "dk[u] = (dz * x[:, u:u + S]).sum()", marks=pytest.mark.slow),
        (_mutant("logistic", "path dropped"), "dw = 2 * lam * w + X.T @ dz"),
        (_mutant("perceptron", "branch"), "y = np.where(v > 0, 1.0, 0.0)"),
    ],
    ids=str,
)
def test_what_mends_it(mutant: Mutant, after: str, tmp_path: Path) -> None:
    (repair,) = score(mutant, 0, tmp_path, derivation(mutant.case)).report.repairs
    assert repair.proved
    assert repair.line in mutant.lines
    assert repair.after == after


@pytest.mark.slow
def test_two_mistakes_need_two_edits(tmp_path: Path) -> None:
    mutant = _mutant("chain", "wrong name")
    source = mutant.source.replace("dL_dw1 = dL_dz1 * x", "dL_dw1 = -dL_dz1 * x")
    report = check_gradient(derivation("chain"), load(tmp_path, "two", source).gradients)
    (repair,) = report.repairs
    assert repair.proved
    assert {repair.after, *(step.after for step in repair.more)} == {"dL_dw3 = dL_dy * a2", "dL_dw1 = dL_dz1 * x"}


def test_a_repair_is_never_offered_when_nothing_is_wrong(tmp_path: Path) -> None:
    mutant = next(m for m in MUTANTS if m.case == "dense" and m.equivalent)
    assert score(mutant, 0, tmp_path, derivation("dense")).report.repairs == ()
