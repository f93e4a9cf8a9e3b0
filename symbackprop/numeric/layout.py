"""The look of generated source: width, wrapped lines, shapes and sizes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from sympy import Expr, Symbol

from symbackprop.errors import NotSupportedError
from symbackprop.network.node import Node
from symbackprop.numeric.names import Identifiers

WIDTH = 110
INDENT = "    "


def assignment(target: str, value: str, indent: str = INDENT) -> list[str]:
    """Return `target = value`, broken at the top-level signs of a sum where it is too long for a line."""
    line = f"{indent}{target} = {value}"
    parts = _top_level_terms(value) if len(line) > WIDTH else []
    if len(parts) < 2:
        return [line]
    inner = indent + INDENT
    lines, current = [f"{indent}{target} = ("], inner + parts[0]
    for part in parts[1:]:
        if len(current) + len(part) + 1 > WIDTH:
            lines.append(current)
            current = inner + part
        else:
            current += " " + part
    return [*lines, current, f"{indent})"]


def _top_level_terms(text: str) -> list[str]:
    parts, depth, start, quoted = [], 0, 0, False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif depth == 0 and not quoted and text[at : at + 3] in (" + ", " - "):
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def listing(items: Iterable[str], opening: str, closing: str, indent: str = INDENT) -> list[str]:
    """Return `opening item, item, … closing`, on several lines where it is too long for one."""
    text = ", ".join(items)
    line = f"{opening}{text}{closing}"
    if len(line) <= WIDTH:
        return [line]
    filled = textwrap.wrap(text + ",", WIDTH, initial_indent=indent, subsequent_indent=indent,
                           break_long_words=False, break_on_hyphens=False)  # fmt: skip
    return [opening, *filled, closing.rjust(len(closing) + len(indent) - len(INDENT))]


def comment(text: str, indent: str = INDENT, mark: str = "# ") -> list[str]:
    """Return a comment (or, without the mark, a paragraph), wrapped."""
    return textwrap.wrap(text, WIDTH, initial_indent=f"{indent}{mark}", subsequent_indent=f"{indent}{mark}{INDENT}",
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip


def shape_text(node: Node) -> str:
    """Return `(N, D)`, `(K,)`, or `a number`."""
    if not node.indices:
        return "a number"
    return "(" + ", ".join(str(extent) for extent in node.shape) + ("," if len(node.shape) == 1 else "") + ")"


def size_lines(used: set[Symbol], arguments: Sequence[Node], identifiers: Identifiers) -> list[str]:
    """Return the statements that read the sizes in use off the shapes of the arguments."""
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
    for symbol in sorted(missing, key=str):
        lines.append(_solved_size(symbol, used - missing, arguments, identifiers))
    return lines


def _solved_size(symbol: Symbol, known: set[Symbol], arguments: Sequence[Node], identifiers: Identifiers) -> str:
    """Read a size that stands only inside others, such as T where an axis has length T - 2."""
    for node in arguments:
        for axis, extent in enumerate(node.shape):
            rest = symbol - extent
            if not isinstance(extent, Symbol) and not rest.expand().has(symbol) and _free(rest.expand()) <= known:
                offset = rest.expand()
                text = " + ".join([f"{identifiers[node.name]}.shape[{axis}]", *([str(offset)] if offset != 0 else [])])
                return f"{identifiers[symbol.name]} = {text}".replace("+ -", "- ")
    raise NotSupportedError(
        f"numeric: size {symbol} cannot be read off the shape of any argument ({', '.join(n.name for n in arguments)}); "
        f"declare an input or parameter with an index of size {symbol}"
    )


def _free(expression: Expr) -> set[Symbol]:
    return set(expression.free_symbols)
