"""Check one definition when it is made, and bring it into canonical form.

Everything a definition may contain has a handler in `_HANDLERS`; anything else is an error that names the place, what was
expected, what was got and the nearest fix. Canonical means: symbols are the network's own (looked up by name), and decimal
numbers are the exact fractions they spell (`0.1` is 1/10).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import (
    Add,
    Basic,
    Expr,
    Float,
    Idx,
    Indexed,
    IndexedBase,
    Integer,
    KroneckerDelta,
    Mul,
    Number,
    NumberSymbol,
    Piecewise,
    Pow,
    Rational,
    Sum,
    Symbol,
)
from sympy.concrete.expr_with_limits import ExprWithLimits
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from symbackprop.errors import DefinitionError, nearest
from symbackprop.functions import BY_ANY_NAME, BY_NAME, ELEMENTARY
from symbackprop.functions.matrices import LogDet, MatrixFunction, MatrixInverse
from symbackprop.functions.reductions import IndexMax, IndexMin, IndexProduct
from symbackprop.network.indices import IndexSum, addresses, entry_of, free_indices, index_name, index_size, is_label
from symbackprop.network.node import Node, Role
from symbackprop.network.places import address_range, is_granted, known_bounds


@dataclass(slots=True)
class DefinitionScope:
    """What is known while one definition is checked: the nodes, the sizes, the bound indices, and the parents found so far.

    `bounds` are expressions in indices that are not negative here, by the conditions and the bounds of sums around.
    """

    where: str
    nodes: Mapping[str, Node]
    sizes: Mapping[str, Symbol]
    bound: tuple[Idx, ...]
    parents: set[str] = field(default_factory=set)
    bounds: tuple[Expr, ...] = ()

    def fail(self, text: str) -> DefinitionError:
        """Return the error of this definition with its place in front."""
        return DefinitionError(f"{self.where}: {text}")


def check_definition(
    where: str,
    expression: object,
    indices: tuple[Idx, ...],
    nodes: Mapping[str, Node],
    sizes: Mapping[str, Symbol],
) -> tuple[Expr, tuple[str, ...]]:
    """Return the canonical expression and its parents in order of declaration.

    Raises DefinitionError for an unknown name, an unbound index, a wrong rank, ranges that disagree, or an unknown operation.
    """
    if isinstance(expression, bool | str) or not isinstance(expression, Basic | int | float):
        raise DefinitionError(
            f"{where}: expected a sympy expression over earlier names, got {type(expression).__name__} "
            f"{str(expression)[:40]!r}; build it from the symbols that inputs(), parameters() and define() return"
        )
    scope = DefinitionScope(where, nodes, sizes, indices)
    exact = _exact(expression)
    inside = exact.atoms(MatrixFunction) - {exact} if isinstance(exact, Basic) else set()
    if inside:
        raise scope.fail(f"{min(inside, key=str)} stands inside of a formula; define it as a node of its own, and use that")
    canonical = _check(exact, scope)
    return canonical, tuple(sorted(scope.parents, key=lambda name: nodes[name].position))


def _exact(expression: object) -> object:
    if isinstance(expression, int):
        return Integer(expression)
    return (
        Rational(str(expression))
        if isinstance(expression, float) and expression == expression and abs(expression) < 1e300
        else expression
    )


def _check(expression: object, scope: DefinitionScope) -> Expr:
    for kind, handler in _HANDLERS:
        if isinstance(expression, kind):
            return handler(expression, scope)
    if getattr(expression, "func", None) in ELEMENTARY:
        return _rebuilt(expression, scope)
    name = type(expression).__name__
    raise scope.fail(
        f"{name} is not a known operation or function in {str(expression)[:60]}; known functions: "
        f"{', '.join(sorted(BY_NAME))}.{nearest(name, BY_ANY_NAME)}"
    )


def _rebuilt(expression: Expr, scope: DefinitionScope) -> Expr:
    args = tuple(_check(arg, scope) for arg in expression.args)
    return expression if args == expression.args else expression.func(*args)


def _number(expression: Number, scope: DefinitionScope) -> Expr:
    if not expression.is_finite:
        raise scope.fail(f"expected finite numbers, got {expression}")
    return Rational(str(expression)) if isinstance(expression, Float) else expression


def _symbol(expression: Symbol, scope: DefinitionScope) -> Expr:
    name = normalised(expression.name)
    node = scope.nodes.get(name)
    if node is not None:
        if node.indices:
            raise scope.fail(f"{name} has indices; expected {node.entry}, got {name} without indices")
        scope.parents.add(name)
        return node.symbol
    if name in scope.sizes:
        return scope.sizes[name]
    if any(index_name(index) == name for index in scope.bound):
        raise scope.fail(f"index {name} is used as a number; an index may stand only inside brackets, as in X[{name}]")
    raise scope.fail(
        f"unknown name {name}; declare it as an input, parameter, target or constant, or define it first."
        f"{nearest(name, [*scope.nodes, *scope.sizes])}"
    )


def _index(expression: Idx, scope: DefinitionScope) -> Expr:
    raise scope.fail(f"index {expression} is used as a number; an index may stand only inside brackets, as in X[{expression}]")


def _base(expression: IndexedBase, scope: DefinitionScope) -> Expr:
    name = str(expression.label)
    node = scope.nodes.get(name)
    wanted = f"{node.entry}" if node else f"{name}[…]"
    raise scope.fail(f"{name} has indices; expected {wanted}, got {name} without indices")


def _indexed(expression: Indexed, scope: DefinitionScope) -> Expr:
    name = normalised(str(expression.base.label))
    node = scope.nodes.get(name)
    if node is None:
        raise scope.fail(f"unknown name {name} in {expression}; declare or define it first.{nearest(name, scope.nodes)}")
    if not node.indices:
        raise scope.fail(f"{name} is a scalar; expected {name}, got {expression}")
    if len(expression.indices) != len(node.indices):
        raise scope.fail(f"{expression}: expected {len(node.indices)} indices as in {node.entry}, got {len(expression.indices)}")
    for axis, (address, own) in enumerate(zip(expression.indices, node.indices, strict=True), start=1):
        _address(expression, address, own, axis, scope)
    scope.parents.add(name)
    return entry_of(node.symbol, expression.indices)


def _address(expression: Indexed, address: Expr, own: Idx, axis: int, scope: DefinitionScope) -> None:
    if address == own and own in scope.bound:
        return
    if is_label(address) or getattr(address, "name", None) in scope.nodes:
        _label(address, scope)
        return
    bound = ", ".join(index_name(index) for index in scope.bound) or "none"
    for index in addresses(address):
        if index not in scope.bound:
            raise _unbound(expression, index, own, bound, scope)
    _sizes_only(expression, address, bound, scope)
    _range(expression, address, own, axis, scope)


def _unbound(expression: Indexed, index: Idx, own: Idx, bound: str, scope: DefinitionScope) -> DefinitionError:
    """Return the error for an index that is not bound, with the one that may be meant."""
    same_name = [other for other in scope.bound if index_name(other) == index_name(index)]
    if same_name:
        return scope.fail(
            f"{expression}: index {index} runs over {index_size(index)} here but over "
            f"{index_size(same_name[0])} where it is bound; use the same index for both"
        )
    candidates = [other for other in scope.bound if index_size(other) == index_size(own)]
    fix = f" Did you mean {str(expression).replace(str(index), str(candidates[0]))}?" if candidates else ""
    return scope.fail(f"{expression}: index {index} is not bound; bound here: {bound}.{fix}")


def _sizes_only(expression: Indexed, address: Expr, bound: str, scope: DefinitionScope) -> None:
    """Refuse symbols in an address that are neither indices nor sizes."""
    stray = address.free_symbols - {index.label for index in addresses(address)} - set(addresses(address))
    for symbol in sorted(stray, key=str):
        if symbol.name not in scope.sizes:
            raise scope.fail(
                f"{expression}: {symbol} in a bracket is not an index with a range; make it with "
                f'indices("{symbol}:{str(symbol).upper()}"); bound here: {bound}'
            )


def _range(expression: Indexed, address: Expr, own: Idx, axis: int, scope: DefinitionScope) -> None:
    if isinstance(address, Idx):
        if address.lower == own.lower and index_size(address) == index_size(own):
            return
        if (address.lower - own.lower).expand() != 0 or (index_size(address) - index_size(own)).expand() != 0:
            raise scope.fail(
                f"{expression}: index {address} runs over {index_size(address)}, but axis {axis} of "
                f"{own_entry(expression, scope)} has {index_size(own)} entries"
            )
        return
    found = address_range(address)
    if found is None:
        raise scope.fail(f"address {address} is not linear in its indices; expected e.g. i + u or 2*i + u")
    if not (is_granted(address, scope.bounds) and is_granted(own.upper - address, scope.bounds)):
        raise scope.fail(
            f"{expression}: {address} runs over {found[0]} .. {found[1]}, but axis {axis} of "
            f"{own_entry(expression, scope)} runs over 0 .. {index_size(own) - 1}; "
            "give an index a size such as T-F+1 so that the range fits, or say where the entry counts: "
            f"Piecewise(({expression}, ({address} >= 0) & ({address} <= {index_size(own) - 1})), (0, True))"
        )


def own_entry(expression: Indexed, scope: DefinitionScope) -> str:
    """Return how the indexed node was declared, for messages."""
    return str(scope.nodes[str(expression.base.label)].entry)


def _sum(expression: ExprWithLimits, scope: DefinitionScope) -> Expr:
    for limits in expression.limits:
        _check_limits(expression, limits, scope)
    indices = tuple(limits[0] for limits in expression.limits)
    names = [str(index) for index in indices]
    if len(set(names)) < len(names):
        kind = type(expression).__name__
        raise scope.fail(f"{kind} binds index {names[0]} twice; use a second index of the same range")
    bound = (*(index for index in scope.bound if index_name(index) not in names), *indices)
    inner = replace(scope, bound=bound, bounds=_bounds_within(expression, scope))
    return (IndexSum if isinstance(expression, Sum) else type(expression))(_check(expression.function, inner), *expression.limits)


def _bounds_within(expression: ExprWithLimits, scope: DefinitionScope) -> tuple[Expr, ...]:
    """Return what is not negative inside of a sum: of what is so outside that which its indices do not shadow, and its bounds."""
    names = {str(limits[0]) for limits in expression.limits}
    kept = [known for known in scope.bounds if names.isdisjoint(map(index_name, addresses(known)))]
    return (*kept, *(known for index, low, high in expression.limits for known in (index - low, high - index)))


def _check_limits(expression: ExprWithLimits, limits: tuple[Expr, ...], scope: DefinitionScope) -> None:
    kind = type(expression).__name__
    variable, *bounds = limits
    if not isinstance(variable, Idx):
        raise scope.fail(
            f"{kind} over {variable}: expected an index with a range, got a plain symbol; make it with "
            f'indices("{variable}:{str(variable).upper()}")'
        )
    if variable not in free_indices(expression.function):
        raise scope.fail(
            f"{kind} over {variable}: the summand does not contain {variable}; "
            f"multiply by {index_size(variable)} if that is meant"
        )
    for bound in bounds:
        _check_place(f"{kind} over {variable}: bound {bound}", bound, scope)


def _extremum(expression: IndexMax | IndexMin, scope: DefinitionScope) -> Expr:
    for index, low, high in expression.limits:
        if (low, high) != (index.lower, index.upper):
            raise scope.fail(f"{expression}: expected {index} over its whole range; give it an index of the size that is meant")
    if not isinstance(expression.function, Indexed):  # worked out twice, a value need not be equal to itself in floats
        kind = type(expression).__name__
        raise scope.fail(
            f"{kind} of {expression.function}: expected entries of a node; define that first, then take {kind} of it"
        )
    return _sum(expression, scope)


def _check_place(what: str, expression: Basic, scope: DefinitionScope) -> None:
    """Refuse anything but bound indices and sizes in the bound of a sum or in a condition on indices."""
    free = free_indices(expression)
    unbound = [index for index in sorted(free, key=index_name) if index not in scope.bound]
    if unbound:
        bound = ", ".join(index_name(index) for index in scope.bound) or "none"
        raise scope.fail(f"{what} uses index {unbound[0]}, which is not bound here; bound here: {bound}")
    for symbol in sorted(expression.free_symbols - {index.label for index in free} - free, key=str):
        if getattr(symbol, "name", None) not in scope.sizes:
            raise scope.fail(f"{what} uses {symbol}; expected indices and sizes only: {', '.join(scope.sizes)}")


def _delta(expression: KroneckerDelta, scope: DefinitionScope) -> Expr:
    for index in addresses(expression):
        if index not in scope.bound:
            raise scope.fail(f"{expression}: index {index} is not bound")
    return KroneckerDelta(*(_label(side, scope) for side in expression.args))


def _label(side: Expr, scope: DefinitionScope) -> Expr:
    """Return one side of a Kronecker delta: a place such as `k`, or a declared label such as `y[n]`, which has no derivative."""
    if not side.has(Indexed) and not any(symbol.name in scope.nodes for symbol in side.atoms(Symbol)):
        _check_place(f"KroneckerDelta: {side}", side, scope)
        return side
    label = _check(side, scope)
    named = [scope.nodes[str(getattr(atom, "base", atom))] for atom in label.atoms(Indexed) or label.atoms(Symbol)]
    for node in named:
        if node.role not in _LABELS:
            raise scope.fail(
                f"{node.name} is used as a label; expected a declared input, target or constant, got a {node.role.value}"
            )
    return label


def _matrix_function(expression: MatrixFunction, scope: DefinitionScope) -> Expr:
    """Check a function of a whole array; that it stands alone is checked where a definition begins."""
    node = scope.nodes.get(normalised(expression.array))
    kind = type(expression).__name__
    if node is None or len(node.indices) < 2 or index_size(node.indices[-1]) != index_size(node.indices[-2]):
        raise scope.fail(f"{kind}: expected the name of an array of square matrices, got {expression.args[0]}")
    own = node.indices if isinstance(expression, MatrixInverse) else node.indices[:-2]
    fits = len(own) == len(expression.places) == len(set(expression.places)) and all(
        place in scope.bound and index_size(place) == index_size(axis)
        for place, axis in zip(expression.places, own, strict=False)
    )
    if not fits:
        raise scope.fail(
            f"{kind} of {node.entry}: expected an index for each axis of {', '.join(map(str, own))}, each another one"
        )
    scope.parents.add(node.name)
    if isinstance(expression, LogDet):
        inverse = scope.nodes.get(normalised(expression.inverse))
        held = inverse.expression if inverse else None
        if inverse is None or not isinstance(held, MatrixInverse) or held.array != node.name or held.places != inverse.indices:
            raise scope.fail(f"LogDet of {node.entry}: expected the node that holds its inverse, got {expression.args[1]}")
        scope.parents.add(inverse.name)
    return expression


_LABELS = (Role.INPUT, Role.TARGET, Role.CONSTANT)


def _piecewise(expression: Piecewise, scope: DefinitionScope) -> Expr:
    inside = {limits[0] for total in expression.atoms(Sum) if not isinstance(total, IndexSum) for limits in total.limits}
    for _, condition in expression.args:
        for index in sorted(inside & free_indices(condition), key=index_name):
            raise scope.fail(
                f"condition {condition} stands outside the sum that binds {index}: sympy takes a condition out of a sum that "
                f"stands inside another sum; define the sum over {index} as a node of its own, over another letter"
            )
    branches = []
    for value, condition in expression.args:
        there = replace(scope, bounds=(*scope.bounds, *known_bounds(condition)))
        branches.append((_check(value, there), _condition(condition, scope)))
    return Piecewise(*branches)


def _condition(condition: Basic, scope: DefinitionScope) -> Basic:
    if isinstance(condition, BooleanAtom):
        return condition
    if isinstance(condition, BooleanFunction):
        return condition.func(*(_condition(arg, scope) for arg in condition.args))
    if isinstance(condition, Relational):
        if free_indices(condition) and not condition.atoms(Indexed):
            _check_place(f"Piecewise: condition {condition}", condition, scope)
            return condition
        return condition.func(*(_check(arg, scope) for arg in condition.args))
    raise scope.fail(f"Piecewise: expected a comparison, got {condition}")


def _refuse_relation(expression: Basic, scope: DefinitionScope) -> Expr:
    raise scope.fail(f"expected a number-valued expression, got the comparison {expression}; use Piecewise or step(x)")


_HANDLERS: tuple[tuple[type | tuple[type, ...], Callable[..., Expr]], ...] = (
    (Idx, _index),
    (Symbol, _symbol),
    (Number, _number),
    (NumberSymbol, lambda expression, scope: expression),
    (Indexed, _indexed),
    (IndexedBase, _base),
    ((Sum, IndexProduct), _sum),
    ((IndexMax, IndexMin), _extremum),
    (Piecewise, _piecewise),
    (KroneckerDelta, _delta),
    (MatrixFunction, _matrix_function),
    ((Relational, BooleanFunction, BooleanAtom), _refuse_relation),
    ((Add, Mul, Pow), _rebuilt),
)


def normalised(name: Any) -> Any:
    """Return a name as Python takes it (NFKC): ϕ and φ are one name, as are ﬁ and fi. What is no text is returned as it is."""
    return unicodedata.normalize("NFKC", name) if isinstance(name, str) else name


def check_name(where: str, name: str, taken: str | None) -> None:
    """Raise DefinitionError when a name is not an identifier or stands for something (`taken`) already."""
    if not name.isidentifier():
        raise DefinitionError(f"{where}: expected a name of letters, digits and _, not starting with a digit; got {name!r}")
    if taken is not None:
        raise DefinitionError(f"{where}: name {name} is already {taken}; choose another name, e.g. {name}_2")
