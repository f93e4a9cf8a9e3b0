"""The formats of slides by suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError, nearest
from symbackprop.writeup.page.blocks import Outline
from symbackprop.writeup.print.format import Files, Inspect
from symbackprop.writeup.slides.deck_html import deck_html
from symbackprop.writeup.slides.deck_pdf import deck_pdf


def _html(outline: Outline, derivation: DerivationRecord, inspect: Inspect) -> Files:
    text = deck_html(outline, derivation)
    inspect(text)
    return {"": text.encode("utf-8")}


def _pdf(outline: Outline, derivation: DerivationRecord, inspect: Inspect) -> Files:
    return {"": deck_pdf(outline, derivation, inspect)}


Deck = Callable[[Outline, DerivationRecord, Inspect], Files]
DECKS: Mapping[str, Deck] = MappingProxyType({".html": _html, ".pdf": _pdf})


def deck_of(suffix: str) -> Deck:
    """Return the format of a suffix. Raises UserError for one that slides do not have."""
    if suffix not in DECKS:
        raise UserError(
            f"slides: expected a file ending in {' or '.join(DECKS)}, got {suffix or 'no ending'!r}.{nearest(suffix, DECKS)}"
        )
    return DECKS[suffix]
