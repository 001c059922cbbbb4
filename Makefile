# Every target works on a fresh machine with Python 3.11 and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check audit format bench venv counterparts clean

demo: $(VENV)/.installed  ## see the product with its embedded apps
	@$(BIN)/homeport demo

test: $(VENV)/.dev counterparts  ## install the real counterparts and run every test
	$(BIN)/python -m pytest $(PYTEST)

check: $(VENV)/.dev  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What could not be checked (no network, no database) is said, and does not fail; a known vulnerability does.
audit: $(VENV)/.installed  ## known vulnerabilities in what homeport depends on
	@test -x $(VENV)/audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)/audit && \
	  $(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9'; } || \
	  echo "pip-audit could not be installed"
	@home=$$(mktemp -d) && PATH="$(CURDIR)/$(VENV)/audit/bin:$$PATH" HOMEPORT_HOME=$$home $(BIN)/homeport audit; \
	  status=$$?; rm -rf "$$home"; test $$status -le 1

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## measure homeport beside its peers; writes bench/RESULTS.md
	$(BIN)/python -m bench

counterparts: $(VENV)/.dev
	@$(BIN)/python tests/install_counterparts.py

venv: $(VENV)/.dev

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
