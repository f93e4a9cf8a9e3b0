"""What pytest gets: the fixtures `assert_gradient` and `assert_layer`, failures that are the diagnosis, and a page of them.

    pytest --symbackprop-report=html          writes symbackprop-report.html
    pytest --symbackprop-report=FILE.html     writes FILE.html

Loaded at the start of every pytest where this package is installed, so it loads nothing itself: the mathematics comes with the
first test that asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

OPTION = "--symbackprop-report"
PACKAGE = Path(__file__).resolve().parent


def pytest_addoption(parser: Any) -> None:
    """Add the option."""
    group = parser.getgroup("symbackprop")
    group.addoption(
        OPTION, metavar="html", help="write the diagnoses of wrong gradients to FILE.html (html: symbackprop-report.html)"
    )


def pytest_configure(config: Any) -> None:
    """Register the fixtures, and the page where one is asked for. Raises UsageError for a file that is no page."""
    import pytest  # it runs this function; who imports the module without it needs no more

    given = config.getoption(OPTION, default=None)
    path = Path("symbackprop-report.html" if given == "html" else given) if given is not None else None
    if path is not None and path.suffix != ".html":
        raise pytest.UsageError(f"{OPTION}: expected html or FILE.html, got {given}")

    class Fixtures:
        """The assertions as fixtures, for tests that import nothing."""

        @pytest.fixture
        def assert_gradient(self) -> Callable[..., Any]:
            """`symbackprop.testing.assert_gradient`."""
            from symbackprop.testing import assert_gradient  # with the first test that asks for it

            return assert_gradient

        @pytest.fixture
        def assert_layer(self) -> Callable[..., Any]:
            """`symbackprop.testing.assert_layer`."""
            from symbackprop.testing import assert_layer  # with the first test that asks for it

            return assert_layer

    config.pluginmanager.register(Fixtures(), "symbackprop-fixtures")
    config.pluginmanager.register(Diagnoses(path), "symbackprop-diagnoses")


class Diagnoses:
    """Collects the reports of wrong gradients, and shows each as it is instead of as a traceback."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.found: list[tuple[str, Any]] = []

    def pytest_exception_interact(self, node: Any, call: Any, report: Any) -> None:
        """Take the report out of a failure."""
        if call.excinfo is None or type(call.excinfo.value).__name__ != "WrongGradient":
            return
        error = call.excinfo.value
        outside = (entry for entry in call.excinfo.traceback if PACKAGE not in Path(entry.path).parents)
        places = [f"{Path(entry.path).name}:{entry.lineno + 1}" for entry in outside]
        report.longrepr = "\n".join([*places[-1:], str(error)])
        self.found.append((node.nodeid, getattr(error, "report", None)))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Write the page."""
        if self.path is None:
            return
        from symbackprop.testing import diagnoses_page  # only who asks for the page

        self.path.write_text(diagnoses_page(self.found), encoding="utf-8")
        terminalreporter.write_line(f"symbackprop: {len(self.found)} wrong gradients: {self.path}")
