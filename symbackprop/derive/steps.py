"""A gradient derived in steps, each a written formula with its reason.

`brief` is the result; `standard` goes chain → local derivatives → product → result, with a δ where an adjoint is shared; `full`
adds every local derivative rule by rule on the written definition. The same record serves index notation: there the chain is
one relation per node, `∂E/∂W[i,j] = Σ_n ∂E/∂Z[n,j] · ∂Z[n,j]/∂W[i,j]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sympy import Add, Expr

from symbackprop.derive.derivation import Gradient, pulled_out, with_adjoints
from symbackprop.derive.explain import explained
from symbackprop.derive.identities import COME_OUT
from symbackprop.derive.matrix import NoMatrixForm, matrix_form
from symbackprop.derive.matrix_writing import equality, explanations, shapes
from symbackprop.derive.paths import Chain as PathChain
from symbackprop.derive.paths import Chains, Fork, Link
from symbackprop.derive.records import Adjoint, Contribution
from symbackprop.derive.simplify import Simplified, simplified_adjoints
from symbackprop.derive.unify import before_elimination, entries_used
from symbackprop.derive.writer import Writer, delta_name
from symbackprop.errors import UserError, nearest
from symbackprop.formula.build import add, multiply, subtract
from symbackprop.formula.notation import Notation
from symbackprop.formula.tree import BigSum, Chain, Formula, Name, Neg, Number, Partial, Update
from symbackprop.formula.tree import Product as WrittenProduct
from symbackprop.network.node import Role

DELTAS = "only the terms whose indices agree remain"
LEVELS = ("brief", "standard", "full")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: what kind of step, the formula, and the reason (a phrase key, and what it is about)."""

    kind: str
    formula: Chain
    because: str = ""


def check_level(level: str) -> None:
    """Raise UserError for an unknown level."""
    if level not in LEVELS:
        raise UserError(f"steps: expected one of {', '.join(LEVELS)}, got {level!r}.{nearest(level, LEVELS)}")


def is_scalar_path(gradient: Gradient) -> bool:
    """Whether no node between the loss and the name has indices, so that the chain is a plain product."""
    return not any(gradient.derivation.network.nodes[name].indices for name in gradient.derivation.between(gradient.name))


def result_step(gradient: Gradient, writer: Writer) -> Step:
    """Return `∂E/∂w = expression` in node names."""
    left = writer.partial(gradient.derivation.loss, gradient.name)
    if is_scalar_path(gradient) and gradient.terms:
        chain = Chains(gradient.derivation).factored(gradient.derivation.loss, gradient.name)
        return Step("result", Chain((left, chain_product(chain, writer)), ("=",)))
    expression = textbook_expression(gradient)
    return Step("result", Chain((left, writer.expression(expression)), ("=",)))


def link_formula(link: Link, writer: Writer) -> Formula:
    """Write ∂of/∂by of a link; the value of a direct use that is not the total derivative."""
    if link.direct:
        return writer.expression(link.value)
    return writer.partial(link.of, link.by)


def factor_formula(factor: Link | Fork, writer: Writer) -> Formula:
    """Write a factor of a chain: a derivative, or the sum over the branches."""
    if isinstance(factor, Link):
        return link_formula(factor, writer)
    return add(*(multiply(*(link_formula(link, writer) for link in branch)) for branch in factor.branches))


def chain_formula(chain: PathChain, writer: Writer, forks: bool = True) -> Chain:
    """Write `∂of/∂by = product of the factors`, forks as sums or (forks=False) as one derivative each."""
    factors = []
    for factor in chain.factors:
        whole = isinstance(factor, Fork) and not forks
        factors.append(writer.partial(factor.of, factor.by) if whole else factor_formula(factor, writer))
    return Chain((writer.partial(chain.of, chain.by), multiply(*factors)), ("=",))


def chain_product(chain: PathChain, writer: Writer) -> Formula:
    """Write the product of the factors' values in the order of the chain, nothing multiplied out."""
    factors: list[Formula] = []
    plain: list[Expr] = []

    def flush() -> None:
        if plain:
            written = writer.product(tuple(plain))
            factors.extend(written.factors if isinstance(written, WrittenProduct) else (written,))
            plain.clear()

    for factor in chain.factors:
        if isinstance(factor, Link):
            plain.append(factor.value)
            continue
        flush()
        factors.append(add(*(writer.product(tuple(link.value for link in branch)) for branch in factor.branches)))
    flush()
    kept = [factor for factor in factors if factor != Number("1")]
    return multiply(*kept) if kept else Number("1")


def scalar_steps(gradient: Gradient, writer: Writer, level: str) -> tuple[Step, ...]:
    """Return the steps of a gradient whose path is scalar."""
    chains = Chains(gradient.derivation)
    chain = chains.factored(gradient.derivation.loss, gradient.name)
    steps = [Step("chain", chain_formula(chain, writer, forks=False), "chain rule")]
    if any(isinstance(factor, Fork) for factor in chain.factors):
        steps.append(Step("paths", chain_formula(chain, writer), "sum over paths"))
    for factor in chain.factors:
        links = [factor] if isinstance(factor, Link) else [link for branch in factor.branches for link in branch]
        for link in links:
            steps.extend(_link_steps(link, chains, writer, level))
    left = writer.partial(gradient.derivation.loss, gradient.name)
    steps.extend(_shared_steps(chain, writer))
    steps.append(Step("product", Chain((left, chain_product(chain, writer)), ("=",)), "multiply the factors"))
    return tuple(steps)


def _shared_steps(chain: PathChain, writer: Writer) -> Iterator[Step]:
    """Name the adjoint that several parameters share: `δ = ∂E/∂net = …`, then `∂E/∂w = δ·∂net/∂w` with its value."""
    *front, last = chain.factors
    if not front or not isinstance(last, Link) or not _is_shared(last.of, writer):
        return
    delta = Name(delta_name(writer.network.node(last.of), writer.notation))
    shared = chain_product(PathChain(chain.of, last.of, tuple(front)), writer)
    adjoint: Formula = writer.partial(chain.of, last.of)
    signed: Formula = delta
    if writer.notation.delta_sign < 0:
        adjoint, shared, signed = Neg(adjoint), _negated(shared), Neg(delta)
    yield Step("delta", Chain((delta, adjoint, shared), ("=", "=")), "a name for what several gradients share")
    value = writer.expression(last.value)
    factors = value.factors if isinstance(value, WrittenProduct) else (value,)
    body = delta if value == Number("1") else multiply(delta, *factors)
    right = Neg(body) if signed is not delta else body
    yield Step("shared", Chain((writer.partial(chain.of, chain.by), right), ("=",)), "with the shared name")


def _is_shared(name: str, writer: Writer) -> bool:
    """Whether at least two parameters are used by the node, so that its adjoint occurs in several gradients."""
    nodes = writer.network.nodes
    return sum(nodes[parent].role is Role.PARAMETER for parent in nodes[name].parents) >= 2


def _negated(formula: Formula) -> Formula:
    return formula.body if isinstance(formula, Neg) else Neg(formula)


def _link_steps(link: Link, chains: Chains, writer: Writer, level: str) -> list[Step]:
    if link.direct:
        return []
    left = link_formula(link, writer)
    value = writer.expression(link.value)
    inner = chains.factored(link.of, link.by)
    if len(inner.factors) == 1 and isinstance(inner.factors[0], Link):
        if level == "full":
            return [Step(*line) for line in explained(link, chains, writer, value)]
        return [Step("local", Chain((left, value), ("=",)), "local derivative")]
    steps = [Step("chain", chain_formula(inner, writer), "chain rule")]
    if level == "full":
        for factor in inner.factors:
            if isinstance(factor, Link):
                steps.extend(_link_steps(factor, chains, writer, level))
    return [*steps, Step("local", Chain((left, chain_product(inner, writer)), ("=",)), "local derivative")]


def relation(uses: tuple[Contribution, ...], name: str, writer: Writer, alone: bool) -> Formula:
    """Write Σ ∂E/∂consumer · ∂consumer/∂node for the uses of a node in one definition.

    A use in the loss itself is ∂E/∂node where it is `alone`, and its value beside others: there ∂E/∂node is the whole sum.
    """
    consumer, own = uses[0].consumer, writer.network.nodes[name].indices
    if consumer == writer.derivation.loss:
        return writer.partial(consumer, name) if alone else writer.expression(Add(*(use.term for use in uses)))
    indices, summed = entries_used(uses, own, writer.network.declared_indices.values())
    body: Formula = multiply(writer.adjoint(consumer, indices), writer.partial(consumer, name, indices, None))
    for index in reversed(summed):
        body = BigSum(body, Name(str(index.label)))
    return body


def _by_consumer(adjoint: Adjoint) -> tuple[tuple[Contribution, ...], ...]:
    """Return the contributions of each consumer together, in order of first use."""
    found: dict[str, list[Contribution]] = {}
    for contribution in adjoint.contributions:
        found.setdefault(contribution.consumer, []).append(contribution)
    return tuple(map(tuple, found.values()))


def textbook_expression(gradient: Gradient) -> Expr:
    """Return the gradient in node names with every adjoint in its simplified form."""
    derivation = gradient.derivation
    found: dict[str, Expr] = {}
    for name, form in simplified_adjoints(derivation, (gradient.name,)).items():
        found[name] = with_adjoints(form.expression, {derivation.adjoints[other]: value for other, value in found.items()})
    return pulled_out(found.get(gradient.name, gradient.expression))


def index_steps(gradient: Gradient, writer: Writer, level: str) -> tuple[Step, ...]:
    """Return the steps of a gradient in index notation: one relation, its value, and the matrix form, per node on the way."""
    steps: list[Step] = []
    for name, form in simplified_adjoints(gradient.derivation, (gradient.name,)).items():
        steps.extend(_adjoint_steps(name, form, writer, level))
    return tuple(steps)


def _adjoint_steps(name: str, form: Simplified, writer: Writer, level: str) -> Iterator[Step]:
    left = writer.partial(writer.derivation.loss, name)
    adjoint = form.adjoint
    groups = _by_consumer(adjoint)
    general = add(*(relation(uses, name, writer, len(groups) == 1) for uses in groups))
    if general != left:
        yield Step("chain", Chain((left, general), ("=",)), "chain rule")
    rewrites = [rewrite for contribution in adjoint.contributions for rewrite in contribution.raw.rewrites]
    if level == "full":
        for rewrite in rewrites:
            yield Step("rewrite", _equation(writer, rewrite.before, rewrite.after), rewrite.because)
        if adjoint.indices:
            terms = [before_elimination(contribution, adjoint.indices) for contribution in adjoint.contributions]
            yield Step("deltas", Chain((left, add(*map(writer.expression, terms))), ("=",)), DELTAS)
    yield Step("local", Chain((left, writer.expression(adjoint.expression)), ("=",)), "put the local derivatives in")
    for rewrite in form.steps:
        stated = any(fact.because in rewrite.because for fact in writer.network.facts)
        if level == "full" or stated or rewrite is form.steps[-1]:
            yield Step("rewrite", Chain((left, writer.expression(rewrite.after)), ("=",)), _reason(rewrite.because, writer))
    final = pulled_out(form.expression)
    if final != form.expression:
        yield Step("rewrite", Chain((left, writer.expression(final)), ("=",)), COME_OUT)
    if not form.put_in:
        yield from _matrix_steps(name, form, writer)


def _reason(because: str, writer: Writer) -> str:
    """Say `put ∂E/∂P in` for the rewrite that puts an adjoint's formula in its place."""
    head = because.partition(" = ")[0].partition("[")[0]
    for name, adjoint in writer.derivation.adjoints.items():
        if head == str(adjoint.symbol):
            return f"put ∂{writer.derivation.loss}/∂{name} in"
    return because


def _equation(writer: Writer, before: Expr, after: Expr) -> Chain:
    return Chain((writer.expression(before), writer.expression(after)), ("=",))


def _matrix_steps(name: str, form: Simplified, writer: Writer) -> Iterator[Step]:
    """The matrix form with its shapes and the reasons for its transposes; nothing where there is none."""
    found = matrix_form(form.expression, form.adjoint.indices)
    if isinstance(found, NoMatrixForm):
        return
    spell = {
        str(other.symbol.label): Partial(Name(writer.derivation.loss), Name(node))
        for node, other in writer.derivation.adjoints.items()
        if other.indices
    }
    left = Partial(Name(writer.derivation.loss), Name(name))
    reasons = "; ".join((f"shapes {shapes(found)}", *explanations(found)))
    yield Step("matrix", equality(left, found, spell, writer.notation), reasons)


def written_steps(gradient: Gradient, notation: Notation | None = None, level: str = "standard") -> tuple[Step, ...]:
    """Return the steps of a gradient at a level: brief, standard or full."""
    check_level(level)
    writer = Writer(gradient.derivation, notation)
    if not gradient.terms or level == "brief":
        return (result_step(gradient, writer),)
    make = scalar_steps if is_scalar_path(gradient) else index_steps
    return tuple(dict.fromkeys(make(gradient, writer, level)))  # what is shown once need not be shown again


def number_chain(gradient: Gradient, writer: Writer, values: Mapping[str, float], result: float) -> Chain:
    """Write `∂E/∂w = product = product with numbers = result` for a scalar path; `values` are those of all nodes."""
    chain = Chains(gradient.derivation).factored(gradient.derivation.loss, gradient.name)
    product = chain_product(chain, writer)
    left = writer.partial(gradient.derivation.loss, gradient.name)
    return Chain((left, product, writer.with_values(product, values), writer.number(result)), ("=", "=", "="))


def update_chain(
    gradient: Gradient, writer: Writer, learning_rate: float | None, old: float | None, slope: float | None
) -> Chain:
    """Write `w^+ = w - η ∂E/∂w`, continued with numbers when they are given."""
    weight = writer.entry(gradient.name)
    left = Update(weight)
    eta = Name(writer.notation.learning_rate)
    derivative = writer.partial(gradient.derivation.loss, gradient.name)
    parts: list[Formula] = [left, subtract(weight, multiply(eta, derivative))]
    if learning_rate is not None and old is not None and slope is not None:
        parts.append(subtract(writer.number(old), multiply(writer.number(learning_rate), writer.number(slope))))
        parts.append(writer.number(old - learning_rate * slope))
    return Chain(tuple(parts), ("=",) * (len(parts) - 1))
