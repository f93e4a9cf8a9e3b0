"""Names whose movement a later node does not see, so that the gradient is 0 whatever the values are.

A bias of the keys moves each row of the scores as a whole, which softmax does not see; a bias before batch norm moves a column
with its mean. Found in forward direction: a movement t of the name is pushed through the definitions, ẏ = Σ ∂y/∂x · ẋ, as long
as they are linear in what moves. Where ẏ cancels, y does not see it; where every road to the loss ends so, ∂E/∂name = 0. What is
not of sums, products, powers, exp, log and guards is not judged: then nothing is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sympy import (
    Add,
    Basic,
    Dummy,
    Expr,
    Function,
    Idx,
    Indexed,
    IndexedBase,
    Integer,
    Mul,
    Piecewise,
    Pow,
    Sum,
    Symbol,
    exp,
    fraction,
    log,
    preorder_traversal,
    together,
)

from symbackprop.derive.sweep.derivation import DerivationRecord, pulled_out
from symbackprop.network.indices import bound_apart, free_indices, index_name, substitute
from symbackprop.network.node import Node

Movement = tuple[tuple[Idx, ...], Expr]  # the indices of a name, and the movement of its general entry
Movements = Mapping[str, Movement]
_MOVING = Dummy("t", real=True)
#: ∂f(a₀, a₁, …)/∂aᵢ of what is judged.
_SLOPES: Mapping[type[Expr], Callable[[Expr, int], Expr]] = {
    Add: lambda part, place: Integer(1),
    Mul: lambda part, place: Mul(*part.args[:place], *part.args[place + 1 :]),
    Pow: lambda part, place: part * log(part.base) if place else part.exp * part.base ** (part.exp - 1),
    exp: lambda part, place: part,
    log: lambda part, place: 1 / part.args[0],
}


class _NotJudged(Exception):
    """A definition is not linear in what moves, or is of functions that are not judged."""


def unseen_by(derivation: DerivationRecord, name: str) -> tuple[str, ...]:
    """Return the nodes that do not change when `name` does and through which all that the loss sees of it passes; else ()."""
    nodes = derivation.network.nodes
    start = nodes[name]
    if not start.indices or not derivation.adjoint(name) or _is_seen(derivation, name):
        return ()
    moved = {name: (start.indices, IndexedBase(_MOVING)[start.indices])}
    blind: list[str] = []
    waiting = _consumers(
        derivation, name
    )  # those that move alone are looked at, so that a name that is seen costs next to nothing
    try:
        while waiting:
            other = min(waiting, key=lambda consumer: nodes[consumer].position)
            waiting.discard(other)
            movement = _movement(nodes[other], moved)
            if movement == 0:
                blind.append(other)
            elif other == derivation.loss:
                return ()
            else:
                moved[other] = (nodes[other].indices, movement)
                waiting |= _consumers(derivation, other)
    except _NotJudged:
        return ()
    return tuple(blind)


def _is_seen(derivation: DerivationRecord, name: str) -> bool:
    """Whether a name is read once, by a node that is read once, and so on to a function that is not judged: a weight of a layer.

    What stands once in a definition does not cancel there.
    """
    nodes = derivation.network.nodes
    while len(consumers := _consumers(derivation, name)) == 1:
        (other,) = consumers
        expression = nodes[other].expression
        assert expression is not None
        if _uses(expression)[name] != 1:
            return False
        if isinstance(expression, Function) and not isinstance(expression, tuple(_SLOPES)):
            return True
        name = other
    return False


@lru_cache(maxsize=4096)
def _uses(expression: Expr) -> Counter[str]:
    """Return how often each array and number stands in an expression."""
    found: Counter[str] = Counter()
    stack: list[Basic] = [expression]
    while stack:
        part = stack.pop()
        if isinstance(part, Indexed):
            found[_label(part)] += 1
            stack += part.indices
        elif isinstance(part, Symbol):
            found[part.name] += 1
        elif not isinstance(part, Idx):
            stack += part.args
    return found


def _consumers(derivation: DerivationRecord, name: str) -> set[str]:
    adjoint = derivation.adjoint(name)
    return {contribution.consumer for contribution in adjoint.contributions} if adjoint else set()


def _movement(node: Node, moved: Movements) -> Expr:
    """Return ẏ of a node, 0 where it cancels; raises _NotJudged where it depends on what moved, or on a guard.

    It is worked out with numbered names, so that layers that differ in their names alone are worked out once.
    """
    expression = node.expression
    assert expression is not None
    moving = [(part, moved[name]) for name, part in _parts(expression).items() if name in moved]
    numbered = _numbered([expression, *(movement for _, (_, movement) in moving)])
    known = tuple((_label_of(numbered[part]), indices, movement.xreplace(numbered)) for part, (indices, movement) in moving)
    found = _movement_of(expression.xreplace(numbered), known)
    if found is None:
        raise _NotJudged
    return found.xreplace({blank: part for part, blank in numbered.items()})


@lru_cache(maxsize=4096)
def _movement_of(expression: Expr, known: tuple[tuple[str, tuple[Idx, ...], Expr], ...]) -> Expr | None:
    """Return ẏ of a definition, None where it is not judged."""
    moved = {name: (indices, movement) for name, indices, movement in known}
    push = _Push(moved, {index_name(index) for index in expression.atoms(Idx)})
    try:
        movement = _cancelled(pulled_out(push.rate(push.guarded(expression)).expand()).expand())
    except _NotJudged:
        return None
    seen = _names(movement).isdisjoint(moved) and not movement.atoms(Symbol) & set(push.guards.values())
    return movement if seen else None


def _parts(expression: Expr) -> dict[str, Basic]:
    """Return the arrays and numbers in an expression by name, in the order in which they stand there."""
    found: dict[str, Basic] = {}
    walk = preorder_traversal(expression)
    for part in walk:
        if isinstance(part, IndexedBase) or (isinstance(part, Symbol) and not part.is_integer):
            found.setdefault(_label_of(part), part)
            walk.skip()
    return found


def _numbered(expressions: Iterable[Expr]) -> dict[Basic, Basic]:
    """Return a name with a number for every array and number in some expressions, but what moves itself."""
    found: dict[Basic, Basic] = {}
    for part in (part for expression in expressions for part in _parts(expression).values()):
        if part not in found and _label_symbol(part) != _MOVING:
            blank = Symbol(f"{len(found)}", real=True)
            found[part] = IndexedBase(blank) if isinstance(part, IndexedBase) else blank
    return found


def _cancelled(movement: Expr) -> Expr:
    """Return 0 where terms cancel only over a common denominator: a mean over T - F + 1 places counts those."""
    alone = not isinstance(movement, Add)
    return movement if alone or fraction(together(movement))[0].expand() != 0 else Integer(0)


@dataclass(frozen=True, slots=True)
class _Push:
    """How one definition moves with every x that moves, by the rules of sums, products, powers, exp and log."""

    moved: Movements
    taken: set[str]
    guards: dict[Expr, Symbol] = field(default_factory=dict)

    def rate(self, part: Expr) -> Expr:
        """Return the movement of an expression; raises _NotJudged for functions that are not judged."""
        if isinstance(part, Indexed):
            return self._at(part) if _label(part) in self.moved else Integer(0)
        if isinstance(part, Symbol):
            return self.moved[part.name][1] if part.name in self.moved else Integer(0)
        if isinstance(part, Sum):
            inside = self.rate(part.function)
            return Sum(inside, *part.limits) if inside != 0 else inside
        rates = [(place, rate) for place, rate in enumerate(map(self.rate, part.args)) if rate != 0]
        if rates and not isinstance(part, tuple(_SLOPES)):
            raise _NotJudged
        return Add(*(_SLOPES[part.func](part, place) * rate for place, rate in rates))

    def guarded(self, part: Expr) -> Expr:
        """Return the expression with a factor that is a name in the place of every guard."""
        return part.replace(lambda inner: isinstance(inner, Piecewise), self._guarded) if part.has(Piecewise) else part

    def _guarded(self, part: Piecewise) -> Expr:
        (value, condition), *others = part.args
        if [tuple(other) for other in others] != [(0, True)] or any(_label(at) in self.moved for at in condition.atoms(Indexed)):
            raise _NotJudged
        guard = self.guards.setdefault(condition, Dummy("guard", real=True))
        places = tuple(sorted(free_indices(condition), key=index_name))
        return value * (IndexedBase(guard)[places] if places else guard)

    def _at(self, part: Indexed) -> Expr:
        """Return ẋ at the address where x is read."""
        indices, movement = self.moved[_label(part)]
        renamed = {own: at for own, at in zip(indices, part.indices, strict=True) if own != at}
        return bound_apart(substitute(bound_apart(movement, self.taken), renamed), self.taken)


def _names(expression: Expr) -> set[str]:
    """Return the names of the arrays and numbers in an expression."""
    return set(_parts(expression))


def _label(part: Indexed) -> str:
    return _label_of(part.base)


def _label_of(part: Basic) -> str:
    return str(_label_symbol(part).name)


def _label_symbol(part: Basic) -> Symbol:
    return part.label if isinstance(part, IndexedBase) else part
