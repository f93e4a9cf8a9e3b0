"""The one outline of a handout: every part in order, complete with answers; `redact` makes the student's and the key from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sympy import Symbol

from symbackprop import numeric
from symbackprop.derive.derivation import Derivation
from symbackprop.formula.build import equation, multiply, subtract
from symbackprop.formula.tree import Formula, Name, Update
from symbackprop.network.functions import NamedFunction
from symbackprop.network.node import Role
from symbackprop.writeup import array_parts, scalar_parts
from symbackprop.writeup.blocks import (
    Block,
    Cell,
    Code,
    Drawing,
    Figure,
    Heading,
    NameLine,
    Outline,
    PageBreak,
    Prose,
    Table,
    Words,
)
from symbackprop.writeup.context import Context, learning_rate, make_context
from symbackprop.writeup.exercises import exercise_blocks
from symbackprop.writeup.ledger import merged_locals, up_to_loss
from symbackprop.writeup.notebook_cells import notebook_cells
from symbackprop.writeup.options import HandoutOptions
from symbackprop.writeup.redact import redact

GIVEN_ROLES = ((Role.INPUT, "inputs"), (Role.PARAMETER, "parameters"), (Role.TARGET, "targets"), (Role.CONSTANT, "constants"))

MOST_PATHS = 100


def make_outline(
    derivation: Derivation, options: HandoutOptions | None = None, values: Mapping[str, Any] | None = None
) -> Outline:
    """Return the outline for the audience of the options; `values` replace the network's example values.

    Raises UserError for an unknown weight or a missing value.
    """
    return both_outlines(derivation, options or HandoutOptions(), values)[1]


def both_outlines(
    derivation: Derivation, options: HandoutOptions, values: Mapping[str, Any] | None = None
) -> tuple[Outline, Outline]:
    """Return the outline with every answer in it, and what its audience may see of it; raises as `make_outline`."""
    complete = complete_outline(make_context(derivation, options, values))
    return complete, redact(complete, options)


def complete_outline(context: Context) -> Outline:
    """Return the outline with every answer in it."""
    options = context.options
    makers = (
        ("name", _name), ("diagram", _diagram), ("given", _given), ("rounding", _rounding), ("forward", _forward),
        ("chain", _weights), ("graph", _graph), ("gradients", _gradients), ("loss", _loss), ("matrix", _matrix),
        ("code", _code), ("exercises", exercise_blocks), ("sources", _sources),
    )  # fmt: skip
    blocks = tuple(block for part, make in makers if _wanted(part, context) for block in make(context))
    title = options.title or context.plainly("title", network=context.derivation.network.title)
    subtitle = context.plainly(options.audience)
    if options.seed is not None:
        subtitle += " · " + context.plainly("variant", seed=options.seed)
    return Outline(title, options.lang, context.notation, options.audience, blocks, subtitle, _paths(context))


def _paths(context: Context) -> tuple[tuple[str, tuple[str, ...]], ...]:
    derivation = context.derivation
    known = [name for name in derivation.wrt if name in derivation.adjoints][:MOST_PATHS]
    return tuple((name, tuple(derivation.between(name))) for name in known)


def _wanted(part: str, context: Context) -> bool:
    if part == "chain":
        return any(context.wants(inner) for inner in ("chain", "numbers", "update"))
    return context.wants(part)


def _name(context: Context) -> list[Block]:
    return [NameLine()] if context.options.audience == "student" else []


def _printed_values(context: Context) -> tuple[tuple[str, str], ...]:
    if not context.is_scalar:
        return ()
    return tuple((name, context.ledger.text(value)) for name, value in context.ledger.values.items())


def _drawing(context: Context, name: str, view: str = "network") -> Drawing:
    nodes = context.derivation.network.nodes
    answers = frozenset(node for node in context.derivation.adjoints if nodes[node].defined)
    path = tuple(context.derivation.between(name))
    edges = _local_derivatives(context, name) if view == "graph" else ()
    network, loss = context.derivation.network, context.derivation.loss
    return Drawing(network, loss, _printed_values(context), path, answers, view, edges)


def _local_derivatives(context: Context, start: str) -> tuple[tuple[tuple[str, str], Formula], ...]:
    """Return the local derivatives of the uses of `start` and of every definition; with indices, where it is one term."""
    found = []
    nodes = context.derivation.network.nodes
    for name, record in context.derivation.adjoints.items():
        if not nodes[name].defined and name != start:
            continue
        uses = Counter(contribution.consumer for contribution in record.contributions)
        for consumer, local in merged_locals(record.contributions).items():
            if uses[consumer] == 1 or not (nodes[name].indices or nodes[consumer].indices):
                found.append(((consumer, name), context.writer.expression(local)))
    return tuple(found)


def _diagram(context: Context) -> list[Block]:
    network, loss = context.derivation.network, context.derivation.loss
    name = context.weights[0] if context.weights else loss
    alt = context.plainly(
        "network alt",
        network=network.title,
        inputs=", ".join(node.name for node in network.of_role(Role.INPUT)),
        parameters=", ".join(node.name for node in network.of_role(Role.PARAMETER)),
        loss=loss,
    )
    caption = context.say("path", loss=Name(loss), name=context.writer.entry(name)) if context.weights else ()
    return [Heading(1, context.say("network"), "network"), Figure("diagram", _drawing(context, name), alt, caption)]


def _graph(context: Context) -> list[Block]:
    network, loss = context.derivation.network, context.derivation.loss
    name = context.weights[-1] if context.weights else loss
    alt = context.plainly("graph alt", network=network.title)
    return [Heading(1, context.say("graph"), "graph"), Figure("graph-figure", _drawing(context, name, "graph"), alt)]


def _given(context: Context) -> list[Block]:
    blocks: list[Block] = [Heading(1, context.say("given"), "given")]
    if not context.is_scalar:
        blocks += [array_parts.shape_table(context), array_parts.definition_block(context)]
        return [*blocks, *array_parts.given_arrays(context), *_conventions(context)]
    rows = []
    for role, key in GIVEN_ROLES:
        nodes = [node for node in context.derivation.network.of_role(role) if node.name in up_to_loss(context.derivation)]
        if nodes:
            rows.append((Cell(context.say(key)), Cell(_listed(context, [node.name for node in nodes]))))
    eta = equation(Name(context.notation.learning_rate), context.rounding.formula(learning_rate(context)))
    rows.append((Cell(context.say("learning rate")), Cell((eta,))))
    labels = [context.say("where")] + [()] * len(_functions(context))
    rows += [(Cell(label), Cell((formula,))) for label, formula in zip(labels, _functions(context), strict=False)]
    return [*blocks, Table("given-table", (), tuple(rows), "ll"), *_conventions(context)]


def _listed(context: Context, names: list[str]) -> tuple[str | Formula, ...]:
    words: list[str | Formula] = []
    for name in names:
        value = context.rounding.formula(context.ledger.values[name])
        words += [",  " if words else "", equation(context.writer.entry(name), value)]
    return tuple(word for word in words if word != "")


def _functions(context: Context) -> list[Formula]:
    """Return the definitions of the elementary functions used that sympy does not name, such as σ(x) = 1/(1 + e^-x)."""
    used: dict[str, Formula] = {}
    for name in up_to_loss(context.derivation):
        expression = context.derivation.network.nodes[name].expression
        if expression is None:
            continue
        for call in sorted(expression.atoms(NamedFunction), key=str):
            function = type(call)
            if function.__name__ not in used:
                letters = tuple(Symbol(letter, real=True) for letter in ("x", "a", "c")[: len(call.args)])
                written = context.writer.expression
                used[function.__name__] = equation(written(function(*letters)), written(function.definition(*letters)))
    return list(used.values())


def _conventions(context: Context) -> list[Block]:
    blocks: list[Block] = []
    facts = context.derivation.network.facts
    for fact in facts:
        formula = equation(context.writer.expression(fact.left), context.writer.expression(fact.right))
        blocks.append(Prose((*context.say("facts"), ": ", formula, f" – {fact.because}"), "note"))
    for assumption in context.derivation.assumptions:
        blocks.append(Prose((*context.say("assumptions"), f": {assumption}"), "note"))
    return blocks


def _forward(context: Context) -> list[Block]:
    heading = Heading(1, context.say("forward"), "forward-pass")
    if not context.is_scalar:
        return [heading, *array_parts.forward_arrays(context)]
    return [heading, Prose(context.say("forward lead")), scalar_parts.forward_table(context)]


def _weights(context: Context) -> list[Block]:
    blocks: list[Block] = []
    if not context.is_scalar:
        derived: set[Formula] = set()
        for name in context.weights:
            blocks += [PageBreak(), *array_parts.weight_parts(name, context, derived)]
        return blocks
    shown: set[str] = set()
    for name in context.weights:
        blocks += [PageBreak(), *scalar_parts.weight_parts(name, context, shown)]
    learned = [name for name in context.weights if scalar_parts.is_learned(name, context)]
    if context.wants("update") and learned:
        blocks.append(Prose(_update_rule(learned[0], context), "note"))
    return blocks


def _update_rule(name: str, context: Context) -> Words:
    """Return the rule of the update in words, with its formula unless that is what a student is to write."""
    if context.options.audience == "student" and context.options.blanks in ("rhs", "steps"):
        return context.say("update lead asked")
    weight = Name(name)
    slope = context.writer.partial(context.derivation.loss, name)
    rule = equation(Update(weight), subtract(weight, multiply(context.notation.learning_rate, slope)))
    return context.say("update lead", rule=rule)


def _gradients(context: Context) -> list[Block]:
    if not context.is_scalar:
        return array_parts.adjoint_arrays(context)
    shown: set[str] = set()
    if context.wants("numbers"):
        for name in context.weights:
            for passed in context.derivation.between(name):
                scalar_parts.calculations(passed, context, shown)
    return [PageBreak(), *scalar_parts.gradient_parts(context, shown)]


def _loss(context: Context) -> list[Block]:
    return array_parts.loss_parts(context) if not context.is_scalar else scalar_parts.loss_parts(context)


def _matrix(context: Context) -> list[Block]:
    return [] if context.is_scalar else array_parts.matrix_parts(context)


def _code(context: Context) -> list[Block]:
    derivation = context.derivation
    return [
        Heading(1, context.say("code"), "code"),
        Prose(context.say("code lead"), hidden="numbers"),
        Code("python", numeric.source(derivation), hidden="numbers"),
        *notebook_cells(context),
    ]


def _rounding(context: Context) -> list[Block]:
    rule = context.say("rounding rule", places=context.rounding.places, ties=context.plainly(context.rounding.ties))
    return [Heading(1, context.say("rounding"), "rounding"), Prose(rule, "rule")]


def _sources(context: Context) -> list[Block]:
    if not context.options.sources:
        return []
    return [Heading(1, context.say("sources"), "sources"), *(Prose((source,)) for source in context.options.sources)]
