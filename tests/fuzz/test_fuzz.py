"""Random networks: every way in which a gradient is said agrees, and a fault planted in any of them is found."""

from __future__ import annotations

from typing import Any

import pytest
from sympy import Integer, Sum, true

from symbackprop.derive.matrix import matrix
from symbackprop.derive.sweep import push, records, unify
from symbackprop.derive.textbook import identities
from symbackprop.functions import ELEMENTARY
from symbackprop.numeric.code import contraction, elementwise, indexing, printing
from symbackprop.numeric.program import program
from symbackprop.verify.reference import interpret
from tests.fuzz import compare
from tests.fuzz.compare import failures
from tests.fuzz.networks import FUNCTIONS, WIDE

FEW, CHUNKS, CHUNK = 12, 40, 50  # `python -m tests.fuzz --count 50000` compares as many as one likes
FOUND = (7001345, 7001886, 7002929, 7003891, 7004807, 7005973, 7008210)  # networks on which two ways once disagreed
FOUND += (20000006, 20000033, 20000059, 20000099, 20000185, 20000190)
ENOUGH = 200  # networks among which a planted fault is found
CACHES = (records.summed_term, interpret.planned)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(FEW), *FOUND])
def test_all_ways_agree(seed: int) -> None:
    assert failures(seed) == []


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [*range(CHUNKS), WIDE // CHUNK])
def test_all_ways_agree_on_many(chunk: int) -> None:
    assert [said for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK) for said in failures(seed)] == []


def test_every_function_is_judged() -> None:
    assert set(FUNCTIONS) == set(ELEMENTARY)


def _same(value: Any, *others: Any) -> Any:
    return value


def _whole_numbers(left: Any, right: Any) -> Any:
    return tuple(sum(int(number) * term for term, number in side.as_coefficients_dict().items()) for side in (left, right))


def _uncounted(factors: Any, limits: Any) -> Any:
    outside, inside = records.out_of_sum(factors, limits)
    return [factor for factor in outside if not factor.is_integer], inside


#: A fault, and where it is planted.
PLANTED: dict[str, tuple[Any, str, Any]] = {
    "a loop takes the letter of a sum": (program, "bound_apart", _same),
    "what does not depend on a summed index counts once": (contraction, "index_size", lambda index: Integer(1)),
    "sympy's own sums, which let a condition go": (records, "IndexSum", Sum),
    "fractions cut off in a generated condition": (elementwise, "whole_sides", _whole_numbers),
    "fractions cut off in an interpreted condition": (interpret, "whole_sides", _whole_numbers),
    "a window without its guard": (unify, "_guard", lambda solved, mapping: true),
    "a power's slope without its exponent": (push, "_power_slope", lambda base, exponent, output: (base ** (exponent - 1),)),
    "a transpose forgotten": (matrix, "transposed", _same),
    "a factor counted once when it leaves a sum": (identities, "out_of_sum", _uncounted),
    "fractions without brackets": (printing._CodePrinter, "_level", lambda self, item: printing.ATOM),
    "a diagonal read as the whole": (
        indexing, "_diagonal", lambda text, axes: indexing.ArrayCode(text, tuple(dict.fromkeys(axes)))
    ),
    "minus signs lost in LaTeX": (compare, "latex", lambda *formula, latex=compare.latex: latex(*formula).replace("-", "+")),
}  # fmt: skip


QUICK = (
    "what does not depend on a summed index counts once",
    "a power's slope without its exponent",
    "fractions without brackets",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PLANTED])
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for cache in CACHES:
        cache.cache_clear()
    monkeypatch.setattr(*PLANTED[name])
    found = next((seed for seed in range(ENOUGH) if failures(seed)), None)
    for cache in CACHES:
        cache.cache_clear()
    assert found is not None
