"""What a written formula means: `numbers` (the one rule of rounding) → `ordering`, `from_sympy` and `to_sympy` (mathematics to a
formula and back); `arithmetic` (what the numbers are) → `places` (known values, indices in force) → `rules` → `evaluate`.
"""
