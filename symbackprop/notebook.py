"""For notebooks: `%load_ext symbackprop`, and then a cell that is checked the moment it has run.

%%check loss values
def gradients(W, X):
    return {"W": 2 * X.T @ (X @ W)}

`loss` is a function or a derivation, `values` an example of its arguments; both are found where they are not named: a function
called like a loss, a dictionary `example`, or else values with which both run. Without a loss the cell holds both passes: a
class, or a forward and a backward function.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from symbackprop.derive.sweep.derivation import DerivationRecord
from symbackprop.errors import UserError, listed, nearest
from symbackprop.own_files import GRADIENTS, LOSSES
from symbackprop.verify.check import check_gradient, check_passes
from symbackprop.verify.passes.candidates import chosen, compared
from symbackprop.verify.passes.samples import sample_of_pair
from symbackprop.verify.report.report import Report

Names = Mapping[str, Any]
"""What a notebook has defined, by name."""


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook the magic command `%%check`; `%load_ext symbackprop` calls this."""

    def check(line: str, cell: str) -> Report | None:
        done = _run_as_this_cell(shell, f"\n{cell}")  # the line of the command counts, so that lines are those of the cell
        return check_cell(line, cell, shell.user_ns) if done.success else None

    shell.register_magic_function(check, "cell", "check")


def _run_as_this_cell(shell: Any, cell: str) -> Any:
    """Run a cell under the number that stands beside the one that asks for it; by itself it would have the next."""
    after = getattr(shell, "execution_count", 0)
    shell.execution_count = len(shell.user_ns.get("In", [])) - 1
    try:
        return shell.run_cell(cell)
    finally:
        shell.execution_count = after


def check_cell(line: str, cell: str, names: Names) -> Report:
    """Check what a cell, which has been run, defines. Raises UserError for a name that says nothing, and a cell without code."""
    loss, example = _said(line.split(), names)
    own = {name: names[name] for name in _defined(cell) if name in names}
    loss = _usual_loss(names) if loss is None else loss
    if loss is None or any(map(inspect.isclass, own.values())):
        return _check_passes(own, example)
    hand = _gradient({name: value for name, value in own.items() if value is not loss})
    return check_gradient(loss, hand) if isinstance(loss, DerivationRecord) else _check_pair(loss, hand, example)


def _usual_loss(names: Names) -> Any:
    """Return the notebook's function that is called like a loss, if there is one."""
    return next((names[name] for name in sorted(LOSSES) if callable(names.get(name))), None)


def _check_pair(loss: Callable[..., Any], hand: Callable[..., Any], example: Any) -> Report:
    """Check a gradient against a loss, at values of our own where there are none."""
    sample = sample_of_pair(loss, hand) if example is None else None
    if sample is None:
        return check_gradient(loss, hand, example=example)
    return check_gradient(loss, hand, example=sample.values, wrt=sample.asked or None, mapping=sample.results)


def _said(words: list[str], names: Names) -> tuple[Any, Any]:
    """Return the loss and the example that the line of the command names; by default no loss, and the notebook's `example`."""
    if len(words) > 2:
        raise UserError(f"%%check: expected LOSS and EXAMPLE, names of this notebook; got {' '.join(words)}")
    found = {word: _named(word, names) for word in words}
    losses = [value for value in found.values() if not isinstance(value, Mapping)]
    values = [value for value in (*found.values(), names.get("example")) if isinstance(value, Mapping)]
    return next(iter(losses), None), next(iter(values), None)


def _named(word: str, names: Names) -> Any:
    if word not in names:
        raise UserError(f"%%check: nothing is called {word} in this notebook.{nearest(word, names)}")
    value = names[word]
    if not (callable(value) or isinstance(value, Mapping | DerivationRecord)):
        raise UserError(f"%%check: {word}: expected a loss, a derivation or an example, got {type(value).__name__}")
    return value


def _defined(cell: str) -> list[str]:
    """Return the names of the functions and classes that a cell defines."""
    plain = "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in cell.splitlines())
    body = ast.parse(plain).body
    return [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def _gradient(functions: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """Return the function that is meant: the only one, the one with a usual name, or the last."""
    if not functions:
        raise UserError("%%check: the cell defines no function; expected one that returns gradients")
    usual = [name for name in functions if name in GRADIENTS]
    return functions[usual[-1] if usual else list(functions)[-1]]


def _check_passes(own: Names, example: Any) -> Report:
    module = ModuleType("__main__")
    for name, value in own.items():
        setattr(module, name, value)
    module.__name__ = next((value.__module__ for value in own.values()), "__main__")
    if not own:
        raise UserError(f"%%check: the cell defines nothing to check; expected a function or a class, got {listed(own)}")
    how = "as `example`, a dictionary, in a cell above"
    return check_passes(compared(chosen(module, "the cell", ""), example or {}, how))
