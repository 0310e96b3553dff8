#!/bin/sh
# Writes the crates that are linked into the binary for a target as CycloneDX JSON: sbom.sh x86_64-unknown-linux-musl FILE
# The same commit gives the same bytes.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
cd "$root"

tools=$root/.tools/cyclonedx
if [ ! -x "$tools/bin/cargo-cyclonedx" ]; then
	say 'Setting up cargo-cyclonedx in .tools/cyclonedx.'
	scripts/cargo.sh install -q --locked --root "$tools" cargo-cyclonedx@0.5.9 >&2
fi
# With a fixed time, there is no random serial number.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
PATH=$tools/bin:$PATH scripts/cargo.sh cyclonedx -q --target "$1" --no-build-deps --format json --spec-version 1.5 \
	--override-filename written-sbom
# There is one file for each package of the workspace, with paths of this machine in the form of a URL.
url=$(python3 -c 'import pathlib, sys; print(pathlib.Path(sys.argv[1]).as_uri())' "$root")
sed "s#path+$url#path+file:///provider#g" written-sbom.json >"$2"
rm -f written-sbom.json ./*/written-sbom.json ./*/*/written-sbom.json
