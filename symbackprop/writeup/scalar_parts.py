"""The worked parts of a handout for networks of plain numbers: forward pass, chains, calculations, updates."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as Exact

from symbackprop.derive.paths import Chains
from symbackprop.derive.steps import Step, written_steps
from symbackprop.formula.build import multiply, subtract
from symbackprop.formula.tree import Chain, Formula, Name, Text, Update
from symbackprop.network.node import Role
from symbackprop.writeup.blocks import LEFT, SYMBOLS, Block, Cell, FormulaBlock, Heading, Line, Part, Prose, Table, Words
from symbackprop.writeup.context import Context, learning_rate
from symbackprop.writeup.ledger import adjoint_terms, forward_values, is_atomic, is_trivial, merged_locals, up_to_loss
from symbackprop.writeup.rows import measured

#: Where a kind of written step is hidden: formulas that state the structure stay longest.
HIDDEN_FROM = {"chain": "steps", "paths": "steps", "definition": "", "function": "steps", "rewrite": "rhs"}
#: The phrase over a kind of written step; others are put together from these.
HEADING_OF = {"chain": "chain", "paths": "chain", "local": "locals"}
MANY_PATHS = 100
#: A block of at most this many lines is kept on one page.
MOST_KEPT = 6
#: Reasons that the heading above a line has given already.
SAID_BY_HEADING = frozenset({"chain rule", "local derivative"})
#: Characters that fit the middle column of the forward pass on one row.
CALCULATION_WIDTH = 70


def forward_table(context: Context) -> Table:
    """Return the forward pass: each definition, the numbers put in, and the value."""
    rows = []
    for name in up_to_loss(context.derivation):
        node = context.derivation.network.nodes[name]
        if not node.defined:
            continue
        written = context.writer.definition(name).parts[1]
        numbers, stripped = context.with_numbers(written)
        value = context.rounding.formula(context.ledger.values[name])
        rows.append(
            (
                Cell((context.writer.entry(name),)),
                Cell(_beside(written, numbers), stripped=_beside(written, stripped)),
                Cell((value,), hidden="numbers"),
            )
        )
    header = (context.say("quantity"), context.say("calculation"), context.say("value"))
    return Table("forward", header, tuple(rows), "llr")


def _beside(written: Formula, numbers: Formula) -> Words:
    """Put the numbers behind the symbols where both fit on a row, else below."""
    wide = measured(written) + measured(numbers) > CALCULATION_WIDTH
    return (written, "\n" if wide else "  ", Chain((Text(""), numbers), ("=",)))


def step_line(step: Step, context: Context, about: tuple[str, ...]) -> Line:
    """Return a written step as a line with its reason."""
    first, *rest = step.formula.parts
    hidden = HIDDEN_FROM.get(step.kind, "rhs")
    parts = [Part(first, "", LEFT)]
    parts += [Part(part, relation, SYMBOLS, hidden=hidden) for part, relation in zip(rest, step.formula.relations, strict=True)]
    because = "" if step.because in SAID_BY_HEADING else context.reason(step.because)
    return Line(tuple(parts), because, about)


def weight_parts(name: str, context: Context, shown: set[str]) -> list[Block]:
    """Return the parts about one weight; `shown` are calculations that stand further up, and grows."""
    blocks: list[Block] = [
        Heading(1, context.say("backward", name=context.writer.entry(name)), f"weight-{name}"),
        Prose(_path_words(name, context)),
    ]
    about = tuple(context.derivation.between(name))
    if context.wants("chain"):
        steps = written_steps(context.derivation[name], context.notation, context.options.level)
        for key, group in step_groups(steps, context.options.level).items():
            written = tuple(step_line(step, context, about) for step in group)
            blocks.append(Heading(2, context.say(key), f"{key}-{name}"))
            blocks.append(FormulaBlock(f"{key}-{name}-lines", written, keep=len(written) <= MOST_KEPT))
    if context.wants("numbers"):
        lines = [line for node in about[1:] for line in calculations(node, context, shown)]
        blocks.append(Heading(2, context.say("numbers"), f"numbers-{name}"))
        blocks.append(FormulaBlock(f"numbers-{name}-lines", tuple(lines), keep=len(lines) <= MOST_KEPT))
    if context.wants("update") and is_learned(name, context):
        blocks.append(Heading(2, context.say("update"), f"update-{name}"))
        blocks.append(FormulaBlock(f"update-{name}-lines", (update_line(name, context),)))
    return blocks


def is_learned(name: str, context: Context) -> bool:
    """Whether a name is a parameter, which an update changes; any other name may have its gradient worked too."""
    return context.derivation.network.node(name).role is Role.PARAMETER


def step_groups(steps: Sequence[Step], level: str) -> dict[str, list[Step]]:
    """Return written steps by the phrase that stands over them: in full they stay in order, else like goes with like."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(HEADING_OF.get(step.kind, "product") if level == "standard" else "steps", []).append(step)
    return groups


def _path_words(name: str, context: Context) -> tuple[str | Formula, ...]:
    count = 0
    for count, _ in enumerate(Chains(context.derivation).paths(context.derivation.loss, name), start=1):
        if count >= MANY_PATHS:
            break
    entry, loss = context.writer.entry(name), Name(context.derivation.loss)
    if count == 1:
        return context.say("one path", name=entry, loss=loss)
    return context.say("many paths", name=entry, loss=loss, count=count if count < MANY_PATHS else f"≥ {MANY_PATHS}")


def calculations(name: str, context: Context, shown: set[str]) -> list[Line]:
    """Return the lines that compute ∂loss/∂name from what stands above: local derivatives first, then the adjoint."""
    derivation, writer = context.derivation, context.writer
    if name in shown or is_trivial(derivation, name):
        return []
    shown.add(name)
    left = writer.adjoint(name)
    plain = writer.partial(derivation.loss, name)
    spelt = () if left == plain else (plain,)
    terms = adjoint_terms(derivation, name, writer)
    lines = []
    for consumer, local in merged_locals(derivation.adjoints[name].contributions).items():
        written = writer.expression(local)
        if is_atomic(written):
            continue
        partial = writer.partial(consumer, name)
        value = context.ledger.locals[consumer, name]
        if terms == partial:
            symbols = (written,) if partial in (left, plain) else (partial, written)
            return [context.calculation(left, (*spelt, *symbols), value, about=(consumer, name))]
        lines.append(context.calculation(partial, (written,), value, about=(consumer, name)))
    result = context.ledger.adjoint(name)
    lines.append(context.calculation(left, (*spelt, terms), result, about=(name,)))
    return lines


def new_value(name: str, context: Context) -> Exact:
    """Return the parameter after one step, rounded."""
    old = context.ledger.values[name]
    return context.rounding.round(old - learning_rate(context) * context.ledger.adjoint(name))


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


def gradient_parts(context: Context, shown: set[str]) -> list[Block]:
    """Return the remaining δ and the table of all gradients with the new values."""
    names = scalar_parameters(context)
    blocks: list[Block] = [Heading(1, context.say("gradients"), "gradients")]
    inner = dict.fromkeys(passed for name in names for passed in context.derivation.between(name)[1:-1])
    lines = [line for name in inner for line in calculations(name, context, shown)]
    if lines:
        blocks.append(FormulaBlock("deltas-lines", tuple(lines), keep=len(lines) <= MOST_KEPT))
    header = tuple(context.say(key) for key in ("parameter", "gradient", "value", "old", "new"))
    rows = tuple(_gradient_row(name, context) for name in names)
    blocks.append(Table("gradients-table", header, rows, "llrrr"))
    return blocks


def _gradient_row(name: str, context: Context) -> tuple[Cell, ...]:
    terms = adjoint_terms(context.derivation, name, context.writer)
    printed = context.rounding.formula
    return (
        Cell((context.writer.entry(name),)),
        Cell((terms,), hidden="rhs"),
        Cell((printed(context.ledger.adjoint(name)),), hidden="numbers"),
        Cell((printed(context.ledger.values[name]),)),
        Cell((printed(new_value(name, context)),), hidden="numbers"),
    )


def loss_parts(context: Context) -> list[Block]:
    """Return the loss before and after one step with all parameters changed at once."""
    ledger, loss = context.ledger, context.derivation.loss
    changed = {name: new_value(name, context) for name in scalar_parameters(context)}
    after = forward_values(context.derivation, context.writer, context.rounding, {**context.values, **changed})[loss]
    before = ledger.values[loss]
    printed = context.rounding.formula
    rows = tuple(
        (Cell(context.say(key)), Cell((printed(value),), hidden="numbers"))
        for key, value in (("before", before), ("after", after), ("change", after - before))
    )
    return [
        Heading(1, context.say("loss"), "loss"),
        Prose(context.say("loss lead", rate=printed(learning_rate(context)))),
        Table("loss-table", (context.say("loss name"), (Name(loss),)), rows, "lr"),
        *growth_note(before, after, context),
    ]


def growth_note(before: Exact, after: Exact, context: Context) -> list[Block]:
    """Return what to say of a step that made the loss larger; a student finds that out from the numbers."""
    return [Prose(context.say("loss grew"), "note", hidden="numbers")] if after > before else []
