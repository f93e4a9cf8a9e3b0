"""What the script of a lesson works with: the program, printed from the derivation, and the data that goes with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from symbackprop.formula.tree.tree import Name
from symbackprop.numeric.javascript.source import Script, size_values
from symbackprop.writeup.lesson.drawing import edges
from symbackprop.writeup.lesson.material import Material
from symbackprop.writeup.lesson.mistakes import LessonMistake, forward_mistakes, mistakes
from symbackprop.writeup.lesson.quantities import RATE
from symbackprop.writeup.lesson.steps import FORWARD
from symbackprop.writeup.page.lesson_phrases import LESSON_PHRASES
from symbackprop.writeup.page.phrases import LANGUAGE_COLUMN

#: Phrases that stand in the page itself.
_PRINTED = frozenset(key for key in LESSON_PHRASES if key.startswith(("lesson", "legend", "values", "slide")))


def program(made: Material) -> str:
    """Return the program: `evaluate` and the lists of small functions of its values that the data refers to by number."""
    script = made.script
    evaluate = script.function()
    drawn = edges(made.derivation, made.backward)
    lists = (
        ("places", made.quantities.expressions),
        ("forward", [edge.forward for edge in drawn]),
        ("backward", [edge.backward for edge in drawn]),
        ("gradient", [edge.gradient for edge in drawn]),
        ("local", made.backward.uses.values()),
        ("wrong", _wrong(made)),
        ("without", [value for *_, value in forward_mistakes(made.derivation)]),
    )
    printed = "".join(f"{name}: [{_functions(script, expressions)}],\n" for name, expressions in lists)
    return f"const program = (function () {{\n{script.definitions()}\n{evaluate}\nreturn {{evaluate,\n{printed}}};\n}})();"


def _functions(script: Script, expressions: Iterable[Expr | None]) -> str:
    return ",\n".join("null" if each is None else f"(v) => {script.expression(each)}" for each in expressions)


def _wrong(made: Material) -> list[Expr]:
    """Return the wrong local derivatives, each once."""
    found = mistakes(made.derivation, made.backward)
    return list(dict.fromkeys(wrong for mistake in found for _, wrong in mistake.changes))


def data(made: Material) -> str:
    """Return the data of the page, as text that can stand in a script element."""
    found = {**_given_data(made), **_network_data(made), **_mistake_data(made)}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _given_data(made: Material) -> dict[str, Any]:
    """What is given, what is asked, and the words."""
    column = LANGUAGE_COLUMN[made.options.lang]
    return {
        "asks": made.asks,
        "rate": made.options.learning_rate,
        "rateName": RATE.name,
        "given": {name: np.asarray(value, dtype=float).tolist() for name, value in made.given.items()},
        "sizes": size_values(made.derivation.network, made.given),
        "steps": [[step.phase, step.name] for step in made.steps],
        "words": {key: texts[column] for key, texts in LESSON_PHRASES.items() if key not in _PRINTED},
    }


def _network_data(made: Material) -> dict[str, Any]:
    """The names of the network, how they look, and what uses what."""
    derivation = made.derivation
    nodes = derivation.network.nodes
    return {
        "loss": derivation.loss,
        "order": list(nodes),
        "names": {name: made.math(Name(name)) for name in nodes},
        "parents": {name: node.parents for name, node in nodes.items() if node.defined},
        "learned": made.learned,
        "defined": [step.name for step in made.steps if step.phase == FORWARD],
        "adjoints": {name: record.symbol.name for name, record in derivation.adjoints.items()},
        "edges": [
            {"id": edge.identifier, "source": edge.source, "target": edge.target, "weights": edge.weights}
            for edge in edges(derivation, made.backward)
        ],
    }


def _mistake_data(made: Material) -> dict[str, Any]:
    """The backward pass, and what usually goes wrong in it: each as kind, names, and uses with wrong slopes, by number."""
    derivation, backward = made.derivation, made.backward
    uses = {use: at for at, use in enumerate(backward.uses)}
    wrong = {expression: at for at, expression in enumerate(_wrong(made))}
    order = list(derivation.network.nodes)
    found = mistakes(derivation, backward)
    kinds = list(dict.fromkeys(mistake.kind for mistake in found))

    def by_number(mistake: LessonMistake) -> list[Any]:
        changes = [str(number) for use, value in mistake.changes for number in (uses[use], wrong[value])]
        return [kinds.index(mistake.kind), " ".join(str(order.index(name)) for name in mistake.names), " ".join(changes)]

    return {
        "uses": list(uses),
        "factors": [local.name if isinstance(local, Symbol) else None for local in backward.uses.values()],
        "columns": backward.columns,
        "kinds": kinds,
        "mistakes": [by_number(mistake) for mistake in found],
        "without": [[name, kind, about] for name, kind, about, _ in forward_mistakes(derivation)],
    }
