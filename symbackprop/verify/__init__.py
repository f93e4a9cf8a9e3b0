"""Handwritten work against a reference.

`binding` (who is what) → `reference` (what is right, at which points) → `equal` (are they equal?) → `explain` (why and where not)
→ `mend` (what makes it right) → `report`; `check` calls them in order.
"""
