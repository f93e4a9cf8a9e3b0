"""The `full` level: one local derivative explained rule by rule on the written definition.

    E_total = 1/2 (target - out)^2 + E_o2
    ∂E_total/∂out = 2·1/2·(target - out)^(2-1)·(-1) + 0 = -(target - out)

and, where the definition is an elementary function, that function's own derivative (σ' by the quotient rule).
"""

from __future__ import annotations

from collections.abc import Callable

from sympy import Symbol

from symbackprop.derive.reasons import Because, because
from symbackprop.derive.steps.paths import Chains, Link
from symbackprop.derive.steps.rule_by_rule import Rule, by_rules
from symbackprop.derive.steps.writer import Writer
from symbackprop.errors import NotSupportedError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Call, Chain, Decorated, Formula, Name
from symbackprop.formula.tree.walk import replace, walk
from symbackprop.functions import BY_NAME

ARGUMENT = "x"


def written_definition(link: Link, chains: Chains, writer: Writer) -> Formula:
    """Write the definition of `link.of` with the nodes between it and `link.by` put in."""
    formula = writer.definition(link.of).parts[1]
    for name in chains.cuts(link.of, link.by)[1:-1]:
        inner = writer.definition(name).parts[1]
        formula = _put_in(formula, Name(name), inner)
    return formula


def _put_in(formula: Formula, name: Name, inner: Formula) -> Formula:
    return replace(formula, lambda part: inner if part == name else part)


def raw_derivative(link: Link, chains: Chains, writer: Writer) -> tuple[Formula, Formula, tuple[Rule, ...]]:
    """Return the written definition, its derivative as the rules leave it, and the rules.

    Raises NotSupportedError where no rule is known.
    """
    definition = written_definition(link, chains, writer)
    slopes = {_function_name(part): _slope(part, link, writer) for part in _calls(definition)}
    result, rules = by_rules(definition, writer.entry(link.by), writer.notation, slopes)
    return definition, result, rules


def _calls(formula: Formula) -> list[Call]:
    return [part for part in walk(formula) if isinstance(part, Call) and isinstance(part.function, Name)]


def _function_name(call: Call) -> str:
    return call.function.name if isinstance(call.function, Name) else ""


def _slope(call: Call, link: Link, writer: Writer) -> Callable[[Formula], Formula]:
    """f'(u) as the table has it; through the node where the whole definition is f(u)."""
    row = BY_NAME[_function_name(call)]
    node = writer.network.node(link.of)
    place = Symbol(ARGUMENT, real=True)
    whole = node.expression is not None and node.expression.func is row.function
    output = node.entry if whole else row.function(place)
    written = writer.expression(row.slopes[0](output, place))
    return lambda argument: replace(written, lambda part: argument if part == Name(ARGUMENT) else part)


def function_chain(name: str, notation: Notation, writer: Writer) -> Chain | None:
    """Write f'(x) by rules from f's definition, `σ'(x) = (…)/(1 + e^{-x})^2 = σ(x)(1 - σ(x))`; None where it is not spelt out."""
    row = BY_NAME[name]
    if row.definition is None or not row.spelt_out:
        return None
    x = Symbol(ARGUMENT, real=True)
    definition = writer.expression(row.definition(x))
    raw, _ = by_rules(definition, Name(ARGUMENT), notation)
    left = Call(Decorated("prime", Name(name)), (Name(ARGUMENT),))
    folded = writer.expression(row.definition(x).diff(x))
    return Chain((left, raw, folded, writer.expression(row.slopes[0](row.function(x), x))), ("=", "=", "="))


def explained(link: Link, chains: Chains, writer: Writer, value: Formula) -> tuple[tuple[str, Chain, Because], ...]:
    """Return (kind, formula, reason) of a local derivative in full."""
    left = writer.partial(link.of, link.by)
    plain = ("local", Chain((left, value), ("=",)), because("local derivative"))
    try:
        definition, raw, rules = raw_derivative(link, chains, writer)
    except NotSupportedError:
        return (plain,)
    lines: list[tuple[str, Chain, Because]] = [
        ("definition", Chain((writer.entry(link.of), definition), ("=",)), because("definition"))
    ]
    for call in _calls(definition):
        spelt = function_chain(_function_name(call), writer.notation, writer)
        if spelt is not None:
            lines.append(("function", spelt, because("quotient rule")))
    parts = (left, raw) if raw == value else (left, raw, value)
    reasons = tuple(dict.fromkeys(rule.reason for rule in rules if rule.reason.key not in ("identity", "constant rule")))
    lines.append(("local", Chain(parts, ("=",) * (len(parts) - 1)), reasons or because("local derivative")))
    return tuple(lines)
