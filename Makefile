# `make run` and `make test` do everything in a virtual environment of their own; a second start takes seconds.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: run test check bench proof lock screenshots clean

run: $(VENV)/installed
	$(BIN)/publisher demo

test: $(VENV)/tested
	$(BIN)/pytest

check: $(VENV)/checked
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# A short round of all benches; `make bench ARGS='--large --rounds 3 --peers'` measures as bench/README.md wants it, for hours.
bench: $(VENV)/tested
	$(BIN)/python -m bench $(ARGS)

# Faults, attacks, load: the long rounds; `make proof ARGS='--short'` is what CI runs of them.
proof: $(VENV)/tested
	$(BIN)/python -m bench.proof $(ARGS)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml $(shell find publisher ontology shapes data -type f -not -name '*.pyc')
	$(BIN)/pip install --quiet --disable-pip-version-check .
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check '.[test]'
	@touch $@

$(VENV)/checked: $(VENV)/tested
	$(BIN)/pip install --quiet --disable-pip-version-check '.[check]'
	@touch $@

# Pins every dependency with its hashes, for every platform: the versions that the checks run with. Needs uv (pip install uv).
LOCK = UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate

lock:
	mkdir -p build && echo 'hatchling>=1.27' >build/build.in
	$(LOCK) -o requirements.lock pyproject.toml build/build.in
	$(LOCK) --all-extras -o requirements-dev.lock pyproject.toml build/build.in -c requirements.lock

# Needs Chromium (Debian: apt-get install chromium).
screenshots: $(VENV)/tested
	$(BIN)/pip install --quiet --disable-pip-version-check '.[browser]'
	$(BIN)/publisher demo --no-serve --home build/screenshots-home
	$(BIN)/python -m tests.browser.screenshots build/screenshots-home build/screenshots /eli/dl/05999004/vorlage/13 /query /report
	mkdir -p docs/screenshots
	cp build/screenshots/eli-dl-05999004-vorlage-13.wide.png docs/screenshots/paper.png
	cp build/screenshots/query.wide.png docs/screenshots/query.png
	cp build/screenshots/report.wide.png docs/screenshots/report.png

clean:
	rm -rf $(VENV) var build dist
