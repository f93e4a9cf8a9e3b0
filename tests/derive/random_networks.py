"""Random networks for the tests: several layers, shared weights, fan-out, and every elementary function in turn.

`scalar_network` has plain symbols only; `index_network` mixes vectors and matrices with repeated and affine indices, definitions
by cases, and sums whose bounds depend on an index.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from sympy import Expr, Piecewise, Rational, Sum, exp, log, sqrt, tanh

from symbackprop.network import ELEMENTARY, Network

#: Arguments kept away from poles, and values from growing layer by layer.
INSIDE: dict[str, Callable[[Expr], Expr]] = {
    "tan": tanh,
    "exp": tanh,
    "sinh": tanh,
    "cosh": tanh,
    "exp2": tanh,
    "expm1": tanh,
    "hypot": lambda x: 2 + tanh(x),
    "arctan2": lambda x: 2 + tanh(x),
}
FUNCTIONS = tuple(ELEMENTARY)
SIZES = {"N": 3, "D": 2, "F": 2, "K": 5}


def apply(function: Any, x: Expr, other: Expr) -> Expr:
    """Apply an elementary function to an expression (and a second one where it takes two).

    The argument is shifted: what is exactly zero because of a relu before would else stand exactly at a kink.
    """
    row = ELEMENTARY[function]
    x = INSIDE.get(row.name, lambda y: y)(x + Rational(3, 17))
    if row.domain:
        (low, high) = row.domain[0]
        x = tanh(x) * Rational(4, 5) if high == 1 else int(low) + 2 + tanh(x)
    if row.name in ("leaky_relu", "elu", "celu"):
        return function(x, Rational(3, 10) + other**2 / 10)
    return function(x, other) if row.arity == 2 else function(x)


def scalar_network(seed: int) -> tuple[Network, Any]:
    """Return a scalar network of twenty-odd nodes and its loss; functions number 5·seed … 5·seed + 4 of the table appear."""
    rng = Random(seed)
    net = Network(f"scalar network {seed}")
    known: list[Any] = list(net.inputs("x1:4")) + list(net.parameters("w1:7"))
    weights = known[3:]
    for at in range(15):
        a, b, c = rng.sample(known, 3)
        shared = rng.choice(weights)
        function = FUNCTIONS[(5 * seed + at // 3) % len(FUNCTIONS)]
        net_input = shared * a + rng.choice(weights) * b + Rational(rng.randint(1, 9), 10)
        shapes = (
            lambda u=net_input, f=function, c=c: apply(f, u, c),
            lambda u=net_input, f=function, a=a, c=c: a * apply(f, u, c) + c**2 / 3,
            lambda u=net_input, f=function, b=b, c=c: b * apply(f, u * c, b) / (2 + c**2),
            lambda u=net_input, f=function, c=c: sqrt(1 + apply(f, u, c) ** 2),
        )
        known.append(net.define(f"h{at}", shapes[at % 4 if at % 3 else 0]()))
    total = sum(rng.randint(1, 5) * node**2 / 7 for node in known[-6:])
    return net, net.define("E", total + known[3] * known[-1])


def index_network(seed: int) -> tuple[Network, Any]:
    """Return a network over arrays and its loss."""
    rng = Random(seed)
    net = Network(f"index network {seed}")
    n, m, r, i, j, u, t, k = net.indices("n:N m:N r:N i:D j:D u:F t:N-F+1 k:K")
    x = net.input("x", n, i)
    w, v, b = net.parameter("w", i, j), net.parameter("v", u), net.parameter("b", i)
    q = net.parameter("q", n, k)
    functions = [FUNCTIONS[(3 * seed + at) % len(FUNCTIONS)] for at in range(3)]
    f, g, h = functions
    scale = net.parameter("c")
    z = net.define("z", n, j, Sum(x[n, i] * w[i, j], i) + b[j])
    flat = f.__name__ in ("step", "sign", "relu")  # zero, or constant, in places: everything after it would stand at a kink
    a = net.define("a", n, i, apply(f, z[n, i], b[i]) + (z[n, i] / 5 if flat else 0))
    gate = net.define("gate", n, i, apply(g, z[n, i], scale) * apply(h, a[n, i] * x[n, i], b[i]))
    back = net.define("back", n, i, Sum(a[n, j] * w[i, j], j) * scale)  # the weight again, transposed
    similar = net.define("similar", n, m, Sum(a[n, i] * back[m, i], i) / sqrt(net.size("D")))
    menu: list[Callable[[int], Any]] = [
        lambda s: net.define(f"p{s}", n, m, exp(similar[n, m]) / Sum(exp(similar[n, r]), r)),
        lambda s: net.define(f"diag{s}", n, similar[n, n] * scale + similar[n, n] ** 2 / 5),
        lambda s: net.define(f"conv{s}", t, i, Sum(x[t + u, i] * v[u] * a[t + u, i], u) + b[i]),
        lambda s: net.define(f"cut{s}", n, m, Piecewise((apply(g, similar[n, m], scale), m <= n), (scale / 3, True))),
        lambda s: net.define(f"run{s}", n, i, Sum(a[m, i] * x[n, i], (m, 0, n))),
        lambda s: net.define(f"mean{s}", i, Sum(apply(h, a[n, i], scale) * back[n, i], n) / net.size("N")),
        lambda s: net.define(f"turn{s}", n, m, similar[m, n] * similar[n, m]),
        lambda s: net.define(f"lse{s}", n, log(Sum(exp(similar[n, m] + q[n, k]), m, k))),
        lambda s: net.define(f"var{s}", n, sqrt(Sum((a[n, i] - Sum(a[n, j], j) / net.size("D")) ** 2, i) + 1)),
        lambda s: net.define(f"pick{s}", n, i, Piecewise((back[n, i] ** 2, back[n, i] > 0), (apply(g, back[n, i], scale), True))),
        lambda s: net.define(f"prod{s}", i, Sum(w[i, j] * w[j, i] * b[j], j) + w[i, i]),
        lambda s: net.define(f"dbl{s}", n, Sum(x[n, i] * similar[n, m] * back[m, j] * w[i, j], i, j, m)),
    ]
    chosen = [menu[at](seed) for at in rng.sample(range(len(menu)), 4)] + [menu[seed % len(menu)](seed + 100)]
    total = Sum(back[n, i] ** 2 + gate[n, i], n, i) / 3
    for node in chosen:
        name = str(node.label)
        indices = net.nodes[name].indices
        weight = net.constant(f"k_{name}", *indices)
        total += Sum(weight[indices] * node[indices], *indices) + Sum(node[indices] ** 2, *indices) / 4
    return net, net.define("E", total)
