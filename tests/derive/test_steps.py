"""Written steps: every `=` of every level, read back from the LaTeX, holds in value; the judge knows no derivation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import mpmath
import pytest
import sympy
from sympy import Sum, tanh

from symbackprop.derive import derive
from symbackprop.derive.steps import named_adjoints, with_indices
from symbackprop.derive.steps.steps import LEVELS, number_chain, update_chain, written_steps
from symbackprop.derive.steps.writer import Writer, delta_name
from symbackprop.derive.sweep import derivation as sweep_derivation
from symbackprop.derive.sweep.derivation import names_written
from symbackprop.errors import UserError
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.notation.notations import READY
from symbackprop.formula.print.latex import latex
from symbackprop.formula.print.text import text
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.read.read import read
from symbackprop.formula.tree.tree import Call, Chain, Decorated, Formula, Name, Partial
from symbackprop.formula.value.from_sympy import to_sympy
from symbackprop.functions import BY_NAME
from symbackprop.network import Network, Node, Role
from tests.derive.networks import NETWORKS
from tests.high_precision import forward, total_derivative

Load = Callable[[str, str], ModuleType]
PLACEHOLDER = "x"  # the argument in a function's own derivative, σ'(x)


def names_of(network: Network, notation: Notation) -> Names:
    """Return what a reader of the network's formulas knows."""
    scalars = [*network.nodes] + ([PLACEHOLDER] if PLACEHOLDER not in network.nodes else [])
    scalars += [delta_name(node, notation) for node in network.nodes.values() if has_delta(network, node)]
    return Names.of(notation, scalars=dict.fromkeys(scalars), functions=" ".join(BY_NAME), rates="eta")


def has_delta(network: Network, node: Node) -> bool:
    """Whether the adjoint of a node is shared by at least two parameters."""
    return sum(network.nodes[parent].role is Role.PARAMETER for parent in node.parents) >= 2


class Judge:
    """Gives the value of a written formula of a network at its example values."""

    def __init__(self, network: Network, loss: str = "E", notation: Notation | None = None) -> None:
        notation = notation or Notation()
        self.network = network
        self.values = forward(network, network.values)
        self.table = {name: sympy.Float(value, 50) for name, value in self.values.items()}
        self.table.setdefault(PLACEHOLDER, sympy.Float("0.37", 50))
        self.deltas = {delta_name(node, notation): node.name for node in network.nodes.values() if has_delta(network, node)}
        self.loss, self.sign = loss, notation.delta_sign
        self.known: dict[tuple[str, str], float] = {}
        self.table |= {name: row.function for name, row in BY_NAME.items()}

    def value(self, formula: Formula) -> float:
        """Return the value; a derivative is a difference quotient of the definitions."""
        return float(to_sympy(formula, self.table, self.special).evalf(30))

    def derivative(self, of: str, by: str) -> float:
        """Return ∂of/∂by, each computed once."""
        if (of, by) not in self.known:
            self.known[of, by] = total_derivative(self.network, of, by, self.network.values)
        return self.known[of, by]

    def special(self, node: Formula) -> sympy.Expr | None:
        """Give derivatives their value."""
        if isinstance(node, Partial):
            assert isinstance(node.numerator, Name)
            assert isinstance(node.denominator, Name)
            return sympy.Float(self.derivative(node.numerator.name, node.denominator.name))
        if isinstance(node, Name) and node.name in self.deltas:
            return sympy.Float(self.sign * self.derivative(self.loss, self.deltas[node.name]))
        if isinstance(node, Call) and isinstance(node.function, Decorated):
            assert isinstance(node.function.body, Name)
            definition = BY_NAME[node.function.body.name].function.definition
            at = to_sympy(node.arguments[0], self.table, self.special)
            with mpmath.workdps(40):
                return sympy.Float(mpmath.diff(lambda u: mpmath.mpf(definition(sympy.Float(u, 60)).evalf(60)), mpmath.mpf(at)))
        return None


def chains_of(network: Network, level: str, notation: Notation) -> Iterator[Chain]:
    """Yield the chains of all parameters' steps, each read back from its LaTeX."""
    derivation = derive(network, "E" if "E" in network.nodes else list(network.nodes)[-1])
    names = names_of(network, notation)
    for parameter in derivation:
        for step in written_steps(derivation[parameter], notation, level):
            again = read(latex(step.formula, notation), names)
            assert again == step.formula, latex(step.formula, notation)
            assert isinstance(again, Chain)
            yield again


def test_a_shared_adjoint_gets_a_name_with_the_notations_sign() -> None:
    network = NETWORKS["two_layers"]()
    for sign in (1, -1):
        notation = Notation(delta_sign=sign)
        steps = written_steps(derive(network, "E")["w1"], notation)
        (delta,) = [step.formula for step in steps if step.kind == "delta"]
        (shared,) = [step.formula for step in steps if step.kind == "shared"]
        assert text(delta.parts[0]) == "δ_h1"
        assert text(shared.parts[1]) == ("δ_h1·x1" if sign > 0 else "-δ_h1·x1")
        judge = Judge(network, "E", notation)
        for chain in (delta, shared):
            values = [judge.value(part) for part in chain.parts]
            assert values == pytest.approx([values[0]] * len(values), rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["standard", *(pytest.param(x, marks=pytest.mark.slow) for x in LEVELS if x != "standard")])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_equals_sign_holds(name: str, level: str) -> None:
    network = NETWORKS[name]()
    judge = Judge(network)
    seen = 0
    for chain in chains_of(network, level, Notation()):
        values = [judge.value(part) for part in chain.parts]
        seen += len(values) - 1
        assert values == pytest.approx([values[0]] * len(values), rel=1e-11, abs=1e-14), text(chain)
    assert seen >= len(derive(network, "E").wrt)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "title"),
    [
        ("two_three_two", "two_three_two"),
        ("two_three_two", "textbook"),
        ("tanh_neuron", "tanh_neuron"),
        ("tanh_neuron", "textbook"),
    ],
)
def test_every_equals_sign_of_the_documents_holds(derivation_file: Load, document: str, title: str) -> None:
    network = derivation_file(document, "network").network
    loss = "E_total" if document == "two_three_two" else "loss"
    judge = Judge(network, loss)
    derivation = derive(network, loss)
    names = names_of(network, READY[title])
    for parameter in ("w1", "b1") if document == "two_three_two" else ("w1", "b"):
        for step in written_steps(derivation[parameter], READY[title], "full"):
            again = read(latex(step.formula, READY[title]), names)
            assert again == step.formula
            values = [judge.value(part) for part in step.formula.parts]
            assert values == pytest.approx([values[0]] * len(values), rel=1e-11, abs=1e-14), text(step.formula)


def test_the_judge_finds_a_wrong_equals_sign() -> None:
    network = NETWORKS["two_layers"]()
    names = names_of(network, Notation())
    wrong = read(r"\frac{\partial E_1}{\partial o1} = t_1 - o_1", names)
    assert isinstance(wrong, Chain)
    values = [Judge(network).value(part) for part in wrong.parts]
    assert values[0] == pytest.approx(-values[1], rel=1e-12)


def test_levels_grow_and_an_unknown_one_is_refused() -> None:
    derivation = derive(NETWORKS["two_layers"](), "E")
    lengths = [len(written_steps(derivation["w1"], level=level)) for level in LEVELS]
    assert lengths[0] == 1
    assert lengths == sorted(set(lengths))
    with pytest.raises(UserError, match=r"expected one of brief, standard, full, got 'ful'. Did you mean full\?"):
        written_steps(derivation["w1"], level="ful")


def test_rules_are_named_in_the_full_level(derivation_file: Load) -> None:
    module = derivation_file("two_three_two", "network")
    steps = written_steps(derive(module.network, module.loss)["w7"], READY["two_three_two"], "full")
    reasons = " ".join(step.why() for step in steps)
    for rule in ("chain rule", "sum rule", "power rule", "quotient rule"):
        assert rule in reasons


def test_numbers_and_update_lines(derivation_file: Load) -> None:
    module = derivation_file("two_three_two", "network")
    derivation = derive(module.network, module.loss)
    notation = READY["two_three_two"].override(decimals=6)
    writer = Writer(derivation, notation)
    values = {name: float(value) for name, value in forward(module.network, module.network.values).items()}
    chain = number_chain(derivation["w7"], writer, values, 0.07806387550033887)
    assert text(chain.parts[2], notation) == "-(0.01 - 0.891090)*0.891090*(1 - 0.891090)*0.912934"
    assert text(chain.parts[3], notation) == "0.078064"
    update = update_chain(derivation["w7"], writer, 0.5, 0.4, 0.07806387550033887)
    assert [text(part, notation) for part in update.parts[2:]] == ["0.4 - 0.5*0.078064", "0.360968"]


def test_the_chain_over_entries_counts_each_entry_once() -> None:
    """A use in the loss itself stands by its value, not as ∂E/∂W once more; other axes of a consumer are summed."""
    net = Network("shared entries")
    n, m, i, j = net.indices("n:N m:N i:D j:D")
    x, W = net.input("x", n, i), net.parameter("W", i, j)
    y = net.define("y", n, i, Sum(x[n, j] * W[j, i], j) * W[i, i])
    s = net.define("s", n, m, Sum(y[n, i] * y[m, i], i))
    derivation = derive(net, net.define("E", Sum(s[n, m] ** 2, n, m) + Sum(W[i, j] ** 2, i, j)))
    chains = {text(step.formula) for step in written_steps(derivation["W"]) if step.kind == "chain"}
    assert chains == {
        "∂E/∂y[n,i] = Σ[n'] Σ_m ∂E/∂s[n',m]·∂s[n',m]/∂y[n,i]",
        "∂E/∂W[i,j] = Σ_n Σ[i'] ∂E/∂y[n,i']·∂y[n,i']/∂W[i,j] + 2·W[i,j]",
    }


@pytest.fixture
def never_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every formula be too long to be written out."""
    for module in (sweep_derivation, named_adjoints, with_indices):
        monkeypatch.setattr(module, "MOST_NAMES", 0)


@pytest.mark.usefixtures("never_written_out")
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", [pytest.param(x, marks=pytest.mark.slow) if x == "two_layers" else x for x in NETWORKS])
def test_every_equals_sign_between_named_adjoints_holds(name: str, level: str) -> None:
    for sign in (1, -1):
        network, notation = NETWORKS[name](), Notation(delta_sign=sign)
        judge = Judge(network, notation=notation)
        for chain in chains_of(network, level, notation):
            values = [judge.value(part) for part in chain.parts]
            assert values == pytest.approx([values[0]] * len(values), rel=1e-11, abs=1e-14), text(chain)


def deep(count: int) -> Network:
    """One weight and one input in every layer, so that the paths to them double with each."""
    net = Network("deep")
    x, w, b = net.input("x", value=0.3), net.parameter("w", value=0.7), net.parameter("b", value=-0.2)
    y = net.define("y0", w * x + b)
    for at in range(1, count):
        y = net.define(f"y{at}", tanh(w * y + b) * w + x * y)
    net.define("E", y**2 / 2)
    return net


@pytest.mark.slow
@pytest.mark.parametrize("level", ["brief", *(pytest.param(level, marks=pytest.mark.slow) for level in LEVELS[1:])])
def test_what_is_written_grows_with_the_network_not_with_its_paths(level: str) -> None:
    sizes = [sum(len(text(s.formula)) for s in written_steps(derive(deep(n), "E")["w"], level=level)) for n in (15, 30, 60)]
    assert sizes[2] - sizes[1] < 2.4 * (sizes[1] - sizes[0]), sizes
    judge = Judge(network := deep(12))
    for chain in chains_of(network, level, Notation()):
        values = [judge.value(part) for part in chain.parts]
        assert values == pytest.approx([values[0]] * len(values), rel=1e-9), text(chain)


@pytest.mark.slow
def test_an_expression_too_long_keeps_shared_adjoints() -> None:
    sizes = [sum(1 for _ in names_written(derive(deep(n), "E")["w"].expression)) for n in (15, 30, 60)]
    assert sizes[2] - sizes[1] < 2.4 * (sizes[1] - sizes[0]), sizes
    network = deep(12)
    derivation = derive(network, "E")
    known = {n.symbol: total_derivative(network, "E", n.name, network.values) for n in network.nodes.values()}
    values = forward(network, network.values)
    at = {derivation.adjoints[n].symbol: known[network.nodes[n].symbol] for n in derivation.adjoints}
    at |= {network.nodes[n].symbol: value for n, value in values.items()}
    for name in derivation:
        assert float(derivation[name].expression.xreplace(at)) == pytest.approx(known[network.nodes[name].symbol], rel=1e-9)
    assert derivation["w"].expression.free_symbols & {a.symbol for a in derivation.adjoints.values()}


def test_two_nodes_with_one_delta_keep_their_adjoints() -> None:
    net = Network("twice")
    x, w, b, c = net.input("x", value=0.4), *net.parameters("w b c", values=(0.5, -0.3, 1.2))
    first = net.define("net_1", w * x + b)
    net.define("delta_2", w * first + c)
    net.define("z_1", tanh(first) * w + b * c)
    second = net.define("net_2", net.node("z_1").symbol * net.node("delta_2").symbol * w + b)
    net.define("E", second**2 + first)
    for level in LEVELS:
        judge = Judge(net)
        judge.deltas = {"delta_delta2": "delta_2"}  # net_1 and z_1 would both be δ_1, and δ_2 is a node
        with pytest.MonkeyPatch.context() as patch:
            for module in (sweep_derivation, named_adjoints, with_indices):
                patch.setattr(module, "MOST_NAMES", 0)
            for step in written_steps(derive(net, "E")["w"], level=level):
                values = [judge.value(part) for part in step.formula.parts]
                assert values == pytest.approx([values[0]] * len(values), rel=1e-11), text(step.formula)
