"""Gradient descent with the generated function: full batch, minibatches, one sample at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sympy import Symbol

from symbackprop.derive.derivation import Derivation
from symbackprop.errors import UserError, nearest
from symbackprop.network.node import Node, Role
from symbackprop.numeric.function import GradientFunction, function
from symbackprop.numeric.history import History, Parameters, TrainingDiverged

if TYPE_CHECKING:
    from rich.progress import Progress

Order = Literal["sequential", "shuffled"]
Stop = Callable[[float, Parameters, int], bool] | float
_SAMPLED = (Role.INPUT, Role.TARGET)
_QUIET_SECONDS = 2.0


def train(
    derivation: Derivation,
    data: Mapping[str, Any] | None = None,
    lr: float = 0.1,
    epochs: int = 100,
    batch_size: int | None = None,
    order: Order = "sequential",
    seed: int | None = None,
    stop: Stop | None = None,
    initial: Mapping[str, Any] | None = None,
    update: Sequence[str] | None = None,
    progress: bool | None = None,
    keep: bool = False,
) -> History:
    """Minimise the loss by `parameter -= lr * gradient`.

    `data` maps inputs and targets to their values: for a network of scalars a number each (one sample) or a list each (one
    entry per sample; the loss is then the mean over samples), for arrays the arrays themselves, whose first common size is the
    number of samples. `batch_size` is the number of samples in one update: None for all, 1 for online updates. With `order`
    "shuffled" the samples are permuted anew in each epoch, reproducibly for one `seed`.

    `stop` ends the run at the start of an epoch: a loss not to be exceeded, or a function of (loss, parameters, epoch).
    `initial` gives the starting parameters (the network's example values otherwise); `update` names those that move (all
    parameters otherwise). A progress bar appears after two seconds, or at once with `progress=True`; False keeps it away.
    With `keep` the parameters at every epoch are kept in `History.trajectory`.

    Raises TrainingDiverged when the loss or a gradient is no longer finite, with the last good parameters and the history.
    """
    if epochs < 0 or lr != lr:
        raise UserError(f"train: expected epochs >= 0 and a number lr, got epochs={epochs}, lr={lr}")
    if order not in ("sequential", "shuffled"):
        raise UserError(f"train: order: expected 'sequential' or 'shuffled', got {order!r}")
    names = _updated(derivation, update)
    samples = _samples(derivation, data or {})
    size = _checked_batch_size(batch_size, samples.count)
    start = _initial(derivation, initial)
    run = _Run(derivation, samples, names, start, lr, keep)
    generator = np.random.default_rng(seed)
    with _bar(progress, epochs) as advance:
        return run.epochs(epochs, lambda: _batches(samples.count, size, order, generator), stop, advance)


@dataclass(frozen=True, slots=True)
class _Samples:
    """The data: `values` by name, the axis of the samples in each (None where a value belongs to all), and how many."""

    values: Mapping[str, Any]
    axes: Mapping[str, int | None]
    count: int
    batched: bool

    def part(self, chosen: Any) -> dict[str, Any]:
        """Return the data of some samples."""
        return {
            name: value if self.axes[name] is None else np.take(value, chosen, axis=self.axes[name])
            for name, value in self.values.items()
        }


class _Run:
    """One training run: the function, the current parameters and what was recorded so far."""

    def __init__(
        self, derivation: Derivation, samples: _Samples, names: Sequence[str], start: dict[str, Any], lr: float, keep: bool
    ) -> None:
        self.samples, self.names, self.lr, self.keep = samples, names, lr, keep
        self.function: GradientFunction = function(derivation, batched=samples.batched)
        self.parameters = start
        self.good = dict(start)
        self.losses: list[float] = []
        self.trajectory: list[Parameters] = []
        self.updates = 0
        self.constants = {
            node.name: derivation.network.values[node.name]
            for node in derivation.network.of_role(Role.CONSTANT)
            if node.name in derivation.network.values and node.name not in samples.values
        }

    def epochs(
        self, count: int, batches: Callable[[], Iterator[Any]], stop: Stop | None, advance: Callable[[int, float], None]
    ) -> History:
        """Run the epochs and return the history."""
        for epoch in range(count):
            loss, gradients = self._value(None, epoch)
            reason = self._record(loss, epoch, stop)
            if reason:
                return self.history(epoch, reason)
            advance(epoch, loss)
            for chosen in batches():
                if chosen is not None:
                    _, gradients = self._value(chosen, epoch)
                self._step(gradients, epoch)
        loss, _ = self._value(None, count)
        reason = self._record(loss, count, stop)
        advance(count, loss)
        return self.history(count, reason or f"all {count} epochs are done")

    def _value(self, chosen: Any, epoch: int) -> tuple[float, dict[str, Any]]:
        data = self.samples.values if chosen is None else self.samples.part(chosen)
        with np.errstate(all="ignore"):
            try:
                loss, gradients = self.function(**{**self.constants, **data, **self.parameters})
            except UserError as problem:
                if self.updates == 0:
                    raise
                raise self._diverged(str(problem), epoch) from None
        if not np.isfinite(loss):
            raise self._diverged(f"the loss is {loss}", epoch)
        return loss, gradients

    def _record(self, loss: float, epoch: int, stop: Stop | None) -> str:
        self.losses.append(loss)
        self.good = dict(self.parameters)
        if self.keep:
            self.trajectory.append(dict(self.parameters))
        if stop is None:
            return ""
        if callable(stop):
            return f"stop() returned true at epoch {epoch}" if stop(loss, dict(self.parameters), epoch) else ""
        return f"the loss {loss:.6g} is not above {stop:g} at epoch {epoch}" if loss <= stop else ""

    def _step(self, gradients: Mapping[str, Any], epoch: int) -> None:
        moved = {}
        for name in self.names:
            with np.errstate(all="ignore"):
                value = self.parameters[name] - self.lr * gradients[name]
            if not np.all(np.isfinite(value)):
                raise self._diverged(f"the gradient of {name} is not finite", epoch)
            moved[name] = value if np.ndim(value) else float(value)
        self.parameters = {**self.parameters, **moved}
        self.updates += 1

    def _diverged(self, what: str, epoch: int) -> TrainingDiverged:
        history = self.history(epoch, f"diverged: {what}")
        return TrainingDiverged(
            f"train: {what} in epoch {epoch} after {self.updates} updates; try a smaller learning rate than {self.lr:g}, "
            f"or start from the last good parameters (.parameters of this error)",
            history,
        )

    def history(self, epochs: int, reason: str) -> History:
        """Return what was recorded."""
        last = self.good if reason.startswith("diverged") else self.parameters
        return History(tuple(self.losses), dict(last), epochs, self.updates, reason, tuple(self.trajectory))


# ---- reading the arguments ---------------------------------------------------------------------------------------------


def _updated(derivation: Derivation, update: Sequence[str] | None) -> list[str]:
    names = list(derivation.wrt) if update is None else list(update)
    for name in names:
        if name not in derivation.wrt:
            raise UserError(
                f"train: update: {name} is not among the gradients of this derivation ({', '.join(derivation.wrt)[:80]})."
                f"{nearest(name, derivation.wrt)}"
            )
        if derivation.network.node(name).defined:
            raise UserError(f"train: update: {name} is computed by its definition; only parameters can move")
    if not names:
        raise UserError("train: nothing to update: the network has no parameters, or update is empty")
    return names


def _initial(derivation: Derivation, initial: Mapping[str, Any] | None) -> dict[str, Any]:
    network = derivation.network
    given = initial or {}
    parameters = {node.name: node for node in network.of_role(Role.PARAMETER)}
    for name in given:
        if name not in parameters:
            raise UserError(f"train: initial: {name} is not a parameter.{nearest(name, parameters)}")
    start = {}
    for name, node in parameters.items():
        if name in given or name in network.values:
            value = given.get(name, network.values.get(name))
            start[name] = np.array(value, dtype=float) if node.indices else float(value)
        elif name in derivation.adjoints:
            raise UserError(f"train: no starting value for the parameter {name}; pass initial={{{name!r}: …}}")
    return start


def _samples(derivation: Derivation, data: Mapping[str, Any]) -> _Samples:
    """Find the samples in the data: a list for a scalar input, the first axis size that all arrays share."""
    network = derivation.network
    fields = {node.name: node for node in network.nodes.values() if node.role in (*_SAMPLED, Role.CONSTANT)}
    for name in data:
        if name not in fields:
            raise UserError(f"train: data: {name} is not an input, target or constant.{nearest(name, fields)}")
    given = {node.name: data.get(node.name, network.values.get(node.name)) for node in fields.values() if node.role in _SAMPLED}
    given = {name: value for name, value in given.items() if value is not None}
    constants = {name: value for name, value in data.items() if name not in given}
    if any(fields[name].indices for name in given):
        return _array_samples([fields[name] for name in given], given, constants)
    return _scalar_samples(given, constants)


def _scalar_samples(given: Mapping[str, Any], constants: Mapping[str, Any]) -> _Samples:
    counts = {name: len(value) for name, value in given.items() if np.ndim(value)}
    axes: dict[str, int | None] = dict.fromkeys(given, 0) | dict.fromkeys(constants)
    if not counts:
        values = {name: float(value) for name, value in {**given, **constants}.items()}
        return _Samples(values, dict.fromkeys(values), 1, batched=False)
    longest = max(counts.values())
    for name, count in counts.items():
        if count != longest:
            other = next(n for n, c in counts.items() if c == longest)
            raise UserError(f"train: data: {name} has {count} samples but {other} has {longest}; give every list the same length")
    arrays = {name: np.broadcast_to(np.asarray(value, dtype=float), (longest,)) for name, value in given.items()}
    return _Samples({**arrays, **constants}, axes, longest, batched=True)


def _array_samples(nodes: Sequence[Node], given: Mapping[str, Any], constants: Mapping[str, Any]) -> _Samples:
    arrays = {node.name: np.asarray(given[node.name], dtype=float) if node.indices else given[node.name] for node in nodes}
    indexed = [node for node in nodes if node.indices]
    size = next((extent for extent in indexed[0].shape if isinstance(extent, Symbol)
                 and all(extent in node.shape for node in indexed)), None)  # fmt: skip
    axes: dict[str, int | None] = {node.name: node.shape.index(size) if size in node.shape else None for node in nodes}
    axes |= dict.fromkeys(constants)
    count = 1
    if size is not None and arrays[indexed[0].name].ndim == len(indexed[0].shape):
        count = arrays[indexed[0].name].shape[indexed[0].shape.index(size)]
    return _Samples({**arrays, **constants}, axes, count, batched=False)


def _checked_batch_size(batch_size: int | None, count: int) -> int:
    if batch_size is None:
        return count
    if not 1 <= batch_size <= count:
        raise UserError(f"train: batch_size: expected 1 to {count} (the number of samples) or None for all, got {batch_size}")
    return batch_size


def _batches(count: int, size: int, order: Order, generator: np.random.Generator) -> Iterator[Any]:
    """Yield the samples of each update of one epoch; None stands for all of them in order."""
    if size == count:
        yield None
        return
    samples = generator.permutation(count) if order == "shuffled" else np.arange(count)
    for at in range(0, count, size):
        yield samples[at : at + size]


def _bar(wanted: bool | None, epochs: int) -> AbstractContextManager[Callable[[int, float], None]]:
    return nullcontext(lambda epoch, loss: None) if wanted is False else _ProgressBar(epochs, 0.0 if wanted else _QUIET_SECONDS)


class _ProgressBar(AbstractContextManager[Callable[[int, float], None]]):
    """A progress bar that appears once a run has taken longer than `after` seconds."""

    def __init__(self, epochs: int, after: float) -> None:
        self.total, self.after, self.began = epochs, after, time.monotonic()
        self.bar: Progress | None = None

    def __enter__(self) -> Callable[[int, float], None]:
        return self._advance

    def _advance(self, epoch: int, loss: float) -> None:
        if self.bar is None:
            if time.monotonic() - self.began < self.after:
                return
            self.bar = _progress()
            self.bar.add_task("training", total=self.total, loss="")
            self.bar.start()
        self.bar.update(self.bar.task_ids[0], completed=epoch, loss=f"{loss:.6g}")

    def __exit__(self, *problem: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def _progress() -> Progress:
    from rich import progress  # only a long run has a bar: every use of the package would wait for it

    loss = progress.TextColumn("loss {task.fields[loss]}")
    columns = (progress.TextColumn("training"), progress.BarColumn(), progress.MofNCompleteColumn(), loss)
    return progress.Progress(*columns, progress.TimeRemainingColumn(), transient=False)
