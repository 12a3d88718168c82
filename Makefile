# The commands of this project; `make` lists them. Everything works from a fresh clone.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
MEMBERS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml tools/*/pyproject.toml)
SOURCES := libs services tools tests bench conftest.py
PROCESSES ?= 2
export PYTHONUNBUFFERED := 1

##@ See it run
demo: $(VENV)/.ready  ## Play months of a small synthetic world through the whole platform (SEED=, CLAIMANTS=, MONTHS=, KILLS=, RATES=)
	$(PY) -m devstack demo $(if $(SEED),--seed $(SEED)) $(if $(CLAIMANTS),--claimants $(CLAIMANTS)) $(if $(MONTHS),--months $(MONTHS)) $(if $(KILLS),--kills $(KILLS)) $(RATES)

up: $(VENV)/.ready  ## Start the whole platform on this machine, in the background, and print its addresses (VAR_DIR=var/demo: the last demo's)
	$(PY) -m devstack up

down: $(VENV)/.ready  ## Stop what `make up` started
	$(PY) -m devstack down

status: $(VENV)/.ready  ## Show what runs
	$(PY) -m devstack status

##@ Prove it
test: $(VENV)/.ready  ## Run every test on a real broker and database; a missing backend is a failure
	@echo "The longer fault cells are left out here; make faults runs them."
	$(PY) -m pytest -n $(PROCESSES) --no-loadscope-reorder -m "not long" $(ARGS)

check: $(VENV)/.ready  ## Format, lint, types, import contracts, migrations, generated files, unit tests; under two minutes
	$(VENV)/bin/ruff format --check -q $(SOURCES)
	$(VENV)/bin/ruff check -q $(SOURCES)
	$(VENV)/bin/mypy $(wildcard libs/*/src services/*/src tools/*/src)
	$(VENV)/bin/lint-imports
	$(PY) -m pytest -q tests/checks -m "not backend" --durations=0
	$(PY) -m contracts generate --check
	$(PY) -m pytest -q -n $(PROCESSES) -m "not backend" --ignore tests/checks --durations=3

bench: $(VENV)/.ready  ## Measure the event path beside plain loops and naive Faust in the same run (about three minutes; ARGS=suite for all peers)
	$(PY) -m bench $(ARGS)

bench-check: $(VENV)/.ready  ## Hold the newest report's ratios against the committed floors; CI=true only warns
	$(PY) -m bench.guard

rate-change: $(VENV)/.ready  ## Raise a threshold by policy data for 30,000 people, compare with the what-if, hold a bad file (SEED=, CLAIMANTS=)
	$(PY) -m devstack rate-change $(if $(SEED),--seed $(SEED)) $(if $(CLAIMANTS),--claimants $(CLAIMANTS))

faults: $(VENV)/.ready  ## Run all fault cells with seeds against a reference model, up to an hour, as root (ARGS="-k f13" for one)
	rm -f $${VAR_DIR:-var}/faults/report.json
	$(PY) -m pytest tests/faults $(ARGS); code=$$?; $(PY) -m tests.faults.summary $${VAR_DIR:-var}/faults/report.json; exit $$code

##@ Work on it
setup: $(VENV)/.ready  ## Make the virtual environment from hashed requirements

format: $(VENV)/.ready  ## Format and mend what the linter can
	$(VENV)/bin/ruff check -q --fix $(SOURCES); $(VENV)/bin/ruff format -q $(SOURCES)

generate: $(VENV)/.ready  ## Write schemas, AsyncAPI, topic tables and OpenAPI files again
	$(PY) -m contracts generate
	for service in earnings referrals notifications employer_link; do $(PY) -m $$service openapi; done

lock: $(VENV)/.ready  ## Resolve requirements.in again, with hashes
	$(UV) pip compile -q --upgrade --universal --generate-hashes --no-header --python-version 3.11 requirements.in -o requirements.txt
	sed '/^# Development/,$$d' requirements.in | $(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 -c requirements.txt - -o deploy/requirements.txt
	sed -n 's/^\(kafka-python\|msgspec\|psycopg\|psycopg-binary\)==\([^ ]*\).*/\1==\2/p' requirements.txt | $(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 -c - bench/peers/requirements.in -o bench/peers/requirements.txt
	echo uv | $(UV) pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 - -o requirements-installer.txt

clean:  ## Remove what runs left behind (var/); the virtual environment stays
	rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

help:  ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo

$(VENV)/.ready: requirements.txt requirements-installer.txt $(MEMBERS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed and '$(PYTHON)' is older or missing. Install it, or say which: make PYTHON=python3.11 …"; exit 1; }
	@echo "Installing packages into $(VENV); the first time takes some minutes."
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-installer.txt
	$(UV) pip install -q --python $(PY) --require-hashes -r requirements.txt
	$(UV) pip install -q --python $(PY) --no-deps --no-build-isolation $(foreach member,$(MEMBERS),-e $(dir $(member)))
	touch $@

.PHONY: demo up down status test check bench bench-check rate-change faults setup format generate lock clean help
