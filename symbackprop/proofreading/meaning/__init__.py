"""What a formula is worth: `values` (at a point), `printed` (digits as intervals), `knowledge`, `code_names`."""
