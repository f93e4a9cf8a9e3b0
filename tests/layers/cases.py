"""Every layer and loss as a network, with the sizes it is tried at, and the same in torch: the judge of values and gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sympy import Rational, Sum, tanh

from symbackprop import layers, relu, sigmoid
from symbackprop.network import Network
from symbackprop.network.indices import size_symbol

Build = Callable[[Network], Any]
Values = Mapping[str, Any]
Torch = Callable[[Any, Values], Any]  # (torch, tensors by name) -> the output, or the outputs
Draw = Callable[[np.random.Generator, tuple[int, ...], Mapping[str, int]], Any]
ORDINARY = {"N": 3, "D": 2, "K": 5, "H": 4, "T": 4, "C": 2, "O": 3, "F": 3, "G": 2, "R": 5, "M": 3, "P": 2}
ONES = dict.fromkeys(ORDINARY, 1)
EPSILON = Rational(1, 1000)


@dataclass(frozen=True)
class Case:
    """A network whose last node is an output, or the scalar loss; where values come from when normal ones do not do."""

    build: Build
    torch: Torch
    sizes: Mapping[str, int] = field(default_factory=dict)
    drawn: Mapping[str, Draw] = field(default_factory=dict)

    def network(self) -> tuple[Network, str]:
        """Return the network and its loss: a weighted sum of the output and of its squares, where that is no number."""
        net = Network(self.build.__name__)
        outputs = self.build(net)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        nodes = [net.node(output) for output in outputs]
        if not nodes[-1].indices:
            return net, nodes[-1].name
        terms = []
        for at, node in enumerate(nodes, start=1):
            weight = net.constant(f"weight{at}", *node.indices)[node.indices]
            terms.append(Sum(node.entry**2 / 2 + weight * node.entry, *node.indices))
        net.define("E", sum(terms))
        return net, "E"

    def values(self, net: Network, sizes: Mapping[str, int], seed: int) -> dict[str, Any]:
        """Return random values of all declared names."""
        rng = np.random.default_rng(seed)
        known = {size_symbol(name): size for name, size in sizes.items()}
        found: dict[str, Any] = {}
        for node in net.nodes.values():
            if not node.defined:
                shape = tuple(int(extent.xreplace(known)) for extent in node.shape)
                found[node.name] = self.drawn[node.name](rng, shape, sizes) if node.name in self.drawn else rng.normal(size=shape)
        return found

    def loss(self, torch: Any, values: Mapping[str, Any]) -> Any:
        """Return the same loss of tensors."""
        outputs = self.torch(torch, values)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        if not outputs[-1].ndim:
            return outputs[-1]
        pairs = ((y, values[f"weight{at}"]) for at, y in enumerate(outputs, start=1))
        return sum((y**2 / 2 + weight * y).sum() for y, weight in pairs)


CASES: dict[str, Case] = {}


def case(torch: Torch, sizes: Mapping[str, int] | None = None, **drawn: Any) -> Callable[[Build], Build]:
    """Register the network that a function builds."""

    def register(build: Build) -> Build:
        assert build.__name__ not in CASES
        CASES[build.__name__] = Case(build, torch, sizes or {}, drawn)
        return build

    return register


def probability(rng: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]) -> Any:
    return rng.uniform(0.1, 0.9, size=shape)


def distribution(rng: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]) -> Any:
    drawn = rng.uniform(0.2, 1, size=shape)
    return drawn / drawn.sum(axis=-1, keepdims=True)


def zero_or_one(rng: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]) -> Any:
    return rng.integers(0, 2, size=shape).astype(float)


def sign(rng: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]) -> Any:
    return 2 * zero_or_one(rng, shape, sizes) - 1


def seen(rng: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]) -> Any:
    """A mask with something to attend to in every row."""
    mask = zero_or_one(rng, shape, sizes)
    mask[..., 0] = 1
    return mask


def classes(size: str) -> Draw:
    return lambda rng, shape, sizes: rng.integers(0, sizes[size], size=shape).astype(float)


# ---- dense ----------------------------------------------------------------------------------------------------------------


@case(lambda torch, v: torch.sigmoid(v["x"] @ v["y_W"] + v["y_b"]))
def dense(net: Network) -> Any:
    n, i, j = net.indices("n:N i:D j:K")
    return layers.dense(net, "y", net.input("x", n, i), (n, i), j, activation=sigmoid)


@case(lambda torch, v: v["x"] @ v["y_W"])
def linear(net: Network) -> Any:
    n, i, j = net.indices("n:N i:D j:K")
    return layers.dense(net, "y", net.input("x", n, i), (n, i), j, bias=False)


@case(lambda torch, v: torch.tanh(torch.tanh(v["x"] @ v["W"] + v["b"]) @ v["W"] + v["b"]))
def one_weight_in_two_layers(net: Network) -> Any:
    n, i, j = net.indices("n:N i:D j:D")
    W, b = net.parameter("W", i, j), net.parameter("b", j)
    h = layers.dense(net, "h", net.input("x", n, i), (n, i), j, activation=tanh, bias=b, weight=W)
    return layers.dense(net, "y", h, (n, j), i, activation=tanh, bias=b, weight=W.base if hasattr(W, "base") else W)


@case(lambda torch, v: v["x"] + v["m"] * (v["x"] @ v["h_W"] + v["h_b"]) / 0.8, m=zero_or_one)
def dropout_and_residual(net: Network) -> Any:
    n, i, j = net.indices("n:N i:D j:D")
    x = net.input("x", n, i)
    h = layers.dense(net, "h", x, (n, i), j)
    dropped = layers.dropout(net, "d", h, (n, j), net.constant("m", n, j), 0.8)
    return layers.residual(net, "y", x, dropped, (n, i))


@case(lambda torch, v: torch.softmax(v["x"], -1))
def softmax(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    return layers.softmax(net, "y", net.input("x", n, k), (n, k))


@case(lambda torch, v: torch.softmax(v["x"], -1))
def softmax_of_a_vector(net: Network) -> Any:
    (k,) = net.indices("k:K")
    return layers.softmax(net, "y", net.input("x", k), (k,))


@case(lambda torch, v: torch.log_softmax(v["x"], -1))
def log_softmax(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    return layers.log_softmax(net, "y", net.input("x", n, k), (n, k))


# ---- convolution and pooling ----------------------------------------------------------------------------------------------


def _conv(torch: Any, v: Values, axes: int, **options: Any) -> Any:
    return getattr(torch.nn.functional, f"conv{axes}d")(v["x"], v["y_W"], v["y_b"], **options)


@case(lambda torch, v: _conv(torch, v, 1), {"T": 4, "F": 3})
def conv1d(net: Network) -> Any:
    n, c, s, o, t, u = net.indices("n:N c:C s:T o:O t:T-F+1 u:F")
    return layers.conv1d(net, "y", net.input("x", n, c, s), (n, c, s), o, t, u)


@case(lambda torch, v: _conv(torch, v, 1, stride=2, dilation=3), {"T": 4, "F": 3})
def conv1d_with_stride_and_dilation(net: Network) -> Any:
    n, c, s, o, t, u = net.indices("n:N c:C s:T+T+F+F+F-4 o:O t:T u:F")
    return layers.conv1d(net, "y", net.input("x", n, c, s), (n, c, s), o, t, u, stride=2, dilation=3)


@case(lambda torch, v: torch.tanh(_conv(torch, v, 2)), {"R": 5, "T": 4, "F": 3, "G": 2})
def conv2d(net: Network) -> Any:
    n, c, r, s, o, a, b, u, v = net.indices("n:N c:C r:R s:T o:O a:R-F+1 b:T-G+1 u:F v:G")
    return layers.conv2d(net, "y", net.input("x", n, c, r, s), (n, c, r, s), o, (a, b), (u, v), tanh)


@case(lambda torch, v: _conv(torch, v, 2, stride=(2, 1)), {"R": 3, "T": 4, "F": 3, "G": 2})
def conv2d_with_strides(net: Network) -> Any:
    n, c, r, s, o, a, b, u, v = net.indices("n:N c:C r:R+R+F-2 s:T o:O a:R b:T-G+1 u:F v:G")
    return layers.conv2d(net, "y", net.input("x", n, c, r, s), (n, c, r, s), o, (a, b), (u, v), stride=(2, 1))


@case(
    lambda torch, v: _conv(torch, v, 1, padding=(v["weight1"].shape[2] + v["y_W"].shape[2] - 1 - v["x"].shape[2]) // 2),
    {"T": 4, "F": 3, "P": 2},
)
def conv1d_with_padding(net: Network) -> Any:
    n, c, s, o, t, u = net.indices("n:N c:C s:T o:O t:T+2*P-F+1 u:F")
    return layers.conv1d(net, "y", net.input("x", n, c, s), (n, c, s), o, t, u, padding=net.size("P"))


@case(lambda torch, v: torch.tanh(_conv(torch, v, 2, stride=(2, 1), padding=(1, 0))), {"R": 3, "T": 4, "F": 3, "G": 2})
def conv2d_with_padding(net: Network) -> Any:
    n, c, r, s, o, a, b, u, v = net.indices("n:N c:C r:2*R+F s:T o:O a:R+2 b:T-G+1 u:F v:G")
    x = net.input("x", n, c, r, s)
    return layers.conv2d(net, "y", x, (n, c, r, s), o, (a, b), (u, v), tanh, stride=(2, 1), padding=(1, 0))


def _up(torch: Any, v: Values, axes: int, **options: Any) -> Any:
    return getattr(torch.nn.functional, f"conv_transpose{axes}d")(v["x"], v["y_W"], v["y_b"], **options)


@case(lambda torch, v: torch.tanh(_up(torch, v, 1, stride=2)), {"T": 4, "F": 3})
def transposed_conv1d(net: Network) -> Any:
    n, c, t, o, s, u = net.indices("n:N c:C t:T o:O s:2*(T-1)+F u:F")
    return layers.transposed_conv1d(net, "y", net.input("x", n, c, t), (n, c, t), o, s, u, tanh, stride=2)


@case(
    lambda torch, v: _up(torch, v, 1, stride=3, dilation=2, padding=1, output_padding=2),
    {"T": 4, "F": 3},
)
def transposed_conv1d_with_padding(net: Network) -> Any:
    n, c, t, o, s, u = net.indices("n:N c:C t:T o:O s:3*T+2*F-4 u:F")
    x = net.input("x", n, c, t)
    return layers.transposed_conv1d(net, "y", x, (n, c, t), o, s, u, stride=3, dilation=2, padding=1)


@case(lambda torch, v: _up(torch, v, 2, stride=(1, 2)), {"R": 3, "T": 2, "F": 3, "G": 2})
def transposed_conv2d(net: Network) -> Any:
    n, c, r, t, o, a, b, u, v = net.indices("n:N c:C r:R t:T o:O a:R+F-1 b:2*T+G-2 u:F v:G")
    x = net.input("x", n, c, r, t)
    return layers.transposed_conv2d(net, "y", x, (n, c, r, t), o, (a, b), (u, v), stride=(1, 2))


@case(lambda torch, v: torch.nn.functional.pad(v["x"], (2, 2)))
def zero_padded(net: Network) -> Any:
    n, t = net.indices("n:N t:T")
    return layers.zero_padded(net, "y", net.input("x", n, t), (n, t), (t,), 2)[0]


@case(lambda torch, v: torch.tanh(v["x"].reshape(len(v["x"]), -1) @ v["y_W"] + v["y_b"]), {"C": 2, "T": 3})
def flatten(net: Network) -> Any:
    n, c, t, k, o = net.indices("n:N c:C t:T k:C*T o:O")
    flat = layers.flatten(net, "flat", net.input("x", n, c, t), (n, c, t), (c, t), k)
    return layers.dense(net, "y", flat, (n, k), o, tanh)


@case(lambda torch, v: torch.nn.functional.avg_pool1d(v["x"], 3))
def average_pool1d(net: Network) -> Any:
    n, c, s, t, u = net.indices("n:N c:C s:K+K+K t:K u:3")
    return layers.average_pool1d(net, "y", net.input("x", n, c, s), (n, c, s), t, u)


@case(
    lambda torch, v: torch.nn.functional.avg_pool2d(v["x"], (len(v["size"]), 2), stride=(1, 2)) + v["size"].sum(),
    {"R": 5, "T": 3, "F": 3},
)
def average_pool2d(net: Network) -> Any:
    n, c, r, s, a, b, u, v = net.indices("n:N c:C r:R s:T+T a:R-F+1 b:T u:F v:2")
    y = layers.average_pool2d(net, "p", net.input("x", n, c, r, s), (n, c, r, s), (a, b), (u, v), stride=(1, 2))
    size = net.parameter("size", u)  # from which the judge reads the height of a window
    return net.define("y", n, c, a, b, y[n, c, a, b] + Sum(size[u], u))


@case(lambda torch, v: torch.nn.functional.max_pool1d(v["x"], 3, stride=2))
def max_pool1d(net: Network) -> Any:
    n, c, s, t, u = net.indices("n:N c:C s:K+K+1 t:K u:3")
    return layers.max_pool1d(net, "y", net.input("x", n, c, s), (n, c, s), t, u, stride=2)


@case(lambda torch, v: torch.nn.functional.max_pool2d(v["x"], 2))
def max_pool2d(net: Network) -> Any:
    n, c, r, s, a, b, u, v = net.indices("n:N c:C r:K+K s:T+T a:K b:T u:2 v:2")
    return layers.max_pool2d(net, "y", net.input("x", n, c, r, s), (n, c, r, s), (a, b), (u, v))


@case(lambda torch, v: torch.nn.functional.embedding(v["ids"].long(), v["y_W"]), ids=classes("K"))
def embedding(net: Network) -> Any:
    n, t, w, d = net.indices("n:N t:T w:K d:D")
    return layers.embedding(net, "y", net.input("ids", n, t), (n, t), w, d)


# ---- matrices -------------------------------------------------------------------------------------------------------------


def well_apart(rng: np.random.Generator, shape: tuple[int, ...], sizes: Mapping[str, int]) -> Any:
    """Matrices that are far from singular, of either sign of the determinant."""
    return rng.uniform(-0.4, 0.4, size=shape) + np.eye(shape[-1]) * rng.choice((-1, 1), size=(*shape[:-2], 1, 1)) * shape[-1]


@case(lambda torch, v: torch.linalg.inv(v["x"]), x=well_apart)
def inverse(net: Network) -> Any:
    n, i, j = net.indices("n:N i:H j:H")
    return layers.inverse(net, "y", net.input("x", n, i, j), (n, i, j))


@case(lambda torch, v: torch.linalg.slogdet(v["x"])[1] * v["x"][:, 0, 0], x=well_apart)
def log_det(net: Network) -> Any:
    n, i, j = net.indices("n:N i:H j:H")
    x = net.input("x", n, i, j)
    y = layers.log_det(net, "y", x, (n, i, j))
    return net.define("z", n, y[n] * x[n, 0, 0])


# ---- normalisation --------------------------------------------------------------------------------------------------------


@case(lambda torch, v: torch.nn.functional.layer_norm(v["x"], v["x"].shape[-1:], v["y_gamma"], v["y_beta"], 1e-3))
def layer_norm(net: Network) -> Any:
    n, i = net.indices("n:N i:K")
    return layers.layer_norm(net, "y", net.input("x", n, i), (n, i), EPSILON)


@case(lambda torch, v: torch.nn.functional.layer_norm(v["x"], v["x"].shape[-1:], v["g"], v["b"], 1e-3))
def layer_norm_of_sequences(net: Network) -> Any:
    n, t, i = net.indices("n:N t:T i:K")
    own = {"gamma": net.parameter("g", i), "beta": net.parameter("b", i)}
    return layers.layer_norm(net, "y", net.input("x", n, t, i), (n, t, i), EPSILON, **own)


def _batch_norm(torch: Any, v: Values) -> Any:
    over = [axis for axis in range(v["x"].ndim) if axis != 1]
    shape = [1, -1, *[1] * (v["x"].ndim - 2)]
    mean = v["x"].mean(over, keepdim=True)
    var = ((v["x"] - mean) ** 2).mean(over, keepdim=True)
    return (v["x"] - mean) / torch.sqrt(var + 1e-3) * v["y_gamma"].reshape(shape) + v["y_beta"].reshape(shape)


@case(_batch_norm)
def batch_norm(net: Network) -> Any:
    n, i = net.indices("n:N i:K")
    return layers.batch_norm(net, "y", net.input("x", n, i), (n, i), EPSILON)


@case(_batch_norm)
def batch_norm_of_images(net: Network) -> Any:
    n, c, r, s = net.indices("n:N c:C r:R s:T")
    return layers.batch_norm(net, "y", net.input("x", n, c, r, s), (n, c, r, s), EPSILON, channel=1)


@case(
    lambda torch, v: torch.nn.functional.batch_norm(v["x"], v["m"], v["v"], v["y_gamma"], v["y_beta"], eps=1e-3),
    v=probability,
)
def batch_norm_at_test_time(net: Network) -> Any:
    n, i = net.indices("n:N i:K")
    running = net.constant("m", i), net.constant("v", i)
    return layers.batch_norm_at_test_time(net, "y", net.input("x", n, i), (n, i), EPSILON, *running)


def _group_norm(torch: Any, v: Values) -> Any:
    one_layer = torch.nn.functional.layer_norm(v["x"], v["x"].shape[2:], eps=1e-3)  # torch refuses groups of one entry
    return one_layer * v["y_gamma"][:, :, None] + v["y_beta"][:, :, None]


@case(_group_norm)
def group_norm(net: Network) -> Any:
    n, g, c, s = net.indices("n:N g:G c:C s:T")
    return layers.group_norm(net, "y", net.input("x", n, g, c, s), (n, g, c, s), EPSILON)


def _channels_in_groups(torch: Any, v: Values) -> Any:
    apart = v["x"].reshape(len(v["x"]), len(v["groups"]), -1)
    one_layer = torch.nn.functional.layer_norm(apart, apart.shape[2:], eps=1e-3).reshape(v["x"].shape)
    return one_layer * v["y_gamma"][:, None] + v["y_beta"][:, None] + v["groups"].sum()


@case(_channels_in_groups)
def group_norm_of_channels(net: Network) -> Any:
    n, k, g, c, s = net.indices("n:N k:G*C g:G c:C s:T")
    size = net.parameter("groups", g)  # from which the judge reads how many there are
    y = layers.group_norm(net, "y", net.input("x", n, k, s), (n, k, s), EPSILON, groups=(g, c))
    return net.define("z", n, k, s, y[n, k, s] + Sum(size[g], g))


@case(lambda torch, v: torch.nn.functional.rms_norm(v["x"], v["x"].shape[-1:], v["y_gamma"], 1e-3))
def rms_norm(net: Network) -> Any:
    n, i = net.indices("n:N i:K")
    return layers.rms_norm(net, "y", net.input("x", n, i), (n, i), EPSILON)


# ---- attention ------------------------------------------------------------------------------------------------------------


def _attention(torch: Any, v: Values, context: str = "x", **options: Any) -> Any:
    def part(letter: str, source: str) -> Any:
        return v[source] @ v[f"y_W{letter}"] + v.get(f"y_b{letter}", 0.0)

    parts = part("Q", "x"), part("K", context), part("V", context)
    return torch.nn.functional.scaled_dot_product_attention(*parts, **options)


@case(_attention)
def attention(net: Network) -> Any:
    a, i, h = net.indices("a:T i:D h:H")
    return layers.attention(net, "y", net.input("x", a, i), (a, i), h)


@case(lambda torch, v: _attention(torch, v, is_causal=True))
def causal_attention(net: Network) -> Any:
    n, a, i, h = net.indices("n:N a:T i:D h:H")
    return layers.attention(net, "y", net.input("x", n, a, i), (n, a, i), h, causal=True, bias=True)


@case(lambda torch, v: _attention(torch, v, "c", attn_mask=v["m"] > 0), m=seen)
def masked_attention_to_a_context(net: Network) -> Any:
    n, a, b, i, h = net.indices("n:N a:T b:M i:D h:H")
    m = net.constant("m", n, a, b)
    context = {"context": net.input("c", n, b, i), "context_position": b}
    return layers.attention(net, "y", net.input("x", n, a, i), (n, a, i), h, mask=lambda a, b: m[n, a, b], bias=True, **context)


def _multi_head(torch: Any, v: Values, **options: Any) -> Any:
    def part(letter: str) -> Any:
        projected = torch.einsum("nai,gih->ngah", v["x"], v[f"y_W{letter}"])
        return projected + v[f"y_b{letter}"][:, None, :] if f"y_b{letter}" in v else projected

    heads = torch.nn.functional.scaled_dot_product_attention(part("Q"), part("K"), part("V"), **options)
    return torch.einsum("ngah,gho->nao", heads, v["y_WO"]) + v.get("y_bO", 0.0)


@case(_multi_head)
def multi_head_attention(net: Network) -> Any:
    n, a, i, g, h = net.indices("n:N a:T i:D g:G h:H")
    return layers.multi_head_attention(net, "y", net.input("x", n, a, i), (n, a, i), g, h, bias=True)


@case(lambda torch, v: _multi_head(torch, v, is_causal=True))
def causal_multi_head_attention(net: Network) -> Any:
    n, a, i, g, h = net.indices("n:N a:T i:D g:G h:H")
    return layers.multi_head_attention(net, "y", net.input("x", n, a, i), (n, a, i), g, h, causal=True)


# ---- over time ------------------------------------------------------------------------------------------------------------


def _gate(v: Values, gate: str, x: Any, h: Any) -> Any:
    return x @ v[f"y_W{gate}"] + h @ v[f"y_U{gate}"] + v[f"y_b{gate}"]


def _steps(torch: Any, v: Values, step: Callable[[Any, Any], Any], start: Any, reverse: bool = False) -> tuple[Any, ...]:
    order = range(v["x"].shape[1])
    states, state = {}, start
    for t in reversed(order) if reverse else order:
        state = step(v["x"][:, t], state)
        states[t] = state
    return tuple(states[t] for t in order)


def _rnn(torch: Any, v: Values, **options: Any) -> tuple[Any, ...]:
    return _steps(torch, v, lambda x, h: torch.tanh(_gate(v, "", x, h)), v["h"], **options)


def _gru_step(torch: Any, v: Values, x: Any, h: Any) -> Any:
    z, r = (torch.sigmoid(_gate(v, gate, x, h)) for gate in "zr")
    return (1 - z) * h + z * torch.tanh(_gate(v, "n", x, r * h))


def _lstm(torch: Any, v: Values) -> tuple[Any, ...]:
    weight = torch.cat([v[f"y_W{gate}"].T for gate in "ifgo"])
    recurrent = torch.cat([v[f"y_U{gate}"].T for gate in "ifgo"])
    bias = torch.cat([v[f"y_b{gate}"] for gate in "ifgo"])
    both, outputs = (v["h"], v["c"]), []
    for t in range(v["x"].shape[1]):
        both = torch.lstm_cell(v["x"][:, t], both, weight, recurrent, bias)
        outputs.append(both[0])
    return tuple(outputs)


@case(_rnn)
def rnn(net: Network) -> Any:
    n, t, i, j, _ = net.indices("n:N t:3 i:D j:H m:H")
    return layers.rnn(net, "y", net.input("x", n, t, i), (n, t, i), j, net.input("h", n, j))


@case(lambda torch, v: _steps(torch, v, lambda x, h: _gru_step(torch, v, x, h), v["h"]))
def gru(net: Network) -> Any:
    n, t, i, j = net.indices("n:N t:2 i:D j:H")
    return layers.gru(net, "y", net.input("x", n, t, i), (n, t, i), j, net.input("h", n, j))


@case(_lstm)
def lstm(net: Network) -> Any:
    n, t, i, j = net.indices("n:N t:3 i:D j:H")
    return layers.lstm(net, "y", net.input("x", n, t, i), (n, t, i), j, net.input("h", n, j), net.input("c", n, j))


def _both_ways(torch: Any, v: Values) -> tuple[Any, ...]:
    behind = {name.replace("z_", "y_"): value for name, value in v.items() if not name.startswith("y_")}
    return tuple(torch.stack(pair, 1) for pair in zip(_rnn(torch, v), _rnn(torch, behind, reverse=True), strict=True))


@case(_both_ways)
def bidirectional(net: Network) -> Any:
    n, t, i, j, d = net.indices("n:N t:3 i:D j:H d:2")
    x, h = net.input("x", n, t, i), net.input("h", n, j)
    ahead, behind = (layers.rnn(net, name, x, (n, t, i), j, h, reverse=name == "z") for name in "yz")
    return layers.bidirectional(net, "b", ahead, behind, (n, j), d)


# ---- losses ---------------------------------------------------------------------------------------------------------------


def pair(net: Network) -> tuple[Any, Any, Any]:
    """Declare predictions and targets of N samples."""
    n, k = net.indices("n:N k:K")
    return net.input("y", n, k), net.target("t", n, k), (n, k)


@case(lambda torch, v: ((v["y"] - v["t"]) ** 2).sum() / len(v["y"]))
def mean_squared_error(net: Network) -> Any:
    return layers.mean_squared_error(net, "E", *pair(net))


@case(lambda torch, v: torch.nn.functional.mse_loss(v["y"], v["t"]))
def mean_squared_error_of_all_entries(net: Network) -> Any:
    y, t, at = pair(net)
    return layers.mean_squared_error(net, "E", y, t, at, mean=at)


@case(lambda torch, v: torch.nn.functional.l1_loss(v["y"], v["t"], reduction="sum") / len(v["y"]))
def mean_absolute_error(net: Network) -> Any:
    return layers.mean_absolute_error(net, "E", *pair(net))


@case(lambda torch, v: torch.nn.functional.huber_loss(v["y"], v["t"], reduction="sum", delta=0.7) / len(v["y"]))
def huber_loss(net: Network) -> Any:
    return layers.huber_loss(net, "E", *pair(net), delta=0.7)


@case(lambda torch, v: torch.relu(1 - v["t"] * v["y"]).mean(), t=sign)
def hinge_loss(net: Network) -> Any:
    (n,) = net.indices("n:N")
    return layers.hinge_loss(net, "E", net.input("y", n), net.target("t", n), (n,), mean=(n,))


@case(
    lambda torch, v: torch.nn.functional.multi_margin_loss(v["s"], v["y"].long(), margin=0.5) * v["s"].shape[1],
    y=classes("K"),
)
def multiclass_hinge_loss(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    return layers.multiclass_hinge_loss(net, "E", net.input("s", n, k), net.target("y", n), (n, k), margin=0.5)


@case(lambda torch, v: torch.nn.functional.cross_entropy(v["x"], v["t"]), t=distribution)
def cross_entropy(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    p = layers.softmax(net, "p", net.input("x", n, k), (n, k))
    return layers.cross_entropy(net, "E", p, net.target("t", n, k), (n, k))


@case(lambda torch, v: torch.nn.functional.cross_entropy(v["x"], v["y"].long()), y=classes("K"))
def cross_entropy_of_labels(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    log_p = layers.log_softmax(net, "q", net.input("x", n, k), (n, k))
    return layers.cross_entropy_of_labels(net, "E", log_p, net.target("y", n), (n, k))


@case(
    lambda torch, v: torch.nn.functional.binary_cross_entropy(v["y"], v["t"], reduction="sum") / len(v["y"]),
    y=probability,
    t=probability,
)
def binary_cross_entropy(net: Network) -> Any:
    return layers.binary_cross_entropy(net, "E", *pair(net))


@case(
    lambda torch, v: torch.nn.functional.binary_cross_entropy_with_logits(v["y"], v["t"], reduction="sum") / len(v["y"]),
    t=probability,
)
def binary_cross_entropy_with_logits(net: Network) -> Any:
    return layers.binary_cross_entropy_with_logits(net, "E", *pair(net))


def _focal(torch: Any, v: Values) -> Any:
    right = torch.where(v["t"] > 0.5, v["y"], 1 - v["y"])
    return -((1 - right) ** 2 * torch.log(right)).sum() / len(v["y"])


@case(_focal, y=probability, t=zero_or_one)
def focal_loss(net: Network) -> Any:
    return layers.focal_loss(net, "E", *pair(net))


@case(
    lambda torch, v: torch.nn.functional.kl_div(torch.log(v["q"]), v["p"], reduction="batchmean"), p=distribution, q=distribution
)
def kl_divergence(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    return layers.kl_divergence(net, "E", net.input("p", n, k), net.input("q", n, k), (n, k))


def _gaussian_kl(torch: Any, v: Values) -> Any:
    normal = torch.distributions.Normal
    own = normal(v["m"], torch.exp(v["v"] / 2))
    return torch.distributions.kl_divergence(own, normal(0.0, 1.0)).sum() / len(v["m"])


@case(_gaussian_kl)
def gaussian_kl_divergence(net: Network) -> Any:
    n, k = net.indices("n:N k:H")
    return layers.gaussian_kl_divergence(net, "E", net.input("m", n, k), net.input("v", n, k), (n, k))


def _contrastive(torch: Any, v: Values) -> Any:
    distance = torch.linalg.norm(v["a"] - v["b"], dim=1)
    return (v["s"] * distance**2 + (1 - v["s"]) * torch.clamp(2 - distance, min=0) ** 2).mean()


@case(_contrastive, s=zero_or_one)
def contrastive_loss(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    a, b, s = net.input("a", n, k), net.input("b", n, k), net.target("s", n)
    return layers.contrastive_loss(net, "E", a, b, s, (n, k), margin=2)


def _triplet(torch: Any, v: Values) -> Any:
    near, far = (((v["a"] - v[other]) ** 2).sum(1) for other in ("p", "q"))
    return torch.relu(near - far + 0.25).mean()


@case(_triplet)
def triplet_loss(net: Network) -> Any:
    n, k = net.indices("n:N k:K")
    a, p, q = (net.input(name, n, k) for name in "apq")
    return layers.triplet_loss(net, "E", a, p, q, (n, k), margin=0.25)


@case(
    lambda torch, v: torch.relu(v["x"] @ v["y_W"] + v["y_b"]).sum() + v["y_W"].abs().sum() / 10 + 0.3 / 2 * (v["y_W"] ** 2).sum()
)
def penalties(net: Network) -> Any:
    n, i, j = net.indices("n:N i:D j:K")
    y = layers.dense(net, "y", net.input("x", n, i), (n, i), j, activation=relu)
    W = net.node("y_W").symbol
    ridge, lasso = layers.l2_penalty(net, "ridge", W, (i, j), 0.3), layers.l1_penalty(net, "lasso", W, (i, j), 0.1)
    return net.define("E", Sum(y[n, j], n, j) + ridge + lasso)
