"""Lay the forms of several runs over each other: one form, whose numbers are expressions in the sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symbackprop.capturing.roll.forms import Form, Irregular, FormNumber
from symbackprop.capturing.roll.program import RolledProgram

Fit = Callable[[Sequence[Any], bool], Any]
"""From the values of a number in the runs (and whether it is an address or a size) to its expression."""

OTHER = "the formula is another at other sizes"


def merged(forms: Sequence[Form], fit: Fit) -> Form:
    """Return the form that all have, its numbers fitted. Raises Irregular where they are built differently."""
    return _merged(forms, fit, linear=False)  # type: ignore[no-any-return]


def _merged(parts: Sequence[Any], fit: Fit, linear: bool) -> Any:
    """Merge one part of the forms; in an address (`linear`) numbers are whole."""
    first = parts[0]
    if not isinstance(first, tuple):
        return _number(parts, fit, linear) if isinstance(first, FormNumber) else _same(parts)
    if not all(isinstance(part, tuple) and len(part) == len(first) for part in parts):
        raise Irregular(OTHER)
    is_address = linear or first[:1] == ("entry",)
    # A term of a sum begins with the sizes of its indices, which are whole; what is summed need not be.
    is_term = any(map(_is_sizes, first[:1]))
    return tuple(_merged(column, fit, is_address or (is_term and k == 0)) for k, column in enumerate(zip(*parts, strict=True)))


def _number(parts: Sequence[Any], fit: Fit, linear: bool) -> FormNumber:
    if not all(isinstance(part, FormNumber) for part in parts):
        raise Irregular(OTHER)
    return FormNumber(fit([part.value for part in parts], linear))


def _same(parts: Sequence[Any]) -> Any:
    if any(part != parts[0] for part in parts):
        raise Irregular(OTHER)
    return parts[0]


def _is_sizes(part: Any) -> bool:
    return isinstance(part, tuple) and all(isinstance(size, FormNumber) for size in part)


def alike(programs: Sequence[RolledProgram]) -> bool:
    """Whether programs define the same names in the same order from the same inputs."""
    first = programs[0]
    return all(
        list(other.inputs) == list(first.inputs)
        and [d.name for d in other.definitions] == [d.name for d in first.definitions]
        and [len(d.shape) for d in other.definitions] == [len(d.shape) for d in first.definitions]
        and list(other.tables) == list(first.tables)
        for other in programs[1:]
    )
