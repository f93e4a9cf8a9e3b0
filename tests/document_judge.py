"""A judge of the formulas in `derivations/*/document.md`: what they say, tried out in numbers. For tests.

It knows the definitions of a network and difference quotients, nothing of the derivation. Scalar networks are judged with 60
digits, arrays with floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import mpmath
import numpy as np

from symbackprop.formula.notation.notations import notation_called
from symbackprop.formula.tree.tree import (
    BigSum,
    Call,
    Cases,
    Chain,
    Decorated,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Sum,
    Transpose,
    Update,
)
from symbackprop.formula.tree.walk import children
from symbackprop.network import Network
from tests import brute_force, high_precision
from tests.document_reading import EXTRA, names_of

# --- the judge


class NotSmoothError(Exception):
    """A derivative is wanted where there is none."""


@dataclass
class Judge:
    """Gives the value of a written formula at one point; derivatives are difference quotients of the definitions."""

    document: str
    network: Network
    given: Mapping[str, Any]
    known: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.exact = not any(node.indices for node in self.network.nodes.values())
        self.sizes = self.network.sizes(self.given)
        self.aliases = {"eta": "eta", **notation_called(self.document).aliases}
        self.step = mpmath.mpf(10) ** -15 if self.exact else 1e-4
        self.tolerance = 2e-15 if self.exact else 1e-6
        self.start = self.forward({})

    def forward(self, moved: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of all nodes, some of them held at a value of their own."""
        if self.exact:
            return high_precision.forward(self.network, self.given, moved)
        values: dict[str, Any] = {}
        for name, node in self.network.nodes.items():
            if name in moved or node.expression is None:
                values[name] = np.asarray(moved.get(name, self.given.get(name)), float)
            else:
                values[name] = brute_force.tabulate(node.expression, node.indices, values, self.sizes)
        return values

    def holds(self, chain: Chain) -> bool:
        """Whether every relation holds, for all values of the free indices. Raises NotSmoothError."""
        with mpmath.workdps(high_precision.DIGITS):
            return self._holds(chain)

    def _holds(self, chain: Chain) -> bool:
        parts = (Update(chain.parts[0]), *chain.parts[1:]) if chain.relations[0] == "←" else chain.parts
        assert set(chain.relations) <= {"=", "←"}, chain.relations
        indices = [name for name in self.network.declared_indices if any(_has_free(part, name) for part in parts)]
        ranges = [range(self.extent(name)) for name in indices]
        for place in product(*ranges):
            values = [self.value(part, dict(zip(indices, place, strict=True)), self.start) for part in parts]
            if not all(self.same(values[0], value, part) for value, part in zip(values, parts, strict=True)):
                return False
        return True

    def same(self, first: Any, second: Any, written: Formula) -> bool:
        """Whether two values agree; a printed number counts as rounded to its digits."""
        first, second = np.asarray(first, float), np.asarray(second, float)
        digits = written.body if isinstance(written, Neg) else written
        places = len(digits.text.partition(".")[2]) if isinstance(digits, Number) else 0
        rounding = 0.51 * 10.0**-places if places else 0.0
        return first.shape == second.shape and np.allclose(first, second, self.tolerance, self.tolerance + rounding)

    def extent(self, index: str) -> int:
        """Return how far an index runs."""
        return int(brute_force.number(self.network.declared_indices[index].upper, {}, {}, self.sizes)) + 1

    # --- values

    def value(self, node: Formula, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
        """Return the value of a formula at places of the indices; `values` are those of the nodes."""
        special = self.special(node, at, values)
        if special is not None:
            return special
        rule = _VALUES.get(type(node))
        assert rule is not None, f"no value for {node}"
        return rule(self, node, at, values)

    def special(self, node: Formula, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
        """Return the value of a name that only this document knows; None for all others."""
        rule = SPECIAL.get((self.document, _head(node)))
        return None if rule is None else rule(self, node, at, values)

    def named(self, name: str, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
        """Return the value of a name or alias."""
        if name in at:
            return at[name]
        name = self.aliases.get(name, name)
        if name in ("eta", notation_called(self.document).learning_rate):
            return EXTRA[self.document].rate
        constants = {"e": mpmath.e if self.exact else np.e}
        return {**constants, **self.sizes, **values}[name]

    def derivative(self, of: Formula, by: Formula, at: Mapping[str, int]) -> Any:
        """Return ∂of/∂by; by a whole array, the array of the derivatives by its entries. Raises NotSmoothError."""
        name, where = ENTRY.get((self.document, _head(by)), (self.aliases.get(_head(by), _head(by)), None))
        if isinstance(by, Indexed):
            where = tuple(self.value(index, at, self.start) for index in by.indices)
        shape = np.shape(self.start[name])
        if where is not None or not shape:
            return self.slope(of, name, where, at)
        return np.reshape([self.slope(of, name, place, at) for place in np.ndindex(shape)], shape)

    def slope(self, of: Formula, name: str, where: tuple[int, ...] | None, at: Mapping[str, int]) -> Any:
        """Return the derivative of a quantity by a scalar or by one entry of an array. Raises NotSmoothError at a kink."""
        key = (of, name, where, tuple(sorted(at.items())))
        if key not in self.known:
            above, here, below = (self.value(of, at, self.moved(name, where, sign)) for sign in (1, 0, -1))
            if abs(above - 2 * here + below) > 0.05 * self.step:
                raise NotSmoothError(name)
            self.known[key] = (above - below) / (2 * self.step)
        return self.known[key]

    def moved(self, name: str, where: tuple[int, ...] | None, sign: int) -> Mapping[str, Any]:
        """Return the values of all nodes after a small step of one number."""
        key = (name, where, sign)
        if key not in self.known:
            value = self.start[name] + sign * self.step if where is None else np.array(self.start[name], dtype=float)
            if where is not None:
                value[where] += sign * self.step
            self.known[key] = self.forward({name: value}) if sign else self.start
        return self.known[key]

    def curvature(self, of: Formula, by: Formula) -> Any:
        """Return ∂²of/∂by² of scalars."""
        name = self.aliases.get(_head(by), _head(by))
        above, here, below = (self.value(of, {}, self.moved(name, None, sign)) for sign in (1, 0, -1))
        return (above - 2 * here + below) / self.step**2

    def updated(self, body: Formula, at: Mapping[str, int]) -> Any:
        """Return a parameter after one step against the gradient of the loss."""
        return self.value(body, at, self.start) + self.change(body, at)

    def change(self, body: Formula, at: Mapping[str, int]) -> Any:
        """Return -η ∂loss/∂parameter."""
        return -EXTRA[self.document].rate * self.derivative(Name(LOSS[self.document]), body, at)


LOSS = {
    "tanh_neuron": "loss",
    "perceptron": "loss",
    "linear_regression": "loss",
    "two_two_one": "L",
    "two_three_two": "E_total",
    "mlp_softmax": "E",
}


def _head(node: Formula) -> str:
    """Return the name a formula is about: of a name, an element, or a function applied to something."""
    head = node.function if isinstance(node, Call) else node
    return head.name if isinstance(head, Name | Indexed) else ""


def _has_free(node: Formula, index: str) -> bool:
    """Whether an index occurs in a formula outside the sums over it."""
    if isinstance(node, BigSum) and node.index == Name(index):
        return False
    return node == Name(index) or any(_has_free(child, index) for child in children(node))


def _function(judge: Judge, node: Call, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    (argument,) = (judge.value(argument, at, values) for argument in node.arguments)
    if isinstance(node.function, Decorated):
        assert isinstance(node.function.body, Name)
        return mpmath.diff(MATHEMATICS[node.function.body.name], mpmath.mpf(argument))
    assert isinstance(node.function, Name)
    return MATHEMATICS[node.function.name](argument)


MATHEMATICS: Mapping[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": lambda x: np.tanh(x) if isinstance(x, float) else mpmath.tanh(x),
    "log": np.log,
}


def _matrix_product(factors: list[Any]) -> Any:
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor if np.ndim(result) and np.ndim(factor) else result * factor
    return result


def _big_sum(judge: Judge, node: BigSum, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    """Σ over the values of an index; over whole arrays, the sum of their rows."""
    assert isinstance(node.index, Name)
    if not _has_free(node.body, node.index.name):
        array = np.asarray(judge.value(node.body, at, values))
        assert len(array) == judge.extent(node.index.name)
        return array.sum(axis=0)
    if node.lower is not None:
        assert node.lower == Number("1")
        assert judge.value(node.upper or Number("1"), at, values) == judge.extent(node.index.name)
    return sum(judge.value(node.body, {**at, node.index.name: place}, values) for place in range(judge.extent(node.index.name)))


def _cases(judge: Judge, node: Cases, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    for branch in node.branches:
        condition = branch.condition
        if condition is None:
            return judge.value(branch.value, at, values)
        assert isinstance(condition, Chain)
        assert condition.relations == (">",)
        first, second = (judge.value(part, at, values) for part in condition.parts)
        if first > second:
            return judge.value(branch.value, at, values)
    raise AssertionError("no branch")


def _partial(judge: Judge, node: Partial, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    if node.others:
        assert node.others == (node.denominator,)
        return judge.curvature(node.numerator, node.denominator)
    return judge.derivative(node.numerator, node.denominator, at)


_VALUES: Mapping[type[Formula], Callable[..., Any]] = {
    Name: lambda judge, node, at, values: judge.named(node.name, at, values),
    Indexed: lambda judge, node, at, values: judge.named(node.name, at, values)[
        tuple(judge.value(index, at, values) for index in node.indices)
    ],
    Number: lambda judge, node, at, values: mpmath.mpf(node.text) if judge.exact else float(node.text),
    Neg: lambda judge, node, at, values: -judge.value(node.body, at, values),
    Group: lambda judge, node, at, values: judge.value(node.body, at, values),
    Sum: lambda judge, node, at, values: sum(judge.value(term, at, values) for term in node.terms),
    Product: lambda judge, node, at, values: _matrix_product([judge.value(factor, at, values) for factor in node.factors]),
    Hadamard: lambda judge, node, at, values: np.prod([judge.value(factor, at, values) for factor in node.factors], axis=0),
    Fraction: lambda judge, node, at, values: judge.value(node.numerator, at, values) / judge.value(node.denominator, at, values),
    Power: lambda judge, node, at, values: judge.value(node.base, at, values) ** judge.value(node.exponent, at, values),
    Transpose: lambda judge, node, at, values: np.transpose(judge.value(node.body, at, values)),
    Update: lambda judge, node, at, values: judge.updated(node.body, at),
    Decorated: lambda judge, node, at, values: judge.change(node.body, at),
    Partial: _partial,
    BigSum: _big_sum,
    Call: _function,
    Cases: _cases,
}


# --- names that only one document knows


def _loss_grad(judge: Judge, node: Formula, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    """lossGrad(x): the derivative of the loss by the output, where the output is x."""
    assert isinstance(node, Call)
    (argument,) = node.arguments
    start = judge.value(argument, at, values)
    ends = [judge.forward({"o1": start + sign * judge.step})["loss"] for sign in (1, -1)]
    return (ends[0] - ends[1]) / (2 * judge.step)


def _sample_loss(judge: Judge, node: Formula, at: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    """lⁿ: what sample n adds to the loss; `l` alone is the loss of the first sample."""
    place = at[node.upper[0].name] if isinstance(node, Indexed) and isinstance(node.upper[0], Name) else 0
    if isinstance(node, Call) and isinstance(node.function, Indexed):
        return _sample_loss(judge, node.function, at, values)
    return -(values["t"][place] - values["y_pre"][place]) * values["val"][place] / 4


def _gradient(name: str, rows: bool = False) -> Callable[..., Any]:
    """∂loss/∂name; times N for the gradients that the document passes on before it averages over the batch."""
    return lambda judge, node, at, values: (judge.sizes["N"] if rows else 1) * judge.derivative(Name("loss"), Name(name), {})


SPECIAL: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("tanh_neuron", "lossGrad"): _loss_grad,
    ("perceptron", "l"): _sample_loss,
    ("perceptron", "z"): lambda judge, node, at, values: values["val"][0],
    ("perceptron", "L"): lambda judge, node, at, values: values["loss"],
    ("linear_regression", "dw"): _gradient("W"),
    ("linear_regression", "db"): _gradient("b"),
    ("linear_regression", "dy"): _gradient("y", rows=True),
    ("linear_regression", "dz"): _gradient("z", rows=True),
    ("linear_regression", "next_dz"): _gradient("y", rows=True),
    ("two_two_one", "x"): lambda judge, node, at, values: mpmath.mpf("0.37"),
}
#: Names that stand for one entry of an array: z is the weighted sum of the first sample.
ENTRY: Mapping[tuple[str, str], tuple[str, tuple[int, ...] | None]] = {("perceptron", "z"): ("val", (0,))}


# --- the points


LARGE = 50  # an example with more numbers than this is judged at random values of smaller arrays only


def elsewhere(network: Network) -> dict[str, Any]:
    """Return random values for everything declared, arrays of small sizes, rows of targets that sum to one."""
    rng = np.random.default_rng(7)
    sizes = {"N": 2, "D": 3, "M": 2, "K": 3}
    values: dict[str, Any] = {}
    for name, node in network.nodes.items():
        if node.defined:
            continue
        shape = tuple(sizes[str(extent)] for extent in node.shape)
        number = rng.uniform(0.2, 1.3, shape) * rng.choice([-1, 1], shape)
        values[name] = number if shape else float(number)
        if network.facts and name == "t":
            values[name] = np.eye(shape[1])[rng.integers(0, shape[1], shape[0])]
    return values


VERDICTS = {
    (True, True): "always",
    (True, False): "example",
    (False, True): "elsewhere",
    (None, True): "not smooth at the example",
    (False, False): "never",
    (None, False): "never",
}


def _judges(document: str, network: Network) -> tuple[Judge, Judge]:
    other = Judge(document, network, elsewhere(network))
    large = sum(np.size(value) for value in network.values.values()) > LARGE
    return other if large else Judge(document, network, dict(network.values)), other


class Documents:
    """All documents, with the judges of each at both points."""

    def __init__(self, networks: Mapping[str, Network]) -> None:
        self.names = {name: names_of(name, network) for name, network in networks.items()}
        self.judges = {name: _judges(name, network) for name, network in networks.items()}

    def verdict(self, document: str, chain: Chain) -> str:
        """Return where a statement holds."""
        found: list[bool | None] = []
        for judge in self.judges[document]:
            try:
                found.append(judge.holds(chain))
            except NotSmoothError:
                found.append(None)
        return VERDICTS[found[0], bool(found[1])]
