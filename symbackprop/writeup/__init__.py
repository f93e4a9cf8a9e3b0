"""A derivation to hand out: `page` (blocks and words) → `numbers` → `outline` (what stands on it) → `student` (answers taken out)
→ `drawing` → `print` (formats) → `slides`, `lesson`; `make` calls them in order.
"""
