"""Are two results equal? `equality` → `branches` (the sides of comparisons) → `compare`."""
