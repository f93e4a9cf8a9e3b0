"""The choices a handout is made by."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from symbackprop.errors import UserError, nearest
from symbackprop.formula.notation.notation import Notation
from symbackprop.network.wording import LocalizedText, on_a_line

AUDIENCES = ("teacher", "student", "key")
BLANKS = ("none", "numbers", "rhs", "steps")
LEVELS = ("brief", "standard", "full")
LANGUAGES = ("en", "zh")

#: The parts of a handout, in the order they appear.
PARTS = (
    "name",
    "diagram",
    "given",
    "rounding",
    "forward",
    "chain",
    "numbers",
    "graph",
    "gradients",
    "matrix",
    "update",
    "loss",
    "nudge",
    "exercises",
    "code",
    "sources",
)
DEFAULT_PARTS = frozenset(PARTS) - {"graph"}


@dataclass(frozen=True, slots=True)
class HandoutOptions:
    """How a handout is made; every field has a default a teacher can live with.

    `blanks` is what a student fills in: numbers, right-hand sides (`rhs`) or whole steps. `weights` are the names worked in
    full (empty: chosen by structure). `decimals` is None for 6 places, or 4 in index notation. `seed` draws new values for the
    inputs, parameters and targets (None: the network's example values). `title` and `school` may be given in several languages,
    `{"en": …, "zh": …}`; `school` and `date` stand under the title; `pupil` is the name and the class a page is made for;
    `slides` makes a deck for the projector.
    """

    audience: str = "teacher"
    blanks: str = "numbers"
    level: str = "standard"
    lang: str = "en"
    notation: Notation | None = None
    weights: tuple[str, ...] = ()
    parts: frozenset[str] = DEFAULT_PARTS
    decimals: int | None = None
    learning_rate: float = 0.5
    seed: int | None = None
    sources: tuple[str, ...] = ()
    title: str = ""
    school: str = ""
    date: str = ""
    pupil: tuple[str, str] = ("", "")
    slides: bool = False

    def __post_init__(self) -> None:
        for option in ("title", "school"):
            object.__setattr__(self, option, LocalizedText.of(getattr(self, option)))
        object.__setattr__(self, "date", on_a_line(self.date))
        object.__setattr__(self, "pupil", tuple(map(on_a_line, self.pupil)))
        object.__setattr__(self, "sources", tuple(map(on_a_line, self.sources)))
        _one_of("audience", self.audience, AUDIENCES)
        _one_of("blanks", self.blanks, BLANKS)
        _one_of("level", self.level, LEVELS)
        _one_of("lang", self.lang, LANGUAGES)
        for part in self.parts:
            _one_of("parts", part, PARTS)
        if self.decimals is not None and not 1 <= self.decimals <= 15:
            raise UserError(f"handout: decimals: expected 1 to 15, got {self.decimals}")
        if not self.learning_rate > 0:
            raise UserError(f"handout: learning_rate: expected a positive number, got {self.learning_rate}")

    def override(self, **changes: Any) -> HandoutOptions:
        """Return a copy with some options changed. Raises UserError for an unknown option, naming the nearest."""
        known = [entry.name for entry in fields(self)]
        for name in changes:
            if name not in known:
                raise UserError(f"handout: no option {name!r}; there are {', '.join(known)}.{nearest(name, known)}")
        return replace(self, **changes)

    def without(self, *parts: str) -> HandoutOptions:
        """Return a copy with some parts switched off."""
        for part in parts:
            _one_of("parts", part, PARTS)
        return replace(self, parts=self.parts - set(parts))


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"handout: {option}: expected one of {', '.join(allowed)}, got {value!r}.{nearest(value, allowed)}")
