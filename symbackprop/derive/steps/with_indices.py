"""The steps of a gradient in index notation: one relation, its value, and the matrix form, per node on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Add, Expr

from symbackprop.derive.matrix.matrix import NoMatrixForm, matrix_form
from symbackprop.derive.matrix.matrix_writing import equality, explanations, shapes
from symbackprop.derive.reasons import Because, Reason, because
from symbackprop.derive.steps.step import Step
from symbackprop.derive.steps.writer import Writer
from symbackprop.derive.sweep.derivation import MOST_NAMES, GradientRecord, names_written, pulled_out, with_adjoints
from symbackprop.derive.sweep.records import Adjoint, Contribution, Rewrite
from symbackprop.derive.sweep.unify import before_elimination, entries_used
from symbackprop.derive.textbook.identities import COME_OUT
from symbackprop.derive.textbook.simplify import Simplified, simplified_adjoints
from symbackprop.formula.tree.build import add, multiply
from symbackprop.formula.tree.tree import BigSum, Chain, Formula, Name, Partial


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


def textbook_expression(gradient: GradientRecord) -> Expr:
    """Return the gradient in node names with every adjoint in its simplified form."""
    derivation = gradient.derivation
    found: dict[str, Expr] = {}
    for name, form in simplified_adjoints(derivation, (gradient.name,)).items():
        found[name] = with_adjoints(form.expression, {derivation.adjoints[other]: value for other, value in found.items()})
    return pulled_out(found.get(gradient.name, gradient.expression))


def textbook_length(gradient: GradientRecord) -> int:
    """Return how many names `textbook_expression` has; no more than is too many is counted."""
    by_symbol = {adjoint.name: name for name, adjoint in gradient.derivation.adjoints.items()}
    lengths: dict[str, int] = {}
    for name, form in simplified_adjoints(gradient.derivation, (gradient.name,)).items():
        names = (by_symbol.get(other, "") for other in names_written(form.expression))
        lengths[name] = min(sum(lengths.get(other, 1) for other in names), MOST_NAMES + 1)
    return lengths.get(gradient.name, 0)


def index_steps(gradient: GradientRecord, writer: Writer, level: str) -> tuple[Step, ...]:
    """Return the steps of a gradient in index notation: one relation, its value, and the matrix form, per node on the way."""
    steps: list[Step] = []
    for name, form in simplified_adjoints(gradient.derivation, (gradient.name,)).items():
        steps.extend(_adjoint_steps(name, form, writer, level))
    return tuple(steps)


def _adjoint_steps(name: str, form: Simplified, writer: Writer, level: str) -> Iterator[Step]:
    left = writer.partial(writer.derivation.loss, name)
    groups = _by_consumer(form.adjoint)
    general = add(*(relation(uses, name, writer, len(groups) == 1) for uses in groups))
    if general != left:
        yield Step("chain", Chain((left, general), ("=",)), because("chain rule"))
    if level == "full":
        yield from _as_found(left, form.adjoint, writer)
    yield Step("local", Chain((left, writer.expression(form.adjoint.expression)), ("=",)), because("locals put in"))
    for rewrite in form.steps if level == "full" else _landmarks(form.steps):
        yield Step("rewrite", Chain((left, writer.expression(rewrite.after)), ("=",)), _with_loss(rewrite.because, writer))
    final = pulled_out(form.expression)
    if final != form.expression:
        yield Step("rewrite", Chain((left, writer.expression(final)), ("=",)), COME_OUT)
    if not form.put_in:
        yield from _matrix_steps(name, form, writer)


def _landmarks(steps: Sequence[Rewrite]) -> list[Rewrite]:
    """Return the rewrites that use a stated fact, and the last."""
    return [step for step in steps if step is steps[-1] or any(reason.key == "fact" for reason in step.because)]


def _as_found(left: Formula, adjoint: Adjoint, writer: Writer) -> Iterator[Step]:
    """The local derivatives named by intermediates, and the sum before the deltas of the indices are taken out."""
    for contribution in adjoint.contributions:
        for rewrite in contribution.raw.rewrites:
            yield Step("rewrite", _equation(writer, rewrite.before, rewrite.after), rewrite.because)
    if adjoint.indices:
        terms = [before_elimination(contribution, adjoint.indices) for contribution in adjoint.contributions]
        yield Step("deltas", Chain((left, add(*map(writer.expression, terms))), ("=",)), because("indices agree"))


def _with_loss(reasons: Because, writer: Writer) -> Because:
    """Say `put ∂E/∂P in` for the rewrite that puts an adjoint's formula in its place."""
    return tuple(part for reason in reasons for part in (_put_in(reason, writer) if reason.key == "adjoint" else (reason,)))


def _put_in(reason: Reason, writer: Writer) -> Because:
    return because("put in", of=f"∂{writer.derivation.loss}/∂{dict(reason.values)['node']}")


def _equation(writer: Writer, before: Expr, after: Expr) -> Chain:
    return Chain((writer.expression(before), writer.expression(after)), ("=",))


def _matrix_steps(name: str, form: Simplified, writer: Writer) -> Iterator[Step]:
    """The matrix form with its shapes and the reasons for its transposes; nothing where there is none."""
    found = matrix_form(form.expression, form.adjoint.indices)
    if isinstance(found, NoMatrixForm):
        return
    left = Partial(Name(writer.derivation.loss), Name(name))
    reasons = (*because("shapes", shapes=shapes(found)), *explanations(found, writer.whole_adjoints))
    yield Step("matrix", equality(left, found, writer.whole_adjoints, writer.notation), reasons)
