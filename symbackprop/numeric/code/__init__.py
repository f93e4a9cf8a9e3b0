"""The program as numpy source: `library` → `printing` → `arrays`, `indexing`, `contraction`, `elementwise`, `scatter` →
`source`; `parameter_layout` lists the arguments.
"""
