"""Code and formulas of one text speak of the same numbers: `w[6]` of the code is `w7` of the formulas, `y[0]` is `y_1`.

Lists of the code count from 0, the formulas from 1. An assignment of the code that formulas do not make is a definition too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping

from mpmath import mpf

from symbackprop.formula.tree.tree import Call, Formula, Fraction, Name, Neg, Number, Power, Product, Sum
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.meaning.values import Definition, Key, Knowledge
from symbackprop.proofreading.text.code_lines import CodeLine

_RATES = {"alpha": "eta", "lr": "eta", "learning_rate": "eta", "eta": "eta", "rate": "eta"}


class NoFormulaError(Exception):
    """Code that is no formula over names."""


def formula_name(name: str, index: int | None, known: Iterable[str]) -> str:
    """Return the name in the formulas of a variable, or of an element of a list (index from 0) of the code."""
    if index is None:
        return _RATES.get(name, name) if name not in known else name
    candidates = (f"{name}{index + 1}", f"{name}_{index + 1}")
    return next((candidate for candidate in candidates if candidate in known), candidates[0])


def to_formula(node: ast.expr, known: Iterable[str]) -> Formula:
    """Return arithmetic over names as a formula. Raises NoFormulaError."""
    rule = _RULES.get(type(node))
    if rule is None:
        raise NoFormulaError(type(node).__name__)
    return rule(node, tuple(known))


def _binary(node: ast.BinOp, known: tuple[str, ...]) -> Formula:
    left, right = to_formula(node.left, known), to_formula(node.right, known)
    made: Mapping[type, Callable[[], Formula]] = {
        ast.Add: lambda: Sum((left, right)),
        ast.Sub: lambda: Sum((left, Neg(right))),
        ast.Mult: lambda: Product((left, right)),
        ast.Div: lambda: Fraction(left, right),
        ast.Pow: lambda: Power(left, right),
    }
    if type(node.op) not in made:
        raise NoFormulaError(type(node.op).__name__)
    return made[type(node.op)]()


def _constant(node: ast.Constant, known: tuple[str, ...]) -> Formula:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float) or node.value < 0:
        raise NoFormulaError("a constant that is no number")
    return Number(repr(node.value))


def _unary(node: ast.UnaryOp, known: tuple[str, ...]) -> Formula:
    if not isinstance(node.op, ast.USub):
        raise NoFormulaError(type(node.op).__name__)
    return Neg(to_formula(node.operand, known))


def _subscript(node: ast.Subscript, known: tuple[str, ...]) -> Formula:
    index = node.slice
    if not (isinstance(node.value, ast.Name) and isinstance(index, ast.Constant) and isinstance(index.value, int)):
        raise NoFormulaError("an element without a number")
    return Name(formula_name(node.value.id, index.value, known))


def _call(node: ast.Call, known: tuple[str, ...]) -> Formula:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if not name or node.keywords:
        raise NoFormulaError("a call")
    return Call(Name(name), tuple(to_formula(argument, known) for argument in node.args))


_RULES: Mapping[type, Callable[..., Formula]] = {
    ast.BinOp: _binary,
    ast.Constant: _constant,
    ast.UnaryOp: _unary,
    ast.Subscript: _subscript,
    ast.Call: _call,
    ast.Name: lambda node, known: Name(formula_name(node.id, None, known)),
}


def code_definitions(lines: Iterable[CodeLine], environment: Knowledge, known: Iterable[str], stepped: set[Key]) -> None:
    """Take in what code assigns once: numbers and lists of numbers as given, arithmetic over names as definitions.

    `stepped` are the names whose numbers are what a step gives: what code gives them is what they begin with.
    """
    names = tuple(known)
    seen: set[str] = set()
    for line in lines:
        tree = line.tree
        if not (isinstance(tree, ast.Assign) and len(tree.targets) == 1 and isinstance(tree.targets[0], ast.Name)):
            continue
        name = tree.targets[0].id
        if name in seen:
            continue
        seen.add(name)
        numbers = _given(name, tree.value, names)
        if numbers:
            environment.given.update(
                {key: value for key, value in numbers.items() if key not in environment.given.keys() - stepped}
            )
            stepped.difference_update(numbers)
            continue
        target = formula_name(name, None, names)
        try:
            body = to_formula(tree.value, names)
        except NoFormulaError:
            continue
        _define(environment, target, body)


def _define(environment: Knowledge, name: str, body: Formula) -> None:
    """Let a name without a definition have one; where it is only another word for a name without one, that name."""
    known = environment.definitions.get(name)
    while known is not None and isinstance(known.body, Name) and name not in _names(body):
        name = known.body.name
        known = environment.definitions.get(name)
    if known is None and (name,) not in environment.given and name not in _names(body):
        environment.definitions[name] = Definition(name, body)


def _names(formula: Formula) -> set[str]:
    return {node.name for node in walk(formula) if isinstance(node, Name)}


def _is_number(literal: object) -> bool:
    """Whether a literal is a number: True, infinity and what is none are not."""
    return isinstance(literal, int | float) and not isinstance(literal, bool) and abs(literal) < float("inf")


def _given(name: str, value: ast.expr, known: tuple[str, ...]) -> dict[Key, mpf]:
    """Return the numbers that an assignment of a literal gives."""
    try:
        literal = ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {}
    if _is_number(literal):
        return {(formula_name(name, None, known),): mpf(repr(literal))}
    if isinstance(literal, list | tuple) and all(map(_is_number, literal)):
        return {(formula_name(name, index, known),): mpf(repr(item)) for index, item in enumerate(literal)}
    return {}


def lookup_in(environment: Knowledge, known: Iterable[str]) -> Callable[[str, int | None], float | None]:
    """Return how code finds the numbers that the text knows: `w[6]` is w7, `lr` the learning rate."""
    names = tuple(known)

    def lookup(name: str, index: int | None) -> float | None:
        found = environment.given.get((environment.canonical(formula_name(name, index, names)),))
        return None if found is None else float(found)

    return lookup
