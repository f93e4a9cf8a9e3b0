"""At which points the two sides of an `=` are looked at, and what a formula rests on.

Four points tell smooth formulas apart. Where something is made of pieces (a maximum, a case, a sign) every piece has to be met,
so there are many more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mpmath import mpf

from symbackprop.formula.tree.tree import Bars, Call, Cases, Formula, Indexed, Nabla, Name, Partial
from symbackprop.formula.tree.walk import walk
from symbackprop.functions import BY_NAME
from symbackprop.proofreading.meaning.values import Definition, Key, Knowledge, Valuation

SMOOTH = ((1, False), (2, False), (3, True), (4, True))
OF_ARRAYS = SMOOTH[::3]  # every entry of an array is a number of its own
IN_PIECES = (*SMOOTH, *((seed, False) for seed in range(5, 21)))
_PIECES = frozenset(name for name, row in BY_NAME.items() if row.kink is not None) | {"max", "min", "indicator"}


def random_points(environment: Knowledge, held: Mapping[Key, mpf] | None = None) -> list[Valuation]:
    """Return points with random values for everything free: enough for smooth formulas."""
    return [Valuation(environment, seed, held, positive) for seed, positive in SMOOTH]


def points_for(sides: Iterable[Formula], environment: Knowledge, held: Mapping[Key, mpf] | None = None) -> list[Valuation]:
    """Return as many random points as formulas need."""
    nodes = list(reached(sides, environment))
    has_arrays = any(isinstance(node, Name) and node.name in environment.shapes for node in nodes)
    chosen = IN_PIECES if any(_is_in_pieces(node) for node in nodes) else OF_ARRAYS if has_arrays else SMOOTH
    if held is None:
        return [environment.point(seed, positive) for seed, positive in chosen]
    return [Valuation(environment, seed, held, positive) for seed, positive in chosen]


def _is_in_pieces(node: Formula) -> bool:
    called = node.function if isinstance(node, Call) else None
    if isinstance(node, Bars) and node.kind == "norm" and node.label not in ("1", "∞"):
        return False  # smooth but where it is 0
    return isinstance(node, Bars | Cases) or (isinstance(called, Name) and called.name in _PIECES)


def reached(sides: Iterable[Formula], environment: Knowledge) -> Iterator[Formula]:
    """Yield every node of formulas and of the definitions that they rest on."""
    waiting, seen = list(sides), set()
    while waiting:
        for node in walk(waiting.pop()):
            yield node
            if isinstance(node, Name | Indexed):
                name = environment.canonical(node.name)
                definition = environment.definitions.get(name)
                if name not in seen and definition is not None:
                    waiting.append(definition.body)
                seen.add(name)


def names_reached(sides: Iterable[Formula], environment: Knowledge) -> set[str]:
    """Return the names in formulas and in the definitions that they rest on, aliases exchanged."""
    return {environment.canonical(node.name) for node in reached(sides, environment) if isinstance(node, Name | Indexed)}


def is_finer(body: Formula, known: Definition, environment: Knowledge) -> bool:
    """Whether a formula rests on all that a definition rests on, on a quantity with a formula besides, and on no derivative."""
    if known.arguments or any(isinstance(node, Partial | Nabla) for node in walk(body)):
        return False
    new, old = names_reached((body,), environment), names_reached((known.body,), environment)
    defined = {name for name, found in environment.definitions.items() if not found.arguments}
    return known.name not in new and old - environment.extents.keys() <= new and bool((new - old) & defined)


def leaves(formula: Formula, environment: Knowledge) -> set[str]:
    """Return the names a formula rests on that have no definition."""
    return names_reached((formula,), environment) - environment.definitions.keys() - {"e", "pi"}
