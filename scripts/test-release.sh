#!/bin/sh
# Tests a release: the same commit gives the same bytes in two places, the binary runs on old Linux systems, and Terraform
# installs it from the zips alone. Takes the time of two optimised builds.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)

main() {
	terraform=$("$root/scripts/terraform.sh" --oldest 1.2)
	work=$(mktemp -d "${TMPDIR:-/tmp}/jdcloud-release.XXXXXX")
	trap 'rm -rf "$work"' EXIT

	# Two clones in places of different names, as two people would have them, before anybody commits again.
	for place in one 'another place'; do
		git clone -q "$root" "$work/$place"
		mkdir -p "$root/.tools" && ln -s "$root/.tools" "$work/$place/.tools"
	done
	for place in one 'another place'; do
		DIST="$work/$place/dist" "$work/$place/scripts/release.sh"
		rm -rf "$work/$place/target"
	done
	diff -r "$work/one/dist" "$work/another place/dist" || fail 'The same commit gave other bytes in another place.'
	say 'ok: the same commit gives the same bytes'

	dist=$work/one/dist
	(cd "$dist" && sha256sum --quiet -c ./*_SHA256SUMS ./*_sbom.json.sha256) || fail 'The checksums do not fit the files.'
	zip=$(echo "$dist"/*_linux_*.zip)
	python3 -m zipfile -e "$zip" "$work/unpacked"
	binary=$work/unpacked/terraform-provider-jdcloud_v$version
	chmod +x "$binary"
	old_systems
	no_paths
	start_emulator
	installs
	say 'The release is as it should be.'
}

old_systems() {
	newest=$(objdump -T "$binary" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
	[ "$(printf '%s\n' "$newest" GLIBC_2.17 | sort -V | tail -n 1)" = GLIBC_2.17 ] ||
		fail "The binary needs $newest, newer than the glibc 2.17 of CentOS 7."
	say "ok: the newest symbol version of the C library is ${newest:-none}"
}

no_paths() {
	if grep -aq -e "$work" -e "${HOME:?}/" "$binary"; then
		fail 'The binary holds paths of the machine that built it.'
	fi
	say 'ok: no path of this machine is in the binary'
}

# A configuration that the following plans use: the host name goes through the system's resolver.
configuration() {
	mkdir -p "$work/module"
	cat >"$work/module/main.tf" <<-END
		terraform {
		  required_providers {
		    jdcloud = {
		      source  = "jdcloud/jdcloud"
		      version = "$version"
		    }
		  }
		}
		data "jdcloud_image_constraints" "web" {
		  ids = ["img-ubuntu2204"]
		}
		output "excluded" {
		  value = data.jdcloud_image_constraints.web.excluded_instance_types
		}
	END
}

installs() {
	# In a terminal of their own: what a user has set must not matter.
	for name in $(env | sed -nE 's/^(TF_[A-Za-z0-9_]*)=.*/\1/p'); do unset "$name"; done
	export CHECKPOINT_DISABLE=1
	configuration
	mirror=$work/mirror/registry.terraform.io/jdcloud/jdcloud
	mkdir -p "$mirror" && cp "$dist"/*.zip "$mirror/"
	printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$work/mirror" >"$work/terraformrc"
	export TF_CLI_CONFIG_FILE="$work/terraformrc"
	"$terraform" -chdir="$work/module" init -input=false -no-color >"$work/init" || {
		cat "$work/init" >&2
		fail 'terraform init did not install the zip.'
	}
	grep -q '"h1:' "$work/module/.terraform.lock.hcl" || fail 'There is no checksum in the lock file.'
	say 'ok: terraform init installs the zip and locks its checksum'
	JDCLOUD_VM_ENDPOINT=http://localhost:$port JDCLOUD_REGION=cn-north-1 JDCLOUD_ACCESS_KEY=EMULATOR-ACCESS-KEY \
		JDCLOUD_SECRET_KEY=EMULATOR-SECRET-KEY "$terraform" -chdir="$work/module" plan -input=false -no-color >"$work/plan" || {
		cat "$work/plan" >&2
		fail 'The plan failed.'
	}
	grep -q 'm.n2.18xlarge' "$work/plan" || fail 'The plan lacks the answer.'
	say 'ok: a plan resolves a host name and reads the constraints with it'
}

start_emulator() {
	"$root/scripts/cargo.sh" build --locked --quiet --bin jdcloud-emulator --package jdcloud-emulator
	mkfifo "$work/alive" "$work/address"
	"$root/target/debug/jdcloud-emulator" --exit-with-stdin <"$work/alive" >"$work/address" &
	exec 9>"$work/alive"
	IFS= read -r line <"$work/address"
	port=${line##*:}
}

main "$@"
