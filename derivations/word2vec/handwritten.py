"""Skip-gram by hand: σ(s) - 1 for the true context, σ(r) for every negative, added to the rows they were read from."""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    """Return the logistic function."""
    return 1 / (1 + np.exp(-z))


def gradients(U, V, centre, context, negative):
    """Return the gradients of both tables, averaged over the pairs."""
    centre, context, negative = (np.asarray(ids, dtype=int) for ids in (centre, context, negative))
    count = len(centre)
    dU, dV = np.zeros(U.shape), np.zeros(V.shape)
    for n in range(count):
        u = U[centre[n]]
        ds = (sigmoid(u @ V[context[n]]) - 1) / count
        dU[centre[n]] += ds * V[context[n]]
        dV[context[n]] += ds * u
        for word in negative[n]:
            dr = sigmoid(u @ V[word]) / count
            dU[centre[n]] += dr * V[word]
            dV[word] += dr * u
    return {"U": dU, "V": dV}
