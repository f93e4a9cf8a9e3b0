"""A class of a hundred, made by a program: right work in twelve styles, wrong work in ten ways, and work that misbehaves.

Each submission knows what is true of it, since it was made so: its state, and which gradients are wrong.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NETWORK = """
from symbackprop import Network, sigmoid
network = Network("one hidden unit")
x = network.input("x", value=2.0)
w1, b1, w2 = network.parameters("w1 b1 w2", values=(0.5, 0.25, -1.5))
t = network.target("t", value=1.0)
net = network.define("net", w1 * x + b1)
h = network.define("h", sigmoid(net))
y = network.define("y", w2 * h)
loss = network.define("E", (t - y) ** 2 / 2)
"""
NAMES = ("w1", "b1", "w2")
ARGUMENTS = "x, w1, b1, w2, t"


@dataclass(frozen=True, slots=True)
class Work:
    """One submission: the file's name and text, the state that is true of it, and which gradients are wrong."""

    file: str
    text: str
    state: str
    wrong: tuple[str, ...] = ()

    @property
    def student(self) -> str:
        """As the file says it."""
        return self.file.rpartition(".")[0]


STYLES = {
    "dictionary": """
import numpy as np
def gradients(x, w1, b1, w2, t):
    A = 1 / (1 + np.exp(-(w1 * x + b1)))
    D = w2 * A - t
    C = D * w2 * A * (1 - A)
    return {"w1": C * x, "b1": C, "w2": D * A}
""",
    "tuple": """
from math import exp
def gradients(x, w1, b1, w2, t):
    A = 1.0 / (1.0 + exp(-w1 * x - b1))
    D = A * w2 - t
    return D * w2 * A * (1 - A) * x, D * w2 * A * (1 - A), D * A
""",
    "names of derivatives": """
import numpy
def gradients(x, w1, b1, w2, t):
    A = 1 / (1 + numpy.exp(-(x * w1 + b1)))
    dE_dy = -(t - w2 * A)
    dE_dh = dE_dy * w2
    dE_dnet = dE_dh * A * (1 - A)
    dE_dw1 = dE_dnet * x
    dE_db1 = dE_dnet
    dE_dw2 = dE_dy * A
    return dE_dw1, dE_db1, dE_dw2
""",
    "helpers": """
import numpy as np
def sigmoid(A):
    return 1 / (1 + np.exp(-A))
def slope(A):
    return sigmoid(A) * (1 - sigmoid(A))
def gradients(x, w1, b1, w2, t):
    A = w1 * x + b1
    D = w2 * sigmoid(A) - t
    return dict(w1=D * w2 * slope(A) * x, b1=D * w2 * slope(A), w2=D * sigmoid(A))
""",
    "loss as well": """
import numpy as np
def gradients(x, w1, b1, w2, t):
    A = np.tanh((w1 * x + b1) / 2) / 2 + 0.5
    D = w2 * A - t
    loss = 0.5 * D ** 2
    return loss, {"w1": D * w2 * A * (1 - A) * x, "b1": D * w2 * A * (1 - A), "w2": D * A}
""",
    "loop": """
import math
def gradients(x, w1, b1, w2, t):
    A = 1 / (1 + math.exp(-w1 * x - b1))
    D = w2 * A - t
    found = {}
    for name, factor in (("w1", w2 * A * (1 - A) * x), ("b1", w2 * A * (1 - A)), ("w2", A)):
        found[name] = D * factor
    return found
""",
    "expanded": """
import numpy as np
def gradients(x, w1, b1, w2, t):
    A = np.exp(-w1 * x - b1)
    D = w2 / (1 + A) - t
    return {"w1": D * w2 * x * A / (1 + A) ** 2, "b1": D * w2 * A / (1 + A) ** 2, "w2": D / (1 + A)}
""",
    "inner function": '''
import numpy as np
def gradients(x, w1, b1, w2, t):
    """The chain rule, from the loss to the weights."""
    def forward():
        A = 1 / (1 + np.exp(-(w1 * x + b1)))
        return A, w2 * A
    A, C = forward()
    def backward(D):
        return {"w2": D * A, "b1": D * w2 * (A - A * A), "w1": D * w2 * (A - A * A) * x}
    return backward(C - t)
''',
    "keys with d": """
import numpy as np
def gradients(x, w1, b1, w2, t):
    A = np.reciprocal(1 + np.exp(-np.add(np.multiply(w1, x), b1)))
    D = np.subtract(np.multiply(w2, A), t)
    C = np.prod([D, w2, A, 1 - A])
    return {"dw1": np.multiply(C, x), "db1": C, "dw2": np.multiply(D, A)}
""",
    "annotated": '''
from __future__ import annotations
import numpy as np
def gradients(x: float, w1: float, b1: float, w2: float, t: float) -> dict[str, float]:
    """Return the gradients."""
    A: float = 1 / (1 + np.exp(-(w1 * x + b1)))
    D: float = w2 * A - t
    C: float = (1 - A) * A * w2 * D
    result: dict[str, float] = {"w1": x * C, "b1": C}
    result["w2"] = A * D
    return result
''',
    "two branches": """
import numpy as np
def stable(C):
    if C >= 0:
        return 1 / (1 + np.exp(-C))
    return np.exp(C) / (1 + np.exp(C))
def gradients(x, w1, b1, w2, t):
    A = stable(w1 * x + b1)
    D = w2 * A - t
    return {"w1": D * w2 * A * (1 - A) * x, "b1": D * w2 * A * (1 - A), "w2": D * A}
""",
    "class": """
import numpy as np
class Net:
    def __init__(self, w1, b1, w2):
        self.w1, self.b1, self.w2 = w1, b1, w2
    def forward(self, x):
        self.A = 1 / (1 + np.exp(-(self.w1 * x + self.b1)))
        return self.w2 * self.A
    def backward(self, x, D):
        C = D * self.w2 * self.A * (1 - self.A)
        return {"w1": C * x, "b1": C, "w2": D * self.A}
def gradients(x, w1, b1, w2, t):
    net = Net(w1, b1, w2)
    return net.backward(x, net.forward(x) - t)
""",
}
"""Right work; A, C and D stand for names that differ from student to student."""

WAYS = {
    "sign": ("D = w2 * A - t", "D = t - w2 * A", NAMES),
    "no slope": ("C = D * w2 * A * (1 - A)", "C = D * w2", ("w1", "b1")),
    "slope of the output": ("C = D * w2 * A * (1 - A)", "C = D * w2 * (w2 * A) * (1 - w2 * A)", ("w1", "b1")),
    "no weight": ("C = D * w2 * A * (1 - A)", "C = D * A * (1 - A)", ("w1", "b1")),
    "doubled": ('"w2": D * A', '"w2": 2 * D * A', ("w2",)),
    "no input": ('"w1": C * x', '"w1": C', ("w1",)),
    "bias fed the input": ('"b1": C,', '"b1": C * x,', ("b1",)),
    "tanh for sigmoid": ("A * (1 - A)", "(1 - A ** 2)", ("w1", "b1")),
    "of the net": ('"w2": D * A', '"w2": D * (w1 * x + b1)', ("w2",)),
    "bias forgotten": ("-(w1 * x + b1)", "-(w1 * x)", NAMES),
}
"""(what stands in the style "dictionary", what is written instead, the gradients that are wrong then)."""

HANGS = (
    f"def gradients({ARGUMENTS}):\n    while True:\n        pass\n",
    f"import time\ndef gradients({ARGUMENTS}):\n    time.sleep(10_000)\n",
    f"import time\ntime.sleep(10_000)\ndef gradients({ARGUMENTS}):\n    return 0, 0, 0\n",
    f"import itertools\ndef gradients({ARGUMENTS}):\n    return sum(0 * n for n in itertools.count()), 0, 0\n",
    f"import threading\ndef gradients({ARGUMENTS}):\n    threading.Event().wait()\n",
)
CRASHES = (
    f"import os\ndef gradients({ARGUMENTS}):\n    os._exit(0)\n",
    f"import os, signal\ndef gradients({ARGUMENTS}):\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
    f"import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\ndef gradients({ARGUMENTS}):\n    return 0, 0, 0\n",
    f"import sys\nsys.exit(0)\ndef gradients({ARGUMENTS}):\n    return 0, 0, 0\n",
)
RIGHT = STYLES["dictionary"].replace("def gradients", "def right")
CHEATS = (
    f"{RIGHT}CALLS = []\ndef gradients({ARGUMENTS}):\n    CALLS.append(1)\n    found = right({ARGUMENTS})\n"
    '    return found if len(CALLS) <= 3 else {**found, "w1": 2 * found["w1"]}\n',
    f"import sys\n{RIGHT}def gradients({ARGUMENTS}):\n    frame = sys._getframe()\n    while frame:\n"
    "        for value in list(frame.f_locals.values()):\n"
    '            if type(value).__name__ == "Derivation":\n'
    "                return value.function()(x=float(x), w1=float(w1), b1=float(b1), w2=float(w2), t=float(t))[1]\n"
    "        frame = frame.f_back\n"
    f'    found = right({ARGUMENTS})\n    return {{**found, "w1": 2 * found["w1"]}}\n',
)


def renamed(text: str, rng: random.Random) -> str:
    """Return a text with names of a student's own."""
    pool = rng.sample(["a1", "hidden", "act", "out1", "tmp", "err", "delta", "diff", "s", "q", "val", "rest"], 3)
    words = []
    for word in text.replace("(", "( ").split(" "):
        words.append(word)
    joined = " ".join(words).replace("( ", "(")
    for letter, name in zip("ACD", pool, strict=True):
        joined = "".join(_replaced(joined, letter, name))
    return joined


def _replaced(text: str, letter: str, name: str) -> Iterator[str]:
    """Yield the text with a letter that stands alone replaced."""
    for at, found in enumerate(text):
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        alone = found == letter and not (before.isalnum() or before in "_'\"") and not (after.isalnum() or after in "_'\"")
        yield name if alone else found


def notebook(*cells: str) -> str:
    """Return a notebook with these code cells between texts."""
    made = [{"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}, "outputs": []} for cell in cells]
    text = {"cell_type": "markdown", "source": ["# Homework\n"], "metadata": {}}
    return json.dumps({"cells": [text, *made], "nbformat": 4, "nbformat_minor": 5, "metadata": {}})


def generated(seed: int = 0) -> list[Work]:
    """Return the hundred."""
    rng = random.Random(seed)
    made = [Work(f"right{n:02}.py", renamed(list(STYLES.values())[n % len(STYLES)], rng), "right") for n in range(60)]
    for n in range(25):
        old, new, names = list(WAYS.values())[n % len(WAYS)]
        assert STYLES["dictionary"].count(old) == 1
        made.append(Work(f"wrong{n:02}.py", renamed(STYLES["dictionary"].replace(old, new), rng), "wrong", names))
    made += [Work(f"hang{n}.py", text, "no verdict", NAMES) for n, text in enumerate(HANGS)]
    made += [Work(f"crash{n}.py", text, "no verdict", NAMES) for n, text in enumerate(CRASHES)]
    made += [Work("essay.py", "I could not do it, sorry: the chain rule is hard.\n", "no verdict", NAMES)]
    made += [Work("scan.pdf", "%PDF-1.4\n", "no verdict", NAMES)]
    plot = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
    import_cell, _, function = STYLES["dictionary"].strip().partition("\n")
    made.append(Work("book_right.ipynb", notebook(import_cell, plot, function, "while True: pass\n"), "right"))
    wrong = function.replace("D * A}", "D}")
    made.append(Work("book_wrong.ipynb", notebook(plot, import_cell, wrong, "gradients(1, 2, 3, 4)?\n"), "wrong", ("w2",)))
    made += [Work(f"cheat{n}.py", text, "wrong", ("w1",)) for n, text in enumerate(CHEATS)]
    return made


def written(folder: Path, works: list[Work]) -> Path:
    """Write network.py beside a folder of submissions; return the folder."""
    (folder / "network.py").write_text(NETWORK, encoding="utf-8")
    submissions = folder / "submissions"
    submissions.mkdir()
    for work in works:
        (submissions / work.file).write_text(work.text, encoding="utf-8")
    return submissions
