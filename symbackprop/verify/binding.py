"""Which argument of handwritten code is which node of the network, and which of its results is the gradient of what.

Names are matched as people spell them (`names`): arguments `w1`, `x`, `y_true`, a dictionary `params`, an object whose
attributes are
the weights, a learning rate; results `dW`, `d_w1`, `grad_w`, `dL_dw1` in a dictionary, tuple, dataclass, or left on the object.
Code
that returns updated weights is read as (old - new)/rate. What could not be bound is an error that lists the candidates.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import inspect
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.errors import UserError, nearest
from symbackprop.verify import names
from symbackprop.verify.foreign import plain
from symbackprop.verify.namespace import instance_members, is_user_class
from symbackprop.verify.source_tree import definition


class BindingError(UserError):
    """An argument or a result of handwritten code could not be matched with the network."""


Structure = Any  # a node's name, or a dict, list or tuple of structures


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
class Call:
    """How to call the handwritten code: a structure of node names for each argument, attributes of its object, a rate."""

    function: Callable[..., Any]
    arguments: Mapping[str, Structure]
    attributes: Mapping[str, Structure]
    rate: str | None = None
    rate_value: float = 0.5
    rate_is_argument: bool = False

    @property
    def owner(self) -> Any:
        """The object that the code is a method of, or None."""
        return self.function.__self__ if isinstance(self.function, types.MethodType) else None

    @property
    def uses(self) -> tuple[str, ...]:
        """The nodes whose values the code is given."""
        found = [name for structure in (*self.arguments.values(), *self.attributes.values()) for _, name in leaves(structure)]
        return tuple(dict.fromkeys(found))

    @property
    def paths(self) -> dict[str, str]:
        """Dotted path in the arguments → node name."""
        found = {path: name for argument, structure in self.arguments.items() for path, name in leaves(structure, argument)}
        found.update((path, name) for key, s in self.attributes.items() for path, name in leaves(s, f"self.{key}"))
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """Where the gradient of a node is found: in what was returned or in what the arguments hold afterwards."""

    node: str
    path: str
    returned: bool = True
    update: bool = False
    old: str = ""


# ---- structures ----------------------------------------------------------------------------------------------------


def leaves(structure: Structure, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted path, node name) for every name in a structure."""
    if isinstance(structure, str):
        yield path, structure
        return
    items = structure.items() if isinstance(structure, Mapping) else enumerate(structure)
    for key, member in items:
        yield from leaves(member, f"{path}.{key}" if path else str(key))


def build(structure: Structure, values: Mapping[str, Any]) -> Any:
    """Return a structure with copies of the values in the places of the names."""
    if isinstance(structure, str):
        value = values[structure]
        return value.copy() if isinstance(value, np.ndarray) else value
    if isinstance(structure, Mapping):
        return {key: build(member, values) for key, member in structure.items()}
    return type(structure)(build(member, values) for member in structure)


def parts(path: str, item: Any, depth: int = 6) -> Iterator[tuple[str, Any]]:
    """Yield (dotted path, leaf) of dictionaries, lists, tuples, dataclasses and the user's objects."""
    members: Any = None
    if isinstance(item, Mapping):
        members = item.items()
    elif isinstance(item, tuple) and hasattr(item, "_fields"):
        members = zip(item._fields, item, strict=True)
    elif isinstance(item, list | tuple):
        members = enumerate(item)
    elif not isinstance(item, type | types.FunctionType | types.ModuleType) and (
        dataclasses.is_dataclass(item) or is_user_class(type(item))
    ):
        members = instance_members(item).items()
    if members is None or not depth:
        yield path, item
        return
    for key, member in members:
        yield from parts(f"{path}.{key}" if path else str(key), member, depth - 1)


def numeric(item: Any) -> bool:
    """Whether a leaf is a real number or an array of them."""
    if isinstance(item, bool | str) or item is None:
        return False
    return isinstance(item, int | float | np.integer | np.floating) or (isinstance(item, np.ndarray) and item.dtype.kind in "iuf")


# ---- arguments -----------------------------------------------------------------------------------------------------


def bind_call(
    function: Callable[..., Any], vocabulary: Vocabulary, mapping: Mapping[str, Structure], values: Mapping[str, Any]
) -> Call:
    """Match the arguments (and the object's attributes) of a function with node names.

    Raises BindingError that lists the arguments left over and the candidates.
    """
    parameters = _parameters(function)
    arguments: dict[str, Structure] = {}
    rate, rate_value, rate_is_argument = _global_rate(function)
    unbound: list[str] = []
    taken = {found for name in parameters if (found := names.match(name, vocabulary.declared)) is not None}
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments |= {n: n for n in vocabulary.declared if n not in _flat_names(arguments)}
            continue
        meant = _argument(name, vocabulary, mapping, taken)
        if meant is not None:
            arguments[name] = meant
        elif name.lower() in names.RATES:
            rate, rate_is_argument = name, True
            rate_value = float(parameter.default) if numeric(parameter.default) else 0.5
        elif parameter.default is parameter.empty:
            unbound.append(name)
    if unbound:
        raise BindingError(_unbound_message(function, unbound, arguments, vocabulary))
    arguments = _without_repeats(arguments, mapping)
    attributes = _attributes(function, vocabulary, mapping)
    return Call(function, arguments, attributes, rate, rate_value, rate_is_argument)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function.pyfunc if isinstance(function, np.vectorize) else function).parameters
    except (TypeError, ValueError):
        raise BindingError(f"{function!r}: its arguments cannot be seen; wrap it in a function with named arguments") from None


def _argument(name: str, vocabulary: Vocabulary, mapping: Mapping[str, Structure], taken: Collection[str]) -> Structure | None:
    """Return what an argument stands for: by mapping, by name, by habit (`y` for the only target), a dictionary of parameters."""
    if name in mapping:
        structure = mapping[name]
        for _, node in leaves(structure):
            if node not in vocabulary.all:
                raise BindingError(
                    f"mapping: {name} is mapped to {node}, which is no node; nodes: "
                    f"{', '.join(vocabulary.all)}.{nearest(node, vocabulary.all)}"
                )
        return structure
    found = names.match(name, vocabulary.declared)
    if found is not None:
        return found
    for usual, candidates in ((names.INPUTS, vocabulary.inputs), (names.TARGETS, vocabulary.targets)):
        if name.lower() in usual and len(candidates) == 1 and candidates[0] not in taken:
            return candidates[0]
    forward = names.match(name, vocabulary.defined)
    if forward is not None:
        return forward
    if name.lower() in names.GROUPS:
        return {parameter: parameter for parameter in vocabulary.parameters}
    if name.lower() in names.CACHES:
        return {node: node for node in vocabulary.all if node != vocabulary.loss}
    return None


def _without_repeats(arguments: dict[str, Structure], mapping: Mapping[str, Structure]) -> dict[str, Structure]:
    """A dictionary of all parameters holds those that are no arguments of their own."""
    single = {structure for structure in arguments.values() if isinstance(structure, str)}
    return {
        name: {key: node for key, node in structure.items() if node not in single}
        if isinstance(structure, dict) and name not in mapping
        else structure
        for name, structure in arguments.items()
    }


def _flat_names(arguments: Mapping[str, Structure]) -> set[str]:
    return {name for structure in arguments.values() for _, name in leaves(structure)}


def _unbound_message(
    function: Callable[..., Any], unbound: Sequence[str], bound: Mapping[str, Structure], vocabulary: Vocabulary
) -> str:
    free = [name for name in vocabulary.all if name not in _flat_names(bound)]
    title = getattr(function, "__qualname__", repr(function))
    first = unbound[0]
    return (
        f"{title}: no node of the network is called {', '.join(unbound)}; not yet bound: {', '.join(free) or 'none'}."
        f"{nearest(first, free)} Say which with mapping={{{first!r}: {(free or ['…'])[0]!r}}}"
    )


def _attributes(function: Callable[..., Any], vocabulary: Vocabulary, mapping: Mapping[str, Structure]) -> dict[str, Structure]:
    """Match the attributes of a method's object with declared names."""
    if not isinstance(function, types.MethodType) or isinstance(function.__self__, type):
        return {}
    found: dict[str, Structure] = {}
    for name, member in instance_members(function.__self__).items():
        meant = mapping.get(name) or names.match(name, vocabulary.declared)
        if meant is not None and (numeric(member) or member is None):
            found[name] = meant
        elif isinstance(member, dict):
            inner = {key: m for key in member if isinstance(key, str) and (m := names.match(key, vocabulary.declared))}
            if inner and len(inner) == len(member):
                found[name] = inner
    return found


def _global_rate(function: Callable[..., Any]) -> tuple[str | None, float, bool]:
    """Return the learning rate that the code reads from its module, if any."""
    code = inspect.unwrap(function)
    code = code.__func__ if isinstance(code, types.MethodType) else code
    if not isinstance(code, types.FunctionType):
        return None, 0.5, False
    for name in code.__code__.co_names:
        value = code.__globals__.get(name)
        if name.lower() in names.RATES and value is not None and numeric(value):
            return name, float(value), False
    return None, 0.5, False


def make_arguments(call: Call, values: Mapping[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the code (with an object of its own, if it is a method) and its arguments at given values."""
    arguments = {name: build(structure, values) for name, structure in call.arguments.items()}
    if call.rate is not None and call.rate_is_argument:
        arguments[call.rate] = call.rate_value
    if call.owner is None or isinstance(call.owner, type):
        return call.function, arguments
    owner = copy.deepcopy(call.owner)
    for name, structure in call.attributes.items():
        object.__setattr__(owner, name, build(structure, values))
    return types.MethodType(call.function.__func__, owner), arguments  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run left: leaves of the returned value, and of the arguments afterwards, by dotted path."""

    returned: Mapping[str, Any]
    finals: Mapping[str, Any]


def run(call: Call, values: Mapping[str, Any]) -> Outcome:
    """Run the handwritten code on plain numbers."""
    function, arguments = make_arguments(call, values)
    with np.errstate(all="ignore"):
        returned = function(**arguments)
    finals = dict(arguments)
    if isinstance(function, types.MethodType):
        finals["self"] = function.__self__
    return Outcome(
        {path: plain(leaf) for path, leaf in parts("", returned)},
        {path: leaf for name, item in finals.items() for path, leaf in parts(name, item)},
    )


def return_names(function: Callable[..., Any]) -> dict[str, str]:
    """Return path → variable name for a function that returns a variable or a tuple of variables (`{"0": "dW", "1": "db"}`)."""
    inner = definition(function)
    if inner is None:
        return {}
    found = [_labels(node.value) for node in _own_nodes(inner) if isinstance(node, ast.Return) and node.value is not None]
    return found[0] if found and all(labels == found[0] for labels in found) else {}


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
        found: dict[str, str] = {}
        for position, element in enumerate(value.elts):
            found |= _labels(element, f"{path}.{position}" if path else str(position))
        return found
    if isinstance(value, ast.Name):
        return {path: value.id}
    if isinstance(value, ast.Attribute):
        return {path: value.attr}
    return {}
