"""Stand-ins for numpy, math, parts of scipy and `float`, under whatever names the traced code imported them by.

A stand-in behaves like the module. It differs where the module would lose what a value depends on: arrays are made
traced, functions of plain numbers stay exact (`np.sqrt(2)` is √2, `np.pi` is π), and what cannot be followed says so.
"""

from __future__ import annotations

import builtins
import math
import sys
import types
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from symbackprop.trace.arrays.numpy_functions import call_function, qualified_name
from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.signal import IMAGES, SIGNAL
from symbackprop.trace.arrays.special import MATH, SPECIAL, Rule
from symbackprop.trace.arrays.traced_array import ELEMENTWISE, call_ufunc, finish, is_traced, lifted, plain, unwrap
from symbackprop.trace.graph.graph import Graph, words
from symbackprop.trace.run.creation import CREATION, abstract_type, float_type, real_dtype

# ---- modules


class ModuleProxy:
    """A module whose attributes are replaced, one by one, when they are asked for."""

    def __init__(self, graph: Graph, module: types.ModuleType, replace: Callable[[Any, str], Any]) -> None:
        self._graph = graph
        self._module = module
        self._replace = replace

    def __getattr__(self, name: str) -> Any:
        value = self._replace(getattr(self._module, name), name)
        if not name.startswith("__"):
            self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(self._module)

    def __repr__(self) -> str:
        return repr(self._module)


class _IndexTrick:
    """`np.r_[…]` and `np.c_[…]`."""

    def __init__(self, graph: Graph, original: Any) -> None:
        self._graph = graph
        self._original = original

    def __getitem__(self, key: Any) -> Any:
        parts = tuple(
            plain(part) if isinstance(part, Traced) else unwrap(part) for part in (key if isinstance(key, tuple) else (key,))
        )
        return finish(self._graph, self._original[parts if isinstance(key, tuple) else parts[0]])


class UfuncProxy:
    """A universal function with its methods (`reduce`, `outer` …); results on plain floats stay exact."""

    def __init__(self, graph: Graph, ufunc: np.ufunc) -> None:
        self._graph = graph
        self._ufunc = ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._run("__call__", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in ("reduce", "accumulate", "reduceat", "outer", "at"):
            return lambda *args, **kwargs: self._run(name, args, kwargs)
        return getattr(self._ufunc, name)

    def _run(self, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        graph, ufunc = self._graph, self._ufunc
        if not is_traced(args) and not is_traced(kwargs) and self._may_stay_plain(args):
            options = {key: real_dtype(value) if key == "dtype" else value for key, value in kwargs.items()}
            result = getattr(ufunc, method)(*args, **options)
            if _is_exact(result) or ufunc.__name__ not in ELEMENTWISE:
                return finish(graph, result)
        if method not in ("at", "reduceat"):
            args = tuple(lifted(graph, value) for value in args)
        return call_ufunc(graph, ufunc, method, args, kwargs)

    def _may_stay_plain(self, args: tuple[Any, ...]) -> bool:
        """Whether plain operands may give a plain result: whole numbers, or a function that rounds nothing."""
        whole = all(np.asarray(value).dtype.kind in "biu" for value in args if value is not None)
        return whole or (self._ufunc.__name__ not in ELEMENTWISE and self._ufunc.__name__ not in ("divide", "power"))


def numpy_proxy(graph: Graph, module: types.ModuleType = np, prefix: str = "") -> ModuleProxy:
    """Return the stand-in of numpy, or of a module inside it."""

    def replace(value: Any, name: str) -> Any:
        return numpy_attribute(graph, value, prefix + name)

    return ModuleProxy(graph, module, replace)


_PLAIN_MODULES = words("testing typing exceptions dtypes polynomial version")


def _creates(rule: Rule) -> Callable[[Graph, Any], Any]:
    return lambda graph, value: partial(rule, graph)


def _refuses(name: str) -> Callable[[Graph, Any], Any]:
    return lambda graph, value: _refusing(graph, value, name)


def _refusing(graph: Graph, function: Any, name: str) -> Callable[..., Any]:
    """Return a function that refuses everything traced."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        if is_traced((args, kwargs)):
            raise graph.refuse(f"`{name}`")
        return function(*args, **kwargs)

    return guarded


def numpy_attribute(graph: Graph, value: Any, name: str) -> Any:
    """Return what `np.<name>` is for traced code."""
    if name in _BY_NAME:
        return _BY_NAME[name](graph, value)
    if isinstance(value, np.ufunc):
        return UfuncProxy(graph, value)
    if isinstance(value, types.ModuleType):
        return value if name in _PLAIN_MODULES else numpy_proxy(graph, value, name + ".")
    if isinstance(value, type):
        return _numpy_type(graph, value)
    if not callable(value) or name.startswith("__"):
        return value
    called = _random if name.startswith("random.") else _call
    return lambda *args, **kwargs: called(graph, value, name, args, kwargs)


_BY_NAME: Mapping[str, Callable[[Graph, Any], Any]] = {
    "pi": lambda graph, value: Traced(graph, graph.pi()),
    "e": lambda graph, value: Traced(graph, graph.apply("exp", graph.constant(1))),
    **{name: _creates(rule) for name, rule in CREATION.items()},
    **dict.fromkeys(("r_", "c_"), _IndexTrick),
    **{name: _refuses(f"np.{name}") for name in words("matrix asmatrix bmat recarray poly1d")},
}
"""The attributes of numpy that are something else for traced code, whatever kind they are."""


def _numpy_type(graph: Graph, value: type) -> Any:
    """Return what stands for a type of numpy: one of floats makes traced numbers, an abstract one knows them."""
    if issubclass(value, np.floating) and value not in (np.floating, np.inexact):
        return float_type(graph, value)
    return abstract_type(value) if value in (np.number, np.generic, np.inexact, np.floating) else value


def _is_exact(result: Any) -> bool:
    """Whether a result holds no floating-point number."""
    kind = result.dtype.kind if isinstance(result, np.ndarray) else "f" if isinstance(result, float | np.floating) else ""
    return kind in ("", *"biu")


def _random(graph: Graph, function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if name == "random.default_rng" or name.endswith("seed"):
        return function(*args, **kwargs)
    if is_traced(args) or is_traced(kwargs):
        raise graph.refuse(f"`np.{name}` of a value that depends on the inputs")
    return finish(graph, function(*args, **{key: real_dtype(item) for key, item in kwargs.items()}))


def _call(graph: Graph, function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    options = {key: real_dtype(value) for key, value in kwargs.items()}
    return call_function(graph, name, function, tuple(_rows(real_dtype(value)) for value in args), options)


def _rows(value: Any) -> Any:
    """A generator is used up by looking at it: make it a list first."""
    return list(value) if isinstance(value, (types.GeneratorType, map, zip)) else value


def math_attribute(graph: Graph, value: Any, name: str) -> Any:
    """Return what `math.<name>` is for traced code."""
    if name in ("pi", "tau"):
        pi = Traced(graph, graph.pi())
        return pi if name == "pi" else 2 * pi
    if name == "e":
        return Traced(graph, graph.apply("exp", graph.constant(1)))
    return _ruled(graph, value, name, MATH, "math")


SCIPY: Mapping[str, Mapping[str, Rule]] = {"scipy.special": SPECIAL, "scipy.signal": SIGNAL, "scipy.ndimage": IMAGES}
"""The parts of scipy that have traced functions."""


def scipy_attribute(graph: Graph, value: Any, name: str, module: str) -> Any:
    """Return what `scipy.special.<name>`, say, is for traced code."""
    return _ruled(graph, value, name, SCIPY[module], module)


def _ruled(graph: Graph, value: Any, name: str, rules: Mapping[str, Rule], module: str) -> Any:
    if name in rules:
        return partial(rules[name], graph)
    return _refusing(graph, value, f"{module}.{name}") if callable(value) and not isinstance(value, type) else value


def module_proxy(graph: Graph, module: types.ModuleType) -> Any:
    """Return the stand-in of a module, or None when the module is left as it is."""
    name = module.__name__
    if name == "numpy" or name.startswith("numpy."):
        inner = name.removeprefix("numpy").lstrip(".")
        return numpy_proxy(graph, module, f"{inner}." if inner else "")
    if name == "math":
        return ModuleProxy(graph, module, lambda value, key: math_attribute(graph, value, key))
    if name in SCIPY:
        return ModuleProxy(graph, module, lambda value, key: scipy_attribute(graph, value, key, name))
    if name == "scipy":
        return ModuleProxy(graph, module, lambda value, key: _scipy(graph, value))
    return None


def _scipy(graph: Graph, value: Any) -> Any:
    if isinstance(value, types.ModuleType):
        return module_proxy(graph, value) or value
    return value


def _ufunc_by_name(graph: Graph, ufunc: np.ufunc) -> Any:
    if getattr(np, ufunc.__name__, None) is ufunc:
        return UfuncProxy(graph, ufunc)
    special = sys.modules.get("scipy.special")
    if special is not None and getattr(special, ufunc.__name__, None) is ufunc:
        return scipy_attribute(graph, ufunc, ufunc.__name__, "scipy.special")
    return None


def function_proxy(graph: Graph, value: Any) -> Any:
    """Return the stand-in of a function imported by name (`from math import exp`), or None when there is none."""
    if isinstance(value, np.ufunc):
        return _ufunc_by_name(graph, value)
    if value is builtins.float:
        return float_type(graph, float)
    home = (getattr(value, "__module__", None) or "").split(".")[0]
    found = _IMPORTED_FROM.get(home)
    return found(graph, value, getattr(value, "__name__", "")) if found else None


def _from_math(graph: Graph, value: Any, name: str) -> Any:
    return math_attribute(graph, value, name) if getattr(math, name, None) is value else None


def _from_numpy(graph: Graph, value: Any, name: str) -> Any:
    if not callable(value) or isinstance(value, np.ndarray | np.generic):
        return None
    if isinstance(value, type):
        return numpy_attribute(graph, value, name) if issubclass(value, (np.generic, np.vectorize)) else None
    return numpy_attribute(graph, value, qualified_name(value))


def _from_scipy(graph: Graph, value: Any, name: str) -> Any:
    home = ".".join(value.__module__.split(".")[:2])
    return scipy_attribute(graph, value, name, home) if name in SCIPY.get(home, ()) else None


_IMPORTED_FROM = {"math": _from_math, "numpy": _from_numpy, "scipy": _from_scipy}
