"""Wrong formulas made from right ones by one real mistake each, every one verified to be wrong.

The mistakes are those seen in handwritten backward passes: a slope left out, a neighbour's name, a factor of the square lost,
a sign, a path or term left out. A mutant counts only if its value differs clearly from the right one at the handout's numbers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction as Exact

from sympy import Pow

from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.tree.tree import BigSum, Formula, Fraction, Indexed, Name, Neg, Number, Partial, Power, Product, Sum
from symbackprop.formula.tree.walk import children, walk, with_children
from symbackprop.formula.value.evaluate import values_over
from symbackprop.network.indices import index_name
from symbackprop.network.node import Node
from symbackprop.writeup.outline.context import Context

#: A mutant must be off by more than this share of the largest right value, so that rounding cannot explain it.
CLEARLY = Exact(1, 50)
ONE, TWO = Number("1"), Number("2")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong formula, the key of the phrase that says why, and what fills its gaps."""

    formula: Formula
    why: str
    gaps: Mapping[str, Formula]


def verified_mutants(right: Formula, node: Node, context: Context) -> list[Mutant]:
    """Return the mutants of a gradient formula that are wrong at the handout's numbers, no two with equal values."""
    true = values_of(right, node, context)
    if true is None:
        return []
    seen = [true]
    found = []
    for mutant in mutants(right, node.name, context):
        values = values_of(mutant.formula, node, context)
        if values is not None and all(differ(values, other) for other in seen):
            seen.append(values)
            found.append(mutant)
    return found


def values_of(formula: Formula, node: Node, context: Context) -> tuple[Exact, ...] | None:
    """Return the formula's value for every entry of a node; None where it has none."""
    try:
        entries = values_over(formula, [index_name(index) for index in node.indices], context.ledger.known)
        return tuple(entries.flat)
    except (NotSupportedError, UserError, IndexError, KeyError):
        return None


def differ(first: tuple[Exact, ...], second: tuple[Exact, ...]) -> bool:
    """Whether two lists of values differ clearly somewhere."""
    size = max(map(abs, (*first, *second)), default=Exact(0))
    return any(abs(a - b) > CLEARLY * size for a, b in zip(first, second, strict=True))


def mutants(right: Formula, name: str, context: Context) -> Iterator[Mutant]:
    """Yield candidates for the gradient of `name`, the most instructive mistakes first; not yet verified."""
    for part, rebuild in _places(right):
        for kind in (_missing_slope, _wrong_sign, _dropped_term):
            for changed, why, gaps in kind(part):
                yield Mutant(rebuild(changed), why, gaps)
    positive = right.body if isinstance(right, Neg) else right
    for mutant in _lost_half(positive, _has_square(right, name, context)):
        yield mutant if positive is right else replace(mutant, formula=Neg(mutant.formula))
    yield from _wrong_names(right, context)


def _places(formula: Formula) -> Iterator[tuple[Formula, _Rebuild]]:
    """Yield every part with a function that puts another in its place."""
    stack = [(formula, _Rebuild(()))]
    while stack:
        node, rebuild = stack.pop()
        yield node, rebuild
        if isinstance(node, Partial | Indexed | Power):
            continue
        parts = children(node)
        stack += [(part, _Rebuild((*rebuild.path, (node, at)))) for at, part in reversed(list(enumerate(parts)))]


@dataclass(frozen=True, slots=True)
class _Rebuild:
    path: tuple[tuple[Formula, int], ...]

    def __call__(self, changed: Formula) -> Formula:
        for parent, at in reversed(self.path):
            parts = list(children(parent))
            parts[at] = changed
            changed = with_children(parent, tuple(parts))
        return flat(changed)


def flat(formula: Formula) -> Formula:
    """Return a product of products as one product, and likewise sums, at the top of a formula."""
    if isinstance(formula, Product) and any(isinstance(factor, Product) for factor in formula.factors):
        factors = [f.factors if isinstance(f, Product) else (f,) for f in formula.factors]
        return Product(tuple(itertools.chain(*factors)))
    return formula


_Candidates = Iterator[tuple[Formula, str, Mapping[str, Formula]]]


def _is_complement(factor: Formula, of: Formula) -> bool:
    return factor == Sum((ONE, Neg(of)))


def _missing_slope(part: Formula) -> _Candidates:
    if not isinstance(part, Product):
        return
    factors = part.factors
    for at, factor in enumerate(factors):
        if at + 1 < len(factors) and _is_complement(factors[at + 1], factor):
            rest = factors[:at] + factors[at + 2 :]
            if rest:
                yield multiply(*rest), "missing slope", {"what": Product((factor, factors[at + 1]))}
        slope = isinstance(factor, Sum) and factor.terms[0] == ONE and isinstance(_second(factor), Power)
        if slope and len(factors) > 1:
            yield multiply(*(factors[:at] + factors[at + 1 :])), "missing slope", {"what": factor}


def _second(total: Sum) -> Formula:
    term = total.terms[1]
    return term.body if isinstance(term, Neg) else term


def _wrong_sign(part: Formula) -> _Candidates:
    if isinstance(part, Sum) and len(part.terms) == 2 and part.terms[0] != ONE and isinstance(part.terms[1], Neg):
        yield Sum((part.terms[1].body, Neg(part.terms[0]))), "wrong sign", {}
    elif isinstance(part, Neg):
        yield part.body, "wrong sign", {}


def _dropped_term(part: Formula) -> _Candidates:
    if isinstance(part, Sum) and not isinstance(part.terms[-1], Neg):
        for at, term in enumerate(part.terms):
            if len(children(term)) > 1 or isinstance(term, Name):
                yield add(*(part.terms[:at] + part.terms[at + 1 :])), "dropped path", {"what": term}


def _has_square(right: Formula, name: str, context: Context) -> bool:
    """Whether a gradient is worked through a definition that squares something, so that it has a factor 2 to lose."""
    expressions = (context.derivation.network.nodes[node].expression for node in _worked(right, name, context))
    powers = (power for expression in expressions if expression is not None for power in expression.atoms(Pow))
    return any(power.exp == 2 and power.base.free_symbols for power in powers)


def _worked(right: Formula, name: str, context: Context) -> set[str]:
    """Return the nodes whose definitions a gradient is worked through: none nearer the loss than a ∂loss/∂node in the formula."""
    derivation = context.derivation
    passed = set(derivation.between(name)) - {name}
    for part in walk(right):
        if isinstance(part, Partial) and isinstance(part.denominator, Name | Indexed):
            passed -= set(derivation.between(part.denominator.name)) - {part.denominator.name}
    return passed


def _lost_half(right: Formula, squared: bool) -> Iterator[Mutant]:
    lost, extra = ("lost half", "lost half") if squared else ("lost factor", "extra factor")
    factors = right.factors if isinstance(right, Product) else (right,)
    if TWO in factors and len(factors) > 1:
        yield Mutant(multiply(*(factor for factor in factors if factor != TWO)), lost, {})
    elif isinstance(right, Fraction):
        yield Mutant(replace(right, numerator=flat(Product((TWO, right.numerator)))), extra, {})
    elif not isinstance(right, BigSum | Neg):
        yield Mutant(Product((TWO, *factors)), extra, {})


def _wrong_names(right: Formula, context: Context) -> Iterator[Mutant]:
    """Yield the formula with one name exchanged for a neighbour's: w7 for w9, out_h1 for out_h2."""
    nodes = context.derivation.network.nodes
    for node in reversed(list(walk(right))):
        if not isinstance(node, Name | Indexed) or node.name not in nodes:
            continue
        for other in _neighbours(node.name, context):
            if isinstance(node, Indexed) and len(nodes[other].indices) != len(nodes[node.name].indices):
                continue
            changed = _renamed(right, node, replace(node, name=other))
            gaps = {"got": Name(other), "wanted": Name(node.name)}
            yield Mutant(changed, "wrong index", gaps)


def _neighbours(name: str, context: Context) -> list[str]:
    stem = re.sub(r"\d+$", "", name)
    same = context.derivation.network.nodes[name]
    return [
        node.name
        for node in context.derivation.network.nodes.values()
        if node.name != name
        and re.sub(r"\d+$", "", node.name) == stem
        and node.role is same.role
        and node.name in context.derivation.adjoints
    ]


def _renamed(formula: Formula, old: Formula, new: Formula) -> Formula:
    """Exchange a name everywhere in a formula, so that `out(1 - out)` stays a slope, of the wrong unit."""
    if formula == old:
        return new
    parts = children(formula)
    return with_children(formula, tuple(_renamed(part, old, new) for part in parts)) if parts else formula
