# Everything a checkout can do. `make` alone lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
# Handed to pip, for example --extra-index-url https://download.pytorch.org/whl/cpu
PIP_FLAGS ?=
# The torch that `make lock` pins.
TORCH ?= 2.13.0

BIN := .venv/bin
INSTALLED := .venv/.installed
SOURCES := genomenet tests benchmarks
DEMO := data_prep/demo/human_chr20_42M_46M
# In the order in which `make bench` runs them.
BENCHMARKS := training ops where_time_goes inference variants scaling startup loader importing precision

.PHONY: help setup demo clean-demo test test-slow browser test-browser \
	test-similarity test-kernels test-trackers slurm test-slurm lint format types bench bench-smoke lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' Makefile

setup: $(INSTALLED)  ## make .venv and install GenomeNet with its development tools

$(INSTALLED): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "make setup: there is no '$(PYTHON)'; name a Python of 3.11 or newer with make PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make setup: GenomeNet needs Python 3.11 or newer, but '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1); name another with make PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv || { \
		echo "make setup: '$(PYTHON)' can't make a virtual environment; on Debian install python3-venv" >&2; exit 1; }
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e ".[dev]"
	@touch $@

demo: setup  ## train, compare and evaluate six small arms on 4 Mb of human chromosome 20
	$(BIN)/genomenet import $(DEMO).fa.gz --out genomes/demo
	$(BIN)/genomenet annotate genomes/demo --annotation $(DEMO).gtf.gz > /dev/null
	$(BIN)/genomenet compare --config demo --out runs/demo
	$(BIN)/genomenet evaluate runs/demo --regions genomes/demo.regions > runs/demo/likelihood.txt
	@echo "The demo's report is $(CURDIR)/runs/demo/report.html"

clean-demo:  ## remove the demo's genome and runs
	rm -rf genomes/demo genomes/demo.regions runs/demo

test: setup  ## run the tests, but for those that take minutes or a browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n logical -m "not slow and not browser and not similarity \
		and not kernels and not trackers and not slurm"

test-slow: setup  ## run the tests that take minutes
	OMP_NUM_THREADS=2 $(BIN)/pytest -m slow || [ $$? -eq 5 ]  # 5: there is none

browser:  ## install Debian's Chromium where there is none
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then \
		root=; [ "$$(id -u)" -eq 0 ] || root=sudo; \
		$$root apt-get update && $$root apt-get install -y --no-install-recommends chromium; \
	fi

test-browser: setup browser  ## open the report in a headless Chromium
	OMP_NUM_THREADS=2 $(BIN)/pytest -m browser

test-similarity: setup  ## compile mappy, and run the tests that align sequences with it
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e ".[similarity]"
	$(BIN)/pytest -m similarity

test-trackers: setup  ## install wandb and mlflow, and log runs to them on this machine
	$(BIN)/pip install $(PIP_FLAGS) -c constraints.txt -e ".[wandb,mlflow]"
	OMP_NUM_THREADS=1 $(BIN)/pytest -m trackers

test-kernels: .kernels/installed  ## run the CUDA packages on the CPU, Triton's in its interpreter
	PYTHONPATH=.kernels TRITON_INTERPRET=1 MAMBA_DETERMINISTIC=1 OMP_NUM_THREADS=1 \
		$(BIN)/pytest -n logical -m kernels

# Beside .venv, not in it: nothing else is to find them. Without a GPU there is nothing to compile.
.kernels/installed: tests/requirements-kernels.txt | setup
	rm -rf .kernels
	MAMBA_SKIP_CUDA_BUILD=TRUE MAMBA_FORCE_BUILD=TRUE \
	CAUSAL_CONV1D_SKIP_CUDA_BUILD=TRUE CAUSAL_CONV1D_FORCE_BUILD=TRUE \
	FLASH_ATTENTION_SKIP_CUDA_BUILD=TRUE FLASH_ATTENTION_FORCE_BUILD=TRUE \
		$(BIN)/pip install $(PIP_FLAGS) --no-deps --no-build-isolation \
		--target .kernels -r $<
	@touch $@

slurm:  ## install Debian's Slurm where there is none, without starting it
	@if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then \
		root=; [ "$$(id -u)" -eq 0 ] || root=sudo; \
		$$root apt-get update && $$root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge; \
	fi

test-slurm: setup slurm  ## run a study on a Slurm of its own, as root: preempted, requeued, its node taken away
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slurm

lint: setup  ## check style and formatting
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

format: setup  ## mend what the linter can mend
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

types: setup  ## check types
	$(BIN)/mypy

bench: setup  ## run the benchmarks for up to an hour, and write their tables and figures into the docs
	@set -e; for name in $(BENCHMARKS); do \
		echo "$(BIN)/python benchmarks/$$name.py --save"; $(BIN)/python "benchmarks/$$name.py" --save; \
	done
	$(BIN)/python benchmarks/figures.py
	$(BIN)/python benchmarks/publish.py

bench-smoke: setup  ## compare ratios of speed with those recorded, in about two minutes
	$(BIN)/python benchmarks/smoke.py

lock:  ## resolve the dependencies afresh and rewrite constraints.txt
	@set -euo pipefail; venv=$$(mktemp -d); trap 'rm -rf "$$venv"' EXIT; \
	"$(PYTHON)" -m venv "$$venv"; \
	"$$venv/bin/pip" install $(PIP_FLAGS) "torch==$(TORCH)"; \
	"$$venv/bin/pip" install $(PIP_FLAGS) -e ".[dev]"; \
	{ \
		echo "# Exact versions of everything that pip install -e \".[dev]\" installs on Linux."; \
		echo "# Made by make lock: torch $(TORCH) first, then the rest, in a fresh virtual environment with"; \
		echo "# $$("$$venv/bin/python" -V). Local tags such as +cpu and NVIDIA's libraries are left out, so"; \
		echo "# that any build of torch $(TORCH) fits."; \
		"$$venv/bin/pip" freeze --exclude-editable --exclude setuptools | \
			sed 's/+[A-Za-z0-9.]*$$//' | { grep -vE '^(nvidia-|cuda-|triton)' || true; }; \
	} > "$$venv/constraints.txt"; \
	cp "$$venv/constraints.txt" constraints.txt

clean:  ## remove caches and build leftovers; .venv, genomes and runs stay
	rm -rf dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
