"""Names for what the code computes: its own, made into identifiers, numbered where one name is assigned several times."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symbackprop.capturing.record.labels import ONE_HOT


def identifier(path: str) -> str:
    """Return a name for a dotted path: `params.W1` is W1, `hs.2` is hs_2, `self.l1.W` is W; of underscores only those inside.

    >>> identifier("self.layers.0.W"), identifier("cache.z 1"), identifier("self._h"), identifier("_.0")
    ('W', 'z_1', 'h', 'v_0')
    """
    parts = path.removeprefix(ONE_HOT).split(".")
    kept = parts[-1]
    for part in reversed(parts[:-1]):
        if not kept[0].isdigit():
            break
        kept = f"{part}_{kept}"
    name = re.sub(r"[\W_]+", "_", kept).strip("_")  # an underscore at an end, or two, can be typeset by nobody
    return name if name.isidentifier() else f"v_{name}" if name else "v"


class GivenNames:
    """The names given so far; each is given once."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def fresh(self, wanted: Iterable[str]) -> str:
        """Return the first name that is free, else the first one with a number."""
        tried = list(wanted)
        for name in tried:
            if name not in self.taken:
                self.taken.add(name)
                return name
        number = 2
        while f"{tried[0]}_{number}" in self.taken:
            number += 1
        return self.fresh([f"{tried[0]}_{number}"])
