"""The runnable cells of a notebook: values, forward pass, the network itself, a check by central differences.

A worksheet's cells answer none of its questions: there is neither a forward pass nor the network, and the check compares
fingerprints of the results, which do not tell them.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction as Exact
from hashlib import sha256

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
_CHECK_BY_FINGERPRINT = '''\
from hashlib import sha256
from math import floor, log10

import numpy as np

FINGERPRINTS = {
LISTED
}


def fingerprint(text):
    """SIZE letters that are the same for the same text, and do not tell it."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in sha256(text.encode()).hexdigest()[:SIZE])


def is_right(name, number, value):
    """Whether the value of an entry is the right one to about four digits."""
    step = 10.0 ** (floor(log10(abs(value))) - 3) if abs(value) > 1e-9 else 0.0
    near = {f"{value + k * step:.3e}" if step else "0" for k in (-1, 0, 1)}
    wanted = FINGERPRINTS[name][SIZE * number : SIZE * (number + 1)]
    return any(fingerprint(f"{name} {number} {text}") == wanted for text in near)


def check(name, value):
    """Say whether a result is right; of an array, how many of its entries are not."""
    entries = np.ravel(np.asarray(value, dtype=float))
    count = len(FINGERPRINTS.get(name, "")) // SIZE
    if not count:
        print(f"{name} is not asked for; these are: {', '.join(FINGERPRINTS)}")
        return
    if len(entries) != count:
        print(f"{name} has {count} entries, not {len(entries)}")
        return
    wrong = [number for number, entry in enumerate(entries) if not is_right(name, number, entry)]
    print(name, "is right" if not wrong else "is not right" if count == 1 else f"is not right in {len(wrong)} of {count} entries")


def check_gradients(gradients):
    """Say of each gradient whether it is right."""
    for name, gradient in gradients.items():
        check(f"gradient of {name}", gradient)
'''
_WORK = """\
# Work out the forward pass; ask for each result whether it is right:
# check("NAME", ...)

gradients = {
    # "PARAMETER": ...,
}
check_gradients(gradients)
"""
#: Letters of a fingerprint: enough that no wrong result passes by chance.
FINGERPRINT = 8


def notebook_cells(context: Context) -> list[Block]:
    """Return the cells, in order: values, forward pass, check; the gradients' cell is hidden from students."""
    return _worksheet_cells(context) if context.is_worksheet else _complete_cells(context)


def _worksheet_cells(context: Context) -> list[Block]:
    """Return the values, the check by fingerprints, and a cell to work in."""
    derivation = context.derivation
    listed = "\n".join(f"    {name!r}: {letters!r}," for name, letters in _fingerprints(context))
    inner = next(name for name in up_to_loss(derivation) if derivation.network.nodes[name].defined)
    parameter = next(iter((*context.weights, *derivation.wrt)), inner)
    return [
        CodeCell(_values(context)),
        TextCell(context.say("nb check work")),
        CodeCell(_CHECK_BY_FINGERPRINT.replace("SIZE", str(FINGERPRINT)).replace("LISTED", listed)),
        CodeCell(_WORK.replace("NAME", inner).replace("PARAMETER", parameter)),
    ]


def _fingerprints(context: Context) -> Iterator[tuple[str, str]]:
    """Yield every result by name: the values of definitions, the gradients with respect to everything up to the loss."""
    true, nodes = context.ledger.true, context.derivation.network.nodes
    values = {name: value for name, value in true.values.items() if nodes[name].defined}
    gradients = {f"gradient of {name}": value for name, value in true.adjoints.items() if name != context.derivation.loss}
    for name, value in (values | gradients).items():
        entries = np.ravel(np.asarray(value, dtype=object))
        yield name, "".join(fingerprint(name, number, float(entry)) for number, entry in enumerate(entries))


def fingerprint(name: str, number: int, value: float) -> str:
    """Return letters that an entry rounded to four digits can be compared by, and that do not tell it."""
    text = f"{name} {number} {value:.3e}" if abs(value) > 1e-9 else f"{name} {number} 0"
    return "".join(chr(ord("a") + int(digit, 16)) for digit in sha256(text.encode()).hexdigest()[:FINGERPRINT])


def _arguments(context: Context) -> list[str]:
    derivation = context.derivation
    return [name for name in up_to_loss(derivation) if not derivation.network.nodes[name].defined]


def _values(context: Context) -> str:
    """Return the source of the given values."""
    listed = "\n".join(f'    "{name}": {_literal(context.ledger.true.values[name], context)},' for name in _arguments(context))
    return "\n".join(["from numpy import array", "", "values = {", listed, "}"]) + "\n"


def _complete_cells(context: Context) -> list[Block]:
    derivation, arguments = context.derivation, _arguments(context)
    inner = next(name for name in derivation.adjoints if name != derivation.loss)
    parameter = context.weights[0] if context.weights else arguments[0]
    answer = _ANSWER.replace("ARGUMENTS", repr(tuple(arguments)))
    yours = _YOURS.replace("NAME", inner).replace("PARAMETER", parameter)
    return [
        CodeCell(_values(context)),
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
