"""numpy on traced scalars: `scalar` → `traced_array` → `linear_algebra` → `numpy_own` → `numpy_functions`, `special`."""
