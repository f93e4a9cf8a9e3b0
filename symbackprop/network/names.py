"""What a reader of formulas about a network knows: its names, in a notation."""

from __future__ import annotations

from collections.abc import Iterable

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.read.name_table import Names
from symbackprop.functions import ELEMENTARY
from symbackprop.network.indices import index_size
from symbackprop.network.model import Network


def names_of(network: Network, notation: Notation | None = None, scalars: Iterable[str] = ()) -> Names:
    """Return the table of a network's names, indices and sizes; `scalars` are further names of numbers."""
    chosen = notation or Notation()
    nodes = network.nodes.values()
    ranks = {node.name: len(node.indices) for node in nodes if node.indices}
    sizes = {str(letter) for index in network.declared_indices.values() for letter in index_size(index).free_symbols}
    return Names.of(
        chosen,
        scalars=[*(node.name for node in nodes if not node.indices), *scalars],
        indexed=list(ranks),
        functions=sorted(_functions(network)),
        indices=list(network.declared_indices),
        sizes=sorted(sizes - set(network.nodes)),
        rates=[chosen.learning_rate] if chosen.learning_rate not in network.nodes else (),
        ranks=ranks,
    )


def _functions(network: Network) -> set[str]:
    """Return the names of the elementary functions that the definitions use."""
    definitions = [node.expression for node in network.nodes.values() if node.expression is not None]
    return {ELEMENTARY[part.func].name for expression in definitions for part in expression.atoms(*ELEMENTARY)}
