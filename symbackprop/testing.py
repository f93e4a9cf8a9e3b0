"""For the tests of other projects: `assert_gradient` fails with the diagnosis as its message.

from symbackprop.testing import assert_gradient

def test_backward():
    assert_gradient(loss, backward, example={"W": W, "b": b, "X": X, "t": t})
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbackprop.verify.check import check_gradient
from symbackprop.verify.records import Status
from symbackprop.verify.report import Report


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
        AssertionError: a gradient differs, fails, or (if asked for) is missing or not proved; the message is the whole report.
        UserError: code and network could not be matched.
    """
    __tracebackhide__ = True
    report = check_gradient(reference, hand, **options)
    if not report.ok:
        raise AssertionError(f"the handwritten gradient is wrong\n{report}")
    if complete and report.missing:
        raise AssertionError(f"gradients are missing: {', '.join(report.missing)}\n{report}")
    weak = [name for name, verdict in report.verdicts.items() if verdict.status is Status.AGREES]
    if proved and weak:
        raise AssertionError(f"not proved, only in agreement: {', '.join(weak)}\n{report}")
    return report
