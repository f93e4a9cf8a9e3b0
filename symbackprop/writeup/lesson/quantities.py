"""Live numbers: where a formula is shown with numbers put in, each number is a place in the page that a script keeps up to date.

A place shows the value of an expression in node names and adjoint symbols, which is printed as JavaScript from the record of the
derivation like the rest of the page's program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Expr, IndexedBase, Integer, Symbol

from symbackprop.derive.steps.paths import Chains
from symbackprop.derive.steps.writer import Writer, delta_name
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import NotSupportedError
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.tree import Formula, Name
from symbackprop.formula.tree.walk import fold, with_children

#: A place is printed as a name of one letter and found again by it: one of the rarest there are (CJK extension B).
_FIRST, _LAST = 0x20000, 0x2A6DF
_PRINTED = re.compile(f"<mi>([{chr(_FIRST)}-{chr(_LAST)}])</mi>")
#: The learning rate among the values.
RATE = Symbol("learning rate")


@dataclass
class PageNumbers:
    """The numbers of one page, each kept once, in order of first use."""

    derivation: DerivationRecord
    writer: Writer
    expressions: list[Expr] = field(default_factory=list)
    _numbers: dict[Expr, int] = field(default_factory=dict)
    _deltas: Mapping[str, str] = field(init=False)
    _chains: Chains = field(init=False)

    def __post_init__(self) -> None:
        nodes = self.derivation.network.nodes
        self._deltas = {delta_name(nodes[name], self.writer.notation): name for name in self.writer.deltas}
        self._chains = Chains(self.derivation)

    def place(self, expression: Expr) -> int:
        """Return the number of the place that shows an expression. Raises NotSupportedError for more than there are names."""
        if expression not in self._numbers:
            if len(self.expressions) > _LAST - _FIRST:
                raise NotSupportedError("lesson: the network has too many numbers for one page; write a handout instead")
            self._numbers[expression] = len(self.expressions)
            self.expressions.append(expression)
        return self._numbers[expression]

    def shown(self, expression: Expr) -> Formula:
        """Return the place of an expression as a formula."""
        return Name(chr(_FIRST + self.place(expression)))

    def numbers(self, formula: Formula) -> Formula:
        """Return the formula with a place for every name and derivative whose value is known."""

        def put_in(part: Formula) -> Formula | None:
            expression = self.meaning(part)
            return None if expression is None else self.shown(expression)

        return fold(formula, with_children, put_in)

    def meaning(self, part: Formula) -> Expr | None:
        """Return what a name, an entry or a derivative stands for; None for any other formula."""
        match part:
            case Name(name=name):
                return self._named(name, ())
            case tree.Indexed(name=name, indices=indices) if all(isinstance(index, tree.Number) for index in indices):
                return self._named(name, tuple(Integer(index.text) for index in indices if isinstance(index, tree.Number)))
            case tree.Partial(numerator=Name(name=of), denominator=Name(name=by), others=()):
                return self.slope(of, by)
        return None

    def _named(self, name: str, indices: tuple[Integer, ...]) -> Expr | None:
        if name in self._deltas:
            return _entry(self.derivation.adjoints[self._deltas[name]].symbol, indices)
        if name in self.derivation.network.nodes:
            return _entry(self.derivation.network.nodes[name].symbol, indices)
        return RATE if name == self.writer.notation.learning_rate else None

    def slope(self, of: str, by: str) -> Expr:
        """Return ∂of/∂by: an adjoint, or the sum over all paths between."""
        if of == self.derivation.loss:
            return self.derivation.adjoints[by].symbol
        return self._chains.total(of, by)

    def printed(self, mathml: str) -> str:
        """Return printed MathML with its places as elements that a script fills."""
        shorter = mathml.replace('<mi style="font-style: italic">', '<mi class="i">')
        return _PRINTED.sub(lambda found: f'<mn data-v="{ord(found[1]) - _FIRST}"></mn>', shorter)


def _entry(symbol: Symbol | IndexedBase, indices: tuple[Integer, ...]) -> Expr:
    return symbol[indices] if indices else symbol
