"""What must agree on one network: the ways in which the package says a gradient, and differences of the definitions alone.

adjoints         the sweep's expressions, entry by entry, 200 bits           central differences of 36 digits
written out      ∂E/∂w in node names, and in textbook form                   the adjoints
interpreted      the second reading that checks code, in floats              the adjoints
generated        loss and gradients in numpy; batched: sample by sample      the adjoints
matrix form      worked out with numpy                                       the adjoints
LaTeX            printed, read back, entry by entry                          the adjoints
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flint
import numpy as np
from flint import arb
from sympy import Expr, Idx, Indexed, Sum, Symbol

from symbackprop.derive import DerivationRecord, derive
from symbackprop.derive.matrix.matrix import matrix_form
from symbackprop.derive.textbook.simplify import simplified_adjoints
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.latex import latex
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.formula.value.to_sympy import to_sympy
from symbackprop.functions import BY_NAME
from symbackprop.network.indices import index_name, real_symbol, size_symbol
from symbackprop.numeric import function
from symbackprop.numeric.program.python_names import name_of
from symbackprop.trace.graph.algebra import Floats
from symbackprop.verify.reference.interpret import Environment, evaluate_entry
from tests.derive.interpreter import BITS, Machine, Table, Values, check_gradients, compiled
from tests.fuzz.matrix_value import matrix_value
from tests.fuzz.networks import Drawn, drawn

FLOATS = 1e-8  # relative to the largest number that takes part
DIGITS = 1e-25


@dataclass(frozen=True)
class Point:
    """A network, its derivation, and all exact values at one random point."""

    drawn: Drawn
    derivation: DerivationRecord
    machine: Machine
    values: Values  # of all nodes
    adjoints: Values  # by the name of the node

    @cached_property
    def tables(self) -> Values:
        """The values of nodes, and of adjoints under their own names."""
        found = {name_of(self.derivation.adjoints[name].symbol): table for name, table in self.adjoints.items()}
        return {**self.values, **found}

    @cached_property
    def arrays(self) -> dict[str, Any]:
        """The same in floats, sizes too."""
        found: dict[str, Any] = {name: as_array(table) for name, table in self.tables.items()}
        return {**found, **self.drawn.sizes}

    @cached_property
    def scale(self) -> float:
        """The largest number that takes part, at least 1."""
        return max([1.0, *(float(np.max(np.abs(array), initial=0.0)) for array in self.arrays.values())])

    @property
    def gradients(self) -> Iterator[tuple[str, tuple[Idx, ...]]]:
        """The declared names with a gradient, and their indices."""
        for name, adjoint in self.derivation.adjoints.items():
            if not self.derivation.network.nodes[name].defined:
                yield name, adjoint.indices

    def close(self, what: str, found: Any, name: str) -> None:
        """Assert that floats are the adjoint of a name."""
        expected = as_array(self.adjoints[name])
        assert np.shape(found) == expected.shape, f"{what} of {name}: shape {np.shape(found)}, expected {expected.shape}"
        gap = float(np.max(np.abs(np.asarray(found, dtype=float) - expected), initial=0.0))
        assert gap <= FLOATS * self.scale, f"{what} of {name}: {found}, expected {expected}"

    def same(self, what: str, expression: Expr, name: str, indices: tuple[Idx, ...]) -> None:
        """Assert that an expression is the adjoint of a name, exactly."""
        found = self.machine.table(expression, indices, self.tables)
        gaps = (float((found[place] - self.adjoints[name][place]).abs_upper()) for place in found)
        assert max(gaps, default=0.0) <= DIGITS * self.scale, f"{what} of {name}: {expression}"


def as_array(table: Table) -> Any:
    """Return a table of exact numbers as an array of floats, a float for a scalar."""
    if not table:
        return np.zeros(0)
    shape = tuple(1 + max(places) for places in zip(*table, strict=True))
    return np.array([float(table[place].mid()) for place in sorted(table)]).reshape(shape)


def point(made: Drawn, seed: int) -> Point:
    """Derive a network for all its declared names, and work out everything exactly."""
    names = [node.name for node in made.network.nodes.values() if not node.defined]
    derivation = derive(made.network, made.loss, names)
    machine = Machine(made.network, made.sizes)
    values = machine.forward(machine.random(seed))
    return Point(made, derivation, machine, values, machine.backward(derivation, values))


# ---- the ways ------------------------------------------------------------------------------------------------------------


def by_differences(at: Point) -> None:
    """Every adjoint against central differences of the definitions."""
    check_gradients(at.derivation, at.drawn.sizes, at.drawn.network.nodes[at.derivation.loss].position, 1e-18)


def written_out(at: Point) -> None:
    """∂E/∂w in node names, and the textbook form with the adjoints it keeps."""
    for name, indices in at.gradients:
        at.same("written out", at.derivation[name].expression, name, indices)


def textbook(at: Point) -> None:
    """The textbook form, in the adjoints it keeps."""
    for name, form in simplified_adjoints(at.derivation).items():
        at.same("textbook form", form.expression, name, form.adjoint.indices)


def interpreted(at: Point) -> None:
    """The reading that checks code: forward values, then adjoints, in floats."""
    sizes = {size_symbol(name): size for name, size in at.drawn.sizes.items()}
    known = Environment(Floats(), dict(at.arrays), sizes)
    for name, node in at.derivation.network.nodes.items():
        if node.defined:
            gap = np.max(np.abs(evaluate_entry(node.expression, node.indices, known) - at.arrays[name]), initial=0.0)
            assert gap <= FLOATS * at.scale, f"interpreted {name}"
    for name, adjoint in at.derivation.adjoints.items():
        at.close("interpreted", evaluate_entry(adjoint.expression, adjoint.indices, known), name)


def generated(at: Point) -> None:
    """Loss and gradients of the generated source."""
    made = function(at.derivation)
    loss, gradients = made(**{name: at.arrays[name] for name in made.arguments})
    assert abs(loss - at.arrays[at.derivation.loss]) <= FLOATS * at.scale, "generated loss"
    for name, _ in at.gradients:
        at.close("generated", gradients[name], name)


def batched(at: Point) -> None:
    """Scalars over three samples at once: the mean of what they give one by one."""
    if not at.drawn.sizes:
        one, many = function(at.derivation), function(at.derivation, batched=True)
        inputs = [name for name in many.arguments if name.startswith("i")]
        if not inputs:
            return
        weights = {name: at.arrays[name] for name in many.arguments if name not in inputs}
        samples = {name: float(at.arrays[name]) * np.array([1.0, -0.7, 0.4]) for name in inputs}
        single = [one(**weights, **{name: samples[name][k] for name in inputs}) for k in range(3)]
        loss, gradients = many(**weights, **samples)
        scale = at.scale * max(1.0, *(abs(value) for value, _ in single))
        assert abs(loss - np.mean([value for value, _ in single])) <= FLOATS * scale, "batched loss"
        for name, _ in at.gradients:
            each = np.array([found[name] for _, found in single])
            expected = each / 3 if name in inputs else each.mean()
            assert np.max(np.abs(gradients[name] - expected)) <= FLOATS * max(scale, np.abs(each).max()), f"batched {name}"


def in_matrices(at: Point) -> None:
    """The matrix form, where there is one."""

    def number(expression: Expr, values: Mapping[str, Any]) -> Any:
        tables = {name: {(): arb(float(value))} for name, value in values.items() if np.ndim(value) == 0}
        return float(arb(compiled(expression)(tables, at.drawn.sizes)).mid())

    for name, adjoint in at.derivation.adjoints.items():
        form = matrix_form(adjoint.expression, adjoint.indices)
        if form:
            at.close("matrix form", matrix_value(form, at.arrays, number), name)


def read_back(at: Point) -> None:
    """LaTeX of ∂E/∂w in the adjoints, read again; sums over a part of an axis are refused by the reader."""
    for name, indices in at.gradients:
        expression = at.derivation.adjoints[name].expression
        if any(limits[1:] != (limits[0].lower, limits[0].upper) for total in expression.atoms(Sum) for limits in total.limits):
            continue
        table, names = vocabulary(at, expression)
        page = latex(from_sympy(expression), NOTATION)
        at.same("LaTeX", to_sympy(read(page, names), table), name, indices)


NOTATION = Notation(kronecker=r"\mathbb{1}")


def vocabulary(at: Point, expression: Expr) -> tuple[dict[str, Any], Names]:
    """Return what the names of an expression stand for, and how they are written."""
    indices = {**at.derivation.network.declared_indices, **{index_name(index): index for index in expression.atoms(Idx)}}
    bases = {atom.base.label.name: real_symbol(atom.base.label.name) for atom in expression.atoms(Indexed)}
    sizes = {name: size_symbol(name) for name in at.drawn.sizes}
    scalars = {name: Symbol(name, real=True) for name, table in at.tables.items() if name not in bases and () in table}
    functions = {name: row.function for name, row in BY_NAME.items()}
    names = Names.of(NOTATION, scalars=scalars, indexed=bases, functions=[*functions], indices=indices, sizes=sizes)
    return {**functions, **scalars, **bases, **sizes, **indices}, names


Way = Callable[[Point], None]
#: Every way with how many networks share one trial of it.
WAYS: Mapping[Way, int] = {
    by_differences: 1, interpreted: 1, generated: 1, batched: 3, written_out: 2, in_matrices: 3, textbook: 4, read_back: 6,
}  # fmt: skip


def failures(seed: int) -> list[str]:
    """Return what does not agree on network number `seed`, as a list of sentences (empty when all is well)."""
    found = []
    with flint.ctx.workprec(BITS), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            at = point(drawn(seed), seed)
        except Exception as error:  # whatever goes wrong is what is looked for
            return [f"network {seed}: {type(error).__name__}: {error}"]
        for way, share in WAYS.items():
            if (seed // 4) % share:
                continue
            try:
                way(at)
            except Exception as error:
                found.append(f"network {seed}, {way.__name__}: {type(error).__name__}: {error}")
    return found


__all__ = ["WAYS", "failures"]
