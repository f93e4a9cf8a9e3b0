"""Statements written anew from the derivation, in the variables of the handwritten code: for what no small edit mends.

The generated source of the derivation has one line for each node and each adjoint. Its names are replaced by the code's variables
that are named after the same quantity and set further up; what the code does not hold is put in, in brackets.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import SymbackpropError
from symbackprop.numeric.code.source import trace_source
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import Vocabulary
from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.splices import Edit, ParsedSource

LONGEST = 110
"""Characters of a rewritten expression; a longer one would hardly be what was meant."""

Fits = Callable[[str, str], bool]
"""Whether a variable of the code has the shape of a name of the generated source."""


class _OutOfReach(Exception):
    """A quantity that the code neither holds nor can be given in a few words."""


@dataclass(frozen=True, slots=True)
class Written:
    """The generated lines: name → expression, and how nodes' adjoints are called there."""

    lines: Mapping[str, ast.expr]
    adjoints: Mapping[str, str]


def written(derivation: DerivationRecord) -> Written:
    """Return the generated source as expressions by name; names that a loop fills are left out."""
    try:
        tree = ast.parse(trace_source(derivation))
    except SymbackpropError:
        return Written({}, {})
    body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "forward").body
    found = {name: value for statement in body if isinstance(statement, ast.Assign) for name, value in _assigned(statement)}
    filled = _filled(body)
    lines = {name: value for name, value in found.items() if not (name in filled and isinstance(value, ast.Call))}
    return Written(lines, {node: str(adjoint.symbol) for node, adjoint in derivation.adjoints.items()})


def _filled(body: list[ast.stmt]) -> set[str]:
    """Return the names that the loops of a body read or fill."""
    loops = [inner for statement in body if isinstance(statement, ast.For) for inner in ast.walk(statement)]
    return {inner.id for inner in loops if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Store)}


def _assigned(statement: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """Yield name → expression of an assignment, also one of several names at once."""
    (target,) = statement.targets
    if isinstance(target, ast.Name):
        yield target.id, statement.value
    for k, part in enumerate(target.elts if isinstance(target, ast.Tuple) else ()):
        if isinstance(part, ast.Name):
            yield part.id, ast.Subscript(statement.value, ast.Constant(k), ast.Load())


def rewrites(
    source: ParsedSource, lines: Written, vocabulary: Vocabulary, known: Mapping[str, object], fits: Fits
) -> Iterator[Edit]:
    """Yield the statements and dictionary entries of one function, written anew.

    Args:
        known: the globals of the function, for helpers such as `softmax`.
        fits: whether a variable can stand for a name of the generated source.
    """
    for node, key in _statements(source, lines, vocabulary):
        available = _available(source, node.lineno, lines, vocabulary, fits)
        expression = lines.lines.get(key)
        if expression is None:
            continue
        try:
            new = ast.unparse(_Renamed(lines.lines, available, known, key).visit(_copied(expression)))
        except _OutOfReach:
            continue
        if len(new) <= LONGEST and new != source.of(node):
            yield source.put(node, new, COST["rewritten"], atomic=True)


def _statements(source: ParsedSource, lines: Written, vocabulary: Vocabulary) -> Iterator[tuple[ast.expr, str]]:
    """Yield (expression, name in the generated source) for what the code gives a telling name."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            key = _key(node.targets[0].id, lines, vocabulary)
            if key:
                yield node.value, key
        elif isinstance(node, ast.Dict):
            yield from _entries(node, lines, vocabulary)


def _entries(node: ast.Dict, lines: Written, vocabulary: Vocabulary) -> Iterator[tuple[ast.expr, str]]:
    """Yield the values of a dictionary whose keys name gradients."""
    for name, value in zip(node.keys, node.values, strict=True):
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            meant = names.gradient_of(name.value, vocabulary.all, vocabulary.loss)
            if meant is not None and meant in lines.adjoints:
                yield value, lines.adjoints[meant]


def _key(variable: str, lines: Written, vocabulary: Vocabulary) -> str:
    """Return what a variable is called in the generated source; nothing for a variable whose name says nothing."""
    meaning = names.quotient(variable, vocabulary.all, vocabulary.loss)
    if meaning is not None and meaning.top:
        return ""
    plain = names.match(variable, vocabulary.all)
    if plain is not None:
        return plain
    node = meaning.bottom if meaning is not None else names.gradient_of(variable, vocabulary.all, vocabulary.loss)
    return lines.adjoints.get(node or "", "")


def _available(source: ParsedSource, line: int, lines: Written, vocabulary: Vocabulary, fits: Fits) -> dict[str, str]:
    """Return name in the generated source → variable, for arguments and what is set above a line."""
    found: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.arg):
            variable = node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.lineno < line:
            variable = node.id
        else:
            continue
        key = variable if variable in lines.lines and variable not in vocabulary.all else _key(variable, lines, vocabulary)
        if key and fits(variable, key):
            found[key] = variable
    return found


def _copied(expression: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(expression), mode="eval").body


class _Renamed(ast.NodeTransformer):
    """Put the code's variables in the place of the generated names."""

    def __init__(
        self, lines: Mapping[str, ast.expr], available: Mapping[str, str], known: Mapping[str, object], own: str
    ) -> None:
        self.lines = lines
        self.available = available
        self.known = known
        self.own = own

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.available and node.id != self.own:
            return ast.Name(self.available[node.id], ast.Load())
        if node.id in self.lines and node.id != self.own:
            inner = ast.unparse(self.lines[node.id])
            if len(inner) > LONGEST:
                raise _OutOfReach
            put: ast.expr = _Renamed(self.lines, self.available, self.known, node.id).visit(_copied(self.lines[node.id]))
            return put
        if node.id in self.known:
            return node
        raise _OutOfReach

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        whole = isinstance(node.value, float) and node.value.is_integer()
        return ast.Constant(int(node.value)) if whole and isinstance(node.value, float) else node
