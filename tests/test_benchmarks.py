"""The benchmarks compare what they say: sizes as named, contenders that agree, a timer that can tell."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import checkers, checking, handouts, handwritten, report, running
from benchmarks.layers import LAYERS
from benchmarks.networks import SCALAR_SIZES, mlp_values, scalar_network, scalar_values, weight_count
from benchmarks.peers import SYMBOLIC, peer_seconds, scalar_gradient, sympy_seconds
from benchmarks.timing import in_units, interval, medians
from benchmarks.training import RUNS
from symbackprop.network import Role
from tests.verify.mutants.score import derivation, load, original
from tests.verify.mutants.table import MUTANTS


def test_weight_counts() -> None:
    assert [weight_count(sizes) for sizes in SCALAR_SIZES] == [14, 131, 1795, 8835]
    case = scalar_network((2, 3, 2))
    assert case.weights == len(case.network.of_role(Role.PARAMETER)) == 14
    declared = {name for name, node in case.network.nodes.items() if not node.defined}
    assert set(scalar_values((2, 3, 2), seed=0)) == declared


def test_handwritten_gradients_are_right() -> None:
    values = mlp_values(5, 4, 7, 3, seed=0)
    arrays = handwritten.stacked(scalar_values((2, 3, 2), seed=0, samples=5), (2, 3, 2))
    for function, given in ((handwritten.mlp_gradients, values), (handwritten.sigmoid_gradients, arrays)):
        for name, gradient in function(**given)[1].items():
            step = np.random.default_rng(1).normal(size=np.shape(gradient)) * 1e-6
            above, below = (function(**{**given, name: given[name] + sign * step})[0] for sign in (1, -1))
            assert (above - below) / 2 == pytest.approx(np.sum(step * gradient), rel=1e-6), name


def test_the_losses_for_peers_are_the_handwritten_ones() -> None:
    values = mlp_values(5, 4, 7, 3, seed=0)
    assert handwritten.mlp_loss(np, values, values["X"], values["t"]) == pytest.approx(
        handwritten.mlp_gradients(**values)[0], rel=1e-13
    )
    arrays = handwritten.stacked(scalar_values((2, 3, 2), seed=0, samples=5), (2, 3, 2))
    assert handwritten.sigmoid_loss(np, arrays, arrays["x"], arrays["target"]) == pytest.approx(
        handwritten.sigmoid_gradients(**arrays)[0], rel=1e-13
    )


@pytest.mark.slow
@pytest.mark.parametrize("library", SYMBOLIC)
def test_a_symbolic_library_alone_agrees(library: str) -> None:
    pytest.importorskip(library)
    sizes = (2, 3, 2)
    values = scalar_values(sizes, seed=0)
    loss, gradients = handwritten.sigmoid_gradients(**handwritten.stacked(values, sizes))
    given = [f"x{place}" for place in (1, 2)] + [f"target{place}" for place in (1, 2)]
    layers = [("b1", [f"w1_{b}_{a}" for b in (1, 2, 3) for a in (1, 2)])]
    layers += [("b2", [f"w2_{b}_{a}" for b in (1, 2) for a in (1, 2, 3)])]
    names = [name for bias, weights in layers for name in (bias, *weights)]
    run = scalar_gradient(library, sizes)
    assert run is not None
    found_loss, *found = run(*(values[name] for name in [*given, *names]))
    assert found_loss == pytest.approx(loss, rel=1e-12)
    arrays = handwritten.stacked_weights(dict(zip(names, found, strict=True)), sizes)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(arrays[name], gradient, rtol=1e-12, err_msg=name)


@pytest.mark.slow
def test_sympy_alone_is_ended_at_the_limit() -> None:
    assert sympy_seconds((4, 8, 8, 4), limit=1.5) == "> 1.5 s"


def test_a_library_that_is_not_there_is_said_to_be() -> None:
    assert peer_seconds("no_such_library", (2, 3, 2), limit=1.0) == "no_such_library is not installed"


@pytest.mark.slow
def test_contenders_agree() -> None:
    running.agreed(running.mlp_contenders((5, 4, 7, 3)))
    running.agreed(running.scalar_contenders(None))
    running.agreed(running.scalar_contenders(5))


def test_a_contender_that_computes_something_else_is_caught() -> None:
    values = mlp_values(5, 4, 7, 3, seed=0)

    def wrong() -> object:
        loss, gradients = handwritten.mlp_gradients(**values)
        return loss, {**gradients, "b1": gradients["b1"][::-1]}

    contenders = {
        running.HAND: lambda: handwritten.mlp_gradients(**values),
        "wrong": wrong,
        "absent": "not there",
    }
    with pytest.raises(AssertionError, match="wrong: b1"):
        running.agreed(contenders)


@pytest.mark.slow
def test_medians_tell_fast_from_slow() -> None:
    runs = {"fast": lambda: sum(range(2_000)), "slow": lambda: sum(range(200_000)), "asleep": lambda: time.sleep(0.003)}
    found = medians(runs, rounds=1, seconds=0.005)
    assert 0 < found["fast"] < found["slow"]
    assert found["asleep"] < 0.003, "the processor's time is counted, which a wait does not take"


def test_the_median_lies_in_its_interval() -> None:
    assert interval([3.0, 1.0, 2.0]) == (1.0, 3.0)
    assert interval([float(k) for k in range(15)]) == (3.0, 11.0)
    rng = np.random.default_rng(1)
    found = [interval(list(rng.exponential(size=15))) for _ in range(2000)]
    assert 0.95 < np.mean([low <= np.log(2) <= high for low, high in found]) < 0.98


def test_units() -> None:
    assert [in_units(seconds) for seconds in (2.5, 0.0312, 4.56e-5, 7e-9)] == [
        "2.5 s",
        "31.2 ms",
        "45.6 µs",
        "7 ns",
    ]


@pytest.mark.slow
def test_whole_processes_are_timed_in_turn() -> None:
    found = handouts.measured({"quick": ("-c", "pass"), "slow": ("-c", "import time; time.sleep(0.15)")}, rounds=2)
    assert {name: len(times) for name, times in found.items()} == {"quick": 2, "slow": 2}
    assert min(found["quick"]) < min(found["slow"])
    assert min(found["slow"]) > 0.15


def test_a_command_that_fails_has_no_time() -> None:
    with pytest.raises(RuntimeError, match="exit code 3: no page"):
        handouts.seconds(("-c", "import sys; print('no page', file=sys.stderr); sys.exit(3)"))


@pytest.mark.slow
def test_a_page_starts_soon_after_sympy() -> None:
    """Limits in seconds depend on the machine; how many times as long as `import sympy` a page takes hardly does."""
    found = handouts.measured({name: handouts.COMMANDS[name] for name in (handouts.SYMPY, handouts.HTML)}, rounds=5)
    assert min(found[handouts.HTML]) < 3 * min(found[handouts.SYMPY])


PEERS = {"torch gradcheck": "torch", "jax check_grads": "jax", "scipy check_grad": "scipy", "autograd check_grads": "autograd"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if PEERS.get(name) in ("torch", "jax") else name for name in checkers.CHECKERS],
)
def test_every_checker_accepts_right_code_and_rejects_wrong(name: str, tmp_path: Path) -> None:
    """Whatever a checker raises counts as a rejection, so a wrapper that always fails must not pass for a good checker."""
    if name in PEERS:
        pytest.importorskip(PEERS[name])
    checker, derived = checkers.CHECKERS[name](), derivation("dense")
    mutant = next(mutant for mutant in MUTANTS if (mutant.case, mutant.kind) == ("dense", "mean doubled"))
    right = checking.problem_for("dense", original(tmp_path, "dense"), True, derived)
    wrong = checking.problem_for("dense", load(tmp_path, "dense_wrong", mutant.source), False, derived)
    assert checkers.accepted(checker, right)
    assert not checkers.accepted(checker, wrong)


@pytest.mark.slow
def test_problems_are_the_right_gradients_and_every_so_many_mutants(tmp_path: Path) -> None:
    found = checking.problems(tmp_path, every=100)
    assert [problem.right for problem in found] == [True] * 12 + [MUTANTS[place].equivalent for place in (0, 100, 200)]
    assert all(problem.precision == np.float64 and problem.single().precision == np.float32 for problem in found)
    assert all(np.shape(g) == np.shape(a) for p in found[:12] for g, a in zip(p.gradients(*p.arrays), p.arrays, strict=True))


def test_summaries_count_and_compare() -> None:
    def rows(*given: tuple[bool, bool, float, bool | None]) -> list[checking.Result]:
        return [checking.Result(*row) for row in given]

    found = checking.summaries(
        {
            checkers.YARDSTICK: rows((True, True, 0.01, False), (False, True, 0.02, None), (False, False, 0.03, None)),
            "other": rows((True, False, 0.3, True), (False, False, 0.1, None), (False, False, 0.05, None)),
        }
    )
    assert found[checkers.YARDSTICK] == ("1 of 2", "0 of 1", "1 of 1", "20 ms", "1")
    assert found["other"] == ("2 of 2", "1 of 1", "0 of 1", "100 ms", "5")


def test_what_a_checker_got_wrong_is_named() -> None:
    rows = [
        checking.Result(False, True, 0.1, None, "sign (dense)"),
        checking.Result(False, True, 0.1, None, "sign (dense)"),
        checking.Result(False, False, 0.1, None, "transpose (mlp)"),
        checking.Result(True, True, 0.1, False, "as it was written (lstm)"),
    ]
    columns = [list(column.cells) for column in checking.mistaken({"one": rows}).columns]
    assert columns == [["one"], ["2 × sign (dense)"], ["–"], ["as it was written (lstm)"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in LAYERS if name not in ("softmax regression", "pairwise distances", "larger conv2d")]
)
def test_an_expert_and_the_derived_function_agree(name: str) -> None:
    layer = LAYERS[name]
    small = {size: min(extent, 7 + at) for at, (size, extent) in enumerate(layer.sizes.items())}
    runs, _ = report.contenders(replace(layer, sizes=small))
    assert {"expert", "symbackprop"} <= set(runs)


def test_a_wrong_expert_is_refused() -> None:
    layer = LAYERS["prefix sum"]

    def wrong(x: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        loss, found = layer.expert(x)
        return loss, {name: slope * (1 + 1e-6) for name, slope in found.items()}

    with pytest.raises(AssertionError, match="x"):
        report.contenders(replace(layer, expert=wrong))


@pytest.mark.slow
@pytest.mark.parametrize("work", RUNS)
def test_training_by_hand_ends_where_train_does(work: str) -> None:
    runs = RUNS[work][0]()
    assert runs["symbackprop"]() == pytest.approx(runs["by hand"](), rel=1e-6, abs=1e-20)


def test_the_table_says_who_is_ahead_and_who_is_absent() -> None:
    rows = [
        report.Row("one call", "a layer", 2e-3, "expert numpy", 4e-3, "1.0", {"torch": 1e-3, "jax": "jax is not installed"}),
        report.Row("deriving", "a network", 0.5, aim="1 s"),
    ]
    text = report.markdown(rows)
    assert "| a layer | 2 ms | expert numpy | 0.50 | ≤ 1.0 | 1 ms | jax is not installed |" in text
    assert "| a network | 500 ms | ≤ 1 s |" in text
    assert "A peer is ahead in: a layer (torch)." in text
    assert "No peer that was measured is ahead." in report.markdown(rows[1:])
    assert "Every aim is met" in text
    noisy = report.Row("one call", "c", 1.02, "numpy", 1.0, "1.0", ratios=(0.98, 1.02, 1.03))
    assert "| 1.02 (0.98 to 1.03) |" in report.markdown([noisy])
    assert "Every aim is met in this run." in report.markdown([noisy])
    late = [report.Row("deriving", "a slow network", 0.006, aim="5 ms"), report.Row("one call", "b", 1.02, "numpy", 1.0, "1.0")]
    assert "Behind its aim in this run: a slow network; b." in report.markdown([*rows, *late])
