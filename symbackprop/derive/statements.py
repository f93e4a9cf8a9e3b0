"""The equations a document states about a network, written from the derivation: definitions, chains, products, updates.

Each function returns one `Chain` of `=`; `using` names the aliases of the notation that this equation is written with (a
document says `h1` in its forward pass and `out_{h1}` in its derivatives).
"""

from __future__ import annotations

from collections.abc import Iterable

from symbackprop.derive.explain import written_definition
from symbackprop.derive.paths import Chains, Link
from symbackprop.derive.rule_by_rule import by_rules
from symbackprop.derive.steps import chain_formula, chain_product
from symbackprop.derive.writer import Writer
from symbackprop.errors import UserError, nearest
from symbackprop.formula.build import add, multiply, subtract
from symbackprop.formula.tree import Chain, Decorated, Formula, Name, Row, Text, Update
from symbackprop.formula.walk import replace
from symbackprop.network.functions import BY_NAME


class Statements:
    """Writes the equations of one derivation; every method returns a written chain."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.chains = Chains(writer.derivation)

    def define(self, name: str, *stages: Iterable[str], using: Iterable[str] = (), lead: Iterable[str] = ()) -> Chain:
        """Write `name = definition`, then once more for each stage, with the definitions of the stage's names put in.

        `define("out_h1", ["net_h1"])` is `out_h1 = σ(net_h1) = σ(w1 l1 + …)`. `lead` are aliases written before the name.
        """
        formula = self.writer.definition(name).parts[1]
        parts: list[Formula] = [*map(Name, lead), Name(name), formula]
        for stage in stages:
            for inner in stage:
                formula = _put_in(formula, inner, self.writer.definition(inner).parts[1])
            parts.append(formula)
        return self._equation(parts, using)

    def only_last(self, chain: Chain) -> Chain:
        """Keep the first and the last part of a chain: `name = final form`."""
        return Chain((chain.parts[0], chain.parts[-1]), ("=",))

    def spelt_out(self, name: str, using: Iterable[str] = ()) -> Chain:
        """Write a node that is a function's value with the function's own definition, `out = 1/(1 + e^{-net})`."""
        node = self.writer.network.node(name)
        expression = node.expression
        if expression is None or expression.func.__name__ not in BY_NAME or not hasattr(expression.func, "definition"):
            raise UserError(f"{name}: expected the value of an elementary function with a definition, got {expression}")
        return self._equation([Name(name), self.writer.expression(expression.func.definition(*expression.args))], using)

    def chain(self, of: str, by: str, forks: bool = True, using: Iterable[str] = ()) -> Chain:
        """Write `∂of/∂by = product of derivatives`, with the sum over paths (`forks`) or one derivative for each fork."""
        return self._aliased(chain_formula(self.chains.factored(of, by), self.writer, forks), using)

    def product(self, of: str, by: str, using: Iterable[str] = ()) -> Chain:
        """Write `∂of/∂by = product of the factors' values`, nothing multiplied out."""
        chain = self.chains.factored(of, by)
        return self._equation([self.writer.partial(of, by), chain_product(chain, self.writer)], using)

    def by_rules(self, of: str, by: str, using: Iterable[str] = ()) -> Chain:
        """Write `∂of/∂by = what the rules give`, raw."""
        definition = written_definition(Link(of, by, self.chains.total(of, by)), self.chains, self.writer)
        result, _ = by_rules(definition, self.writer.entry(by), self.writer.notation)
        return self._equation([self.writer.partial(of, by), result], using)

    def update(self, name: str, with_change: bool = False) -> Chain:
        """Write `w^+ = w - η ∂E/∂w`, with `= w + Δw` between when asked."""
        weight = self.writer.entry(name)
        step = multiply(Name(self.writer.notation.learning_rate), self.writer.partial(self.writer.derivation.loss, name))
        change = [add(weight, Decorated("Delta", weight))] if with_change else []
        return self._equation([Update(weight), *change, subtract(weight, step)], ())

    def _equation(self, parts: list[Formula], using: Iterable[str]) -> Chain:
        return self._aliased(Chain(tuple(parts), ("=",) * (len(parts) - 1)), using)

    def _aliased(self, chain: Chain, using: Iterable[str]) -> Chain:
        aliases = self.writer.notation.aliases
        instead = {}
        for alias in using:
            if alias not in aliases:
                raise UserError(f"using: {alias} is no alias of this notation.{nearest(alias, aliases)}")
            instead[Name(aliases[alias])] = Name(alias)
        if not instead:
            return chain
        changed = replace(chain, lambda part: instead.get(part, part) if isinstance(part, Name) else part)
        assert isinstance(changed, Chain)
        return changed


def _put_in(formula: Formula, name: str, inner: Formula) -> Formula:
    return replace(formula, lambda part: inner if part == Name(name) else part)


def titled(title: str, chain: Chain) -> Formula:
    """Write prose before an equation, as `\\text{…}`."""
    return Row((Text(title), chain))
