"""The check that needs no calculus: change one weight a little, run forward again, divide the change of the loss by it."""

from __future__ import annotations

from fractions import Fraction as Exact
from typing import cast

import numpy as np

from symbackprop.formula.tree.tree import Formula, Indexed, Name, Number, Partial
from symbackprop.formula.value.numbers import Rounding
from symbackprop.writeup.outline.context import Context
from symbackprop.writeup.page.blocks import Block, Cell, Heading, Prose, Table, Words

#: By how much the weight is changed, and the largest share by which the quotient may then differ from the derivative.
STEP = Exact(1, 1000)
CLOSE = Exact(1, 50)
#: Significant digits of the difference of the two losses.
DIGITS = 4


def nudge_blocks(context: Context) -> list[Block]:
    """Return the check of the first weight worked whose quotient tells something; it is no exercise for pen and paper."""
    if context.is_worksheet:
        return []
    for name in context.weights:
        blocks = _nudged(name, context)
        if blocks:
            return blocks
    return []


def _nudged(name: str, context: Context) -> list[Block]:
    """Return the check of one entry of a weight; nothing where the losses do not tell the derivative to two digits."""
    ledger = context.ledger
    true = np.asarray(ledger.true.adjoints[name], dtype=object)
    place = max(np.ndindex(true.shape), key=lambda at: abs(true[at]))
    old, adjoint = (cast(Exact, np.asarray(value, dtype=object)[place]) for value in (ledger.values[name], ledger.adjoint(name)))
    slope = cast(Exact, true[place])
    before, after = ledger.true.values[context.derivation.loss], ledger.true_loss(name, place, STEP)
    places = next((k for k in range(4, 30) if abs(after - before) >= Exact(10) ** (DIGITS - k)), 30)
    rounded = Rounding(places, ledger.digits.ties).round
    difference = rounded(after) - rounded(before)
    quotient = difference / STEP
    if not slope or abs(quotient - slope) > CLOSE * abs(slope):
        return []
    entry = _entry(name, place)
    loss = Name(context.derivation.loss)
    printed = ledger.formula

    def row(words: Words, value: Exact) -> tuple[Cell, ...]:
        return Cell(words), Cell((printed(value),), hidden="numbers")

    rows = (
        row(context.say("loss with", loss=loss, name=entry, value=printed(old)), rounded(before)),
        row(context.say("loss with", loss=loss, name=entry, value=printed(old + STEP)), rounded(after)),
        row(context.say("difference"), difference),
        row(context.say("difference divided", step=printed(STEP)), quotient),
        row(context.say("gradient above", partial=Partial(loss, entry)), adjoint),
    )
    return [
        Heading(1, context.say("nudge"), "nudge"),
        Prose(context.say("nudge lead", name=entry, step=printed(STEP), loss=loss, partial=Partial(loss, entry))),
        Table("nudge-table", (context.say("quantity"), context.say("value")), rows, "lr"),
    ]


def _entry(name: str, place: tuple[int, ...]) -> Formula:
    """Write one entry of an array, counted from 1, or the name of a number."""
    return Indexed(name, tuple(Number(str(at + 1)) for at in place)) if place else Name(name)
