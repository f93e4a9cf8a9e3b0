"""Diagrams: `geometry`, `styled_text` → `picture` → `unit_graph`, `labels`, `collisions`, `graph_rows` → `diagram_layout` →
`faces`, `compose` → `boxes` → `diagram`, `graph_view` → `svg`, `tikz`.
"""
