"""Document 004, as a text of its own and against the network: what is right holds, what is wrong is found, with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.formula.notation.notations import TWO_THREE_TWO
from symbackprop.loading import load_network
from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread
from symbackprop.proofreading.proofread_report import ProofreadReport
from symbackprop.proofreading.text.document import document_from_text, read_document

FOLDER = Path(__file__).resolve().parents[2] / "derivations" / "two_three_two"
CODE = """
```python
l = [5.0, 10.0]
y = [0.01, 0.99]
alpha = 0.5
w = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65]
b = [0.35, 0.65]
h2 = sigmoid(w[2] * l[0] + w[3] * l[1] + b[0])
h3 = sigmoid(w[4] * l[0] + w[5] * l[1] + b[0])
o2 = sigmoid(w[7] * h1 + w[9] * h2 + w[11] * h3 + b[1])
```
"""
LIST = " ".join(
    [
        "0.09386631682087375,",
        "0.13773263364174748,",
        "0.1980267403252208,",
        "0.24605348065044158,",
        "0.2994531447534454,",
        "0.34890628950689084,",
        "0.3605250660434654,",
        "0.4537782320399227,",
        "0.4576613303938861,",
        "0.5540523264259203,",
        "0.556964712705892,",
        "0.6541190012244457",
    ]
)


@pytest.fixture(scope="module")
def text() -> str:
    return (FOLDER / "document.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_against_the_network() -> None:
    loaded = load_network(str(FOLDER))
    report = proofread(FOLDER / "document.md", loaded.network, loss=loaded.loss, notation=TWO_THREE_TWO, rate=0.5)
    _judged_as_it_is(report)


@pytest.mark.slow
def test_against_itself(text: str) -> None:
    """The text alone, with the code that gives its numbers and the units that its formulas leave out."""
    _judged_as_it_is(proofread(document_from_text(CODE + text)))


def _judged_as_it_is(report: ProofreadReport) -> None:
    wrong = [item for item in report.claims if item.status is ClaimStatus.DIFFERS]
    assert len(report.claims) == 28
    assert all(item.status is not ClaimStatus.UNDECIDED and item.status is not ClaimStatus.UNREAD for item in report.claims)
    (only,) = wrong
    assert only.remedy.repair == "out_{h1} (1 - out_{h1})"
    malformed = {(finding.written, finding.repair) for finding in report.findings}
    assert {("out_o", "out_{o1}"), ("out_o1", "out_{o1}"), ("out_o2", "out_{o2}")} <= malformed


@pytest.mark.slow
def test_a_list_is_explained_by_other_targets(text: str) -> None:
    report = proofread(document_from_text(f"{CODE}{text}\n\n{LIST}\n"))
    assert [item.reason for item in report.numbers if len(item.texts) == 12][-1] == (
        "one step of gradient descent, targets y1 = 0.0, y2 = 1.0"
    )


@pytest.mark.slow
def test_a_list_that_nothing_gives_is_left_alone(text: str) -> None:
    report = proofread(document_from_text(f"{CODE}{text}\n\n{LIST.replace('0.0938663', '0.0938664')}\n"))
    assert not any(item.reason for item in report.numbers if len(item.texts) == 12)


def test_the_document_is_read(text: str) -> None:
    assert len(read_document(FOLDER / "document.md").formulas()) == 21


def test_the_right_number_after_a_wrong_formula_is_left_alone() -> None:
    given = "$x = 2$, $w = 0.5$, $t = 1$\n\n$$y = w x^2$$\n\n$$E = (y - t)^2$$\n\n"
    report = proofread(document_from_text(given + r"$$\frac{\partial E}{\partial w} = 2 (y + t) x^2 = 8$$"))
    wrong = [item for item in report.claims if item.status is ClaimStatus.DIFFERS]
    assert len(wrong) == 1
    assert wrong[0].remedy is not None
    assert wrong[0].remedy.written != "8"
