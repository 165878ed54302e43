# GNU make >= 3.81. Every path is relative, so the folder's own path may contain spaces.
# Steps run one after another even under `make -j`: they share one environment, and the tests time things.
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Arguments for the command that a target runs: make demo ARGS=--once, make test ARGS="-k refund".
ARGS ?=
# The Python to build the environment with. Empty: the first usable of python3.14 … python3.11, python3.
PYTHON ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
UV_VERSION := 0.13.9
LOCK_FLAGS := --universal --generate-hashes --no-header --no-annotate --no-config --quiet --group build
# A test may run `make` itself: it must not hear of this one's jobs and flags.
ALONE := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL

# The environment is made anew when this folder was moved or copied, or its Python is gone.
ifeq (stale,$(shell [ ! -e .venv/.made ] || { [ "`cat .venv/.made`" = "`pwd -P`" ] && $(BIN)/python -c '' 2>/dev/null; } || echo stale))
.PHONY: .venv/.made
endif

.PHONY: help setup setup-dev demo test check lint types schema-check schema bench lock clean

help: ## print this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: .venv/.runtime ## install the locked dependencies and the project into .venv
	@echo 'ready: $(BIN)/oms'

setup-dev: .venv/.dev ## the same, with what the tests and checks need
	@echo 'ready: $(BIN)/oms, $(BIN)/pytest'

demo: .venv/.runtime ## walk one order from availability to refund, then keep serving (ARGS=--once: exit)
	@$(BIN)/oms demo $(ARGS)

test: .venv/.dev ## run the tests on SQLite and on PostgreSQL with a Redis-protocol server
	@$(ALONE) $(BIN)/python -m pytest -n auto $(ARGS)

check: lint types schema-check test ## everything that CI runs

lint: .venv/.dev ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.dev ## mypy --strict
	@$(BIN)/mypy

schema-check: .venv/.dev ## is schema.graphql what the code says?
	@$(BIN)/oms schema > .venv/schema.graphql
	@diff -u schema.graphql .venv/schema.graphql || { echo 'schema.graphql is not up to date: make schema' >&2; exit 1; }

schema: .venv/.runtime ## write schema.graphql
	@$(BIN)/oms schema > .venv/schema.graphql
	@cp .venv/schema.graphql schema.graphql

bench: .venv/.dev ## measure requests per second, latency and CPU (see bench/)
	@$(BIN)/python -m bench $(ARGS)

# Keeps the pins that still fit; ARGS=--upgrade takes the newest of everything.
lock: .venv/.made ## write both lock files (ARGS=--upgrade: newest versions)
	@$(PIP) install --quiet uv==$(UV_VERSION)
	@$(BIN)/uv pip compile $(LOCK_FLAGS) $(ARGS) --output-file requirements.lock pyproject.toml >/dev/null
	@$(BIN)/uv pip compile $(LOCK_FLAGS) $(ARGS) --constraint requirements.lock --extra dev \
		--output-file requirements-dev.lock pyproject.toml >/dev/null
	@! grep -nE '://|^ *-[^ ]*(index|find-links|host)' requirements.lock requirements-dev.lock \
		|| { echo 'a lock file names a host' >&2; exit 1; }
	@echo 'wrote requirements.lock and requirements-dev.lock'

clean: ## remove the environment, caches and build results (data in .oms stays)
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@python='$(PYTHON)'; \
	for candidate in python3.14 python3.13 python3.12 python3.11 python3; do \
		[ -z "$$python" ] || break; \
		! "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
			|| python=$$candidate; \
	done; \
	if [ -z "$$python" ]; then \
		[ "`id -u`" = 0 ] && sudo= || sudo='sudo '; \
		echo 'Python 3.11 or newer with venv and ensurepip is needed. This installs it:' >&2; \
		if command -v brew >/dev/null; then echo 'brew install python@3.13'; \
		elif command -v apt-get >/dev/null; then \
			python3 -c 'import sys; sys.exit(sys.version_info >= (3, 11))' 2>/dev/null \
				&& package=python3.11-venv || package=python3-venv; \
			echo "$${sudo}sh -c 'apt-get update && apt-get install -y $$package'"; \
		elif command -v dnf >/dev/null; then echo "$${sudo}dnf install -y python3.12"; \
		elif command -v pacman >/dev/null; then echo "$${sudo}pacman -S --needed python"; \
		elif command -v zypper >/dev/null; then echo "$${sudo}zypper install -y python312"; \
		elif command -v apk >/dev/null; then echo "$${sudo}apk add python3"; \
		else echo '(no known package manager here: take it from python.org)'; fi | sed 's/^/  /' >&2; \
		exit 1; \
	fi; \
	[ ! -e $@ ] || rm -rf .venv; \
	echo "making .venv with $$("$$python" --version)" && "$$python" -m venv .venv && pwd -P > $@

.venv/.runtime: .venv/.made requirements.lock pyproject.toml
	@echo 'installing requirements.lock'
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo 'installing requirements-dev.lock'
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@
