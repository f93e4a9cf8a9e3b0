"""The reason of a step as words with formulas in them: `put ∂E/∂G_h in` has a derivative that is set like any other."""

from __future__ import annotations

import re

from symbackprop.formula.tree.tree import Formula, Indexed, Name, Partial, Power
from symbackprop.writeup.page.blocks import Words

_NAME = "[A-Za-zΑ-ω][A-Za-zΑ-ω0-9_]*'*"
_ENTRY = rf"{_NAME}(?:\[[^\[\]]+\])?"
#: A letter by itself, `n`; the article is none: no verb, and no `by`, stands behind an article.
_LETTER = r"(?:[b-zB-HJ-ZΑ-ω]|[aAI](?= (?:is|sums|does|by|runs)\b|[^ A-Za-z0-9_']))(?![A-Za-z0-9_-])"
#: Derivatives, signs of sums with what they run over, powers of e, entries, and names that no word looks like.
_FORMULA = re.compile(
    rf"∂(?P<above>{_ENTRY})/∂(?P<below>{_ENTRY})"
    rf"|Σ(?:_(?P<over>{_NAME})|\[(?P<among>[^\[\]]+)\])"
    rf"|\be\^\((?P<power>{_ENTRY})\)"
    rf"|(?P<entry>{_NAME}\[[^\[\]]+\])"
    rf"|(?<![A-Za-z0-9_])(?P<name>[A-Za-zΑ-ω]+(?:_[A-Za-z0-9_]+|[0-9]+)'*|(?P<letter>{_LETTER})'*)(?![A-Za-z0-9_])"
)


def in_words(because: str) -> Words:
    """Return a reason as words and formulas, in order."""
    found: list[str | Formula] = []
    place = 0
    for formula in _FORMULA.finditer(because):
        found += [because[place : formula.start()], _formula(formula)]
        place = formula.end()
    return tuple(part for part in (*found, because[place:]) if part != "")


def _formula(found: re.Match[str]) -> Formula:
    if found["above"]:
        return Partial(_entry(found["above"]), _entry(found["below"]))
    if found["power"]:
        return Power(Name("e"), _entry(found["power"]))
    over = found["over"] or found["among"]
    return Indexed("Sigma", _indices(over)) if over else _entry(found["entry"] or found["name"])


def _entry(text: str) -> Name | Indexed:
    name, _, inside = text.partition("[")
    return Indexed(name, _indices(inside.removesuffix("]"))) if inside else Name(name)


def _indices(text: str) -> tuple[Formula, ...]:
    return tuple(Name(index.strip()) for index in text.split(","))
