"""Matrix form with shapes."""

from __future__ import annotations

from symbackprop.writeup.blocks import Block
from symbackprop.writeup.context import Context


def matrix_blocks(context: Context) -> list[Block]:
    """Return the gradients in matrix form with the shapes under them."""
    return []
