"""What gradients may be of that have no loss beside them: one with a decay of the weights, or means over the samples.

`backward(dZ)` does not say whether `dZ` is the slope of the cost or that of every sample's own cost, whose mean the cost is; code
without a loss does not say which terms of the weights the loss has beside what it makes of the data. What is left of gradients
that differ is fitted at several points and sizes: only what holds at all of them is a convention. The check that follows decides
as exactly as ever, and its verdicts name the condition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from symbackprop.guest.visit import visit
from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.explain.ratio import simplest
from symbackprop.verify.passes.comparison import Comparison, Ends, agrees, slopes_along
from symbackprop.verify.passes.passes import outside
from symbackprop.verify.reference.loss_reference import LossReference, loss_reference
from symbackprop.verify.reference.protocol import Point
from symbackprop.verify.reference.shapes import Dimension, Size

NEAR = 1e-7
"""How well numbers of float64 have to agree with what is fitted to them, relative to the largest."""
ROUGHLY = 1e-4
"""The same for difference quotients."""
FEWEST = 3
"""Numbers beyond what is fitted from which something may be concluded."""
DRAWS = 2
"""Further points of a reference at which numbers are compared."""


# ---- terms of a parameter ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decay:
    """A term of a loss that holds nothing but a parameter: λ/2·Σ W² (`squares`), or λ·Σ |W|; λ is divided by the size `per`."""

    number: float
    squares: bool = True
    per: Dimension | None = None

    def rate(self, values: Mapping[str, Any]) -> Any:
        """Return λ at some values."""
        return self.number / np.shape(values[self.per.name])[self.per.axis] if self.per is not None else self.number

    def of(self, name: str, values: Mapping[str, Any]) -> Any:
        """Return the term."""
        value = values[name]
        return self.rate(values) * (np.sum(value * value) / 2 if self.squares else np.sum(np.abs(value)))

    def slope(self, value: Any) -> Any:
        """Return the slope of the term but for λ."""
        return value if self.squares else np.sign(value)

    def written(self, name: str) -> str:
        """Return the term as it is written: `0.1/2·Σ W²`."""
        size = f"/{written_size(self.per)}" if self.per is not None else ""
        return f"{self.number:.6g}{size}/2·Σ {name}²" if self.squares else f"{self.number:.6g}{size}·Σ |{name}|"


def written_size(size: Dimension) -> str:
    """Return a size as it is written in code."""
    return f"{size.name}.shape[{size.axis}]"


Terms = Mapping[str, tuple[Decay, ...]]


@dataclass(frozen=True, slots=True)
class SidesAtPoint:
    """One point: its values, and what the code's gradients and the derived ones are there."""

    values: Mapping[str, Any]
    hand: Mapping[str, Any]
    derived: Mapping[str, Any]

    def left(self, name: str, per: Dimension | None = None) -> Any:
        """Return what the code's gradient (times a size) has beyond the derived one."""
        size = np.shape(self.values[per.name])[per.axis] if per is not None else 1
        return np.asarray(self.hand[name], dtype=float) * size - np.asarray(self.derived[name], dtype=float)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both sides at several points, and the sizes that differ between them."""

    rows: tuple[SidesAtPoint, ...]
    sizes: tuple[Size, ...]

    def without(self, size: Dimension, names: Sequence[str]) -> tuple[str, ...]:
        """Return the arrays that do not have a size."""
        holders = {dimension.name for together in self.sizes if size in together for dimension in together}
        return tuple(name for name in names if name not in holders)

    def is_right(self, name: str, per: Dimension | None = None) -> bool:
        """Whether a gradient (times a size) is the derived one at every point."""
        return all(_largest(row.left(name, per)) <= NEAR * _largest(row.derived[name]) for row in self.rows)

    def terms(self, name: str, per: Dimension | None = None) -> tuple[Decay, ...]:
        """Return the terms of a parameter whose slopes are all that its gradient has beyond the derived one."""
        left = np.concatenate([np.ravel(row.left(name, per)) for row in self.rows])
        shapes = [Decay(1.0, squares) for squares in (True, False)]
        over = (None, *(min(size) for size in self.sizes))
        choices = [[replace(shape, per=size)] for size in over for shape in shapes]
        choices += [[replace(shape, per=size) for shape in shapes] for size in over]
        return next((found for chosen in choices if (found := self._fitted(name, left, chosen))), ())

    def _fitted(self, name: str, left: Any, shapes: Sequence[Decay]) -> tuple[Decay, ...]:
        """Return terms of these shapes whose slopes are what is left, if there are."""
        slopes = np.array(
            [
                np.concatenate([np.ravel(shape.rate(row.values) * shape.slope(row.values[name])) for row in self.rows])
                for shape in shapes
            ]
        )
        if left.size < len(shapes) + FEWEST:
            return ()
        numbers = np.linalg.lstsq(slopes.T, left, rcond=None)[0]
        if not np.all(numbers > 0) or _largest(numbers @ slopes - left) > NEAR * _largest(left):
            return ()
        return tuple(replace(shape, number=simplest(number, NEAR)) for shape, number in zip(shapes, numbers, strict=True))


def _largest(array: Any) -> float:
    return float(np.max(np.abs(np.asarray(array, dtype=float)), initial=0.0))


def evidence(found: Comparison) -> Evidence | None:
    """Return both sides at several points, of the example's sizes where the code takes no others; None where it fails there."""
    try:
        source = loss_reference(found.loss, found.example, found.wrt).asked(found.wrt)
        start = source.points(0)
    except Exception:  # whatever the loss raises: then nothing is known of it
        return None
    several = _rows(found, source, start)
    rows = several or _rows(found, source, start[:1])
    return Evidence(rows, source.sizes if several else ()) if rows else None


def _rows(found: Comparison, source: LossReference, starts: Sequence[Point]) -> tuple[SidesAtPoint, ...]:
    """Return both sides at points, and at others of the last one's sizes; nothing where one fails or has other shapes."""
    points = [*starts, *(source.another(starts[-1], seed) for seed in range(1, 1 + DRAWS))]
    try:
        rows = tuple(_both(found, source, point.values) for point in points if not point.optional)
    except Exception:  # whatever the code raises at other sizes
        return ()
    alike = all(np.shape(row.hand[name]) == np.shape(row.derived[name]) for row in rows for name in found.wrt)
    return rows if alike and len(rows) > 1 else ()


def _both(found: Comparison, source: LossReference, values: Mapping[str, Any]) -> SidesAtPoint:
    """Return both sides at some values. Raises what the code raises."""
    hand = visit(lambda: found.hand(**_own(values))).returned
    return SidesAtPoint(values, hand, source.numbers(values).adjoints)


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.copy(value) if np.ndim(value) else value for name, value in values.items()}


# ---- what goes into a softmax ------------------------------------------------------------------------------------------


def softmax(z: Any) -> Any:
    """Return exp(z)/Σ exp(z) along the last axis."""
    shares = np.exp(z)
    return shares / np.sum(shares, axis=-1, keepdims=True)


def sigmoid(z: Any) -> Any:
    """Return 1/(1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


LINKS = {"a softmax": softmax, "a sigmoid": sigmoid}
"""What gives probabilities, as it is called."""
BY_LOGITS = "{name} is {link} of z, and the gradient is ∂/∂z"


@dataclass(frozen=True, slots=True)
class Logits:
    """The gradient of a loss of probabilities is that by what goes into the softmax or sigmoid that gives them: `p - y`."""

    name: str
    link: str

    def applied(self, found: Comparison) -> Comparison:
        """Return a comparison with (∂E/∂p)·(∂p/∂z) in the place of ∂E/∂p, at z in the place of p."""
        name, first, second = self.name, found.loss, found.hand
        of = outside(LINKS[self.link], LINKS[self.link].__name__)

        def loss(**values: Any) -> Any:
            return first(**{**values, name: of(values[name])})

        def gradient(**values: Any) -> Any:
            return second(**{**values, name: of(values[name])})

        return replace(
            found,
            loss=outside(loss, first.__qualname__),
            hand=outside(gradient, second.__qualname__),
            example={**found.example, name: np.random.default_rng(3).normal(size=np.shape(found.example[name]))},
            conditions={**found.conditions, name: BY_LOGITS.format(name=name, link=self.link)},
            convention=self,
        )


def by_logits(found: Comparison) -> Comparison | None:
    """Return the comparison of a loss of probabilities with its gradient by the logits, if that is what the code returns."""
    asked = [name for name in found.wrt if np.ndim(found.example[name])]
    if found.upstream or len(found.wrt) != 1 or not any(map(is_target, found.example)):
        return None
    meant = (Logits(name, link).applied(found) for name in asked for link in LINKS)
    return next((other for other in meant if agrees(other)), None)


# ---- what is meant ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Convention:
    """What gradients are of: `means` are means over the size `per`; `terms` are what the loss has beside."""

    terms: Terms = field(default_factory=dict)
    per: Dimension | None = None
    means: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Everything that it speaks of."""
        sizes = {decay.per.name for decays in self.terms.values() for decay in decays if decay.per is not None}
        return frozenset({*self.terms, *self.means, *sizes, *([self.per.name] if self.per is not None else [])})

    def written(self, upstream: str) -> Iterator[str]:
        """Yield what is meant, a sentence each."""
        if self.per is not None:
            size = written_size(self.per)
            yield (
                f"{', '.join(self.means)}: means over the {size} samples; right where {upstream} is the slope of each sample's "
                f"own cost, and the loss is the mean of these costs"
            )
        if self.terms:
            yield f"right where the loss has the decay {self.decay}"

    @property
    def decay(self) -> str:
        """The terms as they are written."""
        terms = ((name, self._meant(decay)) for name, decays in self.terms.items() for decay in decays)
        return " + ".join(decay.written(name) for name, decay in terms)

    def _meant(self, decay: Decay) -> Decay:
        """Return a term as it stands in the mean."""
        return replace(decay, per=self.per) if self.per is not None and decay.per is None else decay

    def applied(self, found: Comparison) -> Comparison:
        """Return a comparison under the convention."""
        return under(found, self)

    def conditions(self, names: Collection[str]) -> dict[str, str]:
        """Return for each name that the convention is about what has to hold."""
        said = dict.fromkeys(self.means, "the loss is a mean over the samples")
        for name, decays in self.terms.items():
            terms = " + ".join(self._meant(decay).written(name) for decay in decays)
            said[name] = f"{said[name]} with the decay {terms}" if name in said else f"the loss has the decay {terms}"
        return {name: text for name, text in said.items() if name in names}


def conventional(found: Comparison) -> Comparison | None:
    """Return the comparison under the convention that makes every gradient right; None where none is needed, or none does.

    Only where nothing says what the upstream gradient is of: a loss that is stated is what it is.
    """
    if not found.upstream or agrees(found) or not _may_be_meant(found):
        return None
    known = evidence(found)
    if known is None:
        return None
    meant = (convention for per in (None, *_batches(found, known)) if (convention := _meant(found, known, per)) is not None)
    return next((under(found, convention) for convention in meant), None)


def _batches(found: Comparison, known: Evidence) -> Iterator[Dimension]:
    """Yield the sizes that may be the number of samples: the first or the last axis of the upstream gradient."""
    ends = {Dimension(name, axis) for name in found.upstream for axis in (0, np.ndim(found.example[name]) - 1)}
    inputs = {name for name in found.example if name not in found.upstream}
    for size in known.sizes:
        shared = sorted(dimension for dimension in size if dimension.name in inputs)
        if size & ends and shared:
            yield shared[0]


def _meant(found: Comparison, known: Evidence, per: Dimension | None) -> Convention | None:
    """Return the convention under which every gradient is right; those of what holds the samples are none of a mean."""
    means = known.without(per, found.wrt) if per is not None else ()
    over = {name: per if name in means else None for name in found.wrt}
    wrong = [name for name, size in over.items() if not known.is_right(name, size)]
    if not _is_telling(found.wrt, wrong, means, per):
        return None
    terms = {name: known.terms(name, over[name]) for name in wrong}
    return Convention(terms, per, means) if all(terms.values()) else None


def _is_telling(every: Collection[str], wrong: Collection[str], means: Collection[str], per: Dimension | None) -> bool:
    """Whether something is right without a decay, and of means over samples all that holds the samples."""
    return len(wrong) < len(every) if per is None else bool(means) and set(wrong) <= set(means)


DIRECTIONS = range(7, 11)
"""Seeds of the directions along which difference quotients are taken."""


def _may_be_meant(found: Comparison) -> bool:
    """Whether difference quotients leave room for a convention: quickly, as most code that differs is wrong."""
    there = _elsewhere(found)
    try:
        rows = visit(lambda: [*zip(*(slopes_along(there, seed) for seed in DIRECTIONS), strict=True)], habits=None).returned
    except Exception:  # whatever the code raises elsewhere
        return False
    sizes = {1, *(size for name in found.upstream for size in np.shape(found.example[name]))}
    return any(all(map(partial(_may_be_mean, size), rows)) for size in sizes if size == 1 or _leaves_out(found, size))


def _leaves_out(found: Comparison, size: int) -> bool:
    """Whether a gradient is asked for of what does not have a size."""
    return any(size not in np.shape(found.example[name]) for name in found.wrt)


def _elsewhere(found: Comparison) -> Comparison:
    """Return the comparison at random values of all that a gradient is asked for: the example's may be 0."""
    rng = np.random.default_rng(19)
    moved = {name: np.asarray(rng.normal(size=np.shape(found.example[name]))) for name in found.wrt}
    return replace(found, example={**found.example, **{name: v if v.ndim else v.item() for name, v in moved.items()}})


def _may_be_mean(size: int, ends: Sequence[Ends]) -> bool:
    """Whether a gradient may be a mean over so many samples, or that of what holds the samples themselves."""
    return _is_near(ends, size) or (size in np.shape(ends[0].value) and _is_near(ends, 1))


def _is_near(ends: Sequence[Ends], size: int) -> bool:
    """Whether a gradient times a size is the slope of a loss, or that and decays, along each direction."""
    left = np.array([end.own * size - end.slope for end in ends])
    near = ROUGHLY * max(*(abs(end.slope) for end in ends), 1e-3)
    if not np.all(np.isfinite(left)) or np.all(np.abs(left) <= near):
        return bool(np.all(np.isfinite(left)))
    decays = np.array([[np.sum(of(end.value) * end.along) for of in (np.positive, np.sign)] for end in ends])
    numbers = np.linalg.lstsq(decays, left, rcond=None)[0]
    return bool(np.all(np.abs(decays @ numbers - left) <= near))


def decays_of(found: Comparison, names: Collection[str]) -> Convention:
    """Return the terms that the gradients of some names show."""
    known = evidence(found)
    fitted = {name: known.terms(name) for name in names} if known is not None else {}
    return Convention({name: terms for name, terms in fitted.items() if terms})


def of_the_parameter_alone(found: Comparison, names: Collection[str]) -> tuple[str, ...]:
    """Return the names whose gradients have something beyond the derived ones that no data moves: a term nobody stated."""
    known = evidence(found)
    if known is None:
        return ()
    last = known.rows[-1]
    moved = [_moved(found, row, last) for row in known.rows[:-1] if _same_shapes(row, last)]
    others = [row for row in moved if row is not None]
    return tuple(name for name in names if others and all(_same_left(name, row, last) for row in others))


def _same_left(name: str, point: SidesAtPoint, other: SidesAtPoint) -> bool:
    """Whether data that move the derived gradient of a parameter leave alone what the code's has beyond it."""
    left, derived = point.left(name), np.asarray(point.derived[name], dtype=float)
    moved = _largest(derived - other.derived[name]) > ROUGHLY * _largest(derived)
    return moved and 0 < _largest(left) < np.inf and _largest(left - other.left(name)) <= NEAR * _largest(left)


def _same_shapes(row: SidesAtPoint, other: SidesAtPoint) -> bool:
    return all(np.shape(value) == np.shape(other.values[name]) for name, value in row.values.items())


def _moved(found: Comparison, row: SidesAtPoint, to: SidesAtPoint) -> SidesAtPoint | None:
    """Return both sides at the data of one point and the parameters of another; None where they fail."""
    values = {name: to.values[name] if name in found.wrt else value for name, value in row.values.items()}
    try:
        return _both(found, loss_reference(found.loss, found.example, found.wrt).asked(found.wrt), values)
    except Exception:  # whatever the code raises there
        return None


def squared(value: Any) -> Any:
    """Return 1/2·Σ value²."""
    return np.sum(value * value) / 2


def absolute(value: Any) -> Any:
    """Return Σ |value|."""
    return np.sum(np.abs(value))


def under(found: Comparison, convention: Convention) -> Comparison:
    """Return the comparison with what a convention says: terms beside the loss, gradients times the number of samples."""
    first, second, per, means = found.loss, found.hand, convention.per, convention.means
    functions = {True: outside(squared, "squared"), False: outside(absolute, "absolute")}
    terms = [
        (name, functions[decay.squares], decay.number, (decay.per.name, decay.per.axis) if decay.per is not None else ())
        for name, decays in convention.terms.items()
        for decay in decays
    ]

    def loss(**values: Any) -> Any:
        total = first(**values)
        for name, term, number, size in terms:
            count = np.shape(values[size[0]])[size[1]] if size else 1
            total = total + term(values[name]) * (number / count)
        return total

    def gradient(**values: Any) -> Any:
        count = np.shape(values[per.name])[per.axis] if per is not None else 1
        return {name: value * count if name in means else value for name, value in second(**values).items()}

    upstream = ", ".join(found.upstream.values())
    return replace(
        found,
        loss=outside(loss, first.__qualname__),
        hand=outside(gradient, second.__qualname__),
        remarks=(*found.remarks, *convention.written(upstream)),
        conditions={**found.conditions, **convention.conditions(found.wrt)},
        convention=convention,
    )
