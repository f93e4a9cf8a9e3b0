"""What is right, and at which points: `sampling`, `shapes`, `interpret` → `network_values` → `protocol` (what a reference is) →
`derivation_reference` | `loss_reference` → `samples` (both sides at a point; `precision`).
"""
