"""A remedy is a formula that can be read, of names that can be meant there, and with it the `=` holds."""

from __future__ import annotations

import pytest

from symbackprop.proofreading.claims import ClaimStatus, Judgement
from symbackprop.proofreading.corrected import corrected
from symbackprop.proofreading.proofread import proofread_text

NET = r"$z = w x + b$, $y = z^2$, $E = \frac{1}{2} (y - t)^2$. " "\n\n"
ARRAYS = (
    r"$X \in \mathbb{R}^{n \times d}$, $W \in \mathbb{R}^{d \times k}$, $Y \in \mathbb{R}^{n \times k}$."
    "\n\n$$Z = X W$$\n\n$$L = \\frac{1}{2} \\|Z - Y\\|_F^2$$\n\n$$D = Z - Y$$\n\n"
)


def last(text: str) -> Judgement:
    return proofread_text(text).claims[-1]


@pytest.mark.parametrize(
    "claim",
    [
        r"\frac{\partial E}{\partial w} = (y - t) 2 z w",
        r"\frac{\partial E}{\partial w} = (y + t) 2 z x",
        r"\frac{\partial E}{\partial w} = (y - t) 2 z^2 x",
        r"\frac{\partial E}{\partial w} = (y - t) 2 x",
        r"\frac{\partial E}{\partial w} = (y - t) \cdot 2 z \cdot x \cdot b",
        r"\frac{\partial E}{\partial b} = - (y - t) 2 z",
        r"\frac{\partial y}{\partial w} = \frac{\partial y}{\partial z} \frac{\partial z}{\partial b}",
    ],
)
def test_the_corrected_copy_is_right(claim: str) -> None:
    text = NET + f"$${claim}$$\n"
    report = proofread_text(text)
    assert report.claims[-1].status is ClaimStatus.DIFFERS
    assert report.claims[-1].remedy is not None, report.text()
    assert proofread_text(corrected(report)).ok, corrected(report)


@pytest.mark.parametrize(
    ("written", "repair"),
    [
        (r"\frac{\partial L}{\partial W} = X D", "X^T D"),
        (r"\frac{\partial L}{\partial W} = X^T D^T", "X^T D"),
        (r"\frac{\partial L}{\partial W} = D X^T", "X^T D"),
        (r"\frac{\partial L}{\partial X} = D W", "D W^T"),
        (r"\frac{\partial L}{\partial X} = W^T D", "D W^T"),
    ],
)
def test_a_transpose_too_few_or_too_many_is_reported(written: str, repair: str) -> None:
    """Shapes that do not fit are no value; that the `=` holds with one transpose more or less tells the mistake."""
    report = proofread_text(ARRAYS + f"$${written}$$\n")
    assert report.claims[-1].status is ClaimStatus.DIFFERS, report.text()
    copy = corrected(report).replace(r"^{\top}", "^T").replace(r"^\top", "^T")
    assert f"= {repair}$$" in copy


@pytest.mark.parametrize("claim", [r"\frac{\partial L}{\partial W} = X^T D", r"\frac{\partial L}{\partial X} = D W^T"])
def test_what_fits_is_not_reported(claim: str) -> None:
    assert proofread_text(ARRAYS + f"$${claim}$$\n").ok


def test_a_remedy_takes_no_name_from_elsewhere() -> None:
    """That q is worth x by chance, far away in the text, is no reason to write it here; nor is an index a factor."""
    far = "$q = x$ with $k = 2$. \n\n" + "".join(f"$u_{n} = {n}$ is said.\n\n" for n in range(1, 9))
    item = last(far + r"$p_i = x_i^2$ and $y = w x$. Then $$ \frac{\partial y}{\partial w} = w $$")
    assert item.status is ClaimStatus.DIFFERS
    assert item.remedy is not None
    assert item.remedy.repair == "x"


def test_a_remedy_breaks_no_neighbour() -> None:
    """`a = wrong = b`, where the right side goes with the wrong one by itself: only what all of it holds with is a remedy."""
    report = proofread_text(NET + r"$$\frac{\partial E}{\partial w} = (y - t) 2 z w = 2 w z (y - t)$$")
    for item in report.claims:
        if item.remedy is not None:
            assert proofread_text(corrected(report)).ok


WORKED = r"""Let $y = w x + b$ and $L = \frac{1}{2} (y - t)^2$. Then $\frac{\partial L}{\partial y} = y - t$,
$\frac{\partial L}{\partial w} = (y - t) x$, $\frac{\partial L}{\partial b} = y - t$, $\frac{\partial L}{\partial x} = (y - t) w$.

"""


@pytest.mark.parametrize(
    ("claim", "repair"),
    [
        (r"All in all $$L = \frac{1}{2} (w x - b - t)^2$$", "+ b"),  # what was worked with says otherwise
        (r"Another loss is $$L = \frac{1}{2} (w x - b - t)^2$$", None),
        (
            r"All in all $$L = \frac{1}{2} (w x - b - t)^2$$ $$\frac{\partial L}{\partial w} = (w x - b - t) x$$",
            None,
        ),  # goes on with it
        (r"All in all $$L = |w x + b - t|$$", None),
        (r"All in all $$L = (w x + b - t)^2$$", None),  # a convention
    ],
)
def test_a_second_formula_after_all_was_worked_out_with_the_first(claim: str, repair: str | None) -> None:
    report = proofread_text(f"{WORKED}{claim}\n")
    found = [item for item in report.claims if item.status is ClaimStatus.DIFFERS]
    assert [item.remedy.repair for item in found if item.remedy is not None] == ([] if repair is None else [repair])
    assert len(found) == (repair is not None)


@pytest.mark.parametrize("wrong", ["0.72497919", "0.52497119"])
def test_a_digit_is_mended_with_the_numbers_that_a_text_had_before(wrong: str) -> None:
    """The example stands in the text after its names were given other numbers: 1/(1 + e^-0.1) = 0.5249791875."""
    text = (
        "$x = 2$, $w = 0.05$.\n\n$$h = \\frac{1}{1 + e^{-w x}}$$\n\nNow $x = 7$.\n\nAnd once more as before:\n\n"
        r"$$\frac{\partial h}{\partial w} = 0.52497919 (1 - 0.52497919) \cdot 2$$"
    )
    assert proofread_text(text).ok
    report = proofread_text(text.replace("0.52497919 (1", f"{wrong} (1"))
    assert [item.remedy.repair for item in report.wrong if isinstance(item, Judgement) and item.remedy] == ["0.52497919"]
