"""A network of numbers as one of arrays: `net_h1 = w1*x1 + w2*x2 + b1`, `net_h2 = …` are `net_h[j] = Σ_k w[j,k] x[k] + b1`.

Neurons of a layer differ in their names alone. Over many samples they are computed together, in one product of matrices, as a
person who writes numpy would; what goes in and comes out keeps its names. Only definitions are put together: the adjoints of the
arrays are derived like any others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from sympy import Add, Expr, Idx, Indexed, Integer, Mul, Symbol

from symbackprop.derive.sweep.derivation import DerivationRecord, derive
from symbackprop.network.indices import IndexSum, real_symbol
from symbackprop.network.model import Network
from symbackprop.network.node import Node, Role
from symbackprop.numeric.program.factors import names_in
from symbackprop.numeric.program.program import Program, Stack, Stacking, program_of

_LETTERS = "ijklmpqruvabcdefgh"


class _Apart(Exception):
    """The numbers of a network do not fall into arrays."""


def stacked(derivation: DerivationRecord) -> Program | None:
    """Return the program of arrays of a derivation of numbers, None where no two neurons of a layer are alike."""
    network = derivation.network
    if network.facts or any(node.indices for node in network.nodes.values()):
        return None
    arrays = _Arrays(network, [network.nodes[name] for name in network.ancestors(derivation.loss)])
    try:
        lifted = arrays.network(network.title)
    except _Apart:
        return None
    wanted = dict.fromkeys(arrays.places.get(name, (name, ()))[0] for name in derivation.wrt)
    if not arrays.matrices or not wanted.keys() | {derivation.loss} <= lifted.nodes.keys():
        return None
    program = program_of(derive(lifted, derivation.loss, list(wanted)))
    return replace(program, stacking=arrays.stacking(lifted, derivation.wrt))


@dataclass(slots=True)
class _Row:
    """An array of nodes of one form: `names` in order, row by row where it has two axes; `given` where they are arguments."""

    name: str
    names: tuple[str, ...]
    index: Idx | None
    width: int = 0
    given: bool = False
    symbol: Any = None


@dataclass(slots=True)
class _Layer:
    """A sum of products of weights and units: the units with their weights, and what is added."""

    weights: dict[str, str]
    bias: str


@dataclass(slots=True)
class _Arrays:
    """The arrays of a network, found one layer after the other."""

    origin: Network
    nodes: list[Node]
    rows: list[_Row] = field(default_factory=list)
    places: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    matrices: int = 0
    uses: Counter[str] = field(init=False)
    _of: dict[str, _Row] = field(default_factory=dict)
    _taken: set[str] = field(init=False)
    _parameters: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.uses = Counter(parent for node in self.nodes for parent in node.parents)
        self._taken = set(self.origin.nodes)
        self._parameters = frozenset(node.name for node in self.nodes if node.role is Role.PARAMETER)

    def network(self, title: str) -> Network:
        """Return the network of arrays; raises _Apart where it has none."""
        made = _Made(Network(title), self)
        for level in self._levels():
            for group in self._groups(level):
                made.define(group)
        return made.finished()

    def stacking(self, made: Network, wanted: tuple[str, ...]) -> Stacking:
        """Return what is given of the network of arrays, and where the gradients of the names in `wanted` are."""
        given = tuple(node for node in self.nodes if not node.defined)
        stacks = tuple(Stack(made.nodes[row.name], row.names, row.width) for row in self.rows if row.given)
        return Stacking(given, stacks, self.places, wanted)

    def _levels(self) -> Iterator[list[Node]]:
        """Yield the defined nodes by the length of the longest road to them."""
        depth: dict[str, int] = {}
        levels: dict[int, list[Node]] = {}
        for node in self.nodes:
            depth[node.name] = 1 + max((depth[parent] for parent in node.parents), default=0) if node.defined else 0
            levels.setdefault(depth[node.name], []).append(node)
        return (levels[at] for at in sorted(levels) if at)

    def _groups(self, level: Sequence[Node]) -> list[list[Node]]:
        found: dict[object, list[Node]] = {}
        for node in level:
            found.setdefault(self._form(node), []).append(node)
        return list(found.values())

    def _form(self, node: Node) -> object:
        """Return what nodes have in common that can stand in one array."""
        layer = self.layer(node)
        if layer is not None:
            return frozenset(layer.weights), "own" if self.is_own(layer.bias) else layer.bias
        return node.expression.xreplace(self.tokens(node)) if node.expression is not None else node.name

    def layer(self, node: Node) -> _Layer | None:
        """Return a node as a sum of products of a weight of its own and a unit, perhaps with a bias; None for any other."""
        pairs = [self._pair(term) for term in Add.make_args(node.expression)]
        if None in pairs:
            return None
        weights = {unit: weight for unit, weight in filter(None, pairs) if unit}
        biases = [weight for unit, weight in filter(None, pairs) if not unit]
        fits = len(weights) > 1 and len(biases) < 2 and len(weights) + len(biases) == len(pairs)
        return _Layer(weights, "".join(biases)) if fits else None

    def _pair(self, term: Expr) -> tuple[str, str] | None:
        """Return the unit and the weight of a product of the two, no unit for a bias; None for any other term."""
        factors = Mul.make_args(term)
        names = [factor.name for factor in factors if isinstance(factor, Symbol)]
        if not len(factors) == len(names) < 3:
            return None
        if len(names) == 1:
            return ("", names[0]) if self.role(names[0]) in (Role.PARAMETER, Role.CONSTANT) else None
        own = [name for name in names if self.is_own(name) and self.role(name) is Role.PARAMETER]
        return (names[1 - names.index(own[0])], own[0]) if len(own) == 1 else None

    def tokens(self, node: Node) -> dict[Expr, Expr]:
        """Return what stands for the names of a node that another node of its form has others for."""
        tokens = {self.origin.nodes[name].symbol: Symbol(token, real=True)
                  for name in node.parents if (token := self._token(name))}  # fmt: skip
        return tokens if len(set(tokens.values())) == len(tokens) else {}

    def _token(self, name: str) -> str:
        if name in self._of:
            return f"of {self._of[name].name}"
        return f"one {self.role(name).value}" if self.is_own(name) and self.role(name) is not Role.DEFINED else ""

    def role(self, name: str) -> Role:
        """What a name is."""
        return self.origin.nodes[name].role

    def is_own(self, name: str) -> bool:
        """Whether one node alone reads a name."""
        return bool(name) and self.uses[name] == 1

    def row_of(self, names: Iterable[str]) -> _Row | None:
        """Return the array that is made of exactly these names."""
        found = {id(self._of[name]): self._of[name] for name in names if name in self._of}
        rows = list(found.values())
        return (
            rows[0] if len(rows) == 1 and set(rows[0].names) == set(names) and all(name in self._of for name in names) else None
        )

    def stack(self, row: _Row) -> _Row:
        """Enter an array under a name of its own."""
        row.name = self._named(row)
        self.rows.append(row)
        for at, name in enumerate(row.names):
            self._of[name] = row
            self.places[name] = (row.name, divmod(at, row.width) if row.width else (at,))
        return row

    def _named(self, row: _Row) -> str:
        """Return what the names of an array begin with alike, where nothing else is called that or begins so; else more."""
        start = _beginning(row.names)
        if row.name and any(name.startswith(start) for name in self._parameters.difference(row.names)):
            start = f"{start}_{row.name}"
        wishes = (start, f"{start}_all", *(f"{start or 'array'}_{at}" for at in range(2, len(self._taken) + 3)))
        return self.free(wish for wish in wishes if wish.isidentifier())

    def free(self, wishes: Iterable[str]) -> str:
        """Return the first name that nothing has yet."""
        name = next(wish for wish in wishes if wish not in self._taken)
        self._taken.add(name)
        return name


@dataclass(slots=True)
class _Made:
    """The network of arrays while it is made: definitions wait until everything that is given has been declared."""

    made: Network
    arrays: _Arrays
    waiting: list[tuple[_Row | Node, tuple[Idx, ...], Expr]] = field(default_factory=list)

    def define(self, group: list[Node]) -> None:
        """Put nodes of one form into an array; raises _Apart where they read only a part of another one."""
        layer = self.arrays.layer(group[0])
        if layer is not None and (units := self._units(group, layer)):
            self._define_layer(group, units)
        elif len(group) > 1:
            self._define_alike(group)
        else:
            self.waiting.append((group[0], (), self._alone(group[0])))

    def _units(self, group: list[Node], layer: _Layer) -> _Row | None:
        """Return the array of the units of a layer, which is made where they are inputs; None for one neuron of numbers alone."""
        found = self.arrays.row_of(layer.weights)
        free = not any(name in self.arrays.places for name in layer.weights)
        if found is None and len(group) > 1 and free and all(self.arrays.role(name) is Role.INPUT for name in layer.weights):
            order = [node.name for node in self.arrays.nodes if node.name in layer.weights]
            return self._given(order, (self._letter(len(order)),))
        return found

    def _define_layer(self, group: list[Node], units: _Row) -> None:
        """Define an array of sums of products, `net_h[j] = Σ_k w[j,k] x[k] + b[j]`, or the one sum that there is."""
        layers = list(filter(None, map(self.arrays.layer, group)))
        row = self._row(group, self._letter(len(group))) if len(group) > 1 else None
        indices = () if row is None else (row.index,)
        weights = [layer.weights[unit] for layer in layers for unit in units.names]
        matrix = self._given(weights, (*indices, units.index), (row or group[0]).name)
        product = matrix.symbol[(*indices, units.index)] * self._entry(units)
        total = Add(self._summed(product, units), self._bias([layer.bias for layer in layers if layer.bias], indices))
        self.arrays.matrices += len(indices)
        self.waiting.append((row or group[0], indices, total))

    def _bias(self, names: list[str], indices: tuple[Idx, ...]) -> Expr:
        """Return what is added to each sum: nothing, a number, or an array of numbers."""
        if len(set(names)) > 1:
            return self._entry(self._given(names, indices))
        return self._symbol(names[0]) if names else Integer(0)

    def _define_alike(self, group: list[Node]) -> None:
        """Define an array element by element: `out_h[j] = σ(net_h[j])`."""
        places = self.arrays.places
        group = sorted(group, key=lambda node: [places[name][1] for name in node.parents if name in places])
        columns = self._columns(group)
        index = self._index_of(columns, len(group))
        replaced = {}
        for symbol, names in columns.items():
            replaced[symbol] = self._entry(self.arrays.row_of(names) or self._given(names, (index,)))
        for name in {name for node in group for name in node.parents}.difference(*columns.values()):
            self._symbol(name)
        (first, *_) = group
        assert first.expression is not None
        self.waiting.append((self._row(group, index), (index,), first.expression.xreplace(replaced)))

    def _columns(self, group: list[Node]) -> dict[Symbol, list[str]]:
        """Return the names that stand for each name of the first node; raises _Apart where nothing distinguishes the nodes."""
        tokens = [{token: symbol for symbol, token in self.arrays.tokens(node).items()} for node in group]
        forms = {node.expression.xreplace(self.arrays.tokens(node)) for node in group if node.expression is not None}
        if not tokens[0] or len(forms) > 1:
            raise _Apart
        return {symbol: [own[token].name for own in tokens] for token, symbol in tokens[0].items()}

    def _index_of(self, columns: Mapping[Symbol, list[str]], size: int) -> Idx:
        """Return the one index of the arrays that columns of names are, a new one where they are of numbers alone."""
        used = [names for names in columns.values() if not self.arrays.places.keys().isdisjoint(names)]
        rows = [row for names in used if (row := self.arrays.row_of(names)) is not None and list(row.names) == names]
        indices = {row.index for row in rows}
        if len(rows) != len(used) or len(indices) > 1:
            raise _Apart
        return indices.pop() if indices else self._letter(size)

    def _alone(self, node: Node) -> Expr:
        """Return a definition that stands alone, with a sum over an array where it adds up all of that."""
        terms = Add.make_args(node.expression)
        total = [term for term in terms if names_in([term]) & self.arrays.places.keys()]
        rest = [term for term in terms if term not in total]
        for name in names_in(rest):
            self._symbol(name)
        return Add(*rest, self._sum_of_all(total)) if total else Add(*rest)

    def _sum_of_all(self, total: list[Expr]) -> Expr:
        """Return the sum of f(e) over all entries e of an array; raises _Apart for any other sum."""
        row = self.arrays.row_of(names_in(total))
        names = [symbol for term in total for symbol in term.free_symbols]
        if row is None or row.index is None or len(names) != len(total) or len(total) != len(row.names):
            raise _Apart
        forms = {term.xreplace({symbol: self._entry(row)}) for term, symbol in zip(total, names, strict=True)}
        if len(forms) > 1:
            raise _Apart
        return self._summed(forms.pop(), row)

    def _summed(self, term: Expr, row: _Row) -> Expr:
        return IndexSum(term, (row.index, 0, len(row.names) - 1))

    def finished(self) -> Network:
        """Return the network with its definitions in order."""
        for what, indices, expression in self.waiting:
            self.made.define(what.name, *indices, expression)
        return self.made

    def _row(self, group: Sequence[Node], index: Idx | None) -> _Row:
        row = self.arrays.stack(_Row("", tuple(node.name for node in group), index))
        row.symbol = real_symbol(row.name, (index,))
        return row

    def _given(self, names: Sequence[str], indices: tuple[Idx, ...], wish: str = "") -> _Row:
        """Declare an array of arguments; raises _Apart for what is in one already, or is not of one kind."""
        roles = {self.arrays.role(name) for name in names}
        elsewhere = self.arrays.places.keys() | self.made.nodes.keys()  # in an array already, or read alone
        if len(roles) > 1 or len(set(names)) < len(names) or not elsewhere.isdisjoint(names):
            raise _Apart
        width = int(indices[1].upper) + 1 if len(indices) > 1 else 0
        row = self.arrays.stack(_Row(wish, tuple(names), None if width else indices[0], width, given=True))
        row.symbol = _DECLARE[roles.pop()](self.made, row.name, *indices)
        return row

    def _entry(self, row: _Row) -> Indexed:
        return row.symbol[row.index]

    def _symbol(self, name: str) -> Symbol:
        """Return the symbol of a name that stays a number, declared where it is given."""
        node = self.arrays.origin.nodes[name]
        if name in self.arrays.places:
            raise _Apart
        if not node.defined and name not in self.made.nodes:
            _DECLARE[node.role](self.made, name)
        return node.symbol

    def _letter(self, size: int) -> Idx:
        wishes = (*_LETTERS, *(f"i{at}" for at in range(1, size + len(self.arrays.nodes) + 2)))
        return self.made.indices(f"{self.arrays.free(wishes)}:{size}")[0]


def _beginning(names: Sequence[str]) -> str:
    """Return what all names begin with, no half of a number and no underscore at the end."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    start = "".join(letters[0] for letters in alike)
    cut = any(name[len(start) : len(start) + 1].isdigit() for name in names)
    return (start.rstrip("0123456789") if cut else start).rstrip("_")


_DECLARE: Mapping[Role, Any] = {
    Role.INPUT: Network.input,
    Role.PARAMETER: Network.parameter,
    Role.TARGET: Network.target,
    Role.CONSTANT: Network.constant,
}
