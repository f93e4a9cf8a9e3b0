# Everything from a fresh clone with python3 (3.11 or newer) and make: each target makes .venv and installs what it needs.
# A stamp file records what is installed, so a second run starts at once; a change of pyproject.toml installs again.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE  # the tests start hundreds of processes: each would compile the whole package again
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test test-all lint format bench docs dist pages clean distclean
.DELETE_ON_ERROR:

help:
	@echo "make demo      derive, train and check the source documents' networks; leaves LaTeX and numpy source in build/"
	@echo "make test      the fast tests              make test-all   all tests, slow ones too"
	@echo "make lint      ruff and mypy --strict      make format     let ruff format the sources"
	@echo "make bench     timings side by side with sympy, numpy by hand, autograd, jax, scipy and torch, which it installs"
	@echo "               (the extra 'bench', 1.3 GB and more: see docs/dependencies.md)"
	@echo "make docs      the documentation site, in build/site   make dist     wheel and sdist, in dist/"
	@echo "make pages     every example of README and docs, from the built wheel, in empty folders"
	@echo "make clean     remove what was built       make distclean  remove .venv too"

demo: $(VENV)/.installed-run
	$(BIN)/python derivations/demo.py

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -n 2 -m "not slow"

test-all: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -n 3 --durations=30 --durations-min=4

lint: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(VENV)/.installed-dev
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

dist: $(VENV)/.installed-dev
	rm -rf dist
	$(BIN)/python -m build --quiet --outdir dist .
	$(BIN)/python -m twine check --strict dist/*

# A reader's machine: a virtual environment of READER's Python with the wheel in it, and nothing of this folder.
# WITH names versions ("numpy==2.0.*"), PAGES some of the pages; BUILT=1 takes the wheel that is there.
READER ?= $(PYTHON)
VENV_OF_READER ?= build/reader
pages: $(if $(BUILT),,dist)
	rm -rf $(VENV_OF_READER)
	$(READER) -m venv $(VENV_OF_READER)
	$(VENV_OF_READER)/bin/python -m pip install --quiet --disable-pip-version-check "$$(ls dist/*.whl)[pdf,notebook]" $(WITH)
	$(BIN)/python -m tests.pages "$(CURDIR)/$(VENV_OF_READER)/bin/python" $(PAGES)

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another with: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed-run: pyproject.toml | $(VENV)/.made
	$(PIP) --editable '.'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.made
	$(PIP) --editable '.[dev,pdf,notebook]'
	@touch $@ $(VENV)/.installed-run

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/.made
	$(PIP) --editable '.[docs]'
	@touch $@ $(VENV)/.installed-run

$(VENV)/.installed-bench: pyproject.toml | $(VENV)/.made
	$(PIP) --editable '.[bench]'
	@touch $@ $(VENV)/.installed-run

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find symbackprop derivations tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
