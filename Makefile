# Needs make, Python >= 3.11 and, the first time, a network. Everything goes into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
UV := .venv/uv/bin/uv
SETUP := .venv/.setup
PEERS := .venv/peers/.setup
SDKS := .venv/sdks/.setup
SAM := aws-sam-cli==1.170.0
CHECKERS := checkov==3.3.30 cfripper==1.22.1
# Any Python that may start uv; what Drumbeat itself runs on is 3.13, found or fetched by uv.
BOOTSTRAP := $(shell for name in python3.13 python3 python3.14 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)

export UV_TOOL_DIR := $(CURDIR)/.venv/tools
export UV_TOOL_BIN_DIR := $(CURDIR)/$(BIN)
export SAM_CLI_TELEMETRY := 0

.PHONY: help setup lock dev cloud demo test proof chaos clean bench

help: ## list what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: $(SETUP) ## make .venv with drumbeat, sam and all that development needs

$(SETUP): pyproject.toml requirements.lock Makefile | $(UV)
	$(UV) venv --quiet --allow-existing --python 3.13 .venv
	$(UV) pip install --quiet --python $(BIN)/python -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	for tool in $(SAM) $(CHECKERS); do $(UV) tool install --quiet --force --python 3.13 "$$tool"; done
	ln -sf ../uv/bin/uv $(BIN)/uv
	touch $@

$(UV):
	@test -n "$(BOOTSTRAP)" || { echo "no Python >= 3.11 on PATH; install one and run make setup again" >&2; exit 1; }
	$(BOOTSTRAP) -m venv --clear .venv/uv
	.venv/uv/bin/pip install --quiet --disable-pip-version-check uv

lock: | $(UV) ## resolve the dependencies afresh
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes --no-header \
		--extra local --group dev -o requirements.lock pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-header \
		-c requirements.lock -o layers/dependencies/requirements.txt pyproject.toml
	$(UV) pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes --no-header \
		-o tests/sdks/requirements.txt tests/sdks/requirements.in

dev: $(SETUP) ## run everything on this machine
	$(BIN)/drumbeat dev

cloud: $(SETUP) ## deploy the template as it is into an emulated AWS account on this machine
	$(BIN)/drumbeat cloud

demo: $(SETUP) ## start a stack, break it, and show that each effect was done once
	$(BIN)/drumbeat demo

test: $(SETUP) ## formatting, lint, types, tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -m 'not proof'

proof: $(SETUP) $(SDKS) ## the long proofs; prints what each has shown
	$(BIN)/pytest -m proof -rP --show-capture=stdout

chaos: $(SETUP) ## one of the proofs: kill, cut and freeze everything under load, then count from outside
	$(BIN)/python -m tests.chaos

clean: ## remove what was built and measured; .venv and the state of .drumbeat stay
	rm -rf .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find functions layers shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

bench: $(SETUP) $(PEERS) ## measure side by side with peers (25 minutes); writes docs/performance.md
	$(BIN)/python -m bench $(BENCH)

$(SDKS): tests/sdks/requirements.txt | $(SETUP)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python -r $<
	touch $@

$(PEERS): bench/requirements.txt | $(SETUP)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python -r $<
	touch $@
