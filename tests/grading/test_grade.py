"""`symbackprop grade`: every verdict of a generated class is right, a run that was killed is continued, files say what is so."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbackprop.cli import cli
from tests.grading.generated_class import NAMES, STYLES, WAYS, Work, generated, notebook, written


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["grade", *map(str, arguments)], catch_exceptions=True)


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def judged_falsely(works: list[Work], rows: dict[str, dict[str, str]]) -> list[str]:
    """Return what the table says falsely."""
    found = [work.file for work in works if rows[work.student]["state"] != work.state]
    for work in works:
        points = {name: float(rows[work.student][f"∂/∂{name}"]) for name in NAMES}
        if points != {name: 0.0 if name in work.wrong else 1.0 for name in NAMES}:
            found.append(f"{work.file}: {points}")
    return found


FEW = ("right00.py", "wrong00.py", "wrong05.py", "essay.py", "book_right.ipynb")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A small class, graded once."""
    folder = tmp_path_factory.mktemp("few")
    submissions = written(folder, [work for work in generated() if work.file in FEW])
    return folder, run(
        folder / "network.py", submissions, "--hints", "mend", "--points", "w1=2", "--credit", "sign=0.5", "--jobs", 1
    )


@pytest.mark.slow
def test_a_small_class(graded: tuple[Path, Result]) -> None:
    folder, result = graded
    assert result.exit_code == 1, result.output
    assert "5 submissions: 2 right, 2 wrong, 1 no verdict" in result.output
    rows = table(folder / "submissions-graded")
    assert {name: (row["points"], row["of"]) for name, row in rows.items()} == {
        "right00": ("4", "4"),
        "book_right": ("4", "4"),
        "wrong00": ("2", "4"),  # every sign is wrong: half of each
        "wrong05": ("2", "4"),
        "essay": ("0", "4"),
    }
    assert rows["essay"]["reason"] == "essay.py:1: not valid Python: invalid syntax"


@pytest.mark.slow
def test_pages_say_what_is_so_at_the_level_that_was_asked(graded: tuple[Path, Result]) -> None:
    folder, _ = graded
    target = folder / "submissions-graded"
    page = (target / "feedback" / "wrong05.html").read_text(encoding="utf-8")
    assert "<h2>Mend</h2>" in page
    assert "Your code" in page
    shown = {}
    for hints in ("none", "where", "why"):
        run(folder / "network.py", folder / "submissions", "--hints", hints, "--jobs", 1)  # nothing is graded again
        shown[hints] = (target / "feedback" / "wrong05.html").read_text(encoding="utf-8")
    assert [("<h2>Where" in page, "<h2>Why" in page, "<h2>Mend" in page) for page in shown.values()] == [
        (False, False, False),
        (True, False, False),
        (True, True, False),
    ]
    assert "it should be" not in shown["none"]
    overview = (target / "overview.html").read_text(encoding="utf-8")
    assert "feedback/wrong05.html" in overview
    assert "the sign is opposite" in overview


@pytest.mark.slow
def test_a_hundred_in_ninety_seconds(tmp_path: Path) -> None:
    works = generated()
    assert len(works) == 100
    submissions = written(tmp_path, works)
    start = time.monotonic()
    result = run(tmp_path / "network.py", submissions, "--jobs", 2, "--timeout", 8)
    seconds = time.monotonic() - start
    assert result.exit_code == 1, result.output
    assert judged_falsely(works, table(tmp_path / "submissions-graded")) == []
    assert len(list((tmp_path / "submissions-graded" / "feedback").iterdir())) == 100
    assert seconds < 90 or os.getloadavg()[0] > 3, seconds


def _listening() -> None:
    """Heed an interruption, also where the tests run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_is_continued(tmp_path: Path, stop: signal.Signals) -> None:
    works = [work for work in generated() if work.file.startswith("right1") or work.file == "hang1.py"]
    written(tmp_path, works)
    command = [sys.executable, "-m", "symbackprop", "grade", "network.py", "submissions", "--jobs", "2", "--timeout", "15"]
    results = tmp_path / "submissions-graded" / "results"
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=_listening
    ) as running:
        while len(list(results.glob("*.json"))) < 3 and running.poll() is None:
            time.sleep(0.05)
        (os.killpg if stop is signal.SIGINT else os.kill)(running.pid, stop)  # a terminal interrupts the whole group
        said = running.communicate(timeout=60)[1]
    assert "Traceback" not in said
    before = {path: path.stat().st_mtime_ns for path in results.glob("*.json")}
    assert 3 <= len(before) < len(works)
    result = run(tmp_path / "network.py", tmp_path / "submissions", "--timeout", 5)
    assert result.exit_code == 1
    assert judged_falsely(works, table(tmp_path / "submissions-graded")) == []
    assert all(path.stat().st_mtime_ns == then for path, then in before.items()), "nothing is graded twice"


@pytest.mark.slow
def test_what_changed_is_graded_again(tmp_path: Path) -> None:
    works = [work for work in generated() if work.file in ("right00.py", "hang1.py")]
    submissions = written(tmp_path, works)
    results = tmp_path / "submissions-graded" / "results"

    def grade(*options: object) -> set[str]:
        before = {path.name: path.stat().st_mtime_ns for path in results.glob("*.json")}
        run(tmp_path / "network.py", submissions, *options)
        return {path.name for path in results.glob("*.json") if before.get(path.name) != path.stat().st_mtime_ns}

    assert grade("--timeout", 1) == {"right00.json", "hang1.json"}
    assert grade("--timeout", 1, "--points", "w1=5") == set()
    assert grade("--timeout", 1.5) == {"hang1.json"}
    (submissions / "right00.py").write_text(STYLES["tuple"], encoding="utf-8")
    assert grade("--timeout", 1.5) == {"right00.json"}
    (results / "right00.json").write_text("{half a", encoding="utf-8")
    assert grade("--timeout", 1.5) == {"right00.json"}
    assert grade("--timeout", 1.5, "--anew") == {"right00.json", "hang1.json"}


@pytest.mark.slow
def test_folders_of_students_notebooks_and_gradescope(tmp_path: Path) -> None:
    submissions = written(tmp_path, [])
    for student, files in {
        "ada": {"hw.py": STYLES["tuple"], "plots.py": "import nothing\n"},
        "bob": {"a.py": STYLES["tuple"], "b.py": STYLES["loop"]},
        "eve": {"report.txt": "see attached"},
        "zoë, =1+1": {"hw.ipynb": notebook(STYLES["dictionary"].replace(*WAYS["doubled"][:2]))},
    }.items():
        (submissions / student).mkdir()
        for name, text in files.items():
            (submissions / student / name).write_text(text, encoding="utf-8")
    assert run(tmp_path / "network.py", submissions, "-o", tmp_path / "out").exit_code == 1
    rows = table(tmp_path / "out")
    assert [rows[name]["state"] for name in ("ada", "bob", "eve", "zoë, =1+1")] == ["right", "no verdict", "no verdict", "wrong"]
    assert rows["bob"]["reason"] == "several files: a.py, b.py; name the one that counts with --file"
    assert run(tmp_path / "network.py", submissions, "-o", tmp_path / "out", "--file", "[ab].py").exit_code == 1
    one = submissions / "zoë, =1+1" / "hw.ipynb"
    target = tmp_path / "results.json"
    assert run(tmp_path / "network.py", one, "-o", tmp_path / "one", "--gradescope", target, "--hints", "why").exit_code == 1
    made = json.loads(target.read_text(encoding="utf-8"))
    assert [(test["score"], test["max_score"], test["status"]) for test in made["tests"]] == [
        (1.0, 1.0, "passed"),
        (1.0, 1.0, "passed"),
        (0.0, 1.0, "failed"),
    ]
    assert "cell 1, line 7" in made["output"]
    assert "w2: yours is 2 times the gradient" in made["output"] or "exactly 2" in made["output"]


LOSS = """
import numpy as np
example = {"W": np.array([[0.5, -0.3], [0.1, 0.8]]), "b": np.array([0.1, 0.2]), "X": np.array([[1.0, 2.0], [0.5, -1.0], [3, 1]])}
def loss(W, b, X):
    return np.sum(np.tanh(X @ W + b) ** 2)
def gradients(W, b, X):
    Y = np.tanh(X @ W + b)
    D = 2 * Y * (1 - Y**2)
    return {"W": X.T @ D, "b": D.sum(axis=0)}
"""


@pytest.mark.slow
def test_against_a_loss(tmp_path: Path) -> None:
    (tmp_path / "solution.py").write_text(LOSS, encoding="utf-8")
    submissions = tmp_path / "in"
    submissions.mkdir()
    for name, old, new in (("right", "axis=0", "0"), ("wrong", "X.T @ D", "X.T @ Y"), ("half", ', "b": D.sum(axis=0)', "")):
        (submissions / f"{name}.py").write_text(LOSS.replace(old, new), encoding="utf-8")
    assert run(f"{tmp_path / 'solution.py'}:loss", submissions, "--wrt", "W,b").exit_code == 1
    rows = table(tmp_path / "in-graded")
    assert [rows[name]["points"] for name in ("right", "wrong", "half")] == ["2", "1", "1"]


BAD = {
    "no reference": (("nowhere", "."), "no such network"),
    "no folder": (("network.py", "nowhere"), "nowhere: no such folder; expected a folder of submissions, or one file"),
    "an empty folder": (
        ("network.py", "empty"),
        "empty: no submissions; expected files .py or .ipynb, or a folder for each student",
    ),
    "points of nothing": (("network.py", "submissions", "--points", "w3=2"), "--points w3: no gradient of it is asked for"),
    "points that are none": (("network.py", "submissions", "--points", "w1"), "--points w1: expected NAME=NUMBER, such as W=2"),
    "an unknown credit": (("network.py", "submissions", "--credit", "signs=1"), "--credit signs: no such kind"),
    "too much credit": (("network.py", "submissions", "--credit", "sign=2"), "expected a part of the points, from 0 to 1"),
    "a full folder": (("network.py", "submissions", "-o", "full"), "full: exists, and is not from an earlier run"),
    "Gradescope's for many": (("network.py", "submissions", "--gradescope", "r.json"), "expected one submission, got 2"),
    "no scheduler": (("network.py", "submissions", "--scheduler", "tcp://127.0.0.1:1"), "--scheduler"),
}


@pytest.mark.parametrize("case", [pytest.param(case, marks=pytest.mark.slow) if case == "no scheduler" else case for case in BAD])
def test_bad_input_is_said_before_anything_is_graded(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, [work for work in generated() if work.file in ("right00.py", "right01.py")])
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine", encoding="utf-8")
    arguments, message = BAD[case]
    result = run(*arguments)
    assert message in str(result.exception)
    assert not list(tmp_path.glob("*-graded/results/*.json"))


@pytest.mark.slow
def test_on_a_cluster(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (the extra `dask`)")
    works = [
        work for work in generated() if work.file in ("right00.py", "wrong02.py", "hang0.py", "crash0.py", "book_wrong.ipynb")
    ]
    submissions = written(tmp_path, works)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        result = run(tmp_path / "network.py", submissions, "--scheduler", address, "--timeout", 5)
    assert result.exit_code == 1, (result.output, result.exception)
    assert judged_falsely(works, table(tmp_path / "submissions-graded")) == []
