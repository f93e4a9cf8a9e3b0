"""The one outline of a handout: every part in order, complete with answers; the student's and the key are made from it later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction as Exact
from inspect import signature
from typing import Any

import numpy as np
from sympy import Expr, Integer, Rational, Symbol

from symbackprop import numeric
from symbackprop.derive.steps.worked_formulas import merged_locals, up_to_loss
from symbackprop.derive.sweep.records import Assumption
from symbackprop.formula.notation.notation import shown_digits
from symbackprop.formula.tree.build import equation
from symbackprop.formula.tree.tree import Call, Formula, Name
from symbackprop.functions import BY_NAME, NamedFunction, function_name
from symbackprop.network.node import Role
from symbackprop.network.wording import in_language
from symbackprop.writeup.numbers.vanishing import Vanishing
from symbackprop.writeup.outline import array_parts, scalar_parts
from symbackprop.writeup.outline.backward_parts import backward_blocks
from symbackprop.writeup.outline.context import Context, learning_rate
from symbackprop.writeup.outline.exercises import exercise_blocks
from symbackprop.writeup.outline.notebook_cells import notebook_cells
from symbackprop.writeup.outline.nudge import nudge_blocks
from symbackprop.writeup.page.blocks import (
    Block,
    Code,
    Definitions,
    Drawing,
    Figure,
    Heading,
    NameLine,
    Outline,
    PageBreak,
    Prose,
    Words,
)
from symbackprop.writeup.page.listing import narrow

GIVEN_ROLES = ((Role.INPUT, "inputs"), (Role.PARAMETER, "parameters"), (Role.TARGET, "targets"), (Role.CONSTANT, "constants"))

MOST_PATHS = 100


def complete_outline(context: Context) -> Outline:
    """Return the outline with every answer in it."""
    options = context.options
    makers = (
        ("name", _name), ("diagram", _diagram), ("given", _given), ("rounding", _rounding), ("forward", _forward),
        ("chain", _backward), ("graph", _graph), ("gradients", _gradients), ("matrix", _matrix), ("update", _update),
        ("loss", _loss), ("nudge", nudge_blocks), ("exercises", exercise_blocks), ("code", _code), ("sources", _sources),
    )  # fmt: skip
    blocks = tuple(block for part, make in makers if _wanted(part, context) for block in make(context))
    title = in_language(options.title, options.lang) or context.plainly("title", network=network_title(context))
    variant = "" if options.seed is None else context.plainly("variant", seed=options.seed)
    pupil = "" if options.audience == "student" else options.pupil[0]
    school = in_language(options.school, options.lang)
    subtitle = " · ".join(filter(None, (context.plainly(options.audience), variant, pupil, school, options.date)))
    return Outline(title, options.lang, context.notation, options.audience, blocks, subtitle, _paths(context), options.blanks)


def network_title(context: Context) -> str:
    """Return the network's title in the reader's language; a function's name in words."""
    return in_language(context.derivation.network.title, context.options.lang).replace("_", " ")


def _paths(context: Context) -> tuple[tuple[str, tuple[str, ...]], ...]:
    derivation = context.derivation
    known = [name for name in derivation.wrt if name in derivation.adjoints][:MOST_PATHS]
    return tuple((name, tuple(derivation.between(name))) for name in known)


def _wanted(part: str, context: Context) -> bool:
    if part == "chain":
        return context.wants("chain") or context.wants("numbers")
    return context.wants(part)


def _name(context: Context) -> list[Block]:
    known = tuple((key, text) for key, text in zip(("name", "class"), context.options.pupil, strict=True) if text)
    return [NameLine(known=known)] if context.options.audience == "student" else []


def _printed_values(context: Context) -> tuple[tuple[str, str], ...]:
    if not context.is_scalar:
        return ()
    notation = context.notation
    return tuple((name, shown_digits(context.ledger.text(value), notation)) for name, value in context.ledger.values.items())


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
        network=network_title(context),
        inputs=", ".join(node.name for node in network.of_role(Role.INPUT)),
        parameters=", ".join(node.name for node in network.of_role(Role.PARAMETER)),
        loss=loss,
    )
    caption = context.say("path", loss=Name(loss), name=context.writer.entry(name)) if context.weights else ()
    goal = Prose(_goal(context, name))
    return [Heading(1, context.say("network"), "network"), goal, Figure("diagram", _drawing(context, name), alt, caption)]


def _goal(context: Context, name: str) -> Words:
    """Return what is wanted, in a sentence or two."""
    loss = context.derivation.loss
    count = sum(np.size(context.ledger.values[known]) for known in context.derivation.wrt if known in context.ledger.values)
    return context.say("goal", loss=Name(loss), slope=context.writer.partial(loss, name), count=count)


def _graph(context: Context) -> list[Block]:
    name = context.weights[-1] if context.weights else context.derivation.loss
    alt = context.plainly("graph alt", network=network_title(context))
    return [Heading(1, context.say("graph"), "graph"), Figure("graph-figure", _drawing(context, name, "graph"), alt)]


def _given(context: Context) -> list[Block]:
    blocks: list[Block] = [Heading(1, context.say("given"), "given")]
    if not context.is_scalar:
        blocks += [array_parts.shape_table(context), *array_parts.definition_blocks(context)]
        return [*blocks, *array_parts.given_arrays(context), *_conventions(context)]
    rows: list[tuple[Words, Words]] = []
    for role, key in GIVEN_ROLES:
        nodes = [node for node in context.derivation.network.of_role(role) if node.name in up_to_loss(context.derivation)]
        if nodes:
            rows.append((context.say(key), _listed(context, [node.name for node in nodes])))
    eta = equation(Name(context.notation.learning_rate), context.ledger.formula(learning_rate(context)))
    rows.append((context.say("learning rate"), (eta,)))
    rows += [(() if number else context.say("where"), (formula,)) for number, formula in enumerate(_functions(context))]
    return [*blocks, Definitions("given-table", tuple(rows)), *_conventions(context)]


def _listed(context: Context, names: list[str]) -> tuple[str | Formula, ...]:
    words: list[str | Formula] = []
    for name in names:
        value = context.ledger.formula(context.ledger.values[name])
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
            name = function_name(function)
            if name not in used:
                letters = tuple(Symbol(letter, real=True) for letter in ("x", "a", "c")[: len(call.args)])
                written = context.writer.expression
                used[name] = equation(written(function(*letters)), written(function.definition(*letters)))
    return list(used.values())


def _conventions(context: Context) -> list[Block]:
    blocks: list[Block] = []
    for fact in context.derivation.network.facts:
        formula = equation(context.writer.expression(fact.left), context.writer.expression(fact.right))
        reason = in_language(fact.because, context.options.lang)
        blocks.append(Prose((*context.say("facts"), formula, f" – {reason}"), "note"))
    for assumption in context.derivation.assumptions:
        blocks.append(Prose((*context.say("assumptions"), *_kink(assumption, context)), "note"))
    return blocks


def _kink(assumption: Assumption, context: Context) -> Words:
    """Return where a function has no derivative, and what is used there, as far as the slope itself tells."""
    if assumption.of_ties:
        return context.say(f"ties {assumption.function}", node=Name(assumption.node))
    row = BY_NAME[assumption.function]
    place = context.writer.expression(assumption.kink)
    x = Symbol("x", real=True)
    words = context.say("kink", function=spelt_function(row.name, context), place=place, node=Name(assumption.node))
    if row.arity != 1 or row.kink is None or row.kink.place(x) != x:
        return words
    used = _worked_out(row.slopes[0](row.function(Integer(0)), Integer(0)))
    if not isinstance(used, Rational):
        return words
    return (
        *words,
        *context.say("kink slope", slope=context.ledger.formula(context.ledger.digits.rounded(Exact(used.p, used.q)))),
    )


def _worked_out(number: Expr) -> Expr:
    """Return a number without functions in it, `step(0)` as 0."""
    return number.replace(lambda part: isinstance(part, NamedFunction), lambda part: _worked_out(part.definition(*part.args)))


def spelt_function(name: str, context: Context) -> Formula:
    """Return the sign of a function, as a formula."""
    call = context.writer.expression(BY_NAME[name].function(*(Symbol(f"x{k}", real=True) for k in range(BY_NAME[name].arity))))
    return call.function if isinstance(call, Call) else call


def _forward(context: Context) -> list[Block]:
    heading = Heading(1, context.say("forward"), "forward-pass")
    if not context.is_scalar:
        return [heading, *array_parts.forward_arrays(context)]
    outputs, compared = scalar_parts.forward_names(context)
    loss: list[Block] = [
        Heading(1, context.say("the loss"), "the-loss"),
        scalar_parts.forward_pass(compared, "loss-value", context),
    ]
    if not outputs:
        return loss
    return [heading, Prose(context.say("forward lead")), scalar_parts.forward_pass(outputs, "forward", context), *loss]


def _backward(context: Context) -> list[Block]:
    if context.is_scalar:
        return backward_blocks(context)
    blocks: list[Block] = []
    derived: set[Formula] = set()
    for name in context.weights:
        blocks += [PageBreak(), *array_parts.weight_parts(name, context, derived)]
    return blocks


def _gradients(context: Context) -> list[Block]:
    vanishing = [Prose(_vanishes(found, context), "note", "numbers") for found in context.vanishing]
    parts = scalar_parts.gradient_parts(context) if context.is_scalar else array_parts.adjoint_arrays(context)
    return [*([PageBreak()] if context.is_scalar else []), *parts, *vanishing]


def _update(context: Context) -> list[Block]:
    return scalar_parts.update_parts(context) if context.is_scalar else []


def _vanishes(found: Vanishing, context: Context) -> Words:
    """Return why a gradient is 0."""
    loss = context.derivation.loss
    gradient = context.plain_writer.adjoint(found.name)
    if not found.tried:
        return context.say("vanishes here", gradient=gradient)
    if not (found.moves and found.stays):
        return context.say("vanishes plainly", gradient=gradient)
    moves, stays = _in_a_row(found.moves), _in_a_row(found.stays)
    return context.say("vanishes", gradient=gradient, name=Name(found.name), loss=Name(loss), moves=moves, stays=stays)


def _in_a_row(names: tuple[str, ...]) -> Words:
    separated = [(", ", Name(name)) for name in names]
    return tuple(part for pair in separated for part in pair)[1:]


def _loss(context: Context) -> list[Block]:
    """Return the loss before and after; a student who works two updates cannot know what all of them do."""
    if context.is_scalar and context.is_worksheet:
        return []
    return array_parts.loss_parts(context) if not context.is_scalar else scalar_parts.loss_parts(context)


def _matrix(context: Context) -> list[Block]:
    return [] if context.is_scalar else array_parts.matrix_parts(context)


def _code(context: Context) -> list[Block]:
    return [
        Heading(1, context.say("code"), "code"),
        Prose(context.say("code lead"), hidden="numbers"),
        Code("python", narrow(_source(context)), hidden="numbers"),
        *notebook_cells(context),
    ]


def _source(context: Context) -> str:
    """Return the code without guards against overflow where it gives the same without them at the values of the page."""
    guarded, plain = (numeric.source(context.derivation, guarded=guarded) for guarded in (True, False))
    values = {**context.derivation.network.values, **context.values}
    wanted, found = (_results(source, values) for source in (guarded, plain))
    return plain if found is not None and wanted is not None and same(found, wanted) else guarded


def _results(source: str, values: Mapping[str, Any]) -> list[Any] | None:
    """Return the loss and the gradients; None where a result is not finite or cannot be computed."""
    run = numeric.compile_source(source, "loss_and_gradients")
    names = list(signature(run).parameters)
    try:
        with np.errstate(all="raise"):
            loss, gradients = run(*(np.asarray(values[name], dtype=float)[()] for name in names))
    except (ArithmeticError, ValueError, KeyError):
        return None
    return [loss, *gradients.values()]


def same(found: list[Any], wanted: list[Any]) -> bool:
    """Whether two lists of results agree to twelve digits."""
    return all(np.allclose(mine, theirs, rtol=1e-12, atol=1e-15) for mine, theirs in zip(found, wanted, strict=True))


def _rounding(context: Context) -> list[Block]:
    digits = context.ledger.digits
    key = "rounding rule" if context.ledger.chained else "rounding rule arrays"
    rule = context.say(key, places=digits.places, significant=digits.significant, ties=context.plainly(digits.ties))
    return [Heading(1, context.say("rounding"), "rounding"), Prose(rule, "rule")]


def _sources(context: Context) -> list[Block]:
    if not context.options.sources:
        return []
    return [Heading(1, context.say("sources"), "sources"), *(Prose((source,)) for source in context.options.sources)]
