"""Run a network over many samples at once: every input and target gets an index for the sample, and so does what uses them."""

from __future__ import annotations

import itertools
from dataclasses import replace

from sympy import Expr, Idx, Indexed, Integer, Symbol

from symbackprop.errors import UserError
from symbackprop.network.indices import IndexSum, real_symbol, size_symbol
from symbackprop.network.node import Node, Role
from symbackprop.numeric.program.factors import names_in
from symbackprop.numeric.program.program import ComputedLine, Program, Scatter
from symbackprop.numeric.program.python_names import name_of

_SAMPLED = (Role.INPUT, Role.TARGET)


def over_samples(program: Program, reduction: str) -> Program:
    """Return the program over samples; its loss is the mean or the sum of the samples' losses.

    The adjoint of what differs between samples differs between them too; that of a shared name (a parameter) is a sum over them.
    """
    if reduction not in ("mean", "sum"):
        raise UserError(f"reduction: expected 'mean' or 'sum', got {reduction!r}")
    sampled = _sampled_names(program)
    if not sampled:
        raise UserError(f"{program.title}: no input or target to give samples for; batched code needs at least one")
    sample = _sample_index(program)
    per_sample = sampled | {line.name for line in program.backward if line.adjoint_of in sampled}
    lift = _Lift(sample, frozenset(per_sample))
    forward = [lift.line(line) for line in program.forward]
    backward = [lift.line(line, collect=line.name not in per_sample) for line in program.backward]
    total, seed = _total(program, sample, program.loss in sampled, reduction)
    forward.append(total)
    backward[0] = replace(backward[0], terms=(seed,))
    arguments = tuple(_argument(node, sample) if node.name in sampled else node for node in program.arguments)
    remark = f"The loss is the {reduction} of {program.loss} over the samples."
    return replace(
        program.with_lines(forward, backward), arguments=arguments, loss=total.name, remarks=(*program.remarks, remark)
    )


def _sampled_names(program: Program) -> set[str]:
    """Return the names of the inputs and targets, and of what is computed from them."""
    sampled = {node.name for node in program.arguments if node.role in _SAMPLED}
    for line in program.forward:
        if names_in(line.expressions) & sampled:
            sampled.add(line.name)
    return sampled


def _sample_index(program: Program) -> Idx:
    symbols = {index.label for line in program.lines for index in line.indices}
    expressions = (*(node.shape for node in program.arguments), *(line.expressions for line in program.lines))
    symbols.update(*(part.free_symbols for part in itertools.chain.from_iterable(expressions)))
    taken = program.names.union(map(str, symbols))
    wishes = (("n", "N"), ("s", "S"), ("sample", "samples"))
    further = (("s" + "_" * count, "S" + "_" * count) for count in itertools.count(1))
    index, size = next(pair for pair in itertools.chain(wishes, further) if taken.isdisjoint(pair))
    return Idx(Symbol(index, integer=True), size_symbol(size))


def _argument(node: Node, sample: Idx) -> Node:
    return replace(node, indices=(sample, *node.indices), symbol=real_symbol(node.name))


def _total(program: Program, sample: Idx, varies: bool, reduction: str) -> tuple[ComputedLine, Expr]:
    """Return the line of the total loss, and the adjoint of one sample's loss."""
    taken = program.names
    name = f"{reduction}_{program.loss}"
    while name in taken:
        name += "_"
    count = sample.upper + 1
    weight = 1 / count if reduction == "mean" else Integer(1)
    one = Symbol(program.loss, real=True)
    value = IndexSum(real_symbol(program.loss)[sample], (sample, sample.lower, sample.upper)) if varies else one * count
    return ComputedLine(Symbol(name, real=True), (), (value * weight,)), weight if varies else weight * count


class _Lift:
    """Adds the sample index to the names that differ between samples."""

    def __init__(self, sample: Idx, names: frozenset[str]) -> None:
        self.sample, self.names = sample, names

    def line(self, line: ComputedLine, collect: bool = False) -> ComputedLine:
        """Return the line for all samples; with `collect` its terms that differ between samples are summed over them."""
        if line.name in self.names:
            scatters = tuple(
                Scatter((self.sample, *s.address), self.expression(s.value), (self.sample, *s.indices)) for s in line.scatters
            )
            terms = tuple(self.expression(term) for term in line.terms)
            return replace(
                line, symbol=real_symbol(line.name), indices=(self.sample, *line.indices), terms=terms, scatters=scatters
            )
        if not collect:
            return line
        terms = tuple(self._collected(term) for term in line.terms)
        scatters = tuple(replace(scatter, value=self._collected(scatter.value)) for scatter in line.scatters)
        return replace(line, terms=terms, scatters=scatters)

    def _collected(self, term: Expr) -> Expr:
        if not names_in([term]) & self.names:
            return term
        return IndexSum(self.expression(term), (self.sample, self.sample.lower, self.sample.upper))

    def expression(self, expression: Expr) -> Expr:
        """Return the expression at one sample."""
        replaced = {}
        for atom in expression.atoms(Symbol, Indexed):
            if name_of(atom) in self.names:
                base = real_symbol(name_of(atom))
                replaced[atom] = base[(self.sample, *atom.indices)] if isinstance(atom, Indexed) else base[self.sample]
        return expression.xreplace(replaced) if replaced else expression
