"""Fixed phrases: both languages complete, the same gaps in both, reasons translated."""

from __future__ import annotations

import re

import pytest

from symbackprop.errors import InternalError
from symbackprop.formula.tree.tree import Name
from symbackprop.writeup.page.blocks import FormulaBlock, Heading, Prose, Table
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.page.phrases import PHRASES, phrase, plain
from tests.writeup.support import outline_of

GAPS = re.compile(r"\{\w+\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("key", PHRASES)
def test_a_phrase_has_the_same_gaps_in_both_languages(key):
    english, chinese = PHRASES[key]
    assert sorted(GAPS.findall(english)) == sorted(GAPS.findall(chinese))
    assert english
    assert CHINESE.search(chinese)
    assert not CHINESE.search(english)


def test_gaps_are_filled_with_words_and_formulas():
    assert phrase("backward", "zh", name=Name("w7")) == (Name("w7"), " 的梯度")
    assert plain("variant", "en", seed=3) == "variant 3"


def test_an_unknown_phrase_and_a_missing_gap_are_errors():
    with pytest.raises(InternalError, match="no phrase"):
        phrase("nonsense", "en")
    with pytest.raises(InternalError, match="needs a value"):
        phrase("variant", "en")


def test_a_chinese_handout_has_no_english_sentence():
    outline = outline_of("two_three_two", HandoutOptions(lang="zh"))
    words = []
    for block in outline.blocks:
        if isinstance(block, Heading | Prose):
            words += [part for part in block.words if isinstance(part, str)]
        if isinstance(block, Table):
            words += [part for title in block.header for part in title if isinstance(part, str)]
        if isinstance(block, FormulaBlock):
            words += [line.because for line in block.lines]
    assert len(words) > 40
    left = [text for text in words if re.search(r"[a-z]{3,} [a-z]{3,}", text)]
    assert left == []
