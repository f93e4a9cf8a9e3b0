"""What makes it right.

`costs`, `splices` (a text changed) → `restore`, `delete`, `supply` → `edits`, `rewrites` (candidates) → `sense`;
`editable` (functions and methods, compiled anew), `elsewhere` (further points) → `proof` → `search` → `difference` → `repair` →
`reasons` (what a mend says by itself).
"""
