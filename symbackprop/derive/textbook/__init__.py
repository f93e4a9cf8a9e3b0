"""What a textbook would still simplify: `placing` (sums and factors where they are read) → `identities` → `simplify`."""
