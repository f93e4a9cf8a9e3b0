"""Random written formulas for the tests: hypothesis strategies over a fixed table of names."""

from __future__ import annotations

from hypothesis import strategies as st

from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.read.name_table import Names
from symbackprop.formula.tree.brackets import normalise
from symbackprop.formula.tree.tree import (
    BIG_OPERATORS,
    Bars,
    BigSum,
    Blank,
    Branch,
    Call,
    Cases,
    Chain,
    Decorated,
    Delta,
    Element,
    Formula,
    Fraction,
    Group,
    Hadamard,
    Indexed,
    Logic,
    Matrix,
    Nabla,
    Name,
    Neg,
    Number,
    Partial,
    Power,
    Product,
    Root,
    Row,
    Sum,
    Text,
    Transpose,
    Update,
)

SCALARS = ("w7", "w12", "out_o1", "target_o1", "E_total", "b1", "x", "theta", "y_hat")
TENSORS = ("X", "W", "delta", "a", "H_1")
INDICES = ("n", "i", "j", "k")
FUNCTIONS = ("sigmoid", "tanh", "log", "relu", "phi")


def names_for(notation: Notation) -> Names:
    """Return the table of the names that `formulas` uses."""
    return Names.of(
        notation,
        scalars=SCALARS,
        indexed=TENSORS,
        functions=("sigmoid", "relu", "phi"),
        indices=INDICES,
        sizes="N K",
        rates="eta",
    )


def formulas(notation: Notation) -> st.SearchStrategy[Formula]:
    """Return random formulas, with a Group only where brackets are not forced."""
    layered = notation.layered
    return st.one_of(_values(notation), _statements(notation)).map(lambda formula: normalise(formula, layered))


def _names(*names: str) -> st.SearchStrategy[Formula]:
    return st.sampled_from(names).map(Name)


def _leaves(notation: Notation) -> st.SearchStrategy[Formula]:
    numbers = st.sampled_from(("0", "1", "2", "10", "0.50", ".5", "3.14159")).map(Number)
    index = st.one_of(
        _names(*INDICES),
        st.sampled_from(("1", "3")).map(Number),
        st.builds(lambda i: Sum((Name(i), Number("1"))), st.sampled_from(INDICES)),
        st.just(Product((Number("2"), Name("n")))),
    )
    indices = st.lists(index, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        _names(*SCALARS, *TENSORS, "eta", "N", "e", "pi"),
        numbers,
        st.builds(Indexed, st.sampled_from(TENSORS), indices),
        st.builds(
            _layered, st.sampled_from(sorted(notation.layered & set(TENSORS)) or ["X"]), indices, index, st.booleans()
        ).filter(lambda formula: isinstance(formula, Indexed) and (not formula.upper or formula.name in notation.layered)),
        st.builds(Delta, index, index),
        st.builds(Blank, st.sampled_from((1.5, 3.0))),
    )


def _layered(name: str, indices: tuple[Formula, ...], layer: Formula, below: bool) -> Formula:
    return Indexed(name, indices if below else (), (layer,))


def _values(notation: Notation) -> st.SearchStrategy[Formula]:
    return st.recursive(_leaves(notation), lambda parts: _compound(parts, notation), max_leaves=8)


def _compound(parts: st.SearchStrategy[Formula], notation: Notation) -> st.SearchStrategy[Formula]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    marks = ("hat", "bar", "tilde")
    condition = st.builds(lambda a, b, sign: Chain((a, b), (sign,)), parts, parts, st.sampled_from(("<", "≤", "=", "≠")))
    function = st.one_of(
        _names(*FUNCTIONS),
        _names("phi", "sigmoid").map(lambda name: Decorated("prime", name)),
        st.builds(lambda layer: Indexed("phi", (), (layer,)), _names(*INDICES)),
    )
    index = st.one_of(_names(*INDICES), st.just(Row((Name("n"), Name("k")), ",")))
    return st.one_of(
        st.builds(Neg, parts),
        st.builds(Sum, several),
        st.builds(Product, several),
        st.builds(Product, several),
        st.builds(Hadamard, several),
        st.builds(Fraction, parts, parts, st.booleans()),
        st.builds(Power, parts, parts).filter(lambda power: not _is_layer(power)),
        st.builds(Root, parts),
        st.builds(lambda head, items: Call(head, items), function, st.lists(parts, min_size=1, max_size=2).map(tuple)),
        st.builds(Partial, parts, parts),
        st.builds(lambda a, b: Partial(a, b, (b,)), parts, parts.filter(lambda part: not isinstance(part, Group))),
        st.builds(Nabla, parts, st.one_of(st.none(), _names("x", "W"))),
        st.builds(lambda body, i, operator: BigSum(body, i, operator=operator), parts, index, st.sampled_from(BIG_OPERATORS)),
        st.builds(lambda body, i: BigSum(body, Name(i), Number("1"), Name("N")), parts, st.sampled_from(INDICES)),
        st.builds(Transpose, parts),
        st.builds(Element, st.builds(Transpose, parts), st.just((Name("i"), Name("j")))),
        st.builds(Group, parts, st.sampled_from("([{")),
        st.builds(Bars, parts, st.sampled_from(("abs", "norm"))),
        st.builds(Bars, parts, st.just("norm"), st.sampled_from(("1", "2", "F", "∞"))),
        st.builds(Matrix, st.lists(parts, min_size=4, max_size=4).map(tuple), st.sampled_from((1, 2, 4))),
        st.builds(Update, parts),
        st.builds(lambda name, kind: Decorated(kind, name), _names("x", "X"), st.sampled_from(marks)),
        st.builds(lambda part: Decorated("Delta", part), parts),
        st.builds(lambda a, p, b: Cases((Branch(a, p), Branch(b))), parts, condition, parts),
    )


def _is_layer(power: Power) -> bool:
    """A superscript such as `(k)` in brackets of its own: the reader asks whether it is a layer."""
    exponent = power.exponent
    while isinstance(exponent, Group):
        exponent = exponent.body
    return isinstance(power.exponent, Group) and isinstance(exponent, Number | Name)


def _statements(notation: Notation) -> st.SearchStrategy[Formula]:
    values = _values(notation)
    signs = st.sampled_from(("=", ":=", "≈", "←", "<", "⇒"))
    chains = st.lists(st.tuples(values, signs), min_size=2, max_size=3).map(
        lambda pairs: Chain(tuple(part for part, _ in pairs), tuple(sign for _, sign in pairs[1:]))
    )
    prose = st.sampled_from(("chain rule: ", "求导 ", "50% of w_1")).map(Text)
    return st.one_of(
        chains,
        st.builds(lambda a, b: Row((a, b)), prose, chains),
        st.builds(lambda a, b, sign: Row((a, b), sign), chains, chains, st.sampled_from((",", "\n"))),
        st.builds(lambda a, b, operator: Logic(operator, (a, b)), chains, chains, st.sampled_from(("and", "or"))),
    )
