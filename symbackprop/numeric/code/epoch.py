"""The source of an epoch of a network of numbers, one sample after the other on plain floats.

    for x, t in samples:
        …                       the loss's parts and their derivatives, as in `loss_and_gradients`
        w -= lr*dE_dw

and of the mean loss over samples. A call of the gradient function costs more than such a step itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.numeric.code.parameter_layout import INDENT, listing
from symbackprop.numeric.code.source import ScalarBody, identifiers_of
from symbackprop.numeric.program.optimise import without_dead_lines, without_loss
from symbackprop.numeric.program.program import Program
from symbackprop.numeric.program.python_names import Identifiers


def epoch_source(program: Program, sampled: Sequence[str]) -> str:
    """Return the source of `epoch(samples, lr, …)` and `mean_loss(samples, …)` of a scalar program.

    `samples` yields tuples of the values of `sampled`, all other arguments follow one by one, in the program's order; `epoch`
    returns the values of the program's gradients' names after one update for each sample.
    """
    steps = ScalarBody(without_loss(program), everything=False, guarded=True)
    losses = ScalarBody(without_dead_lines(replace(program, gradients=())), everything=False, guarded=True)
    names = identifiers_of(program)
    samples = names.fresh("samples")
    others = [names[node.name] for node in program.arguments if node.name not in sampled]
    row = f"{INDENT}for {', '.join(names[name] for name in sampled)}{',' if len(sampled) == 1 else ''} in {samples}:"
    text = [
        *_epoch(program, steps, names, row, [samples, *others]),
        "",
        "",
        *_mean_loss(program, losses, names, row, [samples, *others]),
    ]
    heads = (head for part in (steps, losses) for head in ("\n".join(part.imports()), *part.helpers()))
    return "\n\n\n".join([*dict.fromkeys(filter(None, heads)), "\n".join(text)]) + "\n"


def _epoch(program: Program, body: ScalarBody, names: Identifiers, row: str, arguments: list[str]) -> list[str]:
    """Return the lines of `epoch`: each sample's steps are all worked out at the old values."""
    rate = names.fresh("lr")
    moved = [(names[name], body.value(adjoint), names.fresh(f"step_{name}")) for name, adjoint in program.gradients if adjoint]
    return [
        *listing([arguments[0], rate, *arguments[1:]], "def epoch(", "):", INDENT * 2),
        row,
        *(INDENT + line for line in body.sections()),
        *(f"{INDENT * 2}{step} = {rate}*({slope})" for _, slope, step in moved),
        *(f"{INDENT * 2}{name} -= {step}" for name, _, step in moved),
        *listing([names[name] for name, _ in program.gradients], f"{INDENT}return (", ",)", INDENT * 2),
    ]


def _mean_loss(program: Program, body: ScalarBody, names: Identifiers, row: str, arguments: list[str]) -> list[str]:
    total, count = names.fresh("total"), names.fresh("count")
    return [
        *listing(arguments, "def mean_loss(", "):", INDENT * 2),
        f"{INDENT}{total} = {count} = 0",
        row,
        *(INDENT + line for line in body.sections()),
        f"{INDENT * 2}{total} += {names[program.loss]}",
        f"{INDENT * 2}{count} += 1",
        f"{INDENT}return {total}/{count}",
    ]
