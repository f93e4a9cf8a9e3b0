r"""Differentiate a written formula rule by rule, leaving every result as the rule gives it.

`\frac{1}{2}(target-out)^2 + E_{o2}` by `out` becomes `2*\frac{1}{2}*(target-out)^{2-1}*-1 + 0`: nothing is folded, nothing is
re-ordered, and each application of a rule is recorded with its name. The result is equal in value to the local derivative that
the sweep found (the tests compare the two), so this is an explanation, not a second source of truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from symbackprop.derive.reasons import Reason, because
from symbackprop.errors import NotSupportedError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.build import add, multiply, subtract
from symbackprop.formula.tree.tree import (
    BigSum,
    Call,
    Formula,
    Fraction,
    Group,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
    Sum,
)
from symbackprop.formula.tree.walk import walk

ZERO, ONE, TWO = Number("0"), Number("1"), Number("2")


@dataclass(frozen=True, slots=True)
class Rule:
    """One application of a differentiation rule: ∂before/∂x is written `after`."""

    reason: Reason
    before: Formula
    after: Formula


@dataclass(slots=True)
class _Work:
    """The variable, the choices of the notation, functions' slopes, and the rules applied so far."""

    variable: Formula
    notation: Notation
    slopes: Mapping[str, Callable[[Formula], Formula]]
    rules: list[Rule] = field(default_factory=list)

    def note(self, rule: str, before: Formula, after: Formula, **about: str) -> Formula:
        """Record a rule and return what it gave."""
        self.rules.append(Rule(because(rule, **about)[0], before, after))
        return after

    def depends(self, formula: Formula) -> bool:
        """Whether the variable occurs in the formula."""
        return any(part == self.variable for part in walk(formula))


def by_rules(
    formula: Formula,
    variable: Formula,
    notation: Notation | None = None,
    slopes: Mapping[str, Callable[[Formula], Formula]] | None = None,
) -> tuple[Formula, tuple[Rule, ...]]:
    """Return ∂formula/∂variable as the rules leave it, and the rules in the order they were applied (inner ones first).

    `slopes` gives f'(u) as a written formula for a function's name; without it f'(u) is written `∂f(u)/∂u`.
    Raises NotSupportedError for a formula without a rule (cases, transposes).
    """
    work = _Work(variable, notation or Notation(), slopes or {})
    result = _derivative(formula, work)
    return result, tuple(work.rules)


def _derivative(formula: Formula, work: _Work) -> Formula:
    if formula == work.variable:
        return work.note("power rule" if work.notation.raw_powers else "identity", formula, ONE)
    if not work.depends(formula):
        return work.note("constant rule", formula, ZERO)
    for kind, rule in _RULES.items():
        if isinstance(formula, kind):
            return rule(formula, work)
    raise NotSupportedError(f"rule by rule: no rule for {type(formula).__name__}; ask for steps='standard'")


def _neg(formula: Neg, work: _Work) -> Formula:
    return Neg(_derivative(formula.body, work))


def _group(formula: Group, work: _Work) -> Formula:
    return _derivative(formula.body, work)


def _sum(formula: Sum, work: _Work) -> Formula:
    terms = []
    for term in formula.terms:
        body = _derivative(term, work) if work.depends(term) else ZERO
        terms.append(body)
    return work.note("sum rule", formula, add(*terms))


def _product(formula: Product, work: _Work) -> Formula:
    dependent = [at for at, factor in enumerate(formula.factors) if work.depends(factor)]
    if len(dependent) > 1:
        return _product_rule(formula, dependent, work)
    at = dependent[0]
    others = [factor for place, factor in enumerate(formula.factors) if place != at]
    factor = formula.factors[at]
    if factor == work.variable:
        if not work.notation.raw_powers:
            return work.note("constant multiple rule", formula, multiply(*others))
        lowered = Power(factor, _lowered(ONE, work, always_group=True))
        return work.note("power rule", formula, multiply(ONE, *others, lowered))
    if isinstance(factor, Power) and not work.depends(factor.exponent):
        return _power_parts(formula, others, factor, work)
    return work.note("constant multiple rule", formula, multiply(*others, *_flat(_derivative(factor, work))))


def _product_rule(formula: Product, dependent: list[int], work: _Work) -> Formula:
    terms = []
    for at in dependent:
        slope = _derivative(formula.factors[at], work)
        parts = [slope if place == at else factor for place, factor in enumerate(formula.factors)]
        kept = [part for part in parts if part != ONE]
        terms.append(multiply(*kept) if kept else ONE)
    return work.note("product rule", formula, add(*terms))


def _power(formula: Power, work: _Work) -> Formula:
    if work.depends(formula.exponent):
        if formula.base != Name("e"):
            raise NotSupportedError("rule by rule: the variable stands in an exponent over a base other than e")
        inner = _derivative(formula.exponent, work)
        return work.note("chain rule", formula, multiply(formula, *_flat(inner)))
    return _power_parts(formula, [], formula, work)


def _power_parts(whole: Formula, others: list[Formula], power: Power, work: _Work) -> Formula:
    """n · others · base^(n-1) · base'."""
    lowered = _lowered(power.exponent, work)
    base = power.base if lowered == ONE else Power(power.base, lowered)
    if power.base == work.variable:
        return work.note("power rule", whole, multiply(power.exponent, *others, base))
    inner = _derivative(power.base, work)
    tail = [] if inner == ONE else [_simple_sign(inner)]
    return work.note("power rule and chain rule", whole, multiply(power.exponent, *others, base, *tail))


def _simple_sign(inner: Formula) -> Formula:
    """`0 - 1` is written `-1`: the inner derivative of a difference with a constant."""
    if isinstance(inner, Sum):
        kept = [term for term in inner.terms if term != ZERO]
        return add(*kept) if kept else ZERO
    return inner


def _lowered(exponent: Formula, work: _Work, always_group: bool = False) -> Formula:
    if not work.notation.raw_powers:
        if isinstance(exponent, Number) and exponent.text.isdigit():
            return Number(str(int(exponent.text) - 1))
        return subtract(exponent, ONE)
    raw = subtract(exponent, ONE)
    return Group(raw) if always_group or work.notation.raw_power_brackets else raw


def _fraction(formula: Fraction, work: _Work) -> Formula:
    above, below = formula.numerator, formula.denominator
    if not work.depends(below):
        return work.note("constant multiple rule", formula, Fraction(_derivative(above, work), below))
    first = multiply(_derivative(above, work), below)
    second = multiply(above, *_flat(_simple_sign(_derivative(below, work))))
    return work.note("quotient rule", formula, Fraction(subtract(first, second), Power(below, TWO)))


def _root(formula: Root, work: _Work) -> Formula:
    inner = _derivative(formula.body, work)
    slope = Fraction(ONE, multiply(TWO, formula))
    return work.note("chain rule", formula, slope if inner == ONE else multiply(slope, *_flat(inner)))


def _call(formula: Call, work: _Work) -> Formula:
    if len(formula.arguments) != 1 or not isinstance(formula.function, Name):
        raise NotSupportedError("rule by rule: functions of one argument only; ask for steps='standard'")
    (argument,) = formula.arguments
    known = work.slopes.get(formula.function.name)
    slope = known(argument) if known else Partial(formula, argument)
    if argument == work.variable:
        return work.note("derivative of", formula, slope, function=formula.function.name)
    inner = _derivative(argument, work)
    return work.note("chain rule", formula, slope if inner == ONE else multiply(*_flat(slope), *_flat(inner)))


def _big_sum(formula: BigSum, work: _Work) -> Formula:
    body = _derivative(formula.body, work)
    return work.note("sum rule", formula, BigSum(body, formula.index, formula.lower, formula.upper, formula.operator))


def _flat(formula: Formula) -> tuple[Formula, ...]:
    return formula.factors if isinstance(formula, Product) else (formula,)


_RULES: dict[type[Formula], Callable[..., Formula]] = {
    Neg: _neg,
    Group: _group,
    Sum: _sum,
    Product: _product,
    Power: _power,
    Fraction: _fraction,
    Root: _root,
    Call: _call,
    BigSum: _big_sum,
}
