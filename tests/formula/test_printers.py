"""The other printers: plain text, MathML, Typst, Markdown; numbers; long lines."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from symbackprop.errors import UserError
from symbackprop.formula.build import add, call, divide, equation, indexed, multiply, negate, partial, power, subtract
from symbackprop.formula.glyphs import glyphs
from symbackprop.formula.latex import latex
from symbackprop.formula.markdown import markdown_block, markdown_inline
from symbackprop.formula.match import Level, match_level
from symbackprop.formula.mathml import mathml
from symbackprop.formula.names import Names
from symbackprop.formula.notation import Notation
from symbackprop.formula.notations import READY, TEXTBOOK, TWO_THREE_TWO, TWO_TWO_ONE, notation_called
from symbackprop.formula.numbers import number
from symbackprop.formula.read import read
from symbackprop.formula.text import text
from symbackprop.formula.tree import BigSum, Formula, Fraction, Name, Neg, Number, Row, Sum, Text, Transpose, Update
from symbackprop.formula.typst import typst
from symbackprop.formula.wrap import latex_block, text_block
from tests.formula.trees import formulas, names_for

SLOPE = multiply("out_o1", subtract(1, "out_o1"))
WEIGHT = equation(partial("E", "w7"), multiply(subtract("out_o1", "target_o1"), SLOPE.factors[0], SLOPE.factors[1], "h1"))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (WEIGHT, "∂E/∂w7 = (out_o1 - target_o1)·out_o1·(1 - out_o1)·h1"),
        (divide(add("a", "b"), multiply(2, "c")), "(a + b)/(2·c)"),
        (divide(partial("E", "w"), "n"), "(∂E/∂w)/n"),
        (power(subtract("t", "o"), 2), "(t - o)²"),
        (power("e", negate("z")), "e^(-z)"),
        (BigSum(multiply(indexed("X", "n", "i"), indexed("delta", "n", "j")), Name("n")), "Σ_n X[n,i]·δ[n,j]"),
        (Transpose(Name("W")), "Wᵀ"),
        (Update(Name("w7")), "w7⁺"),
        (call("sigmoid", "z"), "σ(z)"),
        (negate(add("a", "b")), "-(a + b)"),
    ],
)
def test_text(formula: Formula, expected: str) -> None:
    assert text(formula) == expected


@pytest.mark.parametrize(
    ("value", "options", "expected"),
    [
        (0.125, {"decimals": 2}, "0.12"),
        (0.125, {"decimals": 2, "rounding": "half-up"}, "0.13"),
        (0.375, {"decimals": 2}, "0.38"),
        (2.675, {"decimals": 2, "rounding": "half-up"}, "2.67"),  # the float lies below 2.675
        (0.07806387550033887, {}, "0.07806387550033887"),
        (-0.0001, {"decimals": 2}, "0.00"),
        (-3, {}, "-3"),
        (1e-15, {}, r"1.0 \cdot 10^{-15}"),
        (1e22, {"decimals": 0}, "10000000000000000000000"),
    ],
)
def test_numbers(value: float, options: dict[str, object], expected: str) -> None:
    notation = Notation(**options)  # type: ignore[arg-type]
    assert latex(number(value, notation), notation) == expected


def test_numbers_must_be_finite() -> None:
    with pytest.raises(UserError, match="finite"):
        number(float("nan"))


SETTINGS = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(formulas(TWO_THREE_TWO))
def test_mathml_is_well_formed_and_keeps_every_number(formula: Formula) -> None:
    written = mathml(formula, TWO_THREE_TWO)
    tree = ElementTree.fromstring(written)
    counts = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mover": 2, "munder": 2, "munderover": 3}
    for element in tree.iter():
        assert len(element) == counts.get(element.tag, len(element)), written


@SETTINGS
@given(formulas(TEXTBOOK))
def test_text_and_typst_print_everything(formula: Formula) -> None:
    assert text(formula)
    written = typst(formula)
    plain = written.replace(r"\(", "").replace(r"\)", "").replace(r"\[", "").replace(r"\]", "")
    assert plain.count("(") == plain.count(")")


@pytest.mark.slow
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(formulas(TEXTBOOK))
def test_typst_compiles(formula: Formula) -> None:
    compiler = pytest.importorskip("typst")
    assert compiler.compile(f"$ {typst(formula)} $".encode(), format="svg")


LONG = equation(
    partial("E_total", "w7"),
    add(*(multiply("w7", "out_o1", subtract(1, "out_o1")) for _ in range(4)), negate("x"), multiply("w12", "x")),
    multiply(*(add("w7", "x") for _ in range(5))),
)


@pytest.mark.parametrize("notation", READY.values(), ids=READY)
@pytest.mark.parametrize("width", [1, 40, *(pytest.param(width, marks=pytest.mark.slow) for width in (20, 70, 500))])
def test_wrapped_lines_read_as_one_formula(notation: Notation, width: int) -> None:
    for formula in (LONG, Row((Text("chain rule: "), LONG))):
        assert read(latex_block(formula, notation, width), names_for(notation)) == formula


def test_continued_lines_repeat_the_operator_and_never_the_equal_sign() -> None:
    lines = text_block(LONG, width=50).splitlines()
    assert len(lines) > 3
    assert all(len(line) <= 50 for line in lines)
    for before, after in itertools.pairwise(lines):
        assert not before.endswith("=")
        if not after.strip().startswith("="):
            assert before[-1] == after.strip()[0] in "+-·"


def test_markdown() -> None:
    assert markdown_inline(multiply("a", "b"), Notation(times="*")) == r"$a\ast b$"
    assert markdown_block(Name("x")) == "$$\nx\n$$"
    assert markdown_block(LONG, width=40).count("\\\\") >= 3


def test_names_of_003_are_printed_and_read() -> None:
    written = latex(partial("L", "w1"), TWO_TWO_ONE)
    assert written == r"\mathit{d\_L\_d\_w1}"
    assert read(written, Names.of(TWO_TWO_ONE, scalars="L w1")) == partial("L", "w1")


def test_printers_know_the_spelling_of_a_notation() -> None:
    notation = Notation(names={"y_pred": r"\hat{y}_{\mathrm{pred}}"})
    assert "<mover>" in mathml(Name("y_pred"), notation)
    assert typst(Name("y_pred"), notation) == 'hat(y)_(upright("pred"))'
    with pytest.raises(UserError, match="only LaTeX knows"):
        glyphs(r"\foo{x}")


@pytest.mark.parametrize(
    ("ours", "theirs", "level"),
    [
        ("a+b", "a+b ", Level.IDENTICAL),
        ("a + b", "a+b", Level.UP_TO_SPACES),
        (r"\eta x", r"\eta\, x", Level.UP_TO_SPACES),
        (r"w^2", r"w^{2}", Level.UP_TO_LAYOUT),
        (r"a*b", r"a \cdot b", Level.UP_TO_LAYOUT),
        (r"\left( a \right)", "(a)", Level.UP_TO_LAYOUT),
        ("η", r"\eta", Level.UP_TO_LAYOUT),
        (r"\mathrm{net}_{o1}", "net_{o1}", Level.UP_TO_LAYOUT),
        ("a b", "a*b", Level.DIFFERENT),
        ("w^{12}", "w^12", Level.DIFFERENT),
        (r"\frac{a}{b}", r"\frac{ab}{}", Level.DIFFERENT),
        (r"\partial x", r"\partialx", Level.DIFFERENT),
        (r"\pi\, x", r"\pix", Level.DIFFERENT),
        ("a-b", "a+b", Level.DIFFERENT),
        ("(a)", "[a]", Level.DIFFERENT),
    ],
)
def test_match_level(ours: str, theirs: str, level: Level) -> None:
    assert match_level(ours, theirs) is level
    assert match_level(theirs, ours) is level


def test_unknown_options_are_refused() -> None:
    with pytest.raises(UserError, match="Did you mean residual"):
        TEXTBOOK.override(residul="target-out")
    with pytest.raises(UserError, match="expected one of"):
        Notation(times="x")
    with pytest.raises(UserError, match="Did you mean nielsen"):
        notation_called("nielson")


def test_overrides_add_to_tables_and_leave_the_notation_alone() -> None:
    changed = TWO_THREE_TWO.override(names={"x": "X"}, digits="subscript")
    assert changed.names == {"eta": "η", "x": "X"}
    assert "x" not in TWO_THREE_TWO.names


def test_inline_fraction_in_brackets_only_where_needed() -> None:
    half = Fraction(Number("1"), Number("2"), inline=True)
    assert latex(multiply(half, "x")) == r"1/2 \cdot x"
    assert latex(multiply("x", half)) == r"x (1/2)"
    assert latex(Sum((half, Neg(half)))) == "1/2 - 1/2"


def test_mathml_brackets_grow_with_fractions_only() -> None:
    low = mathml(multiply(subtract("out_o1", "target_o1"), "w7"))
    tall = mathml(multiply(add(divide(1, "a"), "b"), "w7"))
    for opening in ("(", ")"):
        assert f'<mo stretchy="false">{opening}</mo>' in low
        assert f"<mo>{opening}</mo>" in tall
    assert r"\(" in typst(multiply(subtract("out_o1", "target_o1"), "w7"))
    assert r"\(" not in typst(multiply(add(divide(1, "a"), "b"), "w7"))


def test_mathml_sets_what_is_above_a_name_over_its_index() -> None:
    assert "<msubsup><mi>w</mi><mn>7</mn><mo>+</mo></msubsup>" in mathml(Update(Name("w7")))
    assert "<msubsup><mi>W</mi><mn>1</mn><mi>⊤</mi></msubsup>" in mathml(Transpose(Name("W1")))
    assert "<msup><mi>X</mi><mi>⊤</mi></msup>" in mathml(Transpose(Name("X")))
    squared = mathml(power(subtract("a1", "b"), 2))
    assert "<msubsup>" not in squared
    assert squared.index("<msup>") < squared.index("<msub>")
    assert mathml(indexed("W1", "i", "j")).count("<msub>") == 1


def test_mathml_tells_a_sign_from_an_operator() -> None:
    sign, operator = '<mo form="prefix">−</mo>', "<mo>−</mo>"
    assert sign in mathml(multiply(negate("a"), "b"))
    assert sign not in mathml(subtract("a", "b"))
    assert operator in mathml(subtract("a", "b"))
