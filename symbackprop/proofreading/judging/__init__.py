"""What each `=` is, and whether it is true.

`statement_kinds`, `lint` → `reading` → `index_ranges`, `array_shapes` → `matching`, `points`, `judge`, `conventions` →
`loss_and_rate`, `quantities` (two names for one) → `certainty` → `course` (in order).
"""
