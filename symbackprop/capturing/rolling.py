"""One run of a loss, rolled up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.capturing.record.recording import MOST_NODES, Recording, record
from symbackprop.capturing.record.shifts import Shift, without_shifts
from symbackprop.capturing.record.variables import as_array
from symbackprop.capturing.roll.forms import Irregular
from symbackprop.capturing.roll.names import identifier
from symbackprop.capturing.roll.program import RolledProgram, program
from symbackprop.errors import NotSupportedError, UserError
from symbackprop.trace.graph.graph import Place
from symbackprop.trace.run.recorder import TracedValues


@dataclass(frozen=True, slots=True)
class Rolled:
    """A run as a program: the values of its inputs by name, the maxima that were dropped, the path of each output in the result.

    `computed` are the values of the definitions in the run; `decisions` where the code went by the value of a number.
    """

    program: RolledProgram
    values: Mapping[str, Any]
    shifts: tuple[Shift, ...]
    paths: Mapping[str, str]
    computed: Mapping[str, Any]
    decisions: tuple[Place, ...] = ()


def rolled(function: Callable[..., Any], example: Mapping[str, Any]) -> Rolled:
    """Run a loss once and roll it up.

    Raises NotSupportedError, with the variable and its line, where it cannot be; UserError where it returns no single number.
    """
    recording = record(function, example)
    path, loss = _loss(recording)
    return _rolled(recording, {"loss": (path, loss)}, every=False)


def rolled_whole(function: Callable[..., Any], example: Mapping[str, Any]) -> Rolled:
    """Run any function once and roll up every variable, and all that it returns or leaves in its arguments.

    Raises NotSupportedError, with the variable and its line, where it cannot be.
    """
    recording = record(function, example)
    outputs: dict[str, tuple[str, TracedValues]] = {}
    for path, value in {**recording.results, **recording.changed}.items():
        name = "result" if not path else identifier(path) if not path[0].isdigit() else f"result_{path.replace('.', '_')}"
        outputs[name if name not in outputs else f"{name}_{len(outputs)}"] = (path, value)
    return _rolled(recording, outputs, every=True)


def _rolled(recording: Recording, outputs: Mapping[str, tuple[str, TracedValues]], every: bool) -> Rolled:
    if len(recording.graph) > MOST_NODES:
        raise NotSupportedError(
            f"{recording.function}: not captured: {len(recording.graph):,} numbers are computed at these sizes, "
            f"expected {MOST_NODES:,} at most; give an example of smaller sizes"
        )
    recording, moved, shifts = without_shifts(recording, [node for _, value in outputs.values() for node in value.nodes])
    nodes = {name: as_array(value) for name, (_, value) in outputs.items()}
    nodes = {name: np.vectorize(lambda node: moved.get(node, node), otypes=[np.int64])(array) for name, array in nodes.items()}
    try:
        found = program(recording, nodes, every)
    except Irregular as problem:
        raise NotSupportedError(f"{recording.function}: not captured: {problem}") from None
    values = np.array(recording.graph.values)
    computed = {definition.name: values[definition.variable.nodes] for definition in found.definitions}
    paths = {name: path for name, (path, _) in outputs.items()}
    return Rolled(found, _input_values(found, recording), shifts, paths, computed, _decisions(recording))


def _decisions(recording: Recording) -> tuple[Place, ...]:
    """Return the lines at which the run went by the value of a number that depends on the inputs."""
    graph = recording.graph
    places = [*(condition.place for condition in graph.conditions.values()), *graph.decided]
    return tuple(dict.fromkeys(place for place in places if place is not None))


def _loss(recording: Recording) -> tuple[str, TracedValues]:
    for path, value in recording.results.items():
        if len(value.nodes) == 1 and path.rsplit(".", maxsplit=1)[-1] in ("", "0", "loss"):
            return path, value
    listed = ", ".join(f"{path or 'the result'} {value.shape}" for path, value in recording.results.items()) or "nothing"
    raise UserError(f"{recording.function}: expected a loss that is one number, got {listed}")


def _input_values(found: RolledProgram, recording: Recording) -> dict[str, Any]:
    values = recording.graph.values
    return {
        name: np.array([values[node] if node >= 0 else 0.0 for node in variable.nodes.flat]).reshape(variable.shape)[()]
        for name, variable in found.inputs.items()
    }
