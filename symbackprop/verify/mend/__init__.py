"""What makes it right.

`changes` (one change of a text, what a person would do first), `rewrites` (statements written anew);
`editable` (functions and methods, compiled anew), `elsewhere` (further points), `settings` (other options) → `proof` → `search` →
`difference` → `repair` → `reasons` (what a mend says by itself).
"""
