"""The times sign between two neighbouring factors: what the notation says, and a sign where none would mislead."""

from __future__ import annotations

from symbackprop.formula.notation.glyphs import Word, glyph_of
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.brackets import Slot, is_forced, looks_like_call, slots
from symbackprop.formula.tree.tree import Formula, Name, Neg, Number
from symbackprop.formula.tree.walk import children, walk


def sign_between(left: Formula, right: Formula, notation: Notation) -> str:
    """Return the sign between two neighbouring factors of a product, "" for side by side."""
    if _has_derivative(left) and _has_derivative(right):
        sign = notation.times_derivative
    elif starts_with_bracket(right, notation):
        sign = _before_bracket(left, right, notation)
    else:
        sign = notation.times
    return notation.explicit_times if not sign and _would_be_misread(left, right, notation) else sign


def sign_at_break(notation: Notation) -> str:
    """Return the times sign of a notation between two factors on different rows, where there must be one."""
    return notation.times or notation.explicit_times


def starts_with_bracket(factor: Formula, notation: Notation) -> bool:
    """Whether a factor begins with a bracket when it is written down."""
    while True:
        match factor:
            case tree.Group(bracket=bracket):
                return bracket in "(["
            case tree.Fraction(inline=True) | Neg():
                return True
            case tree.Power() | tree.Transpose() | tree.Update() | tree.Element() | tree.Decorated(kind="prime"):
                inner, slot = children(factor)[0], slots(factor)[0]
                if is_forced(inner, slot, notation.layered):
                    return True
                factor = inner
            case _:
                return is_forced(factor, Slot.LAST_FACTOR, notation.layered)


def _before_bracket(left: Formula, right: Formula, notation: Notation) -> str:
    side_by_side = notation.juxtapose_bracket == "always" or (
        notation.juxtapose_bracket == "complement" and right == tree.Sum((Number("1"), Neg(left)))
    )
    return "" if side_by_side else notation.times or notation.explicit_times


def _has_derivative(formula: Formula) -> bool:
    return any(isinstance(node, tree.Partial | tree.Nabla) for node in walk(formula))


def _would_be_misread(left: Formula, right: Formula, notation: Notation) -> bool:
    """Whether two factors side by side would be read as something else."""
    if isinstance(left, tree.Fraction | tree.Decorated) and (
        left.inline if isinstance(left, tree.Fraction) else left.kind == "prime"
    ):
        return True
    if isinstance(left, Name) and (left.name in notation.functions or glyph_of(left.name, notation) == Word("d")):
        return True
    return looks_like_call(left, right) or isinstance(right, Neg) or _starts_with_digit(right)


def _starts_with_digit(factor: Formula) -> bool:
    while isinstance(factor, tree.Power | tree.Transpose | tree.Update | tree.Element):
        factor = children(factor)[0]
    return isinstance(factor, Number)
