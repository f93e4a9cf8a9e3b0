"""Where printed pages break: rows of tables left alone, headings parted from what they head, pages nearly empty. For tests.

Each row and heading of a copy of the page carries a mark that takes no room; where the marks lie in the PDF tells the breaks.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.print.pdf import typst_source
from tests.writeup.browser import print_pdf

#: So few rows of a longer table are orphans.
ORPHANS = 3
#: A mark: of which table or heading, and the place in it.
Mark = tuple[str, int]

_SCRIPT = """<style>.mark-of-test { position: absolute; font: 1px monospace; }</style><script>
const mark = (element, what) => {
  const place = document.createElement("span");
  place.className = "mark-of-test";
  place.textContent = "@" + what + "@";
  element.prepend(place);
};
document.querySelectorAll("table.data").forEach((table, t) =>
  table.querySelectorAll("tbody tr").forEach((row, at) => mark(row.cells[0], `t${t}-${at}`)));
document.querySelectorAll("table.lines").forEach((table, t) =>
  table.querySelectorAll("tbody").forEach((body, at) => mark(body.rows[0].cells[0], `f${t}-${at}`)));
document.querySelectorAll("h2, h3").forEach((heading, h) => {
  let next = heading.nextElementSibling;
  while (next && !next.getClientRects().length) next = next.nextElementSibling;
  if (!next) return;
  mark(heading, `h${h}-0`);
  mark(next.querySelector("td, th, p, li, .array-name, code") || next, `h${h}-1`);
});
</script>"""


def breaks_of_page(page: str, folder: Path) -> dict[Mark, int]:
    """Return on which printed page each mark of an HTML page lies."""
    target = folder / "marked.pdf"
    print_pdf(page.replace("</body>", _SCRIPT + "</body>"), target)
    done = subprocess.run(["pdftotext", "-bbox", str(target), "-"], capture_output=True, text=True, check=True, timeout=60)
    found: dict[Mark, int] = {}
    for number, text in enumerate(done.stdout.split("<page ")[1:], start=1):
        for what, at in re.findall(r"@([tfh]\d+)-(\d+)@", text):
            found[what, int(at)] = number
    return found


def breaks_of_outline(outline: b.Outline) -> dict[Mark, int]:
    """Return the same of the PDF that Typst sets."""
    import typst

    marked = replace(outline, blocks=tuple(_marked(block, f"{at}") for at, block in enumerate(outline.blocks)))
    fonts = typst.Fonts(include_system_fonts=outline.lang == "zh")
    source = typst_source(marked, tuple(fonts.families()))
    source = re.sub(r'#"@([tfh]\d+-\d+)@";', r'#context [#metadata((here().page(), "\1")) <mark>];', source)
    found = typst.query(source.encode(), "<mark>", field="value", font_paths=fonts)
    places: list[tuple[int, str]] = json.loads(found) if isinstance(found, str) else found
    return {(what, int(at)): page for page, text in places for what, _, at in [text.partition("-")]}


def _marked(block: b.Block, number: str) -> b.Block:
    match block:
        case b.Table(rows=rows):
            marked = (
                (replace(first, words=(f"@t{number}-{at}@", *first.words)), *others) for at, (first, *others) in enumerate(rows)
            )
            return replace(block, rows=tuple(marked))
        case b.Heading(words=words):
            return replace(block, words=(f"@h{number}-0@", *words))
        case b.Prose(words=words):
            return replace(block, words=(f"@h{int(number) - 1}-1@", *words))
    return block


def amiss(found: dict[Mark, int]) -> list[str]:
    """Return what a reader would not want: few rows of a longer table on a page, a heading on the page before."""
    return [*_orphans(found), *_parted(found)]


def _orphans(found: dict[Mark, int]) -> Iterator[str]:
    pages: defaultdict[str, list[int]] = defaultdict(list)
    for (what, _), page in sorted(found.items()):
        if what[0] != "h":
            pages[what].append(page)
    for what, on in pages.items():
        counts = [on.count(page) for page in sorted(set(on))]
        if len(counts) > 1 and what[0] == "t" and min(counts[0], counts[-1]) <= ORPHANS:
            yield f"table {what}: {' + '.join(map(str, counts))} rows"


def _parted(found: dict[Mark, int]) -> Iterator[str]:
    for (what, at), page in found.items():
        below = found.get((what, 1))
        if what[0] == "h" and at == 0 and below is not None and below != page:
            yield f"heading {what} on page {page}, what it heads on page {below}"
