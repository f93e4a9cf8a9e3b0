"""Changes that take a surplus away: a sign, a number, a factor, a summand, a function, a statement."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations

from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.restore import SIGNS
from symbackprop.verify.mend.changes.splices import ATOMS, Edit, ParsedSource, factors_of, is_product

Edits = Iterator[Edit]

GUARD = re.compile(r"(?i)eps|epsilon|tiny|guard|jitter|stab")
"""Names of small numbers that keep code from dividing by zero; no mend takes one away."""
SMALL = 1e-3


def minus_deleted(source: ParsedSource, node: ast.UnaryOp) -> Edits:
    """A sign too many."""
    if isinstance(node.op, ast.USub):
        yield source.put(node, source.of(node.operand), COST["sign deleted"], atomic=isinstance(node.operand, ATOMS))


def side_deleted(source: ParsedSource, node: ast.BinOp) -> Edits:
    """One side of an operation left out; of `a - b` what is left may be `-b`."""
    sign, left, right = SIGNS.get(type(node.op)), source.factor(node.left), source.factor(node.right)
    if sign in ("-", "+") and isinstance(node.right, ast.Constant):
        yield source.put(node, source.of(node.left), COST["number deleted"], atomic=isinstance(node.left, ATOMS))
    if sign == "*" and isinstance(node.left, ast.Constant):
        yield source.put(node, source.of(node.right), COST["number deleted"] + 0.1, atomic=isinstance(node.right, ATOMS))
    yield source.put(node, left, COST["side deleted"], atomic=isinstance(node.left, ATOMS))
    if sign not in ("**", "/"):
        yield source.put(node, right, COST["side deleted"], atomic=isinstance(node.right, ATOMS))
    if sign == "-":
        yield source.put(node, f"-{source.term(node.right)}", COST["side deleted"])


def name_deleted(source: ParsedSource, node: ast.BinOp) -> Edits:
    """All factors made of one variable taken out of a product, or the slope of an activation put in their place."""
    if is_product(source.parents.get(node)):
        return
    factors = factors_of(node)
    for name in sorted(source.variables(node)):
        kept = [factor for factor in factors if source.variables(factor) != {name}]
        if not kept or len(kept) == len(factors):
            continue
        others = [source.factor(factor) for factor in kept]
        if kept[0] is factors[0] and isinstance(kept[0], ast.UnaryOp):
            others[0] = source.of(kept[0])  # `-(t - y) * …` needs no more brackets
        yield source.put(node, " * ".join(others), COST["name deleted"])
        for slope in SLOPES:
            yield source.put(node, " * ".join([*others, slope.format(name)]), COST["slope restored"])


SLOPES = ("{0} * (1 - {0})", "(1 - {0} ** 2)", "({0} > 0)")


def factors_deleted(source: ParsedSource, node: ast.BinOp) -> Edits:
    """Two factors taken out of a product: a slope `y * (1 - y)` too many, whatever stands for y."""
    factors = factors_of(node)
    if is_product(source.parents.get(node)) or not 2 < len(factors) <= MOST_FACTORS:
        return
    for pair in combinations(factors, 2):
        kept = [source.factor(factor) for factor in factors if factor not in pair]
        yield source.put(node, " * ".join(kept), COST["factors deleted"])


MOST_FACTORS = 6


def function_deleted(source: ParsedSource, node: ast.Call) -> Edits:
    """A function of one argument left out."""
    if len(node.args) == 1 and isinstance(node.func, ast.Name | ast.Attribute):
        yield source.put(node, source.of(node.args[0]), COST["function deleted"], atomic=isinstance(node.args[0], ATOMS))


def inner_kept(source: ParsedSource, node: ast.BinOp) -> Edits:
    """Only a call that stands further inside is kept: `np.exp(v)` of `2 * np.exp(v) ** 2`."""
    if isinstance(source.parents.get(node), ast.BinOp) and is_product(node) == is_product(source.parents.get(node)):
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and inner not in (node.left, node.right):
            yield source.put(node, source.of(inner), COST["inner kept"], atomic=True)


def statement_deleted(source: ParsedSource, node: ast.AugAssign | ast.Assign) -> Edits:
    """A variable changed once more than it should be: `dy *= g`, `dy = dy / N`."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    again = isinstance(node, ast.AugAssign) or (isinstance(target, ast.Name) and target.id in source.variables(node.value))
    body = getattr(source.parents.get(node), "body", ())
    if again and len(body) > 1:
        yield source.put(node, "pass", COST["statement deleted"], atomic=True)


def takes_a_guard_away(source: ParsedSource, edit: Edit) -> bool:
    """Whether an edit removes or changes a guard: a small number that is added, a clip, a floor."""
    old = source.text[edit.start : edit.end]
    before, after = _guards(old), _guards(edit.new)
    return any(before.count(guard) > after.count(guard) for guard in before)


def _guards(text: str) -> list[str]:
    try:
        tree = ast.parse(text.strip())
    except SyntaxError:
        return re.findall(r"(?i)\b\w*(?:eps|tiny|clip)\w*\b", text)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < abs(node.value) <= SMALL:
            found.append(repr(node.value))
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            found += [name] if GUARD.search(name) or name == "clip" else []
    return found
