"""The source of an epoch: the updates one after the other, each with a part of the samples.

    for X, t in batches:
        …                       the loss's parts and their derivatives, as in `loss_and_gradients`
        step_W = lr*dE_dW
        W -= step_W

and, for a network of numbers, of the mean loss over samples. A call of the gradient function with what it takes and gives back
by name costs more than such an update itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.numeric.code.parameter_layout import INDENT, listing
from symbackprop.numeric.code.source import body_of, file_of
from symbackprop.numeric.program.optimise import without_dead_lines, without_loss
from symbackprop.numeric.program.program import Program
from symbackprop.numeric.program.python_names import Identifiers


def epoch_source(program: Program, sampled: Sequence[str]) -> str:
    """Return the source of `epoch(batches, lr, …)`.

    `batches` yields tuples of the values of `sampled`, all other arguments follow one by one, in the program's order; `epoch`
    returns the values of the program's gradients' names after an update for each batch. Arrays move in their place.
    """
    body = body_of(without_loss(program))
    names = body.identifiers
    batches, rate = names.fresh("batches"), names.fresh("lr")
    moved = [(names[name], slope, names.fresh(f"step_{name}")) for name, slope in body.gradients() if slope]
    return file_of(
        body,
        [
            *listing([batches, rate, *_others(program, names, sampled)], "def epoch(", "):", INDENT * 2),
            _row(names, sampled, batches),
            *_indented(body.lines()),
            *(f"{INDENT * 2}{step} = {rate}*({slope})" for _, slope, step in moved),  # all at the old values
            *(f"{INDENT * 2}{name} -= {step}" for name, _, step in moved),
            *listing([names[name] for name, *_ in program.returned], f"{INDENT}return (", ",)", INDENT * 2),
        ],
    )


def mean_loss_source(program: Program, sampled: Sequence[str]) -> str:
    """Return the source of `mean_loss(samples, …)` of a scalar program, the arguments as those of `epoch`."""
    body = body_of(without_dead_lines(replace(program, gradients=())))
    names = body.identifiers
    samples, total, count = names.fresh("samples"), names.fresh("total"), names.fresh("count")
    return file_of(
        body,
        [
            *listing([samples, *_others(program, names, sampled)], "def mean_loss(", "):", INDENT * 2),
            f"{INDENT}{total} = {count} = 0",
            _row(names, sampled, samples),
            *_indented(body.lines()),
            f"{INDENT * 2}{total} += {names[program.loss]}",
            f"{INDENT * 2}{count} += 1",
            f"{INDENT}return {total}/{count}",
        ],
    )


def _others(program: Program, names: Identifiers, sampled: Sequence[str]) -> list[str]:
    return [names[node.name] for node in program.given if node.name not in sampled]


def _row(names: Identifiers, sampled: Sequence[str], batches: str) -> str:
    return f"{INDENT}for ({', '.join(names[name] for name in sampled)}{',' if len(sampled) == 1 else ''}) in {batches}:"


def _indented(lines: Sequence[str]) -> list[str]:
    return [INDENT + line for line in lines if line]
