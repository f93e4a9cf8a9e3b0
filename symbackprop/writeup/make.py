"""Make a handout: derivation and options in, a file out; the suffix chooses the format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from symbackprop.derive.derivation import Derivation
from symbackprop.errors import UserError, nearest
from symbackprop.writeup.blocks import Outline
from symbackprop.writeup.html import html
from symbackprop.writeup.md import markdown
from symbackprop.writeup.notebook import notebook
from symbackprop.writeup.options import HandoutOptions
from symbackprop.writeup.outline import make_outline
from symbackprop.writeup.pdf import pdf
from symbackprop.writeup.tex import tex
from symbackprop.writeup.variants import variant_values

Files = dict[str, bytes]

#: Printers by suffix; each returns files by name, the handout itself under the empty name.
FORMATS: Mapping[str, Callable[[Outline, str], Files]] = MappingProxyType(
    {
        ".html": lambda outline, stem: {"": html(outline).encode("utf-8")},
        ".pdf": lambda outline, stem: {"": pdf(outline)},
        ".tex": lambda outline, stem: {"": tex(outline).encode("utf-8")},
        ".md": lambda outline, stem: {name: text.encode("utf-8") for name, text in markdown(outline, stem).items()},
        ".ipynb": lambda outline, stem: {"": notebook(outline, stem).encode("utf-8")},
    }
)


@dataclass(frozen=True, slots=True)
class Made:
    """One handout that was written: its files, and the seed of its numbers (None: the example values)."""

    files: tuple[Path, ...]
    seed: int | None


def rendered(derivation: Derivation, suffix: str, options: HandoutOptions, stem: str = "handout") -> Files:
    """Return the files of a handout without writing them. Raises UserError for an unknown suffix."""
    if suffix not in FORMATS:
        raise UserError(
            f"handout: expected a file ending in one of {', '.join(FORMATS)}, got {suffix or 'no ending'!r}."
            f"{nearest(suffix, FORMATS)}"
        )
    values = None if options.seed is None else variant_values(derivation, options)
    return FORMATS[suffix](make_outline(derivation, options, values), stem)


def handout(derivation: Derivation, path: str | Path, options: HandoutOptions | None = None, *, force: bool = False) -> Made:
    """Write one handout; the suffix of `path` chooses the format (.html .pdf .tex .md .ipynb).

    Raises UserError when a file exists and `force` is not given, for an unknown suffix, and where a format needs something
    that is not installed.
    """
    place = Path(path)
    chosen = options or HandoutOptions()
    files = {
        place.with_name(name) if name else place: content
        for name, content in rendered(derivation, place.suffix, chosen, place.stem).items()
    }
    present = [file for file in files if file.exists()]
    if present and not force:
        raise UserError(f"{present[0]} exists; give another name, or --force to replace it")
    for file, content in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as error:
            raise UserError(f"{file}: cannot be written: {error.strerror}") from None
    return Made(tuple(files), chosen.seed)


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
    for seed in seeds:
        for audience in readers:
            stem = place.stem
            stem += f"-{audience}" if len(readers) > 1 else ""
            stem += f"-{seed:0{width}d}" if variants else ""
            named = place.with_name(stem + place.suffix)
            yield handout(derivation, named, chosen.override(audience=audience, seed=seed), force=force)
