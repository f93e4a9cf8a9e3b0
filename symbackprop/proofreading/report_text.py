"""What was found in a document as lines of text, with a caret under what is wrong, as Markdown, and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symbackprop.proofreading.claims import ClaimStatus, DocumentVerdicts, Judgement, Malformed, PrintedNumber

WIDTH = 100
_TO_SAY = (ClaimStatus.DIFFERS, ClaimStatus.UNREAD, ClaimStatus.UNDECIDED)


def as_text(found: DocumentVerdicts, everything: bool = False) -> str:
    """Return the report as lines; `everything`: also what holds."""
    entries = [(item.start, _judgement(found, item, count)) for item, count in said_once(found, everything)]
    entries += [(item.start, _number(found, item)) for item in found.numbers if everything or worth_saying(item)]
    entries += [(item.start, _finding(found, item)) for item in found.findings]
    lines = [text for _, text in sorted(entries, key=lambda entry: entry[0])]
    if found.assumed:
        lines.append("assumed: " + "; ".join(f"{name} {why}" for name, why in sorted(found.assumed.items())))
    return "\n".join([*lines, found.summary()])


def said_once(found: DocumentVerdicts, everything: bool = False) -> Iterator[tuple[Judgement, int]]:
    """Yield what is to be said of each `=`, and of how many `=` it is said: a formula that cannot be read is named once."""
    unread: dict[int, int] = {}
    for item in found.judgements:
        if item.status is ClaimStatus.UNREAD:
            unread[item.start] = unread.get(item.start, 0) + 1
    for item in found.judgements:
        if item.status is ClaimStatus.UNREAD:
            if (count := unread.pop(item.start, 0)) > 0:
                yield item, count
        elif everything or item.status in _TO_SAY:
            yield item, 1


def worth_saying(item: PrintedNumber) -> bool:
    """Whether there is something to say about printed numbers: they are wrong, or explained."""
    return item.status is ClaimStatus.DIFFERS or bool(item.reason)


def sentence(item: Judgement, count: int = 1) -> str:
    """Return a verdict in words: the status, why, and both values."""
    said = [item.verdict.reason] if item.verdict.reason else []
    if item.verdict.values:
        said.append(f"left {item.verdict.values[0]}, right {item.verdict.values[1]}")
    of = f" ({count} =)" if count > 1 else ""
    return f"{item.status}{of}{': ' if said else ''}{'; '.join(said)}"


def mend(item: Judgement) -> str:
    """Return the remedy in words, "" where there is none."""
    if item.remedy is None:
        return ""
    return f"{item.remedy.words}; write {item.remedy.repair or 'nothing'} for {item.remedy.written}"


def numbers_sentence(item: PrintedNumber) -> str:
    """Return the verdict on printed numbers in words."""
    shown = ", ".join(item.texts[:3]) + (", …" if len(item.texts) > 3 else "")
    return f"{item.status}: {shown}" + (f": {item.reason}" if item.reason else "")


def _place(found: DocumentVerdicts, item: Judgement | PrintedNumber | Malformed) -> str:
    return f"{found.document.name}:{item.line}:{item.column}"


def _judgement(found: DocumentVerdicts, item: Judgement, count: int) -> str:
    lines = [f"{_place(found, item)}: {sentence(item, count)}"]
    if item.status in (ClaimStatus.DIFFERS, ClaimStatus.UNREAD):
        lines += _shown(item)
    if item.remedy:
        lines.append(f"    mend: {mend(item)}")
    return "\n".join(lines)


def _shown(item: Judgement) -> list[str]:
    """The formula around the place, on one line, with carets under it."""
    span = item.remedy.span if item.remedy and item.remedy.span else item.span
    source = item.source.replace("\n", " ").replace("\t", " ")
    start, end = max(0, span[0]), min(len(source), max(span[1], span[0] + 1))
    left = max(0, min(start - 20, len(source) - WIDTH))
    shown = source[left : left + WIDTH]
    carets = " " * (start - left) + "^" * max(1, min(end, left + WIDTH) - start)
    return [f"    {'…' if left else ' '}{shown.rstrip()}", f"     {carets}"]


def _number(found: DocumentVerdicts, item: PrintedNumber) -> str:
    return f"{_place(found, item)}: {numbers_sentence(item)}" + (f"\n    mend: write {item.repair}" if item.repair else "")


def _finding(found: DocumentVerdicts, item: Malformed) -> str:
    return f"{_place(found, item)}: malformed: {item.message}\n    mend: write {item.repair} for {item.written}"


# ---- Markdown ------------------------------------------------------------------------------------------------------


def as_markdown(found: DocumentVerdicts, everything: bool = False) -> str:
    """Return the report in Markdown: a row for each thing to say, in the order of the text."""
    rows: list[tuple[int, int, str, str, str]] = []
    for item, count in said_once(found, everything):
        rows.append((item.start, item.line, sentence(item, count), _written(item), mend(item)))
    for number in found.numbers:
        if everything or worth_saying(number):
            rows.append((number.start, number.line, numbers_sentence(number), "", number.repair))
    for piece in found.findings:
        rows.append(
            (piece.start, piece.line, f"malformed: {piece.message}", piece.written, f"write {piece.repair} for {piece.written}")
        )
    lines = [f"## {_plain(found.document.name)}", "", found.summary(), ""]
    if rows:
        lines += ["| line | verdict | written | mend |", "| ---: | --- | --- | --- |"]
    for _, line, said, written, repair in sorted(rows):
        lines.append(f"| {line} | {_plain(said)} | {_code(written)} | {_code(repair)} |")
    if found.assumed:
        lines += ["", "Assumed: " + "; ".join(f"{_code(name)} {_plain(why)}" for name, why in sorted(found.assumed.items()))]
    return "\n".join(lines).rstrip() + "\n"


def _written(item: Judgement) -> str:
    start, end = (0, len(item.source)) if item.status is ClaimStatus.UNREAD else item.span
    return " ".join(item.source[start:end].split())[: 2 * WIDTH]


_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>|#$"} | {"\n": " "})


def _plain(text: str) -> str:
    """Return words for Markdown, which reads nothing into them."""
    return text.translate(_SPECIAL)


def _code(text: str) -> str:
    """Return text as code inside a table: a bar is written as its number, so that it ends no cell."""
    if not text:
        return ""
    shown = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")
    return f"<code>{shown.translate(_IN_CODE)}</code>"


_IN_CODE = str.maketrans({sign: f"&#{ord(sign)};" for sign in "\\`*_$[]"})


# ---- for programs --------------------------------------------------------------------------------------------------


def as_data(found: DocumentVerdicts) -> dict[str, Any]:
    """Return the report as plain data: strings, numbers, lists and dictionaries."""
    return {
        "document": found.document.name,
        "ok": found.ok,
        "complete": found.complete,
        "summary": found.summary(),
        "claims": [_claim(item) for item in found.judgements],
        "numbers": [
            {
                "line": item.line,
                "column": item.column,
                "printed": list(item.texts),
                "status": item.status,
                "reason": item.reason,
                "repair": item.repair,
            }
            for item in found.numbers
        ],
        "malformed": [
            {"line": item.line, "column": item.column, "written": item.written, "repair": item.repair, "message": item.message}
            for item in found.findings
        ],
        "assumed": dict(found.assumed),
    }


def _claim(item: Judgement) -> dict[str, Any]:
    data: dict[str, Any] = {
        "line": item.line,
        "column": item.column,
        "status": item.status,
        "reason": item.verdict.reason,
        "source": item.source,
    }
    if item.verdict.values:
        data["left"], data["right"] = item.verdict.values
    if item.remedy:
        data["remedy"] = {"written": item.remedy.written, "repair": item.remedy.repair, "words": item.remedy.words}
    return data
