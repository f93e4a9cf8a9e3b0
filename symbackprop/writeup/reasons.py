"""Reasons beside the steps in the reader's language: the reasons of a derivation are English; here is their Chinese.

A reason is a rule's name, a sentence with names in it, or several of these joined; what has no pattern (the user's own
words) stays.
"""

from __future__ import annotations

import re

from symbackprop.writeup.phrases import LANGUAGE_COLUMN, PHRASES

_N = r"(.+?)"
#: Patterns of whole sentences and their Chinese; \1, \2 … are the names.
_SENTENCES: tuple[tuple[str, str], ...] = (
    (rf"derivative of {_N}", r"\1 的导数"),
    (
        "factors that do not contain the summed index come out of the sum",
        "不含求和下标的因子可以提到求和号外",
    ),
    ("only the terms whose indices agree remain", "只留下下标相等的项"),
    (rf"cancel {_N}", r"约去 \1"),
    (rf"shapes {_N}", r"形状 \1"),
    (rf"put {_N} in", r"代入 \1"),
    (rf"because {_N}", r"因为 \1"),
    (
        rf"the summed index {_N} is the first axis of {_N}, but a matrix product sums over the last axis of its left factor; "
        rf"so {_N} is transposed",
        r"求和下标 \1 是 \2 的第一个轴，而矩阵乘法对左因子的最后一个轴求和，所以 \3 要转置",
    ),
    (
        rf"the summed index {_N} is the last axis of {_N}, but a matrix product sums over the first axis of its right factor; "
        rf"so {_N} is transposed",
        r"求和下标 \1 是 \2 的最后一个轴，而矩阵乘法对右因子的第一个轴求和，所以 \3 要转置",
    ),
    (
        rf"the summed index {_N} is the only axis of the vector {_N}; on the left of a product it stands as a row",
        r"求和下标 \1 是向量 \2 唯一的轴；放在乘积左边时写成行向量",
    ),
    (
        rf"{_N} runs along the columns of the result, so the vector {_N} is laid down as a row",
        r"\1 沿结果的列变化，所以向量 \2 写成行向量",
    ),
    (rf"multiplying by ones over {_N} sums over {_N}", r"乘以 \1 上的全 1 向量就是对 \2 求和"),
    (
        rf"what does not depend on {_N} is repeated in every row, which a product with ones over {_N} does",
        r"与 \1 无关的量在每一行重复，乘以 \2 上的全 1 向量即可",
    ),
    (
        rf"what does not depend on {_N} is repeated in every column, which a product with ones over {_N} does",
        r"与 \1 无关的量在每一列重复，乘以 \2 上的全 1 向量即可",
    ),
    (
        "the result has one index, so it is a vector; it is written here as a row, the transpose of a column",
        "结果只有一个下标，是向量；这里写成行向量，即列向量的转置",
    ),
    (
        rf"its axes are {_N}, those of the result {_N}: {_N} is transposed",
        r"它的轴是 \1，结果的轴是 \2：\3 要转置",
    ),
    (rf"the diagonal matrix multiplies each row {_N} by its entry of {_N}", r"对角矩阵把每一行 \1 乘以 \2 的相应元素"),
    (rf"the diagonal matrix multiplies each column {_N} by its entry of {_N}", r"对角矩阵把每一列 \1 乘以 \2 的相应元素"),
)
#: Two halves joined by "; " that are one sentence, so that splitting must not part them.
_JOINT = re.compile(r"; (?=so |on the left|it is written)")
_GLUE = "\x00"


def reason(because: str, lang: str) -> str:
    """Return the reason of a step in the reader's language."""
    if because in PHRASES:
        return PHRASES[because][LANGUAGE_COLUMN[lang]]
    if lang == "en" or not because:
        return because
    sentences = _JOINT.sub(_GLUE, because).split("; ")
    return "；".join(_translated(sentence.replace(_GLUE, "; "), lang) for sentence in sentences)


def _translated(sentence: str, lang: str) -> str:
    if sentence in PHRASES:
        return PHRASES[sentence][LANGUAGE_COLUMN[lang]]
    for pattern, chinese in _SENTENCES:
        found = re.fullmatch(pattern, sentence)
        if found:
            return found.expand(chinese)
    parts = sentence.split(", ")
    if not all(part in PHRASES for part in parts):
        return sentence  # the user's words, or a formula with commas of its own
    return "、".join(PHRASES[part][LANGUAGE_COLUMN[lang]] for part in parts)
