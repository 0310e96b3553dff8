#!/bin/sh
# Runs `cargo` with the given arguments. Installs Rust if it is missing, and reports other missing tools.
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

# Rust links with `cc`, and the TLS library is built from C, which needs the headers of the C library.
need_c_compiler() {
	if command -v cc >/dev/null 2>&1 &&
		printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | cc -x c -o /dev/null - 2>/dev/null; then
		return
	fi
	fail "No working C compiler (cc) was found; the TLS library needs it. Install it: $(
		install_line 'gcc libc6-dev' 'gcc glibc-devel' build-base 'xcode-select --install'
	)"
}

# Not tested: the development machines cannot reach rustup.
install_rust() {
	say "Rust is not installed: rustup installs it into ${cargo_bin%/bin} (minimal profile, PATH untouched)."
	installer=$(mktemp)
	# Download to a file first, so that an incomplete script is not executed.
	trap 'rm -f "$installer"' EXIT
	if command -v curl >/dev/null 2>&1; then
		curl --proto '=https' --tlsv1.2 -sSfL -o "$installer" https://sh.rustup.rs
	elif command -v wget >/dev/null 2>&1; then
		wget -q -O "$installer" https://sh.rustup.rs
	else
		fail "curl or wget is needed to download rustup. Install one: $(
			install_line 'curl ca-certificates' curl 'curl ca-certificates' 'brew install curl'
		)"
	fi || fail "rustup could not be fetched. Behind a proxy, set https_proxy; or install Rust in another way: https://rustup.rs"
	sh "$installer" -y -q --profile minimal --default-toolchain none --no-modify-path >&2 ||
		fail "rustup could not install Rust; the reason is above. Other ways: https://rustup.rs"
	rm -f "$installer"
	trap - EXIT
	command -v cargo >/dev/null 2>&1 || fail "rustup succeeded, but there is no cargo in $cargo_bin."
}

need_recent_cargo() {
	wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
	# With rustup this installs the Rust of rust-toolchain.toml, with output on stderr.
	have=$(cd "$root" && cargo --version) || fail 'cargo does not start; the reason is above.'
	have=${have#cargo }
	if older "${have%% *}" "$wanted"; then
		fail "cargo $have is older than $wanted, which this project needs. Install Rust with rustup: https://rustup.rs"
	fi
}

main "$@"
