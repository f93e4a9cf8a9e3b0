"""Clips near 0 and 1: points stay inside, right code is right up to the guard, wrong code differs inside of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.trace.graph.graph import Graph
from symbackprop.verify.reference.limits import is_beyond, limits, sides

rng = np.random.default_rng(4)
Clip = Callable[[Any], Any]
CLIPS: dict[str, Clip] = {
    "no clip": lambda p: p,
    "1e-7": lambda p: np.clip(p, 1e-7, 1 - 1e-7),
    "1e-15": lambda p: np.clip(p, 1e-15, 1 - 1e-15),
    "up to 1": lambda p: np.clip(p, 1e-12, 1.0),
    "two functions": lambda p: np.minimum(np.maximum(p, 1e-10), 1 - 1e-10),
}


def binary(of_loss: Clip, of_gradient: Clip, slip: float) -> tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]:
    def loss(p, y):
        q = of_loss(p)
        return -np.mean(y * np.log(q) + (1 - y) * np.log(1 - q))

    def gradient(p, y):
        q = of_gradient(p)
        return {"p": (q - slip * y) / (q * (1 - q)) / len(y)}

    return loss, gradient, {"p": rng.uniform(0.1, 0.9, 5), "y": np.array([1.0, 0, 1, 0, 1])}


def categorical(of_loss: Clip, of_gradient: Clip, slip: float) -> tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]:
    def loss(p, y):
        return -np.sum(y * np.log(of_loss(p))) / len(p)

    def gradient(p, y):
        return {"p": -slip * y / of_gradient(p) / len(p)}

    p = rng.uniform(0.1, 0.9, (4, 3))
    return loss, gradient, {"p": p / p.sum(axis=1, keepdims=True), "y": np.eye(3)[[0, 2, 1, 0]]}


PAIRS = [("no clip", "no clip"), ("1e-7", "no clip"), ("no clip", "1e-15"), ("1e-7", "1e-7"), ("up to 1", "no clip")]
PAIRS += [("no clip", "two functions"), ("1e-15", "1e-15")]


CASES = [(kind, pair) for kind in (binary, categorical) for pair in PAIRS if kind is categorical or "up to 1" not in pair]


@pytest.mark.parametrize(("kind", "pair"), CASES)
def test_a_clip_is_no_mistake(kind: Callable[..., Any], pair: tuple[str, str]) -> None:
    loss, gradient, example = kind(*(CLIPS[name] for name in pair), 1.0)
    verdict = check_gradient(loss, gradient, example=example, repair=False)["p"]
    assert str(verdict.status) == ("proved" if pair == ("no clip", "no clip") else "guarded"), verdict
    assert ("right up to the guard 1e-" in verdict.note) == (verdict.status == "guarded")


@pytest.mark.parametrize("pair", [("1e-7", "no clip"), ("no clip", "1e-15"), ("1e-7", "1e-7")], ids=" and ".join)
@pytest.mark.parametrize("kind", [binary, categorical])
def test_a_slip_inside_differs(kind: Callable[..., Any], pair: tuple[str, str]) -> None:
    loss, gradient, example = kind(*(CLIPS[name] for name in pair), 1.25)
    verdict = check_gradient(loss, gradient, example=example, repair=False)["p"]
    assert str(verdict.status) == "differs"
    assert verdict.witness is not None
    assert all(0 < number < 1 for number in np.ravel(dict(verdict.witness.inputs)["p"]))


def unit(bound: float) -> tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]:
    """Return a unit whose logarithm is differentiated with the sigmoid that is kept from overflow: beyond, the loss is flat."""

    def out(x, w):
        return 1 / (1 + np.exp(-np.clip(x @ w, -bound, bound)))

    def loss(x, w, y):
        p = out(x, w)
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    def gradient(x, w, y):
        return {"w": x.T @ (out(x, w) - y) / len(y)}

    return loss, gradient, {"x": rng.normal(size=(4, 3)), "w": rng.normal(size=3), "y": np.array([1.0, 0, 1, 0])}


@pytest.mark.parametrize(("bound", "status"), [(500, "guarded"), (30, "guarded"), (2, "differs")])
def test_a_clip_on_the_way_to_an_exponential(bound: float, status: str) -> None:
    loss, gradient, example = unit(bound)
    verdict = check_gradient(loss, gradient, example=example, explain=False, repair=False)["w"]
    assert str(verdict.status) == status, verdict


def test_what_overflow_guards_are() -> None:
    graph = Graph()
    z, q = graph.input("z", (), 0.5), graph.input("q", (), 0.5)
    graph.apply("exp", graph.neg(z))
    for left, right in ((z, 500.0), (z, 3.0), (q, 500.0)):
        graph.compare(left, "<", graph.number(right))
    met = limits(graph, graph.conditions.values())
    assert [(graph.payloads[c.left].name, graph.values[c.right]) for c in met] == [("z", 500)]  # type: ignore[union-attr]


def test_which_comparisons_are_guards() -> None:
    graph = Graph()
    p, q = graph.input("p", (), 0.5), graph.input("q", (), 0.5)
    for left, right in ((p, 1e-7), (p, 1.0), (q, 0.0), (q, 0.3), (q, 1.0)):
        graph.compare(left, "<", graph.number(right))
    met = limits(graph, graph.conditions.values())
    assert [(graph.payloads[c.left].name, graph.values[c.right]) for c in met] == [("p", 1e-7), ("p", 1.0)]  # type: ignore[union-attr]


def test_what_is_beyond() -> None:
    inside, beyond = (("line 3", "<", None, 1, outcome) for outcome in (False, True))
    other = ("line 4", "<", None, 1, True)
    assert is_beyond({beyond}, {inside})
    assert not is_beyond({inside}, {inside})
    assert not is_beyond({beyond}, {inside, beyond})
    assert not is_beyond({other}, {inside})
    assert sides(Graph(), ()) == set()
