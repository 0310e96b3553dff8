# Each target runs on a fresh machine: what is missing is set up, or named with the command that installs it.

CARGO := scripts/cargo.sh

# Sets one up if there is none, and stops here if that fails.
WITH_TERRAFORM = terraform=$$(scripts/terraform.sh) && TERRAFORM="$$terraform" CHECKPOINT_DISABLE=1

.DEFAULT_GOAL := build
.PHONY: help build install release test-release generate fmt lint test testacc test-compat bench counts coverage fuzz soak audit sbom demo clean

help: ## Lists these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

demo: ## Runs two plans against the emulator: one accepted, one refused
	@scripts/demo.sh

build: ## Builds the provider and the emulator
	$(CARGO) build --workspace --locked

install: ## Builds for use and installs into ~/.terraform.d/plugins
	@scripts/install.sh

release: ## Makes the files of a release in dist/; PLATFORMS="linux_amd64 …" makes these only
	@scripts/release.sh $(PLATFORMS)

test-release: ## Tests a release: same bytes twice, and every zip in an empty root or under an emulator; PLATFORMS as above
	@scripts/test-release.sh $(PLATFORMS)

# Documentation examples come first, so that the last lines are about the tests that matter most.
test: ## Runs every test: units, conformance, the built binary, real Terraforms
	@$(WITH_TERRAFORM) $(CARGO) test --workspace --locked --doc
	@scripts/test-compat.sh --ends
	@$(WITH_TERRAFORM) $(CARGO) test --workspace --locked --lib --bins --tests

testacc: ## Runs only the tests under a real Terraform; TERRAFORM=/path/to/one chooses it
	@$(WITH_TERRAFORM) $(CARGO) test --locked --test acceptance --test fleet

test-compat: ## Runs them on thirteen Terraforms from 0.12 to 1.15 and writes the table in RELIABILITY.md
	@scripts/test-compat.sh

soak: ## Holds the provider under load and faults: a minute of 1,000 reads at once, and 100,000 in one process
	@$(CARGO) test --locked --test load -- --ignored --nocapture

counts: ## Counts instructions and allocations into performance/counts.md; needs valgrind
	@command -v valgrind >/dev/null || { echo "make counts needs valgrind: install the package of that name" >&2; exit 1; }
	$(CARGO) run --locked --profile counts --package jdcloud-benches --bin counts performance/counts.md

# Counters are written while a process runs (%c), so that those of a plugin that is killed count too.
coverage: ## Measures which lines the tests run, in the processes that they start too; needs cargo-llvm-cov
	@$(WITH_TERRAFORM) LLVM_PROFILE_FILE_NAME=%m%c.profraw RUSTFLAGS=-Cllvm-args=-runtime-counter-relocation \
		$(CARGO) llvm-cov --workspace --locked --lib --bins --tests --no-fail-fast \
		--ignore-filename-regex '/(benches|emulator|tests)/|/tests\.rs$$'

bench: ## Measures the released build beside the smallest plugin possible, under Terraform; BENCH_QUICK=1 only tries
	@scripts/bench.sh

fuzz: ## Runs each fuzz target for 15 minutes; needs nightly Rust and cargo-fuzz
	@scripts/fuzz.sh

audit: ## Checks dependencies: advisories, licences, duplicates, unused crates; OFFLINE=--offline uses what was fetched
	$(CARGO) deny --locked $(OFFLINE) check
	$(CARGO) machete

sbom: ## Writes what is linked into the released Linux binary to target/sbom.json (CycloneDX)
	@scripts/sbom.sh x86_64-unknown-linux-musl target/sbom.json

generate: ## Writes docs/ from the schema, templates/ and examples/
	UPDATE_DOCS=1 $(CARGO) test --locked --test docs -- docs_are_what_the_provider_and_the_templates_make

lint: ## Checks formatting and clippy's lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Formats the code
	$(CARGO) fmt --all

clean: ## Removes what was built and set up here
	rm -rf target .tools
