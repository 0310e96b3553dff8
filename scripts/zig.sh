# The compiler of releases. Sourced after say.sh, not executed; $root is the directory of the repository.
# shellcheck shell=sh

# shellcheck disable=SC2154 # root
zig=$root/.tools/zig

# set_up_zig: installs cargo-zigbuild and zig into $zig, unless the required versions are there.
set_up_zig() {
	requirements=$root/scripts/release/requirements.txt
	if cmp -s "$requirements" "$zig/requirements.txt"; then return; fi
	say 'Setting up cargo-zigbuild and zig in .tools/zig.'
	rm -rf "$zig"
	python3 -m venv "$zig" &&
		"$zig/bin/pip" -q install --require-hashes --only-binary=:all: --no-deps -r "$requirements" >&2 ||
		fail 'cargo-zigbuild could not be set up with Python (venv and pip); the reason is above.'
	cp "$requirements" "$zig/"
}
