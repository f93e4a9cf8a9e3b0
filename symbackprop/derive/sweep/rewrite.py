"""Named intermediates: replace parts of a local derivative by nodes that already hold them.

`exp(z[n,k]) · (Σ_m exp(z[n,m]))^-1` is `p[n,k]` when a node is defined so; `sigmoid(net)` is `out`. Definitions are matched as
patterns in which the node's own indices are free to match any index. The factors of a product are matched before sympy
multiplies them, because it would merge `exp(a)·exp(b)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Idx, Indexed, Integer, Mul, Number, Piecewise, Pow, Sum, Symbol
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.function import Function

from symbackprop.derive.reasons import Because, because
from symbackprop.derive.sweep.records import Rewrite
from symbackprop.formula.print.text import text
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.network.indices import guarded
from symbackprop.network.node import Node

Binding = dict[Idx, Expr]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A node whose definition can be recognised inside other expressions: a product of factors with exponents."""

    node: Node
    factors: tuple[tuple[Expr, Expr], ...]

    @property
    def because(self) -> Because:
        """The reason shown for a rewrite."""
        return _equal(self.node)


def pattern_of(node: Node) -> Pattern | None:
    """Return the pattern of a node worth recognising: a function value, a power, or a quotient; not a plain sum or product."""
    expression = node.expression
    if expression is None or not (isinstance(expression, Function | Pow) or _is_quotient(expression)):
        return None
    return Pattern(node, tuple(_powers(expression)))


def _is_quotient(expression: Expr) -> bool:
    return isinstance(expression, Mul) and any(isinstance(f, Pow) and f.exp.could_extract_minus_sign() for f in expression.args)


def _powers(expression: Expr) -> Iterator[tuple[Expr, Expr]]:
    for factor in Mul.make_args(expression):
        if isinstance(factor, Pow) and isinstance(factor.exp, Number):
            yield factor.base, factor.exp
        elif _is_guarded(factor):  # a value where a condition holds, else 0, is the value times 1 there
            (value, condition), _ = factor.args
            yield guarded(Integer(1), condition), Integer(1)
            yield from _powers(value)
        else:
            yield factor, Integer(1)


def _is_guarded(factor: Expr) -> bool:
    return isinstance(factor, Piecewise) and len(factor.args) == 2 and factor.args[1] == (0, True) and factor.args[0][0] != 1


class Rewriter:
    """Knows the patterns of a network; rewrites factor lists of local derivatives."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._by_expression: dict[Expr, Node] = {}
        self._by_parent: dict[str, list[Pattern]] = {}
        for node in nodes:
            pattern = pattern_of(node)
            if pattern is None:
                continue
            if not node.indices:
                self._by_expression.setdefault(node.expression, node)
            if node.indices or (node.expression is not None and node.expression.has(Sum)):
                for parent in node.parents:
                    self._by_parent.setdefault(parent, []).append(pattern)

    def product(self, factors: tuple[Expr, ...], available: int) -> tuple[Expr, tuple[Rewrite, ...]]:
        """Return the product of the factors in named intermediates, and the rewrites made.

        `available` is the position in the network up to which nodes may be used.
        """
        if all(isinstance(factor, Symbol | Number | Indexed) for factor in factors):
            return factors[0] if len(factors) == 1 else Mul(*factors), ()
        rewrites: list[Rewrite] = []
        named = [self._inside(factor, available, rewrites) for factor in factors]
        patterns = self._candidates(named, available)
        for pattern in patterns:
            named = _extract(pattern, named, rewrites)
        return Mul(*named), tuple(rewrites)

    def _candidates(self, factors: list[Expr], available: int) -> list[Pattern]:
        if not self._by_parent:
            return []
        names = sorted({str(atom.base.label) for factor in factors for atom in factor.atoms(Indexed)})
        found: dict[str, Pattern] = {}
        for name in names:
            for pattern in self._by_parent.get(name, ()):
                if pattern.node.position <= available:
                    found.setdefault(pattern.node.name, pattern)
        return sorted(found.values(), key=lambda pattern: -len(pattern.factors))

    def _inside(self, expression: Expr, available: int, rewrites: list[Rewrite]) -> Expr:
        """Replace whole subexpressions that are scalar nodes' definitions."""
        if not self._by_expression or not expression.args or isinstance(expression, Indexed):
            return expression
        node = self._by_expression.get(expression)
        if node is not None and node.position <= available:
            rewrites.append(Rewrite(expression, node.entry, _equal(node)))
            return node.entry
        args = tuple(self._inside(arg, available, rewrites) for arg in expression.args)
        return expression if args == expression.args else expression.func(*args)


def _extract(pattern: Pattern, factors: list[Expr], rewrites: list[Rewrite]) -> list[Expr]:
    """Take the pattern's factors out of the list as often as they occur, putting the node in their place."""
    while True:
        bag: Counter[Expr] = Counter()
        for factor in factors:
            for base, exponent in _powers(factor):
                bag[base] += exponent
        taken = _take(pattern, bag)
        if taken is None:
            return factors
        binding, used = taken
        entry = _entry_at(pattern.node, binding)
        before = Mul(*(Pow(base, exponent, evaluate=True) for base, exponent in used))
        rewrites.append(Rewrite(before, entry, pattern.because))
        for base, exponent in used:
            bag[base] -= exponent
        bag[entry] += 1
        factors = [base**exponent for base, exponent in bag.items() if exponent != 0]


def _take(pattern: Pattern, bag: Mapping[Expr, Expr]) -> tuple[Binding, list[tuple[Expr, Expr]]] | None:
    wild = frozenset(pattern.node.indices)

    def search(at: int, binding: Binding, used: list[tuple[Expr, Expr]]) -> tuple[Binding, list[tuple[Expr, Expr]]] | None:
        if at == len(pattern.factors):
            return (binding, used) if wild <= set(binding) else None
        wanted, exponent = pattern.factors[at]
        if isinstance(wanted, Number):
            return search(at + 1, binding, [*used, (wanted, exponent)]) if _holds(bag, wanted, exponent) else None
        for base in bag:
            if not _holds(bag, base, exponent):
                continue
            for extended in match(wanted, base, wild, binding):
                found = search(at + 1, extended, [*used, (base, exponent)])
                if found is not None:
                    return found
        return None

    return search(0, {}, [])


def _holds(bag: Mapping[Expr, Expr], base: Expr, exponent: Expr) -> bool:
    have = bag.get(base, 0)
    return bool(have >= exponent > 0 or have <= exponent < 0)


def _entry_at(node: Node, binding: Binding) -> Expr:
    return node.symbol[tuple(binding[index] for index in node.indices)] if node.indices else node.symbol


def match(pattern: Expr, expression: Expr, wild: frozenset[Idx], binding: Binding) -> Iterator[Binding]:
    """Yield the bindings of wild indices under which the pattern is the expression (sums up to the bound index's name)."""
    if isinstance(pattern, Idx):
        yield from _match_index(pattern, expression, wild, binding)
    elif not pattern.args or isinstance(pattern, Symbol | Number):
        if pattern == expression:
            yield binding
    elif isinstance(pattern, Sum):  # of one class or the other
        if isinstance(expression, Sum):
            yield from _match_sum(pattern, expression, wild, binding)
    elif pattern.func is not expression.func or len(pattern.args) != len(expression.args):
        return
    elif isinstance(pattern, Indexed):
        if pattern.base == expression.base:
            yield from _match_all(pattern.indices, expression.indices, wild, binding)
    elif isinstance(pattern, ExprWithLimits):
        yield from _match_sum(pattern, expression, wild, binding)
    elif isinstance(pattern, Add | Mul):
        yield from _match_bag(list(pattern.args), list(expression.args), wild, binding)
    else:
        yield from _match_all(pattern.args, expression.args, wild, binding)


def _match_index(pattern: Idx, expression: Expr, wild: frozenset[Idx], binding: Binding) -> Iterator[Binding]:
    if pattern in binding:
        if binding[pattern] == expression:
            yield binding
    elif pattern in wild:
        if not isinstance(expression, Idx) or (expression.lower == pattern.lower and expression.upper == pattern.upper):
            yield {**binding, pattern: expression}
    elif pattern == expression:
        yield binding


def _match_all(
    patterns: Iterable[Expr], expressions: Iterable[Expr], wild: frozenset[Idx], binding: Binding
) -> Iterator[Binding]:
    pairs = list(zip(patterns, expressions, strict=True))

    def step(at: int, current: Binding) -> Iterator[Binding]:
        if at == len(pairs):
            yield current
            return
        for extended in match(pairs[at][0], pairs[at][1], wild, current):
            yield from step(at + 1, extended)

    yield from step(0, binding)


def _match_sum(pattern: ExprWithLimits, expression: ExprWithLimits, wild: frozenset[Idx], binding: Binding) -> Iterator[Binding]:
    if [limits[1:] for limits in pattern.limits] != [limits[1:] for limits in expression.limits]:
        return
    bound: Binding = {own[0]: other[0] for own, other in zip(pattern.limits, expression.limits, strict=True)}
    for inner in match(pattern.function, expression.function, wild - bound.keys(), {**_without(binding, bound), **bound}):
        result = _without(inner, bound)
        fresh = wild & result.keys() - binding.keys()
        if not any(result[index] in bound.values() for index in fresh):  # else the value would leave the sum that binds it
            yield {**{index: value for index, value in binding.items() if index in bound}, **result}


def _without(binding: Binding, indices: Container[Idx]) -> Binding:
    return {index: value for index, value in binding.items() if index not in indices}


def _match_bag(patterns: list[Expr], expressions: list[Expr], wild: frozenset[Idx], binding: Binding) -> Iterator[Binding]:
    if not patterns:
        if not expressions:
            yield binding
        return
    for at, candidate in enumerate(expressions):
        for extended in match(patterns[0], candidate, wild, binding):
            yield from _match_bag(patterns[1:], expressions[:at] + expressions[at + 1 :], wild, extended)


MatchRule = Callable[[Expr, Expr, frozenset[Idx], Binding], Iterator[Binding]]


def _equal(node: Node) -> Because:
    """Return the reason that a node is what it is defined as, as a person would write it."""
    left, right = (text(from_sympy(side)) for side in (node.entry, node.expression))
    return because("equal", left=left, right=right)
