"""The command `symbackprop`, also `python -m symbackprop`: who asks for the version alone waits for no command line."""

import sys

from symbackprop import __version__


def main() -> None:
    """Say the version, or run the command line."""
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        try:
            print(f"symbackprop, version {__version__}", flush=True)
            return
        except OSError:  # nothing can be written: the command line knows how to say so
            pass
    from symbackprop.cli import main as run  # takes ten times as long to load as the version takes to be said

    run()


if __name__ == "__main__":
    main()
