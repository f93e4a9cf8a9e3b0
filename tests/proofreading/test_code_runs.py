"""A document's code run where that is asked for: what it prints is compared with what the text says it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.guest.process import can_fork
from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread
from symbackprop.proofreading.proofread_report import ProofreadReport
from symbackprop.proofreading.text.code_runs import run_code
from symbackprop.proofreading.text.document import document_from_text

pytestmark = pytest.mark.skipif(not can_fork(), reason="child processes of this kind are needed")
CODE = """```python
total = 0.0
for k in range(1, 4):
    total += 1 / k
print("total:", total)
total * 2  # SHOWN
```

```text
total: PRINTED
```
"""


def ran(text: str) -> ProofreadReport:
    return proofread(document_from_text(text), run_seconds=20.0)


@pytest.mark.parametrize(
    ("shown", "printed", "wrong"), [("3.66667", "1.8333333", 0), ("3.66667", "1.8433333", 1), ("3.76667", "1.83333", 1)]
)
def test_what_is_printed_is_recomputed(shown: str, printed: str, wrong: int) -> None:
    report = ran(CODE.replace("SHOWN", shown).replace("PRINTED", printed))
    assert len(report.numbers) == 2
    assert sum(item.status is ClaimStatus.DIFFERS for item in report.numbers) == wrong


def test_nothing_runs_unless_asked_for(tmp_path: Path) -> None:
    mark = tmp_path / "written"
    proofread(document_from_text(f"```python\nopen({str(mark)!r}, 'w')\n```\n"))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("open({mark!r}, 'w').write('x')", "open"),
        ("import os\nos.system('touch {mark}')", "os.system"),
        ("import sys\nsys.exit(3)", "SystemExit"),
        ("1 / 0", "ZeroDivisionError"),
        ("import os\nos._exit(0)", "exit code 0"),
    ],
)
def test_code_that_does_what_it_may_not(code: str, said: str, tmp_path: Path) -> None:
    mark = tmp_path / "written"
    report = ran(f"```python\nx = 1\n{code.format(mark=str(mark))}\n```\n")
    assert not mark.exists()
    assert said in report.assumed["code"]
    assert not report.numbers


def test_code_that_never_ends() -> None:
    runs = run_code(document_from_text("```python\nprint(1.25)\nwhile True:\n    pass\n```\n"), seconds=0.4)
    assert "longer" in runs.ended


def test_random_numbers_are_no_results() -> None:
    text = "```python\nimport random\nrandom.random()  # 0.12345\n0.5 + 0.25  # 0.7601\n```\n"
    assert [item.status for item in ran(text).numbers] == [ClaimStatus.DIFFERS]
