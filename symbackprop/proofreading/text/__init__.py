"""A text taken apart: `document` (formulas, code, prose, with places) → `code_lines` (code, printed numbers), `vocabulary`."""
