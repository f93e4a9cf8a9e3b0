"""Scalar expressions as Python text: sympy's own code printers, with the order and the spelling of handwritten code.

`FloatPrinter` writes for plain floats and `math`, `ArrayPrinter` for numpy. Both differ from sympy's printers in what a reader
sees: names in the network's order, constants in front, one division instead of several, decimals for exact decimals, and the
project's own functions through `library`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sympy import Add, Basic, Expr, Idx, Indexed, Integer, Mul, Number, Pow, Rational, Symbol
from sympy.core.function import Application
from sympy.printing.numpy import NumPyPrinter
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.pycode import PythonCodePrinter
from sympy.printing.str import StrPrinter

from symbackprop.errors import NotSupportedError
from symbackprop.functions import ELEMENTARY, function_name
from symbackprop.numeric.code.library import SOURCES

ATOM, PRODUCT, SUM, COMPARISON = (int(PRECEDENCE[kind]) for kind in ("Atom", "Mul", "Add", "Relational"))
_NO_SYMBOLS = (0, 0, 0)


class PrintedSymbol:
    """How a symbol is written: its text, how strongly that binds, how many axes it has, and its place in the order of names."""

    __slots__ = ("axes", "level", "rank", "text")

    def __init__(self, text: str, rank: int, axes: int = 0, level: int = ATOM) -> None:
        self.text, self.rank, self.axes, self.level = text, rank, axes, level


class _CodePrinter:
    """What both printers share; `leaf(symbol)` tells how a symbol is written. Mixed in before a sympy printer."""

    module_imports: dict[str, set[str]]
    helpers: set[str]
    _options: ClassVar[dict[str, Any]] = {"fully_qualified_modules": False}

    def __init__(self, leaf: Callable[[Symbol], PrintedSymbol]) -> None:
        super().__init__(self._options)  # type: ignore[call-arg]
        self.leaf = leaf
        self.helpers = set()
        self._keys: dict[Expr, tuple[int, int, int]] = {}

    # ---- leaves --------------------------------------------------------------------------------------------------------

    def _print_Symbol(self, expr: Symbol) -> str:
        return self.leaf(expr).text

    def _print_Integer(self, expr: Integer) -> str:
        return decimal(expr)

    def _print_Rational(self, expr: Rational) -> str:
        return decimal(expr) or f"{expr.p}/{expr.q}"

    def _print_Half(self, expr: Rational) -> str:
        return "0.5"

    def parenthesize(self, item: Basic, level: int, strict: bool = False) -> str:
        """Return the text of `item`, in parentheses where it binds more weakly than `level`."""
        own = self._level(item)
        text = self._print(item)
        return f"({text})" if own < level or (not strict and own <= level) else text

    def _level(self, item: Basic) -> int:
        """Return how strongly the text of `item` binds, on sympy's scale of precedence."""
        if isinstance(item, Symbol):
            return self.leaf(item).level
        if isinstance(item, Rational) and decimal(item) and item >= 0:
            return ATOM
        if isinstance(item, Application):
            return ATOM
        if isinstance(item, Pow) and isinstance(item.exp, Rational) and item.exp < 0:
            return PRODUCT  # written as a fraction
        if isinstance(item, Pow) and isinstance(item.exp, Rational) and item.exp.q == 2:
            return ATOM if item.exp == Rational(1, 2) else PRODUCT
        if isinstance(item, Pow) and item.exp.could_extract_minus_sign():
            return PRODUCT  # it is written as a quotient
        return int(precedence(item))

    # ---- arithmetic ----------------------------------------------------------------------------------------------------

    def _print_Add(self, expr: Add, order: Any = None) -> str:
        content, rest = common_content(expr)
        if content != 1:
            return self._print_Mul(Mul(content, rest, evaluate=False))
        terms = sorted(expr.args, key=self._term_key)
        if terms[0].could_extract_minus_sign():
            first = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
            terms.remove(first)
            terms.insert(0, first)
        text = self.parenthesize(terms[0], SUM, strict=True)
        for term in terms[1:]:
            negative = term.could_extract_minus_sign() and not isinstance(term, Add)
            text += (" - " if negative else " + ") + self.parenthesize(-term if negative else term, SUM, strict=True)
        return text

    def _print_Mul(self, expr: Mul) -> str:
        if all(isinstance(factor, Symbol) for factor in expr.args):  # by far the most frequent product
            return self._fraction(sorted(expr.args, key=self._factor_key), [])
        sign, above, below = split_product(expr)
        above.sort(key=self._factor_key)
        below.sort(key=self._factor_key)
        sign = self._before(sign, above)
        numbers = [f for f in above if not self._key(f)[0]]
        arrays = [f for f in above if self._key(f)[0]]
        rooted = any(
            isinstance(factor, Pow) for factor in below
        )  # a root is worked out, and multiplying is cheaper than dividing
        if (numbers or rooted) and arrays and below and not any(self._key(f)[0] for f in below):
            return f"{sign}{self._fraction(numbers, below)}*{self._fraction(arrays, [])}"  # one pass over the array, not two
        return sign + self._fraction(above, below)

    def _before(self, sign: str, factors: list[Expr]) -> str:
        """Return a sign as it may stand before factors."""
        return sign

    def _fraction(self, above: list[Expr], below: list[Expr]) -> str:
        text = "*".join(self.parenthesize(f, PRODUCT, strict=at == 0 and isinstance(f, Pow)) for at, f in enumerate(above))
        text = text or self._print(Integer(1))
        if len(below) == 1:
            return f"{text}/{self.parenthesize(below[0], PRODUCT)}"
        if below:
            return f"{text}/({'*'.join(self.parenthesize(f, PRODUCT, strict=True) for f in below)})"
        return text

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if isinstance(exponent, Rational) and exponent < 0:
            return self._print_Mul(expr)
        if exponent == Rational(1, 2):
            return self._root(base)
        if isinstance(exponent, Rational) and exponent.q == 2:
            whole = Pow(base, exponent - Rational(1, 2), evaluate=False)
            return f"{self.parenthesize(whole if exponent > Rational(3, 2) else base, PRODUCT)}*{self._root(base)}"
        return f"{self.parenthesize(base, PRECEDENCE['Pow'])}**{self.parenthesize(exponent, PRECEDENCE['Pow'], strict=True)}"

    def _root(self, base: Expr) -> str:
        raise NotImplementedError

    def _term_key(self, term: Expr) -> tuple[Any, ...]:
        axes, own, rank = self._key(term)
        return (-axes, isinstance(term, Number), not (own or isinstance(term, Mul)), rank)

    def _factor_key(self, factor: Expr) -> tuple[Any, ...]:
        axes, own, rank = self._key(factor)
        return (axes, not isinstance(factor, Number), not own, not isinstance(factor, Symbol | Indexed), rank)

    def _key(self, expr: Expr) -> tuple[int, int, int]:
        """Return (axes, 1 when an adjoint occurs, place of the last name) over the symbols of an expression."""
        if isinstance(expr, Symbol | Indexed):
            leaf = self.leaf(expr)
            return (leaf.axes, int(leaf.rank < 0), leaf.rank)
        if not expr.args:
            return _NO_SYMBOLS
        if expr not in self._keys:
            keys = [self._key(arg) for arg in expr.args]
            self._keys[expr] = (max(k[0] for k in keys), max(k[1] for k in keys), max(k[2] for k in keys))
        return self._keys[expr]

    # ---- functions -----------------------------------------------------------------------------------------------------

    def _print(self, expr: Basic, **options: Any) -> str:
        if isinstance(expr, Application) and expr.func in ELEMENTARY:  # sympy's printers know some of them by other names
            return self._call(expr)
        return str(super()._print(expr, **options))  # type: ignore[misc]

    def _print_Function(self, expr: Application) -> str:
        return self._call(expr)

    def _call(self, expr: Application) -> str:
        name = function_name(expr.func)
        spelling = SOURCES.get(name)
        if spelling is None:
            raise NotSupportedError(f"numeric: no code for function {name} in {expr}; known: {', '.join(SOURCES)}")
        self.helpers.add(name)
        return f"{self._spelt(name)}({', '.join(self._print(arg) for arg in expr.args)})"

    def _spelt(self, name: str) -> str:
        raise NotImplementedError


class FloatPrinter(_CodePrinter, PythonCodePrinter):  # type: ignore[misc]
    """Expressions of scalars as Python on plain floats; `module_imports["math"]` collects the names to import.

    Whole numbers are written as floats (`1.0 - out`): Python then skips a conversion in every operation.
    """

    def _print_Integer(self, expr: Integer) -> str:
        return f"{expr.p}.0"

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent == 2 and isinstance(base, Symbol):
            return "*".join([self._print(base)] * 2)
        if isinstance(exponent, Integer) and exponent > 1:
            return f"{self.parenthesize(base, PRECEDENCE['Pow'])}**{exponent.p}"
        return super()._print_Pow(expr, rational)

    def _level(self, item: Basic) -> int:
        if isinstance(item, Pow) and item.exp == 2 and isinstance(item.base, Symbol):
            return PRODUCT
        return super()._level(item)

    def one_line_sigmoid(self, x: Symbol, guarded: bool) -> str:
        """Return sigmoid(x) without a call, for the right side of an assignment."""
        self.module_imports["math"].add("exp")
        name = self._print(x)
        quotient = f"1.0/(1.0 + exp(-{name}))"
        return f"{quotient} if {name} > -700.0 else exp({name})/(1.0 + exp({name}))" if guarded else quotient

    def _spelt(self, name: str) -> str:
        spelling = SOURCES[name]
        self.module_imports["math"].update(spelling.needs)
        return spelling.scalar

    def _root(self, base: Expr) -> str:
        self.module_imports["math"].add("sqrt")
        return f"sqrt({self._print(base)})"


class ArrayPrinter(_CodePrinter, NumPyPrinter):  # type: ignore[misc]
    """Elementwise expressions of arrays as numpy code."""

    def _module_format(self, fqn: str, register: bool = True) -> str:
        return fqn.replace("numpy.", "np.", 1)

    def _spelt(self, name: str) -> str:
        return SOURCES[name].array

    def _root(self, base: Expr) -> str:
        return f"np.sqrt({self._print(base)})"

    def _print_Pow(self, expr: Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent == 3 and isinstance(base, Symbol) and self.leaf(base).level == ATOM:  # numpy's power is slow except squares
            return "*".join([self._print(base)] * 3)
        return super()._print_Pow(expr, rational)

    def _level(self, item: Basic) -> int:
        if isinstance(item, Pow) and item.exp == 3:
            return PRODUCT
        return super()._level(item)

    def _factor_key(self, factor: Expr) -> tuple[Any, ...]:
        return (self._is_mask(factor), *super()._factor_key(factor))  # the sign stands before a number

    def _is_mask(self, factor: Expr) -> bool:
        return isinstance(factor, Symbol) and self.leaf(factor).level == COMPARISON

    def _before(self, sign: str, factors: list[Expr]) -> str:
        masks = bool(factors) and self._is_mask(factors[0])  # numpy knows no -(x > 0)
        return f"{sign}1*" if sign and masks else sign

    def _print_Piecewise(self, expr: Expr) -> str:
        branches = list(expr.args)
        text = self._print(branches.pop()[0]) if branches[-1][1] == True else "np.nan"  # noqa: E712 - sympy's true
        for value, condition in reversed(branches):
            text = f"np.where({self._print(condition)}, {self._print(value)}, {text})"
        return text

    def _print_Relational(self, expr: Expr) -> str:
        sides = [self.parenthesize(side, SUM, strict=True) for side in expr.args]
        return f"{sides[0]} {expr.rel_op} {sides[1]}"

    def _joined(self, operator: str) -> Callable[[Expr], str]:
        return lambda expr: operator.join(f"({self._print(arg)})" for arg in expr.args)

    def _print_And(self, expr: Expr) -> str:
        return self._joined(" & ")(expr)

    def _print_Or(self, expr: Expr) -> str:
        return self._joined(" | ")(expr)

    def _print_Not(self, expr: Expr) -> str:
        return f"~({self._print(expr.args[0])})"


class FormulaPrinter(_CodePrinter, StrPrinter):  # type: ignore[misc]
    """Formulas in index notation for the comments of generated source: `Sum(X[n, i]*W[i, j], i) + b[j]`."""

    _options: ClassVar[dict[str, Any]] = {}

    def _call(self, expr: Application) -> str:
        return f"{function_name(expr.func)}({', '.join(self._print(arg) for arg in expr.args)})"

    def _print_MatrixInverse(self, expr: Expr) -> str:
        return f"inv({expr.array})[{', '.join(map(self._print, expr.places))}]"

    def _print_LogDet(self, expr: Expr) -> str:
        places = f"[{', '.join(map(self._print, expr.places))}]" if expr.places else ""
        return f"log(abs(det({expr.array}{places})))"

    def _print_Sum(self, expr: Expr) -> str:
        return f"Sum({self._print(expr.function)}, {', '.join(self._limits(*limits) for limits in expr.limits)})"

    def _print_IndexMax(self, expr: Expr) -> str:
        return self._print_Sum(expr).replace("Sum", expr.method, 1)

    _print_IndexMin = _print_IndexProduct = _print_IndexMax

    def _limits(self, index: Idx, low: Expr, high: Expr) -> str:
        whole = (low, high) == (index.lower, index.upper)
        return str(index) if whole else f"({index}, {self._print(low)}, {self._print(high)})"

    def _print_Idx(self, expr: Idx) -> str:
        return str(expr.label.name)

    def _print_Indexed(self, expr: Indexed) -> str:
        return self.leaf(expr).text

    def entry(self, name: str, expr: Indexed) -> str:
        """Return the text of an entry of an array of this name."""
        return f"{name}[{', '.join(self._print(index) for index in expr.indices)}]"

    def _root(self, base: Expr) -> str:
        return f"sqrt({self._print(base)})"


LARGEST_WHOLE = 2**53


def decimal(number: Rational) -> str:
    """Return the short decimal a fraction is exactly equal to in text (`7/20` is `0.35`), or an empty string (`1/3`)."""
    if number.q == 1:
        return str(number.p) if abs(number.p) <= LARGEST_WHOLE else repr(float(number))  # numpy has no integers so large
    text = repr(float(number))
    short = len(text) <= 12 or max(abs(number.p), number.q) > LARGEST_WHOLE  # whole numbers beyond are no floats
    return text if short and Rational(text) == number else ""


def split_product(expr: Expr) -> tuple[str, list[Expr], list[Expr]]:
    """Return sign, factors above and factors below the bar of a product (or of a single power)."""
    above: list[Expr] = []
    below: list[Expr] = []
    number = Integer(1)
    for factor in Mul.make_args(expr):
        if isinstance(factor, Add):
            content, factor = common_content(factor)
            number *= content
        if isinstance(factor, Rational):
            number *= factor
        elif isinstance(factor, Pow) and isinstance(factor.exp, Rational) and factor.exp < 0:
            below.append(Pow(factor.base, -factor.exp))
        else:
            above.append(factor)
    _place_number(abs(number), above, below)
    return "-" if number < 0 else "", above, below


def common_content(total: Add) -> tuple[Rational, Expr]:
    """Return (2, y - t) for `2*y - 2*t`: the number in front of every term when it is the same for all, else (1, total)."""
    content, rest = total.primitive()
    alike = all(abs(term.as_coeff_Mul()[0]) == 1 for term in rest.args)
    return (content, rest) if alike and content != 1 else (Integer(1), total)


def _place_number(number: Rational, above: list[Expr], below: list[Expr]) -> None:
    if decimal(number):
        above.extend([number] if number != 1 else [])
        return
    above.extend([Integer(number.p)] if number.p != 1 else [])
    below.append(Integer(number.q))


__all__ = [
    "ATOM",
    "COMPARISON",
    "PRODUCT",
    "SUM",
    "ArrayPrinter",
    "FloatPrinter",
    "FormulaPrinter",
    "PrintedSymbol",
    "decimal",
    "split_product",
]
