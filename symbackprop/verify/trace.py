"""Run a handwritten function, unmodified, on traced numbers: what it computes, as a graph.

    >>> import numpy as np
    >>> def gradient(w, x, t):
    ...     return {"dw": 2 * (w @ x - t) * x}
    >>> run = trace(gradient, {"w": np.array([0.5, -1.0]), "x": np.array([2.0, 3.0]), "t": 1.0})
    >>> run.expression("dw", 0)
    2*x[0]*(-t + w[0]*x[0] + w[1]*x[1])

The function runs in a private copy of its module (`namespace`), where numpy, math and `float` keep track of every number (`proxies`).
Nothing outside is patched or changed, arguments included. After the run the graph is evaluated at a second point and compared
with a plain float run of the function there; a trace that does not agree is rejected, so that nothing is ever concluded from a
dependency that was lost on the way.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import random
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symbackprop.errors import SymbackpropError, UserError, nearest
from symbackprop.verify.ball import rounding_bound
from symbackprop.verify.evaluate import evaluate, to_sympy
from symbackprop.verify.graph import CannotTrace, Condition, Graph, InputName, Place
from symbackprop.verify.namespace import Namespace, instance_members, is_user_class
from symbackprop.verify.points import boundary, nearby_points
from symbackprop.verify.recorder import Local, Value, value_of, watch
from symbackprop.verify.scalar import Traced, shortest
from symbackprop.verify.traced_array import as_traced_array


class CodeFails(UserError):
    """The traced code itself raises an exception on plain numbers; the message names it and its line."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How a trace was confirmed: points re-evaluated, the largest relative distance moved, and a remark when that was little."""

    points: int
    radius: float
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a run computed.

    `results` holds what was returned, under dotted paths: `""` for a single array, `"0"`, `"1"` for a tuple, keys for a dict, field names
    for a dataclass. `finals` holds the last value of every number reachable from the arguments (`self.w1`, `params.W`), for
    code that updates in place; `arguments` the first. `locals` are the assignments in the order they happened.
    """

    graph: Graph
    arguments: Mapping[str, Value]
    results: Mapping[str, Value]
    finals: Mapping[str, Value]
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
    def mutated(self) -> dict[str, Value]:
        """Final values that differ from the value passed in, and attributes or keys that the run created."""
        return {path: value for path, value in self.finals.items() if self.arguments.get(path) != value}

    def expression(self, path: str = "", *index: int) -> sympy.Expr:
        """Return one element of a result as a sympy expression in the inputs."""
        return to_sympy(self.graph, self.node(path, *index))

    def node(self, path: str = "", *index: int) -> int:
        """Return the node of one element of a result."""
        if path not in self.results:
            raise UserError(
                f"the result has no part {path!r}; it has {', '.join(map(repr, self.results))}.{nearest(path, self.results)}"
            )
        value = self.results[path]
        return value.nodes[int(np.ravel_multi_index(index, value.shape)) if value.shape else 0]


def trace(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    graph: Graph | None = None,
    symbolic: Iterable[str] = (),
    constant: Iterable[str] = (),
    rename: Mapping[str, str] | None = None,
    at: Mapping[InputName, float] | None = None,
    check: bool = True,
    seed: int = 0,
) -> Trace:
    """Trace a function on example arguments.

    Args:
        function: a function, a bound method (its object's numbers become inputs `self.w1` …), or a callable object.
        arguments: values by parameter name; a name that is no parameter but a global of the function's module is bound there.
            Floats and float arrays, also inside lists, dicts and objects, become inputs; whole numbers stay as they are.
        graph: a graph to continue, so that two traces share their inputs.
        symbolic: dotted names whose whole numbers become inputs as well (`"x"`, `"params.W"`).
        constant: dotted names that stay plain numbers.
        rename: dotted name -> name of the input in the graph, for functions that call the same thing differently.
        at: values of inputs to run at instead of those in the arguments (a point found by `branches.find_flips`).
        check: re-evaluate at a second point against a plain run.
        seed: of the second point, and of numpy's and Python's global generators during every run.

    Raises:
        CannotTrace: the code uses something that cannot be followed, or the trace did not agree with the plain run.
        CodeFails: the code raises an exception on plain numbers, too.
    """
    run = _Run(
        function,
        dict(arguments),
        Graph() if graph is None else graph,
        frozenset(symbolic),
        frozenset(constant),
        dict(rename or {}),
        dict(at or {}),
        seed,
    )
    run.known_names()
    try:
        outcome, space, recorder = run.traced()
    except SymbackpropError:
        raise
    except Exception as error:
        run.explain(error)
        raise
    results = dict(_values(run.graph, "", outcome.returned))
    finals = {path: value for name, item in outcome.arguments.items() for path, value in _values(run.graph, name, item)}
    checked = run.confirm(results, finals) if check else Checked(0, 0.0, "not checked")
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


@dataclass(frozen=True, slots=True)
class _Outcome:
    returned: Any
    arguments: dict[str, Any]


class _Run:
    """One function with one set of example arguments, run several times: traced, and plain at other points."""

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        graph: Graph,
        symbolic: frozenset[str],
        constant: frozenset[str],
        rename: dict[str, str],
        at: dict[InputName, float],
        seed: int,
    ) -> None:
        self.function, self.owner = _split(function)
        self.arguments = arguments
        self.graph = graph
        self.symbolic = symbolic
        self.constant = constant
        self.rename = rename
        self.at = at
        self.seed = seed
        self.bound: dict[str, Value] = {}
        self.single: set[str] = set()

    # ---- leaves

    def _is_input(self, path: str, value: Any) -> bool:
        if _covers(self.constant, path):
            return False
        is_real = isinstance(value, (float, np.floating)) or (isinstance(value, np.ndarray) and value.dtype.kind in "fO")
        return is_real or _covers(self.symbolic, path)

    def traced_leaf(self, path: str, value: Any) -> Any:
        """Make a number or an array of the arguments an input of the graph."""
        if not self._is_input(path, value):
            return value.copy() if isinstance(value, np.ndarray) else value
        name = self.rename.get(path, path)
        if (isinstance(value, np.ndarray) and value.dtype == np.float32) or isinstance(value, np.float32):
            self.single.add(name)
            self.graph.casts.setdefault("float32", None)
        if not isinstance(value, np.ndarray):
            node = self.graph.input(name, (), self.at.get(InputName(name), shortest(value)))
            self.bound[path] = Value((), (node,))
            return Traced(self.graph, node)
        objects = np.empty(value.shape, dtype=object)
        for index in np.ndindex(value.shape):
            objects[index] = Traced(self.graph, self.graph.input(name, index, self._number(name, index, value)))
        array = as_traced_array(self.graph, objects)
        self.bound[path] = Value(value.shape, tuple(item.node for item in objects.reshape(-1)))
        return array if value.ndim else objects.item()

    def _number(self, name: str, index: tuple[int, ...], value: Any) -> float:
        return self.at.get(InputName(name, index), float(value[index]))

    def plain_leaf(self, point: Mapping[InputName, float]) -> Callable[[str, Any], Any]:
        """Return the leaf function that puts the numbers of another point into the arguments."""
        point = {**self.at, **point}

        def leaf(path: str, value: Any) -> Any:
            if not self._is_input(path, value):
                return value.copy() if isinstance(value, np.ndarray) else value
            name = self.rename.get(path, path)
            if not isinstance(value, np.ndarray):
                number = point.get(InputName(name), float(value))
                return type(value)(number) if isinstance(value, (float, np.floating)) else number
            fresh = value.astype(float) if value.dtype.kind not in "f" else value.copy()
            for index in np.ndindex(value.shape):
                fresh[index] = point.get(InputName(name, index), fresh[index])
            return fresh

        return leaf

    # ---- runs

    def known_names(self) -> None:
        """Every argument must be a parameter of the function or a global of its module."""
        parameters = _parameters(self.function)
        has_rest = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        for name in self.arguments:
            if name not in parameters and name not in self.function.__globals__ and not has_rest:
                known = [*parameters, *(n for n in self.function.__globals__ if not n.startswith("_"))]
                raise UserError(
                    f"{self.function.__name__}: no parameter or global is called {name!r}; parameters: "
                    f"{', '.join(parameters) or 'none'}.{nearest(name, known)}"
                )

    def _call(self, space: Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
        parameters = _parameters(self.function)
        has_rest = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        passed = {n: v for n, v in self.arguments.items() if n in parameters or (has_rest and n not in self.function.__globals__)}
        bound = {name: space.bind(name, value) for name, value in passed.items()}
        positional: list[Any] = []
        if self.owner is not None:
            bound["self"] = space.bind("self", self.owner)
            positional.append(bound["self"])
        keywords = {name: value for name, value in bound.items() if name != "self" or self.owner is None}
        for name, parameter in parameters.items():
            if parameter.kind is parameter.POSITIONAL_ONLY and name in keywords:
                positional.append(keywords.pop(name))
            elif parameter.kind is parameter.VAR_POSITIONAL and name in keywords:
                positional.extend(keywords.pop(name))
        function = space.swap(self.function)
        for name in self.arguments.keys() - passed.keys():
            bound[name] = space.globals[id(self.function.__globals__)].get(name)
        return (lambda: function(*positional, **keywords)), bound

    def _space(self, graph: Graph | None, leaf: Callable[[str, Any], Any]) -> Namespace:
        parameters = _parameters(self.function)
        return Namespace(graph, leaf, {name: value for name, value in self.arguments.items() if name not in parameters})

    def traced(self) -> tuple[_Outcome, Namespace, Any]:
        """Run on traced numbers, recording lines and locals."""
        space = self._space(self.graph, self.traced_leaf)
        call, bound = self._call(space)
        with _quiet(self.seed), watch(space, self.graph) as recorder:
            returned = call()
        return _Outcome(returned, bound), space, recorder

    def plain(self, point: Mapping[InputName, float]) -> _Outcome:
        """Run on plain numbers at a point, in a private copy of the module with the real numpy."""
        space = self._space(None, self.plain_leaf(point))
        call, bound = self._call(space)
        with _quiet(self.seed):
            returned = call()
        return _Outcome(returned, bound)

    def explain(self, error: Exception) -> None:
        """Raise the right error for an exception of the traced run: the code's own, or one of tracing."""
        name = self.function.__name__
        try:
            self.plain({})
        except Exception as own:
            line = _user_line(own, self.function.__code__.co_filename)
            raise CodeFails(f"{name} fails{line}: {type(own).__name__}: {_one_line(own)}") from own
        place = f" at {self.graph.place}" if self.graph.place else ""
        raise CannotTrace(f"cannot trace {name}{place}: {type(error).__name__}: {_one_line(error)}") from error

    # ---- the second point

    def confirm(self, results: Mapping[str, Value], finals: Mapping[str, Value]) -> Checked:
        """Compare the graph with plain runs at other points of the path.

        Raises:
            CannotTrace: they disagree, so the trace has lost something.
        """
        graph = self.graph
        traced = {**{f"result {path}": value for path, value in results.items()}, **{f"final {p}": v for p, v in finals.items()}}
        outputs = [node for value in traced.values() for node in value.nodes]
        near = nearby_points(graph, outputs, 1, seed=self.seed + 1, single=self.single)
        remark = ""
        if not near:
            remark = "no other point on the same path was found"
        point = near[0].point if near else {}
        try:
            outcome = self.plain(point)
        except Exception as error:
            raise CannotTrace(
                f"cannot confirm the trace: the plain run fails nearby with {type(error).__name__}: {_one_line(error)}"
            ) from error
        plain = {f"result {path}": value for path, value in _plain_values("", outcome.returned)}
        for name, item in outcome.arguments.items():
            plain.update((f"final {path}", value) for path, value in _plain_values(name, item))
        self._same_parts(traced, plain)
        expected = evaluate(graph, outputs, point)
        got = np.concatenate([plain[path].reshape(-1) for path in traced]) if traced else np.zeros(0)
        self._same_numbers(traced, outputs, np.array(expected, dtype=float), got, point)
        return Checked(len(near), near[0].radius if near else 0.0, remark)

    def _same_parts(self, traced: Mapping[str, Value], plain: Mapping[str, np.ndarray[Any, Any]]) -> None:
        for path, value in traced.items():
            if path not in plain:
                raise CannotTrace(f"cannot confirm the trace: the plain run has no {path or 'result'}")
            if plain[path].shape != value.shape:
                raise CannotTrace(
                    f"cannot confirm the trace: {path} has shape {value.shape}, in the plain run {plain[path].shape}"
                )
        missing = [path for path in plain if path not in traced]
        if missing:
            raise CannotTrace(f"cannot confirm the trace: it lost {', '.join(missing)}")

    def _same_numbers(
        self,
        traced: Mapping[str, Value],
        outputs: list[int],
        expected: np.ndarray[Any, Any],
        got: np.ndarray[Any, Any],
        point: Mapping[InputName, float],
    ) -> None:
        loose = bool(self.graph.casts)
        with np.errstate(all="ignore"):
            tolerance = (1e-4 if loose else 1e-9) * np.abs(expected)
            close = (np.abs(expected - got) <= tolerance) | (expected == got) | (np.isnan(expected) & np.isnan(got))
        suspects = np.flatnonzero(~close)
        if not len(suspects):
            return
        # Rounding explains a difference only as far as an error analysis of this very computation allows.
        bounds = rounding_bound(self.graph, [outputs[k] for k in suspects], point, bits=_bits(self.graph))
        for k, bound in zip(suspects, bounds, strict=True):
            if not abs(expected[k] - got[k]) <= bound + tolerance[k]:
                path = _path_of(traced, int(k))
                raise CannotTrace(
                    f"cannot trace {self.function.__name__}: at a second point the trace gives {expected[k]:.17g} for {path}, "
                    f"the code {got[k]:.17g}; something in it hides what it depends on"
                )


def _bits(graph: Graph) -> int:
    return 11 if "float16" in graph.casts else 24 if graph.casts else 53


def _covers(names: frozenset[str], path: str) -> bool:
    """Whether a dotted path or one of its beginnings is among the names."""
    parts = path.split(".")
    return any(".".join(parts[:k]) in names for k in range(1, len(parts) + 1))


def _split(function: Callable[..., Any]) -> tuple[Any, Any]:
    """Return the plain function, and the object that it is a method of."""
    if isinstance(function, types.MethodType):
        return function.__func__, function.__self__
    if isinstance(function, types.FunctionType):
        return function, None
    call = getattr(type(function), "__call__", None)
    if isinstance(call, types.FunctionType) and is_user_class(type(function)):
        return call, function
    raise CannotTrace(f"cannot trace {function!r}: it is not a Python function; only its numbers can be compared")


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function, follow_wrapped=False).parameters)


@contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """Run a block with the global generators seeded and what it prints dropped, and put their states back."""
    numpy_state, python_state = np.random.get_state(), random.getstate()
    np.random.seed(seed)
    random.seed(seed)
    try:
        with redirect_stdout(io.StringIO()), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


def _members(item: Any) -> Iterator[tuple[str, Any]] | None:
    if isinstance(item, dict):
        return ((str(key), member) for key, member in item.items())
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return zip(item._fields, item, strict=True)
    if isinstance(item, (list, tuple)):
        return ((str(position), member) for position, member in enumerate(item))
    if dataclasses.is_dataclass(item) or is_user_class(type(item)):
        return (
            iter(instance_members(item).items()) if not isinstance(item, (type, types.FunctionType, types.ModuleType)) else None
        )
    return None


def _walk(path: str, item: Any, seen: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    members = _members(item)
    if members is None:
        yield path, item
    elif id(item) not in seen:
        for name, member in members:
            yield from _walk(f"{path}.{name}" if path else name, member, (*seen, id(item)))


def _values(graph: Graph, path: str, item: Any) -> Iterator[tuple[str, Value]]:
    for name, leaf in _walk(path, item):
        value = value_of(graph, leaf)
        if value is not None:
            yield name, value


def _plain_values(path: str, item: Any) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    for name, leaf in _walk(path, item):
        if isinstance(leaf, (bool, str)) or leaf is None:
            continue
        is_number = isinstance(leaf, (int, float, np.integer, np.floating))
        if is_number or (isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iuf"):
            yield name, np.asarray(leaf, dtype=float)
        elif isinstance(leaf, np.ndarray) and leaf.dtype == object and all(isinstance(x, (int, float)) for x in leaf.reshape(-1)):
            yield name, leaf.astype(float)


def _path_of(traced: Mapping[str, Value], position: int) -> str:
    for path, value in traced.items():
        if position < len(value.nodes):
            index = tuple(int(k) for k in np.unravel_index(position, value.shape)) if value.shape else ()
            return f"{path.strip()}{list(index) if index else ''}"
        position -= len(value.nodes)
    return "a result"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no message"


def _user_line(error: Exception, filename: str) -> str:
    line, current = None, error.__traceback__
    while current is not None:
        if current.tb_frame.f_code.co_filename == filename:
            line = current.tb_lineno
        current = current.tb_next
    return f" at line {line}" if line is not None else ""
