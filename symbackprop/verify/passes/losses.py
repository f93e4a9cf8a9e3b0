"""The losses that people differentiate without stating them, of a prediction and a target, up to a factor; and those that stand
beside the passes, of which nothing is up to a factor.

Every entry is a function of two arrays; the prediction may be a value, a probability or a logit, the target numbers, one-hot
rows or columns, or labels. The factors are products of the sizes of the prediction.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.name_matching import is_target

PREDICTED = re.compile(r"out|pred|hat|prob|^a[l2-9]?$|^p$|activation|score|logit|guess|final|result|^z$", re.IGNORECASE)
"""What people call a prediction."""


@dataclass(frozen=True, slots=True)
class UnstatedLoss:
    """A loss of a prediction and a target, and its formula with `{p}` and `{t}` for the two.

    Where the code states one itself, `method` is the name of the method or function, `parts` what it calls the prediction (or
    the data, `of_data`) and the target, `further` its other arguments, which forward and backward are given too.
    """

    formula: str
    of: Callable[..., Any]
    method: str = ""
    parts: tuple[str, str] = ("", "")
    further: tuple[str, ...] = ()
    of_class: bool = False

    @property
    def of_data(self) -> bool:
        """Whether a stated loss works the prediction out itself."""
        return self.of_class and not PREDICTED.search(self.parts[0])


def squares(p: Any, t: Any) -> Any:
    """Return Σ (p - t)²."""
    return np.sum((p - t) ** 2)


def binary(p: Any, t: Any) -> Any:
    """Return the cross-entropy of probabilities, each for itself."""
    return -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p))


def categorical(p: Any, t: Any) -> Any:
    """Return the cross-entropy of rows or columns of probabilities and one-hot targets."""
    return -np.sum(t * np.log(p))


def row_labels(p: Any, t: Any) -> Any:
    """Return the cross-entropy of rows of probabilities and labels."""
    return -np.sum(np.log(p[np.arange(len(t)), t]))


def column_labels(p: Any, t: Any) -> Any:
    """Return the cross-entropy of columns of probabilities and labels."""
    return -np.sum(np.log(p[t, np.arange(len(t))]))


def label_of_one(p: Any, t: Any) -> Any:
    """Return the cross-entropy of one list of probabilities and one label."""
    return -np.log(np.reshape(p, -1)[t])


def binary_logits(p: Any, t: Any) -> Any:
    """Return the cross-entropy of the sigmoids of logits."""
    return np.sum(np.log(1 + np.exp(p)) - t * p)


def row_logits(p: Any, t: Any) -> Any:
    """Return the cross-entropy of the softmax of every row."""
    return np.sum(t * (np.log(np.sum(np.exp(p), axis=-1, keepdims=True)) - p))


def column_logits(p: Any, t: Any) -> Any:
    """Return the cross-entropy of the softmax of every column."""
    return np.sum(t * (np.log(np.sum(np.exp(p), axis=0, keepdims=True)) - p))


def row_logit_labels(p: Any, t: Any) -> Any:
    """Return the cross-entropy of the softmax of every row and labels."""
    return np.sum(np.log(np.sum(np.exp(p), axis=-1)) - p[np.arange(len(t)), t])


def column_logit_labels(p: Any, t: Any) -> Any:
    """Return the cross-entropy of the softmax of every column and labels."""
    return np.sum(np.log(np.sum(np.exp(p), axis=0)) - p[t, np.arange(len(t))])


def hinge(p: Any, t: Any) -> Any:
    """Return Σ max(0, 1 - t p) for targets ±1."""
    return np.sum(np.maximum(0, 1 - t * p))


def mistakes(p: Any, t: Any) -> Any:
    """Return Σ max(0, -t p) for targets ±1: the perceptron's loss."""
    return np.sum(np.maximum(0, -t * p))


def margins(p: Any, t: Any) -> Any:
    """Return Σ log(1 + exp(-t p)) for targets ±1."""
    return np.sum(np.log(1 + np.exp(-t * p)))


def total(p: Any, t: Any) -> Any:
    """Return Σ p + p², with which the code can be run before its loss is known; the sum of probabilities would not move."""
    return np.sum(p + p * p)


ANY = UnstatedLoss("Σ {p} + {p}²", total)
OF_NUMBERS = (
    UnstatedLoss("Σ ({p} - {t})²", squares),
    UnstatedLoss("-Σ ({t} log {p} + (1 - {t}) log(1 - {p}))", binary),
    UnstatedLoss("-Σ {t} log {p}", categorical),
    UnstatedLoss("-Σ ({t} log σ({p}) + (1 - {t}) log(1 - σ({p})))", binary_logits),
    UnstatedLoss("-Σ {t} log softmax({p}) over rows", row_logits),
    UnstatedLoss("-Σ {t} log softmax({p}) over columns", column_logits),
    UnstatedLoss("Σ max(0, 1 - {t}·{p})", hinge),
    UnstatedLoss("Σ max(0, -{t}·{p})", mistakes),
    UnstatedLoss("Σ log(1 + exp(-{t}·{p}))", margins),
)
"""Where the target has the shape of the prediction."""
OF_LABELS = (
    UnstatedLoss("-Σ log {p}[n, {t}[n]]", row_labels),
    UnstatedLoss("-Σ log {p}[{t}[n], n]", column_labels),
    UnstatedLoss("-log {p}[{t}]", label_of_one),
    UnstatedLoss("-Σ log softmax({p})[n, {t}[n]]", row_logit_labels),
    UnstatedLoss("-Σ log softmax({p})[{t}[n], n]", column_logit_labels),
)
"""Where the target is labels."""


@dataclass(frozen=True, slots=True)
class LossFactor:
    """A number over the extents of some axes of the prediction: `2/N` is that of axis 0."""

    number: float = 1.0
    axes: tuple[int, ...] = ()

    def value(self, prediction: Any) -> float:
        """Return the factor for a prediction."""
        return self.number / float(np.prod([np.shape(prediction)[axis] for axis in self.axes]))

    def written(self, formula: str, shape: tuple[int, ...]) -> str:
        """Return a formula with this factor."""
        number = {1.0: "", 0.5: "1/2·"}.get(self.number, f"{self.number:g}·")
        size = (
            {(): "", (0,): "rows", (1,): "columns"}.get(self.axes, "elements")
            if len(shape) > 1
            else "elements"[: 8 * len(self.axes)]
        )
        return f"{number}{formula}{f' / number of {size}' if size else ''}"


def factors(shape: tuple[int, ...]) -> list[LossFactor]:
    """Return the factors that a loss of a prediction of this shape may have."""
    axes = [(axis,) for axis, size in enumerate(shape) if size > 1]
    every = [(), *axes, *([tuple(range(len(shape)))] if len(axes) > 1 else [])]
    return [LossFactor(number, chosen) for chosen in every for number in (1.0, 2.0, 0.5, 4.0)]


def possible_targets(shape: tuple[int, ...], rng: np.random.Generator) -> list[tuple[Any, str]]:
    """Return targets that a prediction of this shape may have, and how they lie, the most general first."""
    if not shape:
        return [(round(float(rng.normal()), 3), ""), (1.0, ""), (-1.0, "")]
    numbers = np.round(rng.normal(size=shape), 3)
    signs = rng.permutation(np.arange(numbers.size) % 2).reshape(shape).astype(float)
    found = [numbers, *(_of_table(shape) if len(shape) == 2 and min(shape) > 1 else _of_list(shape)), signs, 2 * signs - 1]
    turned = [(t.T, TURNED) for t in found if np.shape(t) == shape != shape[::-1] and len(shape) == 2]
    flat = [(numbers.reshape(-1), FLAT), ((np.arange(max(shape)) + 1) % 2, FLAT)]
    return [*((target, "") for target in found), *turned, *(flat if _is_single(shape) else [])]


def _is_single(shape: tuple[int, ...]) -> bool:
    """Whether a table has one row or one column."""
    return len(shape) == 2 and min(shape) == 1


def _of_table(shape: tuple[int, ...]) -> list[Any]:
    """Return one-hot rows and columns, and labels for either."""
    rows, columns = shape
    by_row, by_column = _labels(rows, columns), _labels(columns, rows)
    return [np.eye(columns)[by_row], np.eye(rows)[by_column].T, by_row, by_column]


def _of_list(shape: tuple[int, ...]) -> list[Any]:
    """Return a one-hot list, and its label."""
    one = np.zeros(shape)
    one.reshape(-1)[1:2] = 1.0
    return [one, 1] if one.size > 1 else []


TURNED, FLAT = "turned", "flat"
"""How a target may lie: samples in its rows where the prediction has them in its columns, or as a list beside a column."""


def laid(target: Any, prediction: Any, lies: str) -> Any:
    """Return a target as it lies beside the prediction."""
    if lies == TURNED:
        return np.transpose(target)
    return np.reshape(target, np.shape(prediction)) if lies == FLAT else target


def _labels(count: int, classes: int) -> Any:
    """Return labels of which the highest is among them, so that code that counts classes by it counts right."""
    return (classes - 1 - np.arange(count)) % classes


# ---- losses that stand beside the passes -----------------------------------------------------------------------------

_LOSS = re.compile(r"(?:compute|calculate|calc|get|_|my)*(?:loss|cost|objective)(?:_?(?:function|func|fn|value))?", re.IGNORECASE)
_STATES = re.compile(r"loss|cost|objective|mse|bce|nll|entropy|crossent|squared?_?error|squares", re.IGNORECASE)
_NO_LOSS = re.compile(
    r"back|grad|deriv|prime|delta|^d_?[A-Z]|(^|_)d(_|$)|diff|plot|print|history|lists?$|regulari[sz]er", re.IGNORECASE
)
_PLAIN_Y = re.compile(r"y\w?", re.IGNORECASE)


def loss_of_class(kind: type) -> UnstatedLoss | None:
    """Return the loss of a prediction, or of data, and a target that a class states in a method of its own, if it states one."""
    methods = {name: getattr(kind, name) for name in dir(kind) if _LOSS.fullmatch(name)}
    found = [(name, parts) for name, member in methods.items() if inspect.isfunction(member) and (parts := _parts_of(member))]
    if len(found) != 1:
        return None
    ((name, parts),) = found
    first = "{p}" if PREDICTED.search(parts[0]) else parts[0]
    return UnstatedLoss(f"{kind.__name__}.{name}({first}, {{t}})", total, name, parts, of_class=True)


def _parts_of(method: Callable[..., Any]) -> tuple[str, str] | None:
    """Return what a loss calls the prediction, or the data that it is made of, and the target, in that order."""
    asked = _asked(method)[1:]
    first = [name for name in asked if PREDICTED.search(name) or (name.lower() in names.INPUTS and not is_target(name))]
    second = [name for name in asked if name not in first and is_target(name)]
    return (first[0], second[0]) if len(first) == len(second) == 1 and len(asked) == 2 else None


def _asked(function: Callable[..., Any]) -> list[str]:
    """Return the arguments that have no default."""
    return [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]


def losses_beside(passes: Sequence[types.FunctionType], known: Collection[str], predicted: Collection[str]) -> list[UnstatedLoss]:
    """Return the losses of a prediction and a target that stand as functions beside a forward and a backward pass.

    Of several, those that somebody calls in one breath with the backward pass, or that are called like it:
    `cost_with_decay`, `backward_with_decay`.

    Args:
        known: the names of values that forward and backward are given.
        predicted: what forward calls what it returns.
    """
    own = {n: member for n, member in passes[-1].__globals__.items() if isinstance(member, types.FunctionType)}
    losses = (_as_loss(n, own[n], known, predicted) for n in own if _STATES.search(n) and not _NO_LOSS.search(n))
    found = {loss.method: loss for loss in losses if loss is not None and loss.of not in passes}
    return [found[name] for name in _meant(passes[-1].__name__, own, found)]


def _meant(backward: str, own: Mapping[str, types.FunctionType], found: Collection[str]) -> Collection[str]:
    together = _called_beside(backward, own, found)
    alike = [name for name in found if _further_words(name) == _further_words(backward)]
    return next((some for some in (together, alike) if len(some) == 1), found)


def _as_loss(name: str, function: types.FunctionType, known: Collection[str], predicted: Collection[str]) -> UnstatedLoss | None:
    """Return a function as a loss of a prediction and a target; None where its arguments do not say which is which."""
    asked = _asked(function)
    further = tuple(part for part in asked if part in known and not is_target(part))
    targets = _targets([part for part in asked if part not in {*further, *predicted}])
    first = [part for part in asked if part not in {*further, *targets}]
    if (len(first), len(targets)) != (1, 1):
        return None
    written = ", ".join({first[0]: "{p}", targets[0]: "{t}"}.get(part, part) for part in asked)
    return UnstatedLoss(f"{name}({written})", function, name, (first[0], targets[0]), further)


def _targets(parts: Sequence[str]) -> list[str]:
    """Return what is called like a target; of `y` and `t` the first is what is predicted."""
    targets = [*filter(is_target, parts)]
    return targets if len(targets) < 2 else [part for part in targets if not _PLAIN_Y.fullmatch(part)]


def _called_beside(backward: str, own: Mapping[str, types.FunctionType], losses: Collection[str]) -> list[str]:
    """Return the losses that some function calls which calls the backward pass, too."""
    users = [member.__code__.co_names for member in own.values() if backward in member.__code__.co_names]
    return [name for name in losses if any(name in called for called in users)]


_USUAL = re.compile(r"compute|calculate|calc|get|loss|cost|function|fn|back(ward)?|prop(agat(ion|e))?|grad(ient)?s?|model|l|pass")


def _further_words(name: str) -> frozenset[str]:
    """Return the words of a name that are not those of every loss or backward pass."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return frozenset(word.lower() for word in words if not _USUAL.fullmatch(word.lower()))
