"""The one walker over nested values: every path leads to its value, whatever holds it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.trace.run.nested import mapped, members, put, walk


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass
class Record:
    value: Any


class Layer:
    __slots__ = ("W", "inner")

    def __init__(self, W: Any, inner: Any = None) -> None:
        self.W = W
        self.inner = inner


def test_every_kind_of_container() -> None:
    array = np.ones(2)
    item = {"a": [1.0, (2.0, "t")], "p": Pair(3, array), "r": Record(4), "n": SimpleNamespace(x=5), "l": Layer(6, Layer(7))}
    assert dict(walk(item, "top")) == {
        "top.a.0": 1.0, "top.a.1.0": 2.0, "top.a.1.1": "t", "top.p.left": 3, "top.p.right": array, "top.r.value": 4,
        "top.n.x": 5, "top.l.W": 6, "top.l.inner.W": 7, "top.l.inner.inner": None,
    }  # fmt: skip


def test_a_container_in_itself_ends_and_a_shared_one_is_seen_twice() -> None:
    loop: dict[str, Any] = {"x": 1}
    loop["again"] = [loop]
    assert dict(walk(loop)) == {"x": 1}
    shared = [1.0]
    assert dict(walk({"a": shared, "b": shared})) == {"a.0": 1.0, "b.0": 1.0}


def test_deep_and_long_ones() -> None:
    deep: Any = 1.0
    for _ in range(2_000):
        deep = [deep]
    ((path, bottom),) = walk(deep, depth=3)
    assert path == "0.0.0"
    assert isinstance(bottom, list)
    assert len(list(walk(deep, depth=3_000))) == 1
    assert list(walk([1, 2, 3], most=2)) == []
    while isinstance(deep, list):  # taken apart step by step: freeing it at once would recur
        deep = deep[0]


def branches(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, min_size=1, max_size=3)
    return several | several.map(tuple) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1)


TREES = st.recursive(st.integers(), branches, max_leaves=8)


@pytest.mark.slow
@given(TREES)
def test_put_and_mapped_reach_what_walk_lists(tree: Any) -> None:
    paths = dict(walk(tree))
    assert dict(walk(mapped(lambda path, value: (path, value), tree))).keys() == {
        f"{p}.{k}".strip(".") for p in paths for k in "01"
    }
    copy = mapped(lambda path, value: value, tree)
    assert copy == tree
    holder = {"tree": copy}
    for path in paths:
        put(holder, f"tree.{path}".rstrip("."), -7)
    assert set(dict(walk(holder)).values()) == {-7}
    assert dict(walk(tree)) == paths


def test_put_into_objects() -> None:
    layer = Layer(1, {"b": [Record(2)]})
    put(layer, "inner.b.0.value", 5)
    put(layer, "W", 6)
    assert (layer.W, layer.inner["b"][0].value) == (6, 5)


def test_a_tuple_is_replaced_where_it_stands() -> None:
    layer = Layer([(1, Pair(2, 3))])
    pair = layer.W[0][1]
    put(layer, "W.0.1.right", 4)
    put(layer, "W.0.0", 5)
    (inside,) = layer.W
    assert inside == (5, Pair(2, 4))
    assert isinstance(inside[1], Pair)
    assert pair == Pair(2, 3)
    with pytest.raises(TypeError, match="a tuple takes nothing new at 0"):
        put((1, 2), "0", 3)


def test_values_of_other_kinds_are_no_containers() -> None:
    for value in (None, 1, "text", np.ones(3), np.float64(1), int, len, np, b"x", {1, 2}):
        assert members(value) is None
