"""What keeps a difference from being a mistake: a text that leaves things out proves nothing against itself.

A derivative needs every path from its denominator to its numerator; a text that gives `out_h2 = 0.5969` without its formula has
left some out. A layer without a number can be any layer. A name with two formulas can be two things.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from mpmath import mpf

from symbackprop.formula.tree.tree import (
    BigSum,
    Call,
    Chain,
    Decorated,
    Formula,
    Group,
    Indexed,
    Nabla,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Sum,
    Update,
)
from symbackprop.formula.tree.walk import nodes as nodes_of
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.judging.conventions import conventions
from symbackprop.proofreading.judging.judge import compare_at, free_indices
from symbackprop.proofreading.judging.matching import match
from symbackprop.proofreading.judging.other_meanings import vectors_in
from symbackprop.proofreading.judging.points import leaves, names_reached, points_for, reached
from symbackprop.proofreading.meaning.printed import as_numbers, is_numeric
from symbackprop.proofreading.meaning.values import Definition, Knowledge, Valuation, summed_letters

MOST_PARTIALS = 12
PATHS_LEFT_OUT = ("the text does not say how", "nothing in the text makes")
ELIDED = "the text does not say what"
TOLD_ELSEWHERE = "is told in another section"
TOLD_AGAIN = "is told a second time"
UNSAID = "the text does not say what function"


def doubt(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """Return why a difference of two sides proves nothing; "" where it does. `complete` are the names of a network."""
    return next((reason for rule in _DOUBTS if (reason := rule(left, right, environment, complete))), "")


def _layered(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    nodes = reached((left, right), environment)
    any_layer = any(isinstance(label, Name) for node in nodes if isinstance(node, Indexed) for label in node.upper)
    return "a layer without a number" if any_layer else ""


def _left_out(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    nodes = reached((left, right), environment)
    return next((reason for node in nodes if (reason := _unconnected(node, environment, complete))), "")


def _nothing_known(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    partials = [] if complete else [node for side in (left, right) for node in walk(side) if isinstance(node, Partial | Nabla)]
    vanishing = any(_vanishes(node, environment) for node in list(dict.fromkeys(partials))[:MOST_PARTIALS])
    return "nothing in the text makes this derivative more than zero" if vanishing else ""


def says_nothing(left: Formula, right: Formula, environment: Knowledge) -> str:
    """Return why two sides that agree prove nothing: both are 0, and their derivatives rest on what is left out; else ""."""
    zero = Number("0")
    derived = any(isinstance(node, Partial | Nabla) for side in (left, right) for node in walk(side))
    if (
        not derived
        or zero in (_bare(left), _bare(right))
        or not _vanishes(left, environment)
        or not _vanishes(right, environment)
    ):
        return ""
    return _left_out(left, right, environment, frozenset()) or _nothing_known(left, right, environment, frozenset())


def _put_in(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`σ(z) = σ(w a + b)`, where z was said to be made of other names: another z."""

    def is_free(side: Formula) -> bool:
        return (
            isinstance(side, Name) and side.name not in complete and environment.canonical(side.name) in environment.definitions
        )

    found = match(left, right, is_free, lambda _: None) or {}
    for name, meaning in found.items() if len(found) == 1 else ():
        if isinstance(name, Name) and not isinstance(meaning, Name | Number) and name not in (_bare(left), _bare(right)):
            said = environment.definitions[environment.canonical(name.name)].body
            if _named(said, environment) != _named(meaning, environment):
                return f"{name.name} is told a second time, otherwise"
    return ""


def links_are_known(formula: Formula, environment: Knowledge) -> bool:
    """Whether every derivative in a formula is of a name that the text defines, by one that it defines or uses."""
    used = set().union(*(_named(found.body, environment) for found in environment.definitions.values()))
    known = {environment.canonical(name) for name in used | environment.definitions.keys()}
    partials = [node for node in walk(formula) if isinstance(node, Partial)]
    tops = set().union(*(_named(node.numerator, environment) for node in partials))
    bottoms = set().union(*(_named(node.denominator, environment) for node in partials))
    return bool(partials) and tops <= environment.definitions.keys() and bottoms <= known


def _says_what_it_is(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    for side, other in ((left, right), (right, left)):
        if (name := _only_free_name(side, environment)) is not None and name not in leaves(other, environment) | complete:
            return f"this may be what says what {name} is"
    return ""


def _says_an_entry(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`-1 w_{n+1} = x_{n+1} w_{n+1}`: an entry beyond the last one may be what is said, of an array on one side only."""
    used = {entry for found in environment.definitions.values() for entry in _indexed(found.body)}
    first, second = _indexed(left), _indexed(right)
    beyond = {entry.name for entry in (first ^ second) - used if _is_beyond(entry)}
    alone = beyond & (_arrays(first) ^ _arrays(second)) - environment.definitions.keys() - complete
    return f"this may be what says what the last {min(alone)} is" if alone else ""


def _indexed(formula: Formula) -> set[Indexed]:
    return {node for node in walk(formula) if isinstance(node, Indexed)}


def _arrays(entries: set[Indexed]) -> set[str]:
    return {entry.name for entry in entries}


def of_no_layer(left: Formula, right: Formula, environment: Knowledge) -> str:
    """Return an array without a layer that stands beside arrays of layers: of which width it is, is not said; else ""."""
    names = (_named(left, environment) | _named(right, environment)) & environment.shapes.keys()
    return min(names - environment.in_layers, default="") if names & environment.in_layers else ""


def _is_beyond(entry: Indexed) -> bool:
    """Whether an entry is one behind another, `x_{n+1}`."""
    return any(isinstance(label, Sum) for label in entry.indices)


def _vanishes(side: Formula, environment: Knowledge) -> bool:
    """Whether a side is worth nothing wherever it is looked at."""
    outcomes, _, _ = compare_at(side, Number("0"), points_for((side,), environment))
    return all(outcomes)


def within_rounding(left: Formula, right: Formula, values: tuple[str, str] | None, source: Formula) -> bool:
    """Whether a gap is no larger than numbers rounded on the way can make it: some units of the shortest decimal of a statement.

    Two sides of numbers alone leave nothing to be rounded on the way.
    """
    worth = as_numbers(values)
    if worth is None or (is_numeric(left) and is_numeric(right)):
        return False
    lengths = [_significant(node.text) for node in walk(source) if isinstance(node, Number) and _is_worked_out(node.text)]
    first, second = worth
    return bool(lengths) and bool(abs(first - second) <= 5 * mpf(10) ** -min(lengths) * max(abs(first), abs(second)))


def _is_worked_out(text: str) -> bool:
    return len(text.partition(".")[2]) >= 4


def _significant(text: str) -> int:
    return len(text.replace(".", "").lstrip("0"))


def _bare(formula: Formula) -> Formula:
    while isinstance(formula, Group):
        formula = formula.body
    return formula


def _only_free_name(side: Formula, environment: Knowledge) -> str | None:
    """Return the name that a side rests on alone, where nothing says what it is; None for any other side."""
    nodes = list(walk(side))
    names = _entries(_no_places(nodes), environment)
    if len(names) != 1 or any(isinstance(node, Partial | Decorated | Update | BigSum) for node in nodes):
        return None
    (name,) = names
    place = spelled_entry(_bare(side))
    given = [key for key in environment.given if key[0] == name and (place is None or key == place)]
    return None if name in environment.definitions or given else name


def spelled_entry(side: Formula) -> tuple[str, ...] | None:
    """Return the key of `x_n`, whose places are letters; None for anything else."""
    if not isinstance(side, Indexed) or side.upper:
        return None
    letters = [label.name for label in side.indices if isinstance(label, Name)]
    return (side.name, *letters) if len(letters) == len(side.indices) else None


def _no_places(nodes: list[Formula]) -> list[Formula]:
    """Return the nodes that are no index of another one."""
    places = {label for entry in nodes if isinstance(entry, Indexed) for label in entry.indices}
    return [node for node in nodes if node not in places]


def _entries(nodes: list[Formula], environment: Knowledge) -> set[str]:
    """Return the names among nodes that are no functions."""
    called = {node.function for node in nodes if isinstance(node, Call)}
    entries = [node for node in nodes if isinstance(node, Name | Indexed) and node not in called]
    return {environment.canonical(node.name) for node in entries} - {"e", "pi"}


def _unconnected(node: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    above, below = (_named(side, environment) for side in _differentiated(node, environment))
    if above | below <= complete:
        return ""
    top = [Name(name) for name in above]
    if not below & names_reached(top, environment):
        return f"the text does not say how {', '.join(sorted(above)) or 'this'} depends on {', '.join(sorted(below))}"
    free = set().union(*(leaves(name, environment) for name in top)) - below - complete
    elided = [name for name in sorted(free - environment.in_layers) if _is_elided(name, below, environment)]
    return f"{ELIDED} {elided[0]} depends on" if elided else ""


def _is_elided(name: str, below: set[str], environment: Knowledge) -> bool:
    """Whether the formula of a name was left out, and it may rest on what is differentiated by."""
    return _is_like_a_defined_one(name, environment) and _may_rest_on(name, below, environment)


_NOTHING = Number("1")


def _differentiated(node: Formula, environment: Knowledge) -> tuple[Formula, Formula]:
    """Return what a node differentiates, and by what: of a change of a parameter, the loss; two numbers for anything else."""
    if isinstance(node, Partial):
        return node.numerator, node.denominator
    is_change = isinstance(node, Update) or (isinstance(node, Decorated) and node.kind == "Delta")
    if isinstance(node, Update | Decorated) and is_change and environment.loss is not None:
        return Name(environment.loss), node.body
    return _NOTHING, _NOTHING


def _named(formula: Formula, environment: Knowledge) -> set[str]:
    return {environment.canonical(node.name) for node in walk(formula) if isinstance(node, Name | Indexed)}


def _is_like_a_defined_one(name: str, environment: Knowledge) -> bool:
    """Whether a name without a formula differs only in its digits from one that has a formula: its own was left out."""
    stem = re.sub(r"\d+", "#", name)
    return any(re.sub(r"\d+", "#", other) == stem for other in environment.definitions if other != name)


def _may_rest_on(name: str, below: set[str], environment: Knowledge) -> bool:
    """Whether a name without a formula may rest on what is differentiated by: its likes do, or nothing shows that it does not.

    It does not where that rests on it, nor where that stands beside it in a formula and its likes do not rest on it:
    `w_1` of `z = w_1 h_1 + w_2 h_2` is nothing that h_2 is made of if it is nothing that h_1 is made of.
    """
    if name in names_reached(map(Name, below), environment):
        return False
    bodies = [_named(found.body, environment) for found in environment.definitions.values()]
    beside = set().union(*(names for names in bodies if name in names))
    stem = re.sub(r"\d+", "#", name)
    likes = [Name(other) for other in environment.definitions if re.sub(r"\d+", "#", other) == stem]
    return bool(below - beside or below & names_reached(likes, environment))


def _told_again(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """A name defined by one formula, and here by another one: two quantities as often as a mistake, or a convention."""
    head = _bare(left)
    named = _changed_name(head)
    if not isinstance(named, Name | Indexed):
        return ""
    name = environment.canonical(named.name)
    said = environment.definitions.get(name)
    if named is not head or (name.startswith("delta") and not _is_said_by_a_derivative(said)):
        words = conventions(left, right, environment)
        return f"another convention: {words}" if words else ""
    if said is None or name in complete or _is_derived(said.body, right) or not _named(right, environment):
        return ""
    return f"{name} {TOLD_AGAIN}, {conventions(left, right, environment) or 'otherwise'}"


def _changed_name(head: Formula) -> Formula:
    return head.body if isinstance(head, Decorated) and head.kind == "Delta" else head


def _is_said_by_a_derivative(said: Definition | None) -> bool:
    return said is not None and _is_derived(said.body)


def _is_derived(*sides: Formula) -> bool:
    """Whether a derivative stands in any of these."""
    return any(isinstance(node, Partial) for side in sides for node in walk(side))


def _unsaid_function(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """A function of which nothing is said may have the property that it needs."""
    called = (node for node in reached((left, right), environment) if isinstance(node, Call))
    names = {name for node in called if (name := function_name(node)) in environment.unsaid - environment.definitions.keys()}
    return f"{UNSAID} {min(names)} is" if names else ""


def function_name(call: Call) -> str:
    head = call.function
    while isinstance(head, Decorated):
        head = head.body
    return head.name if isinstance(head, Name) else ""


def _in_words(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """*Where r is one over the root of the variance*: what r rests on is not followed."""
    names = open_in_words((left, right), environment) - complete
    return f"the text says in words alone what {min(names)} is" if names else ""


def open_in_words(sides: Iterable[Formula], environment: Knowledge) -> set[str]:
    """Return the names that formulas rest on of which words alone say what they are: no formula, no number."""
    if not environment.in_words:
        return set()
    said = environment.definitions.keys() | {str(key[0]) for key in environment.given}
    return names_reached(sides, environment) & environment.in_words - said


def _both_ways(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`w x = Σ_j w_j x_j`: what stands alone and with indices is an array, whatever else it is."""
    nodes = list(reached((left, right), environment))
    called = {node.function for node in nodes if isinstance(node, Call)}
    alone = {node.name for node in nodes if isinstance(node, Name) and node not in called}
    indexed = {node.name for node in nodes if isinstance(node, Indexed)}
    both = sorted((alone & indexed) - environment.shapes.keys() - complete)
    return f"{both[0]} stands alone and with indices" if both else ""


def _labelled_e(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`Σ_i e^i = 31.9`: the i-th e, an error, as likely as a power of Euler's number."""
    sums = (node for side in (left, right) for node in nodes_of(side, BigSum))
    powers = (power for total in sums for power in nodes_of(total.body, Power) if power.exponent == total.index)
    return "e may have a number above it, and be no power" if any(power.base == Name("e") for power in powers) else ""


def _elided(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`X = (x_1, …, x_n)`: what X has to do with x_1 is not followed."""
    nodes = reached((left, right), environment) if environment.elided else ()
    names = {environment.canonical(node.name) for node in nodes if isinstance(node, Name)} & environment.elided - complete
    return f"the text writes {min(names)} out, with dots or as a row" if names else ""


def _may_be_called(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`2 σ(2 z)` of a σ that is indexed elsewhere: a function as likely as a factor."""
    names = {name for side in (left, right) for name in _before_brackets(side)} & _CALLED_LETTERS
    names -= environment.definitions.keys() | complete | {name for name in names if (name,) in environment.given}
    return f"{min(names)} may be a function here" if names else ""


def _before_brackets(side: Formula) -> Iterator[str]:
    """Yield the names behind which a factor in brackets stands."""
    for node in nodes_of(side, Product):
        for first, second in pairwise(node.factors):
            if isinstance(first, Name) and isinstance(second, Group | Sum | Product):
                yield first.name


_CALLED_LETTERS = frozenset(("sigma", "varsigma", "phi", "varphi", "f", "g"))


def _retold(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    names = environment.retold & names_reached((left, right), environment) if environment.retold else set()
    return f"the text says two things of {min(names)}" if names - complete else ""


def _of_vectors(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`‖α_j‖`: what has a norm or a transpose is a vector, of whose entries nothing is said here."""
    vectors = set(vectors_in((left, right))) - complete
    return f"{min(vectors)} with an index is a vector" if vectors else ""


def _in_two_ways(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`z_1` beside `z_i`: whether the one is an entry of the other, and how many there are, is not said."""
    nodes = list(reached((left, right), environment))
    summed = {node.name for node in nodes if isinstance(node, Indexed)}
    names = {
        re.sub(r"_?[0-9]+$", "", node.name) for node in nodes if isinstance(node, Name) and node.name[-1].isdigit()
    } - complete
    return f"{min(summed & names)} stands with numbers and with letters" if summed & names else ""


def _from_zero(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`Σ_{k=0}^{K-1} a_pk b_kq` beside a free j: from where j counts, and how far, is not said."""
    if environment.first == 0:
        return ""
    sums = [node for node in reached((left, right), environment) if isinstance(node, BigSum) and node.lower == Number("0")]
    free = free_indices(left, points_for((left,), environment)) | free_indices(right, points_for((right,), environment))
    return f"{min(free)} may count from 0, as the sum does" if sums and free else ""


def _at_one_place(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`i = 1` was said before: whether a formula with i is one for any i, is not."""
    free = free_indices(left, points_for((left,), environment)) | free_indices(right, points_for((right,), environment))
    told = sorted(letter for letter in free if (letter,) in environment.given)
    return f"the text says a number for {told[0]}, which is an index here" if told else ""


def _of_two_ranges(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`Σ_{i≠k} x_i + x_k = Σ_{i=1}^n x_i`: whether n is how far i runs everywhere, is not said."""
    point = points_for((left, right), environment)[0]
    runs = {run for node in reached((left, right), environment) for run in _runs(node, point)}
    several = min((letter for letter, count in Counter(letter for letter, _ in runs).items() if count > 1), default="")
    return f"how far {several} runs is not said everywhere" if several else ""


def _runs(node: Formula, point: Valuation) -> Iterator[tuple[str, int]]:
    """Yield the letters that a sum runs over, with how far."""
    if isinstance(node, BigSum):
        for letter in summed_letters(node)[0]:
            yield letter, point.size(node.upper.name) if isinstance(node.upper, Name) else len(point.span(letter))


def _in_a_limit(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """A limit of what the text does not say how it depends on what goes to its goal, or of names that rest on that."""
    limits = [node for side in (left, right) for node in walk(side) if isinstance(node, BigSum) and node.operator == "lim"]
    names = _named(left, environment) | _named(right, environment) if limits else set()
    loose = next((letter for limit in limits for letter in _going(limit) if _is_loose(letter, limit, names, environment)), "")
    return f"the text says otherwise, or not, what depends on {loose}" if loose else ""


def _is_loose(letter: str, limit: BigSum, names: set[str], environment: Knowledge) -> bool:
    inside = _named(limit.body, environment)
    if inside and letter not in inside:
        return True
    return letter in environment.definitions or any(environment.rests_on(name, letter) for name in names)


def _going(limit: BigSum) -> list[str]:
    """Return the letter that a limit moves."""
    index = limit.index.parts[0] if isinstance(limit.index, Chain) else None
    return [index.name] if isinstance(index, Name) else []


def _summed_unsaid(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`x_i a_{ij} x_j = a_{kj} x_j + …`: letters that occur twice in a term, and not in all, may be summed over (Einstein)."""
    if not environment.sums_unsaid:
        return ""
    free = [letters for side in (left, right) for term in _terms_of(side) if (letters := _free_letters(term))]
    common = set(free[0]).intersection(*free) if free else set()
    twice = min((letter for term in free for letter in term.keys() - common if term[letter] > 1), default="")
    return f"{twice} occurs twice, and may be summed over" if twice else ""


def _terms_of(side: Formula) -> tuple[Formula, ...]:
    while isinstance(side, Group | Neg):
        side = side.body
    return side.terms if isinstance(side, Sum) else (side,)


def _free_letters(term: Formula) -> Counter[str]:
    """Return how often a letter is an index in a term that has no sum."""
    parts = list(walk(term))
    if any(isinstance(node, BigSum) for node in parts):
        return Counter()
    return Counter(label.name for node in parts if isinstance(node, Indexed) for label in node.indices if isinstance(label, Name))


def _of_different_things(left: Formula, right: Formula, environment: Knowledge, complete: frozenset[str]) -> str:
    """`Σ_i λ_i = Σ_i a_{ii}`: of quantities that nothing defines, other ones on either side, something is said."""
    sides = [_quantities(side, environment) for side in (left, right)]
    names = [{environment.canonical(node.name) for node in side} for side in sides]
    told = any(environment.canonical(node.name) in complete or _is_told(node, environment) for node in sides[0] | sides[1])
    if told or not all(names) or names[0] & names[1]:
        return ""
    return f"nothing else in the text ties {min(names[0])} to {min(names[1])}"


def _quantities(side: Formula, environment: Knowledge) -> set[Name | Indexed]:
    """Return the names and entries of a side that are no indices, bounds or functions."""
    nodes = list(walk(side))
    hidden = {part for node in nodes for part in _beside(node)}
    return {node for node in nodes if isinstance(node, Name | Indexed) and node not in hidden and node.name not in ("e", "pi")}


def _is_told(node: Name | Indexed, environment: Knowledge) -> bool:
    """Whether a text says what a name is, or of an array what its entries are."""
    name = environment.canonical(node.name)
    said, given = environment.definitions.get(name), [key for key in environment.given if key[0] == name]
    if isinstance(node, Name):
        return said is not None or (name,) in given
    return (said is not None and bool(said.indices or name in environment.shapes)) or any(
        isinstance(key[-1], int) for key in given
    )


def _beside(node: Formula) -> tuple[Formula | None, ...]:
    """Return what stands beside a quantity: its places, the bounds of a sum, the function that is called."""
    match node:
        case Indexed():
            return (*node.indices, *node.upper)
        case BigSum():
            return (node.index, node.lower, node.upper)
        case Call():
            return (node.function,)
    return ()


_DOUBTS = (
    _labelled_e,
    _at_one_place,
    _of_two_ranges,
    _elided,
    _may_be_called,
    _of_different_things,
    _summed_unsaid,
    _in_a_limit,
    _from_zero,
    _unsaid_function,
    _of_vectors,
    _in_two_ways,
    _both_ways,
    _retold,
    _in_words,
    _layered,
    _left_out,
    _nothing_known,
    _put_in,
    _says_what_it_is,
    _says_an_entry,
    _told_again,
)
