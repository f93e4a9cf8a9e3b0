"""An outline cut into slides: a heading and one step each, what a presenter says beside it, and the path that lights up.

A slide holds what can be read from the last row: a line of a derivation, some rows of a table, one figure. Explanations go to the
presenter's notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from math import ceil

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Formula
from symbackprop.formula.tree.walk import walk
from symbackprop.network import Network
from symbackprop.network.wording import in_language
from symbackprop.writeup.drawing.compose import compose, edge_identifiers
from symbackprop.writeup.drawing.diagram_layout import LayoutPlan
from symbackprop.writeup.drawing.faces import NAME_SIZE, DiagramWords, Face, Look, bodies
from symbackprop.writeup.drawing.picture import Picture, least_letter, side_by_side, strips
from symbackprop.writeup.drawing.styled_text import styled_name, width
from symbackprop.writeup.drawing.unit_graph import Unit, UnitKind, find_units
from symbackprop.writeup.page import blocks as b
from symbackprop.writeup.page.reasons import in_words
from symbackprop.writeup.page.rows import TALL as TALL_PARTS
from symbackprop.writeup.page.rows import is_tall, laid_out, measured, row_width
from symbackprop.writeup.print.figures import diagram_words, picture
from symbackprop.writeup.student.redact import degrees, student_parts

#: Pixels of a slide, of its text, and of its smallest letters.
WIDE, TEXT, SMALLEST = 1920, 42, 24
#: Text that would be smaller beside the diagram stands alone: neighbouring slides are not to differ by half.
BESIDE = 34
#: What a slide has room for: rows of a table, lines of the given numbers, characters of a sentence.
MOST_ROWS, MOST_SAID = 5, 170
#: Pixels: the margins together with the gap between text and diagram, a character, and the room of the diagram.
MARGINS, CHARACTER = 170, 23
ASIDE_WIDE, ASIDE_HIGH = 950, 760
#: A small diagram is drawn larger, until it is so wide.
ASIDE_ENOUGH, LARGEST = 780, 2.0
#: Pixels that text has below its title, those of a question and of its answer, and the size below which formulas get no lower:
#: their scripts stay readable.
ROOM_BELOW, ROOM_FOR_WORDS, LEAST_HIGH = 840, 260, 30
#: Characters that a gap takes in an array, with the sign behind it while it is covered.
COVERED = 12
#: Characters that an equals sign takes with its spaces.
SIGN = 3
#: Pixels that a figure alone on a slide has.
FIGURE_WIDE, FIGURE_HIGH = 1800, 800
#: Pixels of the diagram: a longer name stands in a box, a circle around it would be too high.
ROUND = 60
#: Parts that are read on paper: where the projector shows the numbers being made, a listing or a rule says little.
LEFT_OUT = frozenset({"rounding", "code", "sources"})


@dataclass(frozen=True, slots=True)
class Slide:
    """What one slide shows under its title; `notes` are for the presenter, `path` are the names that light up."""

    title: b.Words
    blocks: tuple[b.PageBlock, ...]
    notes: tuple[b.Words, ...] = ()
    path: tuple[str, ...] = ()


def slides(outline: b.Outline) -> tuple[Slide, ...]:
    """Return the slides of an outline after its title. Raises UserError when nothing is left to show."""
    found = tuple(slide for part in _parts(outline) for slide in _slides_of(*part))
    if not found:
        raise UserError("slides: every part was left out, so there is nothing to show")
    return found


Part = tuple[b.Words, list[b.PageBlock], bool]


def _parts(outline: b.Outline) -> list[Part]:
    """Return what stands under each heading, without the parts that are read on paper; an exercise is not cut."""
    found: list[Part] = [((outline.title,), [], False)]
    left_out = False
    for block in outline.page:
        if isinstance(block, b.Heading):
            left_out = block.anchor in LEFT_OUT if block.level == 1 else left_out
            found.append((block.words, [], block.anchor.startswith("exercise-")))
        elif not left_out:
            found[-1][1].append(block)
    return found


def _slides_of(title: b.Words, blocks: list[b.PageBlock], whole: bool) -> list[Slide]:
    """Return the slides of a part: a short sentence stands over the first step, an answer under the last, the rest is said.

    A figure needs a slide for itself.
    """
    found = _given_together([Slide(title, (shown,), said, path) for block in blocks for shown, path, said in _cut(block, whole)])
    if not found:
        return []
    roles = dict[str, list[b.Prose]](lead=[], answer=[], note=[])
    for block in blocks:
        if isinstance(block, b.Prose):
            roles[_role(block, alone=isinstance(found[0].blocks[0], b.Figure))].append(block)
    notes = tuple(block.words for block in roles["note"])
    found[0] = replace(found[0], blocks=(*roles["lead"], *found[0].blocks), notes=(*notes, *found[0].notes))
    found[-1] = replace(found[-1], blocks=(*found[-1].blocks, *roles["answer"]))
    return found


def _role(block: b.Prose, *, alone: bool) -> str:
    """Whether a sentence is an answer, the lead over a first step that does not stand alone, or said as a note."""
    if block.tone == "answer":
        return "answer"
    return "lead" if not alone and _is_lead(block) else "note"


def _given_together(found: list[Slide]) -> list[Slide]:
    """Put arrays that are given, one after the other, on as few slides as they fit: nothing is asked there, so none is a step."""
    kept: list[Slide] = []
    for slide in found:
        together = (*kept[-1].blocks, *slide.blocks) if kept else ()
        if together and all(map(_is_given, together)) and sum(lines(block, 1) for block in together) * TEXT <= ROOM_BELOW:
            kept[-1] = replace(kept[-1], blocks=together)
        else:
            kept.append(slide)
    return kept


def _is_given(block: b.PageBlock) -> bool:
    return isinstance(block, b.ArrayValue) and not any(cell.hidden for row in block.rows for cell in row)


def _is_lead(block: b.Prose) -> bool:
    return block.tone == "plain" and _length(block.words) <= MOST_SAID


def _cut(block: b.PageBlock, whole: bool) -> Iterable[Step]:
    return _whole(block) if whole and isinstance(block, b.FormulaBlock) else _steps(block)


def _whole(block: b.FormulaBlock) -> list[Step]:
    """Return the lines that belong together on one slide, or on as few as they fit."""
    room = columns(None) * TEXT // SMALLEST
    found: list[list[b.Line]] = [[]]
    for line in block.lines:
        if found[-1] and lines(replace(block, lines=(*found[-1], line)), room) * LEAST_HIGH > ROOM_BELOW - ROOM_FOR_WORDS:
            found.append([])
        found[-1].append(line)
    return [(replace(block, anchor=f"{block.anchor}-{at}", lines=tuple(part)), (), ()) for at, part in enumerate(found, 1)]


def _length(words: b.Words) -> int:
    return sum(measured(part) if isinstance(part, Formula) else len(part) for part in words)


Step = tuple[b.PageBlock, tuple[str, ...], tuple[b.Words, ...]]


@singledispatch
def _steps(block: b.PageBlock) -> Iterator[Step]:
    """Yield the steps of a block: what is shown, the path that lights up, what is said."""
    yield block, (), ()


@_steps.register(b.NameLine | b.PageBreak | b.BlankLines | b.Code | b.Prose)
def _(block: b.PageBlock) -> Iterator[Step]:
    yield from ()


@_steps.register
def _(block: b.FormulaBlock) -> Iterator[Step]:
    for at, line in enumerate(block.lines):
        said = (in_words(line.because),) if line.because else ()
        shown = replace(line, because="")
        yield b.FormulaBlock(f"{block.anchor}-{at + 1}", (shown,), block.keep), line.about, said


@_steps.register
def _(block: b.Table) -> Iterator[Step]:
    for at in range(0, len(block.rows), MOST_ROWS):
        yield replace(block, anchor=f"{block.anchor}-{at + 1}", rows=block.rows[at : at + MOST_ROWS]), (), ()


@_steps.register
def _(block: b.Definitions) -> Iterator[Step]:
    for at in range(0, len(block.rows), MOST_ROWS):
        yield replace(block, anchor=f"{block.anchor}-{at + 1}", rows=block.rows[at : at + MOST_ROWS]), (), ()


def columns(drawn: Picture | None) -> int:
    """Return how many characters stand side by side beside the diagram."""
    taken = drawn.width * scale_of(drawn) if drawn is not None else 0
    return int((WIDE - MARGINS - taken) / CHARACTER)


def scale_of(drawn: Picture) -> float:
    """Return how much larger the diagram is drawn."""
    return max(SMALLEST / NAME_SIZE, min(LARGEST, ASIDE_ENOUGH / drawn.width, ASIDE_HIGH / drawn.height))


@singledispatch
def needed(block: b.PageBlock, room: int) -> int:
    """Return how many characters wide a block is when it is broken for a room, 0 where it fits any."""
    return 0


@needed.register
def _(block: b.FormulaBlock, room: int) -> int:
    shown = max(row_width(row) for line in laid_out(block.lines, room) for row in line)
    return max(shown, *map(_covered, block.lines))


def _covered(line: b.Line) -> int:
    """Return how wide a line is while its answers are covered: a side with gaps is not broken."""
    both = zip(line.parts, student_parts(line, degrees(b.HIDING[0])), strict=True)
    gaps = [seen.formula for part, seen in both if seen is not None and seen.formula != part.formula]
    return measured(line.parts[0].formula) + SIGN + max(map(measured, gaps)) if gaps else 0


@needed.register
def _(block: b.Table, room: int) -> int:
    rows = [tuple(cell.words for cell in row) for row in block.rows]
    return sum(max(map(_widest, column)) + 3 for column in zip(block.header, *rows, strict=True))


@needed.register
def _(block: b.ArrayValue, room: int) -> int:
    widths = (
        max(max(_widest(cell.words), COVERED if cell.hidden else 0) for cell in column)
        for column in zip(*block.rows, strict=True)
    )
    return _widest(block.name) + sum(wide + 2 for wide in widths)


def _widest(words: b.Words) -> int:
    """Return the width of the widest line of words."""
    lines, used = [0], 0
    for part in words:
        used = 0 if part == "\n" else used + (measured(part) if isinstance(part, Formula) else len(part))
        lines.append(used)
    return max(lines)


def placed(slide: Slide, network: Picture | None) -> tuple[Picture | None, int]:
    """Return the diagram to stand beside a slide's text, None where the text needs the whole width, and the size of the text.

    The text is as large as its room allows, never smaller than `SMALLEST`.
    """
    figure = any(isinstance(block, b.Figure) for block in slide.blocks)
    for drawn, least in ((None, SMALLEST),) if figure else ((network, BESIDE), (None, SMALLEST)):
        for size in range(TEXT, least - 1, -2):
            room = columns(drawn) * TEXT // size
            high = sum(lines(block, room) for block in slide.blocks) * max(size, LEAST_HIGH)
            if max(needed(block, room) for block in slide.blocks) <= room and high <= ROOM_BELOW:
                return drawn, size
    return None, SMALLEST


@singledispatch
def lines(block: b.PageBlock, room: int) -> float:
    """Return about how many times the size of the text a block is high, with so many characters in a row."""
    return 0.0


def _has_tall(block: b.PageBlock) -> bool:
    return any(isinstance(part, TALL_PARTS) for formula in b.formulas_in(block) for part in walk(formula))


@lines.register
def _(block: b.Prose, room: int) -> float:
    return (2.6 if _has_tall(block) else 1.4) * ceil(_length(block.words) / room) + 1.2


@lines.register
def _(block: b.FormulaBlock, room: int) -> float:
    return sum(2.7 if is_tall(row) else 2.0 for line in laid_out(block.lines, room) for row in line)


@lines.register
def _(block: b.Table, room: int) -> float:
    broken = sum("\n" in cell.words for row in block.rows for cell in row)
    return (len(block.rows) + 1) * (2.9 if _has_tall(block) else 2.0) + broken


@lines.register
def _(block: b.Definitions, room: int) -> float:
    return sum(1.9 * ceil((_length(words) + 4 * len(words)) / max(room - 16, 20)) for _, words in block.rows)


@lines.register
def _(block: b.ArrayValue, room: int) -> float:
    return 1.8 * len(block.rows) + 0.6


@lines.register
def _(block: b.Choice, room: int) -> float:
    return 2 + sum(2.9 * ceil((_length(option.words) + _length(option.why)) / room) for option in block.options)


def legible(figure: b.Figure, outline: b.Outline) -> Picture | None:
    """Return the drawing with as much in it as can be read from the last row, at least its names; None where not even those."""
    drawing = figure.drawing
    for shown in (drawing, replace(drawing, values=())):
        drawn = picture(shown, outline.lang, outline.notation)
        scale = min(FIGURE_WIDE / drawn.width, FIGURE_HIGH / drawn.height)
        if least_letter(drawn) * scale >= SMALLEST:
            return drawn
    if drawing.view == "graph":
        return None
    look = Look(outline.notation, {}, frozenset(drawing.highlight), diagram_words(outline.lang))
    return _named(drawing.network, drawing.loss, look, outline.lang, (FIGURE_WIDE, FIGURE_HIGH))


def aside(derivation: DerivationRecord, notation: Notation, words: DiagramWords, lang: str) -> Picture | None:
    """Return the diagram that stands in the same place of every slide: units by name.

    None where its names could not be read from the last row.
    """
    look = Look(notation, {}, frozenset(), words)
    return _named(derivation.network, derivation.loss, look, lang, (ASIDE_WIDE, ASIDE_HIGH))


def _named(network: Network, loss: object, look: Look, lang: str, room: tuple[float, float]) -> Picture | None:
    """Return the units by name, from left to right; downwards in strips side by side where they would be too wide for a room."""
    graph = find_units(network, loss)
    faces = {
        unit.name: Face(styled_name(unit.name, look.notation), disc=_is_disc(unit, look.notation), title=unit.name)
        for unit in graph.units
    }
    plan = LayoutPlan(graph, bodies(faces), edge_identifiers(graph), {}, {})
    title = f"{look.words.network}: {in_language(network.title, lang)}"
    wide, high = (length * NAME_SIZE / SMALLEST for length in room)
    for downward in (False, True):
        drawn, _ = compose(replace(plan, downward=downward), faces, look, title)
        drawn = replace(drawn, items=tuple(item for item in drawn.items if item.kind != "heading"))
        drawn = side_by_side(strips(drawn, high)) if downward else drawn
        if drawn.width <= wide and drawn.height <= high:
            return drawn
    return None


def _is_disc(unit: Unit, notation: Notation) -> bool:
    """A hidden unit or an output is a circle where its name fits into a small one."""
    return unit.kind in (UnitKind.HIDDEN, UnitKind.OUTPUT) and width(styled_name(unit.name, notation), NAME_SIZE) <= ROUND


def on_path(drawn: Picture, path: tuple[str, ...]) -> tuple[int, ...]:
    """Return the places of the items of a diagram that lie on a path: those of its names, and what joins two of them."""
    names = set(path)
    return tuple(
        at for at, item in enumerate(drawn.items) if names & set(item.names) or (item.ends and names.issuperset(item.ends))
    )
