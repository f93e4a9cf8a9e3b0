"""Networks on whose pages nothing may be cut off, and what a browser finds: what sticks out, what is too small. For tests."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from sympy import Rational, Sum, exp, log, tanh

from symbackprop import layers
from symbackprop.api import Derivation, derive
from symbackprop.network import Network, sigmoid
from symbackprop.network.indices import size_symbol
from tests.writeup.browser import run, run_narrow
from tests.writeup.support import document

DOCUMENTS = ("linear_regression", "mlp_softmax", "perceptron", "tanh_neuron", "two_three_two", "two_two_one")
OTHERS = ("3-4-3-2", "4-6-6-4", "batch norm", "attention", "convolution", "lstm", "long names", "long array names", "autoencoder")
#: CSS pixels of what lies between the margins of an A4 page.
PRINTED = 672
SMALLEST = 9.0
#: On paper an index of an index has 6 points, as in a printed book: 8 pixels of 1/96 inch.
SMALLEST_PRINTED = 8.0
#: Pixels: no window is narrower.
NARROWEST = 500


@cache
def gate_network(name: str) -> Derivation:
    """Return a derivation: of a folder, of a scalar network by its sizes, or of one of the layers."""
    if name in (*DOCUMENTS, "transformer_block", "max_pool"):
        return document(name)
    return layered(tuple(map(int, name.split("-")))) if "-" in name else MADE[name]()


def layered(sizes: tuple[int, ...]) -> Derivation:
    """Return a sigmoid network of plain numbers."""
    dice = Random(3)
    net = Network(f"{'-'.join(map(str, sizes))} sigmoid network")
    count = sum((before + 1) * after for before, after in pairwise(sizes))

    def draw(number: int, low: float, high: float) -> list[float]:
        return [round(dice.uniform(low, high), 2) for _ in range(number)]

    layer = list(net.inputs(f"x1:{sizes[0] + 1}", values=draw(sizes[0], 0.2, 1.5)))
    weights = iter(net.parameters(f"w1:{count + 1}", values=draw(count, -0.95, 0.95)))
    targets = net.targets(f"t1:{sizes[-1] + 1}", values=draw(sizes[-1], 0.05, 0.95))
    for depth, size in enumerate(sizes[1:], start=1):
        sums = [sum((next(weights) * below for below in layer), next(weights)) for _ in range(size)]
        nets = [net.define(f"net_{depth}{k}", total) for k, total in enumerate(sums, start=1)]
        layer = [net.define(f"out_{depth}{k}", sigmoid(inner)) for k, inner in enumerate(nets, start=1)]
    return derive(net, net.define("E", sum(Rational(1, 2) * (t - out) ** 2 for t, out in zip(targets, layer, strict=True))))


def batch_norm() -> Derivation:
    net = Network("two layers with batch normalisation")
    n, i, j, k = net.indices("n:N i:D j:H k:K")
    x, t = net.input("X", n, i), net.target("t", n, k)
    z = layers.dense(net, "Z1", x, (n, i), j)
    y = layers.batch_norm(net, "BN", z, (n, j), Rational(1, 1000))
    a = net.define("A1", n, j, tanh(y[n, j]))
    out = layers.dense(net, "Y", a, (n, j), k)
    net.define("E", Sum((out[n, k] - t[n, k]) ** 2, n, k) / net.size("N"))
    return with_values(net, N=4, D=3, H=3, K=2)


def attention() -> Derivation:
    net = Network("self-attention")
    a, d, h = net.indices("a:T d:D h:H a2:T")[:3]
    x, t = net.input("X", a, d), net.target("t", a, h)
    y = layers.attention(net, "Y", x, (a, d), h)
    net.define("E", Sum((y[a, h] - t[a, h]) ** 2, a, h) / 2)
    return with_values(net, T=3, D=4, H=2)


def convolution() -> Derivation:
    net = Network("convolution")
    n, c, o, u, v, p, q = net.indices("n:N c:C o:O u:H-R+1 v:W-S+1 p:R q:S")
    y, x = net.indices("y:H x:W")
    image = net.input("X", n, c, y, x)
    z = layers.conv2d(net, "Z", image, (n, c, y, x), o, (u, v), (p, q))
    a = net.define("A", n, o, u, v, tanh(z[n, o, u, v]))
    net.define("E", Sum(a[n, o, u, v] ** 2, n, o, u, v) / 2)
    return with_values(net, N=1, C=1, O=2, H=4, W=4, R=2, S=2)


def lstm() -> Derivation:
    net = Network("one step of an LSTM")
    n, i, j, _ = net.indices("n:N i:D j:H j2:H")
    x, h, c, t = net.input("x", n, i), net.input("h", n, j), net.input("c", n, j), net.target("t", n, j)
    new, _ = layers.lstm_cell(net, "L", x, h, c, (n, i), j)
    net.define("E", Sum((new[n, j] - t[n, j]) ** 2, n, j) / 2)
    return with_values(net, N=2, D=2, H=2)


def gru() -> Derivation:
    net = Network("one step of a GRU")
    n, i, j, _ = net.indices("n:N i:D j:H j2:H")
    x, h, t = net.input("x", n, i), net.input("h", n, j), net.target("t", n, j)
    new = layers.gru_cell(net, "G", x, h, (n, i), j)
    net.define("E", Sum((new[n, j] - t[n, j]) ** 2, n, j) / 2)
    return with_values(net, N=2, D=2, H=2)


def long_names() -> Derivation:
    """Return a chain of four layers of numbers, whose names take the width of a line."""
    net = Network({"en": "rain in four layers", "zh": "四层降雨预报"})
    warmth, damp = net.inputs("temperature humidity", values=(0.62, 0.81))
    w = net.parameters("weight1:8", values=(0.35, -0.42, 0.27, 0.64, -0.51, 0.73, 0.88))
    b = net.parameters("bias1:5", values=(0.12, -0.08, 0.05, 0.21))
    rained = net.target("rained", value=1)
    air = net.define("warm_air", tanh(net.define("warm_sum", w[0] * warmth + w[1] * damp + b[0])))
    cloud = net.define("cloud_cover", sigmoid(net.define("cloud_sum", w[2] * warmth + w[3] * damp + b[1])))
    front = net.define("cold_front", sigmoid(net.define("front_sum", w[4] * air + w[5] * cloud + b[2])))
    rain = net.define("rain_probability", sigmoid(net.define("rain_sum", w[6] * front + b[3])))
    return derive(net, net.define("E", -rained * log(rain) - (1 - rained) * log(1 - rain)))


def long_array_names() -> Derivation:
    """Return two layers of arrays whose names take the width of a line, with weight decay."""
    net = Network({"en": "pixels in two layers", "zh": "两层像素网络"})
    n, i, j, k = net.indices("n:N i:D j:H k:K")
    pixels, classes = net.input("pixel_values", n, i), net.target("class_numbers", n, k)
    first, second = net.parameter("weights_hidden", i, j), net.parameter("weights_output", j, k)
    hidden = layers.dense(net, "hidden_preactivation", pixels, (n, i), j, weight=first)
    active = net.define("hidden_activation", n, j, tanh(hidden[n, j]))
    scores = layers.dense(net, "output_scores", active, (n, j), k, weight=second)
    data = net.define("data_loss", Sum((scores[n, k] - classes[n, k]) ** 2, n, k) / net.size("N"))
    decay = Sum(first[i, j] ** 2, i, j) + Sum(second[j, k] ** 2, j, k)
    net.define("E", data + net.define("decay_loss", decay / 100))
    return with_values(net, N=4, D=3, H=4, K=3)


def autoencoder() -> Derivation:
    """Return the loss of a variational autoencoder: exponentials of halves, two losses, an input that is a target."""
    net = Network("loss of a variational autoencoder")
    n, i, k = net.indices("n:N i:D k:Z")
    x, noise = net.input("x", n, i), net.constant("eps", n, k)
    mean, spread = layers.dense(net, "mu", x, (n, i), k), layers.dense(net, "logvar", x, (n, i), k)
    z = net.define("z", n, k, mean[n, k] + exp(spread[n, k] / 2) * noise[n, k])
    out = net.define("x_hat", n, i, sigmoid(layers.dense(net, "logits", z, (n, k), i)[n, i]))
    parts = layers.mean_squared_error(net, "reconstruction", out, x, (n, i)) + layers.gaussian_kl_divergence(
        net, "KL", mean, spread, (n, k)
    )
    net.define("E", parts)
    return with_values(net, N=3, D=3, Z=2)


MADE = {
    "batch norm": batch_norm,
    "attention": attention,
    "convolution": convolution,
    "lstm": lstm,
    "gru": gru,
    "long names": long_names,
    "long array names": long_array_names,
    "autoencoder": autoencoder,
}


def with_values(net: Network, **sizes: int) -> Derivation:
    """Give every declared array values of two digits and derive the last definition."""
    dice = np.random.default_rng(5)
    known = {size_symbol(name): size for name, size in sizes.items()}
    values: dict[str, Any] = {}
    for node in net.nodes.values():
        if not node.defined:
            values[node.name] = np.round(dice.normal(size=tuple(int(extent.subs(known)) for extent in node.shape)), 2)
    net.set_values(values)
    return derive(net, "E")


_MEASURE = """
    const printed = PRINTED;
    if (printed) {  /* as on paper: the rules for print hold, those for screens do not */
      for (const sheet of document.styleSheets) for (const rule of sheet.cssRules) if (rule instanceof CSSMediaRule)
        rule.media.mediaText = rule.media.mediaText === "print" ? "all" : "not all";
      document.documentElement.style.width = printed + "px";
    }
    const edge = printed || document.documentElement.clientWidth;
    const name = (e) => e.tagName + "." + e.className.toString().slice(0, 20) + " " + e.textContent.trim().slice(0, 40);
    result.out = []; result.small = []; result.scrolls = []; result.touching = [];
    for (const e of document.querySelectorAll("h1, h2, h3, p, math, svg, td, pre, li")) {
      const box = e.getBoundingClientRect();
      if (!box.width) continue;
      const scroll = e.closest(".wide, .stick, .grading, pre, p, li");
      if (!printed && scroll && scroll.scrollWidth > scroll.clientWidth + 1) { result.scrolls.push(name(e)); continue; }
      if (box.right > edge + 1 || box.left < -1) result.out.push(Math.round(box.right - edge) + " " + name(e));
    }
    for (const root of document.querySelectorAll("msqrt")) {  /* its sign is drawn, and takes room */
      const inside = Array.from(root.children).reduce((wide, part) => wide + part.getBoundingClientRect().width, 0);
      const wide = root.getBoundingClientRect().width;
      if (wide && wide < inside + 4) result.out.push("no sign: " + name(root));
    }
    const main = document.querySelector("main");
    if (main.scrollWidth > main.clientWidth + 1) result.out.push(main.scrollWidth - main.clientWidth + " main");
    for (const svg of document.querySelectorAll("main svg")) {
      const box = svg.getBoundingClientRect();
      if (!box.width) continue;
      const scale = box.width / svg.viewBox.baseVal.width;
      const texts = Array.from(svg.querySelectorAll("text")).filter((text) => text.getClientRects().length);
      for (const text of texts) {
        const size = Number(text.getAttribute("font-size")) * scale;
        if (size < SMALLEST - 0.05) result.small.push(size.toFixed(1) + " " + text.textContent);
      }
      const quads = texts.map(corners);
      for (let one = 0; one < texts.length; one++) for (let other = 0; other < one; other++)
        if (meet(quads[one], quads[other])) result.touching.push(texts[one].textContent + " / " + texts[other].textContent);
    }
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement, shown = element.getClientRects().length > 0;
      if (!walker.currentNode.data.trim() || element.closest("svg, script, noscript") || !shown) continue;
      const size = parseFloat(getComputedStyle(element).fontSize);
      if (size < SMALLEST - 0.05) result.small.push(size.toFixed(1) + " " + walker.currentNode.data.trim().slice(0, 30));
    }
    /* The corners of what the letters of a text cover: its box without the room above and below them. */
    function corners(text) {
      const box = text.getBBox(), matrix = text.getScreenCTM(), trim = box.height * 0.2;
      const [left, right, top, bottom] = [box.x, box.x + box.width, box.y + trim, box.y + box.height - trim];
      const placed = ([x, y]) => [matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f];
      return [[left, top], [right, top], [right, bottom], [left, bottom]].map(placed);
    }
    /* Two quadrangles meet when no side of either parts them. */
    function meet(one, other) {
      for (const shape of [one, other]) for (let at = 0; at < 4; at++) {
        const [x, y] = shape[at], [nextX, nextY] = shape[(at + 1) % 4];
        const across = (point) => (point[0] - x) * (nextY - y) - (point[1] - y) * (nextX - x);
        const span = (points) => [Math.min(...points.map(across)), Math.max(...points.map(across))];
        const [low, high] = span(one), [bottom, top] = span(other);
        if (high <= bottom || top <= low) return false;
      }
      return true;
    }
"""


def measured(page: str, width: int, printed: bool = False) -> dict[str, Any]:
    """Return what sticks out of a page at a width, what has to be scrolled, and which letters of drawings are too small."""
    least = SMALLEST_PRINTED if printed else SMALLEST
    script = _MEASURE.replace("PRINTED", str(PRINTED if printed else 0)).replace("SMALLEST", str(least))
    return run_narrow(page, script, width) if width < NARROWEST else run(page, script, f"--window-size={width},900")
