# numnet: `make run` and `make test` are all a fresh clone needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Modules are compiled when they are first imported, which is a third of the time of an installation.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --only-binary :all:

.DEFAULT_GOAL := help
BENCHMARKS := tables training convergence matrix passes footprint predict exports serving server overload bodies neighbours models profile startup first-minute dashboard command live
BASELINE := a6882b9
SERVERS := mlserver bentoml fastapi flask
.PHONY: help setup setup-dev run test test-fast compose-test lint lock bench $(BENCHMARKS:%=bench-%) pictures clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

setup: $(VENV)/client.installed  ## .venv with hash-locked dependencies; does nothing when up to date

setup-dev: $(VENV)/client.installed $(VENV)/dev.installed

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: $(PYTHON) was not found: numnet needs Python 3.11 or newer (make PYTHON=/path/to/python3 sets which)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1): numnet needs Python 3.11 or newer (make PYTHON=/path/to/python3 sets which)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) has no venv module: install it (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/run.installed: requirements/run.txt requirements/client.txt | $(VENV)/bin/python
	@echo "installing what the service and its client need"
	@$(PIP_INSTALL) -r requirements/run.txt -r requirements/client.txt
	@touch $@

# The client itself is in this folder, so that it has no hash. Its build backend is locked above.
$(VENV)/client.installed: $(VENV)/run.installed client/pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable client
	@touch $@

$(VENV)/dev.installed: requirements/dev.txt $(VENV)/run.installed
	@echo "installing what the tests need"
	@$(PIP_INSTALL) -r requirements/dev.txt
	@touch $@

run: setup  ## train a first version if there is none, then serve and wait for retraining jobs
	@$(BIN)/python trainer/train.py --if-none --target-mse 1e-8
	@exec $(BIN)/python run.py

# a file's tests share services and databases, so that one process runs them all
PYTEST := $(BIN)/python -m pytest -q --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: setup-dev  ## the whole test suite, in parallel (5 minutes on two cores)
	@$(PYTEST)

test-fast: setup-dev  ## the tests that are not marked slow, in parallel (a minute on two cores)
	@$(PYTEST) -m "not compose and not slow"

compose-test: setup-dev  ## both compose files for real, with a docker engine (5 minutes)
	@$(BIN)/python -m pytest -m compose tests/compose

lint: setup-dev  ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=client $(BIN)/lint-imports

bench: $(BENCHMARKS:%=bench-%)  ## every benchmark's table (about an hour)

bench-tables: setup-dev  ## numnet's default beside scikit-learn on tables with noise (an hour; later runs less)
	@$(BIN)/python -m benchmarks.tables

bench-training: setup  ## default trainings of the example task
	@$(BIN)/python -m benchmarks.training.default_training

bench-convergence: .venv-bench/installed  ## seconds to an error, beside scikit-learn and torch (15 minutes)
	@.venv-bench/bin/python -m benchmarks.training.convergence

bench-matrix: setup  ## every solver on nine problems (15 minutes)
	@$(BIN)/python -m benchmarks.training.solver_matrix

bench-passes: .venv-bench/installed  ## gradient and Jacobian beside torch and the machine's bounds
	@.venv-bench/bin/python -m benchmarks.numerics.gradient_passes

bench-footprint: .venv-bench/installed  ## memory and first step of a training, beside scikit-learn
	@.venv-bench/bin/python -m benchmarks.training.memory_and_first_step

bench-predict: .venv-bench/installed  ## predict beside onnxruntime, torch and scikit-learn
	@.venv-bench/bin/python -m benchmarks.numerics.model_predict

bench-exports: setup-dev  ## one row by the C export beside onnxruntime (a minute, needs gcc and node)
	@$(BIN)/python -m benchmarks.numerics.exports

bench-serving: setup $(SERVERS:%=.venv-bench-%/installed)  ## the service beside MLServer, BentoML, FastAPI, Flask (7 minutes, needs wrk)
	@$(BIN)/python -m benchmarks.serving.rivals

bench-server: setup-dev .venv-bench-fastapi/installed .venv-bench-mlserver/installed  ## the server beside that of an older commit, BASELINE=a6882b9 (8 minutes, needs wrk)
	@$(BIN)/python -m benchmarks.baseline.compare --baseline $(BASELINE)

bench-overload: setup  ## four times the load it can take, and slow clients (4 minutes, needs wrk)
	@$(BIN)/python -m benchmarks.reliability.overload

bench-bodies: setup  ## bodies as long as are allowed: memory, and how long a plain row waits (6 minutes)
	@$(BIN)/python -m benchmarks.reliability.long_bodies

bench-neighbours: setup  ## one model is flooded: how long plain rows of another one wait (3 minutes)
	@$(BIN)/python -m benchmarks.reliability.neighbours

bench-models: setup  ## a thousand models behind one port, beside one (3 minutes, needs wrk)
	@$(BIN)/python -m benchmarks.serving.many_models

bench-profile: setup  ## where the time of a one-row request goes (needs wrk)
	@$(BIN)/python -m benchmarks.serving.request_profile

bench-startup: setup  ## `make run` to ready, beside the server alone
	@$(BIN)/python -m benchmarks.serving.startup

bench-first-minute: setup-dev  ## from `git clone` to a prediction in a browser (4 minutes, needs chromium)
	@$(BIN)/python -m benchmarks.serving.first_minute

bench-dashboard: setup-dev  ## the pages in a browser: bytes, first paint, what an open page costs; dragging a slider (4 minutes, needs chromium)
	@$(BIN)/python -m benchmarks.dashboard.pages
	@$(BIN)/python -m benchmarks.dashboard.drag

bench-command: setup  ## `numnet predict` of one row and of a million rows (2 minutes)
	@$(BIN)/python -m benchmarks.serving.command

bench-live: setup-dev  ## promotions, retrainings, kills and faults under load (8 minutes, as root)
	@$(BIN)/python -m benchmarks.reliability.all_scenarios

.venv-bench/installed: benchmarks/requirements.txt | $(VENV)/bin/python
	@$(BIN)/python -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.venv-bench-%/installed: benchmarks/servers/%.txt | $(VENV)/bin/python
	@$(BIN)/python -m venv --clear .venv-bench-$*
	@.venv-bench-$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate $(UPGRADE)

lock: setup-dev  ## requirements/*.txt from both pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(UV_COMPILE) pyproject.toml --output-file requirements/run.txt
	@$(UV_COMPILE) client/pyproject.toml --group client/pyproject.toml:build \
	  --constraint requirements/run.txt --output-file requirements/client.txt
	@$(UV_COMPILE) pyproject.toml --group dev \
	  --constraint requirements/run.txt --constraint requirements/client.txt --output-file requirements/dev.txt

pictures: setup-dev  ## the README's pictures, from a running installation (2 minutes, needs chromium)
	@$(BIN)/python -m pictures

clean:  ## remove .venv and caches; models stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
