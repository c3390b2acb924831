# `make run` opens the app, `make test` runs everything that must pass, `make quick` what takes a minute of it.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Each process takes a core; `make test PROCESSES=1` is for looking closely.
PROCESSES ?= 2
FLOOR := 90
# Else each process, and each that a test starts, compiles every module and rewrites every test's assertions anew.
unexport PYTHONDONTWRITEBYTECODE
PYTEST := $(BIN)/python -m pytest --numprocesses $(PROCESSES)

.PHONY: run test quick coverage check weights browser clean docs

run: $(VENV)/app.stamp
	@exec $(BIN)/blender-ui serve

test: $(VENV)/test.stamp browser
	@$(BIN)/python -m blender_ui.weights fetch --default
	@$(PYTEST)

quick: $(VENV)/test.stamp
	@$(PYTEST) -m "not browser and not slow and not postgresql"

# Half as long again as `make quick`, so that it stands by itself. The floor is what was measured, rounded down.
coverage: $(VENV)/test.stamp
	@$(PYTEST) -m "not browser and not slow and not postgresql" --cov --cov-report=term --cov-fail-under=$(FLOOR)

check: $(VENV)/test.stamp
	@echo "ruff";    $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "mypy";    $(BIN)/mypy
	@echo "layers";  $(BIN)/lint-imports

weights: $(VENV)/app.stamp
	@$(BIN)/python -m blender_ui.weights fetch --default

# Chromium and its fonts come from the system; as root on Debian they are installed.
browser:
	@.ci/browser

$(VENV)/python.stamp:
	@echo "Python environment in $(VENV)"
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 was not found; install it, or say where it is: make run PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "The environment could not be made; Debian's package python3.11-venv has what is needed" >&2; exit 1; }
	@touch $@

$(VENV)/app.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	@echo "Packages, as pinned in constraints.txt (about two minutes the first time)"
	@$(PIP_INSTALL) torch==2.13.0 && $(PIP_INSTALL) --editable . || { echo "Packages could not be installed; see pip's message above, then run make again" >&2; exit 1; }
	@touch $@

$(VENV)/test.stamp: $(VENV)/app.stamp
	@echo "Packages for tests"
	@$(PIP_INSTALL) --editable '.[test]'
	@touch $@

docs: $(VENV)/test.stamp
	@$(VENV)/bin/python -m sphinx -W --keep-going -q -b html -c docs . build/site && echo "build/site/docs/index.html"

clean:
	@rm -rf $(VENV) build dist *.egg-info
