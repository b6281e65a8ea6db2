# `make demo` and `make test` need Python 3.11 or newer and nothing else: everything goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test test-long lint fuzz install clean

demo: $(VENV)/installed
	@python tools/snow_demo.py

# Tests start many commands: where Python may not keep what it compiles, that would be most of their time.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/installed-for-tests lint
	lit -sv test/filecheck
	pytest -q -n auto --dist worksteal test

lint: $(VENV)/installed-for-tests
	ruff check .
	ruff format --check .
	pyright

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

$(VENV)/installed: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV)
