"""Arguments for code that comes without an example.

`hints` (the text) → `weights`, `objects`, `invented` (values, the likeliest first) → `lessons` (what is said of them).
"""
