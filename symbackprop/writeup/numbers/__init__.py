"""The numbers of a page: `arithmetic` (of written formulas) → `ledger` (what is printed), `vanishing` (what is exactly 0);
`variants` (other given values).
"""
