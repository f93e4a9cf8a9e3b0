"""A book that is right whenever it is built: `pieces` (a command run, its output in parts) → `sphinx_directive` for Sphinx and
MyST, `mkdocs_plugin` (`mkdocs_blocks`) for MkDocs, `pandoc_filter` for Quarto and pandoc.

They run what `symbackprop verify` runs; what differs, or cannot be run, ends the building of the book.
"""
