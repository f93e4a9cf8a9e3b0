"""What a document states about whole arrays, and about one sample of many, written from the derivation.

    dw = zᵀ next_dz / N          ∂L/∂w = Σ_n ∂lⁿ/∂w          ∂l/∂w = ∂z/∂w · ∂l/∂z

Arrays stand without indices. Rows are repeated and summed as numpy does it: `z W + b` for `z W + 1 bᵀ`, `Σ_n A` for `1ᵀ A`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sympy import Expr, Idx, Integer, Mul, Sum
from sympy import Indexed as SympyIndexed

from symbackprop.derive.matrix.matrix import MatrixForm, NoMatrixForm, matrix_form
from symbackprop.derive.matrix.matrix_tree import MatrixExpression, Ones, parts
from symbackprop.derive.matrix.matrix_writing import formula, ones_name
from symbackprop.derive.statements.statements import Statements, new_value
from symbackprop.derive.sweep.records import Adjoint
from symbackprop.derive.textbook.simplify import simplified
from symbackprop.errors import NotSupportedError, UserError, nearest
from symbackprop.formula.tree.build import add, call, multiply, subtract
from symbackprop.formula.tree.tree import BigSum, Chain, Formula, Fraction, Indexed, Name, Number, Partial, Product, Transpose
from symbackprop.formula.tree.tree import Sum as WrittenSum
from symbackprop.network.indices import free_indices, index_name, index_size, real_symbol


@dataclass(frozen=True, slots=True)
class NamedDerivative:
    """A document's name for the derivative of the loss by an array: `name = times · ∂loss/∂array`.

    `times` is not 1 where the document averages over the batch later than the loss does: `next_dz` is N ∂loss/∂y.
    """

    name: str
    times: Expr = field(default_factory=lambda: Integer(1))


def matrix_definition(statements: Statements, name: str) -> Chain:
    """Write the definition of an array in matrix form, `y = z W + b`; raises NotSupportedError where there is none."""
    node = statements.writer.network.node(name)
    if node.expression is None:
        raise UserError(f"{name} has no definition: it is declared ({node.role.value})")
    return _equality(Name(name), _form(name, node.expression, node.indices), {}, statements)


def matrix_gradient(
    statements: Statements, by: str, called: Mapping[str, NamedDerivative] | None = None, shared: bool = False
) -> Chain:
    """Write the derivative of the loss by an array in matrix form, `dw = zᵀ next_dz / N`.

    `called` gives the document's names by array; the derivatives of others are written ∂loss/∂array. `shared` leaves the
    derivatives of the arrays that use it standing, `∂E/∂W = Aᵀ ∂E/∂Z`; without it they are written out where that is shorter.
    Raises UserError for an unknown array in `called`, NotSupportedError where there is no matrix form.
    """
    names = dict(called or {})
    derivation = statements.writer.derivation
    _check_called(names, derivation.adjoints)
    loss = Name(derivation.loss)
    own = names.get(by)
    expression = derivation[by].shared if shared else simplified(derivation, by)[0]
    spell: dict[str, Formula] = {}
    for name, adjoint in derivation.adjoints.items():
        if not adjoint.indices:
            continue
        symbol = str(adjoint.symbol.label)
        spell[symbol] = Partial(loss, Name(name))
        if name in names:
            expression = _renamed(expression, symbol, names[name])
            spell[names[name].name] = Name(names[name].name)
    content, body = expression.primitive()  # the number in front is not multiplied into a sum
    scaled = Mul.make_args(body * own.times if own else body)
    expression = Mul(content, *scaled, evaluate=False) if content != 1 else Mul(*scaled)
    left: Formula = Name(own.name) if own else Partial(loss, Name(by))
    return _equality(left, _form(by, expression, derivation.network.node(by).indices), spell, statements)


def matrix_update(statements: Statements, by: str, called: str) -> Chain:
    """Write the update of a whole array by a gradient with a name of its own, `W ← W - η dw`."""
    notation = statements.writer.notation
    array = Name(statements.writer.network.node(by).name)
    return new_value(array, (subtract(array, multiply(notation.learning_rate, called)),), notation.update)


# --- one sample of many


def total(statements: Statements, index: str, each: str, of: str, using: tuple[str, ...] = ()) -> Chain:
    """Write that the loss is a sum over samples, `L(θ) = Σ_n lⁿ(θ)`; raises UserError where it is not.

    `each` names the loss of one sample, `of` stands for all parameters.
    """
    found = _sample_index(statements, index)
    one = _call_of(Indexed(each, (), (Name(index),)), of)
    left = _call_of(Name(statements.writer.derivation.loss), of)
    return _over(statements, left, one, found, using)


def over_samples(statements: Statements, by: str, index: str, each: str, using: tuple[str, ...] = ()) -> Chain:
    """Write that derivatives add up over samples, `∂L/∂w = Σ_n ∂lⁿ/∂w`; raises UserError where the loss is no such sum."""
    found = _sample_index(statements, index)
    one = Partial(Indexed(each, (), (Name(index),)), Name(by))
    return _over(statements, Partial(Name(statements.writer.derivation.loss), Name(by)), one, found, using)


def one_sample(statements: Statements, by: str, index: str, each: str, using: tuple[str, ...] = ()) -> Chain:
    """Write the derivative for one sample as forward part times backward part, `∂l/∂w = ∂z/∂w · ∂l/∂z`.

    Raises UserError where `by` is not used by a single array that has one row for each sample, or where samples act on one
    another on the way to the loss.
    """
    found = _sample_index(statements, index)
    derivation = statements.writer.derivation
    terms = derivation[by].terms
    uses = list(dict.fromkeys(term.consumer for term in terms))
    if len(uses) != 1 or any(found not in free_indices(term.adjoint) for term in terms):
        used = ", ".join(uses) or "nothing"
        raise UserError(f"{by}: expected a single use, by an array with the index {index}; used by {used}")
    for name in derivation.between(uses[0]):
        if _sums_over_samples(derivation.adjoints[name], found):
            raise UserError(f"{by}: a sample's {name} acts on other samples, so the loss has no derivative sample by sample")
    forward, backward = Partial(Name(uses[0]), Name(by)), Partial(Name(each), Name(uses[0]))
    return statements.aliased(_chain(Partial(Name(each), Name(by)), multiply(forward, backward)), using)


# --- helpers


def _check_called(names: Iterable[str], adjoints: Mapping[str, Adjoint]) -> None:
    for name in names:
        if name not in adjoints:
            raise UserError(f"called: the loss does not depend on {name}.{nearest(name, adjoints)}")


def _sums_over_samples(adjoint: Adjoint, sample: Idx) -> bool:
    summed = (over for term in adjoint.contributions for over in term.summed)
    return any(index_size(over) == index_size(sample) for over in summed)


def _chain(left: Formula, right: Formula) -> Chain:
    return Chain((left, right), ("=",))


def _call_of(function: Formula, argument: str) -> Formula:
    return call(function, argument)


def _over(statements: Statements, left: Formula, one: Formula, index: Idx, using: tuple[str, ...]) -> Chain:
    full = statements.writer.notation.sum_bounds == "full"
    lower = Number(str(statements.writer.notation.first_index)) if full else None
    upper = statements.writer.expression(index_size(index)) if full else None
    return statements.aliased(_chain(left, BigSum(one, Name(index_name(index)), lower, upper)), using)


def _sample_index(statements: Statements, index: str) -> Idx:
    """Return the index, if the loss is a number times a sum over it."""
    network = statements.writer.network
    loss = network.node(statements.writer.derivation.loss)
    expression = loss.expression
    sums = [factor for factor in expression.as_ordered_factors() if isinstance(factor, Sum)] if expression is not None else []
    for found in (limits[0] for factor in sums for limits in factor.limits):
        if index_name(found) == index and not free_indices(expression):
            return found
    raise UserError(f"{loss.name} is no sum over {index}: {loss.name} = {expression}")


def _renamed(expression: Expr, symbol: str, called: NamedDerivative) -> Expr:
    base = real_symbol(called.name)
    return expression.replace(
        lambda part: isinstance(part, SympyIndexed) and str(part.base.label) == symbol,
        lambda part: base[part.indices] / called.times,
    )


def _form(name: str, expression: Expr, indices: tuple[Idx, ...]) -> MatrixForm:
    found = matrix_form(expression, indices)
    if isinstance(found, NoMatrixForm):
        raise NotSupportedError(f"{name} has no matrix form: {found.reason}")
    return found


def _equality(left: Formula, form: MatrixForm, spell: Mapping[str, Formula], statements: Statements) -> Chain:
    rows = {ones_name(ones.shape[0]): index_name(ones.rows) for ones in _ones(form.matrix) if ones.rows is not None}
    written = formula(form, spell, statements.writer.notation)
    terms = written.terms if isinstance(written, WrittenSum) else (written,)
    return _chain(left, add(*(_as_numpy(term, rows) for term in terms)))


def _ones(matrix: MatrixExpression) -> Iterator[Ones]:
    if isinstance(matrix, Ones):
        yield matrix
    for part in parts(matrix):
        yield from _ones(part)


def _as_numpy(term: Formula, rows: Mapping[str, str]) -> Formula:
    """Write one term with Σ for a row of ones, without a column of ones, and divided last: `Σ_n A/N`."""
    factors, divisor = _divided_last(term.factors if isinstance(term, Product) else (term,))
    summed = None
    match factors:
        case Transpose(body=Name(name=name)), *rest if name in rows:
            summed = rows[name]
            factors = tuple(rest) or factors
        case Name(name=name), *rest if rest and name in rows:
            factors = tuple(part.body if isinstance(part, Transpose) else Transpose(part) for part in reversed(rest))
    body = multiply(*factors)
    body = body if divisor is None else Fraction(body, divisor, inline=True)
    return body if summed is None else BigSum(body, Name(summed))


def _divided_last(factors: tuple[Formula, ...]) -> tuple[tuple[Formula, ...], Formula | None]:
    """Take `1/N` off the front."""
    first = factors[0]
    if len(factors) > 1 and isinstance(first, Fraction) and first.numerator == Number("1"):
        return factors[1:], first.denominator
    return factors, None
