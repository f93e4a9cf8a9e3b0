"""The derivation as steps: `writer` (names in a notation) → `paths` (products along paths) → `rule_by_rule`, `local_reasons` →
`steps`; `worked_formulas` is what can be worked out with numbers.
"""
