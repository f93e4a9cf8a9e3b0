"""Code in the styles in which it is published, with no line for the check: right code holds, wrong code differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.loading import passes_in
from symbackprop.verify.check import check_passes

pytestmark = pytest.mark.slow

HEAD = "import numpy as np\n"
PIECES: dict[str, tuple[str, str, str]] = {
    "an accuracy beside the loss": (
        """
class Entropy:
    def __call__(self, scores, t, rated=True):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        self.grad = (p - t) / len(t)
        loss = -np.sum(t * np.log(p)) / len(t)
        if rated:
            return (p.argmax(axis=1) == t.argmax(axis=1)).mean(), loss
        return loss
    def gradient(self):
        return self.grad
""",
        "(p - t) / len(t)",
        "p - t",
    ),
    "data whose gradient is that of each sample's own cost": (
        """
def forward(X, params):
    A1 = np.tanh(params["W1"] @ X + params["b1"])
    return 1 / (1 + np.exp(-(params["W2"] @ A1 + params["b2"]))), {"X": X, "A1": A1, "params": params}
def compute_cost(A2, Y):
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]
def backward(A2, Y, cache):
    X, A1, params = cache["X"], cache["A1"], cache["params"]
    m = Y.shape[1]
    dZ2 = A2 - Y
    dA1 = params["W2"].T @ dZ2
    dZ1 = dA1 * (1 - A1**2)
    return {"dW2": dZ2 @ A1.T / m, "db2": dZ2.sum(axis=1, keepdims=True) / m, "dX": params["W1"].T @ dZ1,
            "dW1": dZ1 @ X.T / m, "db1": dZ1.sum(axis=1, keepdims=True) / m}
""",
        "dZ1 @ X.T / m",
        "dZ1 @ X.T",
    ),
}


def verdicts(folder: Path, code: str, name: str = "") -> set[str]:
    """Return every verdict on a file that is checked as it stands, `missing` for what has none."""
    file = folder / "written.py"
    file.write_text(HEAD + code, encoding="utf-8")
    report = check_passes(passes_in(f"{file}:{name}" if name else str(file), None), explain=False, repair=False)
    return {*(verdict.status.value for verdict in report.verdicts.values()), *(["missing"] if report.missing else [])}


@pytest.mark.parametrize("kind", PIECES)
def test_checked_as_it_stands(kind: str, tmp_path: Path) -> None:
    code, right, wrong = PIECES[kind]
    assert right in code
    assert verdicts(tmp_path, code) <= {"proved", "agrees"}
    assert "differs" in verdicts(tmp_path, code.replace(right, wrong))
