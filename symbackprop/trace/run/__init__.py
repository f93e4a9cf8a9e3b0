"""Running code on traced values: `nested` (the values inside a value), `creation`, `proxies` → `namespace` (swapped names) →
`recorder` (its variables), `result_values` → `traced_run` → `confirm` (against the plain run) → `trace`.
"""
