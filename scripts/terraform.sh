#!/bin/sh
# Prints the path of a Terraform, setting one up where there is none.
#
#   terraform.sh                  $TERRAFORM, else terraform or tofu from PATH, else our own in .tools/
#   terraform.sh --oldest 1.2     the same, content with any version from 1.2 on (default: 1.8, provider functions)
#   terraform.sh 1.6.6            exactly that version, from .tools/ (see terraform/versions)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/say.sh
. "$root/scripts/say.sh"
# shellcheck source=scripts/version.sh
. "$root/scripts/version.sh"

newest=1.15.5
# For a C library before glibc 2.35, where no newer one loads.
modest=1.6.6

# Nothing here tells anybody that it ran.
export CHECKPOINT_DISABLE=1

main() {
	oldest=1.8
	if [ "${1-}" = --oldest ]; then
		oldest=$2
		shift 2
	fi
	if [ $# -gt 0 ]; then
		ours "$1" || fail "$reason"
	elif [ -n "${TERRAFORM-}" ]; then
		given
	elif ! found_in_path; then
		ours "$newest" || fall_back
	fi
}

given() {
	path=$(command -v "$TERRAFORM" 2>/dev/null) || fail "TERRAFORM names $TERRAFORM, which is no program."
	case $path in
	/*) ;;
	*) path=$PWD/$path ;;
	esac
	printf '%s\n' "$path"
}

found_in_path() {
	for name in terraform tofu; do
		path=$(command -v "$name" 2>/dev/null) || continue
		# A version manager's shim with no version chosen is there and does not work.
		told=$("$path" version 2>/dev/null | sed -nE 's/.*(Terraform|OpenTofu) v([0-9][0-9.]*).*/\1 \2/p' | head -n 1)
		case $told in
		'')
			say "$path does not tell its version: passed over."
			continue
			;;
		'OpenTofu '*) enough=$(opentofu_equal "$oldest") ;;
		*) enough=$oldest ;;
		esac
		if older "${told#* }" "$enough"; then
			say "$path is $told, older than $enough: passed over."
			continue
		fi
		printf '%s\n' "$path"
		return
	done
	return 1
}

# OpenTofu began at Terraform 1.6 and had provider functions one release earlier.
opentofu_equal() {
	if [ "$1" = 1.8 ]; then echo 1.7; else echo "$1"; fi
}

# Prints the path of our own Terraform of that version; on failure $reason says what to do, and 3 means that this
# version has no build for this machine.
ours() {
	launcher=$root/.tools/terraform/$1/terraform
	if [ ! -x "$launcher" ]; then
		need_python
		python3 "$root/scripts/terraform/install.py" "$1" "$root/.tools/terraform" || {
			status=$?
			[ "$status" -ne 2 ] || exit 2
			reason="Terraform $1 could not be set up, for the reason above. Any Terraform or OpenTofu will do: put it in PATH, or name it in TERRAFORM."
			if [ "$status" -eq 4 ]; then
				reason="Python's pip is missing, which sets up Terraform. Install it: $(
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
	say "So Terraform $modest is used, which has no provider functions."
	ours "$modest" || fail "$reason"
}

need_python() {
	if command -v python3 >/dev/null 2>&1 &&
		python3 -c 'import sys, ctypes; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
		return
	fi
	fail "There is neither Terraform nor Python 3.8 here, and Terraform is set up with Python. Install either: $(
		install_line 'python3 python3-venv' 'python3 python3-pip' 'python3 py3-pip' 'brew install python3'
	)"
}

main "$@"
