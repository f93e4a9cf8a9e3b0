"""What a backward pass is given: for each of its arguments where the value comes from, the likeliest plan first.

A source is a place of the forward pass's run (`return.1`, `self.Z`, `rest`: all that is no output), an argument of forward
(`given.x`), an upstream gradient (`upstream.0`: of the first output), the learning rate, or nothing, where it is `unread`.
"""

from __future__ import annotations

import ast
import heapq
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbackprop.trace.run.nested import walk
from symbackprop.verify.binding import name_matching as names
from symbackprop.verify.binding.results import leaf_at
from symbackprop.verify.binding.source_tree import definition
from symbackprop.verify.passes.outputs import Output, is_cache_name
from symbackprop.verify.passes.passes import SLOPES, Passes, name_of, own_defaults, parameters_of, required

RATE = 0.5
MOST_PLANS = 64
UPSTREAM = frozenset({
    "dout", "dvalues", "grad", "grads", "grad_output", "grad_out", "gradient", "upstream", "upstream_grad", "output_grad", "d",
    "output_gradient", "accum_grad", "dl_dout", "d_l_d_out", "d_out", "delta", "dy", "dz", "error", "err", "dldy", "dl_dy",
    "dprev", "prev_grad", "dnext", "next_grad", "d_y", "loss_gradient", "da", "dh", "dx", "g", "dl", "top_grad", "grad_in",
})  # fmt: skip
"""What people call the upstream gradient."""
NOTHING_ELSE = UPSTREAM - {"d", "g", "error", "err"}
"""Names under which nobody hands on a value of the forward pass alone: code that leaves its `dout` out gives no slope."""
GREEK = frozenset({"eta", "alpha", "epsilon", "gamma"})
"""Letters that stand for a rate, or for an error."""
_GRADIENT = re.compile(r"d[A-Z_]|d\w{1,5}$|grad|delta|\w*_grad|upstream|error|acc|out|prev_g|next_g", re.IGNORECASE)
_SLOPE = re.compile(r"prime|deriv|(?:^|_)d_?[a-z]+$|_d$|grad")


@dataclass(frozen=True, slots=True)
class ArgumentPlan:
    """Parameter of the backward pass → source; `doubtful` are parameters of which no name says what they are given."""

    sources: Mapping[str, str]
    doubtful: tuple[str, ...] = ()

    @property
    def upstream(self) -> tuple[int, ...]:
        """The outputs that have an upstream gradient."""
        return tuple(sorted(self.upstream_arguments.values()))

    @property
    def upstream_arguments(self) -> dict[str, int]:
        """The arguments that are upstream gradients, each with its output."""
        found = ((name, source.partition(".")) for name, source in self.sources.items())
        return {name: int(number) for name, (kind, _, number) in found if kind == "upstream"}

    def arguments(self, given: Mapping[str, Any], returned: Any, owner: Any, upstream: Mapping[int, Any]) -> dict[str, Any]:
        """Return the arguments of the backward pass after a run of the forward pass."""
        return {name: _value(source, given, returned, owner, upstream) for name, source in self.sources.items()}


def _value(source: str, given: Mapping[str, Any], returned: Any, owner: Any, upstream: Mapping[int, Any]) -> Any:
    kind, _, key = source.partition(".")
    if kind == "rate":
        return RATE
    if kind == "unread":
        return None
    if kind == "given":
        return given[key]
    if kind == "upstream":
        return upstream.get(int(key), 1.0)
    if kind == "rest":
        return tuple(returned[int(k)] for k in key.split(","))
    if kind == "return":
        return returned[int(key)] if key.isdigit() else returned
    return leaf_at(dict(walk({"self": owner})), source)


def plans(passes: Passes, outputs: Sequence[Output], caches: Mapping[str, str]) -> Iterator[ArgumentPlan]:
    """Yield the plans, the likeliest first."""
    backward = passes.of(passes.owner)[1]
    if passes.one:
        yield ArgumentPlan({})
        return
    sources = _Sources(passes, outputs, caches, backward)
    ranked = {p.name: found for p in parameters_of(backward) if (found := sources.of(p.name, p.default is not p.empty))}
    doubtful = tuple(name for name in ranked if len(ranked[name]) > 1 and not sources.is_usual(name))
    for plan in itertools.islice(_best_first(ranked), MOST_PLANS):
        yield replace(plan, doubtful=doubtful if len(sources.asked) > 1 else ())


def _best_first(options: Mapping[str, Sequence[str]]) -> Iterator[ArgumentPlan]:
    """Yield the choices of one source for each name in the order of the sum of their ranks; no source counts twice."""
    taken = list(options)
    start = (0,) * len(taken)
    heap, seen = [(0, start)], {start}
    while heap:
        _, ranks = heapq.heappop(heap)
        chosen = {name: options[name][rank] for name, rank in zip(taken, ranks, strict=True)}
        sources = [source for source in chosen.values() if source != "unread"]
        if len({*sources}) == len(sources):
            yield ArgumentPlan(chosen)
        for place, rank in enumerate(ranks):
            further = (*ranks[:place], rank + 1, *ranks[place + 1 :])
            if rank + 1 < len(options[taken[place]]) and further not in seen:
                seen.add(further)
                heapq.heappush(heap, (sum(further), further))


@dataclass(frozen=True, slots=True)
class _Sources:
    """Finds the sources that an argument can have."""

    passes: Passes
    outputs: Sequence[Output]
    caches: Mapping[str, str]
    backward: Callable[..., Any]

    @property
    def asked(self) -> list[str]:
        """The arguments that the backward pass needs, and reads."""
        return [name for name in required(self.backward) if not self._is_unread(name)]

    def of(self, name: str, optional: bool) -> list[str]:
        """Return the sources of an argument, the likeliest first; none for an option that keeps its default."""
        if self._is_unread(name):
            return [] if optional else ["unread"]
        if name.lower() in names.RATES and not self._is_shared(name, optional):
            return [*self._error(name), "rate"]
        certain = self._certain(name)
        if certain:
            return [certain]
        if optional and not self._is_upstream(name):
            return [f"given.{name}"] if name in self.passes.given else []
        return self._likely(name)

    def _is_shared(self, name: str, optional: bool) -> bool:
        """Whether both passes take an argument: it is no learning rate, and has the same value in both."""
        return name in self.passes.given or (optional and name in own_defaults(self.passes.of(self.passes.owner)[0]))

    def _is_unread(self, name: str) -> bool:
        """Whether the text of the backward pass does not read an argument that is no forgotten `dout`: it may be anything."""
        node = definition(self.backward)
        read = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} if node is not None else {name}
        return name not in read and not self.is_usual(name)

    def _error(self, name: str) -> list[str]:
        """Return the upstream gradients where a Greek letter for a rate is all that a method is given: `backward(eta)`."""
        alone = [p.name for p in parameters_of(self.backward) if p.default is p.empty] == [name]
        return [f"upstream.{k}" for k, _ in self._arrays()] if alone and name.lower() in GREEK else []

    def _certain(self, name: str) -> str:
        """Return the source that a name says: a variable that forward returns, the gradient of one, or the target of both passes.

        Prediction and target exchanged are no plan: they make a wrong sign right.
        """
        labels = {output.label: k for k, output in enumerate(self.outputs) if output.label}
        if name in labels:
            return self.outputs[labels[name]].place
        if name in self.passes.given and (names.is_target(name) or self._is_of_a_loss(name)):
            return f"given.{name}"
        if name not in self.passes.given and names.is_gradient_name(name, tuple(labels), ""):
            return f"upstream.{labels[str(names.gradient_of(name, tuple(labels), ''))]}"
        return self._kept(name)

    def _is_of_a_loss(self, name: str) -> bool:
        """Whether forward is a loss, one number, and an argument is called like its own and like no upstream gradient."""
        return [output.shape for output in self.outputs] == [()] and name.lower() not in UPSTREAM

    def is_usual(self, name: str) -> bool:
        """Whether an argument is called like one of forward's, or like an upstream gradient."""
        return name in self.passes.given or name.lower() in UPSTREAM or bool(_GRADIENT.match(name))

    def _kept(self, name: str) -> str:
        """Return the place of what forward has kept under a name."""
        same = [place for place, label in self.caches.items() if label == name]
        return same[0] if same else self._all_caches() if self.caches and is_cache_name(name) else ""

    def _all_caches(self) -> str:
        places = list(self.caches)
        return places[0] if len(places) == 1 else f"rest.{','.join(place.removeprefix('return.') for place in places)}"

    def _is_upstream(self, name: str) -> bool:
        return name.lower() in UPSTREAM and not required(self.backward)

    def _likely(self, name: str) -> list[str]:
        """Return every source, ordered by how an argument of this name and place is usually meant.

        An argument of both passes is given no other one of forward: exchanged, `x` and `k` make a wrong gradient right.
        """
        upstream = [f"upstream.{k}" for k, _ in self._arrays()]
        own = [f"given.{name}"][: name in self.passes.given]
        given = self._given(name)
        caches = [self._all_caches(), *self.caches] if self.caches else []
        left = [output.place for output in self.outputs]
        if name.lower() in NOTHING_ELSE and len(self.asked) == 1 and not self._is_slope():
            order = [*own, *upstream, *caches]
        elif self._is_slope():
            order = [*own, *given, *left, *upstream, *caches]
        elif len(self.asked) > 1 or self.passes.owner is None:
            order = [*own, *upstream, *caches, *left, *given]
        else:
            order = [*upstream, *caches, *own, *left, *given]
        return list(dict.fromkeys(order))

    def _given(self, name: str) -> list[str]:
        """Return the argument of forward that has this name, else all of them, targets only where there are no others."""
        if name in self.passes.given:
            return [f"given.{name}"]
        asked = [key for key in self.passes.given if not names.is_target(key)]
        return [f"given.{key}" for key in asked or self.passes.given]

    def _arrays(self) -> list[tuple[int, Output]]:
        """Return the outputs that can have an upstream gradient: the only one, or those that are arrays."""
        alone = len(self.outputs) == 1
        return [(k, output) for k, output in enumerate(self.outputs) if alone or output.shape]

    def _is_slope(self) -> bool:
        """Whether the backward pass is called like a derivative f', and is given what f is given."""
        name = name_of(self.backward).rpartition(".")[2].lower()
        if self.passes.switch or name in SLOPES:
            return True
        takes = required(self.backward)
        return self.passes.owner is None and (
            set(takes) <= set(self.passes.given) or bool(_SLOPE.search(name) and len(takes) == 1)
        )


def upstream_of(plan: ArgumentPlan, outputs: Sequence[Output], rng: np.random.Generator) -> dict[int, Any]:
    """Return a random upstream gradient for each array that has one."""
    return {k: rng.normal(size=outputs[k].shape) for k in plan.upstream if outputs[k].shape}
