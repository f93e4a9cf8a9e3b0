"""Arguments for code that comes without an example.

`hints` (the text) → `weights`, `objects`, `invented` (values, the likeliest first) → `adapted`, `lessons` (what the code says of
them); `own_calls` (what the file itself calls it with).
"""
