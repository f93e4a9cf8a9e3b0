"""Functions that hand a network from one to the next as methods of an object that holds it.

`forward(network, row)`, `backward(network, expected)`, `update(network, row, rate)`: lists and dictionaries of neurons, which
another function of the file makes. A row that ends with its label, `row[:-1]`, is given one.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from symbackprop.verify.binding.name_matching import RATES, is_target
from symbackprop.verify.passes.inventing.invented import SIZE
from symbackprop.verify.passes.passes import outside, required

FORWARD, TRAIN = "forward", "train"
"""The methods of such an object."""
_FORWARD, _BACKWARD = re.compile(r"forward|feed", re.IGNORECASE), re.compile(r"back", re.IGNORECASE)
_UPDATE, _MADE = re.compile(r"update|apply|adjust", re.IGNORECASE), re.compile(r"init|create|make|new|build", re.IGNORECASE)
_NETWORK = re.compile(r"net(work)?|nn|layers|model", re.IGNORECASE)


def network_of(functions: Mapping[str, types.FunctionType], name: str, module: str) -> type | None:
    """Return a class of the functions that are given a network first; None where they are not all there."""
    sharing = [function for function in functions.values() if _NETWORK.fullmatch([*required(function), ""][0])]
    made = [function for function in _called(_MADE, functions.values()) if _takes_sizes(function)]
    chosen = [made, *(_called(pattern, sharing) for pattern in (_FORWARD, _BACKWARD, _UPDATE))]
    methods = _methods(*(found[0] for found in chosen)) if all(len(found) == 1 for found in chosen) else {}
    return type(name, (), {**methods, "__module__": module}) if methods else None


def _called(pattern: re.Pattern[str], functions: Iterable[types.FunctionType]) -> list[types.FunctionType]:
    return [function for function in functions if pattern.search(function.__name__)]


def _takes_sizes(function: Callable[..., Any]) -> bool:
    asked = required(function)
    return len(asked) > 1 and all(map(SIZE.search, asked))


def _methods(
    made: types.FunctionType, forward: types.FunctionType, backward: types.FunctionType, update: types.FunctionType
) -> dict[str, Any]:
    """Return the methods; nothing where the target is not told from the data, or the order of the arguments says nothing."""
    data, wanted, further = (required(function)[1:] for function in (forward, backward, update))
    rates = [p for p in inspect.signature(update).parameters if p.lower() in RATES]
    if [len(data), len(wanted), len(rates)] != [1, 1, 1] or not is_target(wanted[0]) or not {*further} <= {*data}:
        return {}
    sample, target, rate = data[0], wanted[0], rates[0]

    def __init__(self: Any, *sizes: Any, **named: Any) -> None:
        self.network = made(*sizes, **named)

    ends_with_a_label = "[:-1]" in inspect.getsource(update)

    def first(self: Any, **given: Any) -> Any:
        row = [*given[sample], 0] if ends_with_a_label else given[sample]
        return forward(self.network, row)

    def both(self: Any, **given: Any) -> Any:
        row = [*given[sample], 0] if ends_with_a_label else given[sample]
        forward(self.network, row)
        backward(self.network, given[target])
        update(self.network, **dict.fromkeys(further, row), **{rate: given["learning_rate"]})

    first.__doc__ = f"{sample}: a row of shape (3,)"
    methods: list[tuple[str, Any, Sequence[str]]] = [
        ("__init__", __init__, required(made)),
        (FORWARD, first, data),
        (TRAIN, both, [sample, target, "learning_rate"]),
    ]
    return {name: _named(function, name, arguments) for name, function, arguments in methods}


def _named(function: Any, name: str, arguments: Sequence[str]) -> Any:
    method = outside(function, name)
    method.__name__, method.__doc__ = name, function.__doc__
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    method.__signature__ = inspect.Signature([inspect.Parameter(a, kind) for a in ("self", *arguments)])  # type: ignore[attr-defined]
    return method
