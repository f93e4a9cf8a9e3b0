"""Exercises: what is wrong is really wrong, what is right is right, and the key names it."""

from __future__ import annotations

import pytest

from symbackprop.derive.steps.worked_formulas import textbook_forms
from symbackprop.formula.print.text import text
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.build import multiply
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.outline.context import make_context
from symbackprop.writeup.outline.mutations import differ, mutants, values_of, verified_mutants
from symbackprop.writeup.page.blocks import Choice, FormulaBlock, Prose
from symbackprop.writeup.page.options import HandoutOptions
from tests.writeup.page_gate import gate_network
from tests.writeup.support import ARRAYS_SLOWLY, SCALAR, Numbers, document, random_derivation

SEEDS = (None, 1)


def said(words):
    return "".join(part if isinstance(part, str) else text(part) for part in words)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SCALAR)
def test_exactly_one_line_is_wrong_and_the_key_names_it(name, seed):
    derivation = document(name)
    options = HandoutOptions(seed=seed, parts=frozenset({"exercises"}))
    numbers = Numbers(derivation)
    blocks = make_outline(derivation, options).blocks
    (block,) = [b for b in blocks if isinstance(b, FormulaBlock) and b.anchor.startswith("mistake-")]
    wrong = []
    for line in block.lines:
        left, right = (numbers.of(part.formula) for part in line.parts)
        if right != pytest.approx(left, rel=1e-9):
            wrong.append(line.because)
            assert abs(right - left) > 0.01 * abs(left)
    assert len(wrong) == 1
    verdict, *_ = [b for b in blocks if isinstance(b, Prose) and b.tone == "answer"]
    assert wrong[0] in said(verdict.words)
    mended = verdict.words[-1]
    assert isinstance(mended, tree.Chain)
    left, right = map(numbers.of, mended.parts)
    assert right == pytest.approx(left, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SCALAR)
def test_one_option_is_right_and_the_others_are_real_mistakes(name, seed):
    derivation = document(name)
    numbers = Numbers(derivation)
    blocks = make_outline(derivation, HandoutOptions(seed=seed, parts=frozenset({"exercises"}))).blocks
    (choice,) = [b for b in blocks if isinstance(b, Choice)]
    asked = numbers.of(next(p for p in choice.question if isinstance(p, tree.Formula)))
    values = [numbers.of(option.words[0]) for option in choice.options]
    assert [option.right for option in choice.options] == [v == pytest.approx(asked, rel=1e-9) for v in values]
    assert sum(option.right for option in choice.options) == 1
    assert len({round(v, 9) for v in values}) == len(values) >= 3
    assert all(bool(option.why) != option.right for option in choice.options)


@pytest.mark.parametrize("name", ARRAYS_SLOWLY)
def test_networks_in_index_notation_have_exercises_too(name):
    blocks = make_outline(document(name), HandoutOptions(parts=frozenset({"exercises"}))).blocks
    assert any(isinstance(block, Choice) for block in blocks)
    assert any(isinstance(block, Prose) and block.tone == "answer" for block in blocks)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow
def test_mutants_of_random_networks_are_wrong_by_complex_step(seed):
    derivation = random_derivation(seed)
    numbers = Numbers(derivation)
    context = make_context(derivation, HandoutOptions())
    name = context.weights[0]
    right = context.writer.expression(derivation[name].expression)
    true = numbers.slope(derivation.loss, name)
    assert numbers.of(right) == pytest.approx(true, rel=1e-9)
    for mutant in verified_mutants(right, derivation.network.nodes[name], context):
        assert abs(numbers.of(mutant.formula) - true) > 0.01 * abs(true), text(mutant.formula)


def test_mutants_that_change_nothing_are_refused():
    """`o1·o1` with one name exchanged for itself, or a formula equal in value, is no mistake."""
    derivation = document("two_three_two")
    context = make_context(derivation, HandoutOptions())
    node = derivation.network.nodes["w7"]
    right = context.writer.expression(derivation["w7"].expression)
    same = multiply(right, 1)
    assert not differ(values_of(right, node, context), values_of(same, node, context))
    doubled = multiply(2, right)
    assert differ(values_of(right, node, context), values_of(doubled, node, context))


def test_the_real_mistakes_are_among_the_candidates():
    derivation = document("two_three_two")
    context = make_context(derivation, HandoutOptions())
    right = context.writer.expression(derivation["w7"].expression)
    found = {(mutant.why, text(mutant.formula)) for mutant in mutants(right, "w7", context)}
    assert ("missing slope", "-(target_o1 - out_o1)·out_h1") in found
    assert ("wrong sign", "(target_o1 - out_o1)·out_o1·(1 - out_o1)·out_h1") in found
    assert {"lost half", "wrong index"} <= {why for why, _ in found}


def test_a_student_never_sees_which_option_is_right():
    options = HandoutOptions(audience="student", parts=frozenset({"exercises"}))
    blocks = make_outline(document("two_three_two"), options).blocks
    assert all(option.right is None for block in blocks if isinstance(block, Choice) for option in block.options)
    assert not any(isinstance(block, Prose) and block.tone == "answer" for block in blocks)


@pytest.mark.parametrize(("name", "squares"), [("linear_regression", True), ("perceptron", False)])
def test_a_factor_comes_from_a_square_only_where_there_is_one(name, squares):
    derivation = document(name)
    context = make_context(derivation, HandoutOptions())
    right = context.plain_writer.expression(derivation["b"].expression)
    found = {mutant.why for mutant in mutants(tree.Product((right, tree.Name("b"))), "b", context)}
    assert ("lost half" in found) is squares
    assert ("extra factor" in found) is not squares


def test_a_square_nearer_the_loss_than_a_gradient_is_worked_gives_it_no_factor():
    """∂E/∂BN = (1 - A1²)·Σ ∂E/∂Y·Y_W has no factor of E's square; ∂E/∂Y = 2(Y - t)/N has."""
    context = make_context(gate_network("batch norm"), HandoutOptions())
    near, far = (textbook_forms(context.derivation)[name] for name in ("Y", "BN"))
    assert "lost half" in {mutant.why for mutant in mutants(context.plain_writer.expression(near), "Y", context)}
    assert "lost half" not in {mutant.why for mutant in mutants(context.plain_writer.expression(far), "BN", context)}
