r"""Which names a document uses, found in its own formulas: `discover`.

A reader of LaTeX must know the names before it reads (`out_{o1}` is one name, `w x` are two). The formulas are looked through for
letters with their subscripts; subscripts that are letters such as i, j, k are indices, all others are part of the name. A run of
letters is one name where it carries a subscript, is called like a function, or is a word of the text; else each letter is one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from symbackprop.errors import SymbackpropError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.spelling import GREEK, GREEK_LETTERS
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.tokens import PROSE_WORD, RUN_WITH_FUNCTION
from symbackprop.functions import BY_NAME

#: How functions are written without a macro, or with one that the notation does not use.
SPELLED_FUNCTIONS: Mapping[str, str] = {
    "log": r"\log \lg log lg",
    "ln": r"\ln ln",
    "exp": r"\exp exp Exp",
    "tanh": r"\tanh tanh Tanh th",
    "sigmoid": r"sigmoid Sigmoid Sigmod sigmod logistic Logistic sigm expit",
    "relu": r"relu ReLU Relu ReLu",
    "maximum": r"max \max",
    "minimum": r"min \min",
    "softplus": "softplus Softplus",
    "sin": r"\sin sin",
    "cos": r"\cos cos",
}
_INDEX_LETTERS = frozenset("ijklmnpqrst")
_GREEK_BY_LETTER = {letter: name for name, letter in GREEK_LETTERS.items()}
_STYLE = r"\\(?:mathrm|mathit|mathsf|text|textrm|textit|operatorname\*?|mathbf|boldsymbol|bm|rm|it|bf)"
_SCRIPT = r"(?:\\(?:mathrm|textrm|text|mathit|rm)\s*\{[^{}]*\}|\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|[^\s\\{}^_])"
_ATOM = re.compile(
    rf"(?:(?P<accent>\\(?:hat|bar|tilde|vec|dot|overline|widehat|widetilde|math(?:cal|scr|frak|bb))(?![A-Za-z]))\s*\{{?\s*"
    rf"(?:\\(?:mathbf|boldsymbol|bm|mathsf)\s*\{{?\s*)?(?P<accented>\\?[A-Za-z]+)\s*\}}{{0,2}}"
    rf"|{_STYLE}\s*\{{\s*(?P<styled>[A-Za-z][A-Za-z\d ]*|\\[A-Za-z]+)\s*\}}"
    r"|\\(?P<macro>[A-Za-z]+)|(?P<run>[A-Za-z]+\d*(?:(?:\\_|\{\s*\\_\s*\})[A-Za-z\d]+|\{\s*\\_[A-Za-z\d]+\s*\})*|[α-ωΑ-Ω])|\\.)"
    rf"(?P<primes>'*)(?:\s*(?P<first>[_^])\s*(?P<one>{_SCRIPT}))?(?:\s*(?P<second>[_^])\s*(?P<two>{_SCRIPT}))?"
)
_BIG = frozenset(("sum", "prod", "max", "min"))
#: `{W_1}_{ij}`: a name with a label of its own, in braces, with indices.
_WRAPPED = re.compile(r"\{\s*((\\?[A-Za-z][A-Za-z\d]*(?:\\_[A-Za-z\d]+)*)\s*_\s*(\w|\{[^{}]*\}))\s*\}\s*_\s*(\{[^{}]*\}|\w)")
_BOUND = re.compile(r"\\(?:sum|prod)\s*_\s*\{?\s*([A-Za-z])\b(?!_)")
_BODY = r"[^{}]*(?:\{[^{}]*\}[^{}]*)*"
#: `\frac{df}{dw}`: the letters d are signs of a derivative.
_DERIVATIVE = re.compile(
    rf"\\[dt]?frac\s*\{{\s*(?:\\mathrm\s*)?\{{?d\}}?(?:\^\{{?2\}}?)?({_BODY})\}}\s*\{{\s*(?:\\mathrm\s*)?\{{?d\}}?({_BODY})\}}"
)
_NOT_NAMES = re.compile(
    r"\\(?:text|textrm|mbox)\s*\{(?:[^{}]*\}(?!\s*[(_^])|[^{}]* [^{}]*\})"
    r"|\\(?:label|tag\*?|begin|end|ref|eqref|textbf)\s*\{[^{}]*\}|\\\\\[[^\]]*\]"
)
_WORD_BETWEEN = re.compile(rf"(?<![A-Za-z\\{{]){PROSE_WORD.pattern}")
_LABEL = r"(?:\d+|[A-Za-z](?:_\{?\w+\}?)?(?:\s*[+-]\s*\d+)?)"
_OPENING, _CLOSING = r"(?:[(\[<]|\\langle)\s*", r"\s*(?:[)\]>]|\\rangle)"
_LAYER = re.compile(rf"\{{\s*(?:{_OPENING}{_LABEL}{_CLOSING}\s*)+\}}|\{{\s*[lL](?:\s*[+-]\s*\d+)?\s*\}}|[lL]")
#: What a function is called with, and a product is not: names, in a list or behind a bar.
_ONE_ARGUMENT = (
    r"\s*(?:\\(?:mathbf|boldsymbol|vec|bm|hat)\s*)?\{?(?:\\?[A-Za-z]+|\\dots|\.\.\.)\}?'*(?:\s*[_^]\s*(?:\{[^{}]*\}|\w))*\s*"
)
_ARGUMENTS = re.compile(rf"\s*(?:\\left|\\big)?\({_ONE_ARGUMENT}(?:(?:[,;|]|\\mid|\\vert){_ONE_ARGUMENT})*(?:\\right|\\big)?\)")
_TRANSPOSED = re.compile(r"\s*\^\s*\{?\s*(?:T|\\top|\\intercal|\\mathsf|\\mathrm)(?![A-Za-z])")
_DEFINED = re.compile(_ARGUMENTS.pattern + r"\s*&?\s*=")
_DIFFERENTIAL = re.compile(r"(?:\\partial|\\nabla|\\Delta)\s*$")
#: Words that are names wherever they stand in a formula.
_WORDS = frozenset(
    [
        "tr",
        "Tr",
        "Pr",
        "trace",
        "diag",
        "rank",
        "Var",
        "Cov",
        "loss",
        "Loss",
        "error",
        "Error",
        "cost",
        "Cost",
        "output",
        "input",
        "target",
        "net",
        "out",
        "threshold",
        "bias",
        "lr",
    ]
)


@dataclass(slots=True)
class NamesFound:
    """The names found, by kind, and the spellings that a notation does not give."""

    scalars: dict[str, None] = field(default_factory=dict)
    indexed: dict[str, None] = field(default_factory=dict)
    functions: dict[str, None] = field(default_factory=dict)
    indices: dict[str, None] = field(default_factory=dict)
    layered: dict[str, None] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    axes: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the index letters of an array, where it first has them
    uses: Counter[tuple[str, str]] = field(default_factory=Counter)  # how often a name stands bare, as an index, with arguments …
    bound: frozenset[str] = frozenset()  # the letters that a sum or product runs over
    called: set[str] = field(default_factory=set)  # names with arguments in brackets behind them
    words: frozenset[tuple[str, str]] = frozenset()  # names and what stands below them that is a word, though of index letters

    def names(self, notation: Notation | None = None) -> Names:
        """Return the table for the reader of LaTeX."""
        chosen = (notation or Notation()).override(layered=frozenset(self.layered) | (notation or Notation()).layered)
        written = {spelled.removeprefix("\\") for spelled in chosen.functions.values()}  # f, where the sigmoid is written so
        if "sigma" not in written and "sigma" in {**self.scalars, **self.indexed, **self.functions}:
            # σ is what the document says it is: the sigmoid, another activation, a standard deviation
            chosen = chosen.override(functions={**chosen.functions, "sigmoid": r"\mathrm{sigmoid}"})
        functions = [*_without(self.functions, self.indexed, written), *BY_NAME]
        scalars = _without(self.scalars, self.functions, self.indexed, BY_NAME, written)
        indices = _without(self.indices, self.functions, self.indexed, scalars)
        table = {latex: name for latex, name in self._spelled().items() if name not in chosen.functions}
        ranks = {name: len(letters) for name, letters in self.axes.items() if letters and name in self.indexed}
        return replace(
            _table(chosen, scalars, list(self.indexed), functions, indices, table, ranks),
            guessed=True,
            called=frozenset(self.called),
        )

    def _spelled(self) -> dict[str, str]:
        """Return the spellings besides those that a notation gives: those of functions, and the document's own."""
        table = {**self.spellings, **({r"\bm{1}": "ones"} if "ones" in self.scalars else {})}
        for name, spelled in SPELLED_FUNCTIONS.items():
            target = "log" if name == "ln" else name
            table.update({one: target for one in spelled.split() if one not in self.scalars})
        return table


def _without(names: Iterable[str], *others: Container[str]) -> list[str]:
    return [name for name in names if not any(name in other for other in others)]


def _table(
    notation: Notation,
    scalars: Sequence[str],
    indexed: Sequence[str],
    functions: Sequence[str],
    indices: Sequence[str],
    table: dict[str, str],
    ranks: Mapping[str, int],
) -> Names:
    """Build the table; spellings that clash with a name's own are left out."""
    for _ in range(len(table) + 1):
        try:
            return Names.of(
                notation, scalars=scalars, indexed=indexed, functions=functions, indices=indices, ranks=ranks, spellings=table
            )
        except SymbackpropError as problem:
            clash = next((latex for latex in sorted(table, key=len, reverse=True) if latex in str(problem)), None)
            if clash is None:
                raise
            del table[clash]
    raise AssertionError


def discover(formulas: Iterable[str], words: Iterable[str] = ()) -> NamesFound:
    """Return the names that occur in formulas; `words` are identifiers and words of the text around them."""
    texts = [_DERIVATIVE.sub(r"{\1} {\2}", _NOT_NAMES.sub(" ", formula)) for formula in formulas]
    texts = [_WORD_BETWEEN.sub(" ", text) for text in texts]
    found = NamesFound(bound=frozenset(letter for text in texts for letter in _BOUND.findall(text)))
    found.scalars.update(_ones(texts))
    pieces = list(_written_names(texts, words))
    found.words = _words_below(pieces, _INDEX_LETTERS | found.bound)
    for piece in pieces:
        _classify(found, piece)
    for letter in sorted(found.bound):
        found.indices[letter] = None
        found.scalars.pop(letter, None)
    _find_functions(found)
    _settle_indices(found)
    for name in found.functions.keys() & {"f", "g"}:  # f_k here, f(x) there: calls are what cannot be read otherwise
        found.indexed.pop(name, None)
    for base in found.indexed.keys() & found.scalars.keys():
        del found.scalars[base]
    _drop_cut_off(found)
    _merge_numbered(found)
    _drop_unspeakable(found)
    return found


def _ones(texts: Sequence[str]) -> dict[str, None]:
    """Return the name of the vector of ones, where a text has it."""
    return {"ones": None} if any(r"\bm{1}" in text for text in texts) else {}


def _merge_numbered(found: NamesFound) -> None:
    """`delta3` and `\\delta_3` look the same: one name."""
    for name in [name for name in found.scalars if re.fullmatch(r"[^\W\d_]+[0-9]+", name)]:
        other = re.sub(r"([0-9]+)", r"_\1", name)
        if other in found.scalars:
            del found.scalars[name]
            found.spellings[name] = other


_SPEAKABLE = re.compile(r"[^\W\d_]+[0-9]*(?:_[^\W_]+)*")


def _drop_unspeakable(found: NamesFound) -> None:
    """What is no letters, digits and single underscores is no name: `x_{_i}`, a digit of another script."""
    for names in (found.scalars, found.indexed, found.functions, found.indices, found.layered):
        for name in [name for name in names if not _SPEAKABLE.fullmatch(name)]:
            del names[name]
    found.spellings = {written: name for written, name in found.spellings.items() if _SPEAKABLE.fullmatch(name)}


def _written_names(texts: Sequence[str], words: Iterable[str]) -> Iterator[_WrittenName]:
    """Yield every name of the formulas; those with a label of their own in braces last."""
    atoms = [atom for text in texts for atom in _atoms(_WRAPPED.sub(" ", text))]
    known = _WORDS | {word for word in words if len(word) > 2} | _words_among(texts, atoms)
    for atom in atoms:
        yield from _pieces(atom, known)
    for text in texts:
        yield from _wrapped_names(text)


def _words_among(texts: Sequence[str], atoms: Sequence[re.Match[str]]) -> set[str]:
    """Return the runs of letters that are words: used often, a side of their own, or the slope of a name."""
    counted = Counter(atom["run"] for atom in atoms if atom["run"])
    often = {run for run, count in counted.items() if _is_word(run) and count > 2}
    alone = {word for text in texts for found in _ALONE.findall(text) for word in found if word}
    return often | alone | _slopes(texts, counted)


#: A word that is a side of its own, or a whole exponent.
_ALONE = re.compile(r"(?:^|\\\\|[&\n])\s*([A-Za-z]{4,})\s*&?=|\^\s*\{\s*([A-Za-z]{4,})\s*\}")


def _slopes(texts: Sequence[str], counted: Mapping[str, int]) -> set[str]:
    """Return `dw`, `dW1`: slopes that are called so, where d alone is no name, or hardly one, and w is one."""
    runs = {run for run in counted if _SLOPE.fullmatch(run) and run[1:] in counted}
    alone = sum(len(_LONE_D.findall(text)) for text in texts) if runs else 0
    return runs if 3 * alone < sum(counted[run] for run in runs) else set()


_SLOPE = re.compile(r"d[A-Za-z]\d*")
_LONE_D = re.compile(r"(?<![A-Za-z\\])d(?![A-Za-z])")


def _wrapped_names(text: str) -> Iterator[_WrittenName]:
    for found in _WRAPPED.finditer(text):
        yield _WrittenName(_labelled(_word(found[2]), _word(found[3])), found[4], written=found[1], wrapped=True)


def _words_below(pieces: Sequence[_WrittenName], letters: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Return the names with a word below that could be two indices: `E_{kl}` beside `E_{rec}`, where k is no index elsewhere."""
    below = frozenset((piece.base, _label(piece)) for piece in pieces if piece.below and not piece.wrapped)
    users = Counter("".join("".join(set(label)) for _, label in below))
    worded = {base for base, label in below if _is_wordlike(label, letters)}
    return frozenset((base, label) for base, label in below if base in worded and _is_lonely_pair(label, users))


def _is_lonely_pair(label: str, users: Counter[str]) -> bool:
    """Whether two letters are not both indices of something else as well."""
    return re.fullmatch("[a-z]{2}", label) is not None and min(users[letter] for letter in label) == 1


def _is_wordlike(label: str, letters: frozenset[str]) -> bool:
    return len(label) > 1 and label.isalpha() and not set(label) <= letters


def _word(written: str) -> str:
    """Return letters, digits and underscores of what is written in LaTeX."""
    return re.sub(r"\W", "", written.replace("\\_", "_"))


def _atoms(text: str) -> Iterator[re.Match[str]]:
    """Yield the atoms of a formula, those in exponents and in the bounds of a big sum too."""
    waiting = [text]
    while waiting:
        for atom in _ATOM.finditer(waiting.pop()):
            yield atom
            for sign, script in ((atom["first"], atom["one"]), (atom["second"], atom["two"])):
                if script and (
                    atom["macro"] in _BIG or (sign == "^" and (_holds_names(script) or _ONE_LETTER.fullmatch(script)))
                ):
                    waiting.append(script[1:-1] if script.startswith("{") else script)


_ONE_LETTER = re.compile("[A-KM-SU-Za-km-z]")  # an exponent: no layer, no transpose


def _holds_names(script: str) -> bool:
    """Whether a superscript is an exponent with names in it: no layer, no mark, no transpose."""
    return script.startswith("{") and not _LAYER.fullmatch(script) and not re.fullmatch(r"\{\s*(?:T|\\\w+|\W*)\s*\}", script)


def _is_word(run: str) -> bool:
    return len(run) > 2 and run.isalpha()


def _drop_cut_off(found: NamesFound) -> None:
    """A name that is another one without its last digit (`out_o` of `out_o1`) was cut off: the reader of LaTeX mends it."""
    for name in [name for name in found.scalars if _may_be_cut_off(name) and found.uses[name, "labelled"] < 2]:
        if any(other[:-1] == name and other[-1].isdigit() for other in found.scalars):
            del found.scalars[name]


def _may_be_cut_off(name: str) -> bool:
    return "_" in name and name[-1].isalpha() and not name.endswith("_star")


_PLAIN_MACROS = (frozenset(GREEK) | {"ell"}) - {"Delta"}


@dataclass(frozen=True, slots=True)
class _WrittenName:
    """One name as it stands in a formula, its scripts, and whether brackets follow."""

    base: str
    below: str = ""
    above: str = ""
    arguments: str = ""  # what stands in the brackets behind: "names", "itself", "other"; "" for no brackets
    written: str = ""  # the name as it stands there, without scripts
    differentiated: bool = False  # behind the sign of a derivative
    defined: bool = False  # with its arguments, before an equals sign
    cut: bool = False  # a script without braces that TeX ends before its author does
    wrapped: bool = False  # a name with a label, in braces of its own: what is below them are indices
    spelled_out: bool = False  # a Greek letter written as a word


_MARKS = {"overline": "bar", "widehat": "hat", "widetilde": "tilde"}


def _pieces(atom: re.Match[str], known: frozenset[str]) -> list[_WrittenName]:
    """Return the names of what one match holds; several letters are several names."""
    scripts = {atom[sign]: atom[body] for sign, body in (("first", "one"), ("second", "two")) if atom[sign]}
    run = _GREEK_BY_LETTER.get(atom["run"] or "", atom["run"] or "")
    plain = re.sub(r"\{?\s*\\_\s*\}?|\}", "_", run).rstrip("_")
    base = _base(atom)
    text, end = atom.string, atom.end()
    whole = _WrittenName(
        base or plain,
        scripts.get("_", ""),
        scripts.get("^", ""),
        _arguments(atom, base or run),
        _as_written(atom, base or run),
        bool(_DIFFERENTIAL.search(text, max(0, atom.start() - 12), atom.start())),
        bool(_DEFINED.match(text, end)),
        bool(scripts) and text[end - 1 : end].isalnum() and text[end : end + 1].isalnum(),
    )
    if base or plain != run:
        return [whole]
    whole = replace(whole, spelled_out=run in GREEK and run == atom["run"])
    return _of_letters(run, whole, known) if run else []


def _base(atom: re.Match[str]) -> str:
    """Return the name of a letter with a mark, of a word in a style, of a Greek letter; "" for a run of letters."""
    if atom["styled"] == "d":  # the sign of a differential
        return ""
    if atom["accent"] or atom["styled"]:
        return _marked(atom) or _in_style(str(atom["styled"]))
    return atom["macro"] if atom["macro"] in _PLAIN_MACROS else ""


def _in_style(word: str) -> str:
    """Return the word or the Greek letter that stands in a style; "" for another macro."""
    if word.startswith("\\"):
        return word[1:] if word[1:] in _PLAIN_MACROS else ""
    return word.replace(" ", "")


def _as_written(atom: re.Match[str], name: str) -> str:
    return rf"{atom['accent']}{{{atom['accented']}}}" if atom["accent"] in _SCRIPTED else name


_SCRIPTED = tuple(rf"\math{kind}" for kind in ("cal", "scr", "frak", "bb"))


def _arguments(atom: re.Match[str], base: str) -> str:
    """Return what stands in the brackets behind a name: what a function is called with, the name itself, or something else."""
    text, end = atom.string, atom.end()
    behind = text[end : end + 40].lstrip().removeprefix(r"\left")
    if behind.startswith("[") and _is_word(base) and not base.endswith("_hat"):
        return "names"  # `diag[h]`
    if not behind.startswith("(") or not base:
        return ""
    listed = _ARGUMENTS.match(text, end)
    if listed and not _TRANSPOSED.match(text, listed.end()):
        return "names"
    inside = text[end : end + 40].split(")")[0]
    itself = re.escape(rf"{atom['accent']}{{{atom['accented']}}}") if atom["accent"] else rf"(?<![A-Za-z\\]){re.escape(base)}"
    return "itself" if re.search(rf"{itself}(?![A-Za-z]|\s*\()", inside) else "other"


def _marked(atom: re.Match[str]) -> str:
    if not atom["accent"]:
        return ""
    mark = atom["accent"][1:].removeprefix("math")
    return f"{atom['accented'].lstrip(chr(92))}_{_MARKS.get(mark, mark)}"


def _of_letters(run: str, whole: _WrittenName, known: frozenset[str]) -> list[_WrittenName]:
    """Return a run of letters as one name, or letter by letter, the last with the scripts."""
    letters = run.rstrip("0123456789")
    if run == "Delta":
        return []
    if len(letters) == 1 or {letters, run} & known or letters in GREEK or whole.below or _is_called_word(letters, whole):
        return [replace(whole, base=run)]
    if (inside := RUN_WITH_FUNCTION.fullmatch(run)) is not None:
        return [_WrittenName(letter, written=letter) for letter in (inside[1], inside[3]) if letter]
    last = letters[-1] + run[len(letters) :]
    return [*(_WrittenName(letter, written=letter) for letter in letters[:-1]), replace(whole, base=last, written=last)]


def _is_called_word(letters: str, whole: _WrittenName) -> bool:
    return _is_function(letters) or (bool(whole.arguments) and _is_word(letters))


def _is_function(word: str) -> bool:
    return word in BY_NAME or any(word in spelled.split() for spelled in SPELLED_FUNCTIONS.values())


_CONSTANTS = frozenset({"e", "pi"})


_FUNCTION_LETTERS = frozenset(("f", "g", "h", "phi", "sigma", "varsigma", "J", "L", "s"))


def _classify(found: NamesFound, piece: _WrittenName) -> None:
    if _is_function(piece.base) and (not piece.below or (piece.base in ("log", "lg", "ln") and _BASE.fullmatch(piece.below))):
        return
    if piece.above.strip("{} ") == "*":
        piece = _starred(found, piece)
    name = _named(found, piece, _label(piece))
    if piece.arguments == "names":
        found.called.add(name)
    if name and piece.above and _LAYER.fullmatch(piece.above):
        found.layered[piece.base] = None
        found.layered[name] = None
        _count_indices(found, re.findall("[A-Za-z]", re.sub(r"\\[lr]angle", "", piece.above)))


_BASE = re.compile(r"\{?\s*(?:\d+|e)\s*\}?")  # of a logarithm


def _starred(found: NamesFound, piece: _WrittenName) -> _WrittenName:
    """Let `w^*` be a name of its own, with the indices that it has."""
    starred = replace(piece, base=f"{piece.base}_star", above="", written=f"{_letter(piece)}^*")
    found.spellings[starred.written] = starred.base
    return starred


def _letter(piece: _WrittenName) -> str:
    """Return a name as LaTeX, without what stands above and below it."""
    return f"\\{piece.base}" if piece.base in GREEK else piece.written or piece.base


def _label(piece: _WrittenName) -> str:
    """Return what stands below a name, without braces and styles."""
    label = re.sub(r"[{}\s]|\\(?:mathrm|textrm|text|rm|mathit)(?![A-Za-z])", "", piece.below)
    return label[1:] if label[1:] in GREEK else label


def _named(found: NamesFound, piece: _WrittenName, label: str) -> str:
    """Take in a name with its label; return it."""
    if not label:
        return _classify_plain(found, piece)
    if _stands_for_indices(found, piece, label):
        return _classify_indexed(found, piece, re.findall("[A-Za-z]", label), bool(re.fullmatch("[A-Za-z,]+", label)))
    if _NUMBERED_PLACES.fullmatch(label):
        return _classify_indexed(found, piece, (), False)
    if re.fullmatch(r"\w+", label) and label.isascii():
        name = _labelled(piece.base, label)
        found.spellings.update(_with_label(piece, label, name))
    elif (plain := _plain(label)) and plain.isascii():
        name = f"{piece.base}_{plain}"
        found.spellings[f"{piece.written}_{piece.below}"] = name
    else:
        return ""
    found.uses[name, "labelled"] += not piece.cut
    (found.functions if piece.arguments == "names" else found.scalars)[name] = None
    return name


def _with_label(piece: _WrittenName, label: str, name: str) -> dict[str, str]:
    """Return how `w^*_1`, `d_{b_o}` are written, which no notation gives."""
    if "_" in label:
        return {f"{_letter(piece)}_{piece.below}": name}
    if (marked := _MARKED.fullmatch(piece.base)) is not None:
        letter = f"\\{marked[1]}" if marked[1] in GREEK else marked[1]
        style = "" if marked[2] in _PLAIN_MARKS else "math"
        return {rf"\{style}{marked[2]}{{{letter}}}_{{{label}}}": name}
    return {f"{_letter(piece)}_{{{label}}}": name} if piece.base.endswith("_star") else {}


_PLAIN_MARKS = ("hat", "bar", "tilde", "vec", "dot")
_MARKED = re.compile(rf"([A-Za-z]+)_({'|'.join(_PLAIN_MARKS)}|cal|scr|frak|bb)")
_NUMBERED_PLACES = re.compile(r"\d+(?:,\d+)+")  # of `z_{1,1}`


def _classify_indexed(found: NamesFound, piece: _WrittenName, letters: Sequence[str], letters_only: bool) -> str:
    found.indexed[piece.base] = None
    if piece.wrapped or piece.spelled_out:
        found.spellings[piece.written] = piece.base
    _count_indices(found, letters)
    if letters_only:
        found.axes.setdefault(piece.base, tuple(letters))
        found.uses.update({(letter, "side by side"): 1 for letter in letters if len(letters) > 1})
    return piece.base


def _plain(label: str) -> str:
    """Return the letters and digits of a label, joined by underscores; "" for one without letters."""
    return "_".join(re.findall("[^\\W_]+", label)) if re.search("[A-Za-z]", label) else ""


def _stands_for_indices(found: NamesFound, piece: _WrittenName, label: str) -> bool:
    if (piece.base, label) in found.words or (len(label) > 1 and _UPRIGHT.match(piece.below)):
        return False
    return _is_index(label, _INDEX_LETTERS | found.bound) or (piece.wrapped and bool(re.fullmatch("[a-z]{1,3}", label)))


_UPRIGHT = re.compile(r"\{?\s*\\(?:mathrm|textrm|text|rm)(?![A-Za-z])")  # a word: `v_\text{in}` has no indices i and n


def _count_indices(found: NamesFound, letters: Iterable[str]) -> None:
    for letter in letters:
        found.indices[letter] = None
        found.uses[letter, "index"] += 1


def _classify_plain(found: NamesFound, piece: _WrittenName) -> str:
    if piece.base in _CONSTANTS:
        return ""
    found.uses[piece.base, piece.arguments or "bare"] += not piece.differentiated
    found.uses[piece.base, "defined"] += piece.defined
    found.scalars[piece.base] = None
    if piece.written != piece.base or piece.spelled_out:
        found.spellings.setdefault(piece.written, piece.base)
    return piece.base


_ALWAYS_FUNCTIONS = frozenset(("f", "g", "phi", "sigma", "varsigma", "tr", "Tr"))


def _find_functions(found: NamesFound) -> None:
    """Tell functions from factors before a bracket: by what they are called with, and whether they stand alone as well."""
    for name in [name for name in found.scalars if _is_called(name, found.uses)]:
        found.functions[name] = None
        del found.scalars[name]


def _is_long(name: str) -> bool:
    return len(name) > 2 and name not in GREEK


_ACCENT = re.compile("_(?:hat|bar|tilde|dot|vec)$")


def _is_called(name: str, uses: Counter[tuple[str, str]]) -> bool:
    word, named, bare = _is_long(_ACCENT.sub("", name)), uses[name, "names"], uses[name, "bare"]
    if named:
        return word or name in _FUNCTION_LETTERS or named >= bare or uses[name, "defined"] > 0
    if not uses[name, "other"] or uses[name, "itself"]:
        return False
    return word or name in _ALWAYS_FUNCTIONS or (not bare and name in _FUNCTION_LETTERS)


def _settle_indices(found: NamesFound) -> None:
    """A letter that is an index more often than it stands alone is an index."""
    side_by_side = {letter for letter in found.indices if found.uses[letter, "side by side"]}
    for letter in side_by_side & found.scalars.keys():
        del found.scalars[letter]
    for letter in found.indices:
        if letter in found.scalars and letter in _INDEX_LETTERS and found.uses[letter, "index"] >= found.uses[letter, "bare"]:
            del found.scalars[letter]


def _labelled(base: str, label: str) -> str:
    """Return the name of a letter with a label: `w_7` is w7, `net_{h1}` is net_h1."""
    joined = label.isdigit() and not base[-1].isdigit() and base not in GREEK
    return f"{base}{label}" if joined else f"{base}_{label}"


def _is_index(label: str, letters: Container[str]) -> bool:
    """Whether a subscript is made of index letters (`i`, `ij`, `i,j+1`), not a label (`h1`, `total`)."""
    parts = re.split(r"[,;]", label)
    return all(
        re.fullmatch(r"[A-Za-z](?:[+-](?:\d+|[A-Za-z]))?|\d|[A-Za-z]{2}", part)
        and all(letter in letters for letter in re.findall("[A-Za-z]", part))
        for part in parts
    ) and bool(re.search("[A-Za-z]", label))
