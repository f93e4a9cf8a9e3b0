"""Everything one lesson is printed from, prepared once: formulas, steps, live numbers, the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from symbackprop.derive.steps.worked_formulas import up_to_loss, worked_formulas
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.formula.notation.notation import Notation
from symbackprop.formula.print.mathml import mathml_inner
from symbackprop.formula.tree.tree import Formula
from symbackprop.network.node import Role
from symbackprop.network.wording import in_language
from symbackprop.numeric.javascript.source import Script
from symbackprop.writeup.lesson.entries import Entries, network_of_numbers
from symbackprop.writeup.lesson.mistakes import Backward, backward_pass
from symbackprop.writeup.lesson.quantities import PageNumbers
from symbackprop.writeup.lesson.steps import LessonStep, lesson_steps
from symbackprop.writeup.outline.context import HANDOUT_NOTATION
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.page.phrases import plain


@dataclass(frozen=True, slots=True)
class Material:
    """A derivation, how it is to be shown, and what was made of it."""

    derivation: DerivationRecord
    options: HandoutOptions
    notation: Notation
    steps: tuple[LessonStep, ...]
    quantities: PageNumbers
    backward: Backward
    script: Script
    given: Mapping[str, Any]  # the values of the declared names
    entries: Entries

    @property
    def title(self) -> str:
        """The title of the page."""
        lang = self.options.lang
        network = in_language(self.derivation.network.title, lang)
        return in_language(self.options.title, lang) or plain("lesson title", lang, network=network)

    @property
    def asks(self) -> bool:
        """Whether the reader is asked for the numbers."""
        return self.options.audience == "student"

    @property
    def learned(self) -> list[str]:
        """The parameters that an update changes."""
        parameters = {node.name for node in self.derivation.network.of_role(Role.PARAMETER)} & self.derivation.adjoints.keys()
        return [name for name in self.derivation.wrt if name in parameters]

    def say(self, key: str, **gaps: str | int) -> str:
        """Return a fixed phrase as markup; what fills its gaps is markup already."""
        marks = {gap: f"\0{gap}\0" for gap in gaps}
        text = escape(plain(key, self.options.lang, **marks))
        for gap, mark in marks.items():
            text = text.replace(mark, str(gaps[gap]))
        return text

    def inner(self, formula: Formula) -> str:
        """Return MathML without the element around it, with places where the formula has live numbers."""
        return self.quantities.printed(mathml_inner(formula, self.notation))

    def math(self, formula: Formula) -> str:
        """Return a formula as markup for the middle of a sentence."""
        return f"<math>{self.inner(formula)}</math>"


def prepared(derivation: DerivationRecord, options: HandoutOptions) -> Material:
    """Return what a lesson is made from.

    Raises UserError when a value is missing or nothing is asked for; NotSupportedError for a network too large.
    """
    notation = (options.notation or HANDOUT_NOTATION).override(delta_sign=1, otherwise=plain("otherwise", options.lang))
    entries = network_of_numbers(derivation)
    numbers = entries.derivation
    writer, _ = worked_formulas(numbers, notation)
    steps = lesson_steps(numbers, writer)
    given = {name: numbers.network.values[name] for name in up_to_loss(numbers) if not numbers.network.nodes[name].defined}
    return Material(
        numbers, options, notation, steps, PageNumbers(numbers, writer), backward_pass(numbers), Script(numbers), given, entries
    )
