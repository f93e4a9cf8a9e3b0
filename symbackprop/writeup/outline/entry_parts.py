"""One entry of each array worked in full: its formula at that place with the sums written out, numbers put in, the result.

A reader with a calculator gets the digits that are printed: the numbers put in have as many as that takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction as Exact
from itertools import islice, product
from typing import cast

import numpy as np

from symbackprop.derive.steps.worked_formulas import Worked
from symbackprop.errors import NotSupportedError, UserError
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.build import add
from symbackprop.formula.tree.tree import Formula, Indexed, Name, Number, Partial
from symbackprop.formula.tree.walk import children, fold, replace, with_children
from symbackprop.formula.value.evaluate import value_of
from symbackprop.formula.value.places import Known
from symbackprop.formula.value.rules import bound
from symbackprop.writeup.numbers.ledger import NOTHING, Digits
from symbackprop.writeup.outline.context import ZERO, Context, without_zeros
from symbackprop.writeup.page.blocks import LEFT, NUMBER_GAP, NUMBERS, RESULT, SYMBOLS, Line, Part

#: A sum with more terms is not written out.
MOST_TERMS = 6
#: How many more digits the numbers put in may have than a printed result, and how many entries are tried.
MORE_DIGITS, TRIED = 5, 12
VALUES, ADJOINTS = "values", "adjoints"
Place = tuple[int, ...]


def entry_lines(kind: str, names: Iterable[str], context: Context) -> list[Line]:
    """Return the worked entries of the values, or the adjoints, of some nodes; none for what is too long to be written out."""
    formulas = context.ledger.formulas
    worked = formulas.definitions if kind == VALUES else formulas.adjoints
    lines = (_worked(kind, name, worked[name], context) for name in names)
    return [line for line in lines if line is not None]


def _worked(kind: str, name: str, worked: Worked, context: Context) -> Line | None:
    """Return the first entry that is not 0 and whose digits come out; None where there is none."""
    indices, formula = worked
    left = context.writer.entry(name) if kind == VALUES else context.plain_writer.adjoint(name)
    true = np.asarray(getattr(context.ledger.true, kind)[name], dtype=object)
    for place in islice(_places(true.shape), TRIED):
        at = dict(zip(indices, place, strict=True))
        if abs(true[place]) >= NOTHING and (line := _line(left, formula, at, true[place], context)) is not None:
            return line
    return None


def _places(shape: Place) -> Iterator[Place]:
    """Yield places, those with different numbers first: there a row cannot be taken for a column."""
    places = sorted(np.ndindex(shape), key=lambda place: (sum(place), -len(set(place)), place))
    yield from sorted(places, key=lambda place: len(set(place)) != min(len(place), 2))


def _line(left: Formula, formula: Formula, at: Mapping[str, int], true: Exact, context: Context) -> Line | None:
    ledger = context.ledger
    printed = ledger.digits.certain(true, true)
    try:
        entry, symbols = (_spelt(written_out(side, at, ledger.true.known), context) for side in (left, formula))
        numbers = _numbers(symbols, printed, context)
    except (NotSupportedError, UserError):
        return None
    if numbers is None:
        return None
    result = ledger.formula(printed)
    parts = [Part(entry, "", LEFT), Part(symbols, "=", SYMBOLS, hidden="rhs")]
    shown = without_zeros(numbers[0])
    if shown != result:
        parts.append(Part(shown, "=", NUMBERS, numbers[1] if numbers[0] != numbers[1] else None, hidden="rhs"))
    return Line((*parts, Part(result, "=", RESULT, hidden="numbers")))


def _spelt(formula: Formula, context: Context) -> Formula:
    """Return a formula with its δ spelt as derivatives, as the rest of a page with arrays has them."""
    deltas, loss = context.ledger.formulas.deltas, Name(context.derivation.loss)

    def spelt(node: Formula) -> Formula:
        match node:
            case Name(name=name) if name in deltas:
                return Partial(loss, Name(deltas[name]))
            case Indexed(name=name, indices=indices) if name in deltas:
                return Partial(loss, Indexed(deltas[name], indices))
        return node

    return replace(formula, spelt)


# --- a formula at one place


def written_out(formula: Formula, at: Mapping[str, int], known: Known) -> Formula:
    """Return a formula at one place (counted from 0): entries by their numbers (counted from 1), sums term by term.

    Raises NotSupportedError where a sum is too long or a formula has no such form, UserError for a place outside an array.
    """
    match formula:
        case tree.BigSum(operator="sum"):
            return _short(_flat(add(*_terms(formula, at, known))))
        case Indexed(upper=()):
            return _numbered(formula, at, known)
        case Name(name=name) if name in at:
            raise NotSupportedError(f"{name} stands for a number here, not for a place")
        case tree.Cases():
            return written_out(_branch(formula, at, known), at, known)
        case tree.Call(function=Name() as function, arguments=arguments):
            return tree.Call(function, tuple(written_out(part, at, known) for part in arguments))
    if not isinstance(formula, _PART_BY_PART):
        raise NotSupportedError(f"{type(formula).__name__} is not written out")
    return _flat(with_children(formula, tuple(written_out(part, at, known) for part in children(formula))))


_PART_BY_PART = (Name, Number, Partial, tree.Sum, tree.Product, tree.Fraction, tree.Power, tree.Root, tree.Neg, tree.Group)


def _numbered(entry: Indexed, at: Mapping[str, int], known: Known) -> Indexed:
    """Return an entry with numbers for its indices. Raises UserError for a place outside the array."""
    places = tuple(int(value_of(index, known, **at)) for index in entry.indices)
    shape = np.shape(known.arrays.get(entry.name, ()))
    if shape and not all(0 <= place < extent for place, extent in zip(places, shape, strict=True)):
        raise UserError(f"{entry.name}: {places} is no place in an array of shape {shape}")
    return Indexed(entry.name, tuple(Number(str(place + 1)) for place in places))


def _terms(total: tree.BigSum, at: Mapping[str, int], known: Known) -> list[Formula]:
    """Return the terms of a sum over all places of its indices."""
    if total.lower is not None or total.upper is not None or isinstance(total.index, tree.Chain):
        raise NotSupportedError("a sum between bounds is not written out")
    indices = bound(total)
    runs = [range(known.extent(index) or 0) for index in indices]
    count = int(np.prod([len(run) for run in runs]))
    if not 1 <= count <= MOST_TERMS:  # told before they are written
        raise NotSupportedError(f"a sum of {count} terms is not written out")
    return [written_out(total.body, {**at, **dict(zip(indices, places, strict=True))}, known) for places in product(*runs)]


def _short(formula: Formula) -> Formula:
    """Return a sum written out. Raises NotSupportedError for one that is too long to be read."""
    if isinstance(formula, tree.Sum) and len(formula.terms) > MOST_TERMS:
        raise NotSupportedError(f"a sum of {len(formula.terms)} terms is not written out")
    return formula


def _flat(formula: Formula) -> Formula:
    """Return a sum without sums and zeros among its terms; 0 for what has a factor 0 that is written."""
    if isinstance(formula, tree.Sum):
        parts = (part for term in formula.terms for part in (term.terms if isinstance(term, tree.Sum) else (term,)))
        return without_zeros(tree.Sum(tuple(parts)))
    factors = formula.factors if isinstance(formula, tree.Product) else (formula.body,) if isinstance(formula, tree.Neg) else ()
    return ZERO if ZERO in factors else formula


def _branch(cases: tree.Cases, at: Mapping[str, int], known: Known) -> Formula:
    """Return the value of a definition by cases that holds at a place."""
    numbered = tuple(tree.Branch(Number(str(number)), branch.condition) for number, branch in enumerate(cases.branches))
    return cases.branches[int(value_of(tree.Cases(numbered), known, **at))].value


# --- numbers put in


def _numbers(symbols: Formula, printed: Exact, context: Context) -> tuple[Formula, Formula] | None:
    """Return a formula with numbers put in that come to the printed result, and with gaps for the computed ones."""
    digits, known = context.ledger.digits, context.ledger.true.known
    for more in range(MORE_DIGITS + 1):
        finer = Digits(digits.places + more, digits.significant + more, digits.ties)
        numbers = _put_in(symbols, context, finer, gaps=False)
        if digits.rounded(cast(Exact, value_of(numbers, known))) == printed:
            return numbers, _put_in(symbols, context, finer, gaps=True)
    return None


def _put_in(symbols: Formula, context: Context, digits: Digits, gaps: bool) -> Formula:
    given = {node.name for node in context.ledger.formulas.given} | set(context.ledger.sizes)

    def put_in(node: Formula) -> Formula | None:
        value = _true_value(node, context)
        if value is None:
            return None
        computed = not (isinstance(node, Name | Indexed) and node.name in given)
        return tree.Blank(NUMBER_GAP) if gaps and computed else context.ledger.formula(digits.rounded(value))

    return fold(symbols, with_children, put_in)


def _true_value(node: Formula, context: Context) -> Exact | None:
    """Return the value of an entry, a number or a derivative of the loss, with all digits."""
    true = context.ledger.true
    match node:
        case Partial(numerator=Name(name=loss), denominator=Name(name=name) | Indexed(name=name) as entry, others=()):
            return _entry(true.adjoints[name], entry) if loss == context.derivation.loss else None
        case Name(name=name) | Indexed(name=name) if name in true.known.arrays:
            return _entry(true.known.arrays[name], node)
    return None


def _entry(array: object, node: Formula) -> Exact | None:
    numbers = node.indices if isinstance(node, Indexed) else ()
    place = tuple(int(index.text) - 1 for index in numbers if isinstance(index, Number))
    table = np.asarray(array, dtype=object)
    return cast(Exact, table[place]) if table.ndim == len(place) else None
