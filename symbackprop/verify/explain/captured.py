"""A handwritten loss as a network in its own names, so that its gradients are explained as those of a network are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.capturing.capture import Captured, capture, network_values
from symbackprop.derive.sweep.derivation import derive
from symbackprop.errors import SymbackpropError
from symbackprop.verify.binding.binding import make_arguments
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.loss_reference import LossReference
from symbackprop.verify.reference.protocol import Point
from symbackprop.verify.reference.samples import Sample


def captured(
    source: LossReference, wrong: Sequence[str], samples: Sequence[Sample]
) -> tuple[DerivationReference, list[Sample]] | None:
    """Return a loss as a derivation, and the samples in its terms; None where it cannot be captured, or does not agree."""
    try:
        function, arguments = make_arguments(source.call, source.values)
        found = capture(function, arguments, list(wrong))
        if not set(wrong) <= set(found.wrt):
            return None
        reference = DerivationReference(derive(found.network, found.loss, list(wrong)))
        moved = [_moved(source, found, reference, sample) for sample in samples]
    except (SymbackpropError, ValueError, KeyError, IndexError):
        return None
    return (reference, moved) if all(map(_agrees, moved, samples)) else None


def _moved(source: LossReference, found: Captured, reference: DerivationReference, sample: Sample) -> Sample:
    """Return a sample with the values of the captured network."""
    _, arguments = make_arguments(source.call, sample.point.values)
    values: Mapping[str, Any] = network_values(found.network, found.inputs, found.one_hot, arguments)
    evaluated = reference.numbers(values)
    label = ",".join(f"{name}={size}" for name, size in found.network.sizes(values).items())
    derived = {name: evaluated.adjoints[name] for name in sample.derived if name in evaluated.adjoints}
    return replace(sample, point=Point(values, label), derived=derived, evaluated=evaluated)


def _agrees(moved: Sample, sample: Sample) -> bool:
    """Whether the captured network has the gradients of the loss."""
    return all(np.allclose(moved.derived[name], sample.derived[name], rtol=1e-7, atol=1e-10) for name in moved.derived)
