"""A page speaks one language, in words: titles, facts, conventions; no program text on it."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from sympy import Sum

from symbackprop.api import Derivation, derive
from symbackprop.capturing.capture import capture
from symbackprop.cli import cli
from symbackprop.errors import UserError
from symbackprop.formula.tree.tree import Formula
from symbackprop.network import Network, maximum, relu
from symbackprop.network.wording import LocalizedText, in_language
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.html import html
from tests.writeup.page_gate import DOCUMENTS, MADE, gate_network

PROGRAM = re.compile(r"Sum\(|\*\*|!=|==|math\.|np\.|\bsqrt\(|\w\[\w+, \w+\]")
#: Words of two or more letters that are no names of a network's nodes.
ENGLISH = re.compile(r"(?<![\w_])[a-z]{2,}(?: [a-z]{2,})+")


def prose(outline: b.Outline) -> list[str]:
    """Return every text of a page that is no formula and no code."""
    found = [outline.subtitle]
    waiting: list[object] = [*outline.page]
    while waiting:
        part = waiting.pop()
        if isinstance(part, b.Code | Formula):
            continue
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, tuple):
            waiting += part
        elif isinstance(part, b.Line):
            found.append(part.because)
            waiting += part.parts
        elif isinstance(part, b.Figure):
            waiting += [part.caption, part.alt]
        elif isinstance(part, b.Heading | b.Prose | b.Table | b.ArrayValue | b.Definitions | b.Cell | b.Choice | b.Option):
            fields = ("words", "header", "rows", "name", "question", "options", "why", "stripped")
            waiting += [getattr(part, field) for field in fields if hasattr(part, field)]
    return found


def with_kinks() -> Derivation:
    net = Network({"en": "a rectifier", "zh": "整流单元"})
    n, j = net.indices("n:N j:J")
    x, w, t = (
        net.input("x", n, value=[1.0, -2.0]),
        net.parameter("w", j, value=[0.5, 0.25]),
        net.target("t", n, j, value=[[1, 0], [0, 1]]),
    )
    net.assume(Sum(t[n, j], j), 1, because={"en": "each row has one 1", "zh": "每一行恰有一个 1"})
    y = net.define("y", n, j, relu(w[j] * x[n]))
    z = net.define("z", n, j, maximum(y[n, j], w[j]))
    return derive(net, net.define("E", Sum((z[n, j] - t[n, j]) ** 2, n, j)))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_titles_facts_and_conventions_are_in_the_readers_language(lang: str) -> None:
    outline = make_outline(
        with_kinks(), HandoutOptions(lang=lang, school=LocalizedText.of({"en": "Evening school", "zh": "夜校"}), date="1/9")
    )
    said = " ".join([outline.title, *prose(outline)])
    english = ("a rectifier", "each row has one 1", "Evening school", "has no derivative where")
    chinese = ("整流单元", "每一行恰有一个 1", "夜校", "处不可导")
    for mine, theirs in zip(*((english, chinese) if lang == "en" else (chinese, english)), strict=True):
        assert mine in said
        assert theirs not in said
    assert not PROGRAM.search(said)


def captured() -> Derivation:
    import numpy as np

    def forward(X, W, y):  # type: ignore[no-untyped-def]
        s = X @ W
        e = np.exp(s - s.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(3), y]).mean()

    found = capture(
        forward, {"X": np.arange(12.0).reshape(3, 4) / 7, "W": np.arange(8.0).reshape(4, 2) / 5, "y": np.array([0, 1, 1])}
    )
    return derive(found.network, found.loss)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*DOCUMENTS, *MADE, "captured"])
def test_no_program_text_and_no_english_on_a_chinese_page(name: str) -> None:
    derivation = captured() if name == "captured" else gate_network(name)
    for lang in ("en", "zh"):
        said = prose(make_outline(derivation, HandoutOptions(lang=lang, level="full")))
        assert [text for text in said if PROGRAM.search(text)] == []
    if name in MADE or name in DOCUMENTS:  # whose titles are in one language only
        said = [text.replace(derivation.network.title, "") for text in said]
    facts = [fact.because for fact in derivation.network.facts]
    assert [text for text in said if ENGLISH.search(text) and not any(in_language(fact, "zh") in text for fact in facts)] == []


def test_a_text_in_several_languages_is_a_text() -> None:
    text = LocalizedText.of({"en": "one", "zh": "一"})
    assert (text, in_language(text, "zh"), in_language(text, "fr"), in_language("plain", "zh")) == ("one", "一", "one", "plain")
    with pytest.raises(UserError, match="several languages"):
        LocalizedText.of({})


FILE = """
from symbackprop import Network, Notation
network = Network({"en": "a line", "zh": "直线"})
x, w, t = network.input("x", value=2.0), network.parameter("w", value=0.5), network.target("t", value=3.0)
loss = network.define("E", (w * x - t) ** 2)
notation = Notation(times="*", juxtapose_bracket="never")
handout = {"school": {"en": "School", "zh": "学校"}, "decimals": 3, "lang": "zh"}
"""


def test_a_files_own_notation_and_options_are_the_defaults(tmp_path) -> None:  # type: ignore[no-untyped-def]
    place = tmp_path / "line.py"
    place.write_text(FILE, encoding="utf-8")
    for extra, expected in (((), ("直线", "学校")), (("--lang", "en", "--date", "May"), ("a line", "School", "May"))):
        done = CliRunner().invoke(
            cli, ["handout", str(place), "-o", str(tmp_path / "page.md"), "--force", *extra], catch_exceptions=False
        )
        assert done.exit_code == 0
        page = (tmp_path / "page.md").read_text(encoding="utf-8")
        assert all(word in page for word in expected)
    said = CliRunner().invoke(cli, ["derive", str(place), "--format", "latex"], catch_exceptions=False).output
    assert "2*(" in said
    assert "2*(" not in CliRunner().invoke(cli, ["derive", str(place), "--notation", "textbook", "--format", "latex"]).output


def test_the_last_case_of_several_is_told_in_the_language_of_the_page() -> None:
    net = Network("a rectifier of numbers")
    x, w, t = net.input("x", value=0.5), net.parameter("w", value=0.3), net.target("t", value=1)
    derivation = derive(net, net.define("E", (net.define("out", relu(net.define("net", w * x))) - t) ** 2))
    for lang, said, unsaid in (("en", "otherwise", "否则"), ("zh", "否则", "otherwise")):
        page = html(make_outline(derivation, HandoutOptions(lang=lang).without("code")))
        assert f"<mtext>{said}</mtext>" in page
        assert f"<mtext>{unsaid}</mtext>" not in page


@pytest.mark.parametrize(("name", "says"), [("convolution", True), ("mlp_softmax", False)])
def test_where_indices_are_calculated_a_page_says_from_where_they_count(name: str, says: bool) -> None:
    said = prose(make_outline(gate_network(name), HandoutOptions(parts=frozenset({"given"}))))
    assert any("counting starts at 0" in text for text in said) is says


def test_the_slope_at_a_kink_is_a_number_and_nothing_is_said_of_sums_without_an_index() -> None:
    net = Network("one unit")
    x, w, t = net.input("x", value=0.5), net.parameter("w", value=0.25), net.target("t", value=1)
    derivation = derive(net, net.define("E", (relu(net.define("a", w * x)) - t) ** 2))
    said = prose(make_outline(derivation, HandoutOptions(level="full")))
    assert any("is used there" in text for text in said)
    assert not any("step(" in text or "a sum of terms" in text for text in said)
