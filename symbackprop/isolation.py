"""A check of code by a process that never runs it: what a child says is believed only where it was confirmed from outside.

    check child    loads the reference, says the derived numbers at points of its own, then loads the code, and checks it
    plain child    loads the code alone and runs it on these points; it holds no reference, nothing traces it, and none of its
                   callers is this library
    this process   compares the numbers, and corrects the report where they contradict it

So a report that the code has forged (it may change this library's classes in its own process, look at who calls it, count its
calls) leaves the verdict as it is. Not protected: reference and code in one file share a process; a mistake that shows at none of
the points; and code that works the derivative out with this library gives right gradients.
"""

from __future__ import annotations

import io
import pickle
import sys
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from symbackprop.api import derive
from symbackprop.errors import CodeEnded, GuestError, InternalError, NotSupportedError, SeveralError, SymbackpropError, UserError
from symbackprop.guest.process import Answer, Limits, Send, can_fork, in_a_child
from symbackprop.guest.visit import described
from symbackprop.loading import (
    example_for,
    file_and_name,
    load_code,
    load_definitions,
    load_function,
    load_module,
    load_network,
    load_value,
    passes_in,
)
from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding.arguments import bind_call, first_call
from symbackprop.verify.binding.binding import Vocabulary, numeric, run
from symbackprop.verify.binding.foreign import adapted
from symbackprop.verify.binding.name_matching import INPUTS, TARGETS, is_target
from symbackprop.verify.binding.results import bind_results, read
from symbackprop.verify.check import check_gradient, check_passes
from symbackprop.verify.passes.candidates import PassCandidate, chosen, compared, compared_with, runs_alone
from symbackprop.verify.passes.comparison import Comparison, agrees
from symbackprop.verify.passes.inventing.invented import is_trained
from symbackprop.verify.passes.passes import required
from symbackprop.verify.passes.samples import PairSample, sample_of_pair
from symbackprop.verify.records import Status, Verdict
from symbackprop.verify.reference.derivation_reference import DerivationReference
from symbackprop.verify.reference.loss_reference import loss_reference
from symbackprop.verify.report.report import Report

Numbers = Mapping[str, Any]
MOST_SAID = 12
"""Values of an example that are listed."""
MANY, FEW = 32, 6
"""Points at which a report is confirmed: of at most 200 numbers, and larger ones."""
SEED = 271828


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be checked, by the names of files: a network or a loss, and the code; no code where one file has both passes.

    `solution` is right code of the same exercise: gradients beside `loss`, which say at what values both run; without one, a file
    with both passes, which is the reference then.
    """

    hand: str
    network: str | None = None
    loss: str | None = None
    example: str | None = None
    wrt: tuple[str, ...] = ()
    mapping: Mapping[str, Any] | None = None
    complete: bool = True
    seconds: float = 60.0
    megabytes: int = 4096
    log: str | None = None
    shapes: str | None = None
    solution: str | None = None

    @property
    def limits(self) -> Limits:
        """Of each child process."""
        return Limits(self.seconds, self.megabytes, self.log)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the reference says before the code is loaded: its names, and values and gradients at points.

    `arguments`: what the passes of a solution were made with, as far as that is plain data.
    """

    vocabulary: Vocabulary
    structures: Mapping[str, Any]
    asked: tuple[str, ...]
    points: tuple[tuple[Numbers, Numbers], ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """The report, why it is no success ("" when it is one), and the gradients that are missing."""

    report: Report
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a verdict for every parameter, and all hold."""
        return self.report.ok and not self.missing


def check_isolated(request: Request) -> Judged:
    """Check code in a child process.

    Raises UserError when the input is bad, `CodeEnded` when the code left no verdict.
    """
    if not can_fork():
        return _here(request)
    answer = in_a_child(lambda send: _check(request, send), request.limits, 2)
    expected = _opened(answer, 0, Expected)
    report = _opened(answer, 1, Report)
    if report.ok:
        plain = in_a_child(lambda send: _plain_runs(request, expected, send), request.limits, 1)
        report = _confirmed(report, expected, plain)
    return Judged(report, _missing(request, expected, report))


def asked_of(request: Request) -> tuple[str, ...]:
    """Return the names whose gradients are asked for, from the reference alone, which is loaded in a child process.

    Raises UserError when the reference is bad.
    """
    answer = in_a_child(lambda send: _with_errors(send, lambda: _say_expected(request, send)), request.limits, 1)
    return _wanted(request, _opened(answer, 0, Expected))


def _here(request: Request) -> Judged:
    """Check in this very process, where there is no other way."""
    found = _own_code(request)
    if found is not None:
        return Judged(check_passes(found), found.missing)
    reference, example, wrt = _sources(request)
    hand = _hand(request)
    report = check_gradient(reference, hand, example=example, wrt=wrt, mapping=request.mapping)
    return Judged(report, report.missing if request.complete else ())


# ---- in the children -----------------------------------------------------------------------------------------------


def _check(request: Request, send: Send) -> None:
    """The check child: first what the reference says, then the report on the code."""

    def check() -> None:
        found = _own_code(request)
        if found is not None:
            send(pickle.dumps(_expected(replace(request, wrt=found.wrt), found.loss, found.example, list(found.wrt))))
            send(pickle.dumps(check_passes(found)))
            return
        reference, example, wrt = _say_expected(request, send)
        passes = _handed_in(request, _solution(request))
        if passes is not None:
            send(pickle.dumps(check_passes(passes, wrt=wrt)))
            return
        hand = _hand(request)
        report = check_gradient(reference, hand, example=example, wrt=wrt, mapping=_results(request))
        send(pickle.dumps(report))

    _with_errors(send, check)


def _own_code(request: Request) -> Comparison | None:
    """Return the forward and backward pass of a plain Python file, `FILE` or `FILE:name`; None for a network and for a pair.

    A loss and its gradient that do not agree at values of our own are tried as passes: these know what such losses are taken of.
    """
    return _pair_as_passes(request) if request.hand else _passes_in(request.network or "", request.shapes)


def _pair_as_passes(request: Request) -> Comparison | None:
    """Return a loss and its gradient as passes where they are right as such, and not at values that are invented for a pair.

    A loss of a prediction and its target is taken so also where it is not right: it is no loss of weights.
    """
    sample = _sample(request) if request.loss is not None and not request.wrt else None
    if sample is None or sample.called or sample.whole:
        return None
    loss = load_function(str(request.loss), "loss", load_code)
    hand = load_function(request.hand, "gradients", _loader(str(request.loss), request.hand))
    try:
        found = compared(PassCandidate(loss.__name__, None, ((loss, hand),)), {})
    except UserError:
        return None
    taken = required(loss)
    of_prediction = len(taken) == 2 and any(map(is_target, taken)) and not any(map(is_trained, taken))
    return found if of_prediction or (agrees(found) and not found.missing and not found.undecided) else None


def _passes_in(place: str, shapes: str | None) -> Comparison | None:
    """Return both passes of a Python file; None for what is none."""
    return passes_in(place, shapes) if file_and_name(place)[0].suffix == ".py" else None


@lru_cache(maxsize=1)
def _solved(place: str, shapes: str | None) -> Comparison | None:
    return _passes_in(place, shapes)


def _solution(request: Request) -> Comparison | None:
    """Return both passes of a solution that states no loss; None where there is none."""
    return _solved(request.solution, request.shapes) if request.solution is not None and request.loss is None else None


def _handed_in(request: Request, solution: Comparison | None) -> Comparison | None:
    """Return the passes of code that is compared with those of a solution; None for a function that runs by itself."""
    if solution is None:
        return None
    file, name = file_and_name(request.hand)
    module = load_definitions(file)
    if runs_alone(getattr(module, name, None), solution):
        return None
    return compared_with(chosen(module, str(file), name), solution)


def _say_expected(request: Request, send: Send) -> tuple[Any, Any, list[str] | None]:
    sources = _sources(request)
    send(pickle.dumps(_expected(request, *sources)))
    return sources


def _with_errors(send: Send, task: Callable[[], object]) -> None:
    """Do a task of the check child; what it raises is sent in the place of what it would send."""
    warnings.simplefilter("ignore")  # what is not finite has its verdict; numpy need not say it as well
    try:
        task()
    except (SymbackpropError, GuestError) as error:
        send(pickle.dumps((_kind(error), str(error), getattr(error, "choices", ()))))
        send(b"")
    except BaseException as error:
        send(pickle.dumps(("internal", described(error), ())))
        send(b"")


def _kind(error: Exception) -> str:
    return "internal" if isinstance(error, InternalError) else "unsupported" if isinstance(error, NotSupportedError) else "input"


def _sources(request: Request) -> tuple[Any, Any, list[str] | None]:
    """Return the derivation or the loss function, the example of a loss, and what is asked for."""
    wrt = list(request.wrt) or None
    solution = _solution(request)
    if solution is not None:
        return solution.loss, dict(solution.example), wrt or list(solution.wrt)
    if request.network is not None:
        loaded = load_network(request.network, request.loss)
        return derive(loaded.network, loaded.loss, wrt=wrt), None, None
    loss = str(request.loss)
    function = load_function(loss, "loss", load_code)
    if request.shapes is not None:
        return function, example_for(loss, function, load_code(_file(loss)), request.shapes), wrt
    sample = _sample(request)
    if sample is not None:
        return function, dict(sample.values), wrt or _taken(_file(loss), function, sample)
    place = request.example or f"{_file(loss)}:example"
    example = load_value(place)
    if not isinstance(example, dict):
        raise UserError(f"{place}: expected a dictionary of values by name, got {type(example).__name__}")
    return function, example, wrt


def _hand(request: Request) -> Callable[..., Any]:
    return load_function(request.hand, "gradients", _loader(str(request.loss), request.hand))


def _loader(loss: str, hand: str) -> Callable[[Path], Any]:
    """Return how a gradient is loaded: one beside its loss as that is, of a file that fails half-way its definitions."""
    return load_code if _file(loss) == _file(hand) else load_module


def _file(place: str) -> Path:
    return Path(place.rpartition(":")[0] or place)


def _sample(request: Request) -> PairSample | None:
    """Return values of our own for a loss and its gradient code, where none are given and no file says any."""
    given = request.network or request.example or request.shapes
    hand = request.solution or request.hand
    if given or not hand or hasattr(load_code(_file(str(request.loss))), "example"):
        return None
    return _sampled(str(request.loss), hand)


def _taken(file: Path, loss: Callable[..., Any], sample: PairSample) -> list[str] | None:
    """Say what is taken for an example, and return what is asked for in the values of a call."""
    what = "what it calls both with" if sample.called else "random numbers"
    sys.stderr.write(f"{file}: no `example` in the file; taken: {what}, {_shapes_said(sample.values)}\n")
    return _trained_in(loss, sample.values) if sample.called else None


def _trained_in(loss: Callable[..., Any], values: Mapping[str, Any]) -> list[str] | None:
    """Return what is called like a weight or a bias among the values of a call, and what is kept together with such."""
    source = loss_reference(loss, dict(values), None)
    together = _kept_together(source.structures)
    known = source.vocabulary.parameters
    return [name for name in known if name in together or is_trained(name.rpartition(".")[2])] or None


def _kept_together(structures: Mapping[str, Any]) -> set[str]:
    """Return the names of all that stands in a dictionary or a list in which something is called like a weight."""
    kept: set[str] = set()
    for structure in structures.values():
        paths = dict(walk(structure)) if isinstance(structure, dict | list | tuple) else {}
        if any(is_trained(path.rpartition(".")[2]) for path in paths):
            kept |= {*paths.values()}
    return kept


def _shapes_said(values: Mapping[str, Any]) -> str:
    """Return `X (4, 3), params.W1 (3, 2)`, of many numbers the first."""
    said = [f"{path} {np.shape(leaf)}" for path, leaf in walk(dict(values)) if not isinstance(leaf, str)]
    return ", ".join(said[:MOST_SAID]) + (f", … ({len(said)} in all)" if len(said) > MOST_SAID else "")


@lru_cache(maxsize=1)
def _sampled(loss: str, hand: str) -> PairSample | None:
    return sample_of_pair(load_function(loss, "loss", load_code), load_function(hand, "gradients", _loader(loss, hand)))


def _results(request: Request) -> Mapping[str, Any]:
    """Return which result is the gradient of what: as the user says, else as it was found with the values."""
    sample = None if request.mapping or request.solution else _sample(request)
    return sample.results if sample is not None else request.mapping or {}


def _expected(request: Request, reference: Any, example: Any, wrt: Sequence[str] | None) -> Expected:
    """Work out the derived gradients around the example: parameters and inputs move, targets stay what they are."""
    by_loss = callable(reference)
    source: Any = loss_reference(reference, example, wrt) if by_loss else DerivationReference(reference, {})
    vocabulary: Vocabulary = source.vocabulary
    start = source.points(SEED)[0].values
    rng = np.random.default_rng(SEED)
    count = MANY if sum(map(np.size, start.values())) <= 200 else FEW
    kept = {*source.fixed, *source.domains}
    further = (source.respecting(_around(start, vocabulary, kept, rng)) for _ in range(1, count))
    points = tuple(filter(None, (_derived(source, values) for values in (start, *further))))
    found = _solution(request)
    structures = {**getattr(source, "structures", {}), **_results(request)}
    arguments = {name: value for name, value in found.arguments.items() if _is_plain(value)} if found is not None else {}
    return Expected(vocabulary, structures, _asked(request, found, vocabulary), points, arguments)


def _asked(request: Request, solution: Comparison | None, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return what is asked for: as the user says, else what a solution or the sample has; without either, every parameter."""
    if request.wrt or solution is not None:
        return request.wrt or (solution.wrt if solution is not None else ())
    sample = _sample(request)
    if sample is not None:
        return sample.asked or (tuple(vocabulary.parameters) if sample.called else ())
    return () if request.network is None else vocabulary.parameters


def _is_plain(value: Any) -> bool:
    """Whether a value is numbers, words and arrays of numbers, and lists and dictionaries of them."""
    if isinstance(value, dict):
        return all(map(_is_plain, (*value, *value.values())))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str) or numeric(value)


def _around(start: Numbers, vocabulary: Vocabulary, fixed: Collection[str], rng: np.random.Generator) -> dict[str, Any]:
    moving = {*vocabulary.parameters, *vocabulary.inputs} - set(fixed)
    return {n: _moved(value, rng, n in vocabulary.parameters) if n in moving else value for n, value in start.items()}


def _derived(source: Any, values: dict[str, Any]) -> tuple[Numbers, Numbers] | None:
    """Return the values of all nodes and the gradients at a point; None at a kink, and where a gradient is not finite."""
    evaluated = source.numbers(values)
    finite = all(np.all(np.isfinite(array)) for array in evaluated.adjoints.values())
    return ({**evaluated.nodes, **values}, dict(evaluated.adjoints)) if finite and not source.kinks(values) else None


def _moved(value: Any, rng: np.random.Generator, from_zero: bool) -> Any:
    """Return a number, or an array, near another: signs stay, so that it remains in the domain of a logarithm or a root."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return value
    moved = array * np.exp(0.3 * rng.normal(size=array.shape))
    moved = np.where(array == 0, 0.1 * rng.normal(size=array.shape), moved) if from_zero else moved
    return moved.astype(array.dtype) if np.ndim(value) else float(moved)


def _without_reference(request: Request, expected: Expected) -> Comparison | None:
    """Return a solution's names, values and arguments, and nothing that works its gradients out; None where there is none."""
    if request.solution is None or request.loss is not None:
        return None

    def nothing(**values: Any) -> Any:
        raise InternalError("the plain child has no reference")

    return Comparison(nothing, nothing, expected.points[0][0], expected.asked, ("", "", ""), arguments=expected.arguments)


def _plain_runs(request: Request, expected: Expected, send: Send) -> None:
    """The plain child: the code's own numbers at the points."""
    rows: list[Numbers | str] = []
    try:
        own = _own_code(request) or _handed_in(request, _without_reference(request, expected))
        hand = adapted(own.hand if own is not None else _hand(request))
        mapping = {**expected.structures, **(request.mapping or {})}
        values = expected.points[0][0]
        call, outcome = first_call(bind_call(hand, expected.vocabulary, mapping, values), values, at_home=True)
        results, _ = bind_results(call, outcome, expected.vocabulary, mapping, values)
        for number, (values, _) in enumerate(expected.points):
            try:
                seed = number if request.network and own is None else 0
                numbers = read(call, results, run(call, values, seed=seed, apart=True), values)
                rows.append({name: np.asarray(value, dtype=float) for name, value in numbers.items()})
            except Exception as error:
                rows.append(described(error))
    except BaseException as error:
        rows.append(described(error))
    send(pickle.dumps(rows))


# ---- in this process -----------------------------------------------------------------------------------------------

_SAFE = {
    "symbackprop.verify.records": None,
    "symbackprop.verify.report.report": {"Report"},
    "symbackprop.verify.binding.binding": {"Vocabulary"},
    "symbackprop.isolation": {"Expected"},
    "symbackprop.network.wording": {"LocalizedText"},
    "numpy": {"ndarray", "dtype"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.core.numeric": {"_frombuffer"},
    "builtins": {"frozenset", "set", "complex", "slice"},
}
"""What a message may be made of (None: every record of the module)."""


class _Records(pickle.Unpickler):
    """Reads records, arrays and plain values; a message cannot name anything else, so it cannot run anything here."""

    def find_class(self, module: str, name: str, /) -> Any:
        allowed = _SAFE.get(module, set())
        if "." in name or (allowed is not None and name not in allowed):
            raise pickle.UnpicklingError(f"{module}.{name} is no record")
        found = super().find_class(module, name)
        if allowed is None and not (isinstance(found, type) and found.__module__ == module):
            raise pickle.UnpicklingError(f"{module}.{name} is no record")
        return found


Kind = TypeVar("Kind", Expected, Report)


def _opened(answer: Answer, number: int, kind: type[Kind]) -> Kind:
    """Return a message of the check child.

    Raises what the child met (`UserError` for bad input), `CodeEnded` when there is no such message, or one that is no record.
    """
    if len(answer.messages) <= number:
        raise CodeEnded(f"the code {answer.ended}: no verdict" if number else f"the reference {answer.ended}: no verdict")
    try:
        found = _Records(io.BytesIO(answer.messages[number])).load()
    except Exception:  # whatever a forged message does to the reader
        found = None
    if isinstance(found, kind):
        return found
    if isinstance(found, tuple) and len(found) == 3 and found[0] in _ERRORS:
        raise SeveralError(str(found[1]), map(str, found[2])) if found[2] else _ERRORS[found[0]](str(found[1]))
    raise CodeEnded("the code sent something that is no report: no verdict")


_ERRORS: dict[str, type[SymbackpropError]] = {"input": UserError, "unsupported": NotSupportedError, "internal": InternalError}
_CLAIMS = (Status.PROVED, Status.AGREES)


def _confirmed(report: Report, expected: Expected, plain: Answer) -> Report:
    """Return the report with what the code's own numbers contradict."""
    rows = _rows(plain)
    pairs = [(row, adjoints) for row, (_, adjoints) in zip(rows, expected.points, strict=False) if isinstance(row, dict)]
    trouble = next((row for row in rows if isinstance(row, str)), "it gives no numbers")
    verdicts = {}
    for name, verdict in report.verdicts.items():
        seen = [(row[name], adjoints[name]) for row, adjoints in pairs if name in row and name in adjoints]
        verdicts[name] = verdict if verdict.status not in _CLAIMS else _against(verdict, seen, trouble)
    return replace(report, verdicts=verdicts)


def _rows(plain: Answer) -> list[Any]:
    """Return what the plain child says: numbers by name at each point, or what went wrong there."""
    try:
        rows = _Records(io.BytesIO(plain.messages[0])).load()
    except Exception:  # no message, or none that can be read
        rows = None
    return rows if isinstance(rows, list) else [f"it {plain.ended or 'sends no numbers'}"]


def _against(verdict: Verdict, seen: Sequence[tuple[Any, Any]], trouble: str) -> Verdict:
    """Return a verdict as it is, or what contradicts it: `seen` are the code's numbers and the derived ones."""
    if not seen:
        return replace(verdict, status=Status.ERROR, note=f"run by itself, without the check, the code gives nothing: {trouble}")
    relative = 1e-6 if verdict.status is Status.PROVED else 10.0 ** -min(max(verdict.digits - 2, 2), 6)
    for hand, derived in seen:
        difference = _difference(hand, derived, relative)
        if difference:
            return Verdict(verdict.name, Status.DIFFERS, note=f"run by itself, without the check, the code gives {difference}")
    return verdict


def _difference(hand: Any, derived: Any, relative: float) -> str:
    """Return the first element that differs by more than rounding, in words, or nothing."""
    hand, derived = np.asarray(hand, dtype=float), np.asarray(derived, dtype=float)
    if hand.shape != derived.shape:
        return f"shape {hand.shape}, not {derived.shape}"
    scale = float(np.max(np.abs(derived), initial=0.0)) + 1e-6  # a gradient of exactly 0 comes out as rounding: 1e-15
    wrong = np.flatnonzero(~(np.abs(hand - derived) <= relative * scale).reshape(-1))
    if not len(wrong):
        return ""
    place = int(wrong[0])
    return f"{hand.reshape(-1)[place]:.8g} where {derived.reshape(-1)[place]:.8g} is derived"


def _missing(request: Request, expected: Expected, report: Report) -> tuple[str, ...]:
    """Return what is asked for and has no verdict."""
    if not request.complete:
        return ()
    own = () if request.hand else report.missing  # a file that holds both passes: what has an effect and no gradient
    return tuple(dict.fromkeys([*own, *(name for name in _wanted(request, expected) if name not in report.verdicts)]))


def _wanted(request: Request, expected: Expected) -> tuple[str, ...]:
    """Return what is asked for; against a loss, without `wrt`, weights that are kept together, else all that is no data by its
    name."""
    together = _kept_together(expected.structures)
    known = [name for name in expected.vocabulary.parameters if not together or name in together]
    likely = (name for name in known if name.lower() not in INPUTS | TARGETS and "mask" not in name.lower())
    return tuple(request.wrt) or expected.asked or tuple(likely)
