"""Losses: scalar nodes, each the mean over the samples of what is summed over all other indices.

The samples are all indices but the last, unless `mean` names them: `mean=(n,)` for predictions y[n] without a feature axis,
`mean=(n, k)` for the mean over all entries.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from sympy import Abs, Expr, Integer, KroneckerDelta, Piecewise, Rational, exp, log

from symbackprop.functions import relu, softplus
from symbackprop.layers.shared import Indices, bound_twin, count, entry, free, total
from symbackprop.network.model import Network

Number: TypeAlias = "Expr | float"


def mean_squared_error(network: Network, name: str, y: Any, t: Any, indices: Indices, *, mean: Indices | None = None) -> Any:
    """`E = 1/N Σ_n Σ_k (y[n,k] - t[n,k])²`; y, t: (N, K)."""
    return _mean(network, name, (entry(y, indices) - entry(t, indices)) ** 2, indices, mean)


def mean_absolute_error(network: Network, name: str, y: Any, t: Any, indices: Indices, *, mean: Indices | None = None) -> Any:
    """`E = 1/N Σ_n Σ_k |y[n,k] - t[n,k]|`; y, t: (N, K)."""
    return _mean(network, name, Abs(entry(y, indices) - entry(t, indices)), indices, mean)


def huber_loss(
    network: Network, name: str, y: Any, t: Any, indices: Indices, delta: Number = 1, *, mean: Indices | None = None
) -> Any:
    """`E = 1/N Σ_n Σ_k H(y[n,k] - t[n,k])`, H(r) = r²/2 where |r| ≤ δ, else δ (|r| - δ/2) (Huber 1964); y, t: (N, K)."""
    residual, d = entry(y, indices) - entry(t, indices), _exact(delta)
    return _mean(
        network, name, Piecewise((residual**2 / 2, Abs(residual) <= d), (d * (Abs(residual) - d / 2), True)), indices, mean
    )


def hinge_loss(network: Network, name: str, y: Any, t: Any, indices: Indices, *, mean: Indices | None = None) -> Any:
    """`E = 1/N Σ_n max(0, 1 - t[n] y[n])`, targets -1 or 1 (Cortes and Vapnik 1995)."""
    return _mean(network, name, relu(1 - entry(t, indices) * entry(y, indices)), indices, mean)


def multiclass_hinge_loss(network: Network, name: str, s: Any, labels: Any, indices: Indices, margin: Number = 1) -> Any:
    """`E = 1/N Σ_n Σ_{k≠y[n]} max(0, s[n,k] - s[n,y[n]] + Δ)` of scores s: (N, K) and class numbers y: (N,).

    (Weston and Watkins 1999.) The score of the right class is the node `<name>_s`: (N,).
    """
    *samples, k = indices
    own = free(tuple(samples))
    j = bound_twin(network, k, indices)
    label = entry(labels, own)
    right = network.define(f"{name}_s", *own, total(KroneckerDelta(j, label) * entry(s, (*samples, j)), (j,)))
    beyond = relu(entry(s, indices) - entry(right, own) + _exact(margin))
    return _mean(network, name, (1 - KroneckerDelta(k, label)) * beyond, indices, None)


def cross_entropy(
    network: Network, name: str, p: Any, t: Any, indices: Indices, *, mean: Indices | None = None, distributions: bool = True
) -> Any:
    """`E = -1/N Σ_n Σ_k t[n,k] log p[n,k]`; p, t: (N, K).

    That the rows of t sum to 1 is stated with it (so that softmax below gives p - t), unless `distributions` is false.
    """
    *_, k = indices
    sums = total(entry(t, indices), (k,))
    if distributions and all(fact.left != sums for fact in network.facts):
        target = network.node(t).name
        because = {
            "en": f"each row of {target} is a distribution, so it sums to one",
            "zh": f"{target} 的每一行是一个概率分布，其和为 1",
        }
        network.assume(sums, 1, because=because)
    return _mean(network, name, -entry(t, indices) * log(entry(p, indices)), indices, mean)


def cross_entropy_of_labels(network: Network, name: str, log_p: Any, labels: Any, indices: Indices) -> Any:
    """`E = -1/N Σ_n log p[n, y[n]]` of log-probabilities and class numbers; log p: (N, K), y: (N,)."""
    *samples, k = indices
    chosen = KroneckerDelta(k, entry(labels, free(tuple(samples))))
    return _mean(network, name, -chosen * entry(log_p, indices), indices, None)


def binary_cross_entropy(network: Network, name: str, p: Any, t: Any, indices: Indices, *, mean: Indices | None = None) -> Any:
    """`E = -1/N Σ_n Σ_k (t log p + (1 - t) log(1 - p))` of probabilities; p, t: (N, K)."""
    probability, target = entry(p, indices), entry(t, indices)
    return _mean(network, name, -target * log(probability) - (1 - target) * log(1 - probability), indices, mean)


def binary_cross_entropy_with_logits(
    network: Network, name: str, z: Any, t: Any, indices: Indices, *, mean: Indices | None = None
) -> Any:
    """`E = 1/N Σ_n Σ_k (softplus(z) - t z)`, the binary cross-entropy of p = σ(z); z, t: (N, K)."""
    return _mean(network, name, softplus(entry(z, indices)) - entry(t, indices) * entry(z, indices), indices, mean)


def focal_loss(
    network: Network, name: str, p: Any, t: Any, indices: Indices, gamma: Number = 2, *, mean: Indices | None = None
) -> Any:
    """`E = -1/N Σ_n Σ_k (t (1 - p)^γ log p + (1 - t) p^γ log(1 - p))` of probabilities (Lin et al. 2017); p, t: (N, K)."""
    q, target, g = entry(p, indices), entry(t, indices), _exact(gamma)
    return _mean(network, name, -target * (1 - q) ** g * log(q) - (1 - target) * q**g * log(1 - q), indices, mean)


def kl_divergence(network: Network, name: str, p: Any, q: Any, indices: Indices, *, mean: Indices | None = None) -> Any:
    """`E = 1/N Σ_n Σ_k p[n,k] log(p[n,k] / q[n,k])`, from q to p (Kullback and Leibler 1951); p, q: (N, K)."""
    first, second = entry(p, indices), entry(q, indices)
    return _mean(network, name, first * (log(first) - log(second)), indices, mean)


def gaussian_kl_divergence(
    network: Network, name: str, mu: Any, log_variance: Any, indices: Indices, *, mean: Indices | None = None
) -> Any:
    """`E = -1/2 1/N Σ_n Σ_j (1 + v[n,j] - μ[n,j]² - exp v[n,j])`, of N(μ, exp v) from N(0, 1); μ, v: (N, H).

    (Kingma and Welling 2014, appendix B.)
    """
    v = entry(log_variance, indices)
    return _mean(network, name, -Rational(1, 2) * (1 + v - entry(mu, indices) ** 2 - exp(v)), indices, mean)


def contrastive_loss(network: Network, name: str, a: Any, b: Any, same: Any, indices: Indices, margin: Number = 1) -> Any:
    """`E = 1/N Σ_n (s[n] d[n]² + (1 - s[n]) max(0, m - d[n])²)`, d the distance of a pair, s = 1 where it belongs together.

    a, b: (N, K), s: (N,); d is the node `<name>_d` (Hadsell, Chopra and LeCun 2006, without the 1/2).
    """
    own = free(indices[:-1])
    distance = network.define(
        f"{name}_d", *own, total((entry(a, indices) - entry(b, indices)) ** 2, indices[-1:]) ** Rational(1, 2)
    )
    d, s = entry(distance, own), entry(same, own)
    return _mean(network, name, s * d**2 + (1 - s) * relu(_exact(margin) - d) ** 2, own, own)


def triplet_loss(
    network: Network, name: str, anchor: Any, positive: Any, negative: Any, indices: Indices, margin: Number = 1
) -> Any:
    """`E = 1/N Σ_n max(0, |a - p|² - |a - q|² + m)`, squared distances over the last index; a, p, q: (N, K).

    (Schroff et al. 2015.) The distances are the nodes `<name>_near` and `<name>_far`: (N,).
    """
    own = free(indices[:-1])

    def squared(other: Any, label: str) -> Expr:
        body = (entry(anchor, indices) - entry(other, indices)) ** 2
        return entry(network.define(f"{name}_{label}", *own, total(body, indices[-1:])), own)

    beyond = squared(positive, "near") - squared(negative, "far") + _exact(margin)
    return _mean(network, name, relu(beyond), own, own)


def l1_penalty(network: Network, name: str, weight: Any, indices: Indices, strength: Number) -> Any:
    """`R = λ Σ |w|` over all entries of a parameter."""
    return network.define(name, _exact(strength) * total(Abs(entry(weight, indices)), indices))


def l2_penalty(network: Network, name: str, weight: Any, indices: Indices, strength: Number) -> Any:
    """`R = λ/2 Σ w²` over all entries of a parameter, whose gradient is λ w."""
    return network.define(name, _exact(strength) / 2 * total(entry(weight, indices) ** 2, indices))


def _mean(network: Network, name: str, body: Expr, indices: Indices, mean: Indices | None) -> Any:
    """Define a loss: the sum over all indices, divided by how many places the samples have."""
    over = count(indices[:-1] if mean is None else mean)
    return network.define(name, total(body, indices) / over)


def _exact(number: Number) -> Expr:
    """Return a number as the fraction it spells, an expression as it is."""
    return Rational(str(number)) if isinstance(number, float) else Integer(number) if isinstance(number, int) else number
