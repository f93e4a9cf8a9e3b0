"""What stands on a page, in order: `context` → `backward_parts` → `scalar_parts` → `array_parts` → `mutations` → `exercises`,
`nudge`, `notebook_network`, `notebook_cells` → `outline`.
"""
