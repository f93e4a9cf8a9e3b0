"""Load what the user named on the command line: a network (folder or .py file), a function or value in a .py file, samples.

The user's own Python file is run because the user named it; nothing else is.
"""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symbackprop.errors import SymbackpropError, UserError, nearest
from symbackprop.network import Network


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network file: the network, the name of its loss, and the module it came from."""

    name: str
    path: Path
    network: Network
    loss: str
    module: ModuleType

    @property
    def handwritten(self) -> Path:
        """Where the handwritten code of a derivation folder lies."""
        return self.path.parent / "handwritten.py"


def load_network(place: str, loss: str | None = None) -> Loaded:
    """Load a folder with `network.py`, or a .py file that defines `network` and `loss`.

    Raises UserError when there is none, when it fails to run, or when a name is missing.
    """
    path = Path(place)
    file = path / "network.py" if path.is_dir() else path
    if path.is_dir() and not file.exists():
        raise UserError(f"{place}: no network.py in this folder; expected a folder with network.py, or a .py file")
    if not file.exists():
        raise UserError(f"{place}: no such network; expected a folder with network.py, or a .py file{_near(path)}")
    module = load_module(file)
    network = getattr(module, "network", None)
    if not isinstance(network, Network):
        raise UserError(f"{file}: expected a variable `network` of type Network, got {type(network).__name__}")
    chosen = loss if loss is not None else getattr(module, "loss", None)
    if chosen is None:
        raise UserError(f"{file}: expected a variable `loss`, the symbol of the loss node; or give --loss NAME")
    return Loaded(path.name if path.is_dir() else path.stem, file, network, network.node(chosen).name, module)


def load_module(file: Path) -> ModuleType:
    """Run a Python file as a module of its own. Raises UserError with the line when it fails."""
    if file.suffix == ".py" and not file.exists():
        raise UserError(f"{file}: no such file{_near(file)}")
    if file.suffix != ".py" or not file.is_file():
        raise UserError(f"{file}: expected a Python file (.py)")
    name = f"_loaded_{file.resolve().parent.name}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UserError(f"{file}: cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except SymbackpropError as error:
        raise UserError(f"{file}:{_line(error, file)}: {error}") from error
    except SyntaxError as error:
        raise UserError(f"{file}:{error.lineno}: not valid Python: {error.msg}") from error
    except Exception as error:
        raise UserError(f"{file}:{_line(error, file)}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    return module


def load_function(place: str, default: str | None = None) -> Callable[..., Any]:
    """Load `FILE:function` (or FILE with a default function name)."""
    text, colon, name = place.rpartition(":")
    if not colon:
        text, name = place, default or ""
    if not name or not text:
        raise UserError(f"{place}: expected FILE:function")
    module = load_module(Path(text))
    owner, _, method = name.rpartition(".")
    found = getattr(_instance(text, module, owner), method, None) if owner else getattr(module, name, None)
    if not callable(found) or isinstance(found, ModuleType):
        functions = [key for key, value in vars(module).items() if callable(value) and _own(key, value, module)]
        raise UserError(f"{text}: no function {name}; defined there: {', '.join(functions) or 'none'}.{nearest(name, functions)}")
    return found  # type: ignore[no-any-return]


def _own(key: str, value: Any, module: ModuleType) -> bool:
    """Whether a name of a module was made there, not imported."""
    return not key.startswith("_") and getattr(value, "__module__", module.__name__) == module.__name__


def _instance(file: str, module: ModuleType, name: str) -> Any:
    """Return the object that `FILE:object.method` speaks of; of a class, one made without arguments."""
    found = getattr(module, name, None)
    if not isinstance(found, type):
        return found
    try:
        return found()
    except TypeError as error:
        raise UserError(f"{file}: {name}() fails: {error}; write `net = {name}(…)` in the file and name net") from None


def load_value(place: str) -> Any:
    """Load `FILE:name`, a value defined in a Python file. Raises UserError when it is not there."""
    text, _, name = place.rpartition(":")
    module = load_module(Path(text))
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if _own(key, value, module) and not isinstance(value, ModuleType)]
        raise UserError(f"{text}: no variable {name}; defined there: {', '.join(names)[:120]}.{nearest(name, names)}")
    return getattr(module, name)


def read_samples(path: Path) -> dict[str, Any]:
    """Read samples from a .csv with a header of names, or a .npz with one array per name.

    Raises UserError naming the file and line.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    if path.suffix != ".csv":
        raise UserError(f"{path}: expected .csv or .npz, got {path.suffix or 'no ending'}")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if len(rows) < 2:
        raise UserError(f"{path}: expected a header line of names and at least one line of numbers")
    header = [name.strip() for name in rows[0]]
    columns: dict[str, list[float]] = {name: [] for name in header}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise UserError(f"{path}:{number}: expected {len(header)} numbers, got {len(row)}")
        for name, cell in zip(header, row, strict=True):
            try:
                columns[name].append(float(cell))
            except ValueError:
                raise UserError(f"{path}:{number}: expected a number for {name}, got {cell!r}") from None
    return {name: np.array(values) for name, values in columns.items()}


def _line(error: BaseException, file: Path) -> int:
    line = 0
    traceback = error.__traceback__
    while traceback is not None:
        if Path(traceback.tb_frame.f_code.co_filename).resolve() == file.resolve():
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _near(path: Path) -> str:
    parent = path.parent
    found = nearest(path.name, [entry.name for entry in parent.iterdir()]) if parent.is_dir() else ""
    return f".{found}" if found else ""
