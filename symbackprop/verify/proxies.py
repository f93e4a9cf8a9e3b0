"""Stand-ins for numpy, math, scipy.special and `float` that a traced function sees under the names it imported them by.

A stand-in behaves like the module. It differs where the module would lose what a value depends on: arrays are made traced, functions
of plain numbers stay exact (`np.sqrt(2)` is √2, `np.pi` is π), and what cannot be followed says so.
"""

from __future__ import annotations

import builtins
import math
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symbackprop.verify.elementary import TABLE
from symbackprop.verify.graph import Graph
from symbackprop.verify.numpy_functions import OWN, STRUCTURAL, array_of, as_dtype, call_function, is_float_kind, qualified_name
from symbackprop.verify.scalar import Traced, lift
from symbackprop.verify.traced_array import (
    ELEMENTWISE,
    TracedArray,
    call_ufunc,
    finish,
    is_traced,
    lifted,
    plain,
    unwrap,
    wrap,
)

Rule = Callable[..., Any]


# ---- types: `float`, `np.float64` …, as constructors, as dtypes and in isinstance


class _FloatMeta(type):
    """Makes `isinstance(x, float)` hold for traced numbers."""

    kinds: tuple[type, ...]

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, (Traced, *cls.kinds))

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, (Traced, *cls.kinds))

    def __eq__(cls, other: object) -> bool:
        return other is cls or other in cls.kinds

    def __hash__(cls) -> int:
        return hash(cls.kinds)


def float_type(graph: Graph, kind: type) -> type:
    """Return the stand-in of a float type: called it keeps a value traced, as a dtype it is the original's."""

    def new(cls: type, value: Any = 0.0, *args: Any) -> Any:
        if np.dtype(kind).itemsize < 8:
            graph.casts.setdefault(np.dtype(kind).name, graph.place)
        if isinstance(value, (Traced, TracedArray)):
            return value if isinstance(value, Traced) or value.size > 1 or kind is not float else value.item()
        return finish(graph, kind(value, *args))

    members = {"__new__": new, "kinds": (kind,), "dtype": np.dtype(kind), "__doc__": kind.__doc__}
    if kind is float:
        members["fromhex"] = float.fromhex
    return _FloatMeta(kind.__name__, (), members)


def _concrete_type(kind: type) -> Any:
    """Make `isinstance(x, np.floating)` and the like hold for traced numbers, for abstract numpy types."""
    return _FloatMeta(kind.__name__, (), {"kinds": (kind,), "dtype": np.dtype(np.float64)})


def real_dtype(dtype: Any) -> Any:
    """Return a dtype as numpy takes it: a stand-in of a float type becomes the type."""
    return np.dtype(dtype.dtype) if isinstance(dtype, _FloatMeta) else dtype


# ---- creation


def _note_precision(graph: Graph, dtype: Any) -> None:
    kind = np.dtype(dtype)
    if kind.kind == "f" and kind.itemsize < 8:
        graph.casts.setdefault(kind.name, graph.place)


def _array(graph: Graph, value: Any, dtype: Any = None, **options: Any) -> Any:
    """np.array and its kin: real numbers come back traced."""
    dtype = real_dtype(dtype)
    if not is_traced(value):
        if dtype is not None:
            _note_precision(graph, dtype)
        return finish(graph, np.array(unwrap(value), dtype=dtype, **options))
    if isinstance(value, Traced):
        box = plain(value)
    else:
        box = np.array(unwrap(list(value) if isinstance(value, types.GeneratorType) else value), dtype=object, **options)
    if is_float_kind(dtype):
        if dtype is not None:
            _note_precision(graph, dtype)
        result = wrap(graph, box)
        return result
    return as_dtype(graph, wrap(graph, box), dtype)


def _asarray(graph: Graph, value: Any, dtype: Any = None, *args: Any, **options: Any) -> Any:
    if isinstance(value, TracedArray) and is_float_kind(real_dtype(dtype)):
        return value
    if isinstance(value, np.ndarray) and not isinstance(value, TracedArray) and dtype is None and value.dtype.kind not in "fO":
        return value
    return _array(graph, value, dtype)


def _filled(name: str) -> Rule:
    def make(graph: Graph, shape: Any, *args: Any, dtype: Any = None, **options: Any) -> Any:
        function = getattr(np, name)
        arguments = list(args)
        if name == "full" and arguments:
            value = arguments.pop(0)
            if is_traced(value) or (dtype is not None and np.dtype(real_dtype(dtype)).kind == "f"):
                return _broadcast(graph, value, shape)
            arguments.insert(0, value)
        elif arguments:
            dtype = arguments.pop(0)
        if dtype is not None:
            dtype = real_dtype(dtype)
            _note_precision(graph, dtype)
            dtype = np.float64 if np.dtype(dtype).kind == "O" else dtype
        return finish(graph, function(shape, *arguments, dtype=dtype))

    return make


def _broadcast(graph: Graph, value: Any, shape: Any) -> Any:
    return wrap(graph, np.array(np.broadcast_to(plain(lifted(graph, value)), shape), dtype=object))


def _like(name: str) -> Rule:
    def make(graph: Graph, prototype: Any, *args: Any, dtype: Any = None, shape: Any = None, **options: Any) -> Any:
        source = np.asarray(unwrap(prototype)) if not isinstance(prototype, Traced) else plain(prototype)
        shape = source.shape if shape is None else shape
        arguments = list(args)
        if name == "full" and arguments:
            kind = dtype if dtype is not None else source.dtype
            return _filled("full")(graph, shape, arguments[0], dtype=real_dtype(kind))
        if arguments:
            dtype = arguments[0]
        return _filled(name)(graph, shape, dtype=source.dtype if dtype is None else dtype)

    return make


def _copy(graph: Graph, value: Any, *args: Any, **kwargs: Any) -> Any:
    return value.copy() if isinstance(value, TracedArray) else _array(graph, value)


def _fromiter(graph: Graph, items: Any, dtype: Any = None, count: int = -1) -> Any:
    return _array(graph, list(items), dtype)


def _vectorize(graph: Graph, function: Any, *args: Any, **options: Any) -> Any:
    return vectorized(graph, function)


def vectorized(graph: Graph, function: Rule) -> Rule:
    """Return a function of arrays that calls a function of numbers on every element, with broadcasting."""

    def run(*args: Any, **kwargs: Any) -> Any:
        def element(*items: Any) -> Any:
            return function(*items, **kwargs)

        arrays = [plain(lifted(graph, value)) for value in args]
        result = np.frompyfunc(element, len(arrays), 1)(*arrays)
        if isinstance(result, np.ndarray) and not is_traced(result):
            tight = np.array(result.tolist())
            return finish(graph, tight)
        return finish(graph, result)

    return run


def _from_python_function(graph: Graph, function: Any, nin: int, nout: int, **options: Any) -> Any:
    return vectorized(graph, function)


def _fromfunction(graph: Graph, function: Any, shape: Any, dtype: Any = float, **kwargs: Any) -> Any:
    indices = np.indices(shape, dtype=real_dtype(dtype))
    return function(*(finish(graph, index) for index in indices), **kwargs)


CREATION: dict[str, Rule] = {
    **{name: _array for name in ("array",)},
    **{name: _asarray for name in ("asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require")},
    **{name: _filled(name) for name in ("zeros", "ones", "full")},
    "empty": _filled("zeros"),
    **{f"{name}_like": _like(name) for name in ("zeros", "ones", "full")},
    "empty_like": _like("zeros"),
    "copy": _copy,
    "fromiter": _fromiter,
    "vectorize": _vectorize,
    "frompyfunc": _from_python_function,
    "fromfunction": _fromfunction,
}


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
        parts = tuple(plain(part) if isinstance(part, Traced) else unwrap(part) for part in (key if isinstance(key, tuple) else (key,)))
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
        if not is_traced(args) and not is_traced(kwargs):
            stays_plain = all(np.asarray(value).dtype.kind in "biu" for value in args if value is not None)
            if stays_plain or (ufunc.__name__ not in ELEMENTWISE and ufunc.__name__ not in ("divide", "power")):
                options = {key: real_dtype(value) if key == "dtype" else value for key, value in kwargs.items()}
                result = getattr(ufunc, method)(*args, **options)
                exact_result = not isinstance(result, (float, np.floating, np.ndarray)) or (
                    isinstance(result, np.ndarray) and result.dtype.kind in "biu"
                )
                if exact_result or ufunc.__name__ not in ELEMENTWISE:
                    return finish(graph, result)
        if method in ("at", "reduceat"):
            return call_ufunc(graph, ufunc, method, args, kwargs)
        return call_ufunc(graph, ufunc, method, tuple(lifted(graph, value) for value in args), kwargs)


def numpy_proxy(graph: Graph, module: types.ModuleType = np, prefix: str = "") -> ModuleProxy:
    """Return the stand-in of numpy, or of a module inside it."""

    def replace(value: Any, name: str) -> Any:
        return numpy_attribute(graph, value, prefix + name)

    return ModuleProxy(graph, module, replace)


_PLAIN_MODULES = frozenset("testing typing exceptions dtypes polynomial version".split())
_PLAIN_TYPES = (np.errstate, np.printoptions) if isinstance(np.printoptions, type) else (np.errstate,)


def numpy_attribute(graph: Graph, value: Any, name: str) -> Any:
    """Return what `np.<name>` is for traced code."""
    if name == "pi":
        return Traced(graph, graph.pi())
    if name == "e":
        return Traced(graph, graph.apply("exp", graph.constant(1)))
    if name in CREATION:
        rule = CREATION[name]
        return lambda *args, **kwargs: rule(graph, *args, **kwargs)
    if name in ("r_", "c_"):
        return _IndexTrick(graph, value)
    if isinstance(value, np.ufunc):
        return UfuncProxy(graph, value)
    if isinstance(value, types.ModuleType):
        return value if name in _PLAIN_MODULES else numpy_proxy(graph, value, name + ".")
    if isinstance(value, type):
        if issubclass(value, np.floating):
            return float_type(graph, value) if value not in (np.floating, np.inexact) else _concrete_type(value)
        return _concrete_type(value) if value in (np.number, np.generic, np.inexact) else value
    if not callable(value) or name.startswith("__"):
        return value
    if name.startswith("random."):
        return lambda *args, **kwargs: _random(graph, value, name, args, kwargs)
    return lambda *args, **kwargs: _call(graph, value, name, args, kwargs)


def _random(graph: Graph, function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    if name == "random.default_rng" or name.endswith("seed"):
        return function(*args, **kwargs)
    if is_traced(args) or is_traced(kwargs):
        raise graph.refuse(f"`np.{name}` of a value that depends on the inputs")
    return finish(graph, function(*args, **{key: real_dtype(item) for key, item in kwargs.items()}))


def _call(graph: Graph, function: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    options = {key: real_dtype(value) if isinstance(value, _FloatMeta) else value for key, value in kwargs.items()}
    arguments = tuple(real_dtype(value) if isinstance(value, _FloatMeta) else value for value in args)
    if name == "lib.stride_tricks.sliding_window_view" or name not in STRUCTURAL:
        return call_function(graph, name, function, arguments, options)
    return call_function(graph, name, function, tuple(_rows(value) for value in arguments), options)


def _rows(value: Any) -> Any:
    """A generator is used up by looking at it: make it a list first."""
    return list(value) if isinstance(value, (types.GeneratorType, map, zip)) else value


# ---- math, scipy.special, builtins


def _one(name: str) -> Rule:
    def function(graph: Graph, x: Any) -> Any:
        return ELEMENTWISE[name][0](_number(graph, x))

    return function


def _number(graph: Graph, value: Any) -> Any:
    if isinstance(value, TracedArray) and value.size == 1:
        return value.item()
    result = lift(graph, value if not isinstance(value, np.ndarray) or value.size != 1 else value.item())
    if not isinstance(result, Traced):
        raise TypeError(f"must be real number, not {type(value).__name__}")
    return result


def _math_log(graph: Graph, x: Any, base: Any = None) -> Any:
    result = _number(graph, x).log()
    return result if base is None else result / _number(graph, base).log()


def _product(graph: Graph, values: Any, *, start: Any = 1) -> Any:
    result = start
    for value in values:
        result = result * value
    return result


def _math_isclose(graph: Graph, a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    left, right = _number(graph, a), _number(graph, b)
    return abs(left - right) <= max(lift(graph, rel_tol) * max(abs(left), abs(right)), lift(graph, abs_tol))


MATH: dict[str, Rule] = {
    **{name: _one(name) for name in TABLE if hasattr(math, name)},
    **{name: _one(f"arc{name[1:]}") for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    **{name: _one(name) for name in ("exp2", "log2", "log10", "degrees", "radians", "fabs", "isnan", "isinf", "isfinite")},
    "log": _math_log,
    "pow": lambda graph, x, y: _number(graph, x) ** _number(graph, y),
    "hypot": lambda graph, *values: sum((_number(graph, x) * x for x in values), lift(graph, 0)).sqrt(),
    "dist": lambda graph, p, q: sum(((_number(graph, x) - y) ** 2 for x, y in zip(p, q, strict=True)), lift(graph, 0)).sqrt(),
    "atan2": lambda graph, y, x: ELEMENTWISE["arctan2"][0](_number(graph, y), _number(graph, x)),
    "copysign": lambda graph, x, y: ELEMENTWISE["copysign"][0](_number(graph, x), _number(graph, y)),
    "fmod": lambda graph, x, y: ELEMENTWISE["fmod"][0](_number(graph, x), _number(graph, y)),
    "fsum": lambda graph, values: sum(values, lift(graph, 0)),
    "prod": _product,
    "sumprod": lambda graph, p, q: sum((x * y for x, y in zip(p, q, strict=True)), lift(graph, 0)),
    "fma": lambda graph, x, y, z: x * y + z,
    "isclose": _math_isclose,
    "floor": lambda graph, x: int(_number(graph, x).floor().value),
    "ceil": lambda graph, x: int(_number(graph, x).ceil().value),
    "trunc": lambda graph, x: int(_number(graph, x).trunc().value),
}


def _array_wise(rule: Rule, count: int = 1) -> Rule:
    """Make a rule for arrays from one for traced scalars."""

    def function(graph: Graph, *args: Any) -> Any:
        values = [lifted(graph, value) for value in args]
        if all(isinstance(value, Traced) for value in values):
            return rule(*values)
        loop = np.frompyfunc(lambda *items: rule(*(lift(graph, item) for item in items)), len(values), 1)
        return finish(graph, loop(*(plain(value) for value in values)))

    return function


def _elementary(name: str) -> Rule:
    return _array_wise(ELEMENTWISE[name][0])


def logsumexp(graph: Graph, a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log Σ b exp(a), with the maximum taken out as scipy does (the maximum cancels, whatever it is)."""
    if return_sign:
        raise graph.refuse("`scipy.special.logsumexp` with return_sign")
    array = array_of(graph, a)
    top = np.max(array, axis=axis, keepdims=True)
    terms = np.exp(array - top) if b is None else lifted(graph, b) * np.exp(array - top)
    result = np.log(terms.sum(axis=axis, keepdims=True)) + top
    if keepdims:
        return result
    return result.reshape(-1)[0] if axis is None else np.squeeze(result, axis=axis)


def softmax(graph: Graph, x: Any, axis: Any = None) -> Any:
    """exp(x) / Σ exp(x)."""
    array = array_of(graph, x)
    terms = np.exp(array - np.max(array, axis=axis, keepdims=True))
    return terms / terms.sum(axis=axis, keepdims=True)


def log_softmax(graph: Graph, x: Any, axis: Any = None) -> Any:
    """x - log Σ exp(x)."""
    return array_of(graph, x) - logsumexp(graph, x, axis=axis, keepdims=True)


def _xlogy(x: Any, y: Any) -> Any:
    return x if x == 0 else x * y.log()


def _huber(delta: Any, r: Any) -> Any:
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


SPECIAL: dict[str, Rule] = {
    "expit": _elementary("sigmoid"),
    "erf": _elementary("erf"),
    "erfc": _elementary("erfc"),
    "log1p": _elementary("log1p"),
    "expm1": _elementary("expm1"),
    "exp2": _elementary("exp2"),
    "cbrt": _elementary("cbrt"),
    "softplus": _elementary("softplus"),
    "log_expit": _array_wise(lambda x: -(-x).softplus()),
    "logit": _array_wise(lambda x: (x / (1 - x)).log()),
    "xlogy": _array_wise(_xlogy),
    "xlog1py": _array_wise(lambda x, y: x if x == 0 else x * y.log1p()),
    "entr": _array_wise(lambda x: -_xlogy(x, x)),
    "rel_entr": _array_wise(lambda x, y: x if x == 0 else x * (x / y).log()),
    "kl_div": _array_wise(lambda x, y: (x if x == 0 else x * (x / y).log()) - x + y),
    "ndtr": _array_wise(lambda x: (1 + (x / lift(x.graph, 2).sqrt()).erf()) / 2),
    "huber": _array_wise(_huber),
    "pseudo_huber": _array_wise(lambda d, r: d * d * ((1 + (r / d) ** 2).sqrt() - 1)),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
}


def math_attribute(graph: Graph, value: Any, name: str) -> Any:
    """Return what `math.<name>` is for traced code."""
    if name in ("pi", "tau"):
        pi = Traced(graph, graph.pi())
        return pi if name == "pi" else 2 * pi
    if name == "e":
        return Traced(graph, graph.apply("exp", graph.constant(1)))
    return _ruled(graph, value, name, MATH, "math")


def special_attribute(graph: Graph, value: Any, name: str) -> Any:
    """Return what `scipy.special.<name>` is for traced code."""
    return _ruled(graph, value, name, SPECIAL, "scipy.special")


def _ruled(graph: Graph, value: Any, name: str, rules: Mapping[str, Rule], module: str) -> Any:
    if name in rules:
        rule = rules[name]
        return lambda *args, **kwargs: rule(graph, *args, **kwargs)
    if not callable(value) or isinstance(value, type):
        return value

    def guarded(*args: Any, **kwargs: Any) -> Any:
        if is_traced(args) or is_traced(kwargs):
            raise graph.refuse(f"`{module}.{name}`")
        return value(*args, **kwargs)

    return guarded


def module_proxy(graph: Graph, module: types.ModuleType) -> Any:
    """Return the stand-in of a module, or None when the module is left as it is."""
    name = module.__name__
    if name == "numpy" or name.startswith("numpy."):
        inner = name.removeprefix("numpy").lstrip(".")
        return numpy_proxy(graph, module, f"{inner}." if inner else "")
    if name == "math":
        return ModuleProxy(graph, module, lambda value, key: math_attribute(graph, value, key))
    if name == "scipy.special":
        return ModuleProxy(graph, module, lambda value, key: special_attribute(graph, value, key))
    if name == "scipy":
        return ModuleProxy(graph, module, lambda value, key: _scipy(graph, value))
    return None


def _scipy(graph: Graph, value: Any) -> Any:
    if isinstance(value, types.ModuleType):
        return module_proxy(graph, value) or value
    return value


def function_proxy(graph: Graph, value: Any) -> Any:
    """Return the stand-in of a function imported by name (`from math import exp`), or None when there is none."""
    if isinstance(value, np.ufunc):
        if getattr(np, value.__name__, None) is value:
            return UfuncProxy(graph, value)
        special = sys.modules.get("scipy.special")
        if special is not None and getattr(special, value.__name__, None) is value:
            return special_attribute(graph, value, value.__name__)
        return None
    if value is builtins.float:
        return float_type(graph, float)
    module = getattr(value, "__module__", None) or ""
    name = getattr(value, "__name__", "")
    if module == "math" and getattr(math, name, None) is value:
        return math_attribute(graph, value, name)
    if module.split(".")[0] == "numpy" and callable(value) and not isinstance(value, (np.ndarray, np.generic)):
        if isinstance(value, type):
            return numpy_attribute(graph, value, name) if issubclass(value, (np.generic, np.vectorize)) else None
        return numpy_attribute(graph, value, qualified_name(value))
    if module.startswith("scipy.special") and name in SPECIAL:
        return special_attribute(graph, value, name)
    return None


__all__ = ["OWN", "ModuleProxy", "float_type", "function_proxy", "module_proxy", "vectorized"]
