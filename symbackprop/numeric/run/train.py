"""Gradient descent with the generated function: full batch, minibatches, one sample at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError, nearest
from symbackprop.network.node import Role
from symbackprop.numeric.run.history import History, Parameters, TrainingDiverged
from symbackprop.numeric.run.progress_bar import progress_bar
from symbackprop.numeric.run.samples import Order, batches, checked_batch_size, read_samples
from symbackprop.numeric.run.updates import Updates, updates_of

Stop = Callable[[float, Parameters, int], bool] | float


def train(
    derivation: DerivationRecord,
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
    if epochs < 0 or not isinstance(lr, int | float | np.number) or lr != lr:
        raise UserError(f"train: expected epochs >= 0 and a number lr, got epochs={epochs}, lr={lr!r}")
    if order not in ("sequential", "shuffled"):
        raise UserError(f"train: order: expected 'sequential' or 'shuffled', got {order!r}")
    names = _updated(derivation, update)
    samples = read_samples(derivation, data or {})
    size = checked_batch_size(batch_size, samples.count)
    start = _initial(derivation, initial)
    constants = {
        node.name: derivation.network.values[node.name]
        for node in derivation.network.of_role(Role.CONSTANT)
        if node.name in derivation.network.values and node.name not in samples.values
    }
    run = _Run(updates_of(derivation, samples, names, start, constants, size), lr, keep)
    generator = _generator(seed)
    with progress_bar(progress, epochs) as advance, np.errstate(all="ignore"):  # what is not finite is seen in the loss
        return run.epochs(epochs, lambda: batches(samples.count, size, order, generator), stop, advance)


class _Run:
    """One training run: the updates, and what was recorded so far."""

    def __init__(self, updates: Updates, lr: float, keep: bool) -> None:
        self.updates, self.lr, self.keep = updates, lr, keep
        self.good = updates.snapshot()
        self.losses: list[float] = []
        self.trajectory: list[Parameters] = []
        self.count = 0

    def epochs(
        self, count: int, batches: Callable[[], Iterator[Any]], stop: Stop | None, advance: Callable[[int, float], None]
    ) -> History:
        """Run the epochs and return the history."""
        for epoch in range(count + 1):
            loss, gradients = self._loss(epoch)
            reason = self._record(loss, epoch, stop)
            if reason:
                return self.history(epoch, reason)
            advance(epoch, loss)
            if epoch < count:
                self.count += self._updated(batches(), gradients, epoch)
        return self.history(count, f"all {count} epochs are done")

    def _loss(self, epoch: int) -> tuple[float, Mapping[str, Any]]:
        try:
            loss, gradients = self.updates.loss() if epoch else self.updates.first_loss()
        except UserError as problem:
            if self.count == 0:
                raise
            raise self._diverged(str(problem), epoch) from None
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is {loss}", epoch)
        return loss, gradients

    def _updated(self, batches: Iterator[Any], gradients: Mapping[str, Any], epoch: int) -> int:
        try:
            return self.updates.epoch(batches, gradients, self.lr)
        except (ArithmeticError, ValueError) as problem:
            raise self._diverged(f"a gradient cannot be computed ({problem})", epoch) from None

    def _record(self, loss: float, epoch: int, stop: Stop | None) -> str:
        self.losses.append(loss)
        self.good = self.updates.snapshot()
        if self.keep:
            self.trajectory.append(self.good)
        if stop is None:
            return ""
        if callable(stop):
            return f"stop() returned true at epoch {epoch}" if stop(loss, dict(self.good), epoch) else ""
        return f"the loss {loss:.6g} is not above {stop:g} at epoch {epoch}" if loss <= stop else ""

    def _diverged(self, what: str, epoch: int) -> TrainingDiverged:
        history = self.history(epoch, f"diverged: {what}")
        return TrainingDiverged(
            f"train: {what} in epoch {epoch} after {self.count} updates; try a smaller learning rate than {self.lr:g}, "
            f"or start from the last good parameters (.parameters of this error)",
            history,
        )

    def history(self, epochs: int, reason: str) -> History:
        """Return what was recorded."""
        return History(tuple(self.losses), dict(self.good), epochs, self.count, reason, tuple(self.trajectory))


# ---- reading the arguments ---------------------------------------------------------------------------------------------


def _updated(derivation: DerivationRecord, update: Sequence[str] | None) -> list[str]:
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


def _initial(derivation: DerivationRecord, initial: Mapping[str, Any] | None) -> dict[str, Any]:
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


def _generator(seed: object) -> np.random.Generator:
    """Return the source of the order of samples. Raises UserError for what is no seed."""
    if seed is not None and not (isinstance(seed, int | np.integer) and seed >= 0):
        raise UserError(f"train: seed: expected a whole number of at least 0, got {seed!r}")
    return np.random.default_rng(seed)
