"""Why a step holds: `Reason`, a key and what it is about; and the one table of its wordings, in English and Chinese.

The derivation keeps records. They become words where they are printed, by `worded`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symbackprop.errors import InternalError, nearest
from symbackprop.network.wording import in_language

LANGUAGES = ("en", "zh")
_GAP = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason: a key of `REASONS`, and the texts (or reasons) for the gaps of its sentence, by name."""

    key: str
    values: tuple[tuple[str, str | Reason], ...] = ()

    def __str__(self) -> str:
        return worded((self,))


#: Reasons that hold together for one step, in order.
Because = tuple[Reason, ...]


def because(key: str, **values: str | Reason) -> Because:
    """Return a single reason; raises InternalError for an unknown key, or a sentence with a gap that has no value."""
    if key not in REASONS:
        raise InternalError(f"no reason {key!r}.{nearest(key, REASONS)}")
    missing = set(_GAP.findall(REASONS[key][0])) - values.keys()
    if missing:
        raise InternalError(f"reason {key!r}: expected values for {sorted(missing)} too, got {sorted(values)}")
    return (Reason(key, tuple(values.items())),)


def worded(reasons: Iterable[Reason], lang: str = "en") -> str:
    """Return reasons in a language: names of rules as a list, sentences one after the other."""
    comma, semicolon = {"en": (", ", "; "), "zh": ("、", "；")}[lang]
    text, previous = "", ""
    for reason in reasons:
        between = comma if previous in NAMES_OF_RULES and reason.key in NAMES_OF_RULES else semicolon
        text += (between if text else "") + _sentence(reason, lang)
        previous = reason.key
    return text


def _sentence(reason: Reason, lang: str) -> str:
    values = {gap: in_language(value, lang) if isinstance(value, str) else _sentence(value, lang) for gap, value in reason.values}
    return _GAP.sub(lambda gap: values[gap[1]], REASONS[reason.key][LANGUAGES.index(lang)])


_RULES = {
    "identity": ("identity", "恒等"),
    "sum rule": ("sum rule", "和的求导法则"),
    "product rule": ("product rule", "积的求导法则"),
    "quotient rule": ("quotient rule", "商的求导法则"),
    "power rule": ("power rule", "幂的求导法则"),
    "constant rule": ("constant rule", "常数求导法则"),
    "constant multiple rule": ("constant multiple rule", "常数倍法则"),
    "power rule and chain rule": ("power rule and chain rule", "幂法则与链式法则"),
    "chain rule": ("chain rule", "链式法则"),
    "derivative of": ("derivative of {function}", "{function} 的导数"),
}
NAMES_OF_RULES = frozenset(_RULES)

#: Every reason: its sentence in English and Chinese, with a gap for each of its values.
REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **_RULES,
        "sum over paths": ("sum over paths", "对路径求和"),
        "local derivative": ("local derivative", "局部导数"),
        "definition": ("definition", "定义"),
        "multiply the factors": ("multiply the factors", "各因子相乘"),
        "shared name": ("a name for what several gradients share", "给多个梯度共用的因子起一个名字"),
        "with the shared name": ("with the shared name", "用共用的记号"),
        "shared factor": ("a shared factor", "多个梯度共用"),
        "with its name": ("with its name", "用共用的记号"),
        "locals put in": ("put the local derivatives in", "代入局部导数"),
        "numbers put in": ("put the numbers in", "代入数字"),
        "put in": ("put {of} in", "代入 {of}"),
        "equal": ("{left} = {right}", "{left} = {right}"),
        "adjoint": ("{left} = {right}", "{left} = {right}"),
        "fact": ("{left} = {right}: {words}", "{left} = {right}: {words}"),
        "cancel": ("cancel {factors}", "约去 {factors}"),
        "indices agree": ("only the terms whose indices agree remain", "只留下下标相等的项"),
        "come out": ("factors that do not contain the summed index come out of the sum", "不含求和下标的因子可以提到求和号外"),
        "expand": ("multiply out", "展开"),
        "multiply out": ("multiply out; a sum of terms is the sum of each term", "展开；各项之和的求和等于各项求和之和"),
        "renamed index": ("a summed index may have any name", "求和下标可以换名"),
        "common factor": ("take out the common factor", "提取公因子"),
        # Where the transposes and the ones of a matrix form come from.
        "shapes": ("shapes {shapes}", "形状 {shapes}"),
        "first axis": (
            "the summed index {index} is the first axis of {name}, but a matrix product sums over the last axis of its left "
            "factor; so {name} is transposed",
            "求和下标 {index} 是 {name} 的第一个轴，而矩阵乘法对左因子的最后一个轴求和，所以 {name} 要转置",
        ),
        "last axis": (
            "the summed index {index} is the last axis of {name}, but a matrix product sums over the first axis of its right "
            "factor; so {name} is transposed",
            "求和下标 {index} 是 {name} 的最后一个轴，而矩阵乘法对右因子的第一个轴求和，所以 {name} 要转置",
        ),
        "only axis": (
            "the summed index {index} is the only axis of the vector {name}; on the left of a product a vector stands as a row",
            "求和下标 {index} 是向量 {name} 唯一的轴；放在乘积左边时写成行向量",
        ),
        "laid down": (
            "{index} runs along the columns of the result, so the vector {name} is laid down as a row",
            "{index} 沿结果的列变化，所以向量 {name} 写成行向量",
        ),
        "ones sum": ("multiplying by ones over {index} sums over {index}", "乘以 {index} 上的全 1 向量就是对 {index} 求和"),
        "repeated in rows": (
            "what does not depend on {index} is repeated in every row, which a product with ones over {index} does",
            "与 {index} 无关的量在每一行重复，乘以 {index} 上的全 1 向量即可",
        ),
        "repeated in columns": (
            "what does not depend on {index} is repeated in every column, which a product with ones over {index} does",
            "与 {index} 无关的量在每一列重复，乘以 {index} 上的全 1 向量即可",
        ),
        "diagonal, rows": (
            "the diagonal matrix multiplies each row {index} by its entry of {name}",
            "对角矩阵把每一行 {index} 乘以 {name} 的相应元素",
        ),
        "diagonal, columns": (
            "the diagonal matrix multiplies each column {index} by its entry of {name}",
            "对角矩阵把每一列 {index} 乘以 {name} 的相应元素",
        ),
        "vector as row": (
            "the result has one index, so it is a vector; it is written here as a row, the transpose of a column",
            "结果只有一个下标，是向量；这里写成行向量，即列向量的转置",
        ),
        "axes turned": (
            "the axes of {name} are {own}, those of the result {result}; so {name} is transposed",
            "{name} 的轴是 {own}，结果的轴是 {result}；所以 {name} 要转置",
        ),
        "unseen": (
            "moving {name} moves what it is added to as a whole, which does not change {nodes}",
            "{name} 变化时，加上它的量整体移动，{nodes} 不变",
        ),
        "in brackets": ("what is in brackets", "括号里的量"),
    }
)
