"""The parts of a handout for networks in index notation: definitions with shapes, relations node by node, arrays of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from symbackprop.derive.reasons import Reason
from symbackprop.derive.steps.steps import written_steps
from symbackprop.derive.steps.worked_formulas import textbook_forms, up_to_loss
from symbackprop.errors import InternalError
from symbackprop.formula.tree.tree import Formula, Indexed, Name, Number, Partial, Update
from symbackprop.formula.tree.walk import walk
from symbackprop.network.sizes import size_text
from symbackprop.writeup.outline.backward_parts import MOST_KEPT, step_line
from symbackprop.writeup.outline.context import Context, learning_rate
from symbackprop.writeup.outline.entry_parts import ADJOINTS, VALUES, entry_lines
from symbackprop.writeup.outline.scalar_parts import loss_lead, loss_table
from symbackprop.writeup.page.blocks import (
    LEFT,
    SYMBOLS,
    ArrayValue,
    Block,
    Cell,
    FormulaBlock,
    Heading,
    Line,
    Part,
    Prose,
    Table,
    Words,
    formulas_in,
)

#: Arrays with more entries, or made of more matrices, than this are described by their shape only.
MOST_ENTRIES, MOST_MATRICES = 48, 6


def _itself(name: Formula) -> Formula:
    return name


def definition_blocks(context: Context) -> list[Block]:
    """Return the definitions of all nodes up to the loss, in order; and from where indices count, if they are reckoned with."""
    lines = []
    for name in up_to_loss(context.derivation):
        if context.derivation.network.nodes[name].defined:
            left, right = context.writer.definition(name).parts
            lines.append(Line((Part(left, "", LEFT), Part(right, "=", SYMBOLS)), about=(name,)))
    block = FormulaBlock("definitions", tuple(lines))
    entries = (part for formula in formulas_in(block) for part in walk(formula) if isinstance(part, Indexed))
    reckoned = next((entry for entry in entries if not all(isinstance(index, Name) for index in entry.indices)), None)
    return [block] if reckoned is None else [block, Prose(context.say("places from 0", entry=reckoned), "note")]


def shape_table(context: Context) -> Table:
    """Return every name with what it is and its shape."""
    rows = []
    for name in up_to_loss(context.derivation):
        node = context.derivation.network.nodes[name]
        role = context.say("role " + node.role.value)
        rows.append((Cell((context.writer.entry(name),)), Cell(role), Cell(_shape(context, name))))
    header = (context.say("quantity"), context.say("role"), context.say("shape"))
    return Table("shapes", header, tuple(rows), "lll")


def _shape(context: Context, name: str) -> Words:
    """Return the shape in letters and in numbers, `(N, D) = (5, 4)`."""
    shape = context.derivation.network.nodes[name].shape
    if not shape:
        return context.say("scalar")
    letters: Words = tuple(part for size in shape for part in (", ", context.writer.expression(size)))[1:]
    sizes = context.ledger.sizes
    known = {letter: sizes[str(letter)] for size in shape for letter in size.free_symbols if str(letter) in sizes}
    numbers = ", ".join(size_text(size.subs(known)) for size in shape)
    return ("(", *letters, f") = ({numbers})") if any(size.free_symbols for size in shape) else (f"({numbers})",)


Label = Callable[[Formula], Formula]


def matrix(anchor: str, label: Label, name: str, values: object, context: Context, hidden: str) -> list[Block]:
    """Return the value of an array, one with more axes matrix by matrix; nothing when it has more entries than fit a page.

    `label` makes what stands before a value of the array's name, or of its entry: `W_{1,i,j}` is the first matrix of W.
    """
    array = np.asarray(values, dtype=object)
    if array.size > MOST_ENTRIES or prod(array.shape[:-2]) > MOST_MATRICES:
        return []
    if array.ndim <= 2:
        return [_array_value(anchor, label(Name(name)), array, context, hidden)]
    entry = context.writer.entry(name)
    return [
        _array_value(f"{anchor}-{at}", label(_part(entry, place)), array[place], context, hidden)
        for at, place in enumerate(np.ndindex(array.shape[:-2]), start=1)
    ]


def _part(entry: Formula, place: tuple[int, ...]) -> Formula:
    """Return an entry with numbers (counted from 1) for all but its last two indices."""
    if not isinstance(entry, Indexed):
        raise InternalError(f"an array of several axes: expected an entry, got {entry}")
    return replace(entry, indices=(*(Number(str(at + 1)) for at in place), *entry.indices[len(place) :]))


def _array_value(anchor: str, name: Formula, array: Any, context: Context, hidden: str) -> ArrayValue:
    rows = (tuple(Cell((context.ledger.formula(value),), hidden) for value in row) for row in np.atleast_2d(array))
    return ArrayValue(anchor, (name,), tuple(rows))


def forward_arrays(context: Context) -> list[Block]:
    """Return the values of every definition, in order, and one entry of each in full."""
    names = [name for name in up_to_loss(context.derivation) if context.derivation.network.nodes[name].defined]
    blocks: list[Block] = []
    for name in names:
        blocks += matrix(f"value-{name}", _itself, name, context.ledger.values[name], context, "numbers")
    return [*blocks, *_in_full(VALUES, names, context)]


def _in_full(kind: str, names: Sequence[str], context: Context) -> list[Block]:
    """Return one entry of each array worked with numbers; a worksheet asks for each result once only."""
    lines = [] if context.is_worksheet or context.options.level == "brief" else entry_lines(kind, names, context)
    if not lines:
        return []
    block = FormulaBlock(f"entries-{kind}-lines", tuple(lines), keep=len(lines) <= MOST_KEPT)
    return [Heading(2, context.say("entries"), f"entries-{kind}"), Prose(context.say("entries lead")), block]


def given_arrays(context: Context) -> list[Block]:
    """Return the given values, in order of declaration."""
    blocks: list[Block] = []
    for node in context.derivation.network.nodes.values():
        if not node.defined and node.name in up_to_loss(context.derivation):
            blocks += matrix(f"value-{node.name}", _itself, node.name, context.ledger.values[node.name], context, "")
    return blocks


def weight_parts(name: str, context: Context, shown: set[Formula]) -> list[Block]:
    """Return the relations from the loss to one parameter; `shown` are left sides already derived, and grows."""
    about = tuple(context.derivation.between(name))
    steps = written_steps(context.derivation[name], context.notation, context.options.level)
    later = context.wants("matrix")  # where the matrix forms stand, with their reasons
    fresh = [step for step in steps if step.formula not in shown and not (later and step.kind == "matrix")]
    shown.update(step.formula for step in steps)
    lines = tuple(step_line(step, context, about) for step in fresh)
    return [
        Heading(1, context.say("backward", name=context.writer.entry(name)), f"weight-{name}"),
        FormulaBlock(f"steps-{name}-lines", lines, keep=len(lines) <= MOST_KEPT),
    ]


def adjoint_arrays(context: Context) -> list[Block]:
    """Return the values of the adjoints of all definitions, then of all parameters."""
    derivation = context.derivation
    printed = textbook_forms(derivation)
    inner = [name for name in printed if derivation.network.nodes[name].defined and name != derivation.loss]
    blocks: list[Block] = [Heading(1, context.say("gradients"), "gradients")]
    names = (*inner, *(name for name in derivation.wrt if name in derivation.adjoints))

    def by_loss(name: Formula) -> Formula:
        return Partial(Name(derivation.loss), name)

    for name in names:
        blocks += matrix(f"adjoint-{name}", by_loss, name, context.ledger.adjoint(name), context, "numbers")
    return [*blocks, *_in_full(ADJOINTS, names, context)]


def loss_parts(context: Context) -> list[Block]:
    """Return the loss before and after one step with all parameters changed at once."""
    rate = learning_rate(context)
    learned = [name for name in context.derivation.wrt if name in context.derivation.adjoints]
    changed = {name: context.ledger.stepped(name, rate) for name in learned}
    new: list[Block] = []
    for name, values in changed.items():
        new += matrix(f"new-{name}", Update, name, values, context, "numbers")
    return [*loss_lead(context), *new, *loss_table(changed, context)]


def matrix_parts(context: Context) -> list[Block]:
    """Return the matrix form of every definition's adjoint and every gradient that has one, with shapes and reasons."""
    derivation = context.derivation
    lines: dict[Formula, Line] = {}
    said: set[Reason] = set()  # a reason is given once
    for name in derivation.wrt:
        if name in derivation.adjoints:
            for step in written_steps(derivation[name], context.notation, "standard"):
                if step.kind == "matrix" and step.formula not in lines:
                    fresh = tuple(reason for reason in step.because if reason.key == "shapes" or reason not in said)
                    said.update(fresh)
                    lines[step.formula] = step_line(replace(step, because=fresh), context, (name,))
    if not lines:
        return []
    block = FormulaBlock("matrix-lines", tuple(lines.values()), keep=len(lines) <= MOST_KEPT)
    return [Heading(1, context.say("matrix"), "matrix"), block]
