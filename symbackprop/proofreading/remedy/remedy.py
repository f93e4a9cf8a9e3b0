"""The smallest change of one side that makes an `=` true: tried, never guessed.

One name for another (in one place, or throughout a part), a sign, a factor too many, an exponent, a number, a transpose, a place
of a big sum. Names come from where they can be meant: the formula, its neighbours, and the definitions that it rests on. A change
is put into the text, read again and judged again, and what does not pass that is no remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

from symbackprop.errors import InternalError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.tree.tree import (
    BigSum,
    Branch,
    Call,
    Chain,
    Element,
    Formula,
    Group,
    Hadamard,
    Indexed,
    Matrix,
    Name,
    Neg,
    Number,
    Power,
    Product,
    Span,
    Sum,
    Transpose,
)
from symbackprop.formula.tree.walk import children, replace, walk, with_children
from symbackprop.proofreading.claims import Remedy
from symbackprop.proofreading.judging.judge import AGREE, Worth, compare_at, earlier, free_indices, places_of, same, worth
from symbackprop.proofreading.judging.points import names_reached, points_for
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.printed import is_numeric, printed_number
from symbackprop.proofreading.meaning.values import DIGITS, Key, Knowledge, Valuation

MOST_TRIALS = 4000
MOST_PLACES = 8  # of what names were worth before, where another digit is looked for
MOST_CONFIRMED = 12  # remedies that are put into the text to be read again


@dataclass(frozen=True, slots=True)
class SideChange:
    """A side with one change: what stood at `old`, what belongs there (None: nothing), how far from the text, in words."""

    side: Formula
    old: Formula
    new: Formula | None
    cost: int
    words: str


@dataclass(frozen=True, slots=True)
class Disputed:
    """An `=` that does not hold: its sides as they are written, the formulas near it, and how it is judged.

    `meanings` gives what a chain says: itself, or what it says in each layer. `holds` puts a remedy into the text and says
    whether that is right then.
    """

    left: Formula
    right: Formula
    environment: Knowledge
    near: Sequence[Formula]
    meanings: Callable[[Chain], Iterable[Chain]]
    holds: Callable[[Remedy], bool]
    before: Sequence[Mapping[Key, mpf]] = ()  # what names were worth before


def find_remedy(disputed: Disputed, notation: Notation | None = None, *, only_transposes: bool = False) -> Remedy | None:
    """Return the smallest change of the right side, or else of the left one, that was confirmed; None where nothing helps."""
    with mpmath.workdps(DIGITS):
        proposed = _proposed(disputed, notation or Notation(), only_transposes)
        return next((remedy for remedy in islice(proposed, MOST_CONFIRMED) if disputed.holds(remedy)), None)


def _proposed(disputed: Disputed, notation: Notation, only_transposes: bool) -> Iterator[Remedy]:
    left, right, environment = disputed.left, disputed.right, disputed.environment
    if is_numeric(right) or is_numeric(left):
        for place in (environment, *islice(earlier(environment, disputed.before, left, right), MOST_PLACES)):
            yield from _other_digit(right, left, place)
            yield from _other_digit(left, right, place)
        yield from _printed(left, right, environment)
        return
    for side, other in ((right, left), (left, right)):
        for change in _changed(side, other, disputed, only_transposes):
            yield _remedy(change, notation)


def _printed(left: Formula, right: Formula, environment: Knowledge) -> Iterator[Remedy]:
    """A printed number that is wrong: the value to its digits; or a sign in the numbers before it."""
    for side, other in ((right, left), (left, right)):
        alone = printed_number(side)
        if alone is None:
            continue
        try:
            value = worth(other, environment).value
        except NoValueError:
            return
        places = _places(side)
        repair = _rounded(value, places) if places else _short(value)
        yield Remedy(_text(side), repair, side.span, "the value to as many digits")
        return
    if any(isinstance(node, Matrix) for node in (*walk(left), *walk(right))):
        yield from _entry_in_numbers(left, right, environment)
    else:
        yield from _sign_in_numbers(left, right, environment)


FEWEST_DIGITS = 6  # of a printed number, for one other digit in it to be no chance


def _other_digit(side: Formula, other: Formula, environment: Knowledge) -> Iterator[Remedy]:
    """Yield the one other digit, in one long number of a side, with which the side is worth the other one; none where two do."""
    changes = [(path, old, new) for path, old in _parts(side) if isinstance(old, Number) for new in _one_digit_off(old)]
    if not changes or not is_numeric(side):
        return
    with suppress(NoValueError):
        wanted = worth(other, environment)
        hits = [(old, new) for path, old, new in changes if _is_worth(_put(side, path, new), wanted, environment)]
        if len(hits) == 1:
            ((old, new),) = hits
            yield Remedy(old.text, new.text, old.span, f"the digits {new.text} belong here")


def _one_digit_off(number: Number) -> Iterator[Number]:
    """Yield what a long number is with another digit in one place."""
    text = number.text
    if len(text.partition("e")[0].replace(".", "").lstrip("0")) < FEWEST_DIGITS:
        return
    for place, old in enumerate(text):
        yield from (Number(text[:place] + new + text[place + 1 :]) for new in "0123456789" if old.isdigit() and new != old)


def _is_worth(side: Formula, wanted: Worth, environment: Knowledge) -> bool:
    """Whether a side is worth what is wanted, to the digits that are printed."""
    found = worth(side, environment)
    gap = abs(found.value - wanted.value)
    return bool(np.ndim(gap) == 0 and gap <= (found.slack + wanted.slack) * 2 + AGREE * max(1, abs(wanted.value)))


def _entry_in_numbers(left: Formula, right: Formula, environment: Knowledge) -> Iterator[Remedy]:
    """One printed number in a matrix that is wrong: the value to its digits."""
    if not isinstance(right, Matrix):
        return
    try:
        wanted = worth(left, environment).value
    except NoValueError:
        return
    printed = [printed_number(entry) for entry in right.entries]
    if np.shape(wanted) != right.shape or None in printed:
        return
    pairs = zip(right.entries, filter(None, printed), wanted.ravel(), strict=True)
    wrong = [(entry, value) for entry, (number, half), value in pairs if abs(number - value) > half + mpf(10) ** -12]
    if len(wrong) == 1:
        ((entry, value),) = wrong
        places = _places(entry)
        repair = _rounded(value, places) if places else _short(value)
        yield Remedy(_text(entry), repair, entry.span, "the value to as many digits")


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


def _sign_in_numbers(left: Formula, right: Formula, environment: Knowledge) -> Iterator[Remedy]:
    try:
        wanted = worth(left, environment)
    except NoValueError:
        return
    for change in _changes(right, Words([], [], False)):
        try:
            found = worth(change.side, environment)
        except NoValueError:
            continue
        if abs(found.value - wanted.value) <= found.slack + wanted.slack + mpf(10) ** -12:
            yield _remedy(change, Notation())


def _changed(side: Formula, other: Formula, disputed: Disputed, only_transposes: bool) -> Iterator[SideChange]:
    """Yield the changes of a side under which it is worth the other one, the smallest first."""
    words = _words(disputed)
    trials = sorted(_changes(side, words), key=lambda change: change.cost)
    if only_transposes:
        trials = [change for change in trials if change.words in TRANSPOSED]
    target = Target(disputed.environment, points_for((side, other), disputed.environment))
    for change in trials[:MOST_TRIALS]:
        meant = disputed.meanings(Chain((other, change.side), ("=",)))
        first = next(iter(meant), None)
        if first is not None and target.is_near(first) and all(target.is_hit(chain) for chain in (first, *meant)):
            yield change


@dataclass(slots=True)
class Target:
    """What changed sides are to be worth: at one place of one point first, where most of them are something else."""

    environment: Knowledge
    points: Sequence[Valuation]
    wanted: dict[Formula, tuple[dict[str, int], Any] | None] = field(default_factory=dict)

    def is_near(self, chain: Chain) -> bool:
        """Whether a changed side may be worth the other one."""
        other, side = chain.parts
        if other not in self.wanted:
            self.wanted[other] = self._value(other, free_indices(other, self.points) | free_indices(side, self.points))
        known = self.wanted[other]
        if known is None:
            return True
        try:
            return same(self.points[0].value(side, known[0]), known[1])
        except NoValueError:
            return False

    def _value(self, other: Formula, letters: set[str]) -> tuple[dict[str, int], Any] | None:
        place = next(iter(places_of(sorted(letters), self.points[0])), {})
        try:
            return place, self.points[0].value(other, place)
        except NoValueError:
            return None

    def is_hit(self, chain: Chain) -> bool:
        """Whether the two sides are worth the same wherever they are looked at."""
        other, side = chain.parts
        outcomes, _, _ = compare_at(other, side, points_for((side, other), self.environment))
        return len(outcomes) >= 2 and all(outcomes)


@dataclass(frozen=True, slots=True)
class Words:
    """What may belong in a place: names of numbers, names with indices or labels, and whether there are arrays."""

    names: Sequence[str]
    entries: Sequence[Indexed]
    arrays: bool
    letters: frozenset[str] = frozenset()  # the indices that stand anywhere in the `=`


def _words(disputed: Disputed) -> Words:
    """Return what may belong in a place: what the formula, its neighbours and the definitions that it rests on speak of."""
    environment = disputed.environment
    resting = names_reached(_sides(disputed), environment)
    defined = environment.definitions.keys() & resting
    bodies = [environment.definitions[name].body for name in sorted(defined)]
    formulas = (disputed.left, disputed.right, *disputed.near, *bodies)
    written = {name for formula in formulas for name in _names_alone(formula)}
    known = {environment.canonical(name) for name in written}  # one name for each quantity, as it is written here
    names = sorted(name for name in written | (defined - known) if _is_a_quantity(name, environment))
    entries = {node for formula in formulas for node in _entries_in(formula) if node.name not in environment.in_layers}
    letters = frozenset(_letters_in(disputed.left, disputed.right))
    return Words(names, sorted(entries, key=str), bool(environment.shapes), letters)


def _letters_in(*sides: Formula) -> Iterator[str]:
    """Yield the indices that stand in formulas."""
    for node in (node for side in sides for node in walk(side)):
        if isinstance(node, Indexed):
            yield from _letters(node)


def _sides(disputed: Disputed) -> list[Formula]:
    return [part for chain in disputed.meanings(Chain((disputed.left, disputed.right), ("=",))) for part in chain.parts]


def _names_alone(formula: Formula) -> Iterator[str]:
    return (node.name for node in _quantities(formula) if isinstance(node, Name))


def _entries_in(formula: Formula) -> Iterator[Indexed]:
    return (node for node in _quantities(formula) if isinstance(node, Indexed))


def _is_a_quantity(name: str, environment: Knowledge) -> bool:
    """Whether a name alone stands for a value: it is no index, no array of which only entries are defined, no mark of ours."""
    found = environment.definitions.get(name)
    if name in environment.extents or name in environment.in_layers or name in _CONSTANTS or set(name) & set("[Δ′∣"):
        return False
    return found is None or not found.indices


_CONSTANTS = ("e", "pi", "infty", "dots")


def _quantities(formula: Formula) -> Iterator[Name | Indexed]:
    """Yield the names of a formula that stand for values: no functions, no indices."""
    waiting = [formula]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name | Indexed):
            yield node
        waiting += [part for _, part in _valued(node)]


def _valued(node: Formula) -> Iterator[tuple[int, Formula]]:
    """Yield the parts of a node that have values, with their numbers: no indices, labels, functions."""
    if isinstance(node, Indexed):
        return
    hidden: tuple[Formula | None, ...] = ()
    if isinstance(node, BigSum):
        hidden = (node.index,)
    elif isinstance(node, Call):
        hidden = (node.function,)
    elif isinstance(node, Element):
        hidden = node.indices
    for number, part in enumerate(children(node)):
        if not any(part is other for other in hidden):
            yield number, part


# ---- changes -------------------------------------------------------------------------------------------------------


def _changes(side: Formula, known: Words) -> Iterator[SideChange]:
    """Yield sides with one change. A change of a part is put back into the whole."""
    for path, part in _parts(side):
        for new, old, replacement, cost, words in () if isinstance(part, Branch) else _of_part(part, known):
            try:
                whole = _put(side, path, new)
            except InternalError:  # no formula: an index that is no name, an exponent where none can stand
                continue
            yield SideChange(whole, old, replacement, cost, words)
    if isinstance(side, Neg):  # `-tanh(x)^2` for `1 - tanh(x)^2`
        whole = Sum((Number("1"), side))
        yield SideChange(whole, side, whole, 5, "1 is missing")


Path = tuple[int, ...]
Proposal = tuple[Formula, Formula, Formula | None, int, str]  # the part anew, what stood there, what belongs there, cost, words


def _parts(side: Formula) -> Iterator[tuple[Path, Formula]]:
    waiting: list[tuple[Path, Formula]] = [((), side)]
    while waiting:
        path, part = waiting.pop()
        yield path, part
        waiting.extend(((*path, number), child) for number, child in reversed(list(_valued(part))))


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


def _of_part(part: Formula, known: Words) -> Iterator[Proposal]:
    rule = _PROPOSALS.get(type(part))
    if rule is not None:
        yield from rule(part, known)
    if isinstance(part, Group | Power | Transpose):
        yield from _with_a_factor(part, known)
    if known.arrays and isinstance(part, Name | Indexed | Group):
        yield Transpose(part), part, Transpose(part), 3, "a transpose is missing"
    if not isinstance(part, Neg | Number | Group):
        yield Neg(part), part, Neg(part), 6, "a minus is missing"
    if not isinstance(part, Power | Number):
        yield Power(part, Number("2")), part, Power(part, Number("2")), 6, "a square is missing"


#: The words of changes that the shapes of arrays notice.
TRANSPOSED = (
    "a transpose is missing",
    "a transpose too many",
    "the factors are the other way round",
    "the layer is another one",
)


def _of_name(part: Name, known: Words) -> Iterator[Proposal]:
    for name in known.names:
        if name != part.name:
            yield Name(name), part, Name(name), 2 + _distance(part.name, name), f"{name} belongs where {part.name} stands"
    yield from _with_a_factor(part, known)


def _with_a_factor(part: Formula, known: Words) -> Iterator[Proposal]:
    for name in known.names:
        whole = Product((part, Name(name)))
        yield whole, part, whole, 9, f"the factor {name} is missing"
    for entry in _fitting(part, known):
        whole = Product((part, entry))
        yield whole, part, whole, 9, f"a factor {entry.name} is missing"
    if known.arrays:
        yield from _elementwise(part, (part,), known, 8)
        yield from _before(part, known)


def _before(part: Formula, known: Words) -> Iterator[Proposal]:
    """`R V^T` and `(v) u^T` for V^T and u^T: the factors of a product of matrices stand on one side."""
    for name in known.names:
        for whole in (
            Product((Name(name), part)),
            Product((Transpose(Name(name)), part)),
            Product((part, Transpose(Name(name)))),
        ):
            yield whole, part, whole, 9, f"the factor {name} is missing"


def _fitting(part: Formula, known: Words) -> Iterator[Indexed]:
    """Yield the entries whose letters stand in the `=`, one of them in a formula."""
    letters = {letter for node in walk(part) if isinstance(node, Indexed) for letter in _letters(node)}
    yield from (entry for entry in known.entries if letters & _letters(entry) and _letters(entry) <= letters | known.letters)


def _letters(entry: Indexed) -> set[str]:
    return {label.name for label in entry.indices if isinstance(label, Name)}


def _elementwise(part: Formula, factors: tuple[Formula, ...], known: Words, cost: int) -> Iterator[Proposal]:
    """`D ⊙ f`, `D ⊙ (1 - f)` for D."""
    for name in known.names:
        for factor in (Name(name), Group(Sum((Number("1"), Neg(Name(name)))))):
            whole = Hadamard((*factors, factor))
            yield whole, part, whole, cost + isinstance(factor, Group), "a factor is missing"
        square = Hadamard((*factors, Group(Sum((Number("1"), Neg(Hadamard((Name(name), Name(name)))))))))
        yield square, part, square, cost + 2, "a factor is missing"  # the slope of a tanh


def _of_hadamard(part: Hadamard, known: Words) -> Iterator[Proposal]:
    for number, factor in enumerate(part.factors):
        rest = (*part.factors[:number], *part.factors[number + 1 :])
        yield rest[0] if len(rest) == 1 else Hadamard(rest), factor, None, 4, "a factor too many"
    yield from _elementwise(part, part.factors, known, 7)


def _of_negative(part: Neg, known: Words) -> Iterator[Proposal]:
    yield part.body, part, part.body, 3, "a minus too many"


def _of_transpose(part: Transpose, known: Words) -> Iterator[Proposal]:
    yield part.body, part, part.body, 3, "a transpose too many"


def _of_power(part: Power, known: Words) -> Iterator[Proposal]:
    yield part.base, part, part.base, 5, "the exponent is too much"
    yield Power(part.base, Neg(part.exponent)), part.exponent, Neg(part.exponent), 4, "the exponent has the wrong sign"
    for text in ("2", "3"):
        if part.exponent != Number(text):
            yield Power(part.base, Number(text)), part.exponent, Number(text), 5, f"the exponent is {text}"


def _of_number(part: Number, known: Words) -> Iterator[Proposal]:
    for text in ("0", "1", "2"):
        if part.text != text:
            yield Number(text), part, Number(text), 5, f"{text} belongs where {part.text} stands"


def _of_indexed(part: Indexed, known: Words) -> Iterator[Proposal]:
    letters = {node.name for index in (*part.indices, *part.upper) for node in walk(index) if isinstance(node, Name)}
    if len(part.indices) == 2:
        turned = Indexed(part.name, part.indices[::-1], part.upper)
        yield turned, part, turned, 3, "the indices are the other way round"
    for number, letter in product(range(len(part.indices)), sorted(letters | set("ijk"))):
        new = Indexed(part.name, (*part.indices[:number], Name(letter), *part.indices[number + 1 :]), part.upper)
        if new != part:
            yield new, part, new, 4, f"the index {letter} belongs here"
    yield from _other_layers(part)
    yield from _other_arrays(part, known)
    for entry in _fitting(part, known):
        whole = Product((part, entry))
        yield whole, part, whole, 9, f"a factor {entry.name} is missing"


def _other_arrays(part: Indexed, known: Words) -> Iterator[Proposal]:
    for other in known.entries:
        new = Indexed(other.name, part.indices, part.upper) if _is_alike(part, other) else part
        if other.name != part.name:
            yield new, part, new, 4, f"{other.name} belongs where {part.name} stands"


def _other_layers(part: Indexed) -> Iterator[Proposal]:
    """`a^{l-1}` for `a^l`: one layer off."""
    label = part.upper[0].body if len(part.upper) == 1 and isinstance(part.upper[0], Group) else (*part.upper, None)[0]
    letter = label.terms[0] if isinstance(label, Sum) else label
    if len(part.upper) == 1 and isinstance(letter, Name):
        for other in (letter, Sum((letter, Neg(Number("1")))), Sum((letter, Number("1")))):
            new = Indexed(part.name, part.indices, (Group(other),) if isinstance(part.upper[0], Group) else (other,))
            if other != label:
                yield new, part, new, 4, "the layer is another one"


def _is_alike(part: Indexed, other: Indexed) -> bool:
    """Whether two names have as many indices and labels."""
    return (len(part.indices), len(part.upper)) == (len(other.indices), len(other.upper))


def _of_product(part: Product, known: Words) -> Iterator[Proposal]:
    factors = part.factors
    for number, factor in enumerate(factors):
        rest = (*factors[:number], *factors[number + 1 :])
        yield rest[0] if len(rest) == 1 else Product(rest), factor, None, 4, "a factor too many"
    if known.arrays:
        yield from _turned_round(part)
    yield Product((Number("2"), *factors)), part, Product((Number("2"), *factors)), 7, "a factor 2 is missing"
    missing: list[Name | Indexed] = [*map(Name, known.names), *_fitting(part, known)]
    for more in missing:
        yield Product((*factors, more)), part, Product((*factors, more)), 8, f"the factor {more.name} is missing"
    for start in range(len(factors)):
        for end in range(start + 1, len(factors) + 1):
            yield from _renamed(part, start, end, known.names)


def _turned_round(part: Product) -> Iterator[Proposal]:
    """Two neighbours of a product of arrays in the other order, as they are or both transposed."""
    for number in range(len(part.factors) - 1):
        pair = part.factors[number : number + 2]
        for first, second in (pair[::-1], tuple(_transposed(factor) for factor in pair[::-1])):
            new = Product((*part.factors[:number], first, second, *part.factors[number + 2 :]))
            old = Product(pair, span=_joined(pair))
            yield new, old, Product((first, second)), 5, "the factors are the other way round"


def _transposed(factor: Formula) -> Formula:
    return factor.body if isinstance(factor, Transpose) else Transpose(factor)


def _renamed(part: Product, start: int, end: int, names: Sequence[str]) -> Iterator[Proposal]:
    """One name for another throughout neighbouring factors: `o(1-o)` for `h(1-h)`."""
    piece = part.factors[start:end]
    block = Product(piece, span=_joined(piece)) if len(piece) > 1 else piece[0]
    inside = {node.name for node in _quantities(block) if isinstance(node, Name)}
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


def _of_sum(part: Sum, known: Words) -> Iterator[Proposal]:
    for number, term in enumerate(part.terms):
        turned = term.body if isinstance(term, Neg) else Neg(term)
        yield Sum((*part.terms[:number], turned, *part.terms[number + 1 :])), term, turned, 3, "the sign of this term"
        rest = (*part.terms[:number], *part.terms[number + 1 :])
        yield rest[0] if len(rest) == 1 else Sum(rest), term, None, 5, "a term too many"


_PROPOSALS: Mapping[type[Formula], Callable[..., Iterator[Proposal]]] = {
    Name: _of_name,
    Indexed: _of_indexed,
    Product: _of_product,
    Hadamard: _of_hadamard,
    Sum: _of_sum,
    Neg: _of_negative,
    Transpose: _of_transpose,
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


def _text(formula: Formula, notation: Notation | None = None) -> str:
    return latex(formula, notation or Notation())
