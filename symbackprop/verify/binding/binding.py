"""Calling handwritten code: which node of the network stands in which argument, and where its results are found.

A `HandCall` says how the code is called (`arguments` finds that out), a `Result` where a gradient is found (`results`); `run`
makes one call on plain numbers.
"""

from __future__ import annotations

import ast
import copy
import re
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from symbackprop.errors import UserError
from symbackprop.guest.audit import Deed
from symbackprop.guest.visit import NOTHING, Visit, seeded, visit
from symbackprop.trace.graph.graph import InputName
from symbackprop.trace.run.nested import joined, mapped, put, walk
from symbackprop.verify.binding.foreign import plain
from symbackprop.verify.binding.source_tree import definition


class BindingError(UserError):
    """An argument or a result of handwritten code could not be matched with the network."""


Structure = Any  # a node's name, a Vector or Attributes of names, or a dict, list or tuple of structures


class Vector:
    """Nodes one after the other in one vector, each in row-major order: what `theta` often is."""

    __slots__ = ("names",)

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)


class Attributes:
    """Nodes as the attributes of one object."""

    __slots__ = ("names",)

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)


def entries(structure: Structure, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted path, node name) for every name in a structure; the nodes of a vector have no paths of their own."""
    for at, found in walk(structure, path):
        if isinstance(found, Attributes):
            yield from ((joined(at, name), name) for name in found.names)
        elif isinstance(found, str):
            yield at, found


def vectors(structure: Structure, path: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (dotted path, node names) for every vector in a structure."""
    return ((at, found.names) for at, found in walk(structure, path) if isinstance(found, Vector))


def names_in(structure: Structure) -> list[str]:
    """Return all node names in a structure."""
    return [name for _, name in entries(structure)] + [name for _, names in vectors(structure) for name in names]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names on the side of the reference."""

    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    constants: tuple[str, ...]
    defined: tuple[str, ...]
    loss: str

    @property
    def declared(self) -> tuple[str, ...]:
        """Everything that has a value from outside."""
        return (*self.inputs, *self.targets, *self.parameters, *self.constants)

    @property
    def all(self) -> tuple[str, ...]:
        """Every node; what a gradient is usually asked for stands first."""
        return (*self.parameters, *self.inputs, *self.targets, *self.constants, *self.defined)


@dataclass(frozen=True, slots=True)
class HandCall:
    """How to call the handwritten code.

    Attributes:
        arguments: a structure of node names for each argument.
        attributes: dotted path in the method's object (`l1.W`, `layers.0.b`) → node name.
        rate: where the learning rate stands: an argument, `self.…`, or a global of the code's module.
        guessed: the arguments whose structure is a guess: how a group of parameters is packed cannot be seen from its name.
        habits: what the code does outside where its owner runs it.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Structure]
    attributes: Mapping[str, str]
    rate: str | None = None
    rate_value: float = 0.5
    rate_is_given: bool = False
    guessed: tuple[str, ...] = ()
    habits: frozenset[Deed] = NOTHING

    @property
    def owner(self) -> Any:
        """The object that the code is a method of, or None."""
        return self.function.__self__ if isinstance(self.function, types.MethodType) else None

    @property
    def uses(self) -> tuple[str, ...]:
        """The nodes whose values the code is given."""
        found = [name for structure in self.arguments.values() for name in names_in(structure)]
        return tuple(dict.fromkeys([*found, *self.attributes.values()]))

    @property
    def paths(self) -> dict[str, str]:
        """Dotted path in the arguments → node name."""
        found = {path: name for argument, structure in self.arguments.items() for path, name in entries(structure, argument)}
        return {**found, **{f"self.{path}": name for path, name in self.attributes.items()}}

    def inputs(self, values: Mapping[str, Any]) -> dict[str, str | tuple[InputName, ...]]:
        """Return dotted path in the arguments → name of the input there; for a vector, of each of its elements."""
        packed = [pair for argument, structure in self.arguments.items() for pair in vectors(structure, argument)]
        return {**self.paths, **{path: tuple(_elements(names, values)) for path, names in packed}}


def _elements(names: Sequence[str], values: Mapping[str, Any]) -> Iterator[InputName]:
    return (InputName(name, index) for name in names for index in np.ndindex(np.shape(values[name])))


@dataclass(frozen=True, slots=True)
class Result:
    """Where the gradient of a node is found: in what was returned or in what the arguments hold afterwards.

    `update`: the new weight stands there, and under `old` its value before; `rate` is the rate that is written into the code, 0
    where the call has one. `vector`: the nodes that share one long array. What stands there is `scale` times the gradient;
    with `more`, its parts stand there and there.
    """

    node: str
    path: str
    returned: bool = True
    update: bool = False
    old: str = ""
    vector: tuple[str, ...] = ()
    rate: float = 0.0
    scale: float = 1.0
    more: tuple[str, ...] = ()

    def part(self, values: Mapping[str, Any]) -> tuple[slice, tuple[int, ...]]:
        """Return which elements of the array are this node's, and in which shape."""
        shape = np.shape(values[self.node])
        if not self.vector:
            return slice(None), shape
        start = sum(int(np.size(values[name])) for name in self.vector[: self.vector.index(self.node)])
        return slice(start, start + int(np.prod(shape, dtype=int))), shape


# ---- structures ----------------------------------------------------------------------------------------------------


def build(structure: Structure, values: Mapping[str, Any]) -> Any:
    """Return a structure with copies of the values in the places of the names."""

    def copied(path: str, found: Any) -> Any:
        if isinstance(found, Vector):
            return np.concatenate([np.ravel(np.asarray(values[name], dtype=float)) for name in found.names])
        if isinstance(found, Attributes):
            return types.SimpleNamespace(**{name: copied(path, name) for name in found.names})
        return values[found].copy() if isinstance(values[found], np.ndarray) else values[found]

    return mapped(copied, structure)


def numeric(item: Any) -> bool:
    """Whether a leaf is a real number or an array of them."""
    if isinstance(item, bool | str) or item is None:
        return False
    return isinstance(item, int | float | np.integer | np.floating) or (isinstance(item, np.ndarray) and item.dtype.kind in "iuf")


# ---- calls -----------------------------------------------------------------------------------------------------------


def restricted(call: HandCall, names: Collection[str]) -> HandCall:
    """Return a call that leaves the object's attributes alone, but for those that stand for one of the names."""
    return replace(call, attributes={path: name for path, name in call.attributes.items() if name in names})


def varied(call: HandCall, fixed: Collection[str], values: Mapping[str, Any]) -> frozenset[str]:
    """Return the paths in the arguments whose numbers a trace varies: everything that was named, but for `fixed` names."""
    rate = {call.rate} if call.rate is not None and call.rate_is_given else set()
    own = (path for path, named in call.inputs(values).items() if not isinstance(named, str) or named not in fixed)
    return frozenset(own) | rate


def make_arguments(call: HandCall, values: Mapping[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the code (with an object of its own, if it is a method) and its arguments at given values."""
    arguments = {name: build(structure, values) for name, structure in call.arguments.items()}
    attribute = call.rate is not None and call.rate.startswith("self.")
    if call.rate is not None and call.rate_is_given and not attribute:
        arguments[call.rate] = call.rate_value
    if call.owner is None or isinstance(call.owner, type):
        return call.function, arguments
    owner = copy.deepcopy(call.owner)
    set_attributes(call, owner, values)
    if call.rate is not None and attribute:
        put(owner, call.rate.removeprefix("self."), call.rate_value)
    return types.MethodType(call.function.__func__, owner), arguments  # type: ignore[attr-defined]


def set_attributes(call: HandCall, owner: Any, values: Mapping[str, Any]) -> None:
    """Put values into an object of the code; one array where several attributes are one."""
    held = {name: build(name, values) for name in call.attributes.values()}
    for path, name in call.attributes.items():
        put(owner, path, held[name])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run left: values in what was returned, and in the arguments afterwards, by dotted path; whether it drew `random`
    numbers."""

    returned: Mapping[str, Any]
    finals: Mapping[str, Any]
    random: bool = False


def run(call: HandCall, values: Mapping[str, Any], *, seed: int = 0, apart: bool = False) -> Outcome:
    """Run the handwritten code on plain numbers, on a stack of its own (`apart`) where it must not see who calls it.

    Raises what the code raises; `NotTried` when it would change something outside.
    """
    return _visited(call, values, call.habits, seed, apart=apart)[1]


def first_run(call: HandCall, values: Mapping[str, Any], *, at_home: bool) -> tuple[HandCall, Outcome]:
    """Run the code where its owner runs it as well (`at_home`); return the call that may do what it did there, too."""
    visited, outcome = _visited(call, values, None if at_home else call.habits, aloud=True)
    return replace(call, habits=call.habits | visited.done), outcome


def _visited(
    call: HandCall,
    values: Mapping[str, Any],
    habits: frozenset[Deed] | None,
    seed: int = 0,
    *,
    aloud: bool = False,
    apart: bool = False,
) -> tuple[Visit, Outcome]:
    function, arguments = make_arguments(call, values)
    visited = visit(partial(function, **arguments), habits=habits, seed=seed, aloud=aloud, apart=apart)
    return visited, replace(_outcome(function, arguments, visited.returned), random=visited.random)


def run_inside(call: HandCall, values: Mapping[str, Any]) -> Outcome:
    """Run code inside a visit that is under way: one of many changes of it, tried one after another, all with the same random
    numbers."""
    function, arguments = make_arguments(call, values)
    seeded()
    return _outcome(function, arguments, function(**arguments))


def _outcome(function: Callable[..., Any], arguments: Mapping[str, Any], returned: Any) -> Outcome:
    finals = dict(arguments)
    if isinstance(function, types.MethodType):
        finals["self"] = function.__self__
    return Outcome(
        {path: _as_number(path, plain(leaf)) for path, leaf in walk(returned)},
        {path: leaf for name, item in finals.items() for path, leaf in walk(item, name)},
    )


def _as_number(path: str, leaf: Any) -> Any:
    """Return truth values (`x > 0`, the slope of a relu) as the numbers they are; a single one only when it is all there is."""
    if isinstance(leaf, np.ndarray | np.bool_) and leaf.dtype.kind == "b":
        return leaf.astype(float)
    return float(leaf) if isinstance(leaf, bool) and not path else leaf


def return_names(function: Callable[..., Any]) -> dict[str, str]:
    """Return path → variable name for a function that returns a variable or a tuple of variables (`{"0": "dW", "1": "db"}`).

    One that returns either, `return accuracy, loss` or `return loss`, has the names of both.
    """
    inner = definition(function)
    return dict(_names_of_returns(inner)) if inner is not None else {}


@lru_cache(maxsize=256)
def _names_of_returns(function: ast.FunctionDef) -> Mapping[str, str]:
    found = [*_labels_of_returns(function)]
    groups = [[labels for labels in found if ("" in labels) == single] for single in (False, True)]
    agreed = [_agreed(group) for group in groups if group]
    return {path: name for labels in agreed for path, name in labels.items()} if all(agreed) else {}


def _agreed(found: list[dict[str, str]]) -> dict[str, str]:
    """Return the names that all `return`s give, if they give the same."""
    return found[0] if found and all(labels == found[0] for labels in found) else {}


def _labels_of_returns(function: ast.FunctionDef) -> Iterator[dict[str, str]]:
    """Yield the names of what each `return` gives."""
    values = (node.value for node in _own_nodes(function) if isinstance(node, ast.Return))
    return (_labels(value) for value in values if value is not None)


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of a function without those of functions defined inside it."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        yield node
        stack.extend(ast.iter_child_nodes(node))


def _labels(value: ast.expr, path: str = "") -> dict[str, str]:
    if isinstance(value, ast.Tuple | ast.List):
        return _labels_of_several(value.elts, path)
    if isinstance(value, ast.Name):
        return {path: value.id}
    if isinstance(value, ast.Attribute):
        return {path: value.attr}
    scaled = _scaled(value)
    return {path: scaled} if scaled is not None and _GRADIENT.match(scaled) else {}


def _labels_of_several(parts: Sequence[ast.expr], path: str) -> dict[str, str]:
    """Return the names of the parts of a tuple; of `return da, -da` the second is the gradient of something else."""
    plain = {part.id for part in parts if isinstance(part, ast.Name)}
    found: dict[str, str] = {}
    for position, part in enumerate(parts):
        named = _labels(part, f"{path}.{position}" if path else str(position))
        taken = plain if not isinstance(part, ast.Name) else ()
        found |= {at: name for at, name in named.items() if name not in taken}
    return found


_GRADIENT = re.compile(r"d[A-Z_]|d\w|grad|nabla", re.ASCII)
_SAME_NUMBERS = frozenset({"copy", "flatten", "ravel", "reshape", "squeeze", "astype"})


def _scaled(value: ast.expr) -> str | None:
    """Return the variable that is returned but for a factor or a shape: `dW / m`, `-dW`, `1 / m * dW`, `dw.flatten()`."""
    if isinstance(value, ast.Name):
        return value.id
    inner = _unscaled(value)
    return _scaled(inner) if inner is not None else None


def _unscaled(value: ast.expr) -> ast.expr | None:
    """Return what a factor, a sign or a change of shape is applied to."""
    match value:
        case ast.UnaryOp(op=ast.USub(), operand=inner) | ast.BinOp(op=ast.Div(), left=inner):
            return inner
        case ast.BinOp(op=ast.Mult(), left=left, right=right) if _is_factor(left) != _is_factor(right):
            return right if _is_factor(left) else left
        case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in _SAME_NUMBERS:
            return inner
    return None


def _is_factor(value: ast.expr) -> bool:
    """Whether an expression is a number such as 2 or 1 / m."""
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.Div) and isinstance(value.left, ast.Constant)
    return isinstance(value, ast.Constant)


def loss_path(sizes: Mapping[str, int]) -> str | None:
    """Return where among the results of given sizes the loss stands: the only or first one, `loss`, or the only number."""
    usual = [path for path, size in sizes.items() if size == 1 and path.rpartition(".")[2] in ("", "0", "loss")]
    numbers = [path for path, size in sizes.items() if size == 1 and "." not in path]
    return usual[0] if usual else numbers[0] if len(numbers) == 1 else None
