"""Arrays that a function uses and that stand in its file beside it: data of a script, weights that are global."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from symbackprop.trace.run.namespace import mentioned


def module_arrays(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the arrays of numbers among the globals of a function's file that it, or a helper of that file, speaks of."""
    found: dict[str, Any] = {}
    for helper in _helpers(getattr(function, "__func__", function)):
        for name in sorted(mentioned(helper.__code__)):
            value = helper.__globals__.get(name)
            if isinstance(value, np.ndarray) and value.ndim and value.size and value.dtype.kind in "fiu":
                found[name] = value
    return found


def _helpers(function: Any) -> list[types.FunctionType]:
    """Return a function and the functions of its file that it leads to."""
    found = [function] if isinstance(function, types.FunctionType) else []
    for helper in found:
        spoken_of = (helper.__globals__.get(name) for name in sorted(mentioned(helper.__code__)))
        own = (value for value in spoken_of if isinstance(value, types.FunctionType) and value.__globals__ is helper.__globals__)
        found += [value for value in own if value not in found]
    return found
