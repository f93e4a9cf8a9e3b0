"""A training loop of a script as an object with a forward pass and a step.

`loops` (which loop moves weights, in the text) → `turn` (one turn of it as a class, beside what the file defines).
"""
