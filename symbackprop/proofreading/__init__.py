"""A written text against a network, or against itself.

`text` (a document taken apart) → `meaning` (what formulas are worth) → `shapes` (of arrays) → `judging` (what each `=` is, and
whether it is true) → `remedy` (what makes it right) → `report_text`, `annotated_page`, `proofread_report` (what was found, shown)
→ `corrected` (a copy put right); `claims` are the records, `proofread` calls them in order.
"""
