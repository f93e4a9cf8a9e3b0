"""A term from its factors and the signs between them: products, elementwise products, fractions on the line, derivatives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from symbackprop.formula.read.tokens import ReadError
from symbackprop.formula.tree import tree
from symbackprop.formula.tree.brackets import looks_like_call, needs_brackets_to_count
from symbackprop.formula.tree.tree import Formula, Number, Span


@dataclass(frozen=True, slots=True)
class SignedFactor:
    """A factor, and the sign before it: "*", "/", "⊙", or "" for side by side."""

    sign: str
    factor: Formula


@dataclass(frozen=True, slots=True)
class Operator(Formula):
    """`\\frac{\\partial}{\\partial w}` before it has met what it differentiates."""

    variables: tuple[Formula, ...]


#: Signs that are read, and that nothing is worked out for.
OPERATORS = frozenset(("otimes", "oplus", "ominus", "cup", "cap", "setminus", "pm", "mp", "bigcup"))


def term(items: Sequence[SignedFactor], bare: Collection[int], span: Span, calls: Collection[str] | None = None) -> Formula:
    """Build a term; `bare` are the identities of calls whose argument stands without brackets.

    With `calls`, names that a text calls like functions, what is written like a call, `C(a, b)`, is one.

    Raises ReadError for what has two readings.
    """
    at = next((at for at, item in reversed(list(enumerate(items))) if item.sign in OPERATORS), None)
    if at is not None:  # `A \\otimes B`: read, and of no value here
        rest = [SignedFactor("", items[at].factor), *items[at + 1 :]]
        sides = (term(items[:at], bare, span, calls), term(rest, bare, span, calls))
        return tree.Call(tree.Name(items[at].sign), sides, span=span)
    segments: list[list[SignedFactor]] = [[]]
    for item in _applied(items, span, calls is not None):
        if item.sign == "⊙":
            segments.append([])
        segments[-1].append(SignedFactor("", item.factor) if item.sign == "⊙" else item)
    stacked = calls is not None
    built = [_product(segment if calls is None else _with_calls(segment, calls), bare, stacked=stacked) for segment in segments]
    return built[0] if len(built) == 1 else tree.Hadamard(tuple(built), span=span)


def _product(segment: Sequence[SignedFactor], bare: Collection[int], *, stacked: bool) -> Formula:
    """Build a product; with `stacked`, `W [h, x]` is W times what is stacked in the brackets."""
    factors: list[Formula] = []
    divided = False
    for item in segment:
        if item.sign == "/":
            factors = [tree.Fraction(_joined(factors), item.factor, inline=True, span=_around([*factors, item.factor]))]
        else:
            if factors and not item.sign and not (stacked and _is_stacked(item.factor)):
                _refuse_two_readings(factors[-1], item.factor, divided, id(factors[-1]) in bare)
            factors.append(item.factor)
        divided = item.sign == "/"
    return _joined(factors)


def _is_stacked(factor: Formula) -> bool:
    return isinstance(factor, tree.Group) and factor.bracket == "[" and _is_list(factor.body)


def _with_calls(segment: Sequence[SignedFactor], calls: Collection[str]) -> Sequence[SignedFactor]:
    found: list[SignedFactor] = []
    for item in segment:
        call = called(found[-1].factor, item.factor, calls) if found and not item.sign else None
        found[-1:] = [SignedFactor(found[-1].sign, call)] if call is not None else [*found[-1:], item]
    return found


def called(left: Formula, right: Formula, calls: Collection[str]) -> Formula | None:
    """Return `C(a, b)`, `p(y = 1 | x)`, `h_t^2(x)` as a call: nothing is multiplied by a list."""
    if isinstance(left, tree.Power) and isinstance(left.exponent, Number) and isinstance(left.base, tree.Indexed):
        call = called(left.base, right, calls)
        return None if call is None else tree.Power(call, left.exponent, span=_around([left, right]))
    head = _unprimed(left)
    if not isinstance(right, tree.Group) or not isinstance(head, tree.Name | tree.Indexed):
        return None
    arguments = _arguments(head, right, calls)
    return tree.Call(left, arguments, span=_around([left, right])) if arguments else None


def _arguments(head: tree.Name | tree.Indexed, behind: tree.Group, calls: Collection[str]) -> tuple[Formula, ...]:
    """Return what a name is called with; () where it is a factor."""
    listed = behind.body
    if _is_averaged(head, behind) or _is_at_a_time(head, behind, calls):
        return (listed,)
    if behind.bracket != "(":
        return ()
    if _is_conditional(listed) or _is_called_with_a_letter(head, listed, calls):
        return (listed,)
    return listed.items if _is_list(listed) else ()


def _is_averaged(head: tree.Name | tree.Indexed, what: tree.Group) -> bool:
    """Whether a name stands before what is averaged, `E[X]`."""
    return what.bracket == "[" and bool({head.name, _letter(head)} & _AVERAGES)


def _is_at_a_time(head: tree.Name | tree.Indexed, place: tree.Group, calls: Collection[str]) -> bool:
    """Whether a name stands before a step in brackets, `w(t)`, `w(k + 1)`, `x[n - 1]`."""
    if place.bracket not in "([" or _letter(head) in _COUNTED:
        return False
    letter = place.body
    if isinstance(letter, tree.Sum) and (place.bracket == "[" or head.name in calls):
        letter = letter.terms[0] if _is_next(letter) else letter
    return isinstance(letter, tree.Name) and letter.name in _STEPS


def _is_next(place: tree.Sum) -> bool:
    """Whether a sum is `k + 1`, `t - 1`."""
    behind = [term.body if isinstance(term, tree.Neg) else term for term in place.terms[1:]]
    return len(behind) == 1 and isinstance(behind[0], Number)


_STEPS = frozenset("iknt")  # letters that count, and that nobody puts in brackets alone as a factor
_COUNTED = frozenset("ijklmnpqrstKMNT")
_AVERAGES = frozenset(("E", "E_bb", "V_bb", "Var"))


def _unprimed(head: Formula) -> Formula:
    while isinstance(head, tree.Decorated) and head.kind == "prime":
        head = head.body
    return head


def _is_list(listed: Formula) -> TypeGuard[tree.Row]:
    return isinstance(listed, tree.Row) and listed.separator == "," and not any(map(_is_said, listed.items))


#: Letters that are called, and what functions are called with: nobody writes a product with brackets around one of these.
_CALLED_LETTERS = frozenset("CEFHLJQRVDyhafgpPq") | {"ell", "pi", "psi", "phi", "Phi", "Psi", "sigma"}
_ARGUMENTS = frozenset(("x", "z", "t", "s", "theta", "Theta", "w", "u", "v", "D", "y", "X", "Z"))
#: Letters of which a text may well write a product with one other in brackets.
_FACTORS = frozenset(("w", "b", "x", "eta", "alpha", "lambda", "epsilon", "gamma", "beta", "mu", "rho"))


def _is_called_with_a_letter(head: tree.Name | tree.Indexed, listed: Formula, calls: Collection[str]) -> bool:
    """Whether a letter stands before another one alone in brackets, as in `y = y(x)`, `H(x)`, `a^L(x)`, `h_i(x)`."""
    while isinstance(listed, tree.Decorated) and listed.kind != "Delta":
        listed = listed.body
    if not isinstance(listed, tree.Name | tree.Indexed):
        return False
    letter = _letter(head)
    if head.name in calls and letter not in _FACTORS:
        return True
    return (letter in _CALLED_LETTERS or head.name.endswith("_cal")) and _letter(listed) in _ARGUMENTS


def _letter(name: tree.Name | tree.Indexed) -> str:
    """Return x of `x1`, `x_new`, `x_i`."""
    return name.name.split("_")[0].split("^")[0].rstrip("0123456789")


def _is_conditional(listed: Formula) -> bool:
    """Whether a bar stands in a list, `x, z | θ`: that is one of probabilities."""
    items = listed.items if isinstance(listed, tree.Row) else (listed,)
    return any(isinstance(item, tree.Chain) and "∣" in item.relations for item in items)


def _is_said(item: Formula) -> bool:
    """Whether an item says something, `i = 1`, and is no value."""
    return isinstance(item, tree.Chain | tree.Logic | tree.Text | tree.Row)


def _refuse_two_readings(left: Formula, right: Formula, divided: bool, bare: bool) -> None:
    """Raise where two factors side by side could be read in another way."""
    why = ""
    if divided:
        why = "is this factor above or below the slash? Write brackets"
    elif bare and not isinstance(right, tree.Call):
        why = "how far does the function reach? Write brackets"
    elif looks_like_call(left, right):
        why = "a function, or a product? Add the function to the names"
    elif isinstance(left, Number) and isinstance(right, Number):
        why = "two numbers side by side; write the sign between them"
    if why:
        raise ReadError(f"two readings: {why}", right.span or (0, 0))


def _joined(factors: list[Formula]) -> Formula:
    return factors[0] if len(factors) == 1 else tree.Product(tuple(factors), span=_around(factors))


def _around(factors: Sequence[Formula]) -> Span | None:
    first, last = factors[0].span, factors[-1].span
    return (first[0], last[1]) if first and last else None


def _applied(items: Sequence[SignedFactor], span: Span, whole: bool) -> Sequence[SignedFactor]:
    """Give every `∂/∂w` the factors behind it up to a sign before another one, or the brackets where a sign ends them.

    With `whole`, a product behind a derivative is differentiated; that it might be its first factor alone is left to who judges.
    """
    if not _has_operator(items):
        return items
    items = _bracketed(items)
    if not _has_operator(items):
        return items
    found: list[SignedFactor] = []
    behind: list[SignedFactor] = []
    for item in reversed(items):  # the innermost derivative first
        if not isinstance(item.factor, Operator):
            behind.insert(0, item)
            continue
        if not _reaches(behind, whole):
            raise ReadError("two readings: what does the derivative reach over? Put it in brackets", item.factor.span or span)
        body = _joined([other.factor for other in behind])
        behind = [SignedFactor(item.sign, _derived(item.factor, body))]
        if item.sign:  # `∂f/∂x g * ∂/∂x h`: what stands before is a factor of its own
            found, behind = [*behind, *found], []
    return [*behind, *found]


def _reaches(behind: Sequence[SignedFactor], whole: bool) -> bool:
    """Whether it is certain enough what a derivative before some factors reaches over."""
    signs = [item.sign for item in behind]
    return bool(signs) and not signs[0] and (len(signs) == 1 or (whole and not {"/", "⊙"} & set(signs)))


def _bracketed(items: Sequence[SignedFactor]) -> Sequence[SignedFactor]:
    """`∂/∂a [ … ] * …`: the sign behind the brackets says how far the derivative reaches."""
    found: list[SignedFactor] = []
    for item, following in zip(items, [*items[1:], None], strict=True):
        before = found[-1] if found else None
        ends = following is not None and following.sign == "*"
        if before and isinstance(before.factor, Operator) and isinstance(item.factor, tree.Group) and not item.sign and ends:
            found[-1] = SignedFactor(before.sign, _derived(before.factor, item.factor))
        else:
            found.append(item)
    return found


def _derived(operator: Operator, factor: Formula) -> Formula:
    variable, *others = operator.variables
    joined = (operator.span[0], factor.span[1]) if operator.span and factor.span else None
    return tree.Partial(factor, variable, tuple(others), span=joined)


def _has_operator(items: Sequence[SignedFactor]) -> bool:
    return any(isinstance(item.factor, Operator) for item in items)


def differential(
    order: Formula | None, above: Formula | None, below: Sequence[Formula], layered: frozenset[str], span: Span
) -> Formula:
    """Return `∂^order above / ∂below`; an operator where nothing stands above. Raises ReadError where the order does not fit."""
    if order is not None and not (isinstance(order, Number) and order.text.isdigit() and len(order.text) < 3):
        raise ReadError("expected a number as the order of the derivative", span)
    first, *others = _variables(below, int(order.text) if isinstance(order, Number) else 1, layered, span)
    if above is None:
        return Operator((first, *others), span=span)
    return tree.Partial(above, first, tuple(others), span=span)


def _variables(below: Sequence[Formula], order: int, layered: frozenset[str], span: Span) -> tuple[Formula, ...]:
    """Return the variables of a derivative; `w^2` below counts twice where the order above says so."""
    if len(below) == order:
        return tuple(below)
    repeated = [variable for factor in below for variable in _repeated(factor, layered, order)]
    if len(repeated) != order:
        raise ReadError(f"a derivative of order {order} with {len(repeated)} variables below", span)
    return tuple(repeated)


def _repeated(variable: Formula, layered: frozenset[str], most: int) -> list[Formula]:
    if not (isinstance(variable, tree.Power) and isinstance(variable.exponent, Number) and variable.exponent.text.isdigit()):
        return [variable]
    base = variable.base
    if isinstance(base, tree.Group) and needs_brackets_to_count(base.body, layered):
        base = base.body
    return [base] * min(int(variable.exponent.text), most + 1)
