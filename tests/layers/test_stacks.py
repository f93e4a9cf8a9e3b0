"""Random stacks of layers: values and gradients against torch, adjoints against differences of 200-bit numbers."""

from __future__ import annotations

import pytest

from tests.layers.stacks import against_differences, against_torch, made

FEW, MANY = 12, 40


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(MANY))
def test_a_stack_is_that_of_torch(seed: int) -> None:
    torch = pytest.importorskip("torch", reason="torch, the judge of this test, is not installed")
    assert against_torch(torch, made(seed)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FEW))
def test_a_stack_has_the_differences_of_its_definitions(seed: int) -> None:
    against_differences(made(seed))


def test_stacks_are_of_every_kind() -> None:
    said = {word for seed in range(150) for word in made(seed).stack.said}
    wanted = {
        "dense",
        "residual",
        "layer norm",
        "batch norm",
        "attention",
        "several heads",
        "rnn",
        "gru",
        "lstm",
        "conv1d",
        "conv2d",
    }
    assert (
        wanted | {"conv2d", "transposed 1d", "transposed 2d", "max_pool1d", "avg_pool2d", "group norm", "flatten", "embedding"}
        <= said
    )
