"""All output formats by suffix: every module of this folder that defines a `FORMAT`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from symbackprop.errors import InternalError, UserError, nearest
from symbackprop.writeup.print.format import PageFormat


def found_formats() -> Mapping[str, PageFormat]:
    """Return the formats. Raises InternalError when two have one suffix."""
    found: dict[str, PageFormat] = {}
    for module in iter_modules([str(Path(__file__).parent)]):
        name = f"{__package__}.{module.name}"
        made = None if name == __name__ else getattr(import_module(name), "FORMAT", None)
        if isinstance(made, PageFormat):
            if made.suffix in found:
                raise InternalError(f"{name}: there is a format for {made.suffix} already")
            found[made.suffix] = made
    return MappingProxyType(found)


FORMATS = found_formats()


def format_of(suffix: str) -> PageFormat:
    """Return the format of a suffix. Raises UserError for an unknown one, with the nearest."""
    if suffix not in FORMATS:
        raise UserError(
            f"handout: expected a file ending in one of {', '.join(FORMATS)}, got {suffix or 'no ending'!r}."
            f"{nearest(suffix, FORMATS)}"
        )
    return FORMATS[suffix]
