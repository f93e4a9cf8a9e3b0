"""Which result of handwritten code is the gradient of which node: by name, by order, by shape of the code (an update step)."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.errors import nearest
from symbackprop.verify import names
from symbackprop.verify.binding import BindingError, Call, Outcome, Result, Vocabulary, numeric, return_names
from symbackprop.verify.returns import nothing_returned


def bind_results(
    call: Call, outcome: Outcome, vocabulary: Vocabulary, mapping: Mapping[str, Any], values: Mapping[str, Any]
) -> tuple[tuple[Result, ...], tuple[str, ...]]:
    """Return where each gradient is found, and the results that were bound to nothing.

    Raises BindingError when nothing could be bound, or an order would have to be guessed.
    """
    labels = return_names(call.function)
    returned = {path: leaf for path, leaf in outcome.returned.items() if numeric(leaf)}
    returned = _gathered(returned, labels, vocabulary, mapping, values)
    found: dict[str, Result] = {}
    left: list[str] = []
    for path in returned:
        label = _label(path, labels)
        node = _meant(path, label, vocabulary, mapping)
        if node is None or node in found:
            left.append(path)
        else:
            found[node] = Result(node, path, update=_is_update(label, call, vocabulary, mapping), old=_old(call, node))
    if found:
        if left and all(not label or label.isdigit() for label in (_label(path, labels) for path in left)):
            left = _nameless(found, left, _by_order(call, returned, vocabulary, values))
        return tuple(found.values()), tuple(left)
    in_place = _in_place(call, outcome, vocabulary, values)
    if in_place and not returned:
        return in_place, ()
    ordered = _by_order(call, returned, vocabulary, values)
    if ordered:
        return ordered, ()
    if in_place:
        return in_place, tuple(returned)
    shaped = _by_shape(call, returned, vocabulary, values)
    if shaped:
        return shaped, ()
    raise BindingError(_message(call, outcome, returned, labels, vocabulary))


def _nameless(found: dict[str, Result], left: Sequence[str], ordered: Sequence[Result]) -> list[str]:
    """Add the results that have no name, when the order of all agrees with the names of some: `return dw, db / n`.

    Returns the paths that are still bound to nothing.
    """
    if not all(found[result.node].path == result.path for result in ordered if result.node in found):
        return list(left)
    update = any(result.update for result in found.values())
    found.update((result.node, replace(result, update=update)) for result in ordered if result.path in left)
    bound = {result.path for result in found.values()}
    return [path for path in left if path not in bound]


def _label(path: str, labels: Mapping[str, str]) -> str:
    """Return the name of a result: the last part of its path, or the variable that was returned there."""
    for start in range(len(path.split("."))):
        head = ".".join(path.split(".")[: start + 1])
        if head in labels:
            rest = path[len(head) + 1 :]
            return rest.rsplit(".", maxsplit=1)[-1] if rest and not rest.isdigit() else labels[head]
    if "" in labels and not path:
        return labels[""]
    return path.rsplit(".", maxsplit=1)[-1]


def _meant(path: str, label: str, vocabulary: Vocabulary, mapping: Mapping[str, Any]) -> str | None:
    for key in (path, label):
        if isinstance(mapping.get(key), str):
            return str(mapping[key])
    if not label or label.isdigit():
        return None
    if names.match(label, vocabulary.defined) is not None:
        return None  # a forward value that is returned beside the gradients, not a gradient
    return names.gradient_of(label, vocabulary.all, vocabulary.loss)


def _is_update(label: str, call: Call, vocabulary: Vocabulary, mapping: Mapping[str, Any]) -> bool:
    """A result under the parameter's own name, from code that knows a learning rate, is the new parameter."""
    if call.rate is None or label in mapping:
        return False
    return not names.is_gradient_name(label, vocabulary.parameters, vocabulary.loss) or label.endswith(("_new", "_next"))


def _old(call: Call, node: str) -> str:
    return next((path for path, name in call.paths.items() if name == node), "")


def _in_place(call: Call, outcome: Outcome, vocabulary: Vocabulary, values: Mapping[str, Any]) -> tuple[Result, ...]:
    """Gradients left on the object (`self.dW`), or weights changed in place by a step."""
    paths = call.paths
    found: dict[str, Result] = {}
    for path, leaf in outcome.finals.items():
        label = path.rsplit(".", maxsplit=1)[-1]
        if numeric(leaf) and path not in paths and names.is_gradient_name(label, vocabulary.all, vocabulary.loss):
            node = names.gradient_of(label, vocabulary.all, vocabulary.loss)
            if node is not None:
                found.setdefault(node, Result(node, path, returned=False))
    if found:
        return tuple(found.values())
    if call.rate is None:
        return ()
    return tuple(
        Result(node, path, returned=False, update=True, old=path)
        for path, node in paths.items()
        if path in outcome.finals and numeric(outcome.finals[path]) and not _same(outcome.finals[path], values[node])
    )


def _same(final: Any, start: Any) -> bool:
    return np.shape(final) == np.shape(start) and bool(np.all(np.asarray(final) == np.asarray(start)))


def _by_order(call: Call, returned: Mapping[str, Any], vocabulary: Vocabulary, values: Mapping[str, Any]) -> tuple[Result, ...]:
    """A tuple as long as there are parameters (a leading loss left out), in their order, when the shapes allow it."""
    paths = list(returned)
    if len(paths) == len(vocabulary.parameters) + 1 and not np.shape(returned[paths[0]]):
        paths = paths[1:]
    if len(paths) != len(vocabulary.parameters) or not paths:
        return ()
    used = [name for name in call.uses if name in vocabulary.parameters]
    orders = [list(vocabulary.parameters)]
    if sorted(used) == sorted(vocabulary.parameters) and used != orders[0]:
        orders.append(used)  # the order of the code's own arguments
    fitting = [order for order in orders if _fits(order, [returned[path] for path in paths], values)]
    if not fitting and len(paths) == 1:
        fitting = orders[:1]  # a single gradient of a wrong shape is reported as that
    if len(fitting) != 1:
        return ()
    update = call.rate is not None
    return tuple(Result(node, path, update=update, old=_old(call, node)) for node, path in zip(fitting[0], paths, strict=True))


def _by_shape(call: Call, returned: Mapping[str, Any], vocabulary: Vocabulary, values: Mapping[str, Any]) -> tuple[Result, ...]:
    """A single result, or a tuple of arrays, of which each has the shape of one parameter and of no other."""
    for paths in ([""], list(dict.fromkeys(path.partition(".")[0] for path in returned))):
        arrays = [leaf_at(returned, path) for path in paths]
        if not paths or any(array is None or not (np.ndim(array) or len(paths) == 1) for array in arrays):
            continue
        fitting = [[name for name in vocabulary.parameters if np.shape(values[name]) == np.shape(array)] for array in arrays]
        if all(len(names_) == 1 for names_ in fitting) and len({names_[0] for names_ in fitting}) == len(paths):
            update = call.rate is not None
            pairs = zip(paths, fitting, strict=True)
            return tuple(Result(node, path, update=update, old=_old(call, node)) for path, (node,) in pairs)
    return ()


def _fits(order: Sequence[str], found: Sequence[Any], values: Mapping[str, Any]) -> bool:
    return all(np.size(leaf) == np.size(values[name]) for name, leaf in zip(order, found, strict=True))


def _message(call: Call, outcome: Outcome, returned: Mapping[str, Any], labels: Mapping[str, str], vocabulary: Vocabulary) -> str:
    title = getattr(call.function, "__qualname__", repr(call.function))
    if not returned:
        expected = f"expected gradients of {', '.join(vocabulary.parameters)}"
        kinds = sorted({type(leaf).__name__ for leaf in outcome.returned.values()})
        if outcome.returned.keys() == {""} and kinds == ["NoneType"]:
            return f"{nothing_returned(call.function)} ({expected})"
        return f"{title}: {expected}, got {', '.join(kinds) or 'nothing'}, no numbers"
    listed = ", ".join(f"{_label(path, labels) or 'the result'}{np.shape(leaf) or ''}" for path, leaf in returned.items())
    first = next(iter(returned))
    hint = nearest(_label(first, labels), vocabulary.parameters)
    return (
        f"{title}: cannot tell which results are gradients of what; results: {listed}; parameters: "
        f"{', '.join(vocabulary.parameters)}.{hint} Return a dictionary by name, a variable "
        f"called like d{vocabulary.parameters[0] if vocabulary.parameters else '…'}, or say mapping={{{first!r}: "
        f"{vocabulary.parameters[0] if vocabulary.parameters else '…'!r}}}"
    )


def elements(found: Mapping[str, Any], path: str) -> tuple[tuple[int, ...], list[Any]]:
    """Return shape and numbers of the nested list under a path; no numbers where it is none, or not rectangular."""
    start = f"{path}." if path else ""
    inside = {key[len(start) :]: leaf for key, leaf in found.items() if key.startswith(start)}
    places = [tuple(map(int, key.split("."))) for key in inside if key.replace(".", "").isdigit()]
    if not inside or len(places) < len(inside) or len({len(place) for place in places}) > 1:
        return (), []
    shape = tuple(max(at) + 1 for at in zip(*places, strict=True))
    complete = math.prod(shape) == len(places) and all(getattr(leaf, "shape", ()) == () for leaf in inside.values())
    return (shape, list(inside.values())) if complete else ((), [])


def leaf_at(found: Mapping[str, Any], path: str) -> Any:
    """Return what is under a path; a list of numbers, also a nested one, as an array."""
    if path in found:
        return found[path]
    shape, numbers = elements(found, path)
    return np.reshape(numbers, shape) if numbers else None


def _gathered(
    returned: Mapping[str, Any],
    labels: Mapping[str, str],
    vocabulary: Vocabulary,
    mapping: Mapping[str, Any],
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """Put the numbers of a list in one array, where its name means something that is no single number: `{"w": [1.0, 2.0]}`."""
    found: dict[str, Any] = {}
    for path, leaf in returned.items():
        parts = path.split(".")
        heads = [".".join(parts[:k]) for k in range(len(parts)) if all(part.isdigit() for part in parts[k:])]
        whole = next((head for head in heads if _is_array(head, labels, vocabulary, mapping, values)), None)
        array = leaf_at(returned, whole) if whole is not None else None
        found.update({path: leaf} if array is None or whole is None else {whole: array})
    return found


def _is_array(
    path: str, labels: Mapping[str, str], vocabulary: Vocabulary, mapping: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:
    node = _meant(path, _label(path, labels), vocabulary, mapping)
    return node is not None and np.ndim(values.get(node, 0)) > 0


def read(call: Call, results: Sequence[Result], outcome: Outcome, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gradients in an outcome, by node name; an update step is read as (old - new)/rate."""
    found: dict[str, Any] = {}
    for result in results:
        value = leaf_at(outcome.returned if result.returned else outcome.finals, result.path)
        if value is None:
            continue
        found[result.node] = (values[result.node] - np.asarray(value)) / call.rate_value if result.update else value
    return found


def describe(function: Any) -> str:
    """Return the code's name as `file.py:function`."""
    code = getattr(function, "__func__", function)
    if isinstance(code, types.FunctionType):
        return f"{code.__code__.co_filename.rsplit('/', maxsplit=1)[-1]}:{code.__qualname__}"
    return str(getattr(function, "__name__", type(function).__name__))
