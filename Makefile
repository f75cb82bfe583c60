# Each command works on a fresh clone with nothing but Python 3.11 or later, and make.
# Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

# A .venv that came from another place, or whose Python is gone, is of no use: its scripts
# point to where it was made.
OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
USABLE := $(shell grep -qsF " $$(pwd -P)/.venv" .venv/pyvenv.cfg \
	&& $(BIN)/python -c '$(OLD_ENOUGH)' 2>/dev/null && echo yes)

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench format docs lock
ifneq ($(USABLE),yes)
.PHONY: $(READY)
endif

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## See events recorded, tampered with and found out
	@$(BIN)/counterfoil demo

test: $(READY) ## Run the tests
	@tools/browser
	@tools/pooler
	@$(BIN)/python -m pytest

lint: $(READY) ## Check form, rules, types and the layers' imports
	@$(BIN)/python -m ruff format --check --quiet .
	@$(BIN)/python -m ruff check --quiet .
	@$(BIN)/python -m mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .venv/imports.txt || { cat .venv/imports.txt; exit 1; }

bench: $(READY) ## Measure how fast it is on this machine
	@$(BIN)/python -m benchmarks

format: $(READY) ## Put the code into form
	@$(BIN)/python -m ruff check --quiet --fix .
	@$(BIN)/python -m ruff format --quiet .

docs: $(READY) ## Write the generated pages again
	@$(BIN)/python tools/catalogue_page.py
	@$(BIN)/python tools/reference_pages.py

lock: ## Pin the dependencies again (tools/lock --upgrade takes the newest)
	@tools/lock

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c '$(OLD_ENOUGH)' || { \
		echo "Counterfoil needs Python 3.11 or later. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Preparing .venv" >&2
	@test "$(USABLE)" = yes || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
		--require-hashes --requirement constraints.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip --disable-pip-version-check check > .venv/check.txt \
		|| { cat .venv/check.txt >&2; exit 1; }
	@touch $(READY)
