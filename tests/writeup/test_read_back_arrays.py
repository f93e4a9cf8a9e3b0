"""Every `=` of a write-up with arrays, read again from the printed page, holds: by differences of the definitions alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from symbackprop.errors import SymbackpropError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import READY
from symbackprop.formula.read.read import read
from symbackprop.formula.tree import tree
from symbackprop.formula.value.evaluate import gaps, values
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.md import markdown
from symbackprop.writeup.print.tex import tex
from tests.writeup.array_pages import NEAR, Reader, array_derivation, markdown_at, outline_at, reader
from tests.writeup.printed import Statement, as_fraction, statements

ZOO = (
    "softmax_classifier", "binary_cross_entropy", "log_sum_exp", "attention", "layer_norm", "batch_norm", "convolution",
    "convolution_1d", "odd_addresses", "diagonals", "deltas", "broadcasts", "missing_axes", "bilinear",
    "bounded_sums", "shared_weights", "recurrent", "unused",
)  # fmt: skip
RANDOM = (*(f"index {seed}" for seed in (1, 3, 5)), *(f"tensor {seed}" for seed in (0, 2)))
#: Not read back, and why.
LEFT_OUT = {
    "awkward_names": "a node has the name of a function it uses, so its formulas have two readings",
    "every_function_of_arrays": "after one step the logarithm of a negative number is wanted, so there is no handout",
}


def pages(name: str, level: str = "full", **options: object) -> tuple[Reader, str, str]:
    """Return a reader of a network's handout, and the handout in Markdown and TeX."""
    outline = outline_at(name, level)
    if options:
        outline = make_outline(array_derivation(name), HandoutOptions(level=level).override(**options))
    return reader(name, outline), markdown(outline)[""], tex(outline)


def check_page(found: Reader, page: str) -> None:
    """Assert that everything on a page holds but the lines that are said to be wrong, and these do not."""
    found.wrong.clear()
    found.check_page(page)
    said = [line for part, line in told_mistakes(page)]
    assert found.wrong == said, "\n".join(f"{one.part}: {one.latex}" for one in found.wrong)


def told_mistakes(page: str) -> list[tuple[str, Statement]]:
    """Return the lines of "find the mistake" exercises that the key names, in order."""
    lines = statements(page)
    marks = list(re.finditer(r"^### (.+)$|^\\steptitle\{(.+)\}$", page, re.M))
    named = []
    for mark in re.finditer(r"Line \((\d+)\) is wrong", page):
        title = next(m[1] or m[2] for m in reversed(marks) if m.start() < mark.start())
        named.append((title, [line for line in lines if line.part == title][int(mark[1]) - 1]))
    return named


def check_choices(found: Reader, page: str) -> int:
    """Assert of every option that it is marked right exactly where it has the value that is asked for; return how many."""
    seen = 0
    for question in re.finditer(r"^Which formula is \$(.+)\$\?\n\n((?:- .*\n?)+)", page, re.M):
        asked = found.read(question[1])
        if not np.any(values([asked], found.known)[0]):
            continue  # 0 here, so a wrong factor would not show
        for latex, mark in re.findall(r"^- \(\w\) \$(.+?)\$ (✓|✗)", question[2], re.M):
            (gap,) = gaps(tree.Chain((asked, found.read(latex)), ("=",)), found.known)
            assert (gap < NEAR) == (mark == "✓"), latex
            seen += 1
    return seen


def check_handout(name: str, **options: object) -> Reader:
    """Assert that every formula of a handout holds, and that Markdown and TeX state the same."""
    found, md, tex_page = pages(name, **options)
    check_page(found, md)
    check_choices(found, md)
    for one, other in zip(statements(tex_page), statements(md), strict=True):
        if plain(one) != plain(other):  # a fraction may be broken in one of them
            assert as_fraction(read(one.latex, found.names)) == as_fraction(read(other.latex, found.names))
    check_page(found, tex_page)
    return found


def plain(statement: Statement) -> str:
    """Return a statement's formula without the breaks into rows, which differ between formats."""
    joined = re.sub(r"(\\cdot|[+-]|) \\\\ (\\quad )?\1", r"\1", re.sub(r"\\(left|right)(?=[()])", "", statement.latex))
    signed = re.sub(r"(?<=\S) *([+-]) ", r" \1 ", joined)  # a sign at the start of a row stands close to what is before
    spaced = re.sub(r"\s*(\\cdot|=)\s*", r" \1 ", signed).replace("  ", " ")
    return re.sub(r"(?<=\() | (?=\))", "", spaced)


DOCUMENTS = [
    pytest.param(name, level, marks=() if (name, level) == ("linear_regression", "full") else pytest.mark.slow)
    for name in ("linear_regression", "mlp_softmax")
    for level in ("brief", "standard", "full")
]


@pytest.mark.parametrize(("name", "level"), DOCUMENTS)
def test_every_equals_sign_of_a_document_holds(name: str, level: str) -> None:
    found = check_handout(name, level=level)
    parts = {re.sub(r" (of )?\$.*| \d+$", "", part) for part in found.verified}
    assert {"What is given", "Gradient", "Matrix form", "Find the mistake", "text"} <= parts | {"text"}
    assert sum(found.verified.values()) > 15
    assert not any("=" in latex for latex in found.only_names)  # names, entries, derivatives, and answers to choose from


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ZOO, *RANDOM, "autoencoder", "long array names"])
def test_every_equals_sign_of_other_networks_holds(name: str) -> None:
    assert name not in LEFT_OUT
    found = check_handout(name, level="full")
    assert sum(found.verified.values()) > 8


@pytest.mark.slow
@pytest.mark.parametrize("notation", [*READY.values(), Notation(sum_bounds="full", first_index=0, kronecker=r"\delta", times="")],
                         ids=[*READY, "from zero"])  # fmt: skip
def test_every_notation_holds(notation: Notation) -> None:
    found, md, _ = pages("linear_regression", level="full", notation=notation)
    check_page(found, md)


@pytest.mark.slow
def test_both_languages_state_the_same() -> None:
    _, english, _ = pages("mlp_softmax", level="full")
    _, chinese, _ = pages("mlp_softmax", level="full", lang="zh")
    assert [one.latex for one in statements(chinese)] == [one.latex for one in statements(english)]


MISTAKES: dict[str, Callable[[str], str]] = {
    "a factor not transposed": lambda page: page.replace(r"= z^\top \cdot", r"= z \cdot"),
    "a dropped sum": lambda page: page.replace(r"= \sum_n z_{ni}", "= z_{ni}"),
    "a changed index": lambda page: page.replace(r"\sum_n z_{ni}", r"\sum_i z_{ni}"),
    "a lost factor": lambda page: page.replace(r"\frac{2 \cdot (y_{nk}", r"\frac{(y_{nk}"),
    "another name": lambda page: page.replace(r"W_{ik} + b_k", r"W_{ik} + W_{ik}"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_the_page_is_found(mistake: str) -> None:
    found, page = reader("linear_regression", outline_at("linear_regression")), markdown_at("linear_regression")
    wrong = MISTAKES[mistake](page)
    assert wrong != page
    with pytest.raises((AssertionError, SymbackpropError)):
        check_page(found, wrong)
