"""Formulas for any layer, `a^l = σ(w^l a^{l-1} + b^l)`: what each of them says in every layer of a small network.

A letter above a name that goes up and down by one, l, l-1, l+1, or that is called l, stands for any layer; L for the last one.
A formula with such a letter is judged as the formulas that it stands for, one a layer, in a network of four: `a^(2) = …`,
`a^(3) = …`. The index letters of each of these are letters of their own, so that every layer has a width of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields

from symbackprop.formula.tree.tree import BigSum, Chain, Formula, Group, Indexed, Nabla, Name, Neg, Number, Sum
from symbackprop.formula.tree.walk import children, replace, walk

FEWEST_LAYERS = 4
MOST_LAYERS = 6
#: Between an index letter and the number of the formula that it belongs to.
MARK = "′"


class NoSuchLayerError(Exception):
    """A formula speaks of a layer that the network does not have."""


@dataclass(frozen=True, slots=True)
class Layers:
    """The letters that stand for any layer and for the last one, the names that have such letters, and the layers there are."""

    any_layer: frozenset[str]
    last: frozenset[str]
    names: frozenset[str]
    numbers: range
    parameters: Mapping[str, frozenset[int]] = field(default_factory=dict)  # in which layers a parameter stands

    def in_each(self, chain: Chain, number: int) -> Iterator[tuple[int, Chain]]:
        """Yield every layer that a formula can speak of, and what it says there; nothing where it speaks of no layer.

        `number` is the formula's own: its index letters are marked with it.
        """
        letters = _layer_letters(chain, self.any_layer)
        if len(letters) > 1 or not (letters or _speaks_of_layers(chain)):
            return
        for layer in self.numbers if letters else (0,):
            values = dict.fromkeys(letters, layer) | dict.fromkeys(self.last, self.numbers[-1])
            try:
                yield layer, _in_layer(chain, values, self, f"{number * (MOST_LAYERS + 2) + layer}")
            except NoSuchLayerError:
                continue


def find_layers(chains: Sequence[Chain]) -> Layers | None:
    """Return the letters of a text that stand for layers; None where there are none."""
    labels = [(name, *_letter_and_offset(label)) for name, label in _labels(chains)]
    lettered = [(name, letter, offset) for name, letter, offset in labels if letter]
    numbers = {offset for _, letter, offset in labels if not letter and offset is not None}
    any_layer, last = _kinds_of_letters(lettered)
    if not any_layer | last or max(numbers, default=0) > MOST_LAYERS:
        return None
    names = {name for name, _, _ in lettered}
    highest = max(FEWEST_LAYERS, *numbers, 0)
    lowest = 0 if 0 in numbers else 1
    found = Layers(frozenset(any_layer), frozenset(last), frozenset(names), range(lowest, highest + 1))
    return replace_fields(found, parameters=_parameters(found, chains))


def _kinds_of_letters(labels: Iterable[tuple[str, str, int | None]]) -> tuple[set[str], set[str]]:
    """Return the letters for any layer, and those for the last one; none where no letter goes up or down and none is l."""
    moved: set[str] = set()
    above: set[str] = set()
    for _, letter, offset in labels:
        above.add(letter)
        moved.update({letter} if offset else ())
    last = {letter for letter in above if letter.isupper()}
    any_layer = (moved - last) | ({"l"} & above)
    return (any_layer, last) if any_layer or last & moved else (set(), set())


def _parameters(layers: Layers, chains: Sequence[Chain]) -> Mapping[str, frozenset[int]]:
    """Return in which layers the names stand that no formula says anything of, by the formulas that first say what others are."""
    stating: dict[str, Chain] = {}
    for chain in chains:
        if isinstance(chain.parts[0], Indexed) and chain.parts[0].upper and not _is_a_step(chain):
            stating.setdefault(chain.parts[0].name, chain)
    found: dict[str, set[int]] = {}
    meant = [part for chain in stating.values() for _, part in layers.in_each(chain, 0)]
    for name, label in _numbered_names(meant):
        if name not in stating:
            found.setdefault(name, set()).add(label)
    return {name: frozenset(numbers) for name, numbers in found.items()}


def _is_a_step(chain: Chain) -> bool:
    """Whether a chain gives a parameter its next value: `b^l → b^l - η δ^l`."""
    head = chain.parts[0]
    goes_on = isinstance(chain.parts[1], Sum) and chain.parts[1].terms[0] == head
    return chain.relations[0] in ("→", "←") or goes_on


def _numbered_names(formulas: Iterable[Formula]) -> Iterator[tuple[str, int]]:
    """Yield a and 2 of every `a^(2)`."""
    for node in (node for formula in formulas for node in walk(formula)):
        numbered = _NUMBERED.fullmatch(node.name) if isinstance(node, Name | Indexed) else None
        if numbered:
            yield numbered[1], int(numbered[2])


def _labels(formulas: Iterable[Formula]) -> Iterator[tuple[str, Formula]]:
    """Yield every name that has one label above it, and the label."""
    for formula in formulas:
        for node in walk(formula):
            if isinstance(node, Indexed) and len(node.upper) == 1:
                yield node.name, node.upper[0]
    yield from ((name, Number(str(number))) for name, number in _numbered_names(formulas))


_NUMBERED = re.compile(r"(.+)\^\((\d+)\)")


def _letter_and_offset(label: Formula) -> tuple[str, int | None]:
    """Return l and -1 of `l - 1`, "" and 3 of `3`; "" and None for any other label."""
    terms = label.body if isinstance(label, Group) else label
    parts = terms.terms if isinstance(terms, Sum) else (terms,)
    letters = [part.name for part in parts if isinstance(part, Name) and len(part.name) == 1]
    counts = [count for part in parts if (count := _whole(part)) is not None]
    if len(letters) > 1 or len(letters) + len(counts) < len(parts):
        return "", None
    return "".join(letters), sum(counts)


def _whole(part: Formula) -> int | None:
    """Return 2 of `2` and -1 of `- 1`; None for what is no small whole number."""
    body = part.body if isinstance(part, Neg) else part
    if not isinstance(body, Number) or not body.text.isdigit() or len(body.text) > 2:
        return None
    return -int(body.text) if isinstance(part, Neg) else int(body.text)


def _layer_letters(chain: Chain, letters: frozenset[str]) -> set[str]:
    """Return the letters for any layer that stand above a name, those left out that a sum runs over."""
    found: set[str] = set()
    waiting: list[tuple[Formula, frozenset[str]]] = [(chain, letters)]
    while waiting:
        node, free = waiting.pop()
        if isinstance(node, BigSum) and isinstance(node.index, Name):
            free = free - {node.index.name}
        if isinstance(node, Indexed):
            found |= {letter for label in node.upper if (letter := _letter_and_offset(label)[0]) in free}
        waiting += [(part, free) for part in children(node)]
    return found


def _speaks_of_layers(chain: Chain) -> bool:
    """Whether a name with a layer occurs, whichever it is."""
    return any(
        isinstance(node, Name | Indexed) and (bool(getattr(node, "upper", ())) or _NUMBERED.fullmatch(node.name) is not None)
        for node in walk(chain)
    )


# ---- one layer -----------------------------------------------------------------------------------------------------


def _in_layer(chain: Chain, values: Mapping[str, int], layers: Layers, mark: str) -> Chain:
    """Return a formula with numbers for its layers, and with index letters of its own."""
    indices = {letter for node in walk(chain) for letter in _index_letters(node)} - values.keys()

    def change(node: Formula) -> Formula:
        if isinstance(node, Indexed):
            return _numbered(node, values, layers)
        if isinstance(node, Name) and node.name in indices:
            return Name(f"{node.name}{MARK}{mark}", span=node.span)
        return _gradient_by_last(node, values, layers)

    parts = tuple(replace(_summed(part, values, layers), change) for part in chain.parts)
    return Chain(parts, chain.relations, span=chain.span)


def _index_letters(node: Formula) -> Iterator[str]:
    for label in node.indices if isinstance(node, Indexed) else ():
        yield from (part.name for part in walk(label) if isinstance(part, Name))


def _numbered(node: Indexed, values: Mapping[str, int], layers: Layers) -> Formula:
    """Return `a^{l-1}_k` as an entry of the array of that layer."""
    if len(node.upper) != 1:
        return node
    letter, offset = _letter_and_offset(node.upper[0])
    if offset is None or (letter and letter not in values):
        return node
    layer = values.get(letter, 0) + offset
    if layer not in layers.parameters.get(node.name, layers.numbers):
        raise NoSuchLayerError
    name = f"{node.name}^({layer})"
    return Indexed(name, node.indices, span=node.span) if node.indices else Name(name, span=node.span)


def _gradient_by_last(node: Formula, values: Mapping[str, int], layers: Layers) -> Formula:
    """`∇_a C`, where every a has a layer: by that of the last one."""
    if isinstance(node, Nabla) and isinstance(node.wrt, Name) and node.wrt.name in layers.names:
        return Nabla(node.body, Name(f"{node.wrt.name}^({layers.numbers[-1]})"), span=node.span)
    return node


def _summed(formula: Formula, values: Mapping[str, int], layers: Layers) -> Formula:
    """Return a formula with every sum over layers written out."""

    def change(node: Formula) -> Formula:
        index = node.index if isinstance(node, BigSum) and node.operator == "sum" else None
        if (
            not isinstance(node, BigSum)
            or not isinstance(index, Name)
            or not _layer_letters(Chain((node.body, node.body), ("=",)), frozenset({index.name}))
        ):
            return node
        terms = list(_terms(node, index.name, values, layers))
        if not terms:
            raise NoSuchLayerError
        return terms[0] if len(terms) == 1 else Group(Sum(tuple(terms)), span=node.span)

    return replace(formula, change)


def _terms(node: BigSum, letter: str, values: Mapping[str, int], layers: Layers) -> Iterator[Formula]:
    """Yield the terms of a sum over layers, from its lower to its upper bound."""
    low = _bound(node.lower, values, layers.numbers[0])
    high = _bound(node.upper, values, layers.numbers[-1])
    for layer in range(low, high + 1):
        try:
            yield replace(node.body, lambda part, layer=layer: _at(part, letter, layer, layers))  # type: ignore[misc]
        except NoSuchLayerError:
            if node.lower is not None and node.upper is not None:
                raise


def _at(part: Formula, letter: str, layer: int, layers: Layers) -> Formula:
    return _numbered(part, {letter: layer}, layers) if isinstance(part, Indexed) else part


def _bound(bound: Formula | None, values: Mapping[str, int], missing: int) -> int:
    """Return the number of a bound. Raises NoSuchLayerError where it has none."""
    if bound is None:
        return missing
    letter, offset = _letter_and_offset(bound)
    if offset is None or (letter and letter not in values):
        raise NoSuchLayerError
    return values.get(letter, 0) + offset


def as_written(text: str) -> str:
    """Return a text with the marks of index letters taken out."""
    return re.sub(rf"{MARK}\d+", "", text)


def marked_letters(chains: Iterable[Chain]) -> set[str]:
    """Return the index letters that formulas have as their own."""
    return {node.name for chain in chains for node in walk(chain) if isinstance(node, Name) and MARK in node.name}


def is_in_several_layers(name: str, letters: Iterable[str]) -> bool:
    """Whether an array without a layer stands for one in each: δ_j of `a_k^{l-1} δ_j`, whose j is that of every layer."""
    marked = {letter for letter in letters if MARK in letter}
    formulas = {(stem, int(mark) // (MOST_LAYERS + 2)) for stem, mark in (letter.split(MARK) for letter in marked)}
    return _NUMBERED.fullmatch(name) is None and len(formulas) < len(marked)


def names_in_layers(chains: Sequence[Chain], layers: Layers) -> frozenset[str]:
    """Return the names of all layers: `a^(1)` … `a^(4)`."""
    found = {node.name for chain in chains for node in walk(chain) if isinstance(node, Name | Indexed)}
    return frozenset(name for name in found if (match := _NUMBERED.fullmatch(name)) and match[1] in layers.names)
