"""Which argument of handwritten code is which node of the network, by the names that people give them.

Arguments `w1`, `x`, `y_true`, a dictionary `params`, an object whose attributes are the weights (`net.l1.W`, `net.weights[0]`), a
learning rate. What could not be bound is an error that lists the candidates.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.errors import nearest
from symbackprop.guest.visit import described
from symbackprop.trace.run.nested import shared_arrays, walk
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.binding import (
    Attributes,
    BindingError,
    HandCall,
    Outcome,
    Structure,
    Vector,
    Vocabulary,
    first_run,
    names_in,
    numeric,
)
from symbackprop.verify.binding.source_tree import plain_function

USUAL_RATE = 0.5


def bind_call(
    function: Callable[..., Any], vocabulary: Vocabulary, mapping: Mapping[str, Structure], values: Mapping[str, Any]
) -> HandCall:
    """Match the arguments (and the object's attributes) of a function with node names.

    Raises BindingError that lists the arguments left over and the candidates.
    """
    parameters = _parameters(function)
    arguments, left = _matched(parameters, vocabulary, mapping)
    rates = [parameter for parameter in left if parameter.name.lower() in names.RATES]
    unbound = [parameter.name for parameter in left if parameter not in rates and parameter.default is parameter.empty]
    rates = [rate for rate in rates if rate.default is rate.empty or numeric(rate.default)]  # `alpha=None` is none
    if unbound:
        raise BindingError(_unbound_message(function, unbound, arguments, vocabulary))
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        arguments |= _others(arguments, vocabulary)
    guessed = tuple(name for name, structure in arguments.items() if name not in mapping and not isinstance(structure, str))
    call = HandCall(function, _without_repeats(arguments, mapping), _attributes(function, vocabulary, mapping), guessed=guessed)
    return replace(call, **_rate(function, rates))


def _matched(
    parameters: Sequence[inspect.Parameter], vocabulary: Vocabulary, mapping: Mapping[str, Structure]
) -> tuple[dict[str, Structure], list[inspect.Parameter]]:
    """Return what the named arguments stand for, and those that stand for nothing that is known."""
    named = [parameter for parameter in parameters if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)]
    taken = {found for parameter in named if (found := names.match(parameter.name, vocabulary.declared)) is not None}
    meant = {parameter: _argument(parameter, vocabulary, mapping, taken) for parameter in named}
    arguments = {parameter.name: structure for parameter, structure in meant.items() if structure is not None}
    return arguments, [parameter for parameter, structure in meant.items() if structure is None]


def _others(arguments: Mapping[str, Structure], vocabulary: Vocabulary) -> dict[str, str]:
    """Return what `**values` takes: every declared name that is not given otherwise."""
    held = {name for structure in arguments.values() for name in names_in(structure)}
    return {name: name for name in vocabulary.declared if name not in held}


def first_call(call: HandCall, values: Mapping[str, Any], *, at_home: bool) -> tuple[HandCall, Outcome]:
    """Run the code for the first time; return the call as it is to be made from now on, and what it left.

    A guess about how parameters are packed is tried as a dictionary, a vector, a list and an object.

    Raises:
        BindingError: none of these fits: then the call is wrong, which is no failure of the code.
    """
    try:
        return first_run(call, values, at_home=at_home)
    except (TypeError, KeyError, IndexError, AttributeError, ValueError) as problem:
        for other in _packings(call):
            try:
                return first_run(other, values, at_home=at_home)
            except Exception:
                continue
        if not _packings(call):
            raise
        title, listed = getattr(call.function, "__qualname__", call.function), ", ".join(call.guessed)
        raise BindingError(
            f"{title}: cannot tell how the parameters are packed in {listed}; tried as a dictionary, a vector, a list and an "
            f"object; the code raises {described(problem)}. Say how with mapping={{{call.guessed[0]!r}: …}}"
        ) from problem


def _packings(call: HandCall) -> list[HandCall]:
    """Return the call with its guessed groups packed in the other ways."""
    groups = {name: names_in(call.arguments[name]) for name in call.guessed}
    ways: tuple[Callable[[list[str]], Structure], ...] = (lambda n: {name: name for name in n}, Vector, list, Attributes)
    return (
        [replace(call, arguments={**call.arguments, **{k: way(n) for k, n in groups.items()}}) for way in ways] if groups else []
    )


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function.pyfunc if isinstance(function, np.vectorize) else function).parameters.values())
    except (TypeError, ValueError):
        raise BindingError(f"{function!r}: its arguments cannot be seen; wrap it in a function with named arguments") from None


def _argument(
    parameter: inspect.Parameter, vocabulary: Vocabulary, mapping: Mapping[str, Structure], taken: Collection[str]
) -> Structure | None:
    """Return what an argument stands for: by mapping, by name, by habit (`y` for the only target), a group of parameters."""
    name = parameter.name
    if name in mapping:
        return _known(name, mapping[name], vocabulary)
    found = names.match(name, vocabulary.declared)
    if found is not None:
        return found
    for usual, candidates in ((names.INPUTS, vocabulary.inputs), (names.TARGETS, vocabulary.targets)):
        if name.lower() in usual and len(candidates) == 1 and candidates[0] not in taken:
            return candidates[0]
    if parameter.default is not parameter.empty:
        return None  # an option of the code: a step size h is no hidden node h
    return names.match(name, vocabulary.defined) or _group(name, vocabulary)


def _group(name: str, vocabulary: Vocabulary) -> Structure | None:
    """Return the nodes that an argument called `weights`, `params` or `cache` holds; how they are packed is a guess."""
    stemmed = names.with_stem(name, vocabulary.parameters)
    if len(stemmed) > 1 and len(stemmed) < len(vocabulary.parameters):
        return stemmed
    if name.lower() in names.GROUPS:
        return {parameter: parameter for parameter in vocabulary.parameters}
    if name.lower() in names.CACHES:
        return {node: node for node in vocabulary.all if node != vocabulary.loss}
    return None


def _known(name: str, structure: Structure, vocabulary: Vocabulary) -> Structure:
    for node in names_in(structure):
        if node not in vocabulary.all:
            raise BindingError(
                f"mapping: {name} is mapped to {node}, which is no node; nodes: "
                f"{', '.join(vocabulary.all)}.{nearest(node, vocabulary.all)}"
            )
    return structure


def _without_repeats(arguments: dict[str, Structure], mapping: Mapping[str, Structure]) -> dict[str, Structure]:
    """A dictionary of all parameters holds those that are no arguments of their own."""
    single = {structure for structure in arguments.values() if isinstance(structure, str)}
    return {
        name: {key: node for key, node in structure.items() if node not in single}
        if isinstance(structure, dict) and name not in mapping
        else structure
        for name, structure in arguments.items()
    }


def _unbound_message(
    function: Callable[..., Any], unbound: Sequence[str], bound: Mapping[str, Structure], vocabulary: Vocabulary
) -> str:
    held = {name for structure in bound.values() for name in names_in(structure)}
    free = [name for name in vocabulary.all if name not in held]
    title = getattr(function, "__qualname__", repr(function))
    first = unbound[0]
    return (
        f"{title}: no node of the network is called {', '.join(unbound)}; not yet bound: {', '.join(free) or 'none'}."
        f"{nearest(first, free)} Say which with mapping={{{first!r}: {(free or ['…'])[0]!r}}}"
    )


def _attributes(function: Callable[..., Any], vocabulary: Vocabulary, mapping: Mapping[str, Structure]) -> dict[str, str]:
    """Match the attributes of a method's object with declared names: `W`, `l1.W`, `params.W1`, `weights.0`.

    An array that stands in several places is one.
    """
    if not isinstance(function, types.MethodType) or isinstance(function.__self__, type):
        return {}
    held = {path: leaf for path, leaf in walk(function.__self__) if numeric(leaf) or leaf is None}
    found: dict[str, str] = {}
    for path in held:
        meant = mapping.get(path) or _attribute(path, held, vocabulary)
        if isinstance(meant, str) and meant not in found.values():
            found[path] = meant
    return _everywhere(found, shared_arrays(function.__self__))


def _everywhere(found: Mapping[str, str], same: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the names of attributes with those of the further places of an array."""
    further = {other: name for path, name in found.items() for other in same.get(path, (path,))}
    return {**further, **found}


def _attribute(path: str, held: Collection[str], vocabulary: Vocabulary) -> str | None:
    """Return the node that an attribute is: by its whole path, by its place in a list, by its last name where alone."""
    container, _, last = path.rpartition(".")
    found = names.match(path, vocabulary.declared)
    if found is None and last.isdigit():
        stemmed = names.with_stem(container.rpartition(".")[2], vocabulary.parameters)
        siblings = [other for other in held if other.rpartition(".")[0] == container]
        return stemmed[siblings.index(path)] if len(stemmed) == len(siblings) else None
    alone = [other for other in held if other.rpartition(".")[2] == last] == [path]
    return names.match(last, vocabulary.declared) if found is None and alone else found


def _rate(function: Callable[..., Any], given: Sequence[inspect.Parameter]) -> dict[str, Any]:
    """Return where the code takes its learning rate from, and what it is: an argument, an attribute or a global."""
    if given:
        default = given[0].default
        value = float(default) if numeric(default) and default else USUAL_RATE
        return {"rate": given[0].name, "rate_value": value, "rate_is_given": True}
    for place, value in _rates_in_reach(function):
        return {"rate": place, "rate_value": float(value), "rate_is_given": place.startswith("self.")}
    return {}


def _rates_in_reach(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    code = plain_function(function)
    if code is None:
        return
    owner = getattr(function, "__self__", None)
    for name in code.__code__.co_names:
        if name.lower() not in names.RATES:
            continue
        for place, value in ((f"self.{name}", getattr(owner, name, None)), (name, code.__globals__.get(name))):
            if value is not None and numeric(value) and not np.ndim(value):
                yield place, value
