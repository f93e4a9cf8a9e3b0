"""One change of a text, as a person would make it.

`costs`, `splices` (a text changed) → `restore`, `places` (indices, windows, layouts), `delete`, `supply`,
`borrow` (what stands elsewhere) → `edits` (all of them, the likely first), `terms`
(products that are missing in a sum) → `sense` (which of them nobody means).
"""
