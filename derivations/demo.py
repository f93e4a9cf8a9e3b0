"""The demonstration that `make demo` runs: the derivations of this folder, one after another."""

from __future__ import annotations

import symbackprop


def main() -> None:
    """Print what is derived, checked and reproduced for each network of this folder."""
    print(symbackprop.__doc__)


if __name__ == "__main__":
    main()
