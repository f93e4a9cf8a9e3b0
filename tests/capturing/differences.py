"""The gradient of a loss by central differences, every element by itself: what a captured network is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

STEP = 1e-6


def loss_of(function: Callable[..., Any], arguments: Mapping[str, Any]) -> float:
    """Return the loss, the first of what is returned."""
    found = function(**deepcopy(dict(arguments)))
    return float(np.asarray(found[0] if isinstance(found, tuple) else found).item())


def differences(function: Callable[..., Any], arguments: Mapping[str, Any], path: str) -> Any:
    """Return ∂loss/∂argument for every element of the argument under a dotted path."""
    whole = np.asarray(_at(arguments, path), dtype=float)
    found = np.zeros(whole.shape)
    for index in np.ndindex(whole.shape):
        pair = []
        for sign in (1, -1):
            moved = whole.copy()
            moved[index] += sign * STEP
            pair.append(loss_of(function, _with(arguments, path.split("."), moved if whole.ndim else float(moved))))
        found[index] = (pair[0] - pair[1]) / (2 * STEP)
    return found


def _at(arguments: Any, path: str) -> Any:
    for part in path.split("."):
        arguments = arguments[part] if isinstance(arguments, Mapping) else arguments[int(part)]
    return arguments


def _with(arguments: Any, parts: list[str], value: Any) -> Any:
    if not parts:
        return value
    if isinstance(arguments, Mapping):
        return {**arguments, parts[0]: _with(arguments[parts[0]], parts[1:], value)}
    fresh = list(arguments)
    fresh[int(parts[0])] = _with(fresh[int(parts[0])], parts[1:], value)
    return type(arguments)(fresh)
