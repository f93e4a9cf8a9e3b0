"""One call of somebody's code: what it may not do outside, what it raises, and that nothing is left behind."""

from __future__ import annotations

import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symbackprop.guest.visit import CodeStops, NotTried, described, visit


def create(path: str) -> None:
    with open(f"{path}.new", "w"):
        pass


def rewrite(path: str) -> None:
    with open(path, "r+") as file:
        file.write("gone")


DEEDS: dict[str, Callable[[str], Any]] = {
    "a new file": create,
    "a changed file": rewrite,
    "by descriptor": lambda path: os.open(path, os.O_WRONLY | os.O_TRUNC),
    "by pathlib": lambda path: Path(path).write_text("gone"),
    "numpy's save": lambda path: np.save(f"{path}.npy", np.zeros(2)),
    "numpy's savetxt": lambda path: np.savetxt(f"{path}.txt", np.zeros(2)),
    "removed": os.remove,
    "renamed": lambda path: os.rename(path, f"{path}.old"),
    "a folder": lambda path: os.mkdir(f"{path}.d"),
    "copied": lambda path: shutil.copyfile(path, f"{path}.copy"),
    "a process": lambda path: subprocess.run([sys.executable, "-c", ""], check=False),
    "a shell": lambda path: os.system("true"),
    "a fork": lambda path: os.fork() or os._exit(0),
    "a socket": lambda path: socket.socket(),
    "a name looked up": lambda path: socket.getaddrinfo("localhost", 80),
    "a signal": lambda path: os.kill(os.getpid(), signal.SIGTERM),
    "another folder": lambda path: os.chdir("/"),
    "an environment": lambda path: os.environ.__setitem__("SYMBACKPROP_TEST", "1"),
}


@pytest.mark.parametrize("name", DEEDS)
def test_what_changes_something_outside_is_refused(name: str, tmp_path: Path) -> None:
    target = tmp_path / "data.txt"
    target.write_text("kept", encoding="utf-8")
    here = os.getcwd()
    with pytest.raises(NotTried, match="not tried, it would have called"):
        visit(lambda: DEEDS[name](str(target)))
    assert (os.listdir(tmp_path), target.read_text(encoding="utf-8"), os.getcwd()) == (["data.txt"], "kept", here)


def test_a_refusal_that_the_code_hides_counts_all_the_same(tmp_path: Path) -> None:
    def hides() -> int:
        try:
            os.remove(tmp_path / "nothing")
        except BaseException:
            return 1
        return 2

    with pytest.raises(NotTried):
        visit(hides)


def test_reading_printing_and_computing_are_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "data.txt"
    file.write_text("3 4", encoding="utf-8")

    def reads() -> float:
        print("a" * 1000)
        with open(os.devnull, "w") as nowhere:
            print("b", file=nowhere)
        return float(np.linalg.norm(np.loadtxt(file)))

    assert visit(reads).returned == 5.0
    assert capsys.readouterr().out == ""


def test_what_the_code_did_at_home_it_may_do_again(tmp_path: Path) -> None:
    log = str(tmp_path / "log.txt")

    def logs() -> None:
        with open(log, "a") as file:
            file.write("x")

    home = visit(logs, habits=None)
    visit(logs, habits=home.done)
    assert Path(log).read_text(encoding="utf-8") == "xx"
    with pytest.raises(NotTried):
        visit(lambda: os.remove(log), habits=home.done)


def test_a_visit_inside_a_visit_is_refused_what_the_outer_one_is(tmp_path: Path) -> None:
    with pytest.raises(NotTried):
        visit(lambda: visit(lambda: os.mkdir(tmp_path / "d"), habits=None))
    os.mkdir(tmp_path / "d")  # between visits nothing is refused


class Strange(BaseException):
    pass


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def stops(error: BaseException) -> Callable[[], None]:
    def code() -> None:
        raise error

    return code


@pytest.mark.parametrize("error", [SystemExit(0), SystemExit("bye"), Strange("hi"), GeneratorExit()], ids=repr)
def test_whatever_the_code_leaves_by_is_an_exception(error: BaseException) -> None:
    with pytest.raises(CodeStops, match=type(error).__name__):
        visit(stops(error))


def test_the_codes_own_exceptions_come_out_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError):
        visit(lambda: 1 / 0)
    with pytest.raises(KeyboardInterrupt):
        visit(stops(KeyboardInterrupt()))


def test_an_exception_whose_text_raises_is_described() -> None:
    assert described(Unspeakable()) == "Unspeakable: no message, its text raises RuntimeError"
    assert described(ValueError("two\nlines")) == "ValueError: two lines"


@pytest.mark.parametrize(("module", "name"), [(np, "allclose"), (np.linalg, "norm"), (np.random, "normal"), (math, "exp")])
def test_a_replaced_part_of_numpy_is_put_back_and_said(module: Any, name: str) -> None:
    original = getattr(module, name)
    with pytest.raises(CodeStops, match=f"replaces .*{name}"):
        visit(lambda: setattr(module, name, lambda *args, **kwargs: True))
    assert getattr(module, name) is original


def test_random_numbers_are_the_same_in_every_visit_and_noticed() -> None:
    numpy_state, python_state = np.random.get_state()[1].tobytes(), random.getstate()  # type: ignore[union-attr]
    first, second, other = (visit(lambda: np.random.normal() + random.random(), seed=seed) for seed in (0, 0, 1))
    assert first.returned == second.returned != other.returned
    assert (first.random, visit(lambda: 3).random) == (True, False)
    assert np.random.get_state()[1].tobytes() == numpy_state  # type: ignore[union-attr]
    assert random.getstate() == python_state


def test_what_is_imported_for_the_first_time_leaves_nothing_and_is_no_deed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "never_imported_before.py").write_text("value = 3")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert visit(lambda: __import__("never_imported_before").value).returned == 3
    assert [file.name for file in tmp_path.iterdir()] == ["never_imported_before.py"]
    assert not sys.dont_write_bytecode
