# `make demo` and `make test` need Python 3.11 or newer and nothing else: everything goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test test-long lint style types simulator filecheck fuzz install clean

demo: $(VENV)/installed
	@python tools/snow_demo.py

# Tests start many commands: where Python may not keep what it compiles, that would be most of their time.
test simulator filecheck: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/installed-for-tests
	@$(MAKE) --no-print-directory --jobs=2 lint filecheck
	pytest -q -n auto --dist worksteal test

lint: style types

style: $(VENV)/installed-for-tests
	ruff check .
	ruff format --check .

types: $(VENV)/installed-for-tests
	pyright

# The first simulation compiles the simulator, and keeps that: of many at the same time, each would do it. It keeps one
# processor busy for half a minute, as pyright does another one.
simulator: $(VENV)/installed-for-tests
	python tools/snow_demo.py >/dev/null

filecheck: $(VENV)/installed-for-tests simulator
	lit -sv --no-progress-bar test/filecheck

# Everything that takes hours: all networks of the zoo, and random tests with more examples, each layer's schedule against
# thirty random ones. make test-long TESTS=test/property/test_schedules.py runs some of it.
TESTS ?= test
test-long: $(VENV)/installed-for-tests
	pytest -q -n auto --dist worksteal --long --hypothesis-profile=long $(TESTS)

# A longer run over other damaged files than those of the tests: make fuzz COUNT=100000 SEED=7 TARGETS=onnx
COUNT ?= 20000
SEED ?= 2
fuzz: $(VENV)/installed-for-tests
	python test/fuzz/fuzz.py $(TARGETS) --count $(COUNT) --seed $(SEED)

install: $(VENV)/installed-for-tests

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: snowdialect needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

$(VENV)/installed: $(BIN)/python setup.cfg pyproject.toml
	$(INSTALL) .
	@touch $@

$(VENV)/installed-for-tests: $(BIN)/python setup.cfg pyproject.toml
	$(INSTALL) '.[test]'
	@touch $(VENV)/installed $@

clean:
	rm -rf $(VENV)
