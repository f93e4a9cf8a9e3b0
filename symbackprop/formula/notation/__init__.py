"""How one document writes: `notation` (the options) → `notations` (those of known documents); `spelling` (names with a spelling
of their own) → `glyphs` (a name as it is seen, in every format) → `latex_names` (a name as LaTeX).
"""
