#!/bin/sh
# Measures which lines of src/ all the tests run, in the processes that they start too, and writes the table of
# RELIABILITY.md. What is not run is listed on stdout. Has a target directory of its own.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
cd "$root"

# The readers have to be those of rustc's LLVM.
tools=$(rustc --print target-libdir)/../bin
[ -x "$tools/llvm-cov" ] || rustup -q component add llvm-tools >&2 ||
	fail 'llvm-cov and llvm-profdata are not here, and rustup could not add llvm-tools.'

export CARGO_TARGET_DIR="$root/target/coverage"
export RUSTC_WORKSPACE_WRAPPER="$root/scripts/coverage/rustc.py"
profiles=$CARGO_TARGET_DIR/profiles
# One file for each executable (%m), written while it runs (%c).
export LLVM_PROFILE_FILE="$profiles/%m%c.profraw"
rm -rf "$profiles" && mkdir -p "$profiles"

scripts/cargo.sh build --workspace --locked --quiet
scripts/cargo.sh test --workspace --locked --lib --bins --tests --no-run --message-format=json-render-diagnostics >"$profiles/built"
objects=$(sed -n 's/.*"executable":"\([^"]*\)".*/--object=\1/p' "$profiles/built" | sort -u)
# What ran before a failure still counts.
TERRAFORM=$(scripts/terraform.sh) CHECKPOINT_DISABLE=1 \
	scripts/cargo.sh test --workspace --locked --lib --bins --tests --no-fail-fast >"$profiles/output" 2>&1 ||
	say "Not all tests passed: see $profiles/output"

"$tools/llvm-profdata" merge --sparse --failure-mode=all -o "$profiles/all" "$profiles"/*.profraw
# shellcheck disable=SC2086
"$tools/llvm-cov" export --format=lcov --instr-profile="$profiles/all" $objects --sources "$root/src" >"$profiles/lcov"
python3 scripts/coverage/report.py "$profiles/lcov" RELIABILITY.md
