"""Somebody's code run on traced numbers: `graph` (expressions and their arithmetics) → `arrays` (numpy on them) → `run`.

Nothing here knows a derivation.
"""
