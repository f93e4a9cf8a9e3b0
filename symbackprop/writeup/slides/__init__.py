"""A write-up as slides, for the projector: `slides` (an outline cut into steps) → `deck_html`, `deck_pdf` → `decks`."""
