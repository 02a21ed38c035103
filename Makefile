# make run: serve the demo company · make test: the suite · make check: everything CI runs
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT := $(or $(TCOS_PORT),5000)
FLASK := $(BIN)/flask --app admin_app
PO := $(wildcard translations/*/LC_MESSAGES/*.po translations/security/*/LC_MESSAGES/*.po)
MO := $(PO:.po=.mo)
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations=10

# Tests start many processes; where the environment forbids it each would compile the program anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-js check lint soak bench translations

$(BIN)/python:
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	@$(PYTHON) -m venv $(VENV) || (echo "python3-venv is missing: install it, e.g. apt-get install python3-venv"; exit 1)

$(VENV)/.run-installed: requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.dev-installed: requirements-dev.txt requirements.txt constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@ $(VENV)/.run-installed

%.mo: %.po | $(BIN)/python
	@$(BIN)/pybabel -q compile -i $< -o $@

run: $(VENV)/.run-installed
	@$(MAKE) -s $(MO)
	@$(FLASK) serve --port $(PORT)

test: $(VENV)/.dev-installed
	@$(MAKE) -s $(MO)
	@$(MAKE) -s --no-print-directory test-js
	$(PYTEST) -p tests.support.statements -m "not soak and not nightly"
	@$(BIN)/python -m tests.coverage_gate

# What the scripts of the pages compute, by node's own runner: nothing is installed for it.
test-js:
	@if node -e 'require("node:test/reporters")' 2>/dev/null; then node --test --test-reporter=spec tests/js/*.test.js; \
	else echo "tests/js is skipped: no node 20 or newer on PATH"; fi

lint: $(VENV)/.dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/oxlint --deny-warnings static tests/js

# Beside each other: where a test waits for a process of its own, lint has the core.
check: $(VENV)/.dev-installed
	@$(MAKE) --no-print-directory -j 2 lint test

soak: $(VENV)/.dev-installed
	@$(MAKE) -s $(MO)
	$(PYTEST) -m "nightly and not soak"
	$(BIN)/python -m pytest -m soak -s

bench: $(VENV)/.dev-installed
	@$(MAKE) -s $(MO)
	$(BIN)/python -m bench

# After changing texts: extract the Chinese msgids and merge them into the English catalogue.
translations: $(VENV)/.dev-installed
	@mkdir -p instance
	$(BIN)/pybabel -q extract -F babel.cfg -k lazy_gettext -k gettext -k lazy_pgettext:1c,2 --no-location -o instance/messages.pot .
	$(BIN)/pybabel -q update -i instance/messages.pot -d translations -l en --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -w 100
