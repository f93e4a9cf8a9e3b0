"""Running one function with one set of example arguments: on traced numbers, and on plain ones at any point."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.errors import UserError, nearest
from symbackprop.guest.audit import Deed
from symbackprop.guest.visit import NOTHING, NotTried, described, visit
from symbackprop.trace.arrays.scalar import Traced, shortest
from symbackprop.trace.arrays.traced_array import as_traced_array
from symbackprop.trace.graph.graph import CannotTrace, Graph, InputName
from symbackprop.trace.run.namespace import Namespace
from symbackprop.trace.run.nested import NO_FILE, is_user_class, is_user_file
from symbackprop.trace.run.recorder import Recorder, TracedValues, watch


class CodeFails(UserError):
    """The traced code itself raises an exception on plain numbers; the message names it and its line."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run returned, and its arguments afterwards."""

    returned: Any
    arguments: dict[str, Any]


class Run:
    """One function with one set of example arguments, run several times: traced, and plain at other points."""

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        graph: Graph,
        symbolic: frozenset[str],
        varied: frozenset[str] | None,
        rename: Mapping[str, str | tuple[InputName, ...]],
        at: dict[InputName, float],
        seed: int,
        habits: frozenset[Deed] | None = NOTHING,
    ) -> None:
        self.function, self.owner = _split(function)
        self.parameters = _parameters(self.function)
        self.arguments = arguments
        self.graph = graph
        self.symbolic = symbolic
        self.varied = varied
        self.rename = rename
        self.at = at
        self.seed = seed
        self.habits = habits
        self.bound: dict[str, TracedValues] = {}
        self.single: set[str] = set()

    # ---- leaves

    def _is_input(self, path: str, value: Any) -> bool:
        if self.varied is not None and not _covers(self.varied, path):
            return False
        is_real = isinstance(value, (float, np.floating)) or (isinstance(value, np.ndarray) and value.dtype.kind in "fO")
        return is_real or _covers(self.symbolic, path)

    def traced_leaf(self, path: str, value: Any) -> Any:
        """Make a number or an array of the arguments an input of the graph."""
        if not self._is_input(path, value):
            return value.copy() if isinstance(value, np.ndarray) else value
        if (isinstance(value, np.ndarray) and value.dtype == np.float32) or isinstance(value, np.float32):
            self.single.add(self._input(path).name)
            self.graph.casts.setdefault("float32", None)
        if not isinstance(value, np.ndarray):
            node = self._input_node(path, (), shortest(value))
            self.bound[path] = TracedValues((), (node,))
            return Traced(self.graph, node)
        objects = np.empty(value.shape, dtype=object)
        for index in np.ndindex(value.shape):
            objects[index] = Traced(self.graph, self._input_node(path, index, float(value[index])))
        array = as_traced_array(self.graph, objects)
        self.bound[path] = TracedValues(value.shape, tuple(item.node for item in objects.reshape(-1)))
        return array if value.ndim else objects.item()

    def _input(self, path: str, index: tuple[int, ...] = ()) -> InputName:
        """Return the name of the input that stands at a place in the arguments; a vector has one for each of its elements."""
        renamed = self.rename.get(path, path)
        return InputName(renamed, index) if isinstance(renamed, str) else renamed[index[0] if index else 0]

    def _input_node(self, path: str, index: tuple[int, ...], number: float) -> int:
        name = self._input(path, index)
        return self.graph.input(name.name, name.index, self.at.get(name, number))

    def plain_leaf(self, point: Mapping[InputName, float]) -> Callable[[str, Any], Any]:
        """Return the leaf function that puts the numbers of another point into the arguments."""
        point = {**self.at, **point}

        def leaf(path: str, value: Any) -> Any:
            if not self._is_input(path, value):
                return value.copy() if isinstance(value, np.ndarray) else value
            if not isinstance(value, np.ndarray):
                number = point.get(self._input(path), float(value))
                return type(value)(number) if isinstance(value, (float, np.floating)) else number
            fresh = value.astype(float) if value.dtype.kind not in "f" else value.copy()
            for index in np.ndindex(value.shape):
                fresh[index] = point.get(self._input(path, index), fresh[index])
            return fresh

        return leaf

    # ---- runs

    def known_names(self) -> None:
        """Every argument must be a parameter of the function or a global of its module."""
        parameters = self.parameters
        if _takes_any(parameters):
            return
        for name in self.arguments:
            if name not in parameters and name not in self.function.__globals__:
                known = [*parameters, *(n for n in self.function.__globals__ if not n.startswith("_"))]
                raise UserError(
                    f"{self.function.__name__}: no parameter or global is called {name!r}; parameters: "
                    f"{', '.join(parameters) or 'none'}.{nearest(name, known)}"
                )

    def _call(self, space: Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
        parameters = self.parameters
        passed = {n: v for n, v in self.arguments.items() if n in parameters or _takes_any(parameters)}
        bound = {name: space.bind(name, value) for name, value in passed.items()}
        keywords, positional = dict(bound), []
        if self.owner is not None:
            bound["self"] = space.bind("self", self.owner)
            positional.append(bound["self"])
            keywords.pop("self", None)
        positional += _positional(parameters, keywords)
        function = space.swap(self.function)
        for name in self.arguments.keys() - passed.keys():
            bound[name] = space.globals[id(self.function.__globals__)].get(name)
        return (lambda: function(*positional, **keywords)), bound

    def _space(self, graph: Graph | None, leaf: Callable[[str, Any], Any]) -> Namespace:
        parameters = self.parameters
        outside = {} if _takes_any(parameters) else {n: v for n, v in self.arguments.items() if n not in parameters}
        return Namespace(graph, leaf, outside)

    def traced(self, *, variables: bool = True) -> tuple[RunOutcome, Recorder]:
        """Run on traced numbers, recording lines and, where these are asked for, `variables`."""
        space = self._space(self.graph, self.traced_leaf)
        call, bound = self._call(space)
        with watch(space, self.graph, variables) as recorder:
            returned = visit(call, habits=self.habits, seed=self.seed).returned
        return RunOutcome(returned, bound), recorder

    def plain(self, point: Mapping[InputName, float]) -> RunOutcome:
        """Run on plain numbers at a point, in a private copy of the module with the real numpy."""
        space = self._space(None, self.plain_leaf(point))
        call, bound = self._call(space)
        return RunOutcome(visit(call, habits=self.habits, seed=self.seed).returned, bound)

    def explain(self, error: Exception) -> None:
        """Raise the right error for an exception of the traced run: the code's own, or one of tracing."""
        name = self.function.__name__
        try:
            self.plain({})
        except NotTried:
            raise
        except Exception as own:
            line = user_line(own, self.function.__code__.co_filename)
            raise CodeFails(f"{name} fails{line}: {described(own)}") from own
        place = f" at {self.graph.place}" if self.graph.place else ""
        raise CannotTrace(f"cannot trace {name}{place}: {described(error)}") from error


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
    call = vars(type(function)).get("__call__")
    if isinstance(call, types.FunctionType) and is_user_class(type(function)):
        return call, function
    raise CannotTrace(f"cannot trace {function!r}: it is not a Python function; only its numbers can be compared")


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters by name; a wrapper with `**kwargs` also takes those of the function that it wraps."""
    own = dict(inspect.signature(function, follow_wrapped=False).parameters)
    if _takes_any(own) and hasattr(function, "__wrapped__"):
        wrapped = inspect.signature(function).parameters
        own.update((name, p.replace(kind=p.KEYWORD_ONLY)) for name, p in wrapped.items() if p.kind is not p.VAR_KEYWORD)
    return own


def _positional(parameters: Mapping[str, inspect.Parameter], keywords: dict[str, Any]) -> list[Any]:
    """Take out of the keywords what can only be passed by position; before `*rest` that is everything."""
    found: list[Any] = []
    rest = any(p.kind is p.VAR_POSITIONAL and n in keywords for n, p in parameters.items())
    by_place = {inspect.Parameter.POSITIONAL_ONLY, *([inspect.Parameter.POSITIONAL_OR_KEYWORD] if rest else [])}
    for name in [name for name in parameters if name in keywords]:
        if parameters[name].kind in by_place:
            found.append(keywords.pop(name))
        elif parameters[name].kind is inspect.Parameter.VAR_POSITIONAL:
            found.extend(keywords.pop(name))
    return found


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def user_line(error: BaseException, filename: str) -> str:
    """Return ` at line n`: the last line of a file that an exception came through, or nothing.

    Where two passes were put together, that is one of the user's.
    """
    line, current = None, error.__traceback__
    while current is not None:
        at = current.tb_frame.f_code.co_filename
        if at == filename != NO_FILE or (filename == NO_FILE != at and is_user_file(at)):
            line = current.tb_lineno
        current = current.tb_next
    return f" at line {line}" if line is not None else ""
