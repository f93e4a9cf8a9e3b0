"""The documents of the derivations, alone and with their networks: what is known to be wrong differs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.loading import load_network
from symbackprop.proofreading.claims import ClaimStatus
from symbackprop.proofreading.proofread import proofread, proofread_text

WITHOUT_UNITS = "two_three_two"  # its text alone leaves the second output out
FOLDERS = sorted(file.parent for file in (Path(__file__).resolve().parents[2] / "derivations").glob("*/document.md"))

#: What stands on the wrong side of each `=` that is known to be wrong, with what belongs there.
KNOWN = {
    "two_two_one": [
        (r"\mathit{d\_h1\_d\_w3}", r"\mathit{d\_h2\_d\_w3}"),
        (r"\mathit{d\_h1\_d\_w4}", r"\mathit{d\_h2\_d\_w4}"),
        (r"\mathit{d\_h1\_d\_b2}", r"\mathit{d\_h2\_d\_b2}"),
    ],
    "two_three_two": [("out_{o1} (1 - out_{o1})", "out_{h1} (1 - out_{h1})")],
}


@pytest.mark.slow
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with its network"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_known_to_be_wrong_differs_and_nothing_else(folder: Path, alone: bool) -> None:
    if alone:
        report = proofread(folder / "document.md")
    else:
        loaded = load_network(str(folder))
        report = proofread(folder / "document.md", loaded.network, loss=loaded.loss, notation=loaded.notation)
    wrong = [item for item in report.claims if item.status is ClaimStatus.DIFFERS]
    remedies = [(item.remedy.written, item.remedy.repair) for item in wrong if item.remedy is not None]
    assert len(remedies) == len(wrong)
    assert remedies == ([] if alone and folder.name == WITHOUT_UNITS else KNOWN.get(folder.name, []))


def _centred(slope: str, words: str) -> list[ClaimStatus]:
    text = rf"""
$$a_i = \frac{{1}}{{N}} \sum_n x_{{ni}}$$

$$v_i = \frac{{1}}{{N}} \sum_n (x_{{ni}} - a_i)^2$$

$$h_{{ni}} = (x_{{ni}} - a_i) s_i$$

where $s_i$ {words}, and

$$J = \frac{{1}}{{N}} \sum_n \sum_i (h_{{ni}} - t_{{ni}})^2$$

$$\frac{{\partial J}}{{\partial h_{{ni}}}} = \frac{{2}}{{N}} (h_{{ni}} - t_{{ni}})$$

$$\frac{{\partial J}}{{\partial x_{{ni}}}} = {slope}$$
"""
    return [item.status for item in proofread_text(text).claims[-2:]]


TWO_PATHS = r"s_i \left( \frac{\partial J}{\partial h_{ni}} - \frac{1}{N} \sum_m \frac{\partial J}{\partial h_{mi}} \right)"
THREE_PATHS = (
    TWO_PATHS.removesuffix(r"\right)") + r"- \frac{1}{N} h_{ni} \sum_m h_{mi} \frac{\partial J}{\partial h_{mi}} \right)"
)


@pytest.mark.parametrize("words", ["is one over the root of the variance", "是标准差的倒数"])
@pytest.mark.parametrize("slope", [TWO_PATHS, THREE_PATHS], ids=["the variance left out", "all three paths"])
def test_what_words_alone_say_of_a_name_is_not_followed(slope: str, words: str) -> None:
    """Neither accused nor held: through s the slope has a path of which no formula speaks."""
    assert _centred(slope, words) == [ClaimStatus.ALWAYS, ClaimStatus.UNDECIDED]


def test_a_name_of_which_words_say_that_it_is_given_is_a_number() -> None:
    assert _centred(TWO_PATHS, "is a scale that is chosen") == [ClaimStatus.ALWAYS, ClaimStatus.ALWAYS]
