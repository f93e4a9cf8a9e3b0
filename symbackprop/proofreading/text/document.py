r"""A document taken apart: its formulas, its code and its printed values, each with the place where it stands.

Markdown (also `.txt`), LaTeX, HTML (the TeX source that MathJax and KaTeX read) and notebooks are understood. Nothing is run.
Offsets count characters of `Document.text`; a notebook's text is that of its cells, one after the other.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

from symbackprop.errors import UserError
from symbackprop.files import decoded
from symbackprop.proofreading.text.pictures import PICTURE, as_latex


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a document: `kind` is "formula", "code", "output", "heading" or "prose"; `start` its first character."""

    kind: str
    text: str
    start: int
    display: bool = False

    @property
    def end(self) -> int:
        """The offset behind its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Document:
    """A text, the fragments it consists of, in order, and where its lines begin."""

    name: str
    text: str
    fragments: tuple[Fragment, ...]
    line_starts: tuple[int, ...]
    put_in: str = ""  # the files that it puts in, where its macros may stand

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Return a line (counted from 1) without its end."""
        return self.text[self.line_starts[number - 1] :].split("\n", 1)[0]

    def formulas(self) -> tuple[Fragment, ...]:
        """Return the formulas, in order."""
        return tuple(fragment for fragment in self.fragments if fragment.kind == "formula")


def read_document(path: str | Path) -> Document:
    """Read a file. Raises UserError when there is none, or it is no text, or its kind is unknown."""
    file = Path(path)
    kind = file.suffix.lower()
    if kind not in _READERS:
        raise UserError(f"{file}: cannot proof-read a {kind or 'file without an ending'}; expected one of {', '.join(_READERS)}")
    try:
        raw = file.read_bytes()
    except OSError as problem:
        raise UserError(f"{file}: {problem.strerror or problem}") from problem
    found = document_from_text(_decoded(raw, file), kind, str(path))
    return replace(found, put_in=_files_put_in(found.text, file.parent)) if kind == ".tex" else found


_PUTS_IN = re.compile(r"\\(?:input|include|usepackage|RequirePackage)\s*(?:\[[^\]]*\])?\s*\{\s*([\w./-]+)\s*\}")
MOST_FILES = 20
LARGEST_FILE = 1_000_000


def _files_put_in(text: str, folder: Path) -> str:
    """Return the text of the files that a LaTeX document puts in, as far as they stand in its own folder or below it."""
    home = folder.resolve()
    waiting, seen, found = _names_put_in(text), set[Path](), []
    while waiting and len(seen) < MOST_FILES:
        name = waiting.pop(0)
        for file in ((home / f"{name}{ending}").resolve() for ending in ("", ".tex", ".sty")):
            if file in seen or not file.is_relative_to(home) or not file.is_file() or file.stat().st_size > LARGEST_FILE:
                continue
            seen.add(file)
            body = file.read_bytes().decode("utf-8", "replace")
            found.append(body)
            waiting += _names_put_in(body)
    return "\n".join(found)


def _names_put_in(text: str) -> list[str]:
    return _PUTS_IN.findall(_TEX_COMMENT.sub("", text))


def _decoded(raw: bytes, file: Path) -> str:
    try:
        return decoded(raw).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as problem:
        raise UserError(f"{file}: not UTF-8 text (byte {problem.start})") from problem


def document_from_text(text: str, kind: str = ".md", name: str = "document") -> Document:
    """Take a text apart; `kind` is the ending a file of its format has."""
    body, fragments = _READERS[kind](text, name)
    starts = (0, *(match.end() for match in re.finditer("\n", body)))
    return Document(name, body, tuple(fragments), starts)


# ---- Markdown and plain text ---------------------------------------------------------------------------------------

_ENVIRONMENTS = "equation|align|gather|eqnarray|multline|displaymath|math|alignat|flalign"
_OPENING = re.compile(
    r"(?P<escaped>\\[\\$])(?!\[|\()|(?P<double>\$\$)|(?P<square>\\\\?\[)|(?P<round>\\\\?\()"
    rf"|\\begin\{{(?P<environment>(?:{_ENVIRONMENTS})\*?)\}}|(?P<dollar>\$)|(?P<picture>{PICTURE})"
)
_CLOSING = {"double": re.compile(r"\$\$"), "square": re.compile(r"\\\\?\]"), "round": re.compile(r"\\\\?\)")}
_INLINE = re.compile(r"\$`(?P<github>[^`\n]+)`\$|\$(?P<single>(?:[^$\\\n]|\\.|\n(?!\s*\n)){1,2000}?)\$", re.S)
_FENCE_LINE = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[^\n`]*)$", re.M)
_HEADING = re.compile(r"^(?:#{1,6}[ \t]+.*|\\(?:sub)*section\*?\{.*\}.*)$", re.M)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_INLINE_CODE = re.compile(r"(?<!`)`(?!`)([^`\n]+)`(?!`)")


@dataclass(frozen=True, slots=True)
class _Block:
    """A stretch that is no prose: a comment, or (with a language, perhaps an empty one) code between fences."""

    start: int
    end: int
    language: str | None = None
    body: tuple[int, int] = (0, 0)


def _markdown(text: str, name: str) -> tuple[str, list[Fragment]]:
    found: list[Fragment] = []
    position = 0
    comments = (_Block(*match.span()) for match in _COMMENT.finditer(text)) if "-->" in text else ()
    for block in sorted([*_fences(text), *comments], key=lambda block: block.start):
        if block.start < position:
            continue
        found += _prose(text, position, block.start)
        if block.language is not None:
            found.append(_fenced(text, block))
        position = block.end
    found += _prose(text, position, len(text))
    return text, found


def _fences(text: str) -> list[_Block]:
    """Return what stands between fences; one that is never closed is no fence."""
    blocks: list[_Block] = []
    opening: re.Match[str] | None = None
    lines = list(_FENCE_LINE.finditer(text))
    last = {sign: max((at for at, line in enumerate(lines) if _closes(line, sign)), default=-1) for sign in ("```", "~~~")}
    for at, line in enumerate(lines):
        if opening is None:
            opening = line if at < last[line["fence"][:3]] else None
        elif _closes(line, opening["fence"]):
            body = (min(opening.end() + 1, line.start()), line.start())
            blocks.append(_Block(opening.start(), line.end(), opening["language"].strip().lower(), body))
            opening = None
    return blocks


def _closes(line: re.Match[str], fence: str) -> bool:
    return line["fence"].startswith(fence) and not line["language"].strip()


def _fenced(text: str, block: _Block) -> Fragment:
    body, start, language = text[slice(*block.body)], block.body[0], block.language or ""
    if language in ("math", "latex", "tex", "katex"):
        return Fragment("formula", body, start, display=True)
    return Fragment("code" if re.match(r"\{?\.?(?:python|py|ipython|numpy)", language) else "output", body, start)


def _prose(text: str, start: int, end: int) -> list[Fragment]:
    """Return the formulas of a stretch without code, and what stands between them."""
    found: list[Fragment] = []
    position = start
    for kind, whole, body in _formulas(text, start, end):
        written = text[slice(*body)]
        if kind == "single" and not _is_inline_formula(written):
            continue
        if kind == "picture":
            written = as_latex(written, plus="+" if "codecogs" in text[slice(*whole)] else " ")
        found += _between(text, position, whole[0])
        if written or kind != "picture":
            found.append(Fragment("formula", written, body[0], kind in ("double", "square", "environment")))
        position = whole[1]
    return found + _between(text, position, end)


def _formulas(text: str, start: int, end: int) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Yield each formula: between which signs it stands, where it stands with them, and where without them.

    A sign for which no closing one was found is not looked for again, so that the time is in proportion to the length.
    """
    position, unclosed = start, set()
    while (opening := _OPENING.search(text, position, end)) is not None:
        kind = "picture" if opening["picture"] else str(opening.lastgroup)
        key = opening["environment"] or kind
        closing = None if kind == "escaped" or key in unclosed else _closed(text, opening, kind, end)
        if closing is not None:
            yield closing
            position = closing[1][1]
        else:
            unclosed |= set() if kind in ("escaped", "dollar") else {key}
            position = opening.end() if kind == "escaped" else opening.start() + 1


def _closed(text: str, opening: re.Match[str], kind: str, end: int) -> tuple[str, tuple[int, int], tuple[int, int]] | None:
    """Return the formula that begins with an opening sign."""
    if kind == "picture":
        inside = next(name for name in ("tag", "mark", "link") if opening[name] is not None)
        return kind, opening.span(), opening.span(inside)
    if kind == "dollar":
        inline = _INLINE.match(text, opening.start(), end)
        group = str(inline.lastgroup) if inline else ""
        return (group, inline.span(), inline.span(group)) if inline else None
    if kind == "environment":
        written = rf"\end{{{opening['environment']}}}"
        place = text.find(written, opening.end() + 1, end)
        span = (opening.start(), place + len(written))
        return (kind, span, span) if place >= 0 else None
    found = _CLOSING[kind].search(text, opening.end() + 1, end)
    return (kind, (opening.start(), found.end()), (opening.end(), found.start())) if found else None


def _is_inline_formula(body: str) -> bool:
    """Whether what stands between two dollar signs is a formula, and not a text between two prices."""
    return bool(body.strip()) and not re.fullmatch(r"\d[\d,.]*\s+[a-z ]+\s", body)


def _between(text: str, start: int, end: int) -> list[Fragment]:
    found: list[Fragment] = []
    position = start
    for match in _HEADING.finditer(text, start, end):
        if match.start() > position:
            found.append(Fragment("prose", text[position : match.start()], position))
        found.append(Fragment("heading", match[0], match.start()))
        position = match.end()
    if position < end:
        found.append(Fragment("prose", text[position:end], position))
    return found


# ---- LaTeX, HTML, notebooks ----------------------------------------------------------------------------------------

_VERBATIM = re.compile(r"\\begin\{(verbatim|lstlisting|minted|python)\}(?:\[[^\]]*\])?(?:\{[^}]*\})?(.*?)\\end\{\1\}", re.S)
_TEX_COMMENT = re.compile(r"(?<!\\)%[^\n]*")


def _latex(text: str, name: str) -> tuple[str, list[Fragment]]:
    found: list[Fragment] = []
    position = 0
    body = _TEX_COMMENT.sub(lambda match: " " * len(match[0]), text)
    for block in _VERBATIM.finditer(text):
        found += _prose(body, position, block.start())
        found.append(Fragment("code", block[2], block.start(2)))
        position = block.end()
    return text, found + _prose(body, position, len(body))


_HTML_OPENING = re.compile(
    r'<script[^<>]*type="math/tex(?P<mode>[^"<>]*)"[^<>]*>(?P<tex>)'
    r'|<annotation[^<>]*encoding="application/x-tex"[^<>]*>(?P<annotation>)'
    r"|<pre[^<>]*>(?P<pre>)|<(?:script\b[^<>]*>(?P<script>)|style\b[^<>]*>(?P<style>)|head\b[^<>]*>(?P<head>))|<!--(?P<comment>)"
    r"|<[^<>]*>(?P<mark>)",
    re.I,
)
_HTML_CLOSING = {
    "tex": re.compile("</script>", re.I),
    "comment": re.compile("-->"),
    **{name: re.compile(f"</{name}>", re.I) for name in ("annotation", "pre", "script", "style", "head")},
}


def _html_marks(text: str) -> Iterator[tuple[str, str, tuple[int, int], tuple[int, int]]]:
    """Yield what is no text: its kind, the mode of a formula, where it stands, and where its inside does.

    An end that was not found once is not looked for again.
    """
    position, unclosed = 0, set()
    while (opening := _HTML_OPENING.search(text, position)) is not None:
        kind = str(opening.lastgroup)
        closes = None if kind in unclosed or kind == "mark" else _HTML_CLOSING[kind].search(text, opening.end())
        if closes is None:
            unclosed.add(kind)
            position = opening.end()
            yield "mark", "", opening.span(), opening.span()
        else:
            position = closes.end()
            yield kind, opening["mode"] or "", (opening.start(), position), (opening.end(), closes.start())


def _html(text: str, name: str) -> tuple[str, list[Fragment]]:
    """Formulas keep their offsets; entities inside them are read (an offset behind one is then a little early)."""
    found: list[Fragment] = []
    blank = list(text)
    for kind, mode, (start, end), (first, last) in _html_marks(text):
        if kind in ("tex", "annotation", "pre"):
            inside = unescape(re.sub(r"<[^<>]*>", "", text[first:last]))
            found.append(Fragment("code" if kind == "pre" else "formula", inside, first, "display" in mode))
        blank[start:end] = " " * (end - start)
    rest = [Fragment(f.kind, unescape(f.text), f.start, f.display) for f in _prose("".join(blank), 0, len(text))]
    return text, sorted([*found, *rest], key=lambda fragment: fragment.start)


def _notebook(text: str, name: str) -> tuple[str, list[Fragment]]:
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{name}: not a notebook: {problem}") from problem
    body, found = "", []
    for cell in cells:
        source = _joined(cell.get("source", ""))
        if cell.get("cell_type") == "markdown":
            found += [Fragment(f.kind, f.text, f.start + len(body), f.display) for f in _markdown(source, name)[1]]
            body += source + "\n\n"
        elif cell.get("cell_type") == "code":
            found.append(Fragment("code", source, len(body)))
            body += source + "\n"
            printed = "".join(_printed(output) for output in cell.get("outputs", ()))
            if printed:
                found.append(Fragment("output", printed, len(body)))
                body += printed + "\n"
            body += "\n"
    return body, found


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _printed(output: Any) -> str:
    return _joined(output.get("text", "") or output.get("data", {}).get("text/plain", ""))


_READERS = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _markdown,
    ".rst": _markdown,
    ".tex": _latex,
    ".html": _html,
    ".htm": _html,
    ".ipynb": _notebook,
}
