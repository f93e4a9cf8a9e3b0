"""Which line of handwritten code is the first that departs: its variables against the quantities their names promise.

A variable called `dW`, `grad_A`, `dL_dw1` must hold an adjoint, `d_A_d_B` a derivative of one node by another, `out_h1` the
node itself.
A value that is right under a wrong name is reported as that, whether the gradients are right or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symbackprop.trace.run.recorder import Local, TracedValues
from symbackprop.verify.binding.binding import HandCall
from symbackprop.verify.binding.source_tree import function_text, line_text
from symbackprop.verify.equal.equality import decide_all
from symbackprop.verify.explain.evaluation import same
from symbackprop.verify.explain.quantities import Promise, Quantities
from symbackprop.verify.explain.suspicion import DEPARTING, Line, lines_of_results, share, suspicion, with_departures
from symbackprop.verify.records import Location, Wording
from symbackprop.verify.reference.protocol import Reference
from symbackprop.verify.reference.samples import Sample, conclusive

SAID: Mapping[str, Wording] = {
    "promise": Wording("{promise}", "{promise}"),
    "misnamed": Wording("holds {other}: a right value under a wrong name", "存的是 {other}：值正确，名称不对"),
    "only": Wording("what is wrong depends on this line, what is right does not", "错误的结果都依赖此行，正确的结果都不依赖"),
    "all": Wording("everything that is wrong depends on this line", "所有错误的结果都依赖此行"),
    "some": Wording("part of what is wrong depends on this line", "部分错误的结果依赖此行"),
    "exchanged": Wording("the variables are right; they are returned in the wrong places", "变量都正确；返回的位置不对"),
    "returned": Wording("the results are put together here", "结果在此处汇总"),
    "part": Wording("a change of this line is part of what makes everything right", "此行的改动是改正的一部分"),
    "mended": Wording("a change of this line makes everything right", "改动此行后全部正确"),
}
"""What is said of a line."""

Key = tuple[str, str, int]
"""Function, variable, line."""


@dataclass(frozen=True, slots=True)
class Located:
    """What the variables show: the first wrong line, all that depart, values under wrong names, variables found right.

    `suspects` are lines with how much they are suspected; `shared` the lines of the reference itself, which are right.
    """

    first: Location | None = None
    misnamed: tuple[Location, ...] = ()
    right: tuple[tuple[str, int, str], ...] = ()
    suspects: Mapping[Line, float] = field(default_factory=dict)
    shared: frozenset[Line] = frozenset()
    departing: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedVariable:
    """A variable that is named after something: what it is at the first sample, what it promises, whether it holds that."""

    local: Local
    promise: Promise
    right: bool
    other: str | None
    copied: bool

    @property
    def line(self) -> Line:
        """The line that gave it its last value."""
        return self.local.place.filename, self.local.place.line


def locate(source: Reference, call: HandCall, samples: Sequence[Sample], wrong: Sequence[str]) -> Located:
    """Compare the variables of the traced code with the quantities they are named after."""
    traced = [sample for sample in samples if sample.run is not None]
    usable = conclusive(source, traced) or traced
    if not usable:
        return Located()
    judged = list(_judged(source, usable))
    right = tuple((*at.line, at.promise.head) for at in judged if at.right)
    found = Located(None, _misnamed(source, judged), right)
    return _accused(source, call, usable, wrong, judged, found) if wrong else found


def _accused(
    source: Reference,
    call: HandCall,
    samples: Sequence[Sample],
    wrong: Sequence[str],
    judged: Sequence[JudgedVariable],
    found: Located,
) -> Located:
    """Add the first wrong line and the suspects: lines that what is wrong comes through, that are neither verified nor shared."""
    shared = source.lines()
    named = {(at.filename, at.line) for at in found.misnamed}
    departing = [at for at in judged if not at.right and not _is_misnamed(source, at) and at.line not in shared]
    doubt = with_departures(samples[0], wrong, suspicion(samples[0], wrong))
    doubt.update(
        (at.line, 1.0 + DEPARTING) for at in departing if at.copied
    )  # a copy, or a constant, has no nodes of its own in the results
    verified = {*named, *_stages(samples[0], judged)} - {at.line for at in departing}
    suspects = {line: degree for line, degree in doubt.items() if line not in verified | shared}
    first = _first(samples[0], departing, suspects, wrong, judged) or _at_return(source, call, samples, wrong, found.right)
    places = tuple(_departing(at, judged) for at in departing)
    return replace(found, first=first, suspects=suspects, shared=shared, departing=places)


def _misnamed(source: Reference, judged: Sequence[JudgedVariable]) -> tuple[Location, ...]:
    """Return the variables that hold another derivative than their name says; each name once."""
    found: dict[str, Location] = {}
    for at in judged:
        if _is_misnamed(source, at):
            place = (*at.line, line_text(*at.line))
            found.setdefault(
                _last(at.local.name), Location(*place, SAID["misnamed"], {"other": str(at.other)}, _last(at.local.name))
            )
    return tuple(found.values())


def _is_misnamed(source: Reference, at: JudgedVariable) -> bool:
    return at.other is not None and at.promise.key[0] != source.vocabulary.loss


def _stages(sample: Sample, judged: Sequence[JudgedVariable]) -> Iterator[Line]:
    """Yield the lines on which a variable that comes out right is begun and filled."""
    right = {(at.local.function, at.local.name) for at in judged if at.right}
    for local in _locals(sample).values():
        if (local.function, local.name) in right:
            yield local.place.filename, local.place.line


def _judged(source: Reference, samples: Sequence[Sample]) -> Iterator[JudgedVariable]:
    """Yield the last value of every variable that is named after something, in the order of the code."""
    known = [(Quantities(source, sample), _locals(sample)) for sample in samples]
    quantities, first = known[0]
    final = {(local.function, local.name): key for key, local in first.items()}
    promised = {key: _sides(key, known) for key in first}
    agreeing = _agreeing(promised)
    earlier: set[TracedValues] = set()
    for key, local in first.items():
        before, earlier = earlier, {*earlier, local.value}
        if key == final[local.function, local.name] and promised[key]:
            at, own, promise = promised[key][0]
            right = key in agreeing
            other = None if right else at.value_of(own.value, promise.key)
            copied = at.is_constant(own.value) or (at is quantities and own.value in before)
            yield JudgedVariable(local, promise, right, other, copied)


Sides = list[tuple[Quantities, Local, Promise]]


def _sides(key: Key, known: Sequence[tuple[Quantities, Mapping[Key, Local]]]) -> Sides:
    """Return, at each point, a variable and what its name promises, where both have one shape."""
    sides = [(at, found[key], at.promised(_last(key[1]))) for at, found in known if key in found]
    return [(at, own, promise) for at, own, promise in sides if promise and promise.value.shape == own.value.shape]


def _agreeing(promised: Mapping[Key, Sides]) -> set[Key]:
    """Return the variables that are what their names promise: in numbers at every point, and exactly at the first."""
    by_point: dict[int, list[Key]] = {}
    for key, sides in promised.items():
        if sides and all(at.close(own.value, said.value) for at, own, said in sides):
            by_point.setdefault(id(sides[0][0]), []).append(key)
    return {key for keys in by_point.values() for key in _exactly([(key, promised[key][0]) for key in keys])}


def _exactly(sides: Sequence[tuple[Key, tuple[Quantities, Local, Promise]]]) -> Iterator[Key]:
    """Yield the variables that are exactly what they promise, at one point; they are decided about together."""
    at = sides[0][1][0]
    pairs = {key: at.pairs(own.value, said.value) for key, (_, own, said) in sides}
    decisions = iter(decide_all(at.graph, [pair for listed in pairs.values() for pair in listed]))
    for key, listed in pairs.items():
        accepted = [next(decisions).accepted for _ in listed]
        if all(accepted):
            yield key


def _first(
    sample: Sample,
    departing: Sequence[JudgedVariable],
    suspects: Mapping[Line, float],
    wrong: Sequence[str],
    judged: Sequence[JudgedVariable],
) -> Location | None:
    """Return the most suspected line: the first variable that departs there, else the line itself when it stands out."""
    most = max(suspects.values(), default=0.0)
    telling = [at for at in departing if not suspects or suspects.get(at.line, -1.0) >= most - 1e-9]
    on_the_way = [at for at in departing if suspects.get(at.line, 0.0) > 0]  # others lead to nothing that is wrong
    if telling or (on_the_way and most < 1.0 - 1e-9):
        return _departing((telling or on_the_way)[0], judged)
    line = _standing_out(suspects, most, [at.line for at in on_the_way], bool(departing))
    return None if line is None else Location(*line, line_text(*line), SAID[_passing(sample, line, wrong)])


def _standing_out(suspects: Mapping[Line, float], most: float, near: Sequence[Line], departs: bool) -> Line | None:
    """Return the most suspected line; of several the nearest to where a variable departs, else the first of several mistakes."""
    likely = sorted(line for line, degree in suspects.items() if degree >= most - 1e-9)
    if not likely or (most <= 1e-9 and not departs):
        return None
    if near:
        return min(likely, key=lambda line: abs(line[1] - near[0][1]))
    return likely[-1] if abs(most - 1.0) <= 1e-9 else likely[0]


def _departing(at: JudgedVariable, judged: Sequence[JudgedVariable]) -> Location:
    """Return the line of a variable that is not what its name promises."""
    held = {other.promise.key[1] for other in judged if other.promise.head.startswith("∂")}
    return Location(*at.line, line_text(*at.line), SAID["promise"], {"promise": at.promise.text(held)}, at.local.name)


def _passing(sample: Sample, line: Line, wrong: Sequence[str]) -> str:
    """Return which results come through a line, as a key of `SAID`; right ones come through what puts all together, too."""
    through = lines_of_results(sample)
    whole = share(line, (found for name, found in through.items() if name in wrong)) >= 1.0 - 1e-9
    others = [found for name, found in through.items() if name not in wrong]
    if whole and not share(line, others):
        return "only" if others else "all"
    if line_text(*line).strip().startswith("return "):
        return "returned"
    return "all" if whole else "some"


def _at_return(
    source: Reference, call: HandCall, samples: Sequence[Sample], wrong: Sequence[str], right: Sequence[tuple[str, int, str]]
) -> Location | None:
    """Return the place where the results are put together, for gradients that no line before it gets wrong."""
    heads = {text for _, _, text in right}
    computed = all(f"∂{source.vocabulary.loss}/∂{name}" in heads for name in wrong)
    lines = code_lines(call.function)
    returns = [(filename, line, text.strip()) for filename, line, text in lines if text.strip().startswith("return")]
    exchanged = computed and all(_is_another(name, samples) for name in wrong)
    return Location(*returns[-1], SAID["exchanged" if exchanged else "returned"]) if returns else None


def _is_another(name: str, samples: Sequence[Sample]) -> bool:
    """Whether what the code gives for a name is the gradient of another name, at every sample."""
    others = set(samples[0].derived) - {name}
    return any(all(o in s.derived and same(s.hand[name], s.derived[o]) for s in samples if name in s.hand) for o in others)


def _last(name: str) -> str:
    return name.rsplit(".", maxsplit=1)[-1]


def _locals(sample: Sample) -> dict[Key, Local]:
    """Return what each variable holds after its line was last run, in the order in which the lines were first run."""
    return {(at.function, at.name, at.place.line): at for at in (sample.run.locals if sample.run is not None else ())}


def code_lines(function: Any) -> tuple[tuple[str, int, str], ...]:
    """Return the file's lines of the checked function, with their numbers."""
    text = function_text(function)
    if text is None:
        return ()
    return tuple((text.filename, text.start + k, line.rstrip("\n")) for k, line in enumerate(text.lines))
