"""The backward pass of a network of plain numbers as a page tells it: what δ says, the δ of the outputs, a weight near the loss,
the recipe, the δ of the hidden units as sums over what they feed, a weight far from the loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from itertools import chain

from symbackprop.derive.steps.paths import Chains
from symbackprop.derive.steps.step import Step
from symbackprop.derive.steps.steps import written_steps
from symbackprop.derive.steps.worked_formulas import adjoint_terms, is_atomic, is_trivial, merged_locals
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.tree.tree import Formula, Name, Number
from symbackprop.writeup.outline.context import Context
from symbackprop.writeup.page.blocks import LEFT, SYMBOLS, Block, FormulaBlock, Heading, Line, PageBreak, Part, Prose, Words

#: Where a kind of written step is hidden: formulas that state the structure stay longest.
HIDDEN_FROM = {"chain": "steps", "paths": "steps", "definition": "", "function": "steps", "rewrite": "rhs"}
#: The phrase over a kind of written step; others are put together from these.
HEADING_OF = {"chain": "chain", "paths": "chain", "local": "locals"}
#: The phrase over the δ nearest to the loss.
FIRST_GROUP = "delta outputs"
#: Written steps that the lines with numbers work out once more.
WORKED_BELOW = frozenset({"local", "product", "delta", "shared", "result"})
MANY_PATHS = 100
#: A block of at most this many lines is kept on one page.
MOST_KEPT = 6
#: Reasons that the heading above a line has given already.
SAID_BY_HEADING = (["chain rule"], ["local derivative"])


def backward_blocks(context: Context) -> list[Block]:
    """Return the backward pass: the δ from the loss on, each chosen weight as soon as everything it needs is known."""
    shown: set[str] = set()
    known: set[str] = set()
    waiting = list(context.weights)
    blocks: list[Block] = []
    for key, names in delta_groups(context).items():
        blocks += _worked_group(key, names, context, shown)
        known.update(names)
        ready = [name for name in waiting if known.issuperset(context.derivation.between(name)[1:-1])]
        waiting = [name for name in waiting if name not in ready]
        sections = [[PageBreak(), *weight_parts(name, context, shown)] for name in ready]
        if sections and key == FIRST_GROUP:
            sections.insert(1, _recipe(context))
        blocks += chain.from_iterable(sections)
    return blocks


def _worked_group(key: str, names: Sequence[str], context: Context, shown: set[str]) -> list[Block]:
    """Return a group of δ with the lines that work them out; nothing where no numbers are wanted."""
    lines = [line for name in names for line in calculations(name, context, shown)] if context.wants("numbers") else []
    if not lines:
        return []
    block = FormulaBlock(f"{key.replace(' ', '-')}-lines", tuple(lines), keep=len(lines) <= MOST_KEPT)
    return [PageBreak(), *_lead(key, names, context), block]


def _recipe(context: Context) -> list[Block]:
    """Return how every gradient comes from a δ, in words; nothing where no δ is worked out."""
    told = context.wants("numbers") and context.ledger.formulas.deltas
    return [Prose(context.say("recipe"), "note", hidden="rhs")] if told else []


def delta_groups(context: Context) -> dict[str, list[str]]:
    """Return what lies between the loss and the parameters, from the loss on: up to the first δ, and what is behind one."""
    derivation = context.derivation
    wanted = dict.fromkeys((*scalar_names(context), *context.weights))
    inner = {passed for name in wanted for passed in derivation.between(name)[1:-1]}
    deltas = set(context.ledger.formulas.deltas.values())
    behind: set[str] = set()
    groups: dict[str, list[str]] = {FIRST_GROUP: [], "delta hidden": []}
    for name, record in derivation.adjoints.items():
        if {use.consumer for use in record.contributions} & (deltas | behind):
            behind.add(name)
        if name in inner:
            groups["delta hidden" if name in behind else FIRST_GROUP].append(name)
    return {key: _unit_by_unit(names, deltas, context) for key, names in groups.items()}


def _unit_by_unit(names: Sequence[str], deltas: Set[str], context: Context) -> list[str]:
    """Return names so that each δ stands behind what it alone needs: nearest to the loss first, then as declared."""
    nodes, adjoints = context.derivation.network.nodes, context.derivation.adjoints
    level: dict[str, int] = {}
    for name, record in adjoints.items():  # from the loss on
        level[name] = 1 + max((level[use.consumer] for use in record.contributions), default=0)

    def place(name: str) -> tuple[int, int]:
        return level[name], nodes[name].position

    found: dict[str, None] = {}
    for last in (*sorted(deltas & set(names), key=place), *sorted(names, key=place)):
        needed: list[str] = []
        waiting = [last]
        while waiting:
            name = waiting.pop()
            if name in names and name not in found and name not in needed:
                needed.append(name)
                waiting += [use.consumer for use in adjoints[name].contributions]
        found.update(dict.fromkeys(sorted(needed, key=place)))
    return list(found)


def scalar_names(context: Context) -> list[str]:
    """Return the names whose gradient is asked for, as far as the loss depends on them."""
    return [name for name in context.derivation.wrt if name in context.derivation.adjoints]


def _lead(key: str, names: Sequence[str], context: Context) -> list[Block]:
    """Return the heading of a group of δ, and in words what is worked out there."""
    deltas = {node: Name(delta) for delta, node in context.ledger.formulas.deltas.items()}
    first = next((name for name in names if name in deltas), None)
    loss = Name(context.derivation.loss)
    if first is None:
        return [Heading(1, context.say("slopes of loss", loss=loss), key.replace(" ", "-"))]
    heading = Heading(1, context.say(key), key.replace(" ", "-"))
    if key == FIRST_GROUP:
        partial = context.plain_writer.adjoint(first)
        words = context.say("delta words", delta=deltas[first], partial=partial, node=Name(first), loss=loss)
        return [heading, Prose(words)]
    return [heading, Prose(_edges_in_words(names, context), hidden="rhs")]


def _edges_in_words(names: Sequence[str], context: Context) -> Words:
    """Return what comes back to the unit that feeds the most others."""
    uses = {name: list(merged_locals(context.derivation.adjoints[name].contributions)) for name in names}
    feeder = max(names, key=lambda name: len(uses[name]))
    fed = tuple(part for use in uses[feeder] for part in (", ", Name(use)))[1:]
    return context.say("sum over edges" if len(uses[feeder]) > 1 else "one edge", name=Name(feeder), fed=fed)


def step_line(step: Step, context: Context, about: tuple[str, ...]) -> Line:
    """Return a written step as a line with its reason."""
    first, *rest = step.formula.parts
    hidden = HIDDEN_FROM.get(step.kind, "rhs")
    parts = [Part(first, "", LEFT)]
    parts += [Part(part, relation, SYMBOLS, hidden=hidden) for part, relation in zip(rest, step.formula.relations, strict=True)]
    said = [reason.key for reason in step.because] in SAID_BY_HEADING
    return Line(tuple(parts), "" if said else context.reason(step.because), about)


def weight_parts(name: str, context: Context, shown: set[str]) -> list[Block]:
    """Return the parts about one weight; `shown` are calculations that stand further up, and grows."""
    blocks: list[Block] = [
        Heading(1, context.say("backward", name=context.writer.entry(name)), f"weight-{name}"),
        Prose(_path_words(name, context)),
    ]
    about = tuple(context.derivation.between(name))
    if context.wants("chain"):
        groups = step_groups(_chosen_steps(name, context), context.options.level)
        for key, group in groups.items():
            written = tuple(step_line(step, context, about) for step in group)
            blocks += [] if len(groups) == 1 else [Heading(2, context.say(key), f"{key}-{name}")]
            blocks.append(FormulaBlock(f"{key}-{name}-lines", written, keep=len(written) <= MOST_KEPT))
    if context.wants("numbers"):
        lines = [line for node in about[1:] for line in calculations(node, context, shown)]
        blocks.append(FormulaBlock(f"numbers-{name}-lines", tuple(lines), keep=len(lines) <= MOST_KEPT))
    return blocks


def _chosen_steps(name: str, context: Context) -> list[Step]:
    """Return the written steps of a gradient; except in full those only that the lines with numbers do not work out."""
    steps = written_steps(context.derivation[name], context.notation, context.options.level)
    if context.options.level != "standard" or not context.wants("numbers"):
        return list(steps)
    first = [step for step in steps if step.formula.parts[0] == steps[0].formula.parts[0]]  # the chain of the weight itself
    return [step for step in first if step.kind not in WORKED_BELOW] or list(steps[:1])


def step_groups(steps: Iterable[Step], level: str) -> dict[str, list[Step]]:
    """Return written steps by the phrase that stands over them: in full they stay in order, else like goes with like."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(HEADING_OF.get(step.kind, "product") if level == "standard" else "steps", []).append(step)
    return groups


def _path_words(name: str, context: Context) -> Words:
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
    spelt = _unless_said(plain, (left,), context)
    terms = adjoint_terms(derivation, name, writer)
    lines = []
    for consumer, local in merged_locals(derivation.adjoints[name].contributions).items():
        written = writer.expression(local)
        partial = writer.partial(consumer, name)
        about = (consumer, name)
        if is_atomic(written):
            lines += _read_off(partial, written, about, context)
            continue
        value = context.ledger.locals[about]
        if terms == partial:
            symbols = (*_unless_said(partial, (left, plain), context), written)
            return [context.calculation(left, (*spelt, *symbols), value, about=about)]
        lines.append(context.calculation(partial, (written,), value, about=about))
    general = _terms_in_derivatives(name, context)
    middle = () if general in (terms, plain) else (general,)
    lines.append(context.calculation(left, (*spelt, *middle, terms), context.ledger.adjoint(name), about=(name,)))
    return lines


def _unless_said(formula: Formula, said: tuple[Formula, ...], context: Context) -> tuple[Formula, ...]:
    """Return a formula as a side of its own; nothing where it was said, and where a page is worked on by hand."""
    return () if formula in said or context.is_worksheet else (formula,)


def _read_off(partial: Formula, written: Formula, about: tuple[str, str], context: Context) -> list[Line]:
    """Return the line of a local derivative that is read off: nothing for a number, and where a page is worked on by hand."""
    if isinstance(written, Number) or context.is_worksheet:
        return []
    return [Line((Part(partial, "", LEFT), Part(written, "=", SYMBOLS, hidden="rhs")), about=about)]


def _terms_in_derivatives(name: str, context: Context) -> Formula:
    """Write Σ_consumers ∂E/∂consumer · ∂consumer/∂name with every local derivative as one, but for those that are numbers."""
    derivation, writer = context.derivation, context.writer
    terms: list[Formula] = []
    for consumer, local in merged_locals(derivation.adjoints[name].contributions).items():
        written = writer.expression(local)
        upstream = () if is_trivial(derivation, consumer) else (writer.adjoint(consumer),)
        factor = written if is_atomic(written) and not isinstance(written, Name) else writer.partial(consumer, name)
        factors = [part for part in (*upstream, factor) if part != Number("1")]
        terms.append(multiply(*factors) if factors else Number("1"))
    return add(*terms)
