"""Recurrent layers: one step (a cell), or a step for every position of a time axis with a number of positions, weights shared.

A layer over time is written out, a node for each step, `<name>_1_h`, `<name>_2_h`, …; it returns the outputs in order of time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Eq, Expr, Idx, Integer, Piecewise, tanh

from symbackprop.errors import DefinitionError
from symbackprop.functions import sigmoid
from symbackprop.layers.attention import NONE_GIVEN, Weights
from symbackprop.layers.shared import Activation, Indices, declared_twin, entry, free, parameter, total
from symbackprop.network.indices import index_size
from symbackprop.network.model import Network


def rnn_cell(
    network: Network,
    name: str,
    x: Any,
    h: Any,
    indices: Indices,
    unit: Idx,
    activation: Activation = tanh,
    *,
    weights: Weights = NONE_GIVEN,
) -> Any:
    """One step of a recurrent network (Elman 1990): `h'[n,j] = f(Σ_i x[n,i] W[i,j] + Σ_m h[n,m] U[m,j] + b[j])`.

    x: (N, D); h and the result `<name>_h`: (N, H); W: (D, H), U: (H, H), b: (H,), which may be given as `weights` "W", "U", "b".
    """
    place = free((*indices[:-1], unit))
    net = _gate(network, name, "", x, h, indices, unit, weights)
    return network.define(f"{name}_h", *place, activation(net[place]))


def gru_cell(network: Network, name: str, x: Any, h: Any, indices: Indices, unit: Idx, *, weights: Weights = NONE_GIVEN) -> Any:
    """One step of a gated recurrent unit (Cho et al. 2014), the reset gate before the product with U_n:

        z, r = σ(x W + h U + b)     n = tanh(x W_n + (r ⊙ h) U_n + b_n)     h' = (1 - z) ⊙ h + z ⊙ n

    x: (N, D); h and the result `<name>_h`: (N, H); parameters as in `lstm_cell`, for the gates z, r, n.
    """
    place = free((*indices[:-1], unit))
    update, reset = (
        network.define(f"{name}_{gate}", *place, sigmoid(_gate(network, name, gate, x, h, indices, unit, weights)[place]))
        for gate in "zr"
    )
    before = entry(h, place)
    kept = network.define(f"{name}_rh", *place, reset[place] * before)
    new = network.define(f"{name}_n", *place, tanh(_gate(network, name, "n", x, kept, indices, unit, weights)[place]))
    return network.define(f"{name}_h", *place, (1 - update[place]) * before + update[place] * new[place])


def lstm_cell(
    network: Network, name: str, x: Any, h: Any, c: Any, indices: Indices, unit: Idx, *, weights: Weights = NONE_GIVEN
) -> tuple[Any, Any]:
    """One step of a long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):

        i, f, o = σ(x W + h U + b)     g = tanh(x W_g + h U_g + b_g)     c' = f ⊙ c + i ⊙ g     h' = o ⊙ tanh(c')

    x: (N, D); h, c and the results: (N, H). Parameters `<name>_W<gate>`: (D, H), `_U<gate>`: (H, H), `_b<gate>`: (H,), or
    given as `weights` "Wi", "Ui", "bi", …. Returns the nodes (h', c'), named `<name>_h` and `<name>_c`.
    """
    place = free((*indices[:-1], unit))
    gates = {}
    for gate, squash in (("i", sigmoid), ("f", sigmoid), ("o", sigmoid), ("g", tanh)):
        net = _gate(network, name, gate, x, h, indices, unit, weights)
        gates[gate] = network.define(f"{name}_{gate}", *place, squash(net[place]))
    before = entry(c, place)
    cell = network.define(f"{name}_c", *place, gates["f"][place] * before + gates["i"][place] * gates["g"][place])
    return network.define(f"{name}_h", *place, gates["o"][place] * tanh(cell[place])), cell


def rnn(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    unit: Idx,
    h: Any,
    activation: Activation = tanh,
    *,
    reverse: bool = False,
    weights: Weights = NONE_GIVEN,
) -> tuple[Any, ...]:
    """`rnn_cell` over time: `indices` = (n, t, i) of x: (N, T, D), where T is a number; h: (N, H) is the state before the
    first step."""
    shared = _weights(network, name, ("",), indices, unit, weights)

    def step(label: str, place: Indices, state: Any) -> Any:
        return rnn_cell(network, label, x, state, place, unit, activation, weights=shared)

    return _over_time(name, indices, step, h, reverse)


def gru(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    unit: Idx,
    h: Any,
    *,
    reverse: bool = False,
    weights: Weights = NONE_GIVEN,
) -> tuple[Any, ...]:
    """`gru_cell` over time, as `rnn`."""
    shared = _weights(network, name, "zrn", indices, unit, weights)

    def step(label: str, place: Indices, state: Any) -> Any:
        return gru_cell(network, label, x, state, place, unit, weights=shared)

    return _over_time(name, indices, step, h, reverse)


def lstm(
    network: Network,
    name: str,
    x: Any,
    indices: Indices,
    unit: Idx,
    h: Any,
    c: Any,
    *,
    reverse: bool = False,
    weights: Weights = NONE_GIVEN,
) -> tuple[Any, ...]:
    """`lstm_cell` over time, as `rnn`; c: (N, H) is the cell before the first step. Returns the outputs h."""
    shared = _weights(network, name, "ifog", indices, unit, weights)
    cells = [c]

    def step(label: str, place: Indices, state: Any) -> Any:
        made, cell = lstm_cell(network, label, x, state, cells[-1], place, unit, weights=shared)
        cells.append(cell)
        return made

    return _over_time(name, indices, step, h, reverse)


def bidirectional(
    network: Network, name: str, forward: tuple[Any, ...], backward: tuple[Any, ...], indices: Indices, direction: Idx
) -> tuple[Any, ...]:
    """Two layers over time side by side (Schuster and Paliwal 1997), the second one made with `reverse=True`:

        y_t[n,d,j] = forward_t[n,j] where d = 0, backward_t[n,j] where d = 1

    `indices` = (n, j) are those of each output; `direction` is an index of size 2. Returns the nodes `<name>_1`, `<name>_2`, ….
    """
    if index_size(direction) != 2:
        raise DefinitionError(
            f"{name}: expected an index of size 2 for the directions, got {direction} of {index_size(direction)}"
        )
    *samples, j = indices
    own = free((*samples, direction, j))
    made = []
    for step, (ahead, behind) in enumerate(zip(forward, backward, strict=True), start=1):
        both = Piecewise((entry(ahead, indices), Eq(direction, 0)), (entry(behind, indices), True))
        made.append(network.define(f"{name}_{step}", *own, both))
    return tuple(made)


def _over_time(
    name: str, indices: Indices, step: Callable[[str, Indices, Any], Any], start: Any, reverse: bool
) -> tuple[Any, ...]:
    """Apply a step at every place of the time axis, from the first on or (in reverse) from the last; outputs in order of time."""
    *samples, time, i = indices
    length = index_size(time)
    if not length.is_Integer:
        raise DefinitionError(f"{name}: expected a number of steps as size of {time}, got {length}; declare indices('{time}:3')")
    places = range(int(length))
    outputs: dict[int, Any] = {}
    state = start
    for place in reversed(places) if reverse else places:
        state = outputs[place] = step(f"{name}_{place + 1}", (*samples, Integer(place), i), state)
    return tuple(outputs[place] for place in places)


def _weights(
    network: Network, name: str, gates: tuple[str, ...] | str, indices: Indices, unit: Idx, given: Weights
) -> dict[str, Any]:
    """Return the parameters that all steps share; those that are not given are declared."""
    i = indices[-1]
    before = declared_twin(network, unit, indices)
    found = {}
    for gate in gates:
        found[f"W{gate}"] = parameter(network, given.get(f"W{gate}"), f"{name}_W{gate}", i, unit)
        found[f"U{gate}"] = parameter(network, given.get(f"U{gate}"), f"{name}_U{gate}", before, unit)
        found[f"b{gate}"] = parameter(network, given.get(f"b{gate}"), f"{name}_b{gate}", unit)
    return found


def _gate(network: Network, name: str, gate: str, x: Any, h: Any, indices: Indices, unit: Idx, given: Weights) -> Any:
    """Define `<name>_net<gate>[n,j] = Σ_i x[n,i] W[i,j] + Σ_m h[n,m] U[m,j] + b[j]`."""
    *samples, i = indices
    before = declared_twin(network, unit, indices)
    own = _weights(network, name, (gate,), indices, unit, given)
    state: Expr = total(entry(h, (*free(tuple(samples)), before)) * own[f"U{gate}"][before, unit], (before,))
    linear = total(entry(x, indices) * own[f"W{gate}"][i, unit], (i,)) + state + own[f"b{gate}"][unit]
    return network.define(f"{name}_net{gate}", *free((*samples, unit)), linear)
