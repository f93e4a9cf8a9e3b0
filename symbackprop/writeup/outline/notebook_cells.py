"""The runnable cells of a notebook: values, forward pass, the network itself, a check by central differences."""

from __future__ import annotations

from fractions import Fraction as Exact

import numpy as np

from symbackprop.derive.steps.worked_formulas import up_to_loss
from symbackprop.numeric.code.source import forward_source
from symbackprop.writeup.outline.context import Context
from symbackprop.writeup.outline.notebook_network import network_source
from symbackprop.writeup.page.blocks import Block, CodeCell, TextCell

_CHECK = '''\
import numpy as np


def central_differences(name, step=1e-6):
    """The derivative of the loss with respect to every entry of a value, from two loss values each."""
    value = np.array(values[name], dtype=float)
    slopes = np.zeros_like(value)
    for place in np.ndindex(value.shape):
        losses = []
        for sign in (1, -1):
            moved = value.copy()
            moved[place] += sign * step
            losses.append(forward(**{**values, name: moved if moved.shape else float(moved)})["LOSS"])
        slopes[place] = (losses[0] - losses[1]) / (2 * step)
    return slopes


def check(gradients):
    """Say for each gradient whether it agrees with central differences."""
    for name, gradient in gradients.items():
        agrees = np.allclose(gradient, central_differences(name), rtol=1e-4, atol=1e-7)
        print(name, "agrees" if agrees else "differs")
'''
_ANSWER = """\
loss, gradients = loss_and_gradients(**{name: values[name] for name in ARGUMENTS})
check(gradients)
"""
_PROVE = """\
from symbackprop import check_gradient, derive

report = check_gradient(derive(build(values), "LOSS"), loss_and_gradients)
print(report)
"""
_YOURS = """\
value = forward(**values)    # value["NAME"] is the number of that name

gradients = {
    # "PARAMETER": ...,
}
check(gradients)
"""


def notebook_cells(context: Context) -> list[Block]:
    """Return the cells, in order: values, forward pass, check; the gradients' cell is hidden from students."""
    derivation = context.derivation
    arguments = [name for name in up_to_loss(derivation) if not derivation.network.nodes[name].defined]
    listed = "\n".join(f'    "{name}": {_literal(context.ledger.true.values[name], context)},' for name in arguments)
    lines = ["from numpy import array", "", "values = {", listed, "}"]
    inner = next(name for name in derivation.adjoints if name != derivation.loss)
    parameter = context.weights[0] if context.weights else arguments[0]
    answer = _ANSWER.replace("ARGUMENTS", repr(tuple(arguments)))
    yours = _YOURS.replace("NAME", inner).replace("PARAMETER", parameter)
    return [
        CodeCell("\n".join(lines) + "\n"),
        CodeCell(_only(forward_source(derivation.network))),
        CodeCell(network_source(derivation.network, derivation.loss)),
        TextCell(context.say("nb check lead")),
        CodeCell(_CHECK.replace("LOSS", derivation.loss)),
        CodeCell(answer, hidden="numbers"),
        CodeCell(_PROVE.replace("LOSS", derivation.loss), hidden="numbers"),
        *([CodeCell(yours)] if context.options.audience == "student" else []),
    ]


def _only(source: str) -> str:
    return source.rstrip() + "\n"


def _literal(value: object, context: Context) -> str:
    if isinstance(value, Exact):
        return context.ledger.text(value)
    array = np.asarray(value, dtype=object)
    return "array(" + repr(array.astype(float).tolist()) + ")"
