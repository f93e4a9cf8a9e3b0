"""The named rewrites of `simplify.py`, each a function from an expression to an expression of the same value.

All work on index form. Bound indices are renamed before anything is put inside a sum, so nothing is captured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import product
from math import prod

from sympy import Add, Expr, Idx, Integer, Mul, Number, Pow, Rational, Sum, exp, log

from symbackprop.derive.reasons import Because, Reason, because
from symbackprop.derive.sweep.records import Rewrite, out_of_sum
from symbackprop.derive.sweep.rewrite import Rewriter, match
from symbackprop.derive.textbook.placing import Steps, at_places, distinct, said, size
from symbackprop.network.indices import IndexSum, everywhere, free_indices, kinds
from symbackprop.network.model import Network
from symbackprop.network.node import Fact, Node

MOST_TERMS = 16  # a product that would give more is not multiplied out

COME_OUT, OUT, RENAMED, COMMON = map(because, ("come out", "multiply out", "renamed index", "common factor"))


class NetworkKnowledge:
    """What is known about a network: its definitions, to recognise quantities by name, and the facts stated about it."""

    def __init__(self, network: Network) -> None:
        defined = [node for node in network.nodes.values() if node.defined]
        self.rewriter = Rewriter(defined)
        self.last = len(network.nodes)
        self.facts = network.facts
        self.declared = tuple(network.declared_indices.values())
        self.logarithms = tuple((node, *expression.args) for node in defined if (expression := _says(node, log)) is not None)
        roots = {node.name for node, _ in self.logarithms}
        self.differences = tuple(node for node in defined if _says(node, Add) and node.indices and roots & set(node.parents))


def _says(node: Node, kind: type[Expr]) -> Expr | None:
    """Return a definition of a kind in which every index of the node stands, so that where it is found the entry is known."""
    expression = node.expression
    found = isinstance(expression, kind) and set(node.indices) <= free_indices(expression)
    return expression if found else None


def improve(expression: Expr, known: NetworkKnowledge) -> tuple[Expr, Steps]:
    """Return the shortest of: the expression, tidied sums, tidied sums after multiplying out, each with common factors out."""
    forms = [(expression, ()), _tidied(expression, known, _TIDY)]
    if _expanded(expression) != expression:
        forms.append(_tidied(expression, known, _TIDY_OUT))
    shorter, steps = _tidied(expression, known, _CANCEL)
    if any(step.because == OUT for step in steps):
        for rules in (_TIDY, _TIDY_OUT):
            after, more = _tidied(shorter, known, rules)
            forms.append((after, steps + more))
    return min(forms, key=lambda form: size(form[0]))  # the first of the shortest


def _tidied(expression: Expr, known: NetworkKnowledge, rules: tuple[_Rule, ...]) -> tuple[Expr, Steps]:
    steps: list[Rewrite] = []
    for needed, rule in rules:
        for found, reason in rule(expression, known) if needed is None or needed & kinds(expression) else ():
            after = distinct(found, known.declared)
            if after != expression:
                steps.append(Rewrite(expression, after, reason))
                expression = after
    return expression, tuple(steps)


def _outside(expression: Expr) -> Expr:
    return everywhere(expression, lambda e: _pulled(e) if isinstance(e, Sum) else e)


def _pulled(total: Sum) -> Expr:
    """Take out of a sum over full ranges what does not contain its indices."""
    if any((low, high) != (index.lower, index.upper) for index, low, high in total.limits):
        return total
    outside, inside = out_of_sum(Mul.make_args(total.function), total.limits)
    return Mul(*outside, inside) if outside else total


def _expanded(expression: Expr) -> Expr:
    return everywhere(expression, _multiplied_out)


def _multiplied_out(expression: Expr) -> Expr:
    if isinstance(expression, Sum) and isinstance(expression.function, Add):
        return Add(*(_pulled(IndexSum(term, *expression.limits)) for term in expression.function.args))
    if isinstance(expression, Sum):
        return _pulled(expression)
    return _distributed(expression) if isinstance(expression, Mul) else expression


def _distributed(expression: Mul) -> Expr:
    """Multiply the sums among the factors of a product out, where that gives few terms."""
    plain = [factor for factor in expression.args if not isinstance(factor, Add)]
    totals = [factor.args for factor in expression.args if isinstance(factor, Add)]
    if not totals or prod(len(terms) for terms in totals) > MOST_TERMS:
        return expression
    return Add(*(Mul(*plain, *chosen) for chosen in product(*totals)))


def cancelled_in_sums(expression: Expr) -> Expr:
    """Multiply factors into a sum in which they cancel: `(1 - y/p)·p` is `p - y`."""
    return everywhere(expression, _cancelling) if {Mul, Add} <= kinds(expression) else expression


def _cancelling(part: Expr) -> Expr:
    for total in Mul.make_args(part):
        outside = [factor for factor in part.args if factor is not total]
        inside = [factor for factor in outside if _divides(factor, total)]
        if inside:
            rest = [factor for factor in outside if factor not in inside]
            return _cancelling(Mul(*rest, Add(*(Mul(term, *inside) for term in total.args))))
    return part


def _divides(factor: Expr, total: Expr) -> bool:
    """Whether a term of a sum is divided by the base of a factor that is not a divisor itself."""
    if not isinstance(total, Add):
        return False
    base, exponent = factor.as_base_exp()
    return not exponent.could_extract_minus_sign() and any(_bag(term).get(base, 0) < 0 for term in total.args)


def _named(expression: Expr, known: NetworkKnowledge) -> Iterator[tuple[Expr, Because]]:
    """Recognise products that are a node's definition: e/s is p."""
    reasons: dict[Reason, None] = {}

    def rule(part: Expr) -> Expr:
        if not isinstance(part, Mul | Pow) or Pow not in kinds(part):
            return part
        named, rewrites = known.rewriter.product(Mul.make_args(part), known.last)
        if not rewrites or size(named) >= size(part):
            return part
        reasons.update(dict.fromkeys(reason for rewrite in rewrites for reason in _equal(rewrite.after, rewrite.before)))
        return named

    after = everywhere(expression, rule)
    yield after, tuple(reasons)


def _equal(left: Expr, right: Expr) -> Because:
    return because("equal", left=said(left), right=said(right))


def _by_fact(expression: Expr, known: NetworkKnowledge) -> Iterator[tuple[Expr, Because]]:
    for fact in known.facts:
        wild = free_indices(fact.left)

        def rule(part: Expr, fact: Fact = fact, wild: frozenset[Idx] = wild) -> Expr:
            if part.func is not fact.left.func:
                return part
            found = next(match(fact.left, part, wild, {}), None)
            return part if found is None else at_places(fact.right, dict(found))

        expression = everywhere(expression, rule)
        yield expression, because("fact", left=said(fact.left), right=said(fact.right), words=fact.because)


def _softmax(expression: Expr, known: NetworkKnowledge) -> Iterator[tuple[Expr, Because]]:
    """exp(z)/Σ exp(z) is exp(z - lse) where lse = log Σ exp(z); z - lse and its exponential may have names of their own."""
    for node, total in known.logarithms:

        def rule(part: Expr, node: Node = node, total: Expr = total) -> Expr:
            return _exponent(part, total, node.entry) if isinstance(part, Mul) else part

        after = everywhere(expression, rule)
        if after != expression:
            yield after, _equal(node.entry, node.expression)
            expression = after
    for node in known.differences:

        def name_it(part: Expr, node: Node = node) -> Expr:
            return _difference(part, node) if isinstance(part, exp) else part

        after = everywhere(expression, name_it)
        if after != expression:
            yield after, _equal(node.entry, node.expression)
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
            rest = [other for other in product.args if other not in (factor, exponentials[0])]
            return Mul(*rest, exp(exponentials[0].args[0] - logarithm))
    return product


def _difference(call: Expr, node: Node) -> Expr:
    found = next(match(node.expression, call.args[0], frozenset(node.indices), {}), None)
    return call if found is None else exp(at_places(node.entry, dict(found)))


def _common(expression: Expr) -> Expr:
    return everywhere(expression, lambda e: _factored(e) if isinstance(e, Add) else e)


def _factored(total: Add) -> Expr:
    """Take out of a sum what all its terms share: factors, and the largest common number.

    Nothing is divided, since a mask that is a factor of all terms may be 0: the powers that are taken out are left out.
    """
    numbers = [term.as_coeff_Mul()[0] for term in total.args]
    bags = list(map(_bag, total.args))
    shared = _common_powers(bags)
    if not shared or not all(isinstance(number, Rational) for number in numbers):
        return total
    common = reduce(lambda a, b: a.gcd(b), numbers)
    common = -abs(common) if all(number < 0 for number in numbers) else abs(common)
    rest = (_product_of({base: bag[base] - shared.get(base, 0) for base in bag}) for bag in bags)
    return Mul(common, _product_of(shared), Add(*(number / common * part for number, part in zip(numbers, rest, strict=True))))


def _common_powers(bags: list[dict[Expr, Number]]) -> dict[Expr, Number]:
    """Return what stands in all products, with exponents of one sign, to the least of its powers."""
    first, *others = bags
    shared = [base for base in first if all(base in bag and (bag[base] > 0) == (first[base] > 0) for bag in others)]
    return {base: min((bag[base] for bag in bags), key=abs) for base in shared}


def _product_of(powers: dict[Expr, Number]) -> Expr:
    return Mul(*(base**exponent for base, exponent in powers.items()))


def _bag(term: Expr) -> dict[Expr, Number]:
    """Return the bases of a product with their exponents; numbers apart."""
    found: dict[Expr, Number] = {}
    for factor in Mul.make_args(term):
        base, exponent = factor.as_base_exp()
        if isinstance(factor, Number):
            continue
        if not isinstance(exponent, Number) or isinstance(factor, exp):
            base, exponent = factor, Integer(1)
        found[base] = found.get(base, Integer(0)) + exponent
    return found


#: What a rule needs to find in an expression (None: no matter what), and the rule.
_Rule = tuple[
    frozenset[type] | None, Callable[[Expr, NetworkKnowledge], Iterable[tuple[Expr, Because]]]
]  # what it needs to find, and the rule
_SUMS: frozenset[type] = frozenset((Sum,))
_MULTIPLY_OUT: _Rule = (_SUMS | {Mul}, lambda e, known: ((_expanded(e), OUT),))
_RENAME: _Rule = (_SUMS, lambda e, known: ((e, RENAMED),))
_REST: tuple[_Rule, ...] = (
    (_SUMS, lambda e, known: ((_outside(e), COME_OUT),)),
    (frozenset((Pow,)), _named),
    (None, _by_fact),
    (frozenset((exp,)), _softmax),
    (frozenset((Add,)), lambda e, known: ((_common(e), COMMON),)),
)
_TIDY = (_RENAME, *_REST)
_TIDY_OUT = (_RENAME, _MULTIPLY_OUT, *_REST)
_CANCEL = (_RENAME, (frozenset((Pow,)), _named), (frozenset((Pow,)), lambda e, known: ((cancelled_in_sums(e), OUT),)))
