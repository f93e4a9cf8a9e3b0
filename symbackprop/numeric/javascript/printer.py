"""Expressions as JavaScript: entries of arrays as `v.X[$n][$i]`, sums as loops, everything else as in Python on floats."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from sympy import Add, Expr, Idx, Indexed, IndexedBase, KroneckerDelta, Mul, Piecewise, Pow, Sum, Symbol, log
from sympy.core.function import Application
from sympy.core.relational import Relational

from symbackprop.errors import NotSupportedError
from symbackprop.functions import function_name
from symbackprop.network.indices import index_name, primed, substitute
from symbackprop.numeric.code.library import SOURCES
from symbackprop.numeric.code.printing import ATOM, FloatPrinter, PrintedSymbol
from symbackprop.numeric.javascript.helpers import BUILTIN, helper, spelling
from symbackprop.numeric.program.stable import log_softmax_in, logsumexp_of_sum, softmax_in

_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_RELATIONS = {"==": "===", "!=": "!=="}


def property_of(name: str, holder: str = "v") -> str:
    """Return where the value of a name is kept: a property, so that no name can be a word of the language."""
    return f"{holder}.{name}" if _PLAIN.fullmatch(name) else f"{holder}[{json.dumps(name)}]"


class ScriptPrinter(FloatPrinter):
    """Expressions in node names and adjoints as JavaScript on an object `v` of values.

    `called` collects the helpers that must stand before; `ranks` is the order in which names are written.
    """

    def __init__(self, ranks: Callable[[str], int]) -> None:
        self._ranks = ranks
        self.called: set[str] = set()
        super().__init__(self._leaf)

    def _leaf(self, symbol: Expr) -> PrintedSymbol:
        if isinstance(symbol, Indexed):
            name = str(symbol.base.label)
            return PrintedSymbol(self._print_Indexed(symbol), self._ranks(name))
        return PrintedSymbol(property_of(symbol.name), self._ranks(symbol.name), level=ATOM)

    def expression(self, expression: Expr) -> str:
        """Return the text of an expression."""
        return str(self._print(expression))

    # ---- arrays --------------------------------------------------------------------------------------------------------

    def _print_Indexed(self, expr: Indexed) -> str:
        return property_of(str(expr.base.label)) + "".join(f"[{self._print(index)}]" for index in expr.indices)

    def _print_IndexedBase(self, expr: IndexedBase) -> str:
        return property_of(str(expr.label))

    def _print_Idx(self, expr: Idx) -> str:
        return index_variable(expr)

    def _print_Sum(self, expr: Sum) -> str:
        text = self._print(expr.function)
        for index, low, high in expr.limits:
            text = f"{self._helper('sum')}({self._print(low)}, {self._print(high)}, ({index_variable(index)}) => {text})"
        return text

    def _print_KroneckerDelta(self, expr: KroneckerDelta) -> str:
        first, second = map(self._print, expr.args)
        return f"({first} === {second} ? 1 : 0)"

    def _helper(self, name: str) -> str:
        self.called.add(name)
        return name

    # ---- sums of exponentials, in the form that does not overflow ------------------------------------------------------

    def _print_Mul(self, expr: Mul) -> str:
        found = softmax_in(expr) if isinstance(expr, Mul) and expr.has(Sum) else None
        if found is None:
            return super()._print_Mul(expr)
        exponent, index, rest = found
        share = f"{self._helper('softmax_of')}({self._print(exponent)}, ...{self._every(exponent, index)})"
        return share if rest == 1 else f"{share}*({self._print(rest)})"

    def _print_Add(self, expr: Add, order: object = None) -> str:
        found = log_softmax_in(expr) if isinstance(expr, Add) and expr.has(Sum) else None
        if found is None:
            return super()._print_Add(expr, order)
        sign, exponent, index, rest = found
        total = f"{self._helper('logsumexp_of')}(...{self._every(exponent, index)})"
        text = f"{'-' if sign < 0 else ''}({self._print(exponent)} - {total})"
        return text if rest == 0 else f"{text} + ({self._print(rest)})"

    def _every(self, exponent: Expr, index: Idx) -> str:
        other = primed(index, {index_name(used) for used in exponent.atoms(Idx)})
        return self._list(substitute(exponent, {index: other}), other)

    def _list(self, body: Expr, index: Idx) -> str:
        low, high = self._print(index.lower), self._print(index.upper)
        return f"{self._helper('list')}({low}, {high}, ({index_variable(index)}) => {self._print(body)})"

    # ---- functions and conditions --------------------------------------------------------------------------------------

    def _call(self, expr: Application) -> str:
        if isinstance(expr, log):
            total = logsumexp_of_sum(expr)
            if total is not None and len(total[1]) == 1:
                return f"{self._helper('logsumexp_of')}(...{self._list(total[0], *total[1])})"
        name = function_name(expr.func)
        if name not in SOURCES:
            raise NotSupportedError(f"javascript: no code for function {name} in {expr}; known: {', '.join(SOURCES)}")
        called = spelling(name)
        if helper(called):
            self.called.add(called)
        return f"{called}({', '.join(map(self._print, expr.args))})"

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        squared = exponent == 2 and isinstance(base, Symbol)
        if squared or self._is_quotient_or_root(exponent):
            return super()._print_Pow(expr, rational)
        return f"Math.pow({self._print(base)}, {self._print(exponent)})"

    @staticmethod
    def _is_quotient_or_root(exponent: Expr) -> bool:
        return bool(exponent.is_Rational and (exponent < 0 or exponent.q == 2))

    def _root(self, base: Expr) -> str:
        return f"{BUILTIN['sqrt']}({self._print(base)})"

    def _print_Piecewise(self, expr: Piecewise) -> str:
        text = "NaN"
        for value, condition in reversed(expr.args):
            text = self._print(value) if condition == True else f"({self._print(condition)} ? {self._print(value)} : {text})"  # noqa: E712 - sympy's true
        return f"({text})"

    def _print_Relational(self, expr: Relational) -> str:
        first, second = map(self._print, expr.args)
        return f"({first} {_RELATIONS.get(expr.rel_op, expr.rel_op)} {second})"

    def _print_And(self, expr: Expr) -> str:
        return "(" + " && ".join(map(self._print, expr.args)) + ")"

    def _print_Or(self, expr: Expr) -> str:
        return "(" + " || ".join(map(self._print, expr.args)) + ")"

    def _print_Not(self, expr: Expr) -> str:
        return f"!({self._print(expr.args[0])})"

    def _print_Pi(self, expr: Expr) -> str:
        return "Math.PI"

    def _print_Exp1(self, expr: Expr) -> str:
        return "Math.E"

    def _print_BooleanTrue(self, expr: Expr) -> str:
        return "true"

    def _print_BooleanFalse(self, expr: Expr) -> str:
        return "false"


def index_variable(index: Idx) -> str:
    """Return the variable of an index."""
    return "$" + re.sub(r"\W", lambda found: f"${ord(found[0]):x}", index_name(index))


__all__ = ["ScriptPrinter", "index_variable", "property_of"]
