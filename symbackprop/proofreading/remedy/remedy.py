"""The smallest change of one side that makes an `=` true: tried, never guessed.

One name for another (in one place, or throughout a part), a sign, a factor too many, an exponent, a number, a place of a big sum.
What is a convention (the sign of δ, a factor ½, y - o for o - y) is named as such where both readings of the text occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import mpmath
from mpmath import mpf

from symbackprop.errors import InternalError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.tree.tree import Formula, Group, Indexed, Name, Neg, Number, Power, Product, Span, Sum
from symbackprop.formula.tree.walk import children, replace, walk, with_children
from symbackprop.proofreading.claims import Remedy
from symbackprop.proofreading.judging.judge import compare_at, same, worth
from symbackprop.proofreading.judging.points import points_for
from symbackprop.proofreading.meaning.printed import is_numeric, printed_number
from symbackprop.proofreading.meaning.values import DIGITS, Knowledge, NoValueError, Valuation

MOST_TRIALS = 4000


@dataclass(frozen=True, slots=True)
class SideChange:
    """A side with one change: what stood at `old`, what belongs there (None: nothing), how far from the text, in words."""

    side: Formula
    old: Formula
    new: Formula | None
    cost: int
    words: str


def find_remedy(left: Formula, right: Formula, environment: Knowledge, notation: Notation | None = None) -> Remedy | None:
    """Return the smallest verified change of the right side, or else of the left one; None where nothing tried helps."""
    with mpmath.workdps(DIGITS):
        if is_numeric(right) or is_numeric(left):
            return _printed(left, right, environment)
        for side, other in ((right, left), (left, right)):
            found = _changed(side, other, environment)
            if found is not None:
                return _remedy(found, notation or Notation())
    return None


def _printed(left: Formula, right: Formula, environment: Knowledge) -> Remedy | None:
    """A printed number that is wrong: the value to its digits; or a sign in the numbers before it."""
    for side, other in ((right, left), (left, right)):
        alone = printed_number(side)
        if alone is None:
            continue
        try:
            value = worth(other, environment).value
        except NoValueError:
            return None
        places = _places(side)
        repair = _rounded(value, places) if places else _short(value)
        return Remedy(_text(side), repair, side.span, "the value to as many digits")
    return _sign_in_numbers(left, right, environment)


def _places(side: Formula) -> int:
    number = next((node for node in walk(side) if isinstance(node, Number)), None)
    return len(number.text.partition(".")[2]) if number else 0


def _short(value: mpf) -> str:
    """Return a value for a number without places: a whole one as such, another to six digits."""
    nearest = mpmath.nint(value)
    return str(int(nearest)) if abs(value - nearest) <= mpf(10) ** -20 * max(1, abs(value)) else str(mpmath.nstr(value, 6))


def _rounded(value: mpf, places: int) -> str:
    whole = int(mpmath.nint(abs(value) * mpf(10) ** places))
    digits = str(whole).rjust(places + 1, "0")
    return f"{'-' if value < 0 and whole else ''}{digits[:-places]}.{digits[-places:]}"


def _sign_in_numbers(left: Formula, right: Formula, environment: Knowledge) -> Remedy | None:
    try:
        wanted = worth(left, environment)
    except NoValueError:
        return None
    for change in _changes(right, []):
        try:
            found = worth(change.side, environment)
        except NoValueError:
            continue
        if abs(found.value - wanted.value) <= found.slack + wanted.slack + mpf(10) ** -12:
            return _remedy(change, Notation())
    return None


def _changed(side: Formula, other: Formula, environment: Knowledge) -> SideChange | None:
    points = points_for((side, other), environment)
    wanted: list[tuple[Valuation, mpf]] = []
    for point in points:
        try:
            wanted.append((point, point.value(other)))
        except NoValueError:
            continue
    if not wanted:
        return None
    names = sorted(_candidates(side, other, environment))
    trials = sorted(_changes(side, names), key=lambda change: change.cost)
    for change in trials[:MOST_TRIALS]:
        try:
            if not same(wanted[0][0].value(change.side), wanted[0][1]):
                continue
        except NoValueError:
            continue
        outcomes, _, _ = compare_at(other, change.side, points)
        if len(outcomes) >= 2 and all(outcomes):
            return change
    return None


def _candidates(side: Formula, other: Formula, environment: Knowledge) -> set[str]:
    """Return the names that may belong in a place: those of the text that look like those that stand there."""
    formulas = (side, other, *(definition.body for definition in environment.definitions.values()))
    found = {environment.canonical(node.name) for formula in formulas for node in walk(formula) if isinstance(node, Name)}
    known = found | environment.definitions.keys() | {str(key[0]) for key in environment.given if len(key) == 1}
    return {name for name in known if "[" not in name and not name.startswith("Δ")}


# ---- changes -------------------------------------------------------------------------------------------------------


def _changes(side: Formula, names: list[str]) -> Iterator[SideChange]:
    """Yield sides with one change. A change of a part is put back into the whole."""
    for path, part in _parts(side):
        for new, old, replacement, cost, words in _of_part(part, names):
            try:
                whole = _put(side, path, new)
            except InternalError:  # no formula: an index that is no name, an exponent where none can stand
                continue
            yield SideChange(whole, old, replacement, cost, words)


Path = tuple[int, ...]
Proposal = tuple[Formula, Formula, Formula | None, int, str]  # the part anew, what stood there, what belongs there, cost, words


def _parts(side: Formula) -> Iterator[tuple[Path, Formula]]:
    waiting: list[tuple[Path, Formula]] = [((), side)]
    while waiting:
        path, part = waiting.pop()
        yield path, part
        waiting.extend(((*path, number), child) for number, child in reversed(list(enumerate(children(part)))))


def _put(side: Formula, path: Path, new: Formula) -> Formula:
    """Return a formula with the part at a path exchanged."""
    above: list[tuple[Formula, int]] = []
    node = side
    for number in path:
        above.append((node, number))
        node = children(node)[number]
    for parent, number in reversed(above):
        parts = list(children(parent))
        parts[number] = new
        new = with_children(parent, tuple(parts))
    return new


def _of_part(part: Formula, names: list[str]) -> Iterator[Proposal]:
    rule = _PROPOSALS.get(type(part))
    if rule is not None:
        yield from rule(part, names)
    if isinstance(part, Group | Power):
        yield from _with_a_factor(part, names)
    if not isinstance(part, Neg | Number | Group):
        yield Neg(part), part, Neg(part), 6, "a minus is missing"
    if not isinstance(part, Power | Number):
        yield Power(part, Number("2")), part, Power(part, Number("2")), 6, "a square is missing"


def _of_name(part: Name, names: list[str]) -> Iterator[Proposal]:
    for name in names:
        if name != part.name:
            yield Name(name), part, Name(name), 2 + _distance(part.name, name), f"{name} belongs where {part.name} stands"
    yield from _with_a_factor(part, names)


def _with_a_factor(part: Formula, names: list[str]) -> Iterator[Proposal]:
    for name in names:
        whole = Product((part, Name(name)))
        yield whole, part, whole, 9, f"the factor {name} is missing"


def _of_negative(part: Neg, names: list[str]) -> Iterator[Proposal]:
    yield part.body, part, part.body, 3, "a minus too many"


def _of_power(part: Power, names: list[str]) -> Iterator[Proposal]:
    yield part.base, part, part.base, 5, "the exponent is too much"
    yield Power(part.base, Neg(part.exponent)), part.exponent, Neg(part.exponent), 4, "the exponent has the wrong sign"
    for text in ("2", "3"):
        if part.exponent != Number(text):
            yield Power(part.base, Number(text)), part.exponent, Number(text), 5, f"the exponent is {text}"


def _of_number(part: Number, names: list[str]) -> Iterator[Proposal]:
    for text in ("0", "1", "2"):
        if part.text != text:
            yield Number(text), part, Number(text), 5, f"{text} belongs where {part.text} stands"


def _of_indexed(part: Indexed, names: list[str]) -> Iterator[Proposal]:
    letters = {node.name for index in (*part.indices, *part.upper) for node in walk(index) if isinstance(node, Name)}
    if len(part.indices) == 2:
        turned = Indexed(part.name, part.indices[::-1], part.upper)
        yield turned, part, turned, 3, "the indices are the other way round"
    for number, _ in enumerate(part.indices):
        for letter in sorted(letters | set("ijk")):
            new = Indexed(part.name, (*part.indices[:number], Name(letter), *part.indices[number + 1 :]), part.upper)
            if new != part:
                yield new, part, new, 4, f"the index {letter} belongs here"


def _of_product(part: Product, names: list[str]) -> Iterator[Proposal]:
    factors = part.factors
    for number, factor in enumerate(factors):
        rest = (*factors[:number], *factors[number + 1 :])
        yield rest[0] if len(rest) == 1 else Product(rest), factor, None, 4, "a factor too many"
    yield Product((Number("2"), *factors)), part, Product((Number("2"), *factors)), 7, "a factor 2 is missing"
    for name in names:
        yield Product((*factors, Name(name))), part, Product((*factors, Name(name))), 8, f"the factor {name} is missing"
    for start in range(len(factors)):
        for end in range(start + 1, len(factors) + 1):
            yield from _renamed(part, start, end, names)


def _renamed(part: Product, start: int, end: int, names: list[str]) -> Iterator[Proposal]:
    """One name for another throughout neighbouring factors: `o(1-o)` for `h(1-h)`."""
    piece = part.factors[start:end]
    block = Product(piece, span=_joined(piece)) if len(piece) > 1 else piece[0]
    inside = {node.name for node in walk(block) if isinstance(node, Name)}
    for old in sorted(inside):
        if sum(node == Name(old) for node in walk(block)) < 2:
            continue
        for new in names:
            if new != old:
                turned = replace(block, lambda node, old=old, new=new: Name(new) if node == Name(old) else node)  # type: ignore[misc]
                inner = turned.factors if len(piece) > 1 and isinstance(turned, Product) else (turned,)
                whole = Product((*part.factors[:start], *inner, *part.factors[end:])) if len(part.factors) > 1 else turned
                yield whole, block, turned, 3 + _distance(old, new) + (end - start), f"{new} belongs where {old} stands"


def _joined(piece: tuple[Formula, ...]) -> Span | None:
    spans = [factor.span for factor in piece if factor.span is not None]
    return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None


def _of_sum(part: Sum, names: list[str]) -> Iterator[Proposal]:
    for number, term in enumerate(part.terms):
        turned = term.body if isinstance(term, Neg) else Neg(term)
        yield Sum((*part.terms[:number], turned, *part.terms[number + 1 :])), term, turned, 3, "the sign of this term"
        rest = (*part.terms[:number], *part.terms[number + 1 :])
        yield rest[0] if len(rest) == 1 else Sum(rest), term, None, 5, "a term too many"


_PROPOSALS: Mapping[type[Formula], Callable[..., Iterator[Proposal]]] = {
    Name: _of_name,
    Indexed: _of_indexed,
    Product: _of_product,
    Sum: _of_sum,
    Neg: _of_negative,
    Power: _of_power,
    Number: _of_number,
}


def _distance(old: str, new: str) -> int:
    """Return how unlike two names are: a digit or letter apart is what slips."""
    if len(old) == len(new):
        return min(3, sum(a != b for a, b in zip(old, new, strict=True)))
    return 4


# ---- in words ------------------------------------------------------------------------------------------------------


def _remedy(change: SideChange, notation: Notation) -> Remedy:
    repair = "" if change.new is None else latex(change.new, notation)
    return Remedy(_text(change.old, notation), repair, change.old.span, change.words)


def in_its_place(remedy: Remedy, source: str) -> Remedy:
    """Return a remedy as it is put into the text: with the sign before it, `- t` for `+ t`, where a sign is what changes."""
    if remedy.span is None:
        return remedy
    start, end = remedy.span
    before = source[:start].rstrip()
    if before[-1:] in ("+", "-") and remedy.repair.startswith("-"):
        sign = "-" if before[-1] == "+" else "+"
        if sign == "+" and not _ends_a_term(before[:-1]):
            return remedy
        start = len(before) - 1
        return Remedy(source[start:end], f"{sign} {remedy.repair[1:].lstrip()}", (start, end), remedy.words)
    if source[start : start + 1] == "-" and remedy.repair[:1] not in ("", "-", "+") and _ends_a_term(before):
        return Remedy(remedy.written, f"+ {remedy.repair}", remedy.span, remedy.words)
    return remedy


def _ends_a_term(text: str) -> bool:
    text = text.rstrip()
    return text[-1:].isalnum() or text[-1:] in (")", "]", "}", "'", "|")


def _text(formula: Formula, notation: Notation | None = None) -> str:
    return latex(formula, notation or Notation())
