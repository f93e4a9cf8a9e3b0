"""The program as numpy source: `library` → `printing` → `arrays`, `margins`, `indexing`, `multiplying_out`, `running` →
`contraction`, `elementwise`, `scatter`, `templates` → `source` → `epoch` (a round of updates); `parameter_layout` lists the
arguments.
"""
