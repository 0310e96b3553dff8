#!/bin/sh
# Tries a release on this machine: terraform init from the zips in DIST, and the two plans of the demo, one accepted and one
# refused. Runs in any POSIX shell, Git for Windows included.
#     DIST=dist scripts/try-release.sh
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
dist=$(cd "${DIST:?}" && pwd)
terraform=${TERRAFORM:-terraform}

work=$(mktemp -d)
emulator=''
trap '[ -z "$emulator" ] || kill "$emulator"; rm -rf "$work"' EXIT
for name in $(env | sed -nE 's/^((TF|JDCLOUD)_[A-Za-z0-9_]*)=.*/\1/p'); do unset "$name"; done

mkdir -p "$work/mirror/registry.terraform.io/jdcloud/jdcloud" "$work/module"
cp "$dist"/*.zip "$work/mirror/registry.terraform.io/jdcloud/jdcloud/"
cp "$root"/examples/quickstart/*.tf "$work/module/"
# Relative, since Terraform for Windows does not know the shell's paths.
printf 'provider_installation {\n  filesystem_mirror {\n    path = "../mirror"\n  }\n}\n' >"$work/module/terraformrc"

cd "$root"
scripts/cargo.sh build --locked --quiet --package jdcloud-emulator
target/debug/jdcloud-emulator --address-file "$work/address" >"$work/emulator" &
emulator=$!
until [ -s "$work/address" ]; do
	kill -0 "$emulator" || fail 'The emulator did not start.'
	sleep 0.1
done
export TF_CLI_CONFIG_FILE=terraformrc CHECKPOINT_DISABLE=1
export JDCLOUD_ACCESS_KEY=EMULATOR-ACCESS-KEY JDCLOUD_SECRET_KEY=EMULATOR-SECRET-KEY
JDCLOUD_VM_ENDPOINT=$(cat "$work/address")
export JDCLOUD_VM_ENDPOINT

cd "$work/module"
"$terraform" init -input=false -no-color
plan() { "$terraform" plan -input=false -no-color -lock=false -var image_id=img-ubuntu2204 -var "instance_type=$1" 2>&1; }
plan g.n2.medium || fail 'This plan should have been accepted.'
if plan g.n4.large >refused; then fail 'This plan should have been refused.'; fi
grep -q 'does not support instance type g.n4.large' refused || {
	cat refused
	fail 'This plan should have been refused for the instance type.'
}
say 'ok: terraform init from the zip, one plan accepted, one refused'
