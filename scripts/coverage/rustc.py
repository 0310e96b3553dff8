#!/usr/bin/env python3
"""cargo's wrapper around rustc for the crates of this workspace: they count what runs.

The second flag keeps the count of a process that is killed (`%c` in LLVM_PROFILE_FILE). Not a shell's work: dash drops
variables with a hyphen in their names, and cargo tells the path of a binary in one.
"""

import os
import sys

os.execvp(sys.argv[1], [*sys.argv[1:], "-Cinstrument-coverage", "-Cllvm-args=-runtime-counter-relocation"])
