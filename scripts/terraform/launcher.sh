#!/bin/sh
# Looks like the terraform command. It is installed beside the package that holds the real thing: a program of its own,
# or a library that one Python process loads.
here=${0%/*}
if [ -L "$0" ]; then here=$(dirname "$(readlink -f "$0")"); fi

# Never asks HashiCorp whether there is something newer.
export CHECKPOINT_DISABLE=1

for program in "$here"/package/cloudrail/*/terraform; do
	if [ -x "$program" ]; then exec "$program" "$@"; fi
done

python=$here/python
# The Python that installed it may have gone; any other will do, the package needs nothing but ctypes.
if [ ! -x "$python" ]; then python=python3; fi
exec "$python" -I -S "$here/run_library.py" "$@"
