"""The catalogue of mistakes: for each its kind, how far-fetched it is (the cheapest reason wins), and how it is said.

A mistake in one local derivative is a row of `LOCAL`, with the change that it makes: adding one needs nothing else. The other
rows are tried by the module that names them; what a mend shows by itself is worded by `MENDS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.verify.explain import local_changes as tried
from symbackprop.verify.records import Cause, Mistake, Wording
from symbackprop.verify.wording import formula


def _row(kind: str, cost: float, english: str, chinese: str) -> Mistake:
    return Mistake(kind, cost, Wording(english, chinese))


LOCAL: tuple[tuple[Mistake, tried.Tried], ...] = (
    (
        _row(
            "slope missing",
            1.0,
            "the derivative of {function} is missing: {derivative} is left out",
            "缺少 {function} 的导数：漏掉了 {derivative}",
        ),
        tried.slope_left_out,
    ),
    (
        _row(
            "slope of output",
            1.1,
            "the derivative of {function} is taken at its output: {derivative}, but the code puts {function}({output}) "
            "in the place of {output}",
            "{function} 的导数取在它的输出处：{derivative}，但代码在 {output} 的位置写了 {function}({output})",
        ),
        tried.slope_of_output,
    ),
    (
        _row(
            "slope of argument",
            1.2,
            "{derivative} is written with the output; the code puts {put} in its place",
            "{derivative} 应由输出写出；代码在它的位置写了 {put}",
        ),
        tried.slope_of_argument,
    ),
    (
        _row("slope", 1.3, "{derivative}; the code has {put} for it", "{derivative}；代码写成了 {put}"),
        tried.slope_misremembered,
    ),
    (
        _row(
            "slope of another function",
            1.3,
            "{derivative}; the code has {put} for it, the derivative of {other}",
            "{derivative}；代码写成了 {put}，那是 {other} 的导数",
        ),
        tried.slope_of_another,
    ),
    (
        _row("factor missing", 1.5, "a factor {factor} is missing in {derivative}", "{derivative} 中缺少因子 {factor}"),
        tried.factor_left_out,
    ),
    (
        _row(
            "factor missing",
            1.8,
            "{adjoint} is left out: {wanted} is {quotient} times it",
            "漏掉了 {adjoint}：{wanted} 是 {quotient} 与它的乘积",
        ),
        tried.upstream_left_out,
    ),
    (
        _row("power", 1.6, "in {derivative} the code has {put} for {factor}", "{derivative} 中代码把 {factor} 写成了 {put}"),
        tried.power_left_out,
    ),
    (
        _row("power", 1.7, "in {derivative} the factor {factor} is taken twice", "{derivative} 中因子 {factor} 取了两次"),
        tried.factor_twice,
    ),
    (
        _row("term missing", 1.4, "in {derivative} the summand {term} is missing", "{derivative} 中缺少一项 {term}"),
        tried.term_left_out,
    ),
    (
        _row("name", 1.9, "in {derivative} the code has {put} for {call}", "{derivative} 中代码把 {call} 写成了 {put}"),
        tried.function_left_out,
    ),
    (
        _row(
            "index",
            1.5,
            "in {derivative} the code has {put} where {entry} belongs",
            "{derivative} 中代码写了 {put}，应为 {entry}",
        ),
        tried.index_moved,
    ),
    (
        _row("branch", 1.0, "in {derivative} the condition is the wrong way round", "{derivative} 中条件写反了"),
        tried.condition_turned,
    ),
    (
        _row("branch", 1.1, "in {derivative} the code has -1 where 0 belongs", "{derivative} 中应为 0 处代码写了 -1"),
        tried.condition_with_minus_one,
    ),
    (
        _row("slope missing", 1.0, "in {derivative} the condition is left out", "{derivative} 中漏掉了条件"),
        tried.condition_left_out,
    ),
    (
        _row("branch", 1.2, "in {derivative} the condition never holds", "{derivative} 中条件从不成立"),
        tried.condition_never,
    ),
    (
        _row(
            "name",
            2.1,
            "for {wanted} the code takes {put} where {adjoint} belongs",
            "求 {wanted} 时代码用了 {put}，应为 {adjoint}",
        ),
        tried.upstream_exchanged,
    ),
    (
        _row(
            "name",
            2.0,
            "in {derivative} the code has {put} where {entry} belongs",
            "{derivative} 中代码写了 {put}，应为 {entry}",
        ),
        tried.name_exchanged,
    ),
    (
        _row(
            "name",
            2.0,
            "in {derivative} the code has its transpose {put} where {entry} belongs",
            "{derivative} 中代码写了转置 {put}，应为 {entry}",
        ),
        tried.name_transposed,
    ),
)

_RATIO = "exactly {ratio}: the gradient of {ratio} · {loss}", "恰为 {ratio} 倍：这是 {ratio} · {loss} 的梯度"

MISTAKES: Mapping[str, Mistake] = {
    # ---- the two sides as they stand: `relations`
    "shape": _row("shape", 0.0, "{name}: {note}", "{name}：{note}"),
    "zero": _row("zero", 0.5, "the code gives 0", "代码给出 0"),
    "sign": _row(
        "sign",
        0.5,
        "the sign is opposite: hand = -1 · derived, the gradient of -{loss}",
        "符号相反：手写 = -1 · 推导，这是 -{loss} 的梯度",
    ),
    "ratio": _row("ratio", 0.5, *_RATIO),
    "sum for mean": _row(
        "ratio",
        0.5,
        _RATIO[0] + "; a sum where the loss takes the mean over {size}",
        _RATIO[1] + "；损失对 {size} 取平均，代码取了总和",
    ),
    "mean twice": _row("ratio", 0.5, _RATIO[0] + "; divided by {size} once too often", _RATIO[1] + "；多除了一次 {size}"),
    "no half": _row("ratio", 0.5, _RATIO[0] + "; the stated loss has no 1/2", _RATIO[1] + "；所给损失没有 1/2"),
    "square twice": _row("ratio", 0.5, _RATIO[0] + "; the 2 of the square is counted twice", _RATIO[1] + "；平方的 2 算了两次"),
    "transpose": _row("transpose", 0.4, "the transpose of the gradient", "这是梯度的转置"),
    "reversed": _row(
        "index",
        0.55,
        "the elements along axis {axis} are in the opposite order: the index runs backwards",
        "沿轴 {axis} 的元素次序相反：下标倒着走",
    ),
    "exchanged": _row(
        "permuted",
        0.6,
        "what the code gives for {name} is the gradient of {other} (two results exchanged)",
        "代码给 {name} 的是 {other} 的梯度（两个结果互换）",
    ),
    "of another": _row(
        "permuted", 1.75, "what the code gives for {name} is the gradient of {other}", "代码给 {name} 的是 {other} 的梯度"
    ),
    "element of another": _row(
        "permuted",
        0.7,
        "what the code gives for {name} is the element {place} of the gradient of {other}",
        "代码给 {name} 的是 {other} 的梯度的第 {place} 个元素",
    ),
    "one unfilled": _row(
        "index",
        0.5,
        "the elements along axis {axis} are right, but element {place} is 0: a loop is too short or runs over another axis",
        "沿轴 {axis} 的元素正确，但第 {place} 个为 0：循环太短或走错了轴",
    ),
    "partly filled": _row(
        "index",
        0.5,
        "the elements along axis {axis} are right, but only {count} from {place} on are filled, the others are 0: a loop is too "
        "short or runs over another axis",
        "沿轴 {axis} 的元素正确，但从第 {place} 个起只填了 {count} 个，其余为 0：循环太短或走错了轴",
    ),
    "offset": _row("extra term", 1.0, "a constant {constant} is added", "多加了常数 {constant}"),
    "extra term": _row(
        "extra term", 1.1, "the code adds {term}, which the derivation does not have", "代码多加了 {term}，推导中没有"
    ),
    "lacking term": _row("extra term", 1.1, "the code lacks {term}, which the derivation has", "代码缺少推导中的 {term}"),
    "by logarithm": _row(
        "variable",
        0.45,
        "hand = {name} · derived, element by element: the gradient by log {name}, not by {name}",
        "手写 = {name} · 推导（逐元素）：这是对 log {name} 的梯度，不是对 {name} 的",
    ),
    "by exponential": _row(
        "variable",
        0.46,
        "hand = derived / {name}, element by element: the gradient by exp {name} for a {name} that is a logarithm",
        "手写 = 推导 / {name}（逐元素）",
    ),
    "by logits": _row(
        "variable",
        0.47,
        "the gradient by the logits of which {name} is the log-softmax along axis {axis}, not by {name}",
        "这是对 logits 的梯度（{name} 是其沿轴 {axis} 的 log-softmax），不是对 {name} 的",
    ),
    "epsilon": _row(
        "epsilon",
        0.2,
        "equal as ε → 0: the code adds {constants} as a guard, the derivation has none",
        "ε → 0 时相等：代码加了 {constants} 作保护，推导中没有",
    ),
    # ---- another loss: `other_loss`
    "another loss": _row(
        "another loss",
        0.3,
        "it is the gradient of {node} = {definition}, not of {loss}",
        "这是 {node} = {definition} 的梯度，不是 {loss} 的",
    ),
    "quadratic": _row(
        "another loss", 0.25, "it is the gradient of {square}, not of {loss}", "这是 {square} 的梯度，不是 {loss} 的"
    ),
    # ---- contributions to an adjoint: `contributions`, `factors`
    "stale weight": _row(
        "stale weight",
        0.35,
        "{weight} is read after it was updated; the gradients need its old value",
        "{weight} 在更新之后才被读取；梯度需要它的旧值",
    ),
    "path missing": _row(
        "path missing",
        0.9,
        "the path through {consumer} is missing in the sum for {adjoint}",
        "{adjoint} 的求和中缺少经过 {consumer} 的路径",
    ),
    "own term missing": _row(
        "path missing",
        0.9,
        "the term of {loss} in which {node} itself stands is missing in the sum for {adjoint}",
        "{adjoint} 的求和中缺少 {loss} 里直接含 {node} 的一项",
    ),
    "counted as 0": _row("path missing", 1.4, "{quotient} is counted as 0", "{quotient} 被当成了 0"),
    "adjoint negated": _row("sign", 0.9, "{adjoint} has the opposite sign", "{adjoint} 的符号相反"),
    "adjoint counted": _row("factor", 0.9, "{adjoint} is counted {times}", "{adjoint} 被计算了 {times}"),
    "term negated": _row(
        "sign", 0.9, "the sign of the term {term} of {quotient} is wrong", "{quotient} 中一项 {term} 的符号错误"
    ),
    "term counted": _row(
        "factor", 0.9, "the term {term} of {quotient} is counted {times}", "{quotient} 中的一项 {term} 被计算了 {times}"
    ),
    "wrong axis": _row(
        "axis",
        1.2,
        "the sum over {index} in {adjoint} runs over {axis} instead: the wrong axis",
        "{adjoint} 中对 {index} 的求和走的是 {axis}：轴错了",
    ),
    "elementwise": _row(
        "slope",
        1.2,
        "{quotient} is taken element by element, {entry}·(1 - {entry}); every element of {consumer} depends on all of {node} "
        "along the summed axis",
        "{quotient} 是逐元素取的：{entry}·(1 - {entry})；{consumer} 的每个元素都依赖求和轴上的全部 {node}",
    ),
    "target left out": _row(
        "term missing",
        1.45,
        "{adjoint} is what it would be for {target} = 0: the target is left out",
        "{adjoint} 等于 {target} = 0 时的值：漏掉了目标值",
    ),
    "factor missing": _row("factor missing", 1.72, "a factor {factor} is missing in {where}", "{where} 中缺少因子 {factor}"),
    "factor too many": _row("extra factor", 1.72, "{where} has a factor {factor} too many", "{where} 多了一个因子 {factor}"),
    "last term left out": _row(
        "index", 1.7, "in {adjoint}, the sum over {index} leaves out its last term", "{adjoint} 中对 {index} 的求和漏掉了最后一项"
    ),
    "first term left out": _row(
        "index", 1.7, "in {adjoint}, the sum over {index} leaves out its first term", "{adjoint} 中对 {index} 的求和漏掉了第一项"
    ),
    "last term only": _row(
        "index",
        1.7,
        "in {adjoint}, the sum over {index} keeps its last term only: each term overwrites the one before",
        "{adjoint} 中对 {index} 的求和只剩最后一项：后一项覆盖了前一项",
    ),
    "first term only": _row(
        "index", 1.7, "in {adjoint}, the sum over {index} has its first term only", "{adjoint} 中对 {index} 的求和只有第一项"
    ),
    "overwritten": _row(
        "index",
        1.72,
        "in {adjoint}, the terms of the sum over {index} overwrite each other where they should be added",
        "{adjoint} 中对 {index} 求和的各项互相覆盖，本应相加",
    ),
    "range of another": _row(
        "index",
        1.75,
        "in {adjoint}, the sum over {index} runs over the range of {other}",
        "{adjoint} 中对 {index} 的求和走的是 {other} 的范围",
    ),
    # ---- values of the forward pass: `forward`, `redefinitions`
    "forward value": _row(
        "forward",
        1.35,
        "the forward value {node} is not {definition}; everything behind it fits the value that the code has",
        "前向值 {node} 不是 {definition}；其后的一切都与代码所得的值相符",
    ),
    "forward summand": _row(
        "forward",
        0.8,
        "the forward value {node} is wrong: in {definition} the summand {term} is left out",
        "前向值 {node} 错误：{definition} 中漏掉了一项 {term}",
    ),
    "forward sign": _row(
        "forward",
        0.8,
        "the forward value {node} is wrong: in {definition} the sign of {term} is wrong",
        "前向值 {node} 错误：{definition} 中 {term} 的符号错误",
    ),
    "forward exchanged": _row(
        "forward",
        0.8,
        "the forward value {node} is wrong: in {definition} the code has {put} for {old}",
        "前向值 {node} 错误：{definition} 中代码把 {old} 写成了 {put}",
    ),
    "forward name": _row(
        "forward",
        0.8,
        "the forward value {node} is wrong: in {definition} the code has {put} where {old} belongs",
        "前向值 {node} 错误：{definition} 中代码写了 {put}，应为 {old}",
    ),
    "forward condition": _row(
        "forward",
        0.8,
        "the forward value {node} is wrong: in {definition} the condition is the wrong way round",
        "前向值 {node} 错误：{definition} 中条件写反了",
    ),
    "forward minus one": _row(
        "forward",
        0.8,
        "the forward value {node} is wrong: in {definition} the code has -1 where 0 belongs",
        "前向值 {node} 错误：{definition} 中应为 0 处代码写了 -1",
    ),
    "forward factor": _row(
        "forward",
        0.8,
        "the forward value {node} is wrong: in {definition} the factor {term} is left out",
        "前向值 {node} 错误：{definition} 中漏掉了因子 {term}",
    ),
}

_AT = "line {line} has {stands} where {belongs} belongs", "第 {line} 行 写的是 {stands}，应为 {belongs}"
MENDS: Mapping[str, Mistake] = {
    "name": _row("name", 1.0, *_AT),
    "constant": _row("constant", 1.0, *_AT),
    "index": _row("index", 1.0, *_AT),
    "power": _row("power", 1.0, *_AT),
    "slope": _row("slope", 1.0, *_AT),
    "factor exchanged": _row("name", 1.1, *_AT),
    "term exchanged": _row("name", 1.1, *_AT),
    "condition": _row("branch", 1.0, *_AT),
    "operator": _row("operator", 1.0, *_AT),
    "function": _row("function", 1.0, *_AT),
    "axis": _row("axis", 1.0, *_AT),
    "exchanged": _row(
        "permuted", 1.0, "line {line} has {stands}: the two sides are exchanged", "第 {line} 行 的 {stands} 两边互换了"
    ),
    "transpose": _row("transpose", 1.0, _AT[0] + ": the transpose", _AT[1] + "（转置）"),
    "sign": _row(
        "sign",
        1.0,
        "line {line} has {stands} where {belongs} belongs: a sign",
        "第 {line} 行 写的是 {stands}，应为 {belongs}（符号）",
    ),
    "bracket": _row(
        "bracket",
        1.0,
        "line {line}: brackets are missing or set wrongly, {belongs}",
        "第 {line} 行：括号缺失或位置不对，应为 {belongs}",
    ),
    "factor missing": _row(
        "factor missing", 1.0, "line {line}: a factor {belongs} is missing", "第 {line} 行：缺少因子 {belongs}"
    ),
    "factor too many": _row("extra factor", 1.0, "line {line}: a factor {stands} is too many", "第 {line} 行：多了因子 {stands}"),
    "term missing": _row("path missing", 1.0, "line {line}: the term {belongs} is missing", "第 {line} 行：缺少一项 {belongs}"),
    "term too many": _row("extra term", 1.0, "line {line}: the term {stands} is too many", "第 {line} 行：多了一项 {stands}"),
    "accumulation": _row(
        "overwritten",
        1.0,
        "line {line} has {stands} where {belongs} belongs: terms that fall on one place must be added up",
        "第 {line} 行 写的是 {stands}，应为 {belongs}：落在同一处的各项必须相加",
    ),
    "order": _row(
        "order",
        1.0,
        "line {line}: two statements are in the wrong order, {belongs}",
        "第 {line} 行：两条语句次序颠倒，应为 {belongs}",
    ),
    "statement missing": _row(
        "path missing",
        1.0,
        "line {line}: {belongs} is missing, so nothing is carried on",
        "第 {line} 行：缺少 {belongs}，没有向后传递",
    ),
    "step missing": _row("path missing", 1.0, "after line {line}, {belongs} is missing", "第 {line} 行 之后缺少 {belongs}"),
    "statement too many": _row("extra factor", 1.0, "line {line}: {stands} is too many", "第 {line} 行：{stands} 是多余的"),
    "statement": _row("statement", 1.2, *_AT),
}


@dataclass(frozen=True, slots=True)
class Explained:
    """A cause with the names it explains and what it costs to believe."""

    cause: Cause
    names: frozenset[str]
    cost: float


def explained(mistake: str | Mistake, names: Iterable[str], extra: float = 0.0, /, **values: Any) -> Explained:
    """Return a mistake of the catalogue as the reason for some names; formulas among its values are written out.

    Args:
        extra: how much more far-fetched this instance is than the usual one.
    """
    row = mistake if isinstance(mistake, Mistake) else MISTAKES[mistake]
    said = {key: value if isinstance(value, str) else formula(value) for key, value in values.items()}
    return Explained(Cause(row, said), frozenset(names), row.cost + extra)
