"""numpy on traced scalars.

`numpy_protocol` (tables that the classes look up) → `scalar` → `traced_array`
→ `linear_algebra` → `numpy_own` → `numpy_functions`, `special`, `signal`.
"""
