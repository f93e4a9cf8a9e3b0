"""How much work a check may do: counted, never timed, so that the same input gives the same report on a slow machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """Units of work that are left; what a unit is (a run of the code, a node, a candidate) is said where a budget is made."""

    left: int

    def spend(self, amount: int = 1) -> bool:
        """Take an amount away; return whether there was that much left."""
        self.left -= amount
        return self.left >= 0
