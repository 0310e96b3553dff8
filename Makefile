# Each target runs on a fresh machine: what is missing is set up, or named with the command that installs it.

CARGO := scripts/cargo.sh

# Sets one up if there is none, and stops here if that fails.
WITH_TERRAFORM = terraform=$$(scripts/terraform.sh) && TERRAFORM="$$terraform" CHECKPOINT_DISABLE=1

.DEFAULT_GOAL := build
.PHONY: help build install release test-release generate fmt lint test testacc test-compat bench counts coverage fuzz soak audit sbom demo clean

help: ## Lists these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

demo: ## Shows it: two real plans against an emulated JD Cloud, one accepted, one refused
	@scripts/demo.sh

build: ## Builds the provider and the emulator
	$(CARGO) build --workspace --locked

install: ## Builds for use and installs into ~/.terraform.d/plugins
	@scripts/install.sh

release: ## Makes the files of a release in dist/; GPG_KEY=id signs them
	@scripts/release.sh

test-release: ## Tests a release: same bytes twice, old systems, terraform init from the zips
	@scripts/test-release.sh

# Documentation examples come first, so that the last lines are about the tests that matter most.
test: ## Runs every test: units, conformance, the built binary, real Terraforms
	@$(WITH_TERRAFORM) $(CARGO) test --workspace --locked --doc
	@scripts/test-compat.sh --ends
	@$(WITH_TERRAFORM) $(CARGO) test --workspace --locked --lib --bins --tests

testacc: ## Runs only the tests under a real Terraform; TERRAFORM=/path/to/one chooses it
	@$(WITH_TERRAFORM) $(CARGO) test --locked --test acceptance

test-compat: ## Runs them on thirteen Terraforms from 0.12 to 1.15 and writes the table in RELIABILITY.md
	@scripts/test-compat.sh

soak: ## Holds the provider under load and faults: a minute of 1,000 reads at once, and 100,000 in one process
	@$(CARGO) test --locked --test load -- --ignored --nocapture

counts: ## Counts instructions and allocations into docs/performance/counts.md; needs valgrind
	@command -v valgrind >/dev/null || { echo "make counts needs valgrind: install the package of that name" >&2; exit 1; }
	$(CARGO) run --locked --profile counts --package jdcloud-benches --bin counts docs/performance/counts.md

coverage: ## Measures which lines of src/ the tests run, and writes the table in RELIABILITY.md
	@scripts/coverage.sh

bench: ## Measures the provider beside the least plugin possible, under a real Terraform; BENCH_QUICK=1 only tries
	@$(CARGO) build --release --locked --bins --package terraform-provider-jdcloud --package jdcloud-floor
	@$(WITH_TERRAFORM) $(CARGO) run --profile bench --locked --quiet --package jdcloud-comparison

fuzz: ## Runs each fuzz target for 15 minutes; needs nightly Rust and cargo-fuzz
	@scripts/fuzz.sh

audit: ## Checks what is depended on: advisories, licences, duplicates, crates that nobody uses
	@scripts/audit.sh

sbom: ## Writes what is linked into the binary to target/sbom.json (CycloneDX)
	@python3 scripts/sbom.py target/sbom.json x86_64-unknown-linux-gnu

generate: ## Writes docs/ from the schema, templates/ and examples/
	UPDATE_DOCS=1 $(CARGO) test --locked --test docs -- docs_are_what_the_provider_and_the_templates_make

lint: ## Checks formatting and clippy's lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Formats the code
	$(CARGO) fmt --all

clean: ## Removes what was built and set up here
	rm -rf target .tools
