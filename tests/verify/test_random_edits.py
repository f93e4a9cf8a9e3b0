"""What is said of gradients whose text was edited at random is true, by central differences at three choices of sizes.

Nobody has chosen the edits for what is recognised: an accepted gradient is right wherever the code runs, a rejected one is wrong
somewhere, and nothing that is asked for is left out.
"""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbackprop import check_gradient
from symbackprop.loading import load_definitions, passes_in
from symbackprop.verify.check import check_passes
from symbackprop.verify.records import Status
from tests.verify.edits.edit import edited
from tests.verify.edits.layers import LAYERS, Layer
from tests.verify.edits.pieces import PIECES, SIZES, Piece, Values
from tests.verify.mutants.score import load

EDITS_OF_EACH = 12
STEP = 1e-6
HEAD = "import numpy as np\n"


def differences(module: ModuleType, values: Values, name: str) -> Any:
    """Return the central differences of the loss by one array."""
    moving = {**values, name: np.array(values[name], dtype=float)}
    return slopes(lambda: module.loss(**moving), moving[name])


def truth(module: ModuleType, piece: Piece, name: str, tolerance: float) -> list[bool | None]:
    """Return for each choice of sizes whether a gradient is right; None where the code does not run."""
    found: list[bool | None] = []
    for size in range(SIZES):
        values = piece.draw(np.random.default_rng(40 + size), size)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                hand = module.hand(**{key: np.array(v) if np.ndim(v) else v for key, v in values.items()})
        except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, NameError):
            found.append(None)
            continue
        wanted = differences(module, values, name)
        own = np.asarray(hand.get(name, np.nan), dtype=float)
        found.append(own.shape == wanted.shape and bool(np.allclose(own, wanted, rtol=tolerance, atol=1e-7)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", PIECES)
def test_what_is_said_of_random_edits_is_true(kind: str, tmp_path: Path) -> None:
    piece = PIECES[kind]
    assert set(inspect.signature(load(tmp_path, "right", HEAD + piece.text).loss).parameters) >= set(piece.wrt)
    judged = {True: 0, False: 0}
    for number, text in enumerate([piece.text, *edited(piece.text, "hand", EDITS_OF_EACH, kind)]):
        module = load(tmp_path, f"edit_{number}", HEAD + text)
        if truth(module, piece, piece.wrt[0], 1e-4)[0] is None:
            continue  # it does not run at all
        example = piece.draw(np.random.default_rng(7), 0)
        report = check_gradient(module.loss, module.hand, example=example, wrt=piece.wrt, explain=False, repair=False)
        assert set(report.verdicts) == set(piece.wrt), text
        for name, verdict in report.verdicts.items():
            accepted = verdict.status in (Status.PROVED, Status.AGREES, Status.GUARDED)
            right = truth(module, piece, name, 1e-2 if verdict.status is Status.GUARDED else 1e-4)
            assert accepted == (False not in right), f"{kind}: {name} {verdict.status} ({right})\n{text}"
            judged[accepted] += 1
    assert judged[True], judged
    assert judged[False] > 4, judged


def truth_of_layer(module: Any, name: str, layer: Layer, seed: int) -> dict[str, bool | None]:
    """Return for each array whether its gradient is right, for one shape of the input; None where backward does not run."""
    rng = np.random.default_rng(seed)
    made = getattr(module, name)()
    arrays = {"x": rng.normal(size=layer.shapes[seed])}
    for parameter in layer.gradients:
        arrays[parameter] = rng.normal(size=np.shape(getattr(made, parameter)))
        setattr(made, parameter, arrays[parameter])
    upstream = rng.normal(size=np.shape(made.forward(arrays["x"])))
    wanted = {key: slopes(lambda: float(np.sum(made.forward(arrays["x"]) * upstream)), array) for key, array in arrays.items()}
    made.forward(arrays["x"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            returned = made.backward(upstream.copy())
    except (ValueError, IndexError, TypeError, ZeroDivisionError, NameError, AttributeError):
        return dict.fromkeys(arrays)
    found = {"x": returned, **{key: getattr(made, left, np.nan) for key, left in layer.gradients.items()}}
    return {key: is_near(found[key], array) for key, array in wanted.items()}


def slopes(value: Any, array: Any) -> Any:
    """Return the central differences of a value by the elements of an array that it is made of."""
    found = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        start = array[index]
        ends = []
        for step in (STEP, -STEP):
            array[index] = start + step
            ends.append(value())
        array[index] = start
        found[index] = (ends[0] - ends[1]) / (2 * STEP)
    return found


def is_near(own: Any, wanted: Any) -> bool:
    own = np.asarray(own)
    return own.dtype.kind in "fiub" and own.shape == wanted.shape and bool(np.allclose(own, wanted, rtol=1e-4, atol=1e-7))


@pytest.mark.slow
@pytest.mark.parametrize("kind", LAYERS)
def test_what_is_said_of_random_edits_of_a_layer_is_true(kind: str, tmp_path: Path) -> None:
    layer = LAYERS[kind]
    judged = {True: 0, False: 0}
    for number, text in enumerate([layer.text, *edited(layer.text, "backward", EDITS_OF_EACH, kind)]):
        file = tmp_path / f"layer_{number}.py"
        file.write_text(HEAD + text, encoding="utf-8")
        true = [truth_of_layer(load_definitions(file), kind, layer, seed) for seed in range(len(layer.shapes))]
        if None in true[0].values():
            continue
        report = check_passes(passes_in(str(file), None), explain=False, repair=False)
        assert set(report.verdicts) | set(report.missing) == set(true[0]), f"{report}\n{text}"
        for name in true[0]:
            accepted = name in report.verdicts and report[name].status in (Status.PROVED, Status.AGREES, Status.GUARDED)
            assert accepted == all(right[name] is not False for right in true), f"{kind}: {name} {report}\n{text}"
            judged[accepted] += 1
    assert judged[True], judged
    assert judged[False] > 2, judged


@pytest.mark.parametrize("column", ["j // 4", "0", "w // 2 - 1"])
def test_a_wrong_column_is_seen_though_an_output_of_one_column_would_fit(column: str, tmp_path: Path) -> None:
    file = tmp_path / "pool.py"
    file.write_text(HEAD + LAYERS["MeanPool"].text.replace("j // 2", column), encoding="utf-8")
    report = check_passes(passes_in(str(file), None), explain=False, repair=False)
    assert report["x"].status is Status.DIFFERS
