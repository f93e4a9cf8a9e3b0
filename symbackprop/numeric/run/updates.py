"""The updates of a training run: on arrays, on samples side by side, or one sample after the other on floats.

The generated function is called with its arguments in order, checked once for the whole data; nothing is done for each parameter
but its arithmetic. What is no longer finite shows in the loss of the epoch that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.numeric.code.epoch import epoch_source, mean_loss_source
from symbackprop.numeric.code.source import gradient_source
from symbackprop.numeric.program.batch import program_over_samples
from symbackprop.numeric.program.optimise import optimised, without_dead_lines
from symbackprop.numeric.program.program import Program, program_of
from symbackprop.numeric.run.call_signature import Signature
from symbackprop.numeric.run.function import (
    GradientFunction,
    arithmetic_error,
    compile_source,
    declared,
    function,
)
from symbackprop.numeric.run.samples import Samples

#: With more samples than this the loss of all of them is computed on arrays, which is then faster than on floats.
MOST_FLOATS = 32


class UpdateCode:
    """The compiled source of the updates of some names, each piece made when it is asked for."""

    def __init__(self, derivation: DerivationRecord, batched: bool) -> None:
        self.derivation, self.batched = derivation, batched
        self._epochs: dict[tuple[tuple[str, ...], bool], Callable[..., Any]] = {}
        self._means: dict[tuple[str, ...], Callable[..., Any]] = {}

    @cached_property
    def program(self) -> Program:
        """The program over all samples of an update."""
        program = program_over_samples(self.derivation, "mean") if self.batched else program_of(self.derivation)
        return optimised(program, self.derivation.network.facts)

    @cached_property
    def of_one(self) -> Program:
        """The program of one sample."""
        return optimised(program_of(self.derivation), self.derivation.network.facts) if self.batched else self.program

    @cached_property
    def function(self) -> GradientFunction:
        """The loss and the gradients, of values that are checked."""
        return function(self.derivation, batched=self.batched)

    @cached_property
    def loss(self) -> Callable[..., Any]:
        """The loss without the gradients; the arguments in order, not checked."""
        return compile_source(gradient_source(without_dead_lines(replace(self.program, gradients=()))), "loss_and_gradients")

    def epoch(self, sampled: tuple[str, ...], one: bool = False) -> Callable[..., Any]:
        """The updates of an epoch on arrays, or by one sample after the other on floats; `sampled` differ between samples."""
        if (sampled, one) not in self._epochs:
            text = epoch_source(self.of_one if one else self.program, sampled)
            self._epochs[sampled, one] = compile_source(text, "epoch")
        return self._epochs[sampled, one]

    def mean(self, sampled: tuple[str, ...]) -> Callable[..., Any]:
        """The mean loss over samples, on floats."""
        if sampled not in self._means:
            self._means[sampled] = compile_source(mean_loss_source(self.of_one, sampled), "mean_loss")
        return self._means[sampled]


def code_of(derivation: DerivationRecord, batched: bool) -> UpdateCode:
    """Return the code of a derivation's updates, which is made once however often it is trained."""
    key = (derivation.wrt, batched, tuple(derivation.network.facts))
    if key not in derivation.code:
        derivation.code[key] = UpdateCode(derivation, batched)
    found: UpdateCode = derivation.code[key]
    return found


class Updates:
    """The current parameters of a run, and how they move."""

    def __init__(
        self,
        derivation: DerivationRecord,
        samples: Samples,
        names: Sequence[str],
        start: dict[str, Any],
        constants: Mapping[str, Any],
        whole: bool,
    ) -> None:
        self.whole = whole
        self.derivation, self.samples, self.names = replace(derivation, wrt=tuple(names)), samples, tuple(names)
        self.code = code_of(self.derivation, samples.batched)
        self.constants = constants
        self.parameters = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in start.items()}

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.code.program.given)

    @cached_property
    def _sampled(self) -> tuple[str, ...]:
        return tuple(name for name in self._names if self.samples.axes.get(name) is not None)

    def _known(self) -> dict[str, Any]:
        return {**self.samples.values, **self.constants, **self.parameters}

    def first_loss(self) -> tuple[float, Mapping[str, Any]]:
        """Return the loss over all data, as `loss` does; raises UserError for values that do not fit."""
        if self.whole:
            return self.code.function(**self._known())
        given = Signature(self.code.program.given, declared(self.derivation.network)).ordered(self._known())
        self.constants = dict(zip(self._names, given, strict=True))  # all values as they were checked: arrays of floats
        return self.loss()

    def loss(self) -> tuple[float, Mapping[str, Any]]:
        """Return the loss over all data, with its gradients where an update takes all of it."""
        if self.whole:
            return self.code.function(**self._known())
        known = self._known()
        try:
            return float(self.code.loss(*[known[name] for name in self._names])[0]), {}
        except (ArithmeticError, ValueError) as problem:
            raise arithmetic_error(problem, known) from None

    def epoch(self, batches: Iterable[Any], gradients: Mapping[str, Any], lr: float) -> int:
        """Make the updates of one epoch and return their number; `gradients` are those of the whole data."""
        chosen = list(batches)
        if self.whole:
            self._step(gradients, lr)
        else:
            known = self._known()
            rows = zip(*(self.samples.parts(name, chosen) for name in self._sampled), strict=True)
            others = [known[name] for name in self._names if name not in self._sampled]
            self._moved(self.code.epoch(self._sampled)(rows if self._sampled else [()] * len(chosen), lr, *others))
        return len(chosen)

    def _step(self, gradients: Mapping[str, Any], lr: float) -> None:
        """Move every parameter by `-lr * gradient`; all changes are known before any is made, since gradients may be views."""
        changes = [lr * gradients[name] for name in self.names]
        for name, change in zip(self.names, changes, strict=True):
            value = self.parameters[name]
            value -= change
            self.parameters[name] = value if isinstance(value, np.ndarray) else float(value)

    def _moved(self, values: Iterable[Any]) -> None:
        """Keep the new values; arrays have changed in their place."""
        for name, value in zip(self.names, values, strict=True):
            self.parameters[name] = value if isinstance(value, np.ndarray) else float(value)

    def snapshot(self) -> dict[str, Any]:
        """Return the current parameters as they will stay."""
        return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in self.parameters.items()}


class OnlineUpdates(Updates):
    """One sample after the other, of a network of numbers: an epoch is one call of generated source on floats."""

    def __init__(
        self,
        derivation: DerivationRecord,
        samples: Samples,
        names: Sequence[str],
        start: dict[str, Any],
        constants: Mapping[str, Any],
        whole: bool,
    ) -> None:
        super().__init__(derivation, samples, names, start, constants, whole)
        arguments = self.code.of_one.arguments
        sampled = tuple(node.name for node in arguments if samples.axes.get(node.name) is not None)
        self._others = [node.name for node in arguments if node.name not in sampled]
        self._rows = list(zip(*(np.asarray(samples.values[name]).tolist() for name in sampled), strict=True))
        self._epoch, self._mean = self.code.epoch(sampled, one=True), self.code.mean(sampled)

    @cached_property
    def _unmoved(self) -> dict[str, float]:
        """What is no sample and no parameter, as floats."""
        known = {**self.samples.values, **self.constants}
        return {name: float(known[name]) for name in self._others if name not in self.parameters}

    def _numbers(self) -> list[Any]:
        known = {**self._unmoved, **self.parameters}
        return [known[name] for name in self._others]

    def snapshot(self) -> dict[str, Any]:
        """Return the current parameters, which are numbers."""
        return dict(self.parameters)

    def first_loss(self) -> tuple[float, Mapping[str, Any]]:
        """Return the loss over all data; what floats refuse, or have no value of, is for the checking function."""
        try:
            return self._mean(self._rows, *self._numbers()), {}
        except (ArithmeticError, ValueError, KeyError):
            return super().first_loss()

    def loss(self) -> tuple[float, Mapping[str, Any]]:
        """Return the loss over all data, on floats where the samples are few."""
        return self.first_loss() if len(self._rows) <= MOST_FLOATS else super().loss()

    def epoch(self, batches: Iterable[Any], gradients: Mapping[str, Any], lr: float) -> int:
        """Make one update for each sample; on arrays of one where floats overflow."""
        order = list(batches)
        in_order = isinstance(order[0], slice)  # then it is all of them, one after the other
        try:
            rows = self._rows if in_order else [self._rows[int(place)] for (place,) in order]
            moved = self._epoch(rows, lr, *self._numbers())
        except (ArithmeticError, ValueError):
            return super().epoch(order, gradients, lr)
        self._moved(moved)
        return len(order)


def updates_of(
    derivation: DerivationRecord,
    samples: Samples,
    names: Sequence[str],
    start: dict[str, Any],
    constants: Mapping[str, Any],
    batch_size: int,
) -> Updates:
    """Return the updates of a run with so many samples in each."""
    online = samples.batched and batch_size == 1 < samples.count and any(name in derivation.adjoints for name in names)
    return (OnlineUpdates if online else Updates)(derivation, samples, names, start, constants, batch_size == samples.count)
