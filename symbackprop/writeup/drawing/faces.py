"""How a drawing looks: what each unit shows, and the words, names and printed values its texts are made of.

The diagram of units, the boxes of layers and the computational graph differ in the faces of their units only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from math import hypot

from symbackprop.formula.notation.notation import Notation
from symbackprop.writeup.drawing.diagram_layout import Body
from symbackprop.writeup.drawing.styled_text import StyledRun, StyledText, signs_latex, styled_name, width
from symbackprop.writeup.drawing.unit_graph import Unit, UnitKind

NAME_SIZE, VALUE_SIZE = 17.0, 12.0
_LEADING = 3.0  # between the lines inside a unit


@dataclass(frozen=True, slots=True)
class DiagramWords:
    """The fixed words of a diagram, in the reader's language."""

    network: str = "Network diagram"
    graph: str = "Computational graph"
    input: str = "inputs"
    hidden: str = "hidden"
    output: str = "outputs"
    loss: str = "loss"

    def of_kind(self, kind: UnitKind) -> str:
        """Return the word for a kind of unit."""
        return {UnitKind.INPUT: self.input, UnitKind.HIDDEN: self.hidden, UnitKind.OUTPUT: self.output, UnitKind.LOSS: self.loss}[
            kind
        ]


Coverable = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """What the texts of a diagram are made of: names in a notation, printed values, words, and the path in red.

    `coverable` is what a reader can cover: names, with their values, and uses (consumer, parent), with their edges' texts.
    """

    notation: Notation
    values: Mapping[str, str]
    highlight: frozenset[str]
    words: DiagramWords
    coverable: frozenset[Coverable] = frozenset()

    def value(self, name: str) -> StyledText:
        """Return the printed value of a name that has one."""
        return printed(self.values[name], COVERED if name in self.coverable else "")

    @staticmethod
    def of(
        notation: Notation | None,
        values: Mapping[str, str] | None,
        highlight: Collection[str],
        words: DiagramWords | None,
        coverable: Collection[Coverable] = (),
    ) -> Look:
        """Return the look with what is not given as usual."""
        return Look(notation or Notation(), values or {}, frozenset(highlight), words or DiagramWords(), frozenset(coverable))

    def equation(self, name: str) -> StyledText:
        """Return `name = value` where a value is given, else the name."""
        lettered = styled_name(name, self.notation)
        return lettered + EQUALS + self.value(name) if name in self.values else lettered

    def said(self, names: Collection[str]) -> str:
        """Return the same of names as plain text."""
        return ", ".join(f"{name} = {self.values[name]}" if name in self.values else name for name in names)

    def titles(self, write: Callable[[Look], str]) -> tuple[str, str]:
        """Return a title as it is, and as it is with all values covered that can be: empty where nothing changes."""
        hidden = {name: COVERED if name in self.coverable else text for name, text in self.values.items()}
        title, asked = write(self), write(replace(self, values=hidden))
        return title, "" if asked == title else asked

    def marks(self, names: Collection[str]) -> bool:
        """Return whether one of the names is on the path."""
        return not self.highlight.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class Face:
    """What a unit shows: its heading, smaller lines below, its outline."""

    heading: StyledText
    lines: tuple[StyledText, ...] = ()
    disc: bool = False
    tone: str = "value"  # of the lines
    title: str = ""
    asked: str = ""  # the title while values are covered
    names: tuple[str, ...] = ()
    dashed: bool = False

    @property
    def size(self) -> tuple[float, float]:
        """The width and height of the texts."""
        wide = max(width(self.heading, NAME_SIZE), *(width(text, VALUE_SIZE) for text in self.lines), 0.0)
        return wide, NAME_SIZE + len(self.lines) * (VALUE_SIZE + _LEADING)

    @property
    def rows(self) -> tuple[float, ...]:
        """The heights of heading and lines relative to the middle of the unit."""
        if not self.lines:
            return (0.0,)
        top = NAME_SIZE - self.size[1] / 2
        rows = (top + _LEADING + 1 + (VALUE_SIZE + _LEADING) * (k + 0.5) for k in range(len(self.lines)))
        return (top - NAME_SIZE / 2, *rows)

    @property
    def radius(self) -> float:
        """The radius of the smallest disc that holds the texts."""
        needed = max(22.0, width(self.heading, NAME_SIZE) / 2 + 5)
        for text, y in zip(self.lines, self.rows[1:], strict=True):
            needed = max(needed, hypot(width(text, VALUE_SIZE) / 2, abs(y) + VALUE_SIZE / 2) + 3)
        return float(round(needed))


def unit_titles(unit: Unit, look: Look) -> tuple[str, str]:
    """Return what a unit is called in words, `h1 (hidden): net_h1 = 2.35, out_h1 = 0.9129`, open and covered."""

    def write(seen: Look) -> str:
        said = seen.said(unit.members)
        return f"{unit.name} ({look.words.of_kind(unit.kind)})" + (f": {said}" if said != unit.name else "")

    return look.titles(write)


#: The sign between a name and its value.
EQUALS = StyledText((StyledRun(" ="), StyledRun(" ")), "=")
#: What stands for a value that is covered: as wide as one with few digits, so that it fits wherever one stood.
COVERED = "____"


def printed(value: str, asked: str = "") -> StyledText:
    """Return a printed value, with a real minus sign; in LaTeX it is set in mathematics. `asked` stands there when covered."""
    return StyledText((StyledRun(value.replace("-", "−"), asked=asked),), signs_latex(value))


def bodies(faces: Mapping[str, Face]) -> dict[str, Body]:
    """Return the outline of each unit: all discs alike, panels as large as their texts."""
    radius = max((face.radius for face in faces.values() if face.disc), default=0.0)
    result = {}
    for name, face in faces.items():
        wide, high = face.size
        result[name] = (
            Body(2 * radius, 2 * radius, disc=True)
            if face.disc
            else Body(round(max(40.0, wide + 18), 1), round(max(34.0, high + 17), 1))
        )
    return result
