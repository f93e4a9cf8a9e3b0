"""Who is what: `name_matching` → `foreign` (other libraries) , `source_tree`, `returns` → `results` → `binding`."""
