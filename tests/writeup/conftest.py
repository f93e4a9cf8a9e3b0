"""What the tests of drawings share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

import pytest

from symbackprop.network import Network


@pytest.fixture
def two_three_two(derivation_file: Callable[[str, str], ModuleType]) -> Network:
    """The 2-3-2 network of the derivations."""
    network: Network = derivation_file("two_three_two", "network").network
    return network


@pytest.fixture
def local_texts() -> Mapping[tuple[str, str], str]:
    """The local derivatives of the 2-3-2 network that the gradients of w1 and w7 need, written by hand."""
    texts = {("net_h1", "w1"): "l1", ("net_o1", "w7"): "out_h1"}
    for k, first, second in ((1, 7, 8), (2, 9, 10), (3, 11, 12)):
        texts[f"out_h{k}", f"net_h{k}"] = f"out_h{k}·(1 - out_h{k})"
        texts["net_o1", f"out_h{k}"], texts["net_o2", f"out_h{k}"] = f"w{first}", f"w{second}"
    for o in ("o1", "o2"):
        texts[f"out_{o}", f"net_{o}"] = f"out_{o}·(1 - out_{o})"
        texts[f"E_{o}", f"out_{o}"] = f"-(target_{o} - out_{o})"
    return texts
