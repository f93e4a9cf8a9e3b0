"""Index form to matrix form: `matrix_tree` → `matrix` (axes, transposes) → `matrix_writing` (the formula), `short_line`."""
