"""The equations a document states about a network, written from the derivation: definitions, chains, products, updates.

Each method of `Statements` returns one `Chain`; `using` names the aliases of the notation that this equation is written with (a
document says `h1` in its forward pass and `out_{h1}` in its derivatives). What is stated about whole arrays is in
`array_statements`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from sympy import Add, Integer, Symbol, expand

from symbackprop.derive.statements.rearrange import exchanged, in_order, sign_in_front
from symbackprop.derive.steps.along_paths import chain_formula, chain_product
from symbackprop.derive.steps.local_reasons import ARGUMENT, function_chain, written_definition
from symbackprop.derive.steps.paths import Chains, Link
from symbackprop.derive.steps.rule_by_rule import by_rules
from symbackprop.derive.steps.steps import result_step
from symbackprop.derive.steps.writer import Writer, ranks
from symbackprop.derive.sweep.derivation import derive
from symbackprop.derive.textbook.gradient_network import gradient_network
from symbackprop.errors import NotSupportedError, UserError, nearest
from symbackprop.formula.tree.build import add, call, multiply, subtract
from symbackprop.formula.tree.tree import Call, Chain, Decorated, Formula, Name, Number, Partial, Product, Row, Text, Update
from symbackprop.formula.tree.walk import replace
from symbackprop.formula.value.numbers import number
from symbackprop.formula.value.ordering import ordered_terms
from symbackprop.functions import BY_NAME, ELEMENTARY


class Statements:
    """Writes the equations of one derivation; every method returns a written chain.

    `in_derivatives` are aliases that the document uses inside derivatives only, in every equation: `d_L_d_ypred` beside `y_pred`.
    """

    def __init__(self, writer: Writer, in_derivatives: Iterable[str] = ()) -> None:
        self.writer = writer
        self.chains = Chains(writer.derivation)
        self._in_derivatives = self._instead(in_derivatives)

    # --- definitions

    def define(self, name: str, *stages: Iterable[str], using: Iterable[str] = (), lead: Iterable[str] = ()) -> Chain:
        """Write `name = definition`, then once more for each stage, with the definitions of the stage's names put in.

        `define("out_h1", ["net_h1"])` is `out_h1 = σ(net_h1) = σ(w1 l1 + …)`. `lead` are aliases written before the name.
        """
        formula = self.writer.definition(name).parts[1]
        parts: list[Formula] = [*map(Name, lead), self.writer.entry(name), formula]
        for stage in stages:
            for inner in stage:
                formula = self._with_definition(formula, inner)
            parts.append(formula)
        return self._equation(parts, using)

    def only_last(self, chain: Chain) -> Chain:
        """Keep the first and the last part of a chain: `name = final form`."""
        return Chain((chain.parts[0], chain.parts[-1]), ("=",))

    def as_declared(self, chain: Chain) -> Chain:
        """Write the names in a product in the order of their declaration, `x1*w1` where the input comes first."""
        return in_order(chain, {name: at for at, name in enumerate(self.writer.network.nodes)})

    def spelt_out(self, name: str, using: Iterable[str] = ()) -> Chain:
        """Write a node that is a function's value with the function's own definition, `out = 1/(1 + e^{-net})`."""
        node = self.writer.network.node(name)
        expression = node.expression
        row = None if expression is None else ELEMENTARY.get(expression.func)
        if expression is None or row is None or row.definition is None:
            raise UserError(f"{name}: expected the value of an elementary function with a definition, got {expression}")
        written = self.writer.expression(row.definition(*expression.args))
        return self._equation([self.writer.entry(name), written], using)

    def function(self, name: str) -> Chain:
        """Write the definition of an elementary function, `σ(x) = 1/(1 + e^{-x})`; raises UserError where there is none."""
        definition = BY_NAME[name].definition if name in BY_NAME else None
        if definition is None:
            raise UserError(f"{name}: expected an elementary function with a definition.{nearest(name, BY_NAME)}")
        written = self.writer.expression(definition(Symbol(ARGUMENT, real=True)))
        return self._equation([call(name, ARGUMENT), written], ())

    def function_derivative(self, name: str) -> Chain:
        """Write the derivative of an elementary function, `σ'(x) = e^{-x}/(1 + e^{-x})^2 = σ(x)(1 - σ(x))`.

        Raises NotSupportedError for a function whose derivative is not spelt out.
        """
        chain = function_chain(name, self.writer.notation, self.writer)
        if chain is None:
            raise NotSupportedError(f"{name}: the derivative of this function is not spelt out")
        return self._equation([chain.parts[0], *chain.parts[2:]], ())  # parts[1] is as the rules leave it

    # --- derivatives

    def chain(self, of: str, by: str, forks: bool = True, using: Iterable[str] = ()) -> Chain:
        """Write `∂of/∂by = product of derivatives`, with the sum over paths (`forks`) or one derivative for each fork."""
        return self.aliased(chain_formula(self.chains.factored(of, by), self.writer, forks), using)

    def through(self, *names: str, using: Iterable[str] = ()) -> Chain:
        """Write `∂first/∂last = product of derivatives` through names on every path, leaving out what lies between them."""
        self.chains.through(*names)  # raises where the product would not be the derivative
        factors = multiply(*(self.writer.partial(of, by) for of, by in pairwise(names)))
        return self._equation([self.writer.partial(names[0], names[-1]), factors], using)

    def product(self, of: str, by: str, using: Iterable[str] = ()) -> Chain:
        """Write `∂of/∂by = product of the factors' values`, nothing multiplied out."""
        chain = self.chains.factored(of, by)
        return self._equation([self.writer.partial(of, by), chain_product(chain, self.writer)], using)

    def derivative(
        self,
        of: str,
        by: str,
        called: str = "",
        multiplied_out: bool = False,
        given: Mapping[str, int] | None = None,
        using: Iterable[str] = (),
    ) -> Chain:
        """Write `∂of/∂by = value`, and once more `multiplied_out`, with whole numbers put in for the names in `given`.

        `called` is the document's name for the derivative as a function: `lossGrad(x) = -2(target - x) = 2x - 2 target`.
        """
        value, numbers = self.chains.total(of, by), dict(given or {})
        left = call(called, self.writer.entry(by)) if called else self.writer.partial(of, by)
        parts = self.with_numbers(Chain((left, self.writer.expression(value)), ("=",)), numbers).parts
        if multiplied_out:
            terms = expand(value.xreplace({self.writer.network.node(name).symbol: Integer(at) for name, at in numbers.items()}))
            ordered = ordered_terms(terms, ranks(self.writer.network)) if isinstance(terms, Add) else [terms]
            parts = (*parts, add(*(self.writer.expression(term) for term in ordered)))
        return self._equation(list(parts), using)

    def second_derivative(self, by: str, using: Iterable[str] = ()) -> Chain:
        """Write `∂²loss/∂by² = value` of a scalar."""
        derivation, entry = self.writer.derivation, self.writer.entry(by)
        slope = str(derivation.adjoints[by].symbol)
        value = derive(gradient_network(derivation, [by]), slope)[by].expression
        return self._equation([Partial(Name(derivation.loss), entry, (entry,)), self.writer.expression(value)], using)

    def composite(self, of: str, by: str, *stages: Iterable[str], using: Iterable[str] = ()) -> Chain:
        """Write the derivative of a node `f(u)` with f' left standing, `∂of/∂by = ∂u/∂by · f'(u)`.

        With stages, only the last form is kept, with the definitions of the stages' names put in: `w5 f'(w5 h1 + w6 h2 + b3)`.
        Raises UserError where `of` is no function of a single node.
        """
        written = self.writer.definition(of).parts[1]
        if not (isinstance(written, Call) and isinstance(written.function, Name) and isinstance(written.arguments[0], Name)):
            raise UserError(
                f"{of}: expected a function of one node, such as sigmoid(net), got {self.writer.network.node(of).expression}"
            )
        inner = written.arguments[0].name
        slope: Formula = Call(Decorated("prime", written.function), written.arguments)
        for name in (name for stage in stages for name in stage):
            slope = self._with_definition(slope, name)
        factor = self.writer.expression(self.chains.total(inner, by))
        value = slope if factor == Number("1") else multiply(factor, slope)
        return self._equation([self.writer.partial(of, by), value], using)

    def by_rules(self, of: str, by: str, using: Iterable[str] = ()) -> Chain:
        """Write `∂of/∂by = what the rules give`, raw."""
        definition = written_definition(Link(of, by, self.chains.total(of, by)), self.chains, self.writer)
        result, _ = by_rules(definition, self.writer.entry(by), self.writer.notation)
        return self._equation([self.writer.partial(of, by), result], using)

    def gradient(self, by: str, shared: bool = False, using: Iterable[str] = ()) -> Chain:
        """Write `∂loss/∂by = value in node names`, with indices where there are any.

        `shared` leaves the derivatives of the nodes that use it standing: `∂E/∂W_jk = Σ_n A_nj ∂E/∂Z_nk`.
        """
        gradient = self.writer.derivation[by]
        if shared:
            left = self.writer.partial(self.writer.derivation.loss, by)
            return self._equation([left, self.writer.expression(gradient.shared)], using)
        return self.aliased(sign_in_front(result_step(gradient, self.writer).formula), using)

    # --- updates and numbers

    def update(self, name: str, with_change: bool = False, through: Iterable[str] = (), using: Iterable[str] = ()) -> Chain:
        """Write `w^+ = w - η ∂E/∂w`, or `w ← …` in a notation with arrows, with `= w + Δw` between when asked.

        `through` gives the derivative as a product, `∂E/∂a ∂a/∂w`, by the names that it goes through between loss and weight.
        """
        weight = self.writer.entry(name)
        loss = self.writer.derivation.loss
        between = tuple(through)
        slope = self.through(loss, *between, name).parts[1] if between else self.writer.partial(loss, name)
        factors = slope.factors if isinstance(slope, Product) else (slope,)
        change = [add(weight, Decorated("Delta", weight))] if with_change else []
        right = subtract(weight, multiply(Name(self.writer.notation.learning_rate), *factors))
        return self.aliased(new_value(weight, (*change, right), self.writer.notation.update), using)

    def with_numbers(self, chain: Chain, values: Mapping[str, float], result: float | None = None) -> Chain:
        """Put numbers in place of names everywhere but in the first part, and continue with `= result` when given.

        Whole numbers are written without a decimal point. Raises UserError where a derivative is left among the parts.
        """
        plain = {name: int(value) if float(value).is_integer() else value for name, value in values.items()}
        exact = self.writer.notation.override(decimals=None)

        def change(node: Formula) -> Formula:
            if isinstance(node, Partial):
                raise UserError(f"with_numbers: {node} stands for a derivative; give a chain with its value")
            return number(plain[node.name], exact) if isinstance(node, Name) and node.name in plain else node

        parts = [chain.parts[0], *(replace(part, change) for part in chain.parts[1:])]
        relations = list(chain.relations)
        if result is not None:
            parts.append(self.writer.number(result))
            relations.append("=")
        return Chain(tuple(parts), tuple(relations))

    # --- helpers

    def _with_definition(self, formula: Formula, name: str) -> Formula:
        if self.writer.network.node(name).indices:
            raise NotSupportedError(f"{name} has indices; definitions are put in place of scalar names only")
        inner = self.writer.definition(name).parts[1]
        return replace(formula, lambda part: inner if part == Name(name) else part)

    def _equation(self, parts: list[Formula], using: Iterable[str]) -> Chain:
        return self.aliased(Chain(tuple(parts), ("=",) * (len(parts) - 1)), using)

    def aliased(self, chain: Chain, using: Iterable[str]) -> Chain:
        """Write a chain with the aliases of `using`, and inside derivatives with those of the whole document."""
        return exchanged(exchanged(chain, self._instead(using)), self._in_derivatives, within=Partial)

    def _instead(self, using: Iterable[str]) -> dict[Formula, Formula]:
        aliases = self.writer.notation.aliases
        instead: dict[Formula, Formula] = {}
        for alias in using:
            if alias not in aliases:
                raise UserError(f"using: {alias} is no alias of this notation.{nearest(alias, aliases)}")
            instead[Name(aliases[alias])] = Name(alias)
        return instead


def new_value(parameter: Formula, parts: tuple[Formula, ...], update: str) -> Chain:
    """Write a parameter's new value: `w^+ = …`, or `w ← …` for the update style "arrow"."""
    if update == "arrow":
        return Chain((parameter, *parts), ("←", *("=",) * (len(parts) - 1)))
    return Chain((Update(parameter), *parts), ("=",) * len(parts))


def titled(title: str, chain: Chain) -> Formula:
    """Write prose before an equation, as `\\text{…}`."""
    return Row((Text(title), chain))
