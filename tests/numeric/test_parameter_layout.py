"""Text that enters generated source stays text: titles, facts and names of any letters."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from sympy import Sum, exp, log

from symbackprop.derive import derive
from symbackprop.network import Network
from symbackprop.numeric import evaluate, function, source
from symbackprop.numeric.code.parameter_layout import docstring, quoted
from symbackprop.numeric.program.python_names import Identifiers

NASTY = (
    'x"""\n    raise SystemExit("ran")\n    """', '"""', '""', 'ends in "', "ends in \\", r"\xi", r"\u \N{x} \upsilon",
    "tab\tline\nback\r",    "\r\n", "null\0", "\x1b[31m", "page\x0cfeed", "\u2028\u2029\x85",
    "\u202eright to left", "'''", "{loss} %s", "",
)  # fmt: skip


@pytest.mark.parametrize("text", NASTY)
def test_a_title_is_no_code(text: str) -> None:
    net = Network(text)
    net.title = text
    w = net.parameter("w", value=0.5)
    derivation = derive(net, net.define("E", w**2))
    tree = ast.parse(source(derivation))
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    assert "".join((ast.get_docstring(definition) or "").split()).startswith("".join(words) + ":")
    assert function(derivation)(w=0.5) == (0.25, {"w": 1.0})
    assert evaluate(derivation, {"w": 0.5})["E"] == 0.25


@pytest.mark.parametrize("text", [text for text in NASTY if text])
def test_a_reason_is_no_code(text: str) -> None:
    net = Network()
    n, k, m = net.indices("n:N k:K m:K")
    t, z = net.target("t", n, k), net.parameter("z", n, k)
    net.assume(Sum(t[n, k], k), 1, because=text)
    p = net.define("p", n, k, exp(z[n, k]) / Sum(exp(z[n, m]), m))
    derivation = derive(net, net.define("E", -Sum(t[n, k] * log(p[n, k]), n, k)))
    assert "Uses the assumption" in source(derivation)
    _, gradients = function(derivation)(t=np.eye(2), z=np.zeros((2, 2)))
    np.testing.assert_allclose(gradients["z"], 0.5 - np.eye(2))


@pytest.mark.parametrize("text", NASTY)
def test_what_is_quoted_reads_back(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert len(ast.parse("\n".join(docstring([text, text], ""))).body) == 1


@pytest.mark.parametrize("pair", ["εϵ", "µμ", "φϕ", "hℎ", "lℓ", "θϑ", "ρϱ", "πϖ", "ΩΩ", "xｘ"])
def test_names_that_are_one_to_python_stay_apart(pair: str) -> None:
    first, second = pair
    names = Identifiers(pair)
    if first.isidentifier() and second.isidentifier():
        tree = ast.parse(f"{names[first]} = 1\n{names[second]} = 2")
        assert len({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}) == 2


@pytest.mark.parametrize("name", ["ｅｘｐ", "ｌａｍｂｄａ", "ｎｐ", "𝐬𝐨𝐫𝐭𝐞𝐝"])
def test_a_name_in_other_letters_hides_nothing(name: str) -> None:
    assert Identifiers([name])[name] == f"{name}_"
