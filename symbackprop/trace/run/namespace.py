"""A private copy of what a function refers to: globals, callees, closures, classes, and the objects passed to it.

The user's modules are never changed. A `Namespace` rebuilds functions around a new dictionary of globals, in which
numpy, math, scipy.special and `float` may be stand-ins; copies mutable state; and hands every real number found in
the arguments to a `leaf` function, which turns it into a traced input (or into the number of another point, for a
plain run).
"""

from __future__ import annotations

import builtins
import copy
import functools
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symbackprop.trace.arrays.scalar import Traced
from symbackprop.trace.arrays.traced_array import TracedArray, wrap
from symbackprop.trace.graph.graph import Graph
from symbackprop.trace.run.creation import float_type, vectorized
from symbackprop.trace.run.nested import has_functions, instance_members, is_user_class, is_user_file, slots
from symbackprop.trace.run.proxies import function_proxy, module_proxy

Leaf = Callable[[str, Any], Any]

_REAL = (float, np.floating)
_OWN = ("__builtins__", "__getattr__")  # what a private module has of its own
_OF_THE_CLASS = ("__dict__", "__weakref__", "__slots__", "__module__", "__abstractmethods__", "_abc_impl")  # not copied


def _is_number(value: Any, types_: tuple[type, ...], kinds: str) -> bool:
    """Whether a value is a number of some types, or an array of such."""
    return isinstance(value, types_) or (isinstance(value, np.ndarray) and value.dtype.kind in kinds)


class Namespace:
    """One private copy; with a graph it is a traced one, without a graph a plain one.

    `codes` puts other code in the place of some functions' own, for trying a change of them.
    """

    def __init__(
        self,
        graph: Graph | None,
        leaf: Leaf,
        names: Mapping[str, Any] | None = None,
        codes: Mapping[types.CodeType, types.CodeType] | None = None,
    ) -> None:
        self.codes = codes or {}
        self.graph = graph
        self.leaf = leaf
        self.names = dict(names or {})
        self.globals: dict[int, dict[str, Any]] = {}
        self._modules: dict[int, UserModule] = {}
        self._memo: dict[int, Any] = {}
        self._objects: dict[int, Any] = {}
        self._keep: list[Any] = []

    # ---- arguments: every real number is a leaf

    def bind(self, path: str, value: Any) -> Any:
        """Return a copy of an argument in which every real number went through `leaf` under its dotted path."""
        self._objects = {}
        return self._bind(path, value)

    def _bind(self, path: str, value: Any) -> Any:
        if _is_number(value, _REAL, "fO"):
            plain = isinstance(value, float) and not isinstance(value, np.floating)
            return self.leaf(path, value) if plain else self._once(value, lambda: self.leaf(path, value))
        if _is_number(value, (int, np.integer), "iu"):
            return self.leaf(path, value)
        return self._structure(path, value)

    def _structure(self, path: str, value: Any) -> Any:
        """Bind what holds values; what is neither a value nor holds any is swapped for what stands for it."""
        if isinstance(value, dict):
            return self._filled(
                value, {}, lambda fresh: fresh.update((k, self._bind(f"{path}.{k}", v)) for k, v in value.items())
            )
        if isinstance(value, list):
            return self._filled(value, [], lambda fresh: fresh.extend(self._bind(f"{path}.{k}", v) for k, v in enumerate(value)))
        if isinstance(value, tuple):
            items = [self._bind(f"{path}.{k}", item) for k, item in enumerate(value)]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        if is_user_class(type(value)) or isinstance(value, types.SimpleNamespace):
            return self._instance(value, path)
        return self.swap(value)

    def _once(self, value: Any, make: Callable[[], Any]) -> Any:
        known = self._objects.get(id(value))
        if known is None:
            known = self._objects[id(value)] = make()
            self._keep.append(value)
        return known

    def _filled(self, value: Any, fresh: Any, fill: Callable[[Any], None]) -> Any:
        """Copy a container that may contain itself."""
        known = self._objects.get(id(value))
        if known is not None:
            return known
        self._objects[id(value)] = fresh
        self._keep.append(value)
        fill(fresh)
        return fresh

    def _instance(self, value: Any, path: str | None) -> Any:
        known = self._objects.get(id(value))
        if known is not None:
            return known
        kind = self.swap(type(value))
        fresh = kind.__new__(kind) if kind is types.SimpleNamespace else object.__new__(kind)
        self._objects[id(value)] = fresh
        self._keep.append(value)
        for name, member in instance_members(value).items():
            bound = self.swap(member) if path is None else self._bind(f"{path}.{name}", member)
            object.__setattr__(fresh, name, bound)
        return fresh

    # ---- everything else: functions, classes, modules, global state

    def swap(self, value: Any) -> Any:
        """Return the private copy of something a function refers to."""
        known = self._memo.get(id(value))
        if known is not None:
            return known
        fresh = self._swap(value)
        if fresh is not value:
            self._memo[id(value)] = fresh
            self._keep.append(value)
        return fresh

    def _swap(self, value: Any) -> Any:
        for kinds, rule in _RULES:
            if isinstance(value, kinds):
                return rule(self, value)
        stand_in = self._stand_in(value)
        if stand_in is not None:
            return stand_in
        if isinstance(value, functools._lru_cache_wrapper):
            return self.swap(value.__wrapped__)
        if is_user_class(type(value)) or isinstance(value, types.SimpleNamespace):
            return self._instance(value, None)
        return value

    def _stand_in(self, value: Any) -> Any:
        """Return what stands for a function or type of a library in traced code; None when nothing does."""
        return None if self.graph is None else function_proxy(self.graph, value)

    def function(self, function: types.FunctionType) -> Any:
        """Rebuild a function of the user's around the private globals; functions of libraries stay as they are."""
        if not is_user_file(function.__code__.co_filename):
            stand_in = self._stand_in(function)
            wrapped = getattr(function, "__wrapped__", None)
            return function if stand_in is None or wrapped is function else stand_in
        code = self.codes.get(function.__code__, function.__code__)
        held = dict(zip(function.__code__.co_freevars, map(self._cell, function.__closure__ or ()), strict=True))
        cells = tuple(held[name] for name in code.co_freevars)
        fresh = types.FunctionType(code, self._globals_for(function, code), function.__name__, None, cells)
        self._memo[id(function)] = fresh
        self._keep.append(function)
        fresh.__defaults__ = tuple(map(self.swap, function.__defaults__)) if function.__defaults__ else None
        fresh.__kwdefaults__ = {k: self.swap(v) for k, v in function.__kwdefaults__.items()} if function.__kwdefaults__ else None
        fresh.__qualname__, fresh.__module__ = function.__qualname__, function.__module__
        fresh.__doc__ = function.__doc__
        for name, member in vars(function).items():
            fresh.__dict__[name] = self.swap(member)
        return fresh

    def _cell(self, cell: types.CellType) -> types.CellType:
        known = self._memo.get(id(cell))
        if known is not None:
            return known  # type: ignore[no-any-return]
        fresh = types.CellType()
        self._memo[id(cell)] = fresh
        self._keep.append(cell)
        try:
            content = cell.cell_contents
        except ValueError:
            return fresh
        fresh.cell_contents = self.swap(content)
        return fresh

    def _globals_for(self, function: types.FunctionType, code: types.CodeType) -> dict[str, Any]:
        """Return the private globals of a function's module, with every name its code mentions filled in."""
        original = function.__globals__
        private = vars(self._private_module(original))
        for name in mentioned(code):
            if name in original and name not in private:
                private[name] = None
                private[name] = self.swap(original[name])
        return private

    def _private_module(self, original: dict[str, Any]) -> UserModule:
        """Return the private copy of a module of the user's; its dictionary is the private globals of the module's functions."""
        module = self._modules.get(id(original))
        if module is None:
            module = self._modules[id(original)] = UserModule(original, self)
            private = self.globals[id(original)] = vars(module)
            private.update((name, value) for name, value in original.items() if name.startswith("__") and name not in _OWN)
            private["__builtins__"] = self._builtins()
            self._keep.append(original)
            for name, value in self.names.items():
                if name in original:
                    private[name] = self.bind(name, value)
        return module

    def _builtins(self) -> dict[str, Any]:
        table = dict(vars(builtins))
        if self.graph is not None:
            table["float"] = float_type(self.graph, float)
            table.update(self.graph.builtins)
        original = builtins.__import__

        def importer(name: str, *args: Any, **kwargs: Any) -> Any:
            return self.swap(original(name, *args, **kwargs))

        table["__import__"] = importer
        return table

    def _class(self, kind: type) -> Any:
        stand_in = self._stand_in(kind)
        if stand_in is not None:
            return stand_in
        if not is_user_class(kind) or not (has_functions(kind) or any(map(is_user_class, kind.__bases__))):
            return kind
        fresh = type(kind)(kind.__name__, tuple(map(self.swap, kind.__bases__)), {"__module__": kind.__module__})
        self._memo[id(kind)] = fresh
        self._keep.append(kind)
        hidden = {*_OF_THE_CLASS, *slots(kind)}
        for name, member in list(vars(kind).items()):
            if name not in hidden:
                setattr(fresh, name, self.swap(member))
        return fresh

    def _module(self, module: types.ModuleType) -> Any:
        if self.graph is not None:
            stand_in = module_proxy(self.graph, module)
            if stand_in is not None:
                return stand_in
        filename = getattr(module, "__file__", None)
        return self._private_module(vars(module)) if filename and is_user_file(filename) else module

    def _array(self, array: np.ndarray[Any, Any]) -> Any:
        if self.graph is None or isinstance(array, TracedArray) or array.dtype.kind not in "fO":
            return array.copy()
        if array.dtype.kind == "O" and not all(isinstance(item, (Traced, int, float)) for item in array.reshape(-1)):
            return array.copy()
        return wrap(self.graph, array)

    def _list(self, value: Any) -> Any:
        fresh: list[Any] = []
        self._memo[id(value)] = fresh
        self._keep.append(value)
        fresh.extend(map(self.swap, value))
        return fresh

    def _dict(self, value: Any) -> Any:
        if type(value) is not dict:
            return copy.copy(value)
        fresh: dict[Any, Any] = {}
        self._memo[id(value)] = fresh
        self._keep.append(value)
        fresh.update((key, self.swap(item)) for key, item in value.items())
        return fresh

    def _tuple(self, value: Any) -> Any:
        items = [self.swap(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)

    def _vectorize(self, value: Any) -> Any:
        function = self.swap(value.pyfunc)
        return np.vectorize(function) if self.graph is None else vectorized(self.graph, function)


_RULES: tuple[tuple[Any, Callable[[Namespace, Any], Any]], ...] = (
    (types.FunctionType, Namespace.function),
    (types.MethodType, lambda space, value: types.MethodType(space.swap(value.__func__), space.swap(value.__self__))),
    (types.ModuleType, Namespace._module),
    (type, Namespace._class),
    (np.ndarray, Namespace._array),
    (np.vectorize, Namespace._vectorize),
    (
        functools.partial,
        lambda s, v: functools.partial(s.swap(v.func), *map(s.swap, v.args), **{k: s.swap(x) for k, x in v.keywords.items()}),
    ),
    (staticmethod, lambda space, value: staticmethod(space.swap(value.__func__))),
    (classmethod, lambda space, value: classmethod(space.swap(value.__func__))),
    (property, lambda s, value: property(s.swap(value.fget), s.swap(value.fset), s.swap(value.fdel), value.__doc__)),
    (list, Namespace._list),
    (dict, Namespace._dict),
    (tuple, Namespace._tuple),
    (np.random.Generator, lambda space, value: copy.deepcopy(value)),
    (np.random.RandomState, lambda space, value: copy.deepcopy(value)),
)


class UserModule(types.ModuleType):
    """A private copy of a module of the user's, filled as names are asked for; what is set on it, its functions see."""

    def __init__(self, original: dict[str, Any], space: Namespace) -> None:
        super().__init__(str(original.get("__name__", "module")))
        object.__setattr__(self, "__getattr__", lambda name: self._copied(name, original, space))

    def _copied(self, name: str, original: dict[str, Any], space: Namespace) -> Any:
        if name not in original:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = space.swap(original[name])
        vars(self).setdefault(name, value)
        return value


def mentioned(code: types.CodeType) -> set[str]:
    """Return the names that a code object and the code inside it mention."""
    names: set[str] = set()
    stack = [code]
    while stack:
        current = stack.pop()
        names.update(current.co_names)
        stack.extend(constant for constant in current.co_consts if isinstance(constant, types.CodeType))
    return names
