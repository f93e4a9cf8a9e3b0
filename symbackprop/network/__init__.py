"""What is differentiated: nodes, roles, indices and shapes, elementary functions."""

from symbackprop.functions import (
    ELEMENTARY,
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
from symbackprop.network.model import Network
from symbackprop.network.node import Fact, Node, Role

__all__ = [
    "ELEMENTARY",
    "Fact",
    "Network",
    "Node",
    "Role",
    "elu",
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
]
