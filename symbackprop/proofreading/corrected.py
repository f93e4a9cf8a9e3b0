"""A corrected copy of a document: every remedy and every malformed piece put right in its place, the rest untouched."""

from __future__ import annotations

from pathlib import Path

from symbackprop.errors import UserError
from symbackprop.proofreading.claims import ClaimStatus, DocumentVerdicts
from symbackprop.proofreading.remedy.places import replaced

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
        mended = replaced(replaced(formula.text, malformed), remedies)
        text = text[: formula.start] + mended + text[formula.end :]
    return text


def corrected_name(path: Path) -> Path:
    """Return where the corrected copy of a document goes. Raises UserError where the text is not the file itself."""
    if path.suffix.lower() not in _COPIED:
        raise UserError(f"{path}: --fix corrects {', '.join(_COPIED)}, not {path.suffix or 'a file without an ending'}")
    return path.with_name(f"{path.stem}.corrected{path.suffix}")
