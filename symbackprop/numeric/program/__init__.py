"""What is computed, in order: `python_names` → `program` → `factors` → `stacked` (numbers as arrays), `batch` (over
samples) → `stable`, `saturation`, `narrow`,
`put_out` → `optimise`."""
