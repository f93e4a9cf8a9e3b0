"""Sizes of axes: polynomials in positive whole numbers, such as `N`, `T-F+1`, `G*C` or `2*(T-1)+F`.

They are read here, written so that they are read again, solved for, and compared as far as that is possible whatever the numbers
are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sympy import Add, Expr, Integer, Symbol

from symbackprop.errors import DefinitionError

_TOKEN = re.compile(r"\d+(?!\w)|[^\W\d]\w*|\*\*|[-+*()]")


def size_symbol(name: str) -> Symbol:
    """Return the symbol of a size: a positive integer."""
    return Symbol(name, integer=True, positive=True)


def parse_size(text: str, where: str) -> Expr:
    """Read a size such as `N`, `3`, `T-F+1`, `G*C` or `2*(T-1)+F`.

    Raises DefinitionError naming `where` for anything else.
    """
    return _Reader(text, where).size()


class _Reader:
    """Reads one size: terms with signs, of factors that are numbers, names, powers and brackets."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.position = 0

    def size(self) -> Expr:
        """Return the size that the text is, as a whole."""
        total = self._terms()
        if self.position < len(self.text):
            raise self._expected("a name, a number or signed terms such as T-F+1 or G*C")
        if is_at_least_zero(-total):
            raise DefinitionError(f"indices: size {self.text!r} of {self.where}: expected a positive size, got {total}")
        return total

    def _terms(self) -> Expr:
        total = -self._product() if self._took("-") else self._product()
        while True:
            if self._took("+"):
                total += self._product()
            elif self._took("-"):
                total -= self._product()
            else:
                return total.expand()

    def _product(self) -> Expr:
        product = self._power()
        while self._took("*"):
            product *= self._power()
        return product

    def _power(self) -> Expr:
        base = self._factor()
        if not self._took("**"):
            return base
        exponent = self._next()
        if not exponent.isdigit() or len(exponent) > 1:
            raise self._expected("a number of one digit as exponent")
        self.position += len(exponent)
        return base ** Integer(exponent)

    def _factor(self) -> Expr:
        token = self._next()
        if token == "(":
            self.position += 1
            inside = self._terms()
            if not self._took(")"):
                raise self._expected("a closing bracket")
            return inside
        if not token or not (token.isdigit() or token.isidentifier()):
            raise self._expected("a name, a number or signed terms such as T-F+1 or G*C")
        self.position += len(token)
        return Integer(token) if token.isdigit() else size_symbol(token)

    def _next(self) -> str:
        found = _TOKEN.match(self.text, self.position)
        return found.group() if found else ""

    def _took(self, token: str) -> bool:
        if self._next() != token:
            return False
        self.position += len(token)
        return True

    def _expected(self, what: str) -> DefinitionError:
        return DefinitionError(
            f"indices: size {self.text!r} of {self.where}: expected {what}, "
            f"got {self.text[self.position :]!r} at position {self.position}"
        )


def size_text(size: Expr) -> str:
    """Write a size as `parse_size` reads it, what is taken away after what is there: `T-F+1`."""
    terms = sorted(
        Add.make_args(size.expand()), key=lambda term: (term.is_number, bool(term.could_extract_minus_sign()), str(term))
    )
    signed = "".join(f"{'' if term.could_extract_minus_sign() else '+'}{term}" for term in terms)
    return signed.removeprefix("+").replace(" ", "")


def solved_sizes(known: Mapping[Symbol, int], axes: Iterable[tuple[Expr, int]]) -> dict[Symbol, Integer]:
    """Return the sizes, those too that stand only inside others: I where an axis has 2*I + U - 2 entries, and U is known."""
    found = {symbol: Integer(size) for symbol, size in known.items()}
    waiting = [(extent, got) for extent, got in axes if not extent.is_Symbol]
    for _ in range(len(waiting)):
        for extent, got in waiting:
            left = extent.xreplace(found).expand()
            if len(left.free_symbols) == 1:
                (symbol,) = left.free_symbols
                factor = left.coeff(symbol)
                rest = (left - factor * symbol).expand()
                if rest.is_Integer and factor.is_Integer and (got - rest) % factor == 0:
                    found[symbol] = (got - rest) // factor
    return found


# ---- comparing, whatever the numbers are -----------------------------------------------------------------------------------


def is_at_least_zero(expression: Expr) -> bool:
    """Whether a polynomial in sizes is surely not negative: with 1 + s' for every size s, no term of it has a minus sign."""
    beyond = {symbol: 1 + symbol for symbol in expression.free_symbols}
    terms = expression.xreplace(beyond).expand().as_coefficients_dict()
    return all(number >= 0 for number in terms.values())


def is_positive(expression: Expr) -> bool:
    """Whether a polynomial in sizes is surely at least 1."""
    return is_at_least_zero(expression - 1)
