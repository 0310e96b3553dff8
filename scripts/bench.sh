#!/bin/sh
# Builds the compared programs into target/bench, and measures them. Static builds are those of scripts/cross.sh.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

case $(uname -m) in
x86_64 | amd64) platform=linux_amd64 ;;
*) platform=linux_arm64 ;;
esac
mkdir -p target/bench
take() { cp "$1" "target/bench/$2"; }

static=$(scripts/cross.sh "$platform" --bin jdcloud-baseline --package jdcloud-baseline)
take "$static/jdcloud-baseline" baseline
scripts/cross.sh "$platform" --bin terraform-provider-jdcloud --features libc-malloc >/dev/null
take "$static/terraform-provider-jdcloud" provider-musl-malloc
scripts/cross.sh "$platform" --bin terraform-provider-jdcloud >/dev/null
take "$static/terraform-provider-jdcloud" provider
scripts/cargo.sh build --release --locked --bin terraform-provider-jdcloud --target-dir target/glibc
take target/glibc/release/terraform-provider-jdcloud provider-glibc

TERRAFORM=$(scripts/terraform.sh) CHECKPOINT_DISABLE=1 \
	scripts/cargo.sh run --profile bench --locked --quiet --package jdcloud-comparison
