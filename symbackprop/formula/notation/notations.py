"""Ready notations: the textbook's, those of the source documents, Nielsen's, and matrix notation after Goodfellow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from symbackprop.errors import UserError, nearest
from symbackprop.formula.notation.notation import Notation

TEXTBOOK = Notation()

TANH_NEURON = Notation(
    title="tanh_neuron",
    aliases={"x": "o1"},
    digits="plain",
    times="*",
    times_derivative="*",
    juxtapose_bracket="never",
    brackets="plain",
    partial="d",
    update="arrow",
    residual="target-out",
    decimals=4,
)

PERCEPTRON = Notation(
    title="perceptron",
    aliases={"L": "loss", "z": "val"},
    times_derivative=r"\cdot",
    update="arrow",
    sum_bounds="full",
    layered=frozenset({"l"}),
    index_separator=",",
    residual="target-out",
    learning_rate="lr",
)

LINEAR_REGRESSION = Notation(
    title="linear_regression",
    transpose="T",
    brackets="plain",
    partial="d",
    update="arrow",
    learning_rate="lr",
)

TWO_TWO_ONE = Notation(
    title="two_two_one",
    aliases={"ypred": "y_pred", "o1": "y_pred", "learn_rate": "eta"},
    functions={"sigmoid": "f"},
    digits="subscript",
    times_derivative="*",
    times="*",
    brackets="plain",
    juxtapose_bracket="never",
    partial="name",
    update="arrow",
    residual="target-out",
)

TWO_THREE_TWO = Notation(
    title="two_three_two",
    names={"eta": "η"},
    aliases={
        **{f"h{k}": f"out_h{k}" for k in (1, 2, 3)},
        **{f"o{k}": f"out_o{k}" for k in (1, 2)},
        **{f"y_{k}": f"target_o{k}" for k in (1, 2)},
        **{f"Net_{unit}": f"net_{unit}" for unit in ("h1", "h2", "h3", "o1", "o2")},
        "loss": "E_total",
        "Loss": "E_total",
    },
    functions={"sigmoid": "Sigmod"},
    digits="plain",
    times="*",
    times_derivative="*",
    juxtapose_bracket="complement",
    brackets="plain",
    nesting="square",
    change="Δ",
    residual="target-out",
    biases=frozenset({"b1", "b2"}),
    raw_powers=True,
)

MLP_SOFTMAX = Notation(
    title="mlp_softmax",
    times_derivative="",
    brackets="plain",
)

NIELSEN = Notation(
    title="nielsen",
    names={"eta": r"\eta"},
    functions={"log": r"\ln"},
    layered=frozenset({"a", "b", "w", "z", "delta"}),
    transpose="T",
    times_derivative="",
    brackets="plain",
    delta="delta",
    update="arrow",
)

GOODFELLOW = Notation(
    title="goodfellow",
    functions={"log": r"\log"},
    bold=frozenset({"W", "X", "H", "U", "V", "x", "h", "b", "y", "z", "g"}),
    layered=frozenset({"W", "b", "h", "a", "g"}),
    layer_brackets="()",
    index_separator=",",
    words="upright",
    times_derivative="",
    update="arrow",
)

READY: Mapping[str, Notation] = MappingProxyType(
    {
        notation.title: notation
        for notation in (
            TEXTBOOK,
            TANH_NEURON,
            PERCEPTRON,
            LINEAR_REGRESSION,
            TWO_TWO_ONE,
            TWO_THREE_TWO,
            MLP_SOFTMAX,
            NIELSEN,
            GOODFELLOW,
        )
    }
)


def notation_called(title: str) -> Notation:
    """Return a ready notation by its title; raises `UserError` naming the nearest."""
    if title not in READY:
        raise UserError(f"no notation {title!r}; there are {', '.join(READY)}.{nearest(title, READY)}")
    return READY[title]
