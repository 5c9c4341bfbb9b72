# `make run` and `make test` do everything in a virtual environment of their own; a second start takes seconds.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: run test check bench clean

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

clean:
	rm -rf $(VENV) var build dist
