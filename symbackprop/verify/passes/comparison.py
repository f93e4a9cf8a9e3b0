"""The loss Σ forward·dout and the handwritten gradients of it, as two functions of all arrays by name.

They stand in no file of this package, so that a trace takes them for code of the user's and follows them into the layer. Where
the roles of arguments and results are not certain, the likeliest plan counts, or another under which all gradients agree with
differences: a guess of ours accuses nobody.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from symbackprop.errors import UserError
from symbackprop.files import short_name
from symbackprop.guest.visit import described, visit
from symbackprop.trace.run.nested import mapped, put, shared_arrays, walk
from symbackprop.verify.binding.binding import numeric, return_names
from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.binding.results import leaf_at, steps_alike
from symbackprop.verify.binding.returns import nothing_returned
from symbackprop.verify.binding.source_tree import plain_function
from symbackprop.verify.binding.tables import is_table
from symbackprop.verify.passes.outputs import Output, as_one_array, caches_of, kept_outputs, output_at, outputs_of
from symbackprop.verify.passes.passes import (
    Passes,
    call_with,
    is_function,
    method_of,
    name_of,
    outside,
    own_copy,
    parameters_of,
    passes_of,
    required,
    with_shared_defaults,
)
from symbackprop.verify.passes.places import RunPlaces, is_memory, places_of, readings
from symbackprop.verify.passes.plans import ArgumentPlan, plans, upstream_of

STEP = 1e-6
TOLERANCE = 1e-4
"""Of a difference quotient in float64, relative to its size."""
COARSE, COARSELY = 1e-2, 1e-2
"""The same where the code rounds to float32."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `check_gradient` compares: a loss, the gradients, example values, and what they are gradients of.

    `unbound` are the variables of results that are gradients of nothing that is known; `unfit` are the shapes of results that
    have the names of gradients, and another shape than what they are gradients of.
    `missing` are the parameters that the output depends on and that have no gradient; `upstream` the upstream gradients, of which
    nothing says what they are slopes of, each with the argument of backward that it is; `conditions` what has to hold for a
    name's verdict; `undecided` why nothing is said of a name. `arguments` is what object and forward pass were made with, by
    name; `stepped` are the names that the code moves itself, `memory()` those whose steps depend on earlier ones; `inferred`
    is the loss that was found out (and its factor) where the code states none, `convention` what gradients are of beside it.
    `backward` is the user's own function or method, whose lines a report shows; it may give a `jacobian`.
    """

    loss: Callable[..., Any]
    hand: Callable[..., Any]
    example: Mapping[str, Any]
    wrt: tuple[str, ...]
    titles: tuple[str, str, str]
    remarks: tuple[str, ...] = ()
    unbound: tuple[str, ...] = ()
    unfit: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    upstream: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    undecided: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    inferred: Any = None
    convention: Any = None
    stepped: frozenset[str] = frozenset()
    memory: Callable[[], tuple[str, ...]] = tuple
    backward: Any = None
    jacobian: bool = False


def comparison(passes: Passes, seed: int = 0) -> Comparison:
    """Return the comparison that a forward and a backward pass stand for.

    Raises UserError when one of them fails, or no gradients are found.
    """
    passes = with_shared_defaults(passes)
    outputs, caches = _output(passes, name_of(passes.of(passes.owner)[0]))
    first, problem = _likeliest(passes, outputs, caches, seed)
    if first is not None:
        return first
    title = name_of(passes.of(passes.owner)[1])
    raise UserError(f"check_layer: {problem or f'{title}: no gradients found: none is returned or left beside a parameter'}")


def of_what_is_kept(passes: Passes, seed: int = 0) -> Iterator[Comparison]:
    """Yield the comparisons whose upstream gradient is that of what forward keeps, as its name says: `dZ` of `self.Z`."""
    owner, given = own_copy(passes.owner), own_copy(dict(passes.given))
    asked = required(passes.of(passes.owner)[1])
    outputs, caches = _output(passes, name_of(passes.of(passes.owner)[0]))
    if owner is None or len(outputs) != 1 or not asked:
        return
    returned = visit(lambda: call_with(passes.of(owner)[0], given), habits=None).returned
    for output in kept_outputs(owner, outputs[0], asked, returned):
        found, _ = _likeliest(passes, (output,), caches, seed)
        if found is not None:
            yield found


def _likeliest(passes: Passes, outputs: Sequence[Output], caches: Mapping[str, str], seed: int) -> tuple[Comparison | None, str]:
    """Return the comparison under the plan with which it agrees, else the likeliest, and what the code said first."""
    backward = passes.of(passes.owner)[1]
    problem = ""
    first: Comparison | None = None
    for plan in plans(passes, outputs, caches):
        try:
            found = _planned(passes, outputs, plan, seed)
        except Exception as error:  # whatever the code raises: it is not meant to be called so
            problem = problem or f"{name_of(backward)} fails: {described(error)}"
            continue
        right = _right_reading(found, first)
        if right is not None:
            return right, ""
        if found and plan.doubtful:
            problem = problem or f"cannot tell what {name_of(backward)} is given as {', '.join(plan.doubtful)}"
        elif found:
            first = first or found[0]
    return first, problem


def _right_reading(found: Sequence[Comparison], first: Comparison | None) -> Comparison | None:
    """Return the first comparison that agrees and leaves out nothing that an earlier one has."""
    known = set(first.wrt) if first is not None else set()
    return next((candidate for candidate in found if known <= set(candidate.wrt) and agrees(candidate)), None)


def _times(returned: Any, upstream: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    """Return gradients of a loss as those of a multiple of it: several of them each by itself."""
    if isinstance(returned, tuple | list) and np.size(upstream) == 1:
        return [part * np.ravel(upstream)[0] for part in returned]
    return returned * upstream


def _jacobian_times(returned: Any, upstream: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    """Return Σ_i dout_i · ∂out_i/∂z_j of a Jacobian with a row for each i, in the shape of z."""
    return np.reshape(np.reshape(upstream, (-1,)) @ np.reshape(returned, (np.size(upstream), -1)), shapes[0])


def _turned_jacobian_times(returned: Any, upstream: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    """Return the same of a Jacobian with a column for each i."""
    return np.reshape(returned @ np.reshape(upstream, (-1,)), shapes[0])


ELEMENTWISE, BY_ROWS, BY_COLUMNS = "", "[i, j] = ∂out_i/∂{}_j", "[j, i] = ∂out_i/∂{}_j"
"""How slopes may be laid out: each beside its element, or as a Jacobian."""
TIMES: Mapping[str, Callable[[Any, Any, Sequence[tuple[int, ...]]], Any]] = {
    ELEMENTWISE: _times,
    BY_ROWS: _jacobian_times,
    BY_COLUMNS: _turned_jacobian_times,
}


def _output(passes: Passes, title: str) -> tuple[tuple[Output, ...], dict[str, str]]:
    """Run the forward pass; return its outputs and caches. Raises UserError when it fails."""
    owner, given = own_copy(passes.owner), own_copy(dict(passes.given))
    before = numbers_in(owner)
    forward = passes.of(owner)[0]
    try:
        returned = visit(lambda: call_with(forward, given), habits=None).returned
    except Exception as error:
        raise UserError(f"check_layer: {title} fails on these inputs: {described(error)}") from error
    outputs = outputs_of(passes, returned, before, owner)
    if not outputs:
        said = nothing_returned(forward) if returned is None else f"{title}: expected an array, got {type(returned).__name__}"
        raise UserError(f"check_layer: {said}")
    return outputs, caches_of(returned, outputs, return_names(forward))


def numbers_in(owner: Any) -> dict[str, Any]:
    """Return copies of the numbers in an object by path."""
    return {path: np.copy(leaf) for path, leaf in walk(owner) if numeric(leaf)}


def _planned(passes: Passes, outputs: Sequence[Output], plan: ArgumentPlan, seed: int) -> list[Comparison]:
    """Return the comparisons that a plan stands for, none when no gradients are found. Raises what the code raises."""
    owner, given = own_copy(passes.owner), own_copy(dict(passes.given))
    before = numbers_in({"given": given, "self": owner})
    upstream = upstream_of(plan, outputs, np.random.default_rng(seed))
    returned = visit(lambda: both(passes, plan, owner, given, upstream), habits=None).returned
    places = places_of(passes, before, numbers_in({"given": given, "self": owner}), returned, shared_arrays(passes.owner, "self"))
    places = _without_buffers(passes, places, before, outputs)
    if not places.gradients:
        return []
    memory = partial(_remembering, passes, plan, places, upstream)
    left = dict(walk({"return": returned, "self": owner}))
    compared = partial(_compared, passes, outputs, plan)
    layouts = _jacobian_layouts(passes, outputs, plan, places, returned)
    return [compared(places, before, left, seed, layout=layout) for layout in layouts] + [
        replace(compared(reading, before, left, seed, over), stepped=places.stepped, memory=memory)
        for reading in readings(places, left, shared_arrays(passes.owner, "self"))
        for over in (OVER_SAMPLES if _are_losses(passes, outputs, plan) else ("",))
    ]


def _jacobian_layouts(
    passes: Passes, outputs: Sequence[Output], plan: ArgumentPlan, places: RunPlaces, returned: Any
) -> list[str]:
    """Return how a slope of one argument may be laid out as a Jacobian: a matrix of the numbers of output and argument."""
    asked = [places.values[name] for name in places.gradients]
    shapes = [np.shape(leaf) for path, leaf in walk({"given": passes.given}) if path in asked]
    got, counts = getattr(returned, "shape", ()), [len(shapes), len(asked), len(outputs)]
    if plan.upstream or passes.one or counts != [1, 1, 1] or got in shapes:
        return []
    if outputs[0].shape:
        return _layouts(got, math.prod(outputs[0].shape), math.prod(shapes[0]))
    return [BY_ROWS] * (_is_row(got, math.prod(shapes[0])) and _says_jacobian(passes.of(passes.owner)[1]))


def _is_row(shape: tuple[int, ...], length: int) -> bool:
    return shape in ((length,), (1, length))


def _says_jacobian(function: Callable[..., Any]) -> bool:
    """Whether the text of a function says that it gives a Jacobian: of one number that is a row."""
    return bool(re.search(r"(?i)\bjacobian", inspect.getdoc(function) or ""))


def _layouts(got: tuple[int, ...], rows: int, columns: int) -> list[str]:
    fitting = [(BY_ROWS, (rows, columns)), (BY_COLUMNS, (columns, rows))]
    return [layout for layout, sizes in fitting if got == sizes and min(sizes) > 1]


def _without_buffers(passes: Passes, places: RunPlaces, before: Mapping[str, Any], outputs: Sequence[Output]) -> RunPlaces:
    """Leave out what a step changes beside the weights, moments and counters: the output does not depend on it."""
    start = _outputs_at(passes, outputs, {}) if places.stepped else []

    def is_idle(name: str) -> bool:
        path = places.values[name]
        ends = _outputs_at(passes, outputs, {path: _apart(before[path])})
        return bool(ends) and _alike(start, ends)

    idle = set(filter(is_idle, places.stepped))
    gradients = {name: parts for name, parts in places.gradients.items() if name not in idle}
    values = {name: path for name, path in places.values.items() if name not in idle}
    return replace(places, values=values, gradients=gradients, stepped=places.stepped - idle)


def _remembering(passes: Passes, plan: ArgumentPlan, places: RunPlaces, upstream: Mapping[int, Any]) -> tuple[str, ...]:
    """Return the names that the same data move otherwise after a step with other data, as momentum and Adam do."""
    fresh, used = _steps(passes, plan, places, upstream, ()), _steps(passes, plan, places, upstream, (0.6,))
    rates = {
        name: float(np.vdot(fresh[name], used[name])) / float(np.vdot(step, step)) for name, step in fresh.items() if np.any(step)
    }
    near = next(iter(rates.values()), 1.0)  # of a rate that grows smaller all steps do
    return tuple(n for n in rates if not np.allclose(used[n], near * fresh[n], rtol=1e-6, atol=1e-9 * np.max(np.abs(fresh[n]))))


def _steps(
    passes: Passes, plan: ArgumentPlan, places: RunPlaces, upstream: Mapping[int, Any], earlier: Sequence[float]
) -> dict[str, Any]:
    """Return how far a step moves each weight, after steps with data that were multiplied; nothing where it fails."""
    owner, paths = own_copy(passes.owner), {name: places.values[name].removeprefix("self.") for name in places.stepped}
    start = {name: np.copy(leaf_at(dict(walk(owner)), path)) for name, path in paths.items()}
    try:
        for factor in (*earlier, 1.0):
            for name, path in paths.items():
                put(owner, path, np.copy(start[name]))
            given = mapped(lambda path, leaf: _scaled(leaf, factor), own_copy(dict(passes.given)), "given")  # noqa: B023
            visit(lambda: both(passes, plan, owner, given, upstream), habits=None)  # noqa: B023
        held = dict(walk(owner))
        return {name: start[name] - leaf_at(held, path) for name, path in paths.items()}
    except Exception:  # whatever the code raises: then nothing is known of it
        return {}


def _scaled(leaf: Any, factor: float) -> Any:
    """Return other data: numbers multiplied, and moved from 0."""
    return leaf * factor + (1 - factor) / 3 if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" else leaf


REMEMBERS = "the step depends on earlier ones (momentum, Adam): no gradient can be read from it"


def forgiving(found: Comparison) -> Comparison:
    """Leave undecided what differs and is read from steps that depend on earlier ones."""
    if not found.stepped or agrees(found):
        return found
    return replace(found, undecided={**dict.fromkeys(found.memory(), REMEMBERS), **found.undecided})


OVER_SAMPLES = ("mean", "sum")
"""What is made of the losses of samples, where nothing says it: their mean as a rule."""


def _are_losses(passes: Passes, outputs: Sequence[Output], plan: ArgumentPlan) -> bool:
    """Whether forward gives the losses of samples: backward is given the prediction and the target, and no upstream gradient."""
    sources = [source.removeprefix("given.") for source in plan.sources.values() if source.startswith("given.")]
    both = any(map(is_target, sources)) and not all(map(is_target, sources))
    return both and not plan.upstream and not passes.one and len(outputs[0].shape) == 1


def _compared(
    passes: Passes,
    outputs: Sequence[Output],
    plan: ArgumentPlan,
    places: RunPlaces,
    before: Mapping[str, Any],
    left: Mapping[str, Any],
    seed: int,
    over: str = "",
    layout: str = ELEMENTWISE,
) -> Comparison:
    """Return the comparison of one plan and one reading of what its run has `left`; the loss is that `over` the samples.

    What is returned may be a Jacobian of some `layout`.
    """
    slope = _is_slope(passes, plan) and bool(outputs[0].shape or layout) and not over
    names = {} if over else _upstream_names(plan, outputs)
    loss, hand = _functions(passes, outputs, plan, places, names, TIMES[layout] if slope else None)
    loss = _over(loss, over)
    rng = np.random.default_rng(seed)
    example = _example(places, before) | {name: rng.normal(size=outputs[k].shape) for k, name in names.items()}
    of = _loss_title(passes.titles[0], names, over)
    upstream = {names[k]: argument for argument, k in plan.upstream_arguments.items() if k in names}
    missing, tables = _missing(passes, places, before, outputs)
    jacobian = f"{passes.titles[1]} gives the Jacobian, {layout.format(*places.gradients)}"
    said = [jacobian] if layout else _said_of(places, left, example)
    return Comparison(
        loss,
        hand,
        example,
        tuple(places.gradients),
        (passes.titles[0], of, _described(passes)),
        (
            *_remarks(plan, outputs, passes, slope=slope),
            *LOSSES[over],
            *said,
            *tables,
        ),
        places.unbound,
        places.unfit,
        missing,
        upstream,
        backward=method_of(passes.owner, passes.backward),
        jacobian=bool(layout),
    )


def _is_slope(passes: Passes, plan: ArgumentPlan) -> bool:
    """Whether backward is given no upstream gradient and is no forward pass as well."""
    return not plan.upstream and not passes.one


LOSSES = {
    "": (),
    "mean": ("forward gives the loss of each sample; compared with the gradient of their mean",),
    "sum": ("forward gives the loss of each sample; compared with the gradient of their sum",),
}


def _loss_title(forward: str, names: Mapping[int, str], over: str) -> str:
    """Return how the loss is written that two passes stand for."""
    if names:
        return f"Σ {forward}·{'·'.join(names.values())}"
    return f"{over} of {forward}" if over else forward


def _over(losses: Callable[..., Any], over: str) -> Callable[..., Any]:
    """Return the mean or the sum of the losses of samples, or the one loss that there is."""
    if not over:
        return losses

    def loss(**values: Any) -> Any:
        return np.mean(losses(**values)) if over == "mean" else np.sum(losses(**values))

    return outside(loss, name_of(losses))


def _said_of(places: RunPlaces, left: Mapping[str, Any], example: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is said of gradients in another shape than their parameters, and of those that stand in several places."""
    for name, parts in places.gradients.items():
        own, wanted = np.shape(leaf_at(left, parts[0])), np.shape(example[name])
        if name not in places.stepped and own != wanted and steps_alike(own, wanted):
            yield f"{name}: the gradient has the shape {own}, the parameter {wanted}; their numbers were compared"
        if len(parts) > 1:
            summed = ", ".join(part.removeprefix("self.") for part in parts)
            yield f"{name} is used in several places; its gradient is the sum of {summed}"


def of_run(passes: Passes) -> Comparison | None:
    """Return the comparison of a loss and a backward pass that takes no arguments, as one run shows it.

    What forward sets is no parameter. None when no gradients are found; raises what the code raises.
    """
    plan, outputs = ArgumentPlan({}), (Output("return", "", ()),)
    owner, given, ahead = own_copy(passes.owner), own_copy(dict(passes.given)), own_copy(passes.owner)
    before = numbers_in({"given": given, "self": owner})
    call_with(passes.of(ahead)[0], own_copy(dict(passes.given)))
    kept = numbers_in({"self": ahead})
    before = {p: leaf for p, leaf in before.items() if p.startswith("given.") or np.array_equal(kept.get(p, ()), leaf)}
    returned = both(passes, plan, owner, given, {})
    places = places_of(passes, before, numbers_in({"given": given, "self": owner}), returned, shared_arrays(passes.owner, "self"))
    places = _without_buffers(passes, places, before, outputs)
    if not places.gradients:
        return None
    memory = partial(_remembering, passes, plan, places, {})
    places = readings(places, dict(walk({"return": returned, "self": owner})), shared_arrays(passes.owner, "self"))[0]
    loss, hand = _functions(passes, outputs, plan, places, {}, None)
    missing, tables = _missing(passes, places, before, outputs)
    of = tuple(places.gradients)
    return Comparison(
        loss,
        hand,
        _example(places, before),
        of,
        ("", "", ""),
        tables,
        places.unbound,
        places.unfit,
        missing,
        stepped=places.stepped,
        memory=memory,
    )


def _missing(
    passes: Passes, places: RunPlaces, before: Mapping[str, Any], outputs: Sequence[Output]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arrays of the object that have no gradient although the output changes with them, and what is said of tables."""
    same = shared_arrays(passes.owner, "self")
    known = {other for path in places.values.values() for other in (path, *same.get(path, ()))}
    left = {path: before[path] for path in same if path not in known and path in before and before[path].dtype.kind == "f"}
    start = _outputs_at(passes, outputs, {}) if left else []
    moved = {path: _outputs_at(passes, outputs, dict.fromkeys(same[path], _apart(leaf))) for path, leaf in left.items()}
    found = dict.fromkeys(same[path][0] for path, ends in moved.items() if not _alike(start, ends))
    return _apart_from_tables(passes.owner, [path.removeprefix("self.") for path in found])


def _apart_from_tables(owner: Any, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = [name for name in names if not is_memory(name)]
    tables = [name for name in names if is_table(owner, name)]
    said = tuple(f"{name} is worked out once, without random numbers: a table, no parameter" for name in tables)
    return tuple(name for name in names if name not in tables), said


def _apart(leaf: Any) -> Any:
    """Return other numbers, each moved by another one: a softmax does not see what all of a row have in common."""
    return leaf + 0.1 + 0.1 * np.cos(np.arange(np.size(leaf))).reshape(np.shape(leaf))


def _outputs_at(passes: Passes, outputs: Sequence[Output], changed: Mapping[str, Any]) -> list[Any]:
    """Run the forward pass with other arrays in the object; nothing where it fails."""
    owner = own_copy(passes.owner)
    for path, value in changed.items():
        put(owner, path.removeprefix("self."), value)
    try:
        returned = visit(lambda: call_with(passes.of(owner)[0], own_copy(dict(passes.given))), habits=None).returned
    except Exception:  # whatever the code raises
        return []
    everything = dict(walk({"return": returned, "self": owner}))
    return [output_at(everything, output.place) for output in outputs]


def _alike(left: Sequence[Any], right: Sequence[Any]) -> bool:
    return not right or all(map(np.array_equal, left, right))


def _upstream_names(plan: ArgumentPlan, outputs: Sequence[Output]) -> dict[int, str]:
    """Return the name of the upstream gradient of each output that is an array and has one; a slope has that of its value."""
    used = [k for k in plan.upstream or (0,) if outputs[k].shape]
    return {k: "dout" if len(used) == 1 else f"d{outputs[k].label or k}" for k in used}


def _example(places: RunPlaces, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the run by name; real where a gradient is asked for."""
    values = {name: before[path] if np.ndim(before[path]) else before[path].item() for name, path in places.values.items()}
    return {n: np.asarray(v, dtype=float) if n in places.gradients and np.ndim(v) else v for n, v in values.items()}


def _described(passes: Passes) -> str:
    code = plain_function(method_of(passes.owner, passes.backward))
    place = short_name(code.__code__.co_filename) if code is not None else ""
    return f"{place}:{passes.titles[1]}" if place else passes.titles[1]


def as_layer(forward: Any, backward: Any, example: Mapping[str, Any] | None) -> Passes | None:
    """Return two functions as passes of a layer; None where they are a loss, one number, and a gradient that runs by itself."""
    if not isinstance(example, Mapping) or forward == backward or not all(map(is_function, (forward, backward))):
        return None
    if not set(required(forward)) <= example.keys():
        return None
    given = {p.name: example[p.name] for p in parameters_of(forward) if p.name in example}
    passes = passes_of((forward, backward), (), given)
    try:
        outputs, _ = _output(passes, name_of(forward))
    except UserError:
        return None
    return passes if outputs[0].shape or _needs_forward(passes, example) else None


def _needs_forward(passes: Passes, example: Mapping[str, Any]) -> bool:
    """Whether the backward pass of an object does not run without a forward pass before it."""
    if passes.owner is None:
        return False
    backward = passes.of(own_copy(passes.owner))[1]
    arguments = {name: example[name] for name in required(backward) if name in example}
    try:
        visit(lambda: call_with(backward, own_copy(arguments)), habits=None)
    except Exception:  # whatever the code raises
        return True
    return False


def _remarks(plan: ArgumentPlan, outputs: Sequence[Output], passes: Passes, *, slope: bool) -> tuple[str, ...]:
    places = {output.place for output in outputs}
    of_output = [name for name, source in plan.sources.items() if source in places]
    if slope and of_output:
        forward, backward = passes.titles
        return (f"{backward} takes the value of {forward}, not its argument",)
    return ()


def both(passes: Passes, plan: ArgumentPlan, owner: Any, given: Mapping[str, Any], upstream: Mapping[int, Any]) -> Any:
    """Run forward, then backward; return what backward returns."""
    forward, backward = passes.of(owner)
    returned = call_with(forward, given)
    if passes.one:
        return returned
    return as_one_array(call_with(backward, plan.arguments(given, returned, owner, upstream)), given)


def _functions(
    passes: Passes,
    outputs: Sequence[Output],
    plan: ArgumentPlan,
    places: RunPlaces,
    names: Mapping[int, str],
    times: Callable[[Any, Any, list[tuple[int, ...]]], Any] | None,
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the loss Σ forward·dout and the handwritten gradients of it, slopes multiplied by dout with `times`."""
    stepped, gradients, kind = places.stepped, places.gradients, type(passes.owner)
    same = shared_arrays(passes.owner, "self")
    by_path = {path: name for name, path in places.values.items()}
    # What a trace makes its own copies of: variables of the two functions themselves.
    prototype, constants = _without_numbers(passes, places)
    first, second = passes.forward, passes.backward

    def prepared(prototype: Any, constants: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return a copy of the object (a trace has its own already) and the arguments, values in place, no old gradients."""
        owner = own_copy(prototype) if type(prototype) is kind else prototype
        given = mapped(lambda path, leaf: values[by_path[path]] + 0 if path in by_path else own_copy(leaf), constants, "given")
        held = dict(walk(owner)) if owner is not None else {}
        for name, path in places.values.items():
            value = values[name] + 0  # a copy: a step may change it in place
            for place in same.get(path, (path,)) if path.startswith("self.") else ():
                put(owner, place.removeprefix("self."), value)
        for name, place in ((name, place) for name, parts in gradients.items() for place in parts if name not in stepped):
            path = place.removeprefix("self.")
            if path != place and held.get(path) is not None:
                empty = np.zeros_like(values[name])
                for other in same.get(place, (place,)):  # one array, under all its names
                    put(owner, other.removeprefix("self."), empty)
        return owner, given

    def collected(everything: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, (first, *others) in gradients.items():
            total = _padded(leaf_at(everything, first), np.shape(values[name]))
            for other in others:
                total = total + _padded(leaf_at(everything, other), np.shape(values[name]))
            found[name] = (values[name] - total) / places.rate if name in stepped else total
        return found

    def loss(**values: Any) -> Any:
        owner, given = prepared(prototype, constants, values)
        # Where the loss is written as a formula these variables give it its names: ∂L/∂W, ∂L/∂out.
        if not names:
            L = call_with(method_of(owner, first), given)
            return leaf_at(dict(walk({"return": L, "self": owner})), outputs[0].place)
        out = call_with(method_of(owner, first), given)
        everything = dict(walk({"return": out, "self": owner}))
        L = 0
        for k, name in names.items():
            out = output_at(everything, outputs[k].place)
            if np.shape(out) != np.shape(values[name]):
                raise ValueError(f"the output has shape {np.shape(out)}, the upstream gradient {np.shape(values[name])}")
            L = L + np.sum(out * values[name])
        return L

    def gradient(**values: Any) -> Any:
        owner, given = prepared(prototype, constants, values)
        upstream = {k: values[name] + 0 for k, name in names.items()}
        returned = call_with(method_of(owner, first), given)
        if not passes.one:
            arguments = {**plan.arguments(given, returned, owner, upstream), **switched}
            returned = as_one_array(call_with(method_of(owner, second), arguments), given)
        if times is not None:
            upstream_values = values[names[0]] if names else np.ones(1)
            returned = times(returned, upstream_values, [np.shape(values[name]) for name in gradients])
        return collected(dict(walk({"return": returned, "self": owner})), values)

    switched = {passes.switch: True} if passes.switch else {}
    titles = passes.titles
    return outside(loss, titles[0]), outside(gradient, titles[1])


def _padded(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient (K,) as that of a parameter (1, K): it broadcasts to the same step."""
    if gradient is None or np.shape(gradient) == shape or not steps_alike(np.shape(gradient), shape):
        return gradient
    return np.reshape(gradient, shape)


def _without_numbers(passes: Passes, places: RunPlaces) -> tuple[Any, dict[str, Any]]:
    """Return object and arguments with zeros where each call puts its values, so that no trace has to follow old numbers."""
    owner, paths = own_copy(passes.owner), set(places.values.values())
    given = mapped(lambda path, leaf: np.zeros(np.shape(leaf)) if path in paths else leaf, dict(passes.given), "given")
    held, same = dict(walk(owner, "self")), shared_arrays(passes.owner, "self")
    paths |= {other for path in paths for other in same.get(path, ())}
    for path in paths & held.keys():
        put(owner, path.removeprefix("self."), np.zeros(np.shape(held[path])))
    return owner, given


# ---- which plan is meant -------------------------------------------------------------------------------------------


def agrees(candidate: Comparison) -> bool:
    """Whether every gradient agrees with a central difference along a random direction at the example."""
    try:
        return bool(visit(lambda: all(_agreeing(candidate)), habits=None).returned)
    except Exception:  # whatever the code raises elsewhere
        return False


@dataclass(frozen=True, slots=True)
class Ends:
    """One gradient along a direction: the difference quotient of the loss, the code's own slope (no number: another shape)."""

    name: str
    value: Any
    along: Any
    slope: float
    own: float
    tolerance: float = 1e-4

    @property
    def agree(self) -> bool:
        """Whether both are one slope, up to rounding."""
        return abs(self.slope - self.own) <= self.tolerance * max(abs(self.slope), abs(self.own), 1e-3)


def agreeing(candidate: Comparison) -> int:
    """Return how many gradients agree with differences at the example."""
    try:
        return int(visit(lambda: sum(_agreeing(candidate)), habits=None).returned)
    except Exception:  # whatever the code raises elsewhere
        return 0


def _agreeing(candidate: Comparison) -> Iterator[bool]:
    return (ends.agree for ends in slopes_along(candidate))


def slopes_along(candidate: Comparison, seed: int = 7) -> Iterator[Ends]:
    """Yield each gradient of a comparison along a random direction at the example. Raises what the code raises."""
    values = dict(candidate.example)
    gradients = candidate.hand(**values)
    coarse = any(getattr(gradient, "dtype", None) == np.float32 for gradient in gradients.values()) or _is_coarse(candidate)
    rng = np.random.default_rng(seed)
    for name in candidate.wrt:
        value, gradient = np.asarray(values[name], dtype=float), gradients[name]
        along = rng.normal(size=value.shape)
        if gradient is None or np.shape(gradient) != value.shape:
            yield Ends(name, value, along, np.nan, np.nan)
            continue
        step = COARSE if coarse else STEP
        ends = [candidate.loss(**{**values, name: value + sign * step * along}) for sign in (1, -1)]
        slope, own = (float(ends[0]) - float(ends[1])) / (2 * step), float(np.sum(np.asarray(gradient, dtype=float) * along))
        yield Ends(name, value, along, slope, own, COARSELY if coarse else TOLERANCE)


def _is_coarse(candidate: Comparison) -> bool:
    """Whether a loss is rounded more than float64 is: it does not move, or jumps, where every number moves by very little."""
    moved = [name for name in candidate.wrt if np.size(candidate.example[name])]

    def at(step: float) -> float:
        return float(candidate.loss(**{**candidate.example, **{name: candidate.example[name] * (1 + step) for name in moved}}))

    middle = at(0.0)
    slopes = [(at(sign * step) - middle) / (sign * step) for sign in (1, -1) for step in (1e-7, 2e-7)]
    return max(slopes) - min(slopes) > COARSELY * max(map(abs, slopes)) > 0


def is_finite(candidate: Comparison) -> bool:
    """Whether the loss is a finite number at the example: what is not says nothing of gradients."""
    try:
        return bool(np.isfinite(visit(lambda: float(candidate.loss(**candidate.example)), habits=None).returned))
    except Exception:  # whatever the code raises elsewhere
        return True


def says_nothing(candidate: Comparison) -> bool:
    """Whether the loss depends on nothing that the code gives gradients of, which are all 0: they would be proved for nothing."""
    try:
        return bool(visit(lambda: not any(_depends(candidate, ends) for ends in slopes_along(candidate)), habits=None).returned)
    except Exception:  # whatever the code raises elsewhere
        return False


def _depends(candidate: Comparison, ends: Ends) -> bool:
    """Whether a slope is not 0, or the loss is another one somewhere along it, as that of a step function."""
    if ends.slope or ends.own or np.isnan(ends.own):
        return True
    values = dict(candidate.example)
    base = candidate.loss(**values)
    return any(candidate.loss(**{**values, ends.name: ends.value + far * ends.along}) != base for far in (-100, -3, 3, 100))
