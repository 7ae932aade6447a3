# SOCme. `make` alone says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# What `make demo` hands to `socme demo`, such as ARGS="--keep".
ARGS ?=

WEB_INPUTS := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' -not -path 'web/e2e/*' 2>/dev/null)

.PHONY: help
help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what SOCme needs on Debian, and only that
	@scripts/setup test

.PHONY: demo
demo: ## Show the whole of SOCme on this machine; Ctrl-C ends it
	@scripts/setup demo
	@$(MAKE) --no-print-directory build
	@cargo build --locked --package wazuh-imitation --example fleet
	@target/debug/socme demo $(ARGS)

.PHONY: test
test: ## Run every check and every test; the last line counts them
	@scripts/test

# How many alerts `make bench` keeps for its questions, and how many seeds `make soak` goes through: FROM..TO.
ALERTS ?= 1000000
SEEDS ?= 0..100

.PHONY: bench
bench: web/dist/index.html ## Measure: lines a node reads, alerts a core takes, answers to a page (ALERTS=1000000)
	@cargo bench --locked --package socme-node --bench lines
	@cargo bench --locked --package socme --bench load
	@cargo bench --locked --package socme --bench wazuh
	@cargo bench --locked --package socme-store --bench questions -- $(ALERTS)
	@cargo bench --locked --package socme --bench load -- postgres
	@cargo bench --locked --package socme-store --bench questions -- postgres $(ALERTS)

.PHONY: soak
soak: web/dist/index.html ## Kill, cut and restore for as long as you like, and lose nothing (SEEDS=0..100)
	@seeds="$(SEEDS)"; SEEDS="$${seeds##*.}" cargo test --release --locked --package socme-node --lib -- \
	  --nocapture whatever_happens_in_between
	@seeds="$(SEEDS)"; SEEDS="$${seeds##*.}" cargo test --release --locked --package wazuh --test main -- \
	  --nocapture readers_that_are_killed
	@SOCME_SOAK_SEEDS="$(SEEDS)" cargo test --release --locked --package socme --test main -- \
	  --nocapture nothing_is_lost_and_nothing_comes_twice
	@SOCME_SOAK_SEEDS="$(SEEDS)" cargo test --release --locked --package socme --test main -- \
	  --nocapture all_alerts_of_two_managers_arrive_once

.PHONY: deny
deny: target/tools/bin/cargo-deny ## Hold the dependencies against deny.toml: bans, licences, sources
	@cargo fetch --quiet --locked
	@target/tools/bin/cargo-deny --offline check bans licenses sources

.PHONY: audit
audit: target/tools/bin/cargo-deny ## Look for known weaknesses in what SOCme is built from; needs the internet
	@target/tools/bin/cargo-deny check advisories
	@cd web && npm audit --omit=dev

.PHONY: sbom
sbom: target/tools/bin/cargo-cyclonedx web/node_modules/.package-lock.json ## List what SOCme is built from, in dist/ (CycloneDX)
	@mkdir -p dist
	@target/tools/bin/cargo-cyclonedx cyclonedx --manifest-path crates/socme/Cargo.toml --format json --override-filename socme.cdx
	@mv crates/socme/socme.cdx.json dist/
	@find crates -name socme.cdx.json -delete
	@cd web && npm sbom --sbom-format cyclonedx --omit dev >../dist/web.cdx.json
	@ls -l dist/*.cdx.json

# Tools that are not Debian's; built once, quickly rather than well.
target/tools/bin/cargo-deny: TOOL = cargo-deny@0.20.2
target/tools/bin/cargo-cyclonedx: TOOL = cargo-cyclonedx
target/tools/bin/%:
	@cargo install --quiet --locked --debug --root target/tools $(TOOL)

# A real indexer for the tests of its client. Maven's own settings say where from.
target/tools/opensearch/lib: crates/wazuh/tests/opensearch/pom.xml
	@rm -rf $@ $@.new
	@mvn --batch-mode --quiet --file $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$(CURDIR)/$@.new"
	@mv $@.new $@

.PHONY: build
build: web/dist/index.html ## Build the program, with the web application in it
	@cargo build --locked --package socme

.PHONY: release
release: ## Build dist/: the optimised program as a Debian package and as a tarball
	@scripts/setup demo
	@$(MAKE) --no-print-directory web/dist/index.html
	@scripts/release

.PHONY: clean
clean: ## Remove everything that was built, and the demo's data
	rm -rf target dist web/dist web/node_modules .demo

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@echo "Fetching the web application's parts…"
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_INPUTS)
	@echo "Building the web application…"
	@cd web && npm run --silent build
	@touch $@
