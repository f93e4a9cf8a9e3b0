"""Exercises on gradients the handout does not work out itself: fill the blank, find the mistake, choose the right formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from random import Random

from symbackprop.derive.steps.paths import Chains
from symbackprop.derive.steps.steps import written_steps
from symbackprop.derive.textbook.simplify import simplified_adjoints
from symbackprop.formula.tree.tree import Blank, Chain, Formula, Name, Product
from symbackprop.network.node import Node
from symbackprop.writeup.outline.context import Context
from symbackprop.writeup.outline.mutations import Mutant, verified_mutants
from symbackprop.writeup.page.blocks import (
    LEFT,
    SYMBOLS,
    BlankLines,
    Block,
    Choice,
    FormulaBlock,
    Heading,
    Line,
    Option,
    Part,
    Prose,
    Words,
)

MOST_OPTIONS = 4
GAP = 5.0
ANSWER_LINES, WHY_LINES = 2, 3
LETTERS = "abcdefgh"


def exercise_blocks(context: Context) -> list[Block]:
    """Return the exercises this network has material for; none where every gradient is worked out above.

    Where formulas are asked for above, those that print whole formulas of the same kind would give them away, and are left out.
    """
    makers = ("fill",) if _formulas_asked(context) else ("fill", "mistake", "choice")
    pool = _unworked(context)
    dice = Random(f"{context.options.seed}/{context.derivation.network.title}")
    made: list[Block] = []
    for number, key in enumerate(makers):
        turned = pool[number % len(pool) :] + pool[: number % len(pool)] if pool else []
        blocks = next(filter(None, (_MAKERS[key](name, context, dice) for name in turned)), [])
        made += [Heading(2, context.say(f"exercise {key}"), f"exercise-{key}"), *blocks] if blocks else []
    if context.is_scalar and context.weights:
        made += [Heading(2, context.say("exercise why"), "exercise-why"), *why_blocks(context)]
    return [Heading(1, context.say("exercises"), "exercises"), *made] if made else []


def why_blocks(context: Context) -> list[Block]:
    """Return a question that no calculation answers: why one gradient is a sum and another not, or why old weights stay."""
    derivation = context.derivation
    paths = partial(Chains(derivation).paths, derivation.loss)
    first = {len(list(islice(paths(name), 2))): name for name in reversed(context.weights)}  # by the number of paths, 2: several
    one, several = first.get(1, ""), first.get(2, "")
    key = "why sum" if one and several else "why old"
    gaps = {"loss": Name(derivation.loss), "one": Name(one), "several": Name(several)}
    question, answer = (context.say(part, **gaps) for part in (key, f"{key} answer"))
    return [Prose(question), BlankLines(WHY_LINES), Prose(answer, "answer")]


def _unworked(context: Context) -> list[str]:
    """Return the names that can be asked about, those like the worked ones first; worked ones only where formulas stay."""
    derivation = context.derivation
    known = [name for name in derivation.wrt if name in derivation.adjoints]
    others = [name for name in known if name not in context.weights]
    depth = {name: len(derivation.between(name)) for name in known}
    worked = {depth[name] for name in context.weights if name in depth}
    others.sort(key=lambda name: (depth[name] not in worked, depth[name]))
    return others if others or _formulas_asked(context) else known


def _formulas_asked(context: Context) -> bool:
    return context.options.audience in ("student", "key") and context.options.blanks in ("rhs", "steps")


def fill_blocks(name: str, context: Context, dice: Random) -> list[Block]:
    """Return the chain of a gradient with one factor left out."""
    for step in written_steps(context.derivation[name], context.notation, "standard"):
        right = step.formula.parts[-1]
        if step.kind not in ("chain", "paths") or not isinstance(right, Product):
            continue
        at = dice.randrange(1, len(right.factors))
        stripped = Product(tuple(Blank(GAP) if k == at else factor for k, factor in enumerate(right.factors)))
        line = Line((Part(step.formula.parts[0], "", LEFT), Part(right, "=", SYMBOLS, stripped=stripped)))
        entry = context.writer.entry(name)
        return [Prose(context.say("fill", name=entry)), FormulaBlock(f"fill-{name}", (line,))]
    return []


def _statements(name: str, context: Context) -> list[tuple[Node, Chain]]:
    """Return statements ∂loss/∂node = formula that can be checked by numbers, for the name and what lies before it."""
    derivation = context.derivation
    if context.is_scalar:
        steps = written_steps(derivation[name], context.notation, "standard")
        return [(derivation.network.nodes[name], step.formula) for step in steps if step.kind == "product"]
    found = []
    writer = context.plain_writer
    for passed, form in reversed(simplified_adjoints(derivation, (name,)).items()):
        if not form.put_in:
            formula = Chain((writer.adjoint(passed), writer.expression(form.expression)), ("=",))
            found.append((derivation.network.nodes[passed], formula))
    return found


def mistake_blocks(name: str, context: Context, dice: Random) -> list[Block]:
    """Return a short derivation with exactly one wrong line, and which it is for the teacher."""
    lines = _derivation_lines(name, context)
    order = list(range(len(lines)))
    dice.shuffle(order)
    for at in sorted(order, key=lambda k: lines[k][0] is None):
        node, formula = lines[at]
        if node is None or len(lines) < 2:
            continue
        wrong = verified_mutants(formula.parts[-1], node, context)
        if not wrong:
            continue
        mutant = dice.choice(wrong[:3])
        shown = [line for _, line in lines]
        shown[at] = Chain((*formula.parts[:-1], mutant.formula), formula.relations)
        block = FormulaBlock(f"mistake-{name}", tuple(_numbered(k, line) for k, line in enumerate(shown)))
        verdict = context.say("mistake is", label=at + 1, why="{why}")
        answer = Prose(_because(verdict, mutant, context, formula), "answer")
        return [Prose(context.say("mistake")), block, BlankLines(ANSWER_LINES), answer]
    return []


def _derivation_lines(name: str, context: Context) -> list[tuple[Node | None, Chain]]:
    """Return lines of a derivation, each with the node whose gradient it states (None for lines left as they are)."""
    if not context.is_scalar:
        return [(node, chain) for node, chain in reversed(_statements(name, context))]
    steps = written_steps(context.derivation[name], context.notation, "standard")
    node = context.derivation.network.nodes[name]
    return [(node if step.kind == "product" else None, step.formula) for step in steps if step.kind in ("local", "product")]


def _numbered(at: int, formula: Chain) -> Line:
    first, *rest = formula.parts
    parts = (Part(first, "", LEFT), *(Part(part, sign) for part, sign in zip(rest, formula.relations, strict=True)))
    return Line(parts, f"({at + 1})")


def _because(words: Words, mutant: Mutant, context: Context, right: Formula) -> Words:
    reason = context.say(mutant.why, **mutant.gaps)
    found: list[str | Formula] = []
    for part in words:
        if isinstance(part, str) and "{why}" in part:
            before, after = part.split("{why}")
            found += [before, *reason, after]
        else:
            found.append(part)
    return (*found, " ", right)


def choice_blocks(name: str, context: Context, dice: Random) -> list[Block]:
    """Return a multiple-choice question whose wrong answers are real mistakes."""
    for node, formula in _statements(name, context):
        wrong = verified_mutants(formula.parts[-1], node, context)
        if len(wrong) < 2:
            continue
        kinds: dict[str, Mutant] = {}
        for mutant in wrong:
            kinds.setdefault(mutant.why, mutant)
        chosen = [*kinds.values(), *(mutant for mutant in wrong if mutant not in kinds.values())][: MOST_OPTIONS - 1]
        options = [Option((formula.parts[-1],), True)]
        options += [Option((mutant.formula,), False, context.say(mutant.why, **mutant.gaps)) for mutant in chosen]
        dice.shuffle(options)
        return [Choice(f"choice-{name}", context.say("choose", partial=formula.parts[0]), tuple(options))]
    return []


_MAKERS: Mapping[str, Callable[[str, Context, Random], list[Block]]] = {
    "fill": fill_blocks,
    "mistake": mistake_blocks,
    "choice": choice_blocks,
}
