#!/bin/sh
# The demo: Terraform plans twice with the provider, against an emulator of JD Cloud's API on this machine. The first plan
# is accepted and the second refused.
#
#   demo.sh              with the provider built here
#   DIST=dist demo.sh    with the zips of a release, installed from them by terraform init
#
# All files are in a temporary directory, which is removed at the end, except target/ and .tools/. Runs in any POSIX shell,
# including that of Git for Windows.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
# shellcheck source=scripts/version.sh
. "$root/scripts/version.sh"
cd "$root"

image=img-ubuntu2204
supported_type=g.n2.medium
excluded_type=g.n4.large

main() {
	forget_the_users_settings
	work=$(mktemp -d "${TMPDIR:-/tmp}/jdcloud-demo.XXXXXX")
	emulator_job=''
	trap clean_up EXIT
	trap 'exit 130' HUP INT PIPE TERM

	heading '1/5  Tools'
	terraform=$(scripts/terraform.sh --oldest 1.2)
	example=quickstart
	"$terraform" version | functions || example=rules/maps-with-ids
	note "$(scripts/cargo.sh --version), $("$terraform" version | sed -n 1p) ($terraform)"

	heading '2/5  Build'
	note 'The provider and the emulator, unoptimised: about three minutes on two cores the first time.'
	scripts/cargo.sh build --workspace --locked || fail 'The build failed; its output is above.'
	built=${CARGO_TARGET_DIR:-$root/target}/debug

	heading '3/5  Emulator'
	"$built/jdcloud-emulator" --address-file "$work/address" --verbose >"$work/started" 2>"$work/emulator.log" &
	emulator_job=$!
	until [ -s "$work/address" ]; do
		kill -0 "$emulator_job" 2>/dev/null || fail "The emulator did not start: $(cat "$work/emulator.log")"
		sleep 0.1
	done
	JDCLOUD_VM_ENDPOINT=$(cat "$work/address")
	export JDCLOUD_VM_ENDPOINT JDCLOUD_REGION=cn-north-1 JDCLOUD_ACCESS_KEY=EMULATOR-ACCESS-KEY JDCLOUD_SECRET_KEY=EMULATOR-SECRET-KEY
	note "The emulator of JD Cloud's VM API listens on $JDCLOUD_VM_ENDPOINT, with made-up keys; nothing leaves this machine."

	heading '4/5  terraform init'
	install_provider
	run init -input=false || unexpected 'terraform init failed'
	grep -E '^(- )?Install(ed|ing)' "$work/output" | indent

	heading '5/5  terraform plan, twice'
	note "The configuration is examples/$example."
	note "1. Instance type $supported_type, which $image supports: the plan succeeds."
	plan "$supported_type" || unexpected 'this plan should have been accepted'
	indent <"$work/output"
	note "2. Instance type $excluded_type, which $image excludes: the plan fails, and nothing has been created."
	if plan "$excluded_type"; then unexpected 'this plan should have been refused'; fi
	output_has "Image $image does not support instance type $excluded_type" ||
		unexpected "this plan should have been refused because $image excludes $excluded_type"
	# Some versions also print the incomplete plan.
	sed -n '/╷/,$p; /^Error:/,$p' "$work/output" | indent

	heading 'Done'
	note 'Each plan made one signed request. Requests that the emulator received:'
	indent <"$work/emulator.log"
	note "Next: put your image ID into examples/$example, or follow docs/guides/getting-started.md."
}

# Do not use real credentials or the user's settings.
forget_the_users_settings() {
	for name in $(env | sed -nE 's/^((TF|JDCLOUD)_[A-Za-z0-9_]*)=.*/\1/p'); do unset "$name"; done
	# The emulator listens on loopback, which a proxy cannot reach.
	NO_PROXY=${NO_PROXY:+$NO_PROXY,}127.0.0.1 no_proxy=${no_proxy:+$no_proxy,}127.0.0.1
	export NO_PROXY no_proxy CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1
}

# A directory that mirrors the registry, as on a machine without a network.
install_provider() {
	registry=registry.terraform.io
	case $("$terraform" version) in OpenTofu*) registry=registry.opentofu.org ;; esac
	packages=$work/mirror/$registry/jdcloud/jdcloud
	mkdir -p "$packages" "$work/quickstart"
	if [ -n "${DIST-}" ]; then
		cp "$DIST"/*.zip "$packages"
	else
		version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
		packages=$packages/$version/$("$terraform" version -json | sed -nE 's/.*"platform": *"([a-z0-9_]+)".*/\1/p')
		mkdir -p "$packages"
		cp "$built/terraform-provider-jdcloud" "$packages/terraform-provider-jdcloud_v$version"
	fi
	cp "examples/$example"/*.tf "$work/quickstart"
	# Relative, because Terraform for Windows does not support the paths of the shell.
	printf 'provider_installation {\n  filesystem_mirror {\n    path = "../mirror"\n  }\n}\n' >"$work/quickstart/terraformrc"
	export TF_CLI_CONFIG_FILE=terraformrc
}

# functions: whether the Terraform or OpenTofu whose `version` is on standard input has provider functions.
functions() {
	found=$(sed -nE 's/.*(Terraform|OpenTofu) v([0-9][0-9.]*).*/\1 \2/p' | head -n 1)
	case $found in
	OpenTofu*) oldest=1.7 ;;
	*) oldest=1.8 ;;
	esac
	! older "${found#* }" "$oldest"
}

# run COMMAND...: runs Terraform, with output to $work/output.
run() { (cd "$work/quickstart" && "$terraform" "$@" -no-color) >"$work/output" 2>&1; }

plan() { run plan -input=false -lock=false -var "image_id=$image" -var "instance_type=$1"; }

# output_has TEXT: whether the output contains it; line breaks are ignored.
output_has() {
	sed 's/[│╷╵]//g' "$work/output" | tr -s '[:space:]' ' ' | grep -qF -- "$1"
}

unexpected() {
	cat "$work/output" "$work/emulator.log"
	fail "The demo failed: $1. The output and the log of the emulator are above."
}

heading() { printf '\n%s\n' "$1"; }
note() { printf '     %s\n' "$1"; }
indent() { sed 's/^\(.\)/     \1/; s/ *$//'; }

clean_up() {
	[ -z "$emulator_job" ] || kill "$emulator_job" 2>/dev/null || :
	rm -rf "$work"
}

main "$@"
