"""The worked parts of a handout for networks of plain numbers around the backward pass: forward pass, tables, updates, loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction as Exact
from typing import Any

from symbackprop.derive.steps.worked_formulas import adjoint_terms, up_to_loss
from symbackprop.formula.tree.build import equation, multiply, subtract
from symbackprop.formula.tree.tree import Chain, Formula, Name, Text, Update
from symbackprop.network.node import Role
from symbackprop.writeup.outline.backward_parts import MOST_KEPT
from symbackprop.writeup.outline.context import Context, learning_rate
from symbackprop.writeup.page.blocks import Block, Cell, FormulaBlock, Heading, Line, Prose, Table, Words
from symbackprop.writeup.page.rows import measured

#: Characters that fit the middle column of the forward pass on one row.
CALCULATION_WIDTH = 70


def forward_pass(names: Sequence[str], anchor: str, context: Context) -> Table | FormulaBlock:
    """Return definitions, the numbers put in, and the values; as lines where a table is too narrow."""
    lines = []
    for name in names:
        left, written = context.writer.definition(name).parts
        lines.append(context.calculation(left, (written,), context.ledger.values[name], about=(name,)))
    if any(measured(part.formula) > CALCULATION_WIDTH for line in lines for part in line.parts):
        return FormulaBlock(anchor, tuple(lines), keep=len(lines) <= MOST_KEPT)
    header = (context.say("quantity"), context.say("calculation"), context.say("value"))
    return Table(anchor, header, tuple(_forward_row(name, context) for name in names), "llr")


def _forward_row(name: str, context: Context) -> tuple[Cell, ...]:
    written = context.writer.definition(name).parts[1]
    numbers, _ = context.with_numbers(written)
    return (
        Cell((context.writer.entry(name),)),
        Cell(_beside(written, numbers), stripped=(written,)),
        Cell((context.ledger.formula(context.ledger.values[name]),), hidden="numbers"),
    )


def forward_names(context: Context) -> tuple[list[str], list[str]]:
    """Return the definitions up to the outputs, and those that compare them with targets: the loss and what it is made of."""
    network = context.derivation.network
    defined = [name for name in up_to_loss(context.derivation) if network.nodes[name].defined]
    targets = {node.name for node in network.of_role(Role.TARGET)}
    compared = [name for name in defined if targets & set(network.ancestors(name))] or [context.derivation.loss]
    return [name for name in defined if name not in compared], compared


def _beside(written: Formula, numbers: Formula) -> Words:
    """Put the numbers behind the symbols where both fit on a row, else below."""
    wide = measured(written) + measured(numbers) > CALCULATION_WIDTH
    return (written, "\n" if wide else "  ", Chain((Text(""), numbers), ("=",)))


def new_value(name: str, context: Context) -> Exact:
    """Return the parameter after one step, rounded."""
    stepped: Exact = context.ledger.stepped(name, learning_rate(context))
    return stepped


def update_line(name: str, context: Context) -> Line:
    """Return `w⁺ = w - η ∂E/∂w = numbers = result`, with the old weight."""
    weight = context.writer.entry(name)
    eta = Name(context.notation.learning_rate)
    symbols = subtract(weight, multiply(eta, context.writer.partial(context.derivation.loss, name)))
    return context.calculation(Update(weight), (symbols,), new_value(name, context), about=(name,))


def scalar_parameters(context: Context) -> list[str]:
    """Return the scalar parameters the loss depends on, in order of declaration."""
    derivation = context.derivation
    return [
        name for name in derivation.wrt if name in derivation.adjoints and derivation.network.nodes[name].role is Role.PARAMETER
    ]


def gradient_parts(context: Context) -> list[Block]:
    """Return the table of all gradients; on a worksheet of those that are not worked out above."""
    header = tuple(context.say(key) for key in ("parameter", "gradient", "value"))
    above = context.weights if context.is_worksheet and context.wants("numbers") else ()
    rows = tuple(_gradient_row(name, context) for name in scalar_parameters(context) if name not in above)
    heading = context.say("other gradients" if above else "gradients")
    return [Heading(1, heading, "gradients"), Table("gradients-table", header, rows, "llr")] if rows else []


def _gradient_row(name: str, context: Context) -> tuple[Cell, ...]:
    terms = adjoint_terms(context.derivation, name, context.writer)
    value = (context.ledger.formula(context.ledger.adjoint(name)),)
    return Cell((context.writer.entry(name),)), Cell((terms,), hidden="rhs"), Cell(value, hidden="numbers")


def update_parts(context: Context) -> list[Block]:
    """Return the update of every parameter: the rule, the chosen weights worked, the others in a table."""
    names = scalar_parameters(context)
    if not names:
        return []
    worked = [name for name in names if name in context.weights] or names[:1]
    lines = tuple(update_line(name, context) for name in worked)
    others = [] if context.is_worksheet else [name for name in names if name not in worked]
    return [
        Heading(1, context.say("update"), "update"),
        Prose(update_rule(worked[0], context), "note"),
        FormulaBlock("update-lines", lines),
        *([_update_table(others, context)] if others else []),
    ]


def _update_table(names: Sequence[str], context: Context) -> Table:
    """Return the old and the new values of parameters."""
    printed = context.ledger.formula
    header = tuple(context.say(key) for key in ("parameter", "old", "new"))
    rows = tuple(
        (
            Cell((context.writer.entry(name),)),
            Cell((printed(context.ledger.values[name]),)),
            Cell((printed(new_value(name, context)),), hidden="numbers"),
        )
        for name in names
    )
    return Table("update-table", header, rows, "lrr")


def update_rule(name: str, context: Context) -> Words:
    """Return the rule of the update in words, with its formula unless that is what a student is to write."""
    if context.options.audience == "student" and context.options.blanks in ("rhs", "steps"):
        return context.say("update lead asked")
    slope = context.writer.partial(context.derivation.loss, name)
    rule = equation(Update(Name(name)), subtract(Name(name), multiply(context.notation.learning_rate, slope)))
    return context.say("update lead", rule=rule)


def loss_parts(context: Context) -> list[Block]:
    """Return the loss before and after one step with all parameters changed at once."""
    changed = {name: new_value(name, context) for name in scalar_parameters(context)}
    return [*loss_lead(context), *loss_table(changed, context)]


def loss_lead(context: Context) -> list[Block]:
    """Return the heading over the loss, and what happens to it."""
    rate = context.ledger.formula(learning_rate(context))
    return [Heading(1, context.say("loss"), "loss"), Prose(context.say("loss lead", rate=rate))]


def loss_table(changed: Mapping[str, Any], context: Context) -> list[Block]:
    """Return the loss at the old and at changed values; that it grew a student finds out from the numbers."""
    loss = context.derivation.loss
    before = context.ledger.values[loss]
    after, growth = context.ledger.loss_at(changed)
    rows = tuple(
        (Cell(context.say(key)), Cell((context.ledger.formula(value),), hidden="numbers"))
        for key, value in (("before", before), ("after", after), ("change", growth))
    )
    note = [Prose(context.say("loss grew"), "note", hidden="numbers")] if growth > 0 else []
    return [Table("loss-table", (context.say("loss name"), (Name(loss),)), rows, "lr"), *note]
