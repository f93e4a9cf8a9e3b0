"""What an array's elements have in common: one expression over the place of the element and the indices of its sums.

A form is a nested tuple, so that two of them are compared by walking; every number in it is a `FormNumber`, so that the forms of
runs at different sizes can be laid over each other. Indices have no names yet: the place of the element comes first, then the
sums around.

    ("number", leaf)                                   a constant
    ("entry", name, address)                           address: for each axis (offset, coefficient of each index …)
    ("apply", operation, arguments, exponent or None)  a function of forms
    ("product", ((power, form), …))                    power is +1 or -1
    ("total", ((sizes, form), …))                      terms, each summed over indices of the given sizes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sympy import Expr

from symbackprop.errors import NotSupportedError

Form = tuple[Any, ...]


class Irregular(NotSupportedError):
    """The elements of an array are not one expression with affine addresses."""


@dataclass(frozen=True, slots=True)
class FormNumber:
    """A number in a form: a whole one (an address, a size) or an exact constant."""

    value: int | Expr


def entries(form: Form) -> Iterator[str]:
    """Yield the names of the arrays that a form refers to."""
    stack: list[Any] = [form]
    while stack:
        part = stack.pop()
        if isinstance(part, tuple):
            if part[:1] == ("entry",):
                yield part[1]
            stack.extend(part)


def weight(form: Form) -> int:
    """Return how many parts a form has."""
    count, stack = 0, [form]
    while stack:
        part = stack.pop()
        count += 1
        if isinstance(part, tuple):
            stack.extend(part)
    return count
