"""The right-hand side of a tensor's definition on one line, `X W1 + b1` or `softmax(Z2)`, where it has such a form.

Recognised are sums of: a tensor of the node's own indices or of the trailing ones (a bias); a matrix product, one index summed
over two factors, transposed as needed; an elementary function of one tensor; the softmax over the last index. Anything else
gives None, and the box shows the name alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Add, Expr, Idx, Indexed, Mul, Sum, Symbol, exp

from symbackprop.network import ELEMENTARY, Node

Indices = tuple[Idx, ...]


def matrix_line(node: Node, nodes: Mapping[str, Node]) -> str | None:
    """Return the definition without indices as plain text, or None."""
    if node.expression is None or not node.indices:
        return None
    whole = _softmax(node.expression, node.indices)
    if whole is not None:
        return whole
    parts: list[str] = []
    for term in sorted(Add.make_args(node.expression), key=lambda term: _order(term, nodes)):
        sign, body = (" - ", -term) if term.could_extract_minus_sign() else (" + ", term)
        line = _line(body, node.indices)
        if line is None:
            return None
        parts += [sign, line]
    start = "-" if parts[0] == " - " else ""
    return start + "".join(parts[1:])


def _order(term: Expr, nodes: Mapping[str, Node]) -> tuple[bool, list[int]]:
    """Return the rank of a term: products before biases, then in order of declaration."""
    names = sorted(nodes[str(symbol)].position for symbol in term.atoms(Symbol) if str(symbol) in nodes)
    return not isinstance(term, Sum), names


def _line(term: Expr, indices: Indices) -> str | None:
    if isinstance(term, Symbol):
        return str(term)
    if isinstance(term, Indexed):
        return str(term.base.label) if tuple(term.indices) == indices[len(indices) - len(term.indices) :] else None
    if isinstance(term, Sum):
        return _product(term, indices)
    if term.func in ELEMENTARY and len(term.args) == 1 and isinstance(term.args[0], Indexed):
        inside = _line(term.args[0], indices)
        return None if inside is None else f"{ELEMENTARY[term.func].name}({inside})"
    return None


def _product(term: Sum, indices: Indices) -> str | None:
    """Return `A B` for Σ_s A[a, s] B[s, b], with ᵀ where a factor stands the other way round; `A x` for a vector x."""
    factors = Mul.make_args(term.function)
    if len(factors) != 2 or not all(isinstance(factor, Indexed) for factor in factors) or not _is_over_all(term):
        return None
    if len(factors[0].indices) < len(factors[1].indices):  # a vector is a column and stands behind its matrix
        factors = factors[::-1]
    bound = term.limits[0][0]
    for left, right in (factors, factors[::-1]):
        first, second = _turned(left, bound, last=True), _turned(right, bound, last=False)
        if first is not None and second is not None and first[1] + second[1] == indices:
            return f"{first[0]} {second[0]}"
    return None


def _is_over_all(term: Sum) -> bool:
    """Whether a sum is over one index, over the whole of its range."""
    bound, *bounds = term.limits[0]
    return len(term.limits) == 1 and (not bounds or tuple(bounds) == (bound.lower, bound.upper))


def _turned(factor: Indexed, bound: Idx, last: bool) -> tuple[str, Indices] | None:
    """Return a factor with the summed index last (or first), and its other index."""
    name, own = str(factor.base.label), tuple(factor.indices)
    if own == (bound,):
        return name, ()
    if len(own) != 2 or own.count(bound) != 1:
        return None
    turned = own.index(bound) != (1 if last else 0)
    return name + ("ᵀ" if turned else ""), tuple(index for index in own if index != bound)


def _softmax(expression: Expr, indices: Indices) -> str | None:
    """Return `softmax(Z)` for exp(Z[n, k]) / Σ_l exp(Z[n, l])."""
    numerator, denominator = expression.as_numer_denom()
    if not isinstance(denominator, Sum) or len(denominator.limits) != 1 or not isinstance(numerator, exp):
        return None
    inside, bound = numerator.args[0], denominator.limits[0][0]
    if not isinstance(inside, Indexed) or tuple(inside.indices) != indices or not _is_over_all(denominator):
        return None
    if denominator.function == exp(inside.base[(*indices[:-1], bound)]):
        return f"softmax({inside.base.label})"
    return None
