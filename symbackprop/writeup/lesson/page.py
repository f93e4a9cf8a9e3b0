"""The page of a lesson: a plain list of all steps, which its script shows one by one with live numbers.

What a student is to find out does not stand in the page as a number: the numbers are computed by the page's program, from the
given ones, and shown when they were found or asked for. The program itself is in the page, as it has to be.
"""

from __future__ import annotations

import math
import re
from html import escape
from pathlib import Path

from sympy import Float, Symbol

from symbackprop import numeric
from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.writeup.drawing.svg import style_sheet
from symbackprop.writeup.lesson import markup
from symbackprop.writeup.lesson.material import Material, prepared
from symbackprop.writeup.lesson.program import data, program
from symbackprop.writeup.lesson.quantities import RATE
from symbackprop.writeup.page.options import HandoutOptions
from symbackprop.writeup.print.font_faces import font_faces
from symbackprop.writeup.print.html import HTML_LANG

SCRIPTS = ("numbers.js", "judge.js", "lesson.js")


def lesson(derivation: DerivationRecord, options: HandoutOptions | None = None) -> str:
    """Return the page of a lesson; of the options, audience, language, notation, title and learning rate are used.

    Raises UserError when a value is missing; NotSupportedError for a network too large, or a function without JavaScript.
    """
    made = prepared(derivation, options or HandoutOptions())
    parts = (markup.header, markup.stage, markup.steps, markup.nudge, markup.values)
    body = "\n".join(part(made) for part in parts)
    scripts = "\n".join((program(made), *map(_file, SCRIPTS)))
    return (
        f'<!DOCTYPE html>\n<html lang="{HTML_LANG[made.options.lang]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(made.title)}</title>\n'
        f"<style>\n{font_faces(body)}\n{style_sheet()}\n{_file('lesson.css')}</style>\n</head>\n"
        f'<body class="{"student" if made.asks else "teacher"}">\n<main>\n{_with_numbers(body, made)}\n</main>\n'
        f'<script type="application/json" id="lesson-data">{data(made)}</script>\n'
        f"<script>\n{_script(scripts)}</script>\n</body>\n</html>\n"
    )


def _with_numbers(body: str, made: Material) -> str:
    """Return the page with its numbers as they are at first, so that it can be read without a script; a student's has none."""
    if made.asks:
        return body
    found = numeric.evaluate(made.derivation, made.given)
    known = {Symbol(name, real=True): Float(value, 17) for name, value in found.items()} | {RATE: made.options.learning_rate}
    texts = [shown(float(expression.xreplace(known))) for expression in made.quantities.expressions]
    return re.sub(r'( data-v="(\d+)"[^>]*>)', lambda place: place[1] + texts[int(place[2])], body)


def shown(value: float) -> str:
    """Return a number as the page's script writes it: six significant digits, small and large ones in powers of ten."""
    if not math.isfinite(value):
        return "?"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return f"{float(f'{value:.6g}'):.10f}".rstrip("0").rstrip(".").replace("-", "\N{MINUS SIGN}")
    mantissa, exponent = f"{value:.4e}".split("e")
    power = str(int(exponent)).translate(_RAISED)
    return f"{float(mantissa):g}".replace("-", "\N{MINUS SIGN}") + f"·10{power}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _script(text: str) -> str:
    data = 'const data = JSON.parse(document.getElementById("lesson-data").textContent);'
    return f'(function () {{\n"use strict";\n{data}\n{text}\n}})();\n'


def _file(name: str) -> str:
    """Return a style sheet or script without its comments and indentation."""
    text = re.sub(
        r"^ */\*.*?\*/\n", "", Path(__file__).with_name(name).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    return "".join(f"{line.strip()}\n" for line in text.splitlines())
