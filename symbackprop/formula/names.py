"""The names a reader of LaTeX knows: `Names`, with the spellings, the kind and the meaning of a superscript of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

from symbackprop.errors import UserError, nearest
from symbackprop.formula.notation import Notation
from symbackprop.formula.spelling import FUNCTIONS, GREEK, GREEK_LETTERS, latex_name
from symbackprop.formula.tree import Formula, Indexed, Name
from symbackprop.formula.walk import replace


class Kind(Enum):
    """What a name is."""

    SCALAR = "scalar"
    INDEXED = "indexed"
    FUNCTION = "function"
    INDEX = "index"
    SIZE = "size"
    RATE = "learning rate"


@dataclass(frozen=True, slots=True)
class Entry:
    """One known name. `layered`: its superscript is a layer, not a power; `rank`: how many indices it takes, if fixed."""

    name: str
    kind: Kind
    layered: bool = False
    rank: int | None = None


_ALWAYS = ("exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "maximum", "minimum")
_CONSTANTS = ("e", "pi", "infty")
_FONTS = re.compile(r"\\(?:mathrm|mathit|mathsf|operatorname\*?|textrm|textit|text|rm|it)(?![A-Za-z])")
_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm|textbf|pmb)(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that may occur, by name (`entries`) and by spelling (`spelled`); `aliases` are further names of a name."""

    entries: Mapping[str, Entry]
    spelled: Mapping[str, str]
    aliases: Mapping[str, str]
    prime: str = "derivative"  # what w' is for a name that is no function: "update", or a mark ("derivative")

    @staticmethod
    def of(
        notation: Notation | None = None,
        *,
        scalars: str | Iterable[str] = (),
        indexed: str | Iterable[str] = (),
        functions: str | Iterable[str] = (),
        indices: str | Iterable[str] = (),
        sizes: str | Iterable[str] = (),
        rates: str | Iterable[str] = (),
        ranks: Mapping[str, int] | None = None,
        spellings: Mapping[str, str] | None = None,
    ) -> Names:
        """Build the table: names of each kind (a text of names or several names), spelled as the notation spells them.

        `spellings` maps further LaTeX to names (`{r"\\bar y": "y_pred"}`). The aliases of the notation are known too, and are
        kept as written; `canonical` exchanges them. Besides the notation's own spelling, `w7` and `w_7` are both understood where
        no other name is meant. Raises `UserError` where two names have the same spelling.
        """
        chosen = notation or Notation()
        kinds = {
            Kind.SCALAR: scalars,
            Kind.INDEXED: indexed,
            Kind.FUNCTION: (*_listed(functions), *chosen.functions, *_ALWAYS),
            Kind.INDEX: indices,
            Kind.SIZE: sizes,
            Kind.RATE: rates,
        }
        entries: dict[str, Entry] = {}
        for kind, listed in kinds.items():
            for name in _listed(listed):
                if name in entries and entries[name].kind is not kind:
                    raise UserError(f"the name {name!r} is both {entries[name].kind.value} and {kind.value}")
                entries[name] = Entry(name, kind, name in chosen.layered, (ranks or {}).get(name))
        for constant in _CONSTANTS:
            entries.setdefault(constant, Entry(constant, Kind.SCALAR))
        for alias, target in chosen.aliases.items():
            if target in entries:
                entries.setdefault(alias, Entry(alias, entries[target].kind, entries[target].layered))
        spelled = _spell(entries, chosen, spellings or {})
        prime = "update" if chosen.update == "prime" else "derivative"
        return Names(MappingProxyType(entries), spelled, chosen.aliases, prime)

    def kind(self, name: str) -> Kind:
        """Return the kind of a name; raises `UserError` for an unknown one."""
        if name not in self.entries:
            raise UserError(f"unknown name {name!r}.{nearest(name, self.entries)}")
        return self.entries[name].kind

    def find(self, latex: str) -> str | None:
        """Return the name with this spelling, or None; bold counts only where there is a name in bold."""
        key = canonical_spelling(latex)
        return self.spelled.get(key) or self.spelled.get(re.sub(r"\\bold\{([^{}]*)\}", r"\1", key))

    @property
    def layered(self) -> frozenset[str]:
        """The names whose superscript is a layer."""
        return frozenset(name for name, entry in self.entries.items() if entry.layered)

    def canonical(self, formula: Formula) -> Formula:
        """Return the formula with every alias exchanged for the name it stands for."""

        def change(node: Formula) -> Formula:
            if isinstance(node, Name) and node.name in self.aliases:
                return Name(self.aliases[node.name], span=node.span)
            if isinstance(node, Indexed) and node.name in self.aliases:
                return Indexed(self.aliases[node.name], node.indices, node.upper, span=node.span)
            return node

        return replace(formula, change)


@lru_cache(maxsize=8192)
def canonical_spelling(latex: str) -> str:
    """Return a spelling with spaces and type styles taken out and every script in braces.

    >>> canonical_spelling(r"\\mathrm{net}_h") == canonical_spelling("net_{h}")
    True
    """
    text = re.sub(r"\\[,;:! ]|~", "", latex)
    for letter, macro in _LETTER_MACROS.items():
        text = text.replace(letter, macro + " ")
    text = _BOLD.sub(r"\\bold", _FONTS.sub("", text)).replace(r"\_", "_")
    text = re.sub(r"(\\[A-Za-z]+) (?=[A-Za-z])", r"\1{}", text).replace(" ", "")
    text = re.sub(r"([_^])(\\[A-Za-z]+|[^{\\])", r"\1{\2}", text)
    previous = ""
    while previous != text:  # braces around nothing, a single group, or a base
        previous = text
        text = re.sub(r"\{\}", "", text)
        text = re.sub(r"\{\{([^{}]*)\}\}", r"{\1}", text)
        text = re.sub(r"(?<![_^}A-Za-z*])\{([^{}]*)\}", r"\1", text)
        text = re.sub(r"(\\(?:hat|bar|tilde|dot|vec|bold))([A-Za-z])(?![A-Za-z])", r"\1{\2}", text)
    return text


def _listed(names: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(names.replace(",", " ").split()) if isinstance(names, str) else tuple(names)


def _spell(entries: Mapping[str, Entry], notation: Notation, further: Mapping[str, str]) -> Mapping[str, str]:
    spelled: dict[str, str] = {}

    def claim(latex: str, name: str) -> None:
        key = canonical_spelling(latex)
        if spelled.setdefault(key, name) != name:
            raise UserError(f"the names {spelled[key]!r} and {name!r} are both written {latex}; give one a spelling")

    for name in entries:
        if name not in _ALWAYS or name in notation.functions:
            claim(latex_name(name, notation), name)
    for latex, name in further.items():
        if name not in entries:
            raise UserError(f"spelling {latex!r}: unknown name {name!r}.{nearest(name, entries)}")
        claim(latex, name)
    loose = [notation.override(digits="subscript"), notation.override(digits="plain")]
    loose += [loose[0].override(bold=frozenset()), loose[1].override(bold=frozenset())]
    for name in entries:
        if name in FUNCTIONS and name not in notation.functions:
            spelled.setdefault(canonical_spelling(FUNCTIONS[name]), name)
        else:
            for other in loose:
                spelled.setdefault(canonical_spelling(latex_name(name, other)), name)
            if re.fullmatch(r"\w+", name) and name not in GREEK:
                spelled.setdefault(name, name)
    spelled.setdefault(r"\log", "log")
    return MappingProxyType(spelled)


_LETTER_MACROS = {letter: f"\\{name}" for name, letter in GREEK_LETTERS.items()}
