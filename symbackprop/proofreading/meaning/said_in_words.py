"""Numbers that a text gives in words: "all weights are 1 and all offsets 0", "the learning rate is 0.1", "height 5".

A word stands for a name where the text says so, `$x_1$ is the height`, and for a number where it has one in the whole text: what
is said with two numbers says none. What a formula or a line of code gives is believed before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from mpmath import mpf

from symbackprop.formula.read.name_table import Names
from symbackprop.proofreading.meaning.values import Key
from symbackprop.proofreading.text.document import Document, Fragment

_NUMBER = r"[`$]{0,2}\s*([-−]?\d+(?:\.\d+)?)(?![\w.]*\d|\s*[%×/]|\s*(?:to|through|and|or|up to|[-–~到至])\s*\d)[`$]{0,2}"
_BE = (
    r"\s*(?:are|is|be|were|start (?:at|from)|start out as|begin (?:at|with)|to|都?是|都?为|均为|设为|设成|取|=|:|：)"
    r"\s*(?:all |each |都|均)*"
)
_WEIGHTS = re.compile(
    rf"(?:\b(?:all|every|each)(?: of)?(?: the| its)? weights?\b|所有的?权重|权重(?=[都均全])|权值(?=[都均全])){_BE}{_NUMBER}",
    re.I,
)
_OFFSETS = re.compile(
    r"(?:\b(?:all|every|each)(?: of)?(?: the| its)? (?:offset|bias)(?:es|s)?\b|所有的?偏置|偏置项?(?=[都均全]))"
    rf"(?:{_BE}|\s*){_NUMBER}",
    re.I,
)
_RATE = re.compile(
    rf"(?:learning[- ]rate|step size|学习率|学习速率)(?:\s*\$?\\?\w+\$?)?\s*(?:of|is|=|:|为|是|取|设为|：)\s*{_NUMBER}", re.I
)
_CALLED = re.compile(
    r"\s*(?:is|stands for|denotes|是|表示|代表)\s*(?:the |a |an )?([A-Za-z]{3,}|[一-鿿]{2,4})(?=\s*(?:and|of|[,.;，。；、]|$))"
)
_MADE = re.compile(
    r"\s*(?:is|denotes|means|stands for|是|为|表示|即)\s*[^.。;；$]{0,40}?(?:\b(?:one over|inverse|reciprocal|root|squares?|sum|"
    r"product|quotient|ratio|difference|mean|average|variance|deviation|norm|logarithm|exponential)\b"
    r"|倒数|平方|开方|[之的]和|乘积|[之的]积|[之的]差|[之的]商|比值|均值|平均|方差|标准差|范数|对数|指数)",
    re.I,
)
_RATES = ("eta", "lr", "alpha", "learning_rate")
_WEIGHT, _OFFSET = re.compile(r"w_?\d+"), re.compile(r"b_?\d*")


def numbers_in_words(document: Document, scalars: Iterable[str], names: Names) -> dict[Key, tuple[mpf, ...]]:
    """Return what names are worth by the words of a text."""
    words = [fragment.text for fragment in document.fragments if fragment.kind == "prose"]
    known = list(scalars)
    found = {**_of_all(words, _WEIGHTS, known, _WEIGHT), **_of_all(words, _OFFSETS, known, _OFFSET)}
    rates = [name for name in known if name in _RATES]
    if len(rates) == 1 and (rate := _only(words, _RATE)) is not None:
        found[(rates[0],)] = rate
    found.update(_of_things(words, dict(_called(document.fragments, names))))
    return {key: (number,) for key, number in found.items()}


def _of_things(words: Sequence[str], called: Mapping[str, str]) -> Iterator[tuple[Key, mpf]]:
    """Yield the numbers of what names stand for: `height 5`."""
    for name, word in called.items():
        number = _only(words, re.compile(rf"(?<![A-Za-z]){word}(?:\s*(?:of|is|=|:|为|是)\s*|\s*){_NUMBER}", re.I))
        if number is not None and list(called.values()).count(word) == 1:
            yield (name,), number


def _of_all(words: Sequence[str], said: re.Pattern[str], names: Iterable[str], like: re.Pattern[str]) -> dict[Key, mpf]:
    number = _only(words, said)
    return {} if number is None else {(name,): number for name in names if like.fullmatch(name)}


def _only(words: Iterable[str], said: re.Pattern[str]) -> mpf | None:
    """Return the number that is said, where it is one; None where none is, or several are."""
    numbers = {mpf(match[1].replace("−", "-")) for text in words for match in said.finditer(text)}
    return numbers.pop() if len(numbers) == 1 else None


def made_in_words(document: Document, names: Names) -> frozenset[str]:
    """Return the names of which words say of what they are made: `r_i` *is one over the root of the variance*."""
    pairs = pairwise(document.fragments)
    return frozenset(
        name
        for formula, behind in pairs
        if formula.kind == "formula" and not formula.display and behind.kind == "prose" and _MADE.match(behind.text)
        for name in (names.find(formula.text.strip()) or names.find(_LABELS.sub("", formula.text.strip())),)
        if name is not None
    )


_LABELS = re.compile(r"[_^].*", re.S)


def _called(fragments: Sequence[Fragment], names: Names) -> Iterator[tuple[str, str]]:
    """Yield the names of which the text says what they are, with the word for it: `$x_1$ is the height`."""
    said: dict[str, set[str]] = {}
    for formula, behind in pairwise(fragments):
        if formula.kind == "formula" and not formula.display and behind.kind == "prose":
            name, word = names.find(formula.text.strip()), _CALLED.match(behind.text)
            if name is not None and word is not None:
                said.setdefault(name, set()).add(word[1])
    return ((name, min(words)) for name, words in said.items() if len(words) == 1)
