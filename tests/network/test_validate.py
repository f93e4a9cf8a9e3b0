"""Bad definitions: each is refused in one line that names the place, what was expected, what was got, and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sympy import (
    Derivative,
    Function,
    Idx,
    IndexedBase,
    KroneckerDelta,
    Matrix,
    Piecewise,
    Product,
    Sum,
    Symbol,
    nan,
    oo,
    sec,
    sin,
    tanh,
)

from symbackprop.errors import UserError
from symbackprop.network import Network, sigmoid

Act = Callable[["Bench"], Any]


class Bench:
    """A small network with one of everything, to be misused."""

    def __init__(self) -> None:
        self.net = Network("bench")
        self.n, self.m, self.i, self.j, self.k = self.net.indices("n:N m:N i:D j:K k:3")
        self.t, self.u = self.net.indices("t:N-F+1 u:F")
        self.X, self.W = self.net.input("X", self.n, self.i), self.net.parameter("W", self.i, self.j)
        self.v, self.c = self.net.input("v", self.n), self.net.constant("c")
        self.w1, self.out_h1 = self.net.parameter("w1"), self.net.define("out_h1", self.c**2)
        self.net.define("Z", self.n, self.j, Sum(self.X[self.n, self.i] * self.W[self.i, self.j], self.i))

    def define(self, *arguments: Any) -> Any:
        """Define a node called Y."""
        return self.net.define("Y", *arguments)


BAD: dict[str, tuple[Act, tuple[str, ...]]] = {
    # names
    "unknown name": (
        lambda s: s.define(Symbol("out_h") + 1),
        ("Y: unknown name out_h", "declare it as an input", "Did you mean out_h1?"),
    ),
    "unknown array": (
        lambda s: s.define(s.n, IndexedBase("Zz")[s.n, s.j]),
        ("Y[n]: unknown name Zz in Zz[n, j]", "declare or define it first", "Did you mean Z?"),
    ),
    "name defined twice": (
        lambda s: s.net.define("out_h1", s.c),
        ("out_h1: name out_h1 is already defined", "choose another name, e.g. out_h1_2"),
    ),
    "name of a parameter": (
        lambda s: s.net.define("w1", s.c),
        ("w1: name w1 is already declared (parameter)", "choose another name"),
    ),
    "name of a size": (lambda s: s.net.parameter("N"), ("N: name N is already a size", "choose another name, e.g. N_2")),
    "name of an index": (lambda s: s.net.parameter("n"), ("n: name n is already an index", "choose another name, e.g. n_2")),
    "not an identifier": (
        lambda s: s.net.define("2nd", s.c),
        ("2nd: expected a name of letters, digits and _, not starting with a digit", "got '2nd'"),
    ),
    "a symbol as name": (
        lambda s: s.net.define(Symbol("Y"), s.c),
        ("Y: expected the name as text", "got Symbol"),
    ),
    "own value used": (lambda s: s.define(s.c + Symbol("Y")), ("Y: unknown name Y", "define it first")),
    # what is not an expression
    "no expression": (lambda s: s.define(), ("Y: expected an expression after the name, got nothing",)),
    "text": (
        lambda s: s.define("w1*c"),
        ("Y: expected a sympy expression over earlier names, got str 'w1*c'", "build it from the symbols"),
    ),
    "a function": (lambda s: s.define(sigmoid), ("Y: expected a sympy expression", "build it from the symbols")),
    "None": (lambda s: s.define(None), ("Y: expected a sympy expression", "got NoneType")),
    "a truth value": (lambda s: s.define(True), ("Y: expected a sympy expression", "got bool")),
    "a sympy matrix": (lambda s: s.define(Matrix([[1, 2]])), ("Y: ", "expected a sympy expression")),
    "infinite": (lambda s: s.define(s.c + oo), ("Y: expected finite numbers, got oo",)),
    "not a number": (lambda s: s.define(nan), ("Y: expected finite numbers, got nan",)),
    "float infinity": (lambda s: s.define(s.c * float("inf")), ("Y: expected finite numbers",)),
    "unknown function": (
        lambda s: s.define(sec(s.c)),
        ("Y: sec is not a known operation or function in sec(c)", "known functions: Abs, arccos"),
    ),
    "misspelt function": (
        lambda s: s.define(Function("sigmoidd")(s.c)),
        ("Y: sigmoidd is not a known operation or function", "Did you mean sigmoid?"),
    ),
    "a derivative": (
        lambda s: s.define(Derivative(s.c**2, s.c)),
        ("Y: Derivative is not a known operation or function", "known functions:"),
    ),
    "a product over an index": (
        lambda s: s.define(Product(s.v[s.n], (s.n, 0, 2))),
        ("Y: Product is not a known operation or function", "known functions:"),
    ),
    "a comparison": (
        lambda s: s.define(s.c > 0),
        ("Y: expected a number-valued expression, got the comparison c > 0", "use Piecewise or step(x)"),
    ),
    # indices
    "index not bound": (
        lambda s: s.define(s.n, s.X[s.m, s.i] + s.v[s.n]),
        ("Y[n]: X[m, i]: index m is not bound; bound here: n", "Did you mean X[n, i]?"),
    ),
    "no index on the left": (
        lambda s: s.define(s.v[s.n]),
        ("Y: v[n]: index n is not bound; bound here: none",),
    ),
    "too few indices": (
        lambda s: s.define(s.n, s.X[s.n]),
        ("Y[n]: X[n]: expected 2 indices as in X[n, i], got 1",),
    ),
    "too many indices": (
        lambda s: s.define(s.n, s.i, s.v[s.n, s.i]),
        ("Y[n, i]: v[n, i]: expected 1 indices as in v[n], got 2",),
    ),
    "indices on a scalar": (
        lambda s: s.define(s.n, IndexedBase("c")[s.n]),
        ("Y[n]: c is a scalar; expected c, got c[n]",),
    ),
    "array without indices": (
        lambda s: s.define(s.n, s.v),
        ("Y[n]: ", "v has indices; expected v[n], got v without indices"),
    ),
    "array name as a symbol": (
        lambda s: s.define(Symbol("X") * 2),
        ("Y: X has indices; expected X[n, i], got X without indices",),
    ),
    "ranges that disagree": (
        lambda s: s.define(s.i, s.v[s.i]),
        ("Y[i]: v[i]: index i runs over D, but axis 1 of v[n] has N entries",),
    ),
    "swapped axes": (
        lambda s: s.define(s.n, s.i, s.X[s.i, s.n]),
        ("Y[n, i]: X[i, n]: index i runs over D, but axis 1 of X[n, i] has N entries",),
    ),
    "same index, other range": (
        lambda s: s.define(s.n, s.v[Idx("n", 5)]),
        ("Y[n]: v[n]: index n runs over 5 here but over N where it is bound", "use the same index for both"),
    ),
    "plain symbol as index": (
        lambda s: s.define(s.n, s.v[Symbol("q", integer=True)]),
        ("Y[n]: v[q]: q in a bracket is not an index with a range", 'make it with indices("q:Q")'),
    ),
    "number beyond the range": (
        lambda s: s.define(s.v[s.net.size("N")]),
        ("Y: v[N]: N runs over N .. N, but axis 1 of v[n] runs over 0 .. N - 1",),
    ),
    "computed index beyond the range": (
        lambda s: s.define(s.n, s.v[s.n + s.u]),
        ("Y[n]: v[n + u]: index u is not bound",),
    ),
    "convolution too long": (
        lambda s: s.define(s.n, Sum(s.v[s.n + s.u], s.u)),
        ("Y[n]: v[n + u]: n + u runs over 0 .. F + N - 2, but axis 1 of v[n] runs over 0 .. N - 1", "T-F+1"),
    ),
    "address not linear": (
        lambda s: s.define(s.t, s.v[s.t**2]),
        ("Y[t]: address t**2 is not linear in its indices", "expected e.g. i + u or 2*i + u"),
    ),
    "index as a number": (
        lambda s: s.define(s.n, s.v[s.n] * s.n),
        ("Y[n]: index n is used as a number", "only inside brackets, as in X[n]"),
    ),
    "index twice on the left": (
        lambda s: s.define(s.n, s.n, s.v[s.n]),
        ("Y[n, n]: an index stands twice on the left", "give each axis its own index"),
    ),
    "left index undeclared": (
        lambda s: s.define(Idx("r", 4), s.c),
        ("Y[r]: index r was not declared here", 'declare it with indices("r:…")'),
    ),
    "left index a symbol": (
        lambda s: s.define(Symbol("r"), s.c),
        ("Y[r]: expected an index made by indices(), got r (Symbol)",),
    ),
    # sums
    "sum over a symbol": (
        lambda s: s.define(Sum(s.v[s.n], (Symbol("n"), 0, 3))),
        ("Y: Sum over n: expected an index with a range, got a plain symbol", 'indices("n:N")'),
    ),
    "sum over an absent index": (
        lambda s: s.define(s.n, Sum(s.v[s.n], s.m)),
        ("Y[n]: Sum over m: the summand does not contain m", "multiply by N if that is meant"),
    ),
    "sum with an unbound bound": (
        lambda s: s.define(Sum(s.v[s.n], (s.n, 0, s.m))),
        ("Y: Sum over n: bound m uses index m, which is not bound here; bound here: none",),
    ),
    "index summed twice": (
        lambda s: s.define(Sum(s.v[s.n] * s.v[s.n], s.n, s.n)),
        ("Y: Sum binds index n twice", "use a second index of the same range"),
    ),
    "sum bound by an unknown name": (
        lambda s: s.define(Sum(s.v[s.n], (s.n, 0, Symbol("q", integer=True)))),
        ("Y: Sum over n: bound q uses q; expected indices and sizes only: N, D, K, F",),
    ),
    "sum bound by a value": (
        lambda s: s.define(Sum(s.v[s.n], (s.n, 0, Symbol("c", integer=True)))),
        ("Y: Sum over n: bound c uses c; expected indices and sizes only",),
    ),
    "delta of an unbound index": (
        lambda s: s.define(s.n, s.v[s.n] * KroneckerDelta(s.n, s.m)),
        ("Y[n]: ", "index m is not bound"),
    ),
    # cases
    "cases over a symbol": (
        lambda s: s.define(Piecewise((s.c, Symbol("flag") > 0), (0, True))),
        ("Y: unknown name flag", "declare it as an input"),
    ),
    "a condition on an unbound index": (
        lambda s: s.define(Piecewise((s.c, s.n > 0), (0, True))),
        ("Y: Piecewise: condition n > 0 uses index n, which is not bound here; bound here: none",),
    ),
    "a condition that mixes an index and a value": (
        lambda s: s.define(s.n, Piecewise((s.v[s.n], s.n > Symbol("c")), (0, True))),
        ("Y[n]: Piecewise: condition c < n uses c; expected indices and sizes only",),
    ),
    # declarations
    "index without a size": (lambda s: s.net.indices("r"), ("indices: expected name:size such as n:N, got 'r'", "write r:R")),
    "index of no name": (lambda s: s.net.indices("2:N"), ("indices: expected a name before the colon, got '2'",)),
    "size that is no size": (
        lambda s: s.net.indices("r:N/2"),
        ("indices: size 'N/2' of index r", "signed terms such as T-F+1", "got '/2' at position 1"),
    ),
    "size zero": (lambda s: s.net.indices("r:0"), ("indices: size '0' of index r: expected a positive size, got 0",)),
    "index of two ranges": (
        lambda s: s.net.indices("n:K"),
        ("indices: n is declared over N already, got K", "choose another letter"),
    ),
    "index named like a node": (lambda s: s.net.indices("c:N"), ("indices: name c is already taken", "choose another letter")),
    "no indices at all": (lambda s: s.net.indices(" "), ("indices: expected at least one name:size", '"n:N i:D"')),
    "unknown size": (lambda s: s.net.size("Q"), ("size Q is unknown", 'indices("n:Q")')),
    "no names": (lambda s: s.net.inputs(""), ("inputs: expected at least one name, got ''",)),
    "wrong number of values": (
        lambda s: s.net.inputs("a1 a2", values=(1,)),
        ("inputs: expected 2 values for a1 a2, got 1",),
    ),
    "value of another shape": (
        lambda s: s.net.input("V", s.k, value=[1, 2]),
        ("value of V: axis 1 should have 3 entries, got 2",),
    ),
    "value of another rank": (
        lambda s: s.net.input("V", s.n, value=[[1, 2]]),
        ("value of V: expected shape (N), got shape (1, 2)",),
    ),
    "value not finite": (lambda s: s.net.input("a", value=float("nan")), ("value of a: expected finite numbers, got nan",)),
    "value not a number": (lambda s: s.net.input("a", value="five"), ("value of a: expected a number, got 'five'",)),
    "sizes that disagree": (
        lambda s: (s.net.input("A", s.n, value=[1, 2]), s.net.input("B", s.n, value=[1, 2, 3])),
        ("values: N is 2 in A but 3 in B; B should have shape (N)",),
    ),
    "value of a definition": (
        lambda s: s.net.set_values({"out_h1": 3}),
        ("values: out_h1 is computed by its definition",),
    ),
    "value of an unknown name": (lambda s: s.net.set_values({"w2": 3}), ("unknown name w2", "known: X")),
    "assumption without a reason": (
        lambda s: s.net.assume(s.c, 1, because=""),
        ("assume: expected the reason in words (because=...)",),
    ),
    "assumption about an unknown name": (
        lambda s: s.net.assume(Symbol("d"), 1, because="so"),
        ("assume: unknown name d", "declare it"),
    ),
}


@pytest.mark.parametrize(("act", "words"), BAD.values(), ids=BAD)
def test_a_bad_definition_says_what_is_wrong(act: Act, words: tuple[str, ...]) -> None:
    bench = Bench()
    with pytest.raises(UserError) as caught:
        act(bench)
    assert "Y" not in bench.net.nodes
    message = str(caught.value)
    assert "\n" not in message
    for part in words:
        assert part in message, message


def test_there_are_more_than_thirty_kinds() -> None:
    assert len(BAD) > 60


GOOD: dict[str, Act] = {
    "a number": lambda s: s.define(3),
    "a decimal number": lambda s: s.define(0.1 * s.c),
    "a size": lambda s: s.define(s.c / s.net.size("N-F+1")),
    "a sum over an index used on the left of another node": lambda s: s.define(Sum(s.v[s.n], s.n)),
    "the left index summed again inside": lambda s: s.define(s.n, Sum(s.v[s.n], s.n) * s.v[s.n]),
    "a repeated index": lambda s: s.define(s.n, Sum(s.v[s.n] * s.v[s.n], s.n)),
    "an affine index": lambda s: s.define(s.t, Sum(s.v[s.t + s.u], s.u)),
    "a shifted bound": lambda s: s.define(s.n, Sum(s.v[s.m], (s.m, 0, s.n))),
    "a condition on indices": lambda s: s.define(s.n, s.m, Piecewise((s.v[s.n], s.m <= s.n), (0, True))),
    "a condition on values": lambda s: s.define(s.n, Piecewise((s.v[s.n], s.v[s.n] > s.c), (0, True))),
    "a fixed place": lambda s: s.define(s.v[0] + s.v[s.net.size("N") - 1]),
    "functions of functions": lambda s: s.define(tanh(sin(s.c)) ** s.w1),
}


@pytest.mark.parametrize("act", GOOD.values(), ids=GOOD)
def test_good_definitions_are_taken(act: Act) -> None:
    bench = Bench()
    act(bench)
    assert "Y" in bench.net.nodes


def test_decimals_become_the_fractions_they_spell() -> None:
    bench = Bench()
    bench.define(0.1 * bench.c)
    assert str(bench.net.nodes["Y"].expression) == "c/10"


def test_a_symbol_with_the_name_of_a_node_is_that_node() -> None:
    bench = Bench()
    bench.define(Symbol("w1") * 2)
    assert bench.net.nodes["Y"].expression.free_symbols == {bench.w1}
    assert bench.net.nodes["Y"].parents == ("w1",)
