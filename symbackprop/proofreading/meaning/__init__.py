"""What a formula is worth: `array_values`, `values` (at a point), `printed` (digits as intervals), `knowledge`, `code_names`."""
