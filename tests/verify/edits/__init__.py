"""Losses with gradients whose text is edited at random, and what is true of each edit by central differences."""
