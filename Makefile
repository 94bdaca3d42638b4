# Everything a user needs; `make help` lists it. Nothing but any python3 and make has to be there before.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

UV_VERSION := 0.13.9
UV := build/uv-bootstrap/bin/uv
BIN := .venv/bin
# Node comes as a wheel into the environment's own bin, and CDK looks for it on PATH.
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/build/uv-bootstrap/bin:$(PATH)
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
PORT ?= 5055
ENVIRONMENT ?= dev
# Gigabytes of the files that `make bench-data` measures: with the peers, and without.
SIZES ?= 0.1,1
OURS ?=

.PHONY: help install demo test test-all check lint types imports synth deploy serve bench bench-data bench-drift simulate-drift clean

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## *' '{printf "  make %-10s %s\n", $$1, $$2}'

# ---- installation

$(UV):
	@echo "bringing uv (once)"
	@mkdir -p build
	@python3 -m venv build/uv-bootstrap 2>/dev/null && build/uv-bootstrap/bin/python -m pip install -q uv==$(UV_VERSION) \
	  || { rm -rf build/uv-bootstrap && python3 -m pip install -q --target build/uv-bootstrap uv==$(UV_VERSION); }

.venv/.installed: requirements.txt pyproject.toml .python-version $(UV)
	@echo "installing the pinned environment (once, about a minute)"
	@test -x $(BIN)/python || $(UV) venv -q --python 3.12 .venv
	@$(UV) pip sync -q --compile-bytecode --require-hashes requirements.txt
	@$(UV) pip install -q --no-deps --no-build-isolation -e .
	@touch $@

install: .venv/.installed  ## the environment, the Lambda layer and the training container's twin
	@$(BIN)/python -m assets

# ---- the product

demo: install  ## play a year in production on the laptop
	@ARROW_DEFAULT_MEMORY_POOL=system $(BIN)/python -m demo

synth: install  ## synthesize the CDK app into build/cdk.out
	@$(BIN)/python -m assets.synth

deploy: synth  ## deploy to AWS with the credentials at hand (ENVIRONMENT=dev)
	@$(BIN)/cdk deploy --app build/cdk.out '$(shell echo $(ENVIRONMENT) | sed 's/./\U&/')/*'

serve: synth  ## the local cloud as a server on PORT, the stack deployed, for trimtab, boto3 and cdk
	@$(BIN)/python -m localcloud serve --port $(PORT) --deploy build/cdk.out

# ---- checks

test: install  ## the tests, in under ten minutes
	@$(BIN)/pytest -n 2 --dist loadgroup -m "not slow"

test-all: install  ## the tests and the slow sweeps
	@$(BIN)/pytest -n 2 --dist loadgroup

lint: .venv/.installed
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: .venv/.installed
	@$(BIN)/mypy app.py assets benchmarks demo lambdas localcloud stacks trimtab tests
	@MYPYPATH=pipelines/flights $(BIN)/mypy pipelines/flights/*.py pipelines/flights/tests/*.py

imports: .venv/.installed
	@$(BIN)/lint-imports

check: install lint types imports test  ## lint, types, import rules and tests: the gate

simulate-drift: install  ## how often drift verdicts are wrong, by simulation (minutes); writes docs/calibration.md
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.calibration

bench: install  ## what the hot paths cost, side by side
	@$(BIN)/python -m benchmarks

bench-data: synth  ## the examination of files beside pandera, Great Expectations and DuckDB; versions beside DVC
	@$(BIN)/python -m benchmarks.examination --sizes $(SIZES) --ours "$(OURS)"
	@$(BIN)/python -m benchmarks.data_versions

bench-drift: install  ## what drift costs, beside decoding and the peers (a quarter of an hour); writes docs/benchmarks.md
	@$(BIN)/python -m benchmarks.drift

clean:  ## remove what was built and installed
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
