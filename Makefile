# Hashi (橋). `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SCRIPT ?= ceramics
NAME ?= command
MESSAGE_DB := $(VENV)/share/message-db
MESSAGE_DB_SHA256 := d7938e108d950e29da1974e3acad05bcf680045d0961f6a12039fb002140840d
OUT ?= hashi-demo
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-peers up lock schemas openapi asyncapi-check fuzz clean

help: ## list the targets
	@echo "Hashi: from a bank client's technical need to a researcher"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Needed beforehand: make, and Python 3.11 or newer with venv (PYTHON=python3.12 chooses another)."

demo: $(VENV)/.runtime ## play a whole case on servers of its own; ends by itself
	@$(BIN)/hashi demo --script $(SCRIPT) --out $(OUT)

test: check ## run every check and the whole test suite
	@$(BIN)/python -m pytest -q tests/rules
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q tests/ledger tests/cases tests/edges

check: $(VENV)/.dev ## format, lint, types and import contracts, without the tests
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@echo "checked: format, lint, import contracts, types"

bench: bench-peers ## measure: NAME=command (default), append, replay, rebuild ...
	@$(BIN)/hashi bench $(NAME)

bench-peers: $(VENV)/.runtime ## install what the benchmarks compare with: from PyPI, and message-db's SQL by npm
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@if [ -d $(MESSAGE_DB)/package ]; then :; elif ! command -v npm > /dev/null; then \
	  echo "message-db comes by npm, which is not here: its ratios are left out"; else \
	  mkdir -p $(MESSAGE_DB) && cd $(MESSAGE_DB) && npm pack --silent @eventide/message-db@1.3.1 > /dev/null && \
	  echo "$(MESSAGE_DB_SHA256)  eventide-message-db-1.3.1.tgz" | sha256sum --check --quiet && \
	  tar xzf eventide-message-db-1.3.1.tgz; fi

up: $(VENV)/.runtime ## serve everything on this machine until Ctrl-C
	@$(BIN)/hashi up

lock: $(VENV)/.dev ## pin the dependencies anew, with hashes
	@$(PIP) install uv
	@$(BIN)/uv pip compile pyproject.toml --extra embedded --group build --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --upgrade --quiet -o requirements/runtime.txt
	@$(BIN)/uv pip compile pyproject.toml --extra embedded --group dev --universal --python-version 3.11 \
	  -c requirements/runtime.txt --generate-hashes --no-emit-index-url --quiet -o requirements/dev.txt
	@$(BIN)/uv pip compile pyproject.toml --extra bench --universal --python-version 3.11 \
	  -c requirements/runtime.txt --generate-hashes --no-emit-index-url --quiet -o requirements/bench.txt

openapi: $(VENV)/.dev ## write docs/openapi.json and docs/asyncapi.json after the interface changed
	@$(BIN)/python tests/rules/interface_described.py

fuzz: $(VENV)/.dev ## ask every operation what schemathesis thinks of, for SECONDS=600
	@HASHI_FUZZ_PHASES=examples,coverage,fuzzing,stateful HASHI_FUZZ_EXAMPLES=10 \
	  HASHI_FUZZ_OPTIONS="--continue-on-failure --max-time $(SECONDS)" $(BIN)/python -m pytest -q -s tests/edges/test_http_fuzz.py

asyncapi-check: $(VENV)/.dev ## hold docs/asyncapi.json against AsyncAPI's own schema, which comes by npm
	@mkdir -p $(VENV)/share/asyncapi && cd $(VENV)/share/asyncapi && npm pack --silent @asyncapi/specs@6.11.1 > /dev/null && \
	  tar xzf asyncapi-specs-6.11.1.tgz
	@$(BIN)/python tests/rules/asyncapi_checked.py $(VENV)/share/asyncapi/package/schemas/3.1.0.json

schemas: $(VENV)/.dev ## write the JSON Schemas of new event shapes; refuses a breaking change
	@$(BIN)/python tests/rules/released.py

histories: $(VENV)/.dev ## record what the workflows of a release do (some minutes): RELEASE=0.2.0
	@$(BIN)/python tests/cases/record_histories.py $(RELEASE)

clean: ## remove the environment, caches and the demo's files; data of `hashi up` stays
	@rm -rf $(VENV) $(OUT) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.hashi/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hashi needs Python 3.11 or newer; PYTHON=python3.12 make ... chooses one")'
	@echo "setting up $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned dependencies (once) ..."
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned dependencies and the test tools (once) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@
