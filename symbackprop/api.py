"""The derivation as its users meet it: the record of `derive`, with its LaTeX, its numbers and its source one call away.

d = derive(net, E)
d["w7"].latex(steps="standard")      d["w7"].value()      d.source()      d.function()(**values)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from symbackprop import derive as derivations
from symbackprop import numeric
from symbackprop.derive.again import gradient_network
from symbackprop.derive.paths import Chain, Chains
from symbackprop.derive.steps import Step, number_chain, written_steps
from symbackprop.derive.writer import Writer
from symbackprop.errors import UserError
from symbackprop.formula.notation import Notation
from symbackprop.formula.text import text
from symbackprop.formula.wrap import latex_block, latex_lines
from symbackprop.network import Network


class Derivation(derivations.Derivation):
    """∂loss/∂name for every name the loss depends on; `d["w7"]` is a `Gradient`."""

    def __getitem__(self, name: object) -> Gradient:
        return Gradient(self, self.network.node(name))

    def chain(self, *names: str) -> Chain:
        """Return the chain through the given names, `chain("E_total", "out_o1", "net_o1", "w7")`.

        Raises UserError when a name is not on every path, since the product would not be the derivative.
        """
        return Chains(self).through(*(self.network.node(name).name for name in names))

    def source(self, batched: bool = False) -> str:
        """Return readable numpy source of the loss and all gradients (`batched`: over arrays of samples)."""
        return numeric.source(self, batched=batched)

    def function(self, batched: bool = False) -> numeric.GradientFunction:
        """Return the function that runs `source()`: `loss, gradients = function(**values)`."""
        return numeric.function(self, batched=batched)

    def as_network(self, names: Iterable[object] | None = None) -> Network:
        """Return the network with the adjoints of `names` (by default what was asked for) as nodes, for second derivatives.

        `derive(d.as_network(), "dE_dw1")["w2"]` is ∂²E/∂w1∂w2.
        """
        return gradient_network(self, names)

    def evaluate(self, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the value of every node and adjoint at the given (or example) values."""
        return numeric.evaluate(self, values)


class Gradient(derivations.Gradient):
    """∂loss/∂node: expression, LaTeX, steps and value."""

    __slots__ = ()

    def steps(self, notation: Notation | None = None, level: str = "standard") -> tuple[Step, ...]:
        """Return the steps of the derivation at a level: brief, standard or full."""
        return written_steps(self, notation, level)

    def latex(self, notation: Notation | None = None, steps: str = "brief") -> str:
        r"""Return LaTeX: one formula when `steps` is "brief", else an `aligned` block of all steps.

        Raises UserError for an unknown level.
        """
        chosen = notation or Notation()
        return latex_lines([step.formula for step in self.steps(chosen, steps)], chosen)

    def numbers(self, notation: Notation | None = None, values: Mapping[str, Any] | None = None) -> Step:
        """Return `∂E/∂w = product = the product with numbers = result` at the given (or example) values.

        Raises NotSupportedError when nodes with indices lie between the loss and the name.
        """
        writer = Writer(self.derivation, notation)
        known = numeric.evaluate(self.derivation.network, {**self.derivation.network.values, **(values or {})})
        return Step("numbers", number_chain(self, writer, known, self.value(values)), "put the numbers in")

    def text(self, notation: Notation | None = None, steps: str = "brief") -> str:
        """Return the steps as plain Unicode text, one a line."""
        chosen = notation or Notation()
        return "\n".join(text(step.formula, chosen) for step in self.steps(chosen, steps))

    def value(self, values: Mapping[str, Any] | None = None) -> Any:
        """Return the gradient's value at the given (or example) values: a float, or an array of the node's shape.

        Raises UserError when a value is missing.
        """
        if not self.terms and self.name != self.derivation.loss:
            raise UserError(f"{self.name}: the loss {self.derivation.loss} does not depend on it, its gradient is 0")
        given = {**self.derivation.network.values, **(values or {})}
        single = derive(self.derivation.network, self.derivation.loss, wrt=[self.name])
        return single.function()(**given)[1][self.name]

    def _repr_latex_(self) -> str:
        (step,) = self.steps(level="brief")
        return f"$\\displaystyle {latex_block(step.formula)}$"


def derive(network: Network, loss: object, wrt: object = None) -> Derivation:
    """Derive ∂loss/∂name for every name the loss depends on.

    `loss` is a scalar node (its symbol or its name); `wrt` names what is asked for, by default every parameter.
    Raises UserError when the loss is not a scalar definition, or a name is unknown.
    """
    record = derivations.derive(network, loss, wrt)
    return Derivation(**{field.name: getattr(record, field.name) for field in fields(record)})
