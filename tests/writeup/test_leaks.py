"""No answer stands in a student's file, in any format and at any degree of blanking; the gate catches planted leaks."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial

import nbformat
import numpy as np
import pytest

import symbackprop.writeup.print.html as html_printer
import symbackprop.writeup.print.md as md_printer
import symbackprop.writeup.print.pdf as pdf_printer
import symbackprop.writeup.print.tex as tex_printer
from symbackprop import numeric
from symbackprop.derive.steps.steps import LEVELS
from symbackprop.errors import InternalError
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.numbers.variants import variant_values
from symbackprop.writeup.outline.context import make_context
from symbackprop.writeup.outline.outline import complete_outline
from symbackprop.writeup.page.blocks import Figure
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print import formats
from symbackprop.writeup.print.font_faces import font_faces
from symbackprop.writeup.student.leaks import answer_numbers, check_no_leak, digits, leaks, unrounded_answers
from symbackprop.writeup.student.redact import redact
from tests.writeup.support import ARRAYS, SCALAR, answers_of, document, document_answers, random_derivation


class Inspected(Exception):
    """Raised when a text was seen, so that no PDF has to be set."""


def inspected(made, outline):
    """Return the texts of a handout as the gate sees them."""
    texts = []

    def inspect(text):
        texts.append(text)
        if made.suffix == ".pdf":
            raise Inspected

    with suppress(Inspected):
        made.files(outline, "handout", inspect)
    return "\n".join(texts)


FORMATS = {suffix: partial(inspected, made) for suffix, made in formats.FORMATS.items()}
BLANKS = ("numbers", "rhs", "steps")
WITH_LONG_RESULTS = tuple(name for name in ARRAYS if name != "perceptron")  # its results are 0, 0.25, 0.5 …


def assert_nothing_leaks(derivation, blanks, formats, options=None, values=None, answers=None):
    """Assert that no file of a student holds an answer."""
    options = (options or HandoutOptions()).override(audience="student", blanks=blanks)
    answers = answers or answers_of(derivation, options, values)
    assert len(answers) > 5
    outline = make_outline(derivation, options, values)
    stated = [entry for value in derivation.network.values.values() for entry in np.abs(np.asarray(value, dtype=float)).flat]
    given = frozenset(digits(text) for entry in stated for text in (repr(float(entry)), f"{entry:.4f}"))
    for name in formats:
        found = leaks(FORMATS[name](outline), answers, given)
        assert not found, (name, found[:3])


@pytest.mark.slow
@pytest.mark.parametrize("blanks", BLANKS)
@pytest.mark.parametrize("name", [*SCALAR, *WITH_LONG_RESULTS])
def test_no_answer_in_any_format_of_the_documents(name, blanks):
    assert_nothing_leaks(document(name), blanks, FORMATS, answers=document_answers(name))


@pytest.mark.slow
@pytest.mark.parametrize("blanks", BLANKS)
def test_no_answer_in_any_format_of_one_document(blanks):
    assert_nothing_leaks(document("tanh_neuron"), blanks, FORMATS, answers=document_answers("tanh_neuron"))


def students_outlines(derivation, lang, blanks_at=lambda level: BLANKS):
    """Yield every student's outline of a network (each level with each degree of blanking, or those named) with its answers."""
    options = HandoutOptions(audience="student", lang=lang)
    context = make_context(derivation, options)
    declared = [node.name for node in derivation.network.nodes.values() if not node.defined]
    results = unrounded_answers(numeric.evaluate(derivation), declared)
    for level in LEVELS:
        complete = complete_outline(replace(context, options=options.override(level=level)))
        answers = answer_numbers(complete, results)
        for blanks in blanks_at(level):
            chosen = options.override(level=level, blanks=blanks)
            yield chosen, redact(complete, chosen), answers


def leaking(derivation, lang, blanks_at=lambda level: BLANKS):
    """Return every leak in the files of every level, degree of blanking and format, and how many files were looked at."""
    count, found = 0, []
    for options, outline, answers in students_outlines(derivation, lang, blanks_at):
        assert len(answers) > 5
        for name, make in FORMATS.items():
            count += 1
            text = make(outline).replace(font_faces(), "")  # the same in every page, and most of it
            found += [(name, options.level, options.blanks, leak) for leak in leaks(text, answers)]
    return found, count


@pytest.fixture
def printed_once(monkeypatch):
    """Let the printers print a block once for all levels and draw a figure once for all formats; a test below compares."""
    drawn = {}

    picture = html_printer.picture

    def picture_once(drawing, lang, notation, *covered):
        if (drawing, *covered) not in drawn:
            drawn[drawing, *covered] = picture(drawing, lang, notation, *covered)
        return drawn[drawing, *covered]

    def block_once(make):
        known = {}

        def once(block, place):
            text = known.get(block)
            if text is None:
                text = make(block, place)
                if not isinstance(block, Figure):  # a printer may keep it beside the page
                    known[block] = text
            return text

        return once

    for printer in (html_printer, tex_printer, md_printer, pdf_printer):
        monkeypatch.setattr(printer, "_block", block_once(printer._block))
        monkeypatch.setattr(printer, "picture", picture_once)
    monkeypatch.setattr(nbformat, "validate", lambda *given, **options: None)  # whether a notebook is one, other tests ask


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_in_random_networks(seed):
    assert_nothing_leaks(random_derivation(seed), BLANKS[seed % 3], (".html", ".ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
@pytest.mark.usefixtures("printed_once")
def test_no_answer_in_two_hundred_random_networks_at_all_levels_in_all_formats(seed):
    """Every tenth network with each degree of blanking at each level, the others with another one at each level, in turn."""

    def turn(level):
        return BLANKS if seed % 10 == 0 else BLANKS[(LEVELS.index(level) + seed // 2) % 3 :][:1]

    expected = 3 * (3 if seed % 10 == 0 else 1) * 5
    assert leaking(random_derivation(seed), ("en", "zh")[seed % 2], turn) == ([], expected)


@pytest.mark.slow
def test_no_answer_in_a_variant():
    derivation, options = document("two_three_two"), HandoutOptions(seed=7)
    values = variant_values(derivation, options)
    assert_nothing_leaks(derivation, "numbers", FORMATS, options, values)


@pytest.mark.parametrize(
    "planted",
    [
        "0.912934", "0.9129342275597286", "0.9129", ".91293", "0,912934", "9.12934e-1", "-0.0074119", "data-value='0.078064'",
        "<text x='3'>0.360968</text>", "0.078063875", "91293", "id='v0.912934'", "width:0.912934em", "0{,}9129",
    ],
)  # fmt: skip
def test_a_planted_leak_is_found(planted):
    answers = document_answers("two_three_two")
    page = students_file(".html")
    check_no_leak(page, answers)
    with pytest.raises(InternalError, match="would show an answer"):
        check_no_leak(page.replace("</main>", f"{planted}</main>"), answers)


@cache
def students_file(name):
    """Return a student's file of one document in one format."""
    return FORMATS[name](make_outline(document("two_three_two"), HandoutOptions(audience="student")))


def in_metadata(text, leak):
    """Put something into the metadata of a notebook's cell."""
    book = json.loads(text)
    book["cells"][0]["metadata"]["note"] = float(leak)
    return json.dumps(book)


#: Where somebody who reads only the page would never look, for each format.
PLANTED = {
    "html, attribute": (".html", lambda text, leak: text.replace("<main>", f'<main data-of-w7="{leak}">')),
    "html, drawing": (".html", lambda text, leak: text.replace("</svg>", f"<desc>{leak}</desc></svg>", 1)),
    "html, script": (".html", lambda text, leak: text.replace('{"ways": ', f'{{"w7": {leak}, "ways": ')),
    "md, drawing": (".md", lambda text, leak: text.replace('class="sb-', f'data-value="{leak}" class="sb-', 1)),
    "md, comment": (".md", lambda text, leak: f"{text}<!-- w7 {leak} -->\n"),
    "tex, comment": (".tex", lambda text, leak: text.replace("\n", f" % {leak}\n", 1)),
    "pdf, comment": (".pdf", lambda text, leak: f"{text}// {leak}\n"),
    "pdf, name": (".pdf", lambda text, leak: text.replace("#set document(", f'#set document(keywords: ("{leak}",), ')),
    "ipynb, metadata": (".ipynb", in_metadata),
}


@pytest.mark.parametrize(("name", "plant"), PLANTED.values(), ids=PLANTED)
@pytest.mark.slow
def test_a_leak_planted_out_of_sight_is_found(name, plant):
    text, answers = students_file(name), document_answers("two_three_two")
    assert not leaks(text, answers)
    assert [(leak.written, leak.answer) for leak in leaks(plant(text, "0.085509"), answers)] == [("0.085509", "0.085509")]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "plant"), PLANTED.values(), ids=PLANTED)
@pytest.mark.usefixtures("printed_once")
def test_a_leak_planted_in_one_format_is_found_at_every_level(name, plant, monkeypatch):
    derivation = random_derivation(0)
    asked = [set(answers.values()) for _, _, answers in students_outlines(derivation, "en")]
    answer = min(text for text in set.intersection(*asked) if len(text) == 8)
    monkeypatch.setitem(FORMATS, name, lambda outline, make=FORMATS[name]: plant(make(outline), answer))
    found, count = leaking(derivation, "en")
    assert count == 3 * 3 * 5
    assert [(form, leak.answer) for form, _, _, leak in found] == [(name, answer)] * 9
    assert len({(level, blanks) for _, level, blanks, _ in found}) == 9


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 5])
def test_printing_once_prints_the_same(seed, request):
    def texts():
        return [make(outline) for _, outline, _ in students_outlines(random_derivation(seed), "en") for make in FORMATS.values()]

    plainly = texts()
    request.getfixturevalue("printed_once")
    assert texts() == plainly


@pytest.mark.slow
def test_the_teachers_copy_would_not_pass():
    outline = make_outline(document("two_three_two"), HandoutOptions())
    for name, make in FORMATS.items():
        assert len(leaks(make(outline), document_answers("two_three_two"))) > 30, name


def test_given_values_and_coordinates_are_no_leaks():
    answers = document_answers("two_three_two")
    for harmless in ("0.35", "0.65", "0.01", "10", "1e-6", "viewBox='0 0 9129 4100'", "(9129,3400)", "0.91", "out_h1", "#912934"):
        assert not leaks(harmless, answers), harmless
    for place in ('<rect x="12" y="91293"', '<path d="M12 40L300 91293"', r"\"viewBox=\"0 0 91293 400\""):
        assert not leaks(place, answers), place
    for told in ('data-y="9.1293"', 'y="0.91293"', 'title="91293"', '<text y="4">91293', 'y="4" data-of="91293"'):
        assert leaks(told, answers), told


@pytest.mark.parametrize(
    ("text", "expected"), [("0.0780", "78"), ("7.8e-2", "78"), ("780", "78"), ("0.0", "0"), ("12.50", "125")]
)
def test_digits_forget_how_a_number_is_written(text, expected):
    assert digits(text) == expected
