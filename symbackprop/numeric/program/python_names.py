"""Python identifiers for the names of a network, none of which may hide a keyword, a builtin, numpy or a helper."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

import sympy

from symbackprop.functions import BY_NAME

_MODULES = ("np", "math", "sliding_window_view")
_FROM_MATH = ("pi", *(name for row in BY_NAME.values() for name in row.source.needs))
_HELPERS = ("softmax", "log_softmax", "logsumexp", "softmax_of", "logsumexp_of", "loss_and_gradients", "forward")
#: Names that generated source uses itself.
RESERVED: frozenset[str] = frozenset((*keyword.kwlist, *dir(builtins), *_MODULES, *_FROM_MATH, *_HELPERS, *BY_NAME))


class Identifiers:
    """Gives every name one identifier, the name itself where possible; deterministic in the order of asking.

    No two are one name to Python, which reads identifiers in normal form NFKC (ϵ is ε, ℎ is h).

    >>> names = Identifiers()
    >>> names["w1"], names["lambda"], names["i'"]
    ('w1', 'lambda_', 'i_')
    """

    def __init__(self, first: Iterable[str] = ()) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set(RESERVED)
        for name in first:
            self._give(name)

    def __getitem__(self, name: str) -> str:
        return self._given[name] if name in self._given else self._give(name)

    def fresh(self, wish: str) -> str:
        """Return an identifier nobody has, for a temporary."""
        identifier = wish if wish.isascii() and wish.isidentifier() else _identifier(wish)
        while _normalised(identifier) in self._taken:
            identifier += "_"
        self._taken.add(_normalised(identifier))
        return identifier

    def _give(self, name: str) -> str:
        self._given[name] = self.fresh(name)
        return self._given[name]


def _identifier(name: str) -> str:
    text = re.sub(r"\W", "_", name)
    return text if text.isidentifier() else "_" + text


def _normalised(identifier: str) -> str:
    return identifier if identifier.isascii() else unicodedata.normalize("NFKC", identifier)


def name_of(symbol: sympy.Basic) -> str:
    """Return the network name of a symbol, an indexed base or an entry such as `Z[n, j]`."""
    if isinstance(symbol, sympy.Indexed):
        symbol = symbol.base
    return str(symbol.label.name if isinstance(symbol, sympy.IndexedBase) else symbol.name)
