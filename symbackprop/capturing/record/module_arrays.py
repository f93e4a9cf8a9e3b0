"""Arrays that a function uses and that stand in its file beside it: data of a script, weights that are global."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from symbackprop.trace.run.namespace import mentioned


def module_arrays(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the arrays of numbers among the globals of a function's file that it, or a helper of that file, speaks of."""
    plain = getattr(function, "__func__", function)
    known = getattr(plain, "__globals__", {})
    waiting = [plain] if isinstance(plain, types.FunctionType) else []
    seen, found = {*waiting}, {}
    while waiting:
        for name in sorted(mentioned(waiting.pop().__code__)):
            value = known.get(name)
            if isinstance(value, types.FunctionType) and value.__globals__ is known and value not in seen:
                seen.add(value)
                waiting.append(value)
            elif isinstance(value, np.ndarray) and value.ndim and value.size and value.dtype.kind in "fiu":
                found[name] = value
    return found
