"""The transformer block by hand: each part returns what it needs on the way back."""

from __future__ import annotations

import numpy as np

ROOT, CUBIC = np.sqrt(2 / np.pi), 0.044715


def norm(x, gamma, beta):
    """Return the layer norm of the rows, the standardised rows, and one over their deviation."""
    centred = x - x.mean(axis=1, keepdims=True)
    rstd = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return gamma * centred * rstd + beta, centred * rstd, rstd


def norm_back(dy, gamma, hat, rstd):
    """Return the gradients of the input, gamma and beta of a layer norm."""
    d = dy * gamma
    dx = rstd * (d - d.mean(axis=1, keepdims=True) - hat * (d * hat).mean(axis=1, keepdims=True))
    return dx, (dy * hat).sum(axis=0), dy.sum(axis=0)


def gradients(x, target, u_gamma, u_beta, att_WQ, att_WK, att_WV, att_WO, w_gamma, w_beta, wide_W, wide_b, narrow_W, narrow_b):
    """Return the gradients of the squared error, averaged over the positions."""
    u, u_hat, u_rstd = norm(x, u_gamma, u_beta)
    Q, K, V = (np.einsum("ai,gih->gah", u, W) for W in (att_WQ, att_WK, att_WV))
    scale = 1 / np.sqrt(att_WQ.shape[2])
    e = np.exp(np.einsum("gah,gbh->gab", Q, K) * scale)
    P = e / e.sum(axis=2, keepdims=True)
    heads = np.einsum("gab,gbh->gah", P, V)
    q = x + np.einsum("gah,gho->ao", heads, att_WO)
    w, w_hat, w_rstd = norm(q, w_gamma, w_beta)
    z = w @ wide_W + wide_b
    inner = np.tanh(ROOT * (z + CUBIC * z**3))
    wide = 0.5 * z * (1 + inner)
    y = q + wide @ narrow_W + narrow_b

    dy = 2 * (y - target) / len(x)
    slope = 0.5 * (1 + inner) + 0.5 * z * (1 - inner**2) * ROOT * (1 + 3 * CUBIC * z**2)
    dz = (dy @ narrow_W.T) * slope
    through, dw_gamma, dw_beta = norm_back(dz @ wide_W.T, w_gamma, w_hat, w_rstd)
    dq = dy + through
    dheads = np.einsum("ao,gho->gah", dq, att_WO)
    dP = np.einsum("gah,gbh->gab", dheads, V)
    dS = P * (dP - (dP * P).sum(axis=2, keepdims=True)) * scale
    dQ, dK = np.einsum("gab,gbh->gah", dS, K), np.einsum("gab,gah->gbh", dS, Q)
    dV = np.einsum("gab,gah->gbh", P, dheads)
    parts = zip((dQ, dK, dV), (att_WQ, att_WK, att_WV), strict=True)
    du = sum(np.einsum("gah,gih->ai", dpart, W) for dpart, W in parts)
    _, du_gamma, du_beta = norm_back(du, u_gamma, u_hat, u_rstd)
    return {
        "u_gamma": du_gamma,
        "u_beta": du_beta,
        "att_WQ": np.einsum("ai,gah->gih", u, dQ),
        "att_WK": np.einsum("ai,gah->gih", u, dK),
        "att_WV": np.einsum("ai,gah->gih", u, dV),
        "att_WO": np.einsum("gah,ao->gho", heads, dq),
        "w_gamma": dw_gamma,
        "w_beta": dw_beta,
        "wide_W": w.T @ dz,
        "wide_b": dz.sum(axis=0),
        "narrow_W": wide.T @ dy,
        "narrow_b": dy.sum(axis=0),
    }
