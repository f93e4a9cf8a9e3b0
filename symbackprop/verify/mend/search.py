"""The search for changes that make every gradient right: each candidate is tried on plain numbers, then proved.

Of several mistakes each has a change of its own: changes that make something right are put together, the best first. Nothing is
decided by the clock; what is counted is how many candidates are run, and how much work one run is.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, islice, pairwise
from typing import Any

import numpy as np

from symbackprop.guest.visit import CodeStops, NotTried, visit
from symbackprop.trace.run.recorder import Local
from symbackprop.verify.binding.binding import numeric, run, run_inside
from symbackprop.verify.explain.suspicion import lines_of_results, suspicion
from symbackprop.verify.mend.changes.costs import COST
from symbackprop.verify.mend.changes.edits import edits
from symbackprop.verify.mend.changes.sense import makes_sense, stores_for_nothing
from symbackprop.verify.mend.changes.splices import Edit, ParsedSource, compares
from symbackprop.verify.mend.changes.supply import form, sizes
from symbackprop.verify.mend.changes.terms import summands
from symbackprop.verify.mend.editable import Editable, Line, changed_call
from symbackprop.verify.mend.proof import Case, Runner, holds_beside, proved
from symbackprop.verify.records import Status
from symbackprop.verify.reference.samples import Sample

MOST_TRIED = 3000
"""Candidates tried in numbers, the likely ones first."""
MOST_WORK = 6_000_000
"""Work of all candidates that are run: instructions of Python, or nodes of the code's trace where those are fewer."""
MOST_REFUTED = 8
"""Candidates that are right in numbers but not proved, after which the search ends."""
MOST_CHANGES = 3
"""Mistakes that are mended together."""
MOST_SUSPECTED = 6
"""Lines on which a product of variables is looked for that is missing."""
MOST_PARTIAL = 60
"""Changes kept that make some gradients right, not all."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A changed text of one function, the edit that made it, and the text before."""

    place: Editable
    text: str
    edit: Edit
    before: str

    @property
    def line(self) -> int:
        """The line of the file."""
        return self.place.line + self.edit.line - 1


@dataclass(frozen=True, slots=True)
class Mended:
    """The changes with which everything is right, and what was established."""

    steps: tuple[Candidate, ...]
    status: Status


Right = frozenset[tuple[int, str]]


def ranked(
    places: Sequence[Editable], texts: Mapping[Editable, str], suspects: Mapping[Line, float], kept: Iterable[Line]
) -> list[Candidate]:
    """Return the edits of all functions, the likely ones on suspected lines first; lines to be `kept` are left alone."""
    offered: list[tuple[float, Candidate]] = []
    fixed = set(kept)
    for depth, place in enumerate(places):
        text = texts.get(place, place.text)
        source = ParsedSource(text, place.held, place.beside)
        doubts, unlikely = suspicion_of_headers(source, place, suspects), kinds_of_lines(source)
        plainly = Plainly(source)
        forward = _is_the_references(place, fixed, suspects) and masks_of(source)
        held = fixed - _without_numbers(source, place, doubts)
        for edit in edits(source):
            line = (place.filename, place.line + edit.line - 1)
            if line not in held and (forward is False or edit.line in forward):
                doubt = doubts.get(line, -0.5 if suspects else 0.0)
                changed = edit.apply(text)
                spoken = plainly.speaks_for(edit, changed)
                returned = unlikely.get(edit.line, 0.0) if spoken < UNREAD else 0.0
                likely = edit.cost - doubt + 0.05 * depth + returned - spoken
                offered.append((likely, Candidate(place, changed, edit, text)))
    offered.sort(key=lambda pair: pair[0])
    return [candidate for _, candidate in offered]


def _without_numbers(source: ParsedSource, place: Editable, doubts: Mapping[Line, float]) -> set[Line]:
    """Return the suspected lines that make no number of their own: heads of loops, which may go the other way, and copies, after
    which something may be missing. What they hold is right, and no reason to leave them alone."""
    statements = (node for node in ast.walk(source.tree) if isinstance(node, ast.For | ast.Assign))
    lines = (node.lineno for node in statements if isinstance(node, ast.For) or _is_a_copy(node))
    return {line for line in ((place.filename, place.line + number - 1) for number in lines) if line in doubts}


def _is_a_copy(node: ast.AST) -> bool:
    """Whether a statement is `a = b.copy()`, or `a = np.copy(b)`."""
    called = node.value.func if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "copy"


def _is_the_references(place: Editable, kept: set[Line], suspects: Mapping[Line, float]) -> bool:
    """Whether a function is what the reference runs, and no wrong number comes out of any line of its own: a forward pass."""
    lines = {(place.filename, line) for line in place.lines}
    return bool(lines & kept) and not any(line in suspects for line in lines - kept)


def masks_of(source: ParsedSource) -> set[int]:
    """Return the lines that keep a comparison, which a trace does not follow."""
    return {
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and _is_untraced(node.value) and not isinstance(node.value, ast.Name)
    }


UNREAD, TWIN, WRITTEN = 0.45, 0.25, 0.35
"""How much likelier a change is that reads what nothing read before; that makes a line like another one of the function; that
puts an expression which stands elsewhere in it."""


class Plainly:
    """What the rest of a function says of a change: a variable that is never read was meant to be, twins are written alike."""

    def __init__(self, source: ParsedSource) -> None:
        self.source = source
        self.lines = source.text.splitlines()
        self.forms = Counter(map(form, self.lines))
        names = "|".join(map(re.escape, sorted(source.unread)))
        self.unread = re.compile(rf"(?<![\w.])(?:{names})(?!\w)") if names else None

    def speaks_for(self, edit: Edit, changed: str) -> float:
        """Return how much likelier a change is for what stands elsewhere."""
        old = self.source.text[edit.start : edit.end]
        reads = self.unread is not None and self.unread.search(edit.new) and not self.unread.search(old)
        before, after = form(self.lines[edit.line - 1]), form(changed.splitlines()[edit.line - 1])
        twin = after != before and self.forms[after] > 0
        written = any(_is_found(piece, self.source.text) for piece in (edit.new, edit.new.partition(old)[2].strip(" ()")))
        return UNREAD * bool(reads) + TWIN * twin + WRITTEN * written


def _is_found(piece: str, text: str) -> bool:
    """Whether a piece of a formula, an operator and a variable at least, stands in a text: `(x - mu)`, `* scale`."""
    return piece in text and re.search(r"[-+*/] *[A-Za-z_(]", piece) is not None


RETURNED, COPIED, PLAIN_COPY, SELECTED = 0.25, -0.3, 0.7, 0.05
"""How much less likely a mistake is in what is returned, where it would only be undone, and how much more in a plain copy; how
much less a selection is suspected than what reads it."""


def kinds_of_lines(source: ParsedSource) -> dict[int, float]:
    """Return line → how much less likely it is to hold the mistake than others."""
    found: dict[int, float] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple | ast.Name | ast.Attribute):
            found[node.lineno] = RETURNED
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            found[node.lineno] = COPIED
    return found


def _readers(source: ParsedSource, node: ast.Assign) -> set[int]:
    """Return the lines that read what an assignment sets."""
    targets = {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    names = (name for name in ast.walk(source.tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load))
    return {name.lineno for name in names if name.id in targets}


def _readers_behind(source: ParsedSource, node: ast.Assign) -> set[int]:
    """Return the lines that read what an assignment of positions sets, and those that read what these set of positions."""
    found, waiting = set[int](), [node]
    while waiting:
        new = _readers(source, waiting.pop()) - found
        found |= new
        waiting += [
            at
            for at in ast.walk(source.tree)
            if isinstance(at, ast.Assign) and at.lineno in new and _is_position(source, at.value)
        ]
    return found


def _is_position(source: ParsedSource, value: ast.expr) -> bool:
    """Whether a value is a position or a size, or several: `i * stride`, `i, j`."""
    return all(source.is_whole(part, source.whole) for part in (value.elts if isinstance(value, ast.Tuple) else [value]))


def _is_told_by_readers(source: ParsedSource, value: ast.expr) -> bool:
    """Whether a value selects, or is made of one variable, a size perhaps: no number of it tells, but those of who reads it."""
    moved = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in MOVED
    return moved or isinstance(value, ast.Subscript) or (isinstance(value, ast.BinOp) and len(source.variables(value)) == 1)


MOVED = ("reshape", "transpose", "swapaxes", "ravel", "flatten", "copy", "repeat")
"""Methods that put elements in other places, and make no number."""


def _is_untraced(value: ast.expr) -> bool:
    """Whether a value is a plain copy, or made by a comparison alone."""
    return isinstance(value, ast.Name) or compares(value)


def suspicion_of_headers(source: ParsedSource, place: Editable, suspects: Mapping[Line, float]) -> dict[Line, float]:
    """Return the suspicion of each line; the head of a loop is suspected as much as the lines inside it."""
    found = dict(suspects)
    for node in ast.walk(source.tree):
        for lines, doubt in _doubts(source, place, suspects, node):
            for line in lines:
                found.setdefault((place.filename, place.line + line - 1), doubt)
    return found


def _doubts(
    source: ParsedSource, place: Editable, suspects: Mapping[Line, float], node: ast.AST
) -> Iterator[tuple[Iterable[int], float]]:
    """Yield lines of a function, from its first, that make nothing which could be traced, with how much they are suspected."""
    if isinstance(node, ast.Return):  # every result comes through it
        yield range(node.lineno, (node.end_lineno or node.lineno) + 1), 0.0
    elif isinstance(node, ast.Assign):
        yield from _doubts_of_assigned(source, place, suspects, node)
    elif isinstance(node, ast.For | ast.If | ast.With):
        yield from _most(place, suspects, range(node.lineno, (node.end_lineno or node.lineno) + 1), (node.lineno,), 0.0)


def _doubts_of_assigned(
    source: ParsedSource, place: Editable, suspects: Mapping[Line, float], node: ast.Assign
) -> Iterator[tuple[Iterable[int], float]]:
    """Yield the line of an assignment with how much it is suspected: a mask, a position, a selection as much as what reads it."""
    if _is_position(source, node.value):
        yield from _most(place, suspects, _readers_behind(source, node), (node.lineno,), SELECTED)
    elif _is_untraced(node.value) or _is_told_by_readers(source, node.value):
        yield from _most(place, suspects, _readers(source, node), (node.lineno,), SELECTED)
    if _is_untraced(node.value):
        yield (node.lineno,), PLAIN_COPY


def _most(
    place: Editable, suspects: Mapping[Line, float], lines: Iterable[int], own: tuple[int, ...], less: float
) -> Iterator[tuple[Iterable[int], float]]:
    """Yield lines of their own with a little less than the most that some other lines are suspected, if any is."""
    found = [suspects[at] for line in lines if (at := (place.filename, place.line + line - 1)) in suspects]
    if found:
        yield own, max(found) - less


def searched(
    case: Case,
    places: Sequence[Editable],
    suspects: Mapping[Line, float],
    kept: Iterable[Line],
    rewritten: Sequence[Candidate] = (),
) -> Mended | None:
    """Return the likeliest changes, one to three, that make every gradient right; None when none was found."""
    search = Search(case)
    for count in range(MOST_CHANGES):
        listed = ranked(places, search.texts, search.suspected(suspects), kept)
        mended = search.scan(_with(listed, () if count else rewritten))
        if mended is not None:
            return mended
        if not search.advance(listed):
            break
    late = Search(case)
    return late.scan(_summands(case, places, suspects, kept))


def _summands(case: Case, places: Sequence[Editable], suspects: Mapping[Line, float], kept: Iterable[Line]) -> list[Candidate]:
    """Return products of variables that may be missing in a sum, on the lines that are most suspected."""
    fixed, found = set(kept), list[tuple[float, Candidate]]()
    likeliest = sorted(set(suspects) - fixed, key=lambda line: -suspects[line])[:MOST_SUSPECTED]
    for place in places:
        lines = {line - place.line + 1 for filename, line in likeliest if filename == place.filename}
        for edit in summands(ParsedSource(place.text, place.held, place.beside), _shapes(case, place), lines):
            line = (place.filename, place.line + edit.line - 1)
            if line not in fixed:
                found.append((edit.cost - suspects.get(line, 0.0), Candidate(place, edit.apply(place.text), edit, place.text)))
    return [candidate for _, candidate in sorted(found, key=lambda pair: pair[0])][: _most_tried(case, 1)]


def _shapes(case: Case, place: Editable) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a function's variables at the sample whose sizes tell most apart, by their dotted names."""
    traced = [pair for pair in zip(case.samples, case.values, strict=True) if pair[0].run is not None]
    if not traced:
        return {}
    sample, values = max(traced, key=lambda pair: _extents_told(pair[0]))
    found = _held_shapes(case.call.owner)
    # What a layer is given goes by the names of its own arguments.
    found |= {path: np.shape(values[name]) for path, name in case.call.paths.items() if name in values}
    return found | _shapes_held(place, sample.run.locals if sample.run is not None else ())


def _shapes_held(place: Editable, locals_: Iterable[Local]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the variables of a function and of those defined in it, and of what an object holds."""
    own = {node.name for node in ast.walk(ast.parse(place.text)) if isinstance(node, ast.FunctionDef)}
    return {at.name: at.value.shape for at in locals_ if at.function in own or at.name.startswith("self.")}


def _extents_told(sample: Sample) -> int:
    return len({size for value in sample.point.values.values() for size in np.shape(value)})


def _held_shapes(owner: Any) -> dict[str, tuple[int, ...]]:
    return {f"self.{name}": np.shape(value) for name, value in getattr(owner, "__dict__", {}).items() if numeric(value)}


def _with(listed: list[Candidate], rewritten: Sequence[Candidate]) -> list[Candidate]:
    """Put statements written anew before the edits that are as far-fetched."""
    late = next((k for k, c in enumerate(listed) if c.edit.cost >= COST["rewritten"] - 0.1), len(listed))
    return [*listed[:late], *rewritten, *listed[late:]]


class Search:
    """What was applied so far, and the changes found that bring it nearer, by what they make right."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.applied: tuple[Candidate, ...] = ()
        self.texts: dict[Editable, str] = {}
        self.reached = case.before
        self.partial: dict[Right, Candidate] = {}
        self.refuted = 0

    def suspected(self, suspects: Mapping[Line, float]) -> dict[Line, float]:
        """Return how much lines are suspected of what is still wrong; what is verified stays out."""
        if not self.applied:
            return dict(suspects)
        left = {name for _, name in self.case.all - self.reached}
        return {line: share for line, share in suspicion(self.case.samples[0], left).items() if line in suspects}

    def scan(self, listed: Sequence[Candidate]) -> Mended | None:
        """Try candidates one by one, in order; return the first that is proved, or the first few together if no single one is."""
        self.partial = {}
        several: Mended | None = None
        most = _most_tried(self.case, len(self.applied))
        waiting = [*listed[:most], *_beyond_the_most(listed[most:], most)]
        while waiting and self.refuted < MOST_REFUTED:
            count, right = self._next(waiting)
            candidate, waiting = waiting[count - 1], waiting[count:]
            if not right > self.reached or not self._makes_sense(candidate):
                continue
            if right == self.case.all:
                mended = self._judged([candidate])
                if mended is not None:
                    return mended
            elif several is None:
                several = self._together(right - self.reached, candidate)
                if several is not None:  # one change alone can only be right where everything that is wrong comes through
                    waiting = [c for c in waiting if (c.place.filename, c.line) in self._common or _returns(c)]
        return several

    def _makes_sense(self, candidate: Candidate) -> bool:
        """Whether a person could have meant a change; a mask is none where nothing is compared."""
        mask = " > 0)" in candidate.edit.new and " > 0)" not in candidate.before[candidate.edit.start : candidate.edit.end]
        return makes_sense(ParsedSource(candidate.before), candidate.edit) and (self.case.compares or not mask)

    def _next(self, waiting: Sequence[Candidate]) -> tuple[int, Right]:
        """Return how many candidates were tried until one brought it nearer, and what that one makes right."""
        try:
            found: tuple[int, Right] = visit(lambda: self._tried(waiting, run_inside), habits=self.case.call.habits).returned
        except (NotTried, CodeStops):  # one of them would do something outside: each in a visit of its own
            found = self._tried(waiting, run)
        return found

    def _tried(self, waiting: Sequence[Candidate], runner: Runner) -> tuple[int, Right]:
        for count, candidate in enumerate(waiting, 1):
            right = self._right([candidate], runner)
            if right > self.reached:
                return count, right
        return len(waiting), frozenset()

    @cached_property
    def _common(self) -> set[Line]:
        """The lines that all wrong results come through."""
        through = lines_of_results(self.case.samples[0])
        wrong = [lines for name, lines in through.items() if name in self.case.wrong]
        return set.intersection(*wrong) if wrong else set()

    def advance(self, listed: Sequence[Candidate]) -> bool:
        """Apply the change that makes most right, else one that has to come first; False when there is none."""
        if self.refuted >= MOST_REFUTED:
            return False
        if self.partial:
            gained, best = max(self.partial.items(), key=lambda pair: len(pair[0]))
            self.reached |= gained
        else:
            first = next((candidate for candidate in listed if candidate.edit.first), None)
            if first is None:
                return False
            best = first
        self.applied = (*self.applied, best)
        self.texts[best.place] = best.text
        return self._right([]) != self.case.all  # right, yet not proved: any further change would be one for nothing

    def _right(self, steps: Sequence[Candidate], runner: Runner = run) -> Right:
        changed = changed_call(self.case.call, {**self.texts, **merged(steps)})
        return self.case.right(changed, runner) if changed is not None else frozenset()

    def _judged(self, steps: Sequence[Candidate]) -> Mended | None:
        texts = {**self.texts, **merged(steps)}
        changed = changed_call(self.case.call, texts)
        idle = any(stores_for_nothing(texts[step.place], step.edit.line) for step in steps) or self._is_coincidence(steps)
        status = proved(self.case, changed) if changed is not None and not idle else None
        if status is None or not holds_beside(self.case, lambda call: changed_call(call, texts)):
            self.refuted += 1
            return None
        steps, likely = self._established(steps)
        status = Status.AGREES if likely or self._may_be_given(steps) else status
        if self._unvaried(steps):
            self.refuted += 1
            return None
        return Mended(tuple(sorted((*self.applied, *steps), key=lambda step: step.line)), status)

    def _established(self, steps: Sequence[Candidate]) -> tuple[Sequence[Candidate], bool]:
        """Return the changes with a size as its number where that holds as well: an extent that never took another value is no
        size; and with what the code is given for a number, such as a stride. Whether a size stays that is likely alone: other
        lines are divided by it as well."""
        for k, step in enumerate(steps):
            for other in (*_with_numbers(step, self._extents), *_with_names(step, self.case.unmoved)):
                others = [*steps[:k], other, *steps[k + 1 :]]
                changed = changed_call(self.case.call, {**self.texts, **merged(others)}) if self._makes_sense(other) else None
                if self._right(others) == self.case.all and changed is not None and proved(self.case, changed) is not None:
                    return (steps, True) if _is_written_alike(step) else (others, False)
        return steps, False

    def _is_coincidence(self, steps: Sequence[Candidate]) -> bool:
        """Whether a change multiplies or divides by a truth value, or by a whole number that is 1 wherever it was tried."""
        names = {name for step in steps for name in _brought_in(step)}
        given = [self._given(name) for name in names]
        return any(isinstance(value, bool) or (type(value) is int and value == 1) for value in given)

    def _given(self, name: str) -> Any:
        owner = self.case.call.owner
        return getattr(owner, name.removeprefix("self."), None) if name.startswith("self.") else self.case.values[0].get(name)

    def _unvaried(self, steps: Sequence[Candidate]) -> bool:
        """Whether a change brings in a number that is the extent of an axis, which had no other value."""
        points = [dict(values) for values in (*self.case.values, *(place.values for place in self.case.places))]
        fixed = {number for taken in _extents_at(points) if len(taken) == 1 for number in taken}
        return any(number in fixed and number not in _literals(step.before) for step in steps for number in _new_numbers(step))

    def _may_be_given(self, steps: Sequence[Candidate]) -> bool:
        """Whether a change brings in a number that may be one that is given, such as a stride, or that itself: only one value of
        it was tried."""
        owner = self.case.call.owner
        held = list(vars(owner).values()) if hasattr(owner, "__dict__") else []
        given = [value for value in (*self.case.values[0].values(), *held, *self.case.unmoved.values()) if type(value) is int]
        new = {name.rpartition(".")[2] for step in steps for name in _words(step.edit.new) - _words(_replaced(step))}
        return not new.isdisjoint(self.case.unmoved) or any(
            number in given or _is_in_an_index(step) for step in steps for number in _new_numbers(step)
        )

    @cached_property
    def _extents(self) -> tuple[int, ...]:
        """The sizes of what the code is given at the first point, and those of two axes together."""
        sizes = {size for value in self.case.values[0].values() for size in np.shape(value) if size > 1}
        return tuple(sorted(sizes | {a * b for a in sizes for b in sizes}))

    def _together(self, gained: Right, candidate: Candidate) -> Mended | None:
        """Keep a change that makes some gradients right; try it with others that make the rest right."""
        if gained in self.partial or len(self.partial) >= MOST_PARTIAL:
            return None
        missing = self.case.all - self.reached - gained
        others = [(more, other) for more, other in self.partial.items() if more & missing]
        self.partial[gained] = candidate
        for count in range(1, MOST_CHANGES - len(self.applied)):
            for chosen in combinations(others, count):
                steps = [candidate, *(other for _, other in chosen)]
                covered = missing <= frozenset().union(*(more for more, _ in chosen))
                if covered and _apart(steps) and self._right(steps) == self.case.all:
                    mended = self._judged(steps)
                    if mended is not None:
                        return mended
        return None


def _beyond_the_most(listed: Sequence[Candidate], most: int) -> Iterator[Candidate]:
    """Yield those that are tried although they are not among the likeliest: what others need first, and what is rare."""
    rare = islice((candidate for candidate in listed if candidate.edit.rare and not candidate.edit.first), most // 3)
    yield from (candidate for candidate in listed if candidate.edit.first)
    yield from rare


def _extents_at(points: Sequence[Mapping[str, Any]]) -> Iterator[set[int]]:
    """Yield the extents that each axis takes at some points."""
    for name, value in points[0].items():
        for axis in range(np.ndim(value)):
            yield {np.shape(at[name])[axis] for at in points if name in at and np.ndim(at[name]) > axis}


def _with_numbers(step: Candidate, numbers: Sequence[int]) -> Iterator[Candidate]:
    """Yield a change that brings the extent of an array in with each of some numbers in its place."""
    replaced, source = step.before[step.edit.start : step.edit.end], ParsedSource(step.before, step.place.held)
    for size in sizes(source):
        written = re.compile(rf"(?<![\w.\])]){re.escape(size)}(?![\w.\[(])")
        extent = size in source.measured or not source.is_whole_name(size)
        if extent and len(written.findall(step.edit.new)) > len(written.findall(replaced)):
            for number in numbers:
                *before, after = written.split(step.edit.new)
                edit = replace(step.edit, new=f"{size.join(before)}{number}{after}")
                yield replace(step, edit=edit, text=edit.apply(step.before))


def _with_names(step: Candidate, unmoved: Collection[str]) -> Iterator[Candidate]:
    """Yield a change that brings a number in with each whole number that the code is given in its place, a stride or a window,
    unless it never took another value."""
    source = ParsedSource(step.before, step.place.held)
    for number in _new_numbers(step):
        for name in source.whole:
            if name not in source.measured and name.rpartition(".")[2] not in unmoved:
                *before, after = re.split(rf"(?<![\w.]){number}(?![\w.])", step.edit.new)
                edit = replace(step.edit, new=f"{str(number).join(before)}{name}{after}")
                if not _AXIS.search(step.before[: step.edit.start] + str(number).join(before)):
                    yield replace(step, edit=edit, text=edit.apply(step.before))


#: What stands before the number of an axis, which is no setting.
_AXIS = re.compile(r"(swapaxes|transpose|moveaxis|rollaxis|expand_dims|squeeze)\([^()]*$|\bax[ei]s\s*=\s*[-\d(, ]*$")


def _is_written_alike(step: Candidate) -> bool:
    """Whether what a change multiplies or divides by is what another line does: `db / n` beside `dW / n`."""
    scale = step.edit.new.rpartition(step.before[step.edit.start : step.edit.end])[2].strip(" ()")
    is_a_scale = re.fullmatch(r"[*/] [A-Za-z_][\w.]*", scale) is not None
    return is_a_scale and re.search(rf"{re.escape(scale)}(?![\w.(])", step.before) is not None


def _is_in_an_index(step: Candidate) -> bool:
    """Whether a change stands between the brackets of an index."""
    line = step.before[: step.edit.start].rpartition("\n")[2]
    return line.count("[") > line.count("]")


def _brought_in(step: Candidate) -> set[str]:
    """Return the variables that a change brings in as factors or divisors."""
    return _names(step.edit.new) - _names(_replaced(step))


def _replaced(step: Candidate) -> str:
    return step.before[step.edit.start : step.edit.end]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_][\w.]*", text))


def _names(text: str) -> set[str]:
    return set(re.findall(r"(?<=[*/] )(?:self\.)?[A-Za-z_]\w*(?![\w.(\[])|(?:self\.)?[A-Za-z_]\w*(?= [*/] )", text))


WHOLE = re.compile(r"(?<![\w.])\d+(?![\w.])")


def _new_numbers(step: Candidate) -> list[int]:
    """Return the whole numbers beyond 1 that a change brings in."""
    new, old = (
        re.findall(r"(?<![\w.])\d+(?![\w.])", text) for text in (step.edit.new, step.before[step.edit.start : step.edit.end])
    )
    return sorted({int(number) for number in new if int(number) > 1 and new.count(number) > old.count(number)})


def _literals(text: str) -> set[int]:
    """Return the whole numbers that a function is written with, and their products."""
    found = set(map(int, WHOLE.findall(text)))
    return found | {a * b for a in found for b in found}


def _returns(candidate: Candidate) -> bool:
    """Whether a change is one of what is returned."""
    return candidate.before[: candidate.edit.end].rpartition("\n")[2].lstrip().startswith("return")


def _most_tried(case: Case, applied: int) -> int:
    """Return how many candidates are tried: fewer where one run is much work, and once a change is applied."""
    most = min(MOST_TRIED, max(MOST_WORK // case.work, 200))
    return most // 2 if applied else most


def _apart(steps: Sequence[Candidate]) -> bool:
    """Whether the changed pieces do not overlap."""
    spans = sorted((id(step.place), step.edit.start, step.edit.end) for step in steps)
    return all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(spans))


def merged(steps: Sequence[Candidate]) -> dict[Editable, str]:
    """Return the texts with all changes in them."""
    texts: dict[Editable, str] = {}
    for step in sorted(steps, key=lambda step: -step.edit.start):
        texts[step.place] = step.edit.apply(texts.get(step.place, step.before))
    return texts
