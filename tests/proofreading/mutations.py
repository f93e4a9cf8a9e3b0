"""Plant one mistake each in correct documents, and see whether it is reported on its `=` and put right.

`python -m tests.proofreading.mutations` plants every mistake of every document (minutes of work); `--each 5` every fifth.

A mistake is made in the text of one side of one `=` that is a claim: a digit, a sign, a name for its like, an index for another,
two indices exchanged, a factor left out, an exponent, its sign, a transpose, a layer, a derivative of a function for it,
the argument of a derivative, a bound of a sum that is one off, the letter of a sum.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

from symbackprop.formula.tree.tree import Call, Formula, Indexed, Name
from symbackprop.proofreading.claims import ClaimStatus, Judgement
from symbackprop.proofreading.corrected import corrected
from symbackprop.proofreading.proofread import proofread_text
from symbackprop.proofreading.proofread_report import ProofreadReport

TEXTS = Path(__file__).parent / "texts"
DERIVATIONS = Path(__file__).parents[2] / "derivations"
TOKEN = re.compile(r"\\[A-Za-z]+|\d+(?:\.\d+)?|[A-Za-z]+|[-+^=]")
NAME = re.compile(r"(?<![A-Za-z\\])([A-Za-z]\d*)((?:_(?:\w+|\{\w+\}))?(?:\^\{\(\d\)\})?)(?![A-Za-z_{,\d'])")


@dataclass(frozen=True)
class Mutant:
    """A document with one mistake between two places; `line` and `column` where it stands."""

    text: str
    start: int
    end: int
    kind: str


def read(name: str) -> tuple[str, ProofreadReport]:
    """Return a text and its report; of a text with mistakes that are known, the copy that is put right."""
    own = TEXTS / f"{name}.md"
    text = (own if own.exists() else DERIVATIONS / name / "document.md").read_text(encoding="utf-8")
    report = proofread_text(text)
    if report.ok or own.exists():
        return text, report
    text = corrected(report)
    return text, proofread_text(text)


def claims(report: ProofreadReport) -> Iterator[Judgement]:
    """Yield each `=` that claims something: not the first formula of a name, which says what it is."""
    defined: set[Formula] = set()
    for item in report.claims:
        left = item.left
        states = isinstance(left, Name | Indexed | Call) and left not in defined and item.right is not None
        if isinstance(left, Name | Indexed | Call):
            defined.add(left)
        if not states and item.right is not None and item.right.span is not None:
            yield item


def changes(side: str, others: list[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (kind, side with one mistake)."""
    for found in re.finditer(r"\d+\.\d{3,}", side):
        for digit in rng.sample(range(2, len(found[0])), min(4, len(found[0]) - 2)):
            if found[0][digit] != ".":
                other = str((int(found[0][digit]) + rng.randrange(1, 9)) % 10)
                yield "digit", side[: found.start() + digit] + other + side[found.start() + digit + 1 :]
    for found in re.finditer(r"(?<![\^{e]) ([-+]) ", side):
        yield "sign", f"{side[: found.start(1)]}{'-' if found[1] == '+' else '+'}{side[found.end(1) :]}"
    yield from _other_names(side, others, rng)
    for found in re.finditer(r"\^2(?!\d)", side):
        yield "exponent", side[: found.start()] + "^3" + side[found.end() :]
        yield "exponent", side[: found.start()] + side[found.end() :]
    yield from _other_places(side)
    for kind, pattern, repair in _EXCHANGED:
        for found in re.finditer(pattern, side):
            yield kind, side[: found.start()] + found.expand(repair) + side[found.end() :]


#: What else is written for something: the kind of mistake, what stands there, what is put for it.
_EXCHANGED = (
    ("transpose", r"\(([a-z](?:\^\{[^{}]*\})?)\)\^T", r"\1"),
    ("transpose", r"(?<!\))\^T|(?<=[)][)])\^T", ""),
    ("layer", r"\^\{l ?\+ ?1\}", "^l"),
    ("layer", r"\^\{l ?- ?1\}", "^l"),
    ("layer", r"\^\{L ?- ?1\}", "^L"),
    ("layer", r"(?<=[a-zA-Z])\^l(?=[ _)])", "^{l-1}"),
    ("function", r"\\sigma'", r"\\sigma"),
    ("factor", r"\\frac\{1\}\{2\}", r"\\frac{1}{3}"),
    ("argument", r"(?<=\\sigma'\()u(?=\))", "f"),
    ("argument", r"(?<=\\tanh\()c(?=\))", "v"),
    ("bound", r"(?<=\\sum_\{i=)1(?=\})", "2"),
    ("bound", r"(?<=\^)N(?= )", "{N-1}"),
    ("sum", r"\\sum_\{i=1\}\^N", r"\\sum_{j=1}^N"),
    ("power", r"(?<=\^\{)-(?=\d/2\})", ""),
    ("power", r"(?<=\^\{-)3(?=/2\})", "1"),
    ("hadamard", r" \\odot (?:[a-z]|\([^()]*\))(?![\w(])", ""),
    ("hadamard", r"(?<=\(1 )-(?= [a-z])", "+"),
)


def _other_names(side: str, others: list[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield a side with a name for its like, and with a name left out."""
    for found in NAME.finditer(side):
        likes = [name for name in others if name != found[0] and re.sub(r"\d", "#", name) == re.sub(r"\d", "#", found[0])]
        for like in rng.sample(likes, min(2, len(likes))):
            yield "name", side[: found.start()] + like + side[found.end() :]
        behind = side[found.end() :].lstrip()
        before = side[: found.start()].rstrip()
        if before[-1:] in ")}" and not before.endswith(("- ", "+ ")) and (not behind or behind[0] not in "_^"):
            yield "factor", before + " " + (_LINK.sub("", behind) if not before else behind)


_LINK = re.compile(r"(?:[*+]|\\cdot(?![A-Za-z]))\s*")  # what binds a name at the beginning of a side to the rest


def _other_places(side: str) -> Iterator[tuple[str, str]]:
    """Yield a side with an index for another one, and with two indices exchanged."""
    for found in re.finditer(r"_\{([a-z])([a-z])\}", side):
        if found[1] != found[2]:
            yield "index", f"{side[: found.start()]}_{{{found[1]}{found[1]}}}{side[found.end() :]}"
            yield "index", f"{side[: found.start()]}_{{{found[2]}{found[1]}}}{side[found.end() :]}"


def mutants(text: str, report: ProofreadReport, rng: random.Random) -> list[Mutant]:
    names = sorted({found[0] for formula in report.document.formulas() for found in NAME.finditer(formula.text)})
    found = []
    for item in claims(report):
        assert item.right is not None
        assert item.right.span is not None
        start, end = (item.start + place for place in item.right.span)
        planted = [
            (kind, side)
            for kind, side in changes(text[start:end], names, rng)
            if side.strip() and not side.strip().startswith("\\odot")
        ]
        found += [Mutant(text[:start] + side + text[end:], start, start + len(side), kind) for kind, side in planted]
    return found


def is_caught(mutant: Mutant, report: ProofreadReport) -> bool:
    """Whether an `=` one side of which holds the mistake is reported."""
    wrong = [item for item in report.claims if item.status is ClaimStatus.DIFFERS]
    spans = [(item.start + item.span[0], item.start + item.span[1]) for item in wrong]
    spans += [(item.start, item.start + len(item.written)) for item in report.findings]
    return any(start <= mutant.end and mutant.start <= end for start, end in spans)


def is_put_right(text: str, report: ProofreadReport) -> bool:
    """Whether the corrected copy has in the formula what the right document has, in any order."""
    copy = re.sub(r"\\[lr]Vert", "|", corrected(report))
    return Counter(TOKEN.findall(copy)) == Counter(TOKEN.findall(text))


@dataclass(slots=True)
class Tally:
    """How many mistakes of each kind were planted, reported and put right, and what was not."""

    planted: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    not_mended: list[str] = field(default_factory=list)

    def add(self, name: str, mutant: Mutant, text: str) -> None:
        """Proof-read a document with a mistake."""
        report = proofread_text(mutant.text)
        found, mended = is_caught(mutant, report), is_put_right(text, report)
        self.planted[mutant.kind] += 1
        self.caught[mutant.kind] += found
        self.mended[mutant.kind] += mended
        line = mutant.text.count("\n", 0, mutant.start) + 1
        said = f"{name}.md:{line} {mutant.kind}: {mutant.text[mutant.start : mutant.end].strip()}"
        self.missed += [] if found else [said]
        self.not_mended += [said] if found and not mended else []


DOCUMENTS = ("numbers", "deltas", "softmax_batch", "layers", "matrices", "cells")
TOLD_AGAIN = ("tanh_neuron", "perceptron", "linear_regression", "two_two_one", "two_three_two")


def every_mutant(name: str, seed: int) -> tuple[str, list[Mutant]]:
    """Return a document and every mistake that is planted in it."""
    text, report = read(name)
    return text, [mutant for mutant in mutants(text, report, random.Random(seed)) if mutant.text != text]


def main() -> int:
    """Plant the mistakes and print what became of them; 1 where too few are found or mended."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofreading.mutations", description=__doc__)
    parser.add_argument("--each", type=int, default=1, help="plant every n-th mistake (1)")
    parser.add_argument("--seed", type=int, default=12, help="of the digits and names that are put in (12)")
    parser.add_argument("documents", nargs="*", default=(*DOCUMENTS, *TOLD_AGAIN), help="some of the documents")
    given = parser.parse_args()
    tally, start = Tally(), process_time()
    for name in given.documents:
        text, planted = every_mutant(name, given.seed)
        for mutant in planted[:: given.each]:
            tally.add(name, mutant, text)
    print(*(f"missed      {said}" for said in tally.missed), sep="\n")
    print(*(f"not mended  {said}" for said in tally.not_mended), sep="\n")
    for kind, count in sorted(tally.planted.items()):
        print(f"{kind:10s} {count:4d} planted {tally.caught[kind]:4d} reported {tally.mended[kind]:4d} put right")
    total, caught, mended = (counts.total() for counts in (tally.planted, tally.caught, tally.mended))
    print(f"{total} planted, {caught / total:.1%} reported, {mended / total:.1%} put right, {process_time() - start:.0f} s")
    return int(caught < 0.98 * total or mended < 0.85 * total)


if __name__ == "__main__":
    sys.exit(main())
