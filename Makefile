# Each target works on a new machine: missing tools are installed, or the error has the command that installs them.

CARGO := scripts/cargo.sh

# Installs Terraform if there is none.
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

release: ## Makes the files of a release in dist/; PLATFORMS="linux_amd64 …" selects platforms
	@scripts/release.sh $(PLATFORMS)

test-release: ## Tests a release: reproducible builds, and every zip in an empty root or under an emulator; PLATFORMS as above
	@scripts/test-release.sh $(PLATFORMS)

# Documentation examples run first, so that the output ends with the most important tests.
test: ## Runs every test: unit tests, conformance, the built binary, real Terraform
	@$(WITH_TERRAFORM) $(CARGO) test --workspace --locked --doc
	@scripts/test-compat.sh --ends
	@$(WITH_TERRAFORM) $(CARGO) test --workspace --locked --lib --bins --tests

testacc: ## Runs only the tests with a real Terraform; TERRAFORM=/path/to/terraform selects it
	@$(WITH_TERRAFORM) $(CARGO) test --locked --test acceptance --test fleet

test-compat: ## Runs them with thirteen versions of Terraform from 0.12 to 1.15 and writes the table in RELIABILITY.md
	@scripts/test-compat.sh

soak: ## Tests the provider under load and faults: a minute of 1,000 concurrent reads, and 100,000 reads in one process
	@$(CARGO) test --locked --test load -- --ignored --nocapture

counts: ## Counts instructions and allocations into performance/counts.md; needs valgrind
	@command -v valgrind >/dev/null || { echo "make counts needs valgrind: install the package valgrind" >&2; exit 1; }
	$(CARGO) run --locked --profile counts --package jdcloud-benches --bin counts performance/counts.md

# Counters are written continuously (%c), so that those of a killed plugin count, too.
coverage: ## Measures the test coverage, including started processes; needs cargo-llvm-cov
	@$(WITH_TERRAFORM) LLVM_PROFILE_FILE_NAME=%m%c.profraw RUSTFLAGS=-Cllvm-args=-runtime-counter-relocation \
		$(CARGO) llvm-cov --workspace --locked --lib --bins --tests --no-fail-fast \
		--ignore-filename-regex '/(benches|emulator|tests)/|/tests\.rs$$'

bench: ## Compares the released build with a minimal plugin under Terraform; BENCH_QUICK=1 is a short trial
	@scripts/bench.sh

fuzz: ## Runs each fuzz target for 15 minutes; needs nightly Rust and cargo-fuzz
	@scripts/fuzz.sh

audit: ## Checks dependencies: advisories, licences, duplicates, unused crates; OFFLINE=--offline uses fetched data
	$(CARGO) deny --locked $(OFFLINE) check
	$(CARGO) machete

sbom: ## Writes the SBOM of the released Linux binary to target/sbom.json (CycloneDX)
	@scripts/sbom.sh x86_64-unknown-linux-musl target/sbom.json

generate: ## Writes docs/ from the schema, templates/ and examples/
	UPDATE_DOCS=1 $(CARGO) test --locked --test docs -- docs_are_what_the_provider_and_the_templates_make

lint: ## Checks formatting and clippy's lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Formats the code
	$(CARGO) fmt --all

clean: ## Removes builds and installed tools
	rm -rf target .tools
