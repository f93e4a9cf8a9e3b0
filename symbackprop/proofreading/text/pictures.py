r"""Formulas that a text shows as pictures, whose address holds the LaTeX: `![](https://latex.codecogs.com/svg.latex?z&space;=&space;wx)`.

An address writes some characters in another way (`%5C`, `&plus;`); `as_latex` puts them right, every character in its place.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote_to_bytes

_DRAWN_BY = (
    r"https?:(?:\\?/){2}"
    r"(?:latex\.codecogs\.com/[\w.]*(?:latex|png|gif|svg)(?:\.latex|\.image)?\?|private\.codecogs\.com/[a-z]+\.latex\?"
    r"|render\.githubusercontent\.com/render/math\?math=|(?:www\.)?zhihu\.com/equation\?tex=|i\.upmath\.me/svg/"
    r"|(?:math|tex)\.vercel\.app/\?(?:[a-z]+=[^&\"\s]*&)*(?:from|math)=|chart\.googleapis\.com/chart\?cht=tx&(?:amp;)?chl=)"
)
#: A picture, or what links to the same formula once more. Quadratic time is not possible: a tag ends at the next `<` or `>`.
PICTURE = (
    rf"<img\b[^<>]*?\bsrc\s*=\s*[\"']{_DRAWN_BY}(?P<tag>[^\"'<>]*)[\"'][^<>]*>"
    rf"|!\[[^\]\[\n]{{0,300}}(?:\[[^\]\[\n]{{0,300}}\][^\]\[\n]{{0,300}})?\]\(\s*{_DRAWN_BY}(?P<mark>(?:[^\s()<>]|\([^\s()<>]*\))*)[^()<>\n]*\)"
    r"|<a\b[^<>]*\bcodecogs\.com/eqnedit[^<>]*>(?P<link>)"
)
_OF_THE_PAGE = re.compile(
    r"\A(?:\\(?:inline|large|Large|LARGE|huge|small|tiny|dpi\s*\{\d+\}|bg_\w+)(?:&space;|%20|\s|\+|(?=\\))*)+"
)
_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+|&(?:space|plus|amp|lt|gt|quot|#\d+);")
_BY_NAME = {"&space;": " ", "&plus;": "+"}


def as_latex(address: str, *, plus: str) -> str:
    """Return the LaTeX of an address, as long as it is; `plus` is what a `+` in it stands for."""
    text = _OF_THE_PAGE.sub(lambda found: " " * len(found[0]), address.replace("+", plus))
    return _ESCAPED.sub(lambda found: _unescaped(found[0]).rjust(len(found[0])), text)


def _unescaped(written: str) -> str:
    if written.startswith("&"):
        return _BY_NAME.get(written) or unescape(written)
    return unquote_to_bytes(written).decode("utf-8", "replace")
