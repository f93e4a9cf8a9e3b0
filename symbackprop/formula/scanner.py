"""The state of the scanner, and how it finds the longest known name, TeX arguments, and what is wrong with an unknown one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lark import Token

from symbackprop.errors import nearest
from symbackprop.formula import tokens as vocabulary
from symbackprop.formula.names import Names, canonical_spelling
from symbackprop.formula.tokens import ReadError


class Scanner:
    """One pass over the text; `context` says whether we stand in a subscript, in cases, or between differentials."""

    def __init__(self, text: str, names: Names, rules: Sequence[Callable[[Scanner, int], bool]]) -> None:
        self.text = text
        self.names = names
        self.rules = rules
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
            elif not any(rule(self, end) for rule in self.rules):
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
