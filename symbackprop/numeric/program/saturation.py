"""Keep what saturates out of logarithms and denominators.

A softmax or sigmoid P rounds to 0 or 1 while its argument z is quite ordinary. Then log P is -∞ and t/P·P is NaN, though

    log P = z - log Σ exp(z)          t/P · P·(…) = t·(…)

are plain numbers. So `log P` is computed from z, and an adjoint that divides by P is written where the local derivative P·(…)
cancels the division.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sympy import Add, Expr, Idx, Indexed, Mul, Pow, S, Sum, Symbol, exp, log

from symbackprop.functions import sigmoid, softplus
from symbackprop.network.indices import IndexSum, bound_apart, index_name, kinds, real_symbol, substitute
from symbackprop.numeric.program.factors import names_in, pulled_out
from symbackprop.numeric.program.program import ComputedLine, Program
from symbackprop.numeric.program.python_names import name_of
from symbackprop.numeric.program.stable import log_softmax_in, softmax_in, softmax_of


def with_log_lines(forward: list[ComputedLine], program: Program) -> tuple[list[ComputedLine], Mapping[str, ComputedLine]]:
    """Give `log P` of a softmax P a line of its own, computed from P's argument; P is then exp(log P).

    `log` of a sigmoid node, or of one minus it, becomes `-softplus` of the sigmoid's argument.
    """
    defined = {line.name: line for line in forward}
    asked = {name_of(call.args[0]) for line in forward for e in line.expressions for call in e.atoms(log)
             if isinstance(call.args[0], Symbol | Indexed)}  # fmt: skip
    taken = program.names
    logs: dict[str, ComputedLine] = {}
    result: list[ComputedLine] = []
    for line in forward:
        twin = _log_twin(line, taken) if line.name in asked else None
        if twin is not None:
            logs[line.name] = twin
            result.append(twin)
            line = replace(line, terms=(exp(twin.entry),))
        result.append(line.mapped(lambda e: without_logs(e, logs, defined)))
    return result, logs


def _log_twin(line: ComputedLine, taken: set[str]) -> ComputedLine | None:
    """Return the line of log P where P is a softmax and nothing else, in index notation or of scalars."""
    (expression,) = line.terms
    value = None
    if isinstance(expression, Mul):
        found = softmax_in(expression)
        if found is not None and found[2] == 1 and not found[0].has(S.NegativeInfinity):
            exponent, _, _ = found
            total = next(f.base for f in expression.args if isinstance(f, Pow) and isinstance(f.base, Sum))
            value = Add(exponent, -log(total), evaluate=False)
    if value is None:
        return None
    name = f"log_{line.name}"
    while name in taken:
        name += "_"
    symbol = real_symbol(name, line.indices)
    return ComputedLine(symbol, line.indices, (value,))


def without_unused_logs(program: Program) -> list[ComputedLine]:
    """Return the forward lines with P = exp(log P) as the softmax it was where nothing else needs log P any more."""
    twins = {line.name: line for line in program.forward if _is_log_softmax(line)}
    uses = Counter(name for line in program.lines for name in names_in(line.expressions)) if twins else Counter()

    def changed(line: ComputedLine) -> ComputedLine:
        entry = line.terms[0].args[0] if len(line.terms) == 1 and isinstance(line.terms[0], exp) else None
        twin = twins.get(name_of(entry)) if isinstance(entry, Indexed) else None
        if twin is None or uses[twin.name] > 1:
            return line
        exponent = _at(twin.terms[0], twin, entry)
        logarithm = next(term for term in exponent.args if isinstance(-term, log))
        return line.with_terms((exp(exponent - logarithm) / (-logarithm).args[0],))

    return [changed(line) for line in program.forward]


def _is_log_softmax(line: ComputedLine) -> bool:
    value = line.terms[0] if len(line.terms) == 1 else None
    found = log_softmax_in(value) if isinstance(value, Add) else None
    return found is not None and found[0] == 1 and found[3] == 0


def without_logs(expression: Expr, logs: Mapping[str, ComputedLine], defined: Mapping[str, ComputedLine]) -> Expr:
    replaced = {}
    for call in expression.atoms(log) if log in kinds(expression) else ():
        (inside,) = call.args
        if isinstance(inside, Symbol | Indexed) and name_of(inside) in logs:
            twin = logs[name_of(inside)]
            replaced[call] = twin.symbol[inside.indices] if isinstance(inside, Indexed) else twin.symbol
        else:
            value = _log_of_sigmoid(inside, defined)
            if value is not None:
                replaced[call] = value
    return expression.xreplace(replaced) if replaced else expression


def _log_of_sigmoid(inside: Expr, defined: Mapping[str, ComputedLine]) -> Expr | None:
    for leaf, sign in ((inside, -1), ((1 - inside), 1)):
        if isinstance(leaf, Symbol | Indexed) and name_of(leaf) in defined:
            line = defined[name_of(leaf)]
            (value,) = line.terms
            if isinstance(value, sigmoid):
                return -softplus(sign * _at(value.args[0], line, leaf))
    return None


def sigmoid_slope(expression: Expr, sigmoids: Mapping[str, ComputedLine]) -> Expr:
    """Write the slope of a sigmoid that was defined with exp, `exp(-z)*y**2`, as `y*(1 - y)`, where exp cannot overflow."""
    if not sigmoids or exp not in kinds(expression):
        return expression
    found = _slope_in(expression, sigmoids) if isinstance(expression, Mul) else None
    if found is not None:
        y, rest = found
        return sigmoid_slope(rest, sigmoids) * y * (1 - y)
    return expression.func(*(sigmoid_slope(arg, sigmoids) if isinstance(arg, Expr) else arg for arg in expression.args))


def _slope_in(product: Mul, sigmoids: Mapping[str, ComputedLine]) -> tuple[Expr, Expr] | None:
    """Return (y, other factors) of a product that contains `exp(-z)*y**2` for a sigmoid y of z, else None."""
    squares = (power for power in product.args if isinstance(power, Pow) and power.exp == 2)
    for power in squares:
        y = power.base
        line = sigmoids.get(name_of(y)) if isinstance(y, Symbol | Indexed) else None
        slope = exp(-_at(line.terms[0].args[0], line, y)) if line is not None else None
        if slope in product.args:
            return y, Mul(*(factor for factor in product.args if factor not in (power, slope)))
    return None


def _at(expression: Expr, line: ComputedLine, entry: Expr) -> Expr:
    """Return a line's expression at the indices of an entry of it."""
    if not isinstance(entry, Indexed):
        return expression
    return substitute(expression, {a: b for a, b in zip(line.indices, entry.indices, strict=True) if a != b})


# ---- adjoints that divide by what the next factor multiplies with ---------------------------------------------------------


def cancelled(forward: list[ComputedLine], backward: list[ComputedLine]) -> list[ComputedLine]:
    """Insert adjoints such as `-t/P` where they are used, when the local derivative `P·(…)` there cancels the division.

    Divided first and multiplied after, P = 0 gives 0·∞; cancelled, it gives the value.
    """
    saturating = {line.name: line for line in forward if _saturates(line)}
    lines = list(backward)
    for at, line in enumerate(lines):
        node = saturating.get(line.adjoint_of)
        if node is not None and not line.scatters and _divides(line, node):
            lines[at + 1 :] = _undivided(lines[at + 1 :], line, node)
    return lines


def _undivided(later: list[ComputedLine], adjoint: ComputedLine, node: ComputedLine) -> list[ComputedLine]:
    """Return lines with an adjoint's definition where they use it, or as they are when a division by the node would stay."""
    users = [at for at, line in enumerate(later) if adjoint.name in names_in(line.expressions)]
    if any(later[at].scatters for at in users):
        return later
    inserted = {at: _inserted(later[at], adjoint) for at in users}
    if any(_divides(line, node) for line in inserted.values()):
        return later
    return [inserted.get(at, line) for at, line in enumerate(later)]


def _saturates(line: ComputedLine) -> bool:
    """Whether a node's value can be 0 or 1 in floating point while its argument is ordinary: sigmoid, softmax."""
    value = line.terms[0]
    if isinstance(value, exp) and line.name and name_of_log(value) == f"log_{line.name}":
        return True
    return isinstance(value, sigmoid | softmax_of) or (isinstance(value, Mul) and softmax_in(value) is not None)


def name_of_log(value: exp) -> str:
    """Return the name under an exp, without the underscores that keep it apart."""
    argument = value.args[0]
    return name_of(argument).rstrip("_") if isinstance(argument, Symbol | Indexed) else ""


def _divides(line: ComputedLine, node: ComputedLine) -> bool:
    powers = (power for term in line.terms for power in term.atoms(Pow))
    return any(power.exp.could_extract_minus_sign() and node.name in names_in([power.base]) for power in powers)


def _inserted(user: ComputedLine, adjoint: ComputedLine) -> ComputedLine:
    terms: list[Expr] = []
    for term in user.terms:
        terms.extend(_insert(term, adjoint))
    return replace(user, terms=tuple(terms))


def _insert(term: Expr, adjoint: ComputedLine) -> list[Expr]:
    """Return the summands of a term (a product, or a sum of products over indices) with an adjoint's definition in its place."""
    if adjoint.name not in names_in([term]):
        return [term]
    factors = list(Mul.make_args(term))
    place = next(f for f in factors if adjoint.name in names_in([f]))
    others = [f for f in factors if f is not place]
    if isinstance(place, Sum):
        parts = _insert(place.function, adjoint)
        return [Mul(*others, *pulled_out(IndexSum(part, *place.limits))) for part in parts]
    if not isinstance(place, Symbol | Indexed):
        return [term]
    return [_times(value, others) for value in _definition_at(place, adjoint, term)]


def _definition_at(place: Symbol | Indexed, adjoint: ComputedLine, term: Expr) -> Iterator[Expr]:
    """Yield the summands of an adjoint's definition at the place where a term has its name."""
    taken = {index_name(index) for index in (*term.atoms(Idx), *adjoint.indices)}
    for whole in adjoint.terms:
        for summand in _distributed(whole):
            yield _at(bound_apart(summand, taken), adjoint, place)


def _times(value: Expr, factors: Iterable[Expr]) -> Expr:
    """Multiply a value, under its sum if it is one."""
    return IndexSum(Mul(value.function, *factors), *value.limits) if isinstance(value, Sum) else Mul(value, *factors)


def _distributed(term: Expr) -> list[Expr]:
    """Multiply out one factor that is a sum of quotients: `(a/y + b/(1 - y))*c` gives two terms."""
    factors = list(Mul.make_args(term))
    for at, factor in enumerate(factors):
        if isinstance(factor, Add) and any(power.exp.could_extract_minus_sign() for power in factor.atoms(Pow)):
            others = factors[:at] + factors[at + 1 :]
            return [part for summand in factor.args for part in _distributed(Mul(summand, *others))]
    return [term]
