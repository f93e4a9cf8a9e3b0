"""Networks of arrays whose write-ups are read again, and what a page says: formulas, tables, exact arithmetic. For tests."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from symbackprop.api import Derivation, derive
from symbackprop.derive.steps.worked_formulas import pre_activations
from symbackprop.derive.steps.writer import delta_name
from symbackprop.formula.print.latex_prose import IN_MATHEMATICS
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.walk import replace, walk
from symbackprop.formula.value.evaluate import Known, gaps, value_of
from symbackprop.formula.value.rules import bound
from symbackprop.network import Network
from symbackprop.network.indices import size_symbol
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.blocks import Outline
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.md import markdown
from tests.array_slopes import Slopes
from tests.derive.random_networks import index_network
from tests.numeric.test_random_networks import random_tensor_network
from tests.numeric.zoo import CASES
from tests.writeup.page_gate import MADE, gate_network
from tests.writeup.printed import Statement, inline, statements
from tests.writeup.support import ARRAYS, agrees, computed, decimal_of, document, names_of, places, rounded

NEAR = 1e-9

# --- networks


@cache
def array_derivation(name: str) -> Derivation:
    """Return a derivation with two-digit values: a document, a network of the zoo, or `index 3`, `tensor 3` at random."""
    kind, _, seed = name.partition(" ")
    if name in CASES and name not in ARRAYS:
        case = CASES[name]()
        return with_values(case.network, case.loss, case.values(1))
    if kind == "index":
        network, loss = index_network(int(seed))
        return with_values(network, loss, drawn(network, {"N": 2, "D": 2, "F": 2, "K": 3}, int(seed)))
    if kind == "tensor":
        return with_values(*(lambda network, values: (network, "E", values))(*random_tensor_network(int(seed))))
    return gate_network(name) if name in MADE else document(name)


def drawn(network: Network, sizes: dict[str, int], seed: int) -> dict[str, Any]:
    """Return normal values of the declared names."""
    dice, known = np.random.default_rng(seed), {size_symbol(name): size for name, size in sizes.items()}
    given = [node for node in network.nodes.values() if not node.defined]
    return {node.name: dice.normal(size=tuple(int(extent.subs(known)) for extent in node.shape)) for node in given}


def with_values(network: Network, loss: Any, values: dict[str, Any]) -> Derivation:
    """Give a network values of two digits and derive it."""
    network.set_values({name: np.round(value, 2) if np.ndim(value) else round(float(value), 2) for name, value in values.items()})
    return derive(network, loss)


@cache
def slopes(name: str) -> Slopes:
    """Return a network's values and derivatives from its definitions."""
    derivation = array_derivation(name)
    return Slopes(derivation.network, derivation.loss, derivation.network.values)


@cache
def outline_at(name: str, level: str = "full") -> Outline:
    """Return the outline of a network's handout, each made once; of a random network without figures and exercises."""
    options = HandoutOptions(level=level)
    if " " in name:
        options = options.without("diagram", "exercises", "code")
    return make_outline(array_derivation(name), options)


@cache
def markdown_at(name: str, level: str = "full") -> str:
    """Return the Markdown page of a network's handout."""
    return markdown(outline_at(name, level))[""]


# --- the formulas of a page


@dataclass
class Reader:
    """Reads the formulas of one page and works them out."""

    names: Names
    known: Known
    verified: Counter[str] = field(default_factory=Counter)  # relations that hold, by part of the page
    only_names: list[str] = field(default_factory=list)  # formulas that state nothing
    wrong: list[Statement] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # whole arrays of three axes, in labels of figures

    _read: dict[str, tree.Formula] = field(default_factory=dict)

    def read(self, latex: str) -> tree.Formula:
        """Return a formula, each read once."""
        if latex not in self._read:
            self._read[latex] = read(latex, self.names)
        return self._read[latex]

    def check(self, statement: Statement) -> None:
        """Verify every relation of a formula."""
        formula = counted_from_0(self.read(statement.latex))
        if not isinstance(formula, tree.Chain):
            self.only_names.append(statement.latex)
        elif is_worked(formula):
            self._check_worked(formula, statement)
        elif self.is_stack(formula):
            self.refused.append(statement.latex)
        elif max(gaps(formula, self.known)) < NEAR:
            self.verified[statement.part] += len(formula.relations)
        else:
            self.wrong.append(statement)

    def _check_worked(self, formula: tree.Chain, statement: Statement) -> None:
        """Verify a line with numbers put in: they come to the printed result, which is the value of the sides before."""
        *before, last = formula.parts
        symbols, numbers = ([side for side in before if has_names(side) is named] for named in (True, False))
        printed = decimal_of(last)
        values = [float(value_of(side, self.known)) for side in symbols]
        holds = all(agrees(printed, value) and abs(value - values[0]) < NEAR * max(1.0, abs(value)) for value in values)
        if holds and all(rounded(computed(side), max(places(printed), 4)) == printed for side in numbers):
            self.verified[statement.part] += len(formula.relations)
        else:
            self.wrong.append(statement)

    def is_stack(self, formula: tree.Formula) -> bool:
        """Whether an array of three axes stands without indices, as in `Y = A V` for every sample."""
        return any(isinstance(part, tree.Name) and np.ndim(self.known.arrays.get(part.name, 0)) > 2 for part in walk(formula))

    def check_page(self, page: str) -> None:
        """Verify all formulas of a page, in displays and in the text."""
        signs = {sign.strip() for sign in IN_MATHEMATICS.values()}
        for statement in statements(page):
            self.check(statement)
        for found in inline(page):
            latex = re.sub(r"\\mathrm\{(tanh|sin|cos)\}", r"\\\1", found)  # as labels of figures have it
            if latex.strip() not in signs:
                self.check(Statement("text", latex))


def has_names(formula: tree.Formula) -> bool:
    """Whether a formula has names in it, functions, Euler's number and π left out."""
    functions = [part.function for part in walk(formula) if isinstance(part, tree.Call)]
    constants = (tree.Name("e"), tree.Name("pi"))
    named = (part for part in walk(formula) if isinstance(part, tree.Name | tree.Indexed))
    return any(part not in constants and not any(part is function for function in functions) for part in named)


def is_worked(chain: tree.Chain) -> bool:
    """Whether a chain ends with a number that names stand for, at one place: what is said of every place is no such line."""
    return has_names(chain.parts[0]) and not has_names(chain.parts[-1]) and not has_free_indices(chain)


def has_free_indices(formula: tree.Formula) -> bool:
    """Whether an entry has a letter for an index that no sum runs over."""
    bound_here = {name for part in walk(formula) if isinstance(part, tree.BigSum) for name in bound(part)}
    entries = [part for part in walk(formula) if isinstance(part, tree.Indexed)]
    letters = {part.name for entry in entries for index in entry.indices for part in walk(index) if isinstance(part, tree.Name)}
    return not letters <= bound_here


def counted_from_0(formula: tree.Formula) -> tree.Formula:
    """Return a formula with its numbered entries counted as the tests count them; a page counts from 1."""

    def lowered(node: tree.Formula) -> tree.Formula:
        if isinstance(node, tree.Indexed) and all(isinstance(index, tree.Number) for index in node.indices):
            numbers = (int(index.text) - 1 for index in node.indices if isinstance(index, tree.Number))
            return tree.Indexed(node.name, tuple(tree.Number(str(number)) for number in numbers), node.upper)
        return node

    return replace(formula, lowered)


def reader(name: str, outline: Outline) -> Reader:
    """Return a reader of a network's page."""
    derivation = array_derivation(name)
    deltas = {delta_name(derivation.network.nodes[n], outline.notation): n for n in pre_activations(derivation)}
    return Reader(names_of(derivation, outline.notation), slopes(name).known(deltas))


# --- the tables of a page


def printed_tables(page: str, names: Names) -> dict[tree.Formula, Any]:
    """Return the arrays a page gives in full, by what they are the values of, exact."""
    found = {}
    for left, value in re.findall(
        r"^(?:\$\$\n|\$\\displaystyle )([^$\n=]+) = (\\begin\{bmatrix\} .+|[-0-9.]+)(?:\$|$)", page, re.M
    ):
        body = re.sub(r"\\(begin|end)\{bmatrix\}", "", value)
        rows = [[Decimal(entry.strip()) for entry in row.split("&")] for row in body.split(r"\\")]
        found[read(left, names)] = np.array(rows, dtype=object)
    return found


def printed_rows(page: str) -> dict[str, Decimal]:
    """Return the rows `| label | $number$ |` of a page by label."""
    return {label: Decimal(number) for label, number in re.findall(r"^\| (\w+) \| \$([-0-9.]+)\$ \|$", page, re.M)}
