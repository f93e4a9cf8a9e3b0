"""The modular signature: the towers are what they must be, equal functions agree, and unequal ones do not."""

from __future__ import annotations

import inspect
from typing import Any

import flint
import pytest

from symbackprop.trace.graph.evaluate import reachable
from symbackprop.trace.graph.exponents import OutOfReach
from symbackprop.trace.graph.graph import Graph
from symbackprop.trace.graph.modular_signature import degree_bits, signatures
from symbackprop.trace.graph.towers import tower
from symbackprop.trace.run.trace import trace
from tests.verify.test_equality import NEAR_MISSES, VALUES, VECTORS


@pytest.mark.slow
@pytest.mark.parametrize("trigonometric", [False, True])
def test_tower_is_made_of_primes_that_divide_the_next_minus_one(trigonometric: bool) -> None:
    spire = tower(trigonometric=trigonometric)
    below = None
    for field in spire.fields:
        assert flint.fmpz(field.prime).is_prime()
        assert field.odd % 2 == 1
        assert field.odd << spire.twos == field.prime - 1
        if below is not None:
            assert (field.prime - 1) % below == 0
            assert field.generator != 1
            assert pow(field.generator, below, field.prime) == 1
        if trigonometric:
            assert field.imaginary**2 % field.prime == field.prime - 1
        below = field.prime
    assert spire.fields[0].prime.bit_length() >= 160


@pytest.mark.parametrize("trigonometric", [False, True])
def test_roots_are_multiplicative_and_refuse_what_has_none(trigonometric: bool) -> None:
    field = tower(trigonometric=trigonometric).fields[2]
    p = field.prime
    squares = [pow(k, 1 << tower(trigonometric=trigonometric).twos, p) for k in (7, 19, 1234567)]
    roots = [field.root(square) for square in squares]
    for square, root in zip(squares, roots, strict=True):
        assert root is not None
        assert root * root % p == square
    assert field.root(squares[0] * squares[1] % p) == roots[0] * roots[1] % p  # type: ignore[operator]
    assert field.root(2) is not None
    assert field.root(p - squares[0]) is None


def _residues(functions: tuple[Any, ...], seed: int) -> tuple[int, ...]:
    graph, nodes = Graph(), []
    for function in functions:
        arguments = {name: {**VALUES, **VECTORS}[name] for name in inspect.signature(function).parameters}
        nodes.append(next(iter(trace(function, arguments, graph=graph).results.values())).nodes[0])
    return signatures(graph, nodes, seed=seed).residues


# The signs of square roots of perfect squares are free in the fields; numbers decide about them first.
_FREE_SIGNS = ("perfect square with the wrong sign",)


_MISSES = [row for row in NEAR_MISSES if row[0] not in _FREE_SIGNS]


@pytest.mark.parametrize(("name", "left", "right"), _MISSES, ids=[row[0] for row in _MISSES])
def test_no_near_miss_is_accepted_in_any_draw(name: str, left: Any, right: Any) -> None:
    for seed in range(5):
        first, second = _residues((left, right), seed)
        assert first != second


def test_nested_exponentials_are_followed_ten_deep_and_refused_beyond() -> None:
    graph = Graph()
    x = graph.input("x", (), 0.1)

    def chain(depth: int) -> int:
        node = x
        for _ in range(depth):
            node = graph.apply("tanh", node)
        return node

    doubled = graph.mul(graph.constant(2), chain(10))
    first, second = signatures(graph, [graph.add(chain(10), chain(10)), doubled]).residues
    assert first == second
    with pytest.raises(OutOfReach, match="nested more than"):
        signatures(graph, [chain(20)])


def test_error_bound_grows_with_the_degree() -> None:
    graph = Graph()
    x = graph.input("x", (), 0.3)
    node = x
    bits = []
    for _ in range(30):
        node = graph.mul(node, node)
        bits.append(degree_bits(graph, [node], reachable(graph, [node])))
    assert bits == sorted(bits)
    assert bits[-1] == pytest.approx(30)
    assert signatures(graph, [node]).error_bits > signatures(graph, [x]).error_bits + 29


def test_value_that_is_not_finite_is_out_of_reach() -> None:
    graph = Graph()
    node = graph.add(graph.input("x", (), 1.0), graph.number(float("inf")))
    with pytest.raises(OutOfReach, match="not finite"):
        signatures(graph, [node])


def test_negative_constant_under_a_root_is_out_of_reach() -> None:
    graph = Graph()
    node = graph.apply("sqrt", graph.constant(-4))
    with pytest.raises(OutOfReach, match="square root"):
        signatures(graph, [node])


def norms(count: int, wrong: int | None = None) -> tuple[int, int, Graph]:
    """Return the sum of n_k² / n_k of `count` norms n_k = √(x_k² + y_k²), and that of n_k, or of one element for one of them."""
    graph = Graph()
    left = right = graph.constant(0)
    for k in range(count):
        x, y = graph.input("x", (k,), 0.5 + k), graph.input("y", (k,), 0.25 + k)
        square = graph.add(graph.mul(x, x), graph.mul(y, y))
        norm = graph.apply("sqrt", square)
        left = graph.add(left, graph.div(square, norm))
        right = graph.add(right, x if k == wrong else norm)
    return left, right, graph


@pytest.mark.parametrize("count", [1, 12, 40])
def test_many_independent_roots_are_drawn_one_by_one(count: int) -> None:
    """With one draw for all of them, 2 to the 40 draws would be needed until every radicand has a root."""
    left, right, graph = norms(count)
    found = signatures(graph, [left, right])
    assert found.residues[0] == found.residues[1]
    assert -150 < found.error_bits < -156 + 12 + 5 * count + 8
    left, wrong, graph = norms(count, wrong=count - 1)
    for seed in range(3):
        first, second = signatures(graph, [left, wrong], seed).residues
        assert first != second
