#!/bin/sh
# Tests the files of a release.
#
#   test-release.sh [PLATFORM...]              builds it in two directories, compares the files, and tests them
#   DIST=dist test-release.sh [PLATFORM...]    tests existing files
#
# Linux: terraform init from the zip and a plan in a root directory that contains only Terraform, the zip and
# /etc/hosts: no C library, no certificates, no /tmp, no shell. Other processors run under qemu-user.
# s390x, which needs a C library, and Windows: the host of tests/plugin drives the binary under qemu-user or wine. Other
# platforms: not run.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
# shellcheck source=scripts/zig.sh
. "$root/scripts/zig.sh"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
host=vm.internal.cn-north-1.jdcloud-api.com

main() {
	# Ignore the user's settings.
	for name in $(env | sed -nE 's/^(TF_[A-Za-z0-9_]*)=.*/\1/p'); do unset "$name"; done
	export CHECKPOINT_DISABLE=1
	work=$(mktemp -d "${TMPDIR:-/tmp}/jdcloud-release.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	dist=${DIST:-}
	[ -n "$dist" ] || make_twice "$@"
	dist=$(cd "$dist" && pwd)
	(cd "$dist" && sha256sum --quiet -c ./*_SHA256SUMS ./*_sbom.sha256) || fail 'The checksums do not match the files.'
	say 'ok: checksums'
	find_static_terraform
	for zip in "$dist"/*.zip; do
		platform=${zip##*"_${version}_"}
		platform=${platform%.zip}
		[ $# -eq 0 ] || case " $* " in *" $platform "*) ;; *) continue ;; esac
		binary=$work/$platform/terraform-provider-jdcloud_v$version
		python3 -m zipfile -e "$zip" "$work/$platform"
		chmod +x "$binary"*
		no_paths
		case $platform in
		linux_s390x) under_qemu s390x ;;
		linux_*) in_an_empty_root ;;
		windows_amd64) under_wine ;;
		*) say "not run: this machine cannot run $platform ($(file -b "$binary"* | cut -d, -f1,2))" ;;
		esac
	done
	say 'The release passed.'
}

# Two clones in directories with different names.
make_twice() {
	for place in one 'another place'; do
		git clone -q "$root" "$work/$place"
		mkdir -p "$root/.tools"
		ln -s "$root/.tools" "$work/$place/.tools"
		DIST="$work/$place/dist" RELEASE_TARGET_DIR='' "$work/$place/scripts/release.sh" "$@"
		rm -rf "$work/$place/target"
	done
	diff -r "$work/one/dist" "$work/another place/dist" || fail 'The same commit gave different files in another directory.'
	dist=$work/one/dist
	say 'ok: the same commit gives the same bytes'
}

no_paths() {
	if grep -aq -e "$work" -e "$root/" -e "${HOME:?}/" "$binary"*; then
		fail "The binary for $platform contains paths of the build machine."
	fi
	say "ok: $platform: no path of the build machine in the binary"
}

# HashiCorp's releases of Terraform are static, and so are the older ones of scripts/terraform.sh.
find_static_terraform() {
	terraform=$("$root/scripts/terraform.sh" --oldest 1.2)
	is_static "$terraform" && return
	"$root/scripts/terraform.sh" 0.15.0-rc2 >/dev/null
	terraform=$(echo "$root"/.tools/terraform/0.15.0-rc2/package/cloudrail/*/terraform)
	is_static "$terraform" || fail 'There is no static Terraform: install an official release in PATH.'
}

is_static() { file -bL "$1" | grep -q 'statically linked'; }

in_an_empty_root() {
	is_static "$binary" || fail "The binary for $platform is not static."
	place=$work/root-$platform
	mirror=$place/mirror/registry.terraform.io/jdcloud/jdcloud
	mkdir -p "$place/bin" "$place/dev" "$place/etc" "$place/module" "$mirror"
	: >"$place/dev/null"
	cp "$terraform" "$place/bin/terraform"
	# Terraform runs on this machine's processor, so it requests the zip of that platform.
	cp "$zip" "$mirror/terraform-provider-jdcloud_${version}_$("$terraform" version -json | sed -n 's/.*"platform": "\(.*\)".*/\1/p').zip"
	printf 'provider_installation {\n  filesystem_mirror {\n    path = "/mirror"\n  }\n}\n' >"$place/etc/terraformrc"
	printf '127.0.0.1 localhost %s\n' "$host" >"$place/etc/hosts"
	cat >"$place/module/main.tf" <<-END
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
	terraform_in "$place" init
	grep -q '"h1:' "$place/module/.terraform.lock.hcl" || fail 'The lock file has no checksum.'

	start_emulator
	reads "http://$host:$port" 'a name from /etc/hosts'
	stop_emulator
	start_emulator --tls --tls-ca-out "$place/etc/ca.pem"
	reads "https://localhost:$port" 'TLS with ca_bundle' 'provider "jdcloud" { ca_bundle = "/etc/ca.pem" }'
	stop_emulator
	[ -z "$(find "$place" -name 'plugin*' -o -name '*.sock')" ] || fail 'The socket of the plugin was not removed.'
	say "ok: $platform: terraform init and plan in an empty root"
}

reads() {
	printf '%s\n' "${3-}" >"$place/module/provider.tf"
	ENDPOINT=$1 terraform_in "$place" plan
	grep -q 'm.n2.18xlarge' "$work/output" || fail "The plan on $platform ($2) does not have the expected result."
}

terraform_in() {
	set -- "$@" -input=false -no-color
	unshare --user --map-root-user --mount sh -euc '
		mount --bind /dev/null "$0/dev/null"
		mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
		for rule in /usr/lib/binfmt.d/qemu-*.conf; do
			[ ! -e "$rule" ] || cat "$rule" >/proc/sys/fs/binfmt_misc/register
		done
		place=$0
		exec env -i HOME=/ TF_CLI_CONFIG_FILE=/etc/terraformrc CHECKPOINT_DISABLE=1 JDCLOUD_VM_ENDPOINT="${ENDPOINT-}" \
			JDCLOUD_REGION=cn-north-1 JDCLOUD_ACCESS_KEY=EMULATOR-ACCESS-KEY JDCLOUD_SECRET_KEY=EMULATOR-SECRET-KEY \
			"$(command -v chroot)" "$place" /bin/terraform -chdir=/module "$@"' "$@" >"$work/output" 2>&1 || {
		cat "$work/output" >&2
		fail "terraform $2 failed on $platform. Other processors need the package qemu-user-static."
	}
}

under_wine() {
	command -v wine >/dev/null || fail "wine is needed to run the Windows binary. Install it: $(
		install_line wine64 wine wine 'brew install --cask wine-stable'
	)"
	# wine before 8.10 does not have this library; Rust needs one function of it.
	cat >"$work/prng.c" <<-END
		#include <windows.h>
		BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
		__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
		  return SystemFunction036(data, (ULONG)length);
		}
	END
	set_up_zig
	"$zig/bin/python3" -m ziglang cc -target x86_64-windows-gnu -shared -o "$work/$platform/bcryptprimitives.dll" \
		"$work/prng.c" -ladvapi32
	export WINEPREFIX="$work/wine" WINEDEBUG=-all
	wine wineboot -i >/dev/null 2>&1
	is_driven_under "wine $(echo "$binary"*)"
}

under_qemu() {
	library=/usr/$1-linux-gnu
	[ -e "$library" ] || fail "The binary for $platform needs a C library: install Debian's package libc6-$1-cross."
	is_driven_under "qemu-$1-static -L $library $binary"
}

is_driven_under() {
	(cd "$root" && JDCLOUD_TEST_PROVIDER=$1 scripts/cargo.sh test --locked --quiet --test plugin platforms) \
		>"$work/output" 2>&1 || {
		cat "$work/output" >&2
		fail "The binary for $platform failed under ${1%% *}."
	}
	say "ok: $platform: handshake, mutual TLS, schema, a read, and the end with its host, under ${1%% *}"
}

start_emulator() {
	"$root/scripts/cargo.sh" build --locked --quiet --manifest-path "$root/Cargo.toml" --package jdcloud-emulator
	mkfifo "$work/alive" "$work/address"
	"$root/target/debug/jdcloud-emulator" --exit-with-stdin "$@" <"$work/alive" >"$work/address" &
	exec 9>"$work/alive"
	IFS= read -r line <"$work/address"
	port=${line##*:}
}

stop_emulator() {
	exec 9>&-
	wait
	rm "$work/alive" "$work/address"
}

main "$@"
