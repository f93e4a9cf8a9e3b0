"""`check_gradient`: handwritten gradient code against a derivation, or against the handwritten loss itself.

The code is run, unmodified, at several sizes and points; where it can be traced the comparison is exact, otherwise in float64.
The report states for each gradient what was established, and for what differs why, where, and what mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import SymbackpropError, UserError, listed, nearest
from symbackprop.guest.visit import described
from symbackprop.trace.run.nested import NO_FILE
from symbackprop.trace.run.traced_run import user_line
from symbackprop.verify.binding.arguments import bind_call, first_call
from symbackprop.verify.binding.binding import HandCall, Outcome, Result, numeric, restricted, return_names
from symbackprop.verify.binding.foreign import Foreign, adapted
from symbackprop.verify.binding.name_matching import RATES, gradient_of
from symbackprop.verify.binding.repeats import FEW, MANY, SEEDS, kept_between_calls, overwritten, runs_of, unsteady
from symbackprop.verify.binding.results import bind_results, describe, leaf_at, other_shapes
from symbackprop.verify.binding.returns import forgotten
from symbackprop.verify.equal.coverage import scope_of
from symbackprop.verify.explain.diagnose import diagnose
from symbackprop.verify.explain.locate import Located, code_lines, locate
from symbackprop.verify.mend.reasons import at_the_mend, with_mends
from symbackprop.verify.mend.repair import repairs
from symbackprop.verify.optimiser import UNDECIDED, memory_of, with_rates, without_state
from symbackprop.verify.passes.comparison import Comparison, as_layer, comparison, forgiving
from symbackprop.verify.passes.conventions import conventional
from symbackprop.verify.records import Cause, Location, Repair, Status, Verdict, VerdictScope
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.loss_reference import loss_reference
from symbackprop.verify.reference.protocol import Reference
from symbackprop.verify.reference.samples import with_defined
from symbackprop.verify.report.report import Report
from symbackprop.verify.trial import ReferenceTrial, condition_of, conditional, tried


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
        reference: a `DerivationRecord`, or the handwritten loss function (then `example` is needed), or a layer's forward
            pass.
        hand: the code: a function, a method, a step that updates weights; or a PyTorch `autograd.Function` or JAX `custom_vjp`
            that computes the loss, whose own backward is meant.
        example: values by name; by default those of the network.
        wrt: the names whose gradients are meant, and nothing else is judged; by default those that `hand` returns.
        mapping: argument or result name of the code → name in the network, where the names do not say it.
        seed: of the random points.
        exact: trace the code; False compares numbers only.
        explain: say why and where the code differs.
        repair: search for a change of the code that mends what differs (a few seconds at most).

    Raises:
        UserError: the reference is neither, or code and network could not be matched (`BindingError`).
    """
    layer = as_layer(reference, hand, example)
    if layer is not None:
        asked = [wrt] if isinstance(wrt, str) else wrt
        return check_passes(comparison(layer, seed), wrt=asked, seed=seed, exact=exact, explain=explain, repair=repair)
    source = _reference(reference, example, wrt)
    hand = adapted(hand)
    if isinstance(hand, type):
        raise UserError(f"check: {hand.__name__} is a class; expected a function, or a method of an object of it")
    own = tuple(mapping or ())
    mapping = {**source.structures, **(mapping or {})}
    first = source.start(seed)
    _no_missing_number(first.values)
    call = bind_call(hand, source.vocabulary, mapping, first.values)
    try:
        values = with_defined(call, source, first.values)
        call, outcome = first_call(call, values, at_home=first.example)
    except SymbackpropError:
        raise
    except Exception as problem:
        return _failed(source, call, f"fails{_line(problem, call)}: {described(problem)}")
    unreal = _complex(source, outcome)
    if unreal and not any(map(numeric, outcome.returned.values())):
        return _failed(source, call, COMPLEX)
    _all_known(own, call, outcome)
    results, unbound = bind_results(call, outcome, source.vocabulary, mapping, values)
    if isinstance(hand, Foreign):
        results = _passed_on(source, outcome, results)
    results = _meant(results, wrt)
    results = with_rates(source, call, without_state(source, results, values), values, outcome)
    source = source.asked([result.node for result in results])
    call = restricted(call, source.vocabulary.all)
    results, trial = _read_best(source, call, results, values, outcome, seed, exact=exact)
    results, trial = _without_memory(source, call, results, trial, values, outcome, seed, exact=exact)
    trial = replace(trial, verdicts={**trial.verdicts, **{n: Verdict(n, Status.ERROR, note=COMPLEX) for n in unreal}})
    notes = [*trial.notes, *source.remarks, *_unbound_notes(unbound, outcome), *_forgotten(call), *_step_notes(results, trial)]
    notes += [*other_shapes(results, outcome, values), *_changed_notes(overwritten(call, results, values, outcome))]
    report = _report(trial, call, results, notes, explain=explain, repair=repair)
    return _of_what_is_asked(report, wrt)


def _of_what_is_asked(report: Report, wrt: Sequence[str] | str | None) -> Report:
    """Return a report on the names that are asked for; where a caller said which, one without a gradient is an error."""
    missing = tuple(name for name in report.missing if _is_asked(name, wrt))
    if wrt is None:
        return replace(report, missing=missing)
    lacking = {name: Verdict(name, Status.ERROR, note="no handwritten gradient") for name in missing}
    return replace(report, verdicts={**report.verdicts, **lacking}, missing=())


def _meant(results: Sequence[Result], wrt: Sequence[str] | str | None) -> tuple[Result, ...]:
    """Return the results of the names that are asked for; all of them where none of those is there."""
    return tuple(result for result in results if _is_asked(result.node, wrt)) or tuple(results)


def _is_asked(node: str, wrt: Sequence[str] | str | None) -> bool:
    """Whether a name is asked for: itself, or the dictionary or list that it is inside of; every one where nothing is said."""
    asked = (wrt,) if isinstance(wrt, str) else tuple(map(str, wrt or (node,)))
    return node in asked or node.startswith(tuple(f"{name}." for name in asked))


def _passed_on(source: Reference, outcome: Outcome, results: Sequence[Result]) -> tuple[Result, ...]:
    """Return the results without zeros for data, which are how a foreign backward says that nothing is passed on."""
    wanted = source.vocabulary.parameters
    return tuple(result for result in results if result.node in wanted or np.any(leaf_at(outcome.returned, result.path)))


def _step_notes(results: Sequence[Result], trial: ReferenceTrial) -> tuple[str, ...]:
    """Return at which rates, that the code has nowhere but in its text, its results are read as steps."""
    rates: dict[float, list[str]] = {}
    for result in results:
        if result.update and result.rate and trial.verdicts[result.node].status is not Status.NOT_DECIDED:
            rates.setdefault(result.rate, []).append(result.node)
    return tuple(f"{', '.join(names)}: read as a step with the rate {rate:g}" for rate, names in sorted(rates.items()))


def _changed_notes(changed: Sequence[str]) -> tuple[str, ...]:
    return (f"the code changes what it is given in place: {', '.join(changed)}",) if changed else ()


def check_passes(found: Comparison, *, wrt: Sequence[str] | None = None, **options: Any) -> Report:
    """Check the backward pass of a comparison that was found, with the options of `check_gradient`."""
    found = forgiving(conventional(found) or found)
    asked = [name for name in wrt or found.wrt if name in found.wrt] or list(found.wrt)
    decided = [name for name in asked if name not in found.undecided] or asked
    report = check_gradient(found.loss, found.hand, example=found.example, wrt=decided, **options)
    title, loss, hand = found.titles
    missing = tuple(dict.fromkeys([*report.missing, *found.missing]))
    verdicts = _on_conditions(report, found, asked)
    notes = (*report.notes, *found.remarks)
    source = code_lines(found.backward) or report.source
    return replace(report, title=title, loss=loss, hand=hand, missing=missing, verdicts=verdicts, notes=notes, source=source)


def _on_conditions(report: Report, found: Comparison, asked: Sequence[str]) -> dict[str, Verdict]:
    """Return the verdicts of a report with what they rest on, and those on what is left undecided."""
    verdicts = {name: conditional(verdict, found.conditions.get(name, "")) for name, verdict in report.verdicts.items()}
    undecided = {name: said for name, said in found.undecided.items() if name in asked or name not in found.wrt}
    return verdicts | {name: Verdict(name, Status.NOT_DECIDED, note=said) for name, said in undecided.items()}


COMPLEX = "the code gives complex numbers; a gradient of a real loss is real"


def _complex(source: Reference, outcome: Outcome) -> list[str]:
    """Return the names for which the code gives complex numbers."""
    known, loss = source.vocabulary.declared, source.vocabulary.loss
    last = [path.rpartition(".")[2] for path, leaf in outcome.returned.items() if np.iscomplexobj(leaf)]
    return [name for path in last if (name := path if path in known else gradient_of(path, known, loss)) is not None]


def _all_known(names: Sequence[str], call: HandCall, outcome: Outcome) -> None:
    """Refuse a mapping of what is neither an argument, an attribute nor a result of the code."""
    given = {*call.arguments, *call.paths, *call.attributes, *outcome.finals, *([call.rate] if call.rate else [])}
    returned = {*outcome.returned, *return_names(call.function).values()}
    parts = {".".join(path.split(".")[:count]) for path in (*given, *returned) for count in range(1, 1 + len(path.split(".")))}
    last = {path.rpartition(".")[2] for path in returned}
    for name in names:
        if name not in parts | last | given | returned:
            known = list(dict.fromkeys([*call.arguments, *filter(None, outcome.returned)]))
            raise UserError(f"mapping: {name} is no argument and no result; there are {listed(known)}.{nearest(name, known)}")


def _no_missing_number(values: Mapping[str, Any]) -> None:
    """Refuse an example that holds NaN: nothing follows from what code makes of it."""
    for name, value in values.items():
        if np.asarray(value).dtype.kind == "f" and np.any(np.isnan(value)):
            raise UserError(f"check: {name} holds NaN in the example; expected numbers")


def _read_best(
    source: Reference,
    call: HandCall,
    results: tuple[Result, ...],
    values: Mapping[str, Any],
    outcome: Outcome,
    seed: int,
    *,
    exact: bool,
) -> tuple[tuple[Result, ...], ReferenceTrial]:
    """Return the results and their trial; what differs as a step whose rate was read in its text is tried as a gradient too."""
    trial = _steady(source, call, results, values, outcome, seed, exact=exact)
    wrong = [result for result in results if result.node in trial.wrong and result.returned and result.rate]
    if wrong:
        plain = tuple(replace(result, update=False, rate=0.0) if result in wrong else result for result in results)
        other = _steady(source, call, plain, values, outcome, seed, exact=exact)
        if len(other.wrong) < len(trial.wrong):
            return plain, other
    return results, trial


def _without_memory(
    source: Reference,
    call: HandCall,
    results: tuple[Result, ...],
    trial: ReferenceTrial,
    values: Mapping[str, Any],
    outcome: Outcome,
    seed: int,
    *,
    exact: bool,
) -> tuple[tuple[Result, ...], ReferenceTrial]:
    """Return the results and their trial; steps that remember earlier ones are read from their buffers, or left undecided."""
    memory = memory_of(source, call, results, trial.wrong, values, outcome)
    if memory is None:
        return results, trial
    if memory.results:
        buffers = {result.node: result for result in memory.results}
        other = tuple(buffers.get(result.node, result) for result in results)
        found = _steady(source, call, other, values, outcome, seed, exact=exact)
        if not found.wrong:
            return other, replace(found, notes=[*found.notes, memory.said])
    open_ones = {name: Verdict(name, Status.NOT_DECIDED, note=UNDECIDED) for name in memory.names}
    return results, replace(trial, verdicts={**trial.verdicts, **open_ones})


def _steady(
    source: Reference,
    call: HandCall,
    results: Sequence[Result],
    values: Mapping[str, Any],
    outcome: Outcome,
    seed: int,
    *,
    exact: bool,
) -> ReferenceTrial:
    """Return the trial of code that is run again before and after: what comes out otherwise then is no gradient."""
    draws = outcome.random and not source.is_random(values)  # a loss may draw the same numbers
    state = kept_between_calls(call.function)
    before = unsteady(call, results, values, outcome, seeds=SEEDS[: runs_of(values, len(SEEDS))] if draws else ())
    kept = [name for name, written in kept_between_calls(call.function).items() if state.get(name) != written]
    trial = tried(source, call, results, seed, exact=exact)
    times = runs_of(values, MANY) if kept else FEW
    found = {**unsteady(call, results, values, outcome, times=times), **before}
    notes = [
        *trial.notes,
        *([f"the code keeps something between calls: {', '.join(kept)}; {times} calls gave the same"] if kept else []),
    ]
    verdicts = {**trial.verdicts, **{n: Verdict(n, Status.ERROR, note=said) for n, said in found.items()}}
    return replace(trial, verdicts=verdicts, notes=trial.notes if found else tuple(notes))


def _line(problem: Exception, call: HandCall) -> str:
    code = getattr(getattr(call.function, "__func__", call.function), "__code__", None)
    return user_line(problem, code.co_filename) if code is not None else ""


def _reference(reference: Any, example: Mapping[str, Any] | None, wrt: Any) -> Reference:
    if example is not None and not isinstance(example, Mapping):
        raise UserError(f"check: example: expected a dictionary of values by name, got {type(example).__name__}")
    if isinstance(reference, DerivationRecord):
        return _of_derivation(reference, dict(example or {}), wrt)
    if callable(reference):
        return loss_reference(reference, example, wrt)
    raise UserError(f"check: expected a derivation or a loss function, got {type(reference).__name__}")


def _of_derivation(record: DerivationRecord, example: Mapping[str, Any], wrt: Sequence[str] | str | None) -> DerivationReference:
    """Return a derivation as a reference. Raises UserError where example or `wrt` name nothing of its network."""
    known = record.network.node
    for name in example:
        if str(name).lower() not in RATES:
            known(name)
    asked = (wrt,) if isinstance(wrt, str) else wrt or record.wrt
    return DerivationReference(replace(record, wrt=tuple(known(name).name for name in asked)), example)


def _unbound_notes(unbound: Sequence[str], outcome: Outcome) -> tuple[str, ...]:
    arrays = [path for path in unbound if np.ndim(leaf_at(outcome.returned, path))]
    return (f"not compared, since no name of the network was recognised: {', '.join(arrays)}",) if arrays else ()


def _forgotten(call: HandCall) -> tuple[str, ...]:
    return tuple(found.note for found in forgotten(call.function))


def _failed(source: Reference, call: HandCall, message: str) -> Report:
    verdicts = {name: Verdict(name, Status.ERROR, note=message) for name in source.vocabulary.parameters}
    return Report(source.title, source.vocabulary.loss, describe(call.function), verdicts, VerdictScope(), notes=_forgotten(call))


def _report(
    trial: ReferenceTrial, call: HandCall, results: Sequence[Result], notes: Sequence[str], *, explain: bool, repair: bool
) -> Report:
    """Return the report on a trial: why, where and what mends it are looked for at its samples."""
    source, samples, verdicts = trial.source, trial.samples, trial.verdicts
    rate = call.rate_value if call.rate is not None else None
    causes = diagnose(source, verdicts, [*samples, *trial.further], rate) if explain else ()
    located = _in_a_file(locate(source, call, samples, trial.wrong)) if explain else Located()
    mended, condition = _mended(trial, call, results, located) if repair and not _guarded(causes) else ((), "")
    place = at_the_mend(located.first, located.departing if mended else (), mended)
    parameters = source.vocabulary.parameters
    ordered = sorted(verdicts, key=lambda name: parameters.index(name) if name in parameters else len(parameters))
    return Report(
        source.title,
        source.vocabulary.loss,
        describe(call.function),
        {name: verdicts[name] for name in ordered},
        scope_of(samples, list(verdicts.values())),
        assumptions=source.assumptions,
        causes=with_mends(causes, mended, trial.wrong),
        locations=tuple(at for at in (place, *located.misnamed) if at is not None),
        repairs=mended,
        source=code_lines(call.function),
        checked=located.right,
        missing=tuple(name for name in parameters if name not in verdicts),
        notes=(*notes, *((f"the mend holds where {condition}",) if condition else ())),
    )


def _in_a_file(found: Located) -> Located:
    """Return what was found without a place in what puts two passes together, which is nobody's line."""
    return replace(found, first=None) if found.first is not None and found.first.filename == NO_FILE else found


def _mended(trial: ReferenceTrial, call: HandCall, results: Sequence[Result], located: Located) -> tuple[tuple[Repair, ...], str]:
    """Return what mends the code, and the condition on the targets under which it does: none, or the weakest that helps."""
    for at in (trial, *trial.narrower):
        first = {(line.filename, line.line): _weight_of(line, at.source) for line in (located.first,) if line is not None}
        suspects = {
            **located.suspects,
            **{line: max(weight, located.suspects.get(line, weight)) for line, weight in first.items()},
        }
        mended = repairs(at.source, call, results, at.samples, at.verdicts, suspects, located.shared)
        if mended:
            return mended, condition_of(at.source) if at is not trial else ""
    return (), ""


def _weight_of(place: Location, source: Reference) -> float:
    """How much the line that was found is suspected: a variable that is not what a derivation says is the best evidence."""
    return 1.1 if not place.variable else 2.0 if isinstance(source, DerivationReference) else 1.3


def _guarded(causes: Sequence[Cause]) -> bool:
    """Whether what differs vanishes with an ε: then there is nothing to mend."""
    return bool(causes) and all(cause.exonerates for cause in causes)
