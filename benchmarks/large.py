"""Networks that grow: how long they take to derive and to write down, and what starting the program costs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from time import process_time

from sympy import Expr, Rational, Sum, exp, sqrt, tanh
from sympy.core.cache import clear_cache

from benchmarks.networks import scalar_network
from benchmarks.timing import measure
from symbackprop import Derivation, Network, derive, gelu_tanh, layers, sigmoid

Built = tuple[Network, Expr]


def lstm(steps: int) -> Built:
    """An LSTM over time, its weights the same at every step."""
    net = Network(f"LSTM over {steps} steps")
    n, i, j, k = net.indices("n:N i:D j:H k:H")
    weights = {g: (net.parameter(f"W{g}", i, j), net.parameter(f"U{g}", k, j), net.parameter(f"b{g}", j)) for g in "ifog"}
    h, c, t = net.constant("h0", n, j), net.constant("c0", n, j), net.target("t", n, j)
    for step in range(1, steps + 1):
        x, gate = net.input(f"x{step}", n, i), {}
        for g, (W, U, b) in weights.items():
            z = net.define(f"z{g}{step}", n, j, Sum(x[n, i] * W[i, j], i) + Sum(h[n, k] * U[k, j], k) + b[j])
            gate[g] = net.define(f"{g}{step}", n, j, tanh(z[n, j]) if g == "g" else sigmoid(z[n, j]))
        c = net.define(f"c{step}", n, j, gate["f"][n, j] * c[n, j] + gate["i"][n, j] * gate["g"][n, j])
        h = net.define(f"h{step}", n, j, gate["o"][n, j] * tanh(c[n, j]))
    return net, layers.mean_squared_error(net, "E", h, t, (n, j))


def transformer(blocks: int) -> Built:
    """Transformer blocks with several heads, norms before each half."""
    net = Network(f"{blocks} transformer blocks")
    s, a, b, q, d, _, g, h, f = net.indices("s:N a:T b:T q:T d:D e:D g:G h:H f:F")
    x, eps = net.parameter("x", s, a, d), net.constant("eps")
    for block in range(blocks):
        p = f"B{block}_"
        y = layers.layer_norm(net, f"{p}norm1", x, (s, a, d), eps)
        W = {m: net.parameter(f"{p}W{m}", g, d, h) for m in "QKV"}
        Q, K, V = (net.define(p + m, s, g, a, h, Sum(y[s, a, d] * W[m][g, d, h], d)) for m in "QKV")
        S = net.define(f"{p}S", s, g, a, b, Sum(Q[s, g, a, h] * K[s, g, b, h], h) / sqrt(net.size("H")))
        P = net.define(f"{p}P", s, g, a, b, exp(S[s, g, a, b]) / Sum(exp(S[s, g, a, q]), q))
        head = net.define(f"{p}O", s, g, a, h, Sum(P[s, g, a, b] * V[s, g, b, h], b))
        r = net.define(f"{p}r", s, a, d, x[s, a, d] + Sum(head[s, g, a, h] * net.parameter(f"{p}Wo", g, h, d)[g, h, d], h, g))
        y = layers.layer_norm(net, f"{p}norm2", r, (s, a, d), eps)
        W1, b1 = net.parameter(f"{p}W1", d, f), net.parameter(f"{p}b1", f)
        W2, b2 = net.parameter(f"{p}W2", f, d), net.parameter(f"{p}b2", d)
        u = net.define(f"{p}u", s, a, f, Sum(y[s, a, d] * W1[d, f], d) + b1[f])
        v = net.define(f"{p}v", s, a, f, gelu_tanh(u[s, a, f]))
        x = net.define(f"{p}y", s, a, d, r[s, a, d] + Sum(v[s, a, f] * W2[f, d], f) + b2[d])
    return net, layers.mean_squared_error(net, "E", x, net.target("t", s, a, d), (s, a, d))


def deep(depth: int) -> Built:
    """Layers of one width in a row."""
    net = Network(f"{depth} layers")
    n, i, j, k = net.indices("n:N i:D j:D k:D")
    h, axis = net.input("X", n, i), i
    for layer in range(depth):
        other = j if axis is not j else k
        h, axis = layers.dense(net, f"L{layer}", h, (n, axis), other, activation=tanh), other
    return net, layers.mean_squared_error(net, "E", h, net.target("t", n, axis), (n, axis))


def chain(length: int) -> Built:
    """Numbers one after the other, with one weight in every second of them."""
    net = Network(f"{length:,} nodes in a chain")
    x, w = net.input("x"), net.parameter("w")
    y = net.define("y0", w * x)
    for at in range(1, length):
        y = net.define(f"y{at}", tanh(w * y) if at % 2 else y + x * Rational(1, 7))
    return net, net.define("E", y**2 / 2)


def seconds_of_source(built: Built) -> float:
    """Return the seconds of deriving and writing the source, nothing remembered."""
    clear_cache()
    return measure(lambda: derive(*built).source(), 1)


def seconds_of_weights(sizes: tuple[int, ...], source: bool) -> float:
    """Return the seconds of defining and deriving a network of scalar weights, with its source and function where asked for."""
    clear_cache()
    start = process_time()
    case = scalar_network(sizes)
    derivation = derive(case.network, case.loss)
    if source:
        derivation.function()
    return process_time() - start


def seconds_and_megabytes(sizes: tuple[int, ...]) -> tuple[float, float]:
    """Return the seconds of defining and deriving a network of scalar weights, and the memory of the process that does it."""
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.large", *map(str, sizes)], check=True, capture_output=True, text=True
    )
    seconds, megabytes = map(float, finished.stdout.split())
    return seconds, megabytes


def seconds_of_writing(built: Built, name: str, level: str) -> tuple[float, float]:
    """Return the seconds of the text and of the LaTeX of one gradient, each from a derivation of its own."""
    fresh: list[Derivation] = [derive(*built), derive(*built)]
    clear_cache()
    first, second = fresh
    return measure(lambda: first[name].text(steps=level), 1), measure(lambda: second[name].latex(steps=level), 1)


def seconds_of_process(*arguments: str) -> float:
    """Return the seconds of the processor that a Python process takes, its modules compiled before."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    print(
        seconds_of_weights(tuple(map(int, sys.argv[1:])), source=False), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )
