"""The files of a release, with nothing in them that depends on when and where they are made.

    package.py zip VERSION PLATFORM BINARY DIST        terraform-provider-jdcloud_VERSION_PLATFORM.zip
    package.py manifest VERSION FILE DIST              terraform-provider-jdcloud_VERSION_manifest.json
    package.py sums VERSION DIST                       terraform-provider-jdcloud_VERSION_SHA256SUMS, and …_sbom.json.sha256

SOURCE_DATE_EPOCH is the time that the zip's entries carry.
"""

import hashlib
import os
import pathlib
import sys
import time
import zipfile

NAME = "terraform-provider-jdcloud"


def make_zip(version, platform, binary, dist):
    moment = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    suffix = pathlib.Path(binary).suffix
    path = pathlib.Path(dist) / f"{NAME}_{version}_{platform}.zip"
    entries = [
        (f"{NAME}_v{version}{suffix}", binary, 0o755),
        ("LICENSE", "LICENSE", 0o644),
        ("README.md", "README.md", 0o644),
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source, mode in entries:
            entry = zipfile.ZipInfo(name, moment)
            entry.create_system = 3  # Unix, whose modes the next line sets
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, pathlib.Path(source).read_bytes())


def copy_manifest(version, source, dist):
    (pathlib.Path(dist) / f"{NAME}_{version}_manifest.json").write_bytes(pathlib.Path(source).read_bytes())


def write_sums(version, dist):
    dist = pathlib.Path(dist)
    begin = f"{NAME}_{version}_"
    # The Registry refuses a release whose checksums name a file that it does not fetch, so the SBOM has its own.
    for name, files in [
        (f"{begin}SHA256SUMS", [*dist.glob(f"{begin}*.zip"), dist / f"{begin}manifest.json"]),
        (f"{begin}sbom.json.sha256", [dist / f"{begin}sbom.json"]),
    ]:
        lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(files)]
        (dist / name).write_text("".join(lines))


COMMANDS = {"zip": make_zip, "manifest": copy_manifest, "sums": write_sums}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
