#!/bin/sh
# Runs each fuzz target for SECONDS_EACH of wall time (900 by default), or only the targets that are named:
#     scripts/fuzz.sh
#     SECONDS_EACH=60 scripts/fuzz.sh msgpack_value type_json
# Needs cargo-fuzz and nightly Rust. The property tests in tests/ do not need them.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
cd "$root"

command -v cargo-fuzz >/dev/null 2>&1 ||
	fail "cargo-fuzz is not installed. Install it: cargo install cargo-fuzz --locked"
rustup toolchain list 2>/dev/null | grep -q '^nightly' ||
	fail "Nightly Rust is not installed; the sanitizer needs it. Install it: rustup toolchain install nightly"

targets=$*
if [ -z "$targets" ]; then targets=$(cargo +nightly fuzz list); fi
# Use the tested versions.
cargo +nightly fetch --quiet --locked --manifest-path fuzz/Cargo.toml

failed=
for target in $targets; do
	say "fuzzing $target for ${SECONDS_EACH:=900} s"
	mkdir -p "fuzz/corpus/$target"
	# An input that needs 10 s or 512 MB is reported like a crash.
	cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
		-max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=256 -max_len=8192 \
		-print_final_stats=1 -close_fd_mask=1 || failed="$failed $target"
done
[ -z "$failed" ] || fail "findings in:$failed (the inputs are in fuzz/artifacts)"
