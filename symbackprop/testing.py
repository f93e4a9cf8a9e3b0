"""For the tests of other projects: `assert_gradient` and `assert_layer` fail with the diagnosis as their message.

from symbackprop.testing import assert_gradient

def test_backward():
    assert_gradient(loss, backward, example={"W": W, "b": b, "X": X, "t": t})

With pytest both are fixtures as well, and `--symbackprop-report=html` writes the diagnoses on a page (`pytest_plugin`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from symbackprop.errors import in_a_notebook
from symbackprop.verify.check import check_gradient
from symbackprop.verify.layer import check_layer
from symbackprop.verify.records import Status
from symbackprop.verify.report.report import Report


class WrongGradient(AssertionError):
    """A gradient that is wrong, missing or not proved; `report` says what was found."""

    def __init__(self, said: str, report: Report) -> None:
        super().__init__(f"{said}\n{report}")
        self.report = report

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback: the diagnosis."""
        return in_a_notebook(self, f"{self}")


def assert_gradient(
    reference: Any, hand: Callable[..., Any], *, proved: bool = False, complete: bool = False, **options: Any
) -> Report:
    """Check a handwritten gradient; return the report when it is right.

    Args:
        reference: a derivation, or the handwritten loss function (with `example`).
        hand: the gradient code.
        proved: agreement in digits is not enough.
        complete: every parameter must have a handwritten gradient.
        options: as for `check_gradient`.

    Raises:
        WrongGradient: an AssertionError: a gradient differs, fails, or (if asked for) is missing or not proved; its message is
            the whole report.
        UserError: code and network could not be matched.
    """
    __tracebackhide__ = True
    return _asserted(check_gradient(reference, hand, **options), "the handwritten gradient is wrong", proved, complete)


def assert_layer(layer: Any, *given: Any, proved: bool = False, complete: bool = True, **options: Any) -> Report:
    """Check the backward pass of a layer, as `check_layer` takes it; return the report when it is right.

    Raises:
        WrongGradient: as for `assert_gradient`.
        UserError: there is no forward or backward pass, or it fails on these inputs.
    """
    __tracebackhide__ = True
    return _asserted(check_layer(layer, *given, **options), "the backward pass is wrong", proved, complete)


def _asserted(report: Report, wrong: str, proved: bool, complete: bool) -> Report:
    __tracebackhide__ = True
    weak = [name for name, verdict in report.verdicts.items() if verdict.status is Status.AGREES]
    if not report.ok:
        raise WrongGradient(wrong, report)
    if complete and report.missing:
        raise WrongGradient(f"gradients are missing: {', '.join(report.missing)}", report)
    if proved and weak:
        raise WrongGradient(f"not proved, only in agreement: {', '.join(weak)}", report)
    return report


def diagnoses_page(found: Sequence[tuple[str, Report]]) -> str:
    """Return one page with the reports of several tests, each under the name of its test."""
    parts = [
        f'<details open><summary>{escape(name)}</summary><iframe title="{escape(name)}" srcdoc="{escape(report.to_html())}">'
        "</iframe></details>"
        for name, report in found
    ]
    style = "body { font: 15px/1.5 system-ui, sans-serif } iframe { width: 100%; height: 32rem; border: 1px solid #8886 }"
    head = f'<meta charset="utf-8"><title>Gradients</title><style>{style}</style>'
    body = "".join(parts) or "<p>No wrong gradients.</p>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'
