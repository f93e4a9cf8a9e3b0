"""The names a reader of LaTeX knows: `Names`, with the spellings, the kind and the meaning of a superscript of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as replace_fields
from enum import Enum
from functools import lru_cache
from types import MappingProxyType

from symbackprop.errors import UserError, nearest
from symbackprop.formula.notation.latex_names import latex_name
from symbackprop.formula.notation.notation import Notation, shown_digits
from symbackprop.formula.notation.spelling import FUNCTIONS, GREEK, GREEK_LETTERS
from symbackprop.formula.read.macros import Macro, defined_macros
from symbackprop.formula.read.tokens import SCRIPTED
from symbackprop.formula.tree.tree import Formula, Indexed, Name
from symbackprop.formula.tree.walk import replace
from symbackprop.functions import BY_NAME


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


#: Functions known to every reader: those with a word of their own. A Greek letter, σ, is one only where that is said.
_ALWAYS = tuple(row.name for row in BY_NAME.values() if row.latex and row.latex[1:] not in GREEK)
_BUILT_IN = {
    **{name: Entry(name, Kind.FUNCTION) for name in (*_ALWAYS, "indicator")},
    **{name: Entry(name, Kind.SCALAR) for name in ("e", "pi", "infty")},
}
_FONTS = re.compile(r"\\(?:mathrm|mathit|mathsf|operatorname\*?|textrm|textit|text|rm|it)(?![A-Za-z])")
_UNDERSCORE = re.compile(r"\{\s*\\_\s*([^\W_]*)\s*\}")
#: Marks that say the same over one letter and over several.
_NARROW = {"widehat": r"\hat", "widetilde": r"\tilde", "overline": r"\bar", "overrightarrow": r"\vec"}
_WIDE = re.compile(rf"\\({'|'.join(_NARROW)})(?![A-Za-z])")
_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm|textbf|pmb)(?![A-Za-z])")


@dataclass(frozen=True, slots=True)
class Names:
    """The names that may occur, by name (`entries`) and by spelling (`spelled`); `aliases` are further names of a name."""

    entries: Mapping[str, Entry]
    spelled: Mapping[str, str]
    aliases: Mapping[str, str]
    prime: str = "derivative"  # what w' is for a name that is no function: "update", or a mark ("derivative")
    decimal: str = "."  # the sign between whole digits and places
    longest_spelling: int = 40
    guessed: bool = False  # found in a text, not declared: what is written as a call may be one
    called: frozenset[str] = frozenset()  # names that are called like functions, whatever else they are
    respelled: Callable[[str], str] | None = None  # what is done to a formula, character by character, when its macros are put in
    macros: Mapping[str, Macro] = field(default_factory=lambda: MappingProxyType({}))  # those that a document defines

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
            Kind.FUNCTION: (*_listed(functions), *chosen.functions),
            Kind.INDEX: indices,
            Kind.SIZE: sizes,
            Kind.RATE: rates,
        }
        declared = _declared(kinds, chosen, ranks or {})
        entries = {**declared, **_BUILT_IN, **declared}  # a built-in name is one unless the document means something else by it
        for alias, target in chosen.aliases.items():
            if target in entries:
                entries.setdefault(alias, Entry(alias, entries[target].kind, entries[target].layered))
        spelled = _spell(entries, chosen, spellings or {})
        prime = "update" if chosen.update == "prime" else "derivative"
        decimal = shown_digits("0.5", chosen)[1:-1]
        return Names(MappingProxyType(entries), spelled, chosen.aliases, prime, decimal, max(map(len, spelled), default=0))

    @property
    def longest(self) -> int:
        """The most characters, spaces and styles included, that a name is looked for in."""
        return 40 + 4 * self.longest_spelling

    def without(self, name: str) -> Names:
        """Return the table without a name and its spellings: a part of a document where the name does not occur."""
        entries = {known: entry for known, entry in self.entries.items() if known != name}
        spelled = {latex: known for latex, known in self.spelled.items() if known != name}
        return replace_fields(self, entries=MappingProxyType(entries), spelled=MappingProxyType(spelled))

    def is_elementary(self, name: str) -> bool:
        """Whether a name is a function with a definition of its own, such as the sigmoid; a letter such as f is not."""
        return name in BY_NAME and name in self.entries and self.entries[name].kind is Kind.FUNCTION

    def with_macros(self, text: str) -> Names:
        """Return the table with the macros that a document defines for itself, by `\\newcommand` and its like."""
        return replace_fields(self, macros=MappingProxyType({**self.macros, **defined_macros(text)}))

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
    text = re.sub(r"\\[,;:! ]|~", "", latex.replace(r"\dots", r"\ldots"))  # which is no s with a dot
    for letter, macro in _LETTER_MACROS.items():
        text = text.replace(letter, macro + " ")
    text = _UNDERSCORE.sub(r"\\_\1", text)
    text = _WIDE.sub(lambda wide: _NARROW[wide[1]], text)
    text = _BOLD.sub(r"\\bold", _FONTS.sub("", text)).replace(r"\_", "_")
    text = re.sub(r"(\\[A-Za-z]+) (?=[A-Za-z])", r"\1{}", text).replace(" ", "")
    text = re.sub(r"([_^])(\\[A-Za-z]+|[^{\\])", r"\1{\2}", text)
    previous = ""
    while previous != text:  # braces around nothing, a single group, or a base
        previous = text
        text = re.sub(r"\{\}", "", text)
        text = re.sub(r"\{\{([^{}]*)\}\}", r"{\1}", text)
        text = re.sub(r"(?<![_^}A-Za-z*])\{([^{}]*)\}", r"\1", text)
        text = re.sub(rf"(\\(?:hat|bar|tilde|dot|vec|bold|{'|'.join(SCRIPTED)}))([A-Za-z])(?![A-Za-z])", r"\1{\2}", text)
    return text


def _declared(kinds: Mapping[Kind, str | Iterable[str]], notation: Notation, ranks: Mapping[str, int]) -> dict[str, Entry]:
    """Return the entries of the names that are given, each of one kind."""
    entries: dict[str, Entry] = {}
    for kind, listed in kinds.items():
        for name in _listed(listed):
            if name in entries and entries[name].kind is not kind:
                raise UserError(f"the name {name!r} is both {entries[name].kind.value} and {kind.value}")
            entries[name] = Entry(name, kind, name in notation.layered, ranks.get(name))
    return entries


def _listed(names: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(names.replace(",", " ").split()) if isinstance(names, str) else tuple(names)


def _spell(entries: Mapping[str, Entry], notation: Notation, further: Mapping[str, str]) -> Mapping[str, str]:
    """Return the name of each spelling: those that are given first, which must differ, then those understood besides."""
    spelled: dict[str, str] = {}
    for latex, name in (*_given_spellings(entries, notation), *further.items()):
        if name not in entries:
            raise UserError(f"spelling {latex!r}: unknown name {name!r}.{nearest(name, entries)}")
        key = canonical_spelling(latex)
        if spelled.setdefault(key, name) != name:
            raise UserError(f"the names {spelled[key]!r} and {name!r} are both written {latex}; give one a spelling")
    for name in entries:
        for latex in _understood(name, notation):
            spelled.setdefault(canonical_spelling(latex), name)
    return MappingProxyType(spelled)


def _given_spellings(entries: Mapping[str, Entry], notation: Notation) -> Iterator[tuple[str, str]]:
    for name, entry in entries.items():
        if entry.kind is not Kind.FUNCTION or name not in _ALWAYS or name in notation.functions:
            yield latex_name(name, notation), name


def _understood(name: str, notation: Notation) -> Iterator[str]:
    """Yield the spellings under which a name is understood where no other name has them: `w_7` and `w7`, `\\ln` and `ln`."""
    if name in FUNCTIONS and name not in notation.functions:
        yield from (FUNCTIONS[name], name)
        word = FUNCTIONS[name][1:]
        yield from (word,) if word.isalpha() and word not in GREEK else ()
    else:
        for digits in ("subscript", "plain"):
            yield latex_name(name, notation.override(digits=digits))
            yield latex_name(name, notation.override(digits=digits, bold=frozenset()))
        if re.fullmatch(r"\w+", name) and name not in GREEK:
            yield name
    yield from BY_NAME[name].also_written if name in BY_NAME else ()


_LETTER_MACROS = {letter: f"\\{name}" for name, letter in GREEK_LETTERS.items()}
