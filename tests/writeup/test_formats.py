"""Every format prints the same outline: complete, well-formed, self-contained, the same each time."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from symbackprop.errors import UserError
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.html import html
from symbackprop.writeup.print.md import markdown
from symbackprop.writeup.print.notebook import cells, notebook
from symbackprop.writeup.print.pdf import pdf, quoted, typst_source
from symbackprop.writeup.print.tex import tex
from tests.writeup.support import outline_of

VOID = {"meta", "br", "link", "img", "hr", "input"}
AUDIENCES = ("teacher", "student", "key")
DOCUMENTS = ("two_three_two", "linear_regression")


class Balanced(HTMLParser):
    """Collects tags that are opened and not closed in order, identifiers, and what refers to outside."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        for key, value in attributes:
            if key == "id":
                self.ids.append(value)
            if key in ("src", "href", "action", "data"):
                self.links.append(value)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def balanced(text):
    parser = Balanced()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("name", [n if n == "two_three_two" else pytest.param(n, marks=pytest.mark.slow) for n in DOCUMENTS])
def test_html_is_well_formed_small_and_alone(name, audience):
    page = html(outline_of(name, HandoutOptions(audience=audience, lang="zh")))
    found = balanced(page)
    assert found.wrong == []
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    assert all(link.startswith("#") for link in found.links)
    assert not re.search(r"url\((?!\"data:font/woff2)|@import|https?://(?!www\.w3\.org/)", page)
    assert len(page.encode()) < 400_000


def test_the_html_check_sees_a_tag_left_open():
    assert balanced("<p><b>x</p>").wrong
    assert balanced("<img src='http://x/y.png'>").links == ["http://x/y.png"]


def test_html_marks_names_and_derivatives():
    page = html(outline_of("two_three_two", HandoutOptions()))
    assert '<mfrac data-n="E_total w7">' in page
    assert '<msub data-n="w12"><mi>w</mi><mn>12</mn></msub>' in page
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)[1])
    way = data["ways"][data["paths"]["w1"]]
    assert (way[0], way[-1]) == ("E_total", "net_h1")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_tex_is_balanced(name, lang):
    text = tex(outline_of(name, HandoutOptions(lang=lang)))
    begun, ended = re.findall(r"\\begin\{(\w+\*?)\}", text), re.findall(r"\\end\{(\w+\*?)\}", text)
    assert sorted(begun) == sorted(ended)
    body = re.sub(r"\\begin\{Verbatim\}.*?\\end\{Verbatim\}", "", text, flags=re.DOTALL)
    plain = re.sub(r"\\[{}]", "", re.sub(r"(?m)^\s*%.*$", "", body))
    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    outside = {
        sign for sign in plain if ord(sign) > 127 and not "\u3000" <= sign <= "\uffef" and not "\u4e00" <= sign <= "\u9fff"
    }
    assert outside == set(), "characters that TeX's text fonts lack"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_markdown_has_every_formula_between_dollars_and_its_figure_beside_it(name):
    files = markdown(outline_of(name, HandoutOptions()), "page")
    text = files.pop("")
    assert set(files) == {"page-diagram.svg"}
    assert "](page-diagram.svg)" in text
    code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert re.sub(r"\\\$", "", code).count("$") % 2 == 0
    for row in re.findall(r"^\|.*\|$", code, re.MULTILINE):
        assert row.count("|") >= 2


@pytest.mark.parametrize("audience", ["teacher", "student"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_cells_of_a_notebook_run(name, audience, capsys):
    pytest.importorskip("nbformat")
    outline = outline_of(name, HandoutOptions(audience=audience))
    book = json.loads(notebook(outline))
    space: dict[str, object] = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), "<cell>", "exec"), space)
    printed = capsys.readouterr().out
    if audience == "teacher":
        assert "agrees" in printed
        assert "differs" not in printed
        space["check"]({next(iter(space["gradients"])): 123.0})
        assert "differs" in capsys.readouterr().out
    else:
        assert printed == ""
        assert "loss_and_gradients" not in space


def test_a_notebook_is_one_file():
    kinds = cells(outline_of("two_three_two", HandoutOptions()), "handout")
    assert {kind for kind, _ in kinds} == {"markdown", "code"}
    assert any("<svg" in text for kind, text in kinds if kind == "markdown")
    assert not any(".svg)" in text for _, text in kinds)


@pytest.mark.parametrize(("name", "lang"), [("two_three_two", "en"), ("linear_regression", "zh")])
@pytest.mark.slow
def test_a_pdf_is_made_and_made_the_same_again(name, lang):
    typst = pytest.importorskip("typst")
    if lang == "zh" and not any("CJK SC" in family for family in typst.Fonts().families()):
        pytest.skip("no face with Chinese characters installed")
    first = pdf(outline_of(name, HandoutOptions(lang=lang)))
    assert first.startswith(b"%PDF-")
    assert first == pdf(outline_of(name, HandoutOptions(lang=lang)))


def test_a_missing_chinese_face_is_named_with_the_remedy():
    outline = outline_of("two_three_two", HandoutOptions(lang="zh"))
    with pytest.raises(UserError, match=r"face with Chinese characters.*install"):
        typst_source(outline, ("Libertinus Serif",))


def test_missing_typst_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "typst", None)
    with pytest.raises(UserError, match=r"pip install 'symbackprop\[pdf\]'"):
        pdf(outline_of("two_three_two", HandoutOptions()))


def test_typst_text_cannot_end_its_string():
    assert quoted('a"b\\c\n') == '"a\\"b\\\\c\\n"'


@pytest.mark.parametrize("make", [html, tex, lambda o: markdown(o)[""], lambda o: typst_source(o, ())])
def test_the_same_outline_prints_the_same_text(make):
    outline = outline_of("two_three_two", HandoutOptions())
    assert make(outline) == make(outline)


@pytest.mark.slow
def test_every_part_can_be_switched_off():
    whole = html(outline_of("two_three_two", HandoutOptions()))
    for part, trace in (
        ("diagram", 'id="diagram"'), ("forward", 'id="forward"'), ("chain", 'id="chain-w7-lines"'), ("code", "<pre"),
        ("numbers", 'id="numbers-w7-lines"'), ("update", 'id="update-table"'), ("exercises", 'id="exercises"'),
        ("gradients", 'id="gradients"'), ("loss", 'id="loss-table"'), ("rounding", 'id="rounding"'), ("given", 'id="given"'),
    ):  # fmt: skip
        assert trace in whole, part
        assert trace not in html(outline_of("two_three_two", HandoutOptions().without(part))), part


def test_the_graph_can_be_switched_on():
    options = HandoutOptions(parts=frozenset({"graph"}))
    assert 'id="graph-figure"' in html(outline_of("two_three_two", options))


def test_markdown_writes_arrays_as_matrices_and_no_empty_header():
    for name in ("linear_regression", "two_three_two"):
        page = markdown(outline_of(name, HandoutOptions()))[""]
        assert not re.search(r"^\|(  \|)+$", page, re.MULTILINE)
    assert "z = \\begin{bmatrix}" in markdown(outline_of("linear_regression", HandoutOptions()))[""]
