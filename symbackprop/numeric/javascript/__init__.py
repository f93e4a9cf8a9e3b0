"""The program as JavaScript, for a page that computes: `helpers` (the functions, taken from the Python helpers) → `printer` →
`source`.
"""
