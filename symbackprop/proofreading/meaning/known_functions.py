"""Which function a letter stands for, where the text gives no formula for it: it calls it by name, or says what its slope is.

`the sigmoid σ`, `the activation g is tanh`; `σ'(z) = σ(z)(1 - σ(z))`, which among the usual functions only the sigmoid keeps. Of
a letter about which nothing is said, what holds for any smooth function is all that can be said to hold.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise

import mpmath
import numpy as np
from mpmath import mpf

from symbackprop.formula.tree.tree import Call, Chain, Decorated, Formula, Group, Name, Partial
from symbackprop.formula.tree.walk import walk
from symbackprop.proofreading.meaning.array_values import OF_ARRAYS, NoValueError
from symbackprop.proofreading.meaning.values import DIGITS, Knowledge, Valuation
from symbackprop.proofreading.text.document import Document

Function = Callable[..., mpf]
#: What texts call the functions, and how the report names them.
CALLED = {
    "sigmoid": (re.compile(r"sigmo|logistic function|logística|S[\s-]?[型形]", re.I), "the sigmoid"),
    "tanh": (re.compile(r"\btanh\b|hyperbolic tangent|双曲正切", re.I), "tanh"),
    "relu": (re.compile(r"\bReLU\b|rectifie[rd]|线性整流", re.I), "ReLU"),
    "softplus": (re.compile(r"\bsoftplus\b", re.I), "softplus"),
}
#: Functions that their slope is told from, as few texts use others.
IN_WORDS = {**{name: words for name, (_, words) in CALLED.items()}, "exp": "the exponential function"}
TOLD_BY_SLOPE = ("sigmoid", "tanh", "exp", "softplus")
NEARBY = 45
_ALONE = re.compile(r"\s*\\?([A-Za-z]+)\s*(?:(?:\\left)?\(.{0,12}\))?\s*", re.S)
_PLACES = (mpf("0.37"), mpf("-0.81"), mpf("1.43"))


def called_by_name(document: Document, letters: Iterable[str]) -> Mapping[str, str]:
    """Return the function that each of some letters is called: σ where the text speaks of one, any other beside the letter."""
    said: dict[str, set[str]] = {letter: set() for letter in letters}
    for before, formula, behind in _inline(document):
        letter = _ALONE.fullmatch(formula)
        if letter and letter[1] in said:
            said[letter[1]] |= {*_functions_in(before[-NEARBY:]), *_functions_in(behind[:NEARBY])}
    if "sigma" in said and CALLED["sigmoid"][0].search(document.text):
        said["sigma"] = {"sigmoid"}
    return {letter: next(iter(names)) for letter, names in said.items() if len(names) == 1 and names != {"relu"}}


def _inline(document: Document) -> Iterator[tuple[str, str, str]]:
    """Yield every formula inside a line with the prose before and behind it."""
    pieces = document.fragments
    for number, piece in enumerate(pieces):
        if piece.kind == "formula" and not piece.display:
            around = [pieces[at].text if 0 <= at < len(pieces) else "" for at in (number - 1, number + 1)]
            yield around[0], piece.text, around[1]


def _functions_in(prose: str) -> Iterator[str]:
    """Yield the functions that a sentence names around a formula."""
    yield from (name for name, (pattern, _) in CALLED.items() if pattern.search(prose))


def told_by_slope(chain: Chain, environment: Knowledge) -> tuple[str, str] | None:
    """Return σ and "sigmoid" of `σ'(z) = σ(z)(1 - σ(z))`; None where a chain does not tell a function by its slope."""
    for left, right in pairwise(chain.parts):
        name = _slope_of(left)
        if name and _speaks_only_of(right, name) and name not in environment.functions:
            fitting = [other for other in TOLD_BY_SLOPE if _fits(left, right, name, environment.functions[other])]
            if len(fitting) == 1:
                return name, fitting[0]
    return None


def _slope_of(side: Formula) -> str:
    """Return σ of `σ'(z)` and `∂σ(z)/∂z`; "" for anything else."""
    while isinstance(side, Group):
        side = side.body
    if isinstance(side, Call):
        return _primed(side)
    called = side.numerator if isinstance(side, Partial) and not side.others else None
    if isinstance(side, Partial) and isinstance(called, Call) and called.arguments == (side.denominator,):
        return called.function.name if isinstance(called.function, Name) else ""
    return ""


def _primed(call: Call) -> str:
    marked = call.function if isinstance(call.function, Decorated) and call.function.kind == "prime" else None
    head = marked.body if marked is not None and isinstance(call.arguments[0], Name) else None
    return head.name if isinstance(head, Name) else ""


def _speaks_only_of(side: Formula, name: str) -> bool:
    """Whether a side calls one function, and has one name besides."""
    calls = [node for node in walk(side) if isinstance(node, Call)]
    names = {node.name for node in walk(side) if isinstance(node, Name)} - {name, "e"}
    return bool(calls) and all(call.function == Name(name) for call in calls) and len(names) == 1


def _fits(left: Formula, right: Formula, name: str, function: Function) -> bool:
    (argument,) = {node.name for node in walk(right) if isinstance(node, Name)} - {name, "e"}
    trial = Knowledge(functions={name: function})
    with mpmath.workdps(DIGITS):
        for place in _PLACES:
            point = Valuation(trial, 1, {(argument,): place})
            try:
                if np.any(abs(point.value(left) - point.value(right)) > mpf(10) ** -14):
                    return False
            except NoValueError:
                return False
    return True


# ---- functions of which nothing is said ----------------------------------------------------------------------------


def any_function(name: str) -> Function:
    """Return a smooth function that has no property besides: what holds for it holds for any."""

    def value(*arguments: mpf) -> mpf:
        rng = random.Random(f"{name} {len(arguments)}")
        total = mpf(rng.randrange(100, 900)) / 1000
        for x in arguments:
            total += _some(rng) * mpmath.sin(_some(rng) * x + _some(rng)) + _some(rng) * x + _some(rng) * x * x / 10
        for x, y in combinations(arguments, 2):
            total += _some(rng) * x * y
        return total

    return value


def _some(rng: random.Random) -> mpf:
    return mpf(rng.randrange(300, 1400)) / 1000


def called_only(chains: Sequence[Chain], environment: Knowledge) -> frozenset[str]:
    """Return the names that are called like functions, and of which the text says nothing, or not yet."""
    heads = {head for chain in chains for node in walk(chain) if isinstance(node, Call) and (head := _head(node.function))}
    quantities = {name for name, found in environment.definitions.items() if not found.arguments}
    quantities |= _for_one_input(chains) & (environment.shapes.keys() | environment.in_layers)
    known = quantities | environment.functions.keys() | {str(key[0]) for key in environment.given}
    return frozenset(heads - known - _KNOWN)


def _for_one_input(chains: Iterable[Chain]) -> set[str]:
    """Return y and a^(4) of `y(x) - a^(4)(x)`: what is called with one name wherever it is called."""
    inputs: dict[str, set[str]] = {}
    for call in (node for chain in chains for node in walk(chain) if isinstance(node, Call)):
        inputs.setdefault(_head(call.function), set()).add(_only_input(call))
    return {head for head, given in inputs.items() if len(given) == 1 and "" not in given}


def _only_input(call: Call) -> str:
    """Return x of `y(x)`; "" of `y'(x)`, `y(2x)`, `y(x, w)`."""
    single = call.arguments[0] if len(call.arguments) == 1 and isinstance(call.function, Name) else None
    return single.name if isinstance(single, Name) else ""


_OF_NO_VALUE = frozenset(("integral", "pm", "mp", "minus"))  # which is no function of what it is called with here
_KNOWN = _OF_NO_VALUE | OF_ARRAYS.keys()


def _head(function: Formula) -> str:
    while isinstance(function, Decorated):
        function = function.body
    return function.name if isinstance(function, Name) else ""
