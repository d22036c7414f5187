# What people and CI type. Needs GNU make and Python 3.11 or newer; everything else goes into .venv, hashes checked.

PYTHON ?= python3
ARGS ?=
SHIPMATE_TORTURE_ROUNDS ?= 50

VENV := .venv
IN_VENV := $(VENV)/bin/python
RUN_READY := $(VENV)/.run-ready
TEST_READY := $(VENV)/.test-ready
# Wheels only: building from source would fetch build tools that no lock names.
INSTALL := $(IN_VENV) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r
# Extras stay in: pip before 23.3 would otherwise look past the pin for the newest release of what is wanted with extras.
LOCK := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras

# What is compiled once is kept, whatever the shell says: the tests start many processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo run test coverage torture bench evaluate pictures format lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  Flags go into ARGS, for example: make demo ARGS="--exit-after 20"'

demo: $(RUN_READY) ## Start the whole bot in a stand-in world and print one URL to open
	@$(IN_VENV) -m bot demo $(ARGS)

run: $(RUN_READY) ## Serve, with the settings of .env
	@$(IN_VENV) -m bot serve $(ARGS)

# mypy goes beside the tests, and says last what it found: it keeps one core busy for a minute. Collecting compiles the
# tests, which each of pytest's workers would do by itself. Four workers: often one of them waits for what is to happen.
test: $(TEST_READY) ## Run every check: lint, format, types, architecture, tests
	@failed=''; typed=$$(mktemp); \
	check() { echo; echo "== $$*"; "$(VENV)/bin/$$@" || failed="$$failed $$1"; }; \
	$(VENV)/bin/mypy >"$$typed" 2>&1 & types=$$!; \
	trap 'kill $$types 2>/dev/null; rm -f "$$typed"' EXIT; trap 'exit 1' INT TERM; \
	$(VENV)/bin/pytest --collect-only --quiet >/dev/null 2>&1 & collected=$$!; \
	check ruff check .; \
	check ruff format --check .; \
	check lint-imports; \
	wait $$collected; \
	check pytest -n 4 --dist worksteal -m 'not torture' $(ARGS); \
	wait $$types || failed="$$failed mypy"; \
	echo; echo '== mypy'; cat "$$typed"; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi

# What a whole bot runs through would be covered without being looked at.
coverage: $(TEST_READY) ## Run the tests that look closely at a part, and fail below 90 % coverage by them
	@$(VENV)/bin/pytest -n 3 --dist worksteal -m 'not torture' --ignore tests/acceptance --ignore tests/browser \
		--cov --cov-report=term $(ARGS)

torture: $(TEST_READY) ## Run the long fault tests (SHIPMATE_TORTURE_ROUNDS=50)
	@SHIPMATE_TORTURE_ROUNDS=$(SHIPMATE_TORTURE_ROUNDS) $(VENV)/bin/pytest -m torture --both-engines --timeout 7200 $(ARGS)

bench: $(TEST_READY) ## Measure against the bare baseline
	@$(IN_VENV) -m tests.benchmarks $(ARGS)

evaluate: $(TEST_READY) ## Measure how well likely changes are found, over generated histories
	@$(IN_VENV) -m tests.evaluation $(ARGS)

pictures: $(TEST_READY) ## Draw the README's pictures from the demo (needs Chromium)
	@$(IN_VENV) -m tests.pictures $(ARGS)

format: $(TEST_READY) ## Put the code into shape
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

lock: $(TEST_READY) ## Write requirements/*.lock anew (newest versions: ARGS=--upgrade)
	@$(LOCK) $(ARGS) pyproject.toml --output-file requirements/run.lock
	@$(LOCK) $(ARGS) pyproject.toml --group dev --constraint requirements/run.lock --output-file requirements/test.lock

$(RUN_READY): requirements/run.lock | $(IN_VENV)
	@echo 'Installing what Shipmate needs into $(VENV) (a minute or two, once) …'
	@$(INSTALL) requirements/run.lock
	@touch $@

# The test lock holds the run lock and more, in the same versions.
$(TEST_READY): requirements/test.lock | $(IN_VENV)
	@echo 'Installing what Shipmate and its checks need into $(VENV) (a minute or two, once) …'
	@$(INSTALL) requirements/test.lock
	@touch $@ $(RUN_READY)

$(IN_VENV):
	@for python in '$(PYTHON)' python3.14 python3.13 python3.12 python3.11; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			"$$python" -m venv $(VENV) && exit 0; \
			rm -rf $(VENV); \
			echo "$$python cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)." >&2; \
			exit 1; \
		fi; \
	done; \
	echo "Shipmate needs Python 3.11 or newer; '$(PYTHON)' is $$('$(PYTHON)' --version 2>/dev/null || echo 'not there')." >&2; \
	echo 'Install one, or name it: make PYTHON=/path/to/python3.12' >&2; \
	exit 1
