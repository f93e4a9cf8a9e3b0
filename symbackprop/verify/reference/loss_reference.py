"""A handwritten loss function as the reference of a check: traced, and its graph differentiated by one pass
backwards, which knows nothing of how a network is derived."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.errors import SymbackpropError, UserError, nearest
from symbackprop.trace.graph.evaluate import evaluate, reachable
from symbackprop.trace.graph.graph import Condition, Graph, InputName, Place, sides_of
from symbackprop.trace.graph.points import boundary
from symbackprop.trace.graph.reverse import gradients
from symbackprop.trace.run.nested import mapped, shared_arrays, walk
from symbackprop.trace.run.recorder import TracedValues
from symbackprop.trace.run.trace import CodeFails, Trace, trace
from symbackprop.verify.binding.arguments import bind_call
from symbackprop.verify.binding.binding import (
    HandCall,
    Structure,
    Vocabulary,
    loss_path,
    make_arguments,
    names_in,
    numeric,
    restricted,
    run,
    varied,
)
from symbackprop.verify.binding.name_matching import INPUTS, RATES, TARGETS
from symbackprop.verify.binding.returns import forgotten, nothing_returned
from symbackprop.verify.binding.source_tree import plain_function
from symbackprop.verify.reference.class_numbers import redrawn, single_labels
from symbackprop.verify.reference.domains import (
    INTERVALS,
    UNIT,
    Domain,
    Interval,
    domain_of,
    draw,
    random_numbers,
    sign_of,
    with_signs,
)
from symbackprop.verify.reference.facts import Solved, lines_sum_to_one, replacements, satisfy
from symbackprop.verify.reference.network_values import Evaluated
from symbackprop.verify.reference.protocol import Point
from symbackprop.verify.reference.shapes import (
    Dimension,
    Shift,
    Size,
    choices,
    free_sizes,
    label,
    larger,
    resized,
    shifted,
    shifts_of,
)

ONE_ROW = "the code takes a batch of 1 only, so the verdicts are for that"
SOME_SIZES = "the code does not take other sizes of all arrays, as the loss does; the verdicts are for the sizes that are named"
WIDER = 3
"""The batch at which code is tried whose example is a batch of 1."""


@dataclass(frozen=True)
class LossReference:
    """A loss function with example values; `wrt` are the names whose gradients are meant, `stated` whether the caller said so.

    `attributes` are values of the loss's own object, which move only where asked for; `whole` are numbers that
    must be integers for the loss to run; `kept` are targets that keep to a domain.
    """

    call: HandCall
    values: Mapping[str, Any]
    wrt: tuple[str, ...]
    structures: Mapping[str, Structure]
    stated: bool = False
    attributes: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    kept: Mapping[str, Domain] = field(default_factory=dict)
    sizes: tuple[Size, ...] = ()
    shifts: tuple[Shift, ...] = ()
    _known: dict[int, tuple[Mapping[str, Any], Evaluated]] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def title(self) -> str:
        """The function's name."""
        return str(getattr(self.call.function, "__qualname__", "loss"))

    @property
    def vocabulary(self) -> Vocabulary:
        """The parameters are what is differentiated; everything else is an input, or a target by its name."""
        others = [name for name in self.values if name not in self.wrt]
        targets = tuple(name for name in others if name.lower() in TARGETS)
        inputs = tuple(name for name in others if name not in targets)
        return Vocabulary(self.wrt, inputs, targets, (), (), str(getattr(self.call.function, "__name__", "loss")))

    @property
    def fixed(self) -> frozenset[str]:
        """Whole numbers, and targets that keep to a few values, stay plain numbers."""
        return self.whole | {name for name, domain in self.kept.items() if domain.levels}

    @property
    def domains(self) -> Mapping[str, Domain]:
        """The domains that the example shows of what no gradient is asked for, and what is no input by its name."""
        free = (n for n in self.values if n not in self.wrt and n.lower() not in INPUTS and self._varies(n))
        shown = {name: domain for name in free if (domain := domain_of(self.values[name])) is not None}
        return {name: domain for name, domain in shown.items() if name not in self.signs}

    @property
    def signs(self) -> Mapping[str, Domain]:
        """The single numbers that are positive in the example and no gradient is asked for, nor input or target by their names.

        A number T is a temperature, an array T holds targets.
        """
        free = (n for n in self.values if n not in self.wrt and n.lower() not in INPUTS and n not in TARGETS and self._varies(n))
        return {name: sign for name in free if (sign := sign_of(self.values[name])) is not None}

    def keeping(self, kept: Mapping[str, Domain]) -> LossReference:
        """Return the reference at points where targets keep to domains."""
        return replace(self, kept=dict(kept))

    def asked(self, names: Collection[str]) -> LossReference:
        """Return the reference for the gradients that code gives: they are meant, if the caller did not say which are."""
        self._refuse_what_is_no_argument(names)
        wrt = self.wrt if self.stated else tuple(name for name in self.values if name in names)
        moving = {*wrt, *names}
        kept = {n: v for n, v in self.values.items() if n not in self.attributes or n in moving}
        values = {name: _real(value) if name in moving and name not in self.whole else value for name, value in kept.items()}
        whole = self.whole & values.keys()
        return _with_sizes(replace(self, call=restricted(self.call, values), values=values, wrt=wrt, whole=whole))

    def _refuse_what_is_no_argument(self, names: Collection[str]) -> None:
        """Raise UserError for what the loss is not given, so that its slope by it would be 0 whatever it does with a global."""
        free = [name for name in names if name in self.values and name not in self.call.uses]
        if free:
            given = ", ".join([*(name for name in self.call.arguments), *free])
            title = str(getattr(self.call.function, "__name__", "loss"))
            raise UserError(
                f"check: {title} has no argument {free[0]}, so nothing follows it when {free[0]} changes; "
                f"write `def {title}({given})`, the gradient alike"
            )

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

    def _shifted(self) -> dict[str, Any]:
        """Return values at which all extents are other ones, those too that follow from others; nothing where none follow."""
        if not self.shifts:
            return {}
        several = [shift for count, shift in enumerate(self.shifts, start=1) for _ in range(count)]
        starts = [resized(self.values, choice) for choice in choices(self.sizes)[:1]]
        found = (shifted(start, moved) for start in (*starts, self.values) for moved in (several, self.shifts))
        return next((values for values in found if accepts(self.call, values) and not Point(values, "").large), {})

    def start(self, seed: int) -> Point:
        """Return the example."""
        return Point(dict(self.values), label(self.values, self.sizes), example=True)

    def points(self, seed: int) -> list[Point]:
        """Return the example and two random points: at prime and square sizes where the loss takes them, else at its shapes.

        An example that is too large to be traced is left out when smaller sizes can stand for it.
        """
        rng = np.random.default_rng(seed)
        example = self.start(seed)
        others = [shaped for shaped in self._other_shapes() if not Point(shaped, "").large]
        if example.large and others:
            return [self._random(shaped, rng) for shaped in others]
        shapes = [*others, self.values, self.values][:2]
        shapes += [self.values] * 2 if self.kept else []
        more = [*self._optional(rng)]
        labelled = single_labels(self.values, self.whole, lambda values: accepts(self.call, values))
        more += [Point(values, label(values, self.sizes)) for values in labelled]
        return [example, *(self._random(shaped, rng) for shaped in shapes), *more]

    def _optional(self, rng: np.random.Generator) -> Iterator[Point]:
        """Yield points that code need not take: of a larger batch, and of other sizes of all arrays."""
        for shaped, said in ((self._wider(), ONE_ROW), (self._shifted(), SOME_SIZES)):
            if shaped:
                yield replace(self._random(shaped, rng), optional=said)

    def _wider(self) -> dict[str, Any]:
        """Return values with a larger batch where the example has a batch of 1; nothing where the loss does not run with them."""
        batch = self._single_rows()
        if not batch or Point(self.values, "").large:
            return {}
        shaped = resized(self.values, {batch: WIDER})
        return shaped if accepts(self.call, shaped) else {}

    def _single_rows(self) -> frozenset[Dimension]:
        """Return the axes of data that hold one sample; a row of one beside several rows of as many columns holds them all."""
        names = (name for name in self.call.uses if name not in self.wrt and numeric(self.values.get(name)))
        data = {name: np.shape(self.values[name]) for name in names}
        columns = {shape[-1] for shape in data.values() if len(shape) > 1 and shape[0] > 1}
        return frozenset(Dimension(name, 0) for name, shape in data.items() if shape[:1] == (1,) and shape[-1] not in columns)

    def another(self, point: Point, seed: int) -> Point:
        """Return a random point of the sizes of another."""
        return self._random(point.values, np.random.default_rng(seed))

    def _random(self, shaped: Mapping[str, Any], rng: np.random.Generator) -> Point:
        """Return a random point of given shapes at which the loss and the gradients are finite, if there is one."""
        shaped = redrawn(shaped, self.whole, rng, lambda values: accepts(self.call, values))
        for interval in (None, None, *INTERVALS):
            values = {name: self._moved(name, value, rng, interval) for name, value in shaped.items()}
            found = self.numbers(values)
            if all(np.all(np.isfinite(array)) for array in (found.loss, *found.adjoints.values())):
                break
        return Point(values, label(values, self.sizes))

    def between(self, point: Point, seed: int) -> Point:
        """Return a point of the sizes of another with all numbers between 0 and 1, as probabilities are."""
        rng = np.random.default_rng(seed)
        values = {name: self._moved(name, value, rng, UNIT) for name, value in point.values.items()}
        return Point(values, label(values, self.sizes))

    def _varies(self, name: str) -> bool:
        return numeric(self.values[name]) and name not in self.whole

    def _moved(self, name: str, value: Any, rng: np.random.Generator, interval: Interval | None) -> Any:
        if not self._varies(name):
            return value
        shape, domain = np.shape(value), self.kept.get(name)
        typed = np.asarray(value).dtype if np.asarray(value).dtype.kind == "f" or (domain and domain.levels) else float
        drawn = np.asarray(random_numbers(shape, rng, interval) if domain is None else draw(domain, shape, rng), dtype=typed)
        return drawn if isinstance(value, np.ndarray) else drawn.item()

    def respecting(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values whose rows sum to 1, and whose signs are kept, where the kept domains say so."""
        satisfy(values, self._equations(values))
        return with_signs(values, self.kept)

    def lines(self) -> frozenset[tuple[str, int]]:
        """Return the lines that the value of the loss comes through, at the example."""
        graph = Graph()
        run, loss = self._traced(self.values, graph, variables=True)
        own = set(reachable(graph, [loss]))
        made = {graph.places[node] for node in own} - {None}
        # A function that makes no number of the loss only passes some on, as a backward pass does with what it unpacks.
        makes = {at.function for at in run.locals if at.place in made}
        numbers = {node for node in own if graph.arguments[node]}
        held = {at.place for at in run.locals if at.function in makes and not numbers.isdisjoint(at.value.nodes)}
        return _lines_of(made | held)

    def _equations(self, values: Mapping[str, Any]) -> list[Solved]:
        shares = {name: domain.axis for name, domain in self.kept.items() if domain.shares and not domain.levels}
        return [equation for name, axis in shares.items() for equation in lines_sum_to_one(name, np.shape(values[name]), axis)]

    def numbers(self, values: Mapping[str, Any]) -> Evaluated:
        """Return the gradients in float64."""
        known = self._known.get(id(values))
        if known is not None and known[0] is values:
            return known[1]
        graph = Graph()
        symbols = self.symbols(values, graph)
        adjoints = {
            name: TracedValues(np.shape(a), tuple(np.reshape(a, -1))).values(graph)[()] for name, a in symbols.adjoints.items()
        }
        own = {name: value for name, value in values.items() if numeric(value)}
        point = Evaluated(own, adjoints, graph.values[symbols.loss])
        self._known[id(values)] = (values, point)
        return point

    def symbols(self, values: Mapping[str, Any], graph: Graph) -> Evaluated:
        """Trace the loss, and differentiate what was traced."""
        _, loss = self._traced(values, graph)
        inputs = {name: node for name, node in graph.inputs.items() if name.name in self.values}
        found = gradients(graph, loss)
        arrays: dict[str, Any] = {}
        adjoints: dict[str, Any] = {}
        for name, value in values.items():
            if name in self.fixed or not numeric(value):
                continue
            zero = graph.constant(0)
            arrays[name] = _filled(value, {key.index: node for key, node in inputs.items() if key.name == name}, zero)
            adjoints[name] = _filled(
                value, {key.index: found.get(node, zero) for key, node in inputs.items() if key.name == name}, zero
            )
        return Evaluated(arrays, adjoints, loss)

    def _traced(self, values: Mapping[str, Any], graph: Graph, *, variables: bool = False) -> tuple[Trace, int]:
        """Return a trace of the loss, with what its `variables` hold, and the node of its value."""
        function, arguments = make_arguments(self.call, values)
        names, moving = self.call.inputs(values), varied(self.call, self.fixed, values)
        try:
            run = trace(
                function,
                arguments,
                graph=graph,
                rename=names,
                varied=moving,
                check=False,
                habits=self.call.habits,
                variables=variables,
            )
        except CodeFails as problem:
            raise CodeFails("; ".join([str(problem), *(f.note for f in forgotten(self.call.function))])) from None
        if run.returned is None and not run.results:
            raise UserError(f"{nothing_returned(self.call.function)} (expected the loss)")
        return run, _scalar_result(self.title, run.results)

    def ignored(self, values: Mapping[str, Any]) -> frozenset[str]:
        """Return the arrays that the loss uses in part only, as a loop of fixed length does.

        To be compared is a use, except for what comes out as others do that the loss is made of, and is dropped: the `max` over
        the rows of a softmax, and the relu before it, compare those too that no label picks. What a relu blocks is used at other
        numbers.
        """
        runs = [self._used(values)]
        if runs[0].unused(runs):
            rng = np.random.default_rng(0)
            draws = ({name: self._moved(name, value, rng, span) for name, value in values.items()} for span in (UNIT, None, None))
            runs += map(self._used, draws)  # between 0 and 1 no relu blocks a thing
        return frozenset(key.name for key in set.intersection(*(run.unused(runs) for run in runs)))

    def _used(self, values: Mapping[str, Any]) -> _Used:
        graph = Graph()
        run, loss = self._traced(values, graph)
        return _Used(graph, tuple(run.conditions), frozenset(reachable(graph, [loss])))

    def replacements(self, values: Mapping[str, Any], graph: Graph) -> dict[int, int]:
        """Return input node → node for rows that sum to 1."""
        return replacements(graph, self._equations(values))

    def is_random(self, values: Mapping[str, Any]) -> bool:
        """Whether the loss comes out otherwise when it draws other random numbers."""
        try:
            drawn = [list(run(self.call, values, seed=seed).returned.values())[:1] for seed in (0, 1)]
        except Exception:  # whatever the loss raises is said when it is traced
            return False
        return not all(np.array_equal(left, right) for left, right in zip(*drawn, strict=True))

    def kinks(self, values: Mapping[str, Any]) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the comparisons in the loss that were decided by a tie, where it matters how they are decided.

        It does not where the gradients have one value, whatever the side: `s - s.max()` of equal scores, before a softmax.
        """
        graph = Graph()
        run, _ = self._traced(values, graph)
        ties: tuple[Condition, ...] = boundary(graph, run.conditions)
        found = []
        for tie in ties:
            names = {graph.payloads[node].name for node in reachable(graph, tie.sides)  # type: ignore[union-attr]
                     if graph.operations[node] == "input"}  # fmt: skip
            if names & set(self.wrt):
                found.append((f"a comparison at {tie.place} is a tie", frozenset(names)))
        return () if found and self._is_smooth(values) else tuple(found)

    def _is_smooth(self, values: Mapping[str, Any]) -> bool:
        """Whether the gradients have one value at a point, by the formulas of all sides of it."""
        own = self._slopes(values, values)
        sides = (self._slopes(self._beside(values, seed), values) for seed in range(SIDES))
        return bool(np.all(np.isfinite(own))) and all(np.allclose(side, own, rtol=SAME, atol=SAME) for side in sides)

    def _beside(self, values: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Return values beside some, moved in what is asked for: in a random direction, then in the opposite one."""
        rng, way = np.random.default_rng(seed // 2), 1 - 2 * (seed % 2)
        beside = dict(values)
        for name in filter(self._varies, self.wrt):
            old = np.asarray(values[name], dtype=float)
            moved = old + way * BESIDE * rng.uniform(-1, 1, old.shape) * (1 + np.abs(old))
            beside[name] = moved if isinstance(values[name], np.ndarray) else moved.item()
        return beside

    def _slopes(self, side: Mapping[str, Any], values: Mapping[str, Any]) -> list[float]:
        """Return what the formulas that the gradients have on one side come to at some values."""
        graph = Graph()
        adjoints = self.symbols(side, graph).adjoints
        nodes = [int(node) for name in self.wrt if name in adjoints for node in np.ravel(adjoints[name])]
        point = {key: float(np.asarray(values[key.name])[key.index]) for key in graph.inputs if key.name in values}
        return [float(value) for value in evaluate(graph, nodes, point)]


SIDES = 6
"""Directions in which a loss is looked at beside values that decide a comparison by a tie."""
BESIDE = 1e-6
"""How far, relative to the values."""
SAME = 1e-9
"""What slopes may differ by that have one value."""


def loss_reference(loss: Callable[..., Any], example: Mapping[str, Any] | None, wrt: Sequence[str] | str | None) -> LossReference:
    """Make a reference of a handwritten loss.

    Args:
        example: a value for every argument of the loss and of the gradient code; dictionaries and lists of arrays are taken
            apart.
        wrt: what is differentiated; by default what the code that is checked gives gradients of.

    Raises:
        UserError: an argument has no example value, or `wrt` names nothing.
    """
    values: dict[str, Any] = {}
    structures = {name: _structure(name, value, values) for name, value in _of_the_loss(loss, example or {}).items()}
    own = {name: value for name, value in _members(loss) if name not in values}
    values |= own
    call = _call_of(loss, structures, values)
    stated = _stated(wrt, structures, values)
    whole = frozenset(name for name in values if _must_be_whole(call, values, name))
    ready = {name: _real(value) if name in stated else value for name, value in values.items()}
    reference = LossReference(call, ready, tuple(stated), structures, wrt is not None, frozenset(own), whole)
    return reference if stated else replace(reference, wrt=_likely(reference))


def _members(loss: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield the numbers that the object of a method holds, by path; an array that it holds several times by the shortest."""
    owner = getattr(loss, "__self__", None)
    if owner is None:
        return iter(())
    same = shared_arrays(owner)
    return ((name, value) for name, value in walk(owner) if numeric(value) and same.get(name, (name,))[0] == name)


def _call_of(loss: Callable[..., Any], structures: Mapping[str, Structure], values: Mapping[str, Any]) -> HandCall:
    """Return how the loss is called. Raises UserError naming the argument without a value."""
    title = getattr(loss, "__qualname__", repr(loss))
    vocabulary = Vocabulary(tuple(values), (), (), (), (), str(getattr(loss, "__name__", "loss")))
    try:
        return bind_call(loss, vocabulary, structures, values)
    except UserError as problem:
        lacking = [name for name in inspect.signature(loss).parameters if name not in structures]
        said = f"the example has no value for the argument {lacking[0]} of {title}" if lacking else f"{title}: {problem}"
        raise UserError(f"check: {said}; it has {', '.join(structures) or 'none'}") from None


def _of_the_loss(loss: Callable[..., Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the example without a learning rate, which belongs to the step alone, unless the loss takes it.

    A rate is a number: an array of such a name, the `alpha` of a PReLU, is none.
    """
    takes = plain_function(loss)
    parameters = inspect.signature(takes).parameters if takes is not None else ()
    return {name: value for name, value in example.items() if name.lower() not in RATES or name in parameters or np.ndim(value)}


def _stated(wrt: Sequence[str] | str | None, structures: Mapping[str, Structure], values: Mapping[str, Any]) -> list[str]:
    """Return the names that `wrt` means, those inside a structure for its own. Raises UserError for one without a value."""
    asked = [wrt] if isinstance(wrt, str) else wrt or ()
    stated = [node for name in asked for node in names_in(structures.get(name, name))]
    for name in stated:
        if name not in values:
            raise UserError(
                f"check: wrt: {name} has no value in the example; values: {', '.join(values)}.{nearest(name, values)}"
            )
    return stated


def _must_be_whole(call: HandCall, values: Mapping[str, Any], name: str) -> bool:
    """Whether the loss runs with integers in the place of a name only: an index, a count, class numbers."""
    value = values[name]
    return numeric(value) and np.asarray(value).dtype.kind in "iu" and not accepts(call, {**values, name: np.add(value, 0.37)})


def _likely(reference: LossReference) -> tuple[str, ...]:
    """Return what the gradients of a tuple may be meant for, where nobody said it: what is no input or target by its name."""
    able = [name for name in reference.call.uses if name in reference.values and reference._varies(name)]
    return tuple(name for name in able if name.lower() not in INPUTS | TARGETS) or tuple(able)


@dataclass(frozen=True, slots=True)
class _Used:
    """What a loss is made of at some values: its nodes, and what it compares on the way."""

    graph: Graph
    conditions: tuple[Condition, ...]
    own: frozenset[int]

    def unused(self, runs: Sequence[_Used]) -> set[InputName]:
        """Return the elements that nothing comes of; what is compared and dropped here may be kept in other runs."""
        kept = {(at.place, at.outcome) for run in runs for at in run.conditions if run.own & set(at.sides)}
        idle = [at for at in self.conditions if (at.place, at.outcome) in kept and not self.own & set(at.sides)]
        dropped = set(reachable(self.graph, sides_of(idle))) - self.own
        used = {*self.own, *reachable(self.graph, sides_of(self.conditions))} - dropped
        return {key for key, node in self.graph.inputs.items() if node not in used}


def _with_sizes(reference: LossReference) -> LossReference:
    """Find the sizes that may vary: the loss runs there, and uses every array as wholly as it does in the example."""
    call, values = reference.call, reference.values
    names = [name for name in call.uses if numeric(values.get(name)) and np.ndim(values[name])]
    large = Point(values, "").large
    known = frozenset() if large else reference.ignored(values)

    def uses(shaped: dict[str, Any]) -> bool:
        """Whether the loss takes all of the arrays there: `p[arange(len(y)), y]` runs for a longer p, but leaves its rest out."""
        return large or not reference.ignored(shaped) - known

    sizes = free_sizes(values, names, lambda shaped: accepts(call, shaped), uses)

    def whole(size: Size) -> bool:
        """Whether the loss uses all of the arrays that are made larger: a loop over `range(3)` does not."""
        grown, own = [*larger(values, sizes, size)], {dimension.name for dimension in size}
        return not grown or any(accepts(call, shaped) and not (reference.ignored(shaped) - known) & own for shaped in grown)

    sizes = tuple(size for size in sizes if whole(size))
    shifts = () if large else shifts_of(values, names, sizes, lambda shaped: accepts(call, shaped), uses)
    return replace(reference, sizes=sizes, shifts=shifts)


def accepts(call: HandCall, values: Mapping[str, Any]) -> bool:
    """Whether a loss runs at given values and returns one number; the mean of nothing, where a window does not fit, is none."""
    try:
        outcome = run(call, values)
    except Exception:  # whatever the code raises: it does not take these shapes
        return False
    path = loss_path({path: int(np.size(leaf)) for path, leaf in outcome.returned.items() if numeric(leaf)})
    return path is not None and (bool(np.all(np.isfinite(outcome.returned[path]))) or _is_followed(call, values))


def _is_followed(call: HandCall, values: Mapping[str, Any]) -> bool:
    """Whether a trace follows a loss at given values."""
    function, arguments = make_arguments(call, values)
    try:
        trace(function, arguments, graph=Graph(), check=False, habits=call.habits)
    except SymbackpropError:
        return False
    return True


def _structure(name: str, value: Any, values: dict[str, Any]) -> Structure:
    """Name the arrays inside an example value; `{"W1": …}` under `params` gives the name W1 (params.W1 where that is taken)."""

    def named(path: str, member: Any) -> str:
        key = path.rpartition(".")[2]
        own = path if key.isdigit() or key in values else key
        values[own] = np.asarray(member) if isinstance(member, list) else member
        return own

    return mapped(named, value, name, _is_array_of_numbers)


def _is_array_of_numbers(value: Any) -> bool:
    """Whether a value is a list of numbers, to be taken as one array."""
    return isinstance(value, list | tuple) and not any(isinstance(member, np.ndarray | list | tuple | dict) for member in value)


def _is_real(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")


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


def _scalar_result(title: str, results: Mapping[str, TracedValues]) -> int:
    path = loss_path({path: len(value.nodes) for path, value in results.items()})
    if path is None:
        listed = ", ".join(f"{path or 'the result'} {value.shape}" for path, value in results.items()) or "nothing"
        raise UserError(f"{title}: expected a loss that is one number, got {listed}")
    return results[path].nodes[0]


def _lines_of(places: Iterable[Place | None]) -> frozenset[tuple[str, int]]:
    return frozenset((place.filename, place.line) for place in places if place is not None)
