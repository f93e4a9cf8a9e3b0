"""A text in several languages, for titles and reasons: a string in the first of them that knows the others."""

from __future__ import annotations

import re
from collections.abc import Mapping

from symbackprop.errors import UserError

#: What no file may hold (control characters but white space, halves of pairs, non-characters), and what turns the text around it.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def on_a_line(text: str) -> str:
    """Return a text that came from outside as one line that every format can hold.

    >>> on_a_line("two\\n\\nlayers\\x00")
    'two layers'
    """
    return " ".join(_UNPRINTABLE.sub("", text).split())


class LocalizedText(str):
    """A text that is also given in other languages: `LocalizedText.of({"en": "a batch", "zh": "一批样本"})`."""

    languages: Mapping[str, str]

    @classmethod
    def of(cls, text: str | Mapping[str, str]) -> str:
        """Return a text on a line; of several, English (or the first) with the others beside it.

        Raises UserError where there is none.
        """
        if isinstance(text, str):
            return text if isinstance(text, cls) else on_a_line(text)
        if not text or not all(isinstance(part, str) for pair in text.items() for part in pair):
            raise UserError(f'a text in several languages: expected {{"en": "…", "zh": "…"}}, got {text!r}')
        lines = {lang: on_a_line(said) for lang, said in text.items()}
        made = cls(lines.get("en", next(iter(lines.values()))))
        made.languages = lines
        return made


def in_language(text: str, lang: str) -> str:
    """Return a text in a language, where it is known in that one, else as it is."""
    return text.languages.get(lang, str(text)) if isinstance(text, LocalizedText) else text
