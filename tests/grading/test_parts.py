"""The parts of grading by themselves: notebooks, submissions, duplicates, marks, tables."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from symbackprop.errors import UserError
from symbackprop.grading.duplicates import alike, shape_of
from symbackprop.grading.feedback import feedback_page, feedback_text
from symbackprop.grading.gradebook import grades_csv
from symbackprop.grading.graded import Graded, State, as_json, file_name, from_json
from symbackprop.grading.marks import GradientMark, marks_of, scheme
from symbackprop.grading.notebook_code import function_of_notebook
from symbackprop.grading.overview import overview_page
from symbackprop.grading.phrases import PHRASES
from symbackprop.grading.submissions import find_submissions
from tests.grading.generated_class import STYLES, notebook, renamed


def scope_of(*cells: str, function: str = "f") -> dict[str, object]:
    """Run what is taken from a notebook."""
    scope: dict[str, object] = {}
    exec(compile(function_of_notebook(notebook(*cells), function).source, "cells", "exec"), scope)
    return scope


def test_a_function_comes_with_what_it_needs_and_nothing_else() -> None:
    cells = (
        "import math\nimport nowhere_installed\n",
        "rate = 2\ndef helper(x):\n    return rate * math.sqrt(x)\n",
        "raise SystemExit('a plot')",
        "%%bash\nrm -rf everything\n",
        "%time\nrate += 1\n!ls\n",
        'def f(x):\n    """Why?\n% not magic\n"""\n    return helper(x)\n',
        "f(3)",
        "broken(",
    )
    f = scope_of(*cells)["f"]
    assert callable(f)
    assert f(4.0) == 6.0


def test_the_last_definition_counts_and_changes_of_a_name_are_kept() -> None:
    cells = ("def f(x):\n    return 1\n", "table = {}\ntable['a'] = 5\n", "@staticmethod\ndef f(x):\n    return table['a']\n")
    f = scope_of(*cells)["f"]
    assert f(0) == 5  # type: ignore[operator]
    method = scope_of("class Net:\n    def backward(self, x):\n        return x\n", "net = Net()\n", function="net.backward")
    assert {"Net", "net"} <= set(method)


def test_lines_say_where_they_stood() -> None:
    made = function_of_notebook(notebook("import math\n", "# first\n\ndef f(x):\n    return x\n"), "f")
    assert made.source.splitlines()[0] == "def f(x):"
    assert made.lines == ((1, 2, 3), (2, 2, 4))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no notebook", "expected a notebook of Jupyter"),
        (json.dumps([1, 2]), "expected a notebook of Jupyter"),
        (notebook("g = 1"), "no cell defines f; defined there: g"),
        (notebook("def f(:\n"), "no cell defines f; cell 1 is not valid Python"),
    ],
)
def test_what_is_no_notebook_is_said(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        function_of_notebook(text, "f")


def test_the_same_code_under_other_names_is_alike() -> None:
    import random  # only here

    first, second = (renamed(STYLES["dictionary"], random.Random(seed)) for seed in (1, 2))
    assert first != second
    assert shape_of(first) == shape_of(
        "# mine\n" + second.replace("def gradients(x, w1, b1, w2, t):", "def gradients(x, w1, b1, w2, t):\n    'doc'")
    )
    assert shape_of(first) != shape_of(first.replace("-(", "(", 1))
    assert shape_of("x = (") == shape_of("f(x)") == ""
    course = [Graded(name, "", "", State.RIGHT, shape=shape) for name, shape in (("a", "1"), ("b", "1"), ("c", "2"), ("d", ""))]
    assert alike(course) == {"a": ("b",), "b": ("a",)}


def verdict(name: str, status: str, ratio: str | None = None) -> dict[str, object]:
    return {"name": name, "status": status, "ratio": ratio, "note": "", "witness": None}


def graded(*verdicts: dict[str, object], kinds: tuple[str, ...] = (), mend: bool = False) -> Graded:
    causes = [{"kind": kind, "text": kind, "names": [], "exonerates": False} for kind in kinds]
    repairs = [{"proved": True, "more": [], "line": 1, "before": "a", "after": "b"}] * mend
    report = {"verdicts": list(verdicts), "causes": causes, "locations": [], "repairs": repairs, "notes": []}
    return Graded("s", "s.py", "k", State.WRONG, report=report)


def test_points_and_partial_credit() -> None:
    chosen = scheme(("W", "b", "c"), {"W": 4}, {"sign": 0.5, "ratio": 0.25, "mend": 0.75})
    one = graded(verdict("W", "differs", "-1"), verdict("b", "agrees"), kinds=("sign",))
    assert [(m.points, m.outcome, m.credit) for m in marks_of(one, chosen)] == [
        (2.0, GradientMark.WRONG, "sign"),
        (1.0, GradientMark.RIGHT, ""),
        (0.0, GradientMark.MISSING, ""),
    ]
    mended = graded(verdict("W", "differs", "2"), verdict("b", "error"), verdict("c", "not differentiable"), mend=True)
    assert [m.points for m in marks_of(mended, chosen)] == [3.0, 0.0, 1.0]
    assert [m.points for m in marks_of(mended, scheme(("W", "b", "c"), {}, {}))] == [0.0, 0.0, 1.0]
    nothing = Graded("s", "s.py", "k", State.NONE, "it ran longer than 10 s")
    assert [m.outcome for m in marks_of(nothing, chosen)] == [GradientMark.NONE] * 3


def test_what_is_kept_is_read_back() -> None:
    one = graded(verdict("W", "differs"))
    assert from_json(as_json(one)) == one
    for text in ("", "{}", "[]", as_json(one)[:50], as_json(one).replace('"wrong"', '"forged"')):
        assert from_json(text) is None


def test_a_table_holds_no_formulas_and_files_have_safe_names() -> None:
    one = Graded("=HYPERLINK(1)", "a.py", "k", State.NONE, "two\nlines, and more")
    text = grades_csv([one], scheme(("W",), {}, {}), {})
    assert "'=HYPERLINK(1)" in text
    assert text.count("\n") == 2
    names = ["../../etc/passwd", "a/b", "a_b", "x" * 300, "é", ".hidden", "Ann", "ann?"]
    files = [file_name(name) for name in names]
    assert len({file.lower() for file in files}) == len(names)
    assert not any("/" in file or file.startswith(".") or len(file) > 80 for file in files)


def test_submissions_are_found(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", ".hidden.py", "same.py", "same.ipynb", "__pycache__/x.py", "ann/deep/hw.py", "network.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    found = find_submissions(tmp_path, "gradients", without=[tmp_path / "network.py"])
    assert [one.student for one in found] == ["a", "ann", "b", "same.ipynb", "same.py"]
    assert [one.student for one in find_submissions(tmp_path, "gradients", "[ab].py")] == ["a", "ann", "b"]
    assert find_submissions(tmp_path / "a.py", "gradients")[0].student == "a"


def told(language: str) -> tuple[str, str, str]:
    """Return a student's page, the same as text, and the class's page, of a class of one."""
    chosen = scheme(("W", "b", "c"), {}, {})
    one = graded(verdict("W", "differs", "2"), verdict("b", "agrees"), kinds=("sign",), mend=True)
    one = replace(one, report={**one.report, "causes": [{**one.report["causes"][0], "text": "the sign is opposite"}]})
    one = replace(one, chinese={"the sign is opposite": "符号相反"}, printed="hello")
    nothing = Graded("n", "n.py", "k", State.FAULT)
    return (
        feedback_page(one, chosen, "mend", "HW", language),
        feedback_text(one, chosen, "mend", language),
        overview_page([one, nothing], chosen, {"s": ("n",), "n": ("s",)}, "HW", language),
    )


def test_pages_are_chinese_where_it_is_asked() -> None:
    for english, chinese in zip(told("en"), told("zh"), strict=True):
        assert "the sign is opposite" in english
        assert "符号相反" in chinese
        assert not re.search("[\u4e00-\u9fff]", english)
        words = re.sub(r"(?s)<style>.*?</style>|<[^>]*>|&\w+;", " ", chinese)
        assert set(re.findall(r"[a-zA-Z]{2,}", words)) <= {"HW", "hello", "mend", "sign", "ratio"}, words
    assert 'lang="zh"' in told("zh")[0]
    for phrase in PHRASES.values():
        assert set(re.findall(r"{\w+}", phrase.english)) == set(re.findall(r"{\w+}", phrase.chinese)), phrase
