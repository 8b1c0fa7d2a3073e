# Needs Python >= 3.11 and a package index, nothing else. Every target sets itself up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test quick lint bench servers clean

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
