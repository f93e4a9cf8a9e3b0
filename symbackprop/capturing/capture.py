"""A forward pass written with numpy as a network, in its own variable names.

    >>> import numpy as np
    >>> def loss(X, W, t):
    ...     y = np.tanh(X @ W)
    ...     return np.sum((y - t) ** 2) / len(X)
    >>> example = {"X": np.ones((4, 3)), "W": np.eye(3)[:, :2], "t": np.zeros((4, 2))}
    >>> captured = capture(loss, example, wrt=["W"])
    >>> print(captured.network.node("y").expression)
    tanh(Sum(W[i, j]*X[n, i], (i, 0, I - 1)))

The function is run, unmodified, on numbers that know how they were computed; the elements of every variable are rolled up into
one formula in index notation; running it again at other sizes tells which numbers are sizes. The network is then compared with
the code itself at other numbers and other sizes, loss and gradients, and refused where they differ.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.capturing.build.axes import Axis, ranges
from symbackprop.capturing.build.build import PARTS_OF_DATA, TARGETS, Sized, build, whole_path
from symbackprop.capturing.build.vary import OWN_OBJECT, one_hot_axis
from symbackprop.capturing.confirm import Confirmed, confirm
from symbackprop.capturing.record.labels import ONE_HOT
from symbackprop.capturing.record.module_arrays import module_arrays
from symbackprop.capturing.record.plain import PlainCode
from symbackprop.capturing.record.shifts import Shift
from symbackprop.capturing.roll.forms import entries
from symbackprop.capturing.rolling import Rolled, rolled
from symbackprop.capturing.sizing import Sizing
from symbackprop.errors import InternalError, SymbackpropError, UserError, listed, nearest
from symbackprop.network import Network, Role
from symbackprop.trace.graph.graph import Place

DATA = frozenset(
    ["X", "x", "xs", "Xs", "inputs", "input", "data", "features", "images", "img", "seq", "tokens", "ids", "noise", "eps", "row"]
) | {f"{name}_{part}" for name in "xX" for part in PARTS_OF_DATA}
"""What people call the data: nothing is differentiated by these unless it is asked for."""

NEAR_SEEDS, FAR_SEEDS = range(11, 15), range(15, 19)
"""Further points at which a network is compared with code that decides by value: near the example, and with the numbers of each
array in another order, so that its largest is another one."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured forward pass.

    `network` and `loss` (its symbol) are what `derive` takes; `wrt` the names of the parameters; `shifts` the maxima that were
    left out because they cancel; `inputs` the dotted path in the arguments of every declared name (`params.W1`); `one_hot` the
    names that hold one-hot rows of labels; `confirmed` how the network was compared with the code.
    """

    network: Network
    loss: Any
    wrt: tuple[str, ...]
    shifts: tuple[Shift, ...]
    inputs: Mapping[str, str]
    one_hot: frozenset[str]
    confirmed: Confirmed

    def __iter__(self) -> Iterator[Any]:
        return iter((self.network, self.loss))

    def values(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the network's values for arguments of the function: paths resolved, labels as one-hot rows."""
        return network_values(self.network, self.inputs, self.one_hot, arguments)


def capture(function: Callable[..., Any], example: Mapping[str, Any], wrt: Sequence[str] | str | None = None) -> Captured:
    """Capture a numpy forward pass as a network.

    Args:
        function: a function or bound method that returns the loss: one number (the first, where it returns several).
        example: a value for every argument; arrays may be in dictionaries and lists. Their sizes need not be distinct. Arrays
            that stand in the function's file beside it, and that it uses, count as arguments of their name.
        wrt: the names (or dotted paths) that gradients are asked for; by default every real number that is not called like data
            or a target, of what the function is given if there is one.

    Raises:
        NotSupportedError: something cannot be captured; the message names the variable and the line.
        UserError: the code fails, an argument is missing, or it returns no single number.
    """
    _refuse_unusable(function, example)
    beside = {name: array for name, array in module_arrays(function).items() if name not in example}
    example = {**beside, **example}
    first = rolled(function, example)
    if not first.program.outputs:
        raise UserError("capture: the loss depends on no real number in the example; expected arrays or numbers that are real")
    names = _asked(first, wrt) if wrt is not None else _usual(first, frozenset(beside))
    sizing = Sizing(rolled, function, example, first, ranges(first.program), frozenset(names))
    problem: SymbackpropError | None = None
    for sized, changing in sizing.choices():
        try:
            return _confirmed(sizing, names, sized, changing)
        except SymbackpropError as found:
            problem = found
    raise problem or InternalError(f"{function}: no choice of sizes was tried")


def _refuse_unusable(function: Callable[..., Any], example: Mapping[str, Any]) -> None:
    """Raise UserError for a function that returns no number when it is called, and for values without any."""
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise UserError(f"{function.__name__}: expected a function that returns the loss, got an async one or a generator")
    empty = next((name for name, value in example.items() if isinstance(value, np.ndarray) and not value.size), None)
    if empty is not None:
        raise UserError(f"capture: {empty} is empty in the example, shape {example[empty].shape}; expected at least one number")


def _confirmed(sizing: Sizing, names: tuple[str, ...], sized: Sized, changing: tuple[Axis, ...]) -> Captured:
    first = sizing.first
    network = build(str(getattr(sizing.function, "__name__", "forward")), sized, names, first.values)
    (loss,) = first.program.outputs.values()
    one_hot = frozenset(name for name, v in first.program.inputs.items() if v.name.startswith(ONE_HOT))
    inputs = {name: v.name.removeprefix(ONE_HOT) for name, v in first.program.inputs.items()}
    trials: list[tuple[tuple[Axis, ...], int]] = [((), 7), *([(changing, 3)] if changing else [])]
    if first.decisions:  # another number may go another way
        trials += [((), seed) for seed in (*NEAR_SEEDS, *FAR_SEEDS)]
    points = _Trials(sizing, network, inputs, one_hot).points(trials)
    confirmed = confirm(network, loss, names, points, _decided(first.decisions))
    return Captured(network, network.node(loss).symbol, names, first.shifts, inputs, one_hot, confirmed)


def _decided(places: Sequence[Place]) -> str:
    """Say what code decides that no formula says: by value, with the lines, where it was seen to."""
    if not places:
        return "something by value or by size that no formula says"
    lines = listed([str(place) for place in places[:3]])
    return f"by value at {lines}, which no formula says; np.where, np.maximum or a mask in the place of `if` is captured"


@dataclass(frozen=True, slots=True)
class _Trials:
    """Makes points at which the network and the code can both be evaluated."""

    sizing: Sizing
    network: Network
    inputs: Mapping[str, str]
    one_hot: frozenset[str]

    def points(
        self, trials: Sequence[tuple[tuple[Axis, ...], int]]
    ) -> Iterator[tuple[dict[str, Any], Callable[[Mapping[str, Any]], float]]]:
        """Yield (values of the network, the code's loss as a function of such values) for each (ranges that change, seed)."""
        for changing, seed in trials:
            arguments = self.sizing.arguments(changing, seed)
            try:
                values = network_values(self.network, self.inputs, self.one_hot, arguments)
                values.update(self.sizing.own_values(arguments, seed))
                values.update(self._tables(arguments, changing))
                values.update(self._shuffled(values, seed) if seed in FAR_SEEDS else {})
                code = self._code(arguments)
                code(values)
            except Exception:  # the code does not run at these sizes, whatever it raises
                continue
            yield values, code

    def _shuffled(self, values: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Return the arrays of real numbers that are given, each with its numbers in another order."""
        rng = np.random.default_rng(seed)
        given = {name: values[name] for name in self.inputs if name not in self.one_hot}
        real = {name: value for name, value in given.items() if isinstance(value, np.ndarray) and value.dtype.kind == "f"}
        return {name: rng.permuted(value.reshape(-1)).reshape(value.shape) for name, value in real.items()}

    def _tables(self, arguments: Mapping[str, Any], changing: tuple[Axis, ...]) -> Mapping[str, Any]:
        """Return the constants of the code at these arguments; where it went by value, those of the example are judged."""
        first = self.sizing.first
        if not first.program.tables or (first.decisions and not changing):
            return {}
        return self.sizing.roll(self.sizing.function, arguments).program.tables

    def _code(self, arguments: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], float]:
        paths = {name: path for name, path in self.inputs.items() if name not in self.one_hot}
        held = frozenset(path for path in paths.values() if path.startswith(OWN_OBJECT))
        run = PlainCode(self.sizing.function, arguments, self.sizing.first.paths["loss"], whole=held)

        def code(values: Mapping[str, Any]) -> float:
            return float(np.asarray(run({path: values[name] for name, path in paths.items()})).item())

        return code


def network_values(
    network: Network, inputs: Mapping[str, str], one_hot: frozenset[str], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values of a captured network's declared names for arguments of the function."""
    found = {}
    for name, path in inputs.items():
        value = _at(arguments, path) if path.split(".")[0] in arguments else network.values[name]
        found[name] = np.asarray(value) if np.ndim(value) else value
    sizes = network.sizes({name: value for name, value in found.items() if name not in one_hot})
    for name in one_hot:
        found[name] = np.eye(_number_of_classes(network, name, sizes))[found[name].astype(int)]
    return {**{node.name: network.values[node.name] for node in network.of_role(Role.CONSTANT)}, **found}


def _number_of_classes(network: Network, name: str, sizes: Mapping[str, int]) -> int:
    """Return the length of the one-hot rows of labels."""
    size = network.node(name).shape[-1]
    classes = size.subs({symbol: sizes[symbol.name] for symbol in size.free_symbols if symbol.name in sizes})
    if not classes.is_Integer:
        raise UserError(f"{network.title}: the number of classes {size} of {name} does not follow from the other values")
    return int(classes)


def _asked(first: Rolled, wrt: Sequence[str] | str) -> tuple[str, ...]:
    """Return the names of what is asked for, by name or by path."""
    inputs = first.program.inputs
    paths = {variable.name: name for name, variable in inputs.items() if not variable.name.startswith(ONE_HOT)}
    known = tuple(paths.values())
    names = {**dict(zip(known, known, strict=True)), **paths}
    if not isinstance(wrt, Iterable):
        raise UserError(f"capture: wrt: expected names such as ['W', 'b'], got {type(wrt).__name__}")
    asked = [wrt] if isinstance(wrt, str) else wrt
    for one in asked:
        if one not in names:
            raise UserError(
                f"capture: wrt: the loss does not depend on {one}; it depends on {', '.join(known)}.{nearest(one, known)}"
            )
    return tuple(map(names.__getitem__, asked))


#: What counts inputs: x1, x_2.
_COUNT = re.compile(r"(?<=^[xX])_?\d+$")


def _usual(first: Rolled, beside: frozenset[str]) -> tuple[str, ...]:
    """Return what is not called like data or a target; where all are, what holds no one-hot rows.

    What stands `beside` the function is asked for where nothing that it is given can be.
    """
    known = _used(first)
    weights = [name for name, path in known.items() if not {name, _COUNT.sub("", name), whole_path(path)} & (DATA | TARGETS)]
    given = [name for name in weights if known[name] not in beside]
    return tuple(given or weights or [name for name in known if _moves(first.values[name])] or known)


def _used(first: Rolled) -> dict[str, str]:
    """Return the paths of numbers by name, without what an object holds and the loss does not use, such as its gradients."""
    paths = {name: variable.name for name, variable in first.program.inputs.items() if not variable.name.startswith(ONE_HOT)}
    used = {entry for definition in first.program.definitions for entry in entries(definition.form)}
    return {name: path for name, path in paths.items() if name in used or not path.startswith(OWN_OBJECT)} or paths


def _moves(value: Any) -> bool:
    """Whether numbers are no one-hot rows, which say a class."""
    return one_hot_axis(np.asarray(value)) is None


def _at(arguments: Mapping[str, Any], path: str) -> Any:
    value: Any = arguments
    for part in path.split("."):
        value = (
            value[part]
            if isinstance(value, Mapping)
            else value[int(part)]
            if isinstance(value, Sequence)
            else getattr(value, part)
        )
    return value
