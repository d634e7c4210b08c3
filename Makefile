# Two commands for a newcomer: `make demo` and `make test`. Both set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.PHONY: demo test docs setup lint clean

demo: $(VENV)/ready-demo
	$(BIN)/mien demo --out demo

test: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# The guides and the reference as a site: build/site. Dead links and unreadable docstrings stop it.
docs: $(VENV)/ready-docs
	$(BIN)/python docs/build_site.py

setup: $(VENV)/ready-dev

# The CPU build of PyTorch is enough for everything here; set TORCH to choose another.
TORCH ?= torch==2.13.0

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready-demo: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable ".[demo]"
	touch $@

$(VENV)/ready-dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/ready-demo

$(VENV)/ready-docs: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

lint: $(VENV)/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) tests/js/node_modules demo build/site build/site-source
