"""Generated JavaScript in a real browser against generated numpy, and the translation of its helpers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sympy import Abs, Function, Symbol

from symbackprop.derive import derive
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import InternalError, NotSupportedError
from symbackprop.functions import BY_NAME
from symbackprop.network import Network, sigmoid
from symbackprop.numeric import evaluate
from symbackprop.numeric.code.library import SOURCES
from symbackprop.numeric.javascript.helpers import helper, helpers, spelling, translated
from symbackprop.numeric.javascript.source import Script, javascript_source, size_values
from tests.numeric.test_random_networks import random_scalar_network, random_tensor_network
from tests.numeric.zoo import CASES
from tests.writeup.browser import CHROMIUM, run

PAGE = "<!DOCTYPE html><html><head></head><body></body></html>"
NEEDS_A_BROWSER = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium installed")


def networks(seeds: int) -> Iterator[tuple[str, DerivationRecord, dict[str, Any]]]:
    """Yield every case of the zoo, and random networks, with values."""
    for name, make in CASES.items():
        case = make()
        yield name, derive(case.network, case.loss, case.declared), case.values()
    for seed in range(seeds):
        for build in (random_scalar_network, random_tensor_network):
            net, values = build(seed)
            yield net.title, derive(net, "E", [node.name for node in net.nodes.values() if not node.defined]), values


def in_browser(cases: list[tuple[str, DerivationRecord, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what `evaluate` gives for each case; a number that is not finite comes as null."""
    parts = []
    for _, derivation, values in cases:
        given = {name: np.asarray(value).tolist() for name, value in values.items()}
        given |= size_values(derivation.network, values)
        arguments = f"JSON.parse({json.dumps(json.dumps(given))})"
        parts.append(f"(function () {{\n{javascript_source(derivation)}\nreturn evaluate({arguments});\n}})()")
    result = run(PAGE, f"result.found = [{', '.join(parts)}];")
    assert result["problems"] == []
    assert "thrown" not in result, result["thrown"]
    found: list[dict[str, Any]] = result["found"]
    return found


def assert_equal(name: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare every node and adjoint to 1e-12."""
    for key, value in expected.items():
        got = np.array(found[key], dtype=float)
        np.testing.assert_allclose(got, np.asarray(value, dtype=float), rtol=1e-12, atol=1e-14, err_msg=f"{name}: {key}")


@pytest.mark.slow
@NEEDS_A_BROWSER
def test_javascript_gives_what_numpy_gives() -> None:
    cases = list(networks(20))
    assert len(cases) >= 60
    for (name, derivation, values), found in zip(cases, in_browser(cases), strict=True):
        assert_equal(name, found, evaluate(derivation, values))


@pytest.mark.slow
@NEEDS_A_BROWSER
def test_every_function_gives_what_python_gives_also_where_its_definition_overflows() -> None:
    cases = []
    for at in (-745.5, -30.25, -2.6, -0.4, 1e-9, 0.37, 0.93, 1.7, 6.5, 40.75, 720.5):
        for row in BY_NAME.values():
            if row.arity == 1 and isinstance(row.function, type):
                low, high = row.domain[0] if row.domain else (-math.inf, math.inf)
                if low < at < high and (abs(at) < 700 or row.name not in ("exp", "sinh", "cosh", "exp2", "expm1")):
                    net = Network(f"{row.name}({at})")
                    net.define("y", row.function(net.parameter("x", value=at)))
                    cases.append((net.title, derive(net, "y"), {"x": at}))
    assert len(cases) > 200
    for (name, derivation, values), found in zip(cases, in_browser(cases), strict=True):
        assert_equal(name, found, evaluate(derivation, values))


@pytest.mark.slow
@NEEDS_A_BROWSER
def test_names_that_are_words_of_the_language() -> None:
    net = Network("words")
    names = ("__proto__", "constructor", "let", "v", "Math", "sum", "évaluer", "权重")
    symbols = [net.parameter(name, value=0.1 * (k + 1)) for k, name in enumerate(names)]
    net.define("function_", sigmoid(sum(symbols)))
    derivation = derive(net, "function_")
    ((case, _, _),) = cases = [("words", derivation, dict(net.values))]
    (found,) = in_browser(cases)
    expected = evaluate(derivation)
    assert_equal(case, found, expected)


def test_every_function_of_the_table_has_its_javascript() -> None:
    for name in SOURCES:
        if SOURCES[name].scalar:
            called = spelling(name)
            assert called.startswith("Math.") or helper(called).startswith(f"function {called}("), name


def test_helpers_come_with_what_they_call() -> None:
    assert [text.split("(")[0] for text in helpers({"gelu"})] == ["function erf", "function erfc", "function gelu"]


def test_a_helper_beyond_the_subset_is_refused() -> None:
    with pytest.raises(InternalError, match="no translation"):
        translated("def f(x):\n    while x > 0:\n        x -= 1\n    return x")
    with pytest.raises(InternalError, match="no translation of the operator"):
        translated("def f(x):\n    return x // 2")


def test_an_unknown_function_is_refused() -> None:
    net = Network("unknown")
    x = net.parameter("x", value=1)
    net.define("y", Abs(x))
    with pytest.raises(NotSupportedError, match="mystery"):
        Script(derive(net, "y")).expression(Function("mystery")(Symbol("x", real=True)))
