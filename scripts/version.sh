# Compares dotted version numbers. Sourced, not executed.
# shellcheck shell=sh

# older A B: true if version A comes before version B, by major and minor number.
older() {
	[ "$(version_rank "$1")" -lt "$(version_rank "$2")" ]
}

version_rank() {
	major=${1%%.*}
	rest=${1#*.}
	minor=${rest%%.*}
	minor=${minor%%[!0-9]*}
	printf '%d' "$((major * 1000 + minor))"
}
