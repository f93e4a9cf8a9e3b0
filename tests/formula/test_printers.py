"""The other printers: plain text, MathML, Typst, Markdown; numbers; long lines."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings

from symbackprop.errors import InternalError, UserError
from symbackprop.formula.notation.glyphs import parsed
from symbackprop.formula.notation.latex_names import latex_name
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import READY, TEXTBOOK, TWO_THREE_TWO, TWO_TWO_ONE, notation_called
from symbackprop.formula.print.driver import Format
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.markdown import markdown_block, markdown_inline
from symbackprop.formula.print.mathml import leading_sign as mathml_sign
from symbackprop.formula.print.mathml import mathml
from symbackprop.formula.print.text import TEXT, text
from symbackprop.formula.print.typst import leading_sign as typst_lead
from symbackprop.formula.print.typst import typst
from symbackprop.formula.print.wrap import latex_block, latex_lines, text_block
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.build import add, call, divide, equation, indexed, multiply, negate, partial, power, subtract
from symbackprop.formula.tree.tree import BigSum, Formula, Fraction, Name, Neg, Number, Row, Sum, Text, Transpose, Update
from symbackprop.formula.tree.walk import walk
from symbackprop.formula.value.numbers import number
from tests.formula.matching import Level, match_level
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
        (0.125, {"decimals": 2, "rounding": "half-even"}, "0.12"),
        (0.125, {"decimals": 2}, "0.13"),
        (0.5, {"decimals": 2}, "0.5"),
        (0.375, {"decimals": 2}, "0.38"),
        (2.675, {"decimals": 2}, "2.68"),  # as it is written, though the float lies below
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


#: One node of each kind, its parts all different, so that a printer that drops a part shows.
X, Y, Z = Number("731"), Number("842"), Number("953")
EVERY_KIND: tuple[Formula, ...] = (
    Name("q"),
    Number("664"),
    Neg(X),
    Sum((X, Neg(Y), Z)),
    tree.Product((X, Y, Z)),
    tree.Hadamard((X, Y, Z)),
    Fraction(X, Y),
    tree.Power(X, Y),
    tree.Root(X),
    tree.Call(X, (Y, Z)),
    tree.Partial(X, Y, (Z,)),
    tree.Nabla(X, Y),
    BigSum(X, Name("q"), Number("664"), Z),
    Transpose(X),
    tree.Indexed("q", (Y,), (Z,)),
    tree.Element(X, (Y, Z)),
    tree.Group(X, "["),
    tree.Bars(X, "norm"),
    Update(X),
    tree.Decorated("hat", X),
    tree.Delta(X, Y),
    tree.Chain((X, Y, Z), ("=", "≤")),
    tree.Logic("and", (X, Y)),
    tree.Branch(X, Y),
    tree.Cases((tree.Branch(X, Y), tree.Branch(Z))),
    tree.Matrix((X, Y, Z, X), 2),
    Text("664"),
    tree.Blank(2.0),
    Row((X, Y), ","),
)
FORMATS = {"LaTeX": latex, "text": text, "MathML": mathml, "Typst": typst}


def test_there_is_an_example_of_every_kind_of_node() -> None:
    assert [type(formula) for formula in EVERY_KIND] == list(tree.KINDS)


@pytest.mark.parametrize("printer", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("formula", EVERY_KIND, ids=lambda formula: type(formula).__name__)
def test_no_printer_drops_a_part(formula: Formula, printer: Callable[[Formula], str]) -> None:
    written = printer(formula).translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    for part in walk(formula):
        assert getattr(part, "name", getattr(part, "text", "")) in written


def test_a_format_without_a_rule_for_a_kind_of_node_is_refused() -> None:
    for kind in tree.KINDS:
        rules = {other: rule for other, rule in TEXT.rules.items() if other is not kind}
        with pytest.raises(InternalError, match=kind.__name__):
            Format("short", rules, TEXT.bracketed)
    with pytest.raises(InternalError, match="Formula"):
        Format("long", {**TEXT.rules, Formula: TEXT.rules[Name]}, TEXT.bracketed)


SETTINGS = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@SETTINGS
@given(formulas(TWO_THREE_TWO))
def test_mathml_is_well_formed_and_keeps_every_number(formula: Formula) -> None:
    written = mathml(formula, TWO_THREE_TWO)
    tree = ElementTree.fromstring(written)
    counts = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mover": 2, "munder": 2, "munderover": 3}
    for element in tree.iter():
        assert len(element) == counts.get(element.tag, len(element)), written


@pytest.mark.slow
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


def test_lines_are_aligned_at_their_relation_and_not_under_a_sum() -> None:
    average = BigSum(indexed("X", "n"), Name("n"), Number("1"), Name("N"))
    assert latex_lines([equation(average, "a"), equation("a", "b")]).splitlines()[1:3] == [
        r"\sum_{n=1}^N X_n &= a \\",
        "a &= b",
    ]


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
        parsed(r"\foo{x}")


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


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *(("xhat", r"\hat{x}"), ("x_hat", r"\hat{x}"), ("zhat2", r"\hat{z}_2"), ("ybar", r"\bar{y}"), ("rhat_t", r"\hat{r}_t")),
        *(("hat", "hat"), ("alphahat", "alphahat"), ("dxhat", "dxhat"), ("xhatch", "xhatch"), ("sandbar", "sandbar")),
    ],
)
def test_an_accent_is_one_as_code_writes_it_and_no_other_end_of_a_word(name: str, written: str) -> None:
    assert latex_name(name, TEXTBOOK) == written


@pytest.mark.parametrize(("times", "shown", "typst_sign"), [("*", "*", "*"), (r"\times", "×", "times"), ("", "·", "dot.c")])
def test_a_product_has_one_sign_also_where_it_breaks(times: str, shown: str, typst_sign: str) -> None:
    notation = Notation().override(times=times)
    assert mathml_sign("*", notation) == f'<mo form="infix">{shown}</mo>'
    assert typst_lead("*", notation) == f"space {typst_sign} space"
    assert mathml_sign("", notation) == typst_lead("", notation) == ""
