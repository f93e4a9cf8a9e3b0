"""A handwritten loss function as the reference of a check: traced, its graph is a single-assignment list that the one sweep
differentiates."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.derive.derivation import derive
from symbackprop.errors import UserError, nearest
from symbackprop.network.model import Network
from symbackprop.verify.algebra import Nodes
from symbackprop.verify.binding import Call, Structure, Vocabulary, bind_call, make_arguments, numeric, run
from symbackprop.verify.evaluate import definitions, reachable
from symbackprop.verify.graph import Condition, Graph
from symbackprop.verify.namespace import instance_members
from symbackprop.verify.points import boundary
from symbackprop.verify.recorder import Value
from symbackprop.verify.reference import Evaluated, evaluated
from symbackprop.verify.returns import forgotten, nothing_returned
from symbackprop.verify.samples import Point
from symbackprop.verify.shapes import Size, choices, free_sizes, label, larger, resized
from symbackprop.verify.trace import CodeFails, Trace, trace


@dataclass(frozen=True)
class LossReference:
    """A loss function with example values; `wrt` are the names whose gradients are meant."""

    call: Call
    values: Mapping[str, Any]
    wrt: tuple[str, ...]
    structures: Mapping[str, Structure]
    fixed: frozenset[str] = frozenset()
    sizes: tuple[Size, ...] = ()
    _known: dict[int, tuple[Mapping[str, Any], Evaluated]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def title(self) -> str:
        """The function's name."""
        return str(getattr(self.call.function, "__qualname__", "loss"))

    @property
    def vocabulary(self) -> Vocabulary:
        """The parameters are what is differentiated; everything else that the example gives is an input."""
        others = tuple(name for name in self.values if name not in self.wrt)
        return Vocabulary(self.wrt, others, (), (), (), str(getattr(self.call.function, "__name__", "loss")))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """A loss function states no conventions."""
        return ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What limits the verdicts: sizes that the loss does not let vary, an example too large to be traced."""
        fitting = [shaped for shaped in self._other_shapes() if not Point(shaped, "").large]
        if not fitting and any(np.ndim(value) for value in self.values.values()):
            return (f"{self.title} takes no other sizes than the example's, so the verdicts are for these only",)
        example = Point(self.values, "")
        if fitting and example.large:
            return (f"the example has {example.count:,} numbers; smaller sizes stand for it, at its own nothing was compared",)
        return ()

    def _other_shapes(self) -> list[dict[str, Any]]:
        """Return values at other sizes that the loss accepts."""
        shaped = [resized(self.values, choice) for choice in choices(self.sizes)]
        return [values for values in shaped if accepts(self.call, values)]

    def points(self, seed: int) -> list[Point]:
        """Return the example and two random points: at prime and square sizes where the loss takes them, else at its shapes.

        An example that is too large to be traced is left out when smaller sizes can stand for it.
        """
        rng = np.random.default_rng(seed)
        example = Point(dict(self.values), label(self.values, self.sizes), example=True)
        others = [shaped for shaped in self._other_shapes() if not Point(shaped, "").large]
        if example.large and others:
            return [self._random(shaped, rng) for shaped in others]
        shapes = [*others, self.values, self.values][:2]
        return [example, *(self._random(shaped, rng) for shaped in shapes)]

    def _random(self, shaped: Mapping[str, Any], rng: np.random.Generator) -> Point:
        """Return a random point of given shapes at which the gradients are finite, if there is one; labels stay as they are."""
        for positive in (False, False, True, True):
            values = {name: self._moved(name, value, rng, positive) for name, value in shaped.items()}
            if all(np.all(np.isfinite(array)) for array in self.numbers(values).adjoints.values()):
                break
        return Point(values, label(values, self.sizes))

    def _moved(self, name: str, value: Any, rng: np.random.Generator, positive: bool) -> Any:
        if name in self.fixed or not numeric(value) or not _is_real(value):
            return value
        shape = np.shape(value)
        drawn = np.round(rng.uniform(0.2, 1.8, size=shape) if positive else rng.normal(size=shape), 3)
        return drawn.astype(value.dtype) if isinstance(value, np.ndarray) else float(drawn)

    def respecting(self, values: dict[str, Any]) -> dict[str, Any]:
        """A loss function states no facts."""
        return values

    def numbers(self, values: Mapping[str, Any]) -> Evaluated:
        """Return the gradients in float64."""
        known = self._known.get(id(values))
        if known is not None and known[0] is values:
            return known[1]
        graph = Graph()
        symbols = self.symbols(values, graph)
        adjoints = {name: Value(np.shape(a), tuple(np.reshape(a, -1))).values(graph)[()] for name, a in symbols.adjoints.items()}
        point = Evaluated({name: value for name, value in values.items() if numeric(value)}, adjoints)
        self._known[id(values)] = (values, point)
        return point

    def symbols(self, values: Mapping[str, Any], graph: Graph) -> Evaluated:
        """Trace the loss, and differentiate what was traced."""
        _, loss = self._traced(values, graph)
        inputs = {name: node for name, node in graph.inputs.items() if name.name in self.values}
        gradients = differentiated(graph, loss)
        arrays: dict[str, Any] = {}
        adjoints: dict[str, Any] = {}
        for name, value in values.items():
            if name in self.fixed or not numeric(value):
                continue
            zero = graph.constant(0)
            arrays[name] = _filled(value, {key.index: node for key, node in inputs.items() if key.name == name}, zero)
            adjoints[name] = _filled(
                value, {key.index: gradients.get(node, zero) for key, node in inputs.items() if key.name == name}, zero
            )
        return Evaluated(arrays, adjoints)

    def _traced(self, values: Mapping[str, Any], graph: Graph) -> tuple[Trace, int]:
        """Return a trace of the loss, and the node of its value."""
        function, arguments = make_arguments(self.call, values)
        paths = self.call.paths
        constant = [path for path, name in paths.items() if name in self.fixed]
        try:
            run = trace(function, arguments, graph=graph, rename=paths, constant=constant, check=False)
        except CodeFails as problem:
            raise CodeFails("; ".join([str(problem), *(f.note for f in forgotten(self.call.function))])) from None
        if run.returned is None and not run.results:
            raise UserError(f"{nothing_returned(self.call.function)} (expected the loss)")
        return run, _scalar_result(self.title, run.results)

    def ignored(self, values: Mapping[str, Any]) -> frozenset[str]:
        """Return the arrays that the loss uses in part only, as a loop of fixed length does."""
        graph = Graph()
        run, loss = self._traced(values, graph)
        sides = [node for condition in run.conditions for node in (condition.left, condition.right)]
        used = set(reachable(graph, [loss, *sides]))
        return frozenset(name.name for name, node in graph.inputs.items() if node not in used)

    def replacements(self, values: Mapping[str, Any], graph: Graph) -> dict[int, int]:
        """A loss function states no facts."""
        return {}

    def kinks(self, values: Mapping[str, Any]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the comparisons in the loss that were decided by a tie."""
        graph = Graph()
        run, _ = self._traced(values, graph)
        ties: tuple[Condition, ...] = boundary(graph, run.conditions)
        found = []
        for tie in ties:
            names = {graph.payloads[node].name for node in reachable(graph, (tie.left, tie.right))  # type: ignore[union-attr]
                     if graph.operations[node] == "input"}  # fmt: skip
            if names & set(self.wrt):
                found.append((f"a comparison at {tie.place} is a tie", frozenset(names)))
        return tuple(found)


def loss_reference(loss: Callable[..., Any], example: Mapping[str, Any] | None, wrt: Sequence[str] | str | None) -> LossReference:
    """Make a reference of a handwritten loss.

    Args:
        example: a value for every argument of the loss and of the gradient code; dictionaries and lists of arrays are taken
            apart.
        wrt: what is differentiated; by default every real number in the example that is no label.

    Raises:
        UserError: an argument has no example value, or `wrt` names nothing.
    """
    title = getattr(loss, "__qualname__", repr(loss))
    given = dict(example or {})
    owner = getattr(loss, "__self__", None)
    values: dict[str, Any] = {}
    if owner is not None:
        values.update((k, v) for k, v in instance_members(owner).items() if numeric(v) and _is_real(v))
    structures = {name: _structure(name, value, values) for name, value in given.items()}
    vocabulary = Vocabulary(tuple(values), (), (), (), (), str(getattr(loss, "__name__", "loss")))
    try:
        call = bind_call(loss, vocabulary, structures, values)
    except UserError as problem:
        raise UserError(f"check: give every argument of {title} a value in example={{…}}: {problem}") from None
    asked = [wrt] if isinstance(wrt, str) else list(wrt) if wrt is not None else None
    for name in asked or ():
        if name not in values:
            raise UserError(
                f"check: wrt: {name} has no value in the example; values: {', '.join(values)}.{nearest(name, values)}"
            )
    fixed = {name for name, value in values.items() if _is_label(value) and not (asked and name in asked)}
    chosen = asked or [name for name, value in values.items() if name not in fixed and _is_real(value)]
    ready = {name: _real(value) if name in chosen else value for name, value in values.items()}
    return _with_sizes(LossReference(call, ready, tuple(chosen), structures, frozenset(fixed)))


def _with_sizes(reference: LossReference) -> LossReference:
    """Find the sizes that may vary: the loss runs there, and uses every array as wholly as it does in the example."""
    call, values = reference.call, reference.values
    names = [name for name in call.uses if numeric(values.get(name)) and np.ndim(values[name])]
    sizes = free_sizes(values, names, lambda shaped: accepts(call, shaped))
    known = frozenset() if Point(values, "").large or not sizes else reference.ignored(values)

    def whole(size: Size) -> bool:
        """Whether the loss uses all of the arrays that are made larger: a loop over `range(3)` does not."""
        shaped = larger(values, sizes, size)
        if shaped is None or not accepts(call, shaped):
            return shaped is None
        return not (reference.ignored(shaped) - known) & {dimension.name for dimension in size}

    sizes = tuple(size for size in sizes if whole(size))
    return replace(reference, sizes=sizes)


def accepts(call: Call, values: Mapping[str, Any]) -> bool:
    """Whether a loss runs at given values and returns one number."""
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = run(call, values)
    except Exception:  # whatever the code raises: it does not take these shapes
        return False
    leaves = [leaf for leaf in outcome.returned.values() if numeric(leaf)]
    return bool(leaves) and np.size(leaves[0]) == 1


def _structure(name: str, value: Any, values: dict[str, Any]) -> Structure:
    """Name the arrays inside an example value; `{"W1": …}` under `params` gives the name W1 (params.W1 where that is taken)."""
    if isinstance(value, dict):
        return {
            key: _structure(str(key) if str(key) not in values else f"{name}.{key}", member, values)
            for key, member in value.items()
        }
    if isinstance(value, list | tuple) and any(isinstance(member, np.ndarray | list | tuple | dict) for member in value):
        return type(value)(_structure(f"{name}.{position}", member, values) for position, member in enumerate(value))
    values[name] = np.asarray(value) if isinstance(value, list) else value
    return name


def _is_real(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


def _is_label(value: Any) -> bool:
    """Whole numbers, or an array of zeros and ones: class labels, one-hot rows, masks."""
    if not numeric(value) or not np.ndim(value):
        return False
    array = np.asarray(value)
    return array.dtype.kind in "iu" or bool(np.all((array == 0) | (array == 1)) and np.any(array == 1) and array.ndim)


def _real(value: Any) -> Any:
    return value if _is_real(value) else (np.asarray(value, dtype=float) if np.ndim(value) else float(value))


def _filled(value: Any, nodes: Mapping[tuple[int, ...], int], zero: int) -> Any:
    """Return nodes in the shape of a value; what the loss does not use is 0."""
    if not np.ndim(value):
        return nodes.get((), zero)
    array = np.empty(np.shape(value), dtype=object)
    for index in np.ndindex(array.shape):
        array[index] = nodes.get(index, zero)
    return array


def _scalar_result(title: str, results: Mapping[str, Value]) -> int:
    scalars = [
        value
        for path, value in results.items()
        if len(value.nodes) == 1 and path.rsplit(".", maxsplit=1)[-1] in ("", "0", "loss")
    ]
    if not scalars:
        listed = ", ".join(f"{path or 'the result'} {value.shape}" for path, value in results.items()) or "nothing"
        raise UserError(f"{title}: expected a loss that is one number, got {listed}")
    return scalars[0].nodes[0]


def differentiated(graph: Graph, loss: int) -> dict[int, int]:
    """Return input node → node of ∂loss/∂input, by writing the graph as a network and deriving it."""
    network = Network("traced loss")
    used = [node for node in reachable(graph, [loss]) if graph.operations[node] == "input"]
    if not used or not graph.arguments[loss]:
        return {loss: graph.constant(1)} if used else {}
    renamed = {}
    for node in used:
        from_graph = str(graph.payloads[node])
        renamed[from_graph] = network.parameter(f"i{node}")
    listing = definitions(graph, [loss])
    for symbol, expression in listing:
        network.define(symbol.name, expression.subs({s: renamed[s.name] for s in expression.free_symbols if s.name in renamed}))
    derivation = derive(network, listing[-1][0].name)
    declared = {f"i{node}": node for node in used}
    point = evaluated(derivation, Nodes(graph), declared, {})
    return {node: int(point.adjoints[f"i{node}"]) for node in used if f"i{node}" in point.adjoints}
