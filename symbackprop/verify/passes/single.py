"""Code that is right for one sample, a row or a column, and wrong for several: what it is meant for.

Where its text speaks of several samples (an `axis`, a mean, a number of rows) it is wrong. Where it reads the first row alone it
is meant for one. Where it says neither, what differs for several samples is not decided: the samples were invented.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.guest.visit import visit
from symbackprop.verify.binding.name_matching import is_target
from symbackprop.verify.binding.source_tree import definition
from symbackprop.verify.passes.comparison import Comparison, slopes_along
from symbackprop.verify.passes.inventing.adapted import resized
from symbackprop.verify.passes.passes import outside

ONE = "right for one sample, {own}, not for several, {several}: nothing says which is meant"
FIRST = "the code reads the first of several samples alone: it is for one, {own}"


Values = Mapping[tuple[str, str], Any]
"""Values by (owner, name)."""


def singles_of(values: Values) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield the same values of one sample, by (owner, name): one row each of what functions are given, one column, or both."""
    data = {key: value for key, value in values.items() if key[0] == "function" and _axes(value) > 1}
    for axes in ((0,), (-1,), (0, -1)):
        if all(len({np.shape(value)[axis] for value in data.values()}) == 1 for axis in axes):
            yield {**values, **{key: _first_of(value, axes) for key, value in data.items()}}


def _axes(value: Any) -> int:
    """Return the number of axes; none of a list of arrays of different shapes."""
    try:
        return np.ndim(value)
    except ValueError:
        return 0


def enlarged(values: Values) -> dict[tuple[str, str], Any]:
    """Return the same values with larger data: what functions are given but targets."""
    data = {key: value for key, value in values.items() if key[0] == "function" and not is_target(key[1])}
    real = {
        key: value for key, value in data.items() if isinstance(value, float | np.ndarray) and np.asarray(value).dtype.kind == "f"
    }
    return {**values, **{key: LARGER * value for key, value in real.items()}}


LARGER = 10


def _first_of(value: Any, axes: Sequence[int]) -> Any:
    """Return the first part of an array along some axes."""
    for axis in axes:
        value = np.take(value, [0], axis)
    return value


def _is_thin(shape: tuple[int, ...]) -> bool:
    return len(shape) > 1 and 1 in (shape[0], shape[-1]) and max(shape) > 1


def reshaped_for(values: Values, unfit: Mapping[str, tuple[int, ...]]) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield the values with arguments in the shape of what is called their gradient: each by itself, and all of them."""
    fitting = {key: resized(value, unfit[key[1]]) for key, value in values.items() if key[1] in unfit and hasattr(value, "shape")}
    if len(fitting) > 1:
        yield {**values, **fitting}
    yield from ({**values, key: value} for key, value in fitting.items())


def numbered(values: Values) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield the values with single numbers for arrays that functions are given after the first: each by itself, and all."""
    arrays = [key for key, value in values.items() if key[0] == "function" and hasattr(value, "shape") and not is_target(key[1])]
    further = arrays[1:]
    numbers = {key: round(0.6 + 0.17 * place, 2) for place, key in enumerate(further)}
    yield from ({**values, key: number} for key, number in numbers.items())
    if len(further) > 1:
        yield {**values, **numbers}


def positive(values: Values) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield the values with positive numbers in arrays that functions are given: in each by itself, and in all."""
    arrays = {key: value for key, value in values.items() if key[0] == "function" and _is_signed(value)}
    moved = {key: np.abs(value) + 0.1 for key, value in arrays.items()}
    yield from ({**values, key: value} for key, value in moved.items())
    if len(moved) > 1:
        yield {**values, **moved}


def _is_signed(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and bool(np.any(value < 0))


def flattened(values: Values) -> Iterator[dict[tuple[str, str], Any]]:
    """Yield the values with data of several axes as a table: a row of numbers for each sample."""
    data = {key: value for key, value in values.items() if key[0] == "function" and _axes(value) > 2}
    if data:
        yield {**values, **{key: np.reshape(value, (len(value), -1)) for key, value in data.items()}}


def for_one_sample(best: Comparison, single: Comparison, functions: Sequence[Callable[..., Any]]) -> Comparison:
    """Return what is to be compared of code that is wrong for several samples and right for a single one.

    Args:
        best: the comparison for several, in which something differs.
        single: that for one, in which everything holds.
        functions: the two passes.
    """
    turned = [name for name, value in best.arguments.items() if _is_one_of(single.arguments.get(name), value)]
    texts = [*filter(None, map(definition, functions))]
    if not turned or not {*best.wrt} <= {*single.wrt} or _speak_of_several(texts, single, turned):
        return best
    own, several = (", ".join(f"{name} {np.shape(of.arguments[name])}" for name in turned) for of in (single, best))
    # A backward pass that reads the first of its upstream gradients alone forgets the others.
    if any(_reads_the_first(text, {*single.upstream.values()}) for text in texts):
        return _kept_single(single, FIRST.format(own=own))
    return _without_several(best, single, ONE.format(own=own, several=several))


def _speak_of_several(texts: Sequence[ast.AST], single: Comparison, turned: Sequence[str]) -> bool:
    """Whether a text has to do with several samples, along the axis on which the single one has one element."""
    axis = min(int(np.shape(single.arguments[name])[0] > 1) for name in turned)
    return any(_is_of_several(node, axis) for text in texts for node in ast.walk(text))


def _without_several(best: Comparison, single: Comparison, said: str) -> Comparison:
    """Return the comparison for several samples, with what is wrong or left out in it, and right for one, undecided."""
    left = [name for name in best.missing if name.rpartition(".")[2] in single.wrt]
    missing = tuple(name for name in best.missing if name not in left)
    return replace(best, missing=missing, undecided={**best.undecided, **dict.fromkeys([*_differing(best), *left], said)})


def _is_one_of(single: Any, several: Any) -> bool:
    """Whether an argument is one sample where the other is several: one row of as many columns, or one column."""
    one, more = np.shape(single), np.shape(several)
    return _is_thin(one) and len(more) > 0 and not _is_thin(more)


def _differing(found: Comparison) -> list[str]:
    """Return the names whose gradients differ at the example; all where the code fails there."""
    try:
        ends = visit(lambda: [*slopes_along(found)], habits=None).returned
    except Exception:  # whatever the code raises
        return [*found.wrt]
    return [end.name for end in ends if not end.agree]


def _kept_single(found: Comparison, said: str) -> Comparison:
    """Return a comparison that takes no more samples than it has: the axes of one element keep it."""
    fixed = [(name, axis) for name, value in found.example.items() for axis, size in enumerate(np.shape(value)) if size == 1]

    def kept(function: Callable[..., Any]) -> Callable[..., Any]:
        def single(**values: Any) -> Any:
            if any(np.shape(values[name])[axis] != 1 for name, axis in fixed):
                raise ValueError("the code is for one sample")
            return function(**values)

        return outside(single, function.__qualname__)

    return replace(found, loss=kept(found.loss), hand=kept(found.hand), remarks=(*found.remarks, said))


# ---- what the text says ----------------------------------------------------------------------------------------------


def _reads_the_first(node: ast.AST, upstream: Collection[str]) -> bool:
    """Whether a function reads `y[0]`, `y[0][i]`, `y[0, i]` or `y[i, 0]` of an array: a place that stands there, for an axis.

    Of an upstream gradient it says nothing.
    """
    read = (inner for inner in ast.walk(node) if isinstance(inner, ast.Subscript) and _is_first(inner))
    return any(getattr(inner.value, "id", "") not in upstream for inner in read)


def _is_first(node: ast.Subscript) -> bool:
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    of_array = isinstance(node.value, ast.Name | ast.Attribute) and getattr(node.value, "attr", "") != "shape"
    return of_array and isinstance(node.ctx, ast.Load) and any(getattr(part, "value", None) == 0 for part in parts)


_OF_SEVERAL = frozenset({"axis", "keepdims"})
_MEANS = frozenset({"mean", "average", "einsum"})
_COUNTED = frozenset({"len", "n", "m", "batch", "batch_size", "n_samples", "num_samples", "samples", "examples", "bs"})


def _is_of_several(node: ast.AST, axis: int) -> bool:
    """Whether a part of a text has to do with several samples along an axis: a sum over one, a mean, how many there are."""
    if isinstance(node, ast.keyword):
        return node.arg in _OF_SEVERAL
    if isinstance(node, ast.Subscript):
        return getattr(node.value, "attr", "") == "shape" and getattr(node.slice, "value", None) == axis
    name = getattr(node, "id", getattr(node, "attr", ""))
    return isinstance(node, ast.Name | ast.Attribute) and (name in _MEANS or (not axis and name.lower() in _COUNTED))
