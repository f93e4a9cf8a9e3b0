"""Every written-down numpy feature traces to what numpy computes, or says that it cannot be traced; never a wrong result."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from symbackprop.trace.graph.evaluate import evaluate
from symbackprop.trace.graph.graph import CannotTrace, InputName
from symbackprop.trace.run.trace import trace
from tests.trace.numpy_features import FEATURES, STANDARD, Feature


def _arguments(feature: Feature, step: float = 0.0) -> dict[str, Any]:
    """The standard arguments of a feature, moved by `step` along a fixed direction."""
    random = np.random.default_rng(7)
    direction = {name: random.uniform(0.5, 1, np.shape(value)) for name, value in STANDARD.items()}
    arguments = {}
    for name in inspect.signature(feature.function).parameters:
        value = STANDARD[name]
        is_real = isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
        moved = value + step * direction[name] if is_real else value
        arguments[name] = float(moved) if isinstance(value, float) else moved
    return arguments


def _flat(result: Any) -> np.ndarray[Any, Any]:
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return np.concatenate([_flat(item) for item in result])
    return np.asarray(result, dtype=float).reshape(-1)


def _plain(feature: Feature, step: float) -> np.ndarray[Any, Any]:
    np.random.seed(0)
    return _flat(feature.function(**_arguments(feature, step)))


@pytest.mark.parametrize("feature", [f for f in FEATURES if not f.refused], ids=lambda f: f.name)
def test_feature_traces_to_what_numpy_computes(feature: Feature) -> None:
    run = trace(feature.function, _arguments(feature))
    nodes = [node for value in run.results.values() for node in value.nodes]
    assert nodes

    def traced(step: float) -> np.ndarray[Any, Any]:
        point = {}
        for name, value in _arguments(feature, step).items():
            for index in np.ndindex(np.shape(value)):
                point[InputName(name, index)] = float(np.asarray(value)[index])
        return np.array(evaluate(run.graph, nodes, point), dtype=float)

    for step in (0.0, 1e-3, 2e-3):
        np.testing.assert_allclose(traced(step), _plain(feature, step), rtol=1e-9, atol=1e-12)
    # The dependency is kept: the same slope along a direction that moves every input, by central differences of both.
    slope = (_plain(feature, 1e-3) - _plain(feature, -1e-3)) / 2e-3
    np.testing.assert_allclose((traced(1e-3) - traced(-1e-3)) / 2e-3, slope, rtol=1e-6, atol=1e-9)
    assert np.any(slope != 0)


@pytest.mark.parametrize("feature", [f for f in FEATURES if f.refused], ids=lambda f: f.name)
def test_refused_feature_says_so_with_its_line(feature: Feature) -> None:
    with pytest.raises(CannotTrace, match=r"cannot trace .* at line \d+"):
        trace(feature.function, _arguments(feature))


def test_list_is_long_enough_and_mostly_traced() -> None:
    assert len(FEATURES) >= 190
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)
    assert sum(not feature.refused for feature in FEATURES) >= 0.95 * len(FEATURES)
