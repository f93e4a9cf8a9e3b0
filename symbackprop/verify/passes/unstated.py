"""Which loss a backward pass stands for, where the code states none: `forward(X)` beside `backward(X, y)` or `train(X, y)`.

Losses of the prediction and the target are tried (`losses`), each with the factors that people use. The one whose differences
are the code's own gradients, all of them, is the one that is meant, and the report says that it was inferred. Where no loss gives
all, the one that gives most is the reference; where no loss gives any, there is nothing to compare with: nobody is accused.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symbackprop.guest.visit import described, visit
from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding.binding import numeric, return_names
from symbackprop.verify.binding.name_matching import INPUTS, RATES, is_target
from symbackprop.verify.binding.results import leaf_at
from symbackprop.verify.passes.comparison import Comparison, Ends, numbers_in, of_run, slopes_along
from symbackprop.verify.passes.conventions import Convention, decays_of, of_the_parameter_alone, under
from symbackprop.verify.passes.losses import ANY, OF_LABELS, OF_NUMBERS, LossFactor, UnstatedLoss, factors, possible_targets
from symbackprop.verify.passes.model import (
    BACKWARD,
    LOSS,
    Model,
    Roles,
    as_array,
    cache_place,
    held_targets,
    predictions,
    roles,
    stated_beside,
    titles_of,
)
from symbackprop.verify.passes.passes import Passes, call_with, method_of, own_copy, parameters_of

STEP = 1e-6
NEAR = 1e-4
"""How well a difference quotient of float64 and a gradient agree, relative to their size."""
MOST_TARGETS = 300
"""Predictions, roles and targets that are tried with arguments under which forward runs."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """A loss that gives `agreeing` of the gradients, and the comparison with it; `steps` says of which rate they are steps.

    Of a loss that is stated `near` gradients are a multiple.
    """

    comparison: Comparison
    agreeing: tuple[str, ...]
    steps: str = ""
    near: int = 0

    @property
    def others(self) -> tuple[str, ...]:
        """The names whose gradients are not those of the loss."""
        return tuple(name for name in self.comparison.wrt if name not in self.agreeing)

    @property
    def rank(self) -> tuple[int, int]:
        """How much speaks for the loss."""
        return len(self.agreeing), self.near

    @property
    def is_multiple_of_stated(self) -> bool:
        """Whether every gradient is one multiple of that of a loss that is stated, and none is its own."""
        return not self.agreeing and self.near == len(self.comparison.wrt)

    @property
    def whole(self) -> bool:
        """Whether every gradient is that of the loss."""
        return not self.others

    @property
    def stated(self) -> Comparison:
        """The comparison with the remark that its loss was inferred."""
        of = f", which gives the gradient of {', '.join(self.agreeing)}" if self.others and self.agreeing else ""
        how = "the loss is taken to be" if _is_stated(self) else "the loss is stated nowhere; inferred:"
        remark = f"{how} {self.comparison.titles[1]}{of}{self.steps}"
        return replace(self.comparison, remarks=(*self.comparison.remarks, remark))


def takes_a_target(owner: Any, forward: Any, backward: Any) -> bool:
    """Whether a backward pass is given a target that forward does not know, or the object holds one and neither is given it."""
    first, second = (parameters_of(method_of(owner, function)) for function in (forward, backward))
    known = {p.name for p in first}
    return any(is_target(p.name) and p.name not in known for p in second)


@dataclass(frozen=True, slots=True)
class KnownLoss:
    """A loss that was inferred for other passes, those of a solution, its factor (a number: that of the learning rate), and the
    decays that it has."""

    loss: UnstatedLoss
    factor: LossFactor | float
    decay: Convention = field(default_factory=Convention)


class LossSearch:
    """Looks for the loss of one pair of passes, with arguments that come one after another; a known one is not looked for."""

    def __init__(self, forward: Any, backward: Any, known: KnownLoss | None = None) -> None:
        self.forward, self.backward, self.known = forward, backward, known
        self.best: Inferred | None = None
        self.left = MOST_TARGETS
        self.remembers, self.failed = False, ""

    def found(self, owner: Any, given: Mapping[str, Any]) -> Inferred | None:
        """Try the arguments; return what gives every gradient. `best` is what has given most of them."""
        for model, target in self._models(owner, given):
            self.left -= 1
            inferred = _inferred(model, target, self.known)
            if inferred is not None and self._is_chance(inferred):
                self.remembers = True
            elif inferred is not None and (self.best is None or inferred.rank > self.best.rank):
                terms = _with_terms(inferred) if self.known is None else _with_known_terms(inferred, self.known)
                self.best = _without_slopes_of_samples(terms)
                if self.best.whole:
                    return self.best
            if self.left <= 0:
                break
        return None

    def _is_chance(self, inferred: Inferred) -> bool:
        """Whether steps of momentum, or of Adam, happen to lie in the direction of a loss for some of the weights."""
        return not inferred.whole and bool(inferred.comparison.stepped and inferred.comparison.memory())

    def _models(self, owner: Any, given: Mapping[str, Any]) -> Iterator[tuple[Model, Mapping[str, Any]]]:
        """Yield what the arguments may mean, with a target. Nothing where forward does not run."""
        before = numbers_in({"self": owner})
        held = own_copy(owner)
        function = method_of(held, self.forward)
        returned = as_array(visit(lambda: call_with(function, own_copy(dict(given))), habits=None).returned)
        labels = return_names(function)
        everything = dict(walk({"return": returned, "self": held}))
        names = [*vars(held)] if hasattr(held, "__dict__") else []
        targets = held_targets(owner)
        known = before | {f"given.{path}": np.asarray(leaf) for path, leaf in walk(dict(given)) if numeric(leaf)}
        for place in predictions(returned, held, known, labels):
            shape = np.shape(leaf_at(everything, place))
            for part in self._roles(held, given, labels, names, targets, cache_place(returned)):
                yield from self._with_targets(owner, given, place, part, targets, shape)

    def _roles(
        self,
        held: Any,
        given: Mapping[str, Any],
        labels: Mapping[str, str],
        names: Sequence[str],
        targets: Sequence[str],
        cache: str,
    ) -> Iterator[Roles]:
        function = method_of(held, self.backward)
        if targets and not parameters_of(function):
            yield Roles({})
            return
        yield from roles(function, tuple(given), labels, names, cache)

    def _with_targets(
        self, owner: Any, given: Mapping[str, Any], place: str, part: Roles, targets: Sequence[str], shape: tuple[int, ...]
    ) -> Iterator[tuple[Model, Mapping[str, Any]]]:
        asked = [name for name, source in part.sources.items() if source == "target"]
        if not asked:
            yield from ((Model(owner, self.forward, self.backward, given, place, target, part), {}) for target in targets)
            return
        model = Model(owner, self.forward, self.backward, given, place, asked[0], part)
        for target, lies in possible_targets(shape, np.random.default_rng(5)):
            yield replace(model, lies=lies), {asked[0]: target}


def _inferred(model: Model, target: Mapping[str, Any], known: KnownLoss | None) -> Inferred | None:
    """Return the loss that gives most of the gradients; None where the code does not run, or no loss gives any."""
    search = (lambda: _best(model, target)) if known is None else (lambda: _with_known(model, target, known))
    try:
        return visit(search, habits=None).returned  # type: ignore[no-any-return]
    except Exception:  # whatever the code raises: it is not meant to be called so
        return None


def _best(model: Model, target: Mapping[str, Any]) -> Inferred | None:
    probe = _compared(model, target, ANY, LossFactor(), 1.0)
    if probe is None:
        return None
    own = _slopes_of_code(probe)
    stated = _stated(model, target)
    known = _of_stated(model, target, stated, own, probe) if stated and not probe.stepped else None
    return known or _of_usual(model, target, stated if probe.stepped else (), own, probe)


def _of_usual(
    model: Model, target: Mapping[str, Any], stated: Sequence[UnstatedLoss], own: Mapping[str, Pair], probe: Comparison
) -> Inferred | None:
    """Return the comparison with a multiple of a loss, a usual one where none is stated, that gives most of the gradients."""
    free = _of_any_rate(model, probe)
    best: tuple[int, UnstatedLoss, LossFactor | float, tuple[str, ...]] | None = None
    meant = stated or _usual_losses(target)
    for loss in meant:
        ratios = _ratios(model, target, loss, own, probe)
        fitting = _commonest(ratios, _factors(model, loss), free)
        if fitting is None or (best is not None and len(fitting[1]) <= best[0]):
            continue
        if isinstance(fitting[0], LossFactor) or _is_a_rate(model, target, loss, fitting[0], fitting[1]):
            best = (len(fitting[1]), loss, *fitting)
    return _said(model, target, *best[1:]) if best is not None else _without_agreement(model, target, probe, meant[0])


def _of_stated(
    model: Model, target: Mapping[str, Any], stated: Sequence[UnstatedLoss], own: Mapping[str, Pair], probe: Comparison
) -> Inferred | None:
    """Return the comparison with a loss that the code states, as it stands; of several the one that has most to do with the code.

    None where several are stated and no gradient is even a multiple of that of one of them.
    """
    fits: list[tuple[int, int, UnstatedLoss, tuple[str, ...]]] = []
    for loss in stated:
        ratios = _ratios(model, target, loss, own, probe)
        agreeing = tuple(name for name, ratio in ratios.items() if _near(ratio, 1.0))
        near = max(Counter(f"{ratio:.3g}" for ratio in ratios.values()).values(), default=0)
        fits.append((len(agreeing), near, loss, agreeing))
    _, near, loss, agreeing = max(fits, key=lambda fit: fit[:2])
    if not near and len(stated) > 1:
        return None
    found = _said(model, target, loss, LossFactor(), agreeing)
    return replace(found, near=near) if found is not None else None


def _without_agreement(model: Model, target: Mapping[str, Any], probe: Comparison, loss: UnstatedLoss) -> Inferred | None:
    """Return what is said where no gradient is that of a loss: what is stated is compared with, of steps nothing is known."""
    if probe.stepped and probe.memory():
        return Inferred(probe, ())
    return _said(model, target, loss, LossFactor(), ()) if loss.method else None


def _of_any_rate(model: Model, probe: Comparison) -> Sequence[str]:
    """Return the names whose gradients may have any factor: what is moved at a rate that is unknown; of one or two numbers it
    says nothing."""
    if _states_a_rate(model):
        return ()
    arrays = [name for name in probe.stepped if np.size(probe.example[name]) > 1]
    return arrays or ([*probe.stepped] if len(probe.stepped) > 2 else ())


def _usual_losses(target: Mapping[str, Any]) -> Sequence[UnstatedLoss]:
    """Return the losses that are usual for such a target."""
    wanted = next(iter(target.values()), 0.5)
    return OF_LABELS if np.asarray(wanted).dtype.kind in "iu" else OF_NUMBERS


def _stated(model: Model, target: Mapping[str, Any]) -> list[UnstatedLoss]:
    """Return the losses that the object or functions beside it state, where they are numbers that move: no others are meant."""
    return [loss for loss in stated_beside(model) if _is_stated_for(model, target, loss)]


def _is_stated_for(model: Model, target: Mapping[str, Any], loss: UnstatedLoss) -> bool:
    """Whether a loss that is stated is a number for such a target, and one that moves."""
    try:
        found = _compared(model, target, loss, LossFactor(), 1.0)
        states = found is not None and np.ndim(found.loss(**found.example)) == 0
        return found is not None and states and any(ends.slope for ends in slopes_along(found))
    except Exception:  # a loss that is not meant for such a target
        return False


def _is_a_rate(model: Model, target: Mapping[str, Any], loss: UnstatedLoss, rate: float, names: Collection[str]) -> bool:
    """Whether a factor that no sizes give is the same at other values, as a rate is.

    At one point of a single prediction all losses have gradients of one direction.
    """
    probe = _compared(model, target, ANY, LossFactor(), 1.0, seed=17)
    ratios = _ratios(model, target, loss, _slopes_of_code(probe), probe) if probe is not None else {}
    return all(name in ratios and abs(ratios[name] - rate) <= 0.005 * rate for name in names)


def _with_known(model: Model, target: Mapping[str, Any], known: KnownLoss) -> Inferred | None:
    """Return the comparison with a loss that is known, however few of the gradients are its own."""
    probe = _compared(model, target, ANY, LossFactor(), 1.0)
    if probe is None:
        return None
    own = _ratios(model, target, known.loss, _slopes_of_code(probe), probe)
    return _said(model, target, known.loss, known.factor, tuple(own))


def _compared(
    model: Model, target: Mapping[str, Any], loss: UnstatedLoss, factor: LossFactor, rate: float, seed: int = 11
) -> Comparison | None:
    """Return the comparison with one loss, at values of which no number is special."""
    owner = replace(model, owner=own_copy(model.owner)).with_loss(loss, factor)
    if not _states_a_rate(model):
        object.__setattr__(owner, "learning_rate", rate)
    passes = Passes(owner, LOSS, BACKWARD, {**model.given, **target})
    found = of_run(passes)
    if found is None:
        return None
    rng = np.random.default_rng(seed)
    generic = {name: np.round(rng.normal(size=np.shape(found.example[name])), 3) for name in found.wrt}
    example = {**found.example, **{name: v if np.ndim(v) else v.item() for name, v in generic.items()}}
    return replace(found, example=example, backward=method_of(model.owner, model.backward))


def _states_a_rate(model: Model) -> bool:
    """Whether the code is given a learning rate, or its object holds one."""
    held = (path.rpartition(".")[2].lower() for path, leaf in walk(model.owner, "self") if numeric(leaf) and not np.ndim(leaf))
    return any(name.lower() in RATES for name in model.roles.sources) or any(name in RATES for name in held)


def _shape(model: Model) -> tuple[int, ...]:
    """Return the shape of the prediction."""
    owner = own_copy(model.owner)
    returned = as_array(call_with(method_of(owner, model.forward), own_copy(dict(model.given))))
    return np.shape(leaf_at(dict(walk({"return": returned, "self": owner})), model.prediction))


Pair = tuple[float, float]
"""Along two directions."""


def _directions(shape: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(13)
    return [rng.normal(size=shape) for _ in range(2)]


def _slopes_of_code(probe: Comparison) -> dict[str, Pair]:
    """Return the code's own slope along two directions for every parameter. Raises where a gradient has another shape."""
    gradients = probe.hand(**probe.example)
    found: dict[str, Pair] = {}
    for name in probe.wrt:
        gradient = np.asarray(gradients[name], dtype=float)
        if gradient.shape != np.shape(probe.example[name]):
            continue
        first, second = (float(np.sum(gradient * along)) for along in _directions(gradient.shape))
        found[name] = (first, second)
    return found


def _ratios(
    model: Model, target: Mapping[str, Any], loss: UnstatedLoss, own: Mapping[str, Pair], probe: Comparison
) -> dict[str, float]:
    """Return the code's gradient over that of a loss, where they differ by a factor; nothing where it does not run."""
    try:
        found = _compared(model, target, loss, LossFactor(), 1.0)
        slopes = {name: _slopes_of_loss(found.loss, probe.example, name) for name in own} if found is not None else {}
    except Exception:  # a loss that is not meant for such a target
        return {}
    ratios: dict[str, float] = {}
    for name, ends in slopes.items():
        first, second = (hand / slope if slope else np.inf for hand, slope in zip(own[name], ends, strict=True))
        if np.isfinite(first) and abs(first - second) <= NEAR * abs(first):
            ratios[name] = first
    return ratios


def _slopes_of_loss(loss: Callable[..., Any], example: Mapping[str, Any], name: str) -> Pair:
    """Return the difference quotients of a loss along the two directions."""
    value = np.asarray(example[name], dtype=float)

    def at(step: Any) -> float:
        return float(loss(**{**example, name: value + step}))

    first, second = ((at(STEP * along) - at(-STEP * along)) / (2 * STEP) for along in _directions(value.shape))
    return first, second


def _commonest(
    ratios: Mapping[str, float], usual: Sequence[tuple[LossFactor, float]], free: Collection[str]
) -> tuple[LossFactor | float, tuple[str, ...]] | None:
    """Return the factor that most gradients have, and which: one that is written in sizes, or any that `free` names have."""
    rounded = Counter(float(f"{ratio:.3g}") for ratio in ratios.values())
    for near, _ in sorted(rounded.most_common(), key=lambda item: (-item[1], item[0] != 1.0)):
        alike = {name: ratio for name, ratio in ratios.items() if abs(ratio - near) <= 0.005 * abs(near)}
        factor = _usual([*alike.values()], usual)
        if factor is not None or (near > 0 and not alike.keys().isdisjoint(free)):
            return factor or _as_written(next(iter(alike.values()))), tuple(alike)
    return None


def _as_written(ratio: float) -> float:
    """Return a rate that was measured as one writes it, 0.1 for 0.1000000003, if it may be that."""
    written = float(f"{ratio:.4g}")
    return written if abs(ratio - written) <= NEAR * written / 100 else ratio


def _factors(model: Model, loss: UnstatedLoss) -> list[tuple[LossFactor, float]]:
    """Return the factors that a loss may have, with their values; of a stated loss no number that may be a size."""
    shape = _shape(model)
    prediction = np.zeros(shape)
    found = factors(shape)
    if loss.method:
        found = [factor for factor in found if factor.number < 4 and (factor.axes or factor.number not in shape)]
        found.sort(key=lambda factor: factor != LossFactor())
    return [(factor, factor.value(prediction)) for factor in found]


def _usual(ratios: Sequence[float], usual: Sequence[tuple[LossFactor, float]]) -> LossFactor | None:
    """Return the usual factor that all ratios are."""
    return next((factor for factor, value in usual if all(_near(ratio, value) for ratio in ratios)), None)


def _near(ratio: float, value: float) -> bool:
    return abs(ratio - value) <= NEAR * value


def _said(
    model: Model, target: Mapping[str, Any], loss: UnstatedLoss, factor: LossFactor | float, agreeing: tuple[str, ...]
) -> Inferred | None:
    """Return the comparison with a loss, its formula and how it was found; a factor that no sizes give is the learning rate."""
    step = factor if isinstance(factor, float) else 1.0
    usual = factor if isinstance(factor, LossFactor) else LossFactor()
    found = _compared(model, target, loss, usual, step)
    if found is None:
        return None
    missing = tuple(filter(_is_parameter, found.missing))
    titles = titles_of(model, usual.written(loss.formula, _shape(model)))
    by = f"; the code steps by {step:.3g} times its gradient" if isinstance(factor, float) else ""
    known = KnownLoss(loss, factor)
    return Inferred(replace(found, titles=titles, missing=missing, inferred=known), agreeing, by)


ADDED = "its gradient has a term of the parameter alone, which the loss may have: it is stated nowhere"


def _with_terms(inferred: Inferred) -> Inferred:
    """Return what was inferred with the decays that explain further gradients; what no data moves is left undecided."""
    found, others = inferred.comparison, inferred.others
    if not others or _is_stated(inferred):
        return inferred
    decay = decays_of(found, others)
    left = [name for name in others if name not in decay.terms]
    undecided = dict.fromkeys(of_the_parameter_alone(found, left), ADDED) if left else {}
    known = replace(found.inferred, decay=decay)
    found = replace(_under_decay(found, decay), undecided=undecided, inferred=known)
    return replace(inferred, comparison=found, agreeing=(*inferred.agreeing, *decay.terms))


def _is_stated(inferred: Inferred) -> bool:
    """Whether the object states the loss itself: then it has no other terms than those that stand there."""
    known = inferred.comparison.inferred
    return known is not None and bool(known.loss.method)


def _under_decay(found: Comparison, decay: Convention) -> Comparison:
    """Return the comparison with a loss that has terms beside."""
    if not decay.terms:
        return found
    title, formula, hand = found.titles
    return replace(under(found, decay), titles=(title, f"{formula} + {decay.decay}", hand), remarks=found.remarks, conditions={})


def _with_known_terms(inferred: Inferred, known: KnownLoss) -> Inferred:
    """Return what was inferred with the decays that a known loss has, and the gradients that are its own then."""
    found = inferred.comparison
    if not known.decay.terms or not known.decay.names <= found.example.keys():
        return inferred
    found = _under_decay(found, known.decay)
    slopes = visit(lambda: [*slopes_along(found)], habits=None).returned
    return replace(inferred, comparison=found, agreeing=tuple(n for n, ends in zip(found.wrt, slopes, strict=True) if ends.agree))


def _without_slopes_of_samples(inferred: Inferred) -> Inferred:
    """Return what was inferred without data whose gradient is that of each sample's own cost, where the weights' are those of the
    mean: code that divides by the number of samples where a weight's gradient is made hands on the one and returns the other."""
    found, others = inferred.comparison, inferred.others
    if not inferred.agreeing or any(name.lower() not in INPUTS for name in others):
        return inferred
    counts = _counts_of_samples(found, others)
    if not all(counts.values()):
        return inferred
    said = [SLOPES_OF_SAMPLES.format(name=name, size=size) for name, size in counts.items()]
    left = tuple(name for name in found.wrt if name not in others)
    return replace(inferred, comparison=replace(found, wrt=left, remarks=(*found.remarks, *said)))


SLOPES_OF_SAMPLES = "{name}: what is returned is the slope of each sample's own cost, {size} times that of their mean; not judged"


def _counts_of_samples(found: Comparison, names: Collection[str]) -> dict[str, str]:
    """Return by which size gradients are too large, as it is written; "" where it is none."""
    if not names:
        return {}
    rows = visit(lambda: [*zip(*(slopes_along(found, seed) for seed in (7, 8)), strict=True)], habits=None).returned
    return {ends[0].name: _count_of_samples(ends) for ends in rows if ends[0].name in names}


def _count_of_samples(rows: Sequence[Ends]) -> str:
    """Return the axis whose length a gradient is too large by, as it is written; "" if it is none."""
    shape = np.shape(rows[0].value)
    fits = (k for k, size in enumerate(shape) if size > 1 and all(_is_times(ends, size) for ends in rows))
    axis = next(fits, None)
    return f"{rows[0].name}.shape[{axis}]" if axis is not None else ""


def _is_times(ends: Ends, size: int) -> bool:
    """Whether the code's own slope is so many times that of the loss."""
    return abs(ends.own - size * ends.slope) <= NEAR * abs(ends.own)


def _is_parameter(path: str) -> bool:
    """Whether what has no gradient is called neither like data nor like a target."""
    name = path.rpartition(".")[2]
    return name.lower() not in INPUTS and not is_target(name)


def inferred_loss(
    search: LossSearch, starts: Iterator[tuple[Any, Mapping[str, Any], Mapping[str, Any]]], most: int
) -> Comparison | None:
    """Return the comparison with the loss that was inferred, for the first arguments with which it gives every gradient.

    Where it gives some of them for a batch, that is what is said, whatever holds for one sample.

    `starts` are objects and arguments of forward, and all that both were made with; those with which forward fails are passed
    over.
    """
    best: Comparison | None = None
    for owner, given, made_with in itertools.islice(starts, most):
        before = search.best
        search.failed = ""
        try:
            whole = search.found(owner, given)
        except Exception as error:  # forward is not meant to be called so
            search.failed = described(error)
            continue
        if search.best is not None and search.best is not before:
            if best is not None and _says_less(made_with, best.arguments):
                break
            best = replace(search.best.stated, arguments=made_with)
            best = replace(best, remarks=(*best.remarks, *_of_one(before, search.best)))
        if whole is not None or search.left <= 0:
            break
    return best


def _of_one(before: Inferred | None, best: Inferred) -> tuple[str, ...]:
    """Return what is said where the code gave a multiple before, for several outputs, and is right now."""
    return (OF_ONE,) if before is not None and before.is_multiple_of_stated and best.whole else ()


OF_ONE = "right for one output; with several the code gives a multiple of the gradient of this loss"
"""What is said of a mean over elements beside one over samples: for a single output both are the same."""


def _says_less(new: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether data have fewer axes, or a single sample where there were several."""
    data = {name: value for name, value in known.items() if name.lower() in INPUTS}
    single = ((np.shape(value), np.shape(new.get(name, 0))) for name, value in data.items())
    return has_fewer_axes(new, data) or any(1 in now and 1 not in before for before, now in single)


def has_fewer_axes(new: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether an argument has fewer axes than it had: what is wrong for a batch, sum for mean, may be right for one sample."""
    return any(np.ndim(value) > np.ndim(new.get(name, 0)) for name, value in known.items())
