"""A variational autoencoder with one hidden layer on each side, Gaussian noise given, and a squared reconstruction error.

    h = tanh(x W1 + b1)      mu = h W2 + b2      v = h W3 + b3      z = mu + exp(v/2) noise
    g = tanh(z W4 + b4)      y = g W5 + b5
    E = 1/N Σ_n (Σ_i (y - x)²/2 - 1/2 Σ_l (1 + v - mu² - exp v))

x, y: (N, D), h, g: (N, H), mu, v, z, noise: (N, L); v is the logarithm of the variance (Kingma and Welling 2014).
"""

from __future__ import annotations

import numpy as np
from sympy import Rational, Sum, exp, tanh

from symbackprop import layers
from symbackprop.network import Network

_rng = np.random.default_rng(9)
_N, _D, _H, _L = 4, 3, 3, 2

network = Network({"en": "variational autoencoder", "zh": "变分自编码器"})
n, i, j, l = network.indices("n:N i:D j:H l:L")  # noqa: E741 - the latent index, as in the formula
x = network.input("x", n, i, value=_rng.normal(size=(_N, _D)))
noise = network.input("noise", n, l, value=_rng.normal(size=(_N, _L)))


def _given(name, before, after, rows, columns):
    """Declare the weight and the bias of one layer, with example values."""
    weight = network.parameter(f"W{name}", before, after, value=_rng.normal(size=(rows, columns)) / 2)
    return {"weight": weight, "bias": network.parameter(f"b{name}", after, value=_rng.normal(size=columns) / 5)}


h = layers.dense(network, "h", x, (n, i), j, tanh, **_given(1, i, j, _D, _H))
mu = layers.dense(network, "mu", h, (n, j), l, **_given(2, j, l, _H, _L))
v = layers.dense(network, "v", h, (n, j), l, **_given(3, j, l, _H, _L))
z = network.define("z", n, l, mu[n, l] + exp(v[n, l] / 2) * noise[n, l])
g = layers.dense(network, "g", z, (n, l), j, tanh, **_given(4, l, j, _L, _H))
y = layers.dense(network, "y", g, (n, j), i, **_given(5, j, i, _H, _D))
rebuilt = network.define("E_rec", Rational(1, 2) * Sum((y[n, i] - x[n, i]) ** 2, n, i) / network.size("N"))
divergence = layers.gaussian_kl_divergence(network, "E_kl", mu, v, (n, l))
loss = network.define("E", rebuilt + divergence)
