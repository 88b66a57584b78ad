# Carnet. `make run` shows it, `make test` proves it; `make help` lists the rest.
# A fresh machine needs only Python 3.11 or newer (with venv), make and git.
.DELETE_ON_ERROR:
.NOTPARALLEL:

PORT ?= 8000
# How many test processes; two cores are enough for all of it.
JOBS ?= auto

VENV := .venv
BIN := $(VENV)/bin
export FLASK_APP := wsgi.py
# A password or another program's settings must not leak into Python.
unexport PYTHONPATH PYTHONHOME

.PHONY: help run setup setup-dev check fix test engines chaos bench pictures vendor texts language lock clean

help: ## List what make can do
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z-]*\):.*## /  make \1: /p' $(MAKEFILE_LIST)

run: setup ## Show Carnet with a demo merchant on http://127.0.0.1:8000 (PORT=...)
	@$(BIN)/python tools/run.py $(PORT)

setup: $(VENV)/.runtime ## Install what Carnet runs on into .venv

setup-dev: $(VENV)/.dev ## Install what the checks and tests need too

# Each stamp is newer than its lock: an install is repeated only when the lock changed.
$(VENV)/.runtime: requirements.txt
	@sh tools/venv.sh $(VENV)
	@test -e $(VENV)/.dev || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt
	@sh tools/venv.sh $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime

check: setup-dev ## Style, types, imports, templates, texts and vendored files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/djlint templates --check --quiet
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python tools/texts.py --check
	$(BIN)/python tools/vendor.py --check
	$(BIN)/python tools/trim.py --check
	$(BIN)/python tools/htmx/upgrade-check.py --no-color templates static/js

fix: setup-dev ## Let the tools put right what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --reformat --quiet
	$(BIN)/python tools/trim.py

engines: setup-dev ## Look for PostgreSQL and a browser; root installs a missing browser
	$(BIN)/python -m tests.engines

test: setup-dev engines check ## Every check and test, on both engines and in a browser
	$(BIN)/pytest --numprocesses=$(JOBS) --cov --cov-report=
	$(BIN)/python tests/coverage_gate.py

chaos: setup-dev engines ## Kill processes and servers under load, for long: nothing may be lost
	RACE_ROUNDS=50 TRASH_ROUNDS=200 WRITERS=32 OPERATIONS=10240 KILLS=40 LEDGER_STEPS=20000 \
	  $(BIN)/pytest --numprocesses=0 --timeout=7200 tests/chaos tests/services/ledger/test_machine.py

bench: setup-dev ## Measure the promises that have figures
	$(BIN)/python -m benchmarks

pictures: setup-dev ## Take the pictures of docs/use anew (needs Chromium)
	$(BIN)/python tools/pictures.py

vendor: ## Copy the browser files named in vendor.toml anew (needs npm)
	$(BIN)/python tools/vendor.py
	$(BIN)/python tools/trim.py

texts: setup-dev ## Gather the texts for translators, and compile the languages there are
	$(BIN)/python tools/texts.py

language: setup-dev ## Begin a language: make language TO=fr
	$(BIN)/python tools/texts.py --to "$(TO)"

lock: setup-dev ## Resolve the pins in pyproject.toml into the two lock files
	$(BIN)/python tools/lock.py

clean: ## Remove what was installed and made; instance/ with your data stays
	rm -rf $(VENV) .coverage .coverage.* htmlcov test-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
