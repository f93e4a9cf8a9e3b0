"""Running one function with one set of example arguments: on traced numbers, and on plain ones at any point."""

from __future__ import annotations

import inspect
import io
import random
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.errors import UserError, nearest
from symbackprop.verify.graph import CannotTrace, Graph, InputName
from symbackprop.verify.namespace import Namespace, is_user_class
from symbackprop.verify.recorder import Recorder, Value, watch
from symbackprop.verify.scalar import Traced, shortest
from symbackprop.verify.traced_array import as_traced_array


class CodeFails(UserError):
    """The traced code itself raises an exception on plain numbers; the message names it and its line."""


@dataclass(frozen=True, slots=True)
class Outcome:
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
        constant: frozenset[str],
        rename: dict[str, str],
        at: dict[InputName, float],
        seed: int,
    ) -> None:
        self.function, self.owner = _split(function)
        self.parameters = _parameters(self.function)
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
        positional: list[Any] = []
        if self.owner is not None:
            bound["self"] = space.bind("self", self.owner)
            positional.append(bound["self"])
        keywords = {name: value for name, value in bound.items() if name != "self" or self.owner is None}
        rest = [n for n, p in parameters.items() if p.kind is p.VAR_POSITIONAL and n in keywords]
        for name, parameter in parameters.items():
            if name not in keywords:
                continue
            # What stands before *rest can only be passed by position when *rest is.
            before_rest = parameter.kind is parameter.POSITIONAL_OR_KEYWORD and bool(rest)
            if parameter.kind is parameter.POSITIONAL_ONLY or before_rest:
                positional.append(keywords.pop(name))
            elif parameter.kind is parameter.VAR_POSITIONAL:
                positional.extend(keywords.pop(name))
        function = space.swap(self.function)
        for name in self.arguments.keys() - passed.keys():
            bound[name] = space.globals[id(self.function.__globals__)].get(name)
        return (lambda: function(*positional, **keywords)), bound

    def _space(self, graph: Graph | None, leaf: Callable[[str, Any], Any]) -> Namespace:
        parameters = self.parameters
        outside = {} if _takes_any(parameters) else {n: v for n, v in self.arguments.items() if n not in parameters}
        return Namespace(graph, leaf, outside)

    def traced(self) -> tuple[Outcome, Recorder]:
        """Run on traced numbers, recording lines and locals."""
        space = self._space(self.graph, self.traced_leaf)
        call, bound = self._call(space)
        with _quiet(self.seed), watch(space, self.graph) as recorder:
            returned = call()
        return Outcome(returned, bound), recorder

    def plain(self, point: Mapping[InputName, float]) -> Outcome:
        """Run on plain numbers at a point, in a private copy of the module with the real numpy."""
        space = self._space(None, self.plain_leaf(point))
        call, bound = self._call(space)
        with _quiet(self.seed):
            returned = call()
        return Outcome(returned, bound)

    def explain(self, error: Exception) -> None:
        """Raise the right error for an exception of the traced run: the code's own, or one of tracing."""
        name = self.function.__name__
        try:
            self.plain({})
        except Exception as own:
            line = user_line(own, self.function.__code__.co_filename)
            raise CodeFails(f"{name} fails{line}: {type(own).__name__}: {one_line(own)}") from own
        place = f" at {self.graph.place}" if self.graph.place else ""
        raise CannotTrace(f"cannot trace {name}{place}: {type(error).__name__}: {one_line(error)}") from error


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


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in parameters.values())


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


def one_line(error: Exception) -> str:
    """Return the message of an exception on one line."""
    return " ".join(str(error).split()) or "no message"


def user_line(error: Exception, filename: str) -> str:
    """Return ` at line n`: the last line of a file that an exception came through, or nothing."""
    line, current = None, error.__traceback__
    while current is not None:
        if current.tb_frame.f_code.co_filename == filename:
            line = current.tb_lineno
        current = current.tb_next
    return f" at line {line}" if line is not None else ""
