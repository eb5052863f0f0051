# What can be done here; `make help` lists it. Every target does its own set-up: on Debian, with
# root or sudo, nothing has to be installed beforehand but make and Python.
#
#   PYTHON=python3.12      another interpreter (with VENV=.venv-3.12, beside the usual one)
#   PYTEST_ARGS='-k ping'  arguments for pytest
#   TEST_PROCESSES=1       one after the other, instead of two at a time for each core
#   XMPPCTL_TEST_SKIP=ejabberd   leave the tests of a server out (and say so)
#   XMPPCTL_TEST_TRANSPORT=bosh  reach the servers that way, in what it makes a difference to

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?=
# each process has servers of its own, and waits for them half of the time
TEST_PROCESSES ?= $(shell echo $$(( $$(nproc) * 2 )))
BENCH_ARGS ?=
# how else than by STARTTLS the servers are reached (tests/peers/process.py)
OTHER_TRANSPORTS := direct websocket bosh
# tests that need no server; what is not there yet is left out
FAST_TESTS := $(wildcard tests/unit tests/test_tree.py tests/test_layers.py tests/test_generated.py)

# Python may have been told to write no byte code: that would be slow at every start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check lint generate sandbox bench clean compiled servers

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: compiled ## show xmppctl at work against a Prosody of its own (some 10 s)
	@tools/debian.sh demo
	@$(BIN)/python tools/sandbox.py --only prosody -- $(BIN)/python tools/demo.py

test: ## all tests, against Prosody and ejabberd
	@$(MAKE) --no-print-directory --jobs=2 compiled servers
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist worksteal $(PYTEST_ARGS)

test-all: ## all of it over each transport and with Python 3.12 too; installation with 3.13
	XMPPCTL_TEST_EVERYTHING=1 $(MAKE) test
	@for transport in $(OTHER_TRANSPORTS); do \
	    XMPPCTL_TEST_EVERYTHING=1 XMPPCTL_TEST_TRANSPORT=$$transport $(MAKE) test || exit; \
	done
	@if python=$$(tools/findpython.sh 3.12); then \
	    XMPPCTL_TEST_EVERYTHING=1 $(MAKE) test PYTHON="$$python" VENV=.venv-3.12; \
	else \
	    echo '!!! NOT TESTED with Python 3.12: there is no such interpreter here' >&2; \
	fi
	@if tools/findpython.sh 3.13 >/dev/null; then \
	    XMPPCTL_TEST_PYTHON313=1 $(BIN)/pytest tests/test_python313.py; \
	else \
	    echo '!!! NOT TESTED with Python 3.13: there is no such interpreter here' >&2; \
	fi

check: lint ## all that needs no server: lint, and the tests that need none
	$(BIN)/pytest -q -n $(TEST_PROCESSES) $(FAST_TESTS)

lint: compiled ## format, lint, types, layers, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/generate.py --check

generate: compiled ## write what is derived from the code: reference, schemas, completions, ...
	$(BIN)/python tools/generate.py

sandbox: compiled servers ## run both servers for a person to try things on; ends by Ctrl-C
	@$(BIN)/python tools/sandbox.py

bench: compiled servers ## measure; BENCH_ARGS are its arguments
	@tools/debian.sh bench
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

clean: ## remove what the other targets made
	rm -rf .venv .venv-* .apt.lock .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV) $(PYTHON)
	@touch $@

compiled: $(READY)
	@$(BIN)/python -m compileall -q xmppctl

servers:
	@tools/debian.sh test || { \
	    test -n "$$XMPPCTL_TEST_SKIP" && echo "make: going on: XMPPCTL_TEST_SKIP=$$XMPPCTL_TEST_SKIP" >&2; }
