"""The steps of a gradient whose path is scalar: the chain, its local derivatives, the shared δ, the product."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr

from symbackprop.derive.reasons import Because, because
from symbackprop.derive.steps.local_reasons import explained
from symbackprop.derive.steps.paths import Chains, Fork, Link
from symbackprop.derive.steps.paths import DerivativeChain as PathChain
from symbackprop.derive.steps.step import Step
from symbackprop.derive.steps.writer import Writer, delta_name
from symbackprop.derive.sweep.derivation import GradientRecord
from symbackprop.derive.textbook.identities import NetworkKnowledge, cancelled_in_sums, improve
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.tree.tree import Chain, Formula, Name, Neg, Number
from symbackprop.formula.tree.tree import Product as WrittenProduct
from symbackprop.network.node import Role


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


def shortened(chain: PathChain, writer: Writer) -> tuple[Expr, Because] | None:
    """Return the product where factors of it cancel, `p - t` for `((1 - t)/(1 - p) - t/p)·p·(1 - p)`, and why; None elsewhere."""
    whole = chain.expression
    if cancelled_in_sums(whole) == whole:
        return None
    short, steps = improve(whole, NetworkKnowledge(writer.network))
    return (short, tuple(dict.fromkeys(reason for step in steps for reason in step.because))) if steps else None


def scalar_steps(gradient: GradientRecord, writer: Writer, level: str) -> tuple[Step, ...]:
    """Return the steps of a gradient whose path is scalar."""
    chains = Chains(gradient.derivation)
    chain = chains.factored(gradient.derivation.loss, gradient.name)
    steps = [Step("chain", chain_formula(chain, writer, forks=False), because("chain rule"))]
    if any(isinstance(factor, Fork) for factor in chain.factors):
        steps.append(Step("paths", chain_formula(chain, writer), because("sum over paths")))
    for factor in chain.factors:
        links = [factor] if isinstance(factor, Link) else [link for branch in factor.branches for link in branch]
        for link in links:
            steps.extend(link_steps(link, chains, writer, level))
    left = writer.partial(gradient.derivation.loss, gradient.name)
    steps.extend(_shared_steps(chain, writer))
    steps.append(Step("product", Chain((left, chain_product(chain, writer)), ("=",)), because("multiply the factors")))
    if (short := shortened(chain, writer)) is not None:
        steps.append(Step("rewrite", Chain((left, writer.expression(short[0])), ("=",)), short[1]))
    return tuple(steps)


def _shared_steps(chain: PathChain, writer: Writer) -> Iterator[Step]:
    """Name the adjoint that several parameters share: `δ = ∂E/∂net = …`, then `∂E/∂w = δ·∂net/∂w` with its value."""
    *front, last = chain.factors
    if not front or not isinstance(last, Link) or not is_shared(last.of, writer):
        return
    delta = Name(delta_name(writer.network.node(last.of), writer.notation))
    shared = chain_product(PathChain(chain.of, last.of, tuple(front)), writer)
    adjoint: Formula = writer.partial(chain.of, last.of)
    signed: Formula = delta
    if writer.notation.delta_sign < 0:
        adjoint, shared, signed = Neg(adjoint), negated(shared), Neg(delta)
    yield Step("delta", Chain((delta, adjoint, shared), ("=", "=")), because("shared name"))
    value = writer.expression(last.value)
    factors = value.factors if isinstance(value, WrittenProduct) else (value,)
    body = delta if value == Number("1") else multiply(delta, *factors)
    right = Neg(body) if signed is not delta else body
    yield Step("shared", Chain((writer.partial(chain.of, chain.by), right), ("=",)), because("with the shared name"))


def is_shared(name: str, writer: Writer) -> bool:
    """Whether at least two parameters are used by the node, so that its adjoint occurs in several gradients."""
    nodes = writer.network.nodes
    return sum(nodes[parent].role is Role.PARAMETER for parent in nodes[name].parents) >= 2


def negated(formula: Formula) -> Formula:
    """Write `-formula`, and the formula itself for `--formula`."""
    return formula.body if isinstance(formula, Neg) else Neg(formula)


def link_steps(link: Link, chains: Chains, writer: Writer, level: str) -> list[Step]:
    """Return the steps of one factor: its own chain where nodes lie between, then its value; none for a direct use."""
    if link.direct:
        return []
    left = link_formula(link, writer)
    value = writer.expression(link.value)
    inner = chains.factored(link.of, link.by)
    if len(inner.factors) == 1 and isinstance(inner.factors[0], Link):
        if level == "full":
            return [Step(*line) for line in explained(link, chains, writer, value)]
        return [Step("local", Chain((left, value), ("=",)), because("local derivative"))]
    steps = [Step("chain", chain_formula(inner, writer), because("chain rule"))]
    if level == "full":
        for factor in inner.factors:
            if isinstance(factor, Link):
                steps.extend(link_steps(factor, chains, writer, level))
    return [*steps, Step("local", Chain((left, chain_product(inner, writer)), ("=",)), because("local derivative"))]
