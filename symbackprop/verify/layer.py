"""`check_layer`: a layer is checked as a layer: `backward(dout)` is the gradient of Σ forward(x)·dout.

Nothing has to be written for it. A layer is an object with a forward and a backward method under any usual name, a pair of
functions with or without a cache, a function and its derivative, or a function that returns its loss and its gradients. Which
parameters it has, and where their gradients are left (`dW` beside `W`, `grads["W"]`, `grads[0]`, the weights themselves after a
step, what is returned), is seen in one run; then `check_gradient` compares.
"""

from __future__ import annotations

from typing import Any

from symbackprop.verify.check import check_passes
from symbackprop.verify.passes.comparison import comparison
from symbackprop.verify.passes.passes import passes_of
from symbackprop.verify.report.report import Report


def check_layer(layer: Any, *given: Any, seed: int = 0, explain: bool = True, repair: bool = True, **parameters: Any) -> Report:
    """Check the backward pass of a layer at random upstream gradients.

    Args:
        layer: an object with forward and backward methods; a pair `(forward, backward)` or `(f, f')`; or the forward function,
            and then the backward function.
        given: the inputs of the forward pass, in order: arrays with at least two samples.
        parameters: further arguments of the forward pass by name (`W=…, b=…`).
        seed, explain, repair: as for `check_gradient`.

    Raises:
        UserError: there is no forward or backward pass, or it fails on these inputs.

    Examples: `check_layer(Dense(3, 2), x)`, `check_layer(affine_forward, affine_backward, x, w=w)`,
    `check_layer((tanh, dtanh), x)`.
    """
    return check_passes(comparison(passes_of(layer, given, parameters), seed), seed=seed, explain=explain, repair=repair)
