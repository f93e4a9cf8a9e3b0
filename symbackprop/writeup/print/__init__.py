"""Output formats, a module each: `format` says what one is; `figures`, `mathspan`, `latex_rows` → `html`, `md`, `tex`, `pdf`,
`notebook` → `formats` finds them; `packing` leaves out what HTML need not say.
"""
