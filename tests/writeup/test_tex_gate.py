"""LaTeX sets every page: no error, nothing past the margin, no letter missing, for networks small and large and every reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from sympy import Sum, tanh

from symbackprop.api import derive
from symbackprop.errors import UserError
from symbackprop.formula.print.latex_prose import declarations, latex_prose, needs_xelatex
from symbackprop.network import Network
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.latex_rows import in_rows
from symbackprop.writeup.print.tex import tex
from tests.writeup.page_gate import DOCUMENTS, OTHERS, gate_network
from tests.writeup.test_hostile_texts import HOSTILE, file
from tests.writeup.test_page_gate import chosen
from tests.writeup.typeset import MARGIN, amiss, amiss_in_log, needs_tex


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize(("at", "name"), [*enumerate([*DOCUMENTS, *OTHERS, "transformer_block"])])
def test_latex_sets_a_page_of_every_network_in_turn_for_all_readers(at: int, name: str, tmp_path: Path) -> None:
    assert amiss(tex(make_outline(gate_network(name), chosen(at + 1))), tmp_path, MARGIN) == []


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize(("name", "lang"), [("two_three_two", "en"), ("two_two_one", "zh")])
def test_latex_sets_the_fields_of_a_worksheet(name: str, lang: str, tmp_path: Path) -> None:
    page = tex(make_outline(gate_network(name), HandoutOptions(audience="student", lang=lang)))
    assert r"\_\_" in page
    assert amiss(page, tmp_path, MARGIN) == []


@needs_tex
@pytest.mark.slow
def test_latex_sets_indices_behind_an_accent_and_kronecker_deltas(tmp_path: Path) -> None:
    net = Network()
    n, i = net.indices("n:2 i:2")
    hat = net.define("B_norm_hat", n, i, tanh(net.parameter("X", n, i, value=[[0.1, 0.2], [0.3, 0.4]])[n, i]))
    page = tex(make_outline(derive(net, net.define("E", Sum(hat[n, i] ** 2, n, i))), HandoutOptions(level="full")))
    assert r"{{}\hat{B}_{norm}}_{ni}" in page
    assert r"\mathbb{1}" in page
    assert amiss(page, tmp_path, MARGIN) == []


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize("text", [*HOSTILE, "100% of A&B #1 w_x $5 2^3 ~ {set} \\ σ(x)² ≥ ½", "网络 √2 Nguyễn Zoë"])
def test_latex_sets_every_text(text: str, tmp_path: Path) -> None:
    assert amiss(file(".tex", text), tmp_path, MARGIN) == []


def test_a_listing_may_have_signs_of_mathematics() -> None:
    assert declarations("σ' → é", False) == (
        "\\DeclareUnicodeCharacter{03C3}{\\ensuremath{\\sigma }}\n\\DeclareUnicodeCharacter{2192}{\\ensuremath{\\to }}\n"
    )


@pytest.mark.parametrize(("text", "needed"), [("naïve Š – “x”", False), ("Nguyễn", True), ("网络", True), ("σ √", False)])
def test_what_pdflatex_cannot_set_needs_xelatex(text: str, needed: bool) -> None:
    assert needs_xelatex(latex_prose(text)) is needed


def test_a_letter_that_no_face_has_is_named_with_the_remedy() -> None:
    with pytest.raises(UserError, match=r"no 'Д' \(U\+0414\); write \.html or \.pdf"):
        needs_xelatex("Да")


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("put the", " derivatives in"), [("put the",), ("derivatives",), ("in",)]),
        (("求和下标是轴，矩阵乘（法）",), [("求和下标是",), ("轴，矩阵乘",), ("（法）",)]),
    ],
)
def test_a_sentence_is_broken_where_a_reader_of_its_language_breaks_it(
    words: tuple[str, ...], rows: list[tuple[str, ...]]
) -> None:
    assert in_rows(words, 11) == rows


def test_what_is_amiss_is_seen_in_a_log() -> None:
    wide = "Overfull \\hbox (70.36311pt too wide) at line 253"
    assert amiss_in_log(f"{wide}\nOverfull \\hbox (1.2pt too wide) in") == [wide]
    assert len(amiss_in_log("! Undefined control sequence.\nMissing character: There is no √ in font\n")) == 2
