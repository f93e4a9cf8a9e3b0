"""From the parse tree to the written formula: one small function for each rule of the grammar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lark import Token

from symbackprop.errors import InternalError
from symbackprop.formula.brackets import PREFIXED, level, looks_like_call, needs_brackets_to_count
from symbackprop.formula.names import Names
from symbackprop.formula.scripts import apply_scripts, function_head, index_list
from symbackprop.formula.tokens import ReadError
from symbackprop.formula.tree import (
    Bars,
    BigSum,
    Blank,
    Branch,
    Call,
    Cases,
    Chain,
    Decorated,
    Delta,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Logic,
    Nabla,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
    Row,
    Span,
    Sum,
    Text,
)


@dataclass(slots=True)
class Flat:
    """A term as it stands: factors, and the sign in front of each ("" is side by side)."""

    items: list[tuple[str, Formula]]
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Operator(Formula):
    """`\\frac{\\partial}{\\partial w}` before it has met what it differentiates."""

    variables: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Builder:
    """What the rules need to know: the names, the text, and which calls were written without brackets."""

    names: Names
    text: str
    bare: set[Span] = field(default_factory=set)

    def build(self, rule: str, parts: list[Any], span: Span) -> Any:
        """Return the result of one grammar rule."""
        if rule not in _RULES:
            raise InternalError(f"no builder for the grammar rule {rule}")
        result = _RULES[rule](self, parts, span)
        return replace(result, span=span) if isinstance(result, Formula) and result.span is None else result


# --- statements


def _row_of(parts: list[Any], separator: str) -> Any:
    parts = [part for part in parts if not (isinstance(part, Token) and part.type in ("COMMA", "NEWLINE"))]
    return parts[0] if len(parts) == 1 else Row(tuple(parts), separator)


def _row(builder: Builder, parts: list[Any], span: Span) -> Any:
    items = [Text(part.value, span=_span(part)) if isinstance(part, Token) else part for part in parts]
    return _row_of(items, "")


def _chain(builder: Builder, parts: list[Any], span: Span) -> Any:
    sides, relations = parts[0::2], parts[1::2]
    return sides[0] if not relations else Chain(tuple(sides), tuple(str(sign) for sign in relations))


def _logic(operator: str) -> Callable[[Builder, list[Any], Span], Any]:
    return lambda builder, parts, span: Logic(operator, tuple(part for part in parts if isinstance(part, Formula)))


def _sum(builder: Builder, parts: list[Any], span: Span) -> Any:
    terms = [parts[0]]
    for sign, term in zip(parts[1::2], parts[2::2], strict=True):
        minus_span = (_span(sign)[0], (term.span or span)[1])
        terms.append(Neg(term, span=minus_span) if sign.type == "MINUS" else term)
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


# --- terms


def _beside(builder: Builder, parts: list[Any], span: Span) -> Flat:
    factor, rest = parts
    return Flat([("", factor), *rest.items])


def _joined(builder: Builder, parts: list[Any], span: Span) -> Flat:
    factor, sign, rest = parts
    (_, first), *others = rest.items
    first = Neg(first, span=first.span) if rest.negative else first
    return Flat([("", factor), (sign.value, first), *others])


def _negative(builder: Builder, parts: list[Any], span: Span) -> Flat:
    return Flat(parts[1].items, negative=True)


def _big(builder: Builder, parts: list[Any], span: Span) -> Flat:
    operator, scripts, rest = parts
    body = _whole(builder, [rest], span)
    found: dict[str, Any] = {}
    for kind, value in scripts:
        if kind not in ("sub", "sup") or kind in found:
            raise ReadError(f"expected one lower and one upper bound of \\{operator}", span)
        found[kind] = value
    lower_part, upper = found.get("sub"), found.get("sup")
    index, lower = lower_part, None
    if isinstance(lower_part, Chain) and lower_part.relations == ("=",) and isinstance(lower_part.parts[0], Name):
        index, lower = lower_part.parts
    body = Neg(body) if rest.negative else body
    return Flat([("", BigSum(body, index, lower, upper, str(operator), span=span))])


def _whole(builder: Builder, parts: list[Any], span: Span) -> Formula:
    """Build a term from its flat list: elementwise products of products and fractions, left to right."""
    items = _apply_operators(parts[0].items, span)
    segments: list[list[tuple[str, Formula]]] = [[]]
    for sign, factor in items:
        if sign == "⊙":
            segments.append([])
            sign = ""
        segments[-1].append((sign, factor))
    built = [_product(builder, segment, span) for segment in segments]
    return built[0] if len(built) == 1 else Hadamard(tuple(built), span=span)


def _product(builder: Builder, segment: list[tuple[str, Formula]], span: Span) -> Formula:
    factors: list[Formula] = []
    divided = False
    for sign, factor in segment:
        if sign == "/":
            numerator = factors[0] if len(factors) == 1 else Product(tuple(factors), span=_around(factors))
            factors = [Fraction(numerator, factor, inline=True, span=_around([*factors, factor]))]
        else:
            if divided and sign == "":
                raise ReadError("two readings: is this factor above or below the slash? Write brackets", _at(factor, span))
            if sign == "" and factors and factors[-1].span in builder.bare and not isinstance(factor, Call):
                raise ReadError("two readings: how far does the function reach? Write brackets", _at(factor, span))
            if sign == "" and factors and looks_like_call(factors[-1], factor):
                raise ReadError("two readings: a function, or a product? Add the function to the names", _at(factor, span))
            factors.append(factor)
        divided = sign == "/"
    return factors[0] if len(factors) == 1 else Product(tuple(factors), span=_around(factors))


def _apply_operators(items: list[tuple[str, Formula]], span: Span) -> list[tuple[str, Formula]]:
    """Give every `∂/∂w` the single factor behind it."""
    if not any(isinstance(factor, Operator) for _, factor in items):
        return items
    *before, (sign, operator), last = items if len(items) > 1 else [*items, ("", Operator(()))]
    if not isinstance(operator, Operator) or isinstance(last[1], Operator) or last[0]:
        raise ReadError("two readings: what does the derivative reach over? Put it in brackets", _at(operator, span))
    first, *others = operator.variables
    joined = (operator.span or span)[0], (last[1].span or span)[1]
    return [*before, (sign, Partial(last[1], first, tuple(others), span=joined))]


def _span(token: Token) -> Span:
    return (token.start_pos or 0, token.end_pos or 0)


def _at(factor: Formula, span: Span) -> Span:
    return factor.span or span


def _around(factors: list[Formula]) -> Span | None:
    first, last = factors[0].span, factors[-1].span
    return (first[0], last[1]) if first and last else None


# --- factors


def _group(bracket: str) -> Callable[[Builder, list[Any], Span], Any]:
    return lambda builder, parts, span: Group(parts[1], bracket)


def _braces(builder: Builder, parts: list[Any], span: Span) -> Any:
    body = parts[1]
    if level(body) < PREFIXED:
        raise ReadError("these braces do not show; write brackets", span)
    return body


def _partial(builder: Builder, parts: list[Any], span: Span) -> Any:
    _, _, _, _, order_part, above, *rest = parts
    below = [part for part in rest if isinstance(part, Formula)]
    if order_part is not None and not (isinstance(order_part, Number) and order_part.text.isdigit()):
        raise ReadError("expected a number as the order of the derivative", span)
    order = int(order_part.text) if order_part is not None else 1
    first, *others = _variables(below, order, builder.names.layered, span)
    return Operator((first, *others)) if above is None else Partial(above, first, tuple(others))


def _variables(below: list[Formula], order: int, layered: frozenset[str], span: Span) -> tuple[Formula, ...]:
    """Return the variables of a derivative; `w^2` below counts twice where the order above says so."""
    if len(below) == order:
        return tuple(below)
    repeated: list[Formula] = []
    for variable in below:
        if isinstance(variable, Power) and isinstance(variable.exponent, Number) and variable.exponent.text.isdigit():
            base = variable.base
            if isinstance(base, Group) and needs_brackets_to_count(base.body, layered):
                base = base.body
            repeated.extend([base] * int(variable.exponent.text))
        else:
            repeated.append(variable)
    if len(repeated) != order:
        raise ReadError(f"a derivative of order {order} with {len(repeated)} variables below", span)
    return tuple(repeated)


def _nabla(builder: Builder, parts: list[Any], span: Span) -> Any:
    _, scripts, body = parts
    if any(kind != "sub" for kind, _ in scripts) or len(scripts) > 1:
        raise ReadError("expected at most one subscript on ∇", span)
    return Nabla(body, scripts[0][1] if scripts else None)


def _scripted(builder: Builder, parts: list[Any], span: Span) -> Any:
    atom, *scripts = parts
    if isinstance(atom, Operator):
        if scripts:
            raise ReadError("a derivative without a numerator takes no subscript or superscript", span)
        return atom
    return apply_scripts(builder, atom, scripts, span)


def _call(builder: Builder, parts: list[Any], span: Span) -> Any:
    position = next(place for place, part in enumerate(parts) if place and isinstance(part, Formula))
    function, before, listed, behind = parts[0], parts[1:position], parts[position], parts[position + 1 :]
    name = Name(function.value, span=_span(function))
    arguments = listed.items if isinstance(listed, Row) and listed.separator == "," else (listed,)
    head, exponent = function_head(builder, name, before, span)
    call: Formula = Call(head, tuple(arguments))
    if exponent is not None:
        call = Power(call, exponent)
    return apply_scripts(builder, call, behind, span)


def _apply(builder: Builder, parts: list[Any], span: Span) -> Any:
    builder.bare.add(span)
    return _call(builder, parts, span)


def _branch(builder: Builder, parts: list[Any], span: Span) -> Any:
    value, _, _, condition, _ = parts
    if isinstance(condition, Text):
        return Branch(value) if condition.text.strip() in _OTHERWISE else Branch(value, condition)
    if isinstance(condition, Row) and len(condition.items) == 2:
        word, rest = condition.items
        if isinstance(word, Text) and word.text.strip() in _IF:
            condition = rest
    return Branch(value, condition)


_OTHERWISE = ("otherwise", "else", "否则", "其他")
_IF = ("if", "when", "for", "若", "如果", "当")


def _kronecker(builder: Builder, parts: list[Any], span: Span) -> Any:
    listed = index_list(builder, None, parts[2], span)
    if len(listed) != 2:
        raise ReadError(f"Kronecker's delta takes two indices, got {len(listed)}", span)
    return Delta(*listed)


def _script(kind: str) -> Callable[[Builder, list[Any], Span], Any]:
    return lambda builder, parts, span: (kind, parts[1] if len(parts) > 1 else None)


def _second(builder: Builder, parts: list[Any], span: Span) -> Any:
    return parts[1]


_RULES: dict[str, Callable[[Builder, list[Any], Span], Any]] = {
    "start": lambda builder, parts, span: parts[0],
    "lines": lambda builder, parts, span: _row_of(parts, "\n"),
    "list": lambda builder, parts, span: _row_of(parts, ","),
    "row": _row,
    "both": _logic("and"),
    "either": _logic("or"),
    "chain": _chain,
    "sum": _sum,
    "minus": lambda builder, parts, span: Neg(parts[1]),
    "whole": _whole,
    "term": lambda builder, parts, span: Flat([("", parts[0])]),
    "beside": _beside,
    "joined": _joined,
    "big": _big,
    "negative": _negative,
    "nabla": _nabla,
    "change": lambda builder, parts, span: Decorated("Delta", parts[1]),
    "inline_partial": lambda builder, parts, span: Partial(parts[0], parts[2]),
    "diff": _second,
    "scripted": _scripted,
    "call": _call,
    "apply": _apply,
    "bracketed": _second,
    "scripts": lambda builder, parts, span: tuple(parts),
    "sub": _script("sub"),
    "sup": _script("sup"),
    "prime": _script("prime"),
    "update": _script("update"),
    "top": _script("top"),
    "group": _second,
    "round": _group("("),
    "square": _group("["),
    "curly": _group("{"),
    "name": lambda builder, parts, span: Name(parts[0].value),
    "number": lambda builder, parts, span: Number(parts[0].value),
    "blank": lambda builder, parts, span: Blank(float(parts[0].value)),
    "braces": _braces,
    "fraction": lambda builder, parts, span: Fraction(parts[2], parts[5]),
    "partial": _partial,
    "root": lambda builder, parts, span: Root(parts[2]),
    "bars": lambda builder, parts, span: Bars(parts[1], "abs"),
    "norm": lambda builder, parts, span: Bars(parts[1], "norm"),
    "mark": lambda builder, parts, span: Decorated(str(parts[0]), parts[1]),
    "kronecker": _kronecker,
    "cases": lambda builder, parts, span: Cases(tuple(part for part in parts if isinstance(part, Branch))),
    "branch": _branch,
}
