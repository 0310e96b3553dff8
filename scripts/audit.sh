#!/bin/sh
# Checks what the provider depends on: cargo-deny by deny.toml, and cargo-machete for crates that nobody uses.
#     scripts/audit.sh              the advisories are fetched
#     scripts/audit.sh --offline    with those that an earlier run has fetched
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
cd "$root"

for tool in cargo-deny cargo-machete; do
	command -v "$tool" >/dev/null 2>&1 || fail "There is no $tool here. Install it: cargo install $tool --locked"
done
cargo deny --locked "$@" check
cargo machete
