# From a clean clone: `make serve` shows the site, `make test` runs every test.
# Each target first puts in place what it needs (tools/bootstrap.sh); a second run finds it there.

.DEFAULT_GOAL := help
.PHONY: help serve site book worksheets offline all test lint bench bench-labs lock clean

PORT ?= 8000
HOST ?= 127.0.0.1
PYTEST_ARGS ?=
# Of the book and the worksheets: a4 or letter. STUDENT=1 leaves the answers to the labs out of the book.
PAPER ?= a4
# Of the worksheets: which variant of each lab. 0 is the lab as its file tells it.
SEED ?= 0
STUDENT ?=
# Tests of one file stay together: they share a server, a browser or a pair of network namespaces.
PYTEST_WORKERS ?= auto

python := .venv/bin/python
export PATH := $(PATH):$(CURDIR)/.venv/bin
# MkDocs Material prints a box about its own future at every build; docs/contributing.md tells the plan.
export NO_MKDOCS_2_WARNING = 1
# The day of the sources: of the last commit, so that the same sources make the same bytes and a book says how old it is.
export SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),1767225600)

define build_site
@$(python) -m teardown.site.finish --check
@$(python) -m teardown.site.prepare
@echo "==> building the site into site/"
@$(python) -m mkdocs build --strict --quiet
@$(python) -m teardown.site.finish
endef

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: ## build the site and serve it on http://127.0.0.1:8000 (PORT=… and HOST=… change that)
	@tools/bootstrap.sh site
	@$(python) -m teardown.site.serve --host $(HOST) --port $(PORT) --check
	$(build_site)
	@$(python) -m teardown.site.serve --host $(HOST) --port $(PORT)

site: ## build the site into site/
	@tools/bootstrap.sh site
	$(build_site)

book: ## print the whole site as site/fin-wait-2.pdf (PAPER=letter, STUDENT=1)
	@tools/bootstrap.sh book
	$(build_site)
	@$(python) -m teardown.site.book --paper $(PAPER) $(if $(STUDENT),--student)

worksheets: ## print every lab for students and for teachers into site/worksheets/ (PAPER=letter, SEED=7)
	@tools/bootstrap.sh book
	$(build_site)
	@$(python) -m teardown.site.worksheets --paper $(PAPER) --seed $(SEED)

offline: ## pack the site as a ZIP that works from a folder, with the book if that was made
	@tools/bootstrap.sh site
	$(build_site)
	@$(python) -m teardown.site.offline

all: ## build everything that is published: the site, the book, the worksheets, the offline copy
	@tools/bootstrap.sh book
	$(build_site)
	@$(python) -m teardown.site.book
	@$(python) -m teardown.site.worksheets
	@$(python) -m teardown.site.offline

test: ## run every test: the engine, the pages, the browser, real sockets
	@tools/bootstrap.sh test
	$(build_site)
	@$(python) -m pytest -n $(PYTEST_WORKERS) --dist loadfile $(PYTEST_ARGS)

lint: ## check style and types
	@tools/bootstrap.sh lint
	$(python) -m ruff check .
	$(python) -m mypy

bench: ## measure against peers and floors, into benchmarks/results/
	@tools/bootstrap.sh bench
	$(build_site)
	@$(python) -m benchmarks

bench-labs: ## measure the labs beside PyScript, pyodide-mkdocs-theme and bare Pyodide
	@tools/bootstrap.sh peers
	$(build_site)
	@$(python) -m benchmarks labs

lock: ## lock the newest versions that pyproject.toml and package.json allow
	@tools/bootstrap.sh lock

clean: ## remove everything that the build made
	rm -rf site build docs/assets/web docs/assets/fonts docs/assets/engine docs/assets/editor docs/assets/futures docs/assets/scenarios docs/service-worker.js .venv .tools node_modules
	find docs/labs -name '*.md' ! -name index.md ! -name write-a-lab.md -delete
