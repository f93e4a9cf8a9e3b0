"""Turn a use such as `x[n, i + u]` around: add the incoming gradient to the entries it was read from.

    for u in range(U):
        dE_dx[:, u:u + I] += dE_dy*w[u]

Of the indices of one address one becomes a slice, a Python loop runs over the others; an index that stands in two addresses
(`A[i, i]`) is looped over as well, so no entry is written twice by one statement.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sympy import Expr, Idx

from symbackprop.network.indices import addresses, index_name, is_label
from symbackprop.numeric.code.arrays import Axes, Scope, aligned, full
from symbackprop.numeric.code.indexing import entry, slice_text
from symbackprop.numeric.program.program import ComputedLine, Scatter


def scatter_lines(line: ComputedLine, scatter: Scatter, scope: Scope) -> list[str]:
    """Return the statements (with relative indentation) that add a scatter's value into the line's array."""
    if any(map(is_label, scatter.address)):
        return [_added_at(line, scatter, scope)]
    loops = _loops(scatter)
    inner = replace(scope, loops=frozenset(loops), pieces=scope.pieces, piece_ranks=scope.piece_ranks)
    inner.printer.helpers = scope.printer.helpers
    axes = tuple(index for a in scatter.address for index in addresses(a) if index not in loops)
    text = aligned(scope.emit(scatter.value, axes, inner), axes).text
    extents = scope.shapes[line.name]
    target = ", ".join(slice_text(a, extent, inner) for a, extent in zip(scatter.address, extents, strict=True))
    scope.windows |= inner.windows
    lines = [f"{'    ' * depth}for {scope.spelt(index_name(i))} in range({scope.size(i)}):" for depth, i in enumerate(loops)]
    return [*lines, f"{'    ' * len(loops)}{scope.spelt(line.name)}[{target}] += {text}"]


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
    ahead = [index for index in candidates if address.expand().coeff(index) > 0]
    return min(ahead, key=order.index) if ahead else None
