"""A page in fewer characters: a browser, or a parser, sees the same document."""

from __future__ import annotations

import re

import pytest

from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.html import html
from symbackprop.writeup.print.packing import packed
from tests.writeup.browser import CHROMIUM, run
from tests.writeup.page_gate import gate_network

TREE = """
  const told = (node) => node.nodeType === 3 ? node.data : node.nodeType !== 1 || /^(script|style)$/i.test(node.tagName) ? ""
    : "<" + node.tagName + Array.from(node.attributes, (one) => one.name + "=" + one.value).sort().join(" ") + ">"
      + Array.from(node.childNodes, told).join("");
  result.tree = told(document.body);
"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed")
@pytest.mark.parametrize(("name", "audience"), [("two_three_two", "teacher"), ("attention", "key"), ("two_two_one", "student")])
def test_a_browser_sees_the_same_document(name: str, audience: str) -> None:
    page = html(make_outline(gate_network(name), HandoutOptions(audience=audience, lang="zh")))
    small = packed(page)
    assert len(small) < 0.97 * len(page)
    found, wanted = (run(text, TREE) for text in (small, page))
    assert found["problems"] == wanted["problems"] == []
    assert bare(found["tree"]) == bare(wanted["tree"])
    assert len(wanted["tree"]) > 10_000


def bare(tree: str) -> str:
    """Return a document without the line breaks between its elements."""
    return re.sub(r"\s*\n\s*(?=<|$)", "", tree)


@pytest.mark.parametrize(
    ("page", "small"),
    [
        ('<td class="r1">a</td>\n<td>b</td></tr></tbody></table>', "<td class=r1>a<td>b</table>"),
        ('<i title="a b" id="x"/><b lang="en">="q"</b>', '<i title="a b" id="x"/><b lang=en>="q"</b>'),
        ('<pre class="code">\n  a = "b"</td>\n  /* c */</pre>', '<pre class="code">\n  a = "b"</td>\n  /* c */</pre>'),
        ("<script>\n  /* why */\n  const a = 1; // b\n</script>", "<script>\nconst a = 1; // b\n</script>"),
    ],
)
def test_only_what_may_be_left_out_is(page: str, small: str) -> None:
    assert packed(page) == small
