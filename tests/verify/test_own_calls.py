"""Files that hold no `example`, but call what is checked: with steps, lists of neurons, lists of pairs; right code and wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from symbackprop.cli import cli

STEP = """
import numpy as np
def cost(w, b, x, y, keep, rate_of_decay):
    margin = y * (x @ w + b) * keep
    return np.mean(np.maximum(0, 1 - margin)) + rate_of_decay * np.sum(w ** 2)
def step(w, b, x, y, keep, rate_of_decay, lr):
    margin = y * (x @ w + b) * keep
    d = np.where(margin < 1, -y * keep, 0.0) / len(y)
    gw = x.T @ d + 2 * rate_of_decay * w
    gb = d.sum()
    return w - lr * gw, b - lr * gb
if __name__ == "__main__":
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 3)), np.array([1, -1, 1, 1, -1, -1])  # as many of both: the step of b is 0 at first
    w, b = rng.normal(size=3), 0.0
    for turn in range(3):
        w, b = step(w, b, x, y, 0.8, 0.01, 0.1)
        print(cost(w, b, x, y, 0.8, 0.01))
"""

NEURONS = """
from math import tanh
def run(net, row):
    for layer in net:
        out = []
        for neuron in layer:
            neuron["out"] = tanh(neuron["w"][-1] + sum(a * c for a, c in zip(neuron["w"], row)))
            out.append(neuron["out"])
        row = out
    return row
def error(net, row, goal):
    return sum((a - c) ** 2 for a, c in zip(run(net, row), goal))
def slopes(net, row, goal):
    out = run(net, row)
    for k, neuron in enumerate(net[1]):
        neuron["delta"] = 2 * (out[k] - goal[k]) * (1 - out[k] ** 2)
    for k, neuron in enumerate(net[0]):
        back = sum(after["w"][k] * after["delta"] for after in net[1])
        neuron["delta"] = back * (1 - neuron["out"] ** 2)
    found = []
    for depth, layer in enumerate(net):
        came = row if depth == 0 else [n["out"] for n in net[0]]
        found.append([[n["delta"] * c for c in came] + [n["delta"]] for n in layer])
    return found
net = [[{"w": [0.3, -0.2, 0.1]}, {"w": [0.5, 0.4, -0.3]}], [{"w": [0.2, -0.6, 0.4]}, {"w": [0.7, 0.1, -0.2]}]]
for turn in range(4):
    for row, goal in [([1.0, 2.0], [0.5, -0.5])]:
        for layer, grads in zip(net, slopes(net, row, goal)):
            for neuron, g in zip(layer, grads):
                neuron["w"] = [a - 0.1 * c for a, c in zip(neuron["w"], g)]
print(error(net, [1.0, 2.0], [0.5, -0.5]))
"""

PAIRS = """
import numpy as np
def loss(p, groups, sharp):
    total = 0.0
    for x, rank in groups:
        s = np.tanh(x @ p["W1"]) @ p["w2"]
        for i in range(len(rank)):
            for j in range(len(rank)):
                if rank[i] > rank[j]:
                    total += np.log(1 + np.exp(-sharp * (s[i] - s[j])))
    return total
def grads(p, groups, sharp):
    g = {k: np.zeros_like(v) for k, v in p.items()}
    for x, rank in groups:
        h = np.tanh(x @ p["W1"])
        s = h @ p["w2"]
        ds = np.zeros(len(rank))
        for i in range(len(rank)):
            for j in range(len(rank)):
                if rank[i] > rank[j]:
                    c = -sharp / (1 + np.exp(sharp * (s[i] - s[j])))
                    ds[i] += c
                    ds[j] -= c
        g["w2"] += h.T @ ds
        g["W1"] += x.T @ (np.outer(ds, p["w2"]) * (1 - h ** 2))
    return g
if __name__ == "__main__":
    rs = np.random.RandomState(0)
    p = {"W1": rs.randn(3, 4), "w2": rs.randn(4)}
    groups = [(rs.randn(4, 3), np.array([2, 0, 1, 0])), (rs.randn(3, 3), np.array([0, 1, 1]))]
    for turn in range(3):
        g = grads(p, groups, 1.5)
        for k in p:
            p[k] -= 0.1 * g[k]
    print(loss(p, groups, 1.5))
"""

BILINEAR = """
import numpy as np
def cout(modele, gauche, droite, cible):
    U, c = modele["U"], modele["c"]
    return np.mean((np.einsum("ni,ij,nj->n", gauche, U, droite) + c - cible) ** 2)
def pas(modele, gauche, droite, cible, taux=0.1):
    U, c = modele["U"], modele["c"]
    e = 2 * (np.einsum("ni,ij,nj->n", gauche, U, droite) + c - cible) / len(cible)
    modele["U"] = U - taux * np.einsum("n,ni,nj->ij", e, gauche, droite)
    modele["c"] = c - taux * e.sum()
    return modele
if __name__ == "__main__":
    rng = np.random.default_rng(0)
    data = rng.normal(size=(5, 3)), rng.normal(size=(5, 4)), rng.normal(size=5)
    modele = {"U": rng.normal(size=(3, 4)), "c": 0.1}
    for tour in range(3):
        modele = pas(modele, *data)
        print(cout(modele, *data))
"""

FILES = {
    "weights together, of which one is called like none": (BILINEAR, "cout", "pas", ("c - taux", "c + taux")),
    "step": (STEP, "cost", "step", ("gb = d.sum()", "gb = d.mean()")),
    "step without what one of its arguments does": (STEP, "cost", "step", ("2 * rate_of_decay", "rate_of_decay")),
    "lists of neurons": (NEURONS, "error", "slopes", ("for after in net[1])", "for after in net[1][:1])")),
    "list of pairs": (PAIRS, "loss", "grads", ("ds[j] -= c", "ds[j] += c")),
}


def test_all_weights_that_are_kept_together_are_asked_for(tmp_path: Path) -> None:
    """A number among them that is called like nothing is not left out: `c` of a model of `U` and `c`; the data are not asked."""
    file = tmp_path / "model.py"
    file.write_text(BILINEAR.replace('    modele["c"] = c - taux * e.sum()\n', ""), encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", f"{file}:cout", f"{file}:pas", "--json"])
    found = {verdict["name"]: verdict["status"] for verdict in json.loads(result.stdout)["verdicts"]}
    assert (result.exit_code, found) == (1, {"U": "proved", "c": "differs"})


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_files_own_call_is_the_example(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text, loss, hand, (old, new) = FILES[name]
    assert text.count(old) == 1
    for code, expected in ((text, 0), (text.replace(old, new), 1)):
        file = tmp_path / f"own_{expected}.py"
        file.write_text(code, encoding="utf-8")
        result = CliRunner().invoke(cli, ["check", f"{file}:{loss}", f"{file}:{hand}", "--timeout", "100"])
        assert result.exit_code == expected, result.output
        assert ("differs" in result.output) == bool(expected)
        assert ("what it calls both with" in capfd.readouterr().err) == (bool(expected) or "step" not in name)


def test_a_whole_training_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "long.py"
    lines = "import numpy as np\ndef loss(w, x, y):\n    return np.mean((x @ w - y) ** 2)\n"
    file.write_text(
        f"{lines}k = 0\nif __name__ == '__main__':\n    while True:\n        k += 1\n    loss(1, 2, 3)\n", encoding="utf-8"
    )
    result = CliRunner().invoke(cli, ["derive", f"{file}:loss"])
    assert result.exit_code == 0, result.output
    assert "taken: --shapes" in result.stderr


@pytest.mark.parametrize(("text", "loss", "shown"), [(STEP, "cost", "∂loss/∂w[i]"), (PAIRS, "loss", "∂total/∂w2[")])
def test_a_derivation_takes_what_the_file_calls_its_loss_with(text: str, loss: str, shown: str, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["derive", f"{file}:{loss}"])
    assert result.exit_code == 0, result.output
    assert f"taken: what it calls {loss} with" in result.stderr
    assert shown in result.stdout
