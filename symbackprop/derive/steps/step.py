"""One line of a derivation: `Step`."""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.derive.reasons import Because, worded
from symbackprop.formula.tree.tree import Chain


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: what kind of step, the formula, and the reasons."""

    kind: str
    formula: Chain
    because: Because = ()

    def why(self, lang: str = "en") -> str:
        """Return the reasons in words, "" for none; `lang` is "en" or "zh"."""
        return worded(self.because, lang)
