"""The student's outline is the teacher's with the answers taken away, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symbackprop.formula.print.text import text
from symbackprop.formula.tree.tree import Blank, Name, Number, Product, Sum
from symbackprop.formula.tree.walk import walk
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.outline import exercises
from symbackprop.writeup.page.blocks import (
    FIELD,
    HIDING,
    NUMBERS,
    RESULT,
    ArrayValue,
    BlankLines,
    Choice,
    Code,
    CodeCell,
    Figure,
    FormulaBlock,
    Heading,
    NameLine,
    PageBreak,
    Prose,
    Table,
)
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.student.redact import formula_gap
from tests.writeup.support import document, formula_blocks, outline_of, tables

OTHERS = ("two_three_two", "two_two_one", "tanh_neuron", "perceptron", "mlp_softmax")


def outline(name="two_three_two", **options):
    return outline_of(name, HandoutOptions(**options))


def lines(found, anchor):
    (block,) = [block for block in formula_blocks(found) if block.anchor == anchor]
    return ["".join(f" {part.relation} {text(part.formula)}" for part in line.parts).strip() for line in block.lines]


def test_numbers_leave_given_values_and_formulas():
    student = lines(outline(audience="student"), "delta-outputs-lines")
    gap = "_" * 15
    assert student[0] == f"∂E_total/∂out_o1 = -(target_o1 - out_o1) = {gap}"
    assert student[1] == f"∂out_o1/∂net_o1 = out_o1·(1 - out_o1) = {gap}"  # the number put in is asked for where it is worked out


def test_right_hand_sides_are_gaps_but_the_chain_stays():
    student = outline(audience="student", blanks="rhs")
    assert "∂net_o1/∂w7" in lines(student, "chain-w7-lines")[0]
    for anchor in ("delta-outputs-lines", "delta-hidden-lines", "numbers-w7-lines"):
        for line in lines(student, anchor):
            assert line.endswith("_")


def test_whole_steps_leave_room_to_write_and_no_formula():
    student = outline(audience="student", blanks="steps")
    kept = [block.anchor for block in formula_blocks(student) if not block.anchor.startswith(("fill", "mistake"))]
    assert kept == []
    assert sum(isinstance(block, BlankLines) for block in student.blocks) >= 6


@pytest.mark.parametrize("blanks", ["numbers", "rhs", "steps"])
def test_nothing_of_an_answer_is_left_in_any_field(blanks):
    """The printers get an outline without marks, alternatives, verdicts or answer values."""
    for block in outline(audience="student", blanks=blanks).blocks:
        if isinstance(block, FormulaBlock):
            assert all(not part.hidden and part.stripped is None for line in block.lines for part in line.parts)
        if isinstance(block, Table | ArrayValue):
            assert all(not cell.hidden and cell.stripped is None for row in block.rows for cell in row)
        if isinstance(block, Choice):
            assert all(option.right is None and option.why == () for option in block.options)
        if isinstance(block, Figure):
            given = {node.name for node in block.drawing.network.nodes.values() if not node.defined}
            assert {name for name, text in block.drawing.values if text != FIELD} <= given
            assert block.drawing.answers == frozenset()
        if isinstance(block, Prose):
            assert block.tone != "answer"
        if isinstance(block, Code | CodeCell):
            assert "loss_and_gradients" not in block.text


def test_gaps_do_not_depend_on_digits():
    """The same network at other numbers leaves gaps of exactly the same widths."""
    derivation = document("two_three_two")
    other = {**derivation.network.values, "l1": 0.5, "w7": -0.123456}

    def gaps(values):
        found = make_outline(derivation, HandoutOptions(audience="student"), values)
        return [
            node.width
            for block in formula_blocks(found)
            for line in block.lines
            for part in line.parts
            for node in walk(part.formula)
            if isinstance(node, Blank)
        ]

    assert gaps(None) == gaps(other)


def test_a_gap_for_a_formula_has_one_of_three_widths():
    small, large = Name("l1"), Product(tuple(Sum((Name("a"), Number("1"))) for _ in range(6)))
    assert (formula_gap(small), formula_gap(large)) == (8.0, 20.0)


def test_student_has_a_name_line_with_all_points_and_the_teacher_none():
    (line,) = [block for block in outline(audience="student").blocks if isinstance(block, NameLine)]
    assert (
        line.points == 53
    )  # 13 + 2 forward, 6 + 12 δ, 2 worked and 12 other gradients, 2 new weights, 1 gap, 2 + 1 + 2 exercises
    assert not any(isinstance(block, NameLine) for block in outline().blocks)


@pytest.mark.parametrize("blanks", ["numbers", "rhs", "steps"])
@pytest.mark.parametrize("name", ["two_three_two", pytest.param("linear_regression", marks=pytest.mark.slow)])
def test_the_points_of_the_parts_are_the_points_of_the_page_and_of_the_key(name, blanks):
    student, key = (outline(name, audience=audience, blanks=blanks) for audience in ("student", "key"))
    (line,) = [block for block in student.blocks if isinstance(block, NameLine)]
    worth = [{block.anchor: block.points for block in found.blocks if isinstance(block, Heading)} for found in (student, key)]
    assert line.points == sum(worth[0].values()) == sum(worth[1].values()) > 0
    assert all(worth[1][anchor] == points for anchor, points in worth[0].items() if points)
    assert ("exercise-mistake" in worth[0]) is (blanks == "numbers")  # it would print formulas that are asked for
    assert all(block.points == 0 for block in outline(name).blocks if isinstance(block, Heading))


@pytest.mark.slow
def test_more_blanking_asks_for_more():
    points = []
    for blanks in ("numbers", "rhs", "steps"):
        found = outline(audience="student", blanks=blanks)
        points += [block.points for block in found.blocks if isinstance(block, NameLine)]
    assert points[0] < points[1] < points[2]


def test_the_key_holds_every_answer_and_no_drawing():
    key = outline(audience="key")
    assert not any(isinstance(block, Figure | Code | NameLine) for block in key.blocks)
    assert "0.078064" in lines(key, "numbers-w7-lines")[-1]
    assert lines(key, "update-lines")[1].endswith("= 0.360968")
    assert any(isinstance(block, Prose) and block.tone == "answer" for block in key.blocks)


def test_no_heading_stands_over_nothing():
    for options in ({}, {"audience": "key"}, {"audience": "student", "blanks": "steps"}, {"audience": "student"}):
        blocks = [block for block in outline(**options).page if not isinstance(block, PageBreak)]
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if isinstance(block, Heading):
                assert following is not None
                assert not (isinstance(following, Heading) and following.level <= block.level), block.anchor


def test_an_outline_with_a_planted_mark_is_caught_by_these_checks():
    """If redaction forgot a table, the field check above would fail."""
    teacher = outline()
    table = tables(teacher)["loss-table"]
    forgotten = replace(teacher, blocks=(table,))
    assert any(cell.hidden for row in forgotten.blocks[0].rows for cell in row)


@pytest.mark.parametrize("blanks", ["numbers", "rhs", "steps"])
def test_the_lines_to_judge_keep_their_numbers_and_the_rule_its_formula(blanks):
    student = outline(audience="student", blanks=blanks).blocks
    judged = [block for block in student if isinstance(block, FormulaBlock) and block.anchor.startswith("mistake-")]
    assert len(judged) == (blanks == "numbers")
    for block in judged:
        assert [line.because for line in block.lines] == [f"({at})" for at in range(1, len(block.lines) + 1)]
    rule = [block for block in student if isinstance(block, Prose) and block.tone == "note"][-1]
    if blanks != "numbers":
        assert all(isinstance(word, str) for word in rule.words)  # the formula of the update is asked for


def _given_away(name, **options):
    """Return the formulas that a student is asked for in one place and can read in another; short ones are in every text."""
    chosen = HandoutOptions(audience="student", **options)
    hidden = HIDING[: HIDING.index(chosen.blanks) + 1]
    complete, student = make_outline(document(name), chosen.override(audience="teacher")), make_outline(document(name), chosen)
    parts = [part for block in formula_blocks(complete) for line in block.lines for part in line.parts]
    asked = {part.formula for part in parts if part.hidden in hidden and sum(1 for _ in walk(part.formula)) > 4}
    assert asked
    seen = [part.formula for block in formula_blocks(student) for line in block.lines for part in line.parts]
    for block in student.blocks:
        if isinstance(block, Choice):
            seen += [word for option in block.options for word in option.words]
        elif isinstance(block, Prose):
            seen += block.words
        elif isinstance(block, Table | ArrayValue):
            seen += [word for row in block.rows for cell in row for word in cell.words]
    return asked.intersection(seen)


@pytest.mark.parametrize("blanks", ["rhs", "steps"])
@pytest.mark.parametrize("level", ["brief", "standard", "full"])
@pytest.mark.parametrize("name", ["linear_regression", *(pytest.param(n, marks=pytest.mark.slow) for n in OTHERS)])
def test_no_formula_that_is_asked_for_stands_elsewhere(name, level, blanks):
    assert not _given_away(name, level=level, blanks=blanks)


def test_an_exercise_that_gives_formulas_away_would_be_found(monkeypatch):
    monkeypatch.setattr(exercises, "_formulas_asked", lambda context: False)
    assert _given_away("linear_regression", blanks="rhs")


def test_questions_are_numbered_and_their_points_stand_in_the_grading_table():
    student = outline(audience="student")
    (line,) = [block for block in student.blocks if isinstance(block, NameLine)]
    asking = [block for block in student.blocks if isinstance(block, Heading) and block.points]
    assert [block.number for block in asking] == list(range(1, len(asking) + 1))
    assert line.questions == tuple(block.points for block in asking)
    assert not any(block.number for block in student.blocks if isinstance(block, Heading) and not block.points)


def test_a_result_is_asked_for_once():
    student = outline(audience="student")
    gaps = [(line.parts[0].formula, part) for block in formula_blocks(student) for line in block.lines for part in line.parts]
    asked = [left for left, part in gaps if part.kind == RESULT]
    asked += [row[0].words[0] for table in tables(student).values() for row in table.rows]
    assert len(asked) == len(set(asked)) > 30
    assert not any(part.kind == NUMBERS and isinstance(inner, Blank) for _, part in gaps for inner in walk(part.formula))
