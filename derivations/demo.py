"""The demonstration that `make demo` runs: the source documents' networks derived, trained, checked.

Every stated number is compared with the one computed from the symbolic network, to the last digit that is stated.
LaTeX, numpy source and handouts are left under build/.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from symbackprop import check_gradient, derive, proofread, train
from symbackprop.api import Derivation
from symbackprop.formula.notation.notations import READY
from symbackprop.loading import Loaded, load_function, load_network
from symbackprop.proofreading.corrected import corrected
from symbackprop.writeup.make import handouts

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build"
DOCUMENTS = ("tanh_neuron", "perceptron", "linear_regression", "two_two_one", "two_three_two", "mlp_softmax")


@dataclass(frozen=True, slots=True)
class Number:
    """A number a document states (as it is printed there) and the one computed here."""

    what: str
    stated: str
    computed: float

    @property
    def reproduced(self) -> bool:
        """Whether the computed number is the stated one, to within one unit of the last digit stated."""
        unit = Decimal(1).scaleb(Decimal(self.stated).as_tuple().exponent)
        return abs(Decimal(float(self.computed)) - Decimal(self.stated)) <= unit


def numbered(what: str, stated: str, computed: object) -> list[Number]:
    """Pair a list of stated numbers with an array of computed ones, in order."""
    values = np.ravel(np.asarray(computed, dtype=float))
    words = stated.split()
    if len(words) != len(values):
        raise ValueError(f"{what}: {len(words)} numbers are stated, {len(values)} were computed")
    return [
        Number(f"{what} {at}" if len(words) > 1 else what, word, value)
        for at, (word, value) in enumerate(zip(words, values, strict=True))
    ]


def tanh_neuron(loaded: Loaded) -> list[Number]:
    """Start, the first four residuals, and the end after 104 updates of the loss that is really descended."""
    stated = derive(loaded.network, "loss").evaluate()
    actual = derive(loaded.network, "actual_loss")
    history = train(actual, lr=0.01, epochs=104, keep=True, progress=False)
    ends = [
        derive(loaded.network, "loss").evaluate(dict(parameters)) for parameters in (*history.trajectory[1:5], history.parameters)
    ]
    residuals = [end["f"] - 4.9517 for end in ends[:4]]
    end = ends[-1]
    return [
        *numbered("start", "0.9 0.7162978701990245 0.08048689845360957", [stated[name] for name in ("f", "o1", "loss")]),
        *numbered("residual", "-3.808598 -3.58008212 -3.3652771928 -3.1633605612", residuals),
        *numbered(
            "end",
            "0.8741999483654423 1.6483998967308846 0.7741999483654424 4.945199690192654 "
            "0.9998986877126328 1.0264179571575258e-08",
            [end[name] for name in ("w1", "w2", "b", "f", "o1", "loss")],
        ),
    ]


def perceptron(loaded: Loaded) -> list[Number]:
    """All five epochs: weights, bias, predictions, loss."""
    derivation = derive(loaded.network, loaded.loss)
    history = train(derivation, lr=0.9, epochs=20, stop=0.0, keep=True, progress=False)
    found = [derivation.evaluate(dict(parameters)) for parameters in history.trajectory]
    rows = [np.concatenate([np.ravel(at[name]) for name in ("w", "b", "y_pre", "loss")]) for at in found]
    stated = (
        "1 1 0  1 0 0 1  0.5      0.55 1 0  1 1 0 1  0.3875      0.325 0.775 -0.225  1 1 0 1  0.21875      "
        "0.1 0.55 -0.45  1 0 0 1  0.05      -0.35 0.55 -0.45  0 1 0 1  0"
    )
    return [*numbered("epochs", "4", history.epochs), *numbered("epoch value", stated, rows)]


def linear_regression(loaded: Loaded) -> list[Number]:
    """The true W and b, found from a seeded random start in minibatches of two."""
    generator = np.random.default_rng(0)
    z = generator.integers(0, 10, size=(500, 2)).astype(float)
    data = {"z": z, "y_true": z @ np.array([[3.0, 7, 4], [5, 2, 6]]) + np.array([2.0, 9, 3])}
    derivation = derive(loaded.network, loaded.loss)
    start = {"W": generator.standard_normal((2, 3)), "b": np.zeros(3)}
    history = train(
        derivation, data, lr=0.01, epochs=60, batch_size=2, order="shuffled", seed=0, stop=1e-15, initial=start, progress=False
    )
    return [
        *numbered("W", "3.00000 7.00000 4.00000 5.00000 2.00000 6.00000", history.parameters["W"]),
        *numbered("b", "2.00000 9.00000 3.00000", history.parameters["b"]),
        *numbered("loss", "0.000000000000001", history.loss),
    ]


def two_two_one(loaded: Loaded) -> list[Number]:
    """The case worked by hand, and training from a start that converges."""
    derivation = derive(loaded.network, loaded.loss)
    worked = derivation.evaluate()
    swapped = {"x1": 5.0, "x2": -2.0}
    data = {"x1": [-2, -5, -23, 30], "x2": [5, -2, -11, 8], "y_true": [1, 1, 0, 0]}
    generator = np.random.default_rng(CONVERGING_SEED)
    start = {name: generator.standard_normal() for name in derivation}
    history = train(derivation, data, lr=0.1, epochs=1000, batch_size=1, initial=start, progress=False)
    return [
        *numbered("forward", "0.9525741268224334 0.9525741268224334 0.8704730975500355 0.016777218458282606",
                  [worked[name] for name in ("h1", "h2", "y_pred", "L")]),
        *numbered("∂L/∂w1", "0.002639060955281471", derivation["w1"].value()),
        *numbered("∂L/∂w1 with the inputs swapped", "-0.006597652388203677", derivation["w1"].value(swapped)),
        *numbered("loss below 0.01 after 1000 epochs", "0.00", history.loss),
    ]  # fmt: skip


#: A standard-normal start from which the per-sample training of the 2-2-1 network converges (about half of them do).
CONVERGING_SEED = 0


def two_three_two(loaded: Loaded) -> list[Number]:
    """Forward values, the factors of w7 and w1, the twelve updated weights, and the unexplained second list."""
    derivation = derive(loaded.network, loaded.loss)
    values = derivation.evaluate()
    w7 = derivation.chain("E_total", "out_o1", "net_o1", "w7")
    paths = [derive(loaded.network, "E_o1")["out_h1"].value(), derive(loaded.network, "E_o2")["out_h1"].value()]
    weights = [f"w{k}" for k in range(1, 13)]

    def updated(**targets: float) -> list[float]:
        history = train(derivation, targets, lr=0.5, epochs=1, update=weights, progress=False)
        return [history.parameters[name] for name in weights]

    return [
        *numbered("h", "0.9129342275597286 0.9791636554813196 0.9952742873976046", [values[f"out_h{k}"] for k in (1, 2, 3)]),
        *numbered("o", "0.8910896614765176 0.9043299248500164", [values["out_o1"], values["out_o2"]]),
        *numbered("E", "0.3918291766685041", values["E_total"]),
        *numbered("w7 factor", "0.8810896614765176 0.09704887668618288 0.9129342275597286",
                  [derive(loaded.network, link.of)[link.by].value() for link in w7.factors]),
        *numbered("∂E/∂w7", "0.07806387550033887", derivation["w7"].value()),
        *numbered("∂E_o/∂out_h1", "0.03420350476244207 -0.003335375074384934", paths),
        *numbered("w1 factor", "0.07948532370965024 5", [derive(loaded.network, "out_h1")["net_h1"].value(), values["l1"]]),
        *numbered("updated", UPDATED, updated()),
        *numbered("updated, targets (0, 1)", UPDATED_TOWARDS_0_1, updated(target_o1=0.0, target_o2=1.0)),
    ]  # fmt: skip


UPDATED = (
    "0.0938660917985833 0.13773218359716657 0.19802721973428622 0.24605443946857242 0.2994533791079845 0.3489067582159689 "
    "0.3609680622498306 0.4533833089635062 0.4581364640581681 0.5536287533891512 0.5574476639638248 0.653688458944847"
)
UPDATED_TOWARDS_0_1 = (
    "0.09386631682087375 0.13773263364174748 0.1980267403252208 0.24605348065044158 0.2994531447534454 0.34890628950689084 "
    "0.3605250660434654 0.4537782320399227 0.4576613303938861 0.5540523264259203 0.556964712705892 0.6541190012244457"
)

NUMBERS: dict[str, Callable[[Loaded], list[Number]]] = {
    "tanh_neuron": tanh_neuron,
    "perceptron": perceptron,
    "linear_regression": linear_regression,
    "two_two_one": two_two_one,
    "two_three_two": two_three_two,
}

#: What is checked of each document: a loss, a hand gradient, and how the row is called.
CHECKS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "tanh_neuron": (("loss", "gradients", "stated loss"), ("actual_loss", "gradients", "½(f - 4.9517)²")),
    "two_two_one": (("L", "gradients", "as the text derives it"), ("L", "gradients_as_printed", "as the listing prints it")),
}


def main() -> int:
    """Derive, write out, check and reproduce every document; return 0 when all numbers are reproduced."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    table = Table(title="The source documents", show_lines=True)
    table.add_column("document", no_wrap=True)
    table.add_column("derived", no_wrap=True)
    table.add_column("hand gradient", ratio=1, overflow="fold")
    table.add_column("numbers", no_wrap=True)
    missed: list[str] = []
    for name in track(DOCUMENTS, description="deriving, training, checking", console=console, transient=True):
        loaded = load_network(str(HERE / name))
        derivation = derive(loaded.network, loaded.loss)
        write_out(name, derivation)
        numbers = NUMBERS[name](loaded) if name in NUMBERS else []
        missed += [f"{name}: {n.what}: stated {n.stated}, computed {n.computed!r}" for n in numbers if not n.reproduced]
        reproduced = f"{sum(n.reproduced for n in numbers)} of {len(numbers)}\nreproduced" if numbers else "none stated"
        table.add_row(name, parameters(derivation), escape(verdicts(name, loaded)), reproduced)
    console.print(table)
    for line in missed:
        console.print(line, style="red")
    for name in track(DOCUMENTS, description="proof-reading", console=console, transient=True):
        console.print(f"{name}/document.md: {write_corrected(name)}", highlight=False)
    for name in track(DOCUMENTS, description="handouts", console=console, transient=True):
        write_handouts(name)
    console.print(f"LaTeX, Markdown and numpy source of every derivation: {BUILD.relative_to(HERE.parent)}/<document>/")
    console.print(f"Corrected copies, and the texts with their verdicts: {BUILD.relative_to(HERE.parent)}/<document>/document.*")
    console.print(f"Handouts for teachers and students, and the key: {BUILD.relative_to(HERE.parent)}/handouts/")
    return 1 if missed else 0


def parameters(derivation: Derivation) -> str:
    """Return the parameters by name, with the number of weights they hold in the example."""
    values = derivation.network.values
    count = sum(np.size(values[name]) for name in derivation)
    names = list(derivation)
    shown = ", ".join(names) if len(names) < 6 else f"{names[0]} … {names[-1]}"
    return f"{shown}\n{count} numbers"


def verdicts(name: str, loaded: Loaded) -> str:
    """Return the verdict on the handwritten gradient: what is proved, what differs, why, and what mends it."""
    lines: list[str] = []
    for loss, function, title in CHECKS.get(name, ((loaded.loss, "gradients", ""),)):
        report = check_gradient(derive(loaded.network, loss), load_function(f"{HERE / name}/handwritten.py:{function}"))
        found: dict[str, list[str]] = {}
        for parameter in report:
            found.setdefault(report[parameter].status, []).append(parameter)
        told = "; ".join(f"{status}: {' '.join(names)}" for status, names in found.items())
        lines.append((f"{title}: " if title else "") + told)
        notes = [report[parameter].note for parameter in report if report[parameter].note]
        more = [
            *dict.fromkeys(notes),
            *(cause.text for cause in report.causes),
            *map(str, derive(loaded.network, loss).assumptions),
        ]
        more += [f"mend {repair.place}: {repair.before.strip()} → {repair.after.strip()}" for repair in report.repairs[:1]]
        more += [f"{location.place} {location.variable} {location.text}" for location in report.locations[:3] if report.ok]
        lines += [f"  {line}" for line in more]
    return "\n".join(lines)


def write_out(name: str, derivation: Derivation) -> None:
    """Write the derivation as LaTeX and Markdown and as numpy source to build/<name>/."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    blocks = {parameter: derivation[parameter].latex(steps="standard") for parameter in derivation}
    (folder / "gradients.tex").write_text(tex_page(derivation.network.title, blocks), encoding="utf-8")
    markdown = "\n\n".join(f"## {parameter}\n\n$$\n{block}\n$$" for parameter, block in blocks.items())
    (folder / "gradients.md").write_text(f"# {derivation.network.title}\n\n{markdown}\n", encoding="utf-8")
    (folder / "gradients.py").write_text(derivation.source(), encoding="utf-8")


def write_corrected(name: str) -> str:
    """Proof-read a document against its network; write the corrected copy and the annotated page; return the summary."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    loaded = load_network(str(HERE / name))
    notation = READY.get(name)
    report = proofread(HERE / name / "document.md", loaded.network, loss=loaded.loss, notation=notation)
    (folder / "document.corrected.md").write_text(corrected(report), encoding="utf-8")
    (folder / "document.html").write_text(report.to_html(), encoding="utf-8")
    return report.summary()


def write_handouts(name: str) -> None:
    """Write the teacher's page, the student's page and the key as HTML to build/handouts/."""
    loaded = load_network(str(HERE / name))
    derivation = derive(loaded.network, loaded.loss)
    for _ in handouts(derivation, BUILD / "handouts" / f"{name}.html", audiences=("teacher", "student", "key"), force=True):
        pass


def tex_page(title: str, blocks: dict[str, str]) -> str:
    """Return a LaTeX document with one display for each parameter."""
    displays = "\n".join(f"\\[\n{block}\n\\]" for block in blocks.values())
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n\\usepackage[margin=20mm]{geometry}\n\\begin{document}\n"
    return f"{head}\\section*{{{title}}}\n{displays}\n\\end{{document}}\n"


if __name__ == "__main__":
    sys.exit(main())
