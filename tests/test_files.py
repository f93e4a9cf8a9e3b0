"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from symbackprop.errors import UserError
from symbackprop.files import decoded, short_name, write_file
from symbackprop.loading import read_roster, read_samples
from symbackprop.proofreading.text.document import read_document


def test_a_file_is_replaced_with_its_permissions_and_through_its_link(tmp_path: Path) -> None:
    target, link = tmp_path / "page.html", tmp_path / "link.html"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link.symlink_to(target)
    write_file(link, "new ∂")
    assert target.read_text(encoding="utf-8") == "new ∂"
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.html", "page.html"]


def test_what_was_there_stays_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "page.html"
    target.write_text("old", encoding="utf-8")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="cannot be written: No space left"):
        write_file(target, b"new")
    assert (target.read_text(encoding="utf-8"), os.listdir(tmp_path)) == ("old", ["page.html"])


@pytest.mark.parametrize("name", ["nowhere/page.html", "x" * 300, "."])
def test_what_cannot_be_written_is_one_clear_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_file(tmp_path / name, "text")


def test_devices_are_written_to(tmp_path: Path) -> None:
    write_file(Path(os.devnull), "text")
    if os.path.exists("/dev/full"):
        with pytest.raises(UserError, match="No space left"):
            write_file(Path("/dev/full"), "text")


def test_a_file_is_called_by_its_name_and_a_cell_as_the_notebook_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [short_name(name) for name in ("/home/x/own.py", r"C:\work\own.py", "own.py", "")] == [
        "own.py",
        "own.py",
        "own.py",
        "",
    ]
    cells = SimpleNamespace(format_code_name=lambda name: ("Cell", "In[3]") if name == "/tmp/kernel/77.py" else None)
    shell = SimpleNamespace(compile=cells)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert [short_name(name) for name in ("/tmp/kernel/77.py", "/home/x/own.py")] == ["In[3]", "own.py"]


NAMES = "name,class\n王小明,三班\n李娜,三班\nAnna,B\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_text_is_read_as_programs_save_it(encoding: str, tmp_path: Path) -> None:
    assert decoded(NAMES.encode(encoding)) == NAMES
    roster, samples, document = (tmp_path / name for name in ("names.csv", "samples.csv", "text.md"))
    roster.write_bytes(NAMES.encode(encoding))
    samples.write_bytes("输入,目标\n1.5,2\n".encode(encoding))
    document.write_bytes("误差 $E = 1 + 1$ 为 2。\n".encode(encoding))
    assert read_roster(roster) == (("王小明", "三班"), ("李娜", "三班"), ("Anna", "B"))
    assert list(read_samples(samples)) == ["输入", "目标"]
    assert read_document(document).text == "误差 $E = 1 + 1$ 为 2。\n"


@pytest.mark.parametrize("text", ["Müller", "José, Zoë und Jörg", "naïve", "ÄÖÜ äöü"])
def test_western_text_is_not_read_as_chinese(text: str, tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_bytes(f"name\n{text}\n".encode("cp1252"))
    with pytest.raises(UserError, match=r"names\.csv: expected text in UTF-8"):
        read_roster(tmp_path / "names.csv")


def test_a_chinese_roster_has_chinese_headings(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("班级,姓名\n三班,王小明\n", encoding="utf-8")
    assert read_roster(tmp_path / "names.csv") == (("王小明", "三班"),)
