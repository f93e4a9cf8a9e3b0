"""Which names are arrays, of which shape: `lengths` (which are one) → `array_shapes` (of a text), `one_claim` (of one `=`)."""
