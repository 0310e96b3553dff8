#!/bin/sh
# Builds the provider and puts it where Terraform and OpenTofu look for providers on this machine first, so that
# `terraform init` finds this version without a registry.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"

cargo=$root/scripts/cargo.sh
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
FreeBSD) os=freebsd ;;
*) fail "$(uname -s) is not known here. Copy target/release/terraform-provider-jdcloud into your plugin directory by hand." ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "$(uname -m) is not known here. Copy target/release/terraform-provider-jdcloud into your plugin directory by hand." ;;
esac

"$cargo" build --release --locked --bin terraform-provider-jdcloud
built=$("$cargo" metadata --locked --no-deps --format-version 1 | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')/release/terraform-provider-jdcloud

# The two hosts have registries of their own.
for registry in registry.terraform.io registry.opentofu.org; do
	directory=${HOME:?}/.terraform.d/plugins/$registry/jdcloud/jdcloud/$version/${os}_$arch
	mkdir -p "$directory"
	# Under another name first: a Terraform that runs now must not see half a file.
	cp "$built" "$directory/.new.$$"
	mv -f "$directory/.new.$$" "$directory/terraform-provider-jdcloud_v$version"
	say "Installed $directory/terraform-provider-jdcloud_v$version"
done
say 'Now: required_providers { jdcloud = { source = "jdcloud/jdcloud" } } and terraform init.'
say 'Where an earlier build of the same version was used, run: terraform init -upgrade, or remove .terraform.lock.hcl'
