"""A remedy put to the test: written into the formula, which is read again as the document was, and judged again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symbackprop.errors import SymbackpropError
from symbackprop.formula.tree.tree import Chain, Formula
from symbackprop.proofreading.claims import HOLDS, Remedy
from symbackprop.proofreading.judging.course import Course, Pair
from symbackprop.proofreading.judging.judge import judge
from symbackprop.proofreading.judging.reading import read_again
from symbackprop.proofreading.judging.statement_kinds import Statement
from symbackprop.proofreading.meaning.layer_families import Layers
from symbackprop.proofreading.remedy.places import replaced
from symbackprop.proofreading.shapes.array_shapes import as_transposes


@dataclass(frozen=True, slots=True)
class HowItIsRead:
    """What a document's formulas mean beyond what is written: layers, and T above a name."""

    layers: Layers | None = None
    t_transposes: bool = False

    def meanings(self, chain: Chain, statement: Statement) -> Iterable[Chain]:
        """Return what a chain in the place of a statement says: itself, or what it says in each layer."""
        if not statement.in_layers or self.layers is None:
            return (chain,)
        return (meant for layer, meant in self.layers.in_each(chain, statement.order) if layer in statement.in_layers)

    def again(self, text: str, statement: Statement) -> Chain | None:
        """Return the chain of a statement whose formula has another text; None where it says something else, or nothing."""
        try:
            chains = read_again(text, statement.names)
        except SymbackpropError:
            return None
        chain = chains[statement.number] if statement.number < len(chains) else None
        if chain is None or chain.relations != statement.chain.relations:
            return None
        return as_transposes([chain])[0] if self.t_transposes else chain


def holds_with(remedy: Remedy, statement: Statement, pair: Pair, found: Sequence[Pair], course: Course, how: HowItIsRead) -> bool:
    """Whether the `=` that a remedy is for holds with it, and every other one of its chain that held before."""
    if remedy.span is None:
        return False
    chain = how.again(replaced(statement.text, {(*remedy.span, remedy.repair)}), statement)
    if chain is None:
        return False
    places = [places for other in found if (places := _judged_anew(other, pair, statement)) is not None]
    meanings = list(how.meanings(chain, statement))
    return bool(meanings) and bool(places) and all(_holds(meaning, places, course) for meaning in meanings)


def _judged_anew(other: Pair, pair: Pair, statement: Statement) -> tuple[int, int] | None:
    """Return which sides of a chain have to be equal; None for an `=` that need not hold."""
    if other is not pair and other[2].status not in HOLDS:
        return None
    left, right = (_number(side, statement) for side in other[:2])
    return None if left is None or right is None else (left, right)


def _number(side: Formula, statement: Statement) -> int | None:
    return next((number for number, part in enumerate(statement.chain.parts) if part.span == side.span), None)


def _holds(chain: Chain, places: Sequence[tuple[int, int]], course: Course) -> bool:
    sides = [course.meant(part) for part in chain.parts]
    return all(judge(sides[left], sides[right], course.environment, course.history).status in HOLDS for left, right in places)
