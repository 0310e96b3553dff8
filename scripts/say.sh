# Output of the scripts. Sourced, not executed.
# shellcheck shell=sh

# say TEXT: prints progress to stderr; stdout is for results.
say() { printf '%s\n' "$*" >&2; }

# fail TEXT: prints an error and exits.
fail() {
	say "$*"
	exit 1
}

# install_line DEBIAN FEDORA ALPINE MACOS: prints the command that installs a package on this machine.
install_line() {
	sudo=''
	if [ "$(id -u)" -ne 0 ]; then sudo='sudo '; fi
	if [ "$(uname -s)" = Darwin ]; then
		printf '%s' "$4"
	elif command -v apt-get >/dev/null 2>&1; then
		printf '%sapt-get install -y %s' "$sudo" "$1"
	elif command -v dnf >/dev/null 2>&1; then
		printf '%sdnf install -y %s' "$sudo" "$2"
	elif command -v yum >/dev/null 2>&1; then
		printf '%syum install -y %s' "$sudo" "$2"
	elif command -v apk >/dev/null 2>&1; then
		printf '%sapk add %s' "$sudo" "$3"
	else
		printf 'apt-get install %s (Debian, Ubuntu), dnf install %s (Fedora, RHEL), apk add %s (Alpine)' "$1" "$2" "$3"
	fi
}
