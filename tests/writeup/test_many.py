"""Many handouts at once: a name on each, one PDF of all, a zip with the list of who has which."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbackprop.cli import cli
from symbackprop.errors import UserError
from symbackprop.loading import read_roster
from symbackprop.writeup.make import Together, handouts
from symbackprop.writeup.page.options import HandoutOptions
from tests.writeup.support import document

ROSTER = 'name,class\n"Ada ""#"" L *x*",10b\n王小明,10b\nBo,\n'


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "names.csv"
    path.write_text(ROSTER, encoding="utf-8")
    return path


def run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["handout", "derivations/tanh_neuron", "-o", str(folder / "quiz.md"), *options])


def test_a_roster_is_read(roster: Path) -> None:
    assert read_roster(roster) == (('Ada "#" L *x*', "10b"), ("王小明", "10b"), ("Bo", ""))


@pytest.mark.parametrize(
    ("text", "said"),
    [("name\n\n", "a line for each"), ("who\nBo\n", "column `name`"), ("name,class\n ,10b\n", ":2: expected a name")],
)
def test_a_roster_without_names_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        read_roster(path)


@pytest.mark.slow
def test_a_zip_holds_a_page_and_a_key_for_each_and_who_has_which(roster: Path, tmp_path: Path) -> None:
    options = ("--for", "student", "--for", "key", "--roster", str(roster), "--zip")
    assert run(tmp_path, *options).exit_code == 0
    with zipfile.ZipFile(tmp_path / "quiz.zip") as packed:
        pages = {name: packed.read(name).decode("utf-8") for name in packed.namelist()}
    assert {name for name in pages if name.endswith(".md")} == {
        f"quiz-{who}-{k}.md" for who in ("student", "key") for k in (1, 2, 3)
    }
    assert pages["roster.csv"].splitlines()[1:] == ['1,"Ada ""#"" L *x*",10b', "2,王小明,10b", "3,Bo,"]
    assert "王小明" in pages["quiz-student-2.md"]
    assert "王小明" in pages["quiz-key-2.md"]
    assert 'Ada "' + r"\#" + '" L ' + r"\*x\*" in pages["quiz-student-1.md"]
    assert pages["quiz-student-1.md"] != pages["quiz-student-2.md"].replace("王小明", "")
    first = (tmp_path / "quiz.zip").read_bytes()
    assert isinstance(run(tmp_path, *options).exception, UserError)  # it exists
    assert run(tmp_path, *options, "--force").exit_code == 0
    assert (tmp_path / "quiz.zip").read_bytes() == first


def test_only_pdfs_are_merged(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only PDFs"):
        handouts(document("tanh_neuron"), tmp_path / "quiz.html", variants=2, together=Together(merged=True))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext installed")
def test_one_pdf_of_all_numbers_the_pages_of_each(tmp_path: Path) -> None:
    options = HandoutOptions(audience="student")
    made = handouts(
        document("two_three_two"),
        tmp_path / "quiz.pdf",
        options,
        roster=(("Ada", "10b"), ("Bo", "")),
        together=Together(merged=True),
    )
    (file,) = [file for one in made for file in one.files]
    done = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True, timeout=60)
    pages = [page.strip().splitlines()[-1].strip() for page in done.stdout.split("\f") if page.strip()]
    assert [page.replace(" ", "") for page in pages] == ["1/2", "2/2"] * 2
    assert [name in done.stdout for name in ("Ada", "Bo", "Cy")] == [True, True, False]
