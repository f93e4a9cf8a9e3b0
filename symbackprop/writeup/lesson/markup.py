"""The parts of a lesson's page as HTML: header, diagram, steps, the numbers to change, the nudge; plain without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from symbackprop.errors import InternalError
from symbackprop.formula.print.mathml import leading_sign
from symbackprop.formula.tree.tree import Formula, Name
from symbackprop.network.node import Role
from symbackprop.writeup.drawing.compose import SMALLEST
from symbackprop.writeup.drawing.faces import VALUE_SIZE
from symbackprop.writeup.lesson.drawing import live_diagram
from symbackprop.writeup.lesson.material import Material
from symbackprop.writeup.lesson.steps import FORWARD, Equation, LessonStep
from symbackprop.writeup.page.blocks import LEFT, NUMBERS, RESULT, SYMBOLS, Line, Part
from symbackprop.writeup.page.rows import Piece, rows

#: Characters of symbols, and of places for numbers, that are not broken: so many fit a phone.
SYMBOL_WIDTH, PLACE_WIDTH = 40, 12
#: The hint that puts the numbers in: of a definition the first, of a derivative the last.
NUMBERS_FORWARD, NUMBERS_BACKWARD = 1, 3
DONE = "done"
_ROLES = ((Role.INPUT, "inputs"), (Role.PARAMETER, "parameters"), (Role.TARGET, "targets"), (Role.CONSTANT, "constants"))
_SIDE_BY_SIDE = 760  # pixels: a wider diagram stands above the steps


def header(made: Material) -> str:
    """Return title and goal."""
    loss = made.math(Name(made.derivation.loss))
    asked = f" {made.say('lesson goal asked')}" if made.asks else ""
    kind = made.say("lesson exercise" if made.asks else "lesson")
    entries = made.entries
    few = made.say("lesson samples", count=entries.samples, all=entries.of) if entries.samples < entries.of else ""
    return (
        f'<header>\n<h1>{escape(made.title)}</h1>\n<p class="subtitle">{kind}</p>\n'
        f'<p class="goal">{made.say("lesson goal", loss=loss)}{asked} {few}</p>\n'
        f'<noscript><p class="note">{made.say("lesson plain")}</p></noscript>\n</header>'
    )


def stage(made: Material) -> str:
    """Return the diagram with its legend."""
    image = live_diagram(made.derivation, made.quantities, made.notation, made.options.lang)
    size = re.search(r'width="(\d+)" height="(\d+)"', image)
    if size is None:
        raise InternalError("lesson: the diagram has no size")
    wide = int(size[1])
    least = round(wide * SMALLEST / VALUE_SIZE)
    shape = "wide" if wide > _SIDE_BY_SIDE else "narrow"
    loss = made.math(Name(made.derivation.loss))
    return (
        f'<section class="stage {shape}" aria-label="{made.say("network")}">\n'
        f'<div class="drawing" style="--least: {least}px; --wide: {wide}px">{image}</div>\n'
        f'<p class="legend" data-legend="forward" hidden>{made.say("legend forward")}</p>\n'
        f'<p class="legend" data-legend="backward" hidden>{made.say("legend backward", loss=loss)}</p>\n</section>'
    )


def steps(made: Material) -> str:
    """Return the controls and the list of all steps."""
    buttons = "".join(
        f'<button type="button" data-go="{go}" aria-label="{made.say(key)}" title="{made.say(key)}">{sign}</button>'
        for go, key, sign in (
            ("first", "first step", "|◀"), ("back", "previous step", "◀"),
            ("next", "next step", "▶"), ("last", "last step", "▶|"),
        )
    )  # fmt: skip
    controls = (
        f'<div class="controls" role="toolbar" aria-label="{made.say("steps")}" hidden>{buttons}'
        f'<button type="button" data-play>{made.say("play")}</button><span class="where"></span>'
        f'<button type="button" data-all aria-pressed="false">{made.say("every step")}</button>'
        f'<button type="button" data-print>{made.say("print")}</button>'
        f'<p class="keys">{made.say("keys")}</p></div>\n<p class="status" role="status" aria-live="polite"></p>'
    )
    items = "\n".join(_step(at, step, made) for at, step in enumerate(made.steps))
    return f'<section class="walk" aria-label="{made.say("steps")}">\n{controls}\n<ol class="steps">\n{items}\n</ol>\n</section>'


def _step(at: int, step: LessonStep, made: Material) -> str:
    heading = made.say(f"{step.phase} step", name=made.math(Name(step.name)))
    last = len(step.equations) - 1
    lefts = ["", *(equation.left for equation in step.equations)]
    body = "\n".join(
        _equation(equation, step, made, place == last, equation.left != lefts[place])
        for place, equation in enumerate(step.equations)
    )
    return f'<li class="step {step.phase}" id="step-{at}">\n<h2>{heading}</h2>\n<div class="equations">{body}</div>\n</li>'


def _equation(equation: Equation, step: LessonStep, made: Material, last: bool, named: bool) -> str:
    """Return an equation: its left side, then each side on rows of its own, each seen from its hint on."""
    worked = NUMBERS_FORWARD if step.phase == FORWARD else NUMBERS_BACKWARD
    parts: list[tuple[str, Formula, int | str, int]] = [(SYMBOLS, side, equation.hint, SYMBOL_WIDTH) for side in equation.sides]
    shown = made.quantities.numbers(equation.sides[-1])
    value = None if equation.value is None else made.quantities.shown(equation.value)
    if shown not in (equation.sides[-1], value):
        parts.append((NUMBERS, shown, worked, PLACE_WIDTH))
    if value is not None:
        parts.append((RESULT, value, DONE if last else worked, PLACE_WIDTH))
    sides = "".join(
        f'<div class="{kind}" data-hint="{hint}">{_side(equation.left, side, kind, width, made)}</div>'
        for kind, side, hint, width in parts
    )
    left = made.math(equation.left) if named else ""
    return f'<div class="equation"><div class="left">{left}</div><div>{sides}</div></div>'


def _side(left: Formula, side: Formula, kind: str, width: int, made: Material) -> str:
    line = Line((Part(left, "", LEFT), Part(side, "=", kind)))
    return " ".join(_piece(piece, made) for row in rows(line, width) for piece in row.pieces)


def _piece(piece: Piece, made: Material) -> str:
    """Return a piece; where the line breaks depends on the screen, so the sign stands in front of the piece alone."""
    return f"<math>{leading_sign(piece.lead, made.notation)}{made.inner(piece.body)}</math>"


def values(made: Material) -> str:
    """Return the given numbers, which a script makes fields of, the updates and the curve of the loss."""
    groups = "\n".join(_group(role, key, made) for role, key in _ROLES)
    eta = f'<span class="name">{made.math(Name(made.notation.learning_rate))}</span>'
    rate = f'<li data-rate>{eta} <span class="field">{made.options.learning_rate:g}</span></li>'
    times = "".join(
        f'<button type="button" data-apply="{count}">{made.say("apply many", count=count)}</button>' for count in (10, 100)
    )
    return (
        f'<section class="given"><h2>{made.say("try values")}</h2>\n'
        f'<p class="lead" hidden>{made.say("values lead")}</p>\n{groups}\n'
        f'<h3>{made.say("learning")}</h3>\n<ul class="values"><li class="label">{made.say("rate")}</li>{rate}</ul>\n'
        f'<div class="learning" hidden><button type="button" data-apply="1">{made.say("apply")}</button>{times}'
        f'<button type="button" data-reset>{made.say("start over")}</button>'
        '<p class="learned" role="status" aria-live="polite"></p><div class="curve"></div></div>\n</section>'
    )


def _group(role: Role, key: str, made: Material) -> str:
    names = [node.name for node in made.derivation.network.of_role(role) if node.name in made.given]
    if not names:
        return ""
    return f'<h3>{made.say(key)}</h3>\n<ul class="values">{"".join(_values_of(names, made))}</ul>'


def _values_of(names: list[str], made: Material) -> Iterator[str]:
    for name in names:
        gradient = ""
        if name in made.derivation.wrt and name in made.derivation.adjoints:
            place = made.quantities.place(made.derivation.adjoints[name].symbol)
            gradient = f'<span class="gradient" data-of="{escape(name)}">∂: <b data-v="{place}"></b></span>'
        yield (
            f'<li data-name="{escape(name)}"><span class="name">{made.math(Name(name))}</span> '
            f'<span class="field">{made.given[name]:.12g}</span>{gradient}</li>'
        )


def nudge(made: Material) -> str:
    """Return the experiment that compares a real change of the loss with what the derivative predicts."""
    loss = made.math(Name(made.derivation.loss))
    rows_of = "".join(
        f'<tr><th scope="row">{made.say(key, **gaps)}</th><td data-nudge="{part}"></td></tr>'
        for part, key, gaps in (
            ("loss", "nudge loss", {"loss": loss}),
            ("predicted", "nudge predicted", {}),
            ("apart", "nudge apart", {}),
        )
    )
    return (
        f'<section class="nudge" hidden><h2>{made.say("nudge")}</h2>\n<p>{made.say("nudge lead", loss=loss)}</p>\n'
        f'<p class="choice"><label>{made.say("nudge which")} <select data-nudge="name"></select></label> '
        f'<label>{made.say("nudge by")} <input data-nudge="by" inputmode="decimal" value="0.001" size="8"></label></p>\n'
        f'<p class="locked" hidden></p><table aria-live="polite"><tbody>{rows_of}</tbody></table>\n</section>'
    )
