"""LaTeX to tokens, driven by the table of names.

Longest known spelling first. A word of several letters is one name or an error, never a product of its letters (two known
single-letter names side by side, as in `wx`, are a product). Unknown names, unknown macros and malformed subscripts
(`out_o1`, which TeX shows as `out_o` followed by 1) raise `ReadError` with the place and, where it is certain, the repair.
"""

from __future__ import annotations

import re

from lark import Token

from symbackprop.formula import tokens as vocabulary
from symbackprop.formula.lines import mark_functions, mark_lines
from symbackprop.formula.names import Kind, Names
from symbackprop.formula.scanner import Scanner
from symbackprop.formula.tokens import ReadError


def scan(text: str, names: Names) -> list[Token]:
    """Return the tokens of a formula; raises `ReadError`."""
    scanner = Scanner(text, names, _RULES)
    scanner.run(len(text))
    return mark_lines(mark_functions(scanner.tokens))


# The rules, tried in the order of `_RULES`; each returns whether it consumed something.


def _line_break(scanner: Scanner, end: int) -> bool:
    """A line break, or a wide space, which separates statements as well."""
    found = vocabulary.LINE_BREAK.match(scanner.text, scanner.position, end)
    if not found:
        return False
    in_cases = "cases" in scanner.context
    if in_cases and found[1]:
        scanner.position = found.end()
    else:
        scanner.emit("ROWSEP" if in_cases else "NEWLINE", "\n", found.end())
    return True


def _cases(scanner: Scanner, end: int) -> bool:
    found = re.compile(r"\\(begin|end)\s*\{cases\}").match(scanner.text, scanner.position, end)
    if found:
        opens = found[1] == "begin"
        scanner.emit("CASES" if opens else "ENDCASES", "cases", found.end())
        scanner.context = (*scanner.context, "cases") if opens else scanner.context[:-1]
    return bool(found)


def _ampersand(scanner: Scanner, end: int) -> bool:
    if scanner.text[scanner.position] != "&":
        return False
    if "cases" in scanner.context:
        scanner.emit("AMP", "&", scanner.position + 1)
    else:
        scanner.position += 1
    return True


def _pattern(scanner: Scanner, end: int) -> bool:
    for kind, pattern in _PATTERNS:
        found = pattern.match(scanner.text, scanner.position, end)
        if found and not (kind == "TOP" and pattern is vocabulary.PLAIN_T and scanner.names.find("T")):
            value = found[1] if kind == "BLANK" else found[0]
            scanner.emit(kind, value, found.end())
            return True
    return False


_PATTERNS = (
    ("BLANK", vocabulary.BLANK),
    ("UPDATE", vocabulary.UPDATE),
    ("PRIME", vocabulary.PRIME),
    ("TOP", vocabulary.TOP),
    ("TOP", vocabulary.PLAIN_T),
    ("NUMBER", vocabulary.NUMBER),
)


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
        scanner.emit("BIG", (found[1] or "") + found[2], found.end())
    return bool(found)


def _differential(scanner: Scanner, end: int) -> bool:
    """The `d` of `dL/dw` and `\\frac{dL}{dw}`, where neither `d` nor `dL` is a name."""
    text, start = scanner.text, scanner.position
    if scanner.names.find("d"):
        return False
    upright = re.compile(r"\\mathrm\s*(?:\{\s*d\s*\}|d(?![A-Za-z]))").match(text, start, end)
    if upright:
        scanner.emit("PARTIAL", "d", upright.end())
        return True
    if text[start] != "d" or scanner.known_at(start):
        return False
    if "differential" not in scanner.context and not _is_inline_derivative(scanner, start):
        return False
    scanner.emit("PARTIAL", "d", start + 1)
    return True


def _is_inline_derivative(scanner: Scanner, start: int) -> bool:
    known = scanner.known_at(scanner.skip_spaces(start + 1))
    if known is None:
        return False
    behind_slash = [str(token.type) for token in scanner.tokens[-1:]] == ["SLASH"]
    return behind_slash or bool(re.compile(r"\s*/\s*d").match(scanner.text, known[1]))


def _kronecker(scanner: Scanner, end: int) -> bool:
    """`\\mathbb{1}_{ij}`, and `\\delta_{ij}` where neither δ nor `\\delta_{ij}` is a name."""
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
    if known:
        name, name_end = known
        if _takes_no_subscript(scanner, name, name_end):
            raise scanner.unknown_name(start, name_end)
        scanner.emit("FUNC" if scanner.names.kind(name) is Kind.FUNCTION else "NAME", name, name_end)
        return True
    run = vocabulary.RUN.match(scanner.text, start)
    if not run or not _splits(scanner, run[0]):
        return False
    first = scanner.names.find(run[0][0])
    assert first is not None
    scanner.emit("FUNC" if scanner.names.kind(first) is Kind.FUNCTION else "NAME", first, start + 1)
    return True


def _takes_no_subscript(scanner: Scanner, name: str, end: int) -> bool:
    entry = scanner.names.entries[name]
    behind = scanner.skip_spaces(end)
    has_subscript = behind < scanner.end and scanner.text[behind] == "_"
    return has_subscript and not entry.layered and entry.kind not in (Kind.INDEXED, Kind.FUNCTION)


def _splits(scanner: Scanner, run: str) -> bool:
    """Whether a run of letters may be taken apart: indices in a subscript, else two known letters."""
    found = [scanner.names.find(letter) for letter in run]
    if "sub" in scanner.context and run.isalpha():
        return all(name and scanner.names.kind(name) is Kind.INDEX for name in found)
    letters = re.fullmatch(r"([^\W\d_])([^\W\d_]\d*)", run)
    if not letters:
        return False
    return scanner.names.find(letters[1]) is not None and scanner.known_at(scanner.position + 1) is not None


def _fraction(scanner: Scanner, end: int) -> bool:
    found = re.compile(r"\\[dtc]?frac(?![A-Za-z])").match(scanner.text, scanner.position, end)
    if not found:
        return False
    scanner.emit("FRAC", "/", found.end())
    first = scanner.skip_spaces(found.end())
    second = scanner.skip_spaces(scanner.argument_end(first))
    context = ("differential",) if all(_starts_with_d(scanner, start) for start in (first, second)) else ()
    scanner.argument(*context)
    scanner.argument(*context)
    return True


def _starts_with_d(scanner: Scanner, start: int) -> bool:
    inside = scanner.skip_spaces(start + 1)
    return scanner.text[start] == "{" and scanner.text[inside] == "d" and scanner.known_at(inside) is None


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
        scanner.emit("TEXT", re.sub(r"\\([#$%&_{}])", r"\1", inside), closing)
        return True
    derivative = _named_derivative(scanner, inside.replace(r"\_", "_").replace(" ", ""))
    if derivative:
        for kind, value in derivative:
            scanner.tokens.append(Token(kind, value, start_pos=scanner.position, end_pos=closing))
        scanner.position = closing
        return True
    return False


def _named_derivative(scanner: Scanner, word: str) -> list[tuple[str, str]]:
    """Read a derivative written as a name, `d_L_d_w1`."""
    names = scanner.names.entries
    for found in re.finditer("_d_", word):
        above, below = word[2 : found.start()], word[found.end() :]
        if word.startswith("d_") and above in names and below in names:
            return [("PARTIAL", "d"), ("NAME", above), ("SLASH", "/"), ("PARTIAL", "d"), ("NAME", below)]
    return []


def _symbol(scanner: Scanner, end: int) -> bool:
    text, start = scanner.text, scanner.position
    if text.startswith(":=", start):
        scanner.emit("REL", ":=", start + 2)
        return True
    macro = vocabulary.MACRO.match(text, start, end)
    spelled = macro[0] if macro else text[start]
    if spelled not in vocabulary.SYMBOLS:
        return False
    kind, value = vocabulary.SYMBOLS[spelled]
    scanner.emit(kind, value, start + len(spelled))
    return True


def _bars(scanner: Scanner, end: int) -> bool:
    for spelled, kind in ((r"\|", "NORM"), ("‖", "NORM"), ("|", "BAR")):
        if scanner.text.startswith(spelled, scanner.position):
            previous = str(scanner.tokens[-1].type) if scanner.tokens else ""
            kinds = [str(token.type) for token in scanner.tokens]
            is_open = kinds.count("L" + kind) > kinds.count("R" + kind)
            side = "R" if is_open and previous in vocabulary.OPERAND_END else "L"
            scanner.emit(side + kind, spelled, scanner.position + len(spelled))
            return True
    return False


def _prose(scanner: Scanner, end: int) -> bool:
    found = vocabulary.CJK.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("TEXT", found[0], found.end())
    return bool(found)


def _last_punctuation(scanner: Scanner, end: int) -> bool:
    found = vocabulary.LAST_PUNCTUATION.match(scanner.text, scanner.position)
    if found:
        scanner.position = end
    return bool(found)


_RULES = (
    _line_break,
    _cases,
    _ampersand,
    _pattern,
    _script,
    _big,
    _differential,
    _kronecker,
    _name,
    _fraction,
    _mark,
    _styled,
    _last_punctuation,
    _symbol,
    _bars,
    _prose,
)
