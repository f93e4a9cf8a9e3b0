"""Handwritten work against the derivation: trace the code, decide equality, say what differs and why."""
