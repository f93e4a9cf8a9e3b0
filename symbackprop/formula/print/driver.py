"""One driver for every printer: from the leaves up, brackets where the structure forces them, a rule for each kind of node.

A `Format` is a table of rules; one that lacks a rule, or has one too many, is refused when it is made. What is the same in every
format (which sign stands between two factors, how a derivative falls into its parts) is worked out here and in `signs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from symbackprop.errors import InternalError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.signs import sign_between
from symbackprop.formula.tree.brackets import Slot, is_forced, needs_brackets_to_count, slots
from symbackprop.formula.tree.tree import KINDS, BigSum, Chain, Formula, Group, Indexed, Matrix, Neg, Partial, Product, Sum
from symbackprop.formula.tree.walk import children, fold, with_children

#: Prints one node from its printed parts, which are in brackets where they need them.
Rule = Callable[[Any, list[str], Notation], str]
CLOSING = {"(": ")", "[": "]", "{": "}", "(]": "]", "[)": ")"}
#: Texts that are brackets whose partner stands in another row: set as signs of the formula.
LONE_BRACKETS = {"(": "paren.l", ")": "paren.r"}


@dataclass(frozen=True, slots=True)
class Format:
    """A format of formulas: a rule for each kind of node, how brackets are put around, and where they are forced.

    Raises InternalError unless `rules` has exactly the kinds of node there are.
    """

    name: str
    rules: Mapping[type[Formula], Rule]
    bracketed: Callable[[str, Notation], str]
    forced: Callable[[Formula, Slot, frozenset[str]], bool] = is_forced

    def __post_init__(self) -> None:
        missing = sorted(kind.__name__ for kind in set(KINDS) ^ set(self.rules))
        if missing:
            raise InternalError(f"format {self.name}: expected one rule for each kind of node; amiss: {', '.join(missing)}")


#: What is printed in the place of a node, chosen from the node and its parts with their texts; None for the node itself.
Instead = Callable[[Any, tuple["Printed", ...]], "Printed | Formula | None"]
Printed = tuple[Formula, str]  # what is printed, and its text
#: Texts to go on with, by the identity of what they are the texts of, which is kept beside them.
Remembered = dict[int, tuple[Formula, Printed]]


def printed(
    formula: Formula, form: Format, notation: Notation, instead: Instead | None = None, remembered: Remembered | None = None
) -> str:
    """Return a formula in a format; with `instead` the text of what it puts in the place of nodes, in the same single pass.

    What is in `remembered` is not printed again, and what is printed goes there: for formulas made of the same parts.
    """

    def combine(node: Formula, parts: tuple[Printed, ...]) -> Printed:
        if not parts:
            return node, form.rules[type(node)](node, [], notation)
        found = whole(node, parts)
        if remembered is not None:
            remembered[id(node)] = (node, found)
        return found

    def whole(node: Formula, parts: tuple[Printed, ...]) -> Printed:
        own = children(node)
        if instead is not None:
            chosen = instead(node, parts)
            if isinstance(chosen, tuple):
                return chosen
            node = node if chosen is None else chosen
            if any(new is not old for (new, _), old in zip(parts, own, strict=True)):
                node = with_children(node, own := tuple(part for part, _ in parts))
        placed = [
            form.bracketed(text, notation) if form.forced(child, slot, notation.layered) else text
            for child, (_, text), slot in zip(own, parts, slots(node, len(own)), strict=True)
        ]
        return node, form.rules[type(node)](node, placed, notation)

    def known(node: Formula) -> Printed | None:
        found = remembered.get(id(node)) if remembered else None
        return found and found[1]

    return (fold(formula, combine) if remembered is None else fold(formula, combine, known))[1]


def terms(node: Sum, parts: list[str], minus: str = "-") -> list[tuple[str, str]]:
    """Return the terms with the signs before them; a `Neg` is printed with `minus` in front, which becomes the sign."""
    signs = ["-" if isinstance(term, Neg) else "+" for term in node.terms]
    bare = [part.removeprefix(minus) if sign == "-" else part for sign, part in zip(signs, parts, strict=True)]
    return [("", parts[0]), *zip(signs[1:], bare[1:], strict=True)]


def factors(node: Product, parts: list[str], notation: Notation) -> list[tuple[str, str]]:
    """Return the factors with the times signs before them, as the notation writes them."""
    pairs = zip(node.factors, node.factors[1:], strict=False)
    return list(zip(("", *(sign_between(left, right, notation) for left, right in pairs)), parts, strict=True))


def rows(node: Matrix, parts: list[str]) -> list[list[str]]:
    """Return the entries of a matrix row by row."""
    return [parts[start : start + node.columns] for start in range(0, len(parts), node.columns)]


def sides(node: Chain, parts: list[str]) -> list[tuple[str, str]]:
    """Return the parts of a chain with the relations before them."""
    return list(zip(("", *node.relations), parts, strict=True))


def bounds(node: BigSum, parts: list[str]) -> tuple[str, str, str, str]:
    """Return the body, the index, the lower and the upper bound, "" for what is not written."""
    body, *rest = parts
    written = iter(rest)
    index, lower, upper = (next(written) if part is not None else "" for part in (node.index, node.lower, node.upper))
    return body, index, lower, upper


def scripts(node: Indexed, parts: list[str]) -> tuple[list[str], list[str]]:
    """Return what is below and what is above a name; labels in brackets of their own, `[l](i)`, stand together."""
    below, above = parts[: len(node.indices)], parts[len(node.indices) :]
    return below, ["".join(above)] if is_bracketed(node) else above


def is_bracketed(node: Indexed) -> bool:
    """Whether the labels above a name, a layer and a sample, have brackets of their own."""
    return bool(node.upper) and all(isinstance(label, Group) for label in node.upper)


@dataclass(frozen=True, slots=True)
class Derivative:
    """A derivative in parts: its order, what is differentiated, and each variable with how often it is taken."""

    order: int
    above: str
    below: tuple[tuple[str, int], ...]


def derivative(node: Partial, parts: list[str], bracketed: Callable[[str, Notation], str], notation: Notation) -> Derivative:
    """Take a derivative apart; a variable that is taken twice gets brackets where its count could be read as a power."""
    variables = parts[1:]
    if len(set(variables)) < len(variables):
        raised = [needs_brackets_to_count(child, notation.layered) for child in children(node)[1:]]
        pairs = zip(variables, raised, strict=True)
        variables = [bracketed(part, notation) if needed else part for part, needed in pairs]
    runs = tuple((variable, len(list(same))) for variable, same in groupby(variables))
    return Derivative(len(node.others) + 1, parts[0], runs)
