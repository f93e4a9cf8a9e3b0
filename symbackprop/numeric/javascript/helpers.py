"""The functions of generated JavaScript: those of `Math`, and the helpers of generated Python, translated statement by statement.

So a new function has its JavaScript with its row. The subset of Python that a scalar helper is written in is small: names,
numbers, arithmetic, comparisons, calls, `a if c else b`, assignments and `return`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache, singledispatch
from types import MappingProxyType
from typing import Any

from symbackprop.errors import InternalError
from symbackprop.numeric.code.library import SOURCES

#: What Python's builtins and `math` are called in JavaScript.
BUILTIN: Mapping[str, str] = MappingProxyType(
    {name: f"Math.{name}" for name in (
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "exp", "expm1", "hypot", "log",
        "log10", "log1p", "log2", "max", "min", "sign", "sin", "sinh", "sqrt", "tan", "tanh",
    )} | {"float": "Number"}
)  # fmt: skip

#: Written by hand: what `math` has and JavaScript does not, and what acts on lists.
_OWN: Mapping[str, str] = MappingProxyType(
    {
        "exp2": "function exp2(x) {\n  return Math.pow(2, x);\n}",
        # All terms of the series are positive, so no digit is lost: erf x = 2/√π e^(-x²) Σ 2^n x^(2n+1)/(1·3···(2n+1)).
        "erf": """function erf(x) {
  if (Math.abs(x) > 3) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
  let term = x, total = x;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-18*Math.abs(total); n += 1) { term *= 2*x*x/(2*n + 1); total += term; }
  return 2/Math.sqrt(Math.PI)*Math.exp(-x*x)*total;
}""",
        # Laplace's continued fraction: erfc x = e^(-x²)/√π / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))).
        "erfc": """function erfc(x) {
  if (x < 1) return 1 - erf(x);
  let below = x;
  for (let n = 400; n > 0; n -= 1) below = x + n/2/below;
  return Math.exp(-x*x)/Math.sqrt(Math.PI)/below;
}""",
        "softmax_of": """function softmax_of(z, ...all) {
  const largest = Math.max(...all);
  return Math.exp(z - largest)/all.reduce((total, v) => total + Math.exp(v - largest), 0);
}""",
        "logsumexp_of": """function logsumexp_of(...all) {
  const largest = Math.max(...all);
  return largest + Math.log(all.reduce((total, v) => total + Math.exp(v - largest), 0));
}""",
        # Sums and arrays: `body` is called with each value of an index.
        "sum": """function sum(from, to, body) {
  let total = 0;
  for (let k = from; k <= to; k += 1) total += body(k);
  return total;
}""",
        "list": """function list(from, to, body) {
  const found = [];
  for (let k = from; k <= to; k += 1) found.push(body(k));
  return found;
}""",
    }
)
_NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType({"erf": ("erfc",), "erfc": ("erf",)})
_NAME = re.compile(r"\b([A-Za-z_]\w*)\(")


def spelling(name: str) -> str:
    """Return how a function of the table is called in JavaScript."""
    called = SOURCES[name].scalar if name in SOURCES else name
    return called if called in _OWN or (name in SOURCES and SOURCES[name].scalar_helper) else BUILTIN[called]


@cache
def helper(called: str) -> str:
    """Return the definition of a helper, empty for what JavaScript has itself."""
    if called in _OWN:
        return _OWN[called]
    source = next((row.scalar_helper for row in SOURCES.values() if row.scalar == called and row.scalar_helper), "")
    return translated(source) if source else ""


def helpers(wanted: set[str]) -> list[str]:
    """Return the definitions of helpers and of those that they call, in order of name."""
    found: dict[str, str] = {}
    waiting = sorted(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found and (text := helper(name)):
            found[name] = text
            waiting += [*_NEEDS.get(name, ()), *(called for called in _NAME.findall(text) if called != name and helper(called))]
    return [found[name] for name in sorted(found)]


def translated(python: str) -> str:
    """Return the JavaScript of a scalar helper. Raises InternalError for Python beyond the subset."""
    (definition,) = ast.parse(python).body
    if not isinstance(definition, ast.FunctionDef):
        raise InternalError(f"javascript: expected one function, got {python!r}")
    body = definition.body[1:] if ast.get_docstring(definition) else definition.body
    names = ", ".join(argument.arg for argument in definition.args.args)
    lines = "\n".join(f"  {_statement(line)};" for line in body)
    return f"function {definition.name}({names}) {{\n{lines}\n}}"


@singledispatch
def _statement(node: ast.AST) -> str:
    raise InternalError(f"javascript: no translation of {ast.unparse(node)}")


@_statement.register
def _(node: ast.Return) -> str:
    return f"return {_value(node.value)}"


@_statement.register
def _(node: ast.Assign) -> str:
    (target,) = node.targets
    return f"const {_value(target)} = {_value(node.value)}"


@singledispatch
def _value(node: Any) -> str:
    raise InternalError(f"javascript: no translation of {ast.unparse(node)}")


@_value.register
def _(node: ast.Name) -> str:
    return node.id


@_value.register
def _(node: ast.Constant) -> str:
    return repr(node.value)


_SIGNS: Mapping[type[ast.AST], str] = MappingProxyType(
    {
        ast.Add: " + ", ast.Sub: " - ", ast.Mult: "*", ast.Div: "/", ast.USub: "-", ast.UAdd: "+",
        ast.Gt: " > ", ast.GtE: " >= ", ast.Lt: " < ", ast.LtE: " <= ", ast.Eq: " === ", ast.NotEq: " !== ",
    }
)  # fmt: skip


def _sign(operator: ast.AST) -> str:
    if type(operator) not in _SIGNS:
        raise InternalError(f"javascript: no translation of the operator {type(operator).__name__}")
    return _SIGNS[type(operator)]


@_value.register
def _(node: ast.BinOp) -> str:
    left, right = _value(node.left), _value(node.right)
    return f"Math.pow({left}, {right})" if isinstance(node.op, ast.Pow) else f"({left}{_sign(node.op)}{right})"


@_value.register
def _(node: ast.UnaryOp) -> str:
    return f"({_sign(node.op)}{_value(node.operand)})"


@_value.register
def _(node: ast.Compare) -> str:
    (operator,), (right,) = node.ops, node.comparators
    return f"({_value(node.left)}{_sign(operator)}{_value(right)})"


@_value.register
def _(node: ast.IfExp) -> str:
    return f"({_value(node.test)} ? {_value(node.body)} : {_value(node.orelse)})"


@_value.register
def _(node: ast.Call) -> str:
    called = _value(node.func)
    return f"{BUILTIN.get(called, called)}({', '.join(map(_value, node.args))})"
