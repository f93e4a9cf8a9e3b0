"""What no value tells: slips that show in how a formula is written, whatever its names stand for.

A big sum whose index does not occur under it while another one does; `w_i j` for `w_{ij}`; one term of a row of like terms that
is not like the others; a chain of derivatives that breaks off before the link that the text itself gives; a mean that is added
where it is to be subtracted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from symbackprop.formula.tree.tree import (
    BigSum,
    Decorated,
    Formula,
    Fraction,
    Group,
    Indexed,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
    Sum,
)
from symbackprop.formula.tree.walk import children, nodes, walk
from symbackprop.proofreading.judging.statement_kinds import Statement

Span = tuple[int, int]


class Slip(NamedTuple):
    """Where something was written that is not meant, what belongs there, and why."""

    statement: Statement
    span: Span
    repair: str
    message: str


def lint(statements: Sequence[Statement]) -> Iterator[Slip]:
    """Yield the slips of a text."""
    stated = frozenset(part for statement in statements for part in _links(statement))
    links = Counter(pair for statement in statements for pair in _partials(statement))
    means = frozenset(name for statement in statements for name in _means(statement))
    indices = frozenset(label for statement in statements for label in _labels(statement.chain))
    indices -= {part.name for statement in statements for part in nodes(statement.chain, Indexed)}  # `Σ_x x_j`: over samples x
    for statement in statements:
        yield from _unused_index(statement, indices)
        yield from _broken_chains(statement, stated)
        yield from _crossed_chains(statement, links)
        yield from _added_means(statement, means)
        for rule in (_loose_index, _odd_one_out, _growing_decay):
            yield from rule(statement)


def _labels(formula: Formula) -> Iterator[str]:
    """Yield the letters that stand as indices below a name."""
    for part in nodes(formula, Indexed):
        yield from (label.name for label in part.indices if isinstance(label, Name))


def _unused_index(statement: Statement, indices: frozenset[str]) -> Iterator[Slip]:
    """`Σ_k exp(θ_i x)`: nothing under the sum depends on k. A sum over what is no index, `Σ_x`, says what it runs over.

    `Σ_k u_i = K u_i` is no slip: what does not depend on k is taken out. One is where i has no other meaning, where the sum
    divides what it sums, and where i stands twice, `Σ_k u_{ii}`.
    """
    known = {*_labels(statement.chain.parts[0]), *(bound for node in nodes(statement.chain, BigSum) for bound in _bound(node))}
    for node in nodes(statement.chain, BigSum):
        name, other = _summed_over(node, indices), _only_label(node.body)
        if not name or not other or _speaks_of(node.body, name):
            continue
        twice = list(_second_places(node.body, other))
        if twice or _is_total(node, statement) or other not in known:
            message = f"the sum over {name} does not use it: {name} belongs where {other} stands"
            yield from (Slip(statement, span, name, message) for span in twice or _places(node.body, other))


def _only_label(body: Formula) -> str:
    """Return the letter that is the only one to stand as an index; "" where there are others, or none."""
    labels = set(_labels(body))
    return min(labels) if len(labels) == 1 else ""


def _second_places(body: Formula, letter: str) -> Iterator[Span]:
    """Yield where a letter stands as both indices of an entry, the second time."""
    for part in nodes(body, Indexed):
        if part.indices == (Name(letter), Name(letter)) and part.indices[1].span:
            yield part.indices[1].span


def _is_total(node: BigSum, statement: Statement) -> bool:
    """Whether a sum divides what it sums."""
    return any(node in _totals(fraction) for fraction in nodes(statement.chain, Fraction))


def _totals(fraction: Fraction) -> Iterator[BigSum]:
    """Yield the sums below a fraction of what stands above it, `Σ_k u` of `u / Σ_k u`."""
    above = _bare(fraction.numerator)
    yield from (node for node in nodes(fraction.denominator, BigSum) if _bare(node.body) == above)


def _bound(node: BigSum) -> Iterator[str]:
    """Yield the letter that a sum runs over."""
    if isinstance(node.index, Name):
        yield node.index.name


def _speaks_of(formula: Formula, letter: str) -> bool:
    """Whether a letter occurs in a formula, or in a label of several letters, `δ_{z_{ot}}`."""
    labels = {label for part in nodes(formula, Indexed) for label in part.indices if isinstance(label, Name)}
    return Name(letter) in walk(formula) or any(len(label.name) > 1 and letter in label.name for label in labels)


def _summed_over(node: BigSum, indices: frozenset[str]) -> str:
    """Return the index that a sum runs over, "" for anything else."""
    if node.operator != "sum" or not isinstance(node.index, Name):
        return ""
    return node.index.name if node.lower is not None or node.index.name in indices else ""


def _places(formula: Formula, letter: str) -> Iterator[Span]:
    """Yield where a letter stands as an index."""
    for part in nodes(formula, Indexed):
        for label in part.indices:
            if label == Name(letter) and label.span:
                yield label.span


def _spans_beside(first: Formula, second: Formula, statement: Statement) -> Span | None:
    """Return where two factors stand between which nothing does."""
    if first.span is None or second.span is None or statement.text[first.span[1] : second.span[0]].strip("} ~"):
        return None
    return first.span[0], second.span[1]


def _loose_index(statement: Statement) -> Iterator[Slip]:
    """`∂z_j/∂x_i = w_i j`: an index beside the subscript that it belongs into."""
    left = {Name(letter) for letter in _labels(statement.chain.parts[0]) if len(letter) == 1}
    for first, second in _neighbours(statement.chain.parts[1:]):
        label, span = _only_index(first), _spans_beside(first, second, statement)
        if label and second in left and isinstance(first, Indexed) and isinstance(second, Name) and span:
            repair = f"{first.name}_{{{label}{second.name}}}"
            yield Slip(statement, span, repair, f"{second.name} belongs into the subscript")


def _neighbours(parts: Sequence[Formula]) -> Iterator[tuple[Formula, Formula]]:
    """Yield factors that stand side by side."""
    for part in parts:
        for node in nodes(part, Product):
            yield from pairwise(node.factors)


def _only_index(formula: Formula) -> str:
    """Return the letter of `w_i`, "" for anything else."""
    if not isinstance(formula, Indexed) or len(formula.indices) != 1:
        return ""
    label = formula.indices[0]
    return label.name if isinstance(label, Name) else ""


_NUMBERED = re.compile(r"([A-Za-z]+)_?(\d+)")
_Term = tuple[re.Match[str], re.Match[str], Name]
"""Both names of `w_41 x_1` taken apart, and the second one."""


def _odd_one_out(statement: Statement) -> Iterator[Slip]:
    """`w_41 x_4 + w_42 x_2 + w_43 x_3`: in rows of like terms the one that breaks what all others keep."""
    for node in nodes(statement.chain, Sum):
        terms = _like_terms(node)
        if len(terms) < 3:
            continue
        for (_, second, name), (letter, digits) in zip(terms, _as_the_others(terms), strict=True):
            if (letter, digits) != (second[1], second[2]) and name.span:
                repair = f"{letter}_{digits}" if len(digits) == 1 else f"{letter}_{{{digits}}}"
                yield Slip(statement, name.span, repair, f"{second[0]} is not like the other terms of the row")


def _as_the_others(terms: Sequence[_Term]) -> Iterator[tuple[str, str]]:
    """Yield the letter and the digits that the second name of each term would have if it were like all the others."""
    letters = Counter(second[1] for _, second, _ in terms)
    (usual, count), rest = letters.most_common(1)[0], len(terms)
    kept = [first[2][-1] == second[2][-1] for first, second, _ in terms]
    for (first, second, _), fits in zip(terms, kept, strict=True):
        digits = second[2] if fits or sum(kept) != len(kept) - 1 else first[2][-1]
        yield usual if count == rest - 1 else second[1], digits


def _like_terms(node: Sum) -> list[_Term]:
    """Return the terms `w_41 x_1` of a sum whose first factors are called alike: both names taken apart, and the second one."""
    found = [taken for term in node.terms if (taken := _two_numbered(term)) is not None]
    return found if len({first[1] + first[2][0] for first, _, _ in found}) == 1 else []


def _two_numbered(term: Formula) -> _Term | None:
    names = [factor for factor in children(term) if isinstance(factor, Name)]
    if not isinstance(term, Product) or len(names) != 2 or len(term.factors) != 2:
        return None
    first, second = (_NUMBERED.fullmatch(name.name) for name in names)
    return (first, second, names[1]) if first and second and len(first[2]) == 2 else None


# ---- what a text says elsewhere ------------------------------------------------------------------------------------


def _links(statement: Statement) -> Iterator[tuple[Formula, Formula]]:
    """Yield (A, B) of every `∂A/∂B` that a text says is something else than 1."""
    left, right = statement.chain.parts[:2]
    if isinstance(left, Partial) and not left.others and right != Number("1"):
        yield left.numerator, left.denominator


def _broken_chains(statement: Statement, stated: frozenset[tuple[Formula, Formula]]) -> Iterator[Slip]:
    """`∂E/∂x = ∂E/∂y ∂y/∂z`, where the text says what ∂z/∂x is: that factor is missing."""
    left = statement.chain.parts[0]
    if not isinstance(left, Partial):
        return
    for right in statement.chain.parts[1:]:
        end = _end_of_links(right, left.numerator)
        if end is None or (end, left.denominator) not in stated or not right.span:
            continue
        source = statement.fragment.text
        above, below = (source[part.span[0] : part.span[1]] if part.span else "" for part in (end, left.denominator))
        repair = rf"{source[slice(*right.span)].rstrip()} \frac{{\partial {above}}}{{\partial {below}}}"
        yield Slip(statement, right.span, repair, "the chain breaks off: its last link, which the text gives, is missing")


def _end_of_links(right: Formula, top: Formula) -> Formula | None:
    """Return where a product of derivatives that begins with ∂top and hangs together ends; None for anything else."""
    links = [factor for factor in children(right) if isinstance(factor, Partial) and not factor.others]
    if not isinstance(right, Product) or len(links) != len(right.factors) or links[0].numerator != top:
        return None
    return None if any(a.denominator != b.numerator for a, b in pairwise(links)) else links[-1].denominator


def _partials(statement: Statement) -> set[tuple[Formula, Formula]]:
    """Return (A, B) of every `∂A/∂B` in a statement."""
    return {(part.numerator, part.denominator) for part in nodes(statement.chain, Partial) if not part.others}


def _crossed_chains(statement: Statement, links: Counter[tuple[Formula, Formula]]) -> Iterator[Slip]:
    """`∂E/∂w = ∂E/∂h_1 ∂h_2/∂w`: two like names where links meet, and the text has the links with one of them."""
    ends = _ends_of_links(*statement.chain.parts[:2])
    crossed = [place for place in range(0, len(ends), 2) if ends[place] != ends[place + 1]]
    if len(crossed) != 1 or not _are_likes(*ends[crossed[0] : crossed[0] + 2]):
        return
    elsewhere = links - Counter(_partials(statement))
    outer = {0: ends[1:3], len(ends) - 2: ends[-3:-1]}.get(crossed[0])  # the link beside what is differentiated, or by what
    at_an_end = outer is not None and tuple(outer) not in elsewhere
    repairs = [spans for *spans, whole in _uncrossed(ends, crossed[0]) if at_an_end or elsewhere.keys() >= {*whole}]
    for wrong, belongs in repairs if len(repairs) == 1 else ():
        repair = statement.text[slice(*belongs)]
        yield Slip(statement, wrong, repair, f"the links of the chain do not meet: {repair} belongs here")


def _ends_of_links(left: Formula, right: Formula) -> list[Formula]:
    """Return E, E, h_1, h_2, w, w of `∂E/∂w = ∂E/∂h_1 ∂h_2/∂w`: what is to be one is side by side; [] for anything else."""
    links = [factor for factor in children(right) if isinstance(factor, Partial) and not factor.others]
    if not isinstance(left, Partial) or not isinstance(right, Product) or len(links) != len(right.factors):
        return []
    return [left.numerator, *(part for link in links for part in (link.numerator, link.denominator)), left.denominator]


def _uncrossed(ends: list[Formula], place: int) -> Iterator[tuple[Span, Span, list[tuple[Formula, Formula]]]]:
    """Yield for both names that do not meet: where the wrong one and the other stand, and the links with that in its place."""
    for wrong, belongs in ((place, place + 1), (place + 1, place)):
        mended = [*ends[:wrong], ends[belongs], *ends[wrong + 1 :]]
        spans = ends[wrong].span, ends[belongs].span
        if 0 < wrong < len(ends) - 1 and spans[0] and spans[1]:
            yield spans[0], spans[1], list(zip(mended[1:-1:2], mended[2:-1:2], strict=True))


def _are_likes(one: Formula, other: Formula) -> bool:
    """Whether two names differ in their digits alone."""
    if not isinstance(one, Name) or not isinstance(other, Name):
        return False
    return re.sub(r"\d", "#", one.name) == re.sub(r"\d", "#", other.name)


def _means(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yield (m, x) where a text says that m is the mean of x: `μ = 1/m Σ x_i`."""
    left, right = statement.chain.parts[0], _bare(statement.chain.parts[1])
    parts = children(right)
    weight = parts[0] if isinstance(right, Product) else right
    big = parts[-1] if isinstance(right, Product) else parts[0] if isinstance(right, Fraction) else None
    if isinstance(left, Name | Indexed) and isinstance(weight, Fraction) and isinstance(big, BigSum):
        body = _bare(big.body)
        if isinstance(body, Indexed):
            yield left.name, body.name


def _added_means(statement: Statement, means: frozenset[tuple[str, str]]) -> Iterator[Slip]:
    """`(x_i + μ)/√…`, where μ is the mean of x: to centre x it is subtracted."""
    for node in nodes(statement.chain, Fraction):
        if not any(nodes(node.denominator, Root)):
            continue
        match _bare(node.numerator):
            case Sum(terms=(Indexed() as first, Name() | Indexed() as second)) if (second.name, first.name) in means:
                yield from _wrong_plus(statement, first, second)


def _wrong_plus(statement: Statement, first: Indexed, mean: Name | Indexed) -> Iterator[Slip]:
    between = (first.span[1], mean.span[0]) if first.span and mean.span else (0, 0)
    plus = statement.fragment.text.find("+", *between)
    if plus >= 0:
        yield Slip(statement, (plus, plus + 1), "-", f"the mean {mean.name} is added; to centre {first.name} it is subtracted")


_STEP = re.compile(r"(?:global_?)?step|epoch|iteration", re.I)


def _growing_decay(statement: Statement) -> Iterator[Slip]:
    """`decayed_rate = rate * e^{-k/step}`, which is least at the first step: what decays has the step above."""
    left = statement.chain.parts[0]
    if isinstance(left, Name) and "decay" in left.name.lower():
        for power in nodes(statement.chain, Power):
            found = _minus_by_a_step(_bare(power.exponent)) if power.base == Name("e") else None
            if found is not None:
                yield from _turned_up(statement, _bare(power.exponent), *found)


def _minus_by_a_step(exponent: Formula) -> tuple[Fraction, Name] | None:
    """Return the fraction and the step of `-k/step`; None for anything else."""
    ratio = _bare(exponent.body if isinstance(exponent, Neg) else exponent)
    if not isinstance(ratio, Fraction):
        return None
    step, falls = _bare(ratio.denominator), isinstance(exponent, Neg) or isinstance(_bare(ratio.numerator), Neg)
    return (ratio, step) if falls and isinstance(step, Name) and _STEP.fullmatch(step.name) else None


def _turned_up(statement: Statement, exponent: Formula, ratio: Fraction, step: Name) -> Iterator[Slip]:
    above = ratio.numerator
    if exponent.span and above.span and step.span:
        source = statement.fragment.text
        minus = "-" if isinstance(exponent, Neg) else ""
        repair = f"{minus}{source[slice(*above.span)]} {source[slice(*step.span)]}"
        yield Slip(statement, exponent.span, repair, f"this grows with {step.name}: what decays is multiplied by it")


def _bare(formula: Formula) -> Formula:
    while isinstance(formula, Group | Decorated):
        formula = formula.body
    return formula
