"""Every formula a document would hold: `rearrange` → `statements` (scalars) → `array_statements`."""
