"""What all tests share: hypothesis without a clock, golden files, and loading of the derivations' files."""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# Without a deadline: on a busy machine the time of a test says nothing about the code.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_collection_finish() -> None:
    """Leave what was made while collecting out of the collections of garbage that follow: they took an eighth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes the golden files anew."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing with them")


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def derivation_file() -> Callable[[str, str], ModuleType]:
    """Return a function that runs `derivations/<name>/<file>.py` and returns the module (each file once)."""
    loaded: dict[tuple[str, str], ModuleType] = {}

    def load(name: str, file: str) -> ModuleType:
        if (name, file) not in loaded:
            path = ROOT / "derivations" / name / f"{file}.py"
            spec = importlib.util.spec_from_file_location(f"derivation_{name}_{file}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            loaded[name, file] = module
        return loaded[name, file]

    return load
