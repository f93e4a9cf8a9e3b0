"""Mistakes from public reports, and further ones of the same kinds: the verdict, the line, the mend and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Repair, Status
from symbackprop.verify.report.report import Report
from tests.verify.mutants.reports import CASES, Case
from tests.verify.mutants.score import load

FAST = ("pooling windows overlap", "an id stands twice", "mean lost", "half of a half", "twice an entropy", "a tie", "no padding")


def checked(case: Case, folder: Path, **options: bool) -> tuple[Report, Any]:
    module = load(folder, "reported", case.text)
    return check_gradient(module.loss, module.gradient, example=module.example, wrt=case.wrt, **options), module


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [c if c.name in FAST else pytest.param(c, marks=pytest.mark.slow) for c in CASES], ids=lambda c: c.name
)
def test_what_is_said_is_true(case: Case, tmp_path: Path) -> None:
    report, module = checked(case, tmp_path)
    assert {name for name, verdict in report.verdicts.items() if verdict.status is Status.DIFFERS} == set(case.wrong), str(report)
    if not case.wrong:
        assert report.ok, str(report)
        assert (report.causes, report.locations, report.repairs) == ((), (), ())
        return
    assert "exactly 1:" not in str(report)
    assert report.locations[0].line in case.lines or not case.lines, str(report)
    steps = [step for repair in report.repairs for step in (repair, *repair.more)]
    for piece in case.mend:
        assert any(piece in step.after for step in steps), str(report)
    assert any(case.reason in cause.text for cause in report.causes) or not case.reason, str(report)
    assert not steps or report.locations[0].line in {step.line for step in steps}
    if steps:
        holds_everywhere(case, module, steps, tmp_path)


def holds_everywhere(case: Case, module: Any, steps: list[Repair], folder: Path) -> None:
    """Apply a mend to the text and compare with central differences of the loss, at the example and at other values."""
    mended = load(folder, "mended", applied(case.text, steps))
    rng = np.random.default_rng(8)
    for scale in (None, 1.0, 1.6):
        values = {name: moved(value, scale, rng) for name, value in module.example.items()}
        before = {name: np.copy(value) for name, value in values.items()}
        found = mended.gradient(**values)
        for name, value in before.items():
            np.testing.assert_array_equal(values[name], value, err_msg=f"{name} was changed")
        for name, gradient in found.items():
            np.testing.assert_allclose(gradient, differences(module.loss, before, name), rtol=2e-5, atol=1e-6, err_msg=name)


def applied(text: str, steps: list[Repair]) -> str:
    lines = text.splitlines()
    for step in sorted(steps, key=lambda step: -step.line):
        old = lines[step.line - 1]
        indent = old[: len(old) - len(old.lstrip())]
        count = step.before.count(" ⏎ ") + 1
        lines[step.line - 1 : step.line - 1 + count] = [indent + part for part in step.after.split(" ⏎ ")]
    return "\n".join(lines) + "\n"


def moved(value: Any, scale: float | None, rng: np.random.Generator) -> Any:
    """Return other values of the same kind; labels, whole numbers and what is compared with a border stay."""
    array = np.asarray(value)
    if scale is None or array.dtype.kind != "f" or np.all(array == np.round(array)):
        return value
    return scale * rng.normal(size=array.shape) if array.ndim else float(rng.normal())


def differences(loss: Any, values: dict[str, Any], name: str, step: float = 1e-5) -> Any:
    start = np.array(values[name], dtype=float)
    found = np.zeros(start.shape)
    for index in np.ndindex(start.shape):
        ends = []
        for sign in (1, -1):
            point = start.copy()
            point[index] += sign * step
            ends.append(loss(**{**values, name: point if point.ndim else float(point)}))
        found[index] = (ends[0] - ends[1]) / (2 * step)
    return found


def test_a_false_mend_is_caught() -> None:
    """The judge of mends itself: one that is right at the example only, and one that changes an argument."""
    case = next(c for c in CASES if c.name == "mean lost")
    line = next(k for k, text in enumerate(case.text.splitlines(), 1) if '"w":' in text)
    for after in ('return {"w": 2 * x.T @ e / 4.5}', 'x[:] = 0; return {"w": 2 * x.T @ e / len(x)}'):
        step = Repair("", line, "", after, True)
        scope: dict[str, Any] = {}
        with pytest.raises(AssertionError):
            _judged(case, step, scope)


def _judged(case: Case, step: Repair, scope: dict[str, Any]) -> None:
    import tempfile  # the folder is needed here only

    with tempfile.TemporaryDirectory() as folder:
        module = load(Path(folder), "original", case.text)
        holds_everywhere(case, module, [step], Path(folder))
