"""Reasons are records: every key has its sentence in both languages, worded only where it is printed."""

from __future__ import annotations

import re

import pytest

from symbackprop.derive.reasons import REASONS, Reason, because, worded
from symbackprop.errors import InternalError

GAPS = re.compile(r"\{\w+\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("key", REASONS)
def test_a_sentence_has_the_same_gaps_in_both_languages(key: str) -> None:
    english, chinese = REASONS[key]
    assert set(GAPS.findall(english)) == set(GAPS.findall(chinese))
    assert not CHINESE.search(english)
    words = re.search("[a-z]", GAPS.sub("", english))
    assert bool(words) == bool(CHINESE.search(chinese)), "a sentence with words is translated"


def test_names_of_rules_are_a_list_and_sentences_stand_apart() -> None:
    rules = (*because("power rule"), *because("derivative of", function="tanh"))
    assert worded(rules) == "power rule, derivative of tanh"
    assert worded(rules, "zh") == "幂的求导法则、tanh 的导数"
    sentences = (*because("shapes", shapes="(M,N)(N,K)"), *because("first axis", index="n", name="A1"))
    assert worded(sentences).startswith("shapes (M,N)(N,K); the summed index n is the first axis of A1, but")
    assert worded(sentences, "zh") == (
        "形状 (M,N)(N,K)；求和下标 n 是 A1 的第一个轴，而矩阵乘法对左因子的最后一个轴求和，所以 A1 要转置"
    )
    assert worded(()) == ""


def test_a_value_may_be_words_itself() -> None:
    (turned,) = because("diagonal, rows", index="n", name=Reason("in brackets"))
    assert worded((turned,), "zh") == "对角矩阵把每一行 n 乘以 括号里的量 的相应元素"


def test_an_unknown_key_and_a_missing_value_are_errors() -> None:
    with pytest.raises(InternalError, match=r"no reason 'chian rule'\. Did you mean chain rule"):
        because("chian rule")
    with pytest.raises(InternalError, match=r"expected values for .*'of'"):
        because("put in")


def test_what_a_user_says_keeps_its_words() -> None:
    (fact,) = because("fact", left="Σ_k t[n,k]", right="1", words="one-hot; see a, b")
    assert worded((fact,), "zh") == "Σ_k t[n,k] = 1: one-hot; see a, b"
