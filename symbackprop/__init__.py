"""Symbolic derivation checker for backpropagation."""
