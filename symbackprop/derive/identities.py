"""The named rewrites of `simplify.py`, each a function from an expression to an expression of the same value.

All work on index form. Bound indices are renamed before anything is put inside a sum, so nothing is captured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod

from sympy import Add, Expr, Idx, Indexed, Integer, Mul, Number, Piecewise, Pow, Rational, Sum, Symbol, exp, log

from symbackprop.derive.records import Adjoint, Rewrite
from symbackprop.derive.rewrite import Rewriter, match
from symbackprop.formula.convert import from_sympy
from symbackprop.formula.text import text
from symbackprop.network.indices import free_indices, index_name, index_size, primed, substitute
from symbackprop.network.model import Network
from symbackprop.network.node import Fact, Node

Steps = tuple[Rewrite, ...]

MOST_TERMS = 16  # a product that would give more is not multiplied out

COME_OUT = "factors that do not contain the summed index come out of the sum"
OUT = "multiply out; a sum of terms is the sum of each term"
RENAMED = "a summed index may have any name"
COMMON = "take out the common factor"


class Knowledge:
    """What is known about a network: its definitions, to recognise quantities by name, and the facts stated about it."""

    def __init__(self, network: Network) -> None:
        defined = [node for node in network.nodes.values() if node.defined]
        self.rewriter = Rewriter(defined)
        self.last = len(network.nodes)
        self.facts = network.facts
        self.declared = tuple(network.declared_indices.values())
        self.logarithms = tuple(
            (node, node.expression.args[0])
            for node in defined
            if node.expression is not None and isinstance(node.expression, log)
        )
        roots = {node.name for node, _ in self.logarithms}
        self.differences = tuple(
            node for node in defined if isinstance(node.expression, Add) and node.indices and roots & set(node.parents)
        )


# ---- measuring -----------------------------------------------------------------------------------------------------------


def size(expression: Expr) -> int:
    """Return how much there is to read: names, numbers other than ±1, sums and functions."""
    if isinstance(expression, Symbol | Indexed):
        return 1
    if isinstance(expression, Number):
        return 0 if abs(expression) == 1 else 1
    if isinstance(expression, Sum):
        return 1 + size(expression.function)
    if isinstance(expression, Piecewise):
        return 1 + sum(size(value) for value, _ in expression.args)
    if isinstance(expression, Pow):
        return size(expression.base) + (
            0 if expression.exp == -1 else 1 if isinstance(expression.exp, Number) else size(expression.exp)
        )
    own = 0 if isinstance(expression, Add | Mul) else 1
    return own + sum(size(arg) for arg in expression.args)


def adjoint_names(expression: Expr) -> set[str]:
    """Return the names of all symbols and indexed bases in an expression."""
    return {atom.name if isinstance(atom, Symbol) else str(atom.base.label) for atom in expression.atoms(Symbol, Indexed)}


# ---- putting a formula in a name's place -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placement:
    """A formula put in the place of an adjoint's name; the steps are written only when it is kept."""

    before: Expr
    result: Expr
    adjoint: Adjoint
    formula: Expr

    @property
    def in_sum(self) -> bool:
        """Whether the name stands inside a sum."""
        return any(_mentions(total.function, self.adjoint) for total in self.before.atoms(Sum))

    @property
    def steps(self) -> Steps:
        """The steps: the formula put in, then what cancels."""
        because = f"{said(self.adjoint.entry)} = {said(self.formula)}"
        written = _replaced(self.before, self.adjoint, self.formula, evaluate=False)
        cancelled = _cancelled(written)
        if not cancelled:
            return (Rewrite(self.before, self.result, because),)
        cancel = f"cancel {', '.join(said(factor) for factor in cancelled)}"
        return Rewrite(self.before, written, because), Rewrite(written, self.result, cancel)


def put_in(expression: Expr, adjoint: Adjoint, formula: Expr, known: Knowledge) -> Placement | None:
    """Put an adjoint's formula in the place of its name.

    None where this would put a sum inside a sum, or spread a sum over several places, which is not how one writes it.
    """
    if formula.has(Sum) and _spreads(expression, adjoint):
        return None
    result = distinct(_replaced(expression, adjoint, formula, evaluate=True), known.declared)
    return Placement(expression, result, adjoint, formula)


def said(expression: Expr) -> str:
    """Return an expression as a person would type it, for reasons: `Σ_k t[n,k]`."""
    return text(from_sympy(expression))


def distinct(expression: Expr, declared: tuple[Idx, ...]) -> Expr:
    """Name the bound indices so that each name means one thing: the first declared index of the range that is not in use."""
    return _distinct(expression, declared, frozenset()) if expression.has(Sum) else expression


def _distinct(expression: Expr, declared: tuple[Idx, ...], taken: frozenset[str]) -> Expr:
    if not expression.args or isinstance(expression, Indexed | Idx):
        return expression
    if not isinstance(expression, Sum):
        used = taken | {index_name(index) for index in free_indices(expression)}
        args = tuple(_distinct(arg, declared, used) for arg in expression.args)
        return expression if args == expression.args else expression.func(*args)
    used = taken | {index_name(index) for index in free_indices(expression)}
    body = expression.function
    limits: list[tuple[Expr, ...]] = []
    for bound, low, high in reversed(expression.limits):
        fresh = _spare(bound, used, declared)
        used |= {index_name(fresh)}
        limits.insert(0, (fresh, low, high))
    moved = {old[0]: new[0] for old, new in zip(expression.limits, limits, strict=True) if old[0] != new[0]}
    if moved and any(free_indices(end) & set(moved) for limit in limits for end in limit[1:]):
        return expression
    return Sum(_distinct(substitute(body, moved), declared, used), *limits)


def _spare(index: Idx, used: frozenset[str], declared: tuple[Idx, ...]) -> Idx:
    if index_name(index) not in used and index in declared:
        return index
    for other in declared:
        if index_name(other) not in used and (other.lower, other.upper) == (index.lower, index.upper):
            return other
    return primed(index, used) if index_name(index) in used else index


def _spreads(expression: Expr, adjoint: Adjoint) -> bool:
    inside = any(_mentions(total.function, adjoint) for total in expression.atoms(Sum))
    return inside or _count(expression, adjoint) > 1


def _mentions(expression: Expr, adjoint: Adjoint) -> bool:
    return str(adjoint.symbol) in adjoint_names(expression)


def _count(expression: Expr, adjoint: Adjoint) -> int:
    if isinstance(expression, Indexed):
        return int(expression.base == adjoint.symbol)
    if expression == adjoint.symbol:
        return 1
    return sum(_count(arg, adjoint) for arg in expression.args)


def _replaced(expression: Expr, adjoint: Adjoint, formula: Expr, evaluate: bool) -> Expr:
    if expression == adjoint.symbol:
        return formula
    if isinstance(expression, Indexed):
        if expression.base != adjoint.symbol:
            return expression
        return _at(formula, dict(zip(adjoint.indices, expression.indices, strict=True)))
    if not expression.args or isinstance(expression, Idx):
        return expression
    if isinstance(expression, Sum):
        return Sum(_replaced(expression.function, adjoint, formula, evaluate), *expression.limits)
    args = tuple(_replaced(arg, adjoint, formula, evaluate) for arg in expression.args)
    if args == expression.args:
        return expression
    if isinstance(expression, Mul) and not evaluate:
        return Mul(*(part for arg in args for part in Mul.make_args(arg)), evaluate=False)
    return expression.func(*args)


def _at(formula: Expr, places: dict[Expr, Expr]) -> Expr:
    return substitute(formula, {own: used for own, used in places.items() if own != used})


def _cancelled(expression: Expr) -> list[Expr]:
    """Return what cancels when the expression is evaluated: bases of an unevaluated product with exponents of both signs."""
    found: list[Expr] = []
    if isinstance(expression, Mul):
        signs: dict[Expr, set[bool]] = {}
        for arg in expression.args:
            base, exponent = arg.as_base_exp()
            if isinstance(exponent, Number) and not isinstance(base, Number):
                signs.setdefault(base, set()).add(bool(exponent > 0))
        found += [base for base, both in signs.items() if len(both) == 2]
    for arg in (expression.function,) if isinstance(expression, Sum) else expression.args:
        found += [factor for factor in _cancelled(arg) if factor not in found]
    return found


# ---- the normal form, rule by rule -------------------------------------------------------------------------------------------


def improve(expression: Expr, known: Knowledge) -> tuple[Expr, Steps]:
    """Return the shortest of: the expression, tidied sums, tidied sums after multiplying out, each with common factors out."""
    best: Expr = expression
    best_steps: Steps = ()
    for multiply_out in (False, True):
        after, steps = _tidied(expression, known, multiply_out)
        if size(after) < size(best):
            best, best_steps = after, steps
    return best, best_steps


def _tidied(expression: Expr, known: Knowledge, multiply_out: bool) -> tuple[Expr, Steps]:
    rules: list[Callable[[Expr], Iterator[tuple[Expr, str]]]] = [
        lambda e: _once(e, RENAMED),
        lambda e: _once(_outside(e), COME_OUT),
        lambda e: _named(e, known),
        lambda e: _by_fact(e, known.facts),
        lambda e: _softmax(e, known) if e.has(exp) else iter(()),
        lambda e: _once(_common(e), COMMON),
    ]
    if multiply_out:
        rules.insert(1, lambda e: _once(_expanded(e), OUT))
    steps: list[Rewrite] = []
    for rule in rules:
        for found, because in rule(expression):
            after = distinct(found, known.declared)
            if after != expression:
                steps.append(Rewrite(expression, after, because))
                expression = after
    return expression, tuple(steps)


def _once(after: Expr, because: str) -> Iterator[tuple[Expr, str]]:
    yield after, because


def _everywhere(expression: Expr, rule: Callable[[Expr], Expr]) -> Expr:
    """Apply a rule to every part, innermost first."""
    if not expression.args or isinstance(expression, Indexed | Idx):
        return rule(expression)
    if isinstance(expression, Sum):
        return rule(Sum(_everywhere(expression.function, rule), *expression.limits))
    if isinstance(expression, Piecewise):
        return rule(Piecewise(*((_everywhere(value, rule), condition) for value, condition in expression.args)))
    args = tuple(_everywhere(arg, rule) for arg in expression.args)
    return rule(expression if args == expression.args else expression.func(*args))


def _outside(expression: Expr) -> Expr:
    return _everywhere(expression, lambda e: _pulled(e) if isinstance(e, Sum) else e)


def _pulled(total: Sum) -> Expr:
    """Σ_i c f[i] = c Σ_i f[i]; a summand without the index counts its range; Σ_i f[i] δ(i,j) = f[j] over the full range."""
    over = {limits[0] for limits in total.limits}
    if any((limits[1], limits[2]) != (limits[0].lower, limits[0].upper) for limits in total.limits):
        return total
    factors = Mul.make_args(total.function)
    inside = [factor for factor in factors if free_indices(factor) & over]
    outside = [factor for factor in factors if not free_indices(factor) & over]
    present = frozenset().union(*(free_indices(factor) for factor in inside))
    kept = [limits for limits in total.limits if limits[0] in present]
    missing = [index_size(limits[0]) for limits in total.limits if limits[0] not in present]
    if not outside and not missing:
        return total
    return Mul(*outside, *missing, Sum(Mul(*inside), *kept) if kept else Integer(1))


def _expanded(expression: Expr) -> Expr:
    return _everywhere(expression, _multiplied_out)


def _multiplied_out(expression: Expr) -> Expr:
    if isinstance(expression, Sum) and isinstance(expression.function, Add):
        return Add(*(_pulled(Sum(term, *expression.limits)) for term in expression.function.args))
    if isinstance(expression, Sum):
        return _pulled(expression)
    if not isinstance(expression, Mul):
        return expression
    plain = [factor for factor in expression.args if not isinstance(factor, Add)]
    totals = [factor.args for factor in expression.args if isinstance(factor, Add)]
    if not totals or prod(len(terms) for terms in totals) > MOST_TERMS:
        return expression
    return Add(*(Mul(*plain, *chosen) for chosen in product(*totals)))


def _named(expression: Expr, known: Knowledge) -> Iterator[tuple[Expr, str]]:
    """Recognise products that are a node's definition: e/s is p."""
    reasons: list[str] = []

    def rule(part: Expr) -> Expr:
        if not isinstance(part, Mul | Pow) or not part.has(Pow):
            return part
        named, rewrites = known.rewriter.product(Mul.make_args(part), known.last)
        if not rewrites or size(named) >= size(part):
            return part
        for rewrite in rewrites:
            because = f"{said(rewrite.after)} = {said(rewrite.before)}"
            if because not in reasons:
                reasons.append(because)
        return named

    after = _everywhere(expression, rule)
    yield after, "; ".join(reasons)


def _by_fact(expression: Expr, facts: tuple[Fact, ...]) -> Iterator[tuple[Expr, str]]:
    for fact in facts:
        wild = free_indices(fact.left)

        def rule(part: Expr, fact: Fact = fact, wild: frozenset[Idx] = wild) -> Expr:
            if part.func is not fact.left.func:
                return part
            found = next(match(fact.left, part, wild, {}), None)
            return part if found is None else _at(fact.right, dict(found))

        expression = _everywhere(expression, rule)
        yield expression, f"{said(fact.left)} = {said(fact.right)}: {fact.because}"


def _softmax(expression: Expr, known: Knowledge) -> Iterator[tuple[Expr, str]]:
    """exp(z)/Σ exp(z) is exp(z - lse) where lse = log Σ exp(z); z - lse and its exponential may have names of their own."""
    for node, total in known.logarithms:

        def rule(part: Expr, node: Node = node, total: Expr = total) -> Expr:
            return _exponent(part, total, node.entry) if isinstance(part, Mul) else part

        after = _everywhere(expression, rule)
        if after != expression:
            yield after, f"{said(node.entry)} = {said(node.expression)}"
            expression = after
    for node in known.differences:

        def name_it(part: Expr, node: Node = node) -> Expr:
            return _difference(part, node) if isinstance(part, exp) else part

        after = _everywhere(expression, name_it)
        if after != expression:
            yield after, f"{said(node.entry)} = {said(node.expression)}"
            expression = after
            yield from _named(expression, known)


def _exponent(product: Mul, total: Expr, entry: Expr) -> Expr:
    exponentials = [factor for factor in product.args if isinstance(factor, exp)]
    for factor in product.args:
        if not (isinstance(factor, Pow) and factor.exp == -1) or not exponentials:
            continue
        found = next(match(total, factor.base, free_indices(total), {}), None)
        if found is not None:
            logarithm = _at(entry, dict(found))
            rest = [other for other in product.args if other is not factor and other is not exponentials[0]]
            return Mul(*rest, exp(exponentials[0].args[0] - logarithm))
    return product


def _difference(call: Expr, node: Node) -> Expr:
    found = next(match(node.expression, call.args[0], frozenset(node.indices), {}), None)
    return call if found is None else exp(_at(node.entry, dict(found)))


def _common(expression: Expr) -> Expr:
    return _everywhere(expression, lambda e: _factored(e) if isinstance(e, Add) else e)


def _factored(total: Add) -> Expr:
    """Take out of a sum what all its terms share: factors, and the largest common number."""
    bags = [_bag(term) for term in total.args]
    shared = {
        base: min((bag[base] for bag in bags), key=abs)
        for base in bags[0]
        if all(base in bag for bag in bags) and len({bag[base] > 0 for bag in bags}) == 1
    }
    numbers = [term.as_coeff_Mul()[0] for term in total.args]
    if not all(isinstance(number, Rational) for number in numbers):
        return total
    common = reduce(lambda a, b: a.gcd(b), numbers)
    common = -abs(common) if all(number < 0 for number in numbers) else abs(common)
    outside = Mul(*(base**exponent for base, exponent in shared.items()))
    if outside == 1:
        return total
    return Mul(common, outside, Add(*(term / (common * outside) for term in total.args)))


def _bag(term: Expr) -> dict[Expr, Number]:
    found: dict[Expr, Number] = {}
    for factor in Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if isinstance(factor, Number):
            continue
        if isinstance(exponent, Number) and not isinstance(factor, exp):
            found[base] = exponent
        else:
            found[factor] = Integer(1)
    return found
