"""The derivation as its users meet it: the record of `derive`, with its LaTeX, its numbers and its source one call away.

d = derive(net, E)
d["w7"].latex(steps="standard")      d["w7"].value()      d.source()      d.function()(**values)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from html import escape
from pathlib import Path
from typing import Any

from symbackprop import numeric
from symbackprop.derive import DerivationRecord as DerivationRecord
from symbackprop.derive import GradientRecord as GradientRecord
from symbackprop.derive import derive as derived
from symbackprop.derive.reasons import because
from symbackprop.derive.statements.document import document_statements
from symbackprop.derive.steps.paths import Chains, DerivativeChain
from symbackprop.derive.steps.step import Step
from symbackprop.derive.steps.steps import number_chain, written_steps
from symbackprop.derive.steps.writer import Writer
from symbackprop.derive.textbook.gradient_network import gradient_network
from symbackprop.errors import UserError, listed
from symbackprop.files import write_file
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.mathml import mathml
from symbackprop.formula.print.text import text
from symbackprop.formula.print.wrap import latex_block, latex_lines
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.tree.tree import Chain as Statement
from symbackprop.formula.tree.tree import Formula
from symbackprop.network import Network
from symbackprop.network.model import SHOWN_IN_NOTEBOOKS
from symbackprop.network.names import names_of


def diagram(network: Network, loss: object = None) -> str | None:
    """Return the diagram of a network for a notebook, None where there is nothing to draw yet."""
    from symbackprop.writeup.drawing.diagram import network_picture  # only a notebook draws it
    from symbackprop.writeup.drawing.svg import svg  # as above: only a notebook draws it

    if all(node.expression is None for node in network.nodes.values()):
        return None
    drawn = svg(network_picture(network, loss), prefix=f"n{id(network)}-{loss or ''}-")
    return f'<div style="max-width:50em">{drawn}</div>'


SHOWN_IN_NOTEBOOKS[Network] = diagram


def formulas_table(steps: Iterable[Step]) -> str:
    """Return steps for a notebook: a formula a line, and the reason beside it."""
    rows = (
        f'<tr><td style="text-align:left">{mathml(step.formula)}</td>'
        f'<td style="text-align:left;min-width:20em">{escape(step.why())}</td></tr>'
        for step in steps
    )
    return f'<div style="overflow-x:auto"><table>{"".join(rows)}</table></div>'


class Derivation(DerivationRecord):
    """∂loss/∂name for every name the loss depends on; `d["w7"]` is a `Gradient`."""

    def __getitem__(self, name: object) -> Gradient:
        return Gradient(self, self.network.node(name))

    def chain(self, *names: str) -> DerivativeChain:
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

    def statements(self, notation: Notation | None = None) -> tuple[Statement, ...]:
        """Return every equation of a document: definitions, then each name's chain, gradient and update."""
        return document_statements(self, notation)

    def __repr__(self) -> str:
        return f"Derivation({self.network.title!r}: {self.loss} by {listed(self.wrt)})"

    def _repr_markdown_(self) -> str:
        """What a notebook shows that takes no pages: the gradients in LaTeX."""
        return "\n\n".join(f"$$\n{self[name].latex()}\n$$" for name in self)

    def _repr_html_(self) -> str:
        """What a notebook shows: the diagram, and the gradients as MathML."""
        formulas = (mathml(step.formula) for name in self for step in self[name].steps(level="brief"))
        apart = (f'<div style="margin:.9em 0;overflow-x:auto">{formula}</div>' for formula in formulas)
        return "\n".join([diagram(self.network, self.loss) or "", *apart])

    def as_network(self, names: Iterable[object] | None = None) -> Network:
        """Return the network with the adjoints of `names` (by default what was asked for) as nodes, for second derivatives.

        `derive(d.as_network(), "dE_dw1")["w2"]` is ∂²E/∂w1∂w2.
        """
        return gradient_network(self, names)

    def lesson(self, path: str | Path | None = None, *, force: bool = False, **options: Any) -> str:
        """Return a lesson, a page that runs forward and backward with every number editable; written to `path` if given.

        `options` are those of `HandoutOptions`: `audience="student"` asks for every number, `lang`, `title`, `learning_rate`,
        `notation`. Raises UserError for an unknown option, a missing value, and a file that exists unless `force`.
        """
        from symbackprop.writeup.lesson.page import lesson  # who derives does not wait for the printers
        from symbackprop.writeup.page.options import HandoutOptions  # as above

        page = lesson(self, HandoutOptions().override(**options))
        if path is not None:
            place = Path(path)
            if place.exists() and not force:
                raise UserError(f"{place} exists; give another name, or force=True to replace it")
            write_file(place, page)
        return page

    def evaluate(self, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the value of every node and adjoint at the given (or example) values."""
        return numeric.evaluate(self, values)


class Gradient(GradientRecord):
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
        return Step("numbers", number_chain(self, writer, known, self.value(values)), because("numbers put in"))

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

    def __repr__(self) -> str:
        return f"Gradient({self.text()})"

    def _repr_latex_(self) -> str:
        """What a notebook shows that takes no pages."""
        (step,) = self.steps(level="brief")
        return f"$\\displaystyle {latex_block(step.formula)}$"

    def _repr_html_(self) -> str:
        """What a notebook shows: the derivation, a formula a line, with the reason beside it."""
        return formulas_table(self.steps(level="standard"))


def derive(
    network: Network | Callable[..., Any],
    loss: object = None,
    wrt: object = None,
    example: Mapping[str, Any] | None = None,
) -> Derivation:
    """Derive ∂loss/∂name for every name the loss depends on.

    `network` is a Network whose `loss` is a scalar node (its symbol or its name), or a function that computes the loss with
    numpy, with an `example` value for every argument: it is captured first. `wrt` names what is asked for, by
    default every parameter.

    Raises UserError when the loss is not a scalar definition, or a name is unknown; NotSupportedError for a function that cannot
    be captured.
    """
    if not isinstance(network, Network):
        return _derived_function(network, wrt, example)
    if loss is None:
        raise UserError("derive: expected the loss, a node of the network: derive(network, loss)")
    record = derived(network, loss, wrt)
    return Derivation(**{field.name: getattr(record, field.name) for field in fields(record)})


def read(latex: str, names: Names | Network | Derivation | str | Iterable[str], notation: Notation | None = None) -> Formula:
    """Return the written formula behind a piece of LaTeX, without its delimiters; nothing is evaluated.

    `names` says what may occur: a network or derivation (its names, indices, sizes and functions), a table `Names`, or just the
    names of numbers, `"w x b"`. Raises `ReadError`, a UserError with the place (`span`) and, where one is certain, the repair.

    >>> read("w x + b", "w x b")
    Sum(terms=(Product(factors=(Name(name='w'), Name(name='x'))), Name(name='b')))
    """
    from symbackprop.formula.read.read import read as read_formula  # who derives does not wait for the parser of LaTeX

    network = names.network if isinstance(names, DerivationRecord) else names
    if isinstance(network, Network):
        return read_formula(latex, names_of(network, notation))
    if not isinstance(network, Names | Iterable):
        raise UserError(f"read: expected the names that may occur, such as 'w x b', or a network; got {type(network).__name__}")
    return read_formula(latex, network if isinstance(network, Names) else Names.of(notation, scalars=network))


def _derived_function(function: Any, wrt: object, example: Mapping[str, Any] | None) -> Derivation:
    if not callable(function):
        raise UserError(f"derive: expected a Network, or a function with example={{…}}; got {type(function).__name__}")
    if example is None:
        raise UserError(
            f"derive: {getattr(function, '__name__', 'the function')} needs a value for every argument: example={{…}}"
        )
    # What runs somebody's code is loaded when there is some; a derivation of a network does not wait for it.
    from symbackprop.capturing.capture import capture

    captured = capture(function, example, None if wrt is None else [str(name) for name in _several(wrt)])
    return derive(captured.network, captured.loss, wrt=list(captured.wrt))


def _several(names: object) -> list[Any]:
    return list(names) if isinstance(names, list | tuple) else [names]
