"""What a file of code is by its text alone: a notebook, one without a network, and which functions are loss and gradient."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from symbackprop.errors import UserError
from symbackprop.files import decoded

#: What a loss and its handwritten gradient are called where a file holds both.
LOSSES = frozenset({"loss", "cost", "objective", "loss_function", "cost_function", "verlust", "perte", "perdida"})
LOSS_WORDS = LOSSES | {"mse", "error", "entropy", "nll", "bce"}
GRADIENTS = frozenset({"gradients", "gradient", "grads", "grad", "backward", "backprop", "backpropagation", "gradiente"})

FORWARDS = frozenset({"forward", "feedforward", "fprop"})


def refuse_notebook(place: str) -> None:
    """Raise UserError for code that is in a notebook: it is checked there, or written to a file."""
    file = place if place.endswith(".ipynb") else place.rpartition(":")[0]
    if file.endswith(".ipynb") and Path(file).is_file():
        raise UserError(
            f"{file} is a notebook: check its cells in it with `%load_ext symbackprop` and `%%check loss`; or write them "
            f"to a file, jupyter nbconvert --to python {file}, and name that"
        )


def is_own_code(network: str) -> bool:
    """Whether NETWORK is a plain Python file that holds both passes: no network is defined in it, nothing lies beside it."""
    file = Path(network.rpartition(":")[0] if ".py:" in network else network)
    if file.suffix != ".py" or not file.is_file():
        return False
    text = file.read_text(encoding="utf-8", errors="replace")
    return ".py:" in network or "symbackprop" not in text or not (_NAMED.search(text) or _MADE.search(text))


_NAMED = re.compile(r"^network\b", re.MULTILINE)
_MADE = re.compile(r"^[^\W\d][\w, ]*=\s*(\w+\.)*(Network|scalar_mlp)\s*[.(]", re.MULTILINE)  # others have a class of that name


def has_own_loss(file: Path) -> bool:
    """Whether a file defines a function `loss`, and no `network`."""
    return is_own_code(str(file)) and "loss" in _top_level(file)


def loss_and_gradient(place: str) -> tuple[str, str] | None:
    """Return the loss and the gradient of a file that has one of each by its names; by the usual ones beside passes."""
    defined = _top_level(Path(place))
    if "example" not in defined and _has_passes(defined):
        return None  # its passes are what is checked
    losses, gradients = _usual(defined) if _has_passes(defined) else _likely(defined)
    if len(losses) != 1 or len(gradients) != 1:
        return None
    return f"{place}:{losses[0]}", f"{place}:{gradients[0]}"


def _has_passes(names: list[str]) -> bool:
    """Whether a file holds classes, or functions that are called like a forward pass."""
    return "class" in names or any(_words(name) & FORWARDS for name in names)


def _usual(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the names that losses usually have, and those of gradients."""
    return [name for name in names if name in LOSSES], [name for name in names if name in GRADIENTS]


def _likely(names: list[str]) -> tuple[list[str], list[str]]:
    """Return the names that losses and gradients usually have, or else those with such a word: `compute_cost`, `mse_grad`."""
    losses, gradients = _usual(names)
    gradients = gradients or [name for name in names if _words(name) & GRADIENTS]
    return losses or [name for name in names if _words(name) & LOSS_WORDS and name not in gradients], gradients


def _words(name: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _top_level(file: Path) -> list[str]:
    """Return what a file's text defines outside of functions, `class` for each class; nothing of what is no readable Python."""
    try:
        body = ast.parse(decoded(file.read_bytes())).body if file.suffix == ".py" else []
    except (OSError, ValueError, SyntaxError):
        return []  # said where the file is run
    return [name for statement in body for name in _defined_by(statement)]


def _defined_by(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef):
        return [statement.name]
    if isinstance(statement, ast.ClassDef):
        return ["class"]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
