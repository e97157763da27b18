# Everything a newcomer and the CI need. Nothing is installed outside .venv, but for the browser and
# the PostgreSQL of the tests where a machine has none.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# What is passed on, such as: make test ARGS="tests/consent -x"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run setup test check bench docs clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.runtime ## start the whole service with demo data; Ctrl-C stops it
	@$(BIN)/python -m mailer run $(ARGS)

test: $(VENV)/.development ## get what the tests need, and run them all
	@$(BIN)/python -m tests.support.prepare
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.development ## lint, format, types, the rules of the house, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/house
	$(BIN)/python -m mailer docs --check

bench: $(VENV)/.development ## measure sending and signing up on this machine
	$(BIN)/python -m bench $(ARGS)

docs: $(VENV)/.runtime ## write the pages that are generated from the code
	$(BIN)/python -m mailer docs

setup: $(VENV)/.development ## install what running, tests and checks need
	@:

clean: ## remove the environment and caches; data in var/ stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find mailer tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@sh scripts/make-venv "$(PYTHON)" $(VENV)

# A stamp is newer than the list it was installed from, so nothing is asked of pip when nothing changed.
$(VENV)/.runtime: requirements.txt | $(BIN)/python
	@echo "Installing what Mailer needs into $(VENV) ..."
	@$(PIP) -r requirements.txt
	@$(BIN)/python -m compileall -q mailer
	@touch $@

$(VENV)/.development: requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "Installing what Mailer and its tests need into $(VENV) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $(VENV)/.runtime $@
