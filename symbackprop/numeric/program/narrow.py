"""Compute once what is the same along an index: `h[n, k] = exp(z[k])` becomes `h[k]`, and where Σ_n h[n, k] stands, N·h[k].

The index is dropped from the definition and from every use, in the program itself, so that whatever writes a program finds every
array with all of its axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Indexed

from symbackprop.network.indices import free_indices, real_symbol
from symbackprop.numeric.program.program import ComputedLine, Program
from symbackprop.numeric.program.python_names import name_of


@dataclass(frozen=True, slots=True)
class _Narrow:
    """A name without some of its axes: the positions of those that are left."""

    name: str
    axes: tuple[int, ...]

    def entry(self, indices: tuple[Expr, ...]) -> Expr:
        """Return the entry that stands where the whole array had these indices."""
        left = tuple(indices[axis] for axis in self.axes)
        symbol = real_symbol(self.name, left)
        return symbol[left] if left else symbol


def narrowed(program: Program, keep: frozenset[str] = frozenset()) -> Program:
    """Return the program with lines of fewer axes; what it gives back, and what `keep` names, keeps all of them."""
    if not any(line.indices for line in program.lines):
        return program
    whole = {program.loss} | keep | {adjoint for _, adjoint in program.gradients if adjoint}
    narrow: dict[str, _Narrow] = {}

    def changed(line: ComputedLine) -> ComputedLine:
        line = line.mapped(lambda expression: _with_fewer_axes(expression, narrow))
        used = frozenset().union(*(free_indices(term) for term in line.terms))
        if line.name in whole or line.scatters or used >= frozenset(line.indices):
            return line
        narrow[line.name] = _Narrow(line.name, tuple(at for at, index in enumerate(line.indices) if index in used))
        entry = narrow[line.name].entry(line.indices)
        left = tuple(index for index in line.indices if index in used)
        return replace(line, symbol=entry.base if isinstance(entry, Indexed) else entry, indices=left)

    forward = [changed(line) for line in program.forward]
    return program.with_lines(forward, [changed(line) for line in program.backward])


def _with_fewer_axes(expression: Expr, narrow: Mapping[str, _Narrow]) -> Expr:
    if not narrow:
        return expression
    entries = (atom for atom in expression.atoms(Indexed) if name_of(atom) in narrow)
    return expression.xreplace({atom: narrow[name_of(atom)].entry(atom.indices) for atom in entries})
