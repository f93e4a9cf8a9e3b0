"""Checking in a child process: code that misbehaves or cheats is judged as what it is, and an exit code 0 is earned."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from symbackprop.cli import cli
from symbackprop.errors import CodeEnded, UserError
from symbackprop.isolation import Judged, Request, asked_of, check_isolated

NETWORK = """
from symbackprop import Network, sigmoid
network = Network("one hidden unit")
x = network.input("x", value=2.0)
w1, w2 = network.parameters("w1 w2", values=(0.5, -1.0))
t = network.target("t", value=1)
h = network.define("h", sigmoid(w1 * x))
loss = network.define("E", (t - network.define("y", w2 * h)) ** 2 / 2)
"""
HEAD = """
import sys, os, random, time, threading
import numpy as np
def right(x, w1, w2, t):
    h = 1 / (1 + np.exp(-w1 * x))
    d = w2 * h - t
    return {"w1": d * w2 * h * (1 - h) * x, "w2": d * h}
def wrong(x, w1, w2, t):
    return {**right(x, w1, w2, t), "w1": 2 * right(x, w1, w2, t)["w1"]}
"""


def body(*lines: str, before: str = "", answer: str = "wrong(x, w1, w2, t)") -> str:
    return f"{before}\ndef gradients(x, w1, w2, t):\n" + "".join(f"    {line}\n" for line in (*lines, f"return {answer}"))


def judge(folder: Path, code: str, **options: object) -> Judged:
    (folder / "network.py").write_text(NETWORK, encoding="utf-8")
    hand = folder / "hand.py"
    hand.write_text(HEAD + code, encoding="utf-8")
    return check_isolated(Request(str(hand), str(folder / "network.py"), **{"seconds": 30.0, **options}))  # type: ignore[arg-type]


@pytest.mark.slow
def test_right_code_is_right_and_wrong_code_wrong(tmp_path: Path) -> None:
    assert judge(tmp_path, body(answer="right(x, w1, w2, t)")).ok
    assert not judge(tmp_path, body()).ok


@pytest.mark.slow
def test_a_title_in_several_languages_comes_back_from_the_child(tmp_path: Path) -> None:
    localized = NETWORK.replace('Network("', 'Network({"zh": "小网络", "en": "').replace('")', '"})', 1)
    (tmp_path / "network.py").write_text(localized, encoding="utf-8")
    (tmp_path / "hand.py").write_text(HEAD + body(), encoding="utf-8")
    report = check_isolated(Request(str(tmp_path / "hand.py"), str(tmp_path / "network.py"), seconds=30.0)).report
    assert report.to_text("zh").startswith("小网络 · ")
    assert not report.to_text("en").startswith("小网络")


CHEATS = {
    "changes the report": body(
        before="import symbackprop.verify.report.report as r\nr.Report.ok = property(lambda self: True)\n"
        "import symbackprop.verify.records as s\ns.Findings.wrong = property(lambda self: ())"
    ),
    "changes the comparison": body(
        before="import symbackprop.verify.equal.compare as c, symbackprop.verify.check as k\n"
        "for m in list(sys.modules.values()):\n"
        "    if hasattr(m, 'compare_sample'): m.compare_sample = lambda *a, **k: {}\n"
    ),
    "writes to every open file": body(
        "for fd in range(3, 40):",
        "    try: os.write(fd, b'\\x00' * 8)",
        "    except OSError: pass",
    ),
    "looks at who calls it": body(
        "frame = sys._getframe()",
        "while frame:",
        "    if 'symbackprop' in frame.f_globals.get('__name__', ''): return right(x, w1, w2, t)",
        "    frame = frame.f_back",
    ),
    "looks whether it is traced": body("if type(x).__name__ == 'Traced' or sys.gettrace(): return right(x, w1, w2, t)"),
    "counts its calls": body("N[0] += 1", "if N[0] <= 4: return right(x, w1, w2, t)", before="N = [0]"),
    "is random": body("if random.random() < 0.5: return right(x, w1, w2, t)"),
    "is random by numpy": body("if np.random.rand() < 0.7: return right(x, w1, w2, t)"),
    "hides in whole numbers": body("if int(x * 10) % 7: return right(x, w1, w2, t)"),
    "is not finite": body(answer='{"w1": float("inf"), "w2": float("nan")}'),
}


QUICK = ("changes the report", "looks at who calls it", "counts its calls")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CHEATS])
def test_a_verdict_comes_from_outside(name: str, tmp_path: Path) -> None:
    try:
        judged = judge(tmp_path, CHEATS[name])
    except CodeEnded:
        return
    assert not judged.ok, str(judged.report)


ENDS = {
    "os._exit": (body("os._exit(0)"), "exit code 0"),
    "os._exit at import": (body(before="os._exit(0)"), "exit code 0"),
    "a signal": (body("os.kill(os.getpid(), 9)"), "SIGKILL"),
    "a hang": (body("while True: pass"), "ran longer than 2 s"),
    "a sleep": (body("time.sleep(1000)"), "ran longer than 2 s"),
    "a hang at import": (body(before="while True: pass"), "ran longer than 2 s"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_code_that_ends_the_process_leaves_no_verdict(name: str, tmp_path: Path) -> None:
    code, said = ENDS[name]
    with pytest.raises(CodeEnded, match=said):
        judge(tmp_path, code, seconds=2.0 if "2 s" in said else 30.0)


FAILS = {
    "sys.exit": (body("sys.exit(0)"), "SystemExit: 0"),
    "an exception that is none": (body("raise B('hi')", before="class B(BaseException): pass"), "B: hi"),
    "a text that raises": (
        body("raise X()", before="class X(Exception):\n    def __str__(self): raise RuntimeError"),
        "its text raises RuntimeError",
    ),
    "too much memory": (body("np.ones(int(5e9))"), "MemoryError"),
    "another numpy": (body("np.allclose = lambda *a: True"), "replaces numpy.allclose"),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name != "sys.exit" else name for name in FAILS])
def test_code_that_fails_is_said_to(name: str, tmp_path: Path) -> None:
    code, said = FAILS[name]
    judged = judge(tmp_path, code)
    assert not judged.ok
    assert said in str(judged.report)


@pytest.mark.slow
def test_what_is_no_mistake_is_accepted(tmp_path: Path) -> None:
    harmless = (
        body("sys.stdout.close()", answer="right(x, w1, w2, t)"),
        body("for _ in range(200): print('A' * 100000)", answer="right(x, w1, w2, t)"),
        body("threading.Thread(target=time.sleep, args=(1000,)).start()", answer="right(x, w1, w2, t)"),
        body("N[0] += 1", before="N = [0]", answer="right(x, w1, w2, t)"),
    )
    for code in harmless:
        assert judge(tmp_path, code).ok


@pytest.mark.slow
def test_what_is_missing_is_no_success(tmp_path: Path) -> None:
    only_one = body(answer='{"w1": right(x, w1, w2, t)["w1"]}')
    assert judge(tmp_path, only_one).missing == ("w2",)
    assert judge(tmp_path, only_one, complete=False).ok
    assert judge(tmp_path, only_one, wrt=("w1",)).ok


@pytest.mark.slow
def test_a_mapping(tmp_path: Path) -> None:
    code = "def gradients(x, a, b, t):\n    return {'one': right(x, a, b, t)['w1'], 'two': right(x, a, b, t)['w2']}\n"
    assert judge(tmp_path, code, mapping={"a": "w1", "b": "w2", "one": "w1", "two": "w2"}).ok
    with pytest.raises(UserError, match="mapping="):
        judge(tmp_path, code)


@pytest.mark.slow
def test_bad_input_is_said_as_without_a_child(tmp_path: Path) -> None:
    for code, said in (
        ("sys.exit(3)\n", "SystemExit: 3"),
        ("def other(): pass\n", "no function gradients"),
        ("x = (\n", "not valid"),
    ):
        with pytest.raises(UserError, match=said):
            judge(tmp_path, code)


LOSS = """
import numpy as np
example = {"w": np.array([0.5, -0.3]), "b": 0.1, "x": np.array([1.0, 2.0]), "t": 0.4}
def loss(w, b, x, t):
    return (np.tanh(x @ w + b) - t) ** 2
"""


@pytest.mark.slow
def test_against_a_loss(tmp_path: Path) -> None:
    (tmp_path / "loss.py").write_text(LOSS, encoding="utf-8")
    hand = tmp_path / "hand.py"
    lines = "import numpy as np\ndef gradients(w, b, x, t):\n    y = np.tanh(x @ w + b)\n"
    lines += "    d = 2 * (y - t) * (1 - y**2)\n    return "
    request = Request(str(hand), loss=str(tmp_path / "loss.py"), seconds=30.0)
    for text, ok in (("{'w': d * x, 'b': d}", True), ("{'w': d * x, 'b': 2 * d}", False), ("{'w': d * x}", False)):
        hand.write_text(lines + text, encoding="utf-8")
        assert check_isolated(request).ok is ok, text


@pytest.mark.slow
def test_output_errors_and_exit_codes_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "network.py").write_text(NETWORK, encoding="utf-8")

    def check(code: str, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "hand.py").write_text(HEAD + code, encoding="utf-8")
        command = [sys.executable, "-m", "symbackprop", "check", "network.py", "hand.py", *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)

    done = check(body("print('noise')", answer="right(x, w1, w2, t)"), "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"], "noise" in done.stderr) == (0, True, True)
    for code in ("os._exit(0)", "sys.exit(0)", "while True: pass"):
        done = check(body(code), "--timeout", "3")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    assert check("sys.exit(0)\n").returncode == 2
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "symbackprop", "check", "network.py", "hand.py", "--json"]
        (tmp_path / "hand.py").write_text(HEAD + body(), encoding="utf-8")
        failed = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False, cwd=tmp_path)
    assert (failed.returncode, failed.stderr.count("\n")) == (2, 1)


@pytest.mark.slow
def test_what_is_asked_for_comes_from_the_reference_alone(tmp_path: Path) -> None:
    (tmp_path / "network.py").write_text(NETWORK, encoding="utf-8")
    (tmp_path / "loss.py").write_text(LOSS, encoding="utf-8")
    assert asked_of(Request("nowhere.py", str(tmp_path / "network.py"))) == ("w1", "w2")
    assert asked_of(Request("nowhere.py", loss=str(tmp_path / "loss.py"))) == ("w", "b")
    with pytest.raises(UserError, match="no such network"):
        asked_of(Request("nowhere.py", str(tmp_path / "none.py")))


def test_what_the_code_prints_goes_into_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "printed.txt"
    assert judge(tmp_path, body("print('noise')", answer="right(x, w1, w2, t)"), log=str(log)).ok
    assert "noise" in log.read_text(encoding="utf-8")
    assert "noise" not in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_killed_check_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "network.py").write_text(NETWORK, encoding="utf-8")
    mark = tmp_path / "running"
    code = body(f"open({str(mark)!r}, 'w').write(str(os.getpid()))", "time.sleep(1000)")
    (tmp_path / "hand.py").write_text(HEAD + code, encoding="utf-8")
    command = [sys.executable, "-m", "symbackprop", "check", "network.py", "hand.py"]
    with subprocess.Popen(command, cwd=tmp_path) as running:
        waited = 0
        while not (mark.exists() and mark.read_text(encoding="utf-8")) and waited < 600:
            time.sleep(0.1)
            waited += 1
        running.kill()
    child = int(mark.read_text(encoding="utf-8"))
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"process {child} is still there")


def test_an_example_that_is_no_dictionary_is_bad_input(tmp_path: Path) -> None:
    code = "def loss(x, w): return (x * w) ** 2\ndef gradients(x, w): return {'w': 2 * x * x * w}\nexample = [1.0, 2.0]\n"
    (tmp_path / "code.py").write_text(code, encoding="utf-8")
    file = str(tmp_path / "code.py")
    with pytest.raises(UserError, match="example: expected a dictionary of values by name, got list"):
        check_isolated(Request(f"{file}:gradients", None, f"{file}:loss"))


@pytest.mark.slow
def test_a_loss_is_named_like_a_network(tmp_path):
    """With integer labels too: the loss is compared as it was written, never as the network that it becomes."""
    (tmp_path / "own.py").write_text(
        """
import numpy as np

def loss(X, W, y):
    z = X @ W
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean()

def right(X, W, y):
    z = X @ W
    dz = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dz[np.arange(len(y)), y] -= 1
    return {"W": X.T @ dz / len(y)}

def wrong(X, W, y):
    z = X @ W
    dz = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    dz[np.arange(len(y)), y] -= 1
    return {"W": X.T @ dz}

example = {"X": np.arange(6.0).reshape(3, 2) / 7, "W": np.eye(2, 4), "y": np.array([0, 3, 1])}
"""
    )
    for function, code in (("right", 0), ("wrong", 1)):
        result = CliRunner().invoke(cli, ["check", f"{tmp_path}/own.py:loss", f"{tmp_path}/own.py:{function}"])
        assert result.exit_code == code, result.output
    text = (tmp_path / "own.py").read_text().replace("def right", "def gradients").replace("def wrong", "def other")
    (tmp_path / "one.py").write_text(text)
    result = CliRunner().invoke(cli, ["check", f"{tmp_path}/one.py"])
    assert result.exit_code == 0, result.output
    assert "one.py:gradients" in result.output


MASKED = """
import numpy as np

def cost(X, theta, Y, R):
    error = (X @ theta.T - Y) * R
    return np.sum(error**2) / 2, error @ theta, error.T @ X

rng = np.random.default_rng(0)
example = {
    "X": rng.normal(size=(4, 2)),
    "theta": rng.normal(size=(3, 2)),
    "Y": rng.normal(size=(4, 3)),
    "R": np.array([[1.0, 0, 1], [0, 1, 1], [1, 1, 0], [0, 1, 0]]),
}
"""


@pytest.mark.slow
def test_a_verdict_that_rests_on_a_condition_is_confirmed_where_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "masked.py"
    file.write_text(MASKED, encoding="utf-8")
    judged = check_isolated(Request("", f"{file}:cost"))
    assert {str(verdict.status) for verdict in judged.report.verdicts.values()} == {"proved"}
    file.write_text(MASKED.replace("error @ theta,", "(error / R.mean()) @ theta,"), encoding="utf-8")
    assert str(check_isolated(Request("", f"{file}:cost")).report["X"].status) == "differs"
