#!/usr/bin/env python3
"""Writes what is linked into the binary as CycloneDX JSON: sbom.py OUTPUT TARGET...

The crates are those of `cargo tree` for the targets, without what is only used to build or to test; versions and
checksums are those of Cargo.lock. The same commit gives the same bytes.
"""

import datetime
import json
import os
import re
import subprocess
import sys

ROOT = "terraform-provider-jdcloud"


def main(output, *targets):
    parents = {}  # a crate -> what it depends on
    licences = {}
    for target in targets:
        tree = subprocess.run(
            ["scripts/cargo.sh", "tree", "--locked", "--package", ROOT, "--target", target]
            + ["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "|{p}|{l}"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        path = []
        for line in filter(None, tree.stdout.splitlines()):
            depth, package, licence = line.split("|", 2)
            name, version = re.match(r"(\S+) v(\S+)", package).groups()
            crate = (name, version)
            del path[int(depth) :]
            parents.setdefault(crate, set())
            if path:
                parents[path[-1]].add(crate)
            path.append(crate)
            licences[crate] = licence.replace("(*)", "").strip()
    with open("Cargo.lock", encoding="utf-8") as lock:
        entries = re.findall(r'name = "(.*)"\nversion = "(.*)"\n(?:source = .*\nchecksum = "(.*)")?', lock.read())
    locked = {(name, version): checksum for name, version, checksum in entries}
    root = next(crate for crate in parents if crate[0] == ROOT)
    components = [component(crate, licences[crate], locked[crate]) for crate in sorted(parents) if crate != root]
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or commit_time())
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {**component(root, licences[root], None), "type": "application"},
            "properties": [{"name": "target", "value": target} for target in targets],
        },
        "components": components,
        "dependencies": [
            {"ref": reference(crate), "dependsOn": sorted(map(reference, children))}
            for crate, children in sorted(parents.items())
        ],
    }
    with open(output, "w", encoding="utf-8", newline="\n") as file:
        json.dump(bom, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{len(components)} crates", file=sys.stderr)


def component(crate, licence, checksum):
    name, version = crate
    found = {
        "type": "library",
        "bom-ref": reference(crate),
        "name": name,
        "version": version,
        # The older of Cargo's two ways to write OR is no SPDX expression.
        "licenses": [{"expression": re.sub(r"\s*/\s*", " OR ", licence)}],
        "purl": reference(crate),
    }
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


def reference(crate):
    return "pkg:cargo/{}@{}".format(*crate)


def commit_time():
    return subprocess.run(["git", "log", "-1", "--format=%ct"], check=True, stdout=subprocess.PIPE, text=True).stdout


main(*sys.argv[1:])
