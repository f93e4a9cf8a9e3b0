"""The documents' formulas generated from their networks, each in its document's own notation: how closely they match.

The right-hand sides are the documents' (`derivations/*/document.md`, and the lines written out below); nothing of them goes into
the generated side. The 2-3-2 document has a test of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from sympy import Sum

from symbackprop.derive import derive
from symbackprop.derive.statements.array_statements import (
    NamedDerivative,
    matrix_definition,
    matrix_gradient,
    matrix_update,
    one_sample,
    over_samples,
    total,
)
from symbackprop.derive.statements.statements import Statements
from symbackprop.derive.steps.writer import Writer
from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.notation.notations import notation_called
from symbackprop.formula.print.latex import latex
from symbackprop.formula.tree.build import multiply, partial
from symbackprop.formula.tree.tree import Chain
from symbackprop.network import Network
from tests.document_reading import blocks
from tests.formula.matching import Level, match_level
from tests.test_documents import LIMITED, MISTAKES, NUMBERS

Generate = Callable[[Statements], Chain]
H, Y = 0.9525741268224334, 0.8704730975500355
START = {"x1": 1, "x2": 2, "w1": 0.2, "w2": 0.3, "b": 0.1, "target": 1}


def averaged(statements: Statements) -> Mapping[str, NamedDerivative]:
    """Return the names of the regression: what is passed on is averaged over the batch only in dw and db."""
    rows = statements.writer.network.size("N")
    return {
        "W": NamedDerivative("dw"),
        "b": NamedDerivative("db"),
        "y": NamedDerivative("next_dz", rows),
        "z": NamedDerivative("dz", rows),
    }


def named_update(weight: str, *through: str) -> Generate:
    """Return the update of a weight by the named derivatives on its path."""
    return lambda s: s.update(weight, through=through, using=["learn_rate"])


TANH_NEURON: Mapping[int, Generate] = {
    1: lambda s: s.as_declared(s.define("f")),
    2: lambda s: s.define("o1"),
    3: lambda s: s.define("loss"),
    4: lambda s: s.with_numbers(s.as_declared(s.define("f")), START, 0.9),
    5: lambda s: s.with_numbers(s.define("o1"), {"f": 0.9}, 0.7162978701990245),
    6: lambda s: s.with_numbers(s.define("loss"), {"target": 1, "o1": 0.7162978701990245}, 0.08048689845360957),
    7: lambda s: s.derivative("loss", "o1", called="lossGrad", multiplied_out=True, given={"target": 1}, using=["x"]),
    10: lambda s: s.second_derivative("o1", using=["x"]),
    11: lambda s: s.derivative("f", "w1"),
    12: lambda s: s.derivative("f", "w2"),
    13: lambda s: s.derivative("f", "b"),
}
PERCEPTRON: Mapping[int, Generate] = {
    1: lambda s: total(s, "n", "l", "theta", using=("L",)),
    2: lambda s: over_samples(s, "w", "n", "l", using=("L",)),
    3: lambda s: one_sample(s, "w", "n", "l", using=("z",)),
    4: lambda s: s.define("val"),
    5: lambda s: s.spelt_out("y_pre"),
    6: lambda s: s.define("loss"),
    7: lambda s: s.gradient("w"),
    8: lambda s: s.gradient("b"),
    9: lambda s: s.update("w"),
    10: lambda s: s.update("b"),
}
LINEAR_REGRESSION: Mapping[int, Generate] = {
    1: lambda s: matrix_definition(s, "y"),
    2: lambda s: matrix_gradient(s, "z", averaged(s), shared=True),
    3: lambda s: matrix_gradient(s, "W", averaged(s), shared=True),
    4: lambda s: matrix_gradient(s, "b", averaged(s), shared=True),
    5: lambda s: s.define("loss"),
    6: lambda s: matrix_gradient(s, "y", {"y": NamedDerivative("dy", s.writer.network.size("N"))}),
    7: lambda s: matrix_update(s, "W", "dw"),
    8: lambda s: matrix_update(s, "b", "db"),
}
TWO_TWO_ONE: Mapping[int, Generate] = {
    2: lambda s: s.only_last(s.define("h1", ["sum_h1"])),
    3: lambda s: s.only_last(s.define("h2", ["sum_h2"])),
    4: lambda s: s.only_last(s.define("y_pred", ["sum_o1"], using=["o1"])),
    5: lambda s: s.with_numbers(s.define("L"), {"y_true": 1}),
    6: lambda s: s.through("L", "y_pred", "w1"),
    7: lambda s: s.derivative("L", "y_pred", given={"y_true": 1}),
    8: lambda s: s.through("y_pred", "h1", "w1"),
    9: lambda s: s.composite("y_pred", "h1", ["sum_o1"]),
    10: lambda s: s.composite("h1", "w1", ["sum_h1"]),
    11: lambda s: s.function("sigmoid"),
    12: lambda s: s.function_derivative("sigmoid"),
    13: lambda s: s.through("L", "y_pred", "h1", "w1"),
    17: lambda s: s.with_numbers(s.define("L"), {"y_true": 1, "y_pred": Y}, 0.016777218458282606),
    18: lambda s: s.with_numbers(s.derivative("L", "y_pred"), {"y_true": 1, "y_pred": Y}),
    19: lambda s: s.with_numbers(s.product("y_pred", "h1"), {"y_pred": Y, "w5": 1}),
    20: lambda s: s.with_numbers(s.product("h1", "w1"), {"h1": H, "x1": -2}),
    22: lambda s: s.update("w1"),
    23: lambda s: s.derivative("L", "y_pred"),
    24: lambda s: s.composite("y_pred", "w5"),
    25: lambda s: s.composite("y_pred", "w6"),
    26: lambda s: s.composite("y_pred", "b3"),
    27: lambda s: s.composite("y_pred", "h1"),
    28: lambda s: s.composite("y_pred", "h2"),
    29: lambda s: s.composite("h1", "w1"),
    30: lambda s: s.composite("h1", "w2"),
    31: lambda s: s.composite("h1", "b1"),
    32: lambda s: s.composite("h2", "w3"),
    33: lambda s: s.composite("h2", "w4"),
    34: lambda s: s.composite("h2", "b2"),
    35: named_update("w1", "y_pred", "h1"),
    36: named_update("w2", "y_pred", "h1"),
    37: named_update("b1", "y_pred", "h1"),
    38: named_update("w3", "y_pred", "h2"),
    39: named_update("w4", "y_pred", "h2"),
    40: named_update("b2", "y_pred", "h2"),
    41: named_update("w5", "y_pred"),
    42: named_update("w6", "y_pred"),
    43: named_update("b3", "y_pred"),
}
MLP_SOFTMAX: Mapping[int, Generate] = {
    1: lambda s: s.define("Z1"),
    2: lambda s: s.define("A1"),
    3: lambda s: s.define("Z2"),
    4: lambda s: s.define("P"),
    5: lambda s: s.define("E"),
    6: lambda s: s.gradient("Z2"),
    7: lambda s: s.gradient("W2", shared=True),
    8: lambda s: s.gradient("b2", shared=True),
    9: lambda s: s.gradient("A1", shared=True),
    10: lambda s: s.gradient("Z1", shared=True),
    11: lambda s: s.gradient("W1", shared=True),
    12: lambda s: s.gradient("b1", shared=True),
    13: lambda s: matrix_gradient(s, "W2", shared=True),
    14: lambda s: matrix_gradient(s, "A1", shared=True),
    15: lambda s: matrix_gradient(s, "Z1", shared=True),
    16: lambda s: matrix_gradient(s, "W1", shared=True),
}
GENERATED: Mapping[str, Mapping[int, Generate]] = {
    "tanh_neuron": TANH_NEURON,
    "perceptron": PERCEPTRON,
    "linear_regression": LINEAR_REGRESSION,
    "two_two_one": TWO_TWO_ONE,
    "mlp_softmax": MLP_SOFTMAX,
}
#: Formulas that hold and are not generated, with the reason.
NOT_GENERATED = {
    "tanh_neuron": {
        8: "a value at a place of its own",
        9: "a value at a place of its own",
        14: "4.9517 is written as a fraction",
    },
    "two_two_one": {1: "an average that is no node", **dict.fromkeys((14, 15, 16), "weights of 1 left out")},
}
#: Mistakes that have no counterpart: the derivation states nothing like it.
NO_COUNTERPART = {"tanh_neuron": {15, 16, 17}, "two_two_one": {21}}

Sources = Callable[[str, int], tuple[Statements, str]]


@pytest.fixture(scope="module")
def generated(derivation_file: Callable[[str, str], ModuleType]) -> Callable[[str, Generate, str], str]:
    """Return a function that writes a statement of a document, its derivatives as fractions where the document has fractions."""
    writers: dict[tuple[str, bool], Statements] = {}

    def write(document: str, make: Generate, like: str) -> str:
        fractions = r"\frac{\partial" in like
        if (document, fractions) not in writers:
            module = derivation_file(document, "network")
            notation = notation_called(document).override(decimals=None)
            in_derivatives = ("ypred",) if notation.partial == "name" and not fractions else ()
            notation = notation.override(partial="partial") if fractions else notation
            writer = Writer(derive(module.network, module.loss), notation)
            writers[document, fractions] = Statements(writer, in_derivatives)
        statements = writers[document, fractions]
        return latex(make(statements), statements.writer.notation)

    return write


@pytest.mark.parametrize(("document", "number"), [(d, n) for d, table in GENERATED.items() for n in table])
def test_a_formula_matches_unless_the_document_is_wrong(
    generated: Callable[[str, Generate, str], str], document: str, number: int
) -> None:
    written = blocks(document)[number - 1]
    level = match_level(generated(document, GENERATED[document][number], written), written)
    if number in MISTAKES.get(document, {}):
        assert level is Level.DIFFERENT
    else:
        assert level >= Level.UP_TO_SPACES


@pytest.mark.parametrize("document", GENERATED)
def test_every_formula_is_accounted_for(document: str) -> None:
    made, left = set(GENERATED[document]), set(NOT_GENERATED.get(document, {}))
    wrong = NO_COUNTERPART.get(document, set())
    assert not made & left
    assert wrong <= set(MISTAKES.get(document, {}))
    assert made | left | wrong == set(range(1, len(blocks(document)) + 1))


@pytest.mark.parametrize(
    ("document", "number"),
    [(d, n) for d, table in MISTAKES.items() if d in GENERATED for n in table if n in GENERATED[d]],
)
def test_where_the_document_is_wrong_the_generated_formula_is_right(
    generated: Callable[[str, Generate, str], str], document: str, number: int
) -> None:
    right = MISTAKES[document][number].right
    made = generated(document, GENERATED[document][number], blocks(document)[number - 1])
    assert match_level(made, right) >= Level.UP_TO_SPACES


LINES: tuple[tuple[str, str, Generate], ...] = (
    ("tanh_neuron", r"\frac{df}{dw1} = x1", lambda s: s.derivative("f", "w1")),
    ("tanh_neuron", r"\frac{df}{db} = 1", lambda s: s.derivative("f", "b")),
    (
        "tanh_neuron",
        r"lossGrad(x) = -2*(target-x) = 2*x-2*target",
        lambda s: s.derivative("loss", "o1", called="lossGrad", multiplied_out=True, using=["x"]),
    ),
    (
        "perceptron",
        r"\frac{\partial l}{\partial w}=\frac{\partial z}{\partial w}\cdot\frac{\partial l}{\partial z}",
        lambda s: one_sample(s, "w", "n", "l", using=("z",)),
    ),
    (
        "perceptron",
        r"\frac{\partial L}{\partial b}=\sum_{n=1}^{N}\frac{\partial l^{n}}{\partial b}",
        lambda s: over_samples(s, "b", "n", "l", using=("L",)),
    ),
    ("linear_regression", r"dw = z^T next_{dz}/N", lambda s: matrix_gradient(s, "W", averaged(s), shared=True)),
    ("linear_regression", r"dz = next_{dz} W^T", lambda s: matrix_gradient(s, "z", averaged(s), shared=True)),
    ("linear_regression", r"db = \sum_n next_{dz}/N", lambda s: matrix_gradient(s, "b", averaged(s), shared=True)),
    (
        "linear_regression",
        r"\frac{dloss}{dW} = z^T \frac{dloss}{dy}",
        lambda s: matrix_gradient(s, "W", shared=True),
    ),
    ("two_two_one", r"\mathit{d\_L\_d\_ypred} = -2*(y_{true}-y_{pred})", lambda s: s.derivative("L", "y_pred")),
    ("two_two_one", r"\mathit{d\_h2\_d\_w3} = x_1*f'(sum_{h2})", lambda s: s.composite("h2", "w3")),
    (
        "two_two_one",
        r"\mathit{d\_L\_d\_w4}=\mathit{d\_L\_d\_ypred}*\mathit{d\_ypred\_d\_h2}*\mathit{d\_h2\_d\_w4}",
        lambda s: s.through("L", "y_pred", "h2", "w4"),
    ),
    ("mlp_softmax", r"\frac{\partial E}{\partial Z_2} = (P - t)/N", lambda s: matrix_gradient(s, "Z2")),
    (
        "mlp_softmax",
        r"\frac{\partial E}{\partial b_1} = \sum_n \frac{\partial E}{\partial Z_1}",
        lambda s: matrix_gradient(s, "b1", shared=True),
    ),
)


@pytest.mark.parametrize(("document", "written", "make"), LINES, ids=[line[1] for line in LINES])
def test_lines_that_the_documents_are_known_for(
    generated: Callable[[str, Generate, str], str], document: str, written: str, make: Generate
) -> None:
    assert match_level(generated(document, make, written), written) >= Level.UP_TO_LAYOUT


# --- what is refused


def statements_of(network: Network, loss: object, title: str = "textbook") -> Statements:
    return Statements(Writer(derive(network, loss), notation_called(title)))


def test_what_cannot_be_stated_is_refused(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("two_two_one", "network")
    scalar = statements_of(module.network, module.loss, "two_two_one")
    with pytest.raises(UserError, match="h2 is not on every path from L to w1"):
        scalar.through("L", "h2", "w1")
    with pytest.raises(UserError, match="L: expected a function of one node, such as sigmoid"):
        scalar.composite("L", "y_pred")
    with pytest.raises(UserError, match="stands for a derivative"):
        scalar.with_numbers(scalar.through("L", "y_pred", "w1"), {"w1": 1})
    with pytest.raises(UserError, match="h9 is no alias"):
        scalar.define("h1", using=["h9"])
    with pytest.raises(UserError, match=r"sigmoyd.*Did you mean sigmoid"):
        scalar.function("sigmoyd")
    with pytest.raises(NotSupportedError, match="tanh: the derivative of this function is not spelt out"):
        scalar.function_derivative("tanh")
    with pytest.raises(UserError, match="L is no sum over n"):
        over_samples(scalar, "w1", "n", "l")
    with pytest.raises(UserError, match="x1 has no definition"):
        matrix_definition(scalar, "x1")


def test_what_cannot_be_stated_of_arrays_is_refused(derivation_file: Callable[[str, str], ModuleType]) -> None:
    module = derivation_file("linear_regression", "network")
    arrays = statements_of(module.network, module.loss, "linear_regression")
    with pytest.raises(UserError, match="the loss does not depend on v"):
        matrix_gradient(arrays, "W", {"v": NamedDerivative("dv")})
    with pytest.raises(UserError, match="loss is no sum over i"):
        over_samples(arrays, "W", "i", "l")
    with pytest.raises(UserError, match="y_true: expected a single use, by an array with the index n; used by loss"):
        one_sample(arrays, "y_true", "n", "l")
    with pytest.raises(NotSupportedError, match="y has indices; definitions are put in place of scalar names only"):
        arrays.define("loss", ["y"])


def test_samples_that_act_on_one_another_have_no_derivative_one_by_one() -> None:
    network = Network("less their mean")
    n, i = network.indices("n:N i:D")
    x, w = network.input("x", n, i), network.parameter("w", i)
    z = network.define("z", n, Sum(x[n, i] * w[i], i))
    centred = network.define("c", n, z[n] - Sum(z[n], n) / network.size("N"))
    apart = network.define("apart", Sum(z[n] ** 2, n))
    together = network.define("together", Sum(centred[n] ** 2, n))
    good = one_sample(statements_of(network, apart), "w", "n", "l")
    assert good.parts[1] == multiply(partial("z", "w"), partial("l", "z"))
    with pytest.raises(UserError, match="w: a sample's z acts on other samples"):
        one_sample(statements_of(network, together), "w", "n", "l")
    assert over_samples(statements_of(network, together), "w", "n", "l").parts[0] == partial("together", "w")


# --- the table in the docs

TITLES = {
    "tanh_neuron": "one tanh neuron",
    "perceptron": "perceptron",
    "linear_regression": "linear regression",
    "two_two_one": "2-2-1 network",
    "mlp_softmax": "two layers, softmax",
}


def table() -> str:
    """Return how many formulas of each document are generated up to spaces, as Markdown."""
    rows = ["| document | formulas | up to spaces | the document's mistakes | not generated |", "|---|---|---|---|---|"]
    for document, made in GENERATED.items():
        wrong = MISTAKES.get(document, {})
        matched = sum(number not in wrong for number in made)
        left = NOT_GENERATED.get(document, {})
        reasons = ", ".join(f"{number}: {why}" for number, why in left.items())
        rows.append(f"| {TITLES[document]} | {len(blocks(document))} | {matched} | {len(wrong)} | {reasons} |")
    return "\n".join(rows)


def test_the_table_stands_in_the_docs(root: Path) -> None:
    assert table() in (root / "docs" / "notation.md").read_text(encoding="utf-8")


def test_numbers_are_put_in_only_where_the_document_has_numbers() -> None:
    with_numbers = {number for number, why in LIMITED["tanh_neuron"].items() if why == NUMBERS}
    assert with_numbers - set(NOT_GENERATED["tanh_neuron"]) == {4, 5, 6}
