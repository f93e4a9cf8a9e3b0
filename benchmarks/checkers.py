"""Gradient checkers that a user would take instead, each as one function of a problem: is this gradient accepted?

Every checker gets the same numpy code at the same example. The peers compare with finite differences of the handwritten loss,
each with its own default step and tolerances (scipy returns an error only: above 1e-5 of the gradient's norm, or of 1, counts as
rejected); jax calls the numpy code through `pure_callback`, torch, autograd and scipy call it directly.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

import numpy as np

from symbackprop.derive import derive
from symbackprop.verify.check import check_gradient
from tests.verify.mutants.networks import NETWORKS

YARDSTICK = "torch gradcheck"


@dataclass(frozen=True, slots=True)
class Problem:
    """One gradient to check; `values` are the example, by name, `parameters` what is differentiated, `kind` what was changed."""

    case: str
    module: ModuleType
    values: Mapping[str, Any]
    parameters: tuple[str, ...]
    right: bool
    kind: str = "as it was written"

    def loss(self, *arrays: Any) -> Any:
        """Return the handwritten loss as a number of the parameters' precision."""
        return np.asarray(self.module.loss(**{**self.values, **self._named(arrays)}), self.precision)

    def gradients(self, *arrays: Any) -> list[Any]:
        """Return the handwritten gradients in the order of the parameters."""
        found = self.module.gradients(**{**self.values, **self._named(arrays)})
        in_order = [found[name] for name in self.parameters] if isinstance(found, dict) else found
        return [np.asarray(gradient, self.precision) for gradient in in_order]

    @property
    def arrays(self) -> list[Any]:
        """The example's parameters."""
        return [np.asarray(self.values[name]) for name in self.parameters]

    @property
    def precision(self) -> Any:
        """The dtype of the example."""
        return np.result_type(*self.arrays)

    def single(self) -> Problem:
        """Return the same problem in float32."""
        return replace(self, values={name: np.float32(value) for name, value in self.values.items()})

    def _named(self, arrays: Iterable[Any]) -> dict[str, Any]:
        return {name: np.asarray(array)[()] for name, array in zip(self.parameters, arrays, strict=True)}


Checker = Callable[[Problem], bool]  # whether the gradient is accepted


def symbackprop_checker(**options: bool) -> Checker:
    """Derive and check. The definition of the network stands ready, as the peers' handwritten loss does."""
    networks = {case: define() for case, define in NETWORKS.items()}

    def accepts(problem: Problem) -> bool:
        derived = derive(*networks[problem.case])
        return check_gradient(derived, problem.module.gradients, example=problem.values, repair=False, **options).ok

    return accepts


def torch_checker() -> Checker:
    """`gradcheck` of the code as an `autograd.Function`: every entry of the gradient, one by one."""
    import torch  # an optional peer: what is measured without it stays measurable

    torch.set_num_threads(1)

    def accepts(problem: Problem) -> bool:
        class Hand(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                ctx.save_for_backward(*tensors)
                return torch.from_numpy(problem.loss(*(tensor.detach().numpy() for tensor in tensors)))

            @staticmethod
            def backward(ctx: Any, cotangent: Any) -> Any:
                found = problem.gradients(*(tensor.detach().numpy() for tensor in ctx.saved_tensors))
                return tuple(cotangent * torch.from_numpy(gradient) for gradient in found)

        tensors = [torch.tensor(array, requires_grad=True) for array in problem.arrays]
        return bool(torch.autograd.gradcheck(Hand.apply, tensors))

    return accepts


def jax_checker() -> Checker:
    """`check_grads` of the code as a `custom_vjp`, in one random direction."""
    import jax  # an optional peer: what is measured without it stays measurable
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    def accepts(problem: Problem) -> bool:
        shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in problem.arrays]

        @jax.custom_vjp
        def hand(*arrays: Any) -> Any:
            return jax.pure_callback(problem.loss, jax.ShapeDtypeStruct((), problem.precision), *arrays)

        def backward(arrays: Any, cotangent: Any) -> Any:
            found = jax.pure_callback(problem.gradients, shapes, *arrays)
            return tuple(cotangent * gradient for gradient in found)

        hand.defvjp(lambda *arrays: (hand(*arrays), arrays), backward)
        check_grads(hand, problem.arrays, order=1, modes=["rev"])
        return True

    return accepts


def autograd_checker() -> Checker:
    """`check_grads` of the code as a primitive, in one random direction."""
    from autograd.extend import defvjp, primitive  # an optional peer: what is measured without it stays measurable
    from autograd.test_util import check_grads

    def accepts(problem: Problem) -> bool:
        hand = primitive(problem.loss)

        def vjp(place: int) -> Callable[..., Any]:
            return lambda _, *arrays: lambda cotangent: cotangent * problem.gradients(*arrays)[place]

        places = range(len(problem.parameters))
        defvjp(hand, *(vjp(place) for place in places), argnums=places)
        np.random.seed(0)  # the generator that check_grads draws its directions from
        check_grads(hand, tuple(places), modes=["rev"], order=1)(*problem.arrays)
        return True

    return accepts


def scipy_checker() -> Checker:
    """`check_grad` of all parameters in one flat array."""
    from scipy.optimize import check_grad  # an optional peer: what is measured without it stays measurable

    def accepts(problem: Problem) -> bool:
        def parts(flat: Any) -> list[Any]:
            cuts = np.cumsum([array.size for array in problem.arrays])[:-1]
            return [part.reshape(a.shape) for part, a in zip(np.split(flat, cuts), problem.arrays, strict=True)]

        def gradient(flat: Any) -> Any:
            return np.concatenate([np.ravel(part) for part in problem.gradients(*parts(flat))])

        start = np.concatenate([np.ravel(array) for array in problem.arrays])
        error = check_grad(lambda flat: float(problem.loss(*parts(flat))), gradient, start)
        return bool(error <= 1e-5 * max(1.0, float(np.linalg.norm(gradient(start)))))

    return accepts


CHECKERS: dict[str, Callable[[], Checker]] = {
    YARDSTICK: torch_checker,
    "jax check_grads": jax_checker,
    "scipy check_grad": scipy_checker,
    "autograd check_grads": autograd_checker,
    "symbackprop": symbackprop_checker,
    "symbackprop, verdict only": partial(symbackprop_checker, explain=False),
    "symbackprop, numbers only": partial(symbackprop_checker, explain=False, exact=False),
}


PACKAGES = ("torch", "jax", "scipy", "autograd", "numpy", "symbackprop")


def versions() -> str:
    """Return which version of each package is compared."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)


def checkers() -> tuple[dict[str, Checker], dict[str, str]]:
    """Return the checkers that are installed, and why the others are not there."""
    found, missing = {}, {}
    for name, make in CHECKERS.items():
        try:
            found[name] = make()
        except ImportError as problem:
            missing[name] = f"skipped: {problem.name} is not installed"
    return found, missing


def accepted(checker: Checker, problem: Problem) -> bool:
    """Return the checker's verdict; an exception is a rejection, as it is in a test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gradcheck warns of float32
        try:
            return checker(problem)
        except Exception:
            return False
