"""No answer stands in a student's file, in any format and at any degree of blanking; the gate catches planted leaks."""

from __future__ import annotations

import json
from functools import cache

import pytest

from symbackprop import numeric
from symbackprop.errors import InternalError
from symbackprop.writeup.html import html
from symbackprop.writeup.leaks import answer_numbers, check_no_leak, digits, leaks, unrounded_answers
from symbackprop.writeup.md import markdown
from symbackprop.writeup.notebook import notebook
from symbackprop.writeup.options import HandoutOptions
from symbackprop.writeup.outline import make_outline
from symbackprop.writeup.pdf import typst_source
from symbackprop.writeup.tex import tex
from symbackprop.writeup.variants import variant_values
from tests.writeup.support import ARRAYS, SCALAR, document, random_derivation

FORMATS = {
    "html": html,
    "tex": tex,
    "md": lambda outline: "\n".join(markdown(outline).values()),
    "ipynb": notebook,
    "pdf": lambda outline: typst_source(outline, ("Noto Serif CJK SC",)),
}
BLANKS = ("numbers", "rhs", "steps")
WITH_LONG_RESULTS = tuple(name for name in ARRAYS if name != "perceptron")  # its results are 0, 0.25, 0.5 …


def answers_of(derivation, options, values=None):
    """Return every answer of a handout: as printed, and with all digits."""
    complete = make_outline(derivation, options.override(audience="teacher"), values)
    everything = numeric.evaluate(derivation, values)
    given = [node.name for node in derivation.network.nodes.values() if not node.defined]
    return answer_numbers(complete, unrounded_answers(everything, given))


@cache
def document_answers(name):
    return answers_of(document(name), HandoutOptions())


def assert_nothing_leaks(derivation, blanks, formats, options=None, values=None, answers=None):
    """Assert that no file of a student holds an answer."""
    options = (options or HandoutOptions()).override(audience="student", blanks=blanks)
    answers = answers or answers_of(derivation, options, values)
    assert len(answers) > 5
    outline = make_outline(derivation, options, values)
    for name in formats:
        found = leaks(FORMATS[name](outline), answers)
        assert not found, (name, found[:3])


@pytest.mark.slow
@pytest.mark.parametrize("blanks", BLANKS)
@pytest.mark.parametrize("name", [*SCALAR, *WITH_LONG_RESULTS])
def test_no_answer_in_any_format_of_the_documents(name, blanks):
    assert_nothing_leaks(document(name), blanks, FORMATS, answers=document_answers(name))


@pytest.mark.parametrize("blanks", BLANKS)
def test_no_answer_in_any_format_of_one_document(blanks):
    assert_nothing_leaks(document("tanh_neuron"), blanks, FORMATS, answers=document_answers("tanh_neuron"))


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_in_random_networks(seed):
    assert_nothing_leaks(random_derivation(seed), BLANKS[seed % 3], ("html", "ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_no_answer_in_two_hundred_random_networks_at_all_levels_in_all_formats(seed):
    derivation = random_derivation(seed)
    level = ("brief", "standard", "full")[seed % 3]
    options = HandoutOptions(level=level, lang=("en", "zh")[seed % 2])
    answers = answers_of(derivation, options)
    for blanks in BLANKS:
        assert_nothing_leaks(derivation, blanks, FORMATS, options, answers=answers)


def test_no_answer_in_a_variant():
    derivation, options = document("two_three_two"), HandoutOptions(seed=7)
    values = variant_values(derivation, options)
    assert_nothing_leaks(derivation, "numbers", FORMATS, options, values)


@pytest.mark.parametrize(
    "planted",
    [
        "0.912934", "0.9129342275597286", "0.9129", ".91293", "0,912934", "9.12934e-1", "-0.007412", "data-value='0.078064'",
        "<text x='3'>0.360968</text>", "0.078063875", "91293",
    ],
)  # fmt: skip
def test_a_planted_leak_is_found(planted):
    derivation = document("two_three_two")
    outline = make_outline(derivation, HandoutOptions(audience="student"))
    answers = document_answers("two_three_two")
    page = html(outline)
    check_no_leak(page, answers)
    with pytest.raises(InternalError, match="would show an answer"):
        check_no_leak(page.replace("</main>", f"{planted}</main>"), answers)


def test_a_leak_in_the_metadata_of_a_notebook_is_found():
    outline = make_outline(document("two_three_two"), HandoutOptions(audience="student"))
    book = json.loads(notebook(outline))
    book["cells"][0]["metadata"]["note"] = 0.085509
    assert leaks(json.dumps(book), document_answers("two_three_two"))


def test_the_teachers_copy_would_not_pass():
    outline = make_outline(document("two_three_two"), HandoutOptions())
    for name, make in FORMATS.items():
        assert len(leaks(make(outline), document_answers("two_three_two"))) > 30, name


def test_given_values_and_coordinates_are_no_leaks():
    answers = document_answers("two_three_two")
    for harmless in ("0.35", "0.65", "0.01", "10", "1e-6", "viewBox='0 0 9129 4100'", "(9129,3400)", "0.91", "out_h1", "#912934"):
        assert not leaks(harmless, answers), harmless


@pytest.mark.parametrize(
    ("text", "expected"), [("0.0780", "78"), ("7.8e-2", "78"), ("780", "78"), ("0.0", "0"), ("12.50", "125")]
)
def test_digits_forget_how_a_number_is_written(text, expected):
    assert digits(text) == expected
