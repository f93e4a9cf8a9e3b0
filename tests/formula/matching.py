"""How far two pieces of LaTeX agree as they are written: `match_level`.

Whether two formulas are equal in value is decided elsewhere; this compares only what is on the page.
"""

from __future__ import annotations

import re
from enum import IntEnum

from symbackprop.formula.notation.spelling import GREEK_LETTERS


class Level(IntEnum):
    """How far two formulas agree, from worst to best."""

    DIFFERENT = 0
    UP_TO_LAYOUT = 1
    UP_TO_SPACES = 2
    IDENTICAL = 3


_SPACES = re.compile(r"\s+|~|\\[,;:! ]|\\q?quad(?![A-Za-z])")
_SIZES = re.compile(r"\\(?:left|right|(?:big|Big|bigg|Bigg)[lr]?|displaystyle|limits|nolimits)(?![A-Za-z])")
_STYLES = re.compile(r"\\(?:mathrm|mathit|mathsf|operatorname\*?|textrm|textit|text|rm|it)(?![A-Za-z])")
_SAME: tuple[tuple[str, str], ...] = (
    (r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
    (r"\\(?:cdot|times|ast)(?![A-Za-z])|[·×⋅∗]", "*"),
    (r"\\leq(?![A-Za-z])|≤", r"\\le"),
    (r"\\geq(?![A-Za-z])|≥", r"\\ge"),
    (r"\\neq(?![A-Za-z])|≠", r"\\ne"),
    (r"\\gets(?![A-Za-z])|←", r"\\leftarrow"),
    (r"\\rightarrow(?![A-Za-z])|→", r"\\to"),
    (r"\\approx(?![A-Za-z])", "≈"),
    (r"\\intercal(?![A-Za-z])", r"\\top"),
    (r"\\lbrace(?![A-Za-z])", r"\\{"),
    (r"\\rbrace(?![A-Za-z])", r"\\}"),
    (r"∂", r"\\partial "),
    (r"∑", r"\\sum "),
    (r"∇", r"\\nabla "),
    (r"⊙", r"\\odot "),
    (r"−", "-"),
    (r"\^\{?\\prime\}?", "'"),
)


def match_level(ours: str, theirs: str) -> Level:
    """Return how far two formulas agree as written.

    * `IDENTICAL`: the same characters, apart from spaces at the ends.
    * `UP_TO_SPACES`: the same once spaces (also `\\,` and `\\quad`) are dropped.
    * `UP_TO_LAYOUT`: the same in braces that do not show, bracket sizes, type styles, and signs with two spellings
      (`*` and `\\cdot`, `η` and `\\eta`). A sign that is there in one and missing in the other is a difference.

    >>> match_level(r"\\frac{1}{2} x^2", r"\\frac{1}{2}x^{2}").name
    'UP_TO_LAYOUT'
    """
    if ours.strip() == theirs.strip():
        return Level.IDENTICAL
    if without_spaces(ours) == without_spaces(theirs):
        return Level.UP_TO_SPACES
    return Level.UP_TO_LAYOUT if without_layout(ours) == without_layout(theirs) else Level.DIFFERENT


def without_spaces(latex: str) -> str:
    """Return the LaTeX without spaces, except those that end a macro in front of a letter."""
    return re.sub(r"(\\[A-Za-z]+)\x00+(?=[A-Za-z])", r"\1{}", _SPACES.sub("\x00", latex)).replace("\x00", "")


def without_layout(latex: str) -> str:
    """Return the LaTeX with one spelling for everything that looks the same."""
    text = latex
    for pattern, plain in _SAME:
        text = re.sub(pattern, plain, text)
    for name, letter in GREEK_LETTERS.items():
        text = text.replace(letter, f"\\{name} ")
    text = without_spaces(_SIZES.sub(" ", _STYLES.sub(" ", text)))
    text = re.sub(r"([_^])(\\[A-Za-z]+|[^{\\])", r"\1{\2}", text)
    return _without_inner_braces(text)


_TAKES_ARGUMENT = ("frac", "sqrt", "hat", "bar", "tilde", "dot", "vec", "boldsymbol", "mathbf", "underline", "hspace")


def _without_inner_braces(text: str) -> str:
    """Drop braces that are no argument: they group without showing."""
    result: list[str] = []
    keep: list[bool] = []
    for found in re.finditer(r"\\[A-Za-z]+|\\.|.", text, re.S):
        piece = found[0]
        if piece == " ":
            continue
        if piece.startswith("\\") and piece[1:].isalpha():
            piece += " "  # a macro ends here: `\\pi x` is not `\\pix`
        if piece == "{":
            before = result[-1] if result else ""
            is_argument = before in ("_", "^", "}") or (before.endswith(" ") and before[1:-1] in _TAKES_ARGUMENT)
            keep.append(is_argument)
            result.extend(["{"] if is_argument else [])
        elif piece == "}":
            result.extend(["}"] if keep and keep.pop() else [])
        else:
            result.append(piece)
    return "".join(result)
