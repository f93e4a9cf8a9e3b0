"""Why and where it differs.

`ratio`, `evaluation` (a derivation in numbers, taken apart) → `local_changes` → `catalog` (every mistake: cost, words) →
`relations`, `other_loss`, `factors` → `contributions`, `redefinitions` → `forward`, `captured` → `diagnose`;
`suspicion`, `quantities` (what variables are named after) → `locate`.
"""
