"""A gradient too long to be written out: adjoints that several terms need keep their names.

    ∂E/∂w = δ_z2·h1 + ∂E/∂h1·x      δ_z2 = ∂E/∂z2 = -(t - o)·o·(1 - o)      ∂E/∂h1 = δ_z2·w·(1 - h1²)

An adjoint of a definition that several parameters enter is called δ, as in books; others are written ∂E/∂node. `brief` is the one
line for the name asked for, the other levels have a line for each adjoint: together they are as long as the part of the network
that they are about, however many paths lead through it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sympy import Add, Expr

from symbackprop.derive.reasons import because
from symbackprop.derive.steps.along_paths import is_shared, link_formula, link_steps, negated
from symbackprop.derive.steps.paths import Chains, Link
from symbackprop.derive.steps.step import Step
from symbackprop.derive.steps.with_indices import textbook_length
from symbackprop.derive.steps.writer import Writer, delta_name
from symbackprop.derive.sweep.derivation import MOST_NAMES, DerivationRecord, GradientRecord, name_count, pulled_out
from symbackprop.derive.textbook.simplify import simplified_adjoints
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.tree.tree import Chain, Formula

Uses = Mapping[str, Mapping[str, Expr]]  # ∂consumer/∂name by name and consumer


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of an adjoint: the adjoint of `of` (none where that is the loss) times the derivatives along `links`."""

    of: str
    links: tuple[Link, ...]


def is_long(gradient: GradientRecord, scalar: bool) -> bool:
    """Whether the gradient has more names than can be read when every adjoint is written out."""
    if not scalar:
        return textbook_length(gradient) > MOST_NAMES
    chains, of, by = Chains(gradient.derivation), gradient.derivation.loss, gradient.name
    cuts, lengths = frozenset(chains.cuts(of, by)), {of: 0}
    for name, adjoint in chains.between(of, by).adjoints.items():
        length = sum(lengths[use.consumer] + name_count(use.local) for use in adjoint.contributions)
        if length > MOST_NAMES:
            return True
        lengths[name] = 0 if name in cuts else length  # what lies between two cuts is a factor of its own
    return False


def named_result(gradient: GradientRecord, writer: Writer, scalar: bool) -> Step:
    """Return `∂E/∂w = Σ adjoint · local derivatives`, the adjoints by their names."""
    name = gradient.name
    if scalar:
        terms = _terms(gradient.derivation, name)
        naming = _with_deltas(writer, terms, name)
        value = add(*(_product(term, naming) for term in terms[name]))
    else:
        forms = simplified_adjoints(gradient.derivation, (name,))
        naming = _with_deltas(writer, forms, name)
        value = naming.expression(pulled_out(forms[name].expression))
    return Step("result", _named(name, value, naming))


def named_steps(gradient: GradientRecord, writer: Writer, level: str) -> Iterator[Step]:
    """Yield the steps of a gradient along scalar paths: chain, local derivatives and value of one adjoint after the other."""
    derivation = gradient.derivation
    terms, chains = _terms(derivation, gradient.name), Chains(derivation)
    naming = _with_deltas(writer, terms, gradient.name)
    for name, summands in terms.items():
        left = naming.partial(derivation.loss, name)
        relation = add(*(_relation(term, naming) for term in summands))
        if relation != left:
            yield Step("chain", Chain((left, relation), ("=",)), because("chain rule"))
        for link in (link for term in summands for link in term.links):
            yield from link_steps(link, chains, naming, level)
        kind, reason = ("product", "multiply the factors") if name == gradient.name else ("delta", "shared name")
        yield Step(kind, _named(name, add(*(_product(term, naming) for term in summands)), naming), because(reason))


def _with_deltas(writer: Writer, names: Iterable[str], last: str) -> Writer:
    """Return a writer that calls the adjoints of those nodes δ that share one; each δ must mean one thing."""
    wanted = {name: delta_name(writer.network.node(name), writer.notation)
              for name in (*writer.deltas, *names) if name != last and is_shared(name, writer)}  # fmt: skip
    called = Counter(wanted.values())
    return Writer(
        writer.derivation,
        writer.notation,
        [name for name, delta in wanted.items() if called[delta] == 1 and delta not in writer.network.nodes],
    )


def _named(name: str, value: Formula, writer: Writer) -> Chain:
    """Write `∂E/∂node = value`, or `δ = ∂E/∂node = value` with the sign that the notation gives δ."""
    left: Formula = writer.partial(writer.derivation.loss, name)
    if name not in writer.deltas:
        return Chain((left, value), ("=",))
    delta = writer.adjoint(name)
    if writer.notation.delta_sign < 0:
        delta, left, value = negated(delta), negated(left), negated(value)
    return Chain((delta, left, value), ("=", "="))


def _terms(derivation: DerivationRecord, name: str) -> dict[str, tuple[Term, ...]]:
    """Return the terms of every adjoint that keeps its name and of `name`, loss first.

    What keeps its name is needed by several terms, or is itself a sum; everything else is a link of one term.
    """
    uses = {other: _uses(derivation, other) for other in derivation.between(name) if other != derivation.loss}
    needed = Counter(consumer for consumers in uses.values() for consumer in consumers)
    kept = {other: consumers for other, consumers in uses.items() if other == name or max(needed[other], len(consumers)) > 1}
    stops = frozenset((derivation.loss, *kept))
    return {other: _terms_of(derivation, other, uses, stops) for other in kept}


def _uses(derivation: DerivationRecord, name: str) -> dict[str, Expr]:
    """Return ∂consumer/∂name by consumer, several uses in one definition added up."""
    found: dict[str, Expr] = {}
    for use in derivation.adjoints[name].contributions:
        found[use.consumer] = Add(found[use.consumer], use.local) if use.consumer in found else use.local
    return found


def _terms_of(derivation: DerivationRecord, name: str, uses: Uses, stops: frozenset[str]) -> tuple[Term, ...]:
    """Follow each use up to the next adjoint that has a name; a use beside other ways to the consumer stands by its value."""
    through = _dependent(derivation, name, uses[name])
    terms = []
    for consumer, local in uses[name].items():
        parents = set(derivation.network.nodes[consumer].parents) - {name}
        links = [Link(consumer, name, local, direct=bool(parents & through))]
        while consumer not in stops:
            ((above, local),) = uses[consumer].items()
            links.append(Link(above, consumer, local))
            consumer = above
        terms.append(Term(consumer, tuple(reversed(links))))
    return tuple(terms)


def _dependent(derivation: DerivationRecord, name: str, uses: Iterable[str]) -> frozenset[str]:
    """Return what depends on a name, up to the last definition that uses it."""
    nodes = derivation.network.nodes
    last = max((nodes[consumer].position for consumer in uses), default=0)
    found, stack = set[str](), [name]
    while stack:
        for use in derivation.adjoints[stack.pop()].contributions:
            if use.consumer not in found and nodes[use.consumer].position < last:
                found.add(use.consumer)
                stack.append(use.consumer)
    return frozenset(found)


def _relation(term: Term, writer: Writer) -> Formula:
    upstream = () if term.of == writer.derivation.loss else (writer.adjoint(term.of),)
    return multiply(*upstream, *(link_formula(link, writer) for link in term.links))


def _product(term: Term, writer: Writer) -> Formula:
    upstream = () if term.of == writer.derivation.loss else (writer.derivation.adjoints[term.of].symbol,)
    return writer.product((*upstream, *(link.value for link in term.links)))
