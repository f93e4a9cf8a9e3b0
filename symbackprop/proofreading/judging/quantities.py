"""Two names for one quantity: `o1` and `out_o1` are one where they are worth the same whatever the numbers are.

A derivative cuts the graph at a name, so the names of one quantity have to become one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import mpmath

from symbackprop.formula.read.name_table import Names
from symbackprop.formula.tree.tree import Call, Chain, Formula, Name, Partial
from symbackprop.formula.tree.walk import nodes
from symbackprop.proofreading.judging.certainty import function_name
from symbackprop.proofreading.judging.matching import family
from symbackprop.proofreading.judging.points import points_for
from symbackprop.proofreading.meaning.array_values import NoValueError
from symbackprop.proofreading.meaning.printed import is_numeric
from symbackprop.proofreading.meaning.values import DIGITS, Definition, Knowledge, Valuation
from symbackprop.proofreading.text.document import Fragment


def merge_names(environment: Knowledge, formulas: Iterable[Formula], kept: frozenset[str] = frozenset()) -> dict[str, str]:
    """Make one name of those that are worth the same at every random point; return name → the name kept.

    The name that derivatives are taken of or by most often is kept, a name of `kept` (those of a network) before it.
    """
    counted = Counter(family(part.name) for formula in formulas for part in _in_partials(formula))
    merged: dict[str, str] = {}
    for names in _worth_the_same(environment):
        best = max(names, key=lambda name: (name in kept, counted[family(name)], -names.index(name)))
        merged.update({name: best for name in names if name != best and name not in kept})
        own = environment.definitions.get(best)
        if own is None or _is_word_for(own, names):
            _take_over(environment, best, names)
    for name, best in merged.items():
        environment.aliases[name] = best
        environment.definitions.pop(name, None)
    return merged


def _worth_the_same(environment: Knowledge) -> list[list[str]]:
    """Return the names that agree at every random point, two and more of each."""
    points = points_for((found.body for found in environment.definitions.values()), environment)
    groups: dict[tuple[str, ...], dict[str, None]] = {}
    for name, found in environment.definitions.items():
        if found.arguments or found.indices or "[" in name:
            continue
        for each in (name, found.body.name if isinstance(found.body, Name) else name):
            groups.setdefault(_values(each, points), {})[each] = None
    return [list(names) for names in groups.values() if len(names) > 1]


def _is_word_for(found: Definition, names: list[str]) -> bool:
    """Whether a definition is nothing but another one of the names."""
    return isinstance(found.body, Name) and found.body.name in names


def _take_over(environment: Knowledge, best: str, names: list[str]) -> None:
    """A kept name that is only another word for its like takes that one's definition, or has none."""
    bodies = [environment.definitions[name] for name in names if name in environment.definitions]
    real = next((found for found in bodies if not _is_word_for(found, names)), None)
    if real is None:
        environment.definitions.pop(best, None)
    else:
        environment.definitions[best] = replace(real, name=best)


def _values(name: str, points: list[Valuation]) -> tuple[str, ...]:
    found = []
    for point in points:
        try:
            found.append(mpmath.nstr(point.value(Name(name)), DIGITS // 2))
        except NoValueError:
            return (name,)
    return tuple(found)


def _in_partials(formula: Formula) -> Iterator[Name]:
    """Yield the names that derivatives are taken of or by."""
    for node in nodes(formula, Partial):
        yield from (part for part in (node.numerator, node.denominator) if isinstance(part, Name))


def arguments_by_name(environment: Knowledge, chains: Sequence[Formula]) -> dict[str, str]:
    """Let `sum_{o1}`, `net_{h1}` be what f is taken of in `o1 = f(…)`, `out_{h1} = f(…)`; return why, for each of them.

    Only a name that has no formula, no number, and stands nowhere but as the argument of that function and of its slope.
    """
    found: dict[str, str] = {}
    for name, functions in _arguments_alone(environment, chains).items():
        units = [
            unit for unit in environment.definitions if _is_of_one_unit(name, unit) and _is_call(environment, unit, functions)
        ]
        if len(units) == 1:
            (unit,) = units
            call = environment.definitions[unit].body
            assert isinstance(call, Call)
            environment.definitions[name] = Definition(name, call.arguments[0])
            environment.definitions[unit] = Definition(unit, Call(call.function, (Name(name),)))
            found[name] = f"is what {function_name(call)} is taken of in {unit}, by its name"
    return found


def _arguments_alone(environment: Knowledge, chains: Sequence[Formula]) -> dict[str, set[str]]:
    """Return the names of which nothing is said, and that are arguments wherever they stand, with the functions of these."""
    every = Counter(node.name for chain in chains for node in nodes(chain, Name))
    inside: dict[str, list[str]] = {}
    for name, function in _called_with(chains):
        inside.setdefault(name, []).append(function)
    said = environment.definitions.keys() | {str(key[0]) for key in environment.given} | environment.aliases.keys()
    return {name: set(functions) for name, functions in inside.items() if name not in said and len(functions) == every[name]}


def _called_with(chains: Sequence[Formula]) -> Iterator[tuple[str, str]]:
    """Yield z and f of every `f(z)`, `f'(z)`."""
    for call in (node for chain in chains for node in nodes(chain, Call)):
        match call.arguments:
            case (Name(name=name),):
                yield name, function_name(call)


def _is_of_one_unit(name: str, unit: str) -> bool:
    """Whether two names end with the name of one unit: `sum_o1` and `o1`, `net_h1` and `out_h1`."""
    end = name.partition("_")[2]
    return bool(re.fullmatch(r"[a-z]+\d+", end)) and name != unit and end in (unit, unit.partition("_")[2])


def _is_call(environment: Knowledge, unit: str, functions: set[str]) -> bool:
    """Whether a name is said to be a function, the only one of some, of something."""
    body = environment.definitions[unit].body
    return isinstance(body, Call) and {function_name(body)} == functions and len(body.arguments) == 1


#: What stands between a name and the other one that a text has for it: `$o_1$ is the prediction, and it is called $y_{pred}$`.
_CALLED = re.compile(
    r"\W*(?:(?:says |means )?is [a-z -]{0,40}, (?:and |which )?)?(?:it |which |that )?(?:is|will be) (?:also |simply )?"
    r"(?:called|denoted(?: by)?|written(?: as)?)\W*|[，,\s]*(?:也|又|通常)?(?:记为|记作|记成|称为|称作|叫做)\W*",
    re.I,
)


def called_again(fragments: Sequence[Fragment], names: Names, chains: Sequence[Chain]) -> dict[str, str]:
    """Return names without a formula of their own, with the names with a formula that the text says they are other words for."""
    heads = set(_with_formulas(chains))
    found: dict[str, str] = {}
    for first, between, second in zip(fragments, fragments[1:], fragments[2:], strict=False):
        if not _is_inline(first) or not _is_inline(second) or not _CALLED.fullmatch(between.text):
            continue
        name, other = names.find(first.text.strip()), names.find(second.text.strip())
        if name in heads and other and other not in heads:
            found[other] = str(name)
    return found


def _with_formulas(chains: Iterable[Chain]) -> Iterator[str]:
    """Yield the names that a formula with names is said to be equal to."""
    for chain in chains:
        if isinstance(chain.parts[0], Name) and not is_numeric(chain.parts[1]):
            yield chain.parts[0].name


def _is_inline(fragment: Fragment) -> bool:
    return fragment.kind == "formula" and not fragment.display


def by_analogy(environment: Knowledge, merged: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    """Carry what was found for one unit over to its likes: `o1` is `out_o1`, so `o2` is `out_o2`. Return what was added."""
    known = set(names) | environment.definitions.keys() | {key[0] for key in environment.given}
    added: dict[str, str] = {}
    for alias, name in merged.items():
        for digit in set(re.findall(r"\d", alias)) & set(re.findall(r"\d", name)):
            for other in "123456789":
                pair = alias.replace(digit, other), name.replace(digit, other)
                if other != digit and _is_new(environment, pair, known):
                    added[pair[0]] = pair[1]
    for alias, name in added.items():
        moved = environment.definitions.pop(alias, None)
        if moved is not None:
            environment.definitions.setdefault(name, replace(moved, name=name))
        if (alias,) in environment.given:
            environment.given.setdefault((name,), environment.given[(alias,)])
        environment.aliases[alias] = name
    return added


def _is_new(environment: Knowledge, pair: tuple[str, str], known: set[str]) -> bool:
    """Whether two names both occur, are not one yet, and only one of them is known by a number or a formula."""
    stated = [name in environment.definitions or (name,) in environment.given for name in pair]
    return set(pair) <= known and not set(pair) & environment.aliases.keys() and not all(stated)
