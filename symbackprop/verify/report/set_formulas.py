"""Sentences of a report as markup: the formulas that they are said with are set as mathematics, pieces of code as code.

A formula comes as the plain text of the terminal, `∂a1/∂z1 = 1 - a1[n,j]²`; what is no such text throughout stays as
it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from string import Formatter

from symbackprop.formula.print.mathml import mathml_inner
from symbackprop.formula.tree.tree import Indexed, Name, Partial
from symbackprop.verify.records import Wording

_NAME = "[A-Za-zΑ-ω_][A-Za-zΑ-ω_0-9]*"
_ENTRY = rf"{_NAME}(?:\[[A-Za-zΑ-ω_0-9, +*-]+\])?"
_TOKEN = re.compile(
    rf"""\s*(?:
      ∂(?P<above>{_ENTRY})/∂(?P<below>{_ENTRY})
    | [Σ∑]_(?P<index>{_NAME})
    | (?P<entry>{_ENTRY})
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|ᵀ|\^[\w.]+)
    | (?P<sign>[-−+·=/(),<>≤≥≠≈⊙|])
    )\s*""",
    re.VERBOSE,
)
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ", "0123456789−T")
#: A single word may be one of the sentence; these are not.
_CERTAIN = re.compile(r"[\d_\[∂]|^.{1,2}$")
#: What only code has.
_CODE = re.compile(r"\*\*|@|\w\.\w|[\"':]|(?<!=)==|[-+*/]=|np\b|\w\(.*=")


def sentence(wording: Wording, values: Mapping[str, str]) -> str:
    """Return the English sentence as markup, its values set."""
    found = []
    for literal, field, _, _ in Formatter().parse(wording.english):
        found.append(escape(literal))
        if field is not None:
            found.append(set_value(str(values[field])))
    return "".join(found)


def set_value(text: str) -> str:
    """Return a value as mathematics where it is a formula throughout, as code where it is code, else as it is."""
    if _CODE.search(text):
        return f"<code>{escape(text)}</code>"
    if not _CERTAIN.search(text):
        return escape(text)
    parts = list(_parts(text))
    return f"<math>{''.join(parts)}</math>" if parts else escape(text)


def _parts(text: str) -> Iterator[str]:
    """Yield the elements of a formula; none where there is something in it that no formula has."""
    found: list[str] = []
    place, word = 0, False
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None or (token["raised"] and not found) or (token["entry"] and word):
            return  # two names side by side are words
        word = bool(token["entry"])
        if token["raised"]:
            above = token["raised"].removeprefix("^").translate(_LOWERED)
            found[-1] = f"<msup><mrow>{found[-1]}</mrow><mn>{escape(above)}</mn></msup>"
        else:
            found.append(_element(token))
        place = token.end()
    yield from found


def _element(token: re.Match[str]) -> str:
    if token["above"]:
        return mathml_inner(Partial(_entry(token["above"]), _entry(token["below"])))
    if token["index"]:
        return f"<munder><mo>∑</mo>{mathml_inner(Name(token['index']))}</munder>"
    if token["entry"]:
        return mathml_inner(_entry(token["entry"]))
    if token["number"]:
        return f"<mn>{token['number']}</mn>"
    return f"<mo>{escape(token['sign'].replace('-', '−'))}</mo>"


def _entry(text: str) -> Name | Indexed:
    name, _, inside = text.partition("[")
    indices = [index.strip() for index in inside.rstrip("]").split(",")]
    return Indexed(name, tuple(map(Name, indices))) if inside else Name(name)
