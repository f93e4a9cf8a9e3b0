"""LaTeX to tokens, driven by the table of names.

Longest known spelling first. A word of several letters is one name or an error, never a product of its letters (two known
single-letter names side by side, as in `wx`, are a product). Unknown names, unknown macros and malformed subscripts
(`out_o1`, which TeX shows as `out_o` followed by 1) raise `ReadError` with the place and, where it is certain, the repair.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from symbackprop.formula.read import tokens as vocabulary
from symbackprop.formula.read.digits import number_at
from symbackprop.formula.read.lines import mark_lines
from symbackprop.formula.read.name_table import Kind, Names
from symbackprop.formula.read.scanner import Scanner
from symbackprop.formula.read.tokens import ReadError, Token

Rule = Callable[[Scanner, int], bool]
MOST_CHARACTERS = 64_000  # of one formula


def scan(text: str, names: Names) -> list[Token]:
    """Return the tokens of a formula; raises `ReadError`."""
    if len(text) > MOST_CHARACTERS:
        raise ReadError(f"a formula of {len(text)} characters is too long; {MOST_CHARACTERS} at most", (0, len(text)))
    scanner = Scanner(text, names, _rules)
    scanner.run()
    return mark_lines(scanner.tokens)


# The rules; each returns whether it consumed something.


def _line_break(scanner: Scanner, end: int) -> bool:
    """A line break, or a wide space, which separates statements as well."""
    found = vocabulary.LINE_BREAK.match(scanner.text, scanner.position, end)
    if not found:
        return False
    if scanner.in_rows and found[1]:
        scanner.position = found.end()
    else:
        scanner.emit("ROWSEP" if scanner.in_rows else "NEWLINE", " " if found[1] else "\n", found.end())
    return True


def _rows(scanner: Scanner, end: int) -> bool:
    for kind, pattern in (("CASES", vocabulary.CASES), ("MATRIX", vocabulary.MATRIX)):
        found = pattern.match(scanner.text, scanner.position, end)
        if found:
            scanner.emit(kind if found[1] == "begin" else f"END{kind}", kind.lower(), found.end())
            return True
    box = vocabulary.TEXT_BOX.match(scanner.text, scanner.position, end)
    if box:
        scanner.emit("TEXT", scanner.original[slice(*box.span(1))].strip(), box.end())
    return bool(box)


def _ampersand(scanner: Scanner, end: int) -> bool:
    """A column: of a matrix an entry, of lines where they are lined up, or a further statement on the line."""
    two = scanner.text.startswith("&&", scanner.position)
    if scanner.in_rows:
        scanner.emit("AMP", "&", scanner.position + 1 + two)
    elif (two or _begins_a_statement(scanner)) and scanner.last not in ("", "NEWLINE", "REL"):
        scanner.emit("NEWLINE", " ", scanner.position + 2)
    else:
        scanner.position += 1 + two
    return True


def _begins_a_statement(scanner: Scanner) -> bool:
    """Whether a line that says something already says something else behind this sign: `μ = a & v = b`."""
    if scanner.last not in vocabulary.OPERAND_END or not scanner.says:
        return False
    found = _NEXT_COLUMN.match(scanner.text, scanner.position + 1, scanner.end)
    return found is not None and _SAYS.search(found[0]) is not None


_NEXT_COLUMN = re.compile(r"(?!\s*(?:[-+*/=<>≈]|\\(?:approx|cdot|times|odot|le|ge|equiv)))(?:[^&\\]|\\[^\\])*")
_SAYS = re.compile(r"(?<![<>!:])=")


def _norm_label(scanner: Scanner, end: int) -> bool:
    """The kind of a norm, `\\|W\\|_F`."""
    found = vocabulary.NORM_LABEL.match(scanner.text, scanner.position, end) if scanner.last == "RNORM" else None
    if found:
        label = next(group for group in found.groups() if group)
        scanner.emit("NORMKIND", {"fro": "F", "\\infty": "∞"}.get(label, label), found.end())
    return bool(found)


def _over(scanner: Scanner, end: int) -> bool:
    """`{a \\over b}`, which is a fraction."""
    place = scanner.over_in(scanner.position)
    if place is None:
        return False
    closing = scanner.group_end(scanner.position)
    scanner.emit("FRAC", "/", scanner.position)
    scanner.part(scanner.position + 1, place, then=lambda: scanner.part(place + len("\\over"), closing - 1, closing))
    return True


def _annotated(scanner: Scanner, end: int) -> bool:
    """What has a remark above or below it: `\\underbrace{a}_{why}` is a, `\\stackrel{!}{=}` is =."""
    found = vocabulary.MACRO.match(scanner.text, scanner.position, end)
    which = vocabulary.ANNOTATED.get(found[0][1:]) if found else None
    if found is None or which is None:
        return False
    first = scanner.skip_spaces(found.end())
    behind = scanner.argument_end(first)
    if which == 0:
        remark = scanner.script_end(behind)
        scanner.remarks[behind] = remark or behind
    scanner.position = first if which == 0 else scanner.skip_spaces(behind)
    scanner.unwrap("U" if found[0][1:] in vocabulary.BRACED else "")
    return True


def _pattern(scanner: Scanner, end: int) -> bool:
    for kind, pattern in _PATTERNS:
        found = pattern.match(scanner.text, scanner.position, end)
        if found and kind == "TOP" and _bounds_a_sum(scanner):
            return _size_above(scanner, found.end())
        if found and not (pattern is vocabulary.PLAIN_T and scanner.names.find("T")):
            for _ in _PRIMES.findall(found[0])[1:]:  # of `f''` in one superscript
                scanner.emit(kind, "'", scanner.position)
            value = found[1] if kind == "BLANK" else found[0]
            scanner.emit(kind, value, found.end())
            return True
    return False


_PRIMES = re.compile(r"\\prime|'|′")


def _bounds_a_sum(scanner: Scanner) -> bool:
    """Whether what stands above belongs to a big operator, `\\sum_{t=1}^T`: a bound is no transpose."""
    tokens, depth, at = scanner.tokens, 0, len(scanner.tokens) - 1
    while at >= 0 and (depth or tokens[at].type == "RB"):
        depth += (tokens[at].type == "RB") - (tokens[at].type == "LB")
        at -= 1
    return (
        at >= 0 and tokens[at].type == "SUB" and tokens[at - 1].type == "BIG" if at < len(tokens) - 1 else scanner.last == "BIG"
    )


def _size_above(scanner: Scanner, end: int) -> bool:
    """Take `^T` as a bound T."""
    for kind, value in (("SUP", "^"), ("LB", "{"), ("NAME", "T"), ("RB", "}")):
        scanner.emit(kind, value, end if kind == "RB" else scanner.position)
    return True


_PATTERNS = (
    ("BLANK", vocabulary.BLANK),
    ("UPDATE", vocabulary.UPDATE),
    ("PRIME", vocabulary.PRIME),
    ("TOP", vocabulary.TOP),
    ("TOP", vocabulary.PLAIN_T),
)


def _number(scanner: Scanner, end: int) -> bool:
    in_list = "sub" in scanner.context or scanner.in_brackets
    found = number_at(scanner.text, scanner.position, end, scanner.names.decimal, in_list)
    if found is None:
        return False
    if scanner.last == "NUMBER" and "sub" not in scanner.context:
        raise ReadError("two numbers side by side; write the sign between them", (scanner.tokens[-1].start, found[1]))
    scanner.emit("NUMBER", *found)
    return True


def _script(scanner: Scanner, end: int) -> bool:
    sign = scanner.text[scanner.position]
    if sign not in "_^":
        return False
    scanner.emit("SUB" if sign == "_" else "SUP", sign, scanner.position + 1)
    start = scanner.skip_spaces(scanner.position)
    digits = re.compile(r"\d\.?\d+").match(scanner.text, start)
    if digits:
        raise ReadError(f"{sign}{digits[0]} reaches over one digit only; write {sign}{{{digits[0]}}}", digits.span())
    scanner.argument(*(("sub",) if sign == "_" else ()))
    return True


def _big(scanner: Scanner, end: int) -> bool:
    found = vocabulary.BIG_WORD.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("BIG", "".join(filter(None, found.groups())), found.end())
    return bool(found)


def _integral(scanner: Scanner, end: int) -> bool:
    """The `dx` behind what is integrated, though d or dx may be a name elsewhere."""
    if scanner.counts["INT"] <= scanner.counts["BY"] or scanner.context or scanner.last == "SLASH":
        return False
    found = _BY.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("BY", "d", found.end())
    return bool(found)


_BY = re.compile(
    r"(?:\\mathrm\s*\{\s*d\s*\}|\\mathrm\s*d(?![A-Za-z])|\{\s*\\rm\s*d\s*\}|d)\s*(?=\\[A-Za-z]|[A-Za-z](?![A-Za-z]))"
)


def _root(scanner: Scanner, end: int) -> bool:
    """`\\sqrt{x}`, `\\sqrt2`, `\\sqrt[3]{x}`."""
    found = _ROOT.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("ROOT", found[1] or "2", found.end())
        scanner.argument()
    return bool(found)


_ROOT = re.compile(r"\\sqrt(?![A-Za-z])\s*(?:\[\s*(\d+)\s*\])?")


def _differential(scanner: Scanner, end: int) -> bool:
    """The `d` of `dL/dw` and `\\frac{dL}{dw}`, where neither `d` nor `dL` is a name."""
    text, start = scanner.text, scanner.position
    upright = _UPRIGHT_D.match(text, start, end)
    if upright and (scanner.names.guessed or not scanner.names.find("d")):
        scanner.emit("PARTIAL", "d", upright.end())
        return True
    if scanner.names.find("d") or "pairs" in scanner.context:
        return _differential_beside_a_name(scanner, start)
    if text[start] != "d" or scanner.known_at(start):
        return False
    if "differential" not in scanner.context and not _is_inline_derivative(scanner, start):
        return False
    scanner.emit("PARTIAL", "d", start + 1)
    return True


_UPRIGHT_D = re.compile(r"\\mathrm\s*(?:\{\s*d\s*\}|d(?![A-Za-z]))(?=\s*[\\A-Za-z{^(])")


def _differential_beside_a_name(scanner: Scanner, start: int) -> bool:
    """The `d` of `\\frac{d x}{d t}` where d is a name as well: of a fraction of two such pairs nothing else is meant."""
    if scanner.text[start] != "d" or "pairs" not in scanner.context:
        return False
    if scanner.last == "LB" or (scanner.last in _ENDS_A_VARIABLE and scanner.known_at(scanner.skip_spaces(start + 1))):
        scanner.emit("PARTIAL", "d", start + 1)
        return True
    return False


_ENDS_A_VARIABLE = ("NAME", "RB", "NUMBER")


def _is_inline_derivative(scanner: Scanner, start: int) -> bool:
    known = scanner.known_at(scanner.skip_spaces(start + 1))
    if known is None:
        return False
    return scanner.last == "SLASH" or bool(re.compile(r"\s*/\s*d").match(scanner.text, known[1]))


def _kronecker(scanner: Scanner, end: int) -> bool:
    """`\\mathbb{1}_{ij}`, and `\\delta_{ij}` where neither δ nor `\\delta_{ij}` is a name."""
    if (indicator := vocabulary.INDICATOR.match(scanner.text, scanner.position, end)) is not None:
        scanner.emit("FUNC", "indicator", indicator.end())
        return True
    found = vocabulary.KRONECKER.match(scanner.text, scanner.position, end)
    if not found or scanner.names.find(found[0]) or scanner.known_at(scanner.position):
        return False
    scanner.emit("KRONECKER", found[0], found.end())
    return True


def _name(scanner: Scanner, end: int) -> bool:
    start = scanner.position
    base_end = scanner.base_end(start)
    if base_end is None:
        return False
    known = scanner.known_at(start)
    if known and not _is_index_run(scanner, *known):
        name, name_end = known
        if _takes_no_subscript(scanner, name, name_end):
            raise scanner.unknown_name(start, name_end)
        scanner.emit_name(name, name_end)
        return True
    run = vocabulary.RUN.match(scanner.text, start)
    if run and _holds_function(scanner, run[0]):
        return True
    if not run or not _splits(scanner, run[0]):
        return False
    first = scanner.names.find(run[0][0])
    assert first is not None
    scanner.emit_name(first, start + 1)
    return True


def _holds_function(scanner: Scanner, run: str) -> bool:
    """Take `ylna` apart, where y and a are names: nothing else can be meant."""
    found = vocabulary.RUN_WITH_FUNCTION.fullmatch(run)
    if found is None or "sub" in scanner.context:
        return False
    pieces = list(filter(None, found.groups()))
    names = [name for piece in pieces if (name := scanner.names.find(piece)) is not None]
    if [scanner.names.kind(name) is Kind.FUNCTION for name in names] != [piece == found[2] for piece in pieces]:
        return False
    for piece, name in zip(pieces, names, strict=True):
        scanner.emit_name(name, scanner.position + len(piece))
    return True


def _is_index_run(scanner: Scanner, name: str, end: int) -> bool:
    """Whether a word in a subscript, `ln`, is a row of indices and no function."""
    run = scanner.text[scanner.position : end]
    if "sub" not in scanner.context or not run.isalpha() or scanner.names.kind(name) is not Kind.FUNCTION:
        return False
    return len(run) > 1 and _splits(scanner, run)


def _takes_no_subscript(scanner: Scanner, name: str, end: int) -> bool:
    entry = scanner.names.entries[name]
    behind = scanner.skip_spaces(end)
    has_subscript = behind < scanner.end and scanner.text[behind] == "_"
    return has_subscript and not entry.layered and entry.kind not in (Kind.INDEXED, Kind.FUNCTION)


def _splits(scanner: Scanner, run: str) -> bool:
    """Whether a run of letters may be taken apart: indices in a subscript, else two known letters."""
    found = [scanner.names.find(letter) for letter in run]
    if "sub" in scanner.context and run.isalpha():
        return None not in found and _are_places(scanner, run)
    letters = re.fullmatch(r"([^\W\d_])([^\W\d_]\d*)", run)
    if not letters:
        return False
    return scanner.names.find(letters[1]) is not None and scanner.known_at(scanner.position + 1) is not None


def _are_places(scanner: Scanner, run: str) -> bool:
    """Whether known letters below are indices; of a text also `ij` where i is a gate `i_t` besides."""
    places = {letter for letter in run if scanner.names.kind(scanner.names.find(letter) or letter) is Kind.INDEX}
    if scanner.names.guessed and run in ("nn", "mm", "NN", "MM"):  # the last entry, `w_{nn}`
        return True
    return bool(places) and set(run) - places <= (_COUNTING if scanner.names.guessed else set())


_COUNTING = frozenset("ijkt")  # letters that are indices, though a text may call a quantity so as well: the gate `i_t`


def _fraction(scanner: Scanner, end: int) -> bool:
    found = re.compile(r"\\[dtc]?frac(?![A-Za-z])").match(scanner.text, scanner.position, end)
    if not found:
        return False
    scanner.emit("FRAC", "/", found.end())
    first = scanner.skip_spaces(found.end())
    second = scanner.skip_spaces(scanner.argument_end(first))
    context = ("differential",) if all(_starts_with_d(scanner, start) for start in (first, second)) else ()
    if _are_pairs(scanner, first, second):
        context = ("pairs",)
    elif scanner.names.find("d") and all(_LONE_D.match(scanner.text, start, scanner.end) for start in (first, second)):
        context = ("pairs",)  # a factor d above and below would have been cancelled
    scanner.argument(*context, then=lambda: scanner.argument(*context))
    return True


def _are_pairs(scanner: Scanner, first: int, second: int) -> bool:
    """Whether a fraction is `{dJ}{dv}`, `{d^2 f}{dx dy}` of names behind a d each, though d or dv may be a name as well."""
    pairs = [pattern.match(scanner.text, start, scanner.end) for pattern, start in ((_ABOVE, first), (_BELOW, second))]
    if not all(pairs) or scanner.names.find("d"):
        return all(pairs)
    return all(pair and (not pair[1] or scanner.known_at(pair.start(1))) for pair in pairs)


_MARKS = r"(?:[_^]\s*(?:\w|\{[^{}]*\})\s*)*"
#: `{d x}`, `{dx_1 dx_2}`, `{d^2 f}`: the sign of a derivative and one letter.
_BELOW = re.compile(rf"\{{\s*d\s*(?=(\\?[A-Za-z]))\\?[A-Za-z]+\s*{_MARKS}(?:d\s*\\?[A-Za-z]+\s*{_MARKS})*\}}")
_ABOVE = re.compile(rf"\{{\s*d\s*(?:\^\s*(?:\d|\{{\s*\d\s*\}})\s*)?(?:(?=(\\?[A-Za-z]))\\?[A-Za-z]+\s*{_MARKS})?\}}")


_LONE_D = re.compile(r"\{\s*d(?!\s*[_^}])")


def _starts_with_d(scanner: Scanner, start: int) -> bool:
    inside = scanner.skip_spaces(start + 1)
    return scanner.text.startswith("{", start) and scanner.text.startswith("d", inside) and scanner.known_at(inside) is None


def _mark(scanner: Scanner, end: int) -> bool:
    found = re.compile(r"\\([A-Za-z]+)").match(scanner.text, scanner.position, end)
    if not found or found[1] not in vocabulary.GROUPED:
        return False
    scanner.emit("MARK", vocabulary.GROUPED[found[1]], found.end())
    scanner.argument()
    return True


def _styled(scanner: Scanner, end: int) -> bool:
    found = re.compile(r"\\([A-Za-z]+\*?)\s*\{").match(scanner.text, scanner.position, end)
    if not found or found[1] not in vocabulary.STYLED:
        return False
    closing = scanner.group_end(found.end() - 1)
    inside = scanner.text[found.end() : closing - 1]
    if found[1] in vocabulary.PROSE:
        behind = scanner.text[scanner.skip_spaces(closing) :][:1]
        if behind and behind in "(_^" and re.fullmatch(r"\s*[A-Za-z]\w*", inside):
            raise scanner.unknown_name(scanner.position, closing)
        original = scanner.original[found.end() : closing - 1]
        scanner.emit("TEXT", re.sub(r"\\([#$%&_{}])", r"\1", original), closing)
        return True
    derivative = _named_derivative(scanner, inside.replace(r"\_", "_").replace(" ", ""))
    if derivative:
        for kind, value in derivative:
            scanner.tokens.append(Token(kind, value, scanner.position, closing))
        scanner.position = closing
        return True
    return False


def _named_derivative(scanner: Scanner, word: str) -> list[tuple[str, str]]:
    """Read a derivative written as a name, `d_L_d_w1`."""
    for found in re.finditer("_d_", word) if word.startswith("d_") else ():
        above, below = (_named_in_code(scanner, part) for part in (word[2 : found.start()], word[found.end() :]))
        if above and below:
            return [("PARTIAL", "d"), ("NAME", above), ("SLASH", "/"), ("PARTIAL", "d"), ("NAME", below)]
    return []


def _named_in_code(scanner: Scanner, word: str) -> str:
    """Return the name that code calls by a word: itself, or the only one but for underscores, `y_pred` for `ypred`."""
    names = scanner.names.entries
    if word in names:
        return word
    alike = [name for name in names if name.replace("_", "") == word.replace("_", "")]
    return alike[0] if len(alike) == 1 else ""


def _symbol(scanner: Scanner, end: int) -> bool:
    text, start = scanner.text, scanner.position
    macro = vocabulary.MACRO.match(text, start, end)
    spelled = macro[0] if macro else text[start : start + 2] if text[start : start + 2] in vocabulary.SYMBOLS else text[start]
    if spelled not in vocabulary.SYMBOLS:
        return False
    kind, value = vocabulary.SYMBOLS[spelled]
    scanner.emit(kind, value, start + len(spelled))
    return True


def _picture(scanner: Scanner, end: int) -> bool:
    """A bar or a dash that fills up a column or a row of a matrix, `\\vert & \\vert`, `- x^T -`: it is drawn and says nothing."""
    if not scanner.in_rows:
        return False
    found = _DRAWN.match(scanner.text, scanner.position, end)
    if found is None or (found[0].strip() in "-–—" and scanner.last in _OPENS_A_CELL):
        return False
    if found[0].strip() not in "-–—" and scanner.last not in (*_OPENS_A_CELL, "LB"):
        return False
    scanner.emit("TEXT", found[0].strip(), found.end())
    return True


_DRAWN = re.compile(r"(?:\\(?:vert|mid|\|)(?![A-Za-z])|\||-|–|—)(?=(?:\s|\\[,;:! ]|\})*(?:&|\\\\|\\end|\Z))")
_OPENS_A_CELL = ("AMP", "ROWSEP", "MATRIX")


def _bars(scanner: Scanner, end: int) -> bool:
    for spelled, kind in _BAR_SIGNS:
        behind = scanner.position + len(spelled)
        if scanner.text.startswith(spelled, scanner.position, end):
            if spelled[-1].isalpha() and scanner.text[behind : behind + 1].isalpha():
                return False
            scanner.emit(*_bar(scanner, spelled, kind, behind), behind)
            return True
    return False


def _bar(scanner: Scanner, spelled: str, kind: str, behind: int) -> tuple[str, str]:
    """Return what a bar is: one that opens or closes, or the one of `P(A|B)`."""
    is_open = scanner.counts["L" + kind] > scanner.counts["R" + kind]
    if scanner.last == "FUNC" and not is_open and scanner.in_brackets and scanner.is_lone(spelled, behind):  # `KL(P ‖ Q)`
        return "REL", "∣"
    if scanner.last not in vocabulary.OPERAND_END:
        return "L" + kind, spelled
    if is_open:
        return "R" + kind, spelled
    if scanner.text[behind : behind + 1] == "_":
        raise ReadError("a value at a place, |_{…}, is not read", (scanner.position, behind + 1))
    if scanner.in_brackets and scanner.is_lone(spelled, behind):
        return "REL", "∣"
    return "L" + kind, spelled


_BAR_SIGNS = (
    *((spelled, "NORM") for spelled in (r"\|", r"\Vert", r"\parallel", "‖", "||")),
    *((spelled, "BAR") for spelled in (r"\vert", "|")),
)


def _factorial(scanner: Scanner, end: int) -> bool:
    """`n!`."""
    if scanner.text[scanner.position] != "!" or scanner.last not in vocabulary.OPERAND_END:
        return False
    if scanner.text.startswith(("!=", "!!"), scanner.position):
        return False
    scanner.emit("FACTORIAL", "!", scanner.position + 1)
    return True


def _semicolon(scanner: Scanner, end: int) -> bool:
    """`J(W; x)` is a list with a pause in it; outside of brackets one statement ends and another begins."""
    if scanner.text[scanner.position] not in ";；" or scanner.position >= scanner.last_punctuation:
        return False
    inside = scanner.in_brackets or bool(scanner.context)
    scanner.emit(*("COMMA", ",") if inside else ("NEWLINE", " "), scanner.position + 1)
    return True


def _ellipsis(scanner: Scanner, end: int) -> bool:
    """`...`, which as a name has no value."""
    found = _DOTS.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("NAME", "dots", found.end())
    return bool(found)


def _full_stop(scanner: Scanner, end: int) -> bool:
    """A full stop at the end of a line of a formula."""
    found = _STOP.match(scanner.text, scanner.position)
    if found:
        scanner.position = found.end()
    return bool(found)


_STOP = re.compile(r"\.(?=\s*(?:\\\\|\\end(?![A-Za-z])|\\q?quad|&))")


def _colon(scanner: Scanner, end: int) -> bool:
    """A colon outside of brackets, behind a condition."""
    if scanner.text[scanner.position] != ":" or scanner.text.startswith(":=", scanner.position) or scanner.in_brackets:
        return False
    scanner.emit("TEXT", ":", scanner.position + 1)
    return True


def _such_that(scanner: Scanner, end: int) -> bool:
    """The colon of a set, `\\{x \\in S : x > 0\\}`."""
    inside = scanner.counts["LC"] > scanner.counts["RC"] and scanner.last in vocabulary.OPERAND_END
    if scanner.text[scanner.position] != ":" or scanner.text.startswith(":=", scanner.position) or not inside:
        return False
    scanner.emit("REL", "∣", scanner.position + 1)
    return True


_DOTS = re.compile(r"\.(?:\s*\.)+")
#: What stands for a condition where a value is defined piecewise.
_CASE_WORDS = re.compile(r"(?:if|otherwise|else|undefined|when)(?![A-Za-z])")


def _prose_word(scanner: Scanner, end: int) -> bool:
    """A word of a sentence, `Let u = …`, where it is no name that was declared."""
    found = vocabulary.PROSE_WORD.match(scanner.text, scanner.position, end)
    if found is None or "sub" in scanner.context or scanner.known_at(scanner.position):
        return False
    scanner.emit("TEXT", found[0], found.end())
    return True


def _case_word(scanner: Scanner, end: int) -> bool:
    found = _CASE_WORDS.match(scanner.text, scanner.position, end) if scanner.in_rows else None
    if found is None or scanner.known_at(scanner.position):
        return False
    scanner.emit("TEXT", found[0], found.end())
    return True


def _prose(scanner: Scanner, end: int) -> bool:
    found = vocabulary.CJK.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("TEXT", scanner.original[found.start() : found.end()], found.end())
    return bool(found)


def _last_punctuation(scanner: Scanner, end: int) -> bool:
    found = scanner.position >= scanner.last_punctuation
    if found:
        scanner.position = end
    return found


#: The rules that may apply, in the order they are tried, by the first character.
_MACROS = (
    *(
        _line_break,
        _rows,
        _annotated,
        _picture,
        _pattern,
        _big,
        _integral,
        _root,
        _differential,
        _kronecker,
        _name,
        _fraction,
        _mark,
        _styled,
        _last_punctuation,
    ),
    *(_symbol, _bars),
)
_LETTERS = (_case_word, _prose_word, _integral, _differential, _kronecker, _name, _symbol, _prose)
_SIGNS = (_picture, _pattern, _factorial, _semicolon, _such_that, _colon, _last_punctuation, _symbol, _bars, _prose)
_BY_START: Mapping[str, tuple[Rule, ...]] = {
    "\\": _MACROS,
    "{": (_over, _integral, _name, _symbol),
    "&": (_ampersand,),
    **dict.fromkeys("_^", (_norm_label, _pattern, _script)),
    **dict.fromkeys(".", (_number, _ellipsis, _full_stop, _last_punctuation)),
}


def _rules(scanner: Scanner) -> tuple[Rule, ...]:
    start = scanner.text[scanner.position]
    known = _BY_START.get(start)
    if known is not None:
        return known
    return _LETTERS if start.isalpha() else (_number,) if start.isdigit() else _SIGNS
