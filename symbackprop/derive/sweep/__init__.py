"""One reverse sweep: `records` (what is kept) → `push` (an adjoint through a definition) → `unify` (indices) → `rewrite` (named
nodes) → `sweep` → `derivation` → `gradient_network` (the adjoints as a network, for second derivatives).
"""
