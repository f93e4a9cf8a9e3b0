"""Correct documents with one planted mistake each: it is reported on its `=`, with the remedy; the documents are right.

A mistake is made in the text of one side of one `=` that is a claim: a digit, a sign, a name for its like, an index for another,
a factor left out, an exponent.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from symbackprop.formula.tree.tree import Formula, Indexed, Name
from symbackprop.proofreading.claims import HOLDS, ClaimStatus, Judgement
from symbackprop.proofreading.corrected import corrected
from symbackprop.proofreading.proofread import proofread_text
from symbackprop.proofreading.proofread_report import ProofreadReport

TEXTS = Path(__file__).parent / "texts"
TOKEN = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|[A-Za-z]+|[-+^=]")
NAME = re.compile(r"(?<![A-Za-z\\])([A-Za-z])((?:_\{?\w+\}?)?(?:\^\{\(\d\)\})?)(?![A-Za-z{])")


@dataclass(frozen=True)
class Mutant:
    """A document with one mistake between two places; `line` and `column` where it stands."""

    text: str
    start: int
    end: int
    kind: str


def read(name: str) -> tuple[str, ProofreadReport]:
    text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
    return text, proofread_text(text)


def claims(report: ProofreadReport) -> Iterator[Judgement]:
    """Yield each `=` that claims something: not the first formula of a name, which says what it is."""
    defined: set[Formula] = set()
    for item in report.claims:
        left = item.left
        states = isinstance(left, Name | Indexed) and left not in defined and item.right is not None
        if isinstance(left, Name | Indexed):
            defined.add(left)
        if not states and item.right is not None and item.right.span is not None:
            yield item


def changes(side: str, others: list[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (kind, side with one mistake)."""
    for found in re.finditer(r"\d+\.\d{3,}", side):
        digit = rng.randrange(2, len(found[0]) - 1)
        if found[0][digit] != ".":
            other = str((int(found[0][digit]) + rng.randrange(1, 9)) % 10)
            yield "digit", side[: found.start() + digit] + other + side[found.start() + digit + 1 :]
    for found in re.finditer(r"(?<![\^{e]) ([-+]) ", side):
        yield "sign", f"{side[: found.start(1)]}{'-' if found[1] == '+' else '+'}{side[found.end(1) :]}"
    for found in NAME.finditer(side):
        likes = [name for name in others if name != found[0] and re.sub(r"\d", "#", name) == re.sub(r"\d", "#", found[0])]
        if likes:
            yield "name", side[: found.start()] + rng.choice(likes) + side[found.end() :]
        behind = side[found.end() :].lstrip()
        before = side[: found.start()].rstrip()
        if before[-1:] in ")}" and not before.endswith(("- ", "+ ")) and (not behind or behind[0] not in "_^"):
            yield "factor", before + " " + side[found.end() :]
    for found in re.finditer(r"\^2(?!\d)", side):
        yield "exponent", side[: found.start()] + "^3" + side[found.end() :]
        yield "exponent", side[: found.start()] + side[found.end() :]
    for found in re.finditer(r"_\{([a-z])([a-z])\}", side):
        if found[1] != found[2]:
            yield "index", f"{side[: found.start()]}_{{{found[1]}{found[1]}}}{side[found.end() :]}"


def mutants(text: str, report: ProofreadReport, rng: random.Random) -> list[Mutant]:
    names = sorted({found[0] for formula in report.document.formulas() for found in NAME.finditer(formula.text)})
    found = []
    for item in claims(report):
        assert item.right is not None
        assert item.right.span is not None
        start, end = (item.start + place for place in item.right.span)
        for kind, side in changes(text[start:end], names, rng):
            found.append(Mutant(text[:start] + side + text[end:], start, start + len(side), kind))
    return found


def is_caught(mutant: Mutant, report: ProofreadReport) -> bool:
    """Whether an `=` one side of which holds the mistake is reported."""
    wrong = [item for item in report.claims if item.status is ClaimStatus.DIFFERS]
    spans = [(item.start + item.span[0], item.start + item.span[1]) for item in wrong]
    spans += [(item.start, item.start + len(item.written)) for item in report.findings]
    return any(start <= mutant.end and mutant.start <= end for start, end in spans)


def is_put_right(mutant: Mutant, text: str, report: ProofreadReport) -> bool:
    """Whether the corrected copy has in the formula what the right document has, in any order."""
    copy = corrected(report)
    return Counter(TOKEN.findall(copy)) == Counter(TOKEN.findall(text))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numbers", "deltas", pytest.param("softmax_batch", marks=pytest.mark.slow)])
def test_the_documents_are_right(name: str) -> None:
    _, report = read(name)
    assert len(report.claims) >= 30
    assert [item.status for item in report.claims if item.status not in HOLDS] == []
    assert report.ok


@pytest.mark.slow
def test_planted_mistakes_are_found_and_mended() -> None:
    rng = random.Random(12)
    planted: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    mended: Counter[str] = Counter()
    missed: list[str] = []
    for name, most in (("numbers", 95), ("deltas", 67)):
        text, whole = read(name)
        every = mutants(text, whole, rng)
        for mutant in rng.sample(every, min(most, len(every))):
            report = proofread_text(mutant.text)
            planted[mutant.kind] += 1
            caught[mutant.kind] += is_caught(mutant, report)
            mended[mutant.kind] += is_put_right(mutant, text, report)
            if not is_caught(mutant, report):
                missed.append(f"{name} {mutant.kind}: {mutant.text[mutant.start : mutant.end]}")
    assert planted.total() >= 150
    assert caught.total() >= 0.98 * planted.total(), missed
    assert mended.total() >= 0.85 * planted.total()
