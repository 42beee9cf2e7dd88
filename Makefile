# Every target does its own set-up; what is set up is not set up again until a pin or a pyproject.toml changes.
VENV := .venv
PYTHON ?= python3.11
BIN := $(VENV)/bin
PLUGINS := $(sort $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml)))
CODE := conftest.py harness plugins tests benchmarks
STAMP := $(VENV)/.installed

.PHONY: demo test soak check setup format clean
.DEFAULT_GOAL := demo

demo: setup  ## run the quickstart and print its leaderboard
	$(BIN)/harness run specs/quickstart.yaml

JOBS ?= 2
test: setup  ## the whole test suite, of the core and of every plugin, in JOBS processes; fewer tests than there are is no success
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --at-least 1000

SECONDS ?= 300
soak: setup  ## inject faults into a run for SECONDS, and compare its leaderboard with an undisturbed one
	$(BIN)/python -m tests.soak $(SECONDS)

check: setup  ## lint and types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

format: setup  ## what check would have formatted
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	$(shell command -v $(PYTHON) || echo python3) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables setuptools
	PIP_CONSTRAINT= $(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e ".[dev]" $(addprefix -e ./,$(PLUGINS))
	touch $@

clean:
	rm -rf $(VENV) .harness runs .pytest_cache .mypy_cache .ruff_cache
