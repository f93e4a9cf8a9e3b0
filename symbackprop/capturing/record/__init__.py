"""A forward pass run once: choices and labels recorded as operations → the arrays of its variables, element by element."""
