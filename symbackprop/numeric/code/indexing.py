"""An entry such as `A[i, i]` or `x[n, i + u]` as numpy code: plain axes, slices, diagonals, sliding windows.

An address that none of those can express becomes an index array, which numpy accepts for any address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, Idx, Indexed, Integer

from symbackprop.network.indices import addresses, index_name, index_size, is_label
from symbackprop.network.sizes import is_positive
from symbackprop.numeric.code.arrays import ArrayCode, Axes, Scope, aligned
from symbackprop.numeric.code.margins import margin_of, margins, padded
from symbackprop.numeric.program.python_names import name_of


def entry(expression: Indexed, order: Axes, scope: Scope) -> ArrayCode:
    """Return the array of all entries that the free indices of an indexed expression address."""
    name = name_of(expression)
    text = scope.spelt(name)
    address, extents = list(expression.indices), list(scope.shapes[name])
    if any(map(is_label, address)):
        return _gathered(text, address, order, scope, extents)
    around = margins(address, extents)
    if around is None:
        return _index_arrays(text, address, order, scope, extents)
    if not all(margin.none for margin in around):
        text = padded(text, around, scope)
        address = [a + margin.before for a, margin in zip(address, around, strict=True)]
        extents = [extent + margin.before + margin.behind for extent, margin in zip(extents, around, strict=True)]
    return _placed(text, address, extents, order, scope)


def _placed(text: str, address: list[Expr], extents: list[Expr], order: Axes, scope: Scope) -> ArrayCode:
    """Return the entries of an array that an address inside of it gives: as slices, where those can say it."""
    used = [index for a in address for index in free(a, scope)]
    apart = len(set(used)) == len(used)
    if used == address and all(map(is_whole, address, extents)):
        return ArrayCode(text, tuple(address)) if apart else _diagonal(text, tuple(address))
    sliced = _sliced_entry(text, address, extents, scope) if apart else None
    return sliced or _index_arrays(text, address, order, scope, extents)


def _sliced_entry(text: str, address: list[Expr], extents: list[Expr], scope: Scope) -> ArrayCode | None:
    """Return another shape of the array, or slices and windows of it; None where neither will do."""
    split = _reshaped(text, address, extents, scope) if any(len(free(a, scope)) > 1 for a in address) else None
    if split is None and all(_sliceable(a, scope) for a in address):
        return _windows(text, address, extents, scope)
    return split


def _gathered(text: str, address: list[Expr], order: Axes, scope: Scope, extents: Sequence[Expr]) -> ArrayCode:
    """Entries chosen by labels: `W[ids]` where the others are whole axes behind, else an index array for every axis."""
    first, *behind = address
    rows = label_code(first, order, scope) if is_label(first) else ArrayCode("")
    every = (*rows.axes, *behind)
    if rows.text and all(isinstance(a, Idx) and a not in scope.loops for a in behind) and len(set(every)) == len(every):
        return ArrayCode(f"{text}[{rows.text}]", every)
    return _index_arrays(text, address, order, scope, extents)


def label_code(address: Expr, order: Axes, scope: Scope) -> ArrayCode:
    """Return the code of labels, which is made an array of whole numbers where the function begins."""
    scope.labels.add(name_of(address))
    return scope.emit(address, order, scope)


def free(address: Expr, scope: Scope) -> Axes:
    """Return the indices of an address that no Python loop runs over."""
    return tuple(index for index in addresses(address) if index not in scope.loops)


def _diagonal(text: str, axes: Axes) -> ArrayCode:
    once = tuple(dict.fromkeys(axes))
    letters = dict(zip(once, "abcdefghijklm", strict=False))
    spec = "".join(letters[a] for a in axes) + "->" + "".join(letters[a] for a in once)
    return ArrayCode(f'np.einsum("{spec}", {text})', once)


def _steps(address: Expr, scope: Scope) -> tuple[list[tuple[Idx, Expr]], Expr]:
    """Split an address into (index, coefficient) pairs and the rest (sizes, numbers, loop indices)."""
    rest = address.expand()
    pairs = []
    for index in free(address, scope):
        coefficient = rest.coeff(index)
        pairs.append((index, coefficient))
        rest = (rest - coefficient * index).expand()
    return sorted(pairs, key=_stride, reverse=True), rest


def _stride(pair: tuple[Idx, Expr]) -> tuple[bool, int]:
    """Return what orders the indices of an address: those with a size as coefficient first, then the larger numbers."""
    coefficient = pair[1]
    return not coefficient.is_Integer, max(0, int(coefficient)) if coefficient.is_Integer else 0


def _sliceable(address: Expr, scope: Scope) -> bool:
    pairs, _ = _steps(address, scope)
    return (len(pairs) <= 2 and all(is_positive(step) for _, step in pairs)) or (len(pairs) == 1 and pairs[0][1] == -1)


def slice_text(address: Expr, extent: Expr, scope: Scope) -> str:
    """Return the subscript of one axis: `:`, `3`, `u:u + I`, `1:2*I:2`, for an address with at most one free index."""
    pairs, start = _steps(address, scope)
    if not pairs:
        return scope.number(start)
    ((index, step),) = pairs
    size = index_size(index)
    stop = (start + step * (size - 1) + 1).expand()
    first = "" if start == 0 else scope.number(start)
    last = "" if (stop - extent).expand() == 0 and step == 1 else scope.number(stop)
    return f"{first}:{last}" if step == 1 else f"{first}:{last}:{scope.number(step)}"


def is_whole(address: Expr, extent: Expr) -> bool:
    """Whether an address is an index that runs over a whole axis."""
    return isinstance(address, Idx) and bool((index_size(address) - extent).expand() == 0)


def mixed_radix(address: Expr, extent: Expr) -> tuple[Idx, ...] | None:
    """Return the indices of an address that numbers an axis through, `C*g + c` with g below G and c below C of G*C entries, the
    slowest first; None for any other."""
    left, rest = addresses(address), address.expand()
    found: list[Idx] = []
    width: Expr = Integer(1)
    while left:
        last = next((index for index in left if (rest.coeff(index) - width).expand() == 0), None)
        if last is None:
            return None
        found.insert(0, last)
        left = tuple(index for index in left if index != last)
        rest = (rest - width * last).expand()
        width = (width * index_size(last)).expand()
    return tuple(found) if rest == 0 and (width - extent).expand() == 0 else None


def _reshaped(text: str, address: list[Expr], extents: list[Expr], scope: Scope) -> ArrayCode | None:
    """Return `x.reshape(N, G, C)` for an axis that several indices number through, None where an axis is anything else."""
    groups = [(a,) if is_whole(a, extent) else mixed_radix(a, extent) for a, extent in zip(address, extents, strict=True)]
    axes = tuple(index for group in groups for index in group or ())
    if None in groups or scope.loops & set(axes):
        return None
    return ArrayCode(f"{text}.reshape({', '.join(scope.size(axis) for axis in axes)})", axes)


def _windows(text: str, address: list[Expr], extents: list[Expr], scope: Scope) -> ArrayCode:
    """Slices for addresses with one index; `sliding_window_view` for sums of two, whose second index becomes a last axis."""
    parts = [_sliced(a, extent, scope) for a, extent in zip(address, extents, strict=True)]
    text = _subscripted(text, [part.subscript for part in parts])
    axes = [axis for part in parts for axis in part.axes[:1]]
    windows = [part for part in parts if part.width]
    if windows:
        scope.windows = True
        widths, where = _tuple([part.width for part in windows]), _tuple([str(axes.index(part.axes[0])) for part in windows])
        text = f"sliding_window_view({text}, {widths}, axis={where})"
        axes += [part.axes[1] for part in windows]
    own = tuple(part.axes[1][0] for part in windows)
    return ArrayCode(_subscripted(text, [step for _, step in axes]), tuple(index for index, _ in axes), window=own)


@dataclass(frozen=True, slots=True)
class _Slice:
    """An axis of an address: its subscript, its indices with their steps in what that cuts out, and the width of a window.

    A window has two indices, where it begins and the place in it.
    """

    subscript: str
    axes: tuple[tuple[Idx, str], ...] = ()
    width: str = ""


def _sliced(address: Expr, extent: Expr, scope: Scope) -> _Slice:
    pairs, start = _steps(address, scope)
    if len(pairs) == 2:
        return _window(pairs, start, extent, scope)
    if pairs and pairs[0][1] < 0:
        return _reversed(pairs[0][0], start, extent, scope)
    return _Slice(slice_text(address, extent, scope), tuple((index, ":") for index, _ in pairs))


def _window(pairs: list[tuple[Idx, Expr]], start: Expr, extent: Expr, scope: Scope) -> _Slice:
    (major, stride), (minor, dilation) = pairs
    width = (dilation * (index_size(minor) - 1) + 1).expand()
    stop = (start + stride * (index_size(major) - 1) + width).expand()
    first = "" if start == 0 else scope.number(start)
    last = "" if (stop - extent).expand() == 0 else scope.number(stop)
    steps = tuple((index, ":" if step == 1 else f"::{scope.number(step)}") for index, step in pairs)
    return _Slice(f"{first}:{last}", steps, scope.number(width))


def _reversed(index: Idx, start: Expr, extent: Expr, scope: Scope) -> _Slice:
    low = (start - index_size(index) + 1).expand()
    whole = low == 0 and (start + 1 - extent).expand() == 0
    return _Slice(":" if whole else f"{scope.number(low)}:{scope.number(start + 1)}", ((index, "::-1"),))


def _tuple(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _subscripted(text: str, subscripts: list[str]) -> str:
    while subscripts and subscripts[-1] == ":":
        subscripts = subscripts[:-1]
    return f"{text}[{', '.join(subscripts)}]" if subscripts else text


def _index_arrays(text: str, address: list[Expr], order: Axes, scope: Scope, extents: Sequence[Expr]) -> ArrayCode:
    """Return `x[rows, columns]` with an array for every axis; an address that may leave its axis is held inside, as a condition
    around it says that nothing counts there."""
    every = {index for a in address for index in free(a, scope)}
    axes = tuple(i for i in order if i in every)
    axes += tuple(sorted(every - set(axes), key=index_name))
    parts = []
    for a, extent in zip(address, extents, strict=True):
        if is_label(a):
            parts.append(aligned(label_code(a, axes, scope), axes).text)
            continue
        pieces = {index: scope.place(aligned(scope.arange(index), axes)) for index in free(a, scope)}
        place = scope.number(a.xreplace(pieces))
        margin = margin_of(a, extent)
        leaves = margin is None or not margin.none
        parts.append(f"np.clip({place}, 0, {scope.number(extent - 1)})" if leaves else place)
    return ArrayCode(f"{text}[{', '.join(parts)}]", axes)
