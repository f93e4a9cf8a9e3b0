"""What a forward pass gives: its outputs, each with the place where it stands, and the rest, which is a cache."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import numeric, return_names
from symbackprop.verify.binding.results import leaf_at
from symbackprop.verify.passes.passes import Passes, required

NAMES = (
    "output",
    "outputs",
    "out",
    "loss",
    "y",
    "z",
    "a",
    "h",
    "activation",
    "activations",
    "result",
    "value",
    "y_pred",
    "probs",
)
"""What people call the attribute in which a forward pass leaves its output, where it returns nothing."""


@dataclass(frozen=True, slots=True)
class Output:
    """An output: its place (`return`, `return.0`, `self.Z`), the variable's name ("" where nothing says it), and its shape."""

    place: str
    label: str
    shape: tuple[int, ...]


def outputs_of(passes: Passes, returned: Any, before: Mapping[str, Any], owner: Any) -> tuple[Output, ...]:
    """Return the outputs of one run: what was returned, the first first; or the attributes that the run has set."""
    if returned is None:
        return _left(before, owner)
    if passes.one:
        place = value_place(returned)
        return (Output(place, "", np.shape(_at(returned, place))),)
    labels = return_names(passes.of(owner)[0])
    if numeric(returned):
        return (Output("return", labels.get("", ""), np.shape(returned)),)
    if _is_one_array(passes, returned, owner):
        return (Output(ALL, labels.get("", ""), np.shape(returned)),)
    return _loss_first(tuple(output for output in _several(returned, labels) if output.label not in passes.given))


def _several(returned: Any, labels: Mapping[str, str]) -> list[Output]:
    """Return the numbers in a tuple, or the arrays in a list, each as an output."""
    parts = returned if isinstance(returned, tuple) or _is_sequence_of_numbers(returned) else ()
    return [Output(f"return.{k}", labels.get(str(k), ""), np.shape(part)) for k, part in enumerate(parts) if numeric(part)]


ALL = "return.*"
"""The place of an output that is a list of arrays in one shape: pictures, one by one; it is the array of them."""


def is_list_of_equals(value: Any) -> bool:
    """Whether a value is a list of arrays that all have one shape."""
    parts = value if isinstance(value, list) else []
    return len({np.shape(part) for part in parts}) == 1 and all(hasattr(part, "shape") and np.ndim(part) for part in parts)


def _is_one_array(passes: Passes, returned: Any, owner: Any) -> bool:
    """Whether a list of equal arrays is one output: backward has to be given fewer things that forward is not."""
    asked = [name for name in required(passes.of(owner)[1]) if name not in passes.given]
    return is_list_of_equals(returned) and len(asked) < len(returned)


def output_at(everything: Mapping[str, Any], place: str) -> Any:
    """Return an output, by its place: of a list of arrays the array of them."""
    if place != ALL:
        return leaf_at(everything, place)
    return np.stack([leaf for path, leaf in everything.items() if path.partition(".")[0] == "return"])


def as_one_array(returned: Any, given: Mapping[str, Any]) -> Any:
    """Return a list of arrays in one shape as the array of them, where an argument has the shape of that."""
    if not is_list_of_equals(returned):
        return returned
    shape = (len(returned), *np.shape(returned[0]))
    return np.stack(returned) if any(np.shape(leaf) == shape for leaf in given.values()) else returned


def _loss_first(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """Return the outputs; where the first is a number and another is called a loss, `return accuracy, loss`, that one first."""
    numbers = [output for output in outputs if not output.shape]
    losses = [output for output in numbers if _LOSS.search(output.label)]
    if not losses or outputs[0] not in numbers:
        return outputs
    return (losses[0], *(output for output in outputs if output is not losses[0]))


_LOSS = re.compile(r"loss|cost|error|objective", re.IGNORECASE)


def value_place(returned: Any) -> str:
    """Return where the value stands in what one function returns with its gradients: the first or the last number."""
    if not isinstance(returned, tuple):
        return "return"
    return "return.0" if _is_number(returned[0]) or not _is_number(returned[-1]) else f"return.{len(returned) - 1}"


def _at(returned: Any, place: str) -> Any:
    return returned[int(place.removeprefix("return."))] if "." in place else returned


def _is_number(value: Any) -> bool:
    return not isinstance(value, dict | list | tuple | str) and value is not None and not np.ndim(value)


def _is_sequence_of_numbers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(numeric(part) and np.ndim(part) for part in value)


def _left(before: Mapping[str, Any], owner: Any) -> tuple[Output, ...]:
    """Return the attributes that hold an output: the one with a usual name, or the last that the run has set."""
    held = {path: leaf for path, leaf in walk(owner) if numeric(leaf)}
    new = [path for path, leaf in held.items() if path not in before or not np.array_equal(before[path], leaf)]
    usual = sorted((p for p in new if p.lower() in NAMES), key=lambda p: NAMES.index(p.lower()))
    chosen = (usual or new[-1:])[:1]
    return tuple(Output(f"self.{path}", path, np.shape(held[path])) for path in chosen)


def kept_outputs(owner: Any, output: Output, arguments: Sequence[str], returned: Any) -> list[Output]:
    """Return what an object keeps in the shape of its output and an argument is called the gradient of, the last first.

    `dZ` is that of `self.Z`, or of the last of `self.Z_cache`; what is kept and returned is the output itself.
    """
    same = returned if isinstance(returned, tuple) else (returned,)
    leaves = {path: leaf for path, leaf in walk(owner) if np.shape(leaf) == output.shape}
    others = (path for path, leaf in leaves.items() if not any(np.array_equal(leaf, other) for other in same))
    kept = {path: _STEM.sub("", path.partition(".")[0]) for path in others}
    named = [path for path, stem in kept.items() if any(names.is_gradient_name(name, (stem,), "") for name in arguments)]
    return [Output(f"self.{path}", kept[path], output.shape) for path in reversed(named)]


_STEM = re.compile(r"_?(cache|caches|list|s|values|vals)$")


def caches_of(returned: Any, outputs: Sequence[Output], labels: Mapping[str, str]) -> dict[str, str]:
    """Return place → label of what is no output: caches; of several, also all of them as one under the place "rest"."""
    if not isinstance(returned, tuple):
        return {}
    taken = {output.place for output in outputs}
    places = (f"return.{k}" for k in range(len(returned)))
    return {place: labels.get(place.removeprefix("return."), "") for place in places if place not in taken}


def is_cache_name(name: str) -> bool:
    """Whether an argument is called like what a forward pass keeps for the backward pass."""
    return name.lower() in names.CACHES or "cache" in name.lower()
