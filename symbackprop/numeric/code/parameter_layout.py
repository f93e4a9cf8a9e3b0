"""The look of generated source: width, wrapped lines, shapes and sizes."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from collections.abc import Sequence

from sympy import Expr, Symbol

from symbackprop.errors import NotSupportedError
from symbackprop.network.node import Node
from symbackprop.network.sizes import is_positive
from symbackprop.numeric.program.python_names import Identifiers

WIDTH = 110
INDENT = "    "


def assignment(target: str, value: str, indent: str = INDENT, sign: str = "=") -> list[str]:
    """Return `target = value`, broken where it is too long for a line: at the outermost signs or commas that allow it. `sign` is
    what stands between the two."""
    line = f"{indent}{target} {sign} {value}"
    places = _breaks(value) if len(line) > WIDTH else []
    if not places:
        return [line]
    parts = [value[a:b].strip() for a, b in zip([0, *places], [*places, len(value)], strict=True)]
    if len(target) > WIDTH // 3 or any(_depth(value, place) == 0 for place in places):
        return [f"{indent}{target} {sign} (", *_filled(parts, indent + INDENT), f"{indent})"]
    first, *others = _filled([f"{target} {sign} {parts[0]}", *parts[1:]], indent)
    return [first, *(INDENT + other for other in others)]


def _filled(parts: list[str], indent: str) -> list[str]:
    lines = [indent + parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + len(INDENT) + 1 > WIDTH:
            lines.append(indent + part)
        else:
            lines[-1] += " " + part
    return lines


_MARKS = re.compile(r'[()\[\]{}",]| [+-] ')


def _breaks(text: str) -> list[int]:
    """Return where a text may be broken: before signs or after commas, no deeper in brackets than the width demands."""
    found: dict[int, list[int]] = {}
    depth, quoted = 0, False
    for mark in _MARKS.finditer(text):
        letter = mark.group()
        quoted ^= letter == '"'
        if quoted:
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if letter in (" + ", " - "):
            found.setdefault(depth, []).append(mark.start())
        elif letter == "," and depth:
            found.setdefault(depth, []).append(mark.end())
    places: list[int] = []
    for level in sorted(found):
        places = sorted(places + found[level])
        longest = max(b - a for a, b in zip([0, *places], [*places, len(text)], strict=True))
        if longest <= WIDTH - 4 * len(INDENT):
            break
    return places


def _depth(text: str, place: int) -> int:
    return sum(text.count(mark, 0, place) for mark in "([{") - sum(text.count(mark, 0, place) for mark in ")]}")


def listing(items: Sequence[str], opening: str, closing: str, indent: str = INDENT) -> list[str]:
    """Return `opening item, item, … closing`, on several lines where it is too long for one."""
    text = ", ".join(items)
    line = f"{opening}{text}{closing}"
    if len(line) <= WIDTH:
        return [line]
    filled = _filled([f"{item}," for item in items], indent)
    return [opening, *filled, closing.rjust(len(closing) + len(indent) - len(INDENT))]


def comment(text: str, indent: str = INDENT, mark: str = "# ") -> list[str]:
    """Return a comment (or, without the mark, a paragraph), wrapped."""
    line = f"{indent}{mark}{text}"
    if len(line) <= WIDTH and text.isascii() and text.isprintable() and not text.endswith(" "):
        return [line]
    return textwrap.wrap(text, WIDTH, initial_indent=f"{indent}{mark}", subsequent_indent=f"{indent}{mark}{INDENT}",
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip


def docstring(lines: Sequence[str], indent: str = INDENT) -> list[str]:
    """Return a docstring of lines of any text, none of which can end it, continue a line or be read as an escape."""
    printable = ["".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in line) for line in lines]
    escaped = [line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in printable]
    return [f'{indent}"""{escaped[0]}', *escaped[1:], f'{indent}"""']


def quoted(text: str) -> str:
    """Return a text as a string of Python."""
    return json.dumps(text, ensure_ascii=False)


def shape_text(node: Node) -> str:
    """Return `(N, D)`, `(K,)`, or `a number`."""
    if not node.indices:
        return "a number"
    return "(" + ", ".join(str(extent) for extent in node.shape) + ("," if len(node.shape) == 1 else "") + ")"


def size_lines(used: set[Symbol], arguments: Sequence[Node], identifiers: Identifiers) -> list[str]:
    """Return the statements that read the sizes in use off the shapes of the arguments."""
    used = _with_those_inside(used, arguments)
    lines, missing = _read_off(used, arguments, identifiers)
    while missing:
        solved = {symbol: text for symbol in sorted(missing, key=str)
                  if (text := _solved_size(symbol, used - missing, arguments, identifiers))}  # fmt: skip
        if not solved:
            raise NotSupportedError(
                f"numeric: size {min(missing, key=str)} cannot be read off the shape of any argument "
                f"({', '.join(n.name for n in arguments)}); declare an input or parameter with an index of that size"
            )
        lines.extend(solved.values())
        missing -= solved.keys()
    return lines


def _read_off(used: set[Symbol], arguments: Sequence[Node], identifiers: Identifiers) -> tuple[list[str], set[Symbol]]:
    """Return the statements for the sizes that are the length of an axis, and the sizes that are left."""
    missing = set(used)
    lines = []
    for node in arguments:
        extents = node.shape
        fresh = [extent for extent in dict.fromkeys(extents) if extent in missing]
        if not fresh:
            continue
        name = identifiers[node.name]
        if len(fresh) == len(extents) > 1:
            lines.append(f"{', '.join(identifiers[extent.name] for extent in extents)} = {name}.shape")
        else:
            lines.extend(f"{identifiers[extent.name]} = {name}.shape[{extents.index(extent)}]" for extent in fresh)
        missing -= set(fresh)
    return lines, missing


def _with_those_inside(used: set[Symbol], arguments: Sequence[Node]) -> set[Symbol]:
    """Return the sizes with those that stand beside one in a compound extent, where it has no axis alone: C for G in G*C."""
    extents = [extent for node in arguments for extent in node.shape]
    found, waiting = set(used), set(used) - set(extents)
    while waiting:
        symbol = waiting.pop()
        compound = (extent for extent in extents if is_positive(extent.expand().coeff(symbol)))
        beside: set[Symbol] = next((extent.free_symbols for extent in compound), set())
        waiting |= beside - found - set(extents)
        found |= beside
    return found


def _solved_size(symbol: Symbol, known: set[Symbol], arguments: Sequence[Node], identifiers: Identifiers) -> str:
    """Read a size that stands only inside others, such as I where an axis has length 2*I + U - 2, or G in G*C; empty where that
    takes sizes that are not known."""
    for node in arguments:
        for axis, extent in enumerate(node.shape):
            factor = extent.expand().coeff(symbol)
            rest = (extent - factor * symbol).expand()
            others = (rest + factor).free_symbols
            if not is_positive(factor) or symbol in others or not others <= known:
                continue
            names = {s: Symbol(identifiers[s.name]) for s in others}
            value = _quotient(f"{identifiers[node.name]}.shape[{axis}]", rest.xreplace(names), factor.xreplace(names))
            return f"{identifiers[symbol.name]} = {value}"
    return ""


def _quotient(got: str, rest: Expr, factor: Expr) -> str:
    """Write `(got - rest)//factor`."""
    value = got if rest == 0 else f"{got} - ({rest})"
    if factor == 1:
        return value
    return f"{value if rest == 0 else f'({value})'}//{f'({factor})' if factor.args else factor}"
