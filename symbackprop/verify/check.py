"""`check_gradient`: handwritten gradient code against a derivation, or against the handwritten loss itself.

The code is run, unmodified, at several sizes and points; where it can be traced the comparison is exact, otherwise in float64.
The
report states for each gradient what was established, and for what differs why, where, and what mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symbackprop.derive.derivation import Derivation
from symbackprop.errors import SymbackpropError, UserError
from symbackprop.verify.binding import Call, Outcome, Result, bind_call, run
from symbackprop.verify.branches import find_flips
from symbackprop.verify.compare import Outcome as Compared
from symbackprop.verify.compare import compare_sample, disagreeing
from symbackprop.verify.derived import DerivationReference
from symbackprop.verify.diagnose import diagnose
from symbackprop.verify.foreign import Foreign, adapted
from symbackprop.verify.graph import Condition, Graph
from symbackprop.verify.locate import Located, code_lines, locate
from symbackprop.verify.loss_function import loss_reference
from symbackprop.verify.ratio import constant_ratio
from symbackprop.verify.records import Cause, Scope, Status, Verdict
from symbackprop.verify.repair import repairs
from symbackprop.verify.report import Report
from symbackprop.verify.results import bind_results, describe, leaf_at
from symbackprop.verify.returns import forgotten
from symbackprop.verify.run import one_line, user_line
from symbackprop.verify.samples import Point, Reference, Sample, numeric_sample, traced_sample, with_coordinates, with_defined
from symbackprop.verify.trace import CodeFails


def check_gradient(
    reference: Any,
    hand: Callable[..., Any],
    *,
    example: Mapping[str, Any] | None = None,
    wrt: Sequence[str] | str | None = None,
    mapping: Mapping[str, Any] | None = None,
    seed: int = 0,
    exact: bool = True,
    explain: bool = True,
    repair: bool = True,
) -> Report:
    """Check handwritten gradient code.

    Args:
        reference: a `Derivation`, or the handwritten loss function (then `example` is needed).
        hand: the code: a function, a method, a step that updates weights; or a PyTorch `autograd.Function` or JAX `custom_vjp`
            that computes the loss, whose own backward is meant.
        example: values by name; by default those of the network.
        wrt: for a loss function, the names whose gradients are meant (by default those that `hand` returns).
        mapping: argument or result name of the code → name in the network, where the names do not say it.
        seed: of the random points.
        exact: trace the code; False compares numbers only.
        explain: say why and where the code differs.
        repair: search for a change of the code that mends what differs (a few seconds at most).

    Raises:
        UserError: the reference is neither, or code and network could not be matched (`BindingError`).
    """
    source = _reference(reference, example, wrt)
    hand = adapted(hand)
    if isinstance(hand, type):
        raise UserError(f"check: {hand.__name__} is a class; expected a function, or a method of an object of it")
    points = source.points(seed)
    if not points:
        raise UserError(f"check: {source.title}: no values to try the code at; pass example={{…}}")
    mapping = {**getattr(source, "structures", {}), **(mapping or {})}
    first = points[0].values
    call = bind_call(hand, source.vocabulary, mapping, first)
    try:
        values = with_defined(call, source, first)
        outcome = run(call, values)
    except SymbackpropError:
        raise
    except Exception as problem:
        return _failed(source, call, f"fails{_line(problem, call)}: {type(problem).__name__}: {one_line(problem)}")
    results, unbound = bind_results(call, outcome, source.vocabulary, mapping, values)
    if isinstance(hand, Foreign):  # zeros for data are how its backward says that nothing is passed on
        wanted = source.vocabulary.parameters
        results = tuple(r for r in results if r.node in wanted or np.any(leaf_at(outcome.returned, r.path)))
    samples, notes = collect(source, call, results, points, exact=exact)
    others = [*other_branches(source, samples), *disagreeing(source, call, results, samples, seed)]
    further, more = collect(source, call, results, others, exact=exact)
    samples, notes = [*samples, *further], [*notes, *more]
    notes += [*source.remarks, *_unbound_notes(unbound, outcome), *_forgotten(call)]
    return assemble(source, call, results, samples, notes, explain=explain, repair=repair)


def _line(problem: Exception, call: Call) -> str:
    code = getattr(getattr(call.function, "__func__", call.function), "__code__", None)
    return user_line(problem, code.co_filename) if code is not None else ""


def _reference(reference: Any, example: Mapping[str, Any] | None, wrt: Any) -> Reference:
    if isinstance(reference, Derivation):
        return DerivationReference(reference, dict(example or {}))
    if callable(reference):
        return loss_reference(reference, example, wrt)
    raise UserError(f"check: expected a derivation or a loss function, got {type(reference).__name__}")


def _unbound_notes(unbound: Sequence[str], outcome: Outcome) -> tuple[str, ...]:
    arrays = [path for path in unbound if np.ndim(leaf_at(outcome.returned, path))]
    return (f"not compared, since no name of the network was recognised: {', '.join(arrays)}",) if arrays else ()


def _forgotten(call: Call) -> tuple[str, ...]:
    return tuple(found.note for found in forgotten(call.function))


def _failed(source: Reference, call: Call, message: str) -> Report:
    verdicts = {name: Verdict(name, Status.ERROR, note=message) for name in source.vocabulary.parameters}
    return Report(source.title, source.vocabulary.loss, describe(call.function), verdicts, Scope(), notes=_forgotten(call))


def collect(
    source: Reference, call: Call, results: Sequence[Result], points: Sequence[Point], *, exact: bool
) -> tuple[list[Sample], list[str]]:
    """Return both sides at every point; a point at which only the code fails is left out with a note."""
    samples: list[Sample] = []
    notes: list[str] = []
    for point in points:
        large = point.large
        try:
            take = numeric_sample if large or not exact else traced_sample
            samples.append(take(source, call, results, point))
        except CodeFails as problem:
            notes.append(f"{point.label}: {problem}")
        except SymbackpropError:
            raise
        except Exception as problem:
            notes.append(f"{point.label}: {type(problem).__name__}: {problem}")
    return samples, notes


def other_branches(source: Reference, samples: Sequence[Sample]) -> list[Point]:
    """Return a few points at which comparisons go the way that no sample took, the reference's own among them.

    Code without a comparison is no proof where a relu of the network, or a `max` of the loss, was only ever on one side.
    """
    found: list[Point] = []
    one_sided = {place for place, sides in branch_outcomes(samples, everywhere=True).items() if len(sides) == 1}
    for sample in samples:
        if sample.run is None or sample.graph is None or sample.point.example or not one_sided:
            continue
        wanted = [c for c in sample.graph.conditions.values() if comparison(sample.graph, c) in one_sided]
        for coordinates, _ in find_flips(sample.graph, wanted).points[:2]:
            values = source.respecting(with_coordinates(sample.point.values, coordinates))
            if all(np.all(np.isfinite(value)) for value in source.numbers(values).adjoints.values()):
                found.append(Point(values, sample.point.label))
        break
    return found


Comparison = tuple[str, str, object, object]


def comparison(graph: Graph, condition: Condition) -> Comparison:
    """Return what makes two comparisons the same one in the code: the line, the relation, the constants compared with."""
    return f"{condition.place}", condition.relation, graph.fraction(condition.left), graph.fraction(condition.right)


def branch_outcomes(samples: Sequence[Sample], *, everywhere: bool = False) -> dict[Comparison, set[bool]]:
    """Return comparison of the code (`everywhere`: and of the reference) → its outcomes."""
    outcomes: dict[Comparison, set[bool]] = {}
    for sample in samples:
        if sample.run is None or sample.graph is None:
            continue
        for condition in sample.graph.conditions.values() if everywhere else sample.run.conditions:
            if everywhere or condition.place is not None:
                outcomes.setdefault(comparison(sample.graph, condition), set()).add(condition.outcome)
    return outcomes


def assemble(
    source: Reference,
    call: Call,
    results: Sequence[Result],
    samples: Sequence[Sample],
    notes: Sequence[str],
    *,
    explain: bool = True,
    repair: bool = True,
) -> Report:
    """Return the report on what the samples show."""
    compared = [(sample, compare_sample(sample)) for sample in samples]
    kinks = [source.kinks(sample.point.values) for sample in samples]
    verdicts = {result.node: verdict(result.node, compared, kinks) for result in results}
    wrong = [name for name, v in verdicts.items() if v.status is Status.DIFFERS]
    rate = call.rate_value if call.rate is not None else None
    causes = diagnose(source, verdicts, samples, rate) if explain else ()
    located = locate(source, call, samples, wrong) if explain else Located(None, (), ())
    suspects = {**located.suspects, **({located.first.line: 2.0} if located.first else {})}
    mended = repairs(source, call, results, samples, wrong, suspects) if repair and not _guarded(causes) else ()
    parameters = source.vocabulary.parameters
    ordered = [name for name in parameters if name in verdicts] + [name for name in verdicts if name not in parameters]
    return Report(
        source.title,
        source.vocabulary.loss,
        describe(call.function),
        {name: verdicts[name] for name in ordered},
        scope_of(samples),
        assumptions=source.assumptions,
        causes=causes,
        locations=(*((located.first,) if located.first else ()), *located.misnamed),
        repairs=mended,
        source=code_lines(call),
        checked=located.right,
        missing=tuple(name for name in parameters if name not in verdicts),
        notes=tuple(notes),
    )


def _guarded(causes: Sequence[Cause]) -> bool:
    """Whether what differs vanishes with an ε: then there is nothing to mend."""
    return bool(causes) and all(cause.exonerates for cause in causes)


Kinks = Sequence[tuple[str, frozenset[str]]]


def verdict(name: str, compared: Sequence[tuple[Sample, Mapping[str, Compared]]], kinks: Sequence[Kinks]) -> Verdict:
    """Return the verdict on one gradient over all samples; at a kink nothing is concluded from the numbers."""
    rows = [
        (sample, outcomes[name], [text for text, names in places if name in names])
        for (sample, outcomes), places in zip(compared, kinks, strict=True)
        if name in outcomes
    ]
    if not rows:
        return Verdict(name, Status.ERROR, note="the code gave no result at any point")
    samples = [sample for sample, _ in compared]
    if any(name not in sample.hand for sample in samples):
        return Verdict(name, Status.ERROR, note="the code gives it at some points only: is a `return` missing on a branch?")
    counted = [(sample, outcome) for sample, outcome, at in rows if not at]
    wrong = [(sample, outcome) for sample, outcome in counted if outcome.status is Status.DIFFERS]
    if wrong:
        _, outcome = max(wrong, key=lambda pair: _weight(pair[1]))
        ratio = constant_ratio(name, [s for s, _ in counted])
        ratio = None if outcome.tier == "shape" and ratio == "1" else ratio
        only = any(s.point.example and o.status is not Status.DIFFERS for s, o in counted)
        note = outcome.note
        if only:
            note = f"right at the example, elsewhere {note}" if note else "right at the example, wrong elsewhere"
        return Verdict(name, Status.DIFFERS, outcome.tier, ratio=ratio, witness=outcome.witness, note=note)
    at = [text for sample, _, places in rows if sample.point.example for text in places]
    strong = [pair for pair in counted if not _too_large(pair[0], samples)] or counted
    elsewhere = min(strong, key=lambda pair: (_STRENGTH[pair[1].status], pair[1].digits))[1] if strong else None
    if at:
        said = f"{'; '.join(at)}{f'; elsewhere {elsewhere.status}' if elsewhere else ''}"
        return Verdict(name, Status.NOT_DIFFERENTIABLE, elsewhere.tier if elsewhere else "", note=said)
    if elsewhere is None:
        return Verdict(name, Status.NOT_DIFFERENTIABLE, note="every point tried is a kink")
    return Verdict(name, elsewhere.status, elsewhere.tier, digits=elsewhere.digits, note=elsewhere.note)


def _too_large(sample: Sample, samples: Sequence[Sample]) -> bool:
    """Whether a sample was compared in float64 for its size alone, while others, smaller ones, were compared exactly."""
    return not sample.traced and not sample.reason and any(other.traced for other in samples)


_STRENGTH = {Status.AGREES: 0, Status.PROVED: 1}


def _weight(outcome: Compared) -> tuple[bool, float]:
    witness = outcome.witness
    if witness is None:
        return False, 0.0
    gap = abs(witness.hand - witness.derived) / (abs(witness.hand) + abs(witness.derived) + 1e-300)
    return outcome.tier == "shape", gap


def scope_of(samples: Sequence[Sample]) -> Scope:
    """Return at which sizes and points, and by which means, the code was compared."""
    outcomes = branch_outcomes(samples)
    return Scope(
        tuple(dict.fromkeys(sample.point.label for sample in samples if not _too_large(sample, samples))),
        len(samples),
        floats=tuple(dict.fromkeys(sample.point.label for sample in samples if _too_large(sample, samples))),
        exact=bool(samples) and all(sample.traced for sample in samples if not sample.point.example),
        branches=len(outcomes),
        unvisited=tuple(
            dict.fromkeys(f"{key[0]} was only ever {next(iter(sides))}" for key, sides in outcomes.items() if len(sides) == 1)
        ),
        fallback=next((sample.reason for sample in samples if sample.reason), ""),
    )
