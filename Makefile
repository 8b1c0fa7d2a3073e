# Needs Python >= 3.11 and a package index, nothing else. Every target sets itself up.
PYTHON ?= python3
VENV ?= .venv
ALIBI ?= .venv-alibi
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test quick lint bench bench-quality plugins servers clean

run: $(VENV)/.run  ## the whole loop on a real year of flights, with a page to look at
	$(BIN)/driftd demo $(ARGS)

test: $(VENV)/.dev servers lint  ## every check and every test
	$(BIN)/pytest $(ARGS)

quick: $(VENV)/.dev  ## the tests that take seconds
	$(BIN)/pytest -m "not slow" $(ARGS)

lint: $(VENV)/.dev  ## formatting, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## the figures of the README, peers in the same run
	$(BIN)/python -m tests.bench

plugins: $(VENV)/.dev $(ALIBI)/.made  ## the real alibi-detect, in an environment of its own
	DRIFTD_ALIBI_PYTHON=$(abspath $(ALIBI))/bin/python $(BIN)/pytest tests/monitor/plugins tests/monitor/app/test_plugins.py $(ARGS)

bench-quality: $(VENV)/.dev  ## false alarms, delays and known changes, peers in the same run
	$(BIN)/python -m tests.bench.quality $(ARGS)

servers:  ## real servers for the tests, from Debian's packages when we are root
	@sh tests/servers.sh

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.run: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("driftd needs Python 3.11 or newer; try: make PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# alibi-detect 0.11.4 needs Python 3.8 to 3.11 and packages of its time.
$(ALIBI)/.made: requirements-alibi.txt
	python3.11 -m venv $(ALIBI)
	$(ALIBI)/bin/pip install --quiet --requirement requirements-alibi.txt
	@touch $@
