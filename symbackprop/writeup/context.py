"""What every part of a handout is made from: the derivation, its options, its printed numbers, and writers for formulas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as Exact
from typing import Any

from symbackprop.derive.derivation import Derivation
from symbackprop.derive.matrix_writing import ones_spellings
from symbackprop.derive.writer import Writer
from symbackprop.errors import UserError
from symbackprop.formula.notation import Notation
from symbackprop.formula.tree import Blank, Formula, Indexed, Name, Partial
from symbackprop.formula.walk import fold, with_children
from symbackprop.network.node import Role
from symbackprop.writeup.arithmetic import Rounding, exact
from symbackprop.writeup.blocks import LEFT, NUMBERS, RESULT, SYMBOLS, Line, Part, Words
from symbackprop.writeup.ledger import Ledger, keep_books, pre_activations
from symbackprop.writeup.options import HandoutOptions
from symbackprop.writeup.phrases import phrase, plain
from symbackprop.writeup.reasons import reason

#: Width of the gap for one number, in em: the same for every number, so that it tells nothing about the digits.
NUMBER_GAP = 5.0
SCALAR_PLACES, ARRAY_PLACES = 6, 4
#: The textbook's notation with every times sign written and ties rounded as at school.
HANDOUT_NOTATION = Notation(title="handout", times=r"\cdot", juxtapose_bracket="never", rounding="half-up")


@dataclass(frozen=True, slots=True)
class Context:
    """A derivation with everything decided that its handout needs."""

    derivation: Derivation
    options: HandoutOptions
    notation: Notation
    ledger: Ledger
    weights: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def writer(self) -> Writer:
        """The writer that spells shared adjoints as δ."""
        return self.ledger.writer

    @property
    def plain_writer(self) -> Writer:
        """A writer that spells every adjoint as a derivative."""
        return Writer(self.derivation, self.notation)

    @property
    def rounding(self) -> Rounding:
        """The rounding rule of the handout."""
        return self.ledger.rounding

    @property
    def is_scalar(self) -> bool:
        """Whether no node up to the loss has indices, so that every step can be worked with numbers."""
        return not has_indices(self.derivation)

    def say(self, key: str, **gaps: str | int | Formula) -> Words:
        """Return a fixed phrase in the reader's language."""
        return phrase(key, self.options.lang, **gaps)

    def plainly(self, key: str, **gaps: str | int) -> str:
        """Return a fixed phrase without formulas as a string."""
        return plain(key, self.options.lang, **gaps)

    def reason(self, because: str) -> str:
        """Return the reason of a step in the reader's language."""
        return reason(because, self.options.lang)

    def wants(self, part: str) -> bool:
        """Whether a part of the handout is switched on."""
        return part in self.options.parts

    def is_given(self, name: str) -> bool:
        """Whether a name's value is given rather than computed."""
        return not self.derivation.network.nodes[name].defined

    def with_numbers(self, formula: Formula) -> tuple[Formula, Formula]:
        """Put printed numbers in place of names and derivatives; the second formula has gaps for the computed ones."""
        lookup = self.ledger.scope.lookup
        eta = Name(self.notation.learning_rate)
        declared = {node.name for node in self.derivation.network.nodes.values() if not node.defined} | {eta.name}

        def number(node: Formula) -> Formula | None:
            value = learning_rate(self) if node == eta else lookup(node, {})
            return None if value is None else self.rounding.formula(value)

        def gap(node: Formula) -> Formula | None:
            if not isinstance(node, Name | Partial | Indexed):
                return None
            if isinstance(node, Name) and node.name in declared:
                return number(node)
            return None if lookup(node, {}) is None else Blank(NUMBER_GAP)

        return fold(formula, with_children, number), fold(formula, with_children, gap)

    def calculation(self, left: Formula, symbols: tuple[Formula, ...], result: Exact, **extra: Any) -> Line:
        """Return `left = symbols = numbers = result`; the numbers are left out where they say nothing new."""
        parts = [Part(left, "", LEFT)]
        parts += [Part(symbol, "=", SYMBOLS, hidden="rhs") for symbol in symbols]
        numbers, stripped = self.with_numbers(symbols[-1])
        printed = self.rounding.formula(result)
        if numbers != printed:
            parts.append(Part(numbers, "=", NUMBERS, stripped if stripped != numbers else None, hidden="rhs"))
        parts.append(Part(printed, "=", RESULT, hidden="numbers"))
        return Line(tuple(parts), **extra)


def has_indices(derivation: Derivation) -> bool:
    """Whether any node up to the loss has indices."""
    return any(derivation.network.nodes[name].indices for name in derivation.adjoints)


def make_context(derivation: Derivation, options: HandoutOptions, values: Mapping[str, Any] | None = None) -> Context:
    """Decide the weights, the decimals and the notation, and compute every number.

    Raises UserError for an unknown weight or a missing value.
    """
    chosen = (options.notation or HANDOUT_NOTATION).override(delta_sign=1)
    sizes = {extent for node in derivation.network.nodes.values() for extent in node.shape}
    chosen = chosen.override(names=ones_spellings(sorted(sizes, key=str)))
    places = options.decimals or chosen.decimals or (ARRAY_PLACES if has_indices(derivation) else SCALAR_PLACES)
    writer = Writer(derivation, chosen, pre_activations(derivation))
    ledger = keep_books(derivation, writer, Rounding(places, chosen.rounding), values)
    weights = tuple(dict.fromkeys(options.weights)) or choose_weights(derivation)
    for name in weights:
        node = derivation.network.node(name)
        if node.name not in derivation.adjoints or node.name == derivation.loss:
            raise UserError(f"handout: {name}: the loss {derivation.loss} does not depend on it, so it has no gradient to work")
    return Context(derivation, options, chosen, ledger, tuple(weights), dict(values or {}))


def choose_weights(derivation: Derivation) -> tuple[str, ...]:
    """Choose one output weight and one hidden weight by structure: the nearest and the farthest from the loss.

    A weight (a parameter that multiplies something, or has the most indices) goes before a bias; the first in order of
    declaration goes before the others.
    """
    network = derivation.network
    known = [node for node in network.of_role(Role.PARAMETER) if node.name in derivation.adjoints]
    known = [node for node in known if node.name in derivation.wrt] or known
    if not known:
        return tuple(name for name in derivation.wrt if name in derivation.adjoints)[:2]
    most = max(len(node.indices) for node in known)
    weights = [node.name for node in known if len(node.indices) == most]
    multiplying = [name for name in weights if any(not term.local.is_number for term in derivation.adjoints[name].contributions)]
    weights = multiplying or weights
    depth = {name: len(derivation.between(name)) for name in weights}
    near = min(weights, key=lambda name: depth[name])
    far = max(weights, key=lambda name: depth[name])
    return (near,) if depth[near] == depth[far] else (near, far)


def learning_rate(context: Context) -> Exact:
    """Return the learning rate as the decimal fraction it is written as."""
    return exact(context.options.learning_rate)
