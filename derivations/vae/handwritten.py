"""The variational autoencoder by hand: the latent code passes its gradient to the mean and, times noise/2 · exp(v/2), to v."""

from __future__ import annotations

import numpy as np


def gradients(x, noise, W1, b1, W2, b2, W3, b3, W4, b4, W5, b5):
    """Return the gradients of reconstruction error and divergence, averaged over the samples."""
    count = len(x)
    h = np.tanh(x @ W1 + b1)
    mu, v = h @ W2 + b2, h @ W3 + b3
    spread = np.exp(v / 2)
    z = mu + spread * noise
    g = np.tanh(z @ W4 + b4)
    y = g @ W5 + b5

    dy = (y - x) / count
    dg = (dy @ W5.T) * (1 - g**2)
    dz = dg @ W4.T
    dmu = dz + mu / count
    dv = dz * noise * spread / 2 + (spread**2 - 1) / (2 * count)
    dh = (dmu @ W2.T + dv @ W3.T) * (1 - h**2)
    return {
        "W1": x.T @ dh,
        "b1": dh.sum(axis=0),
        "W2": h.T @ dmu,
        "b2": dmu.sum(axis=0),
        "W3": h.T @ dv,
        "b3": dv.sum(axis=0),
        "W4": z.T @ dg,
        "b4": dg.sum(axis=0),
        "W5": g.T @ dy,
        "b5": dy.sum(axis=0),
    }
