"""A forward and a backward pass as a loss and its handwritten gradient.

`passes` (which two functions) → `outputs` (what forward gives) → `plans` (what backward is given) → `places` (where the gradients
are) → `comparison` (Σ forward·dout, and the gradients of it).
"""
