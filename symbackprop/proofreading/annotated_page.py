"""A document as one HTML page with the verdict beside each formula: formulas as MathML, text escaped, no scripts."""

from __future__ import annotations

from html import escape

from symbackprop.errors import SymbackpropError
from symbackprop.formula.print.mathml import mathml
from symbackprop.proofreading.claims import HOLDS, STATED, ClaimStatus, DocumentVerdicts, Judgement, Malformed, PrintedNumber
from symbackprop.proofreading.report_text import mend, numbers_sentence, said_once, sentence, worth_saying
from symbackprop.proofreading.text.document import Fragment

_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
body { color: #1c1c1c; background: #fff }
.prose { white-space: pre-wrap } h2 { font-size: 1.15rem }
pre, code { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
.formula { display: block; margin: .6rem 0; padding: .2rem .6rem; border-left: 4px solid #bbb; overflow-x: auto }
span.formula { display: inline; margin: 0; padding: 0 .2rem }
.holds { border-color: #17692c } .stated { border-color: #4a6fa5 }
.open { border-color: #b58900 } .wrong { border-color: #b01818 }
.note { display: block; font-size: .85rem; color: #444 }
.note.wrong { color: #b01818 } .note.open { color: #7a5c00 }
@media (prefers-color-scheme: dark) {
 body { background: #16181b; color: #e6e6e6 } .note { color: #bbb } .note.wrong { color: #ff8f8f } .note.open { color: #e6b455 }
}
"""

_KINDS = {
    **dict.fromkeys(HOLDS, "holds"),
    **dict.fromkeys(STATED, "stated"),
    ClaimStatus.DIFFERS: "wrong",
    ClaimStatus.UNDECIDED: "open",
    ClaimStatus.UNREAD: "open",
}
_WORST = ("wrong", "open", "holds", "stated")  # what a formula with several `=` is marked as


def annotated_page(found: DocumentVerdicts) -> str:
    """Return the page."""
    title = escape(found.document.name)
    body = "".join(_fragment(fragment, found) for fragment in found.document.fragments)
    taken = "; ".join(f"<code>{escape(name)}</code> {escape(why)}" for name, why in sorted(found.assumed.items()))
    assumed = f"<p>Assumed: {taken}</p>" if taken else ""
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head><body>\n'
        f"<h1>{title}</h1><p>{escape(found.summary())}</p>{assumed}\n{body}\n</body></html>\n"
    )


def _fragment(fragment: Fragment, found: DocumentVerdicts) -> str:
    if fragment.kind == "formula":
        return _formula(fragment, found)
    beside = [item for item in found.numbers if fragment.start <= item.start < fragment.end and worth_saying(item)]
    labels = [item for item in found.findings if fragment.start <= item.start < fragment.end]
    notes = "".join(_note(*said) for said in (*map(_of_numbers, beside), *map(_of_malformed, labels)))
    text = escape(fragment.text)
    if fragment.kind == "heading":
        return f"<h2>{text}</h2>{notes}\n"
    return (f"<pre>{text}</pre>" if fragment.kind in ("code", "output") else f'<span class="prose">{text}</span>') + notes


def _formula(fragment: Fragment, found: DocumentVerdicts) -> str:
    statuses = [item.status for item in found.judgements if item.start == fragment.start]
    malformed = [item for item in found.findings if fragment.start <= item.start < fragment.end]
    said = (*_notes_on(fragment, found), *map(_of_malformed, malformed))
    kinds = [_KINDS[status] for status in statuses] + [kind for kind, _ in said]
    worst = min(kinds, key=_WORST.index, default="")
    block = fragment.display or bool(said)
    element = "div" if block else "span"
    tip = escape("; ".join(dict.fromkeys(statuses)), quote=True)
    notes = "".join(_note(*one) for one in said)
    return f'<{element} class="formula {worst}" title="{tip}">{_set(fragment, found, block)}{notes}</{element}>'


def _notes_on(fragment: Fragment, found: DocumentVerdicts) -> list[tuple[str, str]]:
    said = [(item, count) for item, count in said_once(found) if item.start == fragment.start]
    return list(dict.fromkeys((_KINDS[item.status], _words(item, count)) for item, count in said))


def _set(fragment: Fragment, found: DocumentVerdicts, block: bool) -> str:
    """The formula as MathML; as it is written where it could not be read or set."""
    formula = found.formulas.get(fragment.start)
    if formula is not None:
        try:
            return mathml(formula, display=block)
        except SymbackpropError:
            pass
    return f"<code>{escape(fragment.text.strip())}</code>"


def _words(item: Judgement, count: int) -> str:
    return sentence(item, count) + (f"; {mend(item)}" if item.remedy else "")


def _of_numbers(item: PrintedNumber) -> tuple[str, str]:
    kind = _KINDS[item.status]
    return kind, numbers_sentence(item) + (f"; write {item.repair}" if item.repair else "")


def _of_malformed(item: Malformed) -> tuple[str, str]:
    return "wrong", f"malformed: {item.message}; write {item.repair} for {item.written}"


def _note(kind: str, words: str) -> str:
    return f'<span class="note {kind}">{escape(words)}</span>'
