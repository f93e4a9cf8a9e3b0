"""The named rewrites of `simplify.py`, each a function from an expression to an expression of the same value.

All work on index form. Bound indices are renamed before anything is put inside a sum, so nothing is captured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import product
from math import prod

from sympy import Add, Expr, Idx, Indexed, Integer, Mul, Number, Piecewise, Pow, Rational, Sum, exp, log

from symbackprop.derive.placing import Steps, at_places, distinct, said, size
from symbackprop.derive.records import Rewrite
from symbackprop.derive.rewrite import Rewriter, match
from symbackprop.network.indices import free_indices, index_size
from symbackprop.network.model import Network
from symbackprop.network.node import Fact, Node

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
    """Σ_i c f[i] = c Σ_i f[i], over a full range; a summand without the index counts its range."""
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
            return part if found is None else at_places(fact.right, dict(found))

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
            logarithm = at_places(entry, dict(found))
            rest = [other for other in product.args if other is not factor and other is not exponentials[0]]
            return Mul(*rest, exp(exponentials[0].args[0] - logarithm))
    return product


def _difference(call: Expr, node: Node) -> Expr:
    found = next(match(node.expression, call.args[0], frozenset(node.indices), {}), None)
    return call if found is None else exp(at_places(node.entry, dict(found)))


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
