"""Places across the rows of a computational graph: definitions in the middle, declared names above or beside what they feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symbackprop.writeup.drawing.unit_graph import Unit, UnitGraph, UnitKind

#: How much wider than the distance in the fullest row a row with few units may spread.
STRETCH = 1.3
_BETWEEN = 16.0  # between declared names side by side


def graph_rows(graph: UnitGraph, widths: Mapping[str, float], pitch: float) -> dict[str, float]:
    """Return the horizontal middle of each unit; `pitch` is the distance between definitions in a row."""
    cores = [[unit.name for unit in row if unit.kind is not UnitKind.INPUT] for row in graph.columns]
    widest = max(map(len, cores), default=1)
    across: dict[str, float] = {}
    for row, core in reversed(list(zip(graph.columns, cores, strict=True))):  # what a name feeds stands further down
        across.update(zip(core, spread_out(len(core), widest, pitch), strict=True))
        leaves = _by_what_they_feed([unit for unit in row if unit.kind is UnitKind.INPUT], graph, across)
        across.update(_beside(leaves, core, across, widths) if core else _above(leaves, widths))
    return {name: round(x, 2) for name, x in across.items()}


def spread_out(count: int, most: int, pitch: float) -> list[float]:
    """Return the places of units around the middle of their row; `most` are in the fullest, where they stand at the pitch."""
    spread = pitch if count < 2 else pitch * min(STRETCH, (most - 1) / (count - 1))
    return [(place - (count - 1) / 2) * spread for place in range(count)]


def _by_what_they_feed(leaves: Sequence[Unit], graph: UnitGraph, across: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return declared names with the mean place of what they feed, from left to right."""
    wanted = []
    for unit in leaves:
        places = [across[link.target] for link in graph.links if link.source == unit.name]
        wanted.append((unit.name, sum(places) / len(places) if places else 0.0))
    return sorted(wanted, key=lambda leaf: leaf[1])


def _above(leaves: Sequence[tuple[str, float]], widths: Mapping[str, float]) -> dict[str, float]:
    """Return the places of names that have a row to themselves: above what they feed, or next to one another."""
    found: dict[str, float] = {}
    free = float("-inf")
    for name, wanted in leaves:
        found[name] = max(wanted, free + widths[name] / 2)
        free = found[name] + widths[name] / 2 + _BETWEEN
    return found


def _beside(
    leaves: Sequence[tuple[str, float]], core: Sequence[str], across: Mapping[str, float], widths: Mapping[str, float]
) -> dict[str, float]:
    """Return the places of names that share a row with definitions: on the left or right, whichever is nearer."""
    found: dict[str, float] = {}
    left = min(across[name] - widths[name] / 2 for name in core) - _BETWEEN
    right = max(across[name] + widths[name] / 2 for name in core) + _BETWEEN
    middle = (left + right) / 2
    for name, _ in reversed([leaf for leaf in leaves if leaf[1] < middle]):
        found[name] = left - widths[name] / 2
        left -= widths[name] + _BETWEEN
    for name, _ in (leaf for leaf in leaves if leaf[1] >= middle):
        found[name] = right + widths[name] / 2
        right += widths[name] + _BETWEEN
    return found
