"""A formula as an author writes it: `tree` (the kinds of node) → `walk` (children, replacing) → `build` (short ways to make one)
→ `brackets` (where a printer must bracket).
"""
