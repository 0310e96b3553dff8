#!/bin/sh
# The demo: a real Terraform asks the provider, which asks an emulated JD Cloud on this machine, and refuses a plan.
#
# Everything it makes is in one temporary directory, gone at the end however it ends; only target/ and .tools/ stay.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"

image=img-ubuntu2204
supported_type=g.n2.medium
excluded_type=g.n4.large

main() {
	forget_the_users_settings
	work='' job='' emulator_job=''
	trap clean_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
	work=$(mktemp -d "${TMPDIR:-/tmp}/jdcloud-demo.XXXXXX")

	find_tools
	build
	start_emulator
	install_provider
	accepted_plan
	refused_plan
	heading 'Done'
	note 'Each plan made one signed call; the emulator saw'
	sed 's/^/       /; s/ *$//' "$work/emulator.log"
	note 'Your turn: examples/quickstart is the configuration. Nothing was created anywhere.'
}

# Real credentials must not be used even by accident, and no setting of the user's may change what is shown.
forget_the_users_settings() {
	for name in $(env | sed -nE 's/^((TF|JDCLOUD)_[A-Za-z0-9_]*)=.*/\1/p'); do
		unset "$name"
	done
	export CHECKPOINT_DISABLE=1
	export TF_IN_AUTOMATION=1
	# The emulator is on loopback, where no proxy can reach it.
	NO_PROXY=${NO_PROXY:+$NO_PROXY,}127.0.0.1,localhost,::1
	no_proxy=${no_proxy:+$no_proxy,}127.0.0.1,localhost,::1
	export NO_PROXY no_proxy
	bold='' plain='' grey='' terraform_color=-no-color
	if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
		escape=$(printf '\033')
		bold="${escape}[1m" grey="${escape}[2m" plain="${escape}[0m" terraform_color=''
	fi
}

find_tools() {
	heading '1/5  Tools'
	rust=$("$root/scripts/cargo.sh" --version)
	terraform=$("$root/scripts/terraform.sh" --oldest 1.2)
	told=$("$terraform" version -json 2>/dev/null) || fail "$terraform does not answer to: $terraform version -json"
	platform=$(printf '%s' "$told" | sed -nE 's/.*"platform": *"([a-z0-9_]+)".*/\1/p')
	product=$("$terraform" version 2>/dev/null | sed -n 1p)
	note "$rust, $product ($terraform)"
}

build() {
	heading '2/5  Build'
	note 'The provider and the emulator, unoptimised: about three minutes on two cores the first time.'
	# Where cargo finds the project and its settings.
	cd "$root"
	started=$(date +%s)
	run "$root/scripts/cargo.sh" build --workspace --locked --color never || {
		cat "$work/output"
		fail 'The build failed; its output is above.'
	}
	# From cargo itself, wherever the user's settings put them.
	"$root/scripts/cargo.sh" build --workspace --locked --quiet --message-format json >"$work/built" 2>/dev/null
	provider=$(executable terraform-provider-jdcloud)
	emulator=$(executable jdcloud-emulator)
	note "Built in $(($(date +%s) - started)) s."
}

executable() {
	sed -nE "s/.*\"name\":\"$1\".*\"executable\":\"([^\"]+)\".*/\\1/p" "$work/built"
}

start_emulator() {
	heading '3/5  A JD Cloud on this machine'
	mkfifo "$work/alive" "$work/address"
	# It ends with its standard input, which this script holds: even `kill -9` leaves no emulator behind.
	"$emulator" --port 0 --exit-with-stdin --verbose \
		<"$work/alive" >"$work/address" 2>"$work/emulator.log" &
	emulator_job=$!
	exec 9>"$work/alive"
	IFS= read -r line <"$work/address" || fail "The emulator did not start: $(cat "$work/emulator.log")"
	export JDCLOUD_VM_ENDPOINT="${line#listening on }"
	export JDCLOUD_ACCESS_KEY=EMULATOR-ACCESS-KEY
	export JDCLOUD_SECRET_KEY=EMULATOR-SECRET-KEY
	note "The emulator of JD Cloud's VM API is $line, with made-up keys; nothing leaves this machine."
}

install_provider() {
	heading '4/5  terraform init'
	note 'The provider comes from a directory that mirrors the registry, as it would on a machine without a network.'
	registry=registry.terraform.io
	case $product in OpenTofu*) registry=registry.opentofu.org ;; esac
	version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
	mirror=$work/mirror/$registry/jdcloud/jdcloud/$version/$platform
	mkdir -p "$mirror"
	cp "$provider" "$mirror/terraform-provider-jdcloud_v$version"
	quoted=$(printf '%s' "$work/mirror" | sed 's/[\\"]/\\&/g')
	cat >"$work/terraformrc" <<-END
		provider_installation {
		  filesystem_mirror {
		    path = "$quoted"
		  }
		}
	END
	export TF_CLI_CONFIG_FILE="$work/terraformrc"
	export TF_DATA_DIR="$work/data"
	mkdir "$work/quickstart"
	cp "$root"/examples/quickstart/*.tf "$work/quickstart/"

	run_terraform init -input=false || saw_instead 'terraform init failed'
	grep -E '^(- )?Install(ed|ing)' "$work/output" | indent
}

accepted_plan() {
	heading "5/5  terraform plan, twice"
	note "First with instance type $supported_type, which $image supports: the plan is accepted, and"
	note "its outputs tell what the image excludes."
	run_terraform plan -input=false -lock=false -var "image_id=$image" -var "instance_type=$supported_type" ||
		saw_instead 'this plan should have been accepted'
	output_says "\"$excluded_type\"" || saw_instead "the outputs of this plan should name $excluded_type"
	echo
	indent <"$work/output"
	echo
}

refused_plan() {
	note "Then with $excluded_type, which it excludes: refused, before anything is created."
	if run_terraform plan -input=false -lock=false -var "image_id=$image" -var "instance_type=$excluded_type"; then
		saw_instead 'this plan should have been refused'
	fi
	output_says "Image $image does not support instance type $excluded_type." ||
		saw_instead "this plan should have been refused because $image excludes $excluded_type"
	# Terraform also repeats the outputs; what counts is the error.
	echo
	sed -n '/╷/,$p; /^Error:/,$p' "$work/output" | indent
}

run_terraform() {
	run "$terraform" "-chdir=$work/quickstart" "$@" ${terraform_color:+"$terraform_color"}
}

# Runs a command with its output in $work/output and a line of progress on a terminal.
run() {
	"$@" >"$work/output" 2>&1 9>&- </dev/null &
	job=$!
	if [ -t 1 ]; then
		while kill -0 "$job" 2>/dev/null; do
			last=$(tail -n 1 "$work/output" | sed 's/^ *//' | cut -c 1-60)
			printf '\r     %s%-60s%s' "$grey" "$last" "$plain"
			sleep 0.2
		done
		clear_progress
	fi
	status=0
	wait "$job" || status=$?
	job=''
	return "$status"
}

clear_progress() { printf '\r%-65s\r' ''; }

# output_says TEXT: whether the output holds it, wherever the lines broke and whatever the colours.
output_says() {
	sed -e "s/$(printf '\033')\[[0-9;]*m//g" -e 's/[│╷╵]//g' "$work/output" | tr -s '[:space:]' ' ' | grep -qF -- "$1"
}

indent() {
	sed 's/^\(.\)/     \1/'
}

saw_instead() {
	cat "$work/output"
	if [ -s "$work/emulator.log" ]; then
		echo 'The emulator saw:'
		cat "$work/emulator.log"
	fi
	fail "The demo failed: $1. What happened instead is above."
}

heading() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
note() { printf '     %s\n' "$1"; }

# Ends what this script started, and what that started, then removes the directory.
clean_up() {
	status=$?
	trap '' HUP INT PIPE TERM
	if [ -t 1 ]; then clear_progress; fi
	exec 9>&-
	# shellcheck disable=SC2046,SC2086
	kill $(descendants_of $$) $job $emulator_job 2>/dev/null || :
	wait
	rm -rf "$work"
	exit "$status"
}

# Without ps it finds nothing, and cargo and Terraform end their own children.
descendants_of() {
	{ ps -A -o pid= -o ppid= || ps -o pid,ppid; } 2>/dev/null | awk -v "root=$1" '
		{ parent[$1] = $2 }
		END {
			for (pid in parent) {
				for (up = pid; up in parent && up != root; up = parent[up]) {}
				if (up == root && pid != root) print pid
			}
		}'
}

main "$@"
