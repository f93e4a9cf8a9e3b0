"""What every reference offers, be it a derivation or a handwritten loss, and the points at which both sides are tried."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symbackprop.trace.graph.graph import Graph
from symbackprop.verify.binding.binding import Structure, Vocabulary
from symbackprop.verify.reference.domains import Domain
from symbackprop.verify.reference.network_values import Evaluated

LARGE = 4000
"""Numbers in a point beyond which code is not traced there."""
MOST_WORK = 30_000
"""Multiplications in the forward pass beyond which code is not traced at a point."""


@dataclass(frozen=True, slots=True)
class Point:
    """Values of all declared names, with a text for their sizes; `example` marks the user's own, `work` is about how many
    multiplications the forward pass takes there, if that is known; `branch` are the comparisons it was looked for to flip;
    code need not take one that is `optional` (a larger batch than the example's single row), and this is what is said then."""

    values: Mapping[str, Any]
    label: str
    example: bool = False
    work: int = 0
    branch: str = ""
    optional: str = ""

    @property
    def large(self) -> bool:
        """Whether it is compared in float64 only (smaller sizes serve the exact comparison)."""
        return self.count > LARGE or self.work > MOST_WORK

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return sum(np.size(value) for value in self.values.values())


class Reference(Protocol):
    """What code is compared with: a derivation, or a handwritten loss function."""

    @property
    def title(self) -> str:
        """What is differentiated, for the head of a report."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The names, by role."""

    @property
    def structures(self) -> Mapping[str, Structure]:
        """How arguments are made of the names, where they are not single values."""

    @property
    def fixed(self) -> frozenset[str]:
        """Names whose values stay plain numbers in a trace: labels, one-hot rows."""

    @property
    def domains(self) -> Mapping[str, Domain]:
        """What the example shows of the names that no gradient is asked for: labels of 0 and 1, rows that sum to 1."""

    @property
    def signs(self) -> Mapping[str, Domain]:
        """The single numbers that no gradient is asked for and that are positive in the example: a threshold, a slope."""

    @property
    def kept(self) -> Mapping[str, Domain]:
        """The domains that names are kept to."""

    def keeping(self, kept: Mapping[str, Domain]) -> Reference:
        """Return the same reference, with points at which names keep to domains."""

    def asked(self, names: Collection[str]) -> Reference:
        """Return the same reference, for code that gives the gradients of these names; nothing else is varied on its account."""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The facts and conventions that the gradients rest on, one text each."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What limits the verdicts, for the notes of a report."""

    def start(self, seed: int) -> Point:
        """Return the point at which code is first run: the example, if there is one."""

    def points(self, seed: int) -> list[Point]:
        """Return the points to try; the example first, if there is one."""

    def another(self, point: Point, seed: int) -> Point:
        """Return a random point of the sizes of another."""

    def respecting(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values changed, where necessary, so that the stated facts hold."""

    def lines(self) -> frozenset[tuple[str, int]]:
        """Return the lines (file, number) of handwritten code that the reference itself is made of; nothing there is wrong."""

    def numbers(self, values: Mapping[str, Any]) -> Evaluated:
        """Evaluate in float64."""

    def symbols(self, values: Mapping[str, Any], graph: Graph) -> Evaluated:
        """Evaluate as nodes of a graph whose inputs carry the values."""

    def replacements(self, values: Mapping[str, Any], graph: Graph) -> dict[int, int]:
        """Return input node → node for what the stated facts fix."""

    def is_random(self, values: Mapping[str, Any]) -> bool:
        """Whether the reference itself draws random numbers."""

    def kinks(self, values: Mapping[str, Any]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return (text, names whose gradient it concerns) for each place without a derivative."""
