"""Over what the indices of a text run: letters that stand at the same place of one array, or under one sum, run over the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain as chain_of
from itertools import pairwise

from symbackprop.formula.tree.tree import BigSum, Formula, Fraction, Indexed, Name, Neg, Number, Product, Sum
from symbackprop.formula.tree.walk import nodes as nodes_of
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.meaning.layer_families import is_in_several_layers
from symbackprop.proofreading.meaning.values import summed_letters


def index_ranges(formulas: Iterable[Formula], letters: Iterable[str]) -> Mapping[str, str]:
    """Return for each index letter the name of the size it runs over: a bound, `K` of `Σ_{k=1}^K`, or a letter of its likes."""
    same: dict[str, str] = {letter: letter for letter in sorted(set(letters))}
    at: dict[tuple[str, int, int], list[str]] = {}
    for place, letter in (pair for formula in formulas for pair in _places(formula)):
        if letter in same:
            at.setdefault(place, []).append(letter)
    for (name, _, _), there in at.items():
        for letter in there if not is_in_several_layers(name, there) else ():
            _join(same, there[0], letter)
    return {letter: _representative(same, letter) for letter in same}


def bounds(formulas: Iterable[Formula], ranges: Mapping[str, str]) -> Mapping[str, str]:
    """Return for each name that bounds a sum, n of `Σ_{j=1}^n`, the size it stands for; a letter that is summed over is none."""
    nodes = [node for formula in formulas for node in walk(formula)]
    sums = list(chain_of.from_iterable(map(_runs, nodes)))
    found = {count: ranges.get(letter, letter) for count, letter in chain_of.from_iterable(map(_means, nodes))}
    found |= {part.name: part.name for _, upper in sums for part in nodes_of(upper, Name)}
    found |= {upper.name: ranges.get(letter, letter) for letter, upper in sums if isinstance(upper, Name)}
    return {name: found[name] for name in found.keys() - {letter for letter, _ in sums}}


def _means(node: Formula) -> Iterator[tuple[str, str]]:
    """Yield n and x of `1/n Σ_x`: how many places there are, of a sum that does not say it."""
    for first, second in pairwise(node.factors) if isinstance(node, Product) else ():
        letters = summed_letters(second)[0] if isinstance(second, BigSum) and second.upper is None else ()
        if isinstance(first, Fraction) and len(letters) == 1:
            yield from ((name, letters[0]) for name in _factors(first.denominator))


def _factors(formula: Formula) -> Iterator[str]:
    """Yield the names that a formula is made of by multiplying."""
    factors = formula.factors if isinstance(formula, Product) else (formula,)
    yield from (factor.name for factor in factors if isinstance(factor, Name))


def first_place(formulas: Iterable[Formula]) -> int:
    """Return what the indices of a text count from: 0 where every sum does, `Σ_{k=0}^{K-1}`, else 1."""
    sums = [node for formula in formulas for node in nodes_of(formula, BigSum) if node.lower is not None]
    ends = [node.upper for node in sums if isinstance(node.upper, Sum) and node.upper.terms[1:] == (Neg(Number("1")),)]
    return 0 if ends and all(node.lower == Number("0") for node in sums) else 1


def _runs(node: Formula) -> Iterator[tuple[str, Formula]]:
    """Yield the letter and the upper bound of a sum that has both."""
    if isinstance(node, BigSum) and node.upper is not None:
        yield from ((letter, node.upper) for letter in summed_letters(node)[0])


def _places(formula: Formula) -> Iterator[tuple[tuple[str, int, int], str]]:
    """Yield (array, number of axes, axis) or (bound, 0, 0) with each letter that stands there."""
    for node in walk(formula):
        if isinstance(node, Indexed):
            for axis, label in enumerate(node.indices):
                if isinstance(label, Name):
                    yield (node.name, len(node.indices), axis), label.name
        elif isinstance(node, BigSum):
            yield from (((bound, 0, 0), letter) for bound, letter in _ends(node))


def _ends(node: BigSum) -> Iterator[tuple[str, str]]:
    """Yield the name at the upper end of a sum with the letters that run up to it."""
    if isinstance(node.upper, Name):
        yield from ((node.upper.name, letter) for letter in summed_letters(node)[0])


def _representative(same: Mapping[str, str], letter: str) -> str:
    while same[letter] != letter:
        letter = same[letter]
    return letter


def _join(same: dict[str, str], one: str, other: str) -> None:
    first, second = sorted((_representative(same, one), _representative(same, other)))
    same[second] = first


def axes_of(formulas: Iterable[Formula], ranges: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Return the sizes of the axes of every array whose entries all have as many index letters, one or two."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for formula in formulas:
        for node in walk(formula):
            if isinstance(node, Indexed) and not node.upper:
                found.setdefault(node.name, set()).add(tuple(_size(label, ranges) for label in node.indices))
    return {name: min(sizes) for name, sizes in found.items() if _are_alike(sizes)}


def _are_alike(sizes: set[tuple[str, ...]]) -> bool:
    """Whether all entries of an array have as many index letters, one or two."""
    return len({len(each) for each in sizes}) == 1 and all(len(each) <= 2 and all(each) for each in sizes)


def _size(label: Formula, ranges: Mapping[str, str]) -> str:
    return ranges.get(label.name, "") if isinstance(label, Name) else ""
