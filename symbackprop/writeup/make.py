"""Make a handout: derivation and options in, a file out; the suffix chooses the format."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError
from symbackprop.files import write_file
from symbackprop.writeup.numbers.variants import variant_values
from symbackprop.writeup.outline.context import make_context
from symbackprop.writeup.outline.outline import complete_outline
from symbackprop.writeup.page.blocks import Outline
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.format import Files
from symbackprop.writeup.print.formats import format_of
from symbackprop.writeup.print.pdf import merged_pdf
from symbackprop.writeup.slides.decks import deck_of
from symbackprop.writeup.student.leaks import leak_gate
from symbackprop.writeup.student.redact import redact


@dataclass(frozen=True, slots=True)
class Made:
    """One handout that was written: its files, and the seed of its numbers (None: the example values)."""

    files: tuple[Path, ...]
    seed: int | None


def rendered(derivation: DerivationRecord, suffix: str, options: HandoutOptions, stem: str = "handout") -> Files:
    """Return the files of a handout without writing them.

    Raises UserError for an unknown suffix, InternalError when a student's file would show an answer.
    """
    (deck_of if options.slides else format_of)(suffix)  # an unknown one is told before anything is computed
    values = None if options.seed is None else variant_values(derivation, options)
    context = make_context(derivation, options, values)
    complete = complete_outline(context)
    shown, inspect = redact(complete, options), leak_gate(complete, context)
    if options.slides:
        return deck_of(suffix)(shown, derivation, inspect)
    return format_of(suffix).files(shown, stem, inspect)


def make_outline(
    derivation: DerivationRecord, options: HandoutOptions | None = None, values: Mapping[str, Any] | None = None
) -> Outline:
    """Return the outline for the audience of the options; `values` replace the network's example values.

    Raises UserError for an unknown weight or a missing value.
    """
    chosen = options or HandoutOptions()
    return redact(complete_outline(make_context(derivation, chosen, values)), chosen)


def handout(
    derivation: DerivationRecord, path: str | Path, options: HandoutOptions | None = None, *, force: bool = False
) -> Made:
    """Write one handout; the suffix of `path` chooses the format (.html .pdf .tex .md .ipynb).

    Raises UserError when a file exists and `force` is not given, for an unknown suffix, and where a format needs something
    that is not installed.
    """
    place = Path(path)
    chosen = options or HandoutOptions()
    _check_new([place], force)
    files = {
        place.with_name(name) if name else place: content
        for name, content in rendered(derivation, place.suffix, chosen, place.stem).items()
    }
    _check_new(files, force)
    for file, content in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{file}: cannot be written: {error.strerror}") from None
        write_file(file, content)
    return Made(tuple(files), chosen.seed)


def _check_new(files: Iterable[Path], force: bool) -> None:
    """Raise UserError when one of the files exists and may not be replaced."""
    for file in files:
        if file.exists() and not force:
            raise UserError(f"{file} exists; give another name, or --force to replace it")


@dataclass(frozen=True, slots=True)
class Together:
    """How many handouts become one file: a `zip` of them, or for each audience one `merged` PDF; neither: a file each."""

    zip: bool = False
    merged: bool = False


def handouts(
    derivation: DerivationRecord,
    path: str | Path,
    options: HandoutOptions | None = None,
    *,
    variants: int = 0,
    audiences: Sequence[str] = (),
    roster: Sequence[tuple[str, str]] = (),
    together: Together = Together(),
    force: bool = False,
) -> Iterator[Made]:
    """Write handouts one after the other, yielding each, so that a caller can show progress.

    Raises UserError, before the first is made, for an unknown suffix and where one of the files exists and `force` is not given.

    `audiences` ("student", "key", …) makes one file each, the audience put into the name when there are several; `variants`
    makes that many of each, with seeds counted up from the options' seed (or 1), or one for each (name, class) of a `roster`. The
    number to come is `max(variants, len(roster), 1) * max(len(audiences), 1)`.
    """
    place = Path(path)
    chosen = options or HandoutOptions()
    if variants < 0:
        raise UserError(f"handout: variants: expected a positive number, got {variants}")
    (deck_of if chosen.slides else format_of)(place.suffix)
    if together.merged:
        _check_mergeable(place, chosen, together)
    planned = _planned(place, chosen, variants, tuple(audiences) or (chosen.audience,), roster)
    if not (together.zip or together.merged):
        _check_new((named for named, _ in planned), force)
        return (handout(derivation, named, wanted, force=force) for named, wanted in planned)
    return _collected(derivation, place, planned, together, force)


def _check_mergeable(place: Path, options: HandoutOptions, together: Together) -> None:
    if together.zip:
        raise UserError("handout: a zip holds a file for each, merged PDFs hold all; give --zip or --merged, not both")
    if place.suffix != ".pdf":
        raise UserError(f"handout: only PDFs are merged, got {place.suffix}; a zip takes every format")
    if options.slides:
        raise UserError("handout: slides are not merged; a zip takes them")


def _collected(
    derivation: DerivationRecord, place: Path, planned: Sequence[tuple[Path, HandoutOptions]], together: Together, force: bool
) -> Iterator[Made]:
    """Return the makers of a zip, or of the merged PDFs, once their files may be written."""
    if together.zip:
        archive = place.with_suffix(".zip")
        _check_new([archive], force)
        return _zipped(derivation, planned, archive)
    merged = {wanted.audience: place.with_name(f"{place.stem}-{wanted.audience}.pdf") for _, wanted in planned}
    _check_new(merged.values(), force)
    return _merged(derivation, planned, merged)


def _planned(
    place: Path, options: HandoutOptions, variants: int, readers: Sequence[str], roster: Sequence[tuple[str, str]]
) -> list[tuple[Path, HandoutOptions]]:
    """Return the files to be made with their options."""
    seeds = _seeds(options, len(roster) or variants)
    pupils = dict(zip(seeds, roster, strict=True)) if roster else {}
    width = len(str(seeds[-1]))
    planned = []
    for seed, audience in product(seeds, readers):
        stem = place.stem + (f"-{audience}" if len(readers) > 1 else "") + (f"-{seed:0{width}d}" if variants or roster else "")
        wanted = options.override(audience=audience, seed=seed, pupil=pupils.get(seed, options.pupil))
        planned.append((place.with_name(stem + place.suffix), wanted))
    return planned


def _zipped(derivation: DerivationRecord, planned: Sequence[tuple[Path, HandoutOptions]], archive: Path) -> Iterator[Made]:
    """Put handouts into a zip, the same one every time, with a list of who has which."""
    packed: dict[str, bytes] = {}
    pupils: dict[int | None, tuple[str, str]] = {}
    for named, wanted in planned:
        files = rendered(derivation, named.suffix, wanted, named.stem)
        packed.update({name or named.name: content for name, content in files.items()})
        pupils[wanted.seed] = wanted.pupil
        yield Made((), wanted.seed)
    if any(map(any, pupils.values())):
        listed = StringIO()
        csv.writer(listed, lineterminator="\n").writerows(
            [("variant", "name", "class"), *((k, *who) for k, who in pupils.items())]
        )
        packed["roster.csv"] = listed.getvalue().encode("utf-8")
    store = BytesIO()
    with ZipFile(store, "w", ZIP_DEFLATED) as zipped:
        for name, content in packed.items():
            zipped.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    archive.parent.mkdir(parents=True, exist_ok=True)
    write_file(archive, store.getvalue())
    yield Made((archive,), None)


def _merged(
    derivation: DerivationRecord, planned: Sequence[tuple[Path, HandoutOptions]], files: Mapping[str, Path]
) -> Iterator[Made]:
    """Set all handouts of an audience in one PDF."""
    pages: dict[str, list[tuple[Outline, Callable[[str], None] | None]]] = {audience: [] for audience in files}
    for _, wanted in planned:
        values = None if wanted.seed is None else variant_values(derivation, wanted)
        context = make_context(derivation, wanted, values)
        complete = complete_outline(context)
        pages[wanted.audience].append((redact(complete, wanted), leak_gate(complete, context)))
        yield Made((), wanted.seed)
    for audience, file in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, merged_pdf(pages[audience]))
    yield Made(tuple(files.values()), None)


def _seeds(options: HandoutOptions, variants: int) -> Sequence[int | None]:
    """Return the seeds of the variants, counted up from the options' (or 1); without variants the options' own."""
    first = 1 if options.seed is None else options.seed
    return range(first, first + variants) if variants else (options.seed,)
