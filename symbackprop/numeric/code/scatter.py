"""Turn a use such as `x[n, i + u]` around: add the incoming gradient to the entries it was read from.

    for u in range(U):
        dE_dx[:, u:u + I] += dE_dy*w[u]

Of the indices of one address one becomes a slice, a Python loop runs over the others; an index that stands in two addresses
(`A[i, i]`) is looped over as well, so no entry is written twice by one statement. Where an address leaves its axis, what is added
there goes into a margin that is cut off; indices that number an axis through need no loop, only another shape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from sympy import Expr, Idx

from symbackprop.network.indices import addresses, index_name, is_label
from symbackprop.network.sizes import is_positive
from symbackprop.numeric.code.arrays import Axes, Scope, aligned, full
from symbackprop.numeric.code.indexing import entry, is_whole, mixed_radix, slice_text
from symbackprop.numeric.code.margins import Margin, margins, zero_outside
from symbackprop.numeric.code.parameter_layout import INDENT, assignment
from symbackprop.numeric.program.program import ComputedLine, Scatter


def scatter_lines(line: ComputedLine, scatter: Scatter, scope: Scope, fresh: Callable[[str], str]) -> list[str]:
    """Return the statements (with relative indentation) that add a scatter's value into the line's array; `fresh` gives a name
    that nothing else has."""
    extents = scope.shapes[line.name]
    around = margins(scatter.address, extents)
    if any(map(is_label, scatter.address)) or around is None:
        return [_added_at(line, scatter, scope)]
    target = scope.spelt(line.name)
    if all(margin.none for margin in around):
        return _reshaped(target, scatter, extents, scope) or _looped(target, scatter, extents, scope)
    return _with_margins(target, scatter, extents, around, scope, fresh)


def _with_margins(
    target: str, scatter: Scatter, extents: Sequence[Expr], around: Sequence[Margin], scope: Scope, fresh: Callable[[str], str]
) -> list[str]:
    """Return statements that add to a larger array, of which the inside is taken."""
    inside = [bound for a, extent in zip(scatter.address, extents, strict=True) for bound in (a, extent - 1 - a)]
    places = [a + margin.before for a, margin in zip(scatter.address, around, strict=True)]
    wide = [extent + margin.before + margin.behind for extent, margin in zip(extents, around, strict=True)]
    moved = replace(scatter, address=tuple(places), value=zero_outside(scatter.value, scope, inside))
    wider, shape = fresh(f"wider_{target}"), ", ".join(map(scope.number, wide)) + ("," if len(wide) == 1 else "")
    cut = ", ".join(_cut(extent, margin, scope) for extent, margin in zip(extents, around, strict=True))
    return [f"{wider} = np.zeros(({shape}))", *_looped(wider, moved, wide, scope), f"{target} += {wider}[{cut}]"]


def _cut(extent: Expr, margin: Margin, scope: Scope) -> str:
    return ":" if margin.none else f"{scope.number(margin.before)}:{scope.number(margin.before + extent)}"


def _reshaped(target: str, scatter: Scatter, extents: Sequence[Expr], scope: Scope) -> list[str]:
    """Return the statement that adds a whole array in another shape, where the indices number every axis through."""
    groups = [(a,) if is_whole(a, extent) else mixed_radix(a, extent) for a, extent in zip(scatter.address, extents, strict=True)]
    axes = tuple(index for group in groups for index in group or ())
    if None in groups or len(set(axes)) < len(axes):
        return []
    value = full(scope.emit(scatter.value, axes, scope), axes, scope)
    return [f"{target} += {value.atom}.reshape({target}.shape)"]


def _looped(target: str, scatter: Scatter, extents: Sequence[Expr], scope: Scope) -> list[str]:
    """Return slices, in loops over the indices that no slice can take."""
    loops = _loops(scatter)
    inner = replace(scope, loops=frozenset(loops), pieces=scope.pieces, piece_ranks=scope.piece_ranks)
    inner.printer.helpers = scope.printer.helpers
    axes = tuple(index for a in scatter.address for index in addresses(a) if index not in loops)
    text = aligned(scope.emit(scatter.value, axes, inner), axes).text
    places = ", ".join(slice_text(a, extent, inner) for a, extent in zip(scatter.address, extents, strict=True))
    scope.windows |= inner.windows
    lines = [f"{INDENT * depth}for {scope.spelt(index_name(i))} in range({scope.size(i)}):" for depth, i in enumerate(loops)]
    return [*lines, *assignment(f"{target}[{places}]", text, INDENT * len(loops), "+=")]


def _added_at(line: ComputedLine, scatter: Scatter, scope: Scope) -> str:
    """Return `np.add.at(…)`, which adds as often as a label occurs."""
    target = entry(line.symbol[scatter.address], scatter.indices, scope)
    place = target.text[target.text.index("[") + 1 : -1]
    value = full(scope.emit(scatter.value, target.axes, scope), target.axes, scope)
    return f"np.add.at({scope.spelt(line.name)}, {f'({place})' if ', ' in place else place}, {value.text})"


def _loops(scatter: Scatter) -> Axes:
    """Choose the indices that Python loops run over, so that every address has at most one left, each in one address."""
    counts = Counter(index for a in scatter.address for index in addresses(a))
    loops = [index for index, count in counts.items() if count > 1]
    for a in scatter.address:
        open_ = [index for index in addresses(a) if index not in loops]
        keep = _slice_index(a, open_, scatter.indices)
        loops.extend(index for index in open_ if index != keep)
    return tuple(sorted(loops, key=scatter.indices.index))


def _slice_index(address: Expr, candidates: list[Idx], order: tuple[Idx, ...]) -> Idx | None:
    """Return the index that stays a slice: the one that comes first among the consumer's own, with a positive step."""
    ahead = [index for index in candidates if is_positive(address.expand().coeff(index))]
    return min(ahead, key=order.index) if ahead else None
