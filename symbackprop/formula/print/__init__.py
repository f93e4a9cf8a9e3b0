"""Printers of one tree: `signs` (what stands between factors) → `driver` (brackets, from the leaves up; wants every kind)
→ one table of rules each: `latex`, `text`, `mathml`, `typst`. `wrap` breaks long lines; `markdown` puts LaTeX in a page.
"""
