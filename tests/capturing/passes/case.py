"""A forward pass as somebody writes it, with the numbers that it is run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A loss with its example; `wrt` where the names of the arguments do not say it; `shows` parts of the formulas of nodes."""

    function: Callable[..., Any]
    example: dict[str, Any]
    wrt: tuple[str, ...] | None = None
    shows: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.function.__name__


def numbers(seed: int) -> Callable[..., Any]:
    """Return a function that draws arrays of given shapes."""
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.normal(size=shape)


def positive(seed: int) -> Callable[..., Any]:
    """Return a function that draws arrays of positive numbers."""
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.uniform(0.5, 2, size=shape)
