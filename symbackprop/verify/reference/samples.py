"""Handwritten code and its reference at one point: numbers on both sides and, where the code can be traced, nodes of one
graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from symbackprop.errors import SymbackpropError
from symbackprop.trace.graph.graph import CannotTrace, Graph, InputName
from symbackprop.trace.run.recorder import TracedValues
from symbackprop.trace.run.trace import CodeFails, Trace, trace
from symbackprop.verify.binding.binding import HandCall, Result, make_arguments, run, varied
from symbackprop.verify.binding.results import elements, read, steps_alike
from symbackprop.verify.reference.network_values import Evaluated, rewired
from symbackprop.verify.reference.precision import Precision, largest_of, precision_of
from symbackprop.verify.reference.protocol import Point, Reference


@dataclass(frozen=True)
class Sample:
    """Both sides at one point.

    `hand` and `derived` are numbers by node name. When the code was traced, `nodes` and `references` are the same as nodes of
    `graph`, with the facts put in; `reason` says why there is no trace.
    """

    point: Point
    hand: Mapping[str, Any]
    derived: Mapping[str, Any]
    evaluated: Evaluated
    graph: Graph | None = None
    nodes: Mapping[str, TracedValues] = field(default_factory=dict)
    references: Mapping[str, TracedValues] = field(default_factory=dict)
    symbols: Evaluated | None = None
    run: Trace | None = None
    replacements: Mapping[int, int] = field(default_factory=dict)
    reason: str = ""
    precision: Precision = field(default_factory=Precision)
    shared: frozenset[tuple[int, str, int]] = frozenset()
    """The comparisons, by their keys in the graph, that code and reference both make."""

    @property
    def traced(self) -> bool:
        """Whether the comparison can be exact."""
        return self.graph is not None


def conclusive(source: Reference, samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples from which something may be concluded: the random ones, and the example where it alone has its sizes.

    An example is often special (zeros, ties), so it stands back where others have the same sizes, or where it lies on a kink.
    """
    random = [sample for sample in samples if not sample.point.example]
    labels = {sample.point.label for sample in random}
    alone = [s for s in samples if s.point.example and s.point.label not in labels and not s.point.large]
    return random + [sample for sample in alone if not source.kinks(sample.point.values)]


def with_coordinates(values: Mapping[str, Any], point: Mapping[InputName, float]) -> dict[str, Any]:
    """Return values with the coordinates of a point of the graph put in."""
    moved = {name: np.array(value, dtype=float) if name in {n.name for n in point} else value for name, value in values.items()}
    for name, number in point.items():
        if name.name in moved:
            moved[name.name][name.index] = number
    return {name: float(value) if isinstance(value, np.ndarray) and not value.ndim else value for name, value in moved.items()}


def as_value(nodes: Any) -> TracedValues:
    """Return nodes in an array as a `TracedValues`."""
    array = np.asarray(nodes, dtype=object)
    return TracedValues(array.shape, tuple(int(node) for node in array.reshape(-1)))


def with_defined(call: HandCall, reference: Reference, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, with those of forward nodes that the code takes as arguments (a cache) worked out."""
    wanted = [name for name in call.uses if name not in values]
    if not wanted:
        return dict(values)
    point = reference.numbers(values)
    return {**values, **{name: point.nodes[name] for name in wanted if name in point.nodes}}


def numeric_sample(reference: Reference, call: HandCall, results: Sequence[Result], point: Point) -> Sample:
    """Compare numbers only."""
    evaluated = reference.numbers(point.values)

    def both(given: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        values = with_defined(call, reference, given)
        hand = read(call, results, run(call, values), values)
        adjoints = (evaluated if given is point.values else reference.numbers(given)).adjoints
        derived = {name: adjoints[name] for name in hand if name in adjoints}
        return {name: hand[name] for name in derived}, derived

    hand, derived = both(point.values)
    largest = largest_of(evaluated.adjoints)
    precision = precision_of(hand, derived, largest, point.values, lambda moved: both(reference.respecting(moved)))
    return Sample(point, hand, derived, evaluated, precision=precision)


def traced_sample(reference: Reference, call: HandCall, results: Sequence[Result], point: Point) -> Sample:
    """Trace the code and evaluate the reference in the same graph; numbers only, with the reason, when that is impossible.

    Raises CodeFails when the code itself raises an exception.
    """
    graph = Graph()
    values = with_defined(call, reference, point.values)
    try:
        function, arguments = make_arguments(call, values)
        moving = varied(call, reference.fixed, values)
        done = trace(function, arguments, graph=graph, rename=call.inputs(values), varied=moving, habits=call.habits)
        # After the code, so that comparisons both make are recorded with the line of the code.
        graph.compared_again.clear()
        symbols = reference.symbols(point.values, graph)
        shared = frozenset(graph.compared_again)
        nodes = _hand_nodes(call, results, done, graph, values)
        replaced = replacements(reference, call, point.values, graph, symbols)
    except CodeFails:
        raise
    except SymbackpropError as problem:
        return _with_reason(numeric_sample(reference, call, results, point), problem)
    names = [name for name in nodes if name in symbols.adjoints]
    references = {name: as_value(symbols.adjoints[name]) for name in names}
    moved_nodes, moved_references = _rewired(graph, ({name: nodes[name] for name in names}, references), replaced)
    return Sample(
        point,
        {name: nodes[name].values(graph) for name in names},
        {name: value.values(graph) for name, value in references.items()},
        symbols.mapped(lambda array: as_value(array).values(graph)[()]),
        graph,
        moved_nodes,
        moved_references,
        symbols,
        done,
        replaced,
        shared=shared,
    )


def _with_reason(sample: Sample, problem: SymbackpropError) -> Sample:
    return replace(sample, reason=str(problem))


def replacements(
    reference: Reference, call: HandCall, values: Mapping[str, Any], graph: Graph, symbols: Evaluated
) -> dict[int, int]:
    """Return what stands in place of inputs: facts, and the forward nodes that the code was handed as arguments."""
    replaced = dict(reference.replacements(values, graph))
    for name in call.uses:
        if name in values or name not in symbols.nodes:
            continue
        whole = as_value(symbols.nodes[name])
        for index, node in zip(np.ndindex(whole.shape), whole.nodes, strict=True):
            own = next((n for key, n in graph.inputs.items() if key.name == name and key.index == index), None)
            if own is not None:
                replaced[own] = node
    return replaced


def _rewired(
    graph: Graph, parts: Sequence[Mapping[str, TracedValues]], replaced: Mapping[int, int]
) -> Iterator[dict[str, TracedValues]]:
    """Yield each part with the facts put in, all in one pass over the graph."""
    moved = iter(rewired(graph, [node for part in parts for value in part.values() for node in value.nodes], replaced))
    for part in parts:
        yield {name: TracedValues(value.shape, tuple(islice(moved, len(value.nodes)))) for name, value in part.items()}


def _hand_nodes(
    call: HandCall, results: Sequence[Result], done: Trace, graph: Graph, values: Mapping[str, Any]
) -> dict[str, TracedValues]:
    """Return the gradients in a trace, by node name; an update step is read as (old - new)/rate."""
    found: dict[str, TracedValues] = {}
    for result in results:
        value = value_at(done.results if result.returned else done.finals, result.path)
        if value is None:
            raise CannotTrace(f"the traced run has no result {result.path or 'at all'}")
        for path in result.more:
            value = _added(graph, value, value_at(done.finals, path))
        if result.vector:
            elements, shape = result.part(values)
            value = TracedValues(shape, value.nodes[elements])
        value = _step(call, result, value, done, graph) if result.update else _unscaled(result, value, graph)
        wanted = np.shape(values[result.node]) if result.node in values else value.shape
        found[result.node] = TracedValues(wanted, value.nodes) if steps_alike(value.shape, wanted) else value
    return found


def _added(graph: Graph, value: TracedValues, other: TracedValues | None) -> TracedValues:
    """Return the sum of two parts of a gradient."""
    if other is None or other.shape != value.shape:
        raise CannotTrace("the traced run has no such part of a gradient")
    return TracedValues(value.shape, tuple(graph.add(left, right) for left, right in zip(value.nodes, other.nodes, strict=True)))


def _unscaled(result: Result, value: TracedValues, graph: Graph) -> TracedValues:
    """Return a gradient of which a multiple was left."""
    if result.scale == 1.0:
        return value
    scale = graph.number(result.scale)
    return TracedValues(value.shape, tuple(graph.div(node, scale) for node in value.nodes))


def value_at(found: Mapping[str, TracedValues], path: str) -> TracedValues | None:
    """Return the traced numbers under a path; those of a list of numbers, also a nested one, as one array."""
    if path in found:
        return found[path]
    shape, numbers = elements(found, path)
    return TracedValues(shape, tuple(number.nodes[0] for number in numbers)) if numbers else None


def _step(call: HandCall, result: Result, new: TracedValues, done: Trace, graph: Graph) -> TracedValues:
    old = done.arguments.get(result.old)
    if old is None or not steps_alike(new.shape, old.shape):
        raise CannotTrace(f"the step of {result.node} cannot be read: its old value was not traced in the shape {new.shape}")
    rate = done.arguments.get(call.rate or "")
    scale = rate.nodes[0] if rate is not None else graph.number(result.rate or call.rate_value)
    steps = (graph.sub(before, after) for before, after in zip(old.nodes, new.nodes, strict=True))
    return TracedValues(new.shape, tuple(graph.div(step, scale) for step in steps))
