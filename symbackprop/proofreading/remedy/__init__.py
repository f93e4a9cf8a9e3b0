"""What makes it right: `remedy` (the smallest change), `lists` (rows of numbers explained), `value_labels`."""
