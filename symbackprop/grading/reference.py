"""What is named as REFERENCE: a network, a loss, or a right solution, which has to be right before anybody is graded against it.

network.py, a folder     the network
FILE:function            a loss written with numpy
FILE                     a solution: a loss and its gradients, or a forward and a backward pass (functions, or a class)
FILE:Class, FILE:name    the passes of a solution that holds several
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symbackprop.errors import CodeEnded, UserError, listed
from symbackprop.grading.course import Assignment
from symbackprop.isolation import Judged, Request, asked_of, check_isolated
from symbackprop.own_files import is_own_code, loss_and_gradient

FUNCTION = "gradients"
"""What students were to write, where nobody and no solution says it."""
LONGEST = 60.0
"""Seconds that a solution may take."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The reference as it was named, and what goes with it."""

    reference: str
    function: str | None = None
    loss: str | None = None
    example: str | None = None
    wrt: tuple[str, ...] = ()
    mapping: Mapping[str, Any] | None = None
    seconds: float = 10.0
    megabytes: int = 2048


def assignment(asked: Asked) -> Assignment:
    """Return what is graded against: its names are found out in a child process, before any submission is tried.

    Raises UserError for a reference that cannot be used, and for a solution that is not right itself.
    """
    place = str(Path(asked.reference).absolute())
    if not is_own_code(place):
        return _of_reference(asked, network=place, loss=asked.loss)
    if asked.loss is not None:
        raise UserError("--loss names a node of a network; REFERENCE is a file of functions: FILE:function is its loss")
    both = loss_and_gradient(place)
    if both is not None:
        return _of_pair(asked, *both)
    name = place.rpartition(":")[2] if ".py:" in place else ""
    if name and not _is_class(place):
        return _of_loss_or_passes(asked, place)
    return _of_reference(asked, network=place) if not name and _defines_loss(place) else _of_passes(asked, place)


def _request(asked: Asked, **reference: Any) -> Request:
    example = None if asked.example is None else str(Path(asked.example).absolute())
    common = Request("", example=example, wrt=asked.wrt, mapping=asked.mapping or {}, **reference)
    return replace(common, seconds=asked.seconds, megabytes=asked.megabytes)


def _of_reference(asked: Asked, **reference: Any) -> Assignment:
    """A network, or a loss: what they are asked for is what they have."""
    request = _request(asked, **reference)
    return Assignment(request, asked.function or FUNCTION, asked_of(request))


def _of_pair(asked: Asked, loss: str, gradient: str) -> Assignment:
    """A solution that states its loss; its gradients say what is asked for, and at what values both run."""
    request = _request(asked, loss=loss, solution=gradient)
    found = _right(asked, replace(request, hand=gradient))
    names = asked.wrt or tuple(found.report.verdicts)
    return Assignment(replace(request, wrt=names), asked.function or gradient.rpartition(":")[2], names)


def _of_loss_or_passes(asked: Asked, place: str) -> Assignment:
    """`FILE:function`: a loss where it returns one number, else one of the passes of a solution."""
    try:
        return _of_reference(asked, loss=place)
    except UserError as error:
        try:
            return _of_passes(asked, place)
        except UserError:
            raise error from None


def _of_passes(asked: Asked, place: str) -> Assignment:
    """A solution that is a forward and a backward pass; they run at values that are found, or stand in it as `example`."""
    if asked.mapping:
        raise UserError("--mapping goes with a network or a loss; the passes of a solution are matched by the names they use")
    request = _request(asked, solution=place)
    found = _right(asked, replace(_request(asked), network=place))
    names = asked.wrt or tuple(found.report.verdicts)
    title, hand = found.report.title, found.report.hand.rpartition(":")[2]
    owner = hand.partition(".")[0]
    also = () if "." in hand else (title,)
    return Assignment(replace(request, wrt=names), asked.function or owner, names, also)


def _right(asked: Asked, request: Request) -> Judged:
    """Check a solution, which may take longer than a submission. Raises UserError when it is not right itself."""
    try:
        found = check_isolated(replace(request, seconds=max(asked.seconds, LONGEST)))
    except CodeEnded as error:
        raise UserError(f"{asked.reference}: the solution leaves no verdict on itself: {error}") from None
    if not found.ok:
        wrong = [f"{verdict.name} {verdict.status}" for verdict in found.report.wrong]
        wrong = wrong or [f"{name} missing" for name in found.missing]
        raise UserError(
            f"{asked.reference}: the solution itself is not right: {listed(wrong)}; symbackprop check {asked.reference} says why"
        )
    return found


def _is_class(place: str) -> bool:
    file, _, name = place.rpartition(":")
    return re.search(rf"^class {re.escape(name)}\b", _text(file), re.MULTILINE) is not None


def _defines_loss(file: str) -> bool:
    return re.search(r"^def loss\b", _text(file), re.MULTILINE) is not None


def _text(file: str) -> str:
    return Path(file).read_text(encoding="utf-8", errors="replace")
