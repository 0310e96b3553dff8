#!/bin/sh
# Makes in dist/ what the Registry wants of a release: a zip for each platform, the manifest, and their checksums; and the
# SBOM with a checksum of its own. Both checksum files are signed when GPG_KEY names a key. The same commit gives the same
# bytes.
#
#   release.sh                              the Linux zip of this machine's architecture
#   release.sh linux_amd64 linux_arm64 ...  these platforms, for which `rustup target list --installed` must have the target
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
cd "$root"

dist=${DIST:-$root/dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Every file carries the commit's time.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

# The C library of CentOS 7 and of every Linux since: the binary asks for nothing newer.
glibc=2.17

main() {
	if [ $# -eq 0 ]; then
		case $(uname -m) in
		x86_64 | amd64) set -- linux_amd64 ;;
		aarch64 | arm64) set -- linux_arm64 ;;
		*) fail "Name the platform: $(uname -m) is not known here." ;;
		esac
	fi
	find_zig
	mkdir -p "$dist"
	rm -f "$dist"/terraform-provider-jdcloud_*
	for platform; do
		build "$platform"
	done
	python3 scripts/package.py manifest "$version" terraform-registry-manifest.json "$dist"
	python3 scripts/sbom.py "$dist/terraform-provider-jdcloud_${version}_sbom.json" $(for platform; do target_of "$platform"; done)
	python3 scripts/package.py sums "$version" "$dist"
	sign
	say "In $dist:"
	ls "$dist" >&2
}

# zig links against any version of the C library, and compiles the C of the cryptography for any platform.
find_zig() {
	tools=$root/.tools/zig
	if [ ! -x "$tools/bin/cargo-zigbuild" ]; then
		say 'Setting up cargo-zigbuild and zig in .tools/zig.'
		rm -rf "$tools" && python3 -m venv "$tools" && "$tools/bin/pip" -q install 'cargo-zigbuild==0.24.0' 'ziglang==0.17.1' ||
			fail 'cargo-zigbuild could not be set up with Python (venv and pip), for the reason above.'
	fi
	PATH=$tools/bin:$PATH
}

target_of() {
	case $1 in
	linux_amd64) echo x86_64-unknown-linux-gnu ;;
	linux_arm64) echo aarch64-unknown-linux-gnu ;;
	darwin_amd64) echo x86_64-apple-darwin ;;
	darwin_arm64) echo aarch64-apple-darwin ;;
	windows_amd64) echo x86_64-pc-windows-gnu ;;
	*) fail "There is no rule for platform $1 in scripts/release.sh." ;;
	esac
}

build() {
	suffix='' libc=''
	target=$(target_of "$1")
	case $1 in
	linux_*) libc=.$glibc ;;
	windows_*) suffix=.exe ;;
	esac
	say "Building for $1."
	# Paths of this machine have no place in the binary, and would make it another on the next.
	cargo_home=${CARGO_HOME:-${HOME:?}/.cargo}
	# Both tools split their flags at spaces unless they are told otherwise.
	separator=$(printf '\037')
	CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$root=/provider$separator--remap-path-prefix=$cargo_home=/cargo" \
		CFLAGS="'-ffile-prefix-map=$cargo_home=/cargo' '-ffile-prefix-map=$root=/provider'" CC_SHELL_ESCAPED_FLAGS=1 \
		CARGO_TARGET_DIR="${RELEASE_TARGET_DIR:-$root/target/release-build}" \
		scripts/cargo.sh zigbuild --release --locked --target "$target$libc" --bin terraform-provider-jdcloud
	python3 scripts/package.py zip "$version" "$1" \
		"${RELEASE_TARGET_DIR:-$root/target/release-build}/$target/release/terraform-provider-jdcloud$suffix" "$dist"
}

sign() {
	[ -n "${GPG_KEY-}" ] || {
		say 'Not signed: set GPG_KEY to the id of an RSA or DSA key (the Registry takes no other) to sign.'
		return
	}
	for file in "$dist"/*_SHA256SUMS "$dist"/*.sha256; do
		gpg --batch --yes --local-user "$GPG_KEY" --output "$file.sig" --detach-sign "$file"
	done
}

main "$@"
