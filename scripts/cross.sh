#!/bin/sh
# Builds for a platform as in a release, and prints the directory of the binaries:
#     scripts/cross.sh linux_arm64 --bin terraform-provider-jdcloud
# The platform is Terraform's name for it, the rest are arguments of cargo build.
#
# zig compiles the C code of the TLS library, and links. It includes the C library of every platform except macOS; Linux
# binaries are linked statically with musl, except those for s390x. macOS binaries are built on a Mac with its own compiler.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
# shellcheck source=scripts/zig.sh
. "$root/scripts/zig.sh"
cd "$root"

platform=$1
shift
case $platform in
linux_amd64) target=x86_64-unknown-linux-musl ;;
linux_arm64) target=aarch64-unknown-linux-musl ;;
linux_arm) target=arm-unknown-linux-musleabihf ;; # ARMv6, as Go's GOARM=6
linux_386) target=i686-unknown-linux-musl ;;
darwin_amd64) target=x86_64-apple-darwin ;;
darwin_arm64) target=aarch64-apple-darwin ;;
windows_amd64) target=x86_64-pc-windows-gnu ;;
windows_arm64) target=aarch64-pc-windows-gnullvm ;;
freebsd_amd64) target=x86_64-unknown-freebsd ;;
# Rust has no standard library for musl there. glibc 2.28 is that of Red Hat Enterprise Linux 8.
linux_s390x) target=s390x-unknown-linux-gnu glibc=.2.28 ;;
*) fail "scripts/cross.sh does not support the platform $platform." ;;
esac

export CARGO_TARGET_DIR="${RELEASE_TARGET_DIR:-$root/target/release-build}"
build=zigbuild
case $platform in
darwin_*)
	# These link with Apple's frameworks, which only a Mac has.
	build=build
	if [ "$(uname -s)" != Darwin ]; then
		built=${MACOS_BUILDS-}/$target/release
		[ -d "$built" ] || fail "Build $platform on a Mac, with scripts/cross.sh, and name its target directory in MACOS_BUILDS."
		printf '%s\n' "$built"
		exit
	fi
	;;
esac

[ "$build" = build ] || set_up_zig
PATH=$zig/bin:$PATH
scripts/cargo.sh --version >/dev/null
rustup -q target list --installed | grep -qx "$target" || rustup -q target add "$target" >&2 ||
	fail "rustup could not add the target $target of $platform; the reason is above."

# Remove the paths of this machine, so that other machines make the same binary. The standard library's sources have the
# first path where rust-src is installed, the second elsewhere.
library=$(rustc --print sysroot)/lib/rustlib/src/rust
commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
cargo_home=${CARGO_HOME:-${HOME:?}/.cargo}
# cargo and cargo-zigbuild split flags at spaces by default.
separator=$(printf '\037')
flags="--remap-path-prefix=$root=/provider$separator--remap-path-prefix=$cargo_home/registry/src=/cargo"
flags="$flags$separator--remap-path-prefix=$library=/rustc/$commit$separator--remap-path-prefix=$CARGO_TARGET_DIR=/target"
export CFLAGS="'-ffile-prefix-map=$cargo_home=/cargo' '-ffile-prefix-map=$root=/provider'" CC_SHELL_ESCAPED_FLAGS=1
case $platform in
linux_*)
	# A fixed address: smaller, and faster to start than a static-pie. No panic crosses the C code, so it needs no tables
	# for unwinding. See performance/README.md.
	flags="$flags$separator-Crelocation-model=static"
	CFLAGS="$CFLAGS -fno-asynchronous-unwind-tables -fno-unwind-tables"
	;;
esac
export CARGO_ENCODED_RUSTFLAGS="$flags"
say "Building for $platform."
scripts/cargo.sh "$build" --release --locked --target "$target${glibc-}" "$@" >&2
printf '%s\n' "$CARGO_TARGET_DIR/$target/release"
