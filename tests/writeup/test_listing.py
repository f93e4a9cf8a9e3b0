"""A listing on a page is narrow and still the same program; it has no guard where the values of the page need none."""

from __future__ import annotations

import ast

import pytest

from symbackprop.api import derive
from symbackprop.network import Network, sigmoid
from symbackprop.numeric import source
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.blocks import Code
from symbackprop.writeup.page.listing import CODE_COLUMNS, narrow
from tests.writeup.page_gate import DOCUMENTS, OTHERS, gate_network


def meaning(program: str) -> str:
    """Return the syntax tree of a program, blanks in its docstrings made alike."""
    tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value:
            node.value = " ".join(node.value.split())
        elif isinstance(node, ast.FunctionDef) and (said := ast.get_docstring(node)):
            node.body[0] = ast.Expr(ast.Constant(" ".join(said.split())))
    return ast.dump(tree)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 60, 85, CODE_COLUMNS])
@pytest.mark.parametrize("name", [*DOCUMENTS, *OTHERS])
def test_a_narrow_listing_is_the_same_program(name: str, columns: int) -> None:
    for guarded in (True, False):
        program = source(gate_network(name), guarded=guarded)
        narrowed = narrow(program, columns)
        assert meaning(narrowed) == meaning(program)
        assert max(map(len, narrowed.splitlines())) <= max(columns, 64)  # a call without commas may be so long


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        ("x = 1", ["x = 1"]),
        ("total = first + second + third", ["total = first \\", "        + second \\", "        + third"]),
        ("y = f(alpha, beta, gamma, delta)", ["y = f(alpha, beta,", "        gamma,", "        delta)"]),
        ("s = 'a long text, with + signs'", ["s = 'a long text, with + signs'"]),
        ("# a comment of many words", ["# a comment of many", "# words"]),
    ],
)
def test_lines_are_broken_between_tokens(line: str, broken: list[str]) -> None:
    assert narrow(line + "\n", 20).splitlines() == broken


def page_code(slope: float) -> str:
    net = Network("steep")
    x, w = net.input("x", value=1.0), net.parameter("w", value=slope)
    out = net.define("out", sigmoid(net.define("z", w * x)))
    outline = make_outline(derive(net, net.define("E", (out - net.target("t", value=0.25)) ** 2)))
    (code,) = (block.text for block in outline.blocks if isinstance(block, Code))
    return code


def test_a_guard_stands_only_where_the_values_need_it() -> None:
    assert "700" not in page_code(2.0)
    assert "700" in page_code(-800.0)
