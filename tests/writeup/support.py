"""What the tests of write-ups share: random networks, an arithmetic of their own, and a reader of what was printed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
import sympy
from sympy import Rational, Symbol, lambdify, tanh

from symbackprop import numeric
from symbackprop.api import Derivation, derive
from symbackprop.derive.steps.worked_formulas import pre_activations
from symbackprop.derive.steps.writer import delta_name
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.tree import tree
from symbackprop.functions import BY_NAME, NamedFunction
from symbackprop.loading import load_network
from symbackprop.network import Network, sigmoid
from symbackprop.writeup.make import make_outline
from symbackprop.writeup.page.blocks import FormulaBlock, Outline, Table
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.student.leaks import answer_numbers, unrounded_answers

SCALAR = ("two_three_two", "two_two_one", "tanh_neuron")
ARRAYS = ("linear_regression", "mlp_softmax", "perceptron")
#: The first in the fast suite, the others among the slow tests.
ARRAYS_SLOWLY = (ARRAYS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in ARRAYS[1:]))
STEP = 1e-30


@cache
def document(name: str) -> Derivation:
    """Return the derivation of a document's network."""
    loaded = load_network(f"derivations/{name}")
    return derive(loaded.network, loaded.loss)


@cache
def outline_of(name: str, options: HandoutOptions) -> Outline:
    """Return the outline of a document's handout, each made once."""
    return make_outline(document(name), options)


@cache
def random_derivation(seed: int) -> Derivation:
    """Return the derivation of a small layered network with random sizes, units and numbers."""
    dice = Random(seed)
    net = Network(f"random network {seed}")
    sizes = [dice.randint(1, 3) for _ in range(dice.randint(2, 3))]
    count = sum((before + 1) * after for before, after in pairwise(sizes))

    def draw(n: int, low: float, high: float) -> list[float]:
        return [round(dice.uniform(low, high), 2) for _ in range(n)]

    layer = _listed(net.inputs(f"x1:{sizes[0] + 1}", values=draw(sizes[0], 0.2, 1.5)))
    weights = iter(_listed(net.parameters(f"w1:{count + 1}", values=draw(count, -0.95, 0.95))))
    targets = _listed(net.targets(f"t1:{sizes[-1] + 1}", values=draw(sizes[-1], 0.05, 0.95)))
    for depth, size in enumerate(sizes[1:], start=1):
        unit = sigmoid if dice.random() < 0.7 else tanh
        sums = [sum((next(weights) * below for below in layer), next(weights)) for _ in range(size)]
        nets = [net.define(f"net_{depth}{k}", total) for k, total in enumerate(sums, start=1)]
        layer = [net.define(f"out_{depth}{k}", unit(inner)) for k, inner in enumerate(nets, start=1)]
    half = Rational(1, 2) if dice.random() < 0.6 else 1
    loss = net.define("E", sum(half * (t - out) ** 2 for t, out in zip(targets, layer, strict=True)))
    return derive(net, loss)


def _listed(symbols: Any) -> list[Any]:
    return list(symbols) if isinstance(symbols, tuple | list) else [symbols]


class Numbers:
    """Values and derivatives of a scalar network by running its definitions; derivatives by the complex step."""

    def __init__(self, derivation: Derivation) -> None:
        self.network = derivation.network
        self.loss = derivation.loss
        self.deltas = {delta_name(self.network.nodes[n], Notation()): n for n in pre_activations(derivation)}
        self._run = {}
        for node in self.network.nodes.values():
            if node.defined:
                plain = node.expression.replace(lambda e: isinstance(e, NamedFunction), lambda e: e.func.definition(*e.args))
                names = [Symbol(p, real=True) for p in node.parents]
                self._run[node.name] = (node.parents, lambdify(names, plain, "numpy"))

    def values(self, nudged: str = "", by: complex = 0) -> dict[str, complex]:
        """Return all values, one of them nudged where it is made."""
        found: dict[str, complex] = {}
        for node in self.network.nodes.values():
            if node.name in self._run:
                parents, run = self._run[node.name]
                found[node.name] = run(*(found[p] for p in parents))
            elif node.name in self.network.values:
                found[node.name] = complex(self.network.values[node.name])
            if node.name == nudged:
                found[node.name] = found[node.name] + by
        return found

    def slope(self, of: str, by: str) -> float:
        """Return ∂of/∂by."""
        return float(np.imag(self.values(by, 1j * STEP)[of]) / STEP)

    def of(self, formula: tree.Formula, x: float = 0.37) -> float:
        """Return the value of a formula read from a page."""
        known = {name: float(np.real(value)) for name, value in self.values().items()} | {"x": x, "e": float(np.e)}

        def value(node: tree.Formula) -> float:
            match node:
                case tree.Partial(numerator=tree.Name(name=a), denominator=tree.Name(name=b)):
                    return self.slope(a, b)
                case tree.Name(name=name):
                    return self.slope(self.loss, self.deltas[name]) if name in self.deltas else known[name]
                case tree.Number(text=text):
                    return float(text)
                case tree.Neg(body=body) | tree.Group(body=body):
                    return -value(body) if isinstance(node, tree.Neg) else value(body)
                case tree.Sum(terms=terms):
                    return sum(map(value, terms))
                case tree.Product(factors=factors):
                    return float(np.prod([value(f) for f in factors]))
                case tree.Fraction(numerator=a, denominator=b):
                    return value(a) / value(b)
                case tree.Power(base=a, exponent=b):
                    return value(a) ** value(b)
                case tree.Call(function=tree.Name(name=name), arguments=(argument,)):
                    return {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "exp": np.exp}[name](value(argument))
                case tree.Call(function=tree.Decorated(kind="prime", body=tree.Name(name="sigmoid")), arguments=(argument,)):
                    z = value(argument) + 1j * STEP
                    return float(np.imag(1 / (1 + np.exp(-z))) / STEP)
            raise AssertionError(f"the tests know no value of {node}")

        return float(value(formula))


def _softplus(z: sympy.Expr) -> sympy.Expr:
    return sympy.log(1 + sympy.exp(z))


#: Functions that sympy has not, or under another name.
_OTHERS = {
    "sigmoid": lambda z: 1 / (1 + sympy.exp(-z)),
    "ln": sympy.log,
    "relu": lambda z: sympy.Max(z, 0),
    "step": lambda z: sympy.Integer(int(bool(z > 0))),
    **{f"arc{name}": getattr(sympy, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "arctan2": sympy.atan2,
    "gelu": lambda z: z / 2 * (1 + sympy.erf(z / sympy.sqrt(2))),
    "gelu_tanh": lambda z: z / 2 * (1 + sympy.tanh(sympy.sqrt(2 / sympy.pi) * (z + Rational(44715, 1000000) * z**3))),
    "silu": lambda z: z / (1 + sympy.exp(-z)),
    "softplus": _softplus,
    "logsigmoid": lambda z: -_softplus(-z),
    "softsign": lambda z: z / (1 + abs(z)),
    "mish": lambda z: z * sympy.tanh(_softplus(z)),
    "hard_tanh": lambda z: sympy.Max(-1, sympy.Min(1, z)),
    "hard_sigmoid": lambda z: sympy.Max(0, sympy.Min(1, z / 6 + Rational(1, 2))),
    "relu6": lambda z: sympy.Max(0, sympy.Min(6, z)),
    "expm1": lambda z: sympy.exp(z) - 1,
    "log1p": lambda z: sympy.log(1 + z),
    "log2": lambda z: sympy.log(z, 2),
    "log10": lambda z: sympy.log(z, 10),
    "exp2": lambda z: 2**z,
    "cbrt": lambda z: sympy.sign(z) * abs(z) ** Rational(1, 3),
    "leaky_relu": lambda z, slope: z if z > 0 else slope * z,
    "elu": lambda z, alpha: z if z > 0 else alpha * (sympy.exp(z) - 1),
    "celu": lambda z, alpha: z if z > 0 else alpha * (sympy.exp(z / alpha) - 1),
    "hypot": lambda a, b: sympy.sqrt(a**2 + b**2),
    "logaddexp": lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
    **dict.fromkeys(("maximum", "max"), sympy.Max),
    **dict.fromkeys(("minimum", "min"), sympy.Min),
}


def computed(formula: tree.Formula) -> sympy.Expr:
    """Return the value of a formula without names, exact but for functions, computed by sympy."""
    match formula:
        case tree.Number(text=text):
            return sympy.Rational(text)
        case tree.Name(name="e"):
            return sympy.E
        case tree.Name(name="pi"):
            return sympy.pi
        case tree.Root(body=body):
            return sympy.sqrt(computed(body))
        case tree.Neg(body=body):
            return -computed(body)
        case tree.Group(body=body):
            return computed(body)
        case tree.Sum(terms=terms):
            return sympy.Add(*map(computed, terms))
        case tree.Product(factors=factors):
            return sympy.Mul(*map(computed, factors))
        case tree.Fraction(numerator=a, denominator=b):
            return computed(a) / computed(b)
        case tree.Power(base=a, exponent=b):
            return computed(a) ** computed(b)
        case tree.Call(function=tree.Name(name=name), arguments=arguments):
            function = _OTHERS[name] if name in _OTHERS else getattr(sympy, name)
            return function(*map(computed, arguments))
    raise AssertionError(f"the tests cannot compute {formula}")


def rounded(value: sympy.Expr, places: int) -> Decimal:
    """Return a value rounded half up."""
    decimal = Decimal(str(sympy.N(value, 40)))
    return decimal.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def places(printed: Decimal) -> int:
    """Return how many places a printed result has."""
    return -int(printed.as_tuple().exponent)


def agrees(printed: Decimal, true: float) -> bool:
    """Whether a printed result is the true value, rounded to the digits printed; 0 is printed for nothing else."""
    if printed == 0:
        return abs(true) < 1e-13
    return abs(float(printed) - true) <= 0.5001 * 10.0 ** -places(printed) + 1e-13


def decimal_of(formula: tree.Formula) -> Decimal:
    """Return a printed result."""
    if isinstance(formula, tree.Neg):
        return -decimal_of(formula.body)
    assert isinstance(formula, tree.Number)
    return Decimal(formula.text)


def names_of(derivation: Derivation, notation: Notation) -> Names:
    """Return what a reader of the write-up knows."""
    network = derivation.network
    scalars = [node.name for node in network.nodes.values() if not node.indices]
    indexed = [node.name for node in network.nodes.values() if node.indices]
    deltas = {name: delta_name(network.nodes[name], notation) for name in pre_activations(derivation)}
    sizes = [str(size) for size in network.sizes(network.values)]
    ones = [name for name in notation.names if name.startswith("ones_")]
    return Names.of(
        notation,
        scalars=[*scalars, *(d for n, d in deltas.items() if not network.nodes[n].indices), *([] if "x" in indexed else ["x"])],
        indexed=[*indexed, *(d for n, d in deltas.items() if network.nodes[n].indices), *ones],
        functions=[*BY_NAME, "diag", "softmax"],
        indices=list(network.declared_indices),
        sizes=sizes,
        rates="eta",
    )


def formula_blocks(outline: Outline) -> list[FormulaBlock]:
    """Return the blocks of formulas of an outline."""
    return [block for block in outline.blocks if isinstance(block, FormulaBlock)]


def tables(outline: Outline) -> dict[str, Table]:
    """Return the tables of an outline by anchor."""
    return {block.anchor: block for block in outline.blocks if isinstance(block, Table)}


def answers_of(derivation: Derivation, options: HandoutOptions, values: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return every answer of a handout: as printed, and with all digits."""
    complete = make_outline(derivation, options.override(audience="teacher"), values)
    everything = numeric.evaluate(derivation, values)
    given = [node.name for node in derivation.network.nodes.values() if not node.defined]
    return answer_numbers(complete, unrounded_answers(everything, given))


@cache
def document_answers(name: str) -> dict[str, str]:
    """Return the answers of a document's handout."""
    return answers_of(document(name), HandoutOptions())
