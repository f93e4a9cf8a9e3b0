"""The program as numpy source: `library` → `printing` → `arrays`, `indexing`, `multiplying_out`, `running` → `contraction`,
`elementwise`, `scatter`, `templates` → `source` → `epoch` (a round of updates); `parameter_layout` lists the arguments.
"""
