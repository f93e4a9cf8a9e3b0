"""Are two results equal? `equality` → `branches` (the sides of comparisons) → `compare`; `clipped` (gradients with a limit)."""
