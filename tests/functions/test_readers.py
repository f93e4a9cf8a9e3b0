"""Every reader of the table of functions knows every function: parametrised over all rows and all readers.

Values are compared with mpmath at 40 digits, slopes with its differences; neither reads the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
import scipy.special
import sympy

from symbackprop import Network, check_gradient, derive, train
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.mathml import mathml
from symbackprop.formula.print.text import text
from symbackprop.formula.print.typst import typst
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.value.arithmetic import EXACT, FLOATS
from symbackprop.formula.value.evaluate import Known, value_of
from symbackprop.formula.value.from_sympy import from_sympy
from symbackprop.formula.value.to_sympy import to_sympy
from symbackprop.functions import BY_ANY_NAME, BY_NAME, ELEMENTARY
from symbackprop.trace.graph.ball import balls
from symbackprop.trace.graph.evaluate import evaluate
from symbackprop.trace.graph.graph import InputName
from symbackprop.trace.run.trace import trace
from symbackprop.writeup.outline.notebook_network import network_source

mp = mpmath.mp


def _softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


def _expit(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def _selu(x: Any) -> Any:
    return mpmath.mpf("1.0507009873554805") * x if x > 0 else mpmath.mpf("1.7580993408473766") * mpmath.expm1(x)


TRUE: dict[str, Callable[..., Any]] = {
    **{name: getattr(mpmath, name) for name in ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "erfc", "expm1")},
    **{name: getattr(mpmath, name) for name in ("log", "log1p", "log10", "sqrt", "hypot", "sign")},
    **{f"arc{name}": getattr(mpmath, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "arctan2": mpmath.atan2,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "Abs": abs,
    "sigmoid": _expit,
    "softplus": _softplus,
    "logsigmoid": lambda x: -_softplus(-x),
    "silu": lambda x: x * _expit(x),
    "mish": lambda x: x * mpmath.tanh(_softplus(x)),
    "logaddexp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "gelu_tanh": lambda x: x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mp.pi) * (x + mpmath.mpf("0.044715") * x**3))),
    "step": lambda x: mpmath.mpf(x > 0),
    "maximum": max,
    "minimum": min,
    "hard_tanh": lambda x: min(max(x, mpmath.mpf(-1)), mpmath.mpf(1)),
    "hard_sigmoid": lambda x: min(max(x / 6 + mpmath.mpf(0.5), mpmath.mpf(0)), mpmath.mpf(1)),
    "softsign": lambda x: x / (1 + abs(x)),
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "relu6": lambda x: min(max(x, mpmath.mpf(0)), mpmath.mpf(6)),
    "leaky_relu": lambda x, alpha: x if x > 0 else alpha * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
    "selu": _selu,
    "celu": lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x / alpha),
}
NAMES = tuple(BY_NAME)
SECOND = 0.625
#: Far out and near 0, as far as the value is an ordinary float.
EXTREME = (-1e3, -30.0, -1e-12, 1e-12, 30.0, 1e3)


def places(name: str) -> tuple[float, ...]:
    """Return ordinary arguments on both sides of 0, inside the domain, away from kinks."""
    low, high = BY_NAME[name].domain[0] if BY_NAME[name].domain else (-math.inf, math.inf)
    if high < math.inf:
        return (-0.75, 0.375)
    return (low + 0.375, low + 1.75) if low > -math.inf else (-1.375, 0.4375)


def arguments(name: str, x: float) -> tuple[float, ...]:
    """Return all arguments of a function, the first as given."""
    return (x, SECOND)[: BY_NAME[name].arity]


def true(name: str, *args: float) -> float:
    """Return the value to 40 digits, rounded."""
    with mpmath.workdps(40):
        return float(TRUE[name](*map(mpmath.mpf, args)))


def true_slope(name: str, k: int, *args: float) -> float:
    """Return ∂f/∂(argument k) by a difference in 60 digits."""
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20
        moved = [[mpmath.mpf(a) + sign * step * (j == k) for j, a in enumerate(args)] for sign in (1, -1)]
        return float((TRUE[name](*moved[0]) - TRUE[name](*moved[1])) / (2 * step))


def small_network(name: str, indexed: bool = False) -> tuple[Any, dict[str, Any]]:
    """Return the derivation of y = f(w x), E = y², with values."""
    net = Network(f"one {name}")
    row, x = BY_NAME[name], places(name)[1]
    inside = () if not indexed else net.indices("n:N")
    at = (lambda symbol: symbol[inside]) if indexed else (lambda symbol: symbol)
    value = np.full(3, x) if indexed else x
    w = net.parameter("w", *inside, value=value)
    a = net.parameter("a", value=SECOND) if row.arity == 2 else None
    y = net.define("y", *inside, row.function(at(w), *([a] if a is not None else [])))
    loss = net.define("E", sympy.Sum(y[inside] ** 2, *inside) if indexed else y**2)
    values = {"w": value} | ({"a": SECOND} if a is not None else {})
    return derive(net, loss), values


def test_the_reference_values_know_every_function() -> None:
    assert set(TRUE) == set(NAMES)


@pytest.mark.parametrize("indexed", [False, True], ids=["scalar", "array"])
@pytest.mark.parametrize("name", NAMES)
def test_a_network_derives_and_its_source_runs(name: str, indexed: bool) -> None:
    derivation, values = small_network(name, indexed)
    args = arguments(name, places(name)[1])
    y = true(name, *args)
    loss, gradients = derivation.function()(**values)
    count = 3 if indexed else 1
    assert loss == pytest.approx(count * y * y, rel=1e-13)
    assert np.ravel(gradients["w"]) == pytest.approx(np.full(count, 2 * y * true_slope(name, 0, *args)), rel=1e-12, abs=1e-13)
    if "a" in values:
        assert gradients["a"] == pytest.approx(count * 2 * y * true_slope(name, 1, *args), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_generated_source_is_stable_far_out_and_near_0(name: str) -> None:
    net = Network(f"one {name}")
    row = BY_NAME[name]
    x, *rest = net.inputs("x a" if row.arity == 2 else "x") if row.arity == 2 else (net.input("x"),)
    n = net.indices("n:N")
    rows = net.input("X", *n)
    derivation = derive(net, net.define("E", row.function(x, *rest) + sympy.Sum(row.function(rows[n], *rest), *n)), wrt=["X"])
    low, high = row.domain[0] if row.domain else (-math.inf, math.inf)
    for at in EXTREME:
        place = at if row.domain == () else low + abs(at) if high == math.inf else at / 2e3
        expected = true(name, place, *([SECOND] if rest else []))
        if place <= low or not math.isfinite(expected):
            continue
        loss, gradients = derivation.function()(x=place, X=np.array([place]), **({"a": SECOND} if rest else {}))
        assert loss == pytest.approx(2 * expected, rel=1e-12, abs=1e-300), place
        assert np.all(np.isfinite(gradients["X"])), place


@pytest.mark.parametrize("name", NAMES)
def test_every_format_prints_it_and_the_latex_is_read_back(name: str) -> None:
    row = BY_NAME[name]
    symbols = sympy.symbols("x a", real=True)[: row.arity]
    expression = row.function(*symbols)
    written = from_sympy(expression)
    for printer in (latex, text, mathml, typst):
        assert printer(written)
    names = Names.of(scalars="x a", functions=name if name == "sigmoid" else "")
    back = read(latex(written), names)
    assert back == written
    assert to_sympy(back, {"x": symbols[0], "a": symbols[-1]}) == expression
    for spelling in row.also_written:
        again = read(latex(written).replace(row.latex, spelling), names)
        assert to_sympy(again, {"x": symbols[0], "a": symbols[-1]}) == expression


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_several_letters_is_upright_in_every_format(name: str) -> None:
    row = BY_NAME[name]
    if not row.latex or name in ("sigmoid", "exp"):  # σ, e^x
        return
    written = from_sympy(row.function(*sympy.symbols("x a", real=True)[: row.arity]))
    word = row.latex.replace(r"\operatorname", "").strip("\\").replace("{", "").partition("}")[0].partition("_")[0]
    assert word in text(written)
    assert f"<mi>{word}</mi>" in mathml(written) or f'<mi mathvariant="normal">{word}</mi>' in mathml(written)
    assert f'"{word}"' in typst(written) or f"{word} (" in typst(written) or f"{word}(" in typst(written)


@pytest.mark.parametrize("name", NAMES)
def test_written_arithmetic_knows_it(name: str) -> None:
    for x in places(name):
        args = arguments(name, x)
        assert float(FLOATS.call(name, *args)) == pytest.approx(true(name, *args), rel=1e-13, abs=1e-15)
        written = from_sympy(BY_NAME[name].function(*map(sympy.Rational, args)), {})
        assert float(value_of(written, Known({}, {}, EXACT))) == pytest.approx(true(name, *args), rel=1e-15, abs=1e-16)


def code_of(name: str) -> list[tuple[str, Callable[..., Any]]]:
    """Return the functions of numpy, math and scipy.special under which code calls it."""
    called = BY_NAME[name].called
    modules = (("numpy", np, called.numpy), ("math", math, called.math), ("scipy", scipy.special, called.scipy))
    return [(f"{title}.{word}", getattr(module, word)) for title, module, words in modules for word in words]


CALLS = [(name, title, function) for name in NAMES for title, function in code_of(name)]


@pytest.mark.parametrize(("name", "title", "function"), CALLS, ids=[title for _, title, _ in CALLS])
def test_code_that_calls_it_is_traced(name: str, title: str, function: Callable[..., Any]) -> None:
    def call(x: Any, a: Any) -> Any:
        return function(*(x, a)[: BY_NAME[name].arity])

    for x in places(name):
        args = arguments(name, x)
        run = trace(call, {"x": x, "a": SECOND})
        (node,) = run.results[""].nodes
        point = {InputName("x", ()): x, InputName("a", ()): SECOND}
        assert run.graph.values[node] == pytest.approx(true(name, *args), rel=1e-13, abs=1e-15)
        (ball,) = balls(run.graph, [node], point, 200)
        with mpmath.workdps(60):
            exactly = TRUE[name](*map(mpmath.mpf, args))
            assert abs(mpmath.mpf(ball.mid().str(55, radius=False)) - exactly) < mpmath.mpf(10) ** -40 * (1 + abs(exactly))
        assert float(evaluate(run.graph, [node], point)[0]) == pytest.approx(true(name, *args), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].primitive])
def test_balls_of_primitives(name: str) -> None:
    for x in places(name):
        with flint.ctx.workprec(200), mpmath.workdps(60):
            primitive = BY_NAME[name].primitive
            assert primitive is not None
            ball, exactly = primitive.ball(flint.arb(x)), TRUE[name](mpmath.mpf(x))
            assert abs(mpmath.mpf(ball.mid().str(55, radius=False)) - exactly) < mpmath.mpf(10) ** -45 * (1 + abs(exactly))
            assert 0 <= float(ball.rad()) < 1e-50
        assert primitive.parity in (0, 1, -1)
        if primitive.parity:
            assert true(name, -x) == pytest.approx(primitive.parity * true(name, x), rel=1e-15)
        if primitive.of_exponential is not None:
            assert true(name, x) == pytest.approx(np.divide(*primitive.of_exponential(math.exp(x))), rel=1e-13)
        if primitive.of_rotation is not None:
            numerator, denominator = primitive.of_rotation(complex(math.cos(x), math.sin(x)), 1j)  # type: ignore[arg-type]
            assert numerator / denominator == pytest.approx(true(name, x), rel=1e-13)
        if primitive.complement:
            assert true(name, x) == pytest.approx(1 - true(primitive.complement, x), rel=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_its_generated_source_is_accepted(name: str) -> None:
    derivation, _ = small_network(name)
    assert check_gradient(derivation, derivation.function(), explain=False, repair=False).ok


FEW = ("numpy.arctan", "numpy.arccosh", "numpy.arctan2", "math.asin", "scipy.erfc")
SOME = [pytest.param(*call, id=call[1], marks=() if call[1] in FEW else pytest.mark.slow) for call in CALLS]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "title", "function"), SOME)
def test_a_loss_that_calls_it_is_a_reference(name: str, title: str, function: Callable[..., Any]) -> None:
    """Right gradients are accepted, and not those with a factor 1 + 1e-6 at one of them."""
    derivation, values = small_network(name)
    source = derivation.function()

    def loss(w: float, a: float = SECOND) -> Any:
        return function(*(w, a)[: len(values)]) ** 2

    def right(**given: float) -> Any:
        return source(**given)[1]

    def wrong(**given: float) -> Any:
        return {name: (1 + 1e-6) * slope for name, slope in source(**given)[1].items()}

    exact = check_gradient(loss, right, example=values, explain=False, repair=False)
    assert exact.ok, exact
    if name not in ("sign",):  # its slope is 0
        assert not check_gradient(loss, wrong, example=values, explain=False, repair=False).ok


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_builds_the_same_network(name: str) -> None:
    derivation, values = small_network(name)
    space: dict[str, Any] = {}
    exec(network_source(derivation.network, "E"), space)  # the source of a notebook cell
    built = space["build"](values)
    assert built.nodes["y"].expression == derivation.network.nodes["y"].expression


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_network_trains(name: str) -> None:
    derivation, values = small_network(name)
    history = train(derivation, lr=1e-3, epochs=2, progress=False)
    slope = 2 * true(name, *arguments(name, values["w"])) * true_slope(name, 0, *arguments(name, values["w"]))
    step = train(derivation, lr=1e-3, epochs=1, progress=False).parameters["w"] - values["w"]
    assert step == pytest.approx(-1e-3 * slope, rel=1e-9, abs=1e-15)
    assert history.losses[-1] <= history.losses[0]


def test_aliases_stand_for_one_function() -> None:
    assert BY_ANY_NAME["swish"] is BY_NAME["silu"]
    assert BY_ANY_NAME["atan"] is BY_NAME["arctan"] is ELEMENTARY[sympy.atan]
    assert all(BY_ANY_NAME[alias] is row for row in BY_NAME.values() for alias in row.aliases)
