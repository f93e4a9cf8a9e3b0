"""Run a network over many samples at once: every input and target gets an index for the sample, and so does what uses them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sympy import Expr, Idx, Indexed, Integer, Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.network.indices import IndexSum, real_symbol, size_symbol
from symbackprop.network.node import Node, Role
from symbackprop.numeric.program.factors import names_in
from symbackprop.numeric.program.program import ComputedLine, Program, Scatter, Stacking, program_of
from symbackprop.numeric.program.python_names import name_of
from symbackprop.numeric.program.stacked import stacked

_SAMPLED = (Role.INPUT, Role.TARGET)


def program_over_samples(derivation: DerivationRecord, reduction: str) -> Program:
    """Return the program of a derivation over samples, numbers that are alike put together in arrays."""
    return over_samples(stacked(derivation) or program_of(derivation), reduction)


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
    lift = _Lift(sample, frozenset(per_sample), last=program.stacking is not None)
    forward = [lift.line(line) for line in program.forward]
    backward = [lift.line(line, collect=line.name not in per_sample) for line in program.backward]
    total, seed = _total(program, sample, program.loss in sampled, reduction)
    forward = _at_once(total, program, forward, backward, sample)
    backward[0] = replace(backward[0], terms=(seed,))
    arguments = tuple(lift.argument(node) if node.name in sampled else node for node in program.arguments)
    remark = f"The loss is the {reduction} of {program.loss} over the samples."
    return replace(
        program.with_lines(forward, backward),
        arguments=arguments,
        loss=total.name,
        remarks=(*program.remarks, remark),
        stacking=program.stacking and _over_samples(program.stacking, arguments, lift),
    )


def _at_once(
    total: ComputedLine, program: Program, forward: list[ComputedLine], backward: list[ComputedLine], sample: Idx
) -> list[ComputedLine]:
    """Return the forward lines with the total loss, which has in it the sum that the loss of one sample is there, if it is one.

    An array of losses that nothing else reads stands in that sum as it is worked out.
    """
    if program.stacking is None:
        return [*forward, total]
    *before, alone = forward
    total = total.mapped(lambda expression: expression.xreplace({real_symbol(program.loss)[sample]: alone.terms[0]}))
    if not before or not before[-1].indices:
        return [*forward, total]
    *before, losses = before
    ends = [line.mapped(lambda expression: expression.xreplace({losses.entry: losses.terms[0]})) for line in (alone, total)]
    readers = (line.expressions for line in (*before, *ends, *backward))
    read = losses.name in names_in(itertools.chain.from_iterable(readers))
    return [*forward, total] if read else [*before, *ends]


def _over_samples(stacking: Stacking, arguments: Iterable[Node], lift: _Lift) -> Stacking:
    """Return what goes in and comes out, for all samples."""
    nodes = {node.name: node for node in arguments}
    given = tuple(lift.argument(node) if node.role in _SAMPLED else node for node in stacking.arguments)
    return replace(stacking, arguments=given, stacks=tuple(replace(s, node=nodes[s.node.name]) for s in stacking.stacks))


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
    """Adds the sample index to the names that differ between samples, in front of the others or as the last one."""

    def __init__(self, sample: Idx, names: frozenset[str], last: bool = False) -> None:
        self.sample, self.names, self.last = sample, names, last

    def argument(self, node: Node) -> Node:
        """Return a node that is given for all samples."""
        return replace(node, indices=self._with_sample(node.indices), symbol=real_symbol(node.name))

    def _with_sample(self, indices: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*indices, self.sample) if self.last else (self.sample, *indices)

    def line(self, line: ComputedLine, collect: bool = False) -> ComputedLine:
        """Return the line for all samples; with `collect` its terms that differ between samples are summed over them."""
        if line.name in self.names:
            scatters = tuple(
                Scatter(self._with_sample(s.address), self.expression(s.value), self._with_sample(s.indices))
                for s in line.scatters
            )
            terms = tuple(self.expression(term) for term in line.terms)
            return replace(
                line, symbol=real_symbol(line.name), indices=self._with_sample(line.indices), terms=terms, scatters=scatters
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
                replaced[atom] = base[self._with_sample(atom.indices if isinstance(atom, Indexed) else ())]
        return expression.xreplace(replaced) if replaced else expression
