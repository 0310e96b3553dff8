#!/bin/sh
# Makes the files of a release for the Registry in dist/: a zip for each platform, the manifest, and their checksums; also an
# SBOM for each zip, with separate checksums. The same commit gives the same bytes.
#
#   release.sh                  every platform that is released; macOS only if MACOS_BUILDS names what a Mac has built
#   release.sh linux_amd64      only the platforms that are named
#
# Signing is separate: see RELEASING.md.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
cd "$root"

dist=${DIST:-$root/dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=terraform-provider-jdcloud_$version
[ $# -gt 0 ] || set -- linux_amd64 linux_arm64 linux_arm linux_386 linux_s390x windows_amd64 windows_arm64 \
	freebsd_amd64 ${MACOS_BUILDS:+darwin_amd64 darwin_arm64}

# All files have the time of the commit, and are sorted in the C locale.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export TZ=UTC LC_ALL=C

mkdir -p "$dist"
rm -f "$dist"/terraform-provider-jdcloud_*
contents=$(mktemp -d)
trap 'rm -rf "$contents"' EXIT
for platform; do
	suffix=''
	case $platform in windows_*) suffix=.exe ;; esac
	built=$(scripts/cross.sh "$platform" --bin terraform-provider-jdcloud)
	rm -f "$contents"/*
	install -m 755 "$built/terraform-provider-jdcloud$suffix" "$contents/terraform-provider-jdcloud_v$version$suffix"
	install -m 644 LICENSE README.md "$contents"
	touch -d "@$SOURCE_DATE_EPOCH" "$contents"/*
	(cd "$contents" && python3 -m zipfile -c "$dist/${name}_$platform.zip" ./*)

	scripts/sbom.sh "$(basename "$(dirname "$built")")" "$dist/${name}_$platform.sbom.json"
done
cp terraform-registry-manifest.json "$dist/${name}_manifest.json"
cd "$dist"
# The Registry rejects checksums of files that it does not download, so the SBOMs have a checksum file with another name.
sha256sum "${name}"_*.zip "${name}_manifest.json" >"${name}_SHA256SUMS"
sha256sum "${name}"_*.sbom.json >"${name}_sbom.sha256"
say "In $dist:"
ls >&2
