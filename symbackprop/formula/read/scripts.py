"""What is written below and above a name: indices, layers, powers, updates, transposes."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any, Protocol

from symbackprop.formula.read.name_table import Entry, Kind, Names
from symbackprop.formula.read.tokens import ReadError
from symbackprop.formula.tree.tree import (
    Call,
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
    Sum,
    Transpose,
    Update,
)

Script = tuple[str, Any]  # "sub", "sup", "sign" with what is written there; "prime", "update", "top", "factorial" with None


class ScriptSource(Protocol):
    """Where the scripts come from: the names and the text."""

    @property
    def names(self) -> Names:
        """The table of names."""

    @property
    def text(self) -> str:
        """The text that is read."""


def apply_scripts(source: ScriptSource, base: Formula, scripts: list[Script], span: Span) -> Formula:
    """Return `base` with its subscripts and superscripts, as the table of names understands them."""
    base, pending = _labelled(source, base, list(scripts), span)
    raised = isinstance(base, Indexed) and bool(base.upper)
    for kind, value in pending:
        if kind == "sub":
            base = Element(base, index_list(source, None, value, span), span=span)
            continue
        if kind not in ("prime", "factorial") and raised and not (kind == "top" and isinstance(base, Indexed)):
            raise ReadError("two superscripts on one thing; write brackets", span)
        raised = raised or kind not in ("prime", "factorial")
        base = _raise(source, base, kind, value, span)
    return base


def _labelled(source: ScriptSource, base: Formula, scripts: list[Script], span: Span) -> tuple[Formula, list[Script]]:
    """Give a known name the indices and the layer that belong to it; return it with the scripts that are left."""
    entry = source.names.entries.get(base.name) if isinstance(base, Name) else None
    if not isinstance(base, Name) or entry is None:
        return base, scripts
    if any(kind == "sup" and _labels_function(source, entry, value) for kind, value in scripts):
        entry = replace(entry, layered=True)
    return _index(source, base, entry, _subscript_first(scripts, span), span)


def _labels_function(source: ScriptSource, entry: Entry, value: Formula) -> bool:
    """Whether an index above the name of a function says which one it is, the loss `l^n` of a sample, as it does in `l^n(θ)`."""
    return entry.kind is Kind.FUNCTION and not source.names.is_elementary(entry.name) and _is_index(source, value)


def function_head(source: ScriptSource, name: Name, scripts: list[Script], span: Span) -> tuple[Formula, Formula | None]:
    """Return a function's name with its marks, and the power in `\\tanh^2(z)`."""
    entry = source.names.entries[name.name]
    exponent = None
    kept: list[Script] = []
    for kind, value in scripts:
        if kind == "sup" and not entry.layered and isinstance(value, Number):
            exponent = value
        elif kind == "sup" and not entry.layered and not _says_which(source, value):
            raise ReadError(f"two readings: is this superscript of {name.name} a power or an inverse?", span)
        else:
            kept.append((kind, value))
    labelled = Entry(entry.name, Kind.INDEXED, layered=True)
    kept.sort(key=lambda script: script[0] == "prime")  # `f'^{(l)}` is the derivative of that f
    head, rest = _index(source, name, labelled, _subscript_first(kept, span), span)
    for kind, _ in rest:
        if kind != "prime":
            raise ReadError(f"unexpected superscript on the function {name.name}", span)
        head = Decorated("prime", head, span=span)
    return head, exponent


def _says_which(source: ScriptSource, value: Formula) -> bool:
    """Whether an index, or in a text a small letter, above a function says which one it is: `J^t(w)` is no power."""
    if _is_index(source, value):
        return True
    return source.names.guessed and isinstance(value, Name) and len(value.name) == 1 and value.name.islower()


def index_list(source: ScriptSource, entry: Entry | None, value: Formula, span: Span) -> tuple[Formula, ...]:
    """Return the indices in a subscript: separated by commas, or side by side as in `X_{ni}`."""
    if isinstance(value, Row) and value.separator == ",":
        return _separated(source, value, span)
    rank = entry.rank if entry is not None else None
    if rank == 1:
        return (value,)
    if isinstance(value, Number):
        return _digits(value, rank, span) if entry is not None and entry.kind is Kind.INDEXED else (value,)
    return _beside(value, rank, span) if isinstance(value, Product) and _is_side_by_side(source, value) else (value,)


def _separated(source: ScriptSource, value: Row, span: Span) -> tuple[Formula, ...]:
    if any(_is_side_by_side(source, item) for item in value.items):
        raise ReadError("two readings: indices side by side in a list with commas", value.span or span)
    return value.items


def _digits(value: Number, rank: int | None, span: Span) -> tuple[Formula, ...]:
    """Return the indices of `w_{12}`, two where the name has two."""
    if len(value.text) > 1 and rank != len(value.text):
        raise ReadError(f"two readings: is {value.text} one index or several? Write commas", value.span or span)
    return tuple(Number(digit) for digit in value.text)


def _beside(value: Product, rank: int | None, span: Span) -> tuple[Formula, ...]:
    if any(isinstance(factor, Number) for factor in value.factors) and rank != len(value.factors):
        raise ReadError("two readings: a product or several indices? Write commas or brackets", value.span or span)
    return value.factors


def _is_side_by_side(source: ScriptSource, value: Formula) -> bool:
    if not isinstance(value, Product):
        return False
    spans = [factor.span for factor in value.factors]
    between = [source.text[a[1] : b[0]] for a, b in itertools.pairwise(spans) if a and b]
    return all(gap.strip(" {}~\\,") == "" for gap in between)


def _index(source: ScriptSource, base: Name, entry: Entry, scripts: list[Script], span: Span) -> tuple[Formula, list[Script]]:
    """Take the indices and the layer off the front of the scripts."""
    indices: tuple[Formula, ...] = ()
    upper: tuple[Formula, ...] = ()
    while scripts:
        kind, value = scripts[0]
        if kind == "sub" and not indices:
            indices = index_list(source, entry, value, span)
        elif kind == "sup" and entry.layered and not upper:
            upper = _labels(value)
        else:
            break
        scripts = scripts[1:]
    if not indices and not upper:
        return base, scripts
    return Indexed(base.name, indices, upper, span=span), scripts


def _labels(value: Formula) -> tuple[Formula, ...]:
    """Return the labels above a name: `l`, `(l)`, `l,i`, or the layer and the sample of `[l](i)`."""
    if isinstance(value, Product) and all(isinstance(factor, Group) for factor in value.factors):
        return value.factors
    inside = value.body if isinstance(value, Group) and value.bracket in "([" else value
    return inside.items if isinstance(inside, Row) and inside.separator == "," else (inside,)


def _subscript_first(scripts: list[Script], span: Span) -> list[Script]:
    """Read `x^2_i` as `x_i^2`; refuse `W^\\top_{ij}`, which could be either."""
    below = next((place for place, (kind, _) in enumerate(scripts) if kind == "sub"), 0)
    if any(kind == "top" for kind, _ in scripts[:below]) and not _is_one_place(scripts[below][1]):
        raise ReadError("two readings: an element of the transpose? Write brackets around it", span)
    return [scripts[below], *scripts[:below], *scripts[below + 1 :]] if below else scripts


def _is_one_place(value: Formula) -> bool:
    """Whether a subscript is one index, `t - 1`: an entry of the transpose of a row is that entry of the row."""
    return isinstance(value, Name | Sum) or (isinstance(value, Number) and len(value.text) == 1)


def _raise(source: ScriptSource, base: Formula, kind: str, value: Any, span: Span) -> Formula:
    if kind == "sup":
        if value == Name("T") and source.names.guessed and _is_array(source, base):
            return Transpose(base, span=span)
        is_set = isinstance(base, Name) and base.name.endswith("_bb")  # ℝ^n
        why = "" if is_set else _second_reading(source, base, value)
        if why:
            raise ReadError(why, span)
        return Power(base, value, span=span)
    return _primed(source, base, span) if kind == "prime" else _marked(base, kind, value, span)


def _marked(base: Formula, kind: str, value: Any, span: Span) -> Formula:
    """Return `w^+`, `W^\\top`, `n!`; `J^-` is a function of J that nothing is known of."""
    if kind in ("factorial", "sign"):
        return Call(Name(value or kind), (base,), span=span)
    return Update(base, span=span) if kind == "update" else Transpose(base, span=span)


def _second_reading(source: ScriptSource, base: Formula, value: Formula) -> str:
    """Return what else than a power the superscript could be, "" for nothing."""
    if isinstance(value, Group) and (isinstance(value.body, Number) or _is_index(source, value.body)):
        return "is this superscript a layer? Say so in the table of names"
    if isinstance(value, Group) and _is_size(source, value.body):
        return "two readings: is this superscript a power, or a size?"
    if _is_index(source, value) and isinstance(base, Name | Indexed):
        return "two readings: is this superscript a power or a label? Write brackets, or say so in the names"
    if value == Name("T") and not isinstance(base, Number) and not _is_scalar(source, base):
        return r"two readings: the transpose, or the power T? Write ^\top, or brackets"
    marked = base.body if isinstance(base, Decorated) else None
    if isinstance(marked, Name) and source.names.entries[marked.name].layered:
        return f"a layer of a marked {marked.name}; give the marked name a spelling of its own"
    return ""


def _is_array(source: ScriptSource, base: Formula) -> bool:
    """Whether a base is certainly a vector or a matrix: in bold, a list, an inverse, a product of bold letters."""
    inside = base.body if isinstance(base, Group) else base
    listed = isinstance(inside, Row) and inside.separator == ","
    inverse = isinstance(inside, Power) and inside.exponent == Neg(Number("1")) and isinstance(inside.base, Name | Group)
    bold = base.span is not None and _BOLD.match(source.text[slice(*base.span)]) is not None
    return listed or (isinstance(base, Group) and inverse) or bold


_BOLD = re.compile(r"[\s{(]*(?:\\left\s*\()?[\s{]*\\(?:mathbf|boldsymbol|bm|pmb|vec)(?![A-Za-z])")


def _is_size(source: ScriptSource, value: Formula) -> bool:
    """Whether `(10 \\times 8)` stands above a name, as the size of an array does."""
    if not isinstance(value, Product) or value.span is None:
        return False
    return re.search(r"\\times(?![A-Za-z])|×", source.text[slice(*value.span)]) is not None


def _primed(source: ScriptSource, base: Formula, span: Span) -> Formula:
    """Return a further index of the same range, `n'`, a new value, or a name with a mark, as the names say."""
    if isinstance(base, Name) and _is_index(source, base):
        return Name(base.name + "'", span=span)
    named = base.name if isinstance(base, Name | Indexed) else ""
    is_function = named in source.names.entries and source.names.kind(named) is Kind.FUNCTION
    marked = source.names.prime != "update" or is_function
    return Decorated("prime", base, span=span) if marked else Update(base, span=span)


def _is_scalar(source: ScriptSource, base: Formula) -> bool:
    return isinstance(base, Name) and base.name in source.names.entries and source.names.kind(base.name) is not Kind.INDEXED


def _is_index(source: ScriptSource, value: Any) -> bool:
    while isinstance(value, Group):
        value = value.body
    return (
        isinstance(value, Name)
        and value.name.rstrip("'") in source.names.entries
        and source.names.kind(value.name.rstrip("'")) is Kind.INDEX
    )
