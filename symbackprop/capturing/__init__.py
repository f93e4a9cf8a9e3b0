"""Somebody's forward pass as a network: `record` (one run, element by element) → `roll` (elements to one formula) → `build`."""
