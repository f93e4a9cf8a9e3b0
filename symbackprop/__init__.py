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

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sympy import Sum

    from symbackprop.api import Derivation, Gradient, derive, read
    from symbackprop.capturing.capture import capture
    from symbackprop.capturing.explain import explain
    from symbackprop.errors import NotSupportedError, SymbackpropError, UserError
    from symbackprop.formula.notation.notation import Notation
    from symbackprop.functions import (
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
    from symbackprop.network import Network
    from symbackprop.numeric import evaluate, train
    from symbackprop.proofreading.proofread import proofread
    from symbackprop.verify.check import check_gradient
    from symbackprop.verify.layer import check_layer

__version__ = "0.2.0"
__all__ = [
    "Derivation",
    "Gradient",
    "Network",
    "NotSupportedError",
    "Notation",
    "Sum",
    "SymbackpropError",
    "UserError",
    "capture",
    "check_gradient",
    "check_layer",
    "derive",
    "elu",
    "evaluate",
    "explain",
    "gelu",
    "gelu_tanh",
    "leaky_relu",
    "maximum",
    "minimum",
    "proofread",
    "read",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "square",
    "step",
    "train",
]

#: Where each name comes from. All are loaded at their first use: who asks for help or a version waits for no mathematics, who
#: derives or prints does not wait for what checks.
_FROM = {
    "symbackprop.api": "Derivation Gradient Network derive read",
    "symbackprop.capturing.capture": "capture",
    "symbackprop.capturing.explain": "explain",
    "symbackprop.errors": "NotSupportedError SymbackpropError UserError",
    "symbackprop.formula.notation.notation": "Notation",
    "symbackprop.functions": "elu gelu gelu_tanh leaky_relu maximum minimum relu sigmoid silu softplus square step",
    "symbackprop.notebook": "load_ipython_extension",
    "symbackprop.numeric": "evaluate train",
    "symbackprop.proofreading.proofread": "proofread",
    "symbackprop.verify.check": "check_gradient",
    "symbackprop.verify.layer": "check_layer",
    "sympy": "Sum",
}
_MODULES = {name: module for module, names in _FROM.items() for name in names.split()}


class _Package(ModuleType):
    """The package: what is exported keeps its name, also where a sub-package is called the same (`derive`)."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        module = _MODULES.get(name, "symbackprop.functions")  # every elementary function, too: arctan, mish, selu …
        found = import_module(module) if not name.startswith("_") else None
        if found is None or (name not in _MODULES and name not in getattr(found, "__all__", ())) or not hasattr(found, name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(found, name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *_MODULES})


sys.modules[__name__].__class__ = _Package
