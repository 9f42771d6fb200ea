# Two commands matter on a fresh machine: `make demo` and `make test`. The rest is for those who write here.
# Needs Python 3.11 or newer with venv, and nothing else: every wheel is pinned by hash in requirements/.

SHELL := /bin/bash
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCKED := --require-hashes --only-binary :all:
#: How many test processes; one for each core unless told otherwise.
JOBS ?= auto
# A test that hangs ends its process; without a replacement the run ends too, and says which test it was.
XDIST = -n $(JOBS) --dist loadgroup --max-worker-restart 0
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help demo test spark torch llama fast lint lock docs format clean

help:  ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.core  ## set everything up, investigate the bundled sample, name the report
	@$(BIN)/headwater demo

test: $(VENV)/.dev  ## every test of the suite (those of Spark and LiteLLM, if they are there)
	@$(BIN)/python -m pytest $(XDIST) $(if $(ONLY),-m "$(ONLY)")

spark: $(VENV)/.spark  ## the tests that start a Spark cluster (they need Java)
	@$(BIN)/python -m pytest -m spark

torch: $(VENV)/.torch  ## the tests that need torch and transformers
	@$(BIN)/python -m pytest $(XDIST) -m torch

llama: $(VENV)/.llama  ## the tests that need llama-cpp-python (built here: cmake, gcc; minutes)
	@$(BIN)/python -m pytest -m llama

fast: $(VENV)/.dev  ## the tests that take under two minutes together
	@$(BIN)/python -m pytest $(XDIST) -m "not slow and not browser and not torch and not llama"

lint: $(VENV)/.dev  ## format, lint, types, import rules
	@$(BIN)/ruff format --check --quiet . || { echo "hint: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev  ## format the code
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

docs: $(VENV)/.dev  ## write the generated reference pages
	@$(BIN)/python docs/generate.py

lock: $(VENV)/.dev  ## resolve the lock files again (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/core.lock
	uv pip compile pyproject.toml --extra dev -c requirements/core.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/dev.lock
	uv pip compile pyproject.toml --extra spark --extra spark-tests -c requirements/dev.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/spark.lock
	uv pip compile pyproject.toml --extra litellm --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/litellm.lock
	uv pip compile requirements/torch.in -c requirements/dev.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/torch.lock
	uv pip compile requirements/llama.in -c requirements/dev.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/llama.lock
	uv pip compile requirements/build.in -c requirements/dev.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements/build.lock

clean:  ## remove the virtual environment and all outputs
	rm -rf $(VENV) report build dist

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer was found" >&2; \
		echo "hint: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "hint: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 2; }

$(VENV)/.core: requirements/core.lock requirements/build.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing the core (about 400 MB of wheels, checked by hash) …" >&2
	@$(PIP) install $(LOCKED) -r requirements/build.lock -r requirements/core.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

# Two of what the tests need are published as source only: what ISCC's reference and mlcroissant stand on.
$(VENV)/.dev: requirements/dev.lock requirements/embedder.lock requirements/build.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing what the tests need (checked by hash) …" >&2
	@$(PIP) install $(LOCKED) -r requirements/build.lock
	@$(PIP) install $(LOCKED) --no-binary data-url,jsonpath-rw --no-build-isolation -r requirements/dev.lock
	@$(PIP) install $(LOCKED) --no-deps -r requirements/embedder.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@ $(VENV)/.core

# PySpark is published as source only: 440 MB that nobody should have to fetch who doesn't ask for them.
$(VENV)/.spark: requirements/spark.lock requirements/build.lock | $(VENV)/.dev
	@echo "installing PySpark and what its tests need (440 MB, checked by hash) …" >&2
	@$(PIP) install $(LOCKED) -r requirements/build.lock
	@$(PIP) install $(LOCKED) --no-binary pyspark --no-build-isolation -r requirements/spark.lock
	@touch $@

# torch without CUDA's libraries, and transformers. A torch that is there already and starts is left as it is.
$(VENV)/.torch: requirements/torch.lock requirements/torch-itself.lock | $(VENV)/.dev
	@echo "installing torch and transformers (230 MB, checked by hash) …" >&2
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
		$(PIP) install $(LOCKED) --no-compile --no-deps -r requirements/torch-itself.lock || { \
		echo "hint: tell pip where torch 2.13.0+cpu is (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL), or install any torch first" >&2; \
		exit 2; }
	@$(PIP) install $(LOCKED) -r requirements/torch.lock
	@touch $@

# llama-cpp-python is built from its source (cmake, gcc, ninja), unless WHEELS names a folder with a wheel of an earlier build.
$(VENV)/.llama: requirements/llama.lock requirements/llama-itself.lock | $(VENV)/.dev
	@echo "building llama-cpp-python (ten minutes of processor time) …" >&2
	@$(PIP) install $(LOCKED) -r requirements/llama.lock
	@$(PIP) install --no-deps $(if $(WHEELS),--no-index --find-links $(WHEELS) llama-cpp-python,--require-hashes \
		--no-build-isolation --no-binary llama-cpp-python -r requirements/llama-itself.lock)
	@touch $@

# LiteLLM's proxy wants other versions than ours: it has an environment of its own. Compiled when it runs, which is less.
APART = $(VENV)/litellm/bin/python -m pip --disable-pip-version-check -qq install --no-compile
$(VENV)/.litellm: requirements/litellm.lock requirements/build.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing LiteLLM's proxy into $(VENV)/litellm (600 MB, checked by hash) …" >&2
	@$(BIN)/python -m venv $(VENV)/litellm
	@$(APART) $(LOCKED) -r requirements/build.lock
	@$(APART) $(LOCKED) -r requirements/litellm.lock
	@$(APART) --no-deps --no-build-isolation --no-index -e .
	@touch $@

.PHONY: bench-suite fit-fusion bench-real bench-million bench-scale bench-imprints bench-audit
.PHONY: bench-policy bench-log bench-budgets bench-gateway bench-marks
.PHONY: bench-marking bench-distortion bench-robustness bench-sentences bench-students
bench-suite: $(VENV)/.dev  # every scenario in many worlds; resumes, SIZE=full for all (HEADWATER_CORPORA; ten minutes, or hours)
	@$(BIN)/python benchmarks/detection/suite/run.py --size $(or $(SIZE),short) --work out/suite --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/detection/suite.json --pages

fit-fusion: $(VENV)/.dev  # fit anew what kinds of evidence say together, on small worlds (HEADWATER_CORPORA; half an hour)
	@$(BIN)/python benchmarks/detection/suite/run.py --size full --part fitting --work out/suite
	@$(BIN)/python benchmarks/detection/suite/fusing.py --work out/suite --write

bench-real: $(VENV)/.dev  # false alarms on real accounts (HEADWATER_CORPORA; a minute)
	@$(BIN)/python benchmarks/detection/real_accounts.py --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/detection/real_accounts.json --pages

bench-million: $(VENV)/.dev  # a million exchanges end to end (HEADWATER_CORPORA; ten minutes)
	@$(BIN)/python benchmarks/scale/million.py --work out --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/scale/million.json --pages

bench-scale: $(VENV)/.dev  # one, four and sixteen million exchanges (HEADWATER_CORPORA; 40 GB of disk, two hours)
	@$(BIN)/python benchmarks/scale/scale.py --work out --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/scale/scale.json --pages

bench-imprints: $(VENV)/.dev  # imprints a second by kind of text (HEADWATER_CORPORA; two minutes)
	@$(BIN)/python benchmarks/imprint/speed.py --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/imprint/speed.json --pages

bench-audit: $(VENV)/.dev  # what an audit finds and costs, beside datatrove (HEADWATER_CORPORA; 10 GB of disk, half an hour)
	@$(BIN)/python benchmarks/audit/audit.py --work out/audit --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/audit/audit.json --pages

bench-policy: $(VENV)/.dev  # decisions and replay (two minutes)
	@$(BIN)/python benchmarks/policy/policy.py --date "$$(date -u +%F)" --revision "$$(git rev-parse --short HEAD)" \
		--out benchmarks/policy/policy.json --pages

bench-log: $(VENV)/.dev  # publishing and proofs in 10^8 entries; PEER=folder with pymerkle (4 GB of disk, ten minutes)
	@$(BIN)/python benchmarks/log/log.py --work out/log $(if $(PEER),--peer $(PEER)) --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/log/log.json --pages

bench-budgets: $(VENV)/.dev  # four replicas killed, stopped and cut off (Redis, PostgreSQL; ten minutes)
	@$(BIN)/python benchmarks/budget/exactness.py --date "$$(date -u +%F)" --revision "$$(git rev-parse --short HEAD)" \
		--out benchmarks/budget/exactness.json --pages

bench-gateway: $(VENV)/.dev  # every control beside nginx; LITELLM=its Python (nginx, gcc; five minutes)
	@$(BIN)/python benchmarks/gateway/gateway.py $(if $(LITELLM),--litellm $(LITELLM)) --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/gateway/gateway.json --pages

bench-marks: $(VENV)/.dev  # false alarms in 10^6 pairs a scheme, and tracing among 100,000 keys (HEADWATER_CORPORA; half an hour)
	@$(BIN)/python benchmarks/marks/false_positives.py --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/marks/false_positives.json
	@$(BIN)/python benchmarks/marks/trace.py --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/marks/trace.json --pages

bench-marking: $(VENV)/.torch  # what a step of writing costs; MARKLLM=a checkout of it (three minutes of a quiet machine)
	@OMP_NUM_THREADS=2 $(BIN)/python benchmarks/marks/embed_speed.py $(if $(MARKLLM),--markllm $(MARKLLM)) \
		--date "$$(date -u +%F)" --revision "$$(git rev-parse --short HEAD)" --out benchmarks/marks/embed_speed.json --pages

bench-distortion: $(VENV)/.torch  # the law over keys, and prompts asked again; MODELS=folder of lm/train.py (HEADWATER_CORPORA; half an hour)
	@$(BIN)/python benchmarks/marks/distortion.py --models $(MODELS) --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/marks/distortion.json --pages

bench-robustness: $(VENV)/.dev  # schemes by attacks; resumes, MODELS=folder of lm/train.py (HEADWATER_CORPORA; two hours)
	@$(BIN)/python benchmarks/marks/robustness.py --models $(MODELS) --work out/robustness --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/marks/robustness.json \
		--plot benchmarks/marks/robustness.svg --pages

bench-sentences: $(VENV)/.dev  # marks on sentences after real paraphrases; PART=score opens that half (HEADWATER_CORPORA; an hour)
	@$(BIN)/python benchmarks/marks/sentences.py --cache out/sentences $(if $(PART),--part $(PART)) --date "$$(date -u +%F)" \
		--revision "$$(git rev-parse --short HEAD)" --out benchmarks/marks/sentences.json --pages

bench-students: $(VENV)/.torch  # students of marked teachers; resumes, MODELS=folder of lm/train.py (HEADWATER_CORPORA, C++; two hours)
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/marks/student.py --models $(MODELS) --work out/students \
		--date "$$(date -u +%F)" --revision "$$(git rev-parse --short HEAD)" --out benchmarks/marks/student.json \
		--plot benchmarks/marks/student.svg --pages
