"""An adjoint in textbook form, by named rewrites: `∂L/∂z[n,k] = (p[n,k] - t[n,k])/N`, with a reason for every step.

The rewrites (rules in `identities.py`) are: put the formula of an intermediate's adjoint in its place, cancel, multiply out, pull
factors out of a sum and split it, recognise a named quantity, use a stated fact, take a common factor out. A step is kept as
`Rewrite(before, after, because)` on the whole expression, so the steps are a chain of equalities.

An intermediate's adjoint is put in its place only where that makes the derivation as a whole shorter; shared ones stay named, so
layer norm and attention keep their intermediates. Every step shortens a finite measure or runs once, so it ends; an adjoint with
many terms or a long formula is left alone, so the cost is linear in the size of the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Expr, Integer

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.derive.sweep.records import Adjoint, Rewrite
from symbackprop.derive.textbook.identities import NetworkKnowledge, improve
from symbackprop.derive.textbook.placing import adjoint_names, put_in, size
from symbackprop.network.indices import bound_in

MOST_ADJOINTS = 8
LONGEST = 12  # a formula that is put in the place of a name, or made by doing so, is no longer than this
TOO_LONG = 2 * LONGEST  # a formula longer than this is left as the sweep made it

Steps = tuple[Rewrite, ...]


@dataclass(frozen=True, slots=True)
class Simplified:
    """The textbook form of one adjoint: the expression, and the steps that lead from the sweep's result to it.

    `put_in` says that its formula stands in the place of its name further down, so that it is only a step on the way.
    """

    adjoint: Adjoint
    expression: Expr
    steps: Steps
    put_in: bool = False


def simplified(derivation: DerivationRecord, name: object) -> tuple[Expr, Steps]:
    """Return ∂loss/∂name in textbook form, in node names and the adjoints that stay named, with its steps.

    The steps of intermediates that were put in place come first, then those from the sweep's result for `name` to the answer.
    Raises UserError for an unknown name; a name that the loss does not depend on has the gradient 0.
    """
    node = derivation.network.node(name)
    if node.name not in derivation.adjoints or node.name == derivation.loss:
        return Integer(int(node.name == derivation.loss)), ()
    forms = simplified_adjoints(derivation, (node.name,))
    lemmas = tuple(step for form in forms.values() if form.put_in for step in form.steps)
    return forms[node.name].expression, lemmas + forms[node.name].steps


def simplified_adjoints(derivation: DerivationRecord, names: tuple[str, ...] | None = None) -> dict[str, Simplified]:
    """Return the textbook form of the adjoints that `names` (by default what was asked for) need, loss first.

    The ones with `put_in` serve only as steps on the way; the others are a derivation to be read from top to bottom.
    """
    asked = tuple(derivation.network.node(name).name for name in (derivation.wrt if names is None else names))
    asked = tuple(name for name in asked if name in derivation.adjoints)
    key = asked, len(derivation.network.facts)  # a fact stated later makes other forms
    if key not in derivation.forms:
        derivation.forms[key] = _simplified(derivation, asked)
    return dict(derivation.forms[key])


def _simplified(derivation: DerivationRecord, asked: tuple[str, ...]) -> dict[str, Simplified]:
    forms = _Forms(derivation, _between(derivation, asked)).all()
    needed, on_the_way = set(asked), set[str]()
    for name in reversed(forms):
        if name in needed or name in on_the_way:
            (needed if name in needed else on_the_way).update(forms[name].uses)
            on_the_way |= forms[name].replaced
    return {
        name: Simplified(
            derivation.adjoints[name],
            bound_in(form.expression, derivation.adjoints[name].indices, f"textbook form of ∂{derivation.loss}/∂{name}"),
            form.steps,
            name not in needed,
        )
        for name, form in forms.items()
        if (name in needed or name in on_the_way) and name != derivation.loss
    }


def _between(derivation: DerivationRecord, names: Iterable[str]) -> set[str]:
    """Return the names that lie between the loss and any of `names`, ends included."""
    found = set(names)
    stack = list(found)
    while stack:
        for contribution in derivation.adjoints[stack.pop()].contributions:
            if contribution.consumer not in found:
                found.add(contribution.consumer)
                stack.append(contribution.consumer)
    return found


@dataclass(frozen=True, slots=True)
class _Form:
    expression: Expr
    steps: Steps = ()
    uses: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    size: int = 0


class _Forms:
    """Simplifies the adjoints of one derivation, loss first, deciding which to put in place."""

    def __init__(self, derivation: DerivationRecord, alive: set[str]) -> None:
        self._adjoints = {name: adjoint for name, adjoint in derivation.adjoints.items() if name in alive}
        self._place = {name: at for at, name in enumerate(self._adjoints)}
        self._by_symbol = {adjoint.name: name for name, adjoint in self._adjoints.items()}
        self._known = NetworkKnowledge(derivation.network)
        self._forms: dict[str, _Form] = {}
        self._users: dict[str, set[str]] = {name: set() for name in self._adjoints}
        for name, adjoint in self._adjoints.items():
            for contribution in adjoint.contributions:
                self._users[contribution.consumer].add(name)

    def all(self) -> dict[str, _Form]:
        """Return the form of every adjoint, loss first."""
        for name, adjoint in self._adjoints.items():
            form = self._simplify(name, adjoint)
            for contribution in adjoint.contributions:
                self._users[contribution.consumer].discard(name)
            for used in form.uses:
                self._users[used].add(name)
            self._forms[name] = form
        return self._forms

    def _simplify(self, name: str, adjoint: Adjoint) -> _Form:
        """Put intermediates in place as long as the tidied result gets shorter, then tidy."""
        start, replaced = adjoint.expression, frozenset[str]()
        if len(adjoint.contributions) > MOST_ADJOINTS or size(start) > TOO_LONG:
            return _Form(start, (), self._uses(start), replaced, size(start))
        steps: Steps = ()
        result, tidying = improve(start, self._known)
        while (trial := self._without_one(name, start, size(result))) is not None:
            used, start, result, more, tidying = trial
            steps += more
            replaced |= {used}
        return _Form(result, steps + tidying, self._uses(result), replaced, size(result))

    def _without_one(self, name: str, start: Expr, length: int) -> tuple[str, Expr, Expr, Steps, Steps] | None:
        """Put one intermediate's formula in its place where that makes the whole shorter; None when none does."""
        uses = sorted(self._uses(start), key=self._place.__getitem__, reverse=True)
        trials = (self._trial(used, name, start, length) for used in uses if len(uses) <= MOST_ADJOINTS)
        return next((trial for trial in trials if trial is not None), None)

    def _trial(self, used: str, name: str, start: Expr, length: int) -> tuple[str, Expr, Expr, Steps, Steps] | None:
        """Put the formula of `used` in its place in that of `name`; None where that makes nothing shorter."""
        form = self._forms[used]
        alone = self._users[used] <= {name}
        if form.size > LONGEST or not (alone or self._may_cancel(form, start)):
            return None
        placed = put_in(start, self._adjoints[used], form.expression, self._known.declared)
        if placed is None or size(placed.result) > TOO_LONG:
            return None
        result, tidying = improve(placed.result, self._known)
        saved = (1 if placed.in_sum else form.size + 1) if alone else 0
        shorter = size(result) < length + saved and size(result) <= LONGEST
        return (used, placed.result, result, placed.steps, tidying) if shorter else None

    @staticmethod
    def _may_cancel(form: _Form, around: Expr) -> bool:
        """Whether what is put in can get shorter there: only where it meets a name that it has itself, or is all but one."""
        return form.size <= 2 or bool(adjoint_names(form.expression) & adjoint_names(around))

    def _uses(self, expression: Expr) -> frozenset[str]:
        return frozenset(self._by_symbol[symbol] for symbol in adjoint_names(expression) if symbol in self._by_symbol)
