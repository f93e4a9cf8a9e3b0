"""LaTeX to a tree: `tokens`, `macros` → `name_table` (what is declared) → `digits`, `scanner` → `scan` (characters to tokens) →
`lines` → `terms`, `scripts` → `parse` (tokens to the tree) → `read`.
"""
