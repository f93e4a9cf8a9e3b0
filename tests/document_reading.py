"""The display formulas of `derivations/*/document.md`, and what a reader of each document knows. For tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from symbackprop.formula.notation.notations import notation_called
from symbackprop.formula.print.text import text
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read_repaired
from symbackprop.formula.tree.tree import Chain, Row
from symbackprop.functions import BY_NAME
from symbackprop.network import Network

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("tanh_neuron", "perceptron", "linear_regression", "two_two_one", "two_three_two", "mlp_softmax")


def blocks(document: str) -> list[str]:
    """Return the display formulas of `derivations/<document>/document.md`, in order."""
    prose = (ROOT / "derivations" / document / "document.md").read_text(encoding="utf-8")
    return re.findall(r"^\$\$\n(.+?)\n\$\$$", prose, re.M | re.S)


# --- what a reader of each document knows


@dataclass(frozen=True, slots=True)
class Extra:
    """Names of a document that are no nodes of its network, and its learning rate."""

    scalars: str = ""
    indexed: str = ""
    functions: str = ""
    rate: float = 0.1


EXTRA: Mapping[str, Extra] = MappingProxyType(
    {
        "tanh_neuron": Extra(functions="lossGrad", rate=0.01),
        "perceptron": Extra(scalars="theta", functions="L l", rate=0.9),
        "linear_regression": Extra(indexed="dz dw db dy next_dz", rate=0.01),
        "two_two_one": Extra(scalars="x", rate=0.1),
        "two_three_two": Extra(rate=0.5),
        "mlp_softmax": Extra(),
    }
)


def names_of(document: str, network: Network) -> Names:
    """Return the table of names: the network's, and the few further ones of the document."""
    notation, extra = notation_called(document), EXTRA[document]
    nodes = network.nodes.values()
    return Names.of(
        notation,
        scalars=[*(node.name for node in nodes if not node.indices), *extra.scalars.split()],
        indexed=[*(node.name for node in nodes if node.indices), *extra.indexed.split()],
        functions=[*BY_NAME, *extra.functions.split()],
        indices=list(network.declared_indices),
        sizes=list(network.sizes()),
        rates=list(dict.fromkeys(("eta", notation.learning_rate))),
        ranks={node.name: len(node.indices) for node in nodes if node.indices},
    )


def statement(document: str, names: Names, number: int) -> Chain:
    """Return the statement of a block (numbered from 1), prose left out, malformed names mended."""
    found = read_repaired(blocks(document)[number - 1], names).formula
    chain = found.items[-1] if isinstance(found, Row) else found
    assert isinstance(chain, Chain), text(found)
    return chain
