"""Products in sizes and addresses, entries that are 0 outside of their array, terms put at a place: every way in which such a
gradient is said agrees with differences of the definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest
from sympy import Expr, Idx, KroneckerDelta, Piecewise, Rational, Sum, exp, sin

from symbackprop import leaky_relu
from symbackprop.derive import derive
from symbackprop.errors import DefinitionError
from symbackprop.network import Network
from symbackprop.network.indices import guarded
from symbackprop.numeric import function
from tests.derive.interpreter import BITS
from tests.fuzz.compare import WAYS, point
from tests.fuzz.networks import Drawn

INDICES = "n:N m:N g:G c:C k:G*C t:T u:F s:T+F-1 q:S*(T-1)+D*(F-1)+1 y:2*T+F-2 z:T+2*P w:T+2*P-F+1 p:P d:D r:S"
Indices = dict[str, Idx]
Build = Callable[[Network, Indices], Expr]
BUILDS: dict[str, Build] = {}


def network(build: Build) -> Build:
    """Register what defines the nodes of a network and returns its loss."""
    BUILDS[build.__name__] = build
    return build


def sizes(net: Network, at: Indices) -> Expr:
    """Return a number that depends on an entry along every size, so that all of them can be read."""
    letters = "ngctupdr"
    return sum(Sum(net.input(f"{letter}_size", at[letter])[at[letter]], at[letter]) for letter in letters)


def within(entry: Any) -> Expr:
    """Return an entry where the address of its last axis is inside of T places, else 0."""
    place = entry.indices[-1]
    return guarded(entry, (place >= 0) & (place <= TIMES.upper))


TIMES = Network().indices("t:T")[0]


@network
def groups_of_channels(net: Network, at: Indices) -> Expr:
    n, g, c, k = (at[letter] for letter in "ngck")
    x, w = net.parameter("x", n, k), net.parameter("weight", k)
    size = c.upper + 1
    h = net.define("h", n, g, c, sin(x[n, size * g + c]) * w[size * g + c])
    total = net.define("total", n, g, Sum(h[n, g, c], c))
    flat = net.define("flat", n, k, Sum(KroneckerDelta(k, size * g + c) * h[n, g, c] * total[n, g], g, c) + w[k])
    return Sum(flat[n, k] ** 2, n, k)


@network
def stride_and_dilation(net: Network, at: Indices) -> Expr:
    t, u, q = at["t"], at["u"], at["q"]
    x, w = net.parameter("x", q), net.parameter("weight", u)
    h = net.define("h", t, sin(Sum(x[(at["r"].upper + 1) * t + (at["d"].upper + 1) * u] * w[u], u)))
    return Sum(h[t] ** 2, t)


@network
def padding_in_one_formula(net: Network, at: Indices) -> Expr:
    n, u, w = at["n"], at["u"], at["w"]
    x, f, b = net.parameter("x", n, at["t"]), net.parameter("f", u), net.parameter("b", w)
    h = net.define("h", n, w, sin(Sum(within(x[n, w + u - at["p"].upper - 1]) * f[u], u) + b[w]))
    return Sum(h[n, w] ** 2, n, w)


@network
def padding_by_a_number_under_a_function(net: Network, at: Indices) -> Expr:
    t, u = at["t"], at["u"]
    x, f = net.parameter("x", t), net.parameter("f", u)
    h = net.define("h", t, Sum(exp(within(x[t + u - 2])) * f[u] + within(x[t - 3]) * f[u], u))
    return Sum(h[t] ** 2, t)


@network
def padding_inside_of_cases(net: Network, at: Indices) -> Expr:
    t, u = at["t"], at["u"]
    x, f = net.parameter("x", t), net.parameter("f", u)
    h = net.define("h", t, leaky_relu(Sum(within(x[t + u - 1]) * f[u], u), Rational(1, 10)))
    return Sum(h[t] ** 2, t)


@network
def labels_and_padding(net: Network, at: Indices) -> Expr:
    n, t, u, k = (at[letter] for letter in "ntuk")
    x, label = net.parameter("x", k, t), net.input("label", n)
    h = net.define("h", n, t, Sum(within(x[label[n], t + u - 2]) ** 2, u))
    return Sum(h[n, t] ** 2, n, t)


@network
def padded_node(net: Network, at: Indices) -> Expr:
    n, z, w, u = (at[letter] for letter in "nzwu")
    x, f = net.parameter("x", n, at["t"]), net.parameter("f", u)
    wide = net.define("wide", n, z, within(x[n, z - at["p"].upper - 1]))
    h = net.define("h", n, w, sin(Sum(wide[n, w + u] * f[u], u)))
    return Sum(h[n, w] ** 2, n, w)


@network
def what_came_before(net: Network, at: Indices) -> Expr:
    t = at["t"]
    x, f = net.parameter("x", t), net.parameter("f", t)
    v = net.indices("v:T")[0]
    h = net.define("h", t, sin(Sum(x[t - v] * f[v], (v, 0, t))))
    return Sum(h[t] ** 2, t)


@network
def put_at_places(net: Network, at: Indices) -> Expr:
    n, t, u, s, y = (at[letter] for letter in "ntusy")
    x, f, b = net.parameter("x", n, t), net.parameter("f", u), net.parameter("b", y)
    full = net.define("full", n, s, Sum(KroneckerDelta(s, t + u) * x[n, t] * f[u], t, u))
    sparse = net.define("sparse", n, y, Sum(KroneckerDelta(2 * t + u, y) * x[n, t] * f[u] * b[y], t, u) + b[y])
    return Sum(full[n, s] ** 2, n, s) + Sum(sin(sparse[n, y]), n, y)


@network
def put_inside_of_a_function(net: Network, at: Indices) -> Expr:
    n, t, u, y = (at[letter] for letter in "ntuy")
    x, f, b = net.parameter("x", n, t), net.parameter("f", u), net.parameter("b", y)
    h = net.define("h", n, y, sin(Sum(KroneckerDelta(2 * t + u, y) * x[n, t] * f[u] * b[y], t, u) + b[y]))
    return Sum(h[n, y] ** 2, n, y)


@network
def put_partly_outside(net: Network, at: Indices) -> Expr:
    n, t, u, z = (at[letter] for letter in "ntuz")
    x, f = net.parameter("x", n, t), net.parameter("f", u)
    h = net.define("h", n, z, Sum(KroneckerDelta(z, 3 * t + u - 1) * x[n, t] * f[u], t, u))
    return Sum(sin(h[n, z]) ** 2 + h[n, z], n, z)


@network
def put_on_a_diagonal(net: Network, at: Indices) -> Expr:
    n, m, t, u, s = (at[letter] for letter in "nmtus")
    x = net.parameter("x", n, t)
    h = net.define("h", n, m, s, Sum(KroneckerDelta(s, t + u) * KroneckerDelta(n, m) * x[n, t], t, u))
    return Sum(h[n, m, s] ** 2 * x[m, 0], n, m, s)


@network
def a_choice_inside_a_choice(net: Network, at: Indices) -> Expr:
    n, t, u, s = (at[letter] for letter in "ntus")
    x, f = net.parameter("x", n, t), net.parameter("f", s)
    h = net.define("h", n, t, Sum(KroneckerDelta(s, t + u) * f[s] * Sum(x[n, t] ** 2, n), s, u) * x[n, t])
    return Sum(h[n, t] ** 2, n, t)


ORDINARY = {"N": 2, "G": 2, "C": 3, "T": 4, "F": 3, "S": 2, "D": 2, "P": 2}
SIZES = {
    "ordinary": ORDINARY,
    "ones": dict.fromkeys(ORDINARY, 1),
    "a long filter": {**ORDINARY, "T": 2, "F": 5},
    "much padding": {**ORDINARY, "P": 5, "T": 1, "F": 2, "C": 1, "S": 3},
}


def drawn(name: str, at: str) -> Drawn:
    net = Network(name)
    net.indices(INDICES)
    loss = BUILDS[name](net, dict(net.declared_indices)) + sizes(net, dict(net.declared_indices))
    return Drawn(net, net.define("E", loss), SIZES[at])


@pytest.mark.parametrize("at", [at if at == "ordinary" else pytest.param(at, marks=pytest.mark.slow) for at in SIZES])
@pytest.mark.parametrize("name", BUILDS)
def test_every_way_agrees(name: str, at: str) -> None:
    if name == "padding_in_one_formula" and at == "a long filter":
        pytest.skip("there is no place for a filter of 5 in 2 + 4 - 5 + 1 places and below")
    with flint.ctx.workprec(BITS):
        found = point(drawn(name, at), 5)
        for way in WAYS:
            way(found)


def test_the_source_puts_whole_arrays_where_they_belong() -> None:
    """No comparison of places, no array larger than what is computed."""
    for name in ("groups_of_channels", "put_at_places", "padded_node", "stride_and_dilation"):
        made = drawn(name, "ordinary")
        text = function(derive(made.network, made.loss)).source
        code = text.split('"""')[2]
        assert [word for word in ("np.eye", "np.where", "==") if word in code] == [], text


def test_a_padded_axis_is_a_slice_backwards() -> None:
    made = drawn("padded_node", "ordinary")
    derivation = derive(made.network, made.loss)
    assert str(derivation.adjoints["x"].expression) == "dE_dwide[n, P + t]"
    assert not derivation.adjoints["x"].expression.has(Piecewise, KroneckerDelta)


def test_a_place_that_is_known_needs_no_delta() -> None:
    made = drawn("put_at_places", "ordinary")
    derivation = derive(made.network, made.loss)
    assert not any(derivation.adjoints[name].expression.has(KroneckerDelta) for name in "xf")


@pytest.mark.parametrize(
    ("address", "guard"),
    [
        (lambda t, u: t + u, lambda t, u: t + u >= 0),  # the wrong side
        (lambda t, u: t - u, lambda t, u: t - u >= -1),  # by one
        (lambda t, u: t - u, lambda t, u: t >= 0),  # of something else
        (lambda t, u: t + u, lambda t, u: (t + u <= TIMES.upper) | (t >= 0)),  # or
        (lambda t, u: TIMES.upper + 1 - t, lambda t, u: t >= 0),
    ],
)
def test_a_guard_that_does_not_hold_the_address_inside_is_refused(address: Any, guard: Any) -> None:
    net = Network()
    t, u = net.indices("t:T u:F")
    x = net.parameter("x", t)
    with pytest.raises(DefinitionError, match="say where the entry counts"):
        net.define("h", t, u, guarded(x[address(t, u)], guard(t, u)))


def test_an_address_that_sizes_may_move_outside_is_held_inside() -> None:
    """T - F may be of either sign: no margin can be written, and the guard stays."""
    net = Network()
    t, u, _ = net.indices("t:T u:F f:F")
    x, y = net.parameter("x", t), net.parameter("y", u)
    place = t - u.upper + t.upper
    h = net.define("h", t, guarded(x[place], (place >= 0) & (place <= t.upper)) * y[0])
    made = function(derive(net, net.define("E", Sum(h[t] ** 2, t))))
    for T, F in ((3, 2), (2, 4), (3, 3)):
        x_value, y_value = np.arange(1.0, T + 1), np.arange(2.0, F + 2)
        places = np.arange(T) - F + T
        inside = (places >= 0) & (places < T)
        entries = np.where(inside, x_value[np.clip(places, 0, T - 1)], 0.0)
        loss, gradients = made(x=x_value, y=y_value)
        expected = np.zeros(T)
        np.add.at(expected, places[inside], (2 * entries * 4.0)[inside])
        assert loss == pytest.approx((entries**2).sum() * 4.0)
        np.testing.assert_allclose(gradients["x"], expected)
