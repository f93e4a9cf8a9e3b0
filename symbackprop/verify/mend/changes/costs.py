"""How far-fetched each kind of change is: what a person would do comes first.

First what restores a name, an operator, an axis, an index or a bracket; then what deletes a surplus; then what adds something
that is missing; last a statement written anew from the derivation.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COST: Mapping[str, float] = MappingProxyType(
    {
        # restored
        "name": 0.5,
        "transpose": 0.6,
        "operator": 0.6,
        "index": 0.6,
        "index shifted": 0.75,
        "exchanged sides": 0.65,
        "constant": 0.7,
        "complement": 0.8,
        "other size": 0.8,
        "condition": 0.7,
        "exchanged results": 0.7,
        "carried": 0.7,
        "bracket": 0.75,
        "keyword": 0.75,
        "repeated name": 0.8,
        "transposed side": 0.8,
        "accumulation": 0.79,
        "stride": 0.85,
        "padding": 0.9,
        "layout": 0.85,
        "axes": 0.8,
        "axis added": 0.9,
        "repeated part": 0.9,
        "order": 0.9,
        "constant exchanged": 0.95,
        "reversed": 0.95,
        "expression": 0.85,
        "function": 1.1,
        # deleted
        "sign deleted": 0.5,
        "number deleted": 0.55,
        "name deleted": 0.72,
        "side deleted": 0.9,
        "factors deleted": 0.95,
        "function deleted": 1.0,
        "statement deleted": 1.05,
        "inner kept": 1.1,
        # added
        "slope restored": 0.75,
        "square added": 0.85,
        "sign added": 0.8,
        "number added": 0.82,
        "power counted": 0.9,
        "residual": 0.9,
        "forgotten": 0.9,
        "size divided": 0.95,
        "jacobian": 0.95,
        "summand in argument": 1.0,
        "copy": 0.9,
        "root of size": 1.1,
        "factor in argument": 1.15,
        "size multiplied": 1.2,
        "slope added": 1.25,
        "factor added": 1.3,
        "factor of rows": 1.36,
        "counted": 1.3,
        "one added": 0.95,
        "names exchanged": 0.85,
        "carried path": 1.05,
        "neighbour": 1.05,
        "twin": 0.9,
        "result": 0.92,
        "reciprocal": 0.9,
        "mask": 1.0,
        "part": 1.1,
        "carry scaled": 1.15,
        "summand in factor": 1.3,
        "slope complement": 1.35,
        "rewritten": 1.38,
        "entry added": 1.28,
        "summand added": 1.4,
        "summand of its form": 1.42,
        "path of a matrix": 1.2,
        "divisor added": 1.45,
    }
)
