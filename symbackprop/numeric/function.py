"""Run generated source: a function of named values that gives the loss and its gradients, and all values of a network."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from symbackprop.derive.derivation import Derivation
from symbackprop.errors import UserError
from symbackprop.network.model import Network
from symbackprop.numeric.batch import over_samples
from symbackprop.numeric.program import Program, forward_program, program_of
from symbackprop.numeric.signature import Signature, Values
from symbackprop.numeric.source import Reduction, forward_source, gradient_source, trace_source
from symbackprop.numeric.tidy import tidied


class GradientFunction:
    """`fn(**values) -> (loss, {name: gradient})`, running the text in `source`.

    `arguments` are the declared nodes it needs values of. Values of other declared nodes of the network are accepted and not
    used. Raises UserError for a missing or unknown name and for a wrong shape.
    """

    __slots__ = ("_pick", "_run", "gradients", "scalar", "signature", "source")

    def __init__(self, program: Program, text: str, signature: Signature) -> None:
        self.source = text
        self.signature = signature
        self.gradients = tuple(name for name, _ in program.gradients)
        self.scalar = program.scalar
        names = signature.names
        self._pick = itemgetter(*names) if len(names) > 1 else None
        self._run = compile_source(text, "loss_and_gradients")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names it needs values of, in order."""
        return self.signature.names

    def __call__(self, /, **values: Any) -> tuple[float, dict[str, Any]]:
        """Return the loss and the gradients at the given values."""
        if self._pick and self.scalar and (len(values) == len(self.signature.names) or values.keys() <= self.signature.known):
            try:
                loss, gradients = self._run(*self._pick(values))
            except (KeyError, TypeError, AttributeError):
                pass  # a missing or odd value: the signature says it in words
            except ArithmeticError as problem:
                raise _arithmetic_error(problem, values) from None
            except ValueError as problem:
                raise _arithmetic_error(problem, values) from None
            else:
                if type(loss) is float:
                    return loss, gradients
        return self._checked(values)

    def _checked(self, values: Values) -> tuple[float, dict[str, Any]]:
        given = self.signature.ordered(values)
        try:
            loss, gradients = self._run(*given)
        except ArithmeticError as problem:
            raise _arithmetic_error(problem, values) from None
        return (loss if np.iscomplexobj(loss) else float(loss)), gradients

    def __repr__(self) -> str:
        return f"<loss_and_gradients({', '.join(self.arguments)})>"


def function(derivation: Derivation, batched: bool = False, reduction: Reduction = "mean") -> GradientFunction:
    """Return the function that `source` of the same arguments spells out."""
    program = program_of(derivation)
    if batched:
        program = over_samples(program, reduction)
    program = tidied(program, derivation.network.facts)
    return GradientFunction(program, gradient_source(program), Signature(program.arguments, _declared(derivation.network)))


def _declared(network: Network) -> frozenset[str]:
    return frozenset(node.name for node in network.nodes.values() if not node.defined)


def compile_source(text: str, name: str) -> Callable[..., Any]:
    """Run generated source text and return the function `name` that it defines.

    The text is always written by this package from checked definitions (names are identifiers, everything else is made from
    sympy objects by our printers), never taken from a document; that is why `exec` is in order here, and only here.
    """
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(text, f"<{name}>", "exec"), namespace)
    return namespace[name]  # type: ignore[no-any-return]


def evaluate(what: Network | Derivation, values: Values | None = None) -> dict[str, Any]:
    """Return all values by name: those given, those of every definition, and for a derivation every adjoint too.

    For a network all its definitions are computed; for a derivation those up to the loss, and the adjoints under their own
    names (`dE_dZ`). Missing values are taken from the network's example values.
    """
    network = what.network if isinstance(what, Derivation) else what
    program = program_of(what) if isinstance(what, Derivation) else forward_program(network)
    text = trace_source(what) if isinstance(what, Derivation) else forward_source(network)
    needed = Signature(program.arguments, _declared(network))
    given = needed.ordered({**network.values, **(values or {})})
    try:
        found = compile_source(text, "forward")(*given)
    except (ArithmeticError, ValueError) as problem:
        raise _arithmetic_error(problem, {**network.values, **(values or {})}) from None
    wanted = {*network.nodes, *(line.name for line in program.lines)}
    return dict(zip(needed.names, given, strict=True)) | {name: value for name, value in found.items() if name in wanted}


def _arithmetic_error(problem: Exception, values: Values) -> UserError:
    largest = max(values, key=lambda name: float(np.max(np.abs(values[name]))), default="")
    return UserError(f"values: the loss or a gradient cannot be computed here ({problem}); expected values at which every "
                     f"definition is finite, got e.g. {largest} = {values.get(largest)!r:.30}")
