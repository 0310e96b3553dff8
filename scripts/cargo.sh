#!/bin/sh
# cargo, on a machine that may not have it yet: sets up Rust where it is missing, says what else is missing,
# then runs `cargo` with the given arguments.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
# shellcheck source=scripts/version.sh
. "$root/scripts/version.sh"

cargo_bin=${CARGO_HOME:-${HOME:-/root}/.cargo}/bin

main() {
	need_c_compiler
	command -v cargo >/dev/null 2>&1 || PATH=$cargo_bin:$PATH
	command -v cargo >/dev/null 2>&1 || install_rust
	need_recent_cargo
	exec cargo "$@"
}

# Rust links with `cc`, and the cryptography is C; a compiler without the C library's headers is no use either.
need_c_compiler() {
	if command -v cc >/dev/null 2>&1 &&
		printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | cc -x c -o /dev/null - 2>/dev/null; then
		return
	fi
	fail "There is no working C compiler (cc) here, and the TLS library needs one to build. Install it: $(
		install_line 'gcc libc6-dev' 'gcc glibc-devel' build-base 'xcode-select --install'
	)"
}

# *Not run* by those who wrote it, for want of a network that reaches rustup.
install_rust() {
	say "There is no Rust here: rustup installs it into ${cargo_bin%/bin} (minimal profile, PATH untouched)."
	installer=$(mktemp)
	# To a file first: a script that is cut off on the way must not be run by half.
	trap 'rm -f "$installer"' EXIT
	if command -v curl >/dev/null 2>&1; then
		curl --proto '=https' --tlsv1.2 -sSfL -o "$installer" https://sh.rustup.rs
	elif command -v wget >/dev/null 2>&1; then
		wget -q -O "$installer" https://sh.rustup.rs
	else
		fail "Neither curl nor wget is here to fetch rustup. Install one: $(
			install_line 'curl ca-certificates' curl 'curl ca-certificates' 'brew install curl'
		)"
	fi || fail "rustup could not be fetched. Behind a proxy, set https_proxy; or install Rust your way: https://rustup.rs"
	sh "$installer" -y -q --profile minimal --default-toolchain none --no-modify-path >&2 ||
		fail "rustup could not install Rust; its reason is above. Other ways: https://rustup.rs"
	rm -f "$installer"
	trap - EXIT
	command -v cargo >/dev/null 2>&1 || fail "rustup ended well, yet there is no cargo in $cargo_bin."
}

need_recent_cargo() {
	wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
	# With rustup this sets up the Rust of rust-toolchain.toml, and says so on stderr.
	have=$(cd "$root" && cargo --version) || fail 'cargo does not start; the reason is above.'
	have=${have#cargo }
	if older "${have%% *}" "$wanted"; then
		fail "cargo $have is older than the $wanted that this project needs. Install Rust with rustup: https://rustup.rs"
	fi
}

main "$@"
