"""Texts of expressions that differ in their names alone are written once: `tanh(a*b)` of every layer is one text with two blanks.

How an expression is written depends on its form, on the order of its names and on their shapes, never on the names themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Basic, Idx, Indexed, IndexedBase, Symbol

from symbackprop.network.indices import is_label

Texts = tuple[str, ...]
Filled = list[str]

_FIRST, _MOST = 0xE000, 6400  # Unicode's private use area: no identifier has a letter of it
_BLANK = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + _MOST - 1)}]")


@dataclass(slots=True)
class Templates:
    """The texts written so far, by the form of what they are the texts of.

    `ranks` gives the names and their order (negative for adjoints), `shapes` what else of a name can make a difference. While a
    template is made, `blanks` gives the letter that stands for each of its names.
    """

    ranks: Mapping[str, int]
    shapes: Mapping[str, Any] = field(default_factory=dict)
    blanks: Mapping[str, str] = field(default_factory=dict)
    _known: dict[Any, tuple[_Template, ...]] = field(default_factory=dict)

    def written(
        self, parts: Sequence[Basic], form: object, write: Callable[[], Texts], spellings: Sequence[Callable[[str], str]]
    ) -> Texts:
        """Return the texts that `write` makes of some expressions, the names in each as its spelling has them.

        `form` is what else they depend on. What is more than a form and names (labels used as addresses, which are collected) is
        written anew each time.
        """
        found = _form_of(parts, self.ranks)
        if found is None:
            return write()
        key, names = found
        order = tuple(sorted(range(len(names)), key=lambda at: self.ranks[names[at]]))
        own = tuple((self.ranks[name] < 0, self.shapes.get(name)) for name in names)
        key = (key, order, own, form)
        if key not in self._known:
            self.blanks = {name: chr(_FIRST + at) for at, name in enumerate(names)}
            try:
                self._known[key] = tuple(map(_Template.of, write()))
            finally:
                self.blanks = {}
        texts = zip(self._known[key], spellings, strict=True)
        return tuple(template.text % tuple([spelt(names[at]) for at in template.places]) for template, spelt in texts)


@dataclass(frozen=True, slots=True)
class _Template:
    """A text with `%s` where names stand, and which of the names each is."""

    text: str
    places: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> _Template:
        places = tuple(ord(blank) - _FIRST for blank in _BLANK.findall(text))
        return cls(_BLANK.sub("%s", text.replace("%", "%%")), places)


def _form_of(parts: Sequence[Basic], ranks: Mapping[str, int]) -> tuple[tuple[Any, ...], list[str]] | None:
    """Return expressions with numbered blanks for their names, flat, and the names; None where labels are addresses."""
    form: list[Any] = []
    names: dict[str, str] = {}
    stack: list[Any] = list(parts)[::-1]
    while stack:
        part = stack.pop()
        if isinstance(part, Symbol | IndexedBase) and part.name in ranks:
            form.append(names.setdefault(part.name, f"{len(names)}"))
        elif isinstance(part, Indexed):
            if any(map(is_label, part.indices)):
                return None
            form += (names.setdefault(part.base.name, f"{len(names)}"), part.indices)
        elif part.args and not isinstance(part, Idx):
            form += (part.func, len(part.args))
            stack += part.args[::-1]
        else:
            form.append(part)
    return (tuple(form), list(names)) if len(names) <= _MOST else None
