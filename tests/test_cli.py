"""The command line: what it prints, its exit codes, and that bad input is one clear line."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import symbackprop
from symbackprop.cli import COMMANDS, cli, main
from symbackprop.writeup import make

NET = "derivations/two_three_two"


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.chdir(root)


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, arguments, catch_exceptions=True)


def test_derive_prints_the_gradient_in_named_intermediates() -> None:
    result = run("derive", NET, "w7")
    assert result.exit_code == 0
    assert result.output.strip() == "∂E_total/∂w7 = -(target_o1 - out_o1)*out_o1*(1 - out_o1)*out_h1"  # as its document writes


def test_derive_formats() -> None:
    assert r"\frac{\partial E_{total}}{\partial w7}" in run("derive", NET, "w7", "--format", "latex").output
    markdown = run("derive", NET, "w7", "--format", "markdown", "--steps", "standard").output
    assert markdown.count("$$") == 2
    assert r"\begin{aligned}" in markdown
    data = json.loads(run("derive", NET, "w7", "w1", "--json").output)
    assert list(data["gradients"]) == ["w7", "w1"]


def test_derive_says_what_was_assumed() -> None:
    assert "assumed: step'(x) = 0 for x != 0" in run("derive", "derivations/perceptron").output


def test_code_runs_and_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "gradients.py"
    assert run("code", NET, "-o", str(target)).exit_code == 0
    again = run("code", NET, "-o", str(target))
    assert again.exception is not None
    assert "exists; give another name, or --force" in str(again.exception)
    assert run("code", NET, "-o", str(target), "--force").exit_code == 0
    scope: dict[str, object] = {}
    exec(compile(target.read_text(encoding="utf-8"), "gradients.py", "exec"), scope)
    assert callable(scope["loss_and_gradients"])


def test_train_makes_the_documents_step() -> None:
    result = run("train", NET, "--lr", "0.5", "--epochs", "1", "--update", "w1:13", "--json")
    data = json.loads(result.output)
    assert data["parameters"]["w7"] == pytest.approx(0.3609680622498306, abs=1e-16)
    assert data["parameters"]["b1"] == 0.35


def test_train_reads_samples_and_writes_a_plot(tmp_path: Path) -> None:
    samples = tmp_path / "samples.csv"
    samples.write_text("x1,x2,y_true\n-2,5,1\n-5,-2,1\n-23,-11,0\n30,8,0\n", encoding="utf-8")
    plot = tmp_path / "loss.svg"
    result = run("train", "derivations/two_two_one", "--data", str(samples), "--seed", "0", "--epochs", "5", "--plot", str(plot))
    assert result.exit_code == 0, result.output
    assert plot.read_text(encoding="utf-8").startswith("<svg")
    np.savez(tmp_path / "samples.npz", x1=[-2.0], x2=[5.0], y_true=[1.0])
    assert run("train", "derivations/two_two_one", "--data", str(tmp_path / "samples.npz"), "--epochs", "1").exit_code == 0


def test_a_seeded_start_has_the_shapes_of_the_example_and_is_reproducible() -> None:
    first, again, other = (
        json.loads(run("train", "derivations/linear_regression", "--seed", seed, "--epochs", "0", "--json").output)["parameters"]
        for seed in ("1", "1", "2")
    )
    assert np.shape(first["W"]) == (2, 3)
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x1,x2,y_true\n1,2\n", "samples.csv:2: expected 3 numbers, got 2"),
        ("x1,x2,y_true\n1,2,z\n", "samples.csv:2: expected a number for y_true, got 'z'"),
        ("x1,x2,y_true\n", "expected a header line of names and at least one line"),
    ],
)
def test_bad_samples_are_one_line_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    samples = tmp_path / "samples.csv"
    samples.write_text(text, encoding="utf-8")
    result = run("train", "derivations/two_two_one", "--data", str(samples))
    assert message in str(result.exception)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("derive", "nowhere"),
        ("derive", NET, "w77"),
        ("derive", NET, "--loss", "net_h9"),
        ("derive", NET, "--steps", "some"),
        ("train", NET, "--data", "nowhere.csv"),
        ("code",),
        ("nonsense",),
        ("check",),
        ("check", NET, "nowhere.py"),
        ("check", NET, "derivations/two_three_two/handwritten.py:gradient"),
        ("handout", NET, "-o", "page.html", "--weight", "w77"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["symbackprop", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    shown = capsys.readouterr()
    assert (stopped.value.code, shown.out) == (2, "")
    assert len([line for line in shown.err.splitlines() if line.startswith(("symbackprop:", "Error:"))]) == 1


@pytest.mark.slow
def test_a_program_sees_the_exit_code_and_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "symbackprop", "derive", "nowhere"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("symbackprop: nowhere: no such network")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_check_says_what_differs_and_ends_with_1(tmp_path: Path) -> None:
    assert run("check", NET, "--partial").exit_code == 0
    assert run("check", NET).exit_code == 1  # it has no gradients of the biases
    page = tmp_path / "report.html"
    result = run("check", "derivations/linear_regression", "--html", str(page))
    assert result.exit_code == 1
    assert "hand = 1/2 · derived" in result.output
    assert "dy = 2 * (y_predict - y_true)" in page.read_text(encoding="utf-8")
    assert json.loads(run("check", "derivations/linear_regression", "--json").output)["ok"] is False


@pytest.mark.slow
def test_check_takes_plain_functions(tmp_path: Path) -> None:
    model = tmp_path / "model.py"
    model.write_text(
        "import numpy as np\n"
        "example = {'x': np.array([1.0, 2.0]), 'w': np.array([0.5, -0.3])}\n"
        "def loss(x, w):\n    return np.tanh(x @ w) ** 2\n"
        "def right(x, w):\n    t = np.tanh(x @ w)\n    return {'w': 2 * t * (1 - t**2) * x}\n"
        "def wrong(x, w):\n    t = np.tanh(x @ w)\n    return {'w': 2 * t * (1 - t) * x}\n",
        encoding="utf-8",
    )
    for name, code in (("right", 0), ("wrong", 1)):
        assert run("check", "--loss", f"{model}:loss", "--gradient", f"{model}:{name}").exit_code == code


@pytest.mark.slow
def test_a_handout_has_a_title_and_the_graph_where_asked(tmp_path: Path) -> None:
    plain, asked = tmp_path / "plain.md", tmp_path / "asked.md"
    run("handout", NET, "-o", str(plain))
    run("handout", NET, "-o", str(asked), "--graph", "--title", "Week 3")
    assert plain.read_text("utf-8").startswith("# Backpropagation")
    assert asked.read_text("utf-8").startswith("# Week 3")
    assert "computational graph" in asked.read_text("utf-8").lower()
    assert "computational graph" not in plain.read_text("utf-8").lower()


@pytest.mark.slow
def test_handouts_are_written_for_each_reader(tmp_path: Path) -> None:
    result = run("handout", NET, "-o", str(tmp_path / "page.md"), "--for", "student", "--for", "key", "--lang", "zh")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.glob("*.md")) == ["page-key.md", "page-student.md"]
    again = run("handout", NET, "-o", str(tmp_path / "page.md"), "--for", "student", "--for", "key")
    assert "exists; give another name, or --force" in str(again.exception)
    assert "expected a file ending in one of" in str(run("handout", NET, "-o", str(tmp_path / "page.docx")).exception)


@pytest.mark.parametrize(
    ("present", "arguments"),
    [
        ("page.html", ()),
        ("page-key.html", ("--for", "student", "--for", "key")),
        ("page-student-3.html", ("--for", "student", "--for", "key", "--variants", "3")),
    ],
)
def test_files_that_exist_are_seen_before_anything_is_rendered(
    present: str, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[object] = []
    monkeypatch.setattr(make, "rendered", lambda *given: rendered.append(given) or {"": b"new"})
    (tmp_path / present).write_text("mine", encoding="utf-8")
    command = ("handout", NET, "-o", str(tmp_path / "page.html"), *arguments)
    refused = run(*command)
    assert str(refused.exception) == f"{tmp_path / present} exists; give another name, or --force to replace it"
    assert not rendered
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(present, "mine")]
    assert run(*command, "--force").exit_code == 0
    assert rendered
    assert {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"new"}


def test_every_command_has_a_module_and_every_module_is_a_command() -> None:
    folder = Path(symbackprop.__file__).parent / "cli"
    assert sorted(COMMANDS) == sorted({path.stem for path in folder.glob("*.py")} - {"__init__", "shared"})
    for name, line in COMMANDS.items():
        help_text = import_module(f"symbackprop.cli.{name}").command.help
        assert " ".join(help_text.partition("\n\n")[0].split()) == line


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("nonsense",), ("check", "--help"), ("check",)])
def test_help_and_usage_errors_come_before_the_mathematics(arguments: tuple[str, ...]) -> None:
    code = f"import sys; sys.argv = {['symbackprop', *arguments]!r}\nfrom symbackprop.cli import main\ntry: main()\nfinally: "
    code += "assert not {'sympy', 'numpy', 'rich'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "AssertionError" not in done.stderr
    assert done.stdout or done.stderr


@pytest.mark.parametrize("arguments", [("--version",), ("--version", "check")])
def test_the_version_is_said_before_the_command_line_is_loaded(arguments: tuple[str, ...]) -> None:
    code = f"import sys; sys.argv = {['symbackprop', *arguments]!r}\nfrom symbackprop.__main__ import main\n"
    code += "try: main()\nfinally: print(sorted({'click', 'sympy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    loaded = [] if len(arguments) == 1 else ["click"]
    assert done.stdout == f"symbackprop, version {symbackprop.__version__}\n{loaded}\n"


def test_what_is_loaded_at_its_first_use_is_part_of_the_package() -> None:
    assert set(symbackprop.__all__) <= set(dir(symbackprop))
    for name in symbackprop.__all__:
        assert callable(getattr(symbackprop, name)), name
    assert not hasattr(symbackprop, "check_gradients")


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_has_examples(command: tuple[str, ...]) -> None:
    output = run(*command, "--help").output
    assert output.startswith("Usage:")
    assert not command or "Examples:" in output
    lines = output.partition("Examples:\n")[2].splitlines()
    assert all(line.startswith("  symbackprop ") for line in lines), "each is one line that can be pasted"


LAYERS = """
import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T
"""


@pytest.mark.slow
def test_check_finds_both_passes_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "layers.py"
    file.write_text(LAYERS, encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 0, result.output
    assert "checked at n_in=3, n_out=5" in result.output
    assert run("check", f"{file}:Dense", "--shapes", "x:4,3").exit_code == 0
    file.write_text(LAYERS.replace("dout.sum(axis=0)", "dout.mean(axis=0)"), encoding="utf-8")
    result = run("check", f"{file}:Dense")
    assert result.exit_code == 1
    assert "b      differs" in result.output
    file.write_text(LAYERS.replace(", self.db = ", ", self.other = "), encoding="utf-8")
    assert "incomplete: no gradient of b" in run("check", str(file)).stderr
    file.write_text(LAYERS + "def f(x): return x * x\ndef f_prime(x): return 2 * x\n", encoding="utf-8")
    result = run("check", str(file))
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "2 pieces: 2 right")
    found = json.loads(run("check", str(file), "--json").stdout)
    assert (found["ok"], {name: piece["ok"] for name, piece in found["pieces"].items()}) == (True, {"Dense": True, "f": True})
    assert "which one is meant?" in str(run("check", str(file), "--html", str(tmp_path / "page.html")).exception)
    assert run("check", f"{file}:f").exit_code == 0
