# The two commands a newcomer needs are `make run` and `make test`.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
PORT   ?= 8000
# Tests run in two processes, a file at a time in one of them; in the order of the folders, so that the long
# ones with few tests do not come last. Each computes in one thread: more would wait for each other.
TESTS  := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder
export PYTHONPATH := $(CURDIR)

.PHONY: run test test-all check format docs pins bench clean
.DEFAULT_GOAL := run

$(VENV)/run.stamp: requirements/portal.txt requirements/notebook.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: $(PYTHON) was not found. Set PYTHON=/path/to/python3.11."; exit 1; }
	@echo "Preparing the virtual environment (first start only) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/portal.txt -r requirements/notebook.txt
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt requirements/embeddings.txt
	@$(PIP) install --require-hashes -r requirements/dev.txt -r requirements/embeddings.txt
	@touch $@

# FRESH=1 starts over with an empty var/; PORT=... prefers another port.
run: $(VENV)/run.stamp
	@exec $(BIN)/python -m portal.laptop --port $(PORT) $(if $(FRESH),--fresh)

test: $(VENV)/dev.stamp
	@$(TESTS) -m "not slow" $(ARGS)

test-all: $(VENV)/dev.stamp
	@$(TESTS) $(ARGS)

check: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m portal.reference --check

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/dev.stamp
	@$(BIN)/python -m portal.reference

# Re-resolve every pin (wants the `uv` program).
pins:
	@for set in portal notebook embeddings dev; do \
	  uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    requirements/$$set.in -o requirements/$$set.txt; done

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) var
