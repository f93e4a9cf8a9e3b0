"""The state of the scanner, and how it finds the longest known name, TeX arguments, and what is wrong with an unknown one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from symbackprop.errors import nearest
from symbackprop.formula.read import tokens as vocabulary
from symbackprop.formula.read.name_table import Kind, Names, canonical_spelling
from symbackprop.formula.read.tokens import ReadError, Token

_WITH_ARGUMENT = frozenset((*vocabulary.GROUPED, *vocabulary.STYLED, *vocabulary.SCRIPTED, "sqrt"))
_FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac"))
MOST_WITHOUT_BRACES = 20  # arguments that are waited for at once
_MACRO_NAME = re.compile(r"\\(?:operatorname\*|[A-Za-z]+)")
_TAIL = re.compile(
    r"\\(?:(?:end|begin)\s*\{(?!cases|[pbB]?matrix|smallmatrix|array)|(?:label|tag\*?)\s*\{)[^{}]*\}\Z|\\(?:right\.|nonumber|notag|quad|qquad)\Z"
)
FARTHEST_BAR = 400  # characters in which the other one of two bars is looked for
_BRACKETS = re.compile(r"\\[{}|]|\\(?:Vert|vert|parallel)(?![A-Za-z])|\|\||[()\[\]{}|‖]")
_OPENING, _CLOSING = ("LP", "LS", "LC", "LB", "LU"), ("RP", "RS", "RC", "RB", "RU")
LONGEST_SEARCHED = 20_000  # characters of a formula in which the rest of a cut-off name is looked for


@dataclass(frozen=True, slots=True)
class Argument:
    """A TeX argument that is being scanned: where its inside ends, where it ends, and what comes after it."""

    inside_end: int
    end: int
    context: tuple[str, ...]
    limit: int
    then: Callable[[], None] | None
    kind: str = "B"  # of the tokens around it, "" for none


class Scanner:
    """One pass over the text; `context` says whether we stand in a subscript, in cases, or between differentials."""

    def __init__(self, text: str, names: Names, rules: Callable[[Scanner], Iterable[Callable[[Scanner, int], bool]]]) -> None:
        self.original = text
        self.text = text.translate(vocabulary.FULL_WIDTH)
        self.names = names
        self.rules = rules
        self.tokens: list[Token] = []
        self.counts: Counter[str] = Counter()
        self.position = 0
        self.end = len(text)
        self.context: tuple[str, ...] = ()
        self.closing, self.overs = _braces(self.text)
        self.remarks: dict[int, int] = {}  # where what is written below a brace ends, by where it begins
        self.last_punctuation = _without_punctuation(self.text)
        self._arguments: list[Argument] = []

    def run(self) -> None:
        """Scan the whole text."""
        while True:
            if self._arguments and self.position >= self._arguments[-1].inside_end:
                self._close_argument()
            elif self.position >= self.end:
                return
            else:
                self._step()

    def _step(self) -> None:
        skipped = vocabulary.SKIPPED.match(self.text, self.position, self.end)
        if skipped:
            self.position = skipped.end()
        else:
            for rule in self.rules(self):
                if rule(self, self.end):
                    return
            raise self._unknown()

    def emit(self, kind: str, value: str, end: int) -> None:
        """Add a token and move on."""
        self.tokens.append(Token(kind, value, self.position, end))
        self.counts[kind] += 1
        self.position = end

    def emit_name(self, name: str, end: int) -> None:
        """Add a known name, as a function where it is one, and move on."""
        self.emit("FUNC" if self.names.kind(name) is Kind.FUNCTION else "NAME", name, end)

    @property
    def last(self) -> str:
        """The type of the last token, "" at the beginning."""
        return self.tokens[-1].type if self.tokens else ""

    @property
    def says(self) -> bool:
        """Whether the line that we are in says something already, at its outermost level."""
        depth = 0
        for token in reversed(self.tokens):
            if token.type == "NEWLINE":
                break
            depth += (token.type in _CLOSING) - (token.type in _OPENING)
            if depth == 0 and token.type == "REL":
                return True
        return False

    @property
    def in_brackets(self) -> bool:
        """Whether a round, square or curly bracket is open."""
        return any(self.counts["L" + kind] > self.counts["R" + kind] for kind in "PSC")

    @property
    def in_rows(self) -> bool:
        """Whether we stand in cases or in a matrix, where `&` and a line break have a meaning."""
        return any(self.counts[kind] > self.counts[f"END{kind}"] for kind in ("CASES", "MATRIX"))

    def is_lone(self, bar: str, start: int) -> bool:
        """Whether no other bar like this one stands between `start` and the end of the brackets around it."""
        depth = 0
        for found in _BRACKETS.finditer(self.text, start, min(self.end, start + FARTHEST_BAR)):
            if found[0] == bar and depth == 0:
                return False
            depth += (found[0][-1] in "([{") - (found[0][-1] in ")]}")
            if depth < 0:
                return True
        return False

    # --- groups

    def over_in(self, start: int) -> int | None:
        """Return where `\\over` stands in the group that begins at `start`."""
        return self.overs.get(start)

    def part(self, start: int, inside_end: int, end: int | None = None, then: Callable[[], None] | None = None) -> None:
        """Scan a part of a group as an argument of its own; scanning goes on at `end`."""
        self._arguments.append(Argument(inside_end, inside_end if end is None else end, self.context, self.end, then))
        self.position = start
        self.emit("LB", "{", start)
        self.end = inside_end

    def unwrap(self, kind: str) -> None:
        """Scan the argument here, between tokens of a kind or (kind "") with nothing around it; pass over the remark behind."""
        start, end = self.position, self.argument_end(self.position)
        grouped = self.text[start] == "{"
        behind = self.remarks.pop(end, end)
        self._arguments.append(Argument(end - 1 if grouped else end, behind, self.context, self.end, None, kind))
        self.position = start
        if kind:
            self.emit("L" + kind, "{", start)
        self.position += grouped
        self.end = end - 1 if grouped else end

    def argument(self, *context: str, then: Callable[[], None] | None = None) -> None:
        """Scan a TeX argument and put it in braces; `then` is called when it is done."""
        start, end = self.skip_spaces(self.position), self.argument_end(self.position)
        if end > self.end:
            raise ReadError("expected something here, got the end of the group", (self.end, self.end))
        grouped = self.text[start] == "{"
        inside_end = end - 1 if grouped else end
        self._arguments.append(Argument(inside_end, end, self.context, self.end, then))
        self.context = (*self.context[-2:], *context)
        self.position = start
        self.emit("LB", "{", start + 1 if grouped else start)
        self.end = inside_end

    def _close_argument(self) -> None:
        done = self._arguments.pop()
        if done.kind:
            self.emit("R" + done.kind, "}", done.end)
        self.position = done.end
        self.context, self.end = done.context, done.limit
        if done.then is not None:
            done.then()

    def group_end(self, start: int) -> int:
        """Return the position behind the brace that closes the one at `start`."""
        if start not in self.closing:
            raise ReadError("this brace is never closed", (start, start + 1))
        return self.closing[start]

    def argument_end(self, start: int) -> int:
        """Return where a TeX argument ends: a group, or a single letter, digit or macro with its own argument."""
        wanted = 1
        while wanted:
            start = self.skip_spaces(start)
            if start >= len(self.text):
                raise ReadError("expected something here, got the end of the formula", (start, start))
            macro = vocabulary.MACRO.match(self.text, start)
            wanted += _arguments_of(macro[0][1:] if macro else "") - 1
            if wanted > MOST_WITHOUT_BRACES:
                raise ReadError("fractions without braces, one inside the other", (start, start + 1))
            start = self.group_end(start) if self.text[start] == "{" else macro.end() if macro else start + 1
        return start

    def skip_spaces(self, position: int) -> int:
        """Return the next position that is not a space."""
        while position < len(self.text) and self.text[position].isspace():
            position += 1
        return position

    # --- names

    def known_at(self, start: int) -> tuple[str, int] | None:
        """Return the longest known name at `start` and where it ends."""
        ends = self._base_ends(start)
        if not ends:
            return None
        for _ in range(2):
            script = self.script_end(ends[-1])
            if script is None or script - start > self.names.longest:
                break
            ends.append(script)
        for end in reversed(ends):
            if end - start <= self.names.longest:
                name = self.names.find(self.text[start:end])
                if name is not None:
                    return name, end
        return None

    def _base_ends(self, start: int) -> list[int]:
        """Return where a name without its scripts may end: behind a macro, and behind the group that follows it."""
        end = self.base_end(start)
        if end is None:
            return []
        behind = self.skip_spaces(end)
        grouped = self.text[start] == "\\" and self.text[end - 1] != "}" and self.text[behind : behind + 1] == "{"
        return [end, self.closing[behind]] if grouped and behind in self.closing else [end]

    def base_end(self, start: int) -> int | None:
        """Return the end of a name without its scripts: a word with digits, a macro with its group, a word in `{\\rm …}`."""
        run = vocabulary.RUN.match(self.text, start, self.end)
        if run:
            return run.end()
        if self.text.startswith("{", start):
            styled = vocabulary.STYLED_GROUP.match(self.text, start, self.end)
            return styled.end() if styled else None
        return self.argument_end(start) if _MACRO_NAME.match(self.text, start, self.end) else None

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
        begin = start
        while begin > 0 and self.text[begin - 1].isalnum() and start - begin < self.names.longest:
            begin -= 1
        if run_on is None:
            return
        braced = f"{self.text[begin:start]}_{{{run_on[0]}}}"
        span = (begin, run_on.end())
        shown = f"{self.text[span[0] : span[1]]} is shown as {self.text[span[0] : end]} followed by {run_on[0][1:]}"
        if self.names.find(braced):
            raise ReadError(f"malformed subscript: {shown}; write {braced}", span, braced)
        if run_on[0][1].isdigit():
            raise ReadError(f"malformed subscript: {shown}; write {braced} if that is meant", span)

    # --- what is wrong

    def _unknown(self) -> ReadError:
        start = self.position
        macro = vocabulary.MACRO.match(self.text, start)
        base_end = self.base_end(start)
        if macro and macro[0][1:] not in _WITH_ARGUMENT:
            known = [key for key in (*vocabulary.SYMBOLS, *self.names.spelled) if key.startswith("\\")]
            meant = nearest(macro[0][1:40], [name[1:] for name in known]).replace("mean ", "mean \\")
            return ReadError(f"unknown macro {macro[0]}.{meant}", (start, macro.end()))
        if base_end is None:
            return ReadError(f"unexpected character {self.text[start]!r}", (start, start + 1))
        return self.unknown_name(start, base_end)

    def unknown_name(self, start: int, base_end: int) -> ReadError:
        """Return the error for an unknown name, with a repair if a single longer name stands elsewhere in the text."""
        end = self.script_end(base_end) or base_end
        written = self.text[start:end] if end - start <= self.names.longest else self.text[start : start + 40] + "…"
        key = canonical_spelling(written)
        repair = self._longer(key)
        hint = f" Did you mean {repair}?" if repair else nearest(key, self.names.spelled)
        return ReadError(f"unknown name {written}.{hint}", (start, end), repair)

    def _longer(self, key: str) -> str | None:
        """Return the spelling that a name begins, where it stands elsewhere in the text and no other name does."""
        longer = [spelling for spelling in self.names.spelled if _is_cut_off(key, spelling)]
        text = canonical_spelling(self.text) if longer and len(self.text) <= LONGEST_SEARCHED else ""
        present = [spelling for spelling in longer if spelling in text]
        return present[0] if len({self.names.spelled[spelling] for spelling in present}) == 1 else None


def _is_cut_off(key: str, spelling: str) -> bool:
    """Whether letters and digits are all that a name has more than one that was cut off: `out_{o` of `out_{o1}`."""
    cut = key.rstrip("}")
    return len(key) > 3 and spelling.startswith(cut) and re.fullmatch(r"[A-Za-z0-9]+\}*", spelling[len(cut) :]) is not None


def _arguments_of(macro: str) -> int:
    """Return how many arguments a macro takes."""
    return 2 if macro in _FRACTIONS else int(macro in _WITH_ARGUMENT)


def _braces(text: str) -> tuple[dict[int, int], dict[int, int]]:
    """Return where each brace group ends, and where the `\\over` in it stands, both by where the group begins."""
    closing: dict[int, int] = {}
    overs: dict[int, int] = {}
    waiting: list[int] = []
    for found in re.finditer(r"\\over(?![A-Za-z])|\\.|[{}]", text, re.S):
        if found[0] == "\\over" and waiting:
            overs.setdefault(waiting[-1], found.start())
        elif found[0] == "{":
            waiting.append(found.start())
        elif found[0] == "}" and waiting:
            closing[waiting.pop()] = found.end()
    return closing, overs


def _without_punctuation(text: str) -> int:
    """Return where the punctuation and spacing at the end of a formula begins."""
    end = len(text)
    while end:
        macro = _TAIL.search(text, max(0, end - 80), end)
        if macro:
            end = macro.start()
        elif end > 1 and text[end - 2] == "\\" and text[end - 1] in ",;:! ":
            end -= 2
        elif text[end - 1].isspace() or text[end - 1] in "~.;,。，；":
            end -= 1
        else:
            break
    return end
