"""The retold documents: every display formula is read, and every `=` and update in it is tried out in numbers.

What a document states wrongly is listed here with the reason and with what would be right; a mistake that vanishes, or a new one,
makes a test fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import pytest

from symbackprop.formula.notation.notations import notation_called
from symbackprop.formula.print.latex import latex
from symbackprop.formula.read.read import ReadError, read, read_repaired
from symbackprop.formula.tree.tree import Chain
from symbackprop.formula.tree.walk import walk
from tests.document_judge import Documents
from tests.document_reading import DOCUMENTS, ROOT, blocks, statement
from tests.formula.matching import Level, match_level
from tests.formula.test_document_004 import FORMULAS

Load = Callable[[str, str], ModuleType]


@pytest.fixture(scope="module")
def documents(derivation_file: Load) -> Documents:
    return Documents({name: derivation_file(name, "network").network for name in DOCUMENTS})


# --- what is not true everywhere

NUMBERS, ONE, KINK = "numbers of the example", "the target 1 put in", "a sample lies on the step at the start"

#: Statements about the example only; the perceptron's, about everything but the example.
LIMITED: Mapping[str, Mapping[int, str]] = {
    "tanh_neuron": {4: NUMBERS, 5: NUMBERS, 6: NUMBERS, 7: ONE, 8: ONE, 9: ONE, 14: NUMBERS},
    "perceptron": {2: KINK, 7: KINK, 8: KINK, 9: KINK, 10: KINK},
    "two_two_one": {5: ONE, 7: ONE, **dict.fromkeys(range(14, 20), NUMBERS)},
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A statement that does not hold: why, what would be right, and whether that holds always or at the example."""

    why: str
    right: str
    verdict: str = "always"


NOT_THE_LOSS = "the update descends half the squared distance of f to 4.9517, not the stated loss"
HEIGHT = "x1 is taken for the height; the first column of the data is the weight"
MISNAMED = "the value is that of the derivative of h2, the name says h1"
WRONG_PATH = "a weight of h2 acts through h2, not through h1"
NO_FACTOR = "a weight of the output does not act through h1"
_UP = r"\mathit{d\_L\_d\_ypred}"


def _step(weight: str, through: str) -> str:
    return rf"{weight} \leftarrow {weight}-learn_{{rate}}*{_UP}*{through}"


MISTAKES: Mapping[str, Mapping[int, Mistake]] = {
    "tanh_neuron": {
        15: Mistake(NOT_THE_LOSS, r"w1 \leftarrow w1-0.01*\frac{dloss}{dw1}"),
        16: Mistake(NOT_THE_LOSS, r"w2 \leftarrow w2+0.01*2*(target-o1)*(1-o1^2)*x2"),
        17: Mistake(NOT_THE_LOSS, r"b \leftarrow b+0.01*2*(target-o1)*(1-o1^2)"),
    },
    "linear_regression": {6: Mistake("the factor 2 of the square is missing", r"dy = 2 (y - y_{true})")},
    "two_two_one": {
        20: Mistake(HEIGHT, r"\frac{\partial h_1}{\partial w_1} = 0.9525741268224334*(1-0.9525741268224334)*-2", "example"),
        21: Mistake(HEIGHT, r"\frac{\partial L}{\partial w_1} = 0.002639060955281471", "example"),
        32: Mistake(MISNAMED, r"\mathit{d\_h2\_d\_w3} = x_1*f'(sum_{h2})"),
        33: Mistake(MISNAMED, r"\mathit{d\_h2\_d\_w4} = x_2*f'(sum_{h2})"),
        34: Mistake(MISNAMED, r"\mathit{d\_h2\_d\_b2} = f'(sum_{h2})"),
        38: Mistake(WRONG_PATH, _step("w_3", r"\mathit{d\_ypred\_d\_h2}*\mathit{d\_h2\_d\_w3}")),
        39: Mistake(WRONG_PATH, _step("w_4", r"\mathit{d\_ypred\_d\_h2}*\mathit{d\_h2\_d\_w4}")),
        40: Mistake(WRONG_PATH, _step("b_2", r"\mathit{d\_ypred\_d\_h2}*\mathit{d\_h2\_d\_b2}")),
        41: Mistake(NO_FACTOR, _step("w_5", r"\mathit{d\_ypred\_d\_w5}")),
        42: Mistake(NO_FACTOR, _step("w_6", r"\mathit{d\_ypred\_d\_w6}")),
        43: Mistake(NO_FACTOR, _step("b_3", r"\mathit{d\_ypred\_d\_b3}")),
    },
    "two_three_two": {
        21: Mistake(
            "the last slope is that of out_o1, must be that of out_h1",
            r"\frac{\partial E_{total}}{\partial w1}=[ -(target_{o1}-out_{o1})*out_{o1}(1-out_{o1})*w7 "
            r"-(target_{o2}-out_{o2})*out_{o2}(1-out_{o2})*w8] *out_{h1}*(1-out_{h1}) *l1",
        )
    },
}
MALFORMED = {("two_three_two", 11): ("out_o",), ("two_three_two", 21): ("out_o1", "out_o2")}
NUMBERED = [(document, number) for document in DOCUMENTS for number in range(1, len(blocks(document)) + 1)]


# --- the tests


def test_document_004_has_its_formulas_as_they_stand() -> None:
    assert tuple(blocks("two_three_two")) == FORMULAS


@pytest.mark.parametrize(("document", "number"), NUMBERED)
def test_every_formula_is_read_and_printed_as_it_stands(documents: Documents, document: str, number: int) -> None:
    written = blocks(document)[number - 1]
    names = documents.names[document]
    if (document, number) in MALFORMED:
        with pytest.raises(ReadError) as raised:
            read(written, names)
        assert written[slice(*raised.value.span)] == MALFORMED[document, number][0]
        assert tuple(finding.written for finding in read_repaired(written, names).findings) == MALFORMED[document, number]
        return
    found = read(written, names)
    assert [node for node in walk(found) if isinstance(node, Chain)]
    if document != "two_three_two":  # its habits change from formula to formula; see the tests of its own
        fractions = {"partial": "partial"} if r"\frac{\partial" in written else {}
        assert match_level(latex(found, notation_called(document).override(**fractions)), written) >= Level.UP_TO_SPACES


@pytest.mark.parametrize(("document", "number"), NUMBERED)
def test_every_statement_holds_where_it_is_said_to(documents: Documents, document: str, number: int) -> None:
    found = documents.verdict(document, statement(document, documents.names[document], number))
    limited = LIMITED.get(document, {}).get(number)
    if number in MISTAKES.get(document, {}):
        assert found == "never", MISTAKES[document][number].why
    elif limited is None:
        assert found == "always"
    else:
        assert found == ("not smooth at the example" if limited == KINK else "example")


@pytest.mark.parametrize(("document", "number"), [(document, number) for document in MISTAKES for number in MISTAKES[document]])
def test_a_mistake_put_right_holds(documents: Documents, document: str, number: int) -> None:
    mistake = MISTAKES[document][number]
    right = read(mistake.right, documents.names[document])
    assert isinstance(right, Chain)
    assert right != statement(document, documents.names[document], number)
    assert documents.verdict(document, right) == mistake.verdict


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ("tanh_neuron", r"\frac{dloss}{df} = -2*(target-o1)*(1-o1)"),
        ("tanh_neuron", r"lossGrad(0) = 2"),
        ("perceptron", r"\frac{\partial loss}{\partial w_i} = \frac{1}{4} \sum_{n=1}^N (t_n - {y_{pre}}_n) x_{n,i}"),
        ("perceptron", r"L(\theta) = 2 \sum_{n=1}^N l^n(\theta)"),
        ("linear_regression", r"dw = z^T next_{dz}"),
        ("linear_regression", r"dz = next_{dz} W^T/N"),
        ("two_two_one", r"f'(x) = f(x)*(1+f(x))"),
        ("two_two_one", r"y_{pred} = 0.8704730975500455"),
        ("two_three_two", r"w7^+=w7+η*\frac{\partial E_{total}}{\partial w7}"),
        ("mlp_softmax", r"\frac{\partial E}{\partial {Z_2}_{nk}} = P_{nk} - t_{nk}"),
        ("mlp_softmax", r"\frac{\partial E}{\partial W_2} = (\frac{\partial E}{\partial Z_2})^\top A_1"),
    ],
)
def test_the_judge_finds_a_planted_mistake(documents: Documents, document: str, wrong: str) -> None:
    chain = read(wrong, documents.names[document])
    assert isinstance(chain, Chain)
    assert documents.verdict(document, chain) == "never"


def test_the_lists_name_no_formula_that_is_not_there() -> None:
    listed = {(d, n) for table in (LIMITED, MISTAKES) for d, numbers in table.items() for n in numbers}
    assert listed <= set(NUMBERED)
    assert not {(d, n) for d, numbers in LIMITED.items() for n in numbers if n in MISTAKES.get(d, {})}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_numbers_and_claims_of_a_document_are_in_its_prose(document: str) -> None:
    prose = (ROOT / "derivations" / document / "document.md").read_text(encoding="utf-8")
    assert prose.startswith("# ")
    for claim in CLAIMS.get(document, ()):
        assert claim in " ".join(prose.split())


CLAIMS = {
    "tanh_neuron": ("-3.808598, -3.58008212, -3.3652771928 and -3.1633605612", "0.8741999483654423", "the loss reads"),
    "perceptron": ("| 4 | -0.35, 0.55 | -0.45 | 0, 1, 0, 1 | 0 |", "the sum of the losses"),
    "linear_regression": ("7398", "[[3, 7, 4], [5, 2, 6]]"),
    "two_two_one": ("$x_1$ is the height", "as $w_1$ increases, the loss $L$ decreases", "| -2 | 5 | 1 |"),
    "two_three_two": (
        "`(y[0]-o1)*(-1)`, noted as 0.8910896614765176; the machine prints 0.8810896614765176",
        "noted as E_o1 with respect to out_h1, -0.003335375074384934",
        "0.653688458944847",
        "0.6541190012244457",
    ),
}
