"""The 21 display formulas of the 2-3-2 document, as they stand there: read, converted and printed again."""

from __future__ import annotations

import pytest

from symbackprop.formula.notation.notations import TWO_THREE_TWO
from symbackprop.formula.print.latex import latex
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import ReadError, read, read_repaired
from symbackprop.formula.tree.tree import Chain
from symbackprop.formula.tree.walk import walk
from symbackprop.formula.value.from_sympy import to_sympy
from tests.formula.matching import Level, match_level

FORMULAS = (
    r"h1 = Sigmod( Net_{h1}) =Sigmod(w1*l1+ w2*l2+b1*1)",
    r"o1 = Sigmod( Net_{o1}) =Sigmod(w7*h1+ w9*h2+w11*h3+b2*1)",
    r"loss=E_{total}=E_{o1}+E_{o2}=\frac{1}{2}*(y_1-o1)^2+\frac{1}{2}*(y_2-o2)^2",
    r"Loss=E_{total}=E_{o1}+E_{o2}",
    r"E_{o1}=\frac{1}{2}*(target_{o1}-out_{o1})^2 =\frac{1}{2}*(target_{o1}-Sigmod(net_{o1}))^2",
    r"E_{o1} =\frac{1}{2}*(target_{o1}-Sigmod(w7*h1+ w9*h2+w11*h3+b2*1))^2",
    r"\text{整体损失 对w7 求偏导 : } \frac{\partial E_{total}}{\partial w7} =\frac{\partial E_{total}}{\partial out_{o1}} "
    r"*\frac{\partial out_{o1}}{\partial net_{o1}} *\frac{\partial net_{o1}}{\partial w7}",
    r"\text{原函数 : } E_{total} =\frac{1}{2}(target_{o1}-out_{o1})^2+E_{o2}",
    r"\frac{\partial E_{total}}{\partial out_{o1}}=2*\frac{1}{2}*(target_{o1}-out_{o1})^{2-1}*-1+0",
    r"\text{原函数 } out_{o1}=\frac{1}{1+e^{-net_{o1}}}",
    r"\frac{\partial out_{o1}}{\partial net_{o1}}=out_{o1}(1-out_o)",
    r"\text{原函数 : } net_{o1} =w7*out_{h1}+ w9*out_{h2}+w11*out_{h3}+b2*1",
    r"\frac{\partial net_{o1}}{\partial w7}=1*out_{h1}*w7^{(1-1)}+0+0+0",
    r"\text{整体损失 对w7 求偏导 : } \frac{\partial E_{total}}{\partial w7} "
    r"=-1*(target_{o1}-out_{o1})*out_{o1}*(1-out_{o1})*out_{h1}",
    r"w7^+=w7+Δw7=w7-η*\frac{\partial E_{total}}{\partial w7}",
    r"\text{整体损失 对w1 求偏导 : } \frac{\partial E_{total}}{\partial w1} =\frac{\partial E_{total}}{\partial out_{h1}} "
    r"*\frac{\partial out_{h1}}{\partial net_{h1}} *\frac{\partial net_{h1}}{\partial w1}",
    r"\text{展开 : } \frac{\partial E_{total}}{\partial w1}= (\frac{\partial E_{o1}}{\partial out_{h1}}"
    r"+\frac{\partial E_{o2}}{\partial out_{h1}}) *\frac{\partial out_{h1}}{\partial net_{h1}} "
    r"*\frac{\partial net_{h1}}{\partial w1}",
    r"\frac{\partial E_{o1}}{\partial out_{h1}}= \frac{\partial E_{o1}}{\partial out_{o1}} "
    r"*\frac{\partial out_{o1}}{\partial net_{o1}} *\frac{\partial net_{o1}}{\partial out_{h1}}",
    r"\frac{\partial E_{o1}}{\partial out_{h1}}= -(target_{o1}-out_{o1}) *out_{o1}(1-out_{o1}) *w7",
    r"\text{原函数 : } net_{h1} =w1*l1+ w2*l2+b1*1",
    r"\frac{\partial E_{total}}{\partial w1}=[ -(target_{o1}-out_{o1})*out_{o1}(1-out_o1)*w7 "
    r"-(target_{o2}-out_{o2})*out_{o2}(1-out_o2)*w8] *out_{o1}*(1-out_{o1}) *l1",
)
MALFORMED = {11, 21}
OVERRIDES = {8: {"juxtapose_bracket": "always"}, 14: {"juxtapose_bracket": "never"}}
SCALARS = (
    [f"w{k}" for k in range(1, 13)]
    + [f"{base}_{unit}" for base in ("net", "out") for unit in ("h1", "h2", "h3", "o1", "o2")]
    + ["l1", "l2", "b1", "b2", "E_o1", "E_o2", "E_total", "target_o1", "target_o2"]
)
NAMES = Names.of(TWO_THREE_TWO, scalars=SCALARS, functions="sigmoid", rates="eta")


def _level(number: int, **options: str) -> Level:
    written = FORMULAS[number - 1]
    formula = read_repaired(written, NAMES).formula
    return match_level(latex(formula, TWO_THREE_TWO.override(**options)), written)


def test_there_are_twenty_one_formulas_with_twenty_eight_equal_signs() -> None:
    relations = 0
    for written in FORMULAS:
        chains = [node for node in walk(read_repaired(written, NAMES).formula) if isinstance(node, Chain)]
        assert len(chains) == 1
        relations += len(chains[0].relations)
    assert (len(FORMULAS), relations) == (21, 28)


@pytest.mark.parametrize("number", sorted(set(range(1, 22)) - MALFORMED))
def test_reads_without_findings(number: int) -> None:
    assert read_repaired(FORMULAS[number - 1], NAMES).findings == ()


@pytest.mark.parametrize(
    ("number", "written", "repairs"),
    [(11, "out_o", ["out_{o1}"]), (21, "out_o1", ["out_{o1}", "out_{o2}"])],
)
def test_malformed_names_are_reported_where_they_stand_and_mended(number: int, written: str, repairs: list[str]) -> None:
    text = FORMULAS[number - 1]
    with pytest.raises(ReadError) as raised:
        read(text, NAMES)
    start, end = raised.value.span
    assert text[start:end] == written
    assert repairs[0] in str(raised.value)
    findings = read_repaired(text, NAMES).findings
    assert [finding.repair for finding in findings] == repairs
    assert [text[slice(*finding.span)] for finding in findings] == [finding.written for finding in findings]


def test_one_notation_prints_seventeen_of_them_as_they_stand() -> None:
    levels = {number: _level(number) for number in range(1, 22)}
    same = [number for number, level in levels.items() if level >= Level.UP_TO_SPACES]
    assert sorted(set(range(1, 22)) - set(same)) == [8, 11, 14, 21]


@pytest.mark.parametrize("number", OVERRIDES)
def test_two_overrides_bring_nineteen(number: int) -> None:
    assert _level(number) < Level.UP_TO_SPACES <= _level(number, **OVERRIDES[number])


@pytest.mark.parametrize("number", [3, 5, 9, 13, 14, 19])
def test_sides_have_the_value_of_the_formula_typed_in_python(number: int) -> None:
    point = {name: 0.3 + 0.07 * k for k, name in enumerate(SCALARS)}
    chain = next(node for node in walk(read(FORMULAS[number - 1], NAMES)) if isinstance(node, Chain))
    value = to_sympy(NAMES.canonical(chain.parts[-1]), _table()).subs(point)
    assert float(value) == pytest.approx(_EXPECTED[number](**point), rel=1e-12)


def _table() -> dict[str, object]:
    import sympy

    from symbackprop.formula.value.to_sympy import FUNCTIONS

    symbols: dict[str, object] = {name: sympy.Symbol(name) for name in SCALARS}
    return symbols | {"sigmoid": lambda x: 1 / (1 + FUNCTIONS["exp"](-x))}


def _sigmoid(x: float) -> float:
    return float(1 / (1 + 2.718281828459045**-x))


_EXPECTED = {
    3: lambda **v: (v["target_o1"] - v["out_o1"]) ** 2 / 2 + (v["target_o2"] - v["out_o2"]) ** 2 / 2,
    5: lambda **v: (v["target_o1"] - _sigmoid(v["net_o1"])) ** 2 / 2,
    9: lambda **v: v["out_o1"] - v["target_o1"],
    13: lambda **v: v["out_h1"],
    14: lambda **v: (v["out_o1"] - v["target_o1"]) * v["out_o1"] * (1 - v["out_o1"]) * v["out_h1"],
    19: lambda **v: (v["out_o1"] - v["target_o1"]) * v["out_o1"] * (1 - v["out_o1"]) * v["w7"],
}
