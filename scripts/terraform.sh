#!/bin/sh
# Prints the path of Terraform; installs one if there is none.
#
#   terraform.sh                  $TERRAFORM, else terraform or tofu from PATH, else one in .tools/
#   terraform.sh --oldest 1.2     the same, with at least version 1.2 (default: 1.8, for provider functions)
#   terraform.sh 1.6.6            exactly that version, from .tools/ (see terraform/versions)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
# shellcheck source=scripts/version.sh
. "$root/scripts/version.sh"

newest=1.15.5
# The newest one that loads with glibc before 2.35.
legacy=1.6.6

# Do not contact HashiCorp for updates.
export CHECKPOINT_DISABLE=1

main() {
	oldest=1.8
	if [ "${1-}" = --oldest ]; then
		oldest=$2
		shift 2
	fi
	if [ $# -gt 0 ]; then
		in_tools "$1" || fail "$reason"
	elif [ -n "${TERRAFORM-}" ]; then
		given
	elif ! found_in_path; then
		in_tools "$newest" || fall_back
	fi
}

given() {
	path=$(command -v "$TERRAFORM" 2>/dev/null) || fail "TERRAFORM is $TERRAFORM, which is not an executable program."
	case $path in
	/*) ;;
	*) path=$PWD/$path ;;
	esac
	printf '%s\n' "$path"
}

found_in_path() {
	for name in terraform tofu; do
		path=$(command -v "$name" 2>/dev/null) || continue
		# The shim of a version manager does not work if no version is selected.
		found=$("$path" version 2>/dev/null | sed -nE 's/.*(Terraform|OpenTofu) v([0-9][0-9.]*).*/\1 \2/p' | head -n 1)
		case $found in
		'')
			say "$path does not print its version: skipped."
			continue
			;;
		'OpenTofu '*) enough=$(opentofu_equal "$oldest") ;;
		*) enough=$oldest ;;
		esac
		if older "${found#* }" "$enough"; then
			say "$path is $found, older than $enough: skipped."
			continue
		fi
		printf '%s\n' "$path"
		return
	done
	return 1
}

# OpenTofu is based on Terraform 1.6 and has had provider functions since 1.7.
opentofu_equal() {
	if [ "$1" = 1.8 ]; then echo 1.7; else echo "$1"; fi
}

# Prints the path of this version in .tools/. On failure $reason has the remedy, and status 3 means that there is no build
# for this machine.
in_tools() {
	launcher=$root/.tools/terraform/$1/terraform
	if [ ! -x "$launcher" ]; then
		need_python
		python3 "$root/scripts/terraform/install.py" "$1" "$root/.tools/terraform" || {
			status=$?
			[ "$status" -ne 2 ] || exit 2
			reason="Terraform $1 could not be set up, for the reason above. Install any Terraform or OpenTofu in PATH, or set TERRAFORM to its path."
			if [ "$status" -eq 4 ]; then
				reason="pip is missing, which is needed to install Terraform. Install it: $(
					install_line python3-pip python3-pip py3-pip 'brew install python3'
				)"
			fi
			return "$status"
		}
	fi
	printf '%s\n' "$launcher"
}

fall_back() {
	[ "$status" -eq 3 ] || fail "$reason"
	say "Using Terraform $legacy, which has no provider functions."
	in_tools "$legacy" || fail "$reason"
}

need_python() {
	if command -v python3 >/dev/null 2>&1 &&
		python3 -c 'import sys, ctypes; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
		return
	fi
	fail "Neither Terraform nor Python 3.8 is installed; Python is needed to install Terraform. Install either: $(
		install_line 'python3 python3-venv' 'python3 python3-pip' 'python3 py3-pip' 'brew install python3'
	)"
}

main "$@"
