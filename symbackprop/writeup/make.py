"""Make a handout: derivation and options in, a file out; the suffix chooses the format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from symbackprop import numeric
from symbackprop.derive.derivation import Derivation
from symbackprop.errors import UserError, nearest
from symbackprop.writeup.blocks import Outline
from symbackprop.writeup.html import html
from symbackprop.writeup.leaks import answer_numbers, check_no_leak, given_numbers, unrounded_answers
from symbackprop.writeup.md import markdown
from symbackprop.writeup.notebook import notebook
from symbackprop.writeup.options import HandoutOptions
from symbackprop.writeup.outline import both_outlines
from symbackprop.writeup.pdf import pdf
from symbackprop.writeup.tex import tex
from symbackprop.writeup.variants import variant_values

Files = dict[str, bytes]
Inspect = Callable[[str], None]


def _text_files(make: Callable[[Outline, str], Mapping[str, str]]) -> Callable[[Outline, str, Inspect], Files]:
    """Return the printer of a format of text files, each inspected as it is."""

    def printed(outline: Outline, stem: str, inspect: Inspect) -> Files:
        texts = make(outline, stem)
        for text in texts.values():
            inspect(text)
        return {name: text.encode("utf-8") for name, text in texts.items()}

    return printed


#: Printers by suffix; each returns files by name, the handout itself under the empty name, and has the text inspected.
FORMATS: Mapping[str, Callable[[Outline, str, Inspect], Files]] = MappingProxyType(
    {
        ".html": _text_files(lambda outline, stem: {"": html(outline)}),
        ".pdf": lambda outline, stem, inspect: {"": pdf(outline, inspect)},
        ".tex": _text_files(lambda outline, stem: {"": tex(outline)}),
        ".md": _text_files(markdown),
        ".ipynb": _text_files(lambda outline, stem: {"": notebook(outline, stem)}),
    }
)


@dataclass(frozen=True, slots=True)
class Made:
    """One handout that was written: its files, and the seed of its numbers (None: the example values)."""

    files: tuple[Path, ...]
    seed: int | None


def rendered(derivation: Derivation, suffix: str, options: HandoutOptions, stem: str = "handout") -> Files:
    """Return the files of a handout without writing them.

    Raises UserError for an unknown suffix, InternalError when a student's file would show an answer.
    """
    printed = _printer(suffix)
    values = None if options.seed is None else variant_values(derivation, options)
    complete, seen = both_outlines(derivation, options, values)
    return printed(seen, stem, _gate(derivation, options, complete, values))


def _printer(suffix: str) -> Callable[[Outline, str, Inspect], Files]:
    if suffix not in FORMATS:
        raise UserError(
            f"handout: expected a file ending in one of {', '.join(FORMATS)}, got {suffix or 'no ending'!r}."
            f"{nearest(suffix, FORMATS)}"
        )
    return FORMATS[suffix]


def _gate(derivation: Derivation, options: HandoutOptions, complete: Outline, values: Mapping[str, Any] | None) -> Inspect:
    """Return what the text of a file has to pass: for a student with blanks to fill, that no answer stands in it."""
    if options.audience != "student" or options.blanks == "none":
        return lambda text: None
    found = numeric.evaluate(derivation, values)
    declared = [node.name for node in derivation.network.nodes.values() if not node.defined]
    answers = answer_numbers(complete, unrounded_answers(found, declared))
    given = given_numbers(complete, [found[name] for name in declared if name in found])
    return lambda text: check_no_leak(text, answers, given)


def handout(derivation: Derivation, path: str | Path, options: HandoutOptions | None = None, *, force: bool = False) -> Made:
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
            file.write_bytes(content)
        except OSError as error:
            raise UserError(f"{file}: cannot be written: {error.strerror}") from None
    return Made(tuple(files), chosen.seed)


def _check_new(files: Iterable[Path], force: bool) -> None:
    """Raise UserError when one of the files exists and may not be replaced."""
    for file in files:
        if file.exists() and not force:
            raise UserError(f"{file} exists; give another name, or --force to replace it")


def handouts(
    derivation: Derivation,
    path: str | Path,
    options: HandoutOptions | None = None,
    *,
    variants: int = 0,
    audiences: Sequence[str] = (),
    force: bool = False,
) -> Iterator[Made]:
    """Write handouts one after the other, yielding each, so that a caller can show progress.

    Raises UserError, before the first is made, for an unknown suffix and where one of the files exists and `force` is not given.

    `audiences` ("student", "key", …) makes one file each, the audience put into the name when there are several; `variants`
    makes that many of each, with seeds counted up from the options' seed (or 1). The number to come is
    `max(variants, 1) * max(len(audiences), 1)`.
    """
    place = Path(path)
    chosen = options or HandoutOptions()
    if variants < 0:
        raise UserError(f"handout: variants: expected a positive number, got {variants}")
    seeds: list[int | None] = [chosen.seed]
    if variants:
        first = chosen.seed if chosen.seed is not None else 1
        seeds = list(range(first, first + variants))
    readers = tuple(audiences) or (chosen.audience,)
    width = len(str(seeds[-1]))
    _printer(place.suffix)
    planned = []
    for seed in seeds:
        for audience in readers:
            stem = place.stem
            stem += f"-{audience}" if len(readers) > 1 else ""
            stem += f"-{seed:0{width}d}" if variants else ""
            planned.append((place.with_name(stem + place.suffix), chosen.override(audience=audience, seed=seed)))
    _check_new((named for named, _ in planned), force)
    return (handout(derivation, named, wanted, force=force) for named, wanted in planned)
