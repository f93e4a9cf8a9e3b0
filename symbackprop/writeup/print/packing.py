"""A page in fewer characters: what HTML lets be left out is left out, so that a browser reads the same document."""

from __future__ import annotations

import re

#: Quotes around a value of plain characters; before a slash they have to stay.
_QUOTED = re.compile(r'="([\w.#%-]+)"(?=[\s>])')
_TAG = re.compile(r"<[a-z][^<>]*>")
#: What ends by itself where the next cell, row or part begins, or its table ends; line breaks between rows.
_ENDS = re.compile(r"</td>\s*(?=<t[dhrb]|</t)|</tr>\s*(?=<t[rb]|</t)|</tbody>\s*(?=<tbody|</table>)|</li>\s*(?=<li|</[ou]l>)")
#: Where every character counts.
_AS_IT_IS = re.compile(r"(<(style|script|pre)\b.*?</\2>)", re.DOTALL)


#: Lines of a program or of a style sheet that are a comment, and what stands before a line.
_REMARK = re.compile(r"^\s*/\*[^*]*\*/\s*\n|^[ \t]+", re.MULTILINE)


def packed(page: str) -> str:
    """Return the page without quotes around plain values, end tags that may be left out, and remarks in its programs."""
    parts = _AS_IT_IS.split(page)
    return "".join("" if at % 3 == 2 else _told(part) if at % 3 else _packed(part) for at, part in enumerate(parts))


def _told(text: str) -> str:
    return text if text.startswith("<pre") else _REMARK.sub("", text)


def _packed(text: str) -> str:
    return _TAG.sub(lambda tag: _QUOTED.sub(r"=\1", tag[0]) if '="' in tag[0] else tag[0], _ENDS.sub("", text))
