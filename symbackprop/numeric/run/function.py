"""Run generated source: a function of named values that gives the loss and its gradients, and all values of a network."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from operator import itemgetter
from typing import Any, Protocol, cast

import numpy as np

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.network.model import Network
from symbackprop.numeric.code.source import Reduction, forward_source, gradient_source, trace_source
from symbackprop.numeric.program.batch import program_over_samples
from symbackprop.numeric.program.optimise import optimised
from symbackprop.numeric.program.program import forward_program, program_of
from symbackprop.numeric.run.call_signature import Signature, Values


class GradientFunction(Protocol):
    """`fn(**values) -> (loss, {name: gradient})`, running the text in `source`.

    `arguments` are the names it needs values of, `gradients` the names of the results. Values may also stand without their names,
    in the order of `arguments`, which for floats costs least. Values of other declared nodes of the network are accepted and not
    used. Raises UserError for a missing or unknown name and for a wrong shape.
    """

    source: str
    arguments: tuple[str, ...]
    gradients: tuple[str, ...]

    def __call__(self, /, *given: Any, **values: Any) -> tuple[float, dict[str, Any]]:
        """Return the loss and the gradients at the given values."""


def function(derivation: DerivationRecord, batched: bool = False, reduction: Reduction = "mean") -> GradientFunction:
    """Return the function that `source` of the same arguments spells out."""
    program = program_over_samples(derivation, reduction) if batched else program_of(derivation)
    program = optimised(program, derivation.network.facts)
    text = gradient_source(program)
    signature = Signature(program.given, declared(derivation.network))
    call = _checking(compile_source(text, "loss_and_gradients"), signature)
    made = cast(GradientFunction, _trusting(call, signature) if program.scalar and len(signature.names) > 1 else call)
    made.source, made.arguments = text, signature.names
    made.gradients = tuple(name for name, *_ in program.returned)
    return made


_QUIET = Context()
"""What is not finite is seen in the values, no warning is needed; a copy of a context costs less than `np.errstate`."""
_QUIET.run(np.seterr, all="ignore")


def _checking(run: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    """Return `run` as a function of named values that are checked first."""

    def loss_and_gradients(*given: Any, **values: Any) -> tuple[float, dict[str, Any]]:
        ordered = signature.in_order(given, values) if given else signature.ordered(values)
        try:
            loss, gradients = _QUIET.copy().run(run, *ordered)
        except (ArithmeticError, ValueError) as problem:
            raise arithmetic_error(problem, {**dict(zip(signature.names, ordered, strict=True)), **values}) from None
        return (float(loss) if isinstance(loss, float) or not np.iscomplexobj(loss) else loss), gradients

    loss_and_gradients.run = run  # type: ignore[attr-defined]
    return loss_and_gradients


def _trusting(checking: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    """Return a function of floats that checks only what did not work: a call costs a microsecond more than its arithmetic.

    Floats give a float. Anything else (a missing name, an array, a text) ends in the checking function, which says what is wrong.
    """
    run = checking.run  # type: ignore[attr-defined]
    pick = itemgetter(*signature.names)
    count, known = len(signature.names), signature.known

    def loss_and_gradients(*given: Any, **values: Any) -> tuple[float, dict[str, Any]]:
        try:
            if not values:
                result = run(*given)
            elif not given and (len(values) == count or values.keys() <= known):
                result = run(*pick(values))
            else:
                return checking(*given, **values)  # type: ignore[no-any-return]
        except (KeyError, TypeError, AttributeError, ArithmeticError, ValueError):
            return checking(*given, **values)  # type: ignore[no-any-return]
        return result if type(result[0]) is float else checking(*given, **values)  # type: ignore[no-any-return]

    return loss_and_gradients


def declared(network: Network) -> frozenset[str]:
    """Return the names whose values a function of the network accepts."""
    return frozenset(node.name for node in network.nodes.values() if not node.defined)


def compile_source(text: str, name: str) -> Callable[..., Any]:
    """Run generated source text and return the function `name` that it defines.

    The text is always written by this package from checked definitions (names are identifiers, everything else is made from
    sympy objects by our printers), never taken from a document; that is why `exec` is in order here, and only here.
    """
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(text, f"<{name}>", "exec"), namespace)
    return namespace[name]  # type: ignore[no-any-return]


def evaluate(what: Network | DerivationRecord, values: Values | None = None) -> dict[str, Any]:
    """Return all values by name: those given, those of every definition, and for a derivation every adjoint too.

    For a network all its definitions are computed; for a derivation those up to the loss, and the adjoints under their own
    names (`dE_dZ`). Missing values are taken from the network's example values.
    """
    network = what.network if isinstance(what, DerivationRecord) else what
    if not isinstance(network, Network):
        raise UserError(f"evaluate: expected a Network or a derivation, got {type(network).__name__}")
    if isinstance(what, DerivationRecord):
        program, text = program_of(what), trace_source(what)
    else:
        program, text = forward_program(network), forward_source(network)
    needed = Signature(program.arguments, declared(network))
    every = {**network.values, **(values or {})}
    given = needed.ordered(every)
    try:
        with np.errstate(all="ignore"):
            found = compile_source(text, "forward")(*given)
    except (ArithmeticError, ValueError) as problem:
        raise arithmetic_error(problem, every) from None
    wanted = {*network.nodes, *(line.name for line in program.lines)}
    return dict(zip(needed.names, given, strict=True)) | {name: value for name, value in found.items() if name in wanted}


def arithmetic_error(problem: Exception, values: Values) -> UserError:
    """Return the error for values at which a definition cannot be computed."""
    largest = max(values, key=lambda name: float(np.max(np.abs(values[name]), initial=0.0)), default="")
    return UserError(
        f"values: the loss or a gradient cannot be computed here ({problem}); expected values at which every "
        f"definition is finite, got e.g. {largest} = {values.get(largest)!r:.30}"
    )
