"""What each `=` is, and whether it is true.

`statement_kinds`, `lint` → `reading` → `index_ranges` → `matching`, `points`, `judge`, `conventions`, `open_names` →
`loss_and_rate`, `quantities` (two names for one) → `certainty` → `course` (in order).
"""
