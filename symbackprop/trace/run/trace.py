"""Run a handwritten function, unmodified, on traced numbers: what it computes, as a graph.

    >>> import numpy as np
    >>> def gradient(w, x, t):
    ...     return {"dw": 2 * (w @ x - t) * x}
    >>> run = trace(gradient, {"w": np.array([0.5, -1.0]), "x": np.array([2.0, 3.0]), "t": 1.0})
    >>> run.expression("dw", 0)
    x[0]*(-2*t + 2*w[0]*x[0] + 2*w[1]*x[1])

The function runs in a private copy of its module (`namespace`), where numpy, math and `float` keep track of every
number (`proxies`). Nothing outside is patched or changed, arguments included. After the run the graph is evaluated at
a second point and compared with a plain float run of the function there; a trace that does not agree is rejected, so
that nothing is ever concluded from a dependency that was lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symbackprop.errors import SymbackpropError, UserError, nearest
from symbackprop.guest.audit import Deed
from symbackprop.guest.visit import NotTried
from symbackprop.trace.graph.evaluate import to_sympy
from symbackprop.trace.graph.graph import CannotTrace, Condition, Graph, InputName, Place
from symbackprop.trace.graph.points import boundary
from symbackprop.trace.run.confirm import Checked, confirm
from symbackprop.trace.run.recorder import Local, TracedValues
from symbackprop.trace.run.result_values import traced_values
from symbackprop.trace.run.traced_run import CodeFails, Run

__all__ = ["CannotTrace", "Checked", "CodeFails", "Local", "Trace", "TracedValues", "trace"]


@dataclass(frozen=True, slots=True)
class Trace:
    """What a run computed.

    `results` holds what was returned, under dotted paths: `""` for a single array, `"0"`, `"1"` for a tuple, keys for
    a dict, field names for a dataclass. `finals` holds the last value of every number reachable from the arguments
    (`self.w1`, `params.W`), for code that updates in place; `arguments` the first. `locals` are the assignments in
    the order they happened.
    """

    graph: Graph
    arguments: Mapping[str, TracedValues]
    results: Mapping[str, TracedValues]
    finals: Mapping[str, TracedValues]
    locals: tuple[Local, ...]
    conditions: tuple[Condition, ...]
    casts: Mapping[str, Place | None]
    checked: Checked
    returned: Any = None

    @property
    def boundary(self) -> tuple[Condition, ...]:
        """The comparisons decided by a tie at the point of the trace."""
        return boundary(self.graph, self.conditions)

    @property
    def mutated(self) -> dict[str, TracedValues]:
        """Final values that differ from the value passed in, and attributes or keys that the run created."""
        return {path: value for path, value in self.finals.items() if self.arguments.get(path) != value}

    def expression(self, path: str = "", *index: int) -> sympy.Expr:
        """Return one element of a result as a sympy expression in the inputs."""
        return to_sympy(self.graph, self.node(path, *index))

    def node(self, path: str = "", *index: int) -> int:
        """Return the node of one element of a result."""
        if path not in self.results:
            known = ", ".join(map(repr, self.results))
            raise UserError(f"the result has no part {path!r}; it has {known}.{nearest(path, self.results)}")
        value = self.results[path]
        return value.nodes[int(np.ravel_multi_index(index, value.shape)) if value.shape else 0]


def trace(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    graph: Graph | None = None,
    symbolic: Iterable[str] = (),
    varied: Collection[str] | None = None,
    rename: Mapping[str, str | tuple[InputName, ...]] | None = None,
    at: Mapping[InputName, float] | None = None,
    check: bool = True,
    seed: int = 0,
    habits: frozenset[Deed] | None = None,
    variables: bool = True,
) -> Trace:
    """Trace a function on example arguments.

    Args:
        function: a function, a bound method (its object's numbers become inputs `self.w1` …), or a callable object.
        arguments: values by parameter name; a name that is no parameter but a global of the function's module is
        bound there.
            Floats and float arrays, also inside lists, dicts and objects, become inputs; whole numbers stay as they
            are.
        graph: a graph to continue, so that two traces share their inputs.
        symbolic: dotted names whose whole numbers become inputs as well (`"x"`, `"params.W"`).
        varied: dotted names whose numbers become inputs; everything else stays as it is. By default all.
        rename: dotted name -> name of the input in the graph, for functions that call the same thing differently; for a vector
            the name of each element.
        at: values of inputs to run at instead of those in the arguments (a point found by `branches.find_flips`).
        check: re-evaluate at a second point against a plain run.
        seed: of the second point, and of numpy's and Python's global generators during every run.
        habits: what the code may do outside (`guest.audit`); by default everything.
        variables: record what the variables of the code hold after each line.

    Raises:
        CannotTrace: the code uses something that cannot be followed, or the trace did not agree with the plain run.
        CodeFails: the code raises an exception on plain numbers, too.
        NotTried: it would have changed something outside.
    """
    run = Run(
        function,
        dict(arguments),
        Graph() if graph is None else graph,
        frozenset(symbolic),
        None if varied is None else frozenset(varied),
        dict(rename or {}),
        dict(at or {}),
        seed,
        habits,
    )
    run.known_names()
    try:
        outcome, recorder = run.traced(variables=variables)
    except (SymbackpropError, NotTried):
        raise
    except Exception as error:
        run.explain(error)
        raise
    results = dict(traced_values(run.graph, "", outcome.returned))
    finals = {path: value for name, item in outcome.arguments.items() for path, value in traced_values(run.graph, name, item)}
    checked = confirm(run, results, finals) if check else Checked(0, 0.0, "not checked")
    return Trace(
        run.graph,
        run.bound,
        results,
        finals,
        tuple(recorder.locals),
        tuple(run.graph.conditions.values()),
        dict(run.graph.casts),
        checked,
        outcome.returned,
    )
