"""What comes with the package goes through every command: each example derived, written, printed, shown and played with."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from symbackprop.cli import cli

EXAMPLES = Path(__file__).resolve().parent.parent / "derivations"
NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if (folder / "network.py").exists())
COMMANDS = (
    "derive {of} --statements",
    "code {of}",
    "handout {of} -o page.html",
    "handout {of} -o page.md --for student --lang zh",
    "handout {of} -o deck.html --slides",
    "lesson {of} -o lesson.html",
)
#: Each number of a lesson is shown, which is too much of these; slides of them take long.
TOO_LARGE = {"batch_norm", "conv2d", "layer_norm", "lstm_through_time", "transformer_block"}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_example_goes_through_every_command(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS:
        if "--slides" in command and name in TOO_LARGE:
            continue
        result = CliRunner().invoke(cli, command.format(of=EXAMPLES / name).split())
        if command.startswith("lesson") and name in TOO_LARGE:
            assert "a lesson shows every number" in str(result.exception)
        else:
            assert result.exit_code == 0, f"{command}: {result.output} {result.exception}"
            assert result.stdout
