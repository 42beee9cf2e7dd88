# Every target does its own set-up; what is set up is not set up again until a pin or a pyproject.toml changes.
# There are two: users get the core and the plugins, developers also what wraps other tools (EXTRA) and their own tools.
VENV := .venv
PYTHON ?= python3.11
BIN := $(VENV)/bin
PLUGINS := $(sort $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml)))
EXTRA := plugins/harness-quantus plugins/harness-ray
USED := $(filter-out $(EXTRA),$(PLUGINS))
CODE := conftest.py harness plugins tests benchmarks
PINS := constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
PIP := PIP_CONSTRAINT= $(BIN)/pip install --disable-pip-version-check -c constraints.txt
EDITABLE := --no-build-isolation

.PHONY: demo test soak check setup format clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.used  ## run the quickstart and print its leaderboard
	$(BIN)/harness run specs/quickstart.yaml

JOBS ?= 2
test: setup  ## the whole test suite, of the core and of every plugin, in JOBS processes; fewer tests than there are is no success
	@$(BIN)/python -m compileall -q harness $(wildcard plugins/*/harness_*)  # what tests start would else do it each, where bytecode is not kept
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

setup: $(VENV)/.installed  ## all that developers need

$(VENV)/.used: $(PINS)
	@echo "1/3 $(VENV)"
	@$(shell command -v $(PYTHON) || echo python3) -m venv $(VENV)
	@echo "2/3 what builds the packages"
	@$(PIP) --quiet hatchling editables setuptools
	@echo "3/3 the core, $(words $(USED)) plugins and what they need; PyTorch is most of it, once; pip shows what it downloads, and then unpacks it for minutes in silence"
	@$(PIP) $(EDITABLE) -e . $(addprefix -e ./,$(USED))
	@touch $@

$(VENV)/.installed: $(VENV)/.used
	@echo "the tools of developers, and the plugins $(notdir $(EXTRA))"
	@$(PIP) $(EDITABLE) -e ".[dev]" $(addprefix -e ./,$(EXTRA))
	@touch $@

clean:
	rm -rf $(VENV) .harness runs .pytest_cache .mypy_cache .ruff_cache
