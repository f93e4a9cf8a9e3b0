"""LaTeX to tokens, driven by the table of names.

Longest known spelling first. A word of several letters is one name or an error, never a product of its letters (two known
single-letter names side by side, as in `wx`, are a product). Unknown names, unknown macros and malformed subscripts
(`out_o1`, which TeX shows as `out_o` followed by 1) raise `ReadError` with the place and, where it is certain, the repair.
"""

from __future__ import annotations

import re

from lark import Token

from symbackprop.errors import nearest
from symbackprop.formula import tokens as vocabulary
from symbackprop.formula.names import Kind, Names, canonical_spelling
from symbackprop.formula.tokens import ReadError


def scan(text: str, names: Names) -> list[Token]:
    """Return the tokens of a formula; raises `ReadError`."""
    scanner = _Scanner(text, names)
    scanner.run(len(text))
    return _mark_lines(_mark_functions(scanner.tokens, names))


class _Scanner:
    """One pass over the text; `context` says whether we stand in a subscript, in cases, or between differentials."""

    def __init__(self, text: str, names: Names) -> None:
        self.text = text
        self.names = names
        self.tokens: list[Token] = []
        self.position = 0
        self.end = len(text)
        self.context: tuple[str, ...] = ()

    def run(self, end: int) -> None:
        """Scan up to `end`, looking no further; the context is that of the caller."""
        outer, self.end = self.end, end
        while self.position < end:
            skipped = vocabulary.SKIPPED.match(self.text, self.position, end)
            if skipped:
                self.position = skipped.end()
            elif not any(rule(self, end) for rule in _RULES):
                raise self._unknown(end)
        self.end = outer

    def emit(self, kind: str, value: str, end: int) -> None:
        """Add a token and move on."""
        self.tokens.append(Token(kind, value, start_pos=self.position, end_pos=end))
        self.position = end

    # --- groups

    def group_end(self, start: int) -> int:
        """Return the position behind the brace that closes the one at `start`."""
        depth = 0
        for found in re.compile(r"\\.|[{}]", re.S).finditer(self.text, start):
            depth += {"{": 1, "}": -1}.get(found[0], 0)
            if depth == 0:
                return found.end()
        raise ReadError("this brace is never closed", (start, start + 1))

    def argument_end(self, start: int) -> int:
        """Return where a TeX argument ends: a group, or a single letter, digit or macro with its own argument."""
        start = self.skip_spaces(start)
        if start >= len(self.text):
            raise ReadError("expected something here, got the end of the formula", (start, start))
        if self.text[start] == "{":
            return self.group_end(start)
        macro = vocabulary.MACRO.match(self.text, start)
        if not macro:
            return start + 1
        takes_group = macro[0][1:] in vocabulary.GROUPED or macro[0][1:] in vocabulary.STYLED
        return self.argument_end(macro.end()) if takes_group else macro.end()

    def skip_spaces(self, position: int) -> int:
        """Return the next position that is not a space."""
        while position < len(self.text) and self.text[position].isspace():
            position += 1
        return position

    def argument(self, *context: str) -> None:
        """Scan a TeX argument and put it in braces."""
        start, end = self.skip_spaces(self.position), self.argument_end(self.position)
        grouped = self.text[start] == "{"
        outer, self.context = self.context, (*self.context, *context)
        self.position = start
        self.emit("LB", "{", start + 1 if grouped else start)
        self.run(end - 1 if grouped else end)
        self.emit("RB", "}", end)
        self.context = outer

    # --- names

    def known_at(self, start: int) -> tuple[str, int] | None:
        """Return the longest known name at `start` and where it ends."""
        base_end = self.base_end(start)
        if base_end is None:
            return None
        ends = [base_end]
        for _ in range(2):
            script = self.script_end(ends[-1])
            if script is None:
                break
            ends.append(script)
        for end in reversed(ends):
            name = self.names.find(self.text[start:end])
            if name is not None:
                return name, end
        return None

    def base_end(self, start: int) -> int | None:
        """Return the end of a name without its scripts: a word with digits, or a macro with its group."""
        run = vocabulary.RUN.match(self.text, start, self.end)
        if run:
            return run.end()
        macro = re.compile(r"\\(?:operatorname\*|[A-Za-z]+)").match(self.text, start, self.end)
        return self.argument_end(start) if macro else None

    def script_end(self, start: int) -> int | None:
        """Return the end of a subscript or superscript that could be part of a name."""
        position = self.skip_spaces(start)
        if position >= self.end or self.text[position] not in "_^" or vocabulary.UPDATE.match(self.text, position):
            return None
        end = self.argument_end(position + 1)
        if end >= len(self.text) or self.text[end - 1] == "}" or not self.text[end - 1 : end + 1].isalnum():
            return end
        if self.text[position] == "^" or not re.match(r"[A-Za-z0-9]", self.text[end]):
            return end
        self.check_braces(start, position, end)
        return end

    def check_braces(self, start: int, position: int, end: int) -> None:
        """Raise for a subscript of several characters without braces."""
        run_on = re.compile(r"[A-Za-z0-9]+").match(self.text, position + 1)
        base = re.compile(r"[^\W_]*$").search(self.text, 0, start)
        if run_on is None or base is None:
            return
        braced = f"{base[0]}_{{{run_on[0]}}}"
        span = (base.start(), run_on.end())
        shown = f"{self.text[span[0] : span[1]]} is shown as {self.text[span[0] : end]} followed by {run_on[0][1:]}"
        if self.names.find(braced):
            raise ReadError(f"malformed subscript: {shown}; write {braced}", span, braced)
        if run_on[0][1].isdigit():
            raise ReadError(f"malformed subscript: {shown}; write {braced} if that is meant", span)

    def _unknown(self, end: int) -> ReadError:
        start = self.position
        macro = vocabulary.MACRO.match(self.text, start)
        base_end = self.base_end(start)
        if macro and macro[0][1:] not in vocabulary.STYLED and macro[0][1:] not in vocabulary.GROUPED:
            known = [key for key in (*vocabulary.SYMBOLS, *self.names.spelled) if key.startswith("\\")]
            return ReadError(f"unknown macro {macro[0]}.{nearest(macro[0], known)}", (start, macro.end()))
        if base_end is None:
            return ReadError(f"unexpected character {self.text[start]!r}", (start, start + 1))
        return self.unknown_name(start, base_end)

    def unknown_name(self, start: int, base_end: int) -> ReadError:
        """Return the error for an unknown name, with a repair if a single longer name stands elsewhere in the text."""
        end = self.script_end(base_end) or base_end
        written = self.text[start:end]
        key = canonical_spelling(written)
        longer = [spelling for spelling in self.names.spelled if len(key) > 3 and spelling.startswith(key.rstrip("}"))]
        text = canonical_spelling(self.text)
        present = [spelling for spelling in longer if spelling in text]
        repair = present[0] if len({self.names.spelled[spelling] for spelling in present}) == 1 else None
        hint = f" Did you mean {repair}?" if repair else nearest(key, self.names.spelled)
        return ReadError(f"unknown name {written}.{hint}", (start, end), repair)


# --- the rules, tried in this order; each returns whether it consumed something


def _line_break(scanner: _Scanner, end: int) -> bool:
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


def _cases(scanner: _Scanner, end: int) -> bool:
    found = re.compile(r"\\(begin|end)\s*\{cases\}").match(scanner.text, scanner.position, end)
    if found:
        opens = found[1] == "begin"
        scanner.emit("CASES" if opens else "ENDCASES", "cases", found.end())
        scanner.context = (*scanner.context, "cases") if opens else scanner.context[:-1]
    return bool(found)


def _ampersand(scanner: _Scanner, end: int) -> bool:
    if scanner.text[scanner.position] != "&":
        return False
    if "cases" in scanner.context:
        scanner.emit("AMP", "&", scanner.position + 1)
    else:
        scanner.position += 1
    return True


def _pattern(scanner: _Scanner, end: int) -> bool:
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


def _script(scanner: _Scanner, end: int) -> bool:
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


def _big(scanner: _Scanner, end: int) -> bool:
    found = vocabulary.BIG_WORD.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("BIG", (found[1] or "") + found[2], found.end())
    return bool(found)


def _differential(scanner: _Scanner, end: int) -> bool:
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


def _is_inline_derivative(scanner: _Scanner, start: int) -> bool:
    known = scanner.known_at(scanner.skip_spaces(start + 1))
    if known is None:
        return False
    behind_slash = [str(token.type) for token in scanner.tokens[-1:]] == ["SLASH"]
    return behind_slash or bool(re.compile(r"\s*/\s*d").match(scanner.text, known[1]))


def _kronecker(scanner: _Scanner, end: int) -> bool:
    """`\\mathbb{1}_{ij}`, and `\\delta_{ij}` where δ is not a name."""
    found = vocabulary.KRONECKER.match(scanner.text, scanner.position, end)
    if not found or scanner.names.find(found[0]):
        return False
    scanner.emit("KRONECKER", found[0], found.end())
    return True


def _name(scanner: _Scanner, end: int) -> bool:
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


def _takes_no_subscript(scanner: _Scanner, name: str, end: int) -> bool:
    entry = scanner.names.entries[name]
    behind = scanner.skip_spaces(end)
    has_subscript = behind < scanner.end and scanner.text[behind] == "_"
    return has_subscript and not entry.layered and entry.kind not in (Kind.INDEXED, Kind.FUNCTION)


def _splits(scanner: _Scanner, run: str) -> bool:
    """Whether a run of letters may be taken apart: indices in a subscript, else two known letters."""
    found = [scanner.names.find(letter) for letter in run]
    if "sub" in scanner.context and run.isalpha():
        return all(name and scanner.names.kind(name) is Kind.INDEX for name in found)
    letters = re.fullmatch(r"([^\W\d_])([^\W\d_]\d*)", run)
    if not letters:
        return False
    return scanner.names.find(letters[1]) is not None and scanner.known_at(scanner.position + 1) is not None


def _fraction(scanner: _Scanner, end: int) -> bool:
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


def _starts_with_d(scanner: _Scanner, start: int) -> bool:
    inside = scanner.skip_spaces(start + 1)
    return scanner.text[start] == "{" and scanner.text[inside] == "d" and scanner.known_at(inside) is None


def _mark(scanner: _Scanner, end: int) -> bool:
    found = re.compile(r"\\([A-Za-z]+)").match(scanner.text, scanner.position, end)
    if not found or found[1] not in vocabulary.GROUPED:
        return False
    scanner.emit("MARK", vocabulary.GROUPED[found[1]], found.end())
    scanner.argument()
    return True


def _styled(scanner: _Scanner, end: int) -> bool:
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


def _named_derivative(scanner: _Scanner, word: str) -> list[tuple[str, str]]:
    """Read a derivative written as a name, `d_L_d_w1`."""
    names = scanner.names.entries
    for found in re.finditer("_d_", word):
        above, below = word[2 : found.start()], word[found.end() :]
        if word.startswith("d_") and above in names and below in names:
            return [("PARTIAL", "d"), ("NAME", above), ("SLASH", "/"), ("PARTIAL", "d"), ("NAME", below)]
    return []


def _symbol(scanner: _Scanner, end: int) -> bool:
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


def _bars(scanner: _Scanner, end: int) -> bool:
    for spelled, kind in ((r"\|", "NORM"), ("‖", "NORM"), ("|", "BAR")):
        if scanner.text.startswith(spelled, scanner.position):
            previous = str(scanner.tokens[-1].type) if scanner.tokens else ""
            kinds = [str(token.type) for token in scanner.tokens]
            is_open = kinds.count("L" + kind) > kinds.count("R" + kind)
            side = "R" if is_open and previous in vocabulary.OPERAND_END else "L"
            scanner.emit(side + kind, spelled, scanner.position + len(spelled))
            return True
    return False


def _prose(scanner: _Scanner, end: int) -> bool:
    found = vocabulary.CJK.match(scanner.text, scanner.position, end)
    if found:
        scanner.emit("TEXT", found[0], found.end())
    return bool(found)


def _last_punctuation(scanner: _Scanner, end: int) -> bool:
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


# --- passes over the tokens


def _mark_functions(found: list[Token], names: Names) -> list[Token]:
    """Turn a function that is applied to nothing into a plain name."""
    result: list[Token] = []
    for position, token in enumerate(found):
        if token.type == "FUNC" and not _is_applied(found, position + 1):
            token = Token("NAME", token.value, start_pos=token.start_pos, end_pos=token.end_pos)
        result.append(token)
    return result


def _is_applied(found: list[Token], position: int) -> bool:
    while position < len(found):
        kind = found[position].type
        if kind in ("SUP", "SUB"):
            depth, position = 1, position + 2
            while depth:
                depth += {"LB": 1, "RB": -1}.get(found[position].type, 0)
                position += 1
        elif kind == "PRIME":
            position += 1
        else:
            return kind in vocabulary.FACTOR_START
    return False


def _mark_lines(found: list[Token]) -> list[Token]:
    """Drop line breaks inside a statement, and the operator that a continued line repeats."""
    lines = _lines(found)
    result = list(lines[0])
    for line in lines[1:]:
        if not (result and line) or "TEXT" in (result[-1].type, line[0].type):
            result.extend(line)
        elif _ends_open(result[-1]) or _starts_open(line):
            repeats = _ends_open(result[-1]) and (result[-1].type, result[-1].value) == (line[0].type, line[0].value)
            result.extend(line[1:] if repeats and line[0].type != "COMMA" else line)
        else:
            result.extend((Token("NEWLINE", "\n", start_pos=line[0].start_pos, end_pos=line[0].start_pos), *line))
    return result


def _lines(found: list[Token]) -> list[list[Token]]:
    lines: list[list[Token]] = [[]]
    for token in found:
        if token.type == "NEWLINE":
            lines.append([])
        else:
            lines[-1].append(token)
    return lines


_SIGNS = ("PLUS", "MINUS")
_OPERATORS = (*_SIGNS, "TIMES", "ODOT", "SLASH", "REL", "COMMA")


def _ends_open(last: Token) -> bool:
    return last.type in _OPERATORS


def _starts_open(line: list[Token]) -> bool:
    """Whether a line goes on with the statement before it; `-a = b` is a statement of its own, `- a` goes on."""
    if line[0].type in _SIGNS:
        return all(token.type != "REL" for token in line)
    return line[0].type in (*_OPERATORS, "RP", "RS", "RC", "RB")
