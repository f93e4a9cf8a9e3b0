"""A corrected copy of a document: every remedy and every malformed piece put right in its place, the rest untouched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from symbackprop.errors import UserError
from symbackprop.proofreading.claims import ClaimStatus, DocumentVerdicts

_COPIED = (".md", ".txt", ".tex")


def corrected(report: DocumentVerdicts) -> str:
    """Return the document's text with what was found put right; a remedy without a place in the text is left out."""
    text = report.document.text
    for formula in reversed(report.document.formulas()):
        malformed = {
            (item.start - formula.start, item.start - formula.start + len(item.written), item.repair)
            for item in report.findings
            if formula.start <= item.start < formula.end
        }
        remedies = {
            (*item.remedy.span, item.remedy.repair)
            for item in report.judgements
            if item.start == formula.start
            and item.status is ClaimStatus.DIFFERS
            and item.remedy is not None
            and item.remedy.span is not None
        }
        # The places of remedies are those in the formula as it was read, with what was malformed put right.
        mended = _replaced(_replaced(formula.text, malformed), remedies)
        text = text[: formula.start] + mended + text[formula.end :]
    return text


def _replaced(text: str, changes: Iterable[tuple[int, int, str]]) -> str:
    end = len(text)
    for start, stop, repair in sorted(changes, reverse=True):
        stop = _closed(text, start, stop)
        if stop <= end:  # of two that overlap the later one is made
            text = text[:start] + repair + text[stop:]
            end = start
    return text


def _closed(text: str, start: int, stop: int) -> int:
    """Return where a piece ends with the brackets that it opens: a formula's own place leaves the last one out."""
    while text[start:stop].count("(") > text[start:stop].count(")") and text[stop : stop + 1] == ")":
        stop += 1
    return stop


def corrected_name(path: Path) -> Path:
    """Return where the corrected copy of a document goes. Raises UserError where the text is not the file itself."""
    if path.suffix.lower() not in _COPIED:
        raise UserError(f"{path}: --fix corrects {', '.join(_COPIED)}, not {path.suffix or 'a file without an ending'}")
    return path.with_name(f"{path.stem}.corrected{path.suffix}")
