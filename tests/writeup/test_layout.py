"""The layout, judged on the finished drawing by a geometry of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import ModuleType

import pytest
from sympy import Sum, tanh

from symbackprop.network import Network, sigmoid
from symbackprop.writeup.drawing.diagram import network_picture
from symbackprop.writeup.drawing.graph_view import graph_picture
from symbackprop.writeup.drawing.svg import svg
from tests.writeup.drawings import dense, faults, read_drawing
from tests.writeup.page_gate import gate_network

SIZES = [(1, 1, 1), (2, 2, 1), (2, 3, 2), (3, 5, 2), (4, 4), (2, 1, 2), (5, 5, 5), (2, 3, 3, 2), (4, 6, 6, 4)]


@pytest.mark.slow
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_label_is_readable(sizes: tuple[int, ...]) -> None:
    drawing = read_drawing(svg(network_picture(*dense(*sizes))))
    weights = sum(first * second for first, second in pairwise(sizes))
    assert len([name for name in drawing.labels if name.startswith("edge-w")]) == weights
    assert faults(drawing) == []


#: With letters of nine pixels at least, the values beside the weights of 3-5-2 find no room: the names alone are drawn.
CROWDED = pytest.mark.xfail(reason="no room for values beside 25 weights", strict=True)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [*SIZES[:3], pytest.param(SIZES[3], marks=CROWDED)], ids=str)
def test_every_label_with_its_value_is_readable(sizes: tuple[int, ...]) -> None:
    net, loss = dense(*sizes)
    values = {name: f"{k / 7:.4f}" for k, name in enumerate(net.nodes, 1)}
    drawing = read_drawing(svg(network_picture(net, loss, values=values)))
    assert any("=" in "".join(texts) for name, texts in drawing.texts.items() if name.startswith("edge-w"))
    assert faults(drawing) == []


@pytest.mark.slow
def test_a_dense_network_keeps_its_weights_names_when_the_values_do_not_fit() -> None:
    net, loss = dense(4, 6, 6, 4)
    values = {f"w{k}": "0.1234" for k in range(1, 85)}
    crowded = read_drawing(svg(network_picture(net, loss, values=values)))
    assert faults(crowded) == []
    assert crowded.texts["edge-w40"] == ["w40"]


def test_an_edge_over_a_column_bends_around_its_unit() -> None:
    net = Network("skip")
    x = net.inputs("x")
    w1, w2, w3 = net.parameters("w1:4")
    h = net.define("h", sigmoid(w1 * x))
    o = net.define("o", sigmoid(w2 * h + w3 * x))
    loss = net.define("E", (net.targets("t") - o) ** 2)
    drawing = read_drawing(svg(network_picture(net, loss)))
    assert len(drawing.lines["edge-w3"]) > 2
    assert len(drawing.lines["edge-w1"]) == 2
    assert faults(drawing) == []


@pytest.mark.parametrize(
    "name", ["tanh_neuron", "two_two_one", "two_three_two", "mlp_softmax", "linear_regression", "perceptron"]
)
@pytest.mark.parametrize("view", [network_picture, graph_picture])
def test_the_derivations_are_drawn_well(
    derivation_file: Callable[[str, str], ModuleType], name: str, view: Callable[..., object]
) -> None:
    module = derivation_file(name, "network")
    assert faults(read_drawing(svg(view(module.network, module.loss)))) == []


@pytest.mark.parametrize("name", ["lstm", "attention", "long array names", "autoencoder"])
def test_layers_of_arrays_are_drawn_well(name: str) -> None:
    """No bias on a weight beside it, no edge behind a unit that it passes."""
    derivation = gate_network(name)
    assert faults(read_drawing(svg(network_picture(derivation.network, derivation.loss)))) == []


def test_what_stands_above_a_unit_covers_none_in_the_row_before() -> None:
    """Three parameters that are learned with the weights, states too, above the sum of four gates."""
    net = Network("gates that share a sum")
    n, i, j, k = net.indices("n:N i:D j:H k:H")
    x, t = net.input("x", n, i), net.target("t", n, j)
    h, c = net.parameter("h_before", n, j), net.parameter("c_before", n, j)
    w, u, b = net.parameter("Wx", i, j), net.parameter("Wh", k, j), net.parameter("b", j)
    a = net.define("a", n, j, Sum(x[n, i] * w[i, j], i) + Sum(h[n, k] * u[k, j], k) + b[j])
    gates = [net.define(name, n, j, sigmoid(a[n, j] + shift)) for shift, name in enumerate("pqrs")]
    cell = net.define("cell", n, j, gates[0][n, j] * c[n, j] + gates[1][n, j] * gates[3][n, j])
    out = net.define("out", n, j, gates[2][n, j] * tanh(cell[n, j]))
    loss = net.define("E", Sum((out[n, j] - t[n, j]) ** 2, n, j))
    assert faults(read_drawing(svg(network_picture(net, loss)))) == []


def test_local_derivatives_stand_clear_on_the_graph(two_three_two: Network, local_texts: Mapping[tuple[str, str], str]) -> None:
    drawing = read_drawing(svg(graph_picture(two_three_two, locals_=local_texts)))
    assert len(drawing.labels) == len(local_texts)
    assert faults(drawing) == []


# ---- the judge itself ------------------------------------------------------------------------------------------------


def planted(change: Callable[[str], str]) -> list[str]:
    return faults(read_drawing(change(svg(network_picture(*dense(2, 3, 2))))))


def moved(identifier: str, dx: int, dy: int) -> Callable[[str], str]:
    """Return a change that moves the patch of a label."""

    def change(text: str) -> str:
        head, tail = text.split(f'id="{identifier}"', 1)
        patch = tail.index('class="sb-paper"')
        start, end = tail.index('x="', patch) + 3, tail.index('" width=', patch)
        x, y = tail[start:end].split('" y="')
        tail = tail[:start] + f'{int(x) + dx}" y="{int(y) + dy}' + tail[end:]
        return f'{head}id="{identifier}"{tail}'

    return change


@pytest.mark.parametrize(
    ("dx", "dy", "expected"),
    [(0, 0, None), (0, 400, "off its edge"), (0, -9000, "off the sheet")],
    ids=["untouched", "off its edge", "off the sheet"],
)
def test_the_judge_finds_a_moved_label(dx: int, dy: int, expected: str | None) -> None:
    found = planted(moved("edge-w1", dx, dy))
    assert found == [] if expected is None else any(expected in fault for fault in found)


def test_the_judge_finds_a_label_on_another_edge() -> None:
    def change(text: str) -> str:
        drawing = read_drawing(text)
        (ax, ay), (bx, by) = drawing.lines["edge-w1"]
        patch = f'<rect class="sb-paper" x="{(ax + bx) / 2 - 80:.0f}" y="{(ay + by) / 2 - 60:.0f}" width="160" height="120"/>'
        return text.replace("</svg>", f'<g id="edge-strange">{patch}</g></svg>')

    assert any("through the label of edge-strange" in fault for fault in planted(change))


def test_the_judge_finds_an_edge_through_a_unit() -> None:
    def change(text: str) -> str:
        box = read_drawing(text).bodies["unit-g2"]
        left, right = min(x for x, _ in box) - 100, max(x for x, _ in box) + 100
        y = sum(y for _, y in box) / len(box)
        path = f'<path class="sb-line" d="M{left:.0f} {y:.0f}L{right:.0f} {y:.0f}"/>'
        return text.replace("</svg>", f'<g id="edge-strange">{path}</g></svg>')

    assert any(fault.startswith("edge-strange through unit-") for fault in planted(change))


def test_the_judge_finds_units_on_top_of_each_other() -> None:
    def change(text: str) -> str:
        disc = text[text.index("<circle") : text.index("/>", text.index("<circle")) + 2]
        return text.replace("</svg>", f'<g id="unit-strange">{disc}</g></svg>')

    assert any("over unit-strange" in fault for fault in planted(change))
