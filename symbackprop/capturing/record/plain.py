"""The code itself on plain numbers, at any values of its inputs: what a capture is compared with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from symbackprop.errors import UserError
from symbackprop.trace.graph.graph import Graph, InputName
from symbackprop.trace.run.result_values import plain_values
from symbackprop.trace.run.traced_run import Run


class PlainCode:
    """A function with arguments; calling it runs it on plain numbers and returns one of its results.

    `values` are replacements of inputs by their dotted path; `result` is the dotted path in what is returned. `whole` are the
    paths of whole numbers that are replaced as well.
    """

    def __init__(
        self, function: Callable[..., Any], arguments: Mapping[str, Any], result: str, seed: int = 0, whole: Collection[str] = ()
    ) -> None:
        self.run = Run(function, dict(arguments), Graph(), frozenset(whole), None, {}, {}, seed)
        self.result = result

    def __call__(self, values: Mapping[str, Any]) -> Any:
        point = {
            InputName(path, index): float(np.asarray(value)[index])
            for path, value in values.items()
            for index in np.ndindex(np.shape(value))
        }
        returned = dict(plain_values("", self.run.plain(point).returned))
        if self.result not in returned:
            raise UserError(f"the code returns no number {self.result or 'at all'} on plain numbers")
        return returned[self.result]
