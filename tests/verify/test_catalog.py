"""Every reason that can be printed: a planted mistake brings it out, and without its recogniser it is not said."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from symbackprop.derive import derive
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.network import Network
from symbackprop.verify.check import check_gradient
from symbackprop.verify.explain import contributions, diagnose
from symbackprop.verify.explain.catalog import LOCAL, MENDS, MISTAKES
from symbackprop.verify.explain.locate import SAID
from symbackprop.verify.mend.difference import difference
from symbackprop.verify.records import Mistake, Wording
from symbackprop.verify.report.report import Report
from symbackprop.verify.wording import REPORT
from tests.verify.mutants.planted import AGAINST_A_LOSS, CHANGES, DECAYED, PLANTED, STALE
from tests.verify.mutants.score import derivation, load
from tests.verify.mutants.table import Mutant

TRIALS = {
    "condition_turned": "the condition is the wrong way round",
    "condition_with_minus_one": "-1 where 0 belongs",
    "condition_left_out": "the condition is left out",
    "condition_never": "the condition never holds",
}


def row_of(key: str) -> Mistake:
    """Return a row of the catalogue by its key, or by the name of its trial."""
    if key in MISTAKES:
        return MISTAKES[key]
    named = {tried.__name__: row for row, tried in LOCAL}
    return named[key] if key in named else next(row for row, _ in LOCAL if TRIALS[key] in row.wording.english)


def decayed() -> DerivationRecord:
    """A square with weight decay."""
    net = Network("weight decay")
    x, w, t = net.input("x"), net.parameter("w"), net.target("t")
    y = net.define("y", w * x**2)
    data = net.define("data", (y - t) ** 2)
    return derive(net, net.define("L", data + w**2))


DECAY = {"another loss": "x**2", "power_left_out": "x + 2 * w"}


def planted_report(key: str, folder: Path) -> Report:
    if key == "stale weight":
        return check_gradient(derivation("chain"), load(folder, "stale", STALE).gradients, repair=False)
    if key in DECAY:
        module = load(folder, "decayed", DECAYED.replace("{slope}", DECAY[key]))
        return check_gradient(decayed(), module.gradients, repair=False)
    if key in AGAINST_A_LOSS:
        module = load(folder, "loss", AGAINST_A_LOSS[key])
        return check_gradient(module.loss, module.gradient, example=module.example, wrt=module.wrt, repair=False)
    _, case, old, new = next(row for row in PLANTED if row[0] == key)
    return check_gradient(derivation(case), load(folder, "planted", Mutant(case, key, old, new).source).gradients, repair=False)


KEYS = (*(row[0] for row in PLANTED), *AGAINST_A_LOSS, *DECAY, "stale weight")
FAST = ("zero", "sign", "sum for mean", "name_exchanged", "slope_left_out", "forward summand", "by logits", "last term left out")


def test_every_reason_has_a_planted_mistake() -> None:
    assert {id(row_of(key)) for key in KEYS} == {id(row) for row in (*MISTAKES.values(), *(row for row, _ in LOCAL))}
    assert {kind for kind, _, _ in CHANGES} == set(MENDS)


GUARDED = pytest.mark.xfail(reason="a guard has a verdict of its own, so this reason is never given", strict=True)


def _marks(key: str) -> list[pytest.MarkDecorator]:
    return ([] if key in FAST else [pytest.mark.slow]) + ([GUARDED] if key == "epsilon" else [])


@pytest.mark.slow
@pytest.mark.parametrize("key", [pytest.param(key, marks=_marks(key)) for key in KEYS])
def test_a_planted_mistake_brings_out_its_reason(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = row_of(key)
    said = planted_report(key, tmp_path).causes
    assert any(cause.mistake is row for cause in said), [cause.text for cause in said]
    # Its recogniser broken on purpose: what stands above would fail.
    fewest = diagnose._fewest
    monkeypatch.setattr(contributions, "LOCAL", tuple(pair for pair in LOCAL if pair[0] is not row))
    monkeypatch.setattr(
        diagnose, "_fewest", lambda offered, wrong: fewest([o for o in offered if o.cause.mistake is not row], wrong)
    )
    broken = planted_report(key, tmp_path).causes
    assert not any(cause.mistake is row for cause in broken) or key == "shape"


@pytest.mark.parametrize(("kind", "before", "after"), CHANGES)
def test_what_a_change_is_called(kind: str, before: str, after: str) -> None:
    texts = [f"def f(a, b):\n    x = 1\n    {text}\n    return x\n" for text in (before, after)]
    assert difference(*texts).kind == kind
    assert difference(texts[0], texts[0]).kind == "statement"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_values() -> None:
    rows = [*MISTAKES.values(), *MENDS.values(), *(row for row, _ in LOCAL)]
    wordings: list[Wording] = [*(row.wording for row in rows), *SAID.values(), *REPORT.values()]
    for wording in wordings:
        assert fields(wording.chinese) <= fields(wording.english), wording.english
    assert all(row.cost >= 0 for row in rows)
    assert len({row.wording.english for row in MISTAKES.values()}) == len(MISTAKES)


def test_a_report_in_chinese(tmp_path: Path) -> None:
    report = planted_report("sum for mean", tmp_path)
    said = report.to_text("zh")
    assert "手写 = N · 推导" in said
    assert "损失对 N 取平均，代码取了总和" in said
    assert report.to_text() == str(report)
