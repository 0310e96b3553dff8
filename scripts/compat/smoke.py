"""Plans and applies on a Terraform that is too old for the acceptance tests: smoke.py TERRAFORM DIRECTORY

DIRECTORY contains the built provider and emulator. The builds of Terraform before 1.0 in Python packages are patched: they
ignore evaluation errors and have additional output, so this script checks the state file, and cannot check that rules
reject something. Prints a line for each successful check.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MODERN = """
terraform {
  required_providers {
    jdcloud = { source = "jdcloud/jdcloud" }
  }
}
"""

# timestamp() is unknown until apply, and so are values derived from it.
MAIN = """
provider "jdcloud" {}

data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204", "img-gpu", "img-private"]
}

data "jdcloud_image_constraints" "later" {
  ids = [substr("img-gpu${timestamp()}", 0, 7)]
}

output "excluded" {
  value = data.jdcloud_image_constraints.web.excluded_instance_types
}

output "included" {
  value = data.jdcloud_image_constraints.web.included_instance_types
}

output "missing" {
  value = data.jdcloud_image_constraints.web.missing_ids
}

output "types" {
  value = data.jdcloud_image_constraints.web.image_constraints[1].instance_types
}

output "later" {
  value = data.jdcloud_image_constraints.later.included_instance_types
}

output "allowed" {
  value = ! contains(data.jdcloud_image_constraints.web.excluded_instance_types["img-ubuntu2204"], "g.n4.large")
}
"""

EXCLUDED = ["g.n4.large", "m.n2.18xlarge", "p.c1p40g.large"]


def main(terraform, built):
    built = pathlib.Path(built).resolve()
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        emulator = subprocess.Popen(
            [built / "jdcloud-emulator", "--port", "0", "--exit-with-stdin", "--verbose"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(work / "emulator.log", "w"),
            text=True,
        )
        try:
            endpoint = emulator.stdout.readline().split()[-1]
            minor = version(terraform)
            # Since 0.15 Terraform supports both, and prefers protocol 6.
            for protocol in ("5",) if minor < (0, 15) else ("6", "5"):
                (work / protocol).mkdir()
                check(terraform, minor, protocol, built, work / protocol, endpoint)
        finally:
            emulator.stdin.close()
            emulator.wait()


def version(terraform):
    output = subprocess.run([terraform, "version"], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in output.split("Terraform v")[1].split(".")[:2])


def check(terraform, minor, protocol, built, work, endpoint):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "CHECKPOINT_DISABLE": "1",
        "TF_LOG": "TRACE",
        "TF_CLI_CONFIG_FILE": str(work / "cli.tfrc"),
        "JDCLOUD_VM_ENDPOINT": endpoint,
        "JDCLOUD_ACCESS_KEY": "EMULATOR-ACCESS-KEY",
        "JDCLOUD_SECRET_KEY": "EMULATOR-SECRET-KEY",
        "JDCLOUD_REGION": "cn-north-1",
    }
    logs = []

    def run(*arguments):
        done = subprocess.run([terraform, *arguments], cwd=work, env=environment, capture_output=True, text=True)
        logs.append(done.stdout + done.stderr)
        if done.returncode != 0:
            sys.exit(f"terraform {' '.join(arguments)} failed:\n" + "\n".join(logs[-1].splitlines()[-60:]))
        return done.stdout

    (work / "cli.tfrc").write_text("")
    (work / "main.tf").write_text(MAIN if minor < (0, 13) else MODERN + MAIN)
    install(built, work, minor, protocol)

    run("init", "-input=false")
    ok("terraform init finds the provider")
    planned = run("plan", "-input=false")
    if "will be read during apply" not in planned:
        sys.exit("the read with unknown ids is not deferred")
    ok("a plan with a read, and with a deferred read")
    # The patched builds omit reads in plan files, so apply makes a new plan.
    run("apply", "-input=false", "-auto-approve")
    state = json.loads((work / "terraform.tfstate").read_text())
    outputs = {name: output["value"] for name, output in state["outputs"].items()}

    def same(name, expected):
        if outputs.get(name) != expected:
            sys.exit(f"output {name} is {outputs.get(name)!r} instead of {expected!r}")

    same("excluded", {"img-ubuntu2204": EXCLUDED, "img-gpu": None, "img-private": []})
    ok("the map of excluded types, with null")
    same("missing", ["img-private"])
    same("types", EXCLUDED)
    ok("the list of rows")
    gpu = outputs["included"].get("img-gpu")
    if not gpu:
        sys.exit(f"included is {outputs['included']!r}")
    same("later", {"img-gpu": gpu})
    ok("the map of included types, read in plan and in apply")
    same("allowed", False)
    ok("a rule on the map")
    run("destroy", "-force" if minor < (0, 15) else "-auto-approve")
    ok("terraform destroy")
    text = "\n".join(logs)
    used = set(re.findall("/tfplugin([0-9])[.]Provider/", text))
    if used != {protocol}:
        sys.exit(f"protocol {protocol} was not used, but {used}")
    ok(f"protocol {protocol} was used")
    if "EMULATOR-SECRET-KEY" in text:
        sys.exit("the secret key is in the log")
    ok("no secret in the log")


def install(built, work, minor, protocol):
    provider = built / "terraform-provider-jdcloud"
    own = subprocess.run([provider, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    name = f"terraform-provider-jdcloud_v{own}"
    if minor < (0, 13):
        plugins = work / "terraform.d/plugins/linux_amd64"
    else:
        plugins = work / f"mirror/registry.terraform.io/jdcloud/jdcloud/{own}/linux_amd64"
        mirror = json.dumps(str(work / "mirror"))
        (work / "cli.tfrc").write_text(f"provider_installation {{\n  filesystem_mirror {{\n    path = {mirror}\n  }}\n}}\n")
    plugins.mkdir(parents=True)
    if protocol == "5" and minor >= (0, 15):
        (plugins / name).write_text(f"#!/bin/sh\nPLUGIN_PROTOCOL_VERSIONS=5 exec '{provider}' \"$@\"\n")
        (plugins / name).chmod(0o755)
    else:
        shutil.copy(provider, plugins / name)


def ok(what):
    print(f"ok: {what}", flush=True)


main(*sys.argv[1:])
