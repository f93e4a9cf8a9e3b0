"""What is computed, in order: `python_names` → `program` → `factors`, `batch` (over samples) → `stable`, `saturation`, `narrow`,
`put_out` → `optimise`."""
