#!/bin/sh
# The terraform command. It is installed beside the package that contains Terraform as a program, or as a library that a
# Python process loads.
here=${0%/*}
if [ -L "$0" ]; then here=$(dirname "$(readlink -f "$0")"); fi

# Do not contact HashiCorp for updates.
export CHECKPOINT_DISABLE=1

for program in "$here"/package/cloudrail/*/terraform; do
	if [ -x "$program" ]; then exec "$program" "$@"; fi
done

python=$here/python
# If the Python of the installation was removed, use another: only ctypes is needed.
if [ ! -x "$python" ]; then python=python3; fi
exec "$python" -I -S "$here/run_library.py" "$@"
