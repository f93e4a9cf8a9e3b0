"""Commands that run somebody's file: whatever the file does to its process is one line and no exit code 0 without output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symbackprop.guest import process

NETWORK = """
from symbackprop import Network, sigmoid
network = Network("one weight")
x, t = network.input("x", value=2.0), network.target("t", value=1)
w = network.parameter("w", value=0.5)
loss = network.define("E", (t - network.define("y", sigmoid(w * x))) ** 2)
"""
FORWARD = """
def forward(x, w, t):
    {}
    return ((x * w - t) ** 2).sum()
example = {{"x": np.array([1.0, 2.0]), "w": np.array([0.5, 0.25]), "t": np.array([1.0, 3.0])}}
"""
HEAD = "import atexit, io, os, sys, threading, time\nimport numpy as np\n"
ENDS = {
    "os._exit(0)": "exit code 0 before",
    "os.kill(os.getpid(), 9)": "SIGKILL",
    "while True: pass": "ran longer than 2 s",
    "os.closerange(3, 100)": "exit code 1 before",
}
GOES_ON = {
    "a thread": "threading.Thread(target=lambda: time.sleep(3600)).start()",
    "closed streams": "sys.stdout.close(); sys.stderr.close()",
    "another stream": "sys.stdout = io.StringIO()",
    "a stream turned": "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)",
    "an end at the end": "atexit.register(lambda: os._exit(7))",
}
COMMANDS = ("derive", "code", "train", "explain", "handout")


def ran(folder: Path, command: str, file: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as its user does."""
    output = ("-o", str(folder / "page.html"), "--force") if command == "handout" else ()
    arguments = [sys.executable, "-m", "symbackprop", command, file, *output, "--timeout", "2", *more]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_file_that_ends_its_process_is_said_to(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(f"{HEAD}os._exit(0)\n{NETWORK}", encoding="utf-8")
    done = ran(tmp_path, "derive", str(tmp_path / "net.py"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == ["symbackprop: the file ended its process with exit code 0 before the command was done"]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "statement"), [*((c, "os._exit(0)") for c in COMMANDS), *(("derive", s) for s in ENDS)])
def test_no_exit_code_0_without_output(command: str, statement: str, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    inside = command in ("explain", "train") and "os.kill" not in statement  # in a function it is refused: see below
    text = FORWARD.format(statement) if inside else f"{statement}\n{NETWORK}"
    file.write_text(HEAD + text, encoding="utf-8")
    done = ran(tmp_path, command, f"{file}:forward" if inside or command == "explain" else str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert ENDS[statement] in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("command", "statement"), [("derive", "os.kill(os.getpid(), 9)"), ("explain", "sys.exit(0)")])
def test_what_a_function_may_not_do_is_bad_input(command: str, statement: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(HEAD + FORWARD.format(statement), encoding="utf-8")
    done = ran(tmp_path, command, f"{tmp_path}/net.py:forward")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", GOES_ON)
def test_what_a_file_does_to_the_streams_loses_no_output(name: str, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(f"{HEAD}{GOES_ON[name]}\n{NETWORK}", encoding="utf-8")
    done = ran(tmp_path, "derive", str(file), "w")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("∂E/∂w = ")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_nothing_is_left_behind_when_the_command_is_killed(tmp_path: Path) -> None:
    file, mark = tmp_path / "net.py", tmp_path / "mark"
    waits = f"time.sleep(1.5); open({str(mark)!r}, 'w').close()"
    file.write_text(f"{HEAD}{waits}\n{NETWORK}", encoding="utf-8")
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-m", "symbackprop", "derive", str(file)], timeout=1.2, check=False)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(9)"], timeout=2.5, check=False)
    assert not mark.exists()


def test_time_in_which_no_processor_was_free_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waited = [100.0], [2.0]
    monkeypatch.setattr(process.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(process.Patience, "_starved", lambda self: waited[0])
    patience = process.Patience(1, 10)
    now[0] = 107.0
    assert patience.left() == 3.0
    now[0], waited[0] = 112.0, 9.0  # 7 seconds of waiting for a processor
    assert patience.left() == 5.0
    now[0] = 120.0
    assert patience.left() == 0.0
