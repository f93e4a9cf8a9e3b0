"""Make a program stable and lean: logarithms of softmax, cancelling adjoints, common factors, no dead lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sympy import Expr, Idx, Indexed, Sum, Symbol

from symbackprop.derive.sweep.rewrite import match
from symbackprop.functions import sigmoid
from symbackprop.network.indices import free_indices, substitute
from symbackprop.network.node import Fact
from symbackprop.numeric.program.factors import combined, names_in, pulled_out, without_deltas
from symbackprop.numeric.program.narrow import narrowed
from symbackprop.numeric.program.program import ComputedLine, Program, checked
from symbackprop.numeric.program.put_out import put_out
from symbackprop.numeric.program.python_names import name_of
from symbackprop.numeric.program.saturation import (
    cancelled,
    sigmoid_slope,
    with_log_lines,
    without_logs,
    without_unused_logs,
)
from symbackprop.numeric.program.shared_calls import with_shared_calls
from symbackprop.numeric.program.stable import stabilised


def optimised(program: Program, facts: Iterable[Fact] = (), keep: frozenset[str] = frozenset()) -> Program:
    """Return an equal program in stable form, with only the lines that the loss, the gradients or `keep` need."""
    forward = [line.mapped(stabilised) for line in program.forward]
    forward, logs = with_log_lines(forward, program)
    defined = {line.name: line for line in forward}
    sigmoids = {name: line for name, line in defined.items() if isinstance(line.terms[0], sigmoid)}
    used: list[Fact] = []

    def changed(expression: Expr) -> Expr:
        return _with_facts(sigmoid_slope(without_logs(stabilised(expression), logs, defined), sigmoids), facts, used)

    backward = [line.mapped(changed) for line in _without_constants(program.backward)]
    backward = [line.mapped(lambda e: _with_facts(e, facts, used)) for line in cancelled(forward, backward)]
    backward = [_as_one_term(line) for line in backward]
    remarks = tuple(f"Uses the assumption {fact.left} = {fact.right}: {fact.because}." for fact in dict.fromkeys(used))
    stable = replace(program.with_lines(forward, backward), remarks=program.remarks + remarks)
    alive = without_dead_lines(stable, keep)
    if not alive.scalar:
        alive = alive.mapped(without_deltas)
        alive = alive.with_lines(map(put_out, alive.forward), map(put_out, alive.backward))
    return checked(narrowed(with_shared_calls(alive), keep))


def _as_one_term(line: ComputedLine) -> ComputedLine:
    return line.with_terms((combined(line.terms),)) if line.terms else line


def _without_constants(lines: Iterable[ComputedLine]) -> list[ComputedLine]:
    """Write adjoints that are plain numbers (the loss's own 1, a mean's 1/N) where they are used."""
    constants: dict[str, Expr] = {}
    result = []
    for line in lines:
        line = line.mapped(lambda expression: _with_values(expression, constants))
        if not line.scatters and all(_is_constant(term) for term in line.terms):
            constants[line.name] = combined(line.terms)
        result.append(line)
    return result


def _is_constant(expression: Expr) -> bool:
    """Whether an expression contains sizes and numbers only."""
    if isinstance(expression, Idx):
        return False
    if isinstance(expression, Symbol):
        return bool(expression.is_integer)
    return not isinstance(expression, Indexed) and all(_is_constant(arg) for arg in expression.args)


def _with_values(expression: Expr, values: Mapping[str, Expr]) -> Expr:
    if not names_in([expression]) & values.keys():
        return expression
    found = {atom: values[name_of(atom)] for atom in expression.atoms(Symbol, Indexed) if name_of(atom) in values}
    return expression.xreplace(found)


def _with_facts(expression: Expr, facts: Iterable[Fact], used: list[Fact]) -> Expr:
    """Replace the left side of an assumption by its right side, at whatever indices it stands."""
    for fact in facts:
        wild = frozenset(free_indices(fact.left))
        for found in expression.atoms(Sum):
            for total, rest in _splittings(found):
                binding = next(iter(match(fact.left, total, wild, {})), None)
                if binding is not None:
                    expression = expression.xreplace({found: rest * substitute(fact.right, binding)})
                    used.append(fact)
                    break
    return expression


def _splittings(total: Sum) -> Iterable[tuple[Expr, Expr]]:
    outside, inside = pulled_out(total)
    if isinstance(inside, Sum):
        yield inside, outside


def without_dead_lines(program: Program, keep: frozenset[str] = frozenset()) -> Program:
    """Return the program without lines whose value nobody needs."""
    needed = {program.loss} | keep | {adjoint for _, adjoint in program.gradients if adjoint}
    kept: set[str] = set()
    for line in reversed(program.lines):
        if line.name in needed:
            kept.add(line.name)
            needed |= names_in(line.expressions)
    return program.with_lines(
        (line for line in program.forward if line.name in kept), (line for line in program.backward if line.name in kept)
    )


def without_loss(program: Program) -> Program:
    """Return the program of the gradients alone: one of them stands in the place of the loss, and what only that needs goes."""
    alone = without_dead_lines(replace(program, loss=next(adjoint for _, adjoint in program.gradients if adjoint)))
    return without_dead_lines(alone.with_lines(without_unused_logs(alone), alone.backward))
