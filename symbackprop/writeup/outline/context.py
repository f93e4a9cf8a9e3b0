"""What every part of a handout is made from: the derivation, its options, its printed numbers, and writers for formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction as Exact
from typing import Any, TypeVar

from sympy import Add, Symbol

from symbackprop.derive.matrix.matrix_writing import ones_spellings
from symbackprop.derive.reasons import Because, Reason, worded
from symbackprop.derive.steps.worked_formulas import up_to_loss, worked_formulas
from symbackprop.derive.steps.writer import Writer
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Blank, Formula, Indexed, Name, Neg, Number, Partial, Sum
from symbackprop.formula.tree.walk import fold, with_children
from symbackprop.formula.value.numbers import exact
from symbackprop.network.node import Role
from symbackprop.writeup.numbers.ledger import Ledger, keep_books
from symbackprop.writeup.numbers.vanishing import Vanishing, vanishing_gradients
from symbackprop.writeup.page.blocks import LEFT, NUMBER_GAP, NUMBERS, RESULT, SYMBOLS, Line, Part, Words
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.page.phrases import Gap, phrase, plain

SCALAR_PLACES, ARRAY_PLACES = 6, 4
#: The textbook's notation with every times sign written and ties rounded as at school.
#: Reasons that a narrow column words shorter.
SHORT = {"shared name": "shared factor", "with the shared name": "with its name"}
#: And those that speak of sums over an index, where there is no index.
NO_SUMS = {"multiply out": "expand"}
HANDOUT_NOTATION = Notation(title="handout", times=r"\cdot", juxtapose_bracket="never")

_Choice = TypeVar("_Choice")


@dataclass(frozen=True, slots=True)
class Context:
    """A derivation with everything decided that its handout needs."""

    derivation: DerivationRecord
    options: HandoutOptions
    notation: Notation
    writer: Writer  # spells shared adjoints as δ
    ledger: Ledger
    weights: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def plain_writer(self) -> Writer:
        """A writer that spells every adjoint as a derivative."""
        return Writer(self.derivation, self.notation)

    @property
    def is_scalar(self) -> bool:
        """Whether no node up to the loss has indices, so that every step can be worked with numbers."""
        return self.ledger.formulas.is_scalar

    @property
    def is_worksheet(self) -> bool:
        """Whether a page is to be worked on by hand, or is the key to one: what only repeats itself is not asked for."""
        return self.options.audience in ("student", "key") and self.options.blanks != "none"

    @property
    def vanishing(self) -> list[Vanishing]:
        """The gradients that are exactly 0."""
        return vanishing_gradients(self.derivation, self.ledger)

    def say(self, key: str, **gaps: Gap) -> Words:
        """Return a fixed phrase in the reader's language."""
        return phrase(key, self.options.lang, **gaps)

    def plainly(self, key: str, **gaps: str | int) -> str:
        """Return a fixed phrase without formulas as a string."""
        return plain(key, self.options.lang, **gaps)

    def reason(self, because: Because) -> str:
        """Return the reason of a step in the reader's language."""
        shorter = SHORT | (NO_SUMS if self.is_scalar else {})
        return worded((Reason(shorter.get(reason.key, reason.key), reason.values) for reason in because), self.options.lang)

    def wants(self, part: str) -> bool:
        """Whether a part of the handout is switched on."""
        return part in self.options.parts

    def is_given(self, name: str) -> bool:
        """Whether a name's value is given rather than computed."""
        return not self.derivation.network.nodes[name].defined

    def with_numbers(self, formula: Formula) -> tuple[Formula, Formula]:
        """Put printed numbers in place of names and derivatives; the second formula has gaps for the computed ones."""
        lookup = self.ledger.number
        eta = Name(self.notation.learning_rate)
        declared = {node.name for node in self.derivation.network.nodes.values() if not node.defined} | {eta.name}

        def number(node: Formula) -> Formula | None:
            value = learning_rate(self) if node == eta else lookup(node)
            return None if value is None else self.ledger.formula(value)

        def gap(node: Formula) -> Formula | None:
            if not isinstance(node, Name | Partial | Indexed):
                return None
            if isinstance(node, Name) and node.name in declared:
                return number(node)
            return None if lookup(node) is None else Blank(NUMBER_GAP)

        return fold(formula, with_children, number), fold(formula, with_children, gap)

    def calculation(self, left: Formula, symbols: tuple[Formula, ...], result: Exact, **extra: Any) -> Line:
        """Return `left = symbols = numbers = result`; the numbers are left out where they say nothing new."""
        parts = [Part(left, "", LEFT)]
        parts += [Part(symbol, "=", SYMBOLS, hidden="rhs") for symbol in symbols]
        numbers, stripped = self.with_numbers(symbols[-1])
        printed = self.ledger.formula(result)
        shown = without_zeros(numbers)
        if shown != printed:
            parts.append(Part(shown, "=", NUMBERS, stripped if stripped != numbers else None, hidden="rhs"))
        parts.append(Part(printed, "=", RESULT, hidden="numbers"))
        return Line(tuple(parts), **extra)


ZERO = Number("0")


def without_zeros(formula: Formula) -> Formula:
    """Return a sum without the terms that are written 0."""
    if not isinstance(formula, Sum):
        return formula
    terms = [term for term in formula.terms if term not in (ZERO, Neg(ZERO))]
    return Sum(tuple(terms)) if len(terms) > 1 else terms[0] if terms else ZERO


def make_context(derivation: DerivationRecord, options: HandoutOptions, values: Mapping[str, Any] | None = None) -> Context:
    """Decide the weights, the decimals and the notation, and compute every number.

    Raises UserError for an unknown weight or a missing value.
    """
    chosen = (options.notation or HANDOUT_NOTATION.override(residual=authors_residual(derivation))).override(
        delta_sign=1, otherwise=plain("otherwise", options.lang)
    )
    extents = {extent for node in derivation.network.nodes.values() for extent in node.shape}
    chosen = chosen.override(names=ones_spellings(sorted(extents, key=str)))
    writer, formulas = worked_formulas(derivation, chosen)
    places = options.decimals or chosen.decimals or (SCALAR_PLACES if formulas.is_scalar else ARRAY_PLACES)
    given = {**derivation.network.values, **(values or {})}
    sizes = {str(key): int(size) for key, size in derivation.network.sizes(given).items()}
    ledger = keep_books(formulas, given, sizes, places, chosen.rounding, chained=formulas.is_scalar)
    return Context(derivation, options, chosen, writer, ledger, _worked(derivation, options.weights), dict(values or {}))


def _worked(derivation: DerivationRecord, weights: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that are worked in full. Raises UserError for one that has no gradient."""
    names = tuple(dict.fromkeys(weights)) or choose_weights(derivation)
    for name in names:
        node = derivation.network.node(name)
        if node.name not in derivation.adjoints or node.name == derivation.loss:
            raise UserError(f"handout: {name}: the loss {derivation.loss} does not depend on it, so it has no gradient to work")
    return names


def authors_residual(derivation: DerivationRecord) -> str:
    """Return how the network's author writes a difference of target and output, as an option of a notation."""
    targets = {node.name for node in derivation.network.of_role(Role.TARGET)}
    expressions = [derivation.network.nodes[name].expression for name in up_to_loss(derivation)]
    sums = [total for expression in expressions if expression is not None for total in expression.atoms(Add)]
    return next(filter(None, (_residual(total, targets) for total in sums)), HANDOUT_NOTATION.residual)


def _residual(total: Add, targets: set[str]) -> str:
    """Return which way round a difference of two stands, one of them a target; empty for any other sum."""
    found = [term for term in total.args if targets.intersection(map(str, term.atoms(Symbol)))]
    if len(total.args) != 2 or len(found) != 1:
        return ""
    return "target-out" if found[0].as_coeff_Mul()[0] > 0 else "out-target"


def choose_weights(derivation: DerivationRecord) -> tuple[str, ...]:
    """Choose one output weight and one hidden weight by structure: the nearest and the farthest from the loss.

    A weight (a parameter that multiplies something, or has the most indices) goes before a bias; the first in order of
    declaration goes before the others.
    """
    depth = {name: len(derivation.between(name)) for name in _weights(derivation)}
    if not depth:
        return tuple(name for name in derivation.wrt if name in derivation.adjoints)[:2]
    near, far = min(depth, key=depth.__getitem__), max(depth, key=depth.__getitem__)
    return (near,) if depth[near] == depth[far] else (near, far)


def _weights(derivation: DerivationRecord) -> list[str]:
    """Return the parameters that are weights rather than biases, in order of declaration."""
    nodes = [node for node in derivation.network.of_role(Role.PARAMETER) if node.name in derivation.adjoints]
    nodes = _preferred(nodes, lambda node: node.name in derivation.wrt)
    most = max((len(node.indices) for node in nodes), default=0)
    names = [node.name for node in nodes if len(node.indices) == most]
    return _preferred(names, lambda name: _multiplies(name, derivation))


def _preferred(choices: list[_Choice], test: Callable[[_Choice], bool]) -> list[_Choice]:
    """Return the choices that pass a test; all where none does."""
    return list(filter(test, choices)) or choices


def _multiplies(name: str, derivation: DerivationRecord) -> bool:
    return any(not term.local.is_number for term in derivation.adjoints[name].contributions)


def learning_rate(context: Context) -> Exact:
    """Return the learning rate as the decimal fraction it is written as."""
    return exact(context.options.learning_rate)
