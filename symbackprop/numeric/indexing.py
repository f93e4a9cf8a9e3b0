"""An entry such as `A[i, i]` or `x[n, i + u]` as numpy code: plain axes, slices, diagonals, sliding windows.

An address that none of those can express becomes an index array, which numpy accepts for any address.
"""

from __future__ import annotations

from collections import Counter

from sympy import Expr, Idx, Indexed

from symbackprop.network.indices import addresses, index_name, index_size
from symbackprop.numeric.arrays import Axes, Code, Scope, aligned
from symbackprop.numeric.names import name_of


def entry(expression: Indexed, order: Axes, scope: Scope) -> Code:
    """Return the array of all entries that the free indices of an indexed expression address."""
    name = name_of(expression)
    text = scope.identifiers[name]
    dims = scope.layouts.get(name, tuple(range(len(expression.indices))))
    address = [expression.indices[dim] for dim in dims]
    extents = [scope.shapes[name][dim] for dim in dims]
    used = Counter(index for a in address for index in free(a, scope))
    if all(isinstance(a, Idx) and a not in scope.loops for a in address):
        axes = tuple(address)
        return Code(text, axes) if len(used) == len(axes) else _diagonal(text, axes)
    if any(count > 1 for count in used.values()) or any(not _sliceable(a, scope) for a in address):
        return _index_arrays(text, address, order, scope)
    return _windows(text, address, extents, scope)


def free(address: Expr, scope: Scope) -> Axes:
    """Return the indices of an address that no Python loop runs over."""
    return tuple(index for index in addresses(address) if index not in scope.loops)


def _diagonal(text: str, axes: Axes) -> Code:
    once = tuple(dict.fromkeys(axes))
    letters = dict(zip(once, "abcdefghijklm", strict=False))
    spec = "".join(letters[a] for a in axes) + "->" + "".join(letters[a] for a in once)
    return Code(f'np.einsum("{spec}", {text})', once)


def _steps(address: Expr, scope: Scope) -> tuple[list[tuple[Idx, int]], Expr]:
    """Split an address into (index, coefficient) pairs and the rest (sizes, numbers, loop indices)."""
    rest = address.expand()
    pairs = []
    for index in free(address, scope):
        coefficient = rest.coeff(index)
        pairs.append((index, int(coefficient)))
        rest -= coefficient * index
    return sorted(pairs, key=lambda pair: -pair[1] if pair[1] > 0 else 0), rest.expand()


def _sliceable(address: Expr, scope: Scope) -> bool:
    pairs, _ = _steps(address, scope)
    return (len(pairs) <= 2 and all(step > 0 for _, step in pairs)) or (len(pairs) == 1 and pairs[0][1] == -1)


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
    return f"{first}:{last}" if step == 1 else f"{first}:{last}:{step}"


def _windows(text: str, address: list[Expr], extents: list[Expr], scope: Scope) -> Code:
    """Slices for addresses with one index; `sliding_window_view` for sums of two, whose second index becomes a last axis."""
    subscripts: list[str] = []
    axes: list[tuple[Idx, str]] = []
    later: list[tuple[Idx, str]] = []
    moved: list[tuple[int, Idx, str, str]] = []
    for a, extent in zip(address, extents, strict=True):
        pairs, start = _steps(a, scope)
        if len(pairs) == 2:
            (major, stride), (minor, dilation) = pairs
            width = (dilation * (index_size(minor) - 1) + 1).expand()
            stop = (start + stride * (index_size(major) - 1) + width).expand()
            first = "" if start == 0 else scope.number(start)
            last = "" if (stop - extent).expand() == 0 else scope.number(stop)
            subscripts.append(f"{first}:{last}")
            moved.append((len(axes), minor, scope.number(width), f"::{dilation}" if dilation > 1 else ":"))
            axes.append((major, f"::{stride}" if stride > 1 else ":"))
        elif pairs and pairs[0][1] < 0:
            index, size = pairs[0][0], index_size(pairs[0][0])
            low = (start - size + 1).expand()
            whole = low == 0 and (start + 1 - extent).expand() == 0
            subscripts.append(":" if whole else f"{scope.number(low)}:{scope.number(start + 1)}")
            axes.append((index, "::-1"))
        else:
            subscripts.append(slice_text(a, extent, scope))
            if pairs:
                axes.append((pairs[0][0], ":"))
    text = _subscripted(text, subscripts)
    if moved:
        scope.windows = True
        widths, where = _tuple([width for _, _, width, _ in moved]), _tuple([str(at) for at, _, _, _ in moved])
        text = f"sliding_window_view({text}, {widths}, axis={where})"
        later = [(minor, step) for _, minor, _, step in moved]
    every = [*axes, *later]
    return Code(_subscripted(text, [step for _, step in every]), tuple(index for index, _ in every))


def _tuple(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _subscripted(text: str, subscripts: list[str]) -> str:
    while subscripts and subscripts[-1] == ":":
        subscripts = subscripts[:-1]
    return f"{text}[{', '.join(subscripts)}]" if subscripts else text


def _index_arrays(text: str, address: list[Expr], order: Axes, scope: Scope) -> Code:
    every = {index for a in address for index in free(a, scope)}
    axes = tuple(i for i in order if i in every)
    axes += tuple(sorted(every - set(axes), key=index_name))
    parts = []
    for a in address:
        pieces = {index: scope.place(aligned(scope.arange(index), axes)) for index in free(a, scope)}
        parts.append(scope.number(a.xreplace(pieces)))
    return Code(f"{text}[{', '.join(parts)}]", axes)
