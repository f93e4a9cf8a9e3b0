"""What is written below and above a name: indices, layers, powers, updates, transposes."""

from __future__ import annotations

import itertools
from typing import Any, Protocol

from symbackprop.formula.names import Entry, Kind, Names
from symbackprop.formula.tokens import ReadError
from symbackprop.formula.tree import (
    Decorated,
    Element,
    Formula,
    Group,
    Indexed,
    Name,
    Neg,
    Number,
    Power,
    Product,
    Row,
    Span,
    Transpose,
    Update,
)

Script = tuple[str, Any]  # "sub" or "sup" with what is written there; "prime", "update", "top" with None


class Source(Protocol):
    """Where the scripts come from: the names and the text."""

    @property
    def names(self) -> Names:
        """The table of names."""

    @property
    def text(self) -> str:
        """The text that is read."""


def apply_scripts(source: Source, base: Formula, scripts: list[Script], span: Span) -> Formula:
    """Return `base` with its subscripts and superscripts, as the table of names understands them."""
    entry = source.names.entries.get(base.name) if isinstance(base, Name) else None
    pending = list(scripts)
    if isinstance(base, Name) and entry is not None:
        base, pending = _index(source, base, entry, _subscript_first(pending, span), span)
    raised = isinstance(base, Indexed) and bool(base.upper)
    for kind, value in pending:
        if kind == "sub":
            base = Element(base, index_list(source, None, value, span), span=span)
            continue
        if kind != "prime" and raised:
            raise ReadError("two superscripts on one thing; write brackets", span)
        raised = raised or kind != "prime"
        base = _raise(source, base, kind, value, span)
    return base


def function_head(source: Source, name: Name, scripts: list[Script], span: Span) -> tuple[Formula, Formula | None]:
    """Return a function's name with its marks, and the power in `\\tanh^2(z)`."""
    entry = source.names.entries[name.name]
    exponent = None
    kept: list[Script] = []
    for kind, value in scripts:
        if kind == "sup" and not entry.layered and isinstance(value, Number):
            exponent = value
        elif kind == "sup" and not entry.layered and not _is_index(source, value):
            raise ReadError(f"two readings: is this superscript of {name.name} a power or an inverse?", span)
        else:
            kept.append((kind, value))
    labelled = Entry(entry.name, Kind.INDEXED, layered=True)
    head, rest = _index(source, name, labelled, _subscript_first(kept, span), span)
    for kind, _ in rest:
        if kind != "prime":
            raise ReadError(f"unexpected superscript on the function {name.name}", span)
        head = Decorated("prime", head, span=span)
    return head, exponent


def index_list(source: Source, entry: Entry | None, value: Formula, span: Span) -> tuple[Formula, ...]:
    """Return the indices in a subscript: separated by commas, or side by side as in `X_{ni}`."""
    if isinstance(value, Row) and value.separator == ",":
        if any(_is_side_by_side(source, item) for item in value.items):
            raise ReadError("two readings: indices side by side in a list with commas", value.span or span)
        return value.items
    rank = entry.rank if entry else None
    if isinstance(value, Number) and rank is not None and rank == len(value.text) > 1:
        return tuple(Number(digit) for digit in value.text)
    if not _is_side_by_side(source, value) or rank == 1:
        return (value,)
    assert isinstance(value, Product)
    if any(isinstance(factor, Number) for factor in value.factors) and rank != len(value.factors):
        raise ReadError("two readings: a product or several indices? Write commas or brackets", value.span or span)
    return value.factors


def _is_side_by_side(source: Source, value: Formula) -> bool:
    if not isinstance(value, Product):
        return False
    spans = [factor.span for factor in value.factors]
    between = [source.text[a[1] : b[0]] for a, b in itertools.pairwise(spans) if a and b]
    return all(gap.strip(" {}~\\,") == "" for gap in between)


def _index(source: Source, base: Name, entry: Entry, scripts: list[Script], span: Span) -> tuple[Formula, list[Script]]:
    """Take the indices and the layer off the front of the scripts."""
    indices: tuple[Formula, ...] = ()
    upper: tuple[Formula, ...] = ()
    while scripts:
        kind, value = scripts[0]
        if kind == "sub" and not indices:
            indices = index_list(source, entry, value, span)
        elif kind == "sup" and entry.layered and not upper:
            inside = value.body if isinstance(value, Group) and value.bracket in "([" else value
            upper = inside.items if isinstance(inside, Row) and inside.separator == "," else (inside,)
        else:
            break
        scripts = scripts[1:]
    if not indices and not upper:
        return base, scripts
    return Indexed(base.name, indices, upper, span=span), scripts


def _subscript_first(scripts: list[Script], span: Span) -> list[Script]:
    """Read `x^2_i` as `x_i^2`; refuse `W^\\top_{ij}`, which could be either."""
    below = next((place for place, (kind, _) in enumerate(scripts) if kind == "sub"), 0)
    if any(kind == "top" for kind, _ in scripts[:below]):
        raise ReadError("two readings: an element of the transpose? Write brackets around it", span)
    return [scripts[below], *scripts[:below], *scripts[below + 1 :]] if below else scripts


def _raise(source: Source, base: Formula, kind: str, value: Any, span: Span) -> Formula:
    if kind == "sup":
        if isinstance(value, Group) and _is_label(source, value.body):
            raise ReadError("is this superscript a layer? Say so in the table of names", span)
        marked = base.body if isinstance(base, Decorated) else None
        if isinstance(marked, Name) and source.names.entries[marked.name].layered:
            raise ReadError(f"a layer of a marked {marked.name}; give the marked name a spelling of its own", span)
        return Power(base, value, span=span)
    if kind == "update":
        return Update(base, span=span)
    if kind == "top":
        return Transpose(base, span=span)
    if isinstance(base, Name) and _is_index(source, base):  # a further index of the same range, `n'`
        return Name(base.name + "'", span=span)
    named = base.name if isinstance(base, Name | Indexed) else ""
    is_function = named in source.names.entries and source.names.kind(named) is Kind.FUNCTION
    if source.names.prime == "update" and not is_function:
        return Update(base, span=span)
    return Decorated("prime", base, span=span)


def _is_label(source: Source, value: Formula) -> bool:
    return isinstance(value, Number) or _is_index(source, value)


def _is_index(source: Source, value: Any) -> bool:
    if isinstance(value, Group | Neg):
        return isinstance(value, Group) and _is_index(source, value.body)
    return isinstance(value, Name) and source.names.kind(value.name.rstrip("'")) is Kind.INDEX
