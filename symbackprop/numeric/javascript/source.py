"""A derivation as a JavaScript function `evaluate(v)`: it adds every node and every adjoint to an object of given values.

    evaluate({l1: 5, l2: 10, w1: 0.1, …})     →  {…, net_h1: 2.35, …, dE_dw1: …}

Arrays are nested lists. The lines are those of the generated Python, from the same program; sizes are those of the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sympy import Expr, Idx, Integer

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.network.model import Network
from symbackprop.numeric.javascript.helpers import helpers
from symbackprop.numeric.javascript.printer import ScriptPrinter, index_variable, property_of
from symbackprop.numeric.program.optimise import optimised
from symbackprop.numeric.program.program import ComputedLine, Program, Scatter, program_of


@dataclass
class Script:
    """JavaScript of one derivation; whatever is printed by `expression` may call what `definitions` then defines."""

    derivation: DerivationRecord
    printer: ScriptPrinter = field(init=False)
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        program = program_of(self.derivation)
        names = frozenset(line.name for line in program.lines)
        self.program = optimised(program, self.derivation.network.facts, names)
        order = [*(node.name for node in program.arguments), *(line.name for line in self.program.lines)]
        backward = {line.name for line in self.program.backward}
        ranks = {name: -at if name in backward else at + 1 for at, name in enumerate(order)}
        self.printer = ScriptPrinter(lambda name: ranks.get(name, 0))

    def expression(self, expression: Expr) -> str:
        """Return an expression in node names and adjoint symbols, on an object `v` of values."""
        return self.printer.expression(expression)

    def function(self) -> str:
        """Return the function `evaluate`, which changes and returns the object it is given."""
        lines = [text for line in self.program.lines for text in self._line(line)]
        return "function evaluate(v) {\n" + "\n".join(f"  {text}" for text in lines) + "\n  return v;\n}"

    def definitions(self) -> str:
        """Return the helpers that were called."""
        return "\n".join(helpers(self.printer.called))

    def _line(self, line: ComputedLine) -> list[str]:
        value = self.expression(line.terms[0] if line.terms else Integer(0))
        for index in reversed(line.indices):
            value = self._over(index, value)
        return [f"{property_of(line.name)} = {value};", *(self._scatter(line, scatter) for scatter in line.scatters)]

    def _over(self, index: Idx, value: str) -> str:
        self.printer.called.add("list")
        low, high = self.expression(index.lower), self.expression(index.upper)
        return f"list({low}, {high}, ({index_variable(index)}) => {value})"

    def _scatter(self, line: ComputedLine, scatter: Scatter) -> str:
        place = property_of(line.name) + "".join(f"[{self.expression(address)}]" for address in scatter.address)
        text = f"{place} += {self.expression(scatter.value)};"
        for index in reversed(scatter.indices):
            name, low, high = index_variable(index), self.expression(index.lower), self.expression(index.upper)
            text = f"for (let {name} = {low}; {name} <= {high}; {name} += 1) {{ {text} }}"
        return text


def javascript_source(derivation: DerivationRecord) -> str:
    """Return the function `evaluate` with the helpers it calls.

    Raises NotSupportedError for a function that generated code does not know.
    """
    script = Script(derivation)
    function = script.function()
    return "\n".join(part for part in (script.definitions(), function) if part) + "\n"


def size_values(network: Network, values: Mapping[str, object]) -> dict[str, int]:
    """Return the sizes of the arrays, which `evaluate` needs among its values."""
    return {str(size): int(extent) for size, extent in network.sizes(values).items()}
