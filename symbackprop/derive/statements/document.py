"""Every equation that a document about a derivation holds, in the order it would state them, in one notation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symbackprop.derive.statements.array_statements import matrix_definition, matrix_gradient
from symbackprop.derive.statements.statements import Statements
from symbackprop.derive.steps.steps import is_scalar_path
from symbackprop.derive.steps.writer import Writer
from symbackprop.derive.sweep.derivation import DerivationRecord, pulled_out
from symbackprop.derive.textbook.simplify import simplified_adjoints
from symbackprop.errors import NotSupportedError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree.tree import Chain


def document_statements(derivation: DerivationRecord, notation: Notation | None = None) -> tuple[Chain, ...]:
    """Return the definitions up to the loss, then for each name that was asked for its chain, its gradient and its update.

    Arrays are written with indices and, where they have one, in matrix form.
    """
    statements = Statements(Writer(derivation, notation))
    gradients = _with_indices if _has_indices(derivation) else _along_paths
    return tuple(dict.fromkeys((*_definitions(statements), *gradients(statements))))


def _has_indices(derivation: DerivationRecord) -> bool:
    return any(not is_scalar_path(derivation[name]) for name in derivation if name in derivation.adjoints)


def _definitions(statements: Statements) -> Iterator[Chain]:
    """Yield the definition of every name that the loss is made of, those that only a gradient is written in (an inverse) too."""
    derivation = statements.writer.derivation
    reached = frozenset(derivation.network.ancestors(derivation.loss))
    for name, node in derivation.network.nodes.items():
        if node.defined and name in reached:
            yield statements.define(name)
            yield from _where_there_is_one(matrix_definition, statements, name)


def _along_paths(statements: Statements) -> Iterator[Chain]:
    derivation = statements.writer.derivation
    for name in derivation:
        if name in derivation.adjoints:
            yield statements.chain(derivation.loss, name)
            yield statements.gradient(name)
            yield statements.update(name)


def _with_indices(statements: Statements) -> Iterator[Chain]:
    """Yield the gradients of the intermediates that stay named and of what was asked for, from the loss back."""
    writer = statements.writer
    for name, form in simplified_adjoints(writer.derivation).items():
        if not form.put_in:
            written = writer.expression(pulled_out(form.expression))
            yield Chain((writer.partial(writer.derivation.loss, name), written), ("=",))
            yield from _where_there_is_one(matrix_gradient, statements, name)
    for name in writer.derivation:
        yield statements.update(name)


def _where_there_is_one(write: Callable[[Statements, str], Chain], statements: Statements, name: str) -> Iterator[Chain]:
    """Yield the matrix form of an array; nothing for a number, or where there is no such form."""
    if statements.writer.network.nodes[name].indices:
        try:
            yield write(statements, name)
        except NotSupportedError:
            return
