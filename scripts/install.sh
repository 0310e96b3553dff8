#!/bin/sh
# Builds the provider and installs it into the local plugin directory of Terraform and OpenTofu.
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
*) fail "$(uname -s) is not supported by this script. Copy target/release/terraform-provider-jdcloud into your plugin directory manually." ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "$(uname -m) is not supported by this script. Copy target/release/terraform-provider-jdcloud into your plugin directory manually." ;;
esac

"$cargo" build --release --locked --bin terraform-provider-jdcloud
built=$("$cargo" metadata --locked --no-deps --format-version 1 | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')/release/terraform-provider-jdcloud

# install_into DIRECTORY
install_into() {
	mkdir -p "$1"
	# Copy and rename, so that a running Terraform does not see an incomplete file.
	cp "$built" "$1/.new.$$"
	mv -f "$1/.new.$$" "$1/terraform-provider-jdcloud_v$version"
	say "Installed $1/terraform-provider-jdcloud_v$version"
}

plugins=${HOME:?}/.terraform.d/plugins
for registry in registry.terraform.io registry.opentofu.org; do
	install_into "$plugins/$registry/jdcloud/jdcloud/$version/${os}_$arch"
done
# The layout of Terraform 0.12; later versions ignore it.
install_into "$plugins/${os}_$arch"
say 'Next: required_providers { jdcloud = { source = "jdcloud/jdcloud" } } in the configuration (not for Terraform 0.12), and terraform init.'
say "If .terraform.lock.hcl names an earlier build of this version, remove the provider's block from it, then run terraform init."
say "To uninstall: rm -r $plugins/registry.*/jdcloud/jdcloud/$version $plugins/${os}_$arch/terraform-provider-jdcloud_v$version"
