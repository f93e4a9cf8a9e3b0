"""Objects that other objects are made with: an activation, a loss, an optimiser, layers.

What a class does with an argument of its constructor says what it needs: methods that it calls on it, methods that it calls on
what the argument holds, or that it calls the argument itself. What has these is looked for in the file and in what it imports.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import sys
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symbackprop.verify.binding.source_tree import definition
from symbackprop.verify.passes.passes import call_with, outside, parameters_of

Maker = Callable[[np.random.Generator], Any]
_OF_ARRAYS = frozenset({*dir(np.ndarray), *dir(list), *dir(dict), *dir(str), *dir(tuple)})
_NO_STEP = re.compile(
    r"loss|cost|optim|softmax|drop|flat|reshape|conv|pool|embed|network|model|norm|rnn|lstm|gru|entropy", re.IGNORECASE
)
_SMOOTH = re.compile(r"sigmoid|logistic|tanh", re.IGNORECASE)
SIZES = ((3, 5), (5, 2))
"""Of two layers, one after the other."""


@dataclass(slots=True)
class ArgumentUse:
    """What is done with an argument: names that are read of it, of what it holds, and whether it is called."""

    names: set[str] = field(default_factory=set)
    of_items: set[str] = field(default_factory=set)
    called: bool = False


def objects_for(kind: type) -> dict[str, list[Maker]]:
    """Return what makes objects, lists of objects or functions, for those arguments of a constructor that have to be such."""
    made = inspect.getattr_static(kind, "__init__")
    if not isinstance(made, types.FunctionType):
        return {}
    known = _pool(kind)
    uses = uses_of(kind, made)
    slopes = {name for name in uses if _is_slope_of(name, uses)}
    found = {name: _makers(name, use, known, slope=name in slopes) for name, use in uses.items()}
    found |= _an_activation([name for name, use in uses.items() if use.called and not found[name]], slopes)
    return dict(filter(lambda item: item[1], found.items()))


def _is_slope_of(name: str, others: Collection[str]) -> bool:
    return bool(_DERIVATIVE.search(name)) or (name[:1] == "d" and name[1:].lstrip("_") in others)


def _an_activation(names: Sequence[str], slopes: set[str]) -> dict[str, list[Maker]]:
    """Return an activation, and its slope, for one or two arguments that are called; nothing where no name tells them."""
    if len(names) > 2 or len(slopes.intersection(names)) != len(names) - 1:
        return {}
    return {name: [_giving(_tanh_slope if name in slopes else _tanh)] for name in names}


def uses_of(kind: type, made: types.FunctionType) -> dict[str, ArgumentUse]:
    """Return what the methods of a class do with the arguments of its constructor."""
    node = definition(made)
    wanted = {p.name for p in parameters_of(made)[1:]}
    if node is None:
        return {}
    kept = {place: name for name, place in _kept(node, wanted)}
    uses = {name: ArgumentUse() for name in wanted}
    for method in _methods(kind):
        own = kept if method is not node else {**kept, **{name: name for name in wanted}}
        _read(method, own, uses)
    return uses


def _kept(node: ast.AST, wanted: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the arguments that are attributes from then on, with the name that they have there: `self.act = activation`."""
    for statement in ast.walk(node):
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            yield from ((value.id, ast.unparse(place)) for place, value in _each(target, statement.value) if value.id in wanted)  # type: ignore[attr-defined]


def _each(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.Name]]:
    """Return the targets that are set to a name, one by one: both of `self.a, self.b = a, b`."""
    several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
    pairs = zip(target.elts, value.elts, strict=False) if several else [(target, value)]  # type: ignore[attr-defined]
    return [(place, given) for place, given in pairs if isinstance(given, ast.Name)]


def _methods(kind: type) -> Iterator[ast.AST]:
    members = {name: member for cls in reversed(kind.__mro__[:-1]) for name, member in vars(cls).items()}
    for member in members.values():
        node = definition(member) if isinstance(member, types.FunctionType) else None
        if node is not None:
            yield node


def _read(method: ast.AST, places: Mapping[str, str], uses: Mapping[str, ArgumentUse]) -> None:
    """Note what is done with what stands at some places: names and attributes, and the variables of loops over them."""
    items = {variable: name for loop in ast.walk(method) for variable, name in _gone_through(loop, places)}
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute):
            _note_name(node, places, items, uses)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in places:
            uses[places[ast.unparse(node.func)]].called = True


def _note_name(node: ast.Attribute, places: Mapping[str, str], items: Mapping[str, str], uses: Mapping[str, ArgumentUse]) -> None:
    value = ast.unparse(node.value)
    holder = ast.unparse(node.value.value) if isinstance(node.value, ast.Subscript) else ""
    if value in places:
        uses[places[value]].names.add(node.attr)
    elif value in items:
        uses[items[value]].of_items.add(node.attr)
    elif holder in places:
        uses[places[holder]].of_items.add(node.attr)


def _gone_through(loop: ast.AST, places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variable of a loop over what stands at a place: `for layer in reversed(self.layers)`."""
    if not isinstance(loop, ast.For | ast.comprehension):
        return
    through = [ast.unparse(node) for node in ast.walk(loop.iter) if isinstance(node, ast.Name | ast.Attribute)]
    found = next((places[place] for place in through if place in places), None)
    targets = loop.target.elts if isinstance(loop.target, ast.Tuple) else [loop.target]
    if found is not None and isinstance(targets[-1], ast.Name):
        yield targets[-1].id, found


# ---- what there is -------------------------------------------------------------------------------------------------------


def _pool(kind: type) -> dict[str, Any]:
    """Return the classes and functions of a class's file and of the modules that it imports from beside it."""
    home = sys.modules.get(kind.__module__)
    known = dict(vars(home)) if home is not None else {}
    members = {name: member for module in _near(known.values(), home) for name, member in vars(module).items()} | known
    return {name: member for name, member in members.items() if _is_of_user(member) and member is not kind}


def _near(members: Iterable[Any], home: Any) -> Iterator[types.ModuleType]:
    """Yield the modules that a file has imported, and those that it has imported something from."""
    for member in members:
        if isinstance(member, types.ModuleType) and _is_near(member, home):
            yield member
        elif _is_of_user(member):
            yield sys.modules[member.__module__]


def _is_near(module: types.ModuleType, home: Any) -> bool:
    return bool(getattr(module, "__file__", None)) and "site-packages" not in str(module.__file__) and module is not home


def _is_of_user(member: Any) -> bool:
    """Whether a class or a function is defined in somebody's file."""
    if not isinstance(member, type | types.FunctionType) or member.__module__ not in sys.modules:
        return False
    file = str(getattr(sys.modules[member.__module__], "__file__", ""))
    return file.endswith(".py") and not _LIBRARY.search(file) and "symbackprop" not in member.__module__


_LIBRARY = re.compile(r"site-packages|/lib/python|dist-packages")


def _classes(known: Mapping[str, Any], names: set[str]) -> list[type]:
    """Return the classes that have some names."""
    return [kind for kind in dict.fromkeys(known.values()) if isinstance(kind, type) and _has(kind, names)]


def _makers(name: str, use: ArgumentUse, known: Mapping[str, Any], *, slope: bool) -> list[Maker]:
    """Return what makes values for one argument; nothing where arrays, numbers and texts will do."""
    own, of_items = use.names - _OF_ARRAYS, use.of_items - _OF_ARRAYS
    if of_items:
        return _lists_of(of_items, known)
    if own:
        found = [_making(kind) for kind in _with_names(name, own, known)][:4]
        return found or ([_making(HandingOn)] if is_helper(name) else [])
    return _functions(known, slope=slope) if use.called else []


def _with_names(name: str, names: set[str], known: Mapping[str, Any]) -> list[type]:
    """Return the classes that have some names and can be made, those that are called like the argument or are smooth first."""
    kinds = [
        kind for kind in dict.fromkeys(known.values()) if isinstance(kind, type) and _has(kind, names) and _make(kind) is not None
    ]
    return sorted(kinds, key=lambda kind: (not _alike(kind.__name__, name), not _SMOOTH.search(kind.__name__)))


def _alike(one: str, other: str) -> bool:
    left, right = (text.lower().replace("_", "") for text in (one, other))
    return left in right or right in left


def _has(kind: type, names: set[str]) -> bool:
    """Whether a class has some names, as methods or as attributes that its own methods set, and is not abstract."""
    held = {*dir(kind), *(node.attr for method in _methods(kind) for node in ast.walk(method) if isinstance(node, ast.Attribute))}
    return names <= held and not inspect.isabstract(kind)


def _make(kind: type, *sizes: int) -> Any:
    """Return an object of a class, made with sizes or with nothing; None where it cannot be made so."""
    try:
        return kind(*sizes)
    except Exception:  # whatever a constructor raises: it is not meant to be called so
        return None


def _making(kind: type, *sizes: int) -> Maker:
    return lambda rng: kind(*sizes)


def _tanh(z: Any) -> Any:
    return np.tanh(z)


def _tanh_slope(z: Any) -> Any:
    return 1 - np.tanh(z) ** 2


_tanh, _tanh_slope = (outside(function, function.__name__) for function in (_tanh, _tanh_slope))
"""An activation and its slope, for a layer whose file has none."""


class HandingOn:
    """An optimiser that hands on the gradient that it is given, or an initialiser that draws numbers of given sizes."""

    def __call__(self, *sizes: Any, **named: Any) -> Any:
        """Return numbers of the sizes that are given, or what is given."""
        shape = tuple(size for part in sizes for size in (part if isinstance(part, tuple | list) else (part,)))
        if shape and all(isinstance(size, int) for size in shape):
            return np.round(np.random.default_rng(sum(shape)).normal(size=shape), 3)
        return self._handed_on(*sizes, **named)

    def __getattr__(self, name: str) -> Any:
        """Return a method that hands on the last array that it is given, and makes a stand-in of anything else."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self._handed_on

    def _handed_on(self, *given: Any, **named: Any) -> Any:
        arrays = [value for value in (*given, *named.values()) if np.ndim(value) and hasattr(value, "dtype")]
        return arrays[-1] if arrays else self


def is_helper(name: str) -> bool:
    """Whether an argument is called like an optimiser or an initialiser."""
    return bool(re.search(r"optim|init(iali[sz]er)?$|_init_?|weight_init", name, re.IGNORECASE))


Chain = Sequence[tuple[type, tuple[int, ...]]]
"""Classes of layers, each with the sizes that it is made with."""


def _lists_of(names: set[str], known: Mapping[str, Any]) -> list[Maker]:
    """Return what makes lists of layers: two that have sizes with a step between them, where there are such.

    What is wrong between several is right for one: a list of fewer says nothing of code that fails with more.
    """
    kinds = [kind for kind in _classes(known, names) if not _NO_STEP.search(kind.__name__)]
    plain = sorted((kind for kind in kinds if _make(kind) is not None), key=lambda kind: not _SMOOTH.search(kind.__name__))[:2]
    sized = [kind for kind in kinds if kind not in plain and _make(kind, *SIZES[0]) is not None][:2]
    return [_listing(chain) for chain in _chains(sized, plain)]


def _chains(sized: Sequence[type], plain: Sequence[type]) -> Iterator[Chain]:
    if sized and plain:
        yield from ([(kind, SIZES[0]), (step, ()), (kind, SIZES[1])] for kind, step in itertools.product(sized, plain))
    elif sized:
        yield from ([(kind, sizes) for sizes in SIZES] for kind in sized)
    else:
        yield from ([(kind, ()), (kind, ())] for kind in plain)


def _listing(chain: Chain) -> Maker:
    return lambda rng: [kind(*sizes) for kind, sizes in chain]


def _functions(known: Mapping[str, Any], *, slope: bool) -> list[Maker]:
    """Return functions of one argument of the file; for an argument that is called like a derivative, such ones."""
    found = [
        f
        for f in dict.fromkeys(known.values())
        if isinstance(f, types.FunctionType) and bool(_DERIVATIVE.search(f.__name__)) == slope
    ]
    fitting = sorted((f for f in found if _is_elementwise(f)), key=lambda f: not _SMOOTH.search(f.__name__))
    return [_giving(function) for function in fitting[:4]]


_DERIVATIVE = re.compile(r"deriv|prime|grad|back|^d_|_d$|delta", re.IGNORECASE)


def _is_elementwise(function: Callable[..., Any]) -> bool:
    """Whether a function gives an array in the shape of the one that it is given."""
    asked = [p.name for p in parameters_of(function) if p.default is p.empty]
    try:
        return len(asked) == 1 and np.shape(call_with(function, {asked[0]: np.full((2, 3), 0.3)})) == (2, 3)
    except Exception:  # whatever it raises: it is not meant to be called so
        return False


def _giving(function: Callable[..., Any]) -> Maker:
    return lambda rng: function


def shown(value: Any) -> str:
    """Return an invented value as it is written in a remark: objects by their class."""
    if isinstance(value, list | tuple):
        left, right = "[]" if isinstance(value, list) else "()"
        return f"{left}{', '.join(map(shown, value))}{right}"
    if isinstance(value, types.FunctionType):
        return value.__name__
    return f"{type(value).__name__}(…)" if _is_of_user(type(value)) else repr(value)
