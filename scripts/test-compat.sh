#!/bin/sh
# Runs the acceptance tests with every Terraform in scripts/terraform/versions, and writes the results into the table of
# RELIABILITY.md, between two markers.
#
#   test-compat.sh                  all versions; the table is written if every one of them passes
#   test-compat.sh 1.6.6 0.12.29    these; the table stays
#   test-compat.sh --ends           the oldest and the newest, as `make test` does: without those that can't be set up
#                                   here, and without the newest where `make test` uses it anyway
#
# Terraform before 1.2 has neither the JSON output nor the preconditions that the tests need; with those versions
# scripts/compat/smoke.py plans, applies, and checks the state.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
# shellcheck source=scripts/version.sh
. "$root/scripts/version.sh"
cd "$root"

main() {
	export CHECKPOINT_DISABLE=1
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	all=$(sed -n 's/^\([0-9][^ ]*\) .*/\1/p' scripts/terraform/versions)
	versions=${*:-$all}
	if [ "$versions" = --ends ]; then
		versions=$(echo "$all" | head -n 1)
		newest=$(echo "$all" | tail -n 1)
		case $(scripts/terraform.sh) in
		*/"$newest"/terraform) ;;
		*) versions="$versions $newest" ;;
		esac
	fi
	scripts/cargo.sh build --workspace --locked --quiet
	failed=
	for version in $versions; do
		terraform=$(scripts/terraform.sh "$version") || {
			[ "$*" = --ends ] || exit 1
			say "Not run on Terraform $version, which cannot be installed here."
			continue
		}
		if older "$version" 1.2; then smoke; else acceptance; fi || failed="$failed $version"
	done
	[ -z "$failed" ] || fail "Failed on:$failed"
	if [ $# -eq 0 ]; then
		python3 scripts/compat/table.py "$work/results"
		say 'The table of RELIABILITY.md is updated.'
	fi
}

# A line of the results: version, protocols, passed cases, missing features.
record() {
	printf '%s\t%s\t%s\t%s\n' "$version" "$1" "$2" "$3" >>"$work/results"
	say "Terraform $version: $2 passed${3:+; without $3}"
}

smoke() {
	python3 scripts/compat/smoke.py "$terraform" "${CARGO_TARGET_DIR:-target}/debug" >"$work/output" 2>&1 || {
		cat "$work/output" >&2
		return 1
	}
	spoken=5
	if ! older "$version" 0.15; then spoken='6, and 5 when forced'; fi
	record "$spoken" "$(grep -c '^ok: ' "$work/output") of scripts/compat/smoke.py" 'JSON output, preconditions, functions of providers, and more'
}

acceptance() {
	TERRAFORM=$terraform scripts/cargo.sh test --locked --quiet --test acceptance --test fleet -- --nocapture >"$work/output" 2>&1 || {
		grep -v 'not applicable: ' "$work/output" | tail -n 60 >&2
		return 1
	}
	passed=$(awk '/^test result: ok/ { sum += $4 } END { print sum }' "$work/output")
	# A case that needs a newer Terraform reports that, and counts as passed.
	passed_over=$(grep -c 'not applicable: ' "$work/output") || :
	missing=$(sed -n 's/.*not applicable: .* has no \(.*\) (Terraform .*/\1/p' "$work/output" | sort -u | paste -sd, - | sed 's/,/, /g')
	record '6, and 5 when forced' $((passed - passed_over)) "$missing"
}

main "$@"
