"""Random stacks of layers under a random loss, with the same in torch: one seed, one stack.

    python -m tests.layers.stacks --count 300 --seed 0     compares values and all gradients; ends with 1 where two disagree

Every axis has a size of its own, between 1 and 5. What flows is flat (N, D), a sequence (N, T, D), channels (N, C, T) or an image
(N, C, R, S); a layer takes one kind and gives one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from flint import arb
from sympy import Idx, Rational, Sum, tanh

from symbackprop import derive, layers, relu, sigmoid
from symbackprop.functions import elu, gelu, leaky_relu, silu, softplus
from symbackprop.network import Network, Role
from symbackprop.network.indices import index_size, size_symbol
from symbackprop.numeric import function
from tests.derive.interpreter import check_gradients

Torch = Any
Values = dict[str, Any]
Step = Callable[[Torch, Values, Any], Any]
EPSILON = Rational(1, 1000)
FLAT, SEQUENCE, CHANNELS, IMAGE = "flat", "sequence", "channels", "image"

ACTIVATIONS: dict[str, tuple[Any, Callable[[Torch, Any], Any]]] = {
    "tanh": (tanh, lambda torch, x: torch.tanh(x)),
    "sigmoid": (sigmoid, lambda torch, x: torch.sigmoid(x)),
    "relu": (relu, lambda torch, x: torch.relu(x)),
    "softplus": (softplus, lambda torch, x: torch.nn.functional.softplus(x, threshold=700)),
    "silu": (silu, lambda torch, x: torch.nn.functional.silu(x)),
    "gelu": (gelu, lambda torch, x: torch.nn.functional.gelu(x)),
    "elu": (lambda x: elu(x, 1), lambda torch, x: torch.nn.functional.elu(x)),
    "leaky": (lambda x: leaky_relu(x, Rational(1, 10)), lambda torch, x: torch.nn.functional.leaky_relu(x, 0.1)),
    "none": (None, lambda torch, x: x),
}


@dataclass
class Stack:
    """A network in the making, beside the steps that do the same to tensors."""

    seed: int
    rng: Random = field(init=False)
    net: Network = field(init=False)
    sizes: dict[str, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    draws: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Any]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    x: Any = None
    at: tuple[Any, ...] = ()
    kind: str = FLAT

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.net = Network(f"stack {self.seed}")

    # ---- axes ----------------------------------------------------------------------------------------------------------

    def axis(self, low: int = 1, high: int = 4) -> Idx:
        """Declare an index with a size symbol of its own."""
        number = len(self.sizes)
        self.sizes[f"S{number}"] = 1 if self.rng.random() < 0.15 and low == 1 else self.rng.randint(low, high)
        return self.over(f"S{number}")

    def over(self, size: str) -> Idx:
        """Declare an index of a size."""
        number = len(self.net.declared_indices)
        return self.net.indices(f"at{number}:{size}")[0]

    def text(self, index: Idx) -> str:
        return "(" + str(index_size(index)).replace(" ", "") + ")"

    def length(self, index: Idx) -> int:
        """Return the size of an index as a number."""
        return int(index_size(index).xreplace({size_symbol(name): size for name, size in self.sizes.items()}))

    def array(self, role: str, name: str, *indices: Idx, draw: Any = None) -> Any:
        """Declare an array, with what its values are drawn by."""
        if draw is not None:
            self.draws[name] = draw
        return getattr(self.net, role)(name, *indices)

    # ---- layers --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        kind = self.kind = self.rng.choice((FLAT, SEQUENCE, SEQUENCE, CHANNELS, CHANNELS, IMAGE))
        n = self.axis()
        if kind == SEQUENCE and self.rng.random() < 0.4:
            t, word, d = self.axis(), self.axis(2, 5), self.axis()
            ids = self.array("input", "ids", n, t, draw=classes(self.length(word)))
            self.x, self.at = layers.embedding(self.net, "emb", ids, (n, t), word, d), (n, t, d)
            self.steps.append(lambda torch, v, x: torch.nn.functional.embedding(v["ids"].long(), v["emb_W"]))
            self.said.append("embedding")
            return
        rest = {FLAT: 1, SEQUENCE: 2, CHANNELS: 2, IMAGE: 3}[kind]
        indices = [n, *(self.axis() for _ in range(rest))]
        if kind == SEQUENCE and self.rng.random() < 0.5:  # so that there may be steps in time
            indices[1] = self.over(str(self.rng.randint(1, 3)))
        self.x, self.at = self.array("input", "x", *indices), tuple(indices)
        self.steps.append(lambda torch, v, x: v["x"])

    def put(self, what: str, made: Any, at: tuple[Any, ...], step: Step, kind: str = "") -> None:
        """Take note of a layer and of what it does to a tensor."""
        self.x, self.at, self.kind = made, at, kind or self.kind
        self.steps.append(step)
        self.said.append(what)

    def name(self) -> str:
        return f"h{len(self.steps)}"

    def activation(self) -> tuple[Any, Callable[[Torch, Any], Any]]:
        return ACTIVATIONS[self.rng.choice(list(ACTIVATIONS))]

    def dense(self) -> None:
        name, (ours, theirs), unit = self.name(), self.activation(), self.axis()
        bias = self.rng.random() < 0.8
        made = layers.dense(self.net, name, self.x, self.at, unit, ours, bias)
        self.put("dense", made, (*self.at[:-1], unit),
                 lambda torch, v, x: theirs(torch, x @ v[f"{name}_W"] + (v[f"{name}_b"] if bias else 0.0)))  # fmt: skip

    def residual(self) -> None:
        name, (ours, theirs) = self.name(), self.activation()
        unit = self.over(self.text(self.at[-1]))
        inner = layers.dense(self.net, f"{name}_in", self.x, self.at, unit, ours)
        made = layers.residual(self.net, name, self.x, inner, self.at)
        self.put("residual", made, self.at,
                 lambda torch, v, x: x + theirs(torch, x @ v[f"{name}_in_W"] + v[f"{name}_in_b"]))  # fmt: skip

    def layer_norm(self) -> None:
        name = self.name()
        made = layers.layer_norm(self.net, name, self.x, self.at, EPSILON)
        self.put("layer norm", made, self.at, lambda torch, v, x: torch.nn.functional.layer_norm(
            x, x.shape[-1:], v[f"{name}_gamma"], v[f"{name}_beta"], 1e-3))  # fmt: skip

    def rms_norm(self) -> None:
        name = self.name()
        made = layers.rms_norm(self.net, name, self.x, self.at, EPSILON)
        self.put("rms norm", made, self.at, lambda torch, v, x: torch.nn.functional.rms_norm(
            x, x.shape[-1:], v[f"{name}_gamma"], 1e-3))  # fmt: skip

    def batch_norm(self) -> None:
        name, channel = self.name(), 1 if self.kind in (CHANNELS, IMAGE) else len(self.at) - 1
        made = layers.batch_norm(self.net, name, self.x, self.at, EPSILON, channel=channel)

        def step(torch: Torch, v: Values, x: Any) -> Any:
            over = [axis for axis in range(x.ndim) if axis != channel]
            shape = [-1 if axis == channel else 1 for axis in range(x.ndim)]
            centred = x - x.mean(over, keepdim=True)
            hat = centred / torch.sqrt((centred**2).mean(over, keepdim=True) + 1e-3)
            return hat * v[f"{name}_gamma"].reshape(shape) + v[f"{name}_beta"].reshape(shape)

        self.put("batch norm", made, self.at, step)

    def dropout(self) -> None:
        name = self.name()
        mask = self.array("constant", f"{name}_m", *self.at, draw=classes(2))
        made = layers.dropout(self.net, name, self.x, self.at, mask, 0.5)
        self.put("dropout", made, self.at, lambda torch, v, x: v[f"{name}_m"] * x / 0.5)

    def softmax(self) -> None:
        name, of = self.name(), self.rng.choice(("softmax", "log_softmax"))
        made = getattr(layers, of)(self.net, name, self.x, self.at)
        self.put(of, made, self.at, lambda torch, v, x: getattr(torch, of)(x, -1))

    def attention(self) -> None:
        name, head, causal, bias = self.name(), self.axis(), self.rng.random() < 0.5, self.rng.random() < 0.5
        made = layers.attention(self.net, name, self.x, self.at, head, causal=causal, bias=bias)

        def step(torch: Torch, v: Values, x: Any) -> Any:
            parts = (x @ v[f"{name}_W{part}"] + (v[f"{name}_b{part}"] if bias else 0.0) for part in "QKV")
            return torch.nn.functional.scaled_dot_product_attention(*parts, is_causal=causal)

        self.put("causal attention" if causal else "attention", made, (*self.at[:-1], head), step)

    def heads(self) -> None:
        name, heads, head, causal = self.name(), self.axis(1, 3), self.axis(1, 3), self.rng.random() < 0.5
        made = layers.multi_head_attention(self.net, name, self.x, self.at, heads, head, causal=causal, bias=True)

        def step(torch: Torch, v: Values, x: Any) -> Any:
            def part(letter: str) -> Any:
                return torch.einsum("nai,gih->ngah", x, v[f"{name}_W{letter}"]) + v[f"{name}_b{letter}"][:, None, :]

            seen = torch.nn.functional.scaled_dot_product_attention(part("Q"), part("K"), part("V"), is_causal=causal)
            return torch.einsum("ngah,gho->nao", seen, v[f"{name}_WO"]) + v[f"{name}_bO"]

        self.put("several heads", made, self.at, step)

    def over_time(self) -> None:
        """A recurrent layer, and the sum of its outputs."""
        n, t, _ = self.at
        if not index_size(t).is_Integer:
            return self.mean_over_time()
        cell = self.rng.choice(("rnn", "gru", "lstm"))
        name, unit, reverse = self.name(), self.axis(), self.rng.random() < 0.3
        states = [self.array("input", f"{name}_{state}0", n, unit) for state in ("h", "c")[: 2 if cell == "lstm" else 1]]
        outputs = getattr(layers, cell)(self.net, name, self.x, self.at, unit, *states, reverse=reverse)
        made = self.net.define(f"{name}_all", n, unit, sum(h[n, unit] * (at + 1) for at, h in enumerate(outputs)))
        self.put(cell, made, (n, unit), lambda torch, v, x: _recurrent(torch, v, x, name, cell, reverse), FLAT)
        return None

    def mean_over_time(self) -> None:
        n, t, d = self.at
        made = self.net.define(self.name(), n, d, Sum(self.x[n, t, d], t) / index_size(t))
        self.put("mean over time", made, (n, d), lambda torch, v, x: x.mean(1), FLAT)

    def convolved(self) -> None:
        name, (ours, theirs) = self.name(), self.activation()
        space, out = self.at[2:], self.axis()
        stride, dilation, padding = self.rng.choice((1, 1, 2)), self.rng.choice((1, 1, 2)), self.rng.choice((0, 0, 1, 2))
        if stride > 1:
            return self.spread()
        offsets, at = [], []
        for index in space:
            reach = self.length(index) + 2 * padding
            width = self.rng.randint(1, max(1, min(3, (reach - 1) // dilation + 1)))
            self.sizes[f"F{len(self.sizes)}"] = width
            filter_size = f"F{len(self.sizes) - 1}"
            offsets.append(self.over(filter_size))
            at.append(self.over(f"{self.text(index)}+{2 * padding}-{dilation}*({filter_size}-1)"))
        call = layers.conv1d if len(space) == 1 else layers.conv2d
        places = (at[0], offsets[0]) if len(space) == 1 else (tuple(at), tuple(offsets))
        made = call(self.net, name, self.x, self.at, out, *places, ours, dilation=dilation, padding=padding)
        conv = f"conv{len(space)}d"
        self.put(conv, made, (self.at[0], out, *at), lambda torch, v, x: theirs(torch, getattr(torch.nn.functional, conv)(
            x, v[f"{name}_W"], v[f"{name}_b"], dilation=dilation, padding=padding)))  # fmt: skip
        return None

    def spread(self) -> None:
        """A transposed convolution."""
        name, (ours, theirs), space, out = self.name(), self.activation(), self.at[2:], self.axis()
        stride = self.rng.choice((1, 2, 3))
        offsets, at = [], []
        for index in space:
            self.sizes[f"F{len(self.sizes)}"] = self.rng.randint(1, 3)
            offsets.append(self.over(f"F{len(self.sizes) - 1}"))
            at.append(self.over(f"{stride}*({self.text(index)}-1)+F{len(self.sizes) - 1}"))
        call = layers.transposed_conv1d if len(space) == 1 else layers.transposed_conv2d
        places = (at[0], offsets[0]) if len(space) == 1 else (tuple(at), tuple(offsets))
        made = call(self.net, name, self.x, self.at, out, *places, ours, stride=stride)
        conv = f"conv_transpose{len(space)}d"
        self.put(f"transposed {conv[-2:]}", made, (self.at[0], out, *at), lambda torch, v, x: theirs(torch, getattr(
            torch.nn.functional, conv)(x, v[f"{name}_W"], v[f"{name}_b"], stride=stride)))  # fmt: skip

    def pooled(self) -> None:
        name, space, width, stride = self.name(), self.at[2:], self.rng.choice((1, 2)), 1
        if any(self.length(index) < width for index in space):
            return self.group_norm()
        kind = self.rng.choice(("max", "average"))
        offsets = [self.over(str(width)) for _ in space]
        at = [self.over(f"{self.text(index)}-{width}+1") for index in space]
        call = getattr(layers, f"{kind}_pool{len(space)}d")
        places = (at[0], offsets[0]) if len(space) == 1 else (tuple(at), tuple(offsets))
        made = call(self.net, name, self.x, self.at, *places, stride=stride)
        theirs = f"{'max' if kind == 'max' else 'avg'}_pool{len(space)}d"
        self.put(theirs, made, (*self.at[:2], *at), lambda torch, v, x: getattr(torch.nn.functional, theirs)(x, width, stride))
        return None

    def group_norm(self) -> None:
        name, groups = self.name(), self.axis(1, 2)
        n, k, *space = self.at
        length = self.text(k)
        c = self.over(length)
        wide = self.over(f"{self.text(groups)}*{length}")
        W = self.array("parameter", f"{name}_mix", k, wide)
        mixed = self.net.define(f"{name}_in", n, wide, *space, Sum(self.x[(n, k, *space)] * W[k, wide], k))
        made = layers.group_norm(self.net, name, mixed, (n, wide, *space), EPSILON, groups=(groups, c))
        number = self.length(groups)

        def step(torch: Torch, v: Values, x: Any) -> Any:
            mixed = torch.einsum("nk...,kw->nw...", x, v[f"{name}_mix"])
            apart = mixed.reshape(len(mixed), number, -1)
            hat = torch.nn.functional.layer_norm(apart, apart.shape[2:], eps=1e-3).reshape(mixed.shape)
            shape = (-1, *[1] * (x.ndim - 2))
            return hat * v[f"{name}_gamma"].reshape(shape) + v[f"{name}_beta"].reshape(shape)

        self.put("group norm", made, (n, wide, *space), step)

    def flattened(self) -> None:
        n, *rest = self.at
        k = self.over("*".join(map(self.text, rest)))
        made = layers.flatten(self.net, self.name(), self.x, self.at, tuple(rest), k)
        self.put("flatten", made, (n, k), lambda torch, v, x: x.reshape(len(x), -1), FLAT)

    def layer(self) -> None:
        """Add a layer that takes what there is."""
        flat = (
            self.dense,
            self.dense,
            self.residual,
            self.layer_norm,
            self.rms_norm,
            self.batch_norm,
            self.dropout,
            self.softmax,
        )
        more = {
            FLAT: (),
            SEQUENCE: (self.attention, self.heads, self.over_time, self.over_time, self.mean_over_time),
            CHANNELS: (self.convolved, self.spread, self.pooled, self.group_norm),
            IMAGE: (self.convolved, self.spread, self.pooled, self.group_norm),
        }[self.kind]
        spatial = (self.batch_norm, self.dropout, self.flattened)
        self.rng.choice((*(spatial if self.kind in (CHANNELS, IMAGE) else flat), *more, *more))()

    # ---- the loss ------------------------------------------------------------------------------------------------------

    def loss(self) -> Callable[[Torch, Values, Any], Any]:
        """Define the loss E; returns the same of the last tensor."""
        if self.kind in (CHANNELS, IMAGE):
            self.flattened()
        if self.kind == SEQUENCE:
            self.mean_over_time()
        n, k = self.at
        functional = lambda torch: torch.nn.functional  # noqa: E731
        t = "t"
        count = self.length(k)
        choice = self.rng.randrange(8)
        self.said.append(f"loss {choice}")
        if choice == 0:
            layers.mean_squared_error(self.net, "E", self.x, self.array("target", t, n, k), (n, k))
            return lambda torch, v, x: ((x - v[t]) ** 2).sum() / len(x)
        if choice == 1:
            layers.mean_absolute_error(self.net, "E", self.x, self.array("target", t, n, k), (n, k))
            return lambda torch, v, x: (x - v[t]).abs().sum() / len(x)
        if choice == 2:
            layers.huber_loss(self.net, "E", self.x, self.array("target", t, n, k), (n, k))
            return lambda torch, v, x: functional(torch).huber_loss(x, v[t], reduction="sum") / len(x)
        if choice == 3:
            p = layers.softmax(self.net, "p", self.x, (n, k))
            layers.cross_entropy(self.net, "E", p, self.array("target", t, n, k, draw=one_hot), (n, k))
            return lambda torch, v, x: functional(torch).cross_entropy(x, v[t])
        if choice == 4:
            q = layers.log_softmax(self.net, "q", self.x, (n, k))
            layers.cross_entropy_of_labels(self.net, "E", q, self.array("target", t, n, draw=classes(count)), (n, k))
            return lambda torch, v, x: functional(torch).cross_entropy(x, v[t].long())
        if choice == 5:
            layers.binary_cross_entropy_with_logits(self.net, "E", self.x, self.array("target", t, n, k, draw=classes(2)), (n, k))
            return lambda torch, v, x: functional(torch).binary_cross_entropy_with_logits(x, v[t], reduction="sum") / len(x)
        if choice == 6:
            layers.multiclass_hinge_loss(self.net, "E", self.x, self.array("target", t, n, draw=classes(count)), (n, k))
            return lambda torch, v, x: functional(torch).multi_margin_loss(x, v[t].long(), reduction="sum") * count / len(x)
        p = layers.softmax(self.net, "p", self.x, (n, k))
        layers.kl_divergence(self.net, "E", self.array("target", t, n, k, draw=distributions), p, (n, k))
        return lambda torch, v, x: functional(torch).kl_div(torch.log_softmax(x, -1), v[t], reduction="sum") / len(x)


def _recurrent(torch: Torch, v: Values, x: Any, name: str, cell: str, reverse: bool) -> Any:
    def gate(letter: str, x: Any, h: Any) -> Any:
        return x @ v[f"{name}_W{letter}"] + h @ v[f"{name}_U{letter}"] + v[f"{name}_b{letter}"]

    h, c, total = v[f"{name}_h0"], v.get(f"{name}_c0"), 0.0
    order = range(x.shape[1])
    for at in reversed(order) if reverse else order:
        now = x[:, at]
        if cell == "rnn":
            h = torch.tanh(gate("", now, h))
        elif cell == "gru":
            z, r = torch.sigmoid(gate("z", now, h)), torch.sigmoid(gate("r", now, h))
            h = (1 - z) * h + z * torch.tanh(gate("n", now, r * h))
        else:
            i, f, o = (torch.sigmoid(gate(letter, now, h)) for letter in "ifo")
            c = f * c + i * torch.tanh(gate("g", now, h))
            h = o * torch.tanh(c)
        total = total + h * (at + 1)
    return total


def classes(count: int) -> Callable[[np.random.Generator, tuple[int, ...]], Any]:
    return lambda rng, shape: rng.integers(0, count, size=shape).astype(float)


def one_hot(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return np.eye(shape[-1])[rng.integers(0, shape[-1], size=shape[0])]


def distributions(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    drawn = rng.uniform(0.2, 1, size=shape)
    return drawn / drawn.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Made:
    """A stack with its loss, and the same of tensors."""

    stack: Stack
    loss: Callable[[Torch, Values, Any], Any]

    @property
    def names(self) -> list[str]:
        """What gradients are compared for: parameters and inputs that are no places."""
        nodes = self.stack.net.nodes.values()
        return [node.name for node in nodes if node.role in (Role.PARAMETER, Role.INPUT) and node.name != "ids"]

    def values(self) -> Values:
        """Return random values of what is declared."""
        rng = np.random.default_rng(self.stack.seed)
        found = {}
        for node in self.stack.net.nodes.values():
            if not node.defined:
                shape = tuple(self.stack.length(index) for index in node.indices)
                draw = self.stack.draws.get(node.name)
                found[node.name] = rng.normal(size=shape) if draw is None else draw(rng, shape)
        return found


def made(seed: int) -> Made:
    """Return stack number `seed`: two to four layers under a loss."""
    stack = Stack(seed)
    stack.start()
    for _ in range(stack.rng.randint(2, 4)):
        stack.layer()
    return Made(stack, stack.loss())


def against_torch(torch: Torch, found: Made) -> list[str]:
    """Return what differs between the generated source and torch: the loss, or a gradient."""
    values, names = found.values(), found.names
    run = function(derive(found.stack.net, "E", names))
    loss, gradients = run(**{name: values[name] for name in run.arguments})
    tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=name in names) for name, value in values.items()}
    x: Any = None
    for step in found.stack.steps:
        x = step(torch, tensors, x)
    expected = found.loss(torch, tensors, x)
    wrong = [] if abs(loss - float(expected.detach())) <= 1e-9 * max(1.0, abs(loss)) else [f"loss {loss}, not {float(expected)}"]
    judged = torch.autograd.grad(expected, [tensors[name] for name in names], allow_unused=True)
    scale = max([1.0, *(float(gradient.abs().max()) for gradient in judged if gradient is not None)])
    for name, gradient in zip(names, judged, strict=True):
        true = np.zeros(np.shape(values[name])) if gradient is None else gradient.numpy()
        gap = np.max(np.abs(gradients[name] - true)) if np.shape(gradients[name]) == true.shape else np.inf
        if not gap <= 1e-9 * scale:
            wrong.append(f"{name} is off by {gap:.3g} of {scale:.3g}")
    return wrong


def against_differences(found: Made) -> None:
    """Assert that every adjoint is the difference quotient of the definitions, in 200 bits."""
    tables = {
        name: {place: arb(np.asarray(value)[place].item()) for place in np.ndindex(np.shape(value))}
        for name, value in found.values().items()
    }
    check_gradients(derive(found.stack.net, "E"), found.stack.sizes, found.stack.seed, tolerance=1e-20, given=tables)


def main() -> int:
    """Compare stacks and print what disagrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.layers.stacks", description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--differences", action="store_true", help="against 200-bit differences, not torch")
    given = parser.parse_args()
    wrong = 0
    for seed in range(given.seed, given.seed + given.count):
        said = ""
        try:
            found = made(seed)
            said = ", ".join(found.stack.said)
            if given.differences:
                against_differences(found)
                failures = []
            else:
                import torch

                failures = against_torch(torch, found)
        except Exception as error:
            failures = [f"{type(error).__name__}: {error}"]
        for failure in failures:
            wrong += 1
            print(f"stack {seed} ({said}): {failure}", flush=True)
    print(f"{given.count} stacks from {given.seed}: {wrong} disagreements", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
