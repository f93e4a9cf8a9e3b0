"""A hash-consed graph of expressions: `constants`, `elementary` → `graph` → `evaluate`, `reverse` (its gradient); other
arithmetics on it: `algebra`, `ball`, `modular_signature` (`exponents`, `towers`); `points` to evaluate at.
"""
