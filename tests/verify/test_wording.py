"""Every status has its words, in both languages."""

from __future__ import annotations

import pytest

from symbackprop.verify.records import Status
from symbackprop.verify.wording import said


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_status_is_worded(status: Status, language: str) -> None:
    assert said(str(status), language)
