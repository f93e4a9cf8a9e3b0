"""Timings side by side with what a user would use instead: `make bench`, or `python -m benchmarks`."""
