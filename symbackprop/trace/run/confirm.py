"""The second opinion on a trace: evaluate its graph at another point and compare with a plain float run of the code there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np

from symbackprop.guest.visit import described
from symbackprop.trace.graph.ball import rounding_bound
from symbackprop.trace.graph.graph import CannotTrace, Graph, InputName
from symbackprop.trace.graph.points import Nearby, nearby_points
from symbackprop.trace.run.recorder import TracedValues
from symbackprop.trace.run.result_values import plain_values
from symbackprop.trace.run.traced_run import Run


@dataclass(frozen=True, slots=True)
class Checked:
    """How a trace was confirmed: points re-evaluated, the largest relative distance moved, a remark when that was little, and the
    point, which lies on the path."""

    points: int
    radius: float
    remark: str = ""
    point: Mapping[InputName, float] = field(default_factory=dict)


def confirm(run: Run, results: Mapping[str, TracedValues], finals: Mapping[str, TracedValues]) -> Checked:
    """Compare the graph with plain runs at other points of the path.

    Raises:
        CannotTrace: they disagree, so the trace has lost something.
    """
    graph = run.graph
    traced = {**{f"result {path}": value for path, value in results.items()}, **{f"final {p}": v for p, v in finals.items()}}
    outputs = [node for value in traced.values() for node in value.nodes]
    own = Nearby({}, 0.0, tuple(graph.values[node] for node in outputs))
    near = next(iter(nearby_points(graph, outputs, 1, seed=run.seed + 1, single=run.single)), None)
    there = near or own
    plain = _plain_parts(run, there.point)
    _same_parts(traced, plain)
    got = np.concatenate([np.zeros(0), *(plain[path].reshape(-1) for path in traced)])
    _same_numbers(run, traced, outputs, np.array(there.outputs, dtype=float), got, there.point)
    remark = "" if near is not None else "no other point on the same path was found"
    return Checked(int(near is not None), there.radius, remark, there.point)


def _plain_parts(run: Run, point: Mapping[InputName, float]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the numbers of a plain run, by what they are."""
    try:
        outcome = run.plain(point)
    except Exception as error:
        raise CannotTrace(f"cannot confirm the trace: the plain run fails nearby with {described(error)}") from error
    plain = {f"result {path}": value for path, value in plain_values("", outcome.returned)}
    for name, item in outcome.arguments.items():
        plain.update((f"final {path}", value) for path, value in plain_values(name, item))
    return plain


def _same_parts(traced: Mapping[str, TracedValues], plain: Mapping[str, np.ndarray[Any, Any]]) -> None:
    for path, value in traced.items():
        if path not in plain:
            raise CannotTrace(f"cannot confirm the trace: the plain run has no {path or 'result'}")
        if plain[path].shape != value.shape:
            raise CannotTrace(f"cannot confirm the trace: {path} has shape {value.shape}, in the plain run {plain[path].shape}")
    missing = [path for path in plain if path not in traced]
    if missing:
        raise CannotTrace(f"cannot confirm the trace: it lost {', '.join(missing)}")


def _same_numbers(
    run: Run,
    traced: Mapping[str, TracedValues],
    outputs: list[int],
    expected: np.ndarray[Any, Any],
    got: np.ndarray[Any, Any],
    point: Mapping[InputName, float],
) -> None:
    # Relative slack for rounding, absolute slack for what underflows.
    relative, smallest = (1e-4, 1e-35) if run.graph.casts else (max(1e-9, _left_of_one(run.graph)), 1e-300)
    with np.errstate(all="ignore"):
        tolerance = relative * np.abs(expected) + smallest
        close = (np.abs(expected - got) <= tolerance) | (expected == got) | (np.isnan(expected) & np.isnan(got))
    suspects = np.flatnonzero(~close)
    if not len(suspects):
        return
    # Rounding explains a difference only as far as an error analysis of this very computation allows.
    bounds = rounding_bound(run.graph, [outputs[k] for k in suspects], point, bits=_bits(run.graph))
    for k, bound in zip(suspects, bounds, strict=True):
        if not abs(expected[k] - got[k]) <= bound + tolerance[k]:
            path = _path_of(traced, int(k))
            if np.isfinite(expected[k]) and not np.isfinite(got[k]):
                raise CannotTrace(
                    f"cannot confirm the trace of {run.function.__name__}: at a second point the code gives {got[k]} for "
                    f"{path}, where its exact value is {expected[k]:.6g}; it overflows there"
                )
            raise CannotTrace(
                f"cannot trace {run.function.__name__}: at a second point the trace gives {expected[k]:.17g} for {path}, "
                f"the code {got[k]:.17g}; something in it hides what it depends on"
            )


def _left_of_one(graph: Graph) -> float:
    """Return how far off a constant may be in the code that is exact here: 1 - (1 - 1e-15) has one digit that is right."""
    exact = [node for node, payload in enumerate(graph.payloads) if type(payload) is Fraction and payload]
    powers = (float(graph.payloads[node]) for node in exact if graph.operations[node] == "power")  # type: ignore[arg-type]
    constants = (graph.values[node] for node in exact if graph.operations[node] == "constant")
    smallest = min(map(abs, chain(powers, constants)), default=1.0)
    return min(sys.float_info.epsilon / max(smallest, sys.float_info.min), 0.25)


def _bits(graph: Graph) -> int:
    return 11 if "float16" in graph.casts else 24 if graph.casts else 53


def _path_of(traced: Mapping[str, TracedValues], position: int) -> str:
    for path, value in traced.items():
        if position < len(value.nodes):
            index = tuple(int(k) for k in np.unravel_index(position, value.shape)) if value.shape else ()
            return f"{path.strip()}{list(index) if index else ''}"
        position -= len(value.nodes)
    return "a result"
