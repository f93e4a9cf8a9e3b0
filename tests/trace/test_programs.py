"""Whole little programs in the styles people write: the trace is what Python computes, at other points too."""

from __future__ import annotations

import abc
import collections
import copy
import dataclasses
import enum
import functools
import inspect
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symbackprop.trace.arrays import numpy_protocol, traced_array
from symbackprop.trace.graph.evaluate import evaluate
from symbackprop.trace.graph.graph import CannotTrace, Graph, InputName
from symbackprop.trace.run.trace import trace

_random = np.random.default_rng(0)
STANDARD = {"x": _random.normal(size=(2, 3)), "w": _random.normal(size=(3, 2)), "v": _random.normal(size=3)}


def doubled(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs) * 2

    return inner


@doubled
def decorated(x):
    return np.tanh(x)


class Base(abc.ABC):
    @abc.abstractmethod
    def forward(self, x): ...

    @property
    def scale(self):
        return self._scale

    @classmethod
    def make(cls, scale):
        made = cls()
        made._scale = scale
        return made

    @staticmethod
    def activate(x):
        return np.exp(x)


class Child(Base):
    def forward(self, x):
        return self.activate(x) * self.scale


def abstract_classes(x):
    return Child.make(x.sum()).forward(x)


@dataclasses.dataclass(frozen=True)
class Affine:
    w: Any
    b: float = 0.5

    def out(self, x):
        return x @ self.w + self.b


def frozen_dataclass(x, w):
    return dataclasses.replace(Affine(w), b=1.5).out(x)


class Slots:
    __slots__ = ("w",)

    def __init__(self, w):
        self.w = w


def slots(w):
    return Slots(w).w * 2


class Mode(enum.Enum):
    RELU = 1
    TANH = 2


def enumeration(x, mode=Mode.TANH):
    return np.tanh(x) if mode is Mode.TANH else x


class Sigmoid:
    def __call__(self, x):
        return 1 / (1 + np.exp(-x))


SIGMOID = Sigmoid()
ACTIVATIONS = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}


def callable_object(x):
    return SIGMOID(x)


def table_of_functions(x):
    return ACTIVATIONS["tanh"](x) + ACTIVATIONS["relu"](x)


def copies(x):
    first = copy.deepcopy(x)
    first[0] = 0
    second = copy.copy(x)
    second += 1
    return first + second


def generators(v):
    def twice():
        for item in v:
            yield item * 2

    return np.array(list(twice()))


def reduced(v):
    return functools.reduce(operator.mul, v)


def accumulating_dict(x):
    sums = collections.defaultdict(float)
    for i in range(2):
        for j in range(3):
            sums[i] += x[i, j] ** 2
    return dict(sums)


def running_sum(v):
    return list(itertools.accumulate(v))


def while_loop(v):
    value, count = v[0], 0
    while abs(value) < 3 and count < 50:
        value, count = value * 2, count + 1
    return value


def views(x):
    out = np.zeros((2, 3))
    row = out[0]
    row += x[1]
    out.T[0] += 1
    out.ravel()[4] += x[0, 0]
    return out


def assignment_expression(v):
    return (double := v * 2) + double


def structural_match(v):
    match v.shape:
        case (3,):
            return v * 2
        case _:
            return v


def numpy_assertions(x):
    np.testing.assert_allclose(x, x)
    np.testing.assert_array_equal(x, x)
    assert np.isclose(x, x).all()
    return x * 2


def prints_everything(x):
    print(x, repr(x), x[0], x.sum(), "%s %r %.3f" % (x, x, x[0, 0]), str(x.tolist()))  # noqa: UP031
    return x * 2


def seeded_dropout(x):
    np.random.seed(3)
    mask = np.random.binomial(1, 0.5, x.shape) / 0.5
    return x * mask * np.random.RandomState(1).randn(*x.shape)


def swallowed_exception(v):
    try:
        return v[int(v[0] * 10)]
    except Exception:
        return v * 2


def logic(x):
    return np.where((x > 0) & (x < 1) | ~(x > -1), x, x**2)


def min_max_scaling(x):
    return (x - x.min(0)) / (x.max(0) - x.min(0))


def in_place_argument(x):
    x[x < 0] *= 0.1
    return x


def in_place_everything(x):
    x = x.copy()
    x **= 2
    x /= 3
    x -= 1
    x *= 2
    x += x
    return x


def in_place_scalar(v):
    total = v[0]
    total += 1
    total *= 2
    total /= 3
    total **= 2
    total -= 1
    return total


def by_key(v):
    return max(v, key=abs) * min(v) + sorted(v, key=lambda item: -item)[1]


def truth_of_arrays(v):
    return v[0] if v.any() and not (v == 0).all() else v[1]


def nested_closures(v):
    def outer(a):
        def inner(b):
            return b * v[0] + a

        return inner(a)

    return outer(v[1])


class Property:
    def __init__(self, w):
        self._w = w

    @property
    def w(self):
        return self._w

    @w.setter
    def w(self, value):
        self._w = value

    @functools.cached_property
    def twice(self):
        return self._w * 2

    def step(self, g):
        self.w = self.w - 0.1 * g
        return self.twice


def properties(v):
    thing = Property(v)
    thing.step(v)
    return thing.step(v)


def lstm_cell(x, w):
    h, c = np.zeros(1), np.ones(1) * 0.3
    weights = np.vstack([w, w[:1]]) @ np.ones((2, 4)) / 2
    for row in x:
        i, f, o, g = np.split(np.concatenate([row, h]) @ weights, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return h, c


def recursion(v, depth=6):
    return v if depth == 0 else math.tanh(recursion(v, depth - 1)[0]) * v


PROGRAMS: list[Callable[..., Any]] = [
    decorated,
    abstract_classes,
    frozen_dataclass,
    slots,
    enumeration,
    callable_object,
    table_of_functions,
    copies,
    generators,
    reduced,
    accumulating_dict,
    running_sum,
    while_loop,
    views,
    assignment_expression,
    structural_match,
    numpy_assertions,
    prints_everything,
    seeded_dropout,
    swallowed_exception,
    logic,
    min_max_scaling,
    in_place_argument,
    in_place_everything,
    in_place_scalar,
    by_key,
    truth_of_arrays,
    nested_closures,
    properties,
    lstm_cell,
    recursion,
]


def _arguments(function: Callable[..., Any], step: float) -> dict[str, Any]:
    names = [name for name in inspect.signature(function).parameters if name in STANDARD]
    return {name: STANDARD[name] * (1 + step) for name in names}


def _flat(result: Any) -> np.ndarray[Any, Any]:
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return np.concatenate([_flat(item) for item in result])
    return np.asarray(result, dtype=float).reshape(-1)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_program_traces_to_what_python_computes(program: Callable[..., Any]) -> None:
    run = trace(program, _arguments(program, 0.0))
    nodes = [node for value in run.results.values() for node in value.nodes]
    for step in (0.0, 1e-3):
        arguments = _arguments(program, step)
        point = {InputName(n, index): float(a[index]) for n, a in arguments.items() for index in np.ndindex(a.shape)}
        expected = _flat(program(**arguments))
        np.testing.assert_allclose(np.array(evaluate(run.graph, nodes, point), dtype=float), expected, rtol=1e-10, atol=1e-14)
        assert not np.allclose(expected, 0)


# ---- the second point: a tracer with a mistake in it must not get a trace through


def test_planted_wrong_function_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(traced_array.ELEMENTWISE, "tanh", (lambda x: x.sinh(), False))
    with pytest.raises(CannotTrace, match="second point"):
        trace(decorated, _arguments(decorated, 0.0))


def test_planted_lost_dependency_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Graph.apply

    def forgetful(self: Graph, name: str, node: int) -> int:
        made = original(self, name, node)
        return self.number(self.values[made]) if name == "exp" else made

    monkeypatch.setattr(Graph, "apply", forgetful)
    with pytest.raises(CannotTrace, match="second point"):
        trace(callable_object, _arguments(callable_object, 0.0))


def test_planted_wrong_reduction_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean_of_all(graph: Graph, a: Any, axis: Any = None, **options: Any) -> Any:
        return a.sum(axis=axis) / a.size

    monkeypatch.setitem(numpy_protocol.OWN, "mean", mean_of_all)
    with pytest.raises(CannotTrace, match="second point"):
        trace(lambda x: np.mean(x, axis=0), {"x": STANDARD["x"]})


def test_planted_wrong_branch_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Graph.compare
    monkeypatch.setattr(Graph, "compare", lambda self, a, relation, b: not original(self, a, relation, b))
    with pytest.raises(CannotTrace, match="second point"):
        trace(lambda x: np.where(x > 0, x, 0.1 * x), {"x": STANDARD["x"]})


def test_alias_of_a_plain_array_written_to_is_rejected() -> None:
    def aliased(v):
        table = np.arange(3) / 2
        other = table
        table += v
        return other

    with pytest.raises(CannotTrace, match="second point"):
        trace(aliased, {"v": STANDARD["v"]})


def test_underflow_in_single_precision_is_no_lost_dependency() -> None:
    run = trace(lambda x: np.exp(x) * 3, {"x": np.array([-120.0, -1.0], dtype=np.float32)})
    assert run.checked.points == 1


def test_overflow_of_the_code_is_said_to_be_one() -> None:
    with pytest.raises(CannotTrace, match=r"gives nan for result\[0\].*overflows"):
        trace(lambda x: np.exp(x) / np.exp(x).sum(), {"x": np.array([95.0, 93.0], dtype=np.float32)})


def test_matrix_class_is_refused_by_name() -> None:
    with pytest.raises(CannotTrace, match=r"`np\.matrix` at line"):
        trace(lambda x: np.matrix(x) * 2, {"x": STANDARD["x"]})
