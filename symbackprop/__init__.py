"""Write a network once; get its backpropagation derived, typeset, running — and checked.

from symbackprop import Network, derive, check_gradient, sigmoid

net = Network("one neuron")
x, w, t = net.input("x", value=2), net.parameter("w", value=0.5), net.target("t", value=1)
out = net.define("out", sigmoid(w * x))
E = net.define("E", (t - out) ** 2 / 2)

d = derive(net, E)
d["w"].latex(steps="standard")      # the derivation, in named intermediates
loss, gradients = d.function()(x=2, w=0.5, t=1)
report = check_gradient(d, hand)    # proved, agrees, or differs: why, where, and what mends it
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sympy import Sum

from symbackprop.api import Derivation, Gradient, derive
from symbackprop.errors import NotSupportedError, SymbackpropError, UserError
from symbackprop.formula.notation import Notation
from symbackprop.network import (
    Network,
    elu,
    gelu,
    gelu_tanh,
    leaky_relu,
    maximum,
    minimum,
    relu,
    sigmoid,
    silu,
    softplus,
    square,
    step,
)
from symbackprop.numeric import evaluate, train

if TYPE_CHECKING:
    from symbackprop.verify.check import check_gradient

__all__ = [
    "Derivation",
    "Gradient",
    "Network",
    "NotSupportedError",
    "Notation",
    "Sum",
    "SymbackpropError",
    "UserError",
    "check_gradient",
    "derive",
    "elu",
    "evaluate",
    "gelu",
    "gelu_tanh",
    "leaky_relu",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "square",
    "step",
    "train",
]

#: What is loaded at its first use, and the module it comes from: whoever derives or prints does not wait for what checks.
_LATER = {"check_gradient": "symbackprop.verify.check"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
