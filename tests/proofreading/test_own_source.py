"""No claim is the source of the value it is tested with: what holds only by what it says itself says what a name is."""

from __future__ import annotations

import random

import pytest

from symbackprop.proofreading.claims import HOLDS, ClaimStatus
from symbackprop.proofreading.proofread import proofread_text
from tests.proofreading.mutations import every_mutant

UNIT = r"""
$$o_1 = \sigma(z_1) = \sigma(v_1 h_1 + v_2 h_2)$$

$$E = E_1 + E_2 = {losses}$$

where $\sigma(x) = \frac{{1}}{{1 + e^{{-x}}}}$ and $E_1 = \frac{{1}}{{2}} (t_1 - o_1)^2$.
"""
RIGHT = [r"\frac{1}{2} (t_1 - o_1)^2", r"\frac{1}{2} (t_2 - o_2)^2"]
TERMS = [
    r"\frac{1}{2} (t_2 - o_2)^2",
    r"\frac{1}{3} (t_2 - o_2)^2",
    r"\frac{1}{2} (t_2 + o_2)^2",
    r"t_2 \ln o_2",
    r"(t_2 - o_2)^4",
]


@pytest.mark.parametrize("term", TERMS)
def test_a_loss_that_one_formula_alone_gives_is_said_there(term: str) -> None:
    """Whatever stands there for the second loss: nothing else in the text says what it is, so nothing is proved."""
    report = proofread_text(UNIT.format(losses=f"{RIGHT[0]} + {term}"))
    last = report.claims[3]
    assert last.source.rstrip().endswith(term)
    assert last.status in (ClaimStatus.DEFINITION, ClaimStatus.UNDECIDED, ClaimStatus.DIFFERS)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_said_of_a_name_once_is_no_proof(seed: int) -> None:
    """A name that stands in one formula only, made of any others: never "holds"."""
    rng = random.Random(seed)
    terms = [f"{rng.choice('uvw')}_{rng.randrange(1, 4)} {rng.choice('xyz')}" for _ in range(3)]
    said = f"$$a = k_1 x + k_2 y$$\n\n$$a + q = k_1 x + k_2 y + {' + '.join(terms)}$$\n"
    (_, claim) = proofread_text(said).claims
    assert claim.status not in HOLDS
    again = proofread_text(f"{said}\n$$q = {' + '.join(terms)}$$\n").claims
    assert again[1].status in HOLDS | {ClaimStatus.DEFINITION}


def test_likes_are_two_things() -> None:
    """`E_2 + E_2` for `E_1 + E_2` makes no name of both."""
    text = UNIT.format(losses=" + ".join(RIGHT)) + "\n$$E = E_2 + E_2$$\n"
    report = proofread_text(text)
    assert report.claims[-1].status not in HOLDS
    assert not {"E_1", "E_2", "E1", "E2"} & {name for name, said in report.assumed.items() if said in ("is E2", "is E1")}


@pytest.mark.slow
def test_planted_mistakes_are_no_definitions_that_hold() -> None:
    """A mistake in the only formula of a name leaves the `=` undecided or a definition."""
    _, planted = every_mutant("two_three_two", seed=5)
    losses = [mutant for mutant in planted if "y_2-o2" in mutant.text[mutant.start : mutant.end] and mutant.kind != "name"]
    assert len(losses) >= 4
    for mutant in losses:
        report = proofread_text(mutant.text)
        at = [item for item in report.claims if item.start + item.span[1] >= mutant.end and item.start <= mutant.start]
        assert at
        assert at[0].status not in HOLDS


def test_ends_of_a_chain_that_says_what_its_first_name_is_prove_nothing() -> None:
    report = proofread_text("$a = 2 u$ and $b = 3 v$.\n\n$$C = \\text{MSE} = a b + u v$$\n")
    assert [item.status for item in report.claims if item.status in HOLDS] == []
