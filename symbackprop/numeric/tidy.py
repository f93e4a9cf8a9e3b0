"""Make a program stable and lean: logarithms of softmax, cancelling adjoints, common factors, no dead lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sympy import Add, Expr, Idx, Indexed, IndexedBase, Mul, Pow, Sum, Symbol, exp, log

from symbackprop.derive.rewrite import match
from symbackprop.network.functions import sigmoid, softplus
from symbackprop.network.indices import free_indices, index_name, primed, substitute
from symbackprop.network.node import Fact
from symbackprop.numeric.names import name_of
from symbackprop.numeric.program import Line, Program
from symbackprop.numeric.stable import softmax_in, softmax_of, stabilised


def tidied(program: Program, facts: Iterable[Fact] = (), keep: frozenset[str] = frozenset()) -> Program:
    """Return an equal program in stable form, with only the lines that the loss, the gradients or `keep` need."""
    forward = [line.mapped(stabilised) for line in program.forward]
    forward, logs = _log_lines(forward, program)
    sigmoids = {line.name: line for line in forward if isinstance(line.terms[0], sigmoid)}
    backward = [line.mapped(stabilised) for line in _without_logs(_without_constants(program.backward), logs)]
    backward = [line.mapped(lambda e: _sigmoid_slope(e, sigmoids)) for line in backward]
    backward = _cancelled(forward, backward)
    used: list[Fact] = []
    backward = [line.mapped(lambda e: _with_facts(e, facts, used)) for line in backward]
    backward = [replace(line, terms=(combined(line.terms),)) if line.terms else line for line in backward]
    remarks = tuple(f"Uses the assumption {fact.left} = {fact.right}: {fact.because}." for fact in dict.fromkeys(used))
    tidy = replace(program.with_lines(forward, backward), remarks=program.remarks + remarks)
    return without_dead_lines(tidy, keep)


def _without_constants(lines: Iterable[Line]) -> list[Line]:
    """Write adjoints that are plain numbers (the loss's own 1, a mean's 1/N) where they are used."""
    constants: dict[str, Expr] = {}
    result = []
    for line in lines:
        line = line.mapped(lambda expression: _with_values(expression, constants))
        if not line.scatters and not any(term.atoms(Indexed) for term in line.terms):
            value = combined(line.terms)
            if all(symbol.is_integer and symbol.is_positive for symbol in value.free_symbols):
                constants[line.name] = value
        result.append(line)
    return result


def _with_values(expression: Expr, values: Mapping[str, Expr]) -> Expr:
    found = {atom: values[name_of(atom)] for atom in expression.atoms(Symbol, Indexed) if name_of(atom) in values}
    return expression.xreplace(found) if found else expression


# ---- logarithms of softmax and sigmoid ---------------------------------------------------------------------------------


def _log_lines(forward: list[Line], program: Program) -> tuple[list[Line], Mapping[str, Line]]:
    """Give `log P` of a softmax P a line of its own, computed from P's argument; P is then exp(log P).

    `log` of a sigmoid node, or of one minus it, becomes `-softplus` of the sigmoid's argument.
    """
    defined = {line.name: line for line in forward}
    asked = {name_of(call.args[0]) for line in forward for e in line.expressions for call in e.atoms(log)
             if isinstance(call.args[0], Symbol | Indexed)}  # fmt: skip
    taken = {*defined, *(node.name for node in program.arguments), *(line.name for line in program.backward)}
    logs: dict[str, Line] = {}
    result: list[Line] = []
    for line in forward:
        twin = _log_twin(line, taken) if line.name in asked else None
        if twin is not None:
            logs[line.name] = twin
            result.append(twin)
            line = replace(line, terms=(exp(twin.entry),))
        result.append(line.mapped(lambda e: _log_free(e, logs, defined)))
    return result, logs


def _log_twin(line: Line, taken: set[str]) -> Line | None:
    """Return the line of log P where P is a softmax and nothing else, in index notation or of scalars."""
    (expression,) = line.terms
    value = None
    if isinstance(expression, Mul):
        found = softmax_in(expression)
        if found is not None and found[2] == 1:
            exponent, _, _ = found
            total = next(f.base for f in expression.args if isinstance(f, Pow) and isinstance(f.base, Sum))
            value = Add(exponent, -log(total), evaluate=False)
    if value is None:
        return None
    name = f"log_{line.name}"
    while name in taken:
        name += "_"
    symbol = IndexedBase(name) if line.indices else Symbol(name, real=True)
    return Line(symbol, line.indices, (value,), (), f"log of {line.name}, from the argument of its exp")


def _log_free(expression: Expr, logs: Mapping[str, Line], defined: Mapping[str, Line]) -> Expr:
    replaced = {}
    for call in expression.atoms(log):
        (inside,) = call.args
        if isinstance(inside, Symbol | Indexed) and name_of(inside) in logs:
            twin = logs[name_of(inside)]
            replaced[call] = twin.symbol[inside.indices] if isinstance(inside, Indexed) else twin.symbol
        else:
            value = _log_of_sigmoid(inside, defined)
            if value is not None:
                replaced[call] = value
    return expression.xreplace(replaced) if replaced else expression


def _log_of_sigmoid(inside: Expr, defined: Mapping[str, Line]) -> Expr | None:
    for leaf, sign in ((inside, -1), ((1 - inside), 1)):
        if isinstance(leaf, Symbol | Indexed) and name_of(leaf) in defined:
            line = defined[name_of(leaf)]
            (value,) = line.terms
            if isinstance(value, sigmoid):
                return -softplus(sign * _at(value.args[0], line, leaf))
    return None


def _sigmoid_slope(expression: Expr, sigmoids: Mapping[str, Line]) -> Expr:
    """Write the slope of a sigmoid that was defined with exp, `exp(-z)*y**2`, as `y*(1 - y)`, where exp cannot overflow."""
    if not sigmoids or not expression.has(exp):
        return expression
    if isinstance(expression, Mul):
        for power in expression.args:
            if not (isinstance(power, Pow) and power.exp == 2 and isinstance(power.base, Symbol | Indexed)):
                continue
            line, y = sigmoids.get(name_of(power.base)), power.base
            slope = exp(-_at(line.terms[0].args[0], line, y)) if line else None
            if slope in expression.args:
                rest = Mul(*(f for f in expression.args if f not in (power, slope)))
                return _sigmoid_slope(rest, sigmoids) * y * (1 - y)
    return expression.func(*(_sigmoid_slope(arg, sigmoids) if isinstance(arg, Expr) else arg for arg in expression.args))


def _without_logs(lines: Iterable[Line], logs: Mapping[str, Line]) -> list[Line]:
    return [line.mapped(lambda e: _log_free(e, logs, {})) for line in lines]


def _at(expression: Expr, line: Line, entry: Expr) -> Expr:
    """Return a line's expression at the indices of an entry of it."""
    if not isinstance(entry, Indexed):
        return expression
    return substitute(expression, {a: b for a, b in zip(line.indices, entry.indices, strict=True) if a != b})


# ---- adjoints that divide by what the next factor multiplies with ---------------------------------------------------------


def _cancelled(forward: list[Line], backward: list[Line]) -> list[Line]:
    """Insert adjoints such as `-t/P` where they are used, when the local derivative `P·(…)` there cancels the division.

    Divided first and multiplied after, P = 0 gives 0·∞; cancelled, it gives the value.
    """
    saturating = {line.name: line for line in forward if _saturates(line)}
    nodes_by_adjoint = {}
    for line in backward:
        for name in saturating:
            if line.name.endswith(f"_d{name}") or line.name.rstrip("_").endswith(f"_d{name}"):
                nodes_by_adjoint[line.name] = saturating[name]
    lines = list(backward)
    for at, line in enumerate(lines):
        node = nodes_by_adjoint.get(line.name)
        if node is None or line.scatters or not any(_divides(term, node) for term in line.terms):
            continue
        later = {k: other for k, other in enumerate(lines) if k > at and line.name in names_in(other.expressions)}
        inserted = {k: _inserted(other, line) for k, other in later.items() if not other.scatters}
        if len(inserted) == len(later) and not any(_divides(t, node) for new in inserted.values() for t in new.terms):
            for k, new in inserted.items():
                lines[k] = new
    return lines


def _saturates(line: Line) -> bool:
    """Whether a node's value can be 0 or 1 in floating point while its argument is ordinary: sigmoid, softmax."""
    value = line.terms[0]
    if isinstance(value, exp) and line.name and name_of_log(value) == f"log_{line.name}":
        return True
    return isinstance(value, sigmoid | softmax_of) or (isinstance(value, Mul) and softmax_in(value) is not None)


def name_of_log(value: exp) -> str:
    """Return the name under an exp, without the underscores that keep it apart."""
    argument = value.args[0]
    return name_of(argument).rstrip("_") if isinstance(argument, Symbol | Indexed) else ""


def _divides(expression: Expr, node: Line) -> bool:
    return any(power.exp.could_extract_minus_sign() and node.name in names_in([power.base]) for power in expression.atoms(Pow))


def _inserted(user: Line, adjoint: Line) -> Line:
    terms: list[Expr] = []
    for term in user.terms:
        terms.extend(_insert(term, adjoint))
    return replace(user, terms=tuple(terms))


def _insert(term: Expr, adjoint: Line) -> list[Expr]:
    """Return the summands of a term (a product, or a sum of products over indices) with an adjoint's definition in its place."""
    if adjoint.name not in names_in([term]):
        return [term]
    factors = list(Mul.make_args(term))
    place = next(f for f in factors if adjoint.name in names_in([f]))
    others = [f for f in factors if f is not place]
    if isinstance(place, Sum):
        parts = _insert(place.function, adjoint)
        return [Mul(*others, *pulled_out(Sum(part, *place.limits))) for part in parts]
    if not isinstance(place, Symbol | Indexed):
        return [term]
    taken = {index_name(index) for index in (*term.atoms(Idx), *adjoint.indices)}
    result = []
    for summand in (part for whole in adjoint.terms for part in _distributed(whole)):
        value = _at(_bound_apart(summand, taken), adjoint, place)
        result.append(Sum(Mul(value.function, *others), *value.limits) if isinstance(value, Sum) else Mul(value, *others))
    return result


def _distributed(term: Expr) -> list[Expr]:
    """Multiply out one factor that is a sum of quotients: `(a/y + b/(1 - y))*c` gives two terms."""
    factors = list(Mul.make_args(term))
    for at, factor in enumerate(factors):
        if isinstance(factor, Add) and any(power.exp.could_extract_minus_sign() for power in factor.atoms(Pow)):
            others = factors[:at] + factors[at + 1 :]
            return [part for summand in factor.args for part in _distributed(Mul(summand, *others))]
    return [term]


def _bound_apart(expression: Expr, taken: set[str]) -> Expr:
    if not isinstance(expression, Sum):
        return expression
    renaming = {limits[0]: primed(limits[0], taken) for limits in expression.limits}
    return Sum(substitute(expression.function, renaming), *((renaming[l[0]], *l[1:]) for l in expression.limits))  # noqa: E741


# ---- assumptions, common factors, dead lines --------------------------------------------------------------------------------


def _with_facts(expression: Expr, facts: Iterable[Fact], used: list[Fact]) -> Expr:
    """Replace the left side of an assumption by its right side, at whatever indices it stands."""
    for fact in facts:
        wild = frozenset(free_indices(fact.left))
        for found in expression.atoms(Sum):
            for total, rest in _splittings(found):
                binding = next(iter(match(fact.left, total, wild, {})), None)
                if binding is not None:
                    expression = expression.xreplace({found: rest * substitute(fact.right, binding)})
                    used.append(fact)
                    break
    return expression


def _splittings(total: Sum) -> Iterable[tuple[Expr, Expr]]:
    outside, inside = pulled_out(total)
    if isinstance(inside, Sum):
        yield inside, outside


def pulled_out(total: Sum) -> tuple[Expr, Expr]:
    """Return (factors without a summed index, the sum of the others)."""
    bound = {limits[0] for limits in total.limits}
    if any(free_indices(b) for limits in total.limits for b in limits[1:]):
        return Mul(), total
    factors = Mul.make_args(total.function)
    outside = [f for f in factors if not free_indices(f) & bound]
    inside = Mul(*(f for f in factors if free_indices(f) & bound))
    left = [limits for limits in total.limits if limits[0] in free_indices(inside)]
    counts = [high - low + 1 for index, low, high in total.limits if index not in free_indices(inside)]
    return Mul(*outside, *counts), Sum(inside, *left) if left else inside


def combined(terms: tuple[Expr, ...]) -> Expr:
    """Return the sum of terms with the factors that all of them have in front."""
    flat = [_factors(term) for term in terms]
    if len(flat) == 1:
        return Mul(*flat[0])
    common = [f for f in flat[0] if not f.is_Number and all(f in other for other in flat[1:])]
    if not common:
        return Add(*(Mul(*factors) for factors in flat))
    rest = []
    for factors in flat:
        left = list(factors)
        for f in common:
            left.remove(f)
        rest.append(Mul(*left))
    return Mul(*common, Add(*rest))


def _factors(term: Expr) -> list[Expr]:
    factors: list[Expr] = []
    for factor in Mul.make_args(term):
        if isinstance(factor, Sum):
            outside, inside = pulled_out(factor)
            factors.extend(f for f in Mul.make_args(outside) if f != 1)
            factors.append(inside)
        else:
            factors.append(factor)
    return factors


def names_in(expressions: Iterable[Expr]) -> set[str]:
    """Return the names of nodes and adjoints that expressions use."""
    found: set[str] = set()
    for expression in expressions:
        found.update(name_of(atom) for atom in expression.atoms(Symbol, IndexedBase))
    return found


def without_dead_lines(program: Program, keep: frozenset[str] = frozenset()) -> Program:
    """Return the program without lines whose value nobody needs."""
    needed = {program.loss} | keep | {adjoint for _, adjoint in program.gradients if adjoint}
    kept: set[str] = set()
    for line in reversed(program.lines):
        if line.name in needed:
            kept.add(line.name)
            needed |= names_in(line.expressions)
    return program.with_lines(
        (line for line in program.forward if line.name in kept), (line for line in program.backward if line.name in kept)
    )
