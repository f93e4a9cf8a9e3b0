"""Which network and which loss a Python file means: its variables `network` and `loss`, or the only ones that it can mean."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from symbackprop.errors import UserError, listed
from symbackprop.network import Network, Role


def network_of(module: ModuleType) -> Any:
    """Return a file's variable `network`, or the only Network that it has under another name; None where there is none.

    Raises UserError where there are several.
    """
    named = getattr(module, "network", None)
    if isinstance(named, Network):
        return named
    found = {id(value): key for key, value in vars(module).items() if isinstance(value, Network)}
    if len(found) > 1:
        raise UserError(f"{module.__file__}: it has several networks: {listed(found.values())}; call the one meant `network`")
    return getattr(module, next(iter(found.values()))) if found else named


def loss_of(module: ModuleType, network: Network) -> Any:
    """Return a file's variable `loss`, or the only scalar of the network that nothing else is made of; None where none is."""
    named = getattr(module, "loss", None)
    if named is not None:
        return named
    ends = _ends(network)
    return ends[0] if len(ends) == 1 else None


def no_loss(file: object, network: Network) -> str:
    """Say that a file does not tell which node is its loss, and which ones may be."""
    ends = _ends(network)
    which = f"; {listed(ends)} may be meant" if ends else ""
    return f"{file}: expected a variable `loss`, the symbol of the loss node; or give --loss NAME{which}"


def _ends(network: Network) -> list[str]:
    """Return the scalars that are defined and that no other node is made of."""
    used = {parent for node in network.nodes.values() for parent in node.parents}
    return [node.name for node in network.of_role(Role.DEFINED) if not node.shape and node.name not in used]
