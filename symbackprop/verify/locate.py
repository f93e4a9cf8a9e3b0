"""Which line of handwritten code is the first that departs: its variables against the quantities their names promise.

A variable called `dW`, `grad_A`, `dL_dw1` must hold an adjoint, `d_A_d_B` a derivative of one node by another, `out_h1` the
node itself.
A value that is right under a wrong name is reported as that, whether the gradients are right or not.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.derive.derivation import Derivation, derive
from symbackprop.verify import names
from symbackprop.verify.algebra import Nodes
from symbackprop.verify.binding import Call, Vocabulary
from symbackprop.verify.derived import DerivationReference
from symbackprop.verify.equality import decide_all
from symbackprop.verify.graph import Graph
from symbackprop.verify.interpret import Scope, evaluate_entry
from symbackprop.verify.recorder import Local, Value
from symbackprop.verify.records import Location
from symbackprop.verify.reference import evaluated, rewired
from symbackprop.verify.samples import Reference, Sample, as_value, conclusive
from symbackprop.verify.sampling import sizes_of
from symbackprop.verify.spectrum import suspicion
from symbackprop.verify.wording import adjoint_text, definition, short


@dataclass(frozen=True, slots=True)
class Promise:
    """What a variable must hold by its name: the array, its name, and a function that words it in full.

    `text` takes the nodes whose adjoints the code holds in variables.
    """

    key: tuple[str, str]
    value: Value
    head: str
    text: Callable[[Collection[str]], str]


@dataclass(frozen=True, slots=True)
class Located:
    """What the variables show: the first wrong line, values under wrong names, variables found right."""

    first: Location | None
    misnamed: tuple[Location, ...]
    right: tuple[tuple[str, int, str], ...]
    suspects: Mapping[int, float] = field(default_factory=dict)


def locate(source: Reference, call: Call, samples: Sequence[Sample], wrong: Sequence[str]) -> Located:
    """Compare the variables of the traced code with the quantities they are named after."""
    traced = [sample for sample in samples if sample.run is not None]
    usable = conclusive(source, traced) or traced
    worlds = [(_Quantities(source, sample), {_key(local): local for local in _locals(sample)}) for sample in usable]
    if not worlds:
        return Located(None, (), ())
    doubt = suspicion(usable[0], wrong) if wrong else {}
    departing: list[Location] = []
    texts: dict[tuple[str, int, str], Callable[[Collection[str]], str]] = {}
    misnamed: list[Location] = []
    stages: set[tuple[str, int]] = set()  # the lines on which a variable that comes out right is begun and filled
    right: list[tuple[str, int, str]] = []
    earlier: set[Value] = set()
    final = {(local.function, local.name): key for key, local in worlds[0][1].items()}
    promised = {key: _sides(key, worlds) for key in worlds[0][1]}
    agreeing = _agreeing(promised)
    for key, local in worlds[0][1].items():
        before, earlier = earlier, {*earlier, local.value}
        if key != final[local.function, local.name]:
            continue  # it is filled or changed further down
        comparable = promised[key]
        if not comparable:
            continue
        known, own, promise = comparable[0]
        if key in agreeing:
            right.append((local.place.filename, local.place.line, promise.head))
            stages |= {(at.place.filename, at.place.line) for k, at in worlds[0][1].items() if k[:2] == key[:2]}
            continue
        other = known.value_of(own.value, promise.key)
        place = (local.place.filename, local.place.line, source_line(local.place.filename, local.place.line))
        if other is not None and promise.key[0] != source.vocabulary.loss:
            if any(at.variable == _last(local.name) for at in misnamed):
                continue  # the same variable again, in another function or object
            misnamed.append(Location(*place, f"holds {other}: a right value under a wrong name", _last(local.name)))
        elif wrong:
            if own.value in before or all(known.graph.operations[node] == "constant" for node in own.value.nodes):
                doubt[place[:2]] = 1.0  # a plain copy, or a constant, has no nodes of its own in the results
            departing.append(Location(*place, promise.head, local.name))
            texts[local.place.filename, local.place.line, local.name] = promise.text
    named = [(filename, line) for filename, line, _ in right] + [(at.filename, at.line) for at in misnamed]
    verified = {*named, *stages} - {(at.filename, at.line) for at in departing}
    suspects = {place: doubt[place] for place in doubt if place not in verified}
    heads = {text for _, _, text in right}
    computed = wrong and all(f"∂{source.vocabulary.loss}/∂{name}" in heads for name in wrong)
    telling = max(suspects.values(), default=0.0) > 1e-9
    if departing or not wrong or (telling and not computed):
        first = _first(departing, suspects)
    else:
        places = "the variables are right; they are returned in the wrong places"
        first = _return_line(call, places if computed else "the results are put together here")
    if first is not None and (first.filename, first.line, first.variable) in texts:
        first = replace(first, text=texts[first.filename, first.line, first.variable](_held(promised, source.vocabulary.loss)))
    return Located(first, tuple(misnamed), tuple(right), {line: share for (_, line), share in suspects.items()})


Sides = list[tuple["_Quantities", Local, Promise]]


def _sides(key: tuple[str, str, int], worlds: Sequence[tuple[_Quantities, Mapping[tuple[str, str, int], Local]]]) -> Sides:
    """Return, at each point, a variable and what its name promises, where both have one shape."""
    sides = [(known, found[key], known.promised(_last(key[1]))) for known, found in worlds if key in found]
    return [(known, own, promise) for known, own, promise in sides if promise and promise.value.shape == own.value.shape]


def _held(promised: Mapping[tuple[str, str, int], Sides], loss: str) -> set[str]:
    """Return the nodes whose adjoints some variable is named after."""
    return {sides[0][2].key[1] for sides in promised.values() if sides and sides[0][2].key[0] == loss}


def _agreeing(promised: Mapping[tuple[str, str, int], Sides]) -> set[tuple[str, str, int]]:
    """Return the variables that are what their names promise: in numbers at every point, and exactly at the first."""
    close = [key for key, sides in promised.items() if sides and all(w.close(own.value, said.value) for w, own, said in sides)]
    found = set(close)
    by_world: dict[int, list[tuple[str, str, int]]] = {}
    for key in close:
        by_world.setdefault(id(promised[key][0][0]), []).append(key)
    for keys in by_world.values():
        known = promised[keys[0]][0][0]
        pairs = [known.pairs(own.value, said.value) for key in keys for _, own, said in promised[key][:1]]
        decisions = decide_all(known.graph, [pair for listed in pairs for pair in listed])
        for key, listed in zip(keys, pairs, strict=True):
            own, decisions = decisions[: len(listed)], decisions[len(listed) :]
            if not all(decision.accepted for decision in own):
                found.discard(key)
    return found


def _return_line(call: Call, said: str) -> Location | None:
    """Return the place where the results are put together, for gradients that were right in their variables."""
    found = [(filename, line, text.strip()) for filename, line, text in code_lines(call) if text.strip().startswith("return")]
    return Location(*found[-1], said) if found else None


def _first(departing: Sequence[Location], suspects: Mapping[tuple[str, int], float]) -> Location | None:
    """Return the most suspected line: the first variable that departs there, else the line itself when it stands out."""
    if not suspects:
        return departing[0] if departing else None
    most = max(suspects.values())
    for location in departing:
        if suspects.get((location.filename, location.line), -1.0) >= most - 1e-9:
            return location
    likely = sorted(place for place, share in suspects.items() if share >= most - 1e-9)
    if departing and most < 1.0 - 1e-9:
        return departing[0]
    if departing:
        filename, line = min(likely, key=lambda place: abs(place[1] - departing[0].line))
    else:  # of the lines that all wrong results pass, the last one; where there are several mistakes, the first
        filename, line = likely[-1] if most > 1.0 - 1e-9 else likely[0]
    return Location(filename, line, source_line(filename, line), "what is wrong depends on this line, what is right does not")


def _key(local: Local) -> tuple[str, str, int]:
    return local.function, local.name, local.place.line


def _last(name: str) -> str:
    return name.rsplit(".", maxsplit=1)[-1]


def _locals(sample: Sample) -> Iterator[Local]:
    """Yield what each variable holds after its line was last run, in the order in which the lines were first run."""
    last: dict[tuple[str, str, int], Local] = {}
    for local in sample.run.locals if sample.run is not None else ():
        last[_key(local)] = local
    yield from last.values()


def source_line(filename: str, line: int) -> str:
    """Return a line of code without its indentation."""
    return linecache.getline(filename, line).strip()


class _Quantities:
    """Everything a variable may be named after, as nodes of the trace's graph; worked out when it is asked for."""

    def __init__(self, source: Reference, sample: Sample) -> None:
        self.source = source
        self.sample = sample
        self.graph: Graph = sample.graph or Graph()
        self.vocabulary: Vocabulary = source.vocabulary
        self.derivation: Derivation | None = source.derivation if isinstance(source, DerivationReference) else None
        self._jacobians: dict[str, Mapping[str, Any]] = {}
        self._equal: dict[tuple[int, int], bool] = {}

    def promised(self, name: str) -> Promise | None:
        """Return what a variable of this name must hold; None when the name says nothing."""
        known, loss = self.vocabulary.all, self.vocabulary.loss
        meaning = names.quotient(name, known, loss)
        if meaning is not None and meaning.top:
            return self._jacobian(meaning.top, meaning.bottom)
        node = meaning.bottom if meaning is not None else None
        if node is None and names.match(name, known) is None:
            node = names.gradient_of(name, known, loss)
        if node is not None:
            return self._adjoint(node)
        forward = names.match(name, self.vocabulary.defined)
        if forward is None or self.sample.symbols is None or forward not in self.sample.symbols.nodes or self.derivation is None:
            return None
        node_entry = self.derivation.network.nodes[forward]
        derivation = self.derivation
        return Promise(
            ("", forward),
            self._wired(self.sample.symbols.nodes[forward]),
            forward,
            lambda held: f"{short(node_entry.entry)} = {definition(derivation, forward)}",
        )

    def _adjoint(self, node: str) -> Promise | None:
        symbols = self.sample.symbols
        if symbols is None or node not in symbols.adjoints:
            return None
        derivation, head = self.derivation, f"∂{self.vocabulary.loss}/∂{node}"
        value = self._wired(symbols.adjoints[node])
        return Promise(
            (self.vocabulary.loss, node),
            value,
            head,
            lambda held: adjoint_text(derivation, node, held) if derivation else head,
        )

    def _jacobian(self, top: str, bottom: str) -> Promise | None:
        if self.derivation is None:
            return None
        array = self._derivatives(top).get(bottom)
        if array is None:
            return None
        head = f"∂{top}/∂{bottom}"
        return Promise((top, bottom), self._wired(array), head, lambda held: f"{head}{self._local_text(top, bottom)}")

    def _local_text(self, top: str, bottom: str) -> str:
        if self.derivation is None or bottom not in self.derivation.adjoints:
            return ""
        found = [c for c in self.derivation.adjoints[bottom].contributions if c.consumer == top]
        written = short(found[0].local) if len(found) == 1 else ""
        return f" = {written}" if written else ""

    def _derivatives(self, top: str) -> Mapping[str, Any]:
        """Return ∂top/∂node: all of them for a scalar, the elementwise ones for a tensor."""
        if top not in self._jacobians:
            self._jacobians[top] = self._scalar(top) if not self._indexed(top) else self._elementwise(top)
        return self._jacobians[top]

    def _indexed(self, name: str) -> bool:
        return self.derivation is not None and bool(self.derivation.network.nodes[name].indices)

    def _declared(self) -> dict[str, Any]:
        symbols = self.sample.symbols
        return {name: symbols.nodes[name] for name in self.sample.point.values if name in symbols.nodes} if symbols else {}

    def _scalar(self, top: str) -> Mapping[str, Any]:
        if self.derivation is None or not self.derivation.network.nodes[top].defined:
            return {}
        network = self.derivation.network
        inner = derive(network, top)
        point = evaluated(inner, Nodes(self.graph), self._declared(), sizes_of(network, self.sample.point.values))
        zero = self.graph.constant(0)
        scalars = {node.name: zero for node in network.nodes.values() if not node.indices}
        return {**scalars, **{name: point.adjoints[name] for name in inner.adjoints}}

    def _elementwise(self, top: str) -> Mapping[str, Any]:
        if self.derivation is None or self.sample.symbols is None:
            return {}
        network = self.derivation.network
        found: dict[str, Any] = {}
        scope = Scope(Nodes(self.graph), self.sample.symbols.nodes, sizes_of(network, self.sample.point.values))
        for name, adjoint in self.derivation.adjoints.items():
            uses = [c for c in adjoint.contributions if c.consumer == top]
            if len(uses) == 1 and not uses[0].summed and uses[0].consumer_indices == adjoint.indices:
                found[name] = evaluate_entry(uses[0].local, adjoint.indices, scope)
        return found

    def _wired(self, nodes: Any) -> Value:
        value = as_value(nodes)
        return Value(value.shape, tuple(rewired(self.graph, value.nodes, self.sample.replacements)))

    def close(self, left: Value, right: Value) -> bool:
        """Whether two arrays have the same numbers at this point."""
        if left.shape != right.shape:
            return False
        return np.allclose(left.values(self.graph), right.values(self.graph), rtol=1e-8, atol=1e-11, equal_nan=True)

    def pairs(self, left: Value, right: Value) -> list[tuple[int, int]]:
        """Return the elements of two arrays side by side, with the facts put in."""
        return list(zip(rewired(self.graph, left.nodes, self.sample.replacements), right.nodes, strict=True))

    def equal(self, left: Value, right: Value) -> bool:
        """Whether two arrays are the same functions of the inputs."""
        return self.close(left, right) and all(d.accepted for d in decide_all(self.graph, self.pairs(left, right)))

    def value_of(self, value: Value, promised: tuple[str, str]) -> str | None:
        """Return the name of another derivative that a variable holds; the nearest to its name first."""
        if self.derivation is None or value.shape:
            return None  # for arrays a coincidence of shapes and zeros is too easily found
        network = self.derivation.network
        tops = [node.name for node in network.nodes.values() if node.defined and not node.indices]
        top, bottom = promised
        candidates = [(other, bottom) for other in tops if other != top] if bottom else []
        candidates += [
            (top, node.name) for node in network.nodes.values() if top in tops and node.name != bottom and not node.indices
        ]
        for a, b in candidates:
            array = self._derivatives(a).get(b)
            wired = self._wired(array) if array is not None else None
            if wired is not None and not _trivial(self.graph, wired) and self.equal(value, wired):
                return f"∂{a}/∂{b}"
        return None


def _trivial(graph: Graph, value: Value) -> bool:
    return all(graph.operations[node] == "constant" for node in value.nodes)


def code_lines(call: Call) -> tuple[tuple[str, int, str], ...]:
    """Return the file's lines of the checked function, with their numbers."""
    function = getattr(call.function, "__func__", call.function)
    try:
        lines, start = inspect.getsourcelines(function)
        filename = inspect.getsourcefile(function) or ""
    except (OSError, TypeError):
        return ()
    return tuple((filename, start + k, line.rstrip("\n")) for k, line in enumerate(lines))
