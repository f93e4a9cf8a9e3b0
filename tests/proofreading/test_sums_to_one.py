"""What holds because a row of targets sums to 1 is no mistake, however the text writes the sum; what does not hold then, is."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.proofread import proofread_text

DEFINED = r"$$p_i = \frac{e^{z_i}}{\sum_{k=1}^C e^{z_k}}$$ $$E = -\sum_{j=1}^C t_j \log(p_j)$$ "
SUMS = (r"\sum_{j=1}^C t_j", r"\sum_{k=1}^C t_k")


@pytest.mark.parametrize("total", SUMS)
def test_a_sum_of_targets_is_one(total: str) -> None:
    report = proofread_text(DEFINED + rf"$$-t_i + y_i {total} = y_i - t_i$$")
    assert report.ok, report.text()
    assert report.complete, report.text()
    assert "sums to 1" in report.to_json()


@pytest.mark.parametrize("total", SUMS)
def test_and_nothing_else_is_excused_by_it(total: str) -> None:
    report = proofread_text(DEFINED + rf"$$-t_i + y_i {total} = y_i + t_i$$")
    assert not report.ok, report.text()
